"""Reading a network from a file and writing one, by the file's name."""

from __future__ import annotations

import os
import tempfile
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


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises `InvalidInput` when it cannot be read or is larger than MAX_BYTES."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{path}: expected a file that can be read, found: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{path}: expected a file of at most {MAX_BYTES} bytes, found a larger one")
    return data


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write content to a temporary file beside `path`, then rename it. Raises `InvalidInput` when that fails."""
    temporary = None
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
