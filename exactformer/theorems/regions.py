"""How many linear regions there are: exact counts beside the formulas, and what attains them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement, product

from exactformer.building import Design, Expression, Space, block, head, token
from exactformer.compiler import compile_network
from exactformer.domain import Domain
from exactformer.networks import Affine, MaxoutNetwork, Transformer
from exactformer.rational import Matrix, Vector
from exactformer.subdivision import (
    Regions,
    deep_lower,
    deep_upper,
    heads_upper,
    one_input,
    one_layer,
    one_layer_without_biases,
    parallel_folds,
    regions,
    sawtooth,
)
from exactformer.theorems.case import Case, Undecided, expect
from exactformer.theorems.expressions import ZERO, Row, network, total, unknowns
from exactformer.theorems.theorem import theorem


def counted(net: MaxoutNetwork | Transformer, domain: Domain | None = None) -> Regions:
    """All regions. Raises `Undecided` where the time did not suffice."""
    found = regions(net, domain)
    if found.at_least:
        raise Undecided("out of time while regions were counted")
    return found


def linear_regions(net: MaxoutNetwork | Transformer, domain: Domain | None = None) -> int:
    """The exact number of linear regions."""
    return counted(net, domain).linear_regions


def cells(net: MaxoutNetwork | Transformer, domain: Domain | None = None) -> int:
    """The exact number of activation regions."""
    return counted(net, domain).activation_regions


@theorem("T25", "One layer", "R1", expected="sharp", instances=40, inputs=(1, 2), width=(1, 3), rank=(2, 3))
def regions_of_one_layer(case: Case, inputs: int, width: int, rank: int) -> None:
    """One layer of m units of rank k on R^n has at most r(n; m, k) regions, and some have as many.

    r(n; m, k) = sum_{j <= min(n, m)} C(m, j) (k - 1)^j. Counted exactly: parallel folds have r(n; m, k) linear regions
    on [-1, 1]^n, and the layers drawn, of integer weights, have at most so many activation regions on R^n. For n = 1, m
    = 2, k = 2 all layers of weights and biases in {-1, 0, 1} are counted, one for all that have the same kinks.
    """
    most = one_layer(inputs, [rank] * width) - int(case.broken)
    found = linear_regions(parallel_folds(inputs, width, rank))
    expect(found == most, f"parallel folds have {found} regions, r({inputs}; {width}, {rank}) = {most}")
    drawn = [case.network(inputs, [width], rank, domain=Domain.everything(inputs))]
    for net in every_small_layer() if (inputs, width, rank) == (1, 2, 2) else drawn:
        expect(cells(net) <= most, f"{cells(net)} regions, r({inputs}; {width}, {rank}) = {most}: {net.layers}")


def every_small_layer() -> Iterator[MaxoutNetwork]:
    """Two units of rank 2 on R, as far as their kinks go, of pieces with weights and biases in {-1, 0, 1}."""
    kinks = {Fraction(b, w) for w, b in product((1, 2), range(-2, 3))}
    units = [(ZERO, ZERO), *((Row({0: 1}, -kink), ZERO) for kink in sorted(kinks))]
    for pair in combinations_with_replacement(units, 2):
        yield network(1, [pair], [total(unknowns(2))], Domain.everything(1))


@theorem("T26", "One layer without biases", "R2", expected="sharp", instances=24, width=(2, 4), rank=(2, 3))
def regions_without_biases(case: Case, width: int, rank: int) -> None:
    """One layer without biases, on R^2, has at most as many regions as Minkowski sums of polygons have vertices.

    Weibel's formula gives m k for m units of rank k >= 3 on R^2, and 2 m for rank 2. Counted exactly: units drawn with
    integer weights never have more, and units whose polygons have edges of pairwise different directions have as many.
    """
    most = one_layer_without_biases(2, width, rank) - int(case.broken)
    net = case.network(2, [width], rank, domain=Domain.everything(2), bias=False)
    expect(cells(net) <= most, f"{cells(net)} regions, at most {most}: {net.layers}")
    turns = [[Row({0: 1 - t * t, 1: 2 * t}) for t in _turns(i, width, rank)] for i in range(width)]
    generic = network(2, [turns], unknowns(1))
    expect(cells(generic, Domain.everything(2)) == most, f"{cells(generic, Domain.everything(2))} regions, not {most}")


def _turns(unit: int, width: int, rank: int) -> list[Fraction]:
    """Parameters t of points (1 - t^2, 2 t) of a parabola: chords from s to t have the direction (-(s + t), 2)."""
    return [Fraction(10 * 3 ** (rank * unit + p)) for p in range(rank)]


@theorem(
    "T27",
    "Several layers",
    "R3",
    expected="sharp",
    instances=40,
    inputs=(1, 2),
    layers=(1, 3),
    width=(1, 3),
    rank=(2, 3),
)
def regions_of_several_layers(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """A network has at most the product of r(min(n, m_1, ..., m_(l-1)); m_l, k) activation regions over its layers.

    Counted exactly for the networks drawn, on R^n. The sawtooth, of one input and width 2, has as many on [0, 1].
    """
    net = case.network(inputs, [width] * layers, rank, domain=Domain.everything(inputs))
    found, most = cells(net), deep_upper(inputs, [[rank] * width] * layers)
    expect(found <= most, f"{found} regions, at most {most}: {net.layers}")
    wave = cells(sawtooth(rank=rank, depth=layers))
    bound = deep_upper(1, [[rank - int(case.broken), rank]] * layers)
    expect(wave == bound, f"the sawtooth has {wave} regions, and the bound is {bound}")


@theorem(
    "T28", "One input", "R4", expected="sharp", instances=24, negatives="N7", layers=(1, 3), width=(1, 2), rank=(2, 3)
)
def regions_of_one_input(case: Case, layers: int, width: int, rank: int) -> None:
    """A network of one input and L layers of even width m has at most (1 + m (k - 1))^L regions, the sawtooth as many.

    Counted exactly: the sawtooth of width 2 has (2 k - 1)^L linear regions, which is more than L - 1 layers of width 2
    can have; the networks drawn, of width 1 or 2, have at most (1 + m (k - 1))^L, and 1 + (k - 1)(2^L - 1) for m = 1.
    """
    most, exact = one_input(width, rank, layers)
    expect(exact, "no exact value is known")
    wave = linear_regions(sawtooth(width=2, rank=rank, depth=layers - int(case.broken)))
    shallow, deep = (one_input(2, rank, depth)[0] for depth in (layers - 1, layers))
    expect(shallow < wave == deep == (2 * rank - 1) ** layers, f"the sawtooth has {wave} regions")
    net = case.network(1, [width] * layers, rank, domain=Domain.everything(1))
    found = linear_regions(net)
    expect(found <= most, f"{found} regions, at most {most}: {net.layers}")


@theorem("T29", "Exponential in the depth", "R5", instances=8, inputs=(1, 2), layers=(1, 2), rank=(2, 3))
def regions_grow_with_depth(case: Case, inputs: int, layers: int, rank: int) -> None:
    """With 2 n units a layer there are networks of (2 k - 1)^(n L) linear regions.

    The sawtooth in each input, its outputs added up with the weights 1, 2, 4, ...: counted exactly on [0, 1]^n.
    """
    found = linear_regions(sawtooth(inputs, rank=rank, depth=layers - int(case.broken)))
    expect(found == deep_lower(inputs, rank, layers), f"{found} regions, not {deep_lower(inputs, rank, layers)}")


@theorem("T30", "Regions of Transformers", "R6", instances=12, inputs=(1, 2), layers=(1, 2), rank=(2, 3))
def regions_of_transformers(case: Case, inputs: int, layers: int, rank: int) -> None:
    """In the hard limit the compiled Transformer has the linear regions of its source: as many, and the same maps.

    Counted independently on the box, the source by its units, the Transformer by its own attention patterns and ReLU
    signs: equally many linear regions, and equally many different affine maps. The sawtooth compiled has (2 k - 1)^L.
    """
    net = case.network(inputs, [2] * layers, rank)
    made = compile_network(net).transformer
    source, found = counted(net), counted(case.network(inputs, [2] * layers, rank) if case.broken else made)
    expect(found.linear_regions == source.linear_regions, f"{found.linear_regions} and {source.linear_regions} regions")
    expect(found.distinct_affine_maps == source.distinct_affine_maps, "the numbers of affine maps differ")
    wave = sawtooth(rank=rank, depth=layers)
    count = linear_regions(compile_network(wave).transformer)
    expect(count == (2 * rank - 1) ** layers, f"the sawtooth compiled has {count} regions")


@theorem("T31", "Cells of heads", "R7", expected="sharp", instances=12, inputs=(1, 2), heads=(1, 2), tokens=(2, 3))
def cells_of_heads(case: Case, inputs: int, heads: int, tokens: int) -> None:
    """H heads of constant query over k tokens cut R^n into at most r(n; H, k) cells; where query and key depend on x,
    not.

    Counted exactly for the heads of affine scores that are drawn (values are scores); those whose scores are the pieces
    of parallel folds have as many. For the scores x_1 x_t, t = 2, 3, which are quadratic, the winner at x = (s, s - 1,
    0) is token 2, 3, 2 for s = -1, 1/2, 2, on a line: no convex cell.
    """
    most = heads_upper(inputs, heads, tokens)
    scores = [
        Affine(Matrix.of([case.integers(inputs) for _ in range(heads)]), _vector(case, heads)) for _ in range(tokens)
    ]
    found = cells(heads_with(scores), Domain.everything(inputs))
    expect(found <= most, f"{found} cells, at most {most}: scores {scores}")
    folds = parallel_folds(inputs, heads, tokens - int(case.broken)).layers[0].pieces
    rank = folds.outputs // heads
    rows, biases = folds.weights.dense(), folds.biases.fractions()
    dealt = [range(t, folds.outputs, rank) for t in range(rank)]  # the t-th piece of each unit
    sharp = [Affine(Matrix.of([rows[i] for i in part]), Vector.of(biases[i] for i in part)) for part in dealt]
    attained = cells(heads_with(sharp), Domain.everything(inputs))
    expect(attained == most, f"parallel folds as heads have {attained} cells, not {most}")
    made = quadratic_head()
    winners = [made.evaluate([s, s - 1, 0])[0] for s in (Fraction(-1), Fraction(1, 2), Fraction(2))]
    expect(winners == [2, 3, 2], f"the winners are {winners}")


def quadratic_head() -> Transformer:
    """The head with the scores x_1 x_2 and x_1 x_3 of tokens 2 and 3, whose values are their numbers."""
    inputs, space = Space("x1", "x2", "x3"), Space("query", "key", "value", "out")
    query, key, value, out = space.parts
    x1, x2, x3 = inputs.parts
    tokens = [token(query=x1, key=x2, value=2), token(key=x3, value=3)]
    blocks = [block(head(query=query, key=key, value=value, to=out))]
    return Design(inputs=inputs, space=space, tokens=tokens, blocks=blocks, readout=out).build()


def _vector(case: Case, size: int) -> Vector:
    return Vector.of(Fraction(x) for x in case.integers(size))


def heads_with(scores: Sequence[Affine]) -> Transformer:
    """One attention sublayer whose heads have these scores, as values too: the rows of an affine map for each token."""
    inputs, heads = scores[0].inputs, scores[0].outputs
    space, inner = Space(x=inputs), Space(one=1, key=heads, out=heads)
    one, key, out = inner.parts
    tokens = [token(one=1, key=[_row(each, h, space.parts[0]) for h in range(heads)]) for each in scores]
    parts = [head(query=one, key=key[h], value=key[h], to=out[h]) for h in range(heads)]
    return Design(inputs=space, space=inner, tokens=tokens, blocks=[block(*parts)], readout=out).build()


def _row(affine: Affine, row: int, x: Expression) -> Expression:
    result = 0 * x[0] + affine.biases[row]
    for i, weight in affine.weights.row(row).items():
        result = result + weight * x[i]
    return result


@theorem(
    "T33",
    "One head too few",
    "N6",
    expected="fails",
    instances=8,
    negatives="N6",
    inputs=(1, 2),
    width=(2, 3),
    rank=(2, 3),
)
def one_head_too_few(case: Case, inputs: int, width: int, rank: int) -> None:
    """A layer of m units with r(n; m, k) regions is no single attention sublayer of fewer heads with k tokens.

    Counted exactly: parallel folds have r(n; m, k) linear regions, which is more than the r(n; m - 1, k) cells that m -
    1 heads of constant query with k tokens can have (T31), and on each cell such a sublayer is affine.
    """
    has = linear_regions(parallel_folds(inputs, width, rank))
    heads = width - (not case.broken)
    can = heads_upper(inputs, heads, rank)
    expect(has > can, f"{has} regions, and {heads} heads have up to {can} cells")
