"""ONNX files as graphs: the only module that imports the package onnx, of which it uses the parser alone.

Nothing in a file is believed: sizes are compared with the bytes that are there before anything is made of them, and
data beside the file is opened only inside its folder, never through a link.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.formats.bits import CODES, floats, of_bytes
from exactformer.formats.disk import read_bytes, unzipped
from exactformer.formats.graphs.fold import ALL
from exactformer.formats.graphs.graph import FLOATS, Array, Graph, Node, Refusal, noted
from exactformer.formats.graphs.joining import Input, joined
from exactformer.formats.graphs.operators import OPSETS
from exactformer.formats.graphs.reader import network_of
from exactformer.formats.graphs.tensor import MAX_AXES, check_size, dimensions
from exactformer.formats.reading import Reading

FIELDS = {  # where the numbers of a type lie that are not in raw data; others: int32_data
    "float": "float_data",
    "double": "double_data",
    "int64": "int64_data",
    "uint32": "uint64_data",
    "uint64": "uint64_data",
}
TYPED = ("to", "output_dtype")  # attributes that are numbers of types


def parse(data: bytes, source: str, default_name: str = "", hidden: Sequence[str] = ()) -> Reading:
    """The network in an ONNX file at the path `source`, where data beside it is looked for.

    The values that are named in `hidden` are outputs, too, after the others.

    Raises `InvalidInput` with every reason why it is not read, each with its node or tensor, and `Unsupported` where
    the package onnx is not installed.
    """
    return network_of(read_graph(data, source, hidden), source, default_name)


def parse_zipped(data: bytes, source: str, default_name: str = "", hidden: Sequence[str] = ()) -> Reading:
    """As `parse`, for a file that gzip has made smaller."""
    return parse(unzipped(data, source), source, default_name.removesuffix(".onnx"), hidden)


def read_graph(data: bytes, source: str, hidden: Sequence[str] = ()) -> Graph:
    """The graph in an ONNX file. Raises `InvalidInput` for what is damaged, of another kind or open."""
    model = _model(data, source)
    faults = Faults(source, ALL)
    _check_model(model, faults)
    graph, folder = model.graph, Path(source).parent
    constants: dict[str, Array] = {}
    for tensor in graph.initializer:
        if not tensor.name or tensor.name in constants:
            faults.add(f"tensor '{tensor.name:.40}'", "a name of its own", "one that is there already")
        with noted(f"tensor '{tensor.name:.40}'", faults):
            constants[tensor.name] = _array(tensor, folder)
    for sparse in graph.sparse_initializer:
        faults.add(f"tensor '{sparse.values.name:.40}'", "a dense tensor", "a sparse one")
    known = {tensor.name for tensor in graph.initializer}
    inputs = [each for each in graph.input if each.name not in known]
    nodes = tuple([_node(i, node, folder, faults) for i, node in enumerate(graph.node)])
    for what, count in (("input", len(inputs)), ("output", len(graph.output))):
        if not count:
            faults.add("graph", f"at least one {what}", "none")
    notes: list[str] = []
    read = [_input(each, faults, notes) for each in inputs]
    faults.settle()
    made: Graph | None = None
    with noted("inputs", faults):
        made = joined(read, constants, nodes, [*(each.name for each in graph.output), *hidden], notes)
    faults.settle()
    assert made is not None
    return made


def _model(data: bytes, source: str) -> Any:
    """The file as protobuf understands it."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise Unsupported(f"{source}: expected the package onnx, found none; pip install 'exactformer[io]'") from None
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError:
        raise InvalidInput(f"{source}: expected an ONNX file, found other or damaged data") from None
    if not model.HasField("graph") or (not model.graph.node and not model.graph.output):
        raise InvalidInput(f"{source}: expected an ONNX file, found other data, without a graph")
    if not _in_unicode(model):
        raise InvalidInput(f"{source}: expected names in UTF-8, found other bytes")
    return model


def _in_unicode(message: Any) -> bool:
    """Whether all texts of a message are: protobuf hands out others as bytes, without a word."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            if any(isinstance(text, bytes) for text in ([value] if isinstance(value, (str, bytes)) else value)):
                return False
        elif field.type == field.TYPE_MESSAGE and not all(
            map(_in_unicode, [value] if hasattr(value, "ListFields") else value)
        ):
            return False
    return True


def _check_model(model: Any, faults: Faults) -> None:
    versions = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    if len(versions) != 1 or versions[0] not in OPSETS:
        wanted = f"one version of ONNX's operators (opset), from {OPSETS[0]} to {OPSETS[-1]}"
        faults.add("opset_import", wanted, f"{', '.join(map(str, versions)) or 'none'}")
    if model.functions:
        faults.add("functions", "none: every node an operator of ONNX", f"{len(model.functions)}")


def _input(value: Any, faults: Faults, notes: list[str]) -> Input:
    """An input with its shape and type; what is assumed of its first axis is noted."""
    place = f"input '{value.name:.40}'"
    tensor = value.type.tensor_type
    type = _type_name(tensor.elem_type)
    if not value.type.HasField("tensor_type") or type not in FLOATS:
        faults.add(place, f"a tensor of a type among {', '.join(FLOATS)}", type)
    elif not tensor.HasField("shape"):
        faults.add(place, "a shape", "none")
    lengths = []
    for i, axis in enumerate(tensor.shape.dim):
        open_ended = axis.WhichOneof("value") != "dim_value"
        if open_ended and i == 0 and len(tensor.shape.dim) > 1:
            word = f" ({axis.dim_param:.40})" if axis.dim_param else ""
            notes.append(f"{place}: the length of the first axis{word} is not said: taken as a batch of 1")
            lengths.append(1)
        elif open_ended or axis.dim_value < 1:
            hint = "; export the network for inputs of one shape" if open_ended else ""
            faults.add(f"{place}, axis {i}", "a length of at least 1", axis.dim_param or f"{axis.dim_value}", hint)
        else:
            lengths.append(axis.dim_value)
    with noted(place, faults):
        check_size(math.prod(lengths))
        if len(lengths) > MAX_AXES:
            raise Refusal(f"at most {MAX_AXES} axes", f"{len(lengths)}")
    return Input(value.name, tuple(lengths), type)


def _node(number: int, node: Any, folder: Path, faults: Faults) -> Node:
    domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
    place = f"node '{node.name:.60}' ({node.op_type:.40})" if node.name else f"node {number} ({node.op_type:.40})"
    attributes: dict[str, Any] = {}
    for name, count in Counter(each.name for each in node.attribute).items():
        if count > 1:
            faults.add(place, "every attribute once", f"{name} {count} times")
    for each in node.attribute:
        with noted(f"{place}, attribute {each.name:.40}", faults):
            value = _attribute(each, folder)
            attributes[each.name] = _type_name(value) if each.name in TYPED and isinstance(value, int) else value
    return Node(f"{domain}{node.op_type}", tuple(node.input), tuple(node.output), attributes, place)


def _attribute(attribute: Any, folder: Path) -> Any:
    """The value of an attribute: an int, a float, a str, an Array, or a list."""
    kinds = attribute.AttributeType
    if attribute.ref_attr_name:
        raise Refusal("a value", f"a reference to {attribute.ref_attr_name:.40}")
    if attribute.type == kinds.INT:
        return int(attribute.i)
    if attribute.type == kinds.INTS:
        return list(attribute.ints)
    if attribute.type in (kinds.FLOAT, kinds.FLOATS):
        floats = list(attribute.floats) if attribute.type == kinds.FLOATS else [attribute.f]
        if not all(map(math.isfinite, floats)):
            raise Refusal("finite numbers", f"{floats}")
        return floats if attribute.type == kinds.FLOATS else floats[0]
    if attribute.type == kinds.STRING:
        return attribute.s.decode("utf-8", "backslashreplace")
    if attribute.type == kinds.TENSOR:
        return _array(attribute.t, folder)
    raise Refusal("numbers, a text or a tensor", _name_of(kinds, attribute.type))


def _type_name(number: int) -> str:
    """The name of a type of numbers, in small letters."""
    import onnx

    return _name_of(onnx.TensorProto.DataType, number).lower()


def _name_of(kinds: Any, number: int) -> str:
    return str(kinds.Name(number)) if number in kinds.values() else f"number {number}"


# --- tensors ---------------------------------------------------------------------------------------


def _array(tensor: Any, folder: Path) -> Array:
    """The constant in a tensor. Raises `Refusal` when its bytes are missing, too few, too many or elsewhere."""
    type, shape = _type_name(tensor.data_type), tuple(tensor.dims)
    if type not in CODES:
        raise Refusal(f"a type among {', '.join(CODES)}", type)
    if len(shape) > MAX_AXES or min(shape, default=0) < 0:
        raise Refusal(f"at most {MAX_AXES} axes of lengths >= 0", f"shape {dimensions(shape[:MAX_AXES])}")
    size = math.prod(shape)
    check_size(size)
    if tensor.HasField("segment"):
        raise Refusal("a whole tensor", "a segment of one")
    if tensor.data_location == tensor.EXTERNAL:
        return Array(of_bytes(_outside(tensor, folder), type, shape), type)
    if tensor.HasField("raw_data"):
        return Array(of_bytes(tensor.raw_data, type, shape), type)
    field = FIELDS.get(type, "int32_data")
    numbers: Sequence[Any] = getattr(tensor, field)
    if len(numbers) != size:
        raise Refusal(f"{size} numbers, as its shape {dimensions(shape)} says", f"{len(numbers)}")
    wide = np.array(numbers, np.float64 if type in ("float", "double") else np.uint64 if "u" in field else np.int64)
    values = wide.astype(CODES[type])
    if values.dtype.kind != "f" and (values != wide).any():
        raise Refusal(f"numbers of the type {type}", "one beyond its range")
    return Array(floats(values, type).reshape(shape), type)


def _outside(tensor: Any, folder: Path) -> bytes:
    """The bytes of a tensor that lie in a file beside this one, in its folder or below."""
    said = {entry.key: entry.value for entry in tensor.external_data}
    name = said.get("location", "")
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise Refusal("a file in the folder of the network, or below", f"the location '{name:.40}'")
    numbers = {key: said.get(key, "") for key in ("offset", "length")}
    if any(text and not (text.isascii() and text.isdigit() and len(text) < 16) for text in numbers.values()):
        raise Refusal("an offset and a length that are integers >= 0", f"{numbers}")
    place = folder
    for part in path.parts:
        place = place / part
        if os.path.islink(place):
            raise Refusal("a file that is no link, in no linked folder", f"a link, '{name:.40}'")
    length = int(numbers["length"]) if numbers["length"] else None
    try:
        return read_bytes(place, follow=False, start=int(numbers["offset"] or 0), length=length)
    except InvalidInput as error:
        why = error.reasons[0].rpartition(", found")[2].strip(": ")
        raise Refusal("a file beside the network that can be read", f"{why}, '{name:.40}'") from None
