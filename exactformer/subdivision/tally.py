"""Counts of regions that are too many to keep: each group of cells is counted, written down and forgotten.

Activation regions add up. Of each affine map a number of 64 bits is kept, made of its entries modulo a prime: maps with
different numbers differ. If there are as many numbers as regions, then every region has a map of its own, and all three
counts are known; else there are at least so many maps.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from exactformer.arguments import SECONDS, function
from exactformer.documents import Document, render_html
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput
from exactformer.formats.network_json import dump
from exactformer.networks import MaxoutNetwork, Network, ReluNetwork, check_domain, check_network, layered
from exactformer.networks.semantics import Tie
from exactformer.subdivision.complex import Complex
from exactformer.subdivision.cube import cube
from exactformer.subdivision.document import document_of
from exactformer.subdivision.driver import regions, units_for
from exactformer.subdivision.engine import finished, neighbours
from exactformer.subdivision.enumeration import Groups, estimated, group_of, grown, size_of
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.maps import residues
from exactformer.subdivision.program import Program, program_of
from exactformer.subdivision.result import Regions
from exactformer.work import Deadline, OutOfTime, Record, Status, Work, check_work, spread

FIRST = 4_000  # cells that are divided into groups
MANY = 1_000_000  # regions that are counted without being kept
LARGE = 4  # a group that turns out so many times as large as it should be is divided
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits without order


@dataclass(frozen=True)
class Tally:
    """What is known of regions that were counted and not kept: as `Regions` says it, without the regions.

    `at_least` names the counts that are only lower bounds.
    """

    network: Network
    domain: Domain
    activation_regions: int
    linear_regions: int
    distinct_affine_maps: int
    complete: bool
    groups: int
    faces: tuple[int, ...] | None = None

    @property
    def at_least(self) -> tuple[str, ...]:
        """The names of those of the three counts that are lower bounds."""
        if self.complete and self.distinct_affine_maps == self.activation_regions:
            return ()
        some = ("linear_regions", "distinct_affine_maps")
        return some if self.complete else ("activation_regions", *some)

    @property
    def reason(self) -> str | None:
        """Why a count is only a lower bound, in a few words."""
        if not self.at_least:
            return None
        return "maps that may be equal are not compared among so many regions" if self.complete else "out of time"

    @property
    def tie(self) -> Tie:
        """How attention is read; maxout and ReLU networks have none."""
        return "average"

    def document(self, *, note: str = "", check: Check = unlimited) -> Document:
        """The report, for every renderer: the counts. A `note` qualifies them."""
        return document_of(self, None, note=note, check=check)

    def _repr_html_(self) -> str:
        return render_html(self.document())

    def to_json(self, *, regions: bool = False) -> dict[str, Any]:
        """The counts as JSON data, with the keys of `Regions.to_json`."""
        return {
            "activation_regions": self.activation_regions,
            "linear_regions": self.linear_regions,
            "distinct_affine_maps": self.distinct_affine_maps,
            "at_least": list(self.at_least),
            "faces": None,
            "complete": self.complete,
            "domain": self.domain.to_json(),
        }


def count(
    network: Network,
    domain: Domain | None = None,
    *,
    timeout: float | None = None,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    progress: Callable[[int], None] | None = None,
) -> Regions | Tally:
    """The three counts of `regions`, however many there are: a million or more are counted without being kept.

    Groups of some ten thousand cells are finished by as many workers as there are, in memory that does not grow with
    the number of regions (but for 8 bytes each), and are written down in the record of the `work`, if it has one: a
    run that was interrupted goes on from there. The counts do not depend on any of this. Options and errors are those
    of `regions`, which counts what is unbounded, has more than six inputs, or is small.

    >>> from exactformer.subdivision import sawtooth
    >>> count(sawtooth(depth=3)).linear_regions
    27
    """
    faults = Faults()
    check_network(network, "network", faults)
    check_domain(domain, faults)
    SECONDS.check(timeout, "timeout", faults, optional=True)
    check_work(work, jobs, executor, faults)
    function(progress, "progress", faults)
    faults.settle()
    network, how, deadline = layered(network), Work.of(work, jobs, executor), Deadline.after(timeout)
    domain = domain or network.domain or Domain.everything(network.inputs)
    if domain.dimension != network.inputs:
        raise InvalidInput(f"domain: expected {network.inputs} inputs, found {domain.dimension}")
    units = units_for(network, domain, "average") if isinstance(network, (MaxoutNetwork, ReluNetwork)) else None
    if units is not None and domain.is_bounded_box:
        program = program_of(units, domain)
        found = _many(network, domain, program, how, deadline, progress or (lambda known: None))
        if found is not None:
            return found
    left = None if timeout is None else max(1e-9, deadline.left)
    return regions(network, domain, timeout=left, work=how, shapes=False, progress=progress)


def _many(
    network: Network,
    domain: Domain,
    program: Program,
    work: Work,
    deadline: Deadline,
    progress: Callable[[int], None],
) -> Tally | None:
    """The counts if there will be many regions, else None."""

    def alive(known: int) -> None:
        deadline.check()
        progress(known)
        work.watch(Status("count", known, 0, workers=1))

    try:
        with threadpool_limits(1):
            whole = cube(program)
            size = size_of(whole) // 2  # of a group, two of which a worker may hold for a moment
            number = grown(whole, alive, min(FIRST, size))
            if number == len(whole.program.layers):
                return None
            total = estimated(whole, number, alive, size)
    except OutOfTime:
        return None
    if total < MANY:
        return None
    question = sha256(f"{dump(network)}{domain.to_json()}{FIRST}".encode()).hexdigest()
    with work.recorded() as record:
        every = Groups(whole, number, total // group_of(whole) + 2, (size, deadline))
        groups = _Groups(every, record, f"count/{question[:32]}/")
        complete = True
        try:
            groups.begin()
            for place, counted in spread(_counted, groups, work=work, deadline=deadline):
                groups.finish(place, counted)
                progress(groups.known)
                work.watch(Status("count", groups.known, groups.open, share=groups.share, workers=work.jobs))
        except OutOfTime:
            complete = False
        except BrokenExecutor as error:
            raise MemoryError(str(error)) from None
        return groups.tally(network, domain, complete)


class _Groups(Sequence[tuple[Any, ...]]):
    """The groups that are not counted yet, as arguments for workers; those that turn out large are divided."""

    def __init__(self, groups: Groups, record: Record, name: str) -> None:
        self._groups, self._record, self._name = groups, record, name
        self._todo: list[tuple[str, Any]] = []  # the name of each group, and its cells
        self._done: list[str] = []
        self.known = 0
        self.finished = 0
        self._cells = 0

    def __len__(self) -> int:
        return len(self._todo)

    def __getitem__(self, place: Any) -> Any:
        whole, cells = self._groups.whole, self._todo[place][1]
        most = LARGE * group_of(whole) if len(cells) > 1 else None
        return whole.part(cells), self._groups.number, most, *self._groups.more

    @property
    def open(self) -> int:
        """How many groups are not done."""
        return len(self._todo) - self.finished

    @property
    def share(self) -> float:
        """How much is done, about: of the cells at the beginning."""
        return self._cells / len(self._groups.centres)

    def begin(self) -> None:
        """Look which groups are counted already."""
        for number, cells in enumerate(self._groups.cells):
            self._enter(f"{self._name}{number}", cells)

    def finish(self, place: int, counted: tuple[int, bytes] | None) -> None:
        """Take into account what was counted; None for a group that is too large."""
        name, cells = self._todo[place]
        self._record.put(name, None if counted is None else [counted[0], base64.b64encode(counted[1]).decode()])
        self.finished += 1
        self._todo[place] = name, None
        self._enter(name, cells)

    def _enter(self, name: str, cells: Any) -> None:
        todo = [(name, cells)]
        while todo:
            name, cells = todo.pop()
            found = self._record.get(name)
            if name not in self._record:
                self._todo.append((name, cells))
            elif found is None:
                parts = neighbours(self._groups.centres, cells, 2 * LARGE)
                todo += [(f"{name}.{number}", part) for number, part in enumerate(parts)][::-1]
            else:
                self.known += found[0]
                self._cells += len(cells)
                self._done.append(name)

    def tally(self, network: Network, domain: Domain, complete: bool) -> Tally:
        """All counts together."""
        numbers = np.empty(self.known, np.uint64)
        first = 0
        for name in self._done:
            own = np.frombuffer(base64.b64decode(self._record.get(name)[1]), np.uint64)
            numbers[first : first + len(own)] = own
            first += len(own)
        numbers.sort()
        maps = int(np.count_nonzero(np.diff(numbers))) + (self.known > 0)
        return Tally(network, domain, self.known, maps, maps, complete, len(self._done))


def _counted(group: Complex, number: int, most: int | None, size: int, deadline: Deadline) -> tuple[int, bytes] | None:
    """How many cells a group has in the end, and a number for the map of each; None for more than `most`."""

    def alive(known: int) -> None:
        deadline.check()
        if most is not None and known > most:
            raise _TooLarge

    count, numbers = 0, []
    try:
        with threadpool_limits(1):
            for found in finished([(group, number)], alive, size):
                count += found.cells
                numbers.append(_numbers(found))
    except _TooLarge:
        return None
    return count, b"".join(numbers)


class _TooLarge(Exception):
    """A group has more cells than one worker should count at a time."""


def _numbers(found: Complex) -> bytes:
    """A number of 64 bits for the affine map of each cell."""
    entries, _ = residues(found.program, found.patterns())
    numbers = np.zeros(len(entries), np.uint64)
    for column in entries.T:
        numbers = (numbers ^ column.astype(np.uint64)) * FACTOR
        numbers ^= numbers >> np.uint64(29)
    return numbers.tobytes()
