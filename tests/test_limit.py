"""Limits of time: where it interrupts, where it waits, and what it leaves behind."""

from __future__ import annotations

import gc
import pickle
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exactformer import rational
from exactformer.work import NEVER, Deadline, OutOfTime, time_limit


def run_for(seconds: float, namespace: dict) -> None:
    """A busy loop whose code belongs to the given module."""
    exec("import time\nend = time.monotonic() + seconds\nwhile time.monotonic() < end: pass", namespace)


def inside_the_package(seconds: float) -> None:
    run_for(seconds, {"__name__": rational.__name__, "seconds": seconds})


def left_behind() -> tuple:
    return signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)


def test_interrupts_the_package() -> None:
    before, started = left_behind(), time.monotonic()
    with pytest.raises(OutOfTime), time_limit(0.05):
        inside_the_package(20)
    assert time.monotonic() - started < 10
    assert left_behind() == before


def test_waits_until_a_library_is_done() -> None:
    done = []
    with pytest.raises(OutOfTime), time_limit(0.02):
        run_for(0.2, {"__name__": "a_library", "seconds": 0.2})
        done.append("library")
        inside_the_package(20)
    assert done == ["library"]


def test_is_not_lost_in_the_garbage_collector() -> None:
    """A callback of the collector swallows exceptions: the alarm must come back after it (found in CI)."""

    def callback(phase: str, info: dict) -> None:
        run_for(0.05, {"__name__": "a_library", "seconds": 0.05})

    gc.callbacks.append(callback)
    try:
        with pytest.raises(OutOfTime), time_limit(0.02):
            gc.collect()
            inside_the_package(20)
    finally:
        gc.callbacks.remove(callback)


def test_leaves_a_quick_block_and_a_foreign_alarm_alone() -> None:
    before = left_behind()
    with time_limit(30):
        pass
    assert left_behind() == before
    with time_limit(300):
        inner = left_behind()
        with pytest.raises(OutOfTime), time_limit(0.01):  # an alarm is set already
            inside_the_package(20)
        assert left_behind()[0] == inner[0] and left_behind()[1][0] > 0


def test_holds_in_any_thread() -> None:
    """An alarm reaches the main thread only: elsewhere a limit used to be none."""

    def limited() -> bool:
        done = []
        with pytest.raises(OutOfTime), time_limit(0.02):
            run_for(0.2, {"__name__": "a_library", "seconds": 0.2})
            done.append("library")
            inside_the_package(20)
        with time_limit(30):  # nothing of the first is left
            run_for(0.05, {"__name__": rational.__name__, "seconds": 0.05})
        return done == ["library"]

    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(lambda _: limited(), range(2)))


def test_a_deadline_travels_as_a_time_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    there = pickle.dumps(Deadline.after(100))
    here, clock = time.time(), time.monotonic()
    monkeypatch.setattr(time, "time", lambda: here + 30)  # it was on its way for so long,
    monkeypatch.setattr(time, "monotonic", lambda: clock - 5000)  # to a machine that was started later
    assert 60 < pickle.loads(there).left < 75
    assert pickle.loads(pickle.dumps(NEVER)) == NEVER and not NEVER.passed
    assert Deadline.after(-1).passed and Deadline.after(None) == NEVER
    assert NEVER.within(5).left <= 5 and Deadline.after(1).within(5).left <= 1
    with pytest.raises(OutOfTime):
        Deadline.after(-1).check()
