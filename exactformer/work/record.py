"""The record of a run: what is finished is written down at once, so that whatever ends the run, another goes on.

It is a text, a line for each finished piece of work: sixteen digits of the SHA-256 of what follows, a blank, and the
JSON list of a key and a value. Lines are only ever added. A line that was torn or damaged does not fit its digits: it
is passed over, and its work is done again; the lines after it stay readable, which no database promises. What a value
says is not trusted further than that: proofs and bounds are re-checked by the kernel as if they had just been found.

Values stay in the file and are read when they are wanted, so a long run needs memory for keys and places alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Any

from exactformer.errors import InvalidInput, NumberTooLong, shown
from exactformer.version import __version__

try:
    import fcntl
except ImportError:  # no POSIX system
    fcntl = None  # type: ignore[assignment]

FORMAT = "exactformer/run-1"
DIGITS = 16
SECONDS = 1.0  # between two times that the system is told to bring the lines to the disk
LONGEST = 1 << 28  # bytes of a line that is read


class NoRoom(InvalidInput):
    """The disk is full; what was written before is whole."""


class Record:
    """A record in a file, from which values are read by their keys and to whose end more are added.

    Use it in one thread. Another process that opens the file is refused, where the system has locks.
    """

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        """A record of a run that is asked this; the file is made when there is something to write into it."""
        self.path = path
        self.asked = asked
        self.damaged = 0  # lines that were passed over
        self._file: BufferedRandom | None = None
        self._made = False  # whether the folder was made for it
        self._places: dict[str, int] = {}
        self._synced = time.monotonic()

    @staticmethod
    def resume(path: Path) -> Record:
        """The record of an earlier run, to be gone on with: what was not written to its end is cut off.

        Raises `InvalidInput` where there is none that can be read and written, where it is of another version, and
        while another process goes on with it.
        """
        record = Record(path, {})
        record._open(os.O_RDWR, "the record of a run")
        try:
            record._read()
        except BaseException:
            record.close()
            raise
        return record

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def get(self, key: str) -> Any:
        """The value of a key; None where there is none, or none that is whole any more."""
        place = self._places.get(key)
        if place is None:
            return None
        self._stream.seek(place)
        found = _content(self._stream.readline(LONGEST))
        if not _entry(found) or found[0] != key:
            self.damaged += 1
            del self._places[key]
            return None
        return found[1]

    def put(self, key: str, value: Any) -> None:
        """Write down a value, plain JSON data. Raises `NoRoom` where the disk is full, `NumberTooLong`."""
        try:
            text = json.dumps(value, separators=(",", ":"))
        except ValueError:  # Python prints no integer of more than 4300 digits
            raise NumberTooLong(f"{self.path}: expected numbers of at most 4300 digits, found a longer one") from None
        self.put_text(key, text)

    def put_text(self, key: str, text: str) -> None:
        """Write down a value that is JSON text already, on one line. Raises `NoRoom` where the disk is full."""
        self._places[key] = self._write(f"[{json.dumps(key)},{text}]")
        if time.monotonic() - self._synced > SECONDS:
            self.sync()

    def sync(self) -> None:
        """Bring all lines to the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Bring all lines to the disk, and let another process have the record."""
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Remove the record: the run has ended, and what it has found is elsewhere."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self.path.unlink(missing_ok=True)
            if self._made:
                with suppress(OSError):  # it is not empty
                    self.path.parent.rmdir()

    def __enter__(self) -> Record:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    @property
    def _stream(self) -> BufferedRandom:
        if self._file is None:
            self._open(os.O_RDWR | os.O_CREAT | os.O_EXCL, "a place for the record of a run")
            first = {"format": FORMAT, "version": __version__, **self.asked}
            self._write(json.dumps(first, separators=(",", ":")))
        assert self._file is not None
        return self._file

    def _open(self, flags: int, expected: str) -> None:
        """Open the file, and keep other processes from it. Raises `InvalidInput`."""
        try:
            if flags & os.O_CREAT:
                self._made = not self.path.parent.exists()
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(self.path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666), "r+b")
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if self._file is None:
                raise InvalidInput(f"{self.path}: expected {expected}, found: {error.strerror}") from None
            self._file.close()
            self._file = None
            raise InvalidInput(f"{self.path}: expected a run that has ended, found one that goes on") from None

    def _write(self, line: str) -> int:
        """Add a line; where it begins."""
        text = line.encode()
        try:
            place = self._stream.seek(0, os.SEEK_END)
            self._stream.write(b"%s %s\n" % (_digits(text), text))
            self._stream.flush()
        except OSError as error:
            found = error.strerror or str(error)
            raise NoRoom(f"{self.path}: expected room for the record of the run, found: {found}") from None
        return place

    def _read(self) -> None:
        """Take note of every whole line."""
        end, first = 0, True
        for place, line in self._lines():
            found = _content(line)
            if first:
                self.asked = self._checked(found)
                first = False
            elif _entry(found):
                self._places[found[0]] = place
            else:
                self.damaged += 1
            end = place + len(line)
        if first:
            raise InvalidInput(f"{self.path}, line 1: expected the first line of the record of a run, found nothing")
        self._stream.truncate(end)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line that is written to its end, with where it begins."""
        place = self._stream.seek(0)
        while line := self._stream.readline(LONGEST):
            if line.endswith(b"\n") or len(line) == LONGEST:
                yield place, line
            place += len(line)

    def _checked(self, value: Any) -> dict[str, Any]:
        """What the run was asked."""
        place = f"{self.path}, line 1"
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise InvalidInput(
                f"{place}: expected the first line of a record of the format {FORMAT}, found {shown(value)}"
            )
        if value.get("version") != __version__:
            found = shown(value.get("version"))
            raise InvalidInput(f"{place}: expected a record of this version, {__version__}, found {found}")
        return {key: item for key, item in value.items() if key not in ("format", "version")}


def _digits(text: bytes) -> bytes:
    return sha256(text).hexdigest()[:DIGITS].encode()


def _content(line: bytes) -> Any:
    """What a line says; None for one that is not whole."""
    digits, text = line[:DIGITS], line[DIGITS + 1 : -1]
    if _digits(text) != digits:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _entry(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
