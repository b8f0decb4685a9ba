"""Engines that run networks in floats: onnxruntime and PyTorch, each imported when it is called."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from exactformer.errors import InvalidInput, Unsupported
from exactformer.exporting.graph import Reading
from exactformer.exporting.layout import Layout
from exactformer.formats.files import read_bytes

Values = np.ndarray[Any, np.dtype[np.floating[Any]]]
TYPES = {"tensor(float)": "float32", "tensor(double)": "float64"}


@dataclass(frozen=True, eq=False)
class Engine:
    """An engine with a network in it: what it computes at one point, and in which floats."""

    name: str
    type: str
    run: Callable[[Values], Values]


def onnxruntime(path: Path, inputs: int) -> Engine:
    """An ONNX file in onnxruntime. Raises `InvalidInput` for one that it does not open, or of another size."""
    try:
        import onnxruntime as runtime
    except ImportError:
        raise Unsupported(
            f"{path}: expected the package onnxruntime, found none; pip install 'exactformer[replay]'"
        ) from None
    data = read_bytes(path)
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        opened: Any = gzip.decompress(data) if path.suffix == ".gz" else data
        session = runtime.InferenceSession(opened, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of foreign code, which has no exceptions of its own that are documented
        raise InvalidInput(f"{path}: expected a network that onnxruntime opens, found: {str(error)[:120]}") from None
    found = session.get_inputs()
    lengths = [n if isinstance(n, int) else 1 for n in found[0].shape] if len(found) == 1 else []
    if len(found) != 1 or found[0].type not in TYPES or int(np.prod(lengths)) != inputs:
        what = ", ".join(f"{each.name} {each.type} {each.shape}" for each in found)
        raise InvalidInput(f"{path}: expected one input of {inputs} floats, found {what[:120]}")

    def run(point: Values) -> Values:
        try:
            return np.asarray(session.run(None, {found[0].name: point.reshape(lengths)})[0]).reshape(-1)
        except Exception as error:
            raise InvalidInput(f"{path}: expected a network that onnxruntime runs, found: {str(error)[:120]}") from None

    return Engine(f"onnxruntime {runtime.__version__}", TYPES[found[0].type], run)


def torch(layout: Layout, reading: Reading) -> Engine | None:
    """The Transformer as a module of PyTorch; None where that is not installed."""
    if find_spec("torch") is None:
        return None
    import torch as library

    from exactformer.exporting.torch_module import module_of, tensor_of

    module = module_of(layout, reading)

    def run(point: Values) -> Values:
        with library.no_grad():
            return np.array(module(tensor_of(point[None])).reshape(-1).tolist(), layout.type)

    return Engine(f"torch {library.__version__}", layout.type, run)
