"""A proof searched by several workers is the tree that one finds, with any executor."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from exactformer import Domain, MaxoutNetwork, ReluNetwork
from exactformer.checking import check
from exactformer.compiler import compile_network
from exactformer.errors import Faults
from exactformer.folder import write_folder
from exactformer.networks import Affine, Block, Head, Network, Transformer
from exactformer.prover import Outcome, parallel, verify
from exactformer.prover.here import goal_of, packed
from exactformer.prover.question import ask
from exactformer.work import Status, Work

F = Fraction
SQUARE = Domain.box(2, -1, 1)


class Inline(Executor):
    """Runs every task at once, in the caller's thread, and counts them."""

    def __init__(self) -> None:
        self.tasks = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def random_relu(seed: int, inputs: int = 2, widths: tuple[int, ...] = (4, 4)) -> ReluNetwork:
    r = random.Random(seed)
    layers, below = [], inputs
    for width in widths:
        rows = [[F(r.randint(-4, 4), 2) for _ in range(below)] for _ in range(width)]
        layers.append((rows, [F(r.randint(-4, 4), 4) for _ in range(width)]))
        below = width
    return ReluNetwork.of(layers, ([[r.choice([-1, 1, 2]) for _ in range(below)]], [0]))


def sums(n: int) -> tuple[ReluNetwork, MaxoutNetwork]:
    """|x_1| + ... + |x_n| twice: by units of its own for each, and as a maximum of 2^n sums."""
    unit = [[int(i == j) for j in range(n)] for i in range(n)]
    relu = ReluNetwork.of([([*unit, *([-x for x in row] for row in unit)], [0] * 2 * n)], ([[1] * 2 * n], [0]))
    signs = [list(choice) for choice in product((1, -1), repeat=n)]
    return relu, MaxoutNetwork.of([([signs], [[0] * 2**n])], ([[1]], [0]))


def steps(kinks: list[Fraction]) -> Transformer:
    """The sum of the steps 1[x > kink], a head each: the kinks themselves are cells of their own."""
    n = len(kinks)
    embedding = tuple(Affine.of([[k]] * n + [[0]] * 2, [*(-k * x for x in kinks), (k + 1) // 2, 1]) for k in (1, -1))
    key = [[[int(c == i) for c in range(n + 2)]] for i in range(n + 2)]
    heads = tuple(Head.of(key[n + 1], key[i], key[n], [[x] for x in key[n][0]]) for i in range(n))
    return Transformer(embedding, (Block(heads, None),), 0, Affine.of(key[n], [0]), residual=False)


def steps_of(outcome: Outcome) -> list[Any]:
    assert outcome.certificate is not None
    return list(outcome.certificate["tree"])


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of one step each: cells are left at every place where they can be."""
    monkeypatch.setattr(parallel, "SECONDS", 0.0)
    monkeypatch.setattr(parallel, "AT_FIRST", 0.0)


def proofs() -> list[tuple[Network, Network, Domain, str]]:
    network = random_relu(1, widths=(6, 5))
    kinks = [F(0), F(1, 3), F(-1, 2), F(3, 4), F(-2, 3), F(1, 7)]
    return [
        (network, compile_network(network, domain=SQUARE).transformer, SQUARE, "regions"),
        (*sums(3), Domain.everything(3), "lazy"),
        (*sums(3), Domain.box(3, -1, 1), "regions"),
        (steps(kinks), steps(kinks[::-1]), Domain.box(1, -1, 1), "lazy"),
    ]


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "inline": Inline,
    "threads": lambda: ThreadPoolExecutor(3),
    "processes": lambda: ProcessPoolExecutor(2),
}


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("number", range(len(proofs())))
def test_same_tree_with_any_executor(number: int, executor: str) -> None:
    left, right, domain, method = proofs()[number]
    options: dict[str, Any] = {"domain": domain, "method": method, "tie": "leftmost", "cross_check": ()}
    alone = verify(left, right, **options)
    with EXECUTORS[executor]() as workers:
        together = verify(left, right, **options, executor=workers)
        assert getattr(workers, "tasks", 8) >= 8
    assert alone.verdict == together.verdict == "proved"
    assert steps_of(together) == steps_of(alone)
    assert together.counts == alone.counts
    assert together.regions == alone.regions


@pytest.mark.parametrize("method", ["lazy", "regions", "auto"])
def test_jobs_use_processes_of_their_own(tmp_path: Path, method: str) -> None:
    left, right = sums(3)
    alone, together = (
        verify(left, right, domain=Domain.box(3, -1, 1), method=method, jobs=jobs, cross_check=())  # type: ignore[arg-type]
        for jobs in (1, 2)
    )
    assert together.verdict == "proved"
    assert steps_of(together) == steps_of(alone)
    write_folder(together, tmp_path)
    assert check(tmp_path).theorem == alone.theorem


def test_regions_are_the_same_ones() -> None:
    network = random_relu(2, widths=(6, 6))
    compiled = compile_network(network, domain=SQUARE).transformer
    executor = Inline()
    alone = verify(network, compiled, method="regions", domain=SQUARE, cross_check=())
    together = verify(network, compiled, method="regions", domain=SQUARE, cross_check=(), executor=executor)
    assert executor.tasks >= 8
    assert together.counts == alone.counts
    assert len(together.regions) == len({region.pattern for region in together.regions}) == alone.counts["regions"]
    for region in together.regions:
        assert all(
            sum(a * x for a, x in zip(i.coefficients, region.interior, strict=True)) + i.constant > 0
            for i in region.inequalities
        )


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("method", ["lazy", "regions"])
def test_refuted_in_a_worker(method: str, executor: str) -> None:
    """A difference in a corner of size 2^-40 below (1/3, 1/3, ...) that no float search meets."""
    left, right = sums(3)
    third = F(1, 3)
    peak = ([[1, 1, 1]], [-3 * third + F(1, 2**40)])  # relu(x + y + z - 1 + 2^-40) where x, y, z <= 1/3
    rows = [*left.layers[0].weights.dense(), peak[0][0]]
    biases = [*left.layers[0].biases.fractions(), peak[1][0]]
    bumped = ReluNetwork.of([(rows, biases)], ([[1] * 7], [0]))
    domain = Domain.box(3, -1, third)
    with EXECUTORS[executor]() as workers:
        outcome = verify(bumped, right, domain=domain, method=method, executor=workers, jobs=2, cross_check=())  # type: ignore[arg-type]
    assert outcome.verdict == "refuted" and outcome.witness is not None
    assert sum(outcome.witness.point) > 1 - F(1, 2**40)
    assert all(x <= third for x in outcome.witness.point)


def test_out_of_time_in_workers() -> None:
    outcome = verify(*sums(9), domain=Domain.box(9, -1, 1), method="lazy", timeout=1, executor=Inline(), jobs=2)
    assert outcome.verdict == "unknown"
    assert outcome.reason is not None and "out of time" in outcome.reason


@pytest.mark.parametrize("method", ["lazy", "regions"])
def test_numbers_of_more_digits_than_python_prints(method: Any) -> None:
    """Points between the walls of the second layer have coordinates of 5,000 digits; the proof has none of them."""
    huge, tiny = 10**2500, F(1, 10**2500)
    layers = [([[huge, 1], [1, -huge], [-1, 3]], [0, tiny, 1]), ([[huge, -1, 1], [1, tiny, -2]], [-1, -tiny])]
    left = ReluNetwork.of(layers, ([[1, -1]], [0]))
    right = ReluNetwork.of([layers[0], (layers[1][0][::-1], layers[1][1][::-1])], ([[-1, 1]], [0]))
    alone, together = (
        verify(left, right, domain=SQUARE, method=method, cross_check=(), executor=executor, jobs=2 if executor else 1)
        for executor in (None, Inline())
    )
    assert alone.verdict == together.verdict == "proved"
    assert steps_of(together) == steps_of(alone)
    assert together.regions == alone.regions


def test_failure_of_a_worker_is_not_hidden() -> None:
    class Broken(Inline):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(OSError("the cluster is down"))
            return future

    with pytest.raises(OSError, match="the cluster is down"):
        verify(*sums(3), method="lazy", executor=Broken(), jobs=2)


def test_progress_counts_steps_and_pieces() -> None:
    seen: list[tuple[int, int]] = []
    told: list[Status] = []
    executor = Inline()
    work = Work(executor=executor, watch=told.append)
    outcome = verify(*sums(3), method="lazy", work=work, progress=lambda done, left: seen.append((done, left)))
    assert {status.phase for status in told} == {"lazy", "kernel", "cross-check"}
    told = [status for status in told if status.phase == "lazy"]
    assert len(seen) == len(told) == executor.tasks
    assert seen[-1][1] == 0 and all(left for _, left in seen[:-1])
    assert [(status.done, status.open) for status in told] == seen
    assert told[-1].share == 1 and all(0 <= (status.share or 0) <= 1 for status in told)
    assert seen[-1][0] >= len(steps_of(outcome))


def test_structural_proof_needs_no_worker() -> None:
    executor = Inline()
    network = replace(random_relu(3), domain=SQUARE)
    assert verify(network, compile_network(network).transformer, executor=executor).method == "structural"
    assert executor.tasks == 0


def test_threads_do_not_share_what_grows() -> None:
    """A goal takes up new units while it is searched, so every thread needs its own."""
    left, right = sums(2)
    question = packed(ask("equal", left, right, SQUARE, "average", Faults()))
    barrier = threading.Barrier(3)

    def claim(_: int) -> tuple[Any, Any]:
        barrier.wait()
        return goal_of(question), goal_of(question)

    with ThreadPoolExecutor(3) as workers:
        goals = list(workers.map(claim, range(3)))
    assert all(first is again for first, again in goals)
    assert len({id(goal.cell.atoms) for goal, _ in goals}) == 3
