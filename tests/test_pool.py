"""Processes that share work: killed in the middle of it, they leave nothing that waits for them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exactformer.work import Deadline, OutOfTime, Work
from exactformer.work.pool import spread

PIPE = 1 << 20  # bytes that no pipe takes at once


def length(data: bytes) -> int:
    return len(data)


def asleep(seconds: float, data: bytes) -> bytes:
    time.sleep(seconds)
    return data


def test_results_come_with_their_numbers() -> None:
    found = dict(spread(length, [(bytes(n),) for n in range(20)], work=Work(jobs=2)))
    assert found == {n: n for n in range(20)}


@pytest.mark.parametrize("answer", [bytes(0), bytes(PIPE)])
def test_killed_processes_leave_no_thread(answer: bytes) -> None:
    """A task that was on its way to a killed process, or an answer from one, kept the program from its end."""
    threads = set(threading.enumerate())
    for _ in range(12):
        tasks = [(0.0, answer)] + [(0.0 if answer else 60.0, answer or bytes(PIPE))] * 12
        results = spread(asleep, tasks, work=Work(jobs=2))
        assert next(results)[1] == answer
        results.close()
        started = [thread for thread in threading.enumerate() if thread not in threads]
        for thread in started:
            thread.join(30)
        assert not any(thread.is_alive() for thread in started)


def test_tasks_past_the_deadline_are_not_waited_for() -> None:
    with pytest.raises(OutOfTime):
        list(spread(asleep, [(60.0, b"")] * 3, work=Work(jobs=2), deadline=Deadline.after(0.2)))


def test_tasks_of_a_given_executor_are_cancelled() -> None:
    """Those that nobody wants any more do not keep it."""
    begun: list[int] = []
    gate = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number:
            gate.wait(30)
        return number

    with ThreadPoolExecutor(1) as executor:
        results = spread(work, [(n,) for n in range(9)], work=Work(executor=executor))
        assert next(results) == (0, 0)
        results.close()
        gate.set()
    assert set(begun) <= {0, 1}
