"""Limits of time: where they interrupt, where they wait, and what they leave behind.

Most tests send the alarm themselves, so that it comes at a known place; the limits they set are never reached.
"""

from __future__ import annotations

import gc
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from exactformer import rational
from exactformer.work import NEVER, Deadline, OutOfTime, time_limit
from exactformer.work.deadline import TICK

LONG = 1e6  # seconds


def run_in(module: str, program: str) -> None:
    """Run a program as if it were code of the given module."""
    exec(program, {"__name__": module, "signal": signal, "count": count, "sleep": time.sleep})


def alarm_in(module: str) -> None:
    """The alarm of the operating system while code of the given module is running."""
    run_in(module, "signal.raise_signal(signal.SIGALRM)\nfor _ in range(10): pass")


def endless() -> None:
    """Code of the package that only an interruption ends."""
    run_in(rational.__name__, "for _ in count(): pass")


def left_behind() -> tuple:
    return signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)


def test_interrupts_the_package() -> None:
    before = left_behind()
    with pytest.raises(OutOfTime), time_limit(LONG):
        alarm_in(rational.__name__)
    assert left_behind() == before


def test_the_alarm_comes_by_itself() -> None:
    """Without it this test would not end."""
    before = left_behind()
    with pytest.raises(OutOfTime), time_limit(0.05):
        endless()
    assert left_behind() == before


def test_comes_again_until_it_interrupts() -> None:
    with time_limit(LONG):
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= LONG and abs(interval - TICK) < 1e-3  # a kernel counts in ticks of its own
    assert left_behind()[1] == (0, 0)


def test_waits_until_a_library_is_done() -> None:
    done = []
    with pytest.raises(OutOfTime), time_limit(LONG):
        alarm_in("a_library")
        done.append("library")
        alarm_in(rational.__name__)
    assert done == ["library"]


def test_is_not_lost_in_the_garbage_collector() -> None:
    """A callback of the collector swallows exceptions: the alarm must come back after it (found in CI)."""
    phases = []

    def callback(phase: str, info: dict) -> None:
        phases.append(phase)
        alarm_in("a_library")

    gc.callbacks.append(callback)
    try:
        with pytest.raises(OutOfTime), time_limit(LONG):
            gc.collect()
            assert phases[:2] == ["start", "stop"]
            alarm_in(rational.__name__)
    finally:
        gc.callbacks.remove(callback)


def test_leaves_a_quick_block_and_a_foreign_alarm_alone() -> None:
    before = left_behind()
    with time_limit(LONG):
        pass
    assert left_behind() == before
    with time_limit(LONG):
        inner = left_behind()
        with pytest.raises(OutOfTime), time_limit(0.01):  # an alarm is set already
            endless()
        assert left_behind()[0] == inner[0] and left_behind()[1][0] > LONG / 2


def test_holds_in_any_thread() -> None:
    """An alarm reaches the main thread only: elsewhere a limit used to be none."""

    def limited() -> bool:
        done = []
        with pytest.raises(OutOfTime), time_limit(0.02):
            run_in("a_library", "sleep(0.2)\nfor _ in range(10**5): pass")
            done.append("library")
            endless()
        with time_limit(LONG):  # nothing of the first is left
            run_in(rational.__name__, "for _ in range(10**6): pass")
        return done == ["library"]

    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(lambda _: limited(), range(2)))


def test_leaves_nothing_for_the_interpreter_to_look_for() -> None:
    """A limit within a limit, or in a thread, used to hang whatever was profiled or traced later in the process."""
    program = """
import sys, threading
from exactformer.work import OutOfTime, time_limit
def limited(seconds):
    try:
        with time_limit(seconds):
            exec("while seconds < 1: pass", {"__name__": "exactformer.rational", "seconds": seconds})
    except OutOfTime:
        return
with time_limit(1000):
    limited(0.01)
    limited(1000)
thread = threading.Thread(target=limited, args=(0.01,))
thread.start()
thread.join()
seen = []
for watch in (sys.setprofile, sys.settrace):
    watch(lambda frame, event, argument: seen.append(event))
    (lambda: abs(-1))()
    watch(None)
print("call" in seen)
"""
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout == "True\n"


def test_a_deadline_travels_as_a_time_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = {"time": 1e9, "monotonic": 9000.0}
    for name in clocks:
        monkeypatch.setattr(time, name, lambda name=name: clocks[name])
    there = pickle.dumps(Deadline.after(100))
    clocks |= {"time": 1e9 + 30, "monotonic": 4000.0}  # after 30 s on its way, on a machine that was started later
    assert abs(pickle.loads(there).left - 70) < 1e-3
    assert pickle.loads(pickle.dumps(NEVER)) == NEVER and not NEVER.passed
    assert Deadline.after(-1).passed and Deadline.after(None) == NEVER
    assert NEVER.within(5).left <= 5 and Deadline.after(1).within(5).left <= 1
    with pytest.raises(OutOfTime):
        Deadline.after(-1).check()
