"""The corpus: certificates, good and damaged, with what the kernel says of each, word for word.

`corpus.json` holds it. `python tests/faults/fault_corpus.py` makes it again from the present kernel, after naive
evaluation has confirmed every theorem among its entries.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent, HERE.parent / "kernel"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

FILE = HERE / "corpus.json"
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Entry:
    """A certificate, the network files beside it, and the verdict on it."""

    name: str
    certificate: bytes
    files: Files
    expected: Any = None


def verdict(check: Callable[..., Any], rejected: type[Exception], entry: Entry) -> Any:
    """What a kernel says: its message, or all of its theorem. Other exceptions than `rejected` pass through."""

    def read(name: str) -> bytes:
        if name not in entry.files:
            raise rejected(f"{name}: no such file")
        return entry.files[name]

    try:
        theorem = check(entry.certificate, read)
    except rejected as rejection:
        return f"{type(rejection).__name__}: {rejection}"
    names = ("claim", "parameters", "holds", "statement", "tie", "domain", "digests", "counts")
    return {name: getattr(theorem, name) for name in names}


def load() -> list[Entry]:
    """The corpus as it is stored."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    texts = {key: text.encode("latin-1") for key, text in data["networks"].items()}
    return [
        Entry(name, certificate.encode("latin-1"), {file: texts[key] for file, key in files.items()}, expected)
        for name, certificate, files, expected in data["entries"]
    ]


def save(entries: Iterable[Entry]) -> None:
    """Store a corpus; every network once."""
    networks: dict[str, str] = {}
    rows = []
    for entry in entries:
        files = {}
        for name, text in entry.files.items():
            files[name] = hashlib.sha256(text).hexdigest()[:12]
            networks[files[name]] = text.decode("latin-1")
        rows.append([entry.name, entry.certificate.decode("latin-1"), files, entry.expected])
    parts = [f'"networks": {json.dumps(networks, indent=0)}']
    lines = ",\n".join(json.dumps(row) for row in rows)
    parts.append(f'"entries": [\n{lines}\n]')
    FILE.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")


# --- candidates -----------------------------------------------------------------------------------


def candidates() -> Iterator[Entry]:
    """Everything that may go into the corpus, several thousand certificates; networks of at most a few kilobytes."""
    for part in (_good, _parameters, _numbers, _networks, _documents, _searched, _trees, _damaged_trees, _damaged):
        yield from part()


def _entry(name: str, value: Any, left: Any, right: Any = None) -> Entry:
    from kernel_material import encoded

    sides = {"left.json": left, "right.json": right}
    files = {file: side if isinstance(side, bytes) else encoded(side) for file, side in sides.items() if side}
    return Entry(name, value if isinstance(value, bytes) else encoded(value), files)


def _good() -> Iterator[Entry]:
    from kernel_claims import PROVED, REFUTED
    from test_kernel_proofs import GOOD

    for name, (value, left, right) in {"equal": PROVED["equal"], "not equal": REFUTED["equal"], **GOOD}.items():
        yield _entry(name, value, left, right)
        yield _entry(f"{name}, untrusted", {**value, "untrusted": [1.5, {}]}, left, right)
        for tie in ("average", "leftmost", "rightmost"):
            if tie != value["tie"]:
                yield _entry(f"{name}, {tie}", {**value, "tie": tie}, left, right)
        for key in value:
            yield _entry(f"{name}, no {key}", {k: v for k, v in value.items() if k != key}, left, right)
            for junk in (None, [], {}, 0, True, "x" * 100):
                yield _entry(f"{name}, {key} is {junk!r:.20}", {**value, key: junk}, left, right)
        for file in ("../left.json", "", ".", "..", "/left.json", 1, "none.json"):
            yield _entry(f"{name}, file {file}", {**value, "left": {**value["left"], "file": file}}, left, right)
        for wrong in ("0" * 64, value["left"]["sha256"].upper(), None):
            yield _entry(f"{name}, digest", {**value, "left": {**value["left"], "sha256": wrong}}, left, right)
        yield _entry(f"{name}, other bytes", value, json.dumps(left).encode() + b" ", right)


def _parameters() -> Iterator[Entry]:
    from test_kernel_claims import about_two_inputs, test_parameters, test_wrong_parameters

    for test in (test_parameters, test_wrong_parameters):
        for mark in test.pytestmark:
            if mark.name == "parametrize":
                for number, case in enumerate(mark.args[1]):
                    yield _entry(f"parameters {number} {case[0]}", *about_two_inputs(case[0], case[1]))


def _numbers() -> Iterator[Entry]:
    """Spellings of numbers, as coordinates of the inhabitant; of bounds, multipliers and weights."""
    from kernel_claims import PROVED
    from test_kernel_proofs import BAD_MULTIPLIERS
    from test_kernel_reading import test_not_numbers, test_numbers

    value, left, right = PROVED["at-most"]
    wide = {"lower": [None], "upper": [None]}
    texts = [case[0] for case in test_numbers.pytestmark[0].args[1]] + list(test_not_numbers.pytestmark[0].args[1])
    for number, text in enumerate(texts):
        if isinstance(text, (int, str, bool, list, dict)) or text is None:
            changed = {**value, "inhabitant": [text]}
            yield _entry(f"number {number}", changed, left, right)
            yield _entry(f"number {number} anywhere", {**changed, "domain": wide}, left, right)
            yield _entry(f"bound {number}", {**value, "domain": {"lower": [text], "upper": [7]}}, left, right)
    for number, text in enumerate([*BAD_MULTIPLIERS, "a", "0f", "10", "f" * 65536]):
        if not isinstance(text, float):
            yield _entry(f"multiplier {number}", {**value, "tree": [["holds", ["1", [["L0.u0", 0, text]]]]]}, left, right)
            yield _entry(f"weight {number}", {**value, "tree": [["holds", [text, [["L0.u0", 0, "1"]]]]]}, left, right)


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    value = json.loads(json.dumps(value))
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    if new is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return value


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(part, (dict, list)):
            yield from _paths(part, (*path, key))


def _networks() -> Iterator[Entry]:
    """Every part of a network of each kind dropped, doubled or replaced, with a fresh digest."""
    from kernel_claims import PARTS, STEP
    from kernel_material import box, certificate, transformer

    unit = ([[1, 0]], [[0, 1]], [[1, 1]], [[0], [1]])
    ffn = ([[1, -1]], ["1/2"], [[0], [2]], [0, 1])
    small = transformer([([[1], [0]], [0, 1]), ([[-1], [0]], [0, 2])], [([unit], ffn), (None, ffn)], (1, [[1, 0]], [0]))
    wide = {
        "format": "exactformer/network-1",
        "kind": "maxout",
        "name": "two layers",
        "domain": None,
        "layers": [
            {"weights": [[[1], [-1]], [[2], [0]]], "biases": [[0, 1], ["1/2", 0]]},
            {"weights": {"shape": [1, 1], "entries": []}, "biases": [0]},
        ],
        "output": {"weights": {"shape": [1, 2], "entries": [[0, 0, "1/3"], [0, 1, 2]]}, "biases": [0]},
    }
    wide["layers"] = wide["layers"][:1]
    for name, network in (("relu", PARTS), ("head", STEP), ("block", small), ("sparse", wide)):
        outputs = 3 if name == "relu" else 1
        for path in [(), *_paths(network)]:
            for junk in (..., None, [], {}, 0, 1, -1, "2", True, [[1]], {"shape": [2, 2], "entries": [[1, 1, "1/2"]]}):
                if not path and junk is ...:
                    continue
                changed = _changed(network, path, junk) if path else junk
                if path and not isinstance(changed, dict):
                    continue
                data = json.dumps(changed).encode()
                value = certificate(data, None, box(1), claim="range")
                value |= {"parameters": {"lower": [-99] * outputs, "upper": [None] * outputs}}
                point = {**value, "point": [1], "values": [[0] * outputs]}
                at = "/".join(map(str, path))
                yield _entry(f"{name} {at} {junk!r:.9}", point, data)
                tree = [["holds", *[["1", []]] * outputs]]
                yield _entry(f"{name} {at} {junk!r:.9} proof", {**value, "inhabitant": [0], "tree": tree}, data)


def _documents() -> Iterator[Entry]:
    """The proof folders of the repository that are small."""
    for path in sorted((HERE.parents[1] / "proofs").glob("*/certificate.json")):
        files = {name: (path.parent / name) for name in ("left.json", "right.json")}
        texts = {name: file.read_bytes() for name, file in files.items() if file.exists()}
        if sum(map(len, texts.values())) < 6000:
            yield Entry(f"folder {path.parent.name}", path.read_bytes(), texts)


def _searched() -> Iterator[Entry]:
    """What the search finds for random questions about random networks, and the same with one line damaged."""
    from random import Random

    from test_kernel_fuzz import equality, question_of, random_question, stop_after_100_steps

    from exactformer.kernel.reading import NotAffine
    from exactformer.prover.certificate import dump, proof_certificate, refutation_certificate
    from exactformer.prover.question import inhabitant
    from exactformer.prover.search import Search

    for seed in range(700):
        r = Random(f"corpus {seed}")
        asked = equality(r)[0] if seed % 3 == 0 else random_question(r, depth=1 + seed % 2, tries=1 + 5 * (seed % 4))
        question = question_of(asked)
        try:
            found = Search(question.violated, float("inf"), seed % 2 == 0, stop_after_100_steps).run(question.goal())
        except (NotAffine, TimeoutError):
            continue
        if found.witness is not None:
            values = [tuple(exact) for exact in asked.values(found.witness)]
            value = refutation_certificate(question, found.witness, values)
        elif found.reason is None and len(found.steps) < 40:
            value = proof_certificate(question, inhabitant(question.domain), found.steps)
        else:
            continue
        files = {name: text.encode() for name, text in question.texts.items()}
        yield Entry(f"searched {seed}", dump(value).encode(), files)


def _trees() -> Iterator[Entry]:
    """Random trees, closed or not."""
    from random import Random

    from test_kernel_fuzz import random_question, random_tree

    from exactformer.kernel.reading import NotAffine

    for seed in range(500):
        r = Random(f"corpus tree {seed}")
        asked = random_question(r, depth=2, tries=r.choice((1, 10)))
        try:
            steps, left_open = random_tree(r, asked.goal(), 25)
        except NotAffine:
            steps, left_open = [], 1
        value = asked.certificate(inhabitant=[0] * asked.n, tree=steps + left_open * [["holds"]])
        yield _entry(f"tree {seed}", value, asked.left, asked.right)


def _damaged_trees() -> Iterator[Entry]:
    from random import Random

    from test_kernel_proofs import GOOD, TREES, mutants_of

    for name in TREES:
        value, left, right = GOOD[name]
        mutants = list(mutants_of(name).items())
        for kind, tree in Random(name).sample(mutants, min(len(mutants), 120)):
            yield _entry(f"{name}: {kind}", {**value, "tree": tree}, left, right)


def _damaged() -> Iterator[Entry]:
    from random import Random

    from kernel_material import certificate, damaged
    from test_kernel_proofs import GOOD, sides

    for name, (value, *networks) in GOOD.items():
        r = Random(f"corpus {name}")
        for number in range(60):
            pair, mutant = list(networks), value
            if r.random() < 0.6:
                mutant = damaged(r, value)
            else:
                side = r.randrange(len(sides(value)))
                pair[side] = damaged(r, pair[side])
                mutant = {**value, **{s: certificate(*pair, None)[s] for s in sides(value)}}
            yield _entry(f"{name}: damage {number}", mutant, *pair)


# --- making the corpus ----------------------------------------------------------------------------


def judged_entries(names: set[str] | None = None) -> Iterator[tuple[Entry, float]]:
    """Candidates with the verdict of the present kernel, and how long it took."""
    import time

    from exactformer.kernel.claims import check
    from exactformer.kernel.reading import Rejected

    seen = set()
    for entry in candidates():
        content = (entry.certificate, *sorted(entry.files.items()))
        if content in seen or (names is not None and entry.name not in names):
            continue
        seen.add(content)
        started = time.perf_counter()
        found = json.loads(json.dumps(verdict(check, Rejected, entry)))
        yield Entry(entry.name, entry.certificate, entry.files, found), time.perf_counter() - started


def confirmed(entry: Entry) -> bool:
    """Whether naive evaluation agrees with a theorem: a refutation at its point, a proof at many points."""
    from random import Random

    from kernel_material import Asked
    from test_kernel_fuzz import rules_of

    value = json.loads(entry.certificate, parse_float=str)
    networks = [json.loads(entry.files[value[side]["file"]], parse_float=str) for side in ("left", "right") if side in value]
    for network in networks:
        network.setdefault("mask", None)
    asked = Asked.of(value, *networks)
    if not entry.expected["holds"]:
        from fractions import Fraction

        point = tuple(Fraction(x) for x in value["point"])
        return asked.contains(point) and not asked.true_at(point)
    rules = rules_of(entry.expected["counts"], asked)
    return all(asked.true_at(point, rule) for point in asked.points(Random(0), 40) for rule in rules)
