"""Random damage to certificates and networks, from a changed multiplier to bytes that are no text.

Where a network is changed, its digest in the certificate is changed as well, so that something else has to reject it.
Some changes do no harm; then both checkers have to accept.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import checker
from generate import Case, digest

Path = tuple[Any, ...]

ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    10**30,
    0.5,
    1.0,
    -0.0,
    1e300,
    "",
    "0",
    "1",
    "x",
    "a",
    "1/2",
    "1/0",
    "-1",
    [],
    [0],
    [[]],
    {},
    {"a": 1},
    [1, "1"],
    ["L0.u0", 0, "1"],
    "L0.u0",
    "L0.h0.q0",
    "low",
    "average",
    "leftmost",
    "left.json",
]
SPELLINGS = [
    "{}/1",
    "+{}",
    " {}",
    "{} ",
    "{}\n",
    "{}.",
    "{}.0",
    "{}e0",
    "{}e+00",
    "{}e-0",
    "{}.0e0",
    "0{}",
    "{}/+1",
    "{}/01",
    "{}/0",
    "--{}",
    "{}_0",
    "0x{}",
    "{}E0",
    "{}e",
    "{}.e1",
    ".{}",
    "{}/1/1",
    "{}/1e0",
    "{}/1.0",
    "{}e4000",
    "{}e4001",
    "{}e-4000",
    "{}e-4001",
    "0e{}",
    "٣",
    "²",
    "−{}",
    "inf",
    "nan",
    "{0}/{0}",
]
NAMES = ["gate", "cut", "anew", "narrow", "compare", "bound", "empty", "holds", "hold", "Gate", "", "split"]


# --- paths in JSON data ---------------------------------------------------------------------------


def paths(value: Any, prefix: Path = ()) -> list[Path]:
    """The paths to all values inside a value, and to itself."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [prefix, *(path for key, part in inside for path in paths(part, (*prefix, key)))]


def at(value: Any, path: Path) -> Any:
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


def leaves(value: Any, kinds: tuple[type, ...]) -> list[Path]:
    """The paths to values of some types."""
    return [path for path in paths(value) if path and type(at(value, path)) in kinds]


def set_at(value: Any, path: Path, new: Any) -> None:
    """Replace the value at a path."""
    at(value, path[:-1])[path[-1]] = new


def some(r: random.Random, found: list[Path]) -> Path | None:
    """One of some paths; long lists of steps do not drown what stands near the root."""
    if not found:
        return None
    tops = sorted({path[0] for path in found}, key=str)
    top = r.choice(tops)
    return r.choice([path for path in found if path[0] == top])


# --- damage to any JSON data ----------------------------------------------------------------------


def replace_value(r: random.Random, value: Any) -> None:
    """Put something odd in the place of something."""
    path = some(r, [path for path in paths(value) if path])
    if path:
        set_at(value, path, r.choice(ODD_VALUES))


def delete_entry(r: random.Random, value: Any) -> None:
    """Delete a key or an entry."""
    path = some(r, [path for path in paths(value) if path])
    if path:
        del at(value, path[:-1])[path[-1]]


def add_entry(r: random.Random, value: Any) -> None:
    """Add a key, or repeat or insert an entry."""
    path = r.choice([path for path in paths(value) if isinstance(at(value, path), (dict, list))])
    found = at(value, path)
    if isinstance(found, dict):
        keys = ["", "name", "mask", "domain", "untrusted", "point", "values", "tree", "right", "matrix", "bounds", "x"]
        found[r.choice(keys)] = r.choice(ODD_VALUES)
    else:
        new = r.choice(found) if found and r.random() < 0.7 else r.choice(ODD_VALUES)
        found.insert(r.randint(0, len(found)), new)


def swap_entries(r: random.Random, value: Any) -> None:
    """Let two entries of a list, or two values of an object, change places."""
    found = [at(value, path) for path in paths(value) if isinstance(at(value, path), (dict, list))]
    found = [part for part in found if len(part) > 1]
    if found:
        part = r.choice(found)
        i, j = r.sample(sorted(part) if isinstance(part, dict) else range(len(part)), 2)
        part[i], part[j] = part[j], part[i]


def respell(r: random.Random, value: Any) -> None:
    """Spell a number in another way, or nearly a number."""
    path = some(r, leaves(value, (int, float, str)))
    if path:
        set_at(value, path, r.choice(SPELLINGS).format(at(value, path)))


def change_number(r: random.Random, value: Any) -> None:
    """Change a number by a little or by a lot."""
    found = [path for path in leaves(value, (int, float, str)) if as_number(at(value, path)) is not None]
    path = some(r, found)
    if path:
        number = as_number(at(value, path)) or Fraction(0)
        new = r.choice([number + 1, number - 1, -number, 2 * number, number + Fraction(1, 10**30), number * 10**400])
        set_at(value, path, new.numerator if new.denominator == 1 else str(new))


def as_number(value: Any) -> Fraction | None:
    """The number that a value of a file means, None if it means none."""
    try:
        return checker.number(checker.parse(json.dumps(value).encode()))
    except checker.Rejected:
        return None


ANYWHERE = [replace_value, delete_entry, add_entry, swap_entries, respell, change_number, change_number]


# --- damage to steps and rows ---------------------------------------------------------------------


def damage_steps(r: random.Random, value: Any) -> None:
    """Delete, repeat, move, swap, replace or change steps."""
    tree = value["tree"]
    i, j = r.randrange(len(tree)), r.randrange(len(tree))
    way = r.randrange(10)
    if way == 0:
        del tree[i]
    elif way == 1:
        tree.insert(j, tree[i])
    elif way == 2:
        tree[i], tree[j] = tree[j], tree[i]
    elif way == 3:
        low, high = sorted((i, j))
        part = tree[low : high + 1]
        del tree[low : high + 1]
        k = r.randint(0, len(tree))
        tree[k:k] = part
    elif way == 4:
        tree[i] = tree[j]
    elif way == 5:
        tree[i] = new_step(r, tree)
    elif way == 6:
        tree.insert(i, new_step(r, tree))
    elif way == 7:
        tree.reverse()
    elif way == 8 and tree[i]:
        tree[i][0] = r.choice(NAMES)
    else:
        del tree[i:]


def new_step(r: random.Random, tree: list[Any]) -> list[Any]:
    """A step that might stand there."""
    rows = [[r.randrange(4), "1"] for _ in range(r.randrange(3))]
    where = place(r, tree)
    facts = [["1", [[where, i, "1"]]] for i in range(2)]
    steps = [["holds"], ["empty", rows], ["gate", where], ["compare", r.randrange(3), r.randrange(3)]]
    steps += [["bound", where, r.choice([[[0, 9]], [[where, 1]], []]), *facts]]
    steps += [["bound", where, [[0, 9]], ["1", rows], ["1", rows]]]
    other = place(r, tree)
    steps += [["cut", r.choice([[[1, 1]], [[where, 1], [0, "1/2"]], []])], ["anew", r.choice([[], [[where, other]]])]]
    return r.choice(
        [*steps, ["narrow"], ["narrow"], ["narrow", []], ["holds", []], ["holds", ["1", []]], ["holds", ["1", rows]]]
    )


def place(r: random.Random, tree: list[Any]) -> str:
    """The name of a place, of the tree or a plausible one."""
    if r.random() < 0.1:
        return f"n{r.randrange(3)}"
    seen = [step[1] for step in tree if len(step) > 1 and isinstance(step[1], str)]
    side, kind = r.choice("LRM"), r.choice(["u{1}", "f{1}.t{2}", "h{1}.q{2}"])
    name = f"{side}{{0}}.{kind}".format(*(r.randrange(2) for _ in range(3)))
    return r.choice([*seen, name, name, "L0.u00", "l0.u0", "L0.u0 ", "L0"])


def change_gate(r: random.Random, value: Any) -> None:
    """Name another place in a gate or a fact, or other tokens in a comparison."""
    tree = value.get("tree") or []
    found = [path for path in leaves(tree, (str,)) if re.match("[LRMn][0-9]", at(tree, path))]
    tokens = [(i, j) for i, step in enumerate(tree) if step and step[0] == "compare" for j in range(1, len(step))]
    path = r.choice(found + tokens) if found + tokens else None
    if path:
        new = place(r, tree) if isinstance(at(tree, path), str) else r.choice([0, 1, 2, 3, -1, True, "0", 0.0])
        set_at(tree, path, new)


def pairs_of(value: Any) -> list[list[Any]]:
    """The pairs of a weight and rows in steps."""
    steps = [step for step in value.get("tree") or [] if step and isinstance(step, list)]
    found = [pair for step in steps if step[0] == "holds" for pair in step[1:]]
    return found + [pair for step in steps if step[0] == "bound" for pair in step[3:]]


def rows_of(value: Any) -> list[list[Any]]:
    """The lists of rows in steps."""
    steps = [step for step in value.get("tree") or [] if step and isinstance(step, list)]
    found = [step[1] for step in steps if step[0] == "empty" and len(step) == 2]
    found += [pair[1] for pair in pairs_of(value) if len(pair) == 2]
    return [rows for rows in found if isinstance(rows, list) and rows]


def change_rows(r: random.Random, value: Any) -> None:
    """Change a list of rows: their order, their numbers, facts and multipliers."""
    found = rows_of(value)
    if not found:
        return
    rows = r.choice(found)
    i = r.randrange(len(rows))
    way = r.randrange(7)
    if way == 0:
        r.shuffle(rows)
    elif way == 1:
        del rows[i]
    elif way == 2:
        rows.insert(r.randint(0, len(rows)), rows[i])
    elif way == 3:
        rows[i] = [r.randrange(6) if r.random() < 0.8 else r.choice([-1, 99, True, 0.0, "0"]), rows[i][-1]]
    elif way == 4:
        name = r.choice(["low", "high", "below", "above", 0, 1, 2, -1, True, 0.0, "0", "mid"])
        rows[i] = [place(r, value["tree"]), name, rows[i][-1]]
    elif way == 5:
        rows[i:i] = [[r.randrange(5), "1"]]
    else:
        rows[i][-1] = other_multiplier(r, rows[i][-1])


def change_weight(r: random.Random, value: Any) -> None:
    """Change a weight or multiplier, or multiply a whole pair."""
    found = [pair for pair in pairs_of(value) if len(pair) == 2]
    if not found:
        return
    pair = r.choice(found)
    if r.random() < 0.4 and isinstance(pair[1], list):
        for entry in [pair, *pair[1]]:
            k = 0 if entry is pair else -1
            entry[k] = f"{3 * int(entry[k], 16):x}" if re.fullmatch("[0-9a-f]+", str(entry[k])) else entry[k]
    else:
        pair[0] = other_multiplier(r, pair[0])


def change_proof(r: random.Random, value: Any) -> None:
    """Put an empty list or another pair in the place of a proof."""
    steps = [step for step in value.get("tree") or [] if step and step[0] in ("holds", "bound") and len(step) > 1]
    if steps:
        step = r.choice(steps)
        i = r.randrange(1 if step[0] == "holds" else 3, len(step))
        step[i] = r.choice([[], [], ["1", []], [[]], step[-1], None])


def change_pairs(r: random.Random, value: Any) -> None:
    """Change a step that evaluates anew or cuts: its pairs or its form; or leave out a child."""
    tree = value["tree"]
    i = r.choice([i for i, step in enumerate(tree) if step[0] in ("anew", "cut")])
    step = tree[i]
    way = r.randrange(9)
    if way == 0:
        del tree[i]
    elif way == 1:
        del tree[r.randrange(i + 1, len(tree) + 1) - 1]
    elif way == 2:
        step[0] = r.choice(["anew", "cut", "holds", "empty"])
    elif way == 3:
        step[1].append(r.choice([[place(r, tree), place(r, tree)], [1, 1], [0, "1/3"], ["L0.u0"], [], "L0.u0"]))
    elif way == 4 and step[1]:
        del step[1][r.randrange(len(step[1]))]
    elif way == 5:
        step[1] = r.choice([[], [[place(r, tree), place(r, tree)]], None, [[place(r, tree), 1], [1, "-1/2"]]])
    elif step[1]:
        at_pair = r.choice(step[1])
        new = [place(r, tree), place(r, tree), r.choice([0, 1, 2, "1/2", -1, None, True])]
        at_pair[r.randrange(len(at_pair))] = r.choice(new)


def change_bound(r: random.Random, value: Any) -> None:
    """Change the form of a bound, the order or number of its proofs, or leave it out."""
    tree = value["tree"]
    i = r.choice([i for i, step in enumerate(tree) if step[0] == "bound"])
    step = tree[i]
    way = r.randrange(7)
    if way == 0 and step[2]:
        term = r.choice(step[2])
        term[0] = r.choice([0, 1, 2, 3, 4, 9, -1, True, "0", 1.0, None, place(r, tree)])
    elif way == 1 and step[2]:
        term = r.choice(step[2])
        term[1] = r.choice([0, 1, -1, "1/2", "1e1", 0.5, "x", None, "1/0", term[1]])
    elif way == 2:
        step[2].append([r.choice([0, 1, 2, place(r, tree)]), r.choice([0, 0, 1, -1, "1/3"])])
    elif way == 3 and len(step) > 4:
        step[3], step[4] = step[4], step[3]
    elif way == 4:
        del step[r.randrange(len(step))]
    elif way == 5:
        step.append(r.choice([step[-1], ["1", []], [], 0]))
    else:
        del tree[i]


def other_multiplier(r: random.Random, text: Any) -> Any:
    """Another multiplier, or something like one."""
    text = str(text)
    number = int(text, 16) if re.fullmatch("[0-9a-f]+", text) else 1
    ways = [f"{number + 1:x}", f"{2 * number:x}", f"{max(number - 1, 0):x}", "0", "", number, f"0{text}", f"0x{text}"]
    more = [f"-{text}", f"+{text}", text.upper() + "A", f" {text}", f"{text}\n", f"{text}.0", f"{text}_1", "g", "٣"]
    return r.choice([*ways, *ways, *more, "0" * (1 << 16) + "1", "0" * ((1 << 16) - 1) + "1", "f" * 70000])


STEPS = [damage_steps, change_gate]
ROWS = [change_rows, change_rows, change_weight, change_proof]
BOUNDS = [change_bound]
NEAR = [change_pairs]


# --- damage to the head of a certificate ----------------------------------------------------------


def change_temperature(r: random.Random, value: Any) -> None:
    """Change the temperature of a side or the base of its exponentials."""
    side = value[r.choice([k for k in ("left", "right") if k in value])]
    way = r.randrange(4)
    if way == 0:
        side.pop(r.choice(["temperature", "base"]), None)
    elif way == 1:
        side["base"] = r.choice(["e", "2", "2", 2, "10", None, ["e"]])
    else:
        rates: list[Any] = [1, 2, "1/3", 5, 0, -1, None, "1e400", 1e-3, "2.5", 10**400]
        side["temperature"] = r.choice([[r.choice(rates)], [1, 2], [], 1, "1", [2] * 3, side.get("temperature")])


def change_head(r: random.Random, value: Any) -> None:
    """Change the claim, its parameters, the tie rule, the domain, the sides, or the point."""
    way = r.randrange(8)
    if way == 0:
        value["claim"] = r.choice([*checker.PARAMETERS, "equals", None])
    elif way == 1:
        value["tie"] = r.choice([*checker.RULES, "first", None])
    elif way == 2:
        value["parameters"] = r.choice([*SOME_PARAMETERS, value.get("parameters")])
    elif way == 3:
        value["left"], value["right"] = value.get("right", value["left"]), value["left"]
    elif way == 4:
        key = r.choice(["file", "sha256"])
        names = ["../left.json", "/left.json", ".", "..", "", "no.json", "left.json\0", "a\\left.json", "right.json"]
        names += ["left.json\n", "left json", "l\u00e9ft.json", "-left.json", "left.json" + "n" * 91, "l" + "n" * 99]
        value[r.choice([k for k in ("left", "right") if k in value])][key] = r.choice([*names, "0" * 64, "A" * 64])
    elif way == 5:
        for key in ("inhabitant", "point", "values", "tree"):
            if key in value and r.random() < 0.5:
                change_number(r, value[key] if isinstance(value[key], list) else [])
    elif way == 6:
        domain = value["domain"]
        n = len(domain.get("lower", []))
        rows: list[Any] = r.choice([[[0] * n], [[1] * n], [[1] * n] * 2, [], {"shape": [1, n], "entries": []}])
        domain |= {"matrix": rows, "bounds": r.choice([[0], [1], [-1], [5, 5], []])}
    else:
        replace_value(r, value["domain"])


SOME_PARAMETERS: list[Any] = [
    {},
    None,
    [],
    {"epsilon": 0},
    {"epsilon": "-1/2"},
    {"epsilon": "1e3"},
    {"lower": [0], "upper": [None]},
    {"lower": [None], "upper": [None]},
    {"lower": [-9, None], "upper": [None, 9]},
    {"lower": [3], "upper": [-3]},
    {"lower": [0]},
    {"permutation": [0]},
    {"permutation": [1, 0]},
    {"permutation": [0, 0]},
    {"permutation": [True]},
    {"permutation": ["0"]},
    {"permutation": [0, 2, 1]},
    {"rules": ["average", "average"]},
    {"rules": ["leftmost", "rightmost"]},
    {"rules": ["leftmost"]},
    {"rules": ["leftmost", "first"]},
    {"inputs": []},
    {"inputs": [0]},
    {"inputs": [0, 1]},
    {"inputs": [1, 0]},
    {"inputs": [0, 0]},
    {"inputs": [9]},
    {"inputs": [False]},
    {"inputs": [0.0]},
    {"inputs": [-1]},
]


# --- damage to networks ---------------------------------------------------------------------------


def change_shape(r: random.Random, value: Any) -> None:
    """Change a network as a whole: its kind, mask, residual, sublayers, a matrix."""
    way = r.randrange(7)
    if way == 0:
        value["kind"] = r.choice(["maxout", "relu", "transformer", "mlp", None])
    elif way == 1:
        value["mask"] = r.choice([None, "causal", "none", True])
    elif way == 2:
        value["residual"] = r.choice([True, False, None, 1, "true"])
    elif way == 3 and value.get("blocks"):
        block = r.choice(value["blocks"])
        block[r.choice(["heads", "feedforward"])] = r.choice([None, [], {}])
    elif way == 4 and value.get("blocks"):
        value["blocks"].append(r.choice([*value["blocks"], {"heads": None, "feedforward": None}]))
    elif way == 5 and "layers" in value:
        value["layers"] = r.choice([[], value["layers"] * 2, value["layers"][:-1]])
    else:
        change_matrix(r, value)


def change_matrix(r: random.Random, value: Any) -> None:
    """Write a matrix sparse, or with another shape, with repeated, zero or misplaced entries."""
    found = [path for path in paths(value) if path and is_dense(at(value, path))]
    if not found:
        return
    path = r.choice(found)
    rows = at(value, path)
    height, width = len(rows), len(rows[0])
    entries = [[i, j, x] for i, row in enumerate(rows) for j, x in enumerate(row) if x != 0 or r.random() < 0.1]
    shape = [height, width]
    way = r.randrange(8)
    if way == 0:
        shape[r.randrange(2)] += r.choice([-1, 1, 1 << 20, 1 << 19])
    elif way == 1 and entries:
        entries.append([*r.choice(entries)[:2], r.choice([0, 1])])
    elif way == 2:
        entries.append([r.choice([-1, 0, height, True, 0.0]), r.choice([-1, 0, width, "0"]), 1])
    elif way == 3:
        shape = r.choice([[height], [height, width, 1], [str(height), width], [float(height), width], [True, width]])
    r.shuffle(entries)
    set_at(value, path, {"shape": shape, "entries": entries})


def is_dense(value: Any) -> bool:
    """Whether a value looks like the rows of a matrix."""
    rows = isinstance(value, list) and bool(value) and all(isinstance(row, list) and row for row in value)
    return rows and not any(isinstance(x, (list, dict)) for row in value for x in row)


NETWORK = [*ANYWHERE, change_shape, change_shape, change_matrix, change_number]


# --- damage to the bytes --------------------------------------------------------------------------


def change_bytes(r: random.Random, data: bytes) -> bytes:
    """Change the bytes of a file."""
    i = r.randint(0, len(data))
    number = r.choice([*re.finditer(rb"(?<=[\[ ,:])-?[0-9]+(?=[\], }])", data)] or [None])  # type: ignore[list-item]
    key = r.choice([*re.finditer(rb'"([a-z]+)": ?', data)] or [None])  # type: ignore[list-item]
    way = r.randrange(12)
    if way == 0:
        return data[:i]
    if way == 1:
        return data[:i] + bytes([r.choice(b'[]{}",:0-e.x\\\x00\xff\n ')]) + data[i:]
    if way == 2:
        return data[:i] + data[i + 1 :]
    if way == 3 and number:
        return data[: number.start()] + r.choice(ODD_NUMBERS) + data[number.end() :]
    if way == 4 and key:
        return data[: key.start()] + key.group() + b"0, " + data[key.start() :]
    if way == 5 and key:
        escaped = b'"\\u%04x' % key.group(1)[0] + data[key.start() + 2 :]
        return data[: key.start()] + escaped
    if way == 6:
        return r.choice([b"\xef\xbb\xbf" + data, b" \n" + data, data + b"{}", data + b"\n\t ", b"", b"[]", b"null"])
    if way == 7:
        return data.decode().encode(r.choice(["utf-16", "utf-32", "utf-8-sig"]))
    if way == 8:
        depth = r.choice([10, 100, 500, 5000, 200_000])
        value = r.choice([b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth])
        return with_key(data, b"untrusted", value)
    if way == 9:
        return with_key(data, b"untrusted", r.choice(ODD_NUMBERS))
    if way == 10:
        return with_key(data, b"name", r.choice([b'"\\ud800"', b'"\xc3\xa4"', b'"\t"', b"1", b'""']))
    return data.replace(b" ", r.choice([b"\t", b"\n", b"\r\n", b"\x0b", b"\xc2\xa0"]))


def with_key(data: bytes, key: bytes, value: bytes) -> bytes:
    """The text of an object with one more key in front."""
    return data.replace(b"{", b'{"' + key + b'": ' + value + b", ", 1)


ODD_NUMBERS = [
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"-0",
    b"-0.0",
    b"01",
    b"+1",
    b"1.",
    b".5",
    b"1e2",
    b"1E2",
    b"1e+2",
    b"1e4000",
    b"1e4001",
    b"1e-4001",
    b"1e99999999999999999999",
    b"0.1",
    b"1" * 4000,
    b"1" * 4300,
    b"-" + b"1" * 4300,
    b"1" * 4301,
    b"0." + b"1" * 3998,
    b"0." + b"1" * 3999,
    b'"' + b"1" * 4000 + b'"',
    b'"' + b"1" * 4001 + b'"',
    b'"1/' + b"1" * 3998 + b'"',
    b'"1/' + b"1" * 3999 + b'"',
    b'"1e4000"',
    b'"1e-4000"',
    b"{}",
    b"[]",
    b"true",
    b"1 /* one */",
    b"0x1",
]


# --- cases ----------------------------------------------------------------------------------------


def in_certificate(ways: list[Callable[[random.Random, Any], None]], r: random.Random, case: Case) -> Case:
    """A case with damage to its certificate as data."""
    value = json.loads(case.certificate)
    before = json.dumps(value)
    for _ in range(r.choice([1, 1, 1, 1, 2])):
        r.choice(ways)(r, value)
    after = json.dumps(value)
    return case if after == before else Case(after.encode(), case.files)


def in_network(r: random.Random, case: Case) -> Case:
    """A case with damage to a network as data, the digest being right."""
    name = r.choice(sorted(case.files))
    value = json.loads(case.files[name])
    for _ in range(r.choice([1, 1, 1, 1, 2])):
        r.choice(NETWORK)(r, value)
    return with_file(case, name, json.dumps(value).encode())


def with_file(case: Case, name: str, data: bytes) -> Case:
    """A case with another network file and its digest."""
    before, after = digest(case.files[name]).encode(), digest(data).encode()
    files = {key: text.replace(before, after) for key, text in case.files.items()} | {name: data}
    certificate = case.certificate.replace(before, after)
    for key, text in files.items():  # the links of a chain
        certificate = certificate.replace(digest(case.files[key]).encode(), digest(text).encode())
    return Case(certificate, files)


def in_chain(r: random.Random, case: Case) -> Case:
    """A chain with damage to its links: their order, their direction, or the certificate of one."""
    value = json.loads(case.certificate)
    links = value["links"]
    way = r.randrange(8)
    i, j = r.randrange(len(links)), r.randrange(len(links))
    if way == 0:
        links[i], links[j] = links[j], links[i]
    elif way == 1:
        del links[i]
    elif way == 2:
        links.insert(j, links[i])
    elif way == 3:
        links[i]["from"] = r.choice(["left", "right", "right", "middle", None, 0])
    elif way == 4:
        links[i][r.choice(["file", "sha256"])] = links[j][r.choice(["file", "sha256"])]
    else:
        name = links[i]["file"]
        inner = json.loads(case.files[name])
        ways = [*STEPS, *ROWS, change_head, change_head, change_temperature, change_temperature, *ANYWHERE]
        r.choice(ways)(r, inner)
        return with_file(case, name, json.dumps(inner).encode())
    return Case(json.dumps(value).encode(), case.files)


def in_function(r: random.Random, case: Case) -> Case:
    """A case with damage to the steps of a function, the digest being right."""
    found = [name for name, data in sorted(case.files.items()) if b'"function"' in data]
    name = r.choice(found)
    value = json.loads(case.files[name])
    steps = value["steps"]
    i = r.randrange(len(steps))
    way = r.randrange(7)
    names = ["sin", "cos", "exp", "log", "tan", "tanh", "absolute", "add", "multiply", "divide", "maximum", "minimum"]
    if way == 0:
        steps[i][0] = r.choice([*names, *names, "power", "pi", "input", "number", "Sin", "sqrt", None])
    elif way == 1:
        del steps[i]
    elif way == 2:
        steps.insert(
            i, r.choice([["pi"], ["number", "1/0"], ["input", 0], ["log", 0], ["power", 0, "1/4097"], ["pi", 0]])
        )
    elif way == 3:
        steps[i].append(r.choice([0, 1, "1"]))
    elif way == 4:
        steps[i][-1] = r.choice([0, 1, -1, i, i + 1, "1/2", -2, "-3/2", 1.0, True, None, 4096, 4097, "1/4096"])
    elif way == 5:
        value["inputs"] = r.choice([0, 1, 2, 1 << 20, -1, "1", True, 1.0])
    else:
        value[r.choice(["domain", "name", "steps", "kind", "more", "layers"])] = r.choice(ODD_VALUES)
    return with_file(case, name, json.dumps(value).encode())


def in_bytes(r: random.Random, case: Case) -> Case:
    """A case with damage to the bytes of one of its files."""
    name = r.choice([None, *sorted(case.files)])
    if name is None:
        return Case(change_bytes(r, case.certificate), case.files)
    return with_file(case, name, change_bytes(r, case.files[name]))


Damage = Callable[[random.Random, Case], Case]


def careless(damage: Callable[..., Case], *given: Any) -> Damage:
    """Damage that leaves a case as it is where it does not know what to do, since earlier damage was too great."""

    def damaged(r: random.Random, case: Case) -> Case:
        try:
            return damage(*given, r, case)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):
            return case

    return damaged


DAMAGES: dict[str, Damage] = {
    "steps": careless(in_certificate, STEPS),
    "rows": careless(in_certificate, ROWS),
    "bounds": careless(in_certificate, BOUNDS),
    "pairs and cuts": careless(in_certificate, NEAR),
    "temperatures": careless(in_certificate, [change_temperature]),
    "head": careless(in_certificate, [change_head]),
    "certificate data": careless(in_certificate, ANYWHERE),
    "network data": careless(in_network),
    "bytes": careless(in_bytes),
    "functions": careless(in_function),
    "chains": careless(in_chain),
}
