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
from exactformer.formats.reading import Reading
from exactformer.networks.feedforward import read_maxout, read_relu

NAME = re.compile(r"(?:layers\.(0|[1-9]\d{0,5})|output)\.(weights|biases)", re.ASCII)
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
    arrays = {}
    for name, tensor in found:
        with noted(f"array '{name:.40}'", faults):
            type = SHORT_NAMES.get(tensor["dtype"])
            if type is None:
                raise Refusal(f"a type among {', '.join(SHORT_NAMES)}", str(tensor["dtype"]))
            arrays[name] = of_bytes(bytes(tensor["data"]), type, tuple(tensor["shape"]))
    return _network(arrays, default_name, faults)


def _network(arrays: Arrays, name: str, faults: Faults) -> Reading:
    """The network with these weights and biases."""
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
    layers = [pairs.get(str(number), {}) for number in range(len(pairs))]
    for place, pair in (*((f"layers.{i}", pair) for i, pair in enumerate(layers)), ("output", output)):
        for part in ("weights", "biases"):
            if part not in pair:
                faults.add("arrays", f"one of the name {place}.{part}", ", ".join(sorted(arrays)) or "none")
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
