"""The exceptions of the package: one root, and one class for each exit code that is not a verdict."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable

_SHORT = reprlib.Repr()  # of large and deep data only the beginning is looked at
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxstring = _SHORT.maxother = 60


class ExactformerError(Exception):
    """Everything this package raises on purpose."""


class InvalidInput(ExactformerError):
    """Bad input; `reasons` lists every fault found, each with its place, what was expected and what was found."""

    def __init__(self, reasons: str | Iterable[str]) -> None:
        self.reasons = tuple(map(printable, (reasons,) if isinstance(reasons, str) else reasons))
        super().__init__("\n".join(self.reasons))


class Unsupported(ExactformerError):
    """The input is well-formed, but the operation is not defined for it (a gated compile without a box, say)."""


class NumberTooLong(Unsupported):
    """A number that was computed is longer than files may hold: what depends on it cannot be written down."""


class CertificateRejected(ExactformerError):
    """The kernel did not accept a certificate; the message is the kernel's."""


class Faults:
    """Collects faults while input is read, so that all of them are reported at once, up to a limit."""

    LIMIT = 20

    def __init__(self, source: str = "", limit: int = LIMIT) -> None:
        self.source = source
        self.limit = limit
        self.reasons: list[str] = []
        self.more = 0

    def add(self, place: str, expected: str, found: object, hint: str = "") -> None:
        """Note one fault, with a hint at its end; beyond the limit only their number is kept."""
        text = printable(found[:61] if isinstance(found, str) else _SHORT.repr(found))
        text = text if len(text) <= 60 else text[:57] + "..."
        prefix = f"{self.source}: " if self.source else ""
        if len(self.reasons) < self.limit:
            self.reasons.append(f"{prefix}{place}: expected {expected}, found {text}{hint}")
        else:
            self.more += 1

    @property
    def count(self) -> int:
        """The number of faults so far."""
        return len(self.reasons) + self.more

    def settle(self) -> None:
        """Raise `InvalidInput` if there were faults."""
        if self.reasons:
            extra = [f"... and {self.more} more faults"] if self.more else []
            raise InvalidInput(self.reasons + extra)


def printable(text: str) -> str:
    """The text with every control or invisible character as an escape, so that it cannot act on a terminal.

    >>> print(printable("a\\x1b[31m"))
    a\\x1b[31m
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shown(value: object) -> str:
    """A value of a wrong type in a few words.

    >>> print(shown("a.json"), shown(3), shown(None), sep=", ")
    the str 'a.json', the int 3, None
    """
    if value is None:
        return "None"
    text = printable(" ".join(_SHORT.repr(value).split()))
    return f"the {type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A hint at the known name that is nearest to a misspelt one, to be put behind a message; empty without one.

    >>> did_you_mean("convx", ["concave", "convex"])
    '; did you mean convex?'
    """
    import difflib  # not needed where nothing is misspelt

    if not isinstance(word, str):
        return ""
    names = list(known)
    longer = [name for name in names if len(word) >= 2 and name.startswith(word)]
    near = longer or difflib.get_close_matches(word[:100], names, n=1)
    return f"; did you mean {near[0]}?" if near else ""
