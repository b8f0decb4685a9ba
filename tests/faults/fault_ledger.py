"""What became of the changes to each function of the kernel: it holds as long as the function says the same.

The file `measured.json` names, for each function, a digest of its source, and how many changes to it the corpus
noticed, how many a test, and for how many there is an argument. A function whose digest is another one, or with a
change that nothing noticed, has no line there.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from fault_kernel import Result
from fault_mutations import Mutation

PATH = Path(__file__).parent / "measured.json"


@dataclass(frozen=True)
class Line:
    """One function: the digest of its source, and its changes by what became of them."""

    source: str
    corpus: int
    tests: int
    equivalent: int


Ledger = dict[str, Line]


def load(path: Path = PATH) -> Ledger:
    """The lines of the file, by function."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: Line(*row) for name, row in rows.items()}


def store(ledger: Ledger, path: Path = PATH) -> None:
    """Write the lines, one a function."""
    rows = [f"{json.dumps(name)}: {json.dumps(astuple(line))}" for name, line in sorted(ledger.items())]
    text = "{\n" + ",\n".join(rows) + "\n}\n"
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def functions(chosen: Sequence[Mutation]) -> dict[str, list[Mutation]]:
    """The changes by the function that they change, `file:name`."""
    found: dict[str, list[Mutation]] = {}
    for mutation in chosen:
        found.setdefault(f"{mutation.file}:{mutation.function}", []).append(mutation)
    return found


def digests(files: Mapping[str, str]) -> dict[str, str]:
    """A digest of the source of each function, without documentation, comments, and what is defined inside it."""
    found: dict[str, str] = {}
    for file, text in files.items():
        _digest(ast.parse(text), f"{file}:module", found)
    return found


def _digest(node: ast.Module | ast.ClassDef | ast.FunctionDef, name: str, found: dict[str, str]) -> None:
    own: list[ast.stmt] = []
    for statement in node.body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
            file, _, outer = name.partition(":")
            inner = statement.name if outer == "module" else f"{outer}.{statement.name}"
            _digest(statement, f"{file}:{inner}", found)
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            own.append(statement)
    head = "" if isinstance(node, ast.Module) else ast.dump(node.args) if isinstance(node, ast.FunctionDef) else ""
    text = head + "".join(map(ast.dump, own))
    found[name] = hashlib.sha256((found.get(name, "") + text).encode()).hexdigest()[:16]


def line(source: str, results: Sequence[Result], arguments: Mapping[str, str]) -> Line | None:
    """The line of a function; None if nothing noticed one of its changes, or noticed one that has an argument."""
    killed = [result for result in results if result.killer]
    if any(result.key in arguments for result in killed):
        return None
    if any(result.key not in arguments for result in results if not result.killer):
        return None
    corpus = sum(result.stage == "corpus" for result in killed)
    return Line(source, corpus, len(killed) - corpus, len(results) - len(killed))
