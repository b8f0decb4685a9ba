"""Weights by name: archives of NumPy (`.npz`) and safetensors. Both hold numbers alone; nothing is unpickled."""

from __future__ import annotations

import lzma
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.formats.bits import of_bytes
from exactformer.formats.disk import MAX_BYTES
from exactformer.formats.graphs.graph import Refusal, noted
from exactformer.formats.graphs.tensor import check_size, dimensions
from exactformer.formats.network_json import FORMAT, MATRICES, from_object
from exactformer.formats.reading import Reading
from exactformer.networks.feedforward import read_maxout, read_relu

NAME = re.compile(r"(?:layers\.(0|[1-9]\d{0,5})|output)\.(weights|biases)", re.ASCII)
BLOCK = re.compile(r"blocks\.(0|[1-9]\d{0,5})\.(heads|feedforward)\.(\w{1,6})", re.ASCII)
FLAGS = ("readout.token", "residual", "causal")  # integers
ALWAYS = ("embedding.weights", "embedding.offsets", "readout.weights", "readout.biases", *FLAGS)
PARTS = {"heads": MATRICES, "feedforward": ("w1", "b1", "w2", "b2")}
MOST = 10_000  # arrays of one file
METADATA = "exactformer"  # what exports say of a network: nothing that it depends on
DAMAGED = (
    ValueError, EOFError, OSError, NotImplementedError, RuntimeError, KeyError, SyntaxError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
SHORT_NAMES = {
    "F16": "float16", "BF16": "bfloat16", "F32": "float", "F64": "double",
    "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64",
    "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64",
}  # fmt: skip

Arrays = Mapping[str, np.ndarray[Any, Any]]


def parse_npz(data: bytes, source: str, default_name: str = "") -> Reading:
    """The network in an archive of NumPy. Raises `InvalidInput` with all faults found; objects are never unpickled."""
    faults = Faults(source)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise InvalidInput(f"{source}: expected at most {MAX_BYTES} bytes when unpacked, found more")
            _check_count(len(entries), source)
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                with noted(f"array '{name:.40}'", faults), archive.open(entry) as stream:
                    arrays[name] = _npy(stream.read(MAX_BYTES))
    except DAMAGED as error:
        raise InvalidInput(f"{source}: expected an archive of NumPy, found: {str(error)[:80]}") from None
    return _network(arrays, default_name, faults)


def _npy(data: bytes) -> np.ndarray[Any, Any]:
    """The array in the bytes of a `.npy` file, which are all that is read and made."""
    stream = BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise Refusal("an array of the format 1.0 or 2.0", f"{version[0]}.{version[1]}")
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(stream)
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise Refusal("numbers of at most 64 bits", f"{dtype.name}{', which is never unpickled' * dtype.hasobject}")
    rest = data[stream.tell() :]
    if min(shape, default=0) < 0 or len(rest) != math.prod(shape) * dtype.itemsize:
        raise Refusal(f"as many bytes as its shape {dimensions(shape)} says", f"{len(rest)} bytes")
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C")


def parse_safetensors(data: bytes, source: str, default_name: str = "") -> Reading:
    """The network in a file of safetensors. Raises `InvalidInput` with all faults.

    Without the library, `Unsupported` is raised.
    """
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError:
        wanted = "expected the package safetensors, found none; pip install 'exactformer[io]'"
        raise Unsupported(f"{source}: {wanted}") from None
    faults = Faults(source)
    try:
        found: Any = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise InvalidInput(f"{source}: expected a safetensors file, found: {str(error)[:80]}") from None
    _check_count(len(found), source)
    arrays = {}
    for name, tensor in found:
        with noted(f"array '{name:.40}'", faults):
            type = SHORT_NAMES.get(tensor["dtype"])
            if type is None:
                raise Refusal(f"a type among {', '.join(SHORT_NAMES)}", str(tensor["dtype"]))
            arrays[name] = of_bytes(bytes(tensor["data"]), type, tuple(tensor["shape"]))
    return _network(arrays, default_name, faults)


def _check_count(count: int, source: str) -> None:
    if count > MOST:
        raise InvalidInput(f"{source}: expected at most {MOST} arrays, found {count}")


def _names(arrays: Arrays) -> str:
    """The names that are there, the first of them."""
    return ", ".join(sorted(arrays)[:5]) or "none"


def _network(arrays: Arrays, name: str, faults: Faults) -> Reading:
    """The network with these weights and biases."""
    if "embedding.weights" in arrays:
        return _transformer(arrays, name, faults)
    pairs: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    for key, array in arrays.items():
        match = NAME.fullmatch(key)
        if match is None:
            faults.add(f"array '{key:.40}'", "a name such as layers.0.weights, layers.0.biases, output.weights", key)
        else:
            with noted(f"array '{key}'", faults):
                check_size(array.size)
            pairs.setdefault("output" if match[1] is None else match[1], {})[match[2]] = array
    output = pairs.pop("output", {})
    layers, there = [pairs.get(str(number), {}) for number in range(len(pairs))], _names(arrays)
    for place, pair in (*((f"layers.{i}", pair) for i, pair in enumerate(layers)), ("output", output)):
        for part in ("weights", "biases"):
            if part not in pair:
                faults.add("arrays", f"one of the name {place}.{part}", there)
    faults.settle()
    ranks = {pair["weights"].ndim for pair in layers} or {2}
    if not ranks <= {2, 3} or len(ranks) > 1:
        faults.add("layers", "weights[unit][input], or all weights[unit][piece][input]", f"{sorted(ranks)} axes")
        faults.settle()
    read = read_relu if ranks == {2} else read_maxout
    every = [(pair["weights"], pair["biases"]) for pair in layers]
    network = read(every, (output["weights"], output["biases"]), None, name, faults)
    faults.settle()
    return Reading(network)


def _transformer(arrays: Arrays, name: str, faults: Faults) -> Reading:
    """The Transformer with these arrays, named as `exactformer export` does."""
    blocks: dict[int, dict[str, dict[str, np.ndarray[Any, Any]]]] = {}
    for key, array in arrays.items():
        match = BLOCK.fullmatch(key)
        if key == METADATA:
            continue
        with noted(f"array '{key:.40}'", faults):
            check_size(array.size)
        if match is not None and match[3] in PARTS[match[2]]:
            blocks.setdefault(int(match[1]), {}).setdefault(match[2], {})[match[3]] = array
        elif key not in ALWAYS:
            wanted = "a name such as embedding.weights, blocks.0.heads.query, blocks.0.feedforward.w1, readout.weights"
            faults.add(f"array '{key:.40}'", wanted, key)
    there = _names(arrays)
    for missing in (key for key in ALWAYS if key not in arrays):
        faults.add("arrays", f"one of the name {missing}", there)
    for number, block in blocks.items():
        if number > 0 and number - 1 not in blocks:
            faults.add("arrays", f"a block {number - 1} before block {number}", "none")
        for part, found in block.items():
            for missing in (key for key in PARTS[part] if key not in found):
                faults.add("arrays", f"one of the name blocks.{number}.{part}.{missing}", there)
    faults.settle()
    flags = [_flag(key, arrays[key], faults) for key in FLAGS]
    for key, axes in (("embedding.weights", 3), ("embedding.offsets", 2)):
        if arrays[key].ndim != axes:
            faults.add(f"array '{key}'", f"{axes} axes", f"shape {dimensions(arrays[key].shape)}")
    made = [_block(blocks[number], f"blocks.{number}", faults) for number in sorted(blocks)]
    faults.settle()
    value = {
        "format": FORMAT,
        "kind": "transformer",
        "name": name,
        "embedding": {part: arrays[f"embedding.{part}"].tolist() for part in ("weights", "offsets")},
        "blocks": made,
        "residual": bool(flags[1]),
        "mask": "causal" if flags[2] else None,
        "readout": {"token": flags[0]} | {part: _rows(arrays[f"readout.{part}"]) for part in ("weights", "biases")},
    }
    return Reading(from_object(value, faults.source))


def _flag(key: str, array: np.ndarray[Any, Any], faults: Faults) -> int:
    """One integer; all but the token are 0 or 1."""
    if array.size != 1 or array.dtype.kind not in "iu":
        faults.add(f"array '{key}'", "one integer", f"{array.dtype.name} of shape {dimensions(array.shape)}")
        return 0
    value = int(array.reshape(-1)[0])
    if key != FLAGS[0] and value not in (0, 1):
        faults.add(f"array '{key}'", "0 or 1", f"{value}")
    return value


def _block(parts: Mapping[str, Mapping[str, np.ndarray[Any, Any]]], place: str, faults: Faults) -> dict[str, Any]:
    """A block as JSON has it, but for its arrays."""
    heads, tokenwise = parts.get("heads"), parts.get("feedforward")
    result: dict[str, Any] = {
        "heads": None,
        "feedforward": None if tokenwise is None else {name: _rows(array) for name, array in tokenwise.items()},
    }
    if heads is None:
        return result
    shapes = {name: heads[name].shape for name in MATRICES}
    if any(len(shape) != 3 for shape in shapes.values()) or len({shape[0] for shape in shapes.values()}) > 1:
        found = ", ".join(f"{name} {dimensions(shape)}" for name, shape in shapes.items())
        faults.add(f"{place}.heads", "four arrays [head][row][column] of as many heads", found)
        return result
    count = heads["query"].shape[0]
    return result | {"heads": [{name: _rows(heads[name][h]) for name in MATRICES} for h in range(count)]}


def _rows(array: np.ndarray[Any, Any]) -> Any:
    """The array as nested lists; a matrix without rows as JSON has it, which says how wide it is."""
    if array.ndim == 2 and not len(array):
        return {"shape": list(array.shape), "entries": []}
    return array.tolist()
