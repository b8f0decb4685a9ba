"""Every construction: proved equal to its source, exact at points of every kind, of the sizes the theory states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import mutants
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import PLAIN, SMALL, boxes, maxout_networks, relu_networks

import exactformer as ef
from exactformer import Domain, InvalidInput, MaxoutNetwork, ReluNetwork, Unsupported
from exactformer.cli import main
from exactformer.compiler import CONSTRUCTIONS, Compiled, compare_sizes, comparison_text, compile_network
from exactformer.compiler.maxout_to_lower_rank import levels, maxout_to_lower_rank
from exactformer.compiler.relu_to_maxout import relu_to_maxout
from exactformer.compiler.sizes import nonzeros, weight_bits
from exactformer.formats.network_json import dump, parse
from exactformer.networks.semantics import TIES, Tie

F = Fraction
SPLITTING = ("single-head", "tournament")  # proved by case splits, all others without one
STRUCTURAL = [name for name in CONSTRUCTIONS if name not in SPLITTING]
ALL = pytest.mark.parametrize("construction", CONSTRUCTIONS)
SLOW_TO_DRAW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "proofs" / "maxout-rank-3" / "left.json"


@st.composite
def cases(draw: Any, max_rank: int = 4) -> tuple[MaxoutNetwork | ReluNetwork, Domain]:
    """Ranks 1-4, widths 1-3, 0-3 layers; integer networks with equal and zero pieces, and flat boxes, among them."""
    numbers = draw(st.sampled_from([SMALL, PLAIN]))
    network = draw(st.one_of(maxout_networks(numbers, max_rank), relu_networks(numbers)))
    return network, draw(boxes(network.inputs, numbers))


def ties_of(construction: str, network: MaxoutNetwork | ReluNetwork) -> tuple[Tie, ...]:
    """The tie rules under which a construction is equal to its source."""
    return ("average",) if construction == "two-step" and max(network.widths, default=1) > 1 else TIES


def inner_points(box: Domain) -> Iterator[tuple[Fraction, ...]]:
    """The corners, the centre, and a few more points of a box."""
    ends = [(lo, hi) for lo, hi in zip(box.lower, box.upper, strict=True) if lo is not None and hi is not None]
    yield from product(*ends)
    for shares in ([F(1, 2)] * 3, [F(1, 3), F(3, 4), F(1, 7)], [F(9, 10), F(2, 9), F(1, 2)]):
        yield tuple(lo + share * (hi - lo) for (lo, hi), share in zip(ends, shares, strict=False))


def compiled_or_skipped(network: Any, construction: str, box: Domain) -> Compiled | None:
    """None where the single head would need very many tokens: those take long to evaluate."""
    source = relu_to_maxout(network) if isinstance(network, ReluNetwork) else network
    if construction == "single-head" and max(2, source.rank) ** max(source.widths, default=0) > 27:
        return None
    return compile_network(network, construction=construction, domain=box)


# --- equality -------------------------------------------------------------------------------------


@ALL
@given(cases())
@settings(max_examples=15, suppress_health_check=SLOW_TO_DRAW)
def test_equal_at_points_under_every_tie_rule(construction: str, case: tuple[Any, Domain]) -> None:
    network, box = case
    compiled = compiled_or_skipped(network, construction, box)
    if compiled is None:
        return
    assert parse(dump(compiled.transformer).encode(), "file") == compiled.transformer
    for tie, point in product(ties_of(construction, network), inner_points(box)):
        assert compiled.transformer.evaluate(point, tie=tie) == network.evaluate(point)


@pytest.mark.parametrize("construction", STRUCTURAL)
@pytest.mark.parametrize("tie", TIES)
@given(cases())
@settings(max_examples=8, suppress_health_check=SLOW_TO_DRAW)
def test_proved_without_a_split(construction: str, tie: Tie, case: tuple[Any, Domain]) -> None:
    network, box = case
    if tie not in ties_of(construction, network):
        return
    outcome = ef.prove(network, construction=construction, domain=box, tie=tie)
    assert outcome.verdict == "proved", outcome.reason
    assert outcome.counts["gate"] == outcome.counts["compare"] == 0
    if all(lo != hi for lo, hi in zip(box.lower, box.upper, strict=True)):
        assert outcome.method == "structural"  # on a flat box the two forms may differ by a multiple of x - lo


@pytest.mark.parametrize("construction", STRUCTURAL)
def test_example_is_proved_without_a_split(construction: str) -> None:
    outcome = ef.prove(ef.load(EXAMPLE), construction=construction)
    assert (outcome.verdict, outcome.method) == ("proved", "structural"), outcome.reason


MAX3 = MaxoutNetwork.of([([[[1, 0], [0, 1], [0, 0]]], [[0, 0, "1/2"]])], ([[1]], [0]))
TWO_UNITS = MaxoutNetwork.of([([[[1], [-1]], [[2], [0]]], [[0, 0], [1, 0]])], ([[1, -1]], [0]))
TWO_LAYERS = MaxoutNetwork.of(
    [([[[1], [-1]], [[1], [1]]], [[0, 0], [0, 0]]), ([[[1, 1], [1, -2]]], [[-1, 0]])], ([[3]], ["1/3"])
)
TWO_BY_TWO = MaxoutNetwork.of(
    [([[[1], [-1]], [[2], ["1/2"]]], [[0, 1], ["-1/3", 0]]), ([[[1, -1], [-1, 2]]], [[0, "1/2"]])], ([[3]], [1])
)
FIVE = MaxoutNetwork.of([([[[1], [-1], [3], [-3], [0]]], [[0, 0, -1, -1, "1/4"]])], ([[2]], [1]))
SMALL_NETWORKS = {"rank 3": MAX3, "two units": TWO_UNITS, "equal pieces": TWO_LAYERS, "two layers": TWO_BY_TWO}


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("construction", SPLITTING)
@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_small_networks_are_proved_with_splits(name: str, construction: str, tie: Tie) -> None:
    network = SMALL_NETWORKS[name]
    box = Domain.box(network.inputs, -1, 1)
    outcome = ef.prove(network, construction=construction, domain=box, tie=tie)
    assert outcome.verdict == "proved", outcome.reason


@pytest.mark.parametrize("arity", [2, 3, 4, 5, 6])
def test_tournaments_of_every_arity_are_proved(arity: int) -> None:
    box = Domain.box(1, -2, 2)
    compiled = compile_network(FIVE, construction="tournament", domain=box, arity=arity)
    assert compiled.transformer.tokens == min(5, arity)
    assert len(compiled.transformer.blocks) == {2: 3, 3: 2, 4: 2}.get(arity, 1) + 1
    outcome = ef.verify(FIVE, compiled.transformer, domain=box)
    assert outcome.verdict == "proved", outcome.reason
    assert arity < 5 or outcome.method == "structural"


@pytest.mark.parametrize("construction", SPLITTING)
def test_no_split_where_one_head_or_one_level_suffices(construction: str) -> None:
    network = ReluNetwork.of([([[1]], [0]), ([[-2]], [1])], ([[1]], [0]), domain=Domain.box(1, -1, 1))
    assert ef.prove(network, construction=construction).method == "structural"


@pytest.mark.parametrize("tie", ["leftmost", "rightmost"])
def test_second_step_needs_the_average(tie: Tie) -> None:
    outcome = ef.prove(TWO_UNITS, construction="two-step", domain=Domain.box(1, -1, 1), tie=tie)
    assert outcome.verdict == "refuted"
    average = ef.prove(TWO_UNITS, construction="two-step", domain=Domain.box(1, -1, 1))
    assert average.theorem is not None and average.theorem.endswith("tie rule average)")
    one_unit = ef.prove(MAX3, construction="two-step", domain=Domain.box(2, -1, 1), tie=tie)
    assert one_unit.theorem is not None and one_unit.theorem.endswith("any tie rule)")


@pytest.mark.parametrize(
    ("construction", "block", "head"), [("no-residual", 1, -1), ("gated-head-eraser", 1, -1), ("two-step", 2, 0)]
)
def test_every_special_head_is_needed(construction: str, block: int, head: int) -> None:
    box = Domain.box(1, -1, 1)
    compiled = compile_network(TWO_LAYERS, construction=construction, domain=box)
    head %= len(compiled.transformer.blocks[block].heads or ())
    broken = mutants.drop_head(compiled.transformer, block, head)
    assert ef.verify(TWO_LAYERS, broken, domain=box).verdict == "refuted"


# --- the way back ---------------------------------------------------------------------------------


@ALL
@given(cases())
@settings(max_examples=15, suppress_health_check=SLOW_TO_DRAW)
def test_units_stand_where_the_correspondence_says(construction: str, case: tuple[Any, Domain]) -> None:
    network, box = case
    compiled = compiled_or_skipped(network, construction, box)
    if compiled is None:
        return
    transformer, source = compiled.transformer, compiled.source
    assert source == (relu_to_maxout(network) if isinstance(network, ReluNetwork) else network)
    units = compiled.correspondence.units
    assert [(u.layer, u.unit) for u in units] == [(l, i) for l, m in enumerate(source.widths) for i in range(m)]
    assert compiled.correspondence.construction == construction
    point = list(inner_points(box))[-1]
    values, hidden = [], point
    for layer in source.layers:
        hidden = MaxoutNetwork((layer,), identity(layer.width)).evaluate(hidden)
        values.append(hidden)
    attended = states_after_attention(compiled, point)
    for unit in units:
        place = unit.coordinates[transformer.token if len(unit.coordinates) > 1 else 0]
        assert attended[unit.block][place] == values[unit.layer][unit.unit]
        assert set(unit.heads) <= set(range(len(transformer.blocks[unit.block].heads or ())))
    covered = [c for _, lo, hi in compiled.correspondence.coordinates for c in range(lo, hi)]
    assert covered == list(range(transformer.width))


def identity(width: int) -> Any:
    return ReluNetwork.of([], ([[int(i == j) for j in range(width)] for i in range(width)], [0] * width)).output


def states_after_attention(compiled: Compiled, point: tuple[Fraction, ...]) -> dict[int, Any]:
    """By block, the state of the read-out token after its attention sublayer."""
    transformer = compiled.transformer
    states = iter(transformer.states(point)[1:])
    result = {}
    for number, block in enumerate(transformer.blocks):
        if block.heads is not None:
            result[number] = next(states)[transformer.token]
        if block.feedforward is not None:
            next(states)
    return result


# --- sizes ----------------------------------------------------------------------------------------


def stated(name: str, k: int, n: int, widths: tuple[int, ...]) -> dict[str, int]:
    """What theory 2.2 and 2.3 state, for L >= 1 layers of rank k >= 2: tokens, heads, sublayers, hidden neurons."""
    depth, total, m = len(widths), sum(widths), max(widths)
    before = (n, *widths)[:depth]
    old = [w * (1 if i == 0 else 2) for i, w in enumerate(before)]  # coordinates of h, and from layer 2 on of z
    tokens = {"global": k + 1, "single-head": k**m, "two-step": k * m, "causal": k * depth + 1}
    heads = {"global": (k + 1) * total + depth, "no-residual": total + depth, "single-head": depth}
    heads |= {"two-step": 2 * depth, "gated-head-eraser": total + depth}
    attention = {"two-step": 2 * depth, "sequential": total}
    hidden = {
        "global": 0,
        "no-residual": k * total + k * depth,
        "causal": k * total + sum(before) + sum(old),
        "gated-box-erasers": k * total + sum(old),
        "gated-head-eraser": k * total + 2 * sum(before[1:]),
        "gated-fresh-slots": k * total,
    }
    return {
        "tokens": tokens.get(name, k),
        "heads": heads.get(name, total),
        "attention sublayers": attention.get(name, depth),
        "feed-forward sublayers": 0 if name == "global" else depth,
        "hidden neurons": hidden.get(name, k * total + 2 * sum(old)),
    }


@ALL
@given(cases())
@settings(max_examples=30, suppress_health_check=SLOW_TO_DRAW)
def test_sizes_are_those_of_the_theory(construction: str, case: tuple[Any, Domain]) -> None:
    network, box = case
    compiled = compiled_or_skipped(network, construction, box)
    if compiled is None:
        return
    assert [line for line in compiled.sizes if not line.agrees] == []
    assert all(line.exact for line in compiled.sizes if line.name != "non-zero entries")
    source, name = compiled.source, construction
    if construction == "tournament":
        source, name = maxout_to_lower_rank(source), "gated"
    if source.widths:
        counted = {line.name: line.counted for line in compiled.sizes}
        for size, value in stated(name, max(2, source.rank), source.inputs, source.widths).items():
            assert counted.get(size, 0) == value, size


@given(maxout_networks(SMALL, 4), st.integers(2, 5), st.data())
@settings(max_examples=60, suppress_health_check=SLOW_TO_DRAW)
def test_lower_rank_is_the_same_function(network: MaxoutNetwork, arity: int, data: st.DataObject) -> None:
    lowered = maxout_to_lower_rank(network, arity)
    assert lowered.rank <= max(arity, 1)
    depth, widths = 0, []
    for layer in network.layers:
        here = 1
        while arity**here < layer.rank:
            here += 1  # ceil(log_q k), at least 1
        depth += here
        widths += [layer.width * -(-layer.rank // arity**r) for r in range(1, here + 1)]
    assert (len(lowered.layers), lowered.widths) == (depth, tuple(widths))
    point = data.draw(st.tuples(*[PLAIN] * network.inputs))
    assert lowered.evaluate(point) == network.evaluate(point)


def test_levels() -> None:
    assert [levels(9, 2), levels(9, 3), levels(10, 3), levels(3, 2)] == [(5, 3, 2, 1), (3, 1), (4, 2, 1), (2, 1)]


# --- what does not apply --------------------------------------------------------------------------


@ALL
def test_gates_need_a_bounded_box(construction: str) -> None:
    if construction == "global":
        assert compile_network(TWO_UNITS, construction=construction).transformer.evaluate([-9]) == (9,)
        return
    with pytest.raises(Unsupported, match=f"construction {construction}: expected a domain with finite bounds"):
        compile_network(TWO_UNITS, construction=construction)


def test_single_head_refuses_very_many_tokens() -> None:
    wide = ReluNetwork.of([([[1]] * 13, [0] * 13)], ([[1] * 13], [0]), domain=Domain.box(1, 0, 1))
    with pytest.raises(Unsupported, match=r"single-head: expected at most 4096 tokens, found 2\^13"):
        compile_network(wide, construction="single-head")


@pytest.mark.parametrize("arity", [1, 0, -2, True, 2.5])
def test_arity_is_an_integer_from_two_on(arity: Any) -> None:
    with pytest.raises(InvalidInput, match="arity: expected"):
        compile_network(FIVE, construction="tournament", domain=Domain.box(1, 0, 1), arity=arity)


def test_arity_is_that_of_tournaments() -> None:
    with pytest.raises(InvalidInput, match="arity: expected 2 for the construction gated, found 3"):
        compile_network(FIVE, domain=Domain.box(1, 0, 1), arity=3)


# --- side by side ---------------------------------------------------------------------------------

HEADER = "construction tokens width heads d_k d_v attention feed-forward hidden non-zero bits"


def test_comparison_counts_what_is_there() -> None:
    network = ef.load(EXAMPLE)
    rows = compare_sizes(network)
    assert [row.construction for row in rows] == list(CONSTRUCTIONS)
    for row in rows:
        compiled = compile_network(network, construction=row.construction)
        assert row.sizes is not None
        assert {row.sizes.tokens, row.sizes.width} <= {line.counted for line in compiled.sizes}
        assert row.sizes.entries == nonzeros(compiled.transformer)
        assert row.sizes.bits == weight_bits(compiled.transformer) > 0


def test_comparison_names_what_does_not_apply() -> None:
    rows = compare_sizes(TWO_UNITS)
    assert [row.construction for row in rows if row.sizes is not None] == ["global"]
    assert all("finite bounds" in row.reason for row in rows if row.sizes is None)
    text = comparison_text(rows).splitlines()
    assert (text[0].split(), text[1].split()[0], len(text)) == (HEADER.split(), "global", 1 + len(CONSTRUCTIONS))
    with pytest.raises(Unsupported):
        compare_sizes(compile_network(TWO_UNITS, construction="global").transformer)


def test_weight_bits_are_of_lowest_terms() -> None:
    network = MaxoutNetwork.of([([[["7/3"], ["1024/4095"]]], [[0, 0]])], ([[1]], [0]))
    assert weight_bits(compile_network(network, construction="global").transformer) == 12


def test_compare_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(EXAMPLE), "--compare"]) == 0
    assert capsys.readouterr().out == comparison_text(compare_sizes(ef.load(EXAMPLE))) + "\n"
    assert main(["compile", str(EXAMPLE), "--compare", "--everywhere", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["constructions"]
    assert [row["construction"] for row in rows if "counts" in row] == ["global"]
    assert main(["compile", str(EXAMPLE)]) == 3


def test_arity_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [str(EXAMPLE), "--construction", "tournament", "--arity", "3"]
    assert main(["compile", *chosen, "-o", str(tmp_path / "t.json")]) == 0
    assert main(["prove", *chosen, "--out", str(tmp_path / "proof"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["verdict"] == "proved"
    assert main(["compile", str(EXAMPLE), "--arity", "1", "-o", str(tmp_path / "t.json")]) == 3


def test_document_shows_the_real_table() -> None:
    text = (ROOT / "docs" / "constructions.md").read_text(encoding="utf-8")
    assert comparison_text(compare_sizes(ef.load(EXAMPLE))) in text
    assert all(f"`{construction}`" in text for construction in CONSTRUCTIONS)
