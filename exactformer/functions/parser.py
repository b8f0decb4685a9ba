"""Formulas as text: `sin(3*x) + x^2/2`. Read by its own grammar and nothing else; no text is ever run.

sum      product { (+ | -) product }
product  signed { (* | /) signed }
signed   { + | - } power
power    atom [ (^ | **) signed ]
atom     number | name | name ( sum { , sum } ) | ( sum )
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, did_you_mean, printable
from exactformer.functions.expressions import EXTREMA, UNARY, Expressions, Refused
from exactformer.networks import Function
from exactformer.networks.function import MAX_NAME
from exactformer.rational import MAX_BITS, read_rational

MAX_CHARACTERS = 1 << 18
AROUND = 30  # characters of the text that a message shows on each side of a place

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\*\*|[-+*/^(),])",
    re.ASCII,
)
_MEANT = {"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "π": "pi", "²": "^2", "³": "^3", "√": "sqrt"}
_MEANT |= {"[": "(", "]": ")", "{": "(", "}": ")", "|": "abs", ";": ","}
_SIGNS = {"+": 1, "-": 1, "*": 2, "/": 2, "negative": 3, "^": 4}  # how tightly they bind
CONSTANTS = ("pi", "e", "E")


@dataclass(frozen=True)
class Token:
    """A word of a formula, and where it begins, counted from 0; the kind "end" stands behind the last one."""

    kind: str
    text: str
    start: int


@dataclass
class Open:
    """Something that waits for an operand: a sign, or an opening parenthesis, of a function if it has a name."""

    token: Token
    sign: str = ""  # empty for a parenthesis
    name: str = ""
    column: int = 0  # of the parenthesis, counted from 1
    arguments: int = 1


def parse(text: str, variables: Sequence[str] | None, domain: Domain | None, name: str) -> Function:
    """The function of a formula. Raises `InvalidInput`, with a line that marks the place."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"formula: expected at most {MAX_CHARACTERS} characters, found {len(text)}")
    tokens = list(_tokens(text))
    names = _variables(tokens) if variables is None else tuple(variables)
    reader = _Reader(text, names, Expressions())
    last = reader.read(tokens)
    try:
        return reader.expressions.function(last, len(names), domain, name, names)
    except Refused as error:
        raise InvalidInput(f"formula: {error}") from None


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names sorted as people do: x2 stands before x10."""

    def key(name: str) -> list[tuple[bool, int, str]]:
        parts = ((part, part.lstrip("0")) for part in re.findall(r"[0-9]+|[^0-9]+", name))
        return [(False, len(n), n) if part[0] in "0123456789" else (True, 0, part) for part, n in parts]

    return tuple(sorted(sorted(names), key=key))


def _tokens(text: str) -> Iterator[Token]:
    start = 0
    while start < len(text):
        found = _TOKEN.match(text, start)
        if found is None:
            raise _unknown(text, start)
        kind = found.lastgroup or ""
        if kind == "name" and len(found[0]) > MAX_NAME:
            raise fault(text, start, f"a name of at most {MAX_NAME} letters, digits and _", found[0])
        if kind != "space":
            yield Token(kind, "^" if found[0] == "**" else found[0], start)
        start = found.end()
    yield Token("end", "", len(text))


def _unknown(text: str, start: int) -> InvalidInput:
    """The refusal of a character that formulas do not have, by its name where it looks like another one."""
    letter = text[start]
    shown = ascii(letter) if not letter.isprintable() else f"'{letter}'"
    label = "" if letter.isascii() else f" ({unicodedata.name(letter, f'U+{ord(letter):04X}')})"
    meant = _MEANT.get(letter, "")
    return fault(text, start, "a number, a name or a sign", shown + label, f"; did you mean {meant}?" if meant else "")


def _variables(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The names that are neither functions nor constants."""
    names = {token.text for token, after in pairwise(tokens) if token.kind == "name" and after.text != "("}
    return in_order(names - UNARY.keys() - EXTREMA.keys() - set(CONSTANTS))


@dataclass
class _Reader:
    """A precedence parser that keeps its own stack: no depth of parentheses exhausts it."""

    text: str
    names: tuple[str, ...]
    expressions: Expressions
    values: list[int] = field(default_factory=list)  # expressions that wait for what becomes of them
    open: list[Open] = field(default_factory=list)

    def read(self, tokens: Sequence[Token]) -> int:
        """The expression of all tokens."""
        index = {name: i for i, name in enumerate(self.names)}
        wants_operand = True
        for token, after in pairwise([*tokens, tokens[-1]]):
            wants_operand = self._operand(token, after, index) if wants_operand else self._operator(token)
        return self.values.pop()

    def _operand(self, token: Token, after: Token, index: dict[str, int]) -> bool:
        """Takes a token where an operand stands; whether the next one has to be an operand, too."""
        if token.kind == "name" and after.text == "(":
            self._check_function(token)
            self.open.append(Open(token, name=token.text))
        elif token.text == "(":
            if not self.open or not self.open[-1].name or self.open[-1].column:  # it is not that of a function
                self.open.append(Open(token))
            self.open[-1].column = token.start + 1
        elif token.text == "-":
            self.open.append(Open(token, "negative"))
        elif token.kind in ("number", "name"):
            self.values.append(self._atom(token, index))
            return False
        elif token.text != "+":
            raise self._fault(token, "a number, a name or (", token.text or "the end")
        return True

    def _operator(self, token: Token) -> bool:
        """Takes a token behind an operand; whether the next one has to be an operand."""
        if token.text in _SIGNS:
            self._close(_SIGNS[token.text] + (token.text == "^"))  # powers associate to the right
            self.open.append(Open(token, token.text))
            return True
        if token.kind in ("number", "name") or token.text == "(":
            raise self._fault(token, "an operator", token.text, "; a product is written with *")
        self._close(0)
        top = self.open[-1] if self.open else None
        if token.kind == "end" and top is not None:
            raise self._fault(token, f") for the ( in column {top.column}", "the end")
        if token.text == "," and top is not None and top.name in EXTREMA:
            top.arguments += 1
            return True
        if token.text == "," or (token.text == ")" and top is None):
            hint = "; decimals have a point" if token.text == "," and (top is None or not top.name) else ""
            raise self._fault(token, f"an operator or {'the end' if top is None else ')'}", token.text, hint)
        if top is not None:
            self._call(self.open.pop())
        return False

    def _close(self, binding: int) -> None:
        """Works out the signs on top that bind at least so tightly."""
        while self.open and self.open[-1].sign and _SIGNS[self.open[-1].sign] >= binding:
            waiting = self.open.pop()
            write = self.expressions
            b = self.values.pop()
            with_sign = {"+": write.add, "-": write.subtract, "*": write.multiply, "/": write.divide}
            try:
                if waiting.sign == "negative":
                    self.values.append(write.negative(b))
                else:
                    do = with_sign.get(waiting.sign, write.raised)
                    self.values.append(do(self.values.pop(), b))
            except Refused as error:
                raise self._refusal(waiting.token, error) from None

    def _call(self, group: Open) -> None:
        """Applies the function of a parenthesis that was closed."""
        if not group.name:
            return
        arguments = self.values[-group.arguments :]
        del self.values[-group.arguments :]
        try:
            result = arguments[0]
            if group.name in UNARY:
                result = UNARY[group.name](self.expressions, result)
            for argument in arguments[1:]:
                result = self.expressions.apply(EXTREMA[group.name], result, argument)
        except Refused as error:
            raise self._refusal(group.token, error) from None
        self.values.append(result)

    def _atom(self, token: Token, index: dict[str, int]) -> int:
        if token.kind == "number":
            return self.expressions.number(self._literal(token))
        if token.text in index:
            return self.expressions.input(index[token.text])
        if token.text in CONSTANTS:
            return self.expressions.pi() if token.text == "pi" else self.expressions.e()
        if token.text in UNARY or token.text in EXTREMA:
            raise self._fault(token, f"( behind {token.text}", "none", f"; write {token.text}(x)")
        known = [*self.names, *CONSTANTS]
        raise self._fault(token, f"one of the names {', '.join(known)}", token.text, did_you_mean(token.text, known))

    def _literal(self, token: Token) -> Fraction:
        faults = Faults()
        value = read_rational(token.text, "number", faults)
        if faults.reasons:
            raise self._fault(token, f"a number of at most {MAX_BITS} bits", token.text)
        return value

    def _check_function(self, token: Token) -> None:
        if token.text in UNARY or token.text in EXTREMA:
            return
        if token.text in self.names or token.text in CONSTANTS:
            raise self._fault(token, "an operator behind it", f"{token.text}(", f"; a product is {token.text}*(...)")
        known = [*UNARY, *EXTREMA]
        hint = did_you_mean(token.text, known) or "; a product is written with *"
        raise self._fault(token, f"a function ({', '.join(known)})", token.text, hint)

    def _fault(self, token: Token, expected: str, found: str, hint: str = "") -> InvalidInput:
        return fault(self.text, token.start, expected, found, hint)

    def _refusal(self, token: Token, error: Refused) -> InvalidInput:
        return self._fault(token, error.expected, error.found, error.hint)


def fault(text: str, start: int, expected: str, found: str, hint: str = "") -> InvalidInput:
    """A message with the place in a formula, and a line of text with a mark under it."""
    low, high = max(start - AROUND, 0), start + AROUND
    before, line = "..." * (low > 0), text[low:high]
    ahead = before + printable(text[low:start])
    faults = Faults()
    faults.add(f"formula, column {start + 1}", expected, found, hint)
    return InvalidInput(
        [*faults.reasons, f"  {before}{printable(line)}{'...' * (high < len(text))}", f"  {' ' * len(ahead)}^"]
    )
