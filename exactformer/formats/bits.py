"""The bytes of arrays of numbers, in the order of small machines (little-endian)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from exactformer.formats.graphs.graph import Refusal, Shape
from exactformer.formats.graphs.tensor import dimensions

CODES = {
    "float": "<f4",
    "double": "<f8",
    "float16": "<u2",
    "bfloat16": "<u2",
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "uint8": "<u1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
    "bool": "<u1",
}


def of_bytes(data: bytes, type: str, shape: Shape) -> np.ndarray[Any, Any]:
    """The array of a shape with these bytes. Raises `Refusal` where there are more or fewer."""
    code = CODES[type]
    length = math.prod(shape) * np.dtype(code).itemsize
    if len(data) != length:
        raise Refusal(f"{length} bytes, as its shape {dimensions(shape)} says", f"{len(data)} bytes")
    return floats(np.frombuffer(data, code), type).reshape(shape)


def floats(values: np.ndarray[Any, Any], type: str) -> np.ndarray[Any, Any]:
    """The bits of short floats as floats, all others as they are."""
    if type == "float16":
        return values.view(np.float16)
    return (values.astype(np.uint32) << 16).view(np.float32) if type == "bfloat16" else values
