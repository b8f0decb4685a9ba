"""`regions`: all linear regions of a network on a domain, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

from threadpoolctl import threadpool_limits

from exactformer.arguments import POSITIVE, SECONDS, function, one_of
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput
from exactformer.networks import MaxoutNetwork, Network, ReluNetwork, check_domain, check_network, layered
from exactformer.networks.semantics import TIES, Tie
from exactformer.networks.transformer import Transformer
from exactformer.subdivision.cells import ComplexCells, FoundCells
from exactformer.subdivision.complex import Complex
from exactformer.subdivision.cube import cube, surface
from exactformer.subdivision.engine import Part
from exactformer.subdivision.enumeration import parts_of
from exactformer.subdivision.exact import MOST_UNITS, NOTHING
from exactformer.subdivision.heads import Inseparable, units_of
from exactformer.subdivision.polytope import MOST_INPUTS
from exactformer.subdivision.program import Composition, composed, program_of
from exactformer.subdivision.result import Cells, Regions
from exactformer.subdivision.search import Cell, cells_of
from exactformer.subdivision.stages import Chain, chain_of
from exactformer.subdivision.unbounded import UnboundedCells, framed, homogeneous
from exactformer.work import Deadline, OutOfTime, Status, Work, check_work, time_limit


def regions(
    network: Network,
    domain: Domain | None = None,
    *,
    tie: Tie = "average",
    timeout: float | None = None,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    shapes: bool = True,
    part: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Regions:
    """The activation regions, linear regions and affine maps of a network on a domain, counted exactly.

    The domain defaults to the network's own, then to all of R^n. Networks of at most six inputs are cut as one
    polyhedral complex: a Transformer by its own attention patterns and ReLU signs, attention in the hard limit under a
    tie rule. More inputs, and a Transformer with a head that is no maximum (`exactformer.subdivision.heads`), are
    searched cell by cell with exact linear programs. `timeout` is for all three counts: past
    so many seconds the result holds the regions that are finished, and its `at_least` names the counts that are lower
    bounds. Without it, maps and linear regions are counted when they are asked for.

    `jobs` > 1 (or an `executor`, see `Work`) spreads the work over processes. A complex of more than `part` cells (by
    default 30,000, fewer for more than three inputs) is divided, so that memory grows with the parts that are open;
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
    check_work(work, jobs, executor, faults)
    function(progress, "progress", faults)
    POSITIVE.check(part, "part", faults, optional=True)
    faults.settle()
    network = layered(network)
    domain = domain or network.domain or Domain.everything(network.inputs)
    if domain.dimension != network.inputs:
        raise InvalidInput(f"domain: expected {network.inputs} inputs, found {domain.dimension}")
    deadline, how = Deadline.after(timeout), Work.of(work, jobs, executor)
    known = 0
    cells: Cells

    def alive(cells: int) -> None:
        nonlocal known
        known = max(known, cells)
        deadline.check()
        if progress is not None:
            progress(known)
        how.watch(Status("count", known, 0, workers=how.jobs))

    def parts(whole: Complex) -> Iterator[Part]:
        return parts_of(whole, alive, shapes=shapes, size=part, work=how, deadline=deadline)

    try:
        with time_limit(deadline.left):  # a wide Transformer takes its time
            units = units_for(network, domain, tie)
            chain = chain_of(network, tie)
    except OutOfTime:
        cells, in_time = FoundCells([], network.inputs), False
    else:
        if units is not None:
            cells, in_time = _cut(units, domain, parts, chain if isinstance(network, Transformer) else None)
        else:
            cells, in_time = _searched(chain, domain, alive, deadline.left)
    check = None if timeout is None else deadline.check
    return Regions(network, domain, cells, tie, None if in_time else known, check)


def _cut(
    network: Composition, domain: Domain, parts_of: Callable[[Complex], Iterator[Part]], chain: Chain | None
) -> tuple[Cells, bool]:
    """The cells of a complex, and whether these are all."""
    bounded = domain.is_bounded_box
    program = program_of(network, domain) if bounded else framed(network, domain)
    parts: list[Part] = []
    in_time = True
    lifted = program
    try:
        with threadpool_limits(1):  # the products are small, and waiting threads of BLAS would hold up the others
            lifted = program if bounded else homogeneous(program)
            for found in parts_of(cube(program) if bounded else surface(lifted)):
                parts.append(found)
    except OutOfTime:
        in_time = False
    cells = ComplexCells(lifted, parts, chain)
    return (cells if bounded else UnboundedCells(program, cells, in_time)), in_time


def _searched(chain: Chain, domain: Domain, alive: Callable[[int], None], seconds: float) -> tuple[Cells, bool]:
    """The cells that linear programs find, and whether these are all."""
    single: list[Cell] = []
    in_time = True
    try:
        with time_limit(seconds):  # one step may be long: a stage of a wide Transformer, a linear program
            for cell in cells_of(chain, domain, alive):
                single.append(cell)
    except OutOfTime:
        in_time = False
    return FoundCells(single, domain.dimension), in_time


def units_for(network: MaxoutNetwork | ReluNetwork | Transformer, domain: Domain, tie: Tie) -> Composition | None:
    """The network as units to be cut as one complex; None where it has too many inputs, or heads of another kind."""
    if not 1 <= network.inputs <= MOST_INPUTS:
        return None
    try:
        units = units_of(network, domain, tie) if isinstance(network, Transformer) else composed(network)
    except Inseparable:
        return None
    small = all(layer.rank < NOTHING for layer in units.layers)  # it fits the codes of walls
    return units if small and sum(layer.width for layer in units.layers) < MOST_UNITS else None
