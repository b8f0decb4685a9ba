"""Strict reading of untrusted JSON: every deviation ends in `Rejected`, with the place where it was found."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import NoReturn

MAX_BYTES = 1 << 28
MAX_DIGITS = 4000
MAX_EXPONENT = 4000
MAX_HEX = 1 << 16
MAX_SIDE = 1 << 20

_NUMBER = re.compile(r"([+-]?[0-9]+)(?:/([0-9]+)|(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?)?")
_HEX = re.compile(r"-?[0-9a-f]+")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")  # such a file name can be shown as it is


class Rejected(Exception):
    """The kernel refuses: the message says where, what was expected and what was found."""


class NotAffine(Rejected):
    """Outside the rules of this kernel: a score multiplies two values that both depend on the input."""


def reject(place: str, expected: str, found: object) -> NoReturn:
    """Raise `Rejected` with a message of the standard form; long findings are cut."""
    text = found if isinstance(found, str) and found.isascii() and found.isprintable() else ascii(found)
    raise Rejected(f"{place}: expected {expected}, found {text if len(text) < 80 else text[:77] + '...'}")


def read_bytes(path: Path) -> bytes:
    """The bytes of an ordinary file. A device or a pipe might never end, a link leads out of the folder: rejected."""
    data = None
    try:
        with open(path, "rb", opener=_opened) as stream:
            if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reject(path.name, "a file that can be read", error.strerror or str(error))
    if data is None or len(data) > MAX_BYTES:
        reject(path.name, f"an ordinary file of at most {MAX_BYTES} bytes", "a larger one, or no ordinary file")
    return data


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def named_file(
    value: object, place: str, read: Callable[[str], bytes], optional: tuple[str, ...] = ()
) -> tuple[str, str, bytes]:
    """The name, the SHA-256 and the bytes of a file written as an object with file and sha256, once they agree."""
    item = table(value, place, ("file", "sha256"), optional)
    name = item["file"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        reject(f"{place}.file", "the plain name of a file in the same folder", name)
    data = read(name)
    digest = hashlib.sha256(data).hexdigest()
    if digest != item["sha256"]:
        reject(f"{place}.sha256", f"{digest}, the digest of {name}", item["sha256"])
    return name, digest, data


def parse_json(data: bytes, place: str) -> object:
    """The JSON value in `data`; numbers with a point or exponent come back as their text."""
    if len(data) > MAX_BYTES:
        reject(place, f"at most {MAX_BYTES} bytes", f"{len(data)} bytes")

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        table: dict[str, object] = {}
        for key, value in pairs:
            if key in table:
                reject(place, "every key once", f"key {key!r} twice")
            table[key] = value
        return table

    def constant(text: str) -> NoReturn:
        reject(place, "a finite number", text)

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_float=str, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        reject(place, "JSON text", f"{type(error).__name__}: {error}")


def table(value: object, place: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, object]:
    """`value` as an object with exactly the required keys and possibly the optional ones."""
    if not isinstance(value, dict):
        reject(place, "an object", value)
    for key in required:
        if key not in value:
            reject(place, f"the key {key!r}", sorted(value))
    for key in value:
        if key not in required and key not in optional:
            reject(place, f"only the keys {', '.join(required + optional)}", f"the key {key!r}")
    return value


def array(value: object, place: str, length: int | None = None) -> list[object]:
    """`value` as a list, of the given length if one is given."""
    if not isinstance(value, list):
        reject(place, "a list", value)
    if length is not None and len(value) != length:
        reject(place, f"{length} entries", f"{len(value)}")
    return value


def natural(value: object, place: str, below: int | None = None) -> int:
    """`value` as an integer >= 0, and < `below` if that is given."""
    if type(value) is not int or value < 0 or (below is not None and value >= below):
        reject(place, "an integer >= 0" + ("" if below is None else f" and < {below}"), value)
    return value


def rational(value: object, place: str) -> Fraction:
    """The exact number written as an integer, as "p/q" or as decimal text."""
    if type(value) is int:
        return Fraction(value)
    match = _NUMBER.fullmatch(value) if isinstance(value, str) and len(value) <= MAX_DIGITS else None
    if match is None:
        reject(place, 'a number (an integer, "p/q" or decimal text)', value)
    whole, below, digits, exponent = match.groups()
    if below is not None:
        if int(below) == 0:
            reject(place, "a denominator that is not zero", value)
        return Fraction(int(whole), int(below))
    digits, power = digits or "", int(exponent or 0)
    if abs(power) > MAX_EXPONENT:
        reject(place, f"an exponent of at most {MAX_EXPONENT}", value)
    return Fraction(int(whole + digits)) * Fraction(10) ** (power - len(digits))


def hexadecimal(value: object, place: str) -> int:
    """The positive integer written as lower-case hexadecimal text."""
    if isinstance(value, str) and len(value) <= MAX_HEX and _HEX.fullmatch(value):
        number = int(value, 16)
        if number > 0:
            return number
    reject(place, "a positive integer in hexadecimal", value)


def numbers(value: object, place: str, length: int | None = None) -> list[Fraction]:
    """`value` as a list of numbers."""
    return [rational(x, f"{place}[{i}]") for i, x in enumerate(array(value, place, length))]


def entries(
    value: object, place: str, height: int | None, width: int | None
) -> tuple[int, int, dict[tuple[int, int], Fraction]]:
    """A dense or sparse matrix as (rows, columns, its non-zero entries); `height`, `width` are demanded if given."""
    found: dict[tuple[int, int], Fraction] = {}
    if isinstance(value, dict):
        sparse = table(value, place, ("shape", "entries"))
        shape = array(sparse["shape"], f"{place}.shape", 2)
        rows, columns = (natural(n, f"{place}.shape", MAX_SIDE) for n in shape)
        for i, item in enumerate(array(sparse["entries"], f"{place}.entries")):
            where = f"{place}.entries[{i}]"
            row, column, number = array(item, where, 3)
            at = natural(row, where, rows), natural(column, where, columns)
            if at in found:
                reject(where, "every position once", f"position {at} twice")
            found[at] = rational(number, where)
    else:
        dense = [array(row, f"{place}[{i}]") for i, row in enumerate(array(value, place))]
        if not dense:
            reject(place, "at least one row, or a sparse matrix", "none")
        rows, columns = len(dense), len(dense[0])
        for i, row in enumerate(dense):
            array(row, f"{place}[{i}]", columns)
            for j, number in enumerate(row):
                if number != 0 or type(number) is not int:
                    found[i, j] = rational(number, f"{place}[{i}][{j}]")
    if height is not None and rows != height:
        reject(place, f"{height} rows", f"{rows}")
    if width is not None and columns != width:
        reject(place, f"{width} columns", f"{columns}")
    return rows, columns, {at: x for at, x in found.items() if x}


def common_denominator(numbers: list[Fraction]) -> int:
    """The least common multiple of the denominators."""
    return lcm(*(x.denominator for x in numbers))
