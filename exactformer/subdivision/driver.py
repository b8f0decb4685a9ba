"""`regions`: all linear regions of a network on a domain, exactly."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from threadpoolctl import threadpool_limits

from exactformer.arguments import POSITIVE, SECONDS, function, one_of, pool
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput
from exactformer.networks import MaxoutNetwork, Network, ReluNetwork, check_domain, check_network
from exactformer.networks.transformer import TIES, Tie, Transformer
from exactformer.subdivision.cells import ComplexCells, FoundCells
from exactformer.subdivision.engine import Part, parts_of
from exactformer.subdivision.exact import MOST_UNITS, NOTHING
from exactformer.subdivision.polytope import MOST_INPUTS
from exactformer.subdivision.program import pieces_of, program_of
from exactformer.subdivision.result import Cells, Regions
from exactformer.subdivision.search import Cell, cells_of
from exactformer.subdivision.stages import chain_of
from exactformer.work import Deadline, OutOfTime


def regions(
    network: Network,
    domain: Domain | None = None,
    *,
    tie: Tie = "average",
    timeout: float | None = None,
    jobs: int = 1,
    executor: Executor | None = None,
    shapes: bool = True,
    part: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Regions:
    """The activation regions, linear regions and affine maps of a network on a domain, counted exactly.

    The domain defaults to the network's own, then to all of R^n. Maxout and ReLU networks of at most six inputs on a
    bounded domain are cut as one polyhedral complex; other networks and domains, and Transformers (by their own
    attention patterns and ReLU signs, attention in the hard limit under a tie rule), cell by cell with exact linear
    programs. Past `timeout` seconds the result holds the regions that are finished and is not `complete`; its
    `activation_regions` is then a lower bound.

    `jobs` > 1 (or an `executor`) spreads the work over processes. A complex of more than `part` cells (by default
    30,000, fewer for more than three inputs) is divided, so that memory grows with the parts that are open;
    `shapes=False` forgets the faces of finished parts, which suffices to count. `progress` is told now and then how
    many regions are known.

    >>> from exactformer.subdivision import sawtooth
    >>> found = regions(sawtooth(depth=3))
    >>> found.activation_regions, found.linear_regions, found.distinct_affine_maps
    (27, 27, 27)

    Raises `InvalidInput` for arguments of a wrong type and when the domain does not fit the network, and `Unsupported`
    for attention scores that are quadratic in the input on some cell, since regions are then no polyhedra.
    """
    faults = Faults()
    check_network(network, "network", faults)
    check_domain(domain, faults)
    one_of(tie, TIES, "tie", faults)
    SECONDS.check(timeout, "timeout", faults, optional=True)
    POSITIVE.check(jobs, "jobs", faults)
    pool(executor, "executor", faults)
    function(progress, "progress", faults)
    POSITIVE.check(part, "part", faults, optional=True)
    faults.settle()
    domain = domain or network.domain or Domain.everything(network.inputs)
    if domain.dimension != network.inputs:
        raise InvalidInput(f"domain: expected {network.inputs} inputs, found {domain.dimension}")
    deadline = Deadline.after(timeout)
    known = 0

    def alive(cells: int) -> None:
        nonlocal known
        known = max(known, cells)
        deadline.check()
        if progress is not None:
            progress(cells)

    in_time = True
    cells: Cells
    if not isinstance(network, Transformer) and _low(network, domain):
        program = program_of(network, domain)
        parts: list[Part] = []
        try:
            with threadpool_limits(1):  # the products are small, and waiting threads of BLAS would hold up the others
                for found in parts_of(
                    program, alive, shapes=shapes, size=part, jobs=jobs, executor=executor, deadline=deadline
                ):
                    parts.append(found)
        except OutOfTime:
            in_time = False
        cells = ComplexCells(program, parts)
    else:
        single: list[Cell] = []
        try:
            for cell in cells_of(chain_of(network, tie), domain, alive):
                single.append(cell)
        except OutOfTime:
            in_time = False
        cells = FoundCells(single, network.inputs)
    return Regions(network, domain, cells, tie, None if in_time else known)


def _low(network: MaxoutNetwork | ReluNetwork, domain: Domain) -> bool:
    """Whether vertices are few enough, and the network fits the codes of its walls."""
    ranks = [pieces_of(layer)[1] for layer in network.layers]
    small = max(ranks, default=1) < NOTHING and sum(network.widths) < MOST_UNITS
    return small and 1 <= domain.dimension <= MOST_INPUTS and domain.is_bounded_box
