"""A Transformer as weights by name: archives of NumPy and safetensors, which `ef.load` reads again."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

from exactformer.errors import Unsupported
from exactformer.exporting.layout import Layout
from exactformer.formats.arrays import METADATA

Arrays = dict[str, np.ndarray[Any, Any]]


def named_arrays(layout: Layout) -> Arrays:
    """The arrays of a Transformer by the names of the format: all weights, then what is no weight as integers."""
    result: Arrays = {"embedding.weights": layout.embedding.weights, "embedding.offsets": layout.embedding.biases}
    for number, block in enumerate(layout.blocks):
        place = f"blocks.{number}"
        if block.heads is not None:
            for name in ("query", "key", "value", "output"):
                result[f"{place}.heads.{name}"] = getattr(block.heads, name)
        if block.feedforward is not None:
            for name, layer in zip("12", block.feedforward, strict=True):
                result[f"{place}.feedforward.w{name}"] = layer.weights
                result[f"{place}.feedforward.b{name}"] = layer.biases
    result |= {"readout.weights": layout.readout.weights, "readout.biases": layout.readout.biases}
    flags = {"readout.token": layout.token, "residual": layout.residual, "causal": layout.causal}
    return result | {name: np.array(int(value), np.int64) for name, value in flags.items()}


def npz(arrays: Mapping[str, np.ndarray[Any, Any]], metadata: str) -> bytes:
    """An archive of NumPy, the metadata in it as the bytes of a text; the same arrays give the same bytes."""
    stream = BytesIO()
    np.savez(stream, allow_pickle=False, **arrays, **{METADATA: np.frombuffer(metadata.encode(), np.uint8)})
    return stream.getvalue()


def safetensors(arrays: Mapping[str, np.ndarray[Any, Any]], metadata: str) -> bytes:
    """A file of safetensors. Raises `Unsupported` where the package is not installed."""
    try:
        from safetensors.numpy import save
    except ImportError:
        raise Unsupported(
            "export: expected the package safetensors, found none; pip install 'exactformer[io]'"
        ) from None
    return bytes(save({name: np.asarray(each, order="C") for name, each in arrays.items()}, {METADATA: metadata}))
