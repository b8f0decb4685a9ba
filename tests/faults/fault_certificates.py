"""Damaged certificates: rejected, or still a proof of something true; and harmless changes, which are accepted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

from fault_rows import EQUIVALENT, REQUIRED, Case
from kernel_claims import PROVED, REFUTED
from kernel_material import CLAIMS, TIES, Asked, certificate, damaged, encoded, judged, made
from test_kernel_fuzz import question_of, random_question, rules_of, stop_after_100_steps
from test_kernel_proofs import GOOD, mutants_of, neighbours, put, sides

from exactformer.kernel.claims import Theorem, follow
from exactformer.kernel.reading import NotAffine, Rejected
from exactformer.polyhedra.inhabitant import inhabitant
from exactformer.prover.certificate import proof_certificate
from exactformer.prover.search import Search

Certificate = tuple[Any, Any, Any]  # the certificate, as data or as bytes, and its networks
ALL: dict[str, Certificate] = {
    **GOOD,
    "equal": PROVED["equal"],
    "not equal": REFUTED["equal"],
}
TREES = [name for name, (value, _, _) in ALL.items() if "tree" in value]
MEGA = 1_000_000


# --- verdicts -------------------------------------------------------------------------------------


def rejected(value: Any, left: Any, right: Any) -> str:
    """Rejected by the kernel and by nothing else, or a theorem that naive evaluation confirms."""
    try:
        theorem = judged(value, left, right)
    except Rejected as rejection:
        return REQUIRED if len(str(rejection)) < 500 else "a message without end"
    data = value if isinstance(value, dict) else json.loads(value, parse_float=str)
    left, right = (json.loads(side) if isinstance(side, bytes) else side for side in (left, right))
    return EQUIVALENT if is_true(theorem, data, left, right) else f"accepted: {theorem.statement[:120]}"


def is_true(theorem: Theorem, value: dict[str, Any], left: Any, right: Any) -> bool:
    """Whether a theorem is so, by naive evaluation: at its own point, or at corners and many other points.

    It has to be about these networks, this domain and these parameters, and under any tie rule if it says so.
    """
    for side in ("left", "right"):
        if side in value and theorem.digests[side] != value[side]["sha256"]:
            return False
    asked = Asked.of({**value, "tie": theorem.tie, "domain": theorem.domain}, left, right if "right" in value else None)
    asked.parameters = theorem.parameters
    if not theorem.holds:
        point = tuple(Fraction(x) for x in value["point"])
        return asked.contains(point) and not asked.true_at(point)
    rules = rules_of(theorem.counts, asked)
    if ("any tie rule" in theorem.statement) != (len(rules) > 1) and asked.claim != "ties-agree":
        return False
    some = [*corners(asked), *asked.points(Random(0), 60)]
    return all(asked.true_at(point, rule) for point in some for rule in rules)


def corners(asked: Asked) -> Iterator[tuple[Fraction, ...]]:
    """The corners of the domain's box, for every point that the claim speaks of."""
    ends = [
        sorted({Fraction(end) for end in pair if end is not None} | {Fraction(0)})
        for pair in zip(asked.domain["lower"], asked.domain["upper"], strict=True)
    ]
    for point in product(*ends, *(ends[i] for i in asked.free)):
        if asked.contains(point):
            yield point


def accepted(value: Any, left: Any, right: Any, original: Any) -> str:
    """Accepted, with the same theorem as the original."""
    theorem, old = judged(value, left, right), judged(original, left, right)
    same = theorem.statement == old.statement and theorem.digests == old.digests and theorem.domain == old.domain
    return REQUIRED if same and theorem.parameters == old.parameters else "another theorem"


# --- damaged certificates -------------------------------------------------------------------------


def cases(quick: bool) -> Iterator[Case]:
    """Every mutator on every good certificate; the quick version is a sample of each."""
    makers: tuple[Callable[[str], Iterator[tuple[str, Certificate]]], ...] = (
        *(_trees, _subtrees, _stronger, _domains, _networks, _digests, _texts, _random, _exchanged),
    )
    for maker in makers:
        for name in ALL:
            found = list(maker(name))
            if quick:
                found = Random(name).sample(found, min(len(found), 8 if maker is not _texts else 3))
            for kind, mutant in found:
                yield f"{maker.__name__.strip('_')}, {name}: {kind}", lambda mutant=mutant: rejected(*mutant)


def _trees(name: str) -> Iterator[tuple[str, Certificate]]:
    """Steps, rows, facts, multipliers and weights damaged, one at a time."""
    value, left, right = ALL[name]
    if name in TREES:
        mutants = mutants_of(name) if name in GOOD else {}
        for kind, tree in mutants.items():
            yield kind, ({**value, "tree": tree}, left, right)


def nested(tree: list[Any], children: Callable[[int], int]) -> list[tuple[int, int]]:
    """The subtrees of a tree in preorder as ranges of steps; `children` tells how many a step has."""
    ranges: list[tuple[int, int]] = []

    def walk(start: int) -> int:
        at = len(ranges)
        ranges.append((start, start))
        end = start + 1
        for _ in range(children(start)):
            end = walk(end)
        ranges[at] = (start, end)
        return end

    walk(0)
    return ranges


def arities(value: dict[str, Any], left: Any, right: Any) -> list[int]:
    """How many children each step of a good tree has."""
    goals, found = [Asked.of(value, left, right if "right" in value else None).goal()], []
    for step in value["tree"]:
        goal = goals.pop()
        children = made(follow(goal, step, "tree"))
        found.append(len(children))
        goals += reversed(children)
    return found


def _subtrees(name: str) -> Iterator[tuple[str, Certificate]]:
    """Subtrees exchanged, put in the place of another one, doubled, dropped, or taken from another certificate."""
    if name not in TREES:
        return
    value, left, right = ALL[name]
    tree, sizes = value["tree"], arities(value, left, right)
    ranges = nested(tree, sizes.__getitem__)
    for a, b in ranges:
        yield f"drop {a}-{b}", ({**value, "tree": tree[:a] + tree[b:]}, left, right)
        yield f"double {a}-{b}", ({**value, "tree": tree[:b] + tree[a:b] + tree[b:]}, left, right)
        for c, d in ranges:
            if (c, d) != (a, b):
                grafted = tree[:a] + tree[c:d] + tree[b:]
                yield f"{c}-{d} in place of {a}-{b}", ({**value, "tree": grafted}, left, right)
            if b <= c:
                swapped = tree[:a] + tree[c:d] + tree[b:c] + tree[a:b] + tree[d:]
                yield f"{a}-{b} and {c}-{d} exchanged", ({**value, "tree": swapped}, left, right)
        for other in TREES:
            foreign = ALL[other][0]["tree"]
            if other != name:
                mutant = tree[:a] + foreign + tree[b:]
                yield f"the tree of {other} in place of {a}-{b}", ({**value, "tree": mutant}, left, right)


def _stronger(name: str) -> Iterator[tuple[str, Certificate]]:
    """A stronger claim with the same proof: other parameters, another claim, another tie rule."""
    value, left, right = ALL[name]
    n, outputs = len(value["domain"]["lower"]), len((left.get("output") or left["readout"])["biases"])
    parameters: list[tuple[str, Any]] = []
    for epsilon in (0, "1/2", "99/100", "1e-9", -1, "1e-4000"):
        parameters.append(("within", {"epsilon": epsilon}))
    for k in range(outputs):
        for side in ("lower", "upper"):
            for bound in (-3, -1, "-1/2", 0, "1/2", 1, 3):
                ends: dict[str, list[Any]] = {"lower": [None] * outputs, "upper": [None] * outputs}
                if value["claim"] == "range":
                    ends = deepcopy({key: value["parameters"][key] for key in ends})
                ends[side][k] = bound
                parameters.append(("range", ends))
    free = [[i for i in range(n) if which >> i & 1] for which in range(1, 2**n)]
    parameters += [
        (claim, {"inputs": inputs}) for claim in ("independent", "increasing", "decreasing") for inputs in free
    ]
    parameters += [("invariant", {"permutation": list(range(n))[::step]}) for step in (1, -1)]
    parameters += [("ties-agree", {"rules": [a, b]}) for a in TIES for b in TIES]
    parameters += [(claim, {}) for claim in ("equal", "at-most", "convex", "concave")]
    for claim, table in parameters:
        changed = {**value, "claim": claim, "parameters": table}
        if CLAIMS[claim] == 1:
            changed.pop("right", None)
        elif "right" not in changed:
            changed["right"] = {**changed["left"], "file": "left.json"}
        if changed != value:
            yield f"{claim} {table}", (changed, left, right if right is not None or CLAIMS[claim] == 1 else left)
    for tie in TIES:
        if tie != value["tie"]:
            yield tie, ({**value, "tie": tie}, left, right)


def _domains(name: str) -> Iterator[tuple[str, Certificate]]:
    """Another domain, mostly a larger one."""
    value, left, right = ALL[name]
    for side in ("lower", "upper"):
        for i in range(len(value["domain"][side])):
            for bound in (None, -100, 100, -2, 2, "-1/3", "1/3", 0):
                if bound != value["domain"][side][i]:
                    domain = put(value["domain"], (side, i), bound)
                    yield f"{side} {i} {bound}", ({**value, "domain": domain}, left, right)
                    if "point" not in value:
                        moved = {**value, "domain": domain, "inhabitant": [bound or 0] * len(value["inhabitant"])}
                        yield f"{side} {i} {bound}, moved", (moved, left, right)
    if "matrix" in value["domain"]:
        plain = {key: value["domain"][key] for key in ("lower", "upper")}
        yield "no matrix", ({**value, "domain": plain}, left, right)
        for bound in (-9, 0, 9):
            yield f"bounds {bound}", ({**value, "domain": {**value["domain"], "bounds": [bound]}}, left, right)


def _networks(name: str) -> Iterator[tuple[str, Certificate]]:
    """One weight changed, with and without a fresh digest; both networks exchanged."""
    value, left, right = ALL[name]
    for side in sides(value):
        for kind, network in neighbours(left if side == "left" else right):
            pair = (network, right) if side == "left" else (left, network)
            yield f"{side} {kind}, old digest", (value, *pair)
            yield f"{side} {kind}, fresh digest", ({**value, side: certificate(*pair, None)[side]}, *pair)
    if right is not None:
        yield "exchanged", (value, right, left)
        fresh = certificate(right, left, None)
        yield "exchanged, fresh digests", ({**value, "left": fresh["left"], "right": fresh["right"]}, right, left)


def _digests(name: str) -> Iterator[tuple[str, Certificate]]:
    """Every digit of a digest changed, and digests of other kinds."""
    value, left, right = ALL[name]
    for side in sides(value):
        digest = value[side]["sha256"]
        others = [digest[:i] + ("0" if digest[i] != "0" else "1") + digest[i + 1 :] for i in range(64)]
        others += [digest.upper(), digest + " ", digest[:-1], "", hashlib.sha256(b"").hexdigest(), "sha256:" + digest]
        for number, other in enumerate([*others, None, 0, True, [digest], int(digest, 16), {"sha256": digest}]):
            if other != digest:
                yield f"{side} {number}", ({**value, side: {**value[side], "sha256": other}}, left, right)


def _texts(name: str) -> Iterator[tuple[str, Certificate]]:
    """Bytes: huge numbers, floats, NaN, deep nesting, keys twice, rubbish before, after and inside."""
    value, left, right = ALL[name]
    data = encoded(value)
    long = b"7" * MEGA
    values: dict[str, bytes] = {
        "huge": long,
        "huge text": b'"%s"' % long,
        "huge negative": b"-" + long,
        "huge fraction": b'"1/%s"' % long,
        "NaN": b"NaN",
        "Infinity": b"-Infinity",
        "true": b"true",
        "null": b"null",
        "float": b"0.5",
        "1e999": b"1e999",
        "deep": b"[" * 100_000 + b"]" * 100_000,
        "deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        "open": b"[" * 1000,
        "surrogate": b'"\\ud800"',
        "null byte": b'"\\u0000"',
        "exponent": b'"1e99999"',
    }
    keys = [key for key in value if key not in ("format",)]
    for key in keys:
        old = b'"%s": %s' % (key.encode(), encoded(value[key]))
        assert old in data
        for kind, new in values.items():
            yield f"{key} {kind}", (data.replace(old, b'"%s": %s' % (key.encode(), new)), left, right)
        yield f"{key} twice", (data[:-1] + b", " + old + b"}", left, right)
        yield f"{key} misspelt", (data.replace(b'"%s": ' % key.encode(), b'"%s ": ' % key.encode()), left, right)
    for i in range(0, len(data), max(1, len(data) // 40)):
        yield f"byte {i} dropped", (data[:i] + data[i + 1 :], left, right)
        yield f"byte {i} flipped", (data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :], left, right)
        yield f"cut at {i}", (data[:i], left, right)
    for kind, new in (("before", b"x" + data), ("after", data + b"x"), ("mark", b"\xef\xbb\xbf" + data), ("none", b"")):
        yield kind, (new, left, right)
    for kind, number in (("float", 1.0), ("bool", True), ("negative", -1), ("huge", 10**4200), ("text", "0")):
        for path in _integers(value):
            yield f"{path} {kind}", (put(value, path, number), left, right)


def _integers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all integers."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(part, (dict, list)):
            yield from _integers(part, (*path, key))
        elif type(part) is int:
            yield (*path, key)


def _random(name: str) -> Iterator[tuple[str, Certificate]]:
    """Junk anywhere, in the certificate or in a network with a fresh digest, up to three times."""
    value, *networks = ALL[name]
    for number in range(120):
        r = Random(f"faults {name} {number}")
        pair, mutant = list(networks), value
        for _ in range(r.choice((1, 1, 2, 3))):
            if r.random() < 0.5 or not isinstance(mutant, dict):
                mutant = damaged(r, mutant)
            else:
                side = r.randrange(len(sides(value)))
                pair[side] = damaged(r, pair[side])
                fresh = certificate(*pair, None)
                mutant = {**mutant, **{s: fresh[s] for s in sides(value) if s in fresh}}
        yield f"{number}", (mutant, *pair)


def _exchanged(name: str) -> Iterator[tuple[str, Certificate]]:
    """The proof of one certificate for the claim of another."""
    value, left, right = ALL[name]
    for other in ALL:
        if other != name:
            foreign = ALL[other][0]
            kept = {key: item for key, item in value.items() if key not in ("tree", "inhabitant", "point", "values")}
            parts = {key: foreign[key] for key in ("tree", "inhabitant", "point", "values") if key in foreign}
            yield f"proof of {other}", ({**kept, **parts}, left, right)
            networks = {key: foreign[key] for key in ("left", "right") if key in foreign}
            both = {**{k: v for k, v in value.items() if k not in ("left", "right")}, **networks}
            yield f"networks of {other}", (both, *ALL[other][1:])


# --- harmless changes -----------------------------------------------------------------------------


def controls(quick: bool) -> Iterator[Case]:
    """Changes that leave a certificate a proof of the same theorem."""
    for name, (value, left, right) in ALL.items():
        for kind, changed in (*_spelt(value), *(_rescaled(value) if name in TREES else ())):
            at = changed, left, right, value
            yield f"{name}: {kind}", lambda at=at: accepted(*at)
        if name in TREES:
            yield f"{name}: rows added", lambda at=(value, left, right): _redundant(*at)
    for seed in range(6 if quick else 120):
        yield f"another method, {seed}", lambda seed=seed: _other_methods(seed)


def _spelt(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The same data in other bytes, or with data that nobody reads."""
    for spelling in ({"indent": 1}, {"indent": "\t"}, {"separators": (",", ":")}, {"separators": (" ,\r\n", " :\t")}):
        yield f"spelling {spelling}", json.dumps(value, **spelling).encode()
    yield "spaces around", b" \n\r\t" + encoded(value) + b"\n\n"
    yield "escapes", encoded(value).replace(b'"tie"', b'"\\u0074ie"')
    r = Random(str(value))
    for number in range(3):
        yield f"order {number}", {key: value[key] for key in r.sample(list(value), len(value))}
    for note in (None, 0.5, "proved", [[[]]], {"seconds": 1e99, "solver": {"a": [True]}}, 10**4000):
        yield f"untrusted {note!r:.12}", {**value, "untrusted": note}
    if "parameters" not in value:
        yield "empty parameters", {**value, "parameters": {}}


def _rescaled(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Multipliers and weights times a factor, with zeros before them, in two parts, in another order."""
    yield "times 3", {**value, "tree": [_each(step, lambda m: [f"{3 * m:x}"]) for step in value["tree"]]}
    yield "times 16^99", {**value, "tree": [_each(step, lambda m: [f"{m:x}" + "0" * 99]) for step in value["tree"]]}
    yield "zeros", {**value, "tree": [_each(step, lambda m: [f"000{m:x}"]) for step in value["tree"]]}
    yield "in two parts", {**value, "tree": [_each(step, lambda m: [f"{m:x}", f"{2 * m:x}"]) for step in value["tree"]]}
    yield "other order", {**value, "tree": [_each(step, lambda m: [f"{m:x}"], -1) for step in value["tree"]]}


def _each(step: list[Any], parts: Callable[[int], list[str]], order: int = 1) -> list[Any]:
    """A closing step with each multiplier replaced by some that are a fixed multiple of it in sum; weights too."""

    def rows(items: list[Any]) -> list[Any]:
        return [[*ref, part] for *ref, m in items[::order] for part in parts(int(m, 16))]

    if step[0] == "empty":
        return ["empty", rows(step[1])]
    if step[0] == "holds":
        pairs = [[f"{sum(int(p, 16) for p in parts(int(weight, 16))):x}", rows(items)] for weight, items in step[1:]]
        return ["holds", *pairs]
    return step


def _redundant(value: dict[str, Any], left: Any, right: Any) -> str:
    """Every combination with slack gets two opposite bounds more: rows whose sum is a positive constant."""
    goal = Asked.of(value, left, right if "right" in value else None).goal()
    rows = [{v: c for v, c in form.terms.items() if v} for form, _ in goal.cell.rows]
    opposite = [(i, j) for i in range(len(rows)) for j in range(i) if rows[i] == {v: -c for v, c in rows[j].items()}]
    pair = next(iter(opposite), None)
    if pair is None:
        return f"{REQUIRED}; no opposite bounds"
    added = 0
    for number, step in enumerate(value["tree"]):
        for place in range(1, len(step)) if step[0] in ("empty", "holds") else ():
            big = _each(step, lambda m: [f"{1000 * m:x}"])
            items = big[place] if step[0] == "empty" else big[place][1]
            items += [[i, "1"] for i in pair]
            tree = [*value["tree"][:number], big, *value["tree"][number + 1 :]]
            try:
                theorem = judged({**value, "tree": tree}, left, right)
            except Rejected:
                continue  # this combination has no slack
            added += theorem.statement == judged(value, left, right).statement
    return f"{REQUIRED}; rows added to {'some' if added else 'no'} combinations"


def _other_methods(seed: int) -> str:
    """Two searches, one splitting every gate: both of their trees are proofs of one theorem."""
    r = Random(f"methods {seed}")
    for _ in range(60):
        asked = random_question(r, depth=1, tries=30)
        question = question_of(asked)
        values = []
        for every_gate in (False, True):
            try:
                found = Search(question.violated, float("inf"), every_gate, stop_after_100_steps).run(question.goal())
            except (NotAffine, TimeoutError):
                break
            if found.witness is not None or found.reason is not None:
                break
            values.append(proof_certificate(question, inhabitant(question.domain), found.steps))
        if len(values) == 2 and values[0]["tree"] != values[1]["tree"]:
            texts = [text.encode() for text in question.texts.values()]
            first, second = (judged(value, *texts) for value in values)
            parts = (theorem.statement.split(" (real")[0] for theorem in (first, second))
            return REQUIRED if len(set(parts)) == 1 else "another theorem"
    return f"{REQUIRED}; no question with two trees"
