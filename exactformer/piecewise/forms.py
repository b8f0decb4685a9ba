"""All networks for one function side by side: their sizes, and the proof that each equals it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from exactformer.arguments import one_of
from exactformer.errors import Faults, Unsupported
from exactformer.networks import MaxoutNetwork, ReluNetwork
from exactformer.piecewise.cpwl import CPWL, check_function
from exactformer.piecewise.cpwl_to_max_min import cpwl_to_max_min
from exactformer.piecewise.cpwl_to_one_layer import cpwl_to_one_layer
from exactformer.piecewise.cpwl_to_relu import cpwl_to_relu
from exactformer.piecewise.cpwl_to_sum_of_maxima import cpwl_to_sum_of_maxima
from exactformer.piecewise.cpwl_to_two_maxima import cpwl_to_two_maxima
from exactformer.piecewise.sweep import equals

Objective = Literal["units", "depth", "rank"]
OBJECTIVES: tuple[Objective, ...] = ("units", "depth", "rank")

# A pass, with what its theorem says of the size for n inputs.
_PASSES: dict[str, tuple[Callable[[CPWL], MaxoutNetwork | ReluNetwork], str]] = {
    "max-min": (cpwl_to_max_min, "depth 2"),
    "two-maxima": (cpwl_to_two_maxima, "depth 1, 2 units"),
    "sum-of-maxima": (cpwl_to_sum_of_maxima, "depth 1, rank n + 1"),
    "one-layer": (cpwl_to_one_layer, "depth 1, rank 2"),
    "relu": (cpwl_to_relu, "depth ceil(log2(n + 1))"),
}
FORMS = tuple(_PASSES)


@dataclass(frozen=True)
class Form:
    """One construction: the network that equals the function, or the reason why it does not apply.

    `bound` is what its theorem says, at most; `proved` says that network and function were found equal, piece for piece
    on their common cells.
    """

    construction: str
    bound: str
    network: MaxoutNetwork | ReluNetwork | None
    proved: bool = False
    reason: str = ""

    @property
    def units(self) -> int:
        """The number of units of all layers."""
        return 0 if self.network is None else sum(self.network.widths)

    @property
    def depth(self) -> int:
        """The number of layers with units."""
        return 0 if self.network is None else len(self.network.layers)

    @property
    def rank(self) -> int:
        """The largest number of pieces of a unit; a ReLU has two."""
        if isinstance(self.network, ReluNetwork):
            return 2 if self.network.layers else 1
        return 0 if self.network is None else self.network.rank

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return 0 if self.network is None else self.network.parameters


def forms_of(f: CPWL) -> tuple[Form, ...]:
    """The networks of all constructions, each proved equal to the function on its domain."""
    return tuple(form_of(f, construction) for construction in FORMS)


def form_of(f: CPWL, construction: str, *, prove: bool = True) -> Form:
    """The network of one construction; unless `prove` is False, with the proof that it equals the function.

    The proof cuts the domain into the network's own regions, and compares their maps with the pieces of the function:
    no step of the construction takes part in it. Raises `InvalidInput` for an unknown construction.
    """
    check_function(f)
    faults = Faults()
    one_of(construction, FORMS, "construction", faults)
    faults.settle()
    build, bound = _PASSES[construction]
    try:
        network = build(f)
    except Unsupported as reason:
        return Form(construction, bound, None, reason=str(reason))
    form = Form(construction, bound, network)
    return proved(f, form) if prove else form


def proved(f: CPWL, form: Form) -> Form:
    """The form with the proof that its network equals the function."""
    assert form.network is not None
    if not equal_to(f, form.network):
        raise AssertionError(f"{form.construction}: the network does not equal its function")
    return replace(form, proved=True)


def equal_to(f: CPWL, network: MaxoutNetwork | ReluNetwork) -> bool:
    """Whether a network equals a function on the domain of the function, exactly."""
    if f.inputs == 1 and len(network.layers) <= 1:
        return equals(f, network)
    return CPWL.of_network(network, f.domain).differs(f) is None


def network_of(f: CPWL, objective: Objective = "units") -> MaxoutNetwork | ReluNetwork:
    """The network with the fewest units, the least depth or the least rank, then by the other sizes; proved equal.

    Raises `InvalidInput` for another objective.
    """
    faults = Faults()
    one_of(objective, OBJECTIVES, "objective", faults)
    faults.settle()
    orders: dict[str, Callable[[Form], tuple[int, ...]]] = {
        "units": lambda form: (form.units, form.depth, form.rank, form.parameters),
        "depth": lambda form: (form.depth, form.units, form.rank, form.parameters),
        "rank": lambda form: (form.rank, form.depth, form.units, form.parameters),
    }
    found = [form_of(f, construction, prove=False) for construction in FORMS]
    best = min((form for form in found if form.network is not None), key=orders[objective])
    found_network = proved(f, best).network
    assert found_network is not None
    return found_network


def forms_text(forms: Sequence[Form]) -> str:
    """The forms as a table in plain text; below it the constructions that do not apply."""
    head = ["construction", "units", "depth", "rank", "parameters", "equal", "at most"]
    table = [head] + [
        [
            form.construction,
            *map(str, (form.units, form.depth, form.rank, form.parameters)),
            "proved" if form.proved else "not asked",
            form.bound,
        ]
        for form in forms
        if form.network is not None
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(x.rjust(w) for x, w in zip(row[1:5], widths[1:5], strict=True)),
                row[5].ljust(widths[5]),
                row[6],
            ]
        )
        for row in table
    ]
    return "\n".join([*lines, *(form.reason for form in forms if form.network is None)])
