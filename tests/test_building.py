"""Transformers by hand: the vocabulary against plain matrices, its error messages, and the gallery in proofs/hand-*."""

from __future__ import annotations

import doctest
import json
import re
import runpy
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.building import (
    Design,
    Expression,
    Space,
    block,
    constant_query_head,
    erase,
    head,
    linear,
    max_head,
    one_hot,
    relu,
    self_head,
    token,
    token_head,
    total,
    uniform_head,
    write,
)
from exactformer.cli import main
from exactformer.formats import network_json
from exactformer.networks import Affine, Block, FeedForward, Head, Transformer
from exactformer.networks.semantics import TIES
from exactformer.prover.driver import verify
from exactformer.rational import Matrix

PROOFS = Path(__file__).parent.parent / "proofs"
GALLERY = sorted(PROOFS.glob("hand-*"))


# --- spaces and expressions -----------------------------------------------------------------------


def test_space_names_its_coordinates_in_order() -> None:
    space = Space("one", "x", position=3)
    assert space.dimension == 5
    assert space.coordinates == ("one", "x", "position[0]", "position[1]", "position[2]")
    assert space == Space(one=1, x=1, position=3)
    assert [len(part) for part in space.parts] == [1, 1, 3]


def test_expressions_are_exact_and_canonical() -> None:
    x, y, p = Space("x", "y", p=2).parts
    assert 2 * x + y - x == x + y
    assert x * "1/3" + Fraction(2, 3) * x == x
    assert np.int64(2) * x + np.int64(3) == "2" * x + 3
    assert 1 - x == -(x - 1)
    assert "1/2" - x == -x + "0.5"
    assert x - x == 0 * y
    assert p + 1 - p[0:2] == 0 * p + 1
    assert list(p) == [p[0], p[1]]
    assert p[-1] == p[1]
    assert total(p) == p[0] + p[1]
    assert hash(x + y) == hash(y + x)
    assert 3 * relu(x - 1) - relu(x - 1) == 2 * relu(x - 1)
    assert linear(x) == relu(x) - relu(-x)


@pytest.mark.parametrize(
    ("text", "make"),
    [
        ("x", lambda x, p: x),
        ("-x + 1/2", lambda x, p: "1/2" - x),
        ("0", lambda x, p: x - x),
        ("3 x - 2/3 p[1]", lambda x, p: 3 * x - p[1] * "2/3"),
        ("(p[0] - 1, p[1] - 1)", lambda x, p: p - 1),
        ("-relu(x - 1) + 2 relu(x) + 1", lambda x, p: 1 - relu(x - 1) + 2 * relu(x)),
    ],
)
def test_expressions_as_text(text: str, make: Callable[[Expression, Expression], Expression]) -> None:
    assert str(make(*Space("x", p=2).parts)) == text


@pytest.mark.parametrize(
    ("reason", "make"),
    [
        ("space: expected every name once, found the name 'x' again", lambda x, p: Space("x", "y", x=2)),
        ("space, subspace 'h': expected a dimension >= 1, found 0", lambda x, p: Space(h=0)),
        ("space: expected one of the names x, p, found 'y'", lambda x, p: x.space["y"]),
        ("product of x and x: expected an exact number as one factor, found none", lambda x, p: x * x),
        ("sum of x and 0.1: expected an exact number", lambda x, p: x + 0.1),
        ("product of x and 0.5: expected an exact number", lambda x, p: 0.5 * x),
        ("product of x and np.float64(0.5): expected an exact number", lambda x, p: np.float64(0.5) * x),
        ('expected a number (an integer, "p/q" or decimal text), found half', lambda x, p: x - "half"),
        ("sum of x and (p[0], p[1]): expected equal sizes, found 1 and 2", lambda x, p: x + p),
        ("expected expressions over one space, found one over x, p and one over x", lambda x, p: x + Space("x")["x"]),
        ("(p[0], p[1]): expected a component from 0 to 1, found 2", lambda x, p: p[2]),
        ("(p[0], p[1]): expected at least one component", lambda x, p: p[2:]),
        ("relu(x + relu(x)): expected no ReLU inside (use two blocks)", lambda x, p: relu(x + relu(x))),
        ("relu: expected an expression, found 3", lambda x, p: relu(3)),  # type: ignore[arg-type]
        ("one_hot: expected an index from 0 to 2, found 3", lambda x, p: one_hot(3, 3)),
        ("token_head: expected a token from 0 to 1, found 2", lambda x, p: token_head(2, position=p, value=x, to=x)),
        ("erase: expected plain coordinates, found 2 x", lambda x, p: erase(2 * x)),
        ("erase: expected plain coordinates, found x + 1", lambda x, p: erase(x + 1)),
    ],
)
def test_what_cannot_be_formed_is_refused_at_once(reason: str, make: Callable[..., Any]) -> None:
    x, p = Space("x", p=2).parts
    with pytest.raises(ef.InvalidInput) as caught:
        make(x, p)
    assert reason in str(caught.value)


def test_a_space_lists_every_fault() -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        Space("x", "x", y=0, z=True)
    assert len(caught.value.reasons) == 3


# --- a design against plain matrices --------------------------------------------------------------


def test_a_small_design_has_the_matrices_written_down() -> None:
    inputs, state = Space("x"), Space("out", position=2)
    (x,), (out, position) = inputs.parts, state.parts
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[token(position=one_hot(0, 2), out=2 * x - "1/3"), token(position=[x, 1])],
        blocks=[
            block(
                head(query=position, key=2 * position, value=[out, position[1]], to=[out - position[0], 3 * out]),
                write(2 * relu(out - 1) + relu(-out) - 5, to=out),
                write(relu(out - 1), to=-position[1]),
            )
        ],
        readout=[out + 1, position[0]],
        token=1,
        residual=False,
        mask="causal",
    )
    attention = Head.of(
        [[0, 1, 0], [0, 0, 1]], [[0, 2, 0], [0, 0, 2]], [[1, 0, 0], [0, 0, 1]], [[1, 3], [-1, 0], [0, 0]]
    )
    inner, outer = Affine.of([[1, 0, 0], [-1, 0, 0]], [-1, 0]), Affine.of([[2, 1], [0, 0], [-1, 0]], [-5, 0, 0])
    assert design.build(name="small") == Transformer(
        (Affine.of([[2], [0], [0]], ["-1/3", 1, 0]), Affine.of([[0], [1], [0]], [0, 0, 1])),
        (Block((attention,), FeedForward(inner, outer)),),
        1,
        Affine.of([[1, 0, 0], [0, 1, 0]], [1, 0]),
        residual=False,
        mask="causal",
        name="small",
    )


def number(rng: Random) -> Fraction:
    return Fraction(rng.randint(-4, 4), rng.choice([1, 1, 2, 3]))


def rows(rng: Random, height: int, width: int) -> list[list[Fraction]]:
    return [[number(rng) for _ in range(width)] for _ in range(height)]


def combined(row: list[Fraction], parts: list[Expression], constant: Fraction = Fraction(0)) -> Expression:
    result = 0 * parts[0] + constant
    for c, part in zip(row, parts, strict=True):
        result = result + c * part
    return result


def random_pair(rng: Random, *, by_unit: bool) -> tuple[Transformer, Transformer]:
    """A random Transformer as a design and as matrices.

    With `by_unit` there is one write a hidden unit, in the directions of its column, and the matrices agree; otherwise
    there is one write a coordinate, and only the functions agree.
    """
    inputs = Space(**{f"x{i}": 1 for i in range(rng.randint(1, 2))})
    state = Space(**{f"s{i}": rng.randint(1, 2) for i in range(rng.randint(1, 3))})
    n, d, count = inputs.dimension, state.dimension, rng.randint(1, 3)
    x, h = [c for p in inputs.parts for c in p], [c for p in state.parts for c in p]
    tokens, maps = [], []
    for _ in range(count):
        weights, biases = rows(rng, d, n), rows(rng, 1, d)[0]
        maps.append(Affine.of(weights, biases))
        flat = [combined(row, x, b) for row, b in zip(weights, biases, strict=True)]
        tokens.append(token(**{name: [flat.pop(0) for _ in range(size)] for name, size in state.sizes}))
    blocks, parts = [], []
    for _ in range(rng.randint(1, 2)):
        heads, matrices = random_heads(rng, h)
        writes, feedforward = random_writes(rng, h, by_unit=by_unit)
        blocks.append(block(*heads, *writes))
        parts.append(Block(matrices or None, feedforward))
    weights, biases = rows(rng, 2, d), rows(rng, 1, 2)[0]
    last, residual, mask = rng.randrange(count), rng.random() < 0.5, rng.choice([None, "causal"])
    design = Design(
        inputs=inputs,
        space=state,
        tokens=tokens,
        blocks=blocks,
        readout=[combined(row, h, b) for row, b in zip(weights, biases, strict=True)],
        token=last,
        residual=residual,
        mask=mask,  # type: ignore[arg-type]
    )
    direct = Transformer(tuple(maps), tuple(parts), last, Affine.of(weights, biases), residual, mask)  # type: ignore[arg-type]
    return design.build(), direct


def random_heads(rng: Random, h: list[Expression]) -> tuple[list[Any], tuple[Head, ...]]:
    heads, matrices = [], []
    for _ in range(rng.randint(0, 2)):
        inner, outer = rng.randint(1, 2), rng.randint(1, 2)
        query, key, value = rows(rng, inner, len(h)), rows(rng, inner, len(h)), rows(rng, outer, len(h))
        output = rows(rng, len(h), outer)
        columns = [list(column) for column in zip(*output, strict=True)]
        q, k, v, to = ([combined(row, h) for row in matrix] for matrix in (query, key, value, columns))
        heads.append(head(query=q, key=k, value=v, to=to))
        matrices.append(Head.of(query, key, value, output))
    return heads, tuple(matrices)


def random_writes(rng: Random, h: list[Expression], *, by_unit: bool) -> tuple[list[Any], FeedForward]:
    d, hidden = len(h), rng.randint(1, 3)
    w1, b1 = rows(rng, hidden, d), [Fraction(j) for j in range(hidden)]  # distinct units, by their biases
    w2, b2 = rows(rng, d, hidden), rows(rng, 1, d)[0]
    w2[0] = [Fraction(1)] * hidden  # every unit is used
    units = [relu(combined(row, h, b)) for row, b in zip(w1, b1, strict=True)]
    if by_unit:
        writes = [
            write(unit, to=combined(list(column), h)) for unit, column in zip(units, zip(*w2, strict=True), strict=True)
        ]
        writes.append(write(1, to=combined(b2, h)))
    else:
        writes = [write(combined(row, units, b), to=c) for row, b, c in zip(w2, b2, h, strict=True)]
    return writes, FeedForward(Affine.of(w1, b1), Affine.of(w2, b2))


@given(st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_a_random_design_has_the_matrices_it_says(rng: Random) -> None:
    built, direct = random_pair(rng, by_unit=True)
    assert built == direct


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_random_design_computes_what_the_matrices_compute(rng: Random) -> None:
    built, direct = random_pair(rng, by_unit=False)
    point = [number(rng) for _ in range(direct.inputs)]
    for tie in TIES:
        assert built.evaluate(point, tie=tie) == direct.evaluate(point, tie=tie)


# --- the convenience heads, and what writes do ----------------------------------------------------


def heads_on_three_tokens(make: Callable[..., Any], *, at: int, mask: Any = None, tie: Any = "average") -> Fraction:
    """What one head hands to token `at` when the three tokens hold 10, 30 and 20."""
    inputs, state = Space("x"), Space("z", "out", position=3)
    (x,), (z, out, position) = inputs.parts, state.parts
    tokens = [token(position=one_hot(t, 3), z=x + v) for t, v in enumerate([10, 30, 20])]
    design = Design(
        inputs=inputs,
        space=state,
        tokens=tokens,
        blocks=[block(make(z, out, position))],
        readout=out,
        token=at,
        mask=mask,
    )
    return design.build().evaluate([0], tie=tie)[0]


def test_convenience_heads() -> None:
    def largest(z: Expression, out: Expression, position: Expression) -> Any:
        return max_head(z, one=total(position), to=out)

    def smallest(z: Expression, out: Expression, position: Expression) -> Any:
        return constant_query_head(one=total(position), key=-z, value=2 * z, to=out)

    def own(z: Expression, out: Expression, position: Expression) -> Any:
        return self_head(position=position, value=z, to=out)

    def last(z: Expression, out: Expression, position: Expression) -> Any:
        return token_head(2, position=position, value=z, to=out)

    def mean(z: Expression, out: Expression, position: Expression) -> Any:
        return uniform_head(value=z, to=out)

    def previous(z: Expression, out: Expression, position: Expression) -> Any:
        return head(query=position[1:], key=position[:-1], value=z, to=out)

    assert [heads_on_three_tokens(largest, at=t) for t in range(3)] == [30, 30, 30]
    assert [heads_on_three_tokens(largest, at=t, mask="causal") for t in range(3)] == [10, 30, 30]
    assert [heads_on_three_tokens(smallest, at=t) for t in range(3)] == [20, 20, 20]
    assert [heads_on_three_tokens(own, at=t) for t in range(3)] == [10, 30, 20]
    assert [heads_on_three_tokens(last, at=t) for t in range(3)] == [20, 20, 20]
    assert [heads_on_three_tokens(last, at=t, mask="causal") for t in range(3)] == [10, 20, 20]
    assert [heads_on_three_tokens(mean, at=t) for t in range(3)] == [20, 20, 20]
    assert [heads_on_three_tokens(mean, at=t, mask="causal") for t in range(3)] == [10, 20, 20]
    assert [heads_on_three_tokens(mean, at=0, tie=tie) for tie in TIES] == [20, 10, 20]
    assert [heads_on_three_tokens(previous, at=t, mask="causal") for t in range(3)] == [10, 10, 30]


def feedforward_on(*parts: Any, residual: bool = True) -> Transformer:
    design = Design(
        inputs=Space("a", "b"),
        space=STATE,
        tokens=[token(x=Space("a", "b")["a"], y=Space("a", "b")["b"])],
        blocks=[block(*parts)],
        readout=[STATE["x"], STATE["y"], STATE["out"]],
        residual=residual,
    )
    return design.build()


STATE = Space("x", "y", "out")


def test_writes_and_erasers() -> None:
    x, y, out = STATE.parts
    net = feedforward_on(write(2 * relu(x - y) - 1, to=out), erase(x), erase(y, lower="-7/2"))
    assert net.evaluate([3, "-1/2"]) == (0, 0, 6)
    assert net.evaluate([-3, -2]) == (0, 0, -1)
    assert net.evaluate([0, -4])[1] != 0  # below the bound that the eraser was promised
    feedforward = net.blocks[0].feedforward
    assert feedforward is not None
    assert feedforward.hidden == 4
    assert net.blocks[0].heads is None
    assert feedforward_on(write(linear(x - y), to=out - x)).evaluate([5, 7]) == (7, 7, -2)
    assert feedforward_on(write([relu(x), 4], to=[out, y]), residual=False).evaluate([5, 7]) == (0, 4, 5)


def test_equal_relus_are_one_hidden_unit() -> None:
    x, y, out = STATE.parts
    net = feedforward_on(write(relu(x - 1), to=out), write(3 * relu(x - 1) + relu(y), to=y))
    assert net.blocks[0].feedforward is not None
    assert net.blocks[0].feedforward.hidden == 2


def test_a_constant_write_needs_no_hidden_unit_and_survives_the_file_and_the_kernel() -> None:
    net = feedforward_on(write("1/2", to=STATE["out"]))
    again = network_json.parse(network_json.dump(net).encode(), "net.json")
    assert again == net
    source = ef.MaxoutNetwork.of([], ([[1, 0], [0, 1], [0, 0]], [0, 0, "1/2"]))
    assert verify(source, net).verdict == "proved"


# --- faults ---------------------------------------------------------------------------------------


def reasons(**changes: Any) -> tuple[str, ...]:
    """What `build` says of a sound design with something changed."""
    inputs, state = Space("a", "b"), Space("one", "x", h=2)
    one, x, h = state.parts
    parts: dict[str, Any] = {
        "inputs": inputs,
        "space": state,
        "tokens": [token(one=1, x=inputs["a"]), token(one=1, h=[0, inputs["b"]])],
        "blocks": [block(max_head(x, one=one, to=h[0]), write(relu(x), to=x))],
        "readout": x,
    }
    domain = changes.pop("domain", None)
    Design(**parts).build()
    with pytest.raises(ef.InvalidInput) as caught:
        Design(**(parts | changes)).build(domain=domain)
    return caught.value.reasons


def test_faults_name_the_place_and_what_was_expected() -> None:
    one, x, h = Space("one", "x", h=2).parts
    a, b = Space("a", "b").parts

    def of_head(**changes: Any) -> tuple[str, ...]:
        return reasons(blocks=[block(head(**({"query": one, "key": x, "value": x, "to": x} | changes)))])

    bias = "expected a linear expression (there is no bias here; let a coordinate hold the constant), found"
    assert reasons(tokens=[]) == ("tokens: expected at least one token, found none",)
    assert reasons(tokens=[3]) == ("tokens[0]: expected token(...), found 3",)
    assert reasons(tokens=[token(y=a)]) == ("tokens[0]: expected the names one, x, h, found y",)
    assert reasons(tokens=[token(h=a)]) == ("tokens[0].h: expected 2 components, as in the subspace h, found 1",)
    assert reasons(tokens=[token(x=x)]) == ("tokens[0].x: expected an expression over a, b, found x over one, x, h",)
    assert reasons(tokens=[token(x=relu(a))]) == (
        "tokens[0].x: expected an affine expression (ReLUs belong in a write), found relu(a)",
    )
    assert reasons(tokens=[token(x=0.5)]) == ("tokens[0].x: expected an expression or an exact number, found 0.5",)
    assert of_head(query=1) == (f"blocks[0].heads[0].query: {bias} 1",)
    assert of_head(key=x - "1/2") == (f"blocks[0].heads[0].key: {bias} x - 1/2",)
    assert of_head(value=relu(x)) == (f"blocks[0].heads[0].value: {bias} relu(x)",)
    assert of_head(to=x + 1) == (f"blocks[0].heads[0].to: {bias} x + 1",)
    assert of_head(to=a) == ("blocks[0].heads[0].to: expected an expression over one, x, h, found a over a, b",)
    assert of_head(key=h) == ("blocks[0].heads[0].key: expected 1 component, as in query, found 2",)
    assert of_head(value=h) == ("blocks[0].heads[0].to: expected 2 components, as in value, found 1",)
    assert of_head(value=(), to=()) == (
        "blocks[0].heads[0].value: expected at least one component, found none",
        "blocks[0].heads[0].to: expected at least one component, found none",
    )
    assert reasons(blocks=[block(write(2 * x + relu(x), to=x))]) == (
        "blocks[0].writes[0].amount: expected a sum of ReLUs and constants (write linear(x) for x), "
        "found 2 x + relu(x)",
    )
    assert reasons(blocks=[block(write(relu(h), to=x))]) == (
        "blocks[0].writes[0].to: expected 2 components, as in amount, found 1",
    )
    assert reasons(blocks=[block()]) == ("blocks[0]: expected block(...) with at least one head or write, found none",)
    assert reasons(blocks=[block(erase(x), max_head(x, one=one, to=x))]) == (
        "blocks[0], part 1: expected all heads before the first write, as they act first, found a head",
    )
    assert reasons(blocks=[block(7)]) == ("blocks[0], part 0: expected a head or a write, found 7",)  # type: ignore[arg-type]
    assert reasons(readout=b) == ("readout: expected an expression over one, x, h, found b over a, b",)
    assert reasons(token=2) == ("token: expected a token from 0 to 1, found 2",)
    assert reasons(token=-1) == ("token: expected a token from 0 to 1, found -1",)
    assert reasons(mask="future") == ('mask: expected None or "causal", found future',)
    assert reasons(domain=ef.Box([0], [1])) == ("domain: expected 2 inputs (a, b), found 1",)
    assert reasons(space=3) == ("space: expected Space(...), found 3",)


def test_all_faults_are_listed_at_once() -> None:
    x = Space("one", "x", h=2)["x"]
    faults = reasons(
        tokens=[token(y=1, z=2), token(x=x)], blocks=[block(head(query=1, key=[x, x], value=x, to=x)), block()], token=5
    )
    assert [fault.split(":")[0] for fault in faults] == [
        "tokens[0]",
        "tokens[0]",
        "tokens[1].x",
        "blocks[0].heads[0].query",
        "blocks[0].heads[0].key",
        "blocks[1]",
        "token",
    ]


# --- the gallery ----------------------------------------------------------------------------------


def folder(path: Path) -> str:
    return path.name


def networks(path: Path) -> tuple[Any, Transformer]:
    left, right = ef.load(path / "left.json"), ef.load(path / "right.json")
    assert isinstance(right, Transformer)
    return left, right


def test_the_gallery_is_complete() -> None:
    names = ["absolute-value", "interpolation-table", "maximum-of-five", "median-of-three"]
    names += ["nearest-neighbour", "sawtooth", "sorting-three"]
    assert [path.name for path in GALLERY] == [f"hand-{name}" for name in names]


@pytest.mark.parametrize("path", GALLERY, ids=folder)
def test_the_script_reproduces_both_files(path: Path, tmp_path: Path) -> None:
    runpy.run_path(str(shutil.copy(path / "make.py", tmp_path)), run_name="__main__")
    for name in ("left.json", "right.json"):
        assert (tmp_path / name).read_bytes() == (path / name).read_bytes()


@pytest.mark.parametrize("path", GALLERY, ids=folder)
def test_proved(path: Path) -> None:
    assert verify(*networks(path)).verdict == "proved"


@pytest.mark.parametrize("path", GALLERY, ids=folder)
def test_the_committed_certificate_is_accepted(path: Path) -> None:
    assert ef.check(path).claim == "equal"
    assert (path / "README.md").is_file()


VALUES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "hand-absolute-value": lambda x: (abs(x),),
    "hand-maximum-of-five": lambda *x: (max(x),),
    "hand-median-of-three": lambda *x: (sorted(x)[1],),
    "hand-sorting-three": lambda *x: tuple(sorted(x)),
    "hand-sawtooth": lambda x: (1 - abs(1 - 16 * x % 2),),
}


@pytest.mark.parametrize("name", VALUES)
@given(st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_sources_compute_what_they_are_named_after(name: str, rng: Random) -> None:
    left, right = networks(PROOFS / name)
    x = [Fraction(rng.randint(0, 40), 32) for _ in range(left.inputs)]
    x = [min(v, Fraction(1)) if name == "hand-sawtooth" else v - 1 for v in x]
    for net in (left, right):
        assert net.evaluate(x) == VALUES[name](*x)


def test_the_table_and_the_neighbours_have_their_values() -> None:
    table = runpy.run_path(str(PROOFS / "hand-interpolation-table/make.py"))["TABLE"]
    centres = runpy.run_path(str(PROOFS / "hand-nearest-neighbour/make.py"))["TABLE"]
    for net in networks(PROOFS / "hand-interpolation-table"):
        assert all(net.evaluate([x]) == (y,) for x, y in table)
    for net in networks(PROOFS / "hand-nearest-neighbour"):
        assert all(net.evaluate(c) == (value,) for c, value in centres)
        for a in range(-6, 7):
            for b in range(-6, 7):
                distance = {c: (a - c[0]) ** 2 + (b - c[1]) ** 2 for c, _ in centres}
                near = [value for c, value in centres if distance[c] == min(distance.values())]
                assert net.evaluate([a, b]) == (Fraction(sum(near), len(near)),)


# --- wrong variants: one entry of right.json changed ----------------------------------------------

Route = tuple[Any, ...]
EPSILON = "1/1048576"
WRONG: list[tuple[str, Route, Any, Any]] = [
    ("hand-absolute-value", ("embedding", "weights", 1, 1, 0), -1, "-1048577/1048576"),
    ("hand-absolute-value", ("blocks", 0, "heads", 0, "query", 0, 0), 1, -1),
    ("hand-maximum-of-five", ("embedding", "offsets", 4, 1), 0, EPSILON),
    ("hand-median-of-three", ("blocks", 0, "heads", 1, "key", 0, 1), -1, 1),
    ("hand-sorting-three", ("blocks", 0, "heads", 0, "output", 3, 0), -1, "-1048575/1048576"),
    ("hand-nearest-neighbour", ("embedding", "offsets", 2, 3), 26, "26000001/1000000"),
    ("hand-nearest-neighbour", ("embedding", "offsets", 5, 3), 1, 0),
    ("hand-sawtooth", ("embedding", "offsets", 1, 1), 1, "1048575/1048576"),
    ("hand-interpolation-table", ("embedding", "offsets", 4, 1), -11, "-11000001/1000000"),
]


def changed(path: Path, route: Route, old: Any, new: Any) -> Transformer:
    data = json.loads((path / "right.json").read_text())
    value = data
    for step in route[:-1]:
        value = value[step]
    assert value[route[-1]] == old
    value[route[-1]] = new
    network = network_json.from_object(data, "right.json")
    assert isinstance(network, Transformer)
    return network


@pytest.mark.parametrize(("name", "route", "old", "new"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_one_wrong_entry_is_refuted(name: str, route: Route, old: Any, new: Any) -> None:
    left, _ = networks(PROOFS / name)
    outcome = verify(left, changed(PROOFS / name, route, old, new))
    assert outcome.verdict == "refuted"
    assert outcome.witness is not None
    assert outcome.domain.contains(outcome.witness.point)
    assert left.evaluate(outcome.witness.point) == outcome.witness.left != outcome.witness.right


def test_a_scaled_key_changes_nothing() -> None:
    path = PROOFS / "hand-interpolation-table"
    left, _ = networks(path)
    assert verify(left, changed(path, ("blocks", 0, "heads", 0, "key", 0, 1), 1, 3)).verdict == "proved"


def test_a_difference_only_on_ties_is_found() -> None:
    """The token that asks poses as a second copy of the centre at 0: right inside every cell, wrong on its border."""
    path = PROOFS / "hand-nearest-neighbour"
    left, right = networks(path)
    data = json.loads((path / "right.json").read_text())
    data["embedding"]["offsets"][5][1], data["embedding"]["offsets"][5][3] = 7, 0
    wrong = network_json.from_object(data, "right.json")
    outcome = verify(left, wrong)
    assert outcome.verdict == "refuted"
    assert outcome.witness is not None
    assert right.evaluate(outcome.witness.point) == outcome.witness.left
    assert verify(left, wrong, tie="leftmost").verdict == "proved"


def test_matrices_of_a_design_are_sparse_where_nothing_is_written() -> None:
    state = Space("one", "z", far=100)
    one, z, _ = state.parts
    heads = [max_head(z, one=one, to=z)]
    design = Design(inputs=Space("x"), space=state, tokens=[token(one=1)], blocks=[block(*heads)], readout=z)
    built = design.build()
    assert built.blocks[0].heads is not None
    assert built.blocks[0].heads[0].output == Matrix.sparse(102, 1, {(1, 0): 1})


# --- the tutorial ---------------------------------------------------------------------------------


def test_the_tutorial_shows_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PROOFS.parent / "docs" / "building.md"
    monkeypatch.chdir(tmp_path)
    assert doctest.testfile(str(page), module_relative=False).failed == 0
    capsys.readouterr()

    def timeless(text: str) -> list[str]:
        return re.sub(r"\d+\.\d\d s", "... s", text).splitlines()

    blocks = re.findall(r"```console\n\$ exactformer (.*)\n([^`]*)```", page.read_text(encoding="utf-8"))
    assert len(blocks) == 1
    for command, shown in blocks:
        main(command.split())
        assert timeless(capsys.readouterr().out) == timeless(shown)
