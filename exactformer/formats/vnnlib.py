"""VNN-LIB: version 1.0 is read here, version 2.0 by the package vnnlib; both become one query."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

from exactformer.errors import Faults, InvalidInput
from exactformer.formats.disk import read_bytes, unzipped
from exactformer.formats.queries import Declared, Formula, Query, Row, Slot, Variable
from exactformer.rational import read_rational

DEEPEST = 100  # levels of parentheses
RELATIONS = ("<=", ">=", "<", ">", "=")
IDLE = ("set-logic", "set-info", "set-option", "check-sat", "get-model", "exit")  # commands that state nothing
_TOKEN = re.compile(r"[()]|;[^\n]*|\"[^\"]*\"|\|[^|]*\||[^\s();\"|]+|\n|[\"|]")
_NAME = re.compile(r"([XY])_(0|[1-9]\d{0,8})")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_VERSION = re.compile(rb"(?:\s|;[^\n]*\n)*\(\s*vnnlib-version\b")

Linear = dict[Variable | None, Fraction]  # None: the constant


def read_query(path: Path) -> Query:
    """The query in a VNN-LIB file (`.vnnlib`, `.vnnlib.gz`). Raises `InvalidInput` with all faults, `Unsupported`."""
    name = path.name.lower()
    if not name.endswith((".vnnlib", ".vnnlib.gz")):
        found = path.suffix or "no ending"
        raise InvalidInput(f"{path}: expected a name that ends in .vnnlib or .vnnlib.gz, found {found}")
    data = read_bytes(path)
    return parse(unzipped(data, str(path)) if name.endswith(".gz") else data, str(path))


def parse(data: bytes, source: str) -> Query:
    """The query in the bytes of a file."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{source}: expected text, found bytes that are none") from None
    if _VERSION.match(data):
        found: Query = import_module("exactformer.formats.vnnlib_two").parse(text, source)
        return found
    return _Reader(source).query(text)


@dataclass(frozen=True)
class Word:
    """A word of the file, and the line where it stands."""

    text: str
    line: int


Expression = Word | list[Any]  # a list of expressions in parentheses


def _expressions(text: str, source: str) -> Iterator[list[Any]]:
    """The commands of a file, each a nested list of words."""
    stack: list[list[Any]] = []
    line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "(":
            if len(stack) == DEEPEST:
                raise InvalidInput(f"{source}: line {line}: expected at most {DEEPEST} levels of parentheses")
            stack.append([Word("(", line)])
        elif token == ")":
            if not stack:
                raise InvalidInput(f"{source}: line {line}: expected no more than was opened, found )")
            whole = stack.pop()
            if stack:
                stack[-1].append(whole)
            else:
                yield whole
        elif token != "\n" and not token.startswith(";"):
            if not stack:
                raise InvalidInput(f"{source}: line {line}: expected a command in parentheses, found {token[:40]}")
            stack[-1].append(Word(token, line))
        line += token.count("\n")
    if stack:
        raise InvalidInput(f"{source}: line {stack[0][0].line}: expected ) for this (, found the end of the file")


class _Reader:
    """Reads one file of version 1.0; faults are collected."""

    def __init__(self, source: str) -> None:
        self.source, self.faults = source, Faults(source)
        self.names: dict[str, Variable] = {}

    def query(self, text: str) -> Query:
        """The query. Raises `InvalidInput` with all faults."""
        formulas: list[Formula] = []
        for command in _expressions(text, self.source):
            head = _head(command)
            if head in ("declare-const", "declare-fun"):
                self._declare(command, head)
            elif head == "assert" and len(command) == 3:
                formulas.append(self._formula(command[2]))
            elif head not in IDLE:
                self._fault(command, "declare-const, declare-fun or assert with a formula", head or "something else")
        sizes = {kind: sum(v[1] == kind for v in self.names.values()) for kind in ("input", "output")}
        for kind, letter in (("input", "X"), ("output", "Y")):
            missing = [i for i in range(sizes[kind]) if f"{letter}_{i}" not in self.names]
            if missing or not sizes[kind]:
                expected = f"declarations of {letter}_0, {letter}_1, ... without a gap"
                self.faults.add("file", expected, f"no {letter}_{missing[0] if missing else 0}")
        if not formulas:
            self.faults.add("file", "at least one assertion", "none")
        self.faults.settle()
        inputs, outputs = (Declared(name, "real", (sizes[kind],)) for kind, name in (("input", "X"), ("output", "Y")))
        return Query.of(self.source, [Slot("N", (inputs,), (outputs,))], formulas, named=False)

    def _fault(self, where: Expression, expected: str, found: str) -> None:
        self.faults.add(f"line {_line(where)}", expected, found)

    def _declare(self, command: list[Any], head: str) -> None:
        words = [each.text if isinstance(each, Word) else "()" for each in command[2:]]
        match = _NAME.fullmatch(words[0]) if words else None
        if words[1:] != (["Real"] if head == "declare-const" else ["()", "Real"]) or match is None:
            shape = "NAME Real" if head == "declare-const" else "NAME () Real"
            self._fault(command, f"{head} {shape} with a name X_0, X_1, ... or Y_0, Y_1, ...", " ".join(words))
        elif words[0] in self.names:
            self._fault(command, "a name that is not declared yet", words[0])
        else:
            self.names[words[0]] = (0, "input" if match[1] == "X" else "output", int(match[2]))

    def _formula(self, part: Expression) -> Formula:
        head = _head(part)
        if head in ("and", "or") and len(part) > 2:  # type: ignore[arg-type]
            return head, [self._formula(each) for each in part[2:]]  # type: ignore[index]
        if head in RELATIONS and len(part) == 4:  # type: ignore[arg-type]
            left, right = (self._linear(each) for each in part[2:])  # type: ignore[index]
            return related(head, left, right, _line(part))
        self._fault(part, f"and, or, or one of {', '.join(RELATIONS)} with two sides", head or _shown(part))
        return Row((), Fraction(0))

    def _linear(self, part: Expression) -> Linear:
        if isinstance(part, Word):
            if part.text in self.names:
                return {self.names[part.text]: Fraction(1)}
            if _NUMBER.fullmatch(part.text):
                return {None: read_rational(part.text, f"line {part.line}", self.faults)}
            self._fault(part, "a number, or a variable that is declared", part.text)
            return {}
        head, sides = _head(part), [self._linear(each) for each in part[2:]]
        value = combined(head, sides) if sides else None
        if value is None:
            self._fault(part, "a sum, a difference or a multiple of variables and numbers", head or _shown(part))
        return value or {}


def combined(operator: str, sides: list[Linear]) -> Linear | None:
    """A sum, difference, product or quotient of linear expressions; None where that is not linear."""
    if operator == "+" or (operator == "-" and len(sides) > 1):
        total: Linear = dict(sides[0])
        for side in sides[1:]:
            for v, c in side.items():
                total[v] = total.get(v, Fraction(0)) + (c if operator == "+" else -c)
        return total
    if operator == "-":
        return {v: -c for v, c in sides[0].items()}
    if operator == "*":
        factors = [side.get(None, Fraction(0)) for side in sides if side.keys() <= {None}]
        others = [side for side in sides if not side.keys() <= {None}]
        if len(others) > 1:
            return None
        scale = Fraction(1)
        for factor in factors:
            scale *= factor
        return {v: scale * c for v, c in (others[0] if others else {None: Fraction(1)}).items()}
    if operator == "/" and len(sides) == 2 and sides[1].keys() <= {None} and sides[1].get(None):
        return {v: c / sides[1][None] for v, c in sides[0].items()}
    return None


def related(relation: str, left: Linear, right: Linear, line: int) -> Formula:
    """The formula that two linear expressions are so related."""
    if relation in (">=", ">"):
        return related("<=" if relation == ">=" else "<", right, left, line)
    if relation in ("=", "=="):
        return "and", [related("<=", left, right, line), related("<=", right, left, line)]
    if relation == "!=":
        return "or", [related("<", left, right, line), related("<", right, left, line)]
    gap = combined("-", [left, right]) or {}
    terms = tuple((v, c) for v, c in gap.items() if v is not None and c)
    return Row(terms, -gap.get(None, Fraction(0)), relation == "<", line)


def _head(part: Expression) -> str:
    """The first word in parentheses."""
    return part[1].text if isinstance(part, list) and len(part) > 1 and isinstance(part[1], Word) else ""


def _line(part: Expression) -> int:
    return part.line if isinstance(part, Word) else int(part[0].line)


def _shown(part: Expression) -> str:
    return part.text if isinstance(part, Word) else "()" if len(part) == 1 else "((...) ...)"
