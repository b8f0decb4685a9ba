"""Reading ordinary files, of a size that is bounded."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from exactformer.errors import InvalidInput

MAX_BYTES = 1 << 28


def read_bytes(path: Path, *, follow: bool = True, start: int = 0, length: int | None = None) -> bytes:
    """The bytes of an ordinary file; `follow` says whether it may be named by a symbolic link.

    Those of a part are from number `start` on, at most `length` of them. Raises `InvalidInput` when they cannot be
    read, belong to a pipe or a device, or are more than MAX_BYTES.
    """
    try:
        with open(path, "rb", opener=_opener(follow)) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise InvalidInput(f"{path}: expected a file, found a pipe or a device")
            stream.seek(start)
            data = stream.read(MAX_BYTES + 1 if length is None else min(length, MAX_BYTES + 1))
    except OSError as error:
        raise InvalidInput(f"{path}: expected a file that can be read, found: {error.strerror or error}") from None
    except ValueError:
        raise InvalidInput(f"{path}: expected a file that can be read, found a name with a null character") from None
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{path}: expected a file of at most {MAX_BYTES} bytes, found a larger one")
    return data


def unzipped(data: bytes, source: str) -> bytes:
    """What gzip has made smaller. Raises `InvalidInput` for other data, and when it is larger than MAX_BYTES."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as stream:
            whole = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{source}: expected data made by gzip, found: {error}") from None
    if len(whole) > MAX_BYTES:
        raise InvalidInput(f"{source}: expected at most {MAX_BYTES} bytes when unpacked, found more")
    return whole


def _opener(follow: bool) -> Callable[[str, int], int]:
    """Opens without waiting for the other end of a pipe."""
    extra = getattr(os, "O_NONBLOCK", 0) | (0 if follow else getattr(os, "O_NOFOLLOW", 0))
    return lambda path, flags: os.open(path, flags | extra)
