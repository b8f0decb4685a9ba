"""Checks of what functions are made from; every fault is noted with its place."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from exactformer.domain import Domain
from exactformer.errors import Faults, shown
from exactformer.networks import check_domain
from exactformer.rational import listed, read_vector


def check_ground(domain: Any, dimension: int, faults: Faults) -> None:
    """Note a fault unless the value is None or a domain of so many inputs."""
    check_domain(domain, faults)
    if isinstance(domain, Domain) and domain.dimension != dimension:
        faults.add("domain", f"{dimension} inputs", f"{domain.dimension}")


def check_ascending(numbers: Sequence[Fraction], place: str, faults: Faults) -> None:
    """Note the first number that is not larger than the one before it."""
    for i in range(1, len(numbers)):
        if numbers[i] <= numbers[i - 1]:
            faults.add(f"{place}[{i}]", f"a number larger than {numbers[i - 1]}", f"{numbers[i]}")
            return


def read_nested(data: Any, place: str, shape: tuple[int, ...], found: list[Fraction], faults: Faults) -> None:
    """Append the numbers in nested lists of a shape, row by row."""
    if len(shape) <= 1:
        found += read_vector(data, place, shape[0] if shape else 0, faults).fractions()
        return
    items = listed(data)
    if items is None or len(items) != shape[0]:
        faults.add(place, f"{shape[0]} lists", shown(data) if items is None else f"{len(items)}")
        return
    for i, item in enumerate(items):
        read_nested(item, f"{place}[{i}]", shape[1:], found, faults)


def read_simplices(data: Any, dimension: int, count: int, faults: Faults) -> list[tuple[int, ...]]:
    """The simplices, each as the numbers of its n + 1 points."""
    items = listed(data)
    if not items:
        faults.add("simplices", "a list of lists of numbers of points", shown(data))
        return []
    found = []
    for i, item in enumerate(items):
        numbers = item if isinstance(item, list) else []
        fits = all(type(k) is int and 0 <= k < count for k in numbers)
        if len(numbers) != dimension + 1 or not fits:
            faults.add(f"simplices[{i}]", f"{dimension + 1} numbers of points, from 0 to {count - 1}", item)
        else:
            found.append(tuple(numbers))
    return found
