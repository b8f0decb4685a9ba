"""`replay`: what other engines make of an export, beside exact values; reported, and judged by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from exactformer.arguments import NATURAL, POSITIVE, as_path, no_truth
from exactformer.documents import Document, render_text
from exactformer.documents.document import Facts, Inline, Paragraph, Section, Table
from exactformer.domain import Domain
from exactformer.enclosure import Number, bounds
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.exporting import engines
from exactformer.exporting.engines import Engine
from exactformer.exporting.folder import EXPORTED, FACTS, FORMAT, ORIGINALS, SOURCE
from exactformer.exporting.layout import layout_of
from exactformer.exporting.points import Points, points_of
from exactformer.exporting.rounding import TYPES
from exactformer.formats import network_json
from exactformer.formats.files import read, read_bytes
from exactformer.formats.graphs.rounding import last_place, nearest
from exactformer.manifest import states
from exactformer.measuring.numbers import rounded
from exactformer.networks import Network, Transformer
from exactformer.networks.balls import values_at
from exactformer.networks.semantics import TIES, Semantics
from exactformer.prover import verify
from exactformer.prover.question import evaluate_exactly

ONNX = "transformer.onnx"
SECONDS = 60.0  # for the proof that the file is the network
MEANS = (
    "Each value that an engine computed is compared with the exact value of the same network at the same point; values "
    "of softmax are enclosed. Differences are what rounding in the engine adds. They were seen at these points, and "
    "nothing is said of others: that the exported network is near the exact one is what the theorem in rounding/ says."
)


@dataclass(frozen=True)
class Seen:
    """What one engine computed of one network at points of one kind, all outputs together.

    `nearest` counts outputs that are the float nearest to the exact value. The largest difference is rounded up, and
    also said in units of the last place (of the larger of the two numbers); `point` is where it is.
    """

    network: str
    engine: str
    type: str
    kind: str
    points: int
    outputs: int
    nearest: int
    infinite: int
    difference: Fraction
    ulps: Fraction
    point: tuple[float, ...] | None

    def to_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        return {
            "network": self.network,
            "engine": self.engine,
            "type": self.type,
            "points_of": self.kind,
            "points": self.points,
            "outputs": self.outputs,
            "nearest": self.nearest,
            "not_finite": self.infinite,
            "difference": rounded(self.difference, up=True),
            "ulps": rounded(self.ulps, up=True),
            "point": None if self.point is None else [str(Fraction(x)) for x in self.point],
        }


@dataclass(frozen=True)
class Replay:
    """What was seen, and what could not be run."""

    name: str
    reading: str
    seen: tuple[Seen, ...]
    notes: tuple[str, ...]
    read_again: str | None = None  # whether the ONNX file, read again, is the exact network: a verdict

    def __bool__(self) -> bool:
        raise no_truth(self, "replay.seen")

    def document(self) -> Document:
        """The report, as every renderer takes it."""
        head = ("network", "engine", "points", "", "nearest float", "difference", "ulps")
        rows: tuple[tuple[Inline, ...], ...] = tuple(
            (
                each.network,
                f"{each.engine}, {each.type}",
                each.kind,
                f"{each.points}",
                f"{each.nearest} of {each.outputs}" + (f", {each.infinite} not finite" if each.infinite else ""),
                f"≤ {rounded(each.difference, up=True)}",
                f"{rounded(each.ulps, up=True)}",
            )
            for each in self.seen
        )
        facts: tuple[tuple[str, Inline], ...] = (("exported", self.name), ("attention", self.reading))
        if self.read_again is not None:
            facts = (*facts, ("read again", f"{ONNX} = {EXPORTED}: {self.read_again}"))
        noted = tuple(("note", note) for note in self.notes)
        blocks = (Facts((*facts, *noted)), Table("", head, "lllrrrr", rows))
        sections = (Section("Seen", blocks), Section("What it means", (Paragraph(MEANS),)))
        return Document("Replayed by other engines", "unknown", sections)

    def __str__(self) -> str:
        return render_text(self.document())

    def to_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        return {
            "verdict": "replayed",
            "name": self.name,
            "attention": self.reading,
            "read_again": self.read_again,
            "runs": [each.to_json() for each in self.seen],
            "notes": list(self.notes),
        }


def replay(folder: str | Path, *, original: str | Path | None = None, points: int = 100, seed: int = 0) -> Replay:
    """Run the exported Transformer of a folder, and the file that it came from, in other engines.

    At most so many `points` of each kind: random ones, middles of cells, and floats next to kinks of the source.
    `original` is the ONNX file of the source, where the folder has no copy. PyTorch takes part where it is installed.

    Raises `InvalidInput` for a folder that `write_export` did not write or that was changed since, and for files that
    onnxruntime does not run; `Unsupported` without onnxruntime.
    """
    faults = Faults()
    POSITIVE.check(points, "points", faults)
    NATURAL.check(seed, "seed", faults)
    place = Path(as_path(folder, "folder"))
    faults.settle()
    facts = _facts(place)
    reading, type = facts["attention"], facts["type"]
    exported, source = (network_json.parse(read_bytes(place / name), str(place / name)) for name in (EXPORTED, SOURCE))
    if not isinstance(exported, Transformer):
        raise InvalidInput(f"{place / EXPORTED}: expected a Transformer, found a {exported.kind} network")
    if source.inputs != exported.inputs:
        raise InvalidInput(f"{place / SOURCE}: expected {exported.inputs} inputs, found {source.inputs}")
    soft = _semantics(reading)
    runs: list[tuple[str, Network, Semantics, Engine]] = []
    notes = []
    domain = exported.domain or source.domain or Domain.everything(exported.inputs)
    again = None
    if (place / ONNX).exists():
        again = _read_again(place / ONNX, exported, domain, reading)
        runs.append(("exported", exported, soft, engines.onnxruntime(place / ONNX, exported.inputs)))
    else:
        notes.append(f"no {ONNX} in the folder: nothing for onnxruntime")
    module = engines.torch(layout_of(exported, type), reading)
    if module is None:
        notes.append("PyTorch is not installed: not run")
    else:
        runs.append(("exported", exported, soft, module))
    copies = [place / name for name in ORIGINALS if (place / name).exists()]
    path = Path(as_path(original, "original")) if original is not None else next(iter(copies), None)
    if path is None:
        notes.append("no ONNX file of the source: only the export was run")
    else:
        engine, found = engines.onnxruntime(path, source.inputs), read(path)
        runs.append(("original", found.network, _semantics(found.attention or "average"), engine))
    if not runs:
        raise Unsupported(f"{place}: expected {ONNX}, an ONNX file of the source or PyTorch, found none of them")
    narrow = "float32" if any(engine.type == "float32" for *_, engine in runs) else type
    seen = []
    for kind, where in points_of(source, domain, points, narrow, seed):
        seen += [_seen(name, network, how, engine, kind, where) for name, network, how, engine in runs]
    return Replay(exported.name, reading, tuple(seen), tuple(notes), again)


def _read_again(path: Path, exported: Transformer, domain: Domain, reading: str) -> str:
    """Whether a file is the exact network: number for number, or by a proof."""
    found = read(path).network
    if found == replace(exported, domain=None, name=found.name):
        return "proved"
    soft = 1 if reading == "softmax" else None
    asked: dict[str, Any] = {"left_temperature": soft, "right_temperature": soft}
    try:
        return verify(found, exported, domain=domain, cross_check=(), timeout=SECONDS, **asked).verdict
    except Unsupported:
        return "unknown"


def _semantics(reading: Any) -> Semantics:
    """How a file reads its attention: softmax of the scores as they are, or hard."""
    return Semantics(temperature=(Fraction(1),)) if reading == "softmax" else Semantics(reading)


def _facts(place: Path) -> Mapping[str, Any]:
    """What an export says of itself; its files must be as they were written."""
    path = place / FACTS
    value = network_json.parse_json(read_bytes(path), str(path))
    known = ("softmax", *TIES)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise InvalidInput(f"{path}: expected an export of exactformer, found something else")
    if value.get("attention") not in known or value.get("type") not in TYPES:
        raise InvalidInput(f"{path}: expected attention among {', '.join(known)} and a type, found other words")
    changed = [name for name, state in states(place, {}).items() if state in ("changed", "missing")]
    if changed:
        raise InvalidInput(f"{place}: expected its files as they were written, found others: {', '.join(changed)}")
    return value


def _seen(name: str, network: Network, how: Semantics, engine: Engine, kind: str, where: Points) -> Seen:
    type, total, near, infinite = TYPES[engine.type], 0, 0, 0
    largest, ulps = Fraction(0), Fraction(0)
    at: tuple[float, ...] | None = None
    for point in where:
        computed = engine.run(point.astype(engine.type))
        exact = _values(network, tuple(map(Fraction, point.tolist())), how)
        if len(computed) != len(exact):
            raise InvalidInput(f"{name}: expected {len(exact)} outputs, found {len(computed)} in {engine.name}")
        for y, value in zip(computed.tolist(), exact, strict=True):
            total += 1
            if not np.isfinite(y):
                infinite += 1
                continue
            low, high = bounds(value)
            difference = max(abs(Fraction(y) - low), abs(Fraction(y) - high))
            near += nearest(low, type) == y == nearest(high, type)
            ulps = max(ulps, difference / last_place(max(abs(low), abs(high), abs(Fraction(y))), type))
            if at is None or difference > largest:
                largest, at = difference, tuple(point.tolist())
    return Seen(name, engine.name, engine.type, kind, len(where), total, near, infinite, largest, ulps, at)


def _values(network: Network, point: tuple[Fraction, ...], how: Semantics) -> tuple[Number, ...]:
    """The exact values, or as narrow as they are computed."""
    found = values_at(network, point, how, Fraction(0)) if how.soft else evaluate_exactly(network, point, how)
    return tuple(found)
