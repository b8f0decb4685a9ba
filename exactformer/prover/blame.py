"""Which entry of a refuted Transformer is to blame: the single change that repairs it, when there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any

from exactformer.compiler import CONSTRUCTIONS, compile_network
from exactformer.domain import Domain
from exactformer.errors import ExactformerError
from exactformer.networks import Network, Transformer
from exactformer.prover.outcome import Blame
from exactformer.prover.question import Question
from exactformer.rational import Matrix, Vector, exact_text

MAX_ENTRIES = 32
Path = tuple[str | int, ...]
Entry = tuple[int, ...]
FILE_NAMES = {"inner.weights": "w1", "inner.biases": "b1", "outer.weights": "w2", "outer.biases": "b2"}


def blame(question: Question, equal: Callable[[Transformer], bool]) -> tuple[Blame, ...]:
    """The entries in which a refuted Transformer leaves a right one of its shape, and which of them alone repair it.

    The right one is the left side when that is a Transformer of the same shape, else the first compiled left side
    that has the shape. `equal` decides whether a repaired Transformer equals the left side. Nothing is returned when
    no shape fits or more than MAX_ENTRIES entries differ: then it is another network, not one with a wrong entry.
    """
    right = question.right
    if not isinstance(right, Transformer):
        return ()
    reference = next((t for t in _references(question.left, question.domain) if _shape(t) == _shape(right)), None)
    if reference is None:
        return ()
    result: list[tuple[Path, Entry, Fraction, Fraction]] = []
    for path, entry, found, wanted in _differences(right, reference):
        if len(result) == MAX_ENTRIES:
            return ()
        result.append((path, entry, found, wanted))
    return tuple(
        Blame(_place(path, entry), exact_text(found), exact_text(wanted), equal(_repaired(right, path, entry, wanted)))
        for path, entry, found, wanted in result
    )


def _references(left: Network, domain: Domain) -> Iterator[Transformer]:
    if isinstance(left, Transformer):
        yield left
        return
    for construction in CONSTRUCTIONS:
        try:
            yield compile_network(left, construction=construction, domain=domain).transformer
        except ExactformerError:
            continue


def _parts(value: Any, path: Path = ()) -> Iterator[tuple[Path, Matrix | Vector]]:
    """Every matrix and vector inside a Transformer, with the way to it."""
    if isinstance(value, (Matrix, Vector)):
        yield path, value
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _parts(item, (*path, i))
    elif is_dataclass(value) and not isinstance(value, Domain):
        for field in fields(value):
            yield from _parts(getattr(value, field.name), (*path, field.name))


def _with_part(value: Any, path: Path, part: Matrix | Vector) -> Any:
    """The same value with another matrix or vector at the end of the path."""
    if not path:
        return part
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return (*value[:step], _with_part(value[step], rest, part), *value[step + 1 :])
    return replace(value, **{step: _with_part(getattr(value, step), rest, part)})


def _differences(found: Transformer, wanted: Transformer) -> Iterator[tuple[Path, Entry, Fraction, Fraction]]:
    for (path, mine), (_, theirs) in zip(_parts(found), _parts(wanted), strict=True):
        if mine != theirs:
            own, other = _entries(mine), _entries(theirs)
            for entry in sorted(own.keys() | other.keys()):
                have, want = own.get(entry, Fraction(0)), other.get(entry, Fraction(0))
                if have != want:
                    yield path, entry, have, want


def _repaired(wrong: Transformer, path: Path, entry: Entry, value: Fraction) -> Transformer:
    part = dict(_parts(wrong))[path]
    entries = {**_entries(part), entry: value}
    if isinstance(part, Matrix):
        fixed: Matrix | Vector = Matrix.sparse(*part.shape, {(at[0], at[1]): x for at, x in entries.items()})
    else:
        fixed = Vector.of(x for _, x in sorted(entries.items()))
    result = _with_part(wrong, path, fixed)
    assert isinstance(result, Transformer)
    return result


def _entries(part: Matrix | Vector) -> dict[Entry, Fraction]:
    if isinstance(part, Matrix):
        return {(i, j): x for (i, j), x in part.entries().items()}
    return {(i,): x for i, x in enumerate(part.fractions())}


def _place(path: Path, entry: Entry) -> str:
    """The entry as one would name it in the network file."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in (*path, *entry)).lstrip(".")
    for inside, name in FILE_NAMES.items():
        text = text.replace(f"feedforward.{inside}", f"feedforward.{name}")
    return text.replace(".biases", ".offsets") if text.startswith("embedding") else text


def _shape(t: Transformer) -> object:
    parts = [(path, part.shape if isinstance(part, Matrix) else len(part)) for path, part in _parts(t)]
    return parts, t.token, t.residual, t.mask
