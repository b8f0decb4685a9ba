"""The steps of a proof that may be long: packed in blocks, of which one at a time is unpacked."""

from __future__ import annotations

import json
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any, overload

Step = list[Any]
BLOCK = 2_000  # steps
FAST = 1  # of the levels of compression
LINE = ",\n"  # between two steps; no step has a line break in it


@dataclass(frozen=True)
class Packed:
    """Some steps as a certificate has them, a line each, compressed: they need not be read to be passed on."""

    size: int
    data: bytes

    @staticmethod
    def of(steps: Sequence[Step]) -> Packed:
        """These steps."""
        return Packed._joined([json.dumps(step, separators=(",", ":")) for step in steps])

    @staticmethod
    def _joined(lines: Sequence[str]) -> Packed:
        return Packed(len(lines), zlib.compress(LINE.join(lines).encode(), FAST))

    def lines(self) -> list[str]:
        """The text of each step."""
        return zlib.decompress(self.data).decode().split(LINE) if self.size else []

    def steps(self) -> list[Step]:
        """The steps as data."""
        steps: list[Step] = json.loads(f"[{','.join(self.lines())}]")
        return steps

    def part(self, first: int, end: int) -> Packed:
        """The steps with these numbers, the last one excluded."""
        return self if (first, end) == (0, self.size) else Packed._joined(self.lines()[first:end])


class Steps(Sequence[Step]):
    """Steps in order; whoever goes through them has each block of them as data for a while.

    >>> steps = Steps.of([["gate", "L0.u0"], ["holds"], ["holds"]])
    >>> len(steps), steps[1], list(steps.lines())
    (3, ['holds'], ['["gate","L0.u0"]', '["holds"]', '["holds"]'])
    """

    def __init__(self, blocks: Iterable[Packed] = ()) -> None:
        self._blocks = [block for block in blocks if block.size]
        self._ends = [0, *accumulate(block.size for block in self._blocks)]

    @staticmethod
    def of(steps: Iterable[Step]) -> Steps:
        """These steps, in blocks of `BLOCK`."""
        return Steps(_packed(iter(steps)))

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Steps: ...
    def __getitem__(self, index: int | slice) -> Step | Steps:
        if isinstance(index, slice):
            first, end, stride = index.indices(len(self))
            return self._part(first, end) if stride == 1 else Steps.of(list(self)[index])
        place = range(len(self))[index]
        number = bisect_right(self._ends, place) - 1
        step: Step = json.loads(self._blocks[number].lines()[place - self._ends[number]])
        return step

    def __iter__(self) -> Iterator[Step]:
        for block in self._blocks:
            yield from block.steps()

    def lines(self) -> Iterator[str]:
        """The text of each step."""
        for block in self._blocks:
            yield from block.lines()

    def _part(self, first: int, end: int) -> Steps:
        """The steps with these numbers, the last one excluded: whole blocks stay packed."""
        near = range(max(0, bisect_right(self._ends, first) - 1), len(self._blocks))
        parts: list[Packed] = []
        for number in near:
            start, after = self._ends[number : number + 2]
            if start >= end:
                break
            parts.append(self._blocks[number].part(max(first, start) - start, min(end, after) - start))
        return Steps(parts)


def _packed(steps: Iterator[Step]) -> Iterator[Packed]:
    while block := list(islice(steps, BLOCK)):
        yield Packed.of(block)
