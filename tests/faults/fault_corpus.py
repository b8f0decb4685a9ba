"""The corpus: certificates, good and damaged, with what the kernel says of each, word for word.

`corpus.json` holds it. `python tests/faults/fault_corpus.py` makes it again from the present kernel, after naive
evaluation has confirmed every theorem among its entries; with `--renew` it asks the stored entries again.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import fault_calls

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent, HERE.parent / "kernel"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

FILE = HERE / "corpus.json"
NEAR_PLACES = [
    f"L{layer}.{name}" for layer in (0, 1) for name in ("u0", "u1", "u2", "f0.t0", "f1.t0", "h0.q0", "h1.q0")
]
CALLS = {"elementary": 60, "functions": 200, "sums": 60, "parabolas": 25, "atoms": 30, "softmax": 8, "counts": 40}
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Entry:
    """Something to ask a kernel, and the answer. By kind:

    `check`: a certificate, with the network files beside it: the verdict on it;
    `walk N`: its claim: what is known on the cells that a random walk of seed N meets;
    `path STEPS`: the same on the cells along a path;
    `file`: the same, on disk; `value`: the text is a Python expression in the kernel's modules;
    `calls NAME N`: random calls of seed N, those of `fault_calls` of that name.
    """

    name: str
    certificate: bytes
    files: Files
    expected: Any = None
    kind: str = "check"


def answer(package: Any, entry: Entry) -> Any:
    """What a kernel, given by its modules, says. Exceptions other than its own `Rejected` pass through."""
    kind, _, number = entry.kind.partition(" ")
    rejected = package.reading.Rejected
    try:
        if kind == "walk":
            return _walk(package, entry, Random(int(number)))
        if kind == "path":
            return _path(package, entry, json.loads(number))
        if kind == "calls":
            name, _, seed = number.partition(" ")
            found = getattr(fault_calls, name)(package, Random(int(seed)))
            return hashlib.sha256(_shown(package, found).encode()).hexdigest()[:16]
        if kind == "value":
            return _shown(package, eval(entry.certificate.decode(), _names(package)))
        theorem = (_on_disk if kind == "file" else _in_memory)(package, entry)
    except rejected as rejection:
        return f"{type(rejection).__name__}: {rejection}".replace(str(HERE), "HERE")
    except _Missing as missing:
        return f"asked for {missing}"
    return theorem.to_json()


class _Missing(Exception):
    pass


def _reader(entry: Entry) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        if name not in entry.files:
            raise _Missing(name)
        return entry.files[name]

    return read


def _in_memory(package: Any, entry: Entry) -> Any:
    return package.certificates.check(entry.certificate, _reader(entry))


def _on_disk(package: Any, entry: Entry) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in entry.files.items():
            (Path(folder) / name).write_bytes(data)
        path = Path(folder) / "certificate.json"
        path.write_bytes(entry.certificate)
        try:
            return package.certificates.check_file(path)
        except package.reading.Rejected as rejection:
            raise package.reading.Rejected(str(rejection).replace(folder, "FOLDER")) from None


def _goal(package: Any, entry: Entry) -> Any:
    """The claim of a certificate on the whole domain."""
    value = package.reading.parse_json(entry.certificate, "certificate")
    networks = [package.networks.read_network(data, name) for name, data in sorted(entry.files.items())]
    domain = package.statements.read_domain(value["domain"], "domain", networks[0].inputs)
    parameters = value.get("parameters", {})
    sides = [value[side] for side in ("left", "right") if side in value]
    semantics = [
        package.claims._semantics(side, value["tie"], network, "side")
        for side, network in zip(sides, networks, strict=True)
    ]
    return package.claims.Goal.of(
        package.statements.read_statement(value["claim"], parameters, networks, domain, semantics, "claim")
    )


def _walk(package: Any, entry: Entry, r: Random) -> str:
    """A digest of all that a kernel must know on the cells of a random walk: what the format says it has to."""
    goal, seen = _goal(package, entry), []
    for _ in range(6):
        seen.append(_known(package, goal))
        steps: list[Any] = [["gate", place] for place in sorted(goal.cell.places)]
        steps += [["compare", a, b] for a in goal.stuck or () for b in goal.stuck or () if a != b] * 2
        if "near" in entry.name:
            steps += [["cut", [[1, r.choice(("1", "-2"))], [0, r.choice((0, "1/3"))]]]] * 2
            steps += [["anew", [[f"R{a[1:]}", f"L{a[1:]}"] for a in NEAR_PLACES]]] * 4
        if "narrow" in entry.name:
            steps += [["cut", [[1, r.choice((1, "-2"))], [0, r.choice((0, "1/3"))]]]] * 2
            steps += [["narrow"]] * 4 + [["anew", []]]
        if not steps:
            break
        step = r.choice(steps)
        try:
            children = [child() for child in package.claims.follow(goal, step, "walk")]
        except package.reading.Rejected as rejection:
            seen.append(str(rejection))
            continue
        seen += [_known(package, child) for child in children]
        goal = r.choice(children)
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


def _path(package: Any, entry: Entry, steps: list[Any]) -> str:
    """The same for the cells along a path of steps, each with the number of a child."""
    goal = _goal(package, entry)
    seen = [_known(package, goal)]
    for step, child in steps:
        goal = package.claims.follow(goal, step, "path")[child]()
        seen.append(_known(package, goal))
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


def _known(package: Any, goal: Any) -> Any:
    """Rows, places, facts, candidates, values, outputs, the stuck head, conclusions and obligations of a cell."""
    goal = goal.opened()
    cell = goal.cell

    def shown(form: Any) -> Any:
        return [sorted(form.terms.items()), form.den]

    places = sorted(cell.places.items())
    hard = [place for place, atom in places if atom not in cell.atoms.rates]
    return [
        [[shown(form), strict] for form, strict in cell.rows],
        places,
        [[[str(which), shown(form)] for which, form in cell.facts(place).items()] for place, _ in places],
        [[shown(form) for form in cell.candidates(place)] for place in hard],
        [[t, shown(form)] for t, form in sorted((goal.stuck or {}).items())],
        [[_outputs(run, shown), run.outputs is None, run.ties] for run in goal.runs],
        [shown(cell.value(atom)) for _, atom in places],
        [shown(form) for form in goal.conclusions],
        [[shown(form), *map(str, cell.atoms.bounds(form))] for form in goal.obligations()] if goal.finished else [],
    ]


def _outputs(run: Any, shown: Callable[[Any], Any]) -> Any:
    return [[k, shown(form)] for k, form in sorted((run.outputs or {}).items())]


def _names(package: Any) -> dict[str, Any]:
    modules = ("forms", "softmax", "atoms", "cell", "networks", "reading", "semantics", "statements", "claims")
    modules += ("certificates", "elementary", "functions", "bounds", "chains", "counts")
    more = {"F": Fraction, "Path": Path, "SMALL": HERE / "fault_plugin.py", "limited": _limited}

    def refused(call: Callable[[], Any]) -> Any:
        """What the call gives, or why it is rejected, or not answered."""
        try:
            return call()
        except (package.reading.Rejected, package.elementary.Undefined, ValueError) as error:
            return f"{type(error).__name__}: {error}"

    more["refused"] = refused
    return {**{name: getattr(package, name) for name in modules}, **more}


def _limited(module: Any, size: int, call: Callable[[], Any], name: str = "MAX_BYTES") -> Any:
    """The result of a call with another limit: on the size of files, or of another name."""
    before = getattr(module, name)
    setattr(module, name, size)
    try:
        return call()
    finally:
        setattr(module, name, before)


def _shown(package: Any, value: Any) -> str:
    """A value of the kernel's as text; forms by their coefficients."""
    if isinstance(value, package.forms.Form):
        return f"{sorted(value.terms.items())}/{value.den}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_shown(package, item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_shown(package, item)}" for key, item in value.items()) + "}"
    return repr(value)


def load() -> list[Entry]:
    """The corpus as it is stored."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    texts = {key: text.encode("latin-1") for key, text in data["networks"].items()}
    return [
        Entry(name, texts[certificate], {file: texts[key] for file, key in files.items()}, expected, kind)
        for kind, name, certificate, files, expected in data["entries"]
    ]


def save(entries: Iterable[Entry]) -> None:
    """Store a corpus; every text once."""
    texts: dict[str, str] = {}
    rows = []

    def stored(data: bytes) -> str:
        key = hashlib.sha256(data).hexdigest()[:12]
        texts[key] = data.decode("latin-1")
        return key

    for entry in entries:
        files = {name: stored(text) for name, text in entry.files.items()}
        rows.append([entry.kind, entry.name, stored(entry.certificate), files, entry.expected])
    lines = ",\n".join(json.dumps(row) for row in rows)
    FILE.write_text(f'{{"networks": {json.dumps(texts, indent=0)},\n"entries": [\n{lines}\n]}}\n', encoding="utf-8")


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
            yield _entry(
                f"multiplier {number}", {**value, "tree": [["holds", ["1", [["L0.u0", 0, text]]]]]}, left, right
            )
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
    from test_kernel_fuzz import equality, question_of, random_question, stop_after_100_steps

    from exactformer.kernel.reading import NotAffine
    from exactformer.polyhedra.inhabitant import inhabitant
    from exactformer.prover.certificate import dump, proof_certificate, refutation_certificate
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
    from test_kernel_proofs import GOOD, TREES, mutants_of

    for name in TREES:
        value, left, right = GOOD[name]
        mutants = list(mutants_of(name).items())
        for kind, tree in Random(name).sample(mutants, min(len(mutants), 120)):
            yield _entry(f"{name}: {kind}", {**value, "tree": tree}, left, right)


def _damaged() -> Iterator[Entry]:
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


def values() -> Iterator[Entry]:
    """Small calls of the kernel's functions."""
    for number, line in enumerate((HERE / "values.txt").read_text(encoding="utf-8").splitlines()):
        yield Entry(f"value {number}", line.encode(), {}, kind="value")


def calls() -> Iterator[Entry]:
    """Random calls of the kernel's functions."""
    for name, count in CALLS.items():
        for seed in range(count):
            yield Entry(f"calls {name} {seed}", b"", {}, kind=f"calls {name} {seed}")


def _small(entry: Entry) -> bool:
    """Whether it asks for calls of functions, not for a certificate."""
    return entry.kind.startswith(("value", "calls"))


def _by_hand() -> Iterator[Entry]:
    """Certificates for what the others leave out, with bytes that no generator makes."""
    from kernel_claims import PROVED, RELU
    from kernel_material import box, certificate, encoded, maxout, transformer
    from test_kernel_claims import about_two_inputs
    from test_kernel_proofs import ZERO

    value, left, right = PROVED["at-most"]
    data = encoded(value)
    for number, text in enumerate(
        (
            *(b"", b"[", b"[]", b"NaN", data + b"x", b"\xff" + data, data[:-1] + b', "tie": 1}'),
            data[:-1] + b', "untrusted": {"a": 1, "b": 1, "b": 2}}',
            data[:-1] + b', "untrusted": Infinity}',
            *(b"[" * 5000, data[:-1] + b', "untrusted": ' + b"[" * 3000 + b"]" * 3000 + b"}"),
        )
    ):
        yield _entry(f"bytes {number}", text, left, right)
    for epsilon in (-1, "-1/9", 0, "1/9"):
        yield _entry(f"epsilon {epsilon}", *about_two_inputs("within", {"epsilon": epsilon}))
    for order in ([0, 0], [1, 1], [1, 0], [0, 1]):
        yield _entry(f"permutation {order}", *about_two_inputs("invariant", {"permutation": order}))
    yield _entry("no bound", *about_two_inputs("range", {"lower": [None], "upper": [None]}))
    for free in ([], [0], [1, 0], [0, 0], [0, 1], [0, 2]):
        yield _entry(f"free {free}", *about_two_inputs("independent", {"inputs": free}))
    huge = maxout([], ([["1e4000"]], [0]))
    claim = {"claim": "equal", "point": ["1e4000"], "values": [["1e4000"], [0]]}
    yield _entry("too long to print", certificate(huge, ZERO, box(1, None, None), **claim), huge, ZERO)
    claim = {"claim": "range", "parameters": {"lower": [0], "upper": [None]}, "inhabitant": [0], "tree": [["holds"]]}
    nothing = {"weights": [], "biases": []}
    for name, network in (
        ("no token", transformer([], [], (0, [[1]], [0]))),
        ("no unit", maxout([([], [])], ([[]], [0]))),
        ("no relu", maxout([([], [])], ([[]], [0]), "relu")),
        ("no piece", maxout([([[]], [[]])], ([[1]], [0]))),
        ("no layer", {**RELU, "layers": []}),
        ("no output", {**RELU, "layers": [], "output": nothing}),
        ("twice", maxout([], ({"shape": [1, 1], "entries": [[0, 0, 1], [0, 0, 1]]}, [0]))),
    ):
        yield _entry(name, certificate(network, None, box(1), **claim), network)
    wide, tall = maxout([], ([[0, 0]], [0])), maxout([], ([[0], [0]], [0, 0]))
    for a, b in ((wide, ZERO), (ZERO, wide), (tall, ZERO), (ZERO, tall), (wide, tall)):
        for domain in (box(1), box(2)):
            whole = certificate(a, b, domain, claim="equal", inhabitant=[0], tree=[["holds"]])
            yield _entry("sizes", whole, a, b)
    for name, case in pinned().items():
        yield _entry(name, *case)
    yield from _near()
    yield from _narrow()
    yield from _functions()
    yield from _chains()
    yield from _leaks()
    yield from _avoids()
    r = Random("by hand")
    bounds, counts = list(_bounds()), list(_counts())
    for name, bounded, network, other in [*bounds[:1], *r.sample(bounds[1:], 140)]:
        yield _entry(name, bounded, network, other)
    for name, counted, network in r.sample(counts, 220):
        yield replace(_entry(name, counted, network), files={"network.json": encoded(network)})
    yield from _pieces()
    for point in ([-2], [2], [-1], [1]):
        yield _entry(f"inhabitant {point}", {**value, "inhabitant": point}, left, right)


def _near() -> Iterator[Entry]:
    """Softmax, pairs, affine bounds and cuts: the least epsilon that is shown, one that is not, a walk, and damage."""
    import test_kernel_differences as t

    from exactformer.kernel.reading import Rejected

    for seed in range(90):
        r = Random(f"corpus near {seed}")
        try:
            asked, tree, most = t.random_near_proof(r)
        except Rejected:
            continue
        if most > t.MUCH / 2 or (most == 0 and seed % 3) or len(json.dumps(tree)) > 6000:
            continue
        value = t.near_certificate(asked, tree, most + t.F(1, 1 << 90))
        yield _entry(f"near {seed}", value, asked.left, asked.right)
        yield replace(_entry(f"near {seed} walk", value, asked.left, asked.right), kind=f"walk {seed}")
        if most:
            low = t.near_certificate(asked, tree, most - t.F(1, 1 << 90))
            yield _entry(f"near {seed} too near", low, asked.left, asked.right)
        path = r.choice([path for path in _paths(value) if path[0] in ("tree", "left", "right")])
        for junk in r.sample((..., 0, [], "1", "L0.u0", [["R0.u0", "L0.u0"]], ["holds", [], []]), 2):
            yield _entry(f"near {seed} damage", _changed(value, path, junk), asked.left, asked.right)
    for name, case in t.BY_HAND.items():
        yield _entry(f"near by hand {name}", *case)


def _leaks() -> Iterator[Entry]:
    """Heads that select: what is shown of their values, what is a little too much, and walks."""
    from test_kernel_leak import selecting_proof

    for seed in range(24):
        asked, (value, less) = selecting_proof(Random(f"corpus leak {seed}"))
        yield _entry(f"leak {seed}", value, asked.left)
        yield _entry(f"leak {seed} too little", less, asked.left)
        if seed % 2:
            yield replace(_entry(f"near leak {seed} walk", value, asked.left), kind=f"walk {seed}")


def _avoids() -> Iterator[Entry]:
    """Outputs that avoid sets: proved by bounds, multipliers and cells, refuted, and sets that are none."""
    from kernel_claims import LINE, PARTS, PROVED, REFUTED, RELU, SETS, STEP
    from kernel_material import box, certificate

    yield _entry("avoids", *PROVED["avoids"])
    yield _entry("avoids, not", *REFUTED["avoids"])
    row = [[2, "1"]]
    trees: list[list[Any]] = [
        [["holds", []]],
        [["holds", ["1", [["L0.u0", 1, "1"]]]]],
        [["holds", []] * 2],
        [["holds"]],
    ]
    trees += [[["gate", "L0.u0"], ["holds", ["1", row]], ["holds", last]] for last in ([], ["1", []])]
    trees += [[["gate", "U0"], ["holds", ["4", row]], ["holds", ["2", row]]]]
    trees += [[["holds", ["4", [["U0", 0, "2"], ["U0", 1, "1"]]]]], [["holds", [], []]], [["holds", [], [], []]]]
    one = [[{"matrix": [[1]], "bounds": [bound]}] for bound in (-1, 0, 1)]
    two = [{"matrix": [[1], [-1]], "bounds": [0, bound]} for bound in ("-1/2", 0)]
    more = [{"matrix": [[1]], "bounds": [-2]}, {"matrix": [[-1]], "bounds": ["-3/2"]}, {"matrix": [[0]], "bounds": [0]}]
    wrong: list[Any] = [
        [],
        [{"matrix": [], "bounds": []}],
        [{"matrix": [[1]], "bounds": []}],
        [{"matrix": [[1, 1]], "bounds": [1]}],
    ]
    some = []
    for sets in (*one, two[:1], two[1:], more[:2], more[1::-1], more, *wrong):
        asked: dict[str, Any] = {"claim": "avoids", "parameters": {"sets": sets}}
        for network in (RELU, LINE, STEP):
            answers = [{"inhabitant": [0], "tree": tree} for tree in trees]
            answers += [{"point": [x], "values": [[y]]} for x in (-1, 0, "1/4") for y in (x, 0, "1/2")]
            some += [(certificate(network, None, box(1), **asked, **answer), network) for answer in answers]
    for whole, network in Random("avoids").sample(some, 160):
        yield _entry("avoids", whole, network)
    for k, n in enumerate((3, 4)):
        steps = {"claim": "avoids", "parameters": SETS, "inhabitant": [0], "tree": [["holds", []]]}
        whole = certificate(PARTS, None, box(1), **steps)
        yield replace(_entry(f"walk {n} from avoids", whole, PARTS), kind=f"walk {k}")
    for rows in (
        [[0, 0, 0]],
        [[1, -1, 2]],
        [["-1/2", 0, -3]],
        [[-1, 1, "5/3"]],
        [[0, "-7", 0]],
        [[0, 0, "1/9"]],
        [[-2, 2, 0]],
    ):
        asked = {"claim": "avoids", "parameters": {"sets": [{"matrix": rows, "bounds": [-90]}] * 2}}
        yield _entry(
            "avoids, text", certificate(PARTS, None, box(1), **asked, inhabitant=[0], tree=[["holds", [], []]]), PARTS
        )
    function = {"format": "exactformer/network-1", "kind": "function", "inputs": 1, "steps": [["input", 0], ["exp", 0]]}
    asked = {"claim": "avoids", "parameters": {"sets": one[0]}, "inhabitant": [0], "tree": [["holds", []]]}
    yield _entry("avoids, a function", certificate(function, None, box(1), **asked), function)
    soft = certificate(RELU, None, box(1), **asked)
    soft["left"] = {**soft["left"], "temperature": [2]}
    yield _entry("avoids, softmax", soft, RELU)
    asked = {
        "claim": "avoids",
        "parameters": {"sets": [{"matrix": [[1]], "bounds": [5]}]},
        "point": [0],
        "values": [[{"lower": "0", "upper": "1"}]],
    }
    soft = certificate(RELU, None, box(1), **asked)
    soft["left"] = {**soft["left"], "temperature": [2]}
    yield _entry("avoids at a softmax point", soft, RELU)
    ends = [("0", "1/9"), ("1/2", "1"), ("-1", "9"), (0, 0), ("1", "0")]
    for claimed in ("1/2", *({"lower": low, "upper": high} for low, high in ends)):
        for more in ({"temperature": [2]}, {"temperature": [2], "base": "2"}, {"base": "2"}, {"temperature": [0]}):
            soft = certificate(RELU, None, box(1), **{**asked, "point": ["1/3"], "values": [[claimed]]})
            soft["left"] = {**soft["left"], **more}
            yield _entry("a value at a softmax point", soft, RELU)
    for step in (
        ["bound", "L0.u0", [[0, "1"]]],
        ["bound", "L0.u0"],
        ["bound"],
        ["bound", "L0.u0", [[0, "1"]], None, None],
    ):
        asked = {"claim": "avoids", "parameters": {"sets": one[0]}, "inhabitant": [0], "tree": [step, ["holds", []]]}
        yield _entry("bound", certificate(RELU, None, box(1), **asked), RELU)
    for claim in ("convex", "concave"):  # a coordinate is 0 at one of the points alone
        for network in (RELU, STEP):
            whole = certificate(network, None, box(1), claim=claim, inhabitant=[0], tree=[["holds", []]])
            yield from (replace(_entry(f"walk {k} from {claim}", whole, network), kind=f"walk {k}") for k in range(8))
    (block,) = STEP["blocks"]
    (head,) = block["heads"]
    other = {**block, "heads": [{**head, "output": [[0], [0], [0], [7]]}]}
    layers = {**STEP, "blocks": [block, block, other]}
    asked = {"claim": "range", "parameters": {"lower": [None], "upper": [0]}, "point": ["1/3"], "values": [[5]]}
    soft = certificate(layers, None, box(1), **asked)
    soft["left"] = {**soft["left"], "temperature": [1, 2, 5]}
    yield _entry("three layers, three temperatures", soft, layers)
    rules = {"claim": "ties-agree", "parameters": {"rules": ["leftmost", "average"]}}
    both = certificate(RELU, None, box(1), **rules, inhabitant=[0], tree=[["holds", []]])
    both["left"] = {**both["left"], "temperature": [2]}
    yield _entry("ties of softmax", both, RELU)


def _narrow() -> Iterator[Entry]:
    """Walks of cuts, gates, narrow and anew over networks and functions, and paths after which little is left."""
    from test_kernel_fuzz import random_question

    for seed in range(40):
        asked = random_question(Random(f"corpus narrow {seed}"))
        value = asked.certificate(inhabitant=[0] * len(asked.domain["lower"]), tree=[["narrow"], ["holds"]])
        if len(json.dumps(value)) < 3000:
            entry = _entry(f"narrow {seed}", value, asked.left, asked.right)
            yield from (entry, replace(entry, name=f"narrow {seed} walk", kind=f"walk {seed}"))
    yield from _means_and_differences()
    cut, level = [["cut", [[1, 1]]], 0], [["compare", 0, 1], 1]
    paths = {
        "square": [cut, [["narrow"], 0], [["cut", [[1, 2], [0, -1]]], 1], [["narrow"], 0], [["anew", []], 0]],
        "square and line": [cut, [["narrow"], 0], [["cut", [[1, 1], [0, "-1/2"]]], 1], [["narrow"], 0]],
        "gated": [[["gate", "L0.u0"], 0], [["narrow"], 0], [["gate", "n0"], 1], [["narrow"], 0]],
        "step": [level, [["narrow"], 0], [["narrow"], 0]],
        "nested": [[["gate", "L1.u0"], 0], [["narrow"], 0], [["gate", "n1"], 1], [["narrow"], 0]],
        "late": [[["gate", "L1.u0"], 0], [["narrow"], 0]],
        "midpoint": [cut, [["narrow"], 0], [["cut", [[2, 1]]], 1], [["narrow"], 0]],
    }
    for name, (value, left, right) in _about_functions().items():
        for length in range(1 + len(paths.get(name, []))):
            kind = f"path {json.dumps(paths.get(name, [])[:length])}"
            yield replace(_entry(f"narrow {name}, {length} steps", value, left, right), kind=kind)
    yield from _stuck()


def _stuck() -> Iterator[Entry]:
    """Paths of cuts and narrow on which heads forget tokens, and another evaluation waits behind."""
    import test_kernel_narrow as t
    from kernel_material import box, certificate

    def below(end: str, side: int = 1) -> list[Any]:
        return [[["cut", [[1, 1], [0, f"-{end}"]]], side], [["narrow"], 0]]

    one, two, behind = t.peaks([3, 5, 2, 7]), t.peaks([3, 5, 2, 7], heads=2), t.relu((1, 0, 1), (-1, 0, 1))
    other = t.peaks([3, 5, 2, 7])
    other["embedding"]["offsets"] = [[int(q == 0), -q * q, 0] for q in range(4)]
    causal = {**t.peaks([3, 5, 2, 7]), "mask": "causal", "residual": True}
    causal["readout"] = {**causal["readout"], "token": 2}
    block, twice = t.behind_units(), t.peaks([3, 5, 2])
    twice["blocks"] = [*twice["blocks"], {"heads": twice["blocks"][0]["heads"], "feedforward": None}]
    twice["residual"] = True
    walks = [
        [*below("5/4"), *below("1"), *below("1/4")],
        [*below("2", 0), *below("2", 0), *below("11/4", 0)],
        [*below("3/2"), [["compare", 0, 1], 1], [["narrow"], 0]],
        [*below("0"), [["anew", []], 0]],
        [[["compare", 1, 2], 0], *below("3/2")],
    ]
    for name, left in (
        ("one", one),
        ("two", two),
        ("other", other),
        ("causal", causal),
        ("units", block),
        ("twice", twice),
    ):
        for right in (behind, left):
            value = certificate(left, right, box(1, 0, 3), claim="equal", inhabitant=[0], tree=[["holds"]])
            entry = _entry(f"narrow stuck {name}", value, left, right)
            for number, steps in enumerate(walks):
                for length in range(1, 1 + len(steps)):
                    path = f"path {json.dumps(steps[:length])}"
                    yield replace(entry, name=f"{entry.name} {number}, {length} steps", kind=path)


def _means_and_differences() -> Iterator[Entry]:
    """What narrow says nothing of, though bounds would show the claim."""
    import test_kernel_narrow as t
    from kernel_material import step_head

    one, other, step = t.relu((1, 0, 1)), t.relu((1, "1/8", 1)), step_head()
    pairs: list[Any] = ["anew", [["R0.u0", "L0.u0"]]]
    for name, left, right, steps, how in (
        ("mean", one, other, [["narrow"]], {"temperature": [2]}),
        ("difference", one, other, [pairs, ["narrow"]], {}),
        ("difference of means", one, other, [pairs, ["narrow"]], {"temperature": [2]}),
        ("blend", t.affine(0), step, [["narrow"]], {"temperature": [2]}),
        ("anew", one, other, [["anew", []], ["narrow"]], {}),
    ):
        value = t.within(9, left, right, [*steps, ["holds", [], []]])
        yield _entry(f"narrow, a {name}", {**value, "right": {**value["right"], **how}}, left, right)


def piecewise_cases() -> dict[str, Any]:
    """Functions that are piecewise linear in part: by gates, with terms in common, and where a step has no value."""
    import test_kernel_attacks as a
    import test_kernel_narrow as t
    from kernel_material import box

    x, y, minus = ["input", 0], ["input", 1], ["number", -1]
    largest = t.function([x, y, ["maximum", 0, 1]], 2)
    steps = [x, y, minus, ["multiply", 1, 2], ["add", 0, 3], ["absolute", 4], ["add", 0, 1], ["add", 5, 6]]
    half = t.function([*steps, ["number", 2], ["divide", 7, 8]], 2)
    off = t.function([*steps, ["number", 2], ["divide", 7, 8], ["number", "1/1024"], ["add", 9, 10]], 2)
    smallest = t.function(
        [x, y, minus, ["multiply", 2, 0], ["multiply", 2, 1], ["minimum", 3, 4], ["multiply", 5, 2]], 2
    )
    one = t.function(
        [x, y, ["sin", 1], ["exp", 0], ["multiply", 3, 2], ["add", 2, 4], ["absolute", 0], ["add", 5, 6]], 2
    )
    other = t.function(
        [x, ["absolute", 0], ["exp", 0], y, ["sin", 3], ["multiply", 2, 4], ["add", 5, 4], ["add", 6, 1]], 2
    )
    bent = t.function([x, ["number", "1/2"], ["multiply", 1, 0], ["absolute", 2], ["exp", 3], ["add", 4, 3]])
    log = [x, ["log", 0]]
    zeros = {
        "cancelled": t.function([*log, minus, ["multiply", 2, 1], ["add", 1, 3]]),
        "times 0": t.function([*log, ["number", 0], ["multiply", 2, 1], ["exp", 3]]),
        "unused": t.function([*log, x]),
        "unused sum": t.function([*log, ["add", 0, 1], x]),
        "divided": t.function([x, ["power", 0, 2], ["divide", 0, 1]]),
    }
    gates: list[Any] = [["gate", "L.s2"], ["holds"], ["holds"]]
    cut: list[Any] = [["cut", [[1, 1]]], ["anew", []], ["holds", [], []], ["anew", []], ["holds", [], []]]
    line, square, value = t.affine(0), box(2), [[{"lower": -9, "upper": 9}], [0]]
    cases: dict[str, Any] = {
        "maximum": (a.proof(largest, half, square, gates, "equal", [0, 0]), largest, half),
        "maximum, off": (a.proof(largest, off, square, gates, "equal", [0, 0]), largest, off),
        "minimum": (a.proof(largest, smallest, square, [["holds"]], "equal", [0, 0]), largest, smallest),
        "terms": (a.proof(one, other, square, [["holds"]], "equal", [0, 0]), one, other),
        "kinks anew": (t.within(2, bent, t.affine(0, 1), cut), bent, t.affine(0, 1)),
        "kinks within": (t.within("1.2", bent, t.affine(0, 1), [["holds", [], []]]), bent, t.affine(0, 1)),
    }
    last = t.function([*log, y], 2)
    for low in ("-1", "1/4"):
        value_of = a.proof(last, t.maxout([], ([[0, 1]], [0])), box(2, low, 1), [["holds"]], "equal", [1, 1])
        cases[f"unused before an input from {low}"] = (value_of, last, t.maxout([], ([[0, 1]], [0])))
    for name, f in zeros.items():
        for low in ("-1", "1/4"):
            cases[f"{name} from {low}"] = (t.within(2, f, line, [["holds", [], []]], box(1, low, 1)), f, line)
        point = a.proof(f, line, box(1), [], "within", epsilon="1/8") | {"point": ["-1/2"], "values": value}
        cases[f"{name} refuted"] = ({k: v for k, v in point.items() if k not in ("tree", "inhabitant")}, f, line)
    return cases


def _about_functions() -> dict[str, tuple[Any, Any, Any]]:
    """Certificates about functions and by narrow, good ones and some that prove nothing."""
    import test_kernel_attacks as a
    import test_kernel_narrow as t
    from kernel_material import box, certificate, step_head

    square, sine, half = t.function(t.SQUARE), t.function(t.SINE), t.affine(0, "1/2")
    line = t.relu((1, 0, "1/2"), (1, "-1/2", 1))
    log, pi, step = t.function([["input", 0], ["log", 0]]), t.function([["pi"]], 0), step_head()
    even = t.function([["input", 0], ["power", 0, 2], ["input", 1], ["power", 2, 2], ["add", 1, 3]], 2)
    kinks = [["input", 0], ["number", "1/3"], ["maximum", 0, 1], ["absolute", 0], ["minimum", 2, 3], ["tanh", 4]]
    unit, half_line, positive = box(1, 0, 1), box(1, "1/2", 1), {**box(1), "matrix": [[-1]], "bounds": ["-1/2"]}
    closed: list[Any] = ["holds", [], []]
    nothing: Any = {"lower": [], "upper": []}
    zero = Fraction(0)
    nearer = t.function([["input", 0], ["power", 0, 2], ["number", "575/1024"], ["add", 1, 2]])
    quarter = box(1, "-1/2", "1/2")
    shifted = t.function([["input", 0], ["power", 0, 2], ["number", "9/16"], ["add", 1, 2]])
    first, first_line = t.function([["input", 0], ["power", 0, 2]], 2), t.maxout([], ([[1, 0]], [0]))
    late, last = a.late_network(), t.function([["input", 1], ["number", 5], ["input", 0]], 2)
    nested = t.maxout([([[[1], [0]]], [[0, 0]]), ([[[1], ["-1"]]], [[0, "1/4"]])], ([[1]], [0]))
    bare = t.maxout([], ({"shape": [1, 0], "entries": []}, ["22/7"]))
    gated, same = t.relu((1, 0, 1), (1, "-1/2", 1)), t.relu((1, "-1/2", 1), (1, 0, 1))
    around = {"lower": "0.9974", "upper": "0.9975"}
    half_gap = {"claim": "within", "parameters": {"epsilon": "1/2"}}
    return {
        "square": (t.within("1/2", square, half, [closed]), square, half),
        "square too near": (t.within("0.499", square, half, t.halved(2)), square, half),
        "square and line": (t.within("1/16", square, line, t.halved(1, zero, Fraction(1)), unit), square, line),
        "sine": (
            t.within("0.9975", sine, t.affine(0), t.halved(2, zero, Fraction(1, 2)), box(1, 0, "1/2")),
            sine,
            t.affine(0),
        ),
        "twice": (a.proof(square, square, box(1), [["narrow"], ["holds"]], "equal"), square, square),
        "kinks": (t.within(1, t.function(kinks), t.affine(0), t.halved(1)), t.function(kinks), t.affine(0)),
        "log": (a.proof(log, log, half_line, [["holds"]], "equal", [1]), log, log),
        "log undefined": (a.proof(log, log, unit, [["narrow"], ["holds"]], "equal", [1]), log, log),
        "log by rows": (a.proof(log, log, positive, [["narrow"], ["holds"]], "equal", [1]), log, log),
        "log by rows too early": (a.proof(log, log, positive, [["holds"]], "equal", [1]), log, log),
        "log unbounded": (a.proof(log, log, box(1, 1, None), [["holds"]], "equal", [1]), log, log),
        "log unbounded below": (a.proof(log, log, box(1, None, 1), [["holds"]], "equal", [1]), log, log),
        "relaxed": (
            a.proof(t.relu((1, 0, 1)), shifted, box(1), [["anew", []], ["holds", []]], "at-most"),
            *(t.relu((1, 0, 1)), shifted),
        ),
        "relaxed too near": (
            a.proof(t.relu((1, 0, 1)), nearer, box(1), [["anew", []], ["holds", []]], "at-most"),
            *(t.relu((1, 0, 1)), nearer),
        ),
        "log and 0, unbounded": (t.within(9, log, t.affine(0), [closed], box(1, 1, None)), log, t.affine(0)),
        "log and 0, undefined": (t.within(9, log, t.affine(0), [closed], unit), log, t.affine(0)),
        "two inputs": (a.proof(first, first_line, box(2, 0, 1), [["holds", []]], "at-most"), first, first_line),
        "late": (a.proof(late, t.affine(0, 9), box(1), [["narrow"], ["holds", []]], "at-most"), late, t.affine(0, 9)),
        "pi": (t.within("0.00127", pi, bare, [["narrow"], closed], nothing), pi, bare),
        "midpoint": (a.proof(square, None, box(1), [["holds", []]], "convex"), square, None),
        "midpoint false": (a.proof(square, None, box(1), [["holds", []]], "concave"), square, None),
        "swapped": (a.proof(even, None, box(2), [["holds"]], "invariant", permutation=[1, 0]), even, None),
        **piecewise_cases(),
        "second point": (a.proof(even, None, box(2), [closed], "independent", inputs=[1]), even, None),
        "input last": (a.proof(last, None, box(2), [["holds"]], "independent", inputs=[0]), last, None),
        "input last, same": (a.proof(last, None, box(2), [["holds"]], "independent", inputs=[1]), last, None),
        "range": (a.proof(even, None, box(2), [closed], "range", lower=[0], upper=[2]), even, None),
        "rows": (a.proof(square, t.affine(1), unit, [["holds", ["1", []]]], "at-most"), square, t.affine(1)),
        "rows with slack": (a.proof(square, half, quarter, [["holds", ["1", []]]], "at-most"), square, half),
        "rows wrong": (
            a.proof(square, t.affine(1), unit, [["holds", ["1", [[0, "1"]]]]], "at-most"),
            *(square, t.affine(1)),
        ),
        "rows twice": (
            a.proof(square, t.affine(2), unit, [["holds", ["2", [[0, "1"]]]]], "at-most"),
            *(square, t.affine(2)),
        ),
        "refuted": (
            certificate(sine, half, box(1), **half_gap, point=["-1/2"], values=[[_minus(around)], ["1/2"]]),
            sine,
            half,
        ),
        "not refuted": (
            certificate(sine, half, box(1), **half_gap, point=["1/2"], values=[[around], ["1/2"]]),
            sine,
            half,
        ),
        "refuted at 1": (a.refuted(square, half, "at-most", [1], [[1], ["1/2"]]), square, half),
        "refuted at 0": (a.refuted(shifted, t.affine(0), "at-most", [0], [["9/16"], [0]]), shifted, t.affine(0)),
        "refuted at a corner": (a.refuted_input(), a.FIRST_OF_TWO, None),
        "inputs alone": (a.proof(a.INPUTS, None, box(2), [["holds"]], "independent", inputs=[1]), a.INPUTS, None),
        "inputs alone, false": (
            a.proof(a.INPUTS, None, box(2), [["holds"]], "independent", inputs=[0]),
            a.INPUTS,
            None,
        ),
        "refuted mean": (a.refuted_mean(), t.relu((1, 0, 1)), None),
        "gated": (a.proof(gated, same, box(1), [["narrow"], ["holds"]], "equal"), gated, same),
        "nested": (a.proof(nested, nested, box(1), [["narrow"], ["holds"]], "equal"), nested, nested),
        "gated at n0": (
            a.proof(gated, same, box(1), [["narrow"], ["gate", "n0"], ["holds"], ["narrow"], ["holds"]], "equal"),
            *(gated, same),
        ),
        "step": (a.proof(step, step, box(1), [["narrow"], ["holds"]], "equal"), step, step),
        "step narrowed": (
            a.proof(step, step, box(1), [["compare", 0, 1], *[["narrow"], ["holds"]] * 3], "equal"),
            *(step, step),
        ),
    }


def _minus(ends: dict[str, str]) -> dict[str, str]:
    return {"lower": f"-{ends['upper']}", "upper": f"-{ends['lower']}"}


def _functions() -> Iterator[Entry]:
    """Certificates about functions, each with some damage, and files of functions with damage to their steps."""
    cases = _about_functions()
    r = Random("functions")
    for name, (value, left, right) in cases.items():
        yield _entry(f"function {name}", value, left, right)
        path = r.choice([path for path in _paths(value) if path[0] in ("tree", "parameters", "left", "values")])
        for junk in r.sample((..., 0, [], "1", "n0", ["narrow"], ["holds", [], []], {"temperature": [1]}), 2):
            yield _entry(f"function {name} damage", _changed(value, path, junk), left, right)
    value, left, right = cases["square"]
    warm = {**value, "left": {**value["left"], "temperature": [1]}}
    yield _entry("function with a temperature", warm, left, right)


def _chains() -> Iterator[Entry]:
    """Chains: good ones, each part changed or left out, and links that are none."""
    import test_kernel_chains as t
    from kernel_material import encoded

    files = t.links()
    turned = t.linked(files, t.THIRD, **{"from": "right"})
    good = {
        "one": [t.FIRST],
        "two": [t.FIRST, t.SECOND],
        "three": [t.FIRST, t.SECOND, turned],
        "back": [turned, t.THIRD],
        "equal": [t.SECOND],
        "apart": [t.FIRST, t.THIRD],
        "again": [t.SECOND, t.SECOND],
        "none": [],
    }
    base = {name: encoded(x) for name, x in {**t.NETWORKS, **files}.items()}
    for name, links in good.items():
        yield Entry(f"chain {name}", encoded(t.chain(files, links)), base)
    three = t.chain(files, good["three"])
    for path in _paths(three):
        for junk in (..., 0, [], "left"):
            yield Entry(f"chain {path} {junk!r:.9}", encoded(_changed(three, path, junk)), base)
    second = files[t.SECOND]
    soft = {**second["left"], "temperature": [2]}
    wrong = t.equality("line.json", "zero.json")
    refuted = {key: x for key, x in wrong.items() if key not in ("tree", "inhabitant")}
    for name, other in {
        "another tie rule": {**second, "tie": "leftmost"},
        "another domain": {**second, "domain": {"lower": [-1], "upper": ["1/2"]}},
        "a domain in other words": {**second, "domain": {"lower": ["-1.0"], "upper": ["2/2"]}},
        "another claim": {**second, "claim": "at-most"},
        "a temperature": {**t.nearness("9", "line.json", "same.json", [["holds", [], []]]), "left": soft},
        "a negative distance": t.nearness("-1/4", "line.json", "same.json", [["holds"]]),
        "a distance of 0": t.nearness("0", "line.json", "same.json", [["holds"]]),
        "a list": [],
        "a format before": {**second, "format": "exactformer/certificate-0"},
        "a format behind": {**second, "format": "exactformer/certificate-2"},
        "a chain": t.chain(files, good["one"]),
        "no proof": {**second, "tree": []},
        "a refutation": {**refuted, "point": [1], "values": [[1], [0]]},
    }.items():
        now = {**files, t.SECOND: other}
        yield Entry(f"chain with {name}", encoded(t.chain(now, good["two"])), {**base, t.SECOND: encoded(other)})


def _bounds() -> Iterator[tuple[str, Any, Any, Any]]:
    """Proofs by the rule bound: the good one, and with each part of its step changed or left out."""
    import test_kernel_paths as t

    yield "bound", t.BOUNDED, t.RELU, t.LINE
    for path in _paths(t.BOUNDED["tree"]):
        for junk in (..., 0, 1, "1", "2", [], "L0.u0", [[1, "1/2"]], ["1", [[2, "1"]]]):
            tree = _changed(t.BOUNDED["tree"], path, junk)
            at = "/".join(map(str, path))
            yield f"bound {at} {junk!r:.9}", {**t.BOUNDED, "tree": tree}, t.RELU, t.LINE
    for test in (t.test_one_form_in_many_words, t.test_forms_that_are_none_or_too_small):
        for number, form in enumerate(test.pytestmark[0].args[1]):
            step = [*t.BY_X[:2], form, *t.BY_X[3:]]
            yield f"bound by form {number}", t.with_tree(step, t.LEVEL), t.RELU, t.LINE


def _counts() -> Iterator[tuple[str, Any, Any]]:
    """Counts of regions: good ones, all damaged ones, and those with one number of one list changed."""
    import test_kernel_counts as t

    good = {"absolute": (t.ABSOLUTE_COUNT, t.ABSOLUTE), "cross": (t.CROSS_COUNT, t.CROSS)}
    good |= {"deep": (t.DEEP_COUNT, t.DEEP), "equal": (t.EQUAL_COUNT, t.EQUAL), "fold": (t.FOLD_COUNT, t.FOLD)}
    for name, (value, network) in good.items():
        yield f"count {name}", value, network
        yield f"count {name}, a bound", t.without_hulls(value), network
        for path in _paths(value):
            if path[0] in ("points", "vertices", "hulls", "domain", "regions"):
                for junk in (..., 0, 1, "1/2"):
                    yield f"count {name}, {path} {junk!r:.9}", _changed(value, path, junk), network
    for name, (value, _) in t.DAMAGED.items():
        yield f"count, {name}", value, t.CROSS


def _pieces() -> Iterator[Entry]:
    """Counts in pieces: good ones, with hulls and without, and all that do not fit together."""
    import test_kernel_counts as t
    from kernel_material import encoded

    pieces = t.pieces_of(t.CROSS_COUNT, 2, 2)
    cases = {name: change(pieces) for name, (change, _) in t.IN_PIECES.items()}
    cases |= {"good": pieces, "a bound": t.pieces_of(t.without_hulls(t.CROSS_COUNT), 1, 3)}
    for name, some in cases.items():
        value, files = t.divided(t.CROSS_COUNT, some)
        files["network.json"] = encoded(t.CROSS)
        yield replace(_entry(f"count in pieces, {name}", value, t.CROSS), files=files)


def pinned() -> dict[str, tuple[Any, Any, Any]]:
    """The certificates of the tests that pin single lines down."""
    import test_kernel_pinned as t
    from kernel_material import Asked, box

    networks = {"circle": (t.circle(), 2), "three tokens": (t.THREE_TOKENS, 1), "alias": (t.ALIASED, 1)}
    networks |= {"twice the same": (t.TWICE, 2), "crooked": (t.CROOKED, 1), "unread": (t.UNREAD, 1)}
    networks |= {"slopes": (t.SLOPES, 1), "known later": (t.KNOWN_LATER, 2)}
    networks |= {"mirrored": (t.MIRRORED, 1), "halved": (t.HALVED, 1), "shared": (t.SHARED, 2), "late": (t.LATE, 1)}
    networks |= {"tidied": (t.TIDIED, 1), "listed": (t.LISTED, 1)}
    open_ones = {
        f"question, {name}": (Asked(a, a, box(n)).certificate(inhabitant=[0] * n, tree=[["holds"]]), a, a)
        for name, (a, n) in networks.items()
    }
    uneven, two = {"lower": [-1, 2], "upper": [1, 3]}, t.maxout([([[1, 1]], ["-5/2"])], ([[1]], [0]), "relu")
    for claim in ("increasing", "decreasing"):
        asked = Asked(two, None, uneven, claim=claim, inputs=[0])
        open_ones[f"question, {claim}"] = asked.certificate(inhabitant=[0, 2], tree=[["holds"]]), two, None
    waiting = Asked(t.STEP, t.RELU, box(1)).certificate(inhabitant=[0], tree=[["holds"]])
    open_ones["question, waiting"] = waiting, t.STEP, t.RELU
    left, right = (t.maxout([], ([[1], [1]], [0, b])) for b in (0, 1))
    one = t.certificate(left, right, box(1), claim="equal", point=[0], values=[[0, 0], [0, 1]])
    open_ones["one output"] = one, left, right
    return {**t.ACCEPTED, **{name: case for name, (case, _) in t.REJECTED.items()}, **t.outside(), **open_ones}


def chosen() -> Iterator[Entry]:
    """The corpus: what is written by hand, one candidate for every message, some of each kind, walks."""
    found = [*values(), *calls(), *(replace(entry, name=f"by hand, {entry.name}") for entry in _by_hand())]
    pool = list(candidates())
    good = [entry for entry in pool if entry.name in _names_of_good()]
    messages: dict[str, Entry] = {}
    for entry in judged([entry for entry in pool if len(entry.certificate) < 3000]):
        if isinstance(entry.expected, str):
            messages.setdefault(_skeleton(entry.expected), entry)
    r = Random("corpus")
    kinds = {"searched": 70, "tree": 70, "": 240}
    some = [e for kind, n in kinds.items() for e in r.sample([x for x in pool if x.name.startswith(kind)], n)]
    plain = [*good, *messages.values(), *some]
    walked = [e for e in plain if e.name in _names_of_good() or e.name.startswith(("searched", "tree"))]
    walks = [replace(e, name=f"walk from {e.name}", kind=f"walk {k}") for k, e in enumerate(walked)]
    questions = [_entry(name, *case) for name, case in pinned().items() if name.startswith("question")]
    walks += [replace(e, name=f"walk {k} from {e.name}", kind=f"walk {k}") for e in questions for k in range(6)]
    above = [[["compare", 0, 1], 0]]
    level = [[["compare", 0, 1], 1], [["compare", 0, 2], 1]]
    gates = [[["gate", "L0.u0"], 0], [["gate", "L0.u1"], 1]]
    same = [[["gate", "L0.u2"], 0], [["gate", "L0.u0"], 1]]
    twice = [[["gate", "L0.u0"], 0], [["gate", "L0.u0"], 1], [["gate", "L0.u0"], 0]]
    paths = {
        "circle": above * 6,
        "three tokens": level[:2],
        "known later": gates,
        "twice the same": same,
        "mirrored": twice,
        "shared": twice,
    }
    for entry in questions:
        for length in range(1, 7):
            steps = paths.get(entry.name.removeprefix("question, "), [])[:length]
            if len(steps) == length:
                walks.append(replace(entry, name=f"{entry.name}, {length} steps", kind=f"path {json.dumps(steps)}"))
    files = [replace(e, name=f"{e.name} on disk", kind="file") for e in good[:4]]
    files.append(replace(good[0], name="missing network", kind="file", files={}))
    yield from _named(judged([*found, *plain, *walks, *files]))


def _skeleton(message: str) -> str:
    """What a message expects, without numbers, names and findings: one for each place in the kernel that rejects."""
    place, _, expected = message.partition(": expected ")
    return re.sub(r"[0-9]+|'[^']*'", "#", place.rpartition(": ")[2][:30] + expected.split(", found")[0])[:70]


def _names_of_good() -> set[str]:
    from test_kernel_proofs import GOOD

    return {"equal", "not equal", *GOOD}


def judged(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Entries with the answer of the present kernel; those that take it much work are left out."""
    import fault_kernel

    with fault_kernel.imported(fault_kernel.sources()) as finder:
        package = finder.load(None)
        for entry in entries:
            finder.work.steps = 0
            found = json.loads(json.dumps(finder.afresh(package, entry)))
            if finder.work.steps < (4000 if entry.name.startswith("walk from") else 500_000):
                yield replace(entry, expected=found)


def confirmed(entry: Entry) -> bool:
    """Whether naive evaluation agrees with a theorem: a refutation at its point, a proof at many points."""
    from kernel_material import Asked
    from test_kernel_fuzz import rules_of

    value = json.loads(entry.certificate, parse_float=str)
    if "regions" in value:
        return _recounted(entry, value)
    if "links" in value or any(b'"function"' in data for data in entry.files.values()):
        return _second(entry) == entry.expected["theorem"]
    networks = [
        json.loads(entry.files[value[side]["file"]], parse_float=str) for side in ("left", "right") if side in value
    ]
    for network in networks:
        network.setdefault("mask", None)
    asked = Asked.of(value, *networks)
    if not entry.expected["holds"]:
        point = tuple(Fraction(x) for x in value["point"])
        return asked.contains(point) and not asked.true_at(point)
    rules = rules_of(entry.expected["counts"], asked)
    return all(asked.true_at(point, rule) for point in asked.points(Random(0), 40) for rule in rules)


def _second(entry: Entry) -> str:
    """What the second checker, which shares no line with the kernel, says of a certificate that it accepts."""
    if (folder := str(HERE.parent / "second_checker")) not in sys.path:
        sys.path.insert(0, folder)
    import checker

    return str(checker.check(entry.certificate, _reader(entry)))


def _recounted(entry: Entry, value: Any) -> bool:
    """Whether the engine, which shares no line with the kernel, counts as many regions, or more where it is a bound."""
    from exactformer.domain import read_domain
    from exactformer.errors import Faults
    from exactformer.formats.network_json import parse
    from exactformer.subdivision import regions

    network, faults = parse(entry.files["network.json"], "network"), Faults()
    domain = read_domain(value["domain"], "domain", network.inputs, faults)
    faults.settle()
    found = len(regions(network, domain))
    return found == value["regions"] if entry.expected["exact"] else found >= value["regions"]


def renewed() -> Iterator[Entry]:
    """The stored corpus with the answers of the present kernel, and what is written by hand as it is now."""
    by_hand = [*values(), *calls(), *(replace(entry, name=f"by hand, {entry.name}") for entry in _by_hand())]
    stored = [entry for entry in load() if not _small(entry) and not entry.name.startswith("by hand")]
    yield from _named(judged([*by_hand, *stored]))


def _named(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Every content once, every name once."""
    seen: set[object] = set()
    names: Counter[str] = Counter()
    for entry in entries:
        content = (entry.kind, entry.certificate, *sorted(entry.files.items()))
        if content not in seen:
            seen.add(content)
            name = entry.name.partition(" #")[0]
            names[name] += 1
            yield replace(entry, name=name if names[name] == 1 else f"{name} #{names[name]}")


def main() -> None:
    """Make the corpus again, from the stored one if `--renew` is given, if every theorem in it is true."""
    entries = list(renewed() if "--renew" in sys.argv else chosen())
    wrong = [entry.name for entry in entries if isinstance(entry.expected, dict) and not confirmed(entry)]
    if wrong:
        sys.exit(f"not confirmed: {wrong}")
    good = _names_of_good()
    entries.sort(key=lambda entry: (not _small(entry), entry.name not in good, not entry.kind.startswith("walk")))
    save(entries)
    print(len(entries), "entries")


if __name__ == "__main__":
    main()
