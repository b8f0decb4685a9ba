"""Proves every claim and count of this folder again, from the network files, and writes certificates and reports.

Usage: python proofs/regenerate.py [NAME ...]   (in the folder above; default: all)
"""

import shutil
import sys
from pathlib import Path

from exactformer.checking import check
from exactformer.cli import main
from exactformer.formats.network_json import dump as network_text
from exactformer.prover.certificate import dump as certificate_text
from exactformer.theorems import THEOREMS, Theorem, certified

HERE = Path(__file__).parent
COMPILED = {  # left.json against the Transformer compiled from it
    "absolute-value": ["--method", "regions"],
    "max-of-three": ["--method", "regions"],
    "maxout-rank-3": ["--method", "regions"],
    "triangle-wave": ["--method", "regions"],
    "breast-cancer": ["--cross-check", "none"],  # too large for a solver that sees one formula
    "iris": ["--cross-check", "none"],
}
BY_HAND = sorted(path.name for path in HERE.glob("hand-*"))  # left.json against right.json
CLAIMS = {  # about left.json alone
    "claim-maximum-convex": "convex",
    "claim-median-increasing": "increasing",
    "claim-median-symmetric": "invariant:x2,x3,x1",
    "claim-step-ties": "ties-agree:average,leftmost",
    "claim-triangle-range": "range:0,1",
}

APPROXIMATED = {  # a formula, and what is asked for: a chain from it to a Transformer
    "approximation-wave": ["sin(3*x) + x^2/2", "--epsilon", "1/20", "--box", "-2", "2"],
    "approximation-largest": ["max(x, y, -x - y)", "--epsilon", "1/20", "--box", "-1", "1", "--hard"],
}

SHAPES = {  # for all weights of a shape, or for all numbers
    "global": ["T46", "--inputs", "3", "--widths", "3,3", "--rank", "3"],
    "gated": ["T45", "--inputs", "3", "--widths", "3,3", "--rank", "3"],
    "gate-pieces": ["T2", "--rank", "4"],
    "gate-maximum": ["T3", "--rank", "4"],
    "paired-maxima": ["T40", "--inputs", "2", "--rank", "2", "--partners", "3"],
}

COUNTS = {name: f"counts/{name}" for name in ("maxout-rank-3", "degenerate", "sawtooth")}  # of regions: network.json


INDEX = """# Proofs

Each folder has the networks, a certificate, and a report (`report.html`, `report.md`, `report.txt`);
`exactformer check FOLDER` checks one again. Written by `regenerate.py`, which proves all of them anew; every
certificate is re-checked in `.ci/run`.

| folder | what is proved | theorem |
|---|---|---|
"""
BEHIND = {  # the theorem of the laboratory whose instance a proof is; see docs/theorems.md
    "absolute-value": "T5",
    "max-of-three": "T5",
    "maxout-rank-3": "T5",
    "triangle-wave": "T5",
    "breast-cancer": "T5",
    "iris": "T5",
    "shapes/global": "T46",
    "shapes/gated": "T45",
    "shapes/gate-pieces": "T2",
    "shapes/gate-maximum": "T3",
    "shapes/paired-maxima": "T40",
}


ANSWERS = 3  # certificates of an instance that are kept: the first ones, and the first refutation


def theorem(each: Theorem) -> None:
    """One folder with the certificates of the smallest instance of a theorem, where there are any."""
    values, answers = certified(each.number)
    chosen = [*answers[:ANSWERS], *[answer for answer in answers[ANSWERS:] if answer[1].refuted][:1]]
    if not chosen:
        return
    print(f"theorems/{each.number}")
    folder = HERE / "theorems" / each.number
    shutil.rmtree(folder, ignore_errors=True)
    instance = ", ".join(f"{name} {value}" for name, value in values) or "its only one"
    lines = [f"# {each.number}. {each.title}", each.statement, f"Source: {each.source}. Evidence: {each.evidence}."]
    lines += [f"Of the smallest instance ({instance}) {len(chosen)} of {len(answers)} certificates are kept:"]
    for number, (what, outcome) in enumerate(chosen, start=1):
        place = folder / str(number)
        place.mkdir(parents=True)
        sides = {"left": outcome.left} | ({} if outcome.right is None else {"right": outcome.right})
        for side, network in sides.items():
            (place / f"{side}.json").write_text(network_text(network), encoding="utf-8")
        (place / "certificate.json").write_text(certificate_text(outcome.certificate or {}), encoding="utf-8")
        text = str(check(place).theorem).replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_")
        lines.append(f"{number}. [{number}/]({number}): {what + ': ' if what else ''}{text}")
    (folder / "README.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def index() -> str:
    """The table of all folders, each with the words of its checker."""
    rows = []
    for path in sorted(HERE.glob("**/certificate.json")):
        folder = path.parent.relative_to(HERE).as_posix()
        said = " ".join(str(check(path.parent).theorem).split())
        said = said if len(said) <= 300 else f"{said[:300]}..."
        said = said.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
        number = BEHIND.get(folder, folder.split("/")[1] if folder.startswith("theorems/") else "")
        rows.append(f"| [{folder}]({folder}) | {said} | {number} |\n")
    return INDEX + "".join(rows)


def count(name: str) -> None:
    """One folder of counts."""
    folder = str(HERE / COUNTS[name])
    print(COUNTS[name])
    code = main(["regions", f"{folder}/network.json", "--certificate", folder])
    if code != 0:
        sys.exit(f"{name}: exit code {code}")


def shape(name: str) -> None:
    """One folder with a statement for all weights."""
    print(f"shapes/{name}")
    code = main(["theorems", *SHAPES[name], "--all-weights", "--out", str(HERE / "shapes" / name)])
    if code != 0:
        sys.exit(f"{name}: exit code {code}")


def approximate(name: str) -> None:
    """One folder with a chain of proofs."""
    print(name)
    code = main(["approximate", *APPROXIMATED[name], "--out", str(HERE / name)])
    if code != 0:
        sys.exit(f"{name}: exit code {code}")


def regenerate(name: str) -> None:
    """One folder."""
    folder = str(HERE / name)
    out = ["--out", folder] + ([] if "none" in COMPILED.get(name, ()) else ["--sample", "all"])
    if name in COMPILED:
        words = ["prove", f"{folder}/left.json", *COMPILED[name]]
    elif name in BY_HAND:
        words = ["verify", f"{folder}/left.json", f"{folder}/right.json", "--cross-check", "z3"]
    else:
        words = ["verify", f"{folder}/left.json", "--claim", CLAIMS[name], "--cross-check", "z3"]
    print(name)
    code = main([*words, *out])
    if code != (1 if name == "claim-step-ties" else 0):
        sys.exit(f"{name}: exit code {code}")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or [*COMPILED, *BY_HAND, *CLAIMS, *APPROXIMATED]:
        (approximate if chosen in APPROXIMATED else regenerate)(chosen)
    for chosen in () if sys.argv[1:] else COUNTS:
        count(chosen)
    for chosen in () if sys.argv[1:] else SHAPES:
        shape(chosen)
    for each in () if sys.argv[1:] else THEOREMS:
        theorem(each)
    (HERE / "README.md").write_text(index(), encoding="utf-8")
