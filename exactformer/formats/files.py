"""Reading a network from a file and writing one; the end of the file's name says in which format."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from exactformer.arguments import as_path
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.formats import network_json, nnet
from exactformer.formats.disk import read_bytes as read_bytes
from exactformer.formats.reading import Reading
from exactformer.networks import Network, check_network


@dataclass(frozen=True)
class Format:
    """How one format is read, from bytes and the file's name and stem, and how it is written, if it is.

    Where `inside`, the names of values that are outputs, too, may be said after them.
    """

    read: Callable[..., Reading]
    write: Callable[[Network], str] | None = None
    inside: bool = False


def _noteless(parse: Callable[[bytes, str, str], Network]) -> Callable[[bytes, str, str], Reading]:
    """The reader of a format that leaves nothing open."""
    return lambda data, source, name: Reading(parse(data, source, name))


def _later(module: str, parse: str) -> Callable[..., Reading]:
    """The reader in a module that is imported when it is needed, as NumPy is slow to start."""

    def read(*given: Any) -> Reading:
        found: Reading = getattr(import_module(f"exactformer.formats.{module}"), parse)(*given)
        return found

    return read


FORMATS = {  # a new format is one module and one line here
    ".json": Format(_noteless(network_json.parse), network_json.dump),
    ".nnet": Format(_noteless(nnet.parse)),
    ".onnx": Format(_later("onnx", "parse"), inside=True),
    ".onnx.gz": Format(_later("onnx", "parse_zipped"), inside=True),
    ".npz": Format(_later("arrays", "parse_npz")),
    ".safetensors": Format(_later("arrays", "parse_safetensors")),
}
PICKLED = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")


def load(source: Any, *, shape: Sequence[int] | None = None) -> Network:
    """The network in a file, in a fitted scikit-learn MLP, in a PyTorch module or in a program of `torch.export`.

    The end of a file's name says what it is, in any case of letters: JSON of the format exactformer/network-1
    (`.json`), `.nnet`, ONNX (`.onnx`, `.onnx.gz`), weights by name (`.npz`, `.safetensors`). A number that is written
    is the decimal or the fraction that is written, `0.1` is 1/10; a binary float is the number that it is. Of a module,
    `shape` is that of one input, which may be left out where a Linear comes first. Raises `InvalidInput`, listing every
    fault with its place, when there is no network, or none that is piecewise linear; `Unsupported` without the library
    of a format.
    """
    if not isinstance(source, (str, os.PathLike)):
        from exactformer.formats import scikit, torch, torch_exported

        if torch_exported.is_program(source) and shape is None:
            return torch_exported.read(source).network
        if torch.is_module(source):
            read_module = torch_exported.read_module if torch.is_own(source) else torch.read
            return read_module(source, shape).network
        if scikit.is_estimator(source) and shape is None:
            return scikit.read(source).network
    if shape is not None:
        raise InvalidInput("shape: expected together with a module of PyTorch, without which it has no effect")
    return read(as_path(source, "load")).network


def read(path: Path, hidden: Sequence[str] = ()) -> Reading:
    """As `load`, with what was assumed where a file leaves something open.

    The values inside an ONNX graph that are named in `hidden` are outputs, too, after the others.
    """
    data = read_bytes(path)
    form = _format(path, FORMATS)
    if hidden and not form.inside:
        raise InvalidInput(
            f"{path}: expected an ONNX file, as hidden nodes are values of its graph, found {path.suffix}"
        )
    return form.read(data, str(path), path.stem, *([tuple(hidden)] if hidden else []))


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
    write = _format(place, FORMATS).write
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
    if path.suffix.lower() in PICKLED:
        found = f"found {path.suffix}, a pickle, which may run programs and is never loaded"
        other = "export it as ONNX (torch.onnx.export), .safetensors or .npz, or load the object itself in Python"
        raise InvalidInput(f"{path}: expected a file of numbers alone, {found}; {other}")
    known = [form for end, form in formats.items() if path.name.lower().endswith(end) and path.suffix]
    if not known:
        ends = " or ".join(formats)
        raise InvalidInput(f"{path}: expected a name that ends in {ends}, found {path.suffix or 'no ending'}")
    return known[0]


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
