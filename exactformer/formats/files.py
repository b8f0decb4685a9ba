"""Reading a network from a file and writing one, by the file's name."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from exactformer.errors import InvalidInput
from exactformer.formats import network_json, nnet
from exactformer.networks import Network

MAX_BYTES = 1 << 28


def load(path: str | Path) -> Network:
    """The network in a file: `.nnet`, or JSON of the format exactformer/network-1.

    Raises `InvalidInput`, listing every fault with its place, when the file cannot be read or is malformed.
    """
    path = Path(path)
    data = read_bytes(path)
    if path.suffix == ".nnet":
        return nnet.parse(data, str(path), default_name=path.stem)
    return network_json.parse(data, str(path), default_name=path.stem)


def save(network: Network, path: str | Path) -> None:
    """Write a network as JSON of the format exactformer/network-1; the file appears whole or not at all."""
    write_atomically(Path(path), network_json.dump(network))


def read_bytes(path: Path, *, follow: bool = True) -> bytes:
    """The bytes of an ordinary file; `follow` says whether it may be named by a symbolic link.

    Raises `InvalidInput` when it cannot be read, is a pipe or a device, or is larger than MAX_BYTES.
    """
    try:
        with open(path, "rb", opener=_opener(follow)) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise InvalidInput(f"{path}: expected a file, found a pipe or a device")
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{path}: expected a file that can be read, found: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{path}: expected a file of at most {MAX_BYTES} bytes, found a larger one")
    return data


def _opener(follow: bool) -> Callable[[str, int], int]:
    """Opens without waiting for the other end of a pipe."""
    extra = getattr(os, "O_NONBLOCK", 0) | (0 if follow else getattr(os, "O_NOFOLLOW", 0))
    return lambda path, flags: os.open(path, flags | extra)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write content to a temporary file beside `path`, then rename it. Raises `InvalidInput` when that fails."""
    temporary = None
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise InvalidInput(f"{path}: expected a place that can be written, found something that is no ordinary file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise InvalidInput(f"{path}: expected a place that can be written, found: {error.strerror or error}") from None
