"""Testing a conjecture on a family of networks: stop at the first counterexample, and make it small."""

from __future__ import annotations

import importlib.util
import inspect
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Unpack

from exactformer.arguments import POSITIVE, SECONDS, as_path, function, no_truth
from exactformer.claims import Claim
from exactformer.documents import Document, render_html
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, shown
from exactformer.networks import Affine, Function, MaxoutLayer, MaxoutNetwork, Network, ReluNetwork, Transformer
from exactformer.prover.driver import verify
from exactformer.prover.family_document import document_of
from exactformer.prover.options import Options
from exactformer.prover.outcome import Outcome, Verdict
from exactformer.prover.record import Record, instance_of
from exactformer.rational import Matrix, Vector
from exactformer.work import Status

Pair = tuple[Network, Network | None]
Source = MaxoutNetwork | ReluNetwork
Rebuild = Callable[[Network], Network]


class PairOptions(Options, total=False):
    """What `verify` is asked of each pair."""

    claim: Claim | str


@dataclass(frozen=True)
class FamilyResult:
    """How a family fared: instances proved and left open, and the first counterexample, shrunk, if there is one."""

    claim: str  # as it was asked for
    proved: int
    unknown: int
    counterexample: Outcome | None
    instance: int | None  # the number of the counterexample in the family, from 0
    shrunk: int  # how many shrinking steps the counterexample survived
    seconds: float
    resumed: int = 0  # how many of those proved were so in the record of an earlier run

    @property
    def verdict(self) -> Verdict:
        """refuted, unknown or proved: of the instances that were tried."""
        if self.counterexample is not None:
            return "refuted"
        return "unknown" if self.unknown or not self.proved else "proved"

    def document(self) -> Document:
        """The report, for every renderer."""
        return document_of(self)

    def _repr_html_(self) -> str:
        return render_html(self.document())

    def __bool__(self) -> bool:
        raise no_truth(self, 'result.verdict == "proved"')

    def __str__(self) -> str:
        head = f"{self.verdict.upper()}  {self.proved} instances proved, {self.unknown} left open"
        head += f" ({self.resumed} proved by an earlier run)" if self.resumed else ""
        if self.counterexample is None:
            return head
        found = f"instance {self.instance} is a counterexample, after {self.shrunk} steps of making it smaller:"
        return f"{head}\n{found}\n{self.counterexample}"


def verify_family(
    pairs: Iterable[Pair | Network],
    *,
    rebuild: Rebuild | None = None,
    limit: int | None = None,
    timeout: float | None = None,
    domain: Domain | Callable[[int], Domain | None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    record: Record | None = None,
    **options: Unpack[PairOptions],
) -> FamilyResult:
    """Verify a claim for pair after pair, until one is refuted, `limit` pairs are done, or time is out.

    For a claim about one network the family yields networks in place of pairs. `rebuild` gives the right network for
    a left one; with it the left network of a counterexample is shrunk too: units and layers are dropped, weights set
    to zero or rounded, as long as the pair is still refuted. The point is always made simple. `timeout` is for the
    whole family, `progress` is told how many instances are proved and left open, `domain` may depend on the number of
    inputs, and the other options are those of `verify`, for each pair. What is proved is noted in a `record`, and what
    an earlier run of the same family noted there is not proved again. Raises `InvalidInput` when the family does not
    yield pairs of networks, or networks, and as `verify` does.
    """
    faults = Faults()
    if not isinstance(pairs, Iterable) or isinstance(pairs, str):
        faults.add("family", "networks or pairs of networks, one after another", shown(pairs))
    SECONDS.check(timeout, "timeout", faults, optional=True)
    POSITIVE.check(limit, "limit", faults, optional=True)
    for value, place in ((rebuild, "rebuild"), (progress, "progress")):
        function(value, place, faults)
    faults.settle()
    started = time.monotonic()
    deadline = float("inf") if timeout is None else started + timeout
    claim = options.get("claim", "equal")
    asked = claim.written if isinstance(claim, Claim) else str(claim)
    proved = unknown = resumed = 0
    for number, item in enumerate(pairs):
        if number == limit or time.monotonic() > deadline:
            break
        left, right = _pair(item, number)
        alone = right is None
        left_over = None if timeout is None else max(0.01, deadline - time.monotonic())
        where = domain(left.inputs) if callable(domain) else domain
        instance = None if record is None else instance_of(number, left, right, where)
        if record is not None and instance is not None and record.has(instance):
            proved, resumed = proved + 1, resumed + 1
            continue
        outcome = verify(left, right, domain=where, timeout=left_over, **options)
        if progress is not None:
            progress(proved, unknown)
        if (work := options.get("work")) is not None:
            work.watch(Status("instances", proved, unknown, workers=work.jobs))
        if outcome.verdict == "refuted":
            small, steps = outcome, 0
            if alone or rebuild is not None:
                end = min(deadline, time.monotonic() + 60)
                small, steps = shrunk(outcome, None if alone else rebuild, end, **options)
            return FamilyResult(asked, proved, unknown, small, number, steps, time.monotonic() - started, resumed)
        proved += outcome.verdict == "proved"
        unknown += outcome.verdict == "unknown"
        if record is not None and instance is not None and outcome.verdict == "proved":
            record.note(instance)
    return FamilyResult(asked, proved, unknown, None, None, 0, time.monotonic() - started, resumed)


def load_family(path: str | Path, *, seed: int = 0) -> tuple[Iterable[Pair | Network], Rebuild | None]:
    """The family in a Python file: its `pairs()` yields pairs of networks; an optional `rebuild(left)` gives the right.

    A function `pairs(seed)` is given the seed. The file is executed: open only families you trust. Raises
    `InvalidInput` when it cannot be read, does not run or has no function `pairs`.
    """
    path = as_path(path, "family")
    if not path.is_file():
        raise InvalidInput(f"{path}: expected a Python file, found nothing to run there")
    specification = importlib.util.spec_from_file_location("family", path)
    if specification is None or specification.loader is None:
        raise InvalidInput(f"{path}: expected a file whose name ends in .py, found another name")
    module = importlib.util.module_from_spec(specification)
    with _running(path):
        specification.loader.exec_module(module)
    if not callable(getattr(module, "pairs", None)):
        raise InvalidInput(f"{path}: expected a function pairs() that yields pairs of networks, found none")
    takes_seed = bool(inspect.signature(module.pairs).parameters)
    return _guarded(path, lambda: module.pairs(*[seed] * takes_seed)), getattr(module, "rebuild", None)


def _guarded(path: Path, pairs: Callable[[], Iterable[Pair | Network]]) -> Iterator[Pair | Network]:
    """What pairs() yields; where it fails, the message names its file and line."""
    with _running(path):
        items = iter(pairs())
    while True:
        with _running(path):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


@contextmanager
def _running(path: Path) -> Iterator[None]:
    """Turns whatever a user's program raises into `InvalidInput`, also an attempt to leave this one."""
    try:
        yield
    except (Exception, SystemExit) as error:
        frames = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == path.resolve()
        ]
        line = error.lineno if isinstance(error, SyntaxError) else next(reversed(frames), None)
        place = f"{path}, line {line}" if line else f"{path}"
        raise InvalidInput(f"{place}: expected a program that runs, found {type(error).__name__}: {error}") from None


def shrunk(
    outcome: Outcome, rebuild: Rebuild | None, deadline: float, **options: Unpack[PairOptions]
) -> tuple[Outcome, int]:
    """A smaller counterexample of the same family, and how many steps it took: greedy, first improvement first."""
    steps = 0
    while time.monotonic() < deadline and not isinstance(outcome.left, (Transformer, Function)):
        better = None
        for smaller in _smaller(outcome.left):
            if time.monotonic() > deadline:
                break
            better = _still_refuted(smaller, rebuild, outcome.domain, deadline, options)
            if better is not None:
                break
        if better is None:
            break
        outcome, steps = better, steps + 1
    return outcome, steps


def _still_refuted(
    left: Source, rebuild: Rebuild | None, domain: Domain, deadline: float, options: PairOptions
) -> Outcome | None:
    try:
        right = None if rebuild is None else rebuild(left)
        limit = max(0.01, min(5.0, deadline - time.monotonic()))
        outcome = verify(left, right, domain=domain, timeout=limit, **options)
    except Exception:  # the family's own code may not be made for the smaller network: then it is no candidate
        return None
    return outcome if outcome.verdict == "refuted" else None


def _pair(item: Any, number: int) -> Pair:
    if isinstance(item, Network):
        return item, None
    if isinstance(item, tuple) and len(item) == 2 and all(isinstance(x, Network) for x in item):
        return item[0], item[1]
    faults = Faults("family")
    faults.add(f"instance {number}", "a pair of networks, or a network for a claim about one", item)
    faults.settle()
    raise AssertionError


# --- smaller networks -----------------------------------------------------------------------------


def _smaller(network: Source) -> Iterator[Source]:
    """Networks one step simpler: a unit less, a weight or bias zero, all numbers rounded."""
    layers = _affine_layers(network)
    for number, (_, rank) in enumerate(layers[:-1]):
        units = layers[number][0].outputs // rank
        if units > 1:
            for unit in range(units):
                yield _without_unit(network, number, unit)
    for den in (1, 2, 16):
        rounded = [(_rounded(affine, den), rank) for affine, rank in layers]
        if rounded != layers:
            yield _rebuilt(network, rounded)
    for number, (affine, rank) in enumerate(layers):
        for i, j in affine.weights.entries():
            entries = {at: x for at, x in affine.weights.entries().items() if at != (i, j)}
            simpler = Affine(Matrix.sparse(*affine.weights.shape, entries), affine.biases)
            yield _rebuilt(network, [*layers[:number], (simpler, rank), *layers[number + 1 :]])
        for i, b in enumerate(affine.biases.fractions()):
            if b:
                biases = Vector.of(x if k != i else Fraction(0) for k, x in enumerate(affine.biases.fractions()))
                yield _rebuilt(
                    network, [*layers[:number], (replace(affine, biases=biases), rank), *layers[number + 1 :]]
                )


def _affine_layers(network: Source) -> list[tuple[Affine, int]]:
    """The affine maps of all layers and of the output, each with the rank of its layer."""
    if isinstance(network, ReluNetwork):
        return [*((layer, 1) for layer in network.layers), (network.output, 1)]
    return [*((layer.pieces, layer.rank) for layer in network.layers), (network.output, 1)]


def _rebuilt(network: Source, layers: list[tuple[Affine, int]]) -> Source:
    *hidden, (output, _) = layers
    if isinstance(network, ReluNetwork):
        return replace(network, layers=tuple(affine for affine, _ in hidden), output=output)
    return replace(network, layers=tuple(MaxoutLayer(affine, rank) for affine, rank in hidden), output=output)


def _without_unit(network: Source, number: int, unit: int) -> Source:
    layers = _affine_layers(network)
    affine, rank = layers[number]
    following, next_rank = layers[number + 1]
    kept = [r for r in range(affine.outputs) if r // rank != unit]
    columns = [c for c in range(following.inputs) if c != unit]
    everything = list(range(following.outputs))
    layers[number] = _selected(affine, kept, list(range(affine.inputs))), rank
    layers[number + 1] = _selected(following, everything, columns), next_rank
    return _rebuilt(network, layers)


def _selected(affine: Affine, rows: list[int], columns: list[int]) -> Affine:
    where_row = {r: i for i, r in enumerate(rows)}
    where_column = {c: j for j, c in enumerate(columns)}
    entries = {
        (where_row[i], where_column[j]): x
        for (i, j), x in affine.weights.entries().items()
        if i in where_row and j in where_column
    }
    return Affine(Matrix.sparse(len(rows), len(columns), entries), Vector.of(affine.biases[r] for r in rows))


def _rounded(affine: Affine, den: int) -> Affine:
    entries = {at: Fraction(round(x * den), den) for at, x in affine.weights.entries().items()}
    biases = Vector.of(Fraction(round(b * den), den) for b in affine.biases.fractions())
    return Affine(Matrix.sparse(*affine.weights.shape, entries), biases)
