"""The record of a run of the laboratory: each instance is written down when it is done, and a later run goes on.

It is a text of JSON lines: first what was asked, then an instance a line. What stayed open is not in it: it is tried
again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from exactformer.arguments import NATURAL, POSITIVE
from exactformer.errors import Faults, InvalidInput, shown
from exactformer.formats.files import read_bytes
from exactformer.theorems.result import Decided, Found
from exactformer.version import __version__

FILE, FORMAT = "instances.jsonl", "exactformer/instances-1"
Key = tuple[str, tuple[tuple[str, int], ...], int | None]  # theorem, parameters, number; None: the broken twin


@dataclass(frozen=True)
class Asked:
    """What a run was asked: which theorems, how many instances of each, with which seed and parameters."""

    theorems: tuple[str, ...]
    instances: int | None
    seed: int
    parameters: Mapping[str, int]

    def line(self) -> str:
        """The first line of the record."""
        return json.dumps({"format": FORMAT, "version": __version__, **asdict(self)}) + "\n"


class Journal:
    """The record in a folder: what is in it, and where more is added."""

    def __init__(self, path: Path, found: Mapping[Key, Found] | None = None) -> None:
        self.path = path
        self.found = dict(found or {})

    def note(self, key: Key, result: Found) -> None:
        """Add a decided instance at the end; it is on its way to the disk before this returns."""
        if result.outcome == "unknown":
            return
        name, parameters, number = key
        self.found[key] = result
        line = {"theorem": name, "parameters": dict(parameters), "instance": number, **result._asdict()}
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


def read_journal(folder: Path) -> tuple[Asked, Journal]:
    """The record in a folder. A last line that was not written to its end is cut off.

    Raises `InvalidInput` where there is none, where it is of another version, and for any other line that is no record
    of an instance.
    """
    path = folder / FILE
    if not path.is_file():
        raise InvalidInput(f"{folder}: expected a folder with the record of a run, {FILE}, found none")
    data = read_bytes(path, follow=False)
    whole = data[: data.rfind(b"\n") + 1]
    lines = whole.decode("utf-8", errors="replace").splitlines()
    asked = _asked(_object(lines[0]) if lines else None, f"{path}, line 1")
    found = {}
    for number, line in enumerate(lines[1:], 2):
        key, result = _instance(_object(line), f"{path}, line {number}")
        found[key] = result
    if len(whole) < len(data):
        with path.open("r+b") as stream:
            stream.truncate(len(whole))
    return asked, Journal(path, found)


def _object(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _asked(value: Any, place: str) -> Asked:
    faults = Faults()
    keys = ("theorems", "instances", "seed", "parameters")
    if not isinstance(value, dict) or value.keys() != {"format", "version", *keys} or value["format"] != FORMAT:
        raise InvalidInput(f"{place}: expected the first line of a record of the format {FORMAT}, found {shown(value)}")
    if value["version"] != __version__:
        faults.add(place, f"a record of this version, {__version__}", value["version"])
    names = value["theorems"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        faults.add(f"{place}: theorems", "a list of names", names)
    POSITIVE.check(value["instances"], f"{place}: instances", faults, optional=True)
    NATURAL.check(value["seed"], f"{place}: seed", faults)
    if not _numbers(value["parameters"]):
        faults.add(f"{place}: parameters", "an object of integers", value["parameters"])
    faults.settle()
    return Asked(tuple(names), *(value[key] for key in keys[1:]))


def _instance(value: Any, place: str) -> tuple[Key, Found]:
    keys = {"theorem", "parameters", "instance", *Found._fields}
    if (
        not isinstance(value, dict)
        or value.keys() != keys
        or not (isinstance(value["theorem"], str) and isinstance(value["text"], str) and _numbers(value["parameters"]))
        or not (value["instance"] is None or type(value["instance"]) is int)
        or value["outcome"] not in get_args(Decided)[:2]
        or type(value["seconds"]) is not float
    ):
        raise InvalidInput(f"{place}: expected the record of an instance, found {shown(value)}")
    key = value["theorem"], tuple(value["parameters"].items()), value["instance"]
    return key, Found(value["outcome"], value["text"], value["seconds"])


def _numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(type(number) is int for number in value.values())
