"""What a piece of work costs, what two processes gain, and a simulated schedule for thousands of workers.

Usage: python benchmarks/scaling.py [--small]

A proof by regions is searched in pieces by an executor that works in this process and measures the seconds of each
piece, the bytes to a worker and back, and the seconds that it takes to hand a piece out and to take it back. From that
a schedule is simulated: a worker takes the first piece in the order of the tree that waits; a piece waits from the
moment at which the piece that left it has been taken back; and those moments are one after the other. Then one process
puts the proof together, and the kernel's check of its parts is divided among the workers.
"""

from __future__ import annotations

import argparse
import heapq
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from statistics import mean, median, quantiles
from typing import Any
from unittest.mock import patch

sys.path[:0] = [str(Path(__file__).parent.parent)]

from exactformer import Box, ReluNetwork
from exactformer.compiler import compile_network
from exactformer.prover import parallel, verify
from exactformer.subdivision import count
from exactformer.work import Record, Work

WORKERS = (1, 2, 10, 100, 1_000, 10_000)
SIDE_BY_SIDE = 1_000  # copies of the measured tree, for a proof that takes so many times as long
NETWORK = 0.5e-3  # seconds for a message in a data centre, and
RATE = 1e9 / 8  # bytes a second on a line of one gigabit


@dataclass(frozen=True)
class Piece:
    """A piece of work: where it is in the tree, its seconds, the bytes to the worker and back."""

    key: tuple[int, ...]
    seconds: float
    sent: int
    received: int


class Measuring(Executor):
    """Works at once, in this thread, and measures."""

    def __init__(self) -> None:
        self.measured: list[tuple[float, int, int]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        sent = len(pickle.dumps(args))
        started = time.perf_counter()
        result = fn(*args, **kwargs)
        seconds = time.perf_counter() - started
        self.measured.append((seconds, sent, len(pickle.dumps(result))))
        future.set_result(result)
        return future


def network(inputs: int, widths: Sequence[int], seed: int = 0) -> ReluNetwork:
    """A network of random weights with eight binary digits."""
    r = Random(seed)
    layers, below = [], inputs
    for width in widths:
        rows = [[f"{round(256 * r.gauss(0, below**-0.5))}/256" for _ in range(below)] for _ in range(width)]
        layers.append((rows, [f"{round(100 * r.gauss(0, 1))}/256" for _ in range(width)]))
        below = width
    return ReluNetwork.of(layers, ([[1] * below], [0]), domain=Box([-1] * inputs, [1] * inputs))


def proof(source: ReluNetwork, work: Work) -> float:
    """The seconds of a proof by regions."""
    transformer = compile_network(source).transformer
    started = time.perf_counter()
    outcome = verify(source, transformer, method="regions", cross_check=(), timeout=3600, work=work)
    assert outcome.verdict == "proved"
    return time.perf_counter() - started


@dataclass(frozen=True)
class Measured:
    """A proof: its pieces, the parts that the kernel checks, and what one process does before, between and after."""

    pieces: list[Piece]
    parts: list[float]
    first: float
    serial: float  # for each piece
    last: float  # with a list of all regions, which longer proofs do not have
    together: float  # without it

    @property
    def work(self) -> float:
        """The seconds of one process."""
        return self.first + sum(piece.seconds for piece in self.pieces) + self.last + sum(self.parts)


def measured(source: ReluNetwork, seconds: float) -> Measured:
    """A proof in pieces of so many seconds."""
    executor, pieces = Measuring(), list[Any]()
    spent = dict.fromkeys(("begin", "finish", "__getitem__", "whole"), 0.0)

    def timed(name: str) -> Callable[..., Any]:
        own = getattr(parallel._Pieces, name)

        def run(self: Any, *args: Any) -> Any:
            started = time.perf_counter()
            try:
                return own(self, *args)
            finally:
                spent[name] += time.perf_counter() - started
                pieces[:] = [self]

        return run

    whole, together = timed("whole"), list[float]()

    def twice(self: Any) -> Any:
        """All steps together: as it is, and without the list of the regions."""
        found = whole(self)
        with patch.object(parallel, "LISTED", 0):
            started = time.perf_counter()
            own(self)
            together.append(time.perf_counter() - started)
        return found

    own = parallel._Pieces.whole
    with ExitStack() as stack:
        for name in ("begin", "finish", "__getitem__"):
            stack.enter_context(patch.object(parallel._Pieces, name, timed(name)))
        stack.enter_context(patch.object(parallel._Pieces, "whole", twice))
        stack.enter_context(patch.object(parallel, "SECONDS", seconds))
        stack.enter_context(patch.object(parallel, "AT_FIRST", seconds))
        proof(source, Work(2, executor))
    keys = [key for key, _ in pieces[0]._given]
    found = [Piece(key, *own) for key, own in zip(keys, executor.measured, strict=False)]
    parts = [seconds for seconds, _, _ in executor.measured[len(keys) :]]
    serial = (spent["finish"] + spent["__getitem__"]) / len(found)
    return Measured(found, parts, spent["begin"], serial, spent["whole"], together[0])


def simulated(proof: Measured, workers: int, copies: int) -> float:
    """When the last part has been checked, of so many proofs side by side."""
    children: dict[tuple[int, ...], list[Piece]] = {}
    for piece in proof.pieces:
        children.setdefault(piece.key[:-1], []).append(piece)
    waiting: list[tuple[tuple[int, ...], int, Piece]] = []
    for copy in range(copies):
        for piece in children.get((), []):
            heapq.heappush(waiting, (piece.key, copy, piece))
    running: list[tuple[float, int, int, Piece]] = []
    now, master, number = proof.first, proof.first, 0
    while waiting or running:
        while waiting and len(running) < workers:
            _, copy, piece = heapq.heappop(waiting)
            master = max(master, now) + proof.serial / 2
            travel = 2 * NETWORK + (piece.sent + piece.received) / RATE
            heapq.heappush(running, (master + travel + piece.seconds, number, copy, piece))
            number += 1
        now, _, copy, piece = heapq.heappop(running)
        master = max(master, now) + proof.serial / 2
        now = max(now, master)
        for child in children.get(piece.key, []):
            heapq.heappush(waiting, (child.key, copy, child))
    now += proof.last if copies == 1 else copies * proof.together
    ready = [now] * workers
    for part in proof.parts * copies:
        heapq.heapreplace(ready, ready[0] + part)
    return max(ready)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="a smaller proof and count")
    small = parser.parse_args().small
    width, copies = (12, 10) if small else (40, SIDE_BY_SIDE)
    for seconds in (0.1,) if small else (parallel.AT_FIRST, parallel.SECONDS):
        schedule(
            measured(network(3, [width]), seconds), f"proof by regions of a 3-{width}-1, {seconds} s a piece", copies
        )
    side_by_side(network(3, [14] if small else [60]), network(3, [40, 30] if small else [200, 150]))


def schedule(proof: Measured, name: str, copies: int) -> None:
    """What was measured of a proof, and how long it would take by how many workers."""
    pieces, costs = proof.pieces, sorted(piece.seconds for piece in proof.pieces)
    cuts = quantiles(costs, n=20)
    sent, back = mean(piece.sent for piece in pieces), mean(piece.received for piece in pieces)
    print(f"{name}: {len(pieces)} pieces, {proof.work:.1f} s of work")
    print(f"  seconds   mean {mean(costs):.3f}, 5 % below {cuts[0]:.3f}, half {median(costs):.3f}, 95 % {cuts[-1]:.3f}")
    print(f"  bytes     {sent:.0f} to a worker, {back:.0f} back, on average")
    print(f"  serial    {1e3 * proof.serial:.2f} ms to hand out and take back a piece;")
    print(f"            {proof.first:.2f} s before the first, {proof.last:.2f} s after the last,")
    print(f"            {proof.together:.2f} s of them without a list of the regions")
    print(f"  kernel    {sum(proof.parts):.1f} s in {len(proof.parts)} parts")
    print(f"  longest   way through the tree: {longest(pieces) + proof.first:.2f} s")
    print(f"workers   this proof              {copies} of them side by side")
    for workers in WORKERS:
        one, many = (simulated(proof, workers, number) for number in (1, copies))
        gains = proof.work / one, (proof.work - proof.last + proof.together) * copies / many
        print(f"{workers:7}   {one:8.1f} s  {gains[0]:7.1f} x   {many:10.1f} s  {gains[1]:8.1f} x", flush=True)


def side_by_side(small: ReluNetwork, large: ReluNetwork) -> None:
    """One process, one with a record, and two: of a proof and a count; and what two processes could gain at most."""
    for name, run in (("proof", partial(proof, small)), ("count", partial(counted, large))):
        times = []
        for jobs in (1, 2):
            times.append(run(Work(jobs)))
            if jobs == 1:
                with tempfile.TemporaryDirectory() as folder, Record(Path(folder) / "run", {}) as record:
                    times.append(run(Work(record=record)))
        alone, written, two = times
        started = time.perf_counter()
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(run, (Work(), Work())))
        most = 2 * alone / (time.perf_counter() - started)
        gain = f"{alone / two:.2f} x (two that share nothing: {most:.2f} x)"
        print(f"{name}     one process {alone:.1f} s, with a record {written:.1f} s, two processes {two:.1f} s: {gain}")


def counted(source: ReluNetwork, work: Work) -> float:
    """The seconds of a count."""
    started = time.perf_counter()
    found = count(source, work=work)
    print(f"  {found.activation_regions} regions")
    return time.perf_counter() - started


def longest(pieces: Sequence[Piece]) -> float:
    """The seconds of the pieces on the way from the root that takes longest."""
    seconds = {piece.key: piece.seconds for piece in pieces}
    return max(sum(seconds.get(key[:n], 0.0) for n in range(1, len(key) + 1)) for key in seconds)


if __name__ == "__main__":
    main()
