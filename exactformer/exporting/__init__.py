"""A Transformer for other engines (ONNX, PyTorch, arrays): how near its floats are, and what engines make of it."""

from exactformer.exporting.driver import Export, export
from exactformer.exporting.folder import write_export
from exactformer.exporting.replaying import Replay, replay

__all__ = ["Export", "Replay", "export", "replay", "write_export"]
