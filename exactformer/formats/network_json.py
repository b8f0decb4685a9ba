"""JSON of the format exactformer/network-1: maxout, ReLU and Transformer networks, functions; numbers exact."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Container, Mapping
from fractions import Fraction
from typing import Any

from exactformer.domain import Domain, read_domain
from exactformer.errors import Faults, InvalidInput, Unsupported, did_you_mean, printable
from exactformer.formats.disk import MAX_BYTES
from exactformer.formats.encoding import check_encoding
from exactformer.networks import (
    Affine,
    Block,
    Function,
    Head,
    MaxoutNetwork,
    Network,
    ReluNetwork,
    Transformer,
    check_network,
)
from exactformer.networks.affine import read_affine
from exactformer.networks.feedforward import read_maxout, read_relu
from exactformer.networks.function import read_function
from exactformer.networks.transformer import FeedForward, check_options, read_feedforward, read_head
from exactformer.rational import Matrix, Vector, array_shape, listed, number_text, ratio_text, shape_text

FORMAT = "exactformer/network-1"
LONGEST_NAME = 100  # characters of the name of a coordinate
MATRICES = ("query", "key", "value", "output")  # of a head


def parse(data: bytes, source: str, default_name: str = "") -> Network:
    """The network in `data`. Raises `InvalidInput` with all faults found; `source` names the file in them."""
    return from_object(parse_json(data, source), source, default_name)


def parse_json(data: bytes, source: str) -> Any:
    """JSON text as Python data; decimal numbers stay text. Raises `InvalidInput`: not JSON, a key twice, NaN."""
    repeated: dict[int, tuple[dict[str, Any], Counter[str]]] = {}

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            repeated[id(result)] = result, Counter(key for key, _ in pairs)
        return result

    check_encoding(data, source)
    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=unique, parse_float=str, parse_constant=str)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{source}: byte {error.start}: expected UTF-8 text, found other bytes") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{source}: line {error.lineno}, column {error.colno}: expected JSON, found: {error.msg}"
        ) from None
    except (ValueError, RecursionError) as error:
        reason = str(error).partition(";")[0]  # without Python's advice on its own limits
        raise InvalidInput(f"{source}: expected JSON of moderate depth and size, found: {reason}") from None
    if repeated:
        faults = Faults(source)
        places = _places(value, repeated)
        for number, (_, counts) in repeated.items():
            for key, count in counts.items():
                if count > 1:
                    faults.add(places.get(number, "object"), "every key once", f"key '{_short(key)}' {count} times")
        faults.settle()
    return value


def _places(value: Any, wanted: Container[int]) -> dict[int, str]:
    """Where the objects with the ids `wanted` stand in a JSON value; one that is repeated itself stands nowhere."""
    found = {}
    stack: list[tuple[Any, Any]] = [(value, None)]  # an item, and the way to it: its own key, and that of its parent
    while stack:
        item, way = stack.pop()
        if id(item) in wanted:
            found[id(item)] = _place(way)
        if isinstance(item, dict):
            stack += [(part, (key, way)) for key, part in item.items()]
        elif isinstance(item, list):
            stack += [(part, (i, way)) for i, part in enumerate(item)]
    return found


def _place(way: Any) -> str:
    """The last steps of the way to an object, outermost first."""
    steps: list[str] = []
    while way is not None and len(steps) < 8:
        key, way = way
        steps.append(f"[{key}]" if isinstance(key, int) else f".{_short(key)}")
    return ("" if way is None else "...") + "".join(reversed(steps)).removeprefix(".") or "file"


def _short(key: str) -> str:
    return printable(key if len(key) <= 20 else f"{key[:20]}...")


def from_object(value: Any, source: str, default_name: str = "") -> Network:
    """The network in parsed JSON. Raises `InvalidInput` with all faults found."""
    faults = Faults(source)
    readers = {"maxout": _feedforward, "relu": _feedforward, "transformer": _transformer, "function": _function}
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict):
        faults.add("file", "a JSON object", value)
    elif not isinstance(kind, str) or kind not in readers:
        faults.add("kind", "maxout, relu, transformer or function", kind, did_you_mean(kind, readers))
    faults.settle()
    if value.get("format", FORMAT) != FORMAT:  # a missing key is found below
        faults.add("format", FORMAT, value["format"])
    name = value.get("name", default_name)
    if not isinstance(name, str):
        faults.add("name", "text", name)
    domain = None
    if value.get("domain") is not None:
        before = len(faults.reasons)
        domain = read_domain(value["domain"], "domain", None, faults)
        if len(faults.reasons) > before:  # its dimension may mean nothing
            domain = None
    try:
        network = readers[str(kind)](value, domain, str(name), faults)
    except InvalidInput as error:
        faults.settle()
        raise InvalidInput(f"{source}: {reason}" for reason in error.reasons) from None
    faults.settle()
    assert network is not None
    return network


def _keys(value: Any, place: str, required: tuple[str, ...], optional: tuple[str, ...], faults: Faults) -> bool:
    """Whether `value` is an object with exactly the required and possibly the optional keys."""
    if not isinstance(value, dict):
        faults.add(place, "an object", value)
        return False
    missing = [key for key in required if key not in value]
    if missing:
        names = ", ".join(sorted(value)[:20]) or "(none)"
        for key in missing:
            faults.add(place, f"the key {key!r}", f"the keys {names}")
    for key in value:
        if key not in required + optional:
            hint = did_you_mean(key, (name for name in required + optional if name not in value))
            faults.add(place, f"only the keys {', '.join(required + optional)}", f"key {key!r}", hint)
    return all(key in value for key in required)


def _list(value: Any, place: str, faults: Faults) -> list[Any]:
    items = listed(value)
    if items is None:
        faults.add(place, "a list", value)
    return items or []


def _array(value: Any, dimension: int, place: str, wanted: str, faults: Faults) -> list[Any]:
    """A list that is no array of another dimension; what is in it is looked at later."""
    shape = array_shape(listed(value))
    if shape is not None and len(shape) != dimension and shape != (0,):
        faults.add(place, wanted, shape_text(value))
        return []
    return _list(value, place, faults)


def _rows(value: Any, place: str, faults: Faults) -> None:
    """Note a fault for a list of no rows: it does not say how wide the matrix is, and the kernel refuses it."""
    if value == []:
        faults.add(place, "at least one row, or a sparse matrix", "none")


def _feedforward(value: Any, domain: Domain | None, name: str, faults: Faults) -> Network | None:
    complete = _keys(value, "file", ("format", "kind", "layers", "output"), ("name", "domain"), faults)
    layers = _list(value.get("layers", []), "layers", faults)
    for number, layer in enumerate(layers):
        complete &= _keys(layer, f"layers[{number}]", ("weights", "biases"), (), faults)
    complete &= "output" not in value or _keys(value["output"], "output", ("weights", "biases"), (), faults)
    if not complete:
        return None
    _rows(value["output"]["weights"], "output.weights", faults)
    read = read_relu if value["kind"] == "relu" else read_maxout
    pairs = [(layer["weights"], layer["biases"]) for layer in layers]
    return read(pairs, (value["output"]["weights"], value["output"]["biases"]), domain, name, faults)


def _function(value: Any, domain: Domain | None, name: str, faults: Faults) -> Network | None:
    if not _keys(value, "file", ("format", "kind", "inputs", "steps"), ("name", "domain", "variables"), faults):
        return None
    return read_function(value["inputs"], value["steps"], domain, name, value.get("variables", ()), faults)


def _transformer(value: Any, domain: Domain | None, name: str, faults: Faults) -> Network | None:
    required = ("format", "kind", "embedding", "blocks", "residual", "readout")
    complete = _keys(value, "file", required, ("name", "domain", "mask", "coordinates"), faults)
    for part, keys in (("embedding", ("weights", "offsets")), ("readout", ("token", "weights", "biases"))):
        complete &= part not in value or _keys(value[part], part, keys, (), faults)
    blocks = _list(value.get("blocks", []), "blocks", faults)
    for b, block in enumerate(blocks):
        complete &= _keys(block, f"blocks[{b}]", ("heads", "feedforward"), (), faults)
    if not complete:
        return None
    maps = _array(value["embedding"]["weights"], 3, "embedding.weights", "[token][coordinate][input]", faults)
    offsets = _array(value["embedding"]["offsets"], 2, "embedding.offsets", "[token][coordinate]", faults)
    faults.settle()
    if len(maps) != len(offsets):
        faults.add("embedding.offsets", f"{len(maps)} tokens, as in weights", f"{len(offsets)}")
    embedding: list[Affine] = []
    for t, (w, b) in enumerate(zip(maps, offsets, strict=False)):
        _rows(w, f"embedding.weights[{t}]", faults)
        shape = (embedding[0].outputs, embedding[0].inputs) if embedding else (None, None)
        embedding.append(read_affine(w, b, (f"embedding.weights[{t}]", f"embedding.offsets[{t}]"), shape, faults))
    if not embedding:
        faults.add("embedding", "at least one token", "none")
        return None
    d = embedding[0].outputs
    readout = value["readout"]
    parts = tuple(_block(block, f"blocks[{b}]", d, faults) for b, block in enumerate(blocks))
    places = "readout.weights", "readout.biases"
    _rows(readout["weights"], places[0], faults)
    final = read_affine(readout["weights"], readout["biases"], places, (None, d), faults)
    check_options(value["residual"], value.get("mask"), readout["token"], len(embedding), faults)
    coordinates = _coordinates(value.get("coordinates"), d, faults)
    faults.settle()
    mask = value.get("mask")
    return Transformer(
        tuple(embedding), parts, readout["token"], final, value["residual"], mask, domain, name, coordinates
    )


def _coordinates(value: Any, d: int, faults: Faults) -> tuple[str, ...]:
    """The names of the coordinates, where they have names."""
    if value is None:
        return ()
    names = _list(value, "coordinates", faults)
    good = [isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable() for name in names]
    if not all(good) or len(names) != d or len(set(map(str, names))) != d:
        found = next((name for name, fine in zip(names, good, strict=True) if not fine), f"{len(names)} names")
        faults.add("coordinates", f"{d} different names of 1 to {LONGEST_NAME} printable characters", found)
    return tuple(map(str, names))


def _block(value: Any, place: str, d: int, faults: Faults) -> Block:
    heads, feedforward = None, None
    if value["heads"] is not None:
        items = _list(value["heads"], f"{place}.heads", faults)
        heads = tuple(
            _head(item, f"{place}.heads[{h}]", d, faults)
            for h, item in enumerate(items)
            if _keys(item, f"{place}.heads[{h}]", MATRICES, (), faults)
        )
    where = f"{place}.feedforward"
    if value["feedforward"] is not None and _keys(value["feedforward"], where, ("w1", "b1", "w2", "b2"), (), faults):
        for name in ("w1", "w2"):
            _rows(value["feedforward"][name], f"{where}.{name}", faults)
        feedforward = read_feedforward(value["feedforward"], where, d, faults)
    return Block(heads, feedforward)


def _head(value: Mapping[str, Any], place: str, d: int, faults: Faults) -> Head:
    for name in MATRICES:
        _rows(value[name], f"{place}.{name}", faults)
    return read_head(value["query"], value["key"], value["value"], value["output"], place, d, faults)


# --- writing --------------------------------------------------------------------------------------


def check_room(network: Network, least: int | None = None) -> None:
    """Raise `Unsupported` for a network whose file would be longer than files are read.

    Without the length of the file, `least`, what is certain is compared: a number takes two characters and more, and a
    maxout layer is written with its zeros.
    """
    least = 2 * _numbers(network) if least is None else least
    if least > MAX_BYTES:
        place = f"network {network.name:.40}".strip()
        raise Unsupported(
            f"{place}: expected one whose file has at most {MAX_BYTES} bytes, found at least {least} bytes"
        )


def _numbers(network: Network) -> int:
    """At least how many numbers the file of a network has."""
    if isinstance(network, MaxoutNetwork):
        sizes = [layer.pieces.weights.shape for layer in network.layers]
        return sum(rows * columns for rows, columns in sizes) + network.output.weights.nonzeros
    if isinstance(network, ReluNetwork):
        return sum(affine.weights.nonzeros for affine in (*network.layers, network.output))
    if isinstance(network, Transformer):
        parts = [part.feedforward for part in network.blocks if part.feedforward is not None]
        return sum(part.inner.weights.nonzeros + part.outer.weights.nonzeros for part in parts)
    return 0


def dump(network: Network) -> str:
    """The canonical text of a network: the same network always gives the same bytes.

    Raises `Unsupported` for a network too large to be read again, as `check_room` says.
    """
    check_room(network)
    text = _written(network)
    check_room(network, len(text))
    return text


def _written(network: Network) -> str:
    text = json.dumps(to_object(network), separators=(",", ":"), ensure_ascii=True)
    return (
        text.replace('"layers":', '\n"layers":')
        .replace('"steps":', '\n"steps":')
        .replace('"blocks":', '\n"blocks":')
        .replace('"embedding":', '\n"embedding":')
        + "\n"
    )


def digest(network: Network) -> str:
    """The SHA-256 of the canonical text: what certificates are bound to, in hexadecimal.

    Equal networks (name and domain included) have equal digests, however their files were written. Raises
    `InvalidInput` for anything but a network.
    """
    faults = Faults()
    check_network(network, "digest", faults, functions=True)
    faults.settle()
    return hashlib.sha256(dump(network).encode()).hexdigest()


def to_object(network: Network) -> dict[str, Any]:
    """The network as JSON data."""
    value: dict[str, Any] = {"format": FORMAT, "kind": network.kind, "name": network.name}
    if isinstance(network, Transformer):
        value |= _transformer_object(network)
    elif isinstance(network, Function):
        value |= {"inputs": network.inputs, "steps": [_step(step) for step in network.steps]}
        value |= {"variables": list(network.names)} if network.names else {}
    else:
        value["layers"] = [_layer(layer) for layer in _pieces(network)]
        value["output"] = {"weights": _matrix(network.output.weights), "biases": _vector(network.output.biases)}
    if network.domain is not None:
        value["domain"] = network.domain.to_json()
    return value


def _step(step: tuple[Any, ...]) -> list[int | str]:
    return [number_text(part) if isinstance(part, Fraction) else part for part in step]


def _pieces(network: MaxoutNetwork | ReluNetwork) -> list[tuple[Affine, int]]:
    if isinstance(network, ReluNetwork):
        return [(layer, 0) for layer in network.layers]
    return [(layer.pieces, layer.rank) for layer in network.layers]


def _layer(layer: tuple[Affine, int]) -> dict[str, Any]:
    affine, rank = layer
    if rank == 0:
        return {"weights": _matrix(affine.weights), "biases": _vector(affine.biases)}
    weights, biases = _dense(affine.weights), _vector(affine.biases)
    starts = range(0, len(weights), rank)
    return {"weights": [weights[i : i + rank] for i in starts], "biases": [biases[i : i + rank] for i in starts]}


def _transformer_object(network: Transformer) -> dict[str, Any]:
    weights = [_matrix(embed.weights) for embed in network.embedding]
    offsets = [_vector(embed.biases) for embed in network.embedding]
    readout = {
        "token": network.token,
        "weights": _matrix(network.readout.weights),
        "biases": _vector(network.readout.biases),
    }
    return {
        "embedding": {"weights": weights, "offsets": offsets},
        "blocks": [_block_object(block) for block in network.blocks],
        "residual": network.residual,
        "mask": network.mask,
        "readout": readout,
        **({"coordinates": list(network.coordinates)} if network.coordinates else {}),
    }


def _block_object(block: Block) -> Mapping[str, Any]:
    heads = None
    if block.heads is not None:
        heads = [{name: _matrix(getattr(head, name)) for name in MATRICES} for head in block.heads]
    return {
        "heads": heads,
        "feedforward": None if block.feedforward is None else _feedforward_object(block.feedforward),
    }


def _feedforward_object(part: FeedForward) -> dict[str, Any]:
    return {
        "w1": _matrix(part.inner.weights),
        "b1": _vector(part.inner.biases),
        "w2": _matrix(part.outer.weights),
        "b2": _vector(part.outer.biases),
    }


def _dense(matrix: Matrix) -> list[list[int | str]]:
    rows: list[list[int | str]] = [[0] * matrix.shape[1] for _ in range(matrix.shape[0])]
    for i, row in matrix.filled:
        for j, n in row:
            rows[i][j] = ratio_text(n, matrix.denominator)
    return rows


def _matrix(matrix: Matrix) -> Any:
    """Dense when at least a third of the entries are non-zero, or when it is tiny; sparse otherwise.

    A matrix without rows is sparse, since no list of its rows tells how wide it is.
    """
    size = matrix.shape[0] * matrix.shape[1]
    if matrix.shape[0] and (size <= 9 or 3 * matrix.nonzeros >= size):
        return _dense(matrix)
    entries = [[i, j, ratio_text(n, matrix.denominator)] for i, row in matrix.filled for j, n in row]
    return {"shape": list(matrix.shape), "entries": entries}


def _vector(vector: Vector) -> list[int | str]:
    return [ratio_text(n, vector.denominator) for n in vector.numerators]
