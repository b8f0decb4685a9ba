"""Compare the two checkers of certificates on random cases: python tests/second_checker/agreement.py N [SEED].

Prints a table with a row for each kind of case, and the seeds of cases on which the checkers disagree. Agreement about
functions is one-sided: the second checker encloses them more finely, so that it may accept what the kernel rejects for
its enclosures only ("finer"); what the kernel accepts it has to accept.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import checker
import damage
import generate
from generate import Case

from exactformer.kernel.cell import Cell as KernelCell
from exactformer.kernel.certificates import check as kernel_check
from exactformer.kernel.claims import Goal, ask, follow
from exactformer.kernel.forms import Form
from exactformer.kernel.reading import Rejected as KernelRejected
from exactformer.kernel.reading import parse_json

PROOFS = Path(__file__).parents[2] / "proofs"
POOL = 20  # every case without damage is damaged in as many ways
MAKERS = {
    "random trees": generate.played,
    "needless splits": generate.deep,
    "long lists": generate.long,
    "near": generate.near,
    "softmax": generate.soft,
    "leaks": generate.leaking,
    "prover": generate.found_by_prover,
    "narrow": generate.narrowed,
    "heads": generate.headed,
    "functions": generate.with_function,
    "pieces": generate.pieces,
    "chains": generate.chained,
}
WORDS = {  # what a certificate has that can be damaged in this way
    "bounds": [b'"bound"'],
    "pairs and cuts": [b'"anew"', b'"cut"'],
    "temperatures": [b'"temperature"'],
    "chains": [b'"links"'],
}
KINDS = [*MAKERS, *(f"damaged: {name}" for name in damage.DAMAGES)]


def reader(case: Case) -> Callable[[str], bytes]:
    """How a checker reads the files of a case."""

    def read(name: str) -> bytes:
        if name not in case.files:
            raise FileNotFoundError(name)
        return case.files[name]

    return read


def second(case: Case) -> str | None:
    """What the second checker makes of a case: the theorem, or None if it rejects."""
    try:
        return checker.check(case.certificate, reader(case))
    except checker.Rejected:
        return None


def first(case: Case) -> str | None:
    """What the kernel makes of a case; an error that is no rejection becomes a text that nobody else gives."""
    try:
        return kernel_check(case.certificate, reader(case)).statement
    except (KernelRejected, FileNotFoundError):
        return None
    except Exception as error:
        return f"CRASH {type(error).__name__}: {error}"


def coarse(case: Case) -> bool:
    """Whether the kernel rejects a case about functions for no other reason than what its enclosures show."""
    if not any(b'"function"' in data for data in case.files.values()):
        return False
    try:
        kernel_check(case.certificate, reader(case))
    except KernelRejected as error:
        return "proofs of all obligations of the cell" in str(error) or ": values" in str(error)
    except FileNotFoundError:
        return False
    return False


def differences(case: Case) -> list[str]:
    """In what the checkers differ about the cells of a case, not only in its end: places, rows and tables of atoms."""
    value = checker.parse(case.certificate)
    claim = checker.read_claim(value, checker.read_networks(value, reader(case)))
    cells = [checker.root_cell(claim, checker.read_domain(value["domain"], claim.inputs))]
    given = parse_json(case.certificate, "certificate")
    assert isinstance(given, dict)
    goals: list[Callable[[], Goal]] = [ask(given, reader(case), "certificate").goal]
    found = []
    for number, step in enumerate(value["tree"]):
        cell, goal = cells.pop(), goals.pop()()
        cell.advance(claim)
        found += [f"{number}: {name}" for name in differing(cell, goal.cell)]
        if step[0] in checker.SIZES:
            goals += reversed(follow(goal, given["tree"][number], "tree"))
            cells += reversed(checker.open_step(cell, step[0], step[1:]))
    return found


def differing(cell: checker.Cell, other: KernelCell) -> Iterator[str]:
    """What the checkers do not both know on a cell, the kernel's being the other one."""
    own, atoms = cell.atoms, other.atoms
    if cell.places != other.places:
        yield "places"
    if cell.rows != [(plain(form), strict) for form, strict in other.rows]:
        yield "rows"
    ends = list(zip(atoms.low, atoms.high, strict=True))
    if [x for a, x in enumerate(own.bounds) if a not in own.functions] != [
        x for a, x in enumerate(ends) if a not in atoms.functions
    ]:
        yield "bounds"
    if own.functions.keys() != atoms.functions.keys():
        yield "functions"
    if own.gap != atoms.gaps:
        yield "gaps"
    for name, mine, form in (("alias", own.alias, atoms.alias), ("below", own.below, atoms.floor)):
        if mine != {a: plain(f) for a, f in form.items()}:
            yield name
    if own.above != {a: plain(f) for a, f in atoms.ceiling.items()}:
        yield "above"
    if {a: list(map(checker.key_of, forms)) for a, forms in own.candidates.items()} != {
        a: [checker.key_of(plain(f)) for f in forms] for a, forms in atoms.candidates.items()
    }:
        yield "candidates"


def plain(form: Form) -> checker.Form:
    """A form of the kernel as the second checker has it."""
    return {v: Fraction(c, form.den) for v, c in form.terms.items()}


def of_folder(certificate: Path) -> Case:
    """The case of a proof folder: a certificate and the files that it, or a link of it, names."""
    data, waiting, files = certificate.read_bytes(), [certificate], dict[str, bytes]()
    while waiting:
        text = waiting.pop().read_text(encoding="utf-8")
        for name in re.findall(r'"file": ?"([^"]+)"', text):
            if name not in files:
                files[name] = certificate.with_name(name).read_bytes()
                waiting.append(certificate.with_name(name))
    return Case(data, files)


def small_proofs() -> list[Case]:
    """The proofs of the folder that are small enough to be damaged many times."""
    found = [of_folder(path) for path in sorted(PROOFS.glob("*/certificate.json"))]
    return [case for case in found if sum(map(len, case.files.values())) + len(case.certificate) < 8000]


def good(kind: str, seed: str) -> Case | None:
    """A case without damage."""
    return MAKERS[kind](random.Random(seed))


def cases(count: int, seed: int = 0) -> Iterator[tuple[str, str, Case]]:
    """About as many random cases, each with its kind and a name: good ones, and each of them damaged many times."""
    pool = small_proofs()
    ways = list(damage.DAMAGES)
    produced = 0
    number = 0
    while produced < count:
        number += 1
        kind = r_kind(number)
        name = f"{seed}/{number}"
        case = good(kind, name)
        if case is None:
            continue
        yield kind, name, case
        produced += 1
        if kind != "long lists" and (second(case) is not None or number % 5 == 0):  # those would take long
            pool.append(case)
        for k in range(min(POOL, count - produced)):
            r = random.Random(f"{name}/{k}")
            way = ways[k % len(ways)]
            words = WORDS.get(way, [b""])
            fitting = [case for case in pool if any(word in case.certificate for word in words)] or pool
            if way == "functions":
                fitting = [case for case in pool if any(b'"function"' in data for data in case.files.values())] or pool
            source = r.choice(fitting[-3:] if r.random() < 0.8 else fitting)
            damaged = damage.DAMAGES[way](r, source)
            if r.random() < 0.1:
                damaged = damage.DAMAGES[r.choice(ways)](r, damaged)
            if damaged is not source:
                yield f"damaged: {way}", f"{name}/{k}", damaged
                produced += 1


def r_kind(number: int) -> str:
    """The kind of good case that comes next."""
    kinds = [
        "random trees",
        "near",
        "needless splits",
        "softmax",
        "leaks",
        "functions",
        "pieces",
        "prover",
        "narrow",
        "heads",
        "chains",
    ] * 2
    kinds.append("long lists")
    return kinds[number % len(kinds)]


FEATURES = {  # what is counted among the cases that both accept
    "anew": r'\["anew"',
    "pairs": r'\["anew", ?\[\[',
    "cut": r'\["cut"',
    "softmax": '"temperature"',
    "affine bounds": '"below"|"above"',
    "empty proofs": r'\["holds"[^\n]*\[\](?!\])',
    "values between": r'"values".*"lower"',
    "narrow": r'\["narrow"',
    "links": '"links"',
}

Table = Counter[tuple[str, str]]
Disagreement = tuple[str, str, str | None, str | None]


def compared(count: int, seed: int = 0) -> tuple[Table, list[Disagreement]]:
    """How often the checkers agree on random cases of each kind, and the cases on which they do not."""
    table: Table = Counter()
    disagreements = []
    for kind, name, case in cases(count, seed):
        a, b = first(case), second(case)
        if a is None and b is not None and coarse(case):
            table[kind, "finer"] += 1
        elif a == b:
            table[kind, "reject" if a is None else "accept"] += 1
            text = case.certificate.decode() if a is not None else ""
            table.update(("accepted with", name) for name, found in FEATURES.items() if re.search(found, text))
        else:
            table[kind, "disagree"] += 1
            disagreements.append((kind, name, a, b))
    return table, disagreements


def main(arguments: list[str]) -> int:
    """Print the table."""
    count, seed = (*map(int, arguments), 0)[:2] if arguments else (2000, 0)
    table, disagreements = compared(count, seed)
    print(f"{'kind':28}{'cases':>8}{'accept':>8}{'reject':>8}{'finer':>8}{'disagree':>10}")
    columns = ("accept", "reject", "finer", "disagree")
    for kind in KINDS:
        row = [table[kind, column] for column in columns]
        print(f"{kind:28}{sum(row):>8}{row[0]:>8}{row[1]:>8}{row[2]:>8}{row[3]:>10}")
    sums = [sum(table[kind, column] for kind in KINDS) for column in columns]
    print(f"{'all':28}{sum(sums):>8}{sums[0]:>8}{sums[1]:>8}{sums[2]:>8}{sums[3]:>10}")
    print("accepted with", ", ".join(f"{name}: {table['accepted with', name]}" for name in FEATURES))
    for kind, name, a, b in disagreements:
        print(f"{kind} {name}\n  kernel: {a}\n  second: {b}")
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
