"""What networks compute: the rules for attention heads, one by one, and exact evaluation against a naive evaluator."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import pytest
from kernel_material import (
    TIES,
    attention,
    box,
    certificate,
    encoded,
    evaluate,
    goal_of,
    grid,
    judged,
    made,
    maxout,
    naive_value,
    outputs_of,
    random_network,
    step_head,
    transformer,
)

from exactformer.formats.network_json import parse
from exactformer.kernel.claims import Goal
from exactformer.kernel.forms import Form, combine
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import NotAffine, Rejected
from exactformer.kernel.semantics import Semantics

HALF = Fraction(1, 2)
ZERO_1 = maxout([], ([[0]], [0]))


def goal(network: Any, domain: Any = None, tie: str = "average", right: Any = None) -> Goal:
    return goal_of(network, right or ZERO_1, domain or box(1), tie)


def outputs(found: Goal) -> list[Any]:
    return [(dict(form.terms), form.den) for form in outputs_of(found.runs[0])]


def value(network: Any, x: Any, tie: str = "average") -> Any:
    (result,) = evaluate(read_network(encoded(network), "n"), [Fraction(x)], Semantics(tie))
    return result


# --- one head on a cell ---------------------------------------------------------------------------


def test_dominated_tokens_drop_out() -> None:
    found = goal(attention([[[1, 0], [0, 5]], [[0, 2], [1, 3]], [[-1, 0], [0, 7]]]))
    assert outputs(found) == [({0: 3, 1: 1}, 1)] and found.runs[0].ties == 0


def test_domination_is_strict() -> None:
    found = goal(attention([[[1, 0], [0, 5]], [[0, 1], [0, 3]]]))  # x <= 1, with a tie at x = 1
    assert found.stuck is not None and sorted(found.stuck) == [0, 1] and found.runs[0].outputs is None
    found = goal(attention([[[1, 0], [0, 5]], [[0, "100001/100000"], [0, 3]]]))
    assert outputs(found) == [({0: 3}, 1)]


def test_equal_values_need_no_winner() -> None:
    found = goal(attention([[[1, 0], [2, 5]], [[-1, 0], [2, 5]], [[0, -9], [0, 0]]]))
    assert outputs(found) == [({1: 2, 0: 5}, 1)] and found.runs[0].ties == 0 and found.cell.places == {}


@pytest.mark.parametrize("slope", [1, 3, -1, -2, "1/2"])
def test_values_that_follow_the_scores(slope: Any) -> None:
    c = Fraction(slope)
    tokens = [[[k, s], [c * k + 1, c * s - 4]] for k, s in ((1, 0), (-1, 0), (0, HALF))]
    tokens = [[[f"{x}" for x in row] for row in rows] for rows in tokens]  # value = slope * score + x - 4
    found = goal(attention(tokens))
    atom = found.cell.places["L0.h0.q0"]
    assert [f.key() for f in found.cell.atoms.candidates[atom]] == [
        *(Form({1: k}).key() for k in (1, -1)),
        Form({0: 1}, 2).key(),
    ]
    (form,) = outputs_of(found.runs[0])
    expected = combine(((c.numerator, Form({atom: 1})), (c.denominator, Form({1: 1, 0: -4}))), c.denominator)
    assert form.key() == expected.key() and found.runs[0].ties == 0
    for tie in TIES:
        assert value(attention(tokens), HALF, tie) == c * HALF + HALF - 4


def test_values_with_two_slopes() -> None:
    tokens = [[[k, 0], [2 * k, 1], [-k, 0], [0, 8]] for k in (1, -1)]
    found = goal(attention(tokens), right=maxout([], ([[0], [0], [0]], [0, 0, 0])))
    atom = found.cell.places["L0.h0.q0"]
    assert outputs(found) == [({atom: 2, 0: 1}, 1), ({atom: -1}, 1), ({0: 8}, 1)]


@pytest.mark.parametrize(
    "tokens",
    [
        [[[1, 0], [0, 1]], [[-1, 0], [0, 0]]],  # values constant, scores not
        [[[1, 0], [1, 0]], [[-1, 0], [-1, 1]]],  # parallel, but shifted
        [[[1, 0], [1, 0]], [[-1, 0], [-1, 0]], [[0, 0], [0, 1]]],  # two follow, the third does not
        [[[1, 0], [1, 0]], [[1, 0], [-1, 0]], [[0, 0], [0, 0]]],  # one score, two values
        [[[1, 0], [2, 0]], [[-1, 0], [-2, 0]], [["1/2", 0], [2, 0]]],
    ],
)
def test_values_that_do_not_follow_the_scores(tokens: Any) -> None:
    found = goal(attention(tokens))
    assert found.stuck is not None and found.runs[0].outputs is None and not found.holds([])


def test_a_tie_on_the_whole_cell() -> None:
    network = attention([[[1, 0], [0, 1]], [[0, -2], [0, 9]], [[1, 0], [1, 0]], [[1, 0], [2, 0]]])
    for tie, expected in (("average", ({0: 1, 1: 3}, 3)), ("leftmost", ({0: 1}, 1)), ("rightmost", ({1: 2}, 1))):
        found = goal(network, tie=tie)
        assert outputs(found) == [expected] and found.runs[0].ties == 1


def test_compare_decides() -> None:
    found = goal(step_head())
    above, level, below = made(found.compare(0, 1))
    assert [outputs(child) for child in (above, level, below)] == [[({0: 1}, 1)], [({0: 1}, 2)], [({}, 1)]]
    assert [child.runs[0].ties for child in (above, level, below)] == [0, 1, 0]
    assert [child.stuck for child in (above, level, below)] == [None] * 3
    below, level, above = made(found.compare(1, 0))
    assert [outputs(child) for child in (above, level, below)] == [[({0: 1}, 1)], [({0: 1}, 2)], [({}, 1)]]


def test_compare_needs_two_tokens_in_question() -> None:
    found = goal(attention([[[1, 0], [0, 5]], [[0, -9], [0, 3]], [[-1, 0], [0, 7]]]))
    for pair in ((0, 1), (1, 2), (0, 3), (3, 0), (9, 9)):
        with pytest.raises(Rejected, match=r"two of the tokens \[0, 2\]"):
            made(found.compare(*pair))
    with pytest.raises(Rejected, match="not constant on the cell"):
        made(found.compare(0, 0))
    with pytest.raises(Rejected, match=r"two of the tokens \[\]"):
        made(made(found.compare(0, 2))[0].compare(0, 2))


def test_a_causal_mask_hides_later_tokens() -> None:
    tokens = [[[0, t], [0, 10 + t]] for t in range(3)]
    for token, expected in ((0, 10), (1, 11), (2, 12)):
        masked = attention(tokens, token=token, mask="causal")
        assert outputs(goal(masked)) == [({0: expected}, 1)] and value(masked, 0) == expected
        assert value(attention(tokens, token=token), 0) == 12
    ties = [[[0, 0], [0, 1]], [[0, 0], [0, 2]], [[0, 0], [0, 6]]]
    masked = attention(ties, token=1, mask="causal")
    assert [value(masked, 0, tie) for tie in TIES] == [Fraction(3, 2), 1, 2]


def test_a_negative_query_turns_the_scores_round() -> None:
    tokens = [[[0, t], [0, 10 + t]] for t in range(3)]
    assert value(attention(tokens, query=-1), 0) == 10 and value(attention(tokens, query=2), 0) == 12


def test_a_query_of_zero_ties_everything() -> None:
    tokens = [[[1, t], [0, t]] for t in range(3)]
    assert [value(attention(tokens, query=0), 3, tie) for tie in TIES] == [1, 0, 2]


def test_scores_must_be_affine() -> None:
    embedding = [([[1], [0]], [0, 1]), ([[2], [0]], [1, 1])]
    head = ([[1, 0]], [[1, 0]], [[0, 1]], [[0], [1]])
    network = transformer(embedding, [([head], None)], (0, [[0, 1]], [0]))
    with pytest.raises(NotAffine, match=r"^L0\.h0\.q0: expected an affine score"):
        goal(network)
    assert value(network, 3) == 2  # at a point all is constant
    constant_key = ([[1, 0]], [[0, 1]], [[0, 1]], [[0], [1]])
    assert outputs(goal(transformer(embedding, [([constant_key], None)], (0, [[0, 1]], [0])))) == [({0: 2}, 1)]


def test_heads_add_up() -> None:
    embedding = [([[1], [0]], [0, 1]), ([[-1], [0]], [0, 1])]
    head = ([[0, 1]], [[1, 0]], [[1, 0]], [[1], [0]])
    for residual, weight in ((True, 1), (False, 0)):
        network = transformer(embedding, [([head, head], None)], (0, [[1, 0]], [0]), residual)
        for x in (Fraction(-1, 3), Fraction(0), Fraction(5)):
            assert value(network, x) == 2 * abs(x) + weight * x
    nothing = transformer(embedding, [([], None)], (0, [[1, 1]], [0]))
    assert value(nothing, 3) == 4 and value({**nothing, "residual": False}, 3) == 0
    absent = transformer(embedding, [(None, None)], (0, [[1, 1]], [0]))
    assert value(absent, 3) == 4 and value({**absent, "residual": False}, 3) == 4


def test_one_place_an_atom() -> None:
    """Both tokens meet the maximum of the same scores; the two places name one atom."""
    network = attention([[[1, 0], [1, 0]], [[-1, 0], [-1, 0]]])
    network["blocks"] += [{"heads": [IDLE], "feedforward": None}]
    found = goal(network)
    assert found.cell.places.keys() == {"L0.h0.q0", "L0.h0.q1"}
    assert found.cell.places["L0.h0.q0"] == found.cell.places["L0.h0.q1"]


# --- what the read-out does not see ---------------------------------------------------------------

IDLE = {  # a head that looks at all tokens, and hands on nothing
    "query": [[0, 0, 0, 0]],
    "key": [[0, 0, 0, 0]],
    "value": [[0, 0, 0, 0]],
    "output": [[0], [0], [0], [0]],
}


def two_queries(second: list[Any], token: int, query: list[Any] | None = None) -> Any:
    """Keys x and -x, values 1 and 0; the query is 0 at token 0, so that all tie, and the row `second` at token 1."""
    embedding = [([[1], [0], [0], [0]], [0, 0, 1, 0]), ([[-1], [0], [0], [0]], [0, 0, 0, 0])]
    embedding[1][0][1], embedding[1][1][1] = [second[0]], second[1]
    head = ([query or [0, 1, 0, 0]], [[1, 0, 0, 0]], [[0, 0, 1, 0]], [[0], [0], [0], [1]])
    return transformer(embedding, [([head], None)], (token, [[0, 0, 0, 1]], [0]))


def test_a_dead_token_whose_winner_is_not_known() -> None:
    found = goal(two_queries([0, 1], token=0))
    assert outputs(found) == [({0: 1}, 2)] and found.runs[0].ties == 1 and found.stuck is None
    found = goal(two_queries([0, 1], token=1))
    assert found.runs[0].stuck is not None and found.runs[0].stuck.place == "L0.h0.q1"
    level = made(found.compare(0, 1))[1]
    assert outputs(level) == [({0: 1}, 2)] and level.runs[0].ties == 1  # of its own query only


def test_a_dead_token_with_a_score_that_is_not_affine() -> None:
    assert outputs(goal(two_queries([1, 0], token=0))) == [({0: 1}, 2)]
    with pytest.raises(NotAffine, match=r"^L0\.h0\.q1: expected an affine score"):
        goal(two_queries([1, 0], token=1))
    above = two_queries([1, 0], token=0)  # a second attention makes it matter
    above["blocks"] += [{"heads": [IDLE], "feedforward": None}]
    with pytest.raises(NotAffine, match=r"^L0\.h0\.q1: expected an affine score"):
        goal(above)
    above["mask"] = "causal"  # unless token 0 cannot look there
    assert outputs(goal(above)) == [({0: 1}, 1)]


def test_ties_at_dead_tokens_do_not_count() -> None:
    """Token 1 has a tie, token 0 has none: the theorem is about any tie rule."""
    network = two_queries([0, 0], token=0, query=[0, 0, 1, 0])
    network["embedding"]["offsets"][0][0] = 3  # the scores of token 0 are x + 3 and -x
    found = goal(network)
    assert outputs(found) == [({0: 1}, 1)] and found.runs[0].ties == 0
    network["readout"]["token"] = 1
    found = goal(network)
    assert outputs(found) == [({0: 1}, 2)] and found.runs[0].ties == 1


HINGE = {"w1": [[1, 0, 0, 0]], "b1": [0], "w2": [[1], [0], [0], [0]], "b2": [0] * 4}  # a ReLU at every token


@pytest.mark.parametrize(
    ("blocks", "token", "mask", "expected"),
    [
        ("f", 0, None, {"0.t0"}),
        ("f", 2, None, {"0.t2"}),
        ("ff", 1, None, {"0.t1", "1.t1"}),
        ("fe", 1, None, {"0.t1"}),  # a sublayer without heads looks nowhere
        ("fef", 1, None, {"0.t1", "2.t1"}),
        ("f-", 1, None, {"0.t1"}),  # no sublayer at all
        ("fh", 1, None, {"0.t0", "0.t1", "0.t2"}),
        ("hf", 1, None, {"1.t1"}),
        ("fhf", 0, None, {"0.t0", "0.t1", "0.t2", "2.t0"}),
        ("fehf", 2, None, {"0.t0", "0.t1", "0.t2", "3.t2"}),
        ("fhef", 2, None, {"0.t0", "0.t1", "0.t2", "3.t2"}),
        ("fhfh", 0, None, {f"{block}.t{t}" for block in (0, 2) for t in range(3)}),
        ("fhfhf", 0, None, {f"{block}.t{t}" for block in (0, 2) for t in range(3)} | {"4.t0"}),
        ("f", 1, "causal", {"0.t1"}),
        ("fh", 0, "causal", {"0.t0"}),
        ("fh", 1, "causal", {"0.t0", "0.t1"}),
        ("fh", 2, "causal", {"0.t0", "0.t1", "0.t2"}),
        ("fe", 1, "causal", {"0.t1"}),
        ("fhf", 1, "causal", {"0.t0", "0.t1", "2.t1"}),
        ("fhfh", 1, "causal", {f"{block}.t{t}" for block in (0, 2) for t in range(2)}),
    ],
)
def test_only_live_tokens_have_places(blocks: str, token: int, mask: str | None, expected: set[str]) -> None:
    """Feed-forward (f), idle heads (h), no heads (e) or nothing (-) in each block; what is live is evaluated."""
    embedding = [([[1], [0], [0], [0]], [f"{t}/3", 0, 0, 1]) for t in range(-1, 2)]
    parts: dict[str, Any] = {"f": (None, HINGE), "h": ([IDLE], None), "e": ([], None), "-": (None, None)}
    network = transformer(embedding, [], (token, [[1, 0, 0, 0]], [0]), mask=mask)
    network["blocks"] = [{"heads": heads, "feedforward": hinge} for heads, hinge in map(parts.__getitem__, blocks)]
    found = goal(network)
    assert found.finished and {place.removeprefix("L").replace("f0.", "") for place in found.cell.places} == expected


@pytest.mark.parametrize(
    ("heads", "places", "values"),
    [
        (None, {"L0.f0.t0", "L2.f0.t0"}, [5, 6]),  # skipped
        ([], {"L0.f0.t0"}, [5, 5]),  # the state becomes 0
        ([IDLE], {"L0.f0.t0", "L0.f0.t1"}, [5, 5]),  # it does here as well, after a look at all tokens
    ],
)
def test_sublayers_without_heads_and_without_residual(heads: Any, places: set[str], values: list[int]) -> None:
    network = transformer([([[1], [0], [0], [0]], [0, 0, 0, 1])] * 2, [], (0, [[1, 0, 0, 0]], [5]), residual=False)
    hinges = ({**HINGE, "b1": [shift]} for shift in (0, -1))
    network["blocks"] = [
        {"heads": part, "feedforward": hinge}
        for part, hinge in ((None, next(hinges)), (heads, None), (None, next(hinges)))
    ]
    assert goal(network, box(1, -3, 3)).cell.places.keys() == places
    assert [value(network, x) for x in (-1, 2)] == values


def test_an_unseen_token_changes_nothing() -> None:
    """Behind a causal mask, tokens after the read-out can be anything: the same atoms, places and outputs."""
    network = attention([[[1, 0], [1, 0]], [[-1, 0], [-1, 0]]], token=1, mask="causal")
    network["blocks"] += [{"heads": [IDLE], "feedforward": HINGE}]
    network["readout"]["weights"] = [[1, 0, 0, 1]]
    wider = {**network, "embedding": {key: [*rows, rows[0]] for key, rows in network["embedding"].items()}}
    wider["embedding"]["offsets"][2] = [7, 7, 7, 7]
    one, other = goal(network), goal(wider)
    assert outputs(one) == outputs(other) and one.cell.places == other.cell.places
    assert {v: [f.key() for f in forms] for v, forms in one.cell.atoms.candidates.items()} == {
        v: [f.key() for f in forms] for v, forms in other.cell.atoms.candidates.items()
    }
    assert [[value(net, x) for net in (network, wider)] for x in (-1, 2)] == [[3, 3], [0, 0]]


# --- where a side is stuck ------------------------------------------------------------------------


def test_the_right_side_waits_for_the_left_one() -> None:
    found = goal(step_head(), right=step_head((2, -1)))
    assert found.runs[0].stuck is not None and found.runs[1].stuck is None and found.runs[1].outputs is None
    above, level, below = made(found.compare(0, 1))  # the sign of 2x decides that of 3x as well
    assert all(child.finished for child in (above, level, below))
    other = goal(step_head(), right=step_head((2, -1), shifts=(0, 1)))
    child = made(other.compare(0, 1))[0]
    assert child.runs[0].stuck is None and child.runs[1].stuck is not None and child.stuck == child.runs[1].stuck.scores
    assert not child.holds([]) and not child.finished and child.conclusions == ()


def test_a_stuck_evaluation_goes_on_where_it_stopped() -> None:
    """Two blocks: the second head is stuck on each side of the first; states and places of block 0 stay."""
    embedding = [([[1], [0], [0]], [0, v, 1]) for v in (1, 0)]
    embedding[1] = ([[-1], [0], [0]], [0, 0, 1])
    first = ([[0, 0, 1]], [[1, 0, 0]], [[1, 0, 0]], [[0], [1], [0]])  # adds |x| to coordinate 1
    second = ([[0, 0, 1]], [[2, 0, -1]], [[0, 1, 0]], [[0], [0], [1]])
    network = transformer(embedding, [([first], None), ([second], None)], (0, [[0, 0, 1]], [0]))
    found = goal(network)
    assert found.runs[0].sublayer == 1 and found.stuck is not None
    children = made(found.compare(0, 1))
    atom = children[0].cell.places["L0.h0.q0"]
    assert [outputs(child) for child in children] == [
        [({atom: 1, 0: 2}, 1)],
        [({atom: 2, 0: 3}, 2)],
        [({atom: 1, 0: 1}, 1)],
    ]
    for x in (Fraction(-1, 2), Fraction(0), Fraction(1, 2)):
        assert value(network, x) == abs(x) + 1 + (1 if x > 0 else HALF if x == 0 else 0)


def test_ties_before_a_stuck_head_count_after_it() -> None:
    """Block 0 ties everywhere, block 1 is stuck at first: on the children both count."""
    embedding = [([[c], [0], [0], [0]], [0, v, 1, 0]) for c, v in ((1, 1), (-1, 0))]
    level = ([[0, 0, 0, 0]], [[1, 0, 0, 0]], [[0, 1, 0, 0]], [[0], [0], [0], [1]])
    step = ([[0, 0, 1, 0]], *level[1:])
    network = transformer(embedding, [([level], None), ([step], None)], (0, [[0, 0, 0, 1]], [0]))
    found = goal(network)
    assert found.runs[0].sublayer == 1 and found.runs[0].stuck is not None and found.runs[0].ties == 2
    children = made(found.compare(0, 1))
    assert [outputs(child) for child in children] == [[({0: 3}, 2)], [({0: 1}, 1)], [({0: 1}, 2)]]
    assert [child.runs[0].ties for child in children] == [2, 3, 2]
    tree = [["compare", 0, 1], *[["holds", ["1", []]]] * 3]
    claim = {"claim": "range", "parameters": {"lower": [-1], "upper": [None]}, "inhabitant": [0], "tree": tree}
    for domain, ties in ((box(1), 3), ({**box(1), "matrix": [[-1]], "bounds": ["-1/2"]}, 2)):
        if ties == 2:  # x >= 1/2, which the bounds do not see: only the first block ties where the claim holds
            tree = [tree[0], tree[1], ["empty", [[2, "1"], [4, "1"]]], ["empty", [[2, "1"], [3, "1"]]]]
            claim |= {"inhabitant": [1], "tree": tree}
        theorem = judged(certificate(network, None, domain, **claim), network)
        assert theorem.counts["ties"] == ties and theorem.statement.endswith("tie rule average)")


def test_splits_that_contradict_one_another() -> None:
    """x > y, y > 0 and 0 > x: no token is left anywhere, and no point either; the cell is closed, not stumbled over."""

    def network(order: tuple[int, ...]) -> Any:
        rows = (("x", "y", "low"), ("low", "y", "zero"), ("x", "low", "zero"), ("x", "y", "zero"))  # a head's keys
        kinds = {"x": ([1, 0], 0), "y": ([0, 1], 0), "low": ([0, 0], -9), "zero": ([0, 0], 0)}
        embedding = []
        for token, own in enumerate((1, 0, 5)):
            keys = [kinds[row[token]] for row in rows]
            embedding.append(([w for w, _ in keys] + [[0, 0]] * 3, [b for _, b in keys] + [own, 1, 0]))

        def unit(c: int) -> list[list[int]]:
            return [[int(i == c) for i in range(7)]]

        heads = [(unit(5), unit(h), unit(4), [[int(i == 6)] for i in range(7)]) for h in order]
        return transformer(embedding, [(heads, None)], (0, unit(6), [0]))

    found = goal_of(network((0, 1, 2, 3)), network((3, 2, 1, 0)), box(2), "average")
    cycle = made(made(made(found.compare(0, 1))[0].compare(1, 2))[0].compare(0, 2))[2]
    assert cycle.finished and cycle.cell.empty([(4, 1), (5, 1), (6, 1)])


def test_an_alias_without_atoms_in_a_state() -> None:
    """max(-relu(x), x - relu(x)) is zero; its alias mentions no atom."""
    embedding = [([[u], [1], [0], [0], [0]], [0, 0, 0, 1, 0]) for u in (0, 1)]
    relu = ([[0, 1, 0, 0, 0]], [0], [[0], [0], [1], [0], [0]], [0] * 5)
    key = [[1, 0, -1, 0, 0]]
    head = ([[0, 0, 0, 1, 0]], key, key, [[0], [0], [0], [0], [1]])
    network = transformer(embedding, [(None, relu), ([head], None)], (0, [[0, 0, 0, 0, 1]], [0]))
    assert goal(network).holds([])


# --- at points ------------------------------------------------------------------------------------


def test_values_at_the_step() -> None:
    network = step_head((1, -1, 3), (1, 0, 1), (0, 0, -2))
    for tie, at_zero in zip(TIES, (HALF, 1, 0), strict=True):
        assert [value(network, x, tie) for x in (-1, 0, 1)] == [0, at_zero, 1]


def test_values_without_layers() -> None:
    assert value(maxout([], ([["1/3"]], ["-1/7"])), "3/2") == HALF - Fraction(1, 7)
    assert value(transformer([([[2]], [1])], [], (0, [[3]], [-1])), "1/2") == 5


@pytest.mark.parametrize("seed", range(150))
def test_three_evaluators_agree(seed: int) -> None:
    """The kernel's evaluator, that of `exactformer.networks`, and the naive one, at points full of ties."""
    r = Random(seed)
    n, count = r.randint(1, 2), r.randint(1, 2)
    network = random_network(r, n, count, depth=3)
    kernel, other = read_network(encoded(network), "n"), parse(encoded(network), "n")
    points = r.sample(grid(n, 2, 2), 4)
    points.append(tuple(Fraction(r.randint(-40, 40), r.choice((1, 3, 7, 10**20))) for _ in range(n)))
    for point in points:
        for tie in TIES if network["kind"] == "transformer" else TIES[:1]:
            exact = naive_value(network, point, tie)
            assert evaluate(kernel, point, Semantics(tie)) == exact
            options = {"tie": tie} if network["kind"] == "transformer" else {}
            assert list(other.evaluate(point, **options)) == exact  # type: ignore[arg-type]
