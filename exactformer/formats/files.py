"""Reading a network from a file and writing one; the end of the file's name says in which format."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exactformer.arguments import as_path
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.formats import network_json, nnet
from exactformer.networks import Network, check_network

MAX_BYTES = 1 << 28


@dataclass(frozen=True)
class Format:
    """How one format is read, from bytes and the file's name and stem, and how it is written, if it is."""

    read: Callable[[bytes, str, str], Network]
    write: Callable[[Network], str] | None = None


FORMATS = {  # a new format is one module and one line here
    ".json": Format(network_json.parse, network_json.dump),
    ".nnet": Format(nnet.parse),
}


def load(path: str | os.PathLike[str]) -> Network:
    """The network in a file: JSON of the format exactformer/network-1 (`.json`), or `.nnet`, in any case of letters.

    A number in a file is the decimal or the fraction that is written: `0.1` is 1/10. Raises `InvalidInput`, listing
    every fault with its place, when the file cannot be read, is malformed, or has a name of no known format.
    """
    place = as_path(path, "load")
    data = read_bytes(place)
    return _format(place, FORMATS).read(data, str(place), place.stem)


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network as JSON of the format exactformer/network-1; the file appears whole or not at all.

    Raises `InvalidInput` for anything but a network, and for a name under which it could not be read again,
    `Unsupported` for numbers too long.
    """
    faults = Faults()
    check_network(network, "save", faults, functions=True)
    faults.settle()
    place = as_path(path, "save")
    check_name(place)
    write = FORMATS[place.suffix.lower()].write
    assert write is not None
    try:
        text = write(network)
    except Unsupported as error:
        raise Unsupported(f"{place}: {error}") from None
    write_atomically(place, text)


def check_name(path: str | os.PathLike[str]) -> None:
    """Raise `InvalidInput` for a name that does not end as a format that is written."""
    _format(as_path(path, "path"), {end: form for end, form in FORMATS.items() if form.write is not None})


def _format(path: Path, formats: dict[str, Format]) -> Format:
    found = formats.get(path.suffix.lower())
    if found is None:
        ends = " or ".join(formats)
        raise InvalidInput(f"{path}: expected a name that ends in {ends}, found {path.suffix or 'no ending'}")
    return found


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
    except ValueError:
        raise InvalidInput(f"{path}: expected a file that can be read, found a name with a null character") from None
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{path}: expected a file of at most {MAX_BYTES} bytes, found a larger one")
    return data


def _opener(follow: bool) -> Callable[[str, int], int]:
    """Opens without waiting for the other end of a pipe."""
    extra = getattr(os, "O_NONBLOCK", 0) | (0 if follow else getattr(os, "O_NOFOLLOW", 0))
    return lambda path, flags: os.open(path, flags | extra)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write content to a temporary file beside `path`, then rename it.

    Raises `InvalidInput` when that fails, and where there is something that is no ordinary file (a symbolic link, too).
    """
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
    except ValueError:
        raise InvalidInput(f"{path}: expected a place that can be written, found a null character in it") from None
