"""The steps of a proof that may be long: packed in blocks, of which one at a time is unpacked."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, overload

Step = list[Any]
BLOCK = 2_000  # steps
FAST = 1  # of the levels of compression


class Steps(Sequence[Step]):
    """Steps in order; whoever goes through them has each block of them as data for a while.

    >>> steps = Steps([["gate", "L0.u0"], ["holds"], ["holds"]])
    >>> len(steps), steps[1], list(steps.blocks())
    (3, ['holds'], [[['gate', 'L0.u0'], ['holds'], ['holds']]])
    """

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self._blocks: list[bytes] = []
        self._size = 0
        source = iter(steps)
        while block := list(islice(source, BLOCK)):
            self._size += len(block)
            self._blocks.append(zlib.compress(json.dumps(block, separators=(",", ":")).encode(), FAST))

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        if isinstance(index, slice):
            first, end, stride = index.indices(self._size)
            return self.part(first, end) if stride == 1 else list(self)[index]
        number, place = divmod(range(self._size)[index], BLOCK)
        step: Step = self._block(number)[place]
        return step

    def __iter__(self) -> Iterator[Step]:
        for block in self.blocks():
            yield from block

    def blocks(self) -> Iterator[list[Step]]:
        """The steps in lists of `BLOCK`, the last one shorter."""
        for number in range(len(self._blocks)):
            yield self._block(number)

    def part(self, first: int, end: int) -> list[Step]:
        """The steps with these numbers, the last one excluded."""
        numbers = range(first // BLOCK, -(-min(end, self._size) // BLOCK))
        some = [step for number in numbers for step in self._block(number)]
        return some[first - numbers.start * BLOCK : end - numbers.start * BLOCK] if numbers else []

    def _block(self, number: int) -> list[Step]:
        block: list[Step] = json.loads(zlib.decompress(self._blocks[number]))
        return block
