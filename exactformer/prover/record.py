"""The record of a family: which of its instances are proved, so that a run can be gone on with.

It is a text of JSON lines: first what is asked of each instance, then an instance a line, with the digests of its
networks. Only what is proved is in it; what stayed open is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exactformer.domain import Domain
from exactformer.errors import InvalidInput, shown
from exactformer.formats.files import read_bytes
from exactformer.formats.network_json import digest
from exactformer.networks import Network
from exactformer.version import __version__

FILE, FORMAT = "instances.jsonl", "exactformer/family-1"
Instance = dict[str, Any]


class Record:
    """The record in a file: what is in it, and where more is added."""

    def __init__(self, path: Path, proved: Mapping[int, Instance] | None = None) -> None:
        self.path = path
        self._proved = dict(proved or {})

    @staticmethod
    def first_line(asked: Mapping[str, Any]) -> str:
        """The line with what is asked of each instance, by which a run knows its record."""
        return json.dumps({"format": FORMAT, "version": __version__, **asked}) + "\n"

    @staticmethod
    def read(path: Path, asked: Mapping[str, Any]) -> Record:
        """The record of an earlier run that asked the same. A last line that was not written to its end is cut off.

        Raises `InvalidInput` where there is none, where something else was asked or by another version, and for a line
        that is no record of an instance.
        """
        if not path.is_file():
            raise InvalidInput(f"{path}: expected the record of a run, found none")
        data = read_bytes(path, follow=False)
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.decode("utf-8", errors="replace").splitlines()
        wanted = json.loads(Record.first_line(asked))
        found = _object(lines[0]) if lines else None
        if found != wanted:
            expected = f"the record of a run that asks {json.dumps(wanted)}"
            raise InvalidInput(f"{path}, line 1: expected {expected}, found {lines[0][:300] if lines else 'nothing'!r}")
        proved = {}
        for number, line in enumerate(lines[1:], 2):
            value = _object(line)
            keys = {"instance", "left", "right", "domain"}
            if not isinstance(value, dict) or value.keys() != keys or type(value["instance"]) is not int:
                raise InvalidInput(f"{path}, line {number}: expected the record of an instance, found {shown(value)}")
            proved[value["instance"]] = value
        if len(whole) < len(data):
            with path.open("r+b") as stream:
                stream.truncate(len(whole))
        return Record(path, proved)

    def has(self, instance: Instance) -> bool:
        """Whether this very instance is proved."""
        return self._proved.get(instance["instance"]) == instance

    def note(self, instance: Instance) -> None:
        """Add an instance that is proved; it is on its way to the disk before this returns."""
        self._proved[instance["instance"]] = instance
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(instance) + "\n")


def instance_of(number: int, left: Network, right: Network | None, domain: Domain | None) -> Instance:
    """What tells an instance from others: its number, the digests of its networks, the domain that is asked for."""
    return {
        "instance": number,
        "left": digest(left),
        "right": None if right is None else digest(right),
        "domain": None if domain is None else domain.to_json(),
    }


def _object(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
