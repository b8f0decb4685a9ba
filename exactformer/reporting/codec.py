"""Frozen data to JSON and back, driven by the field types: dataclasses, tuples, optional values, text, integers.

A field with a default was added later: data without it is read, too.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from exactformer.errors import Faults


def to_json(value: Any) -> Any:
    """The JSON data of a frozen value: objects for dataclasses, lists for tuples."""
    if dataclasses.is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [to_json(item) for item in value] if isinstance(value, tuple) else value


def from_json(kind: Any, value: Any, place: str, faults: Faults) -> Any:
    """The value of the given type in JSON data; faults are noted, and what is returned then is of no use."""
    if dataclasses.is_dataclass(kind):
        return _object(kind, value, place, faults)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return _tuple(arguments, value, place, faults)
    if origin is types.UnionType:  # only "X | None" occurs
        return None if value is None else from_json(arguments[0], value, place, faults)
    if origin is typing.Literal:
        if value not in arguments:
            faults.add(place, f"one of {', '.join(map(str, arguments))}", value)
        return value
    if type(value) is not kind:
        faults.add(place, {str: "text", int: "an integer", bool: "true or false"}[kind], value)
    return value


def _object(kind: Any, value: Any, place: str, faults: Faults) -> Any:
    hints = typing.get_type_hints(kind)
    later = {f.name for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}  # may be missing
    if not isinstance(value, dict):
        faults.add(place, "an object", value)
        return None
    for key in (value.keys() ^ hints.keys()) - (later - value.keys()):
        faults.add(place, f"the keys {', '.join(hints)}", f"key {key!r} {'unknown' if key in value else 'missing'}")
    if not value.keys() >= hints.keys() - later:
        return None
    read = ((key, hint) for key, hint in hints.items() if key in value)
    return kind(**{key: from_json(hint, value[key], f"{place}.{key}", faults) for key, hint in read})


def _tuple(arguments: tuple[Any, ...], value: Any, place: str, faults: Faults) -> tuple[Any, ...]:
    if not isinstance(value, list):
        faults.add(place, "a list", value)
        return ()
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(value) != len(arguments):
        faults.add(place, f"{len(arguments)} entries", f"{len(value)}")
    pairs = enumerate(zip(arguments, value, strict=False))
    return tuple(from_json(kind, item, f"{place}[{i}]", faults) for i, (kind, item) in pairs)
