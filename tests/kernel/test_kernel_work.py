"""What a certificate can make the kernel do is about as much as there is to read: calls are counted, not clocked."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from kernel_claims import LINE, RELU
from kernel_material import Asked, attention, box, certificate, encoded, judged, made, maxout, statement_of

from exactformer.kernel.atoms import LEADERS
from exactformer.kernel.claims import Goal, check_tree, follow
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import Rejected

ANY = {"claim": "range", "parameters": {"lower": [0], "upper": [None]}, "inhabitant": [0]}


def calls(work: Callable[[], Any]) -> int:
    """How many functions are called, those of the interpreter included."""
    count = 0

    def counted(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    gc.disable()  # Hypothesis is told of every collection, and would be counted
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
        gc.enable()
    return count


def grows_evenly(work: Callable[[int], Callable[[], Any]], sizes: tuple[int, ...]) -> bool:
    """Whether twice the size needs at most about twice the calls; each size is twice the one before."""
    counts = [calls(work(size)) for size in sizes]
    assert all(2 * a == b for a, b in pairwise(sizes))
    return all(b <= 2.2 * a + 100 for a, b in pairwise(counts))


def test_the_count_sees_what_grows_unevenly() -> None:
    assert grows_evenly(lambda n: lambda: [abs(i) for i in range(n)], (100, 200))
    assert not grows_evenly(lambda n: lambda: [abs(i) for i in range(n) for _ in range(n)], (100, 200))


# --- many pieces ----------------------------------------------------------------------------------


def tangents(pieces: int) -> Any:
    """One unit that is the maximum of the tangents of a parabola, each the largest somewhere on [0, 1]."""
    weights = [[f"{i}/{pieces}"] for i in range(pieces)]
    biases = [f"-{i * i}/{2 * pieces * pieces}" for i in range(pieces)]
    return maxout([([weights], [biases])], ([[1]], [0]))


@pytest.mark.parametrize("lower", [0, None])
def test_many_pieces(lower: Any) -> None:
    """With bounds on x and without: domination is asked of few, and nothing compares all with all."""

    def work(pieces: int) -> Callable[[], Any]:
        statement = statement_of(tangents(pieces), None, box(1, lower, 1), claim="range", lower=[0], upper=[None])
        return lambda: Goal.of(statement)

    assert grows_evenly(work, (4 * LEADERS, 8 * LEADERS, 16 * LEADERS))


def test_two_thousand_pieces() -> None:
    """All of them stay; a step that splits them makes no child before it is asked for."""
    network = tangents(2000)
    goal = Asked(network, None, box(1, 0, 1), claim="range", lower=[0], upper=[None]).goal()
    assert len(goal.cell.candidates("L0.u0")) == 2000
    first = calls(lambda: follow(goal, ["gate", "L0.u0"], "test")[0]())
    assert first < 60 * 2000
    fact = [["L0.u0", 0, "1"]]
    assert judged(certificate(network, None, box(1, 0, 1), **ANY, tree=[["holds", ["1", fact]]]), network).holds
    with pytest.raises(Rejected, match="a step for every cell, found 2000 cells left open"):
        check_tree(goal, [["gate", "L0.u0"]], "tree")


def test_a_gate_costs_what_its_children_have() -> None:
    def work(pieces: int) -> Callable[[], Any]:
        goal = Asked(tangents(pieces), None, box(1, 0, 1), claim="range", lower=[0], upper=[None]).goal()
        return lambda: follow(goal, ["gate", "L0.u0"], "test")[-1]()

    assert grows_evenly(work, (64, 128, 256))


def test_many_facts_about_many_pieces() -> None:
    """A fact costs the same however many others there are."""
    goals = {
        n: Asked(tangents(n), None, box(1, 0, 1), claim="range", lower=[0], upper=[None]).goal() for n in (64, 512)
    }

    def work(pieces: int) -> int:
        facts = [["L0.u0", i % 64, "1"] for i in range(300)]
        goal = goals[pieces].opened()

        def refused() -> None:
            with suppress(Rejected):
                follow(goal, ["empty", facts], "test")

        return calls(refused)

    assert work(512) < 1.2 * work(64)


def test_narrowing_to_where_a_head_is_decided() -> None:
    """A cell has little to do with tokens that were dominated on a larger one: N log N in all, not N^2."""

    def work(tokens: int) -> Callable[[], Any]:
        network = attention([[[f"{i}/{tokens}", f"-{i * i}/{2 * tokens * tokens}"], [0, i % 3]] for i in range(tokens)])
        statement = statement_of(network, None, box(1, 0, 1), claim="range", lower=[0], upper=[2])

        def part(goal: Goal, first: int, last: int) -> None:
            if last - first > 4:
                middle = (first + last) // 2
                children = follow(goal, ["cut", [[1, 1], [0, f"-{middle}/{tokens}"]]], "test")
                for child, ends in zip(children, ((middle, last), (first, middle)), strict=True):
                    (narrowed,) = follow(child(), ["narrow"], "test")
                    part(narrowed(), *ends)

        return lambda: part(Goal.of(statement), 0, tokens)

    counts = [calls(work(size)) for size in (64, 128, 256)]
    assert all(b < 2.7 * a for a, b in pairwise(counts))


def test_many_tokens() -> None:
    """Of a head with many tokens, too, only some are asked whether they are larger than others."""

    def work(tokens: int) -> Callable[[], Any]:
        network = attention([[[f"{i}/{tokens}", f"-{i * i}/{2 * tokens * tokens}"], [0, i]] for i in range(tokens)])
        statement = statement_of(network, None, box(1, 0, 1), claim="range", lower=[0], upper=[None])
        return lambda: Goal.of(statement)

    assert grows_evenly(work, (4 * LEADERS, 8 * LEADERS, 16 * LEADERS))


# --- large and empty ------------------------------------------------------------------------------


def test_sides_that_hold_nothing() -> None:
    """A matrix of a million empty rows or columns is as quick to read, and to evaluate, as a small one."""
    side = (1 << 20) - 1

    def empty(rows: int, columns: int) -> dict[str, Any]:
        return {"shape": [rows, columns], "entries": []}

    for width in (1, side):
        network = maxout([], (empty(1, width), [0]))
        data = encoded(network)
        assert calls(lambda data=data: read_network(data, "n")) < 500
    zeros, flat, tall = [0] * 1000, empty(side, 1000), empty(1000, side)
    wide = {
        **maxout([], ([[0]], [0])),
        "kind": "transformer",
        "embedding": {"weights": [empty(1000, 1)] * 3, "offsets": [zeros] * 3},
        "blocks": [{"heads": [{"query": flat, "key": flat, "value": flat, "output": tall}], "feedforward": None}] * 10,
        "residual": True,
        "readout": {"token": 0, "weights": empty(1, 1000), "biases": [0]},
    }
    del wide["layers"], wide["output"]
    value = certificate(wide, None, box(1), **ANY, tree=[["holds"]])
    assert calls(lambda: judged(value, wide)) < 60_000  # some twenty for each of the 3,000 offsets
    assert judged(value, wide).holds


# --- deep -----------------------------------------------------------------------------------------


def chain(layers: int) -> Any:
    """relu(relu(... relu(x) - 1 ...) - 1)."""
    return maxout([([[1]], [0])] + [([[1]], [-1])] * (layers - 1), ([[1]], [0]), "relu")


def deep_claim(layers: int) -> tuple[Any, Any]:
    """The chain is not negative: where x wins by a fact about its last unit, and where 0 wins it is zero."""
    last = f"L{layers - 1}.u0"
    tree = [["gate", "L0.u0"], ["holds", ["1", [[last, 1, "1"]]]], ["holds"]]
    network = chain(layers)
    return certificate(network, None, box(1, None, None), **ANY, tree=tree), network


@pytest.mark.parametrize("layers", [250, 5000])
def test_deep_networks(layers: int) -> None:
    value, network = deep_claim(layers)
    theorem = judged(value, network)
    assert theorem.holds and theorem.counts["gate"] == 1


def test_depth_costs_evenly() -> None:
    def work(layers: int) -> Callable[[], Any]:
        value = deep_claim(layers)
        return lambda: judged(*value)

    assert grows_evenly(work, (100, 200, 400))


def test_deep_gates_from_below() -> None:
    """The last unit first: then every value is found from the input up, by a stack and not by recursion."""
    layers = 1500
    goal = Asked(chain(layers), None, box(1, None, None), claim="range", lower=[0], upper=[None]).goal()
    above, level = made(follow(goal, ["gate", f"L{layers - 1}.u0"], "test"))
    assert level.opened().obligations() == [] and len(above.opened().obligations()) == 1
    below = follow(above, ["gate", "L0.u0"], "test")[0]()
    atoms = len(below.cell.atoms.low)
    (form,) = below.opened().obligations()
    assert form.terms and len(below.cell.atoms.low) == atoms  # looked at on a table of its own


def test_a_network_that_is_nested_too_deeply_to_be_read() -> None:
    data = encoded(chain(3)).replace(b"[[1]]", b"[" * 100_000 + b"1" + b"]" * 100_000, 1)
    with pytest.raises(Rejected, match="JSON text"):
        read_network(data, "n")


# --- long certificates ----------------------------------------------------------------------------


def splits(units: int) -> Any:
    """relu(x1), relu(x2), ...: independent of one another."""
    weights = [[int(i == j) for j in range(units)] for i in range(units)]
    return maxout([(weights, [0] * units)], ([[1] * units], [0]), "relu")


def full_tree(units: int) -> list[Any]:
    """Every unit split on every path, the last cells closed by the rows that say which piece wins."""
    tree: list[Any] = []

    def below(unit: int, won: list[int]) -> None:
        if unit == units:
            proof = ["1", [[2 * units + i, "1"] for i in won]]
            tree.append(["holds", *([proof] if won else [])])
            return
        tree.append(["gate", f"L0.u{unit}"])
        below(unit + 1, [*won, unit])
        below(unit + 1, won)

    below(0, [])
    return tree


def test_long_proofs_cost_evenly() -> None:
    """A tree of twice the cells, one level deeper: the calls for a step do not grow with the number of steps."""
    counts = {}
    for units in (4, 5, 6, 7):
        network = splits(units)
        value = certificate(network, None, box(units), **{**ANY, "inhabitant": [0] * units}, tree=full_tree(units))
        counts[units] = calls(lambda value=value, network=network: judged(value, network)) / (2 ** (units + 1) - 1)
    assert counts[7] < 2 * counts[4], counts  # by the units, of which there are more, and not by the cells


def test_a_hundred_thousand_steps_that_close_nothing() -> None:
    """They are refused at the first that has no cell, whatever comes then."""
    tree = [["holds", *[["1", []]] * 2]] * 100_000
    value = encoded(certificate(LINE, RELU, box(1), claim="equal", inhabitant=[0], tree=tree))
    few = encoded(certificate(LINE, RELU, box(1), claim="equal", inhabitant=[0], tree=tree[:1]))

    def refused(data: bytes) -> Callable[[], Any]:
        def run() -> None:
            with suppress(Rejected):
                judged(data, LINE, RELU)

        return run

    assert calls(refused(value)) < calls(refused(few)) + 1000


def test_many_steps_below_one_another() -> None:
    """A gate, and the same again in its first child, and so on: calls are in proportion."""
    goal = Asked(RELU, LINE, box(1)).goal()

    def work(steps: int) -> Callable[[], Any]:
        def run() -> None:
            with suppress(Rejected):
                check_tree(goal, [["gate", "L0.u0"]] * steps, "tree")

        return run

    assert grows_evenly(work, (100, 200, 400))
    itself = ["bound", "L0.u0", [["L0.u0", 1]], ["1", [["L0.u0", 0, "1"]]], ["1", [["L0.u0", 1, "1"]]]]

    def bounded(steps: int) -> Callable[[], Any]:
        def run() -> None:
            with suppress(Rejected):
                check_tree(goal, [itself] * steps, "tree")

        return run

    assert grows_evenly(bounded, (100, 200, 400))


def test_a_long_combination() -> None:
    """Ten thousand multipliers of one row."""
    goal = Asked(RELU, LINE, box(1)).goal()

    def work(count: int) -> Callable[[], Any]:
        rows = [[0, "1"], [1, "1"]] * count

        def run() -> None:
            with suppress(Rejected):
                follow(goal, ["empty", rows], "test")

        return run

    assert grows_evenly(work, (500, 1000, 2000))


def test_a_number_as_long_as_allowed() -> None:
    """Multipliers of 65,536 digits are numbers like any other."""
    huge = "1" + "0" * 65535
    tree = [["holds", [huge, [["R0.u0", 0, huge]]]]]
    assert judged(certificate(LINE, RELU, box(1), claim="at-most", inhabitant=[0], tree=tree), LINE, RELU).holds
