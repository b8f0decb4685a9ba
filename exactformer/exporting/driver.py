"""`export`: a network as a Transformer that other engines run, and how far rounding has moved it, with a proof."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, get_args

from exactformer.arguments import one_of
from exactformer.compiler import Correspondence, compile_network
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, NumberTooLong, Unsupported
from exactformer.exporting import arrays
from exactformer.exporting.graph import Reading, graph_of
from exactformer.exporting.layout import Layout, check_size, layout_of
from exactformer.exporting.rounding import folded, rounded
from exactformer.exporting.torch_shape import state_arrays
from exactformer.formats.arrays import METADATA
from exactformer.formats.graphs import Graph
from exactformer.formats.network_json import digest
from exactformer.formats.onnx_writer import dump
from exactformer.measuring import Distance, distance
from exactformer.networks import Network, Transformer, check_domain, check_network, layered
from exactformer.networks.semantics import TIES, Semantics, Tie, read_temperature

Type = Literal["float64", "float32"]


@dataclass(frozen=True)
class Export:
    """A Transformer whose numbers are all floats of one type, beside the exact one.

    `exact` at the temperatures is what was asked for; `transformer` is what the files hold, an exact network, too. With
    temperatures they are folded into its queries, so it is read at temperature 1. Where rounding `changed` numbers,
    `distance` says how far apart the two are, with a certificate; where no bound was found, `reason` says why.
    """

    source: Network
    exact: Transformer
    transformer: Transformer
    correspondence: Correspondence | None
    temperature: tuple[Fraction, ...]
    tie: Tie
    type: Type
    changed: int
    distance: Distance | None = None
    reason: str | None = None

    @property
    def reading(self) -> Reading:
        """Softmax, or the rule for tied tokens."""
        return "softmax" if self.temperature else self.tie

    @property
    def certain(self) -> bool:
        """Whether what is exported is certainly near: nothing was rounded, or the distance is bounded."""
        return not self.changed or (self.distance is not None and self.distance.upper is not None)

    @cached_property
    def layout(self) -> Layout:
        """The arrays that all files have in common."""
        return layout_of(self.transformer, self.type)

    def graph(self) -> Graph:
        """The Transformer as operators of ONNX."""
        return graph_of(self.layout, self.reading)

    def onnx(self) -> bytes:
        """An ONNX file with the input x (batch, inputs) and the output y (batch, outputs)."""
        return dump(self.graph(), self.transformer.outputs, {METADATA: self.metadata()})

    def npz(self) -> bytes:
        """An archive of NumPy with the weights by name."""
        return arrays.npz(arrays.named_arrays(self.layout), self.metadata())

    def safetensors(self) -> bytes:
        """A file of safetensors with the weights by name."""
        return arrays.safetensors(arrays.named_arrays(self.layout), self.metadata())

    def state_dict(self) -> dict[str, Any]:
        """The weights as NumPy arrays, by the names and in the shapes of `module`."""
        return state_arrays(self.layout)

    def module(self) -> Any:
        """A `torch.nn.Module` of standard layers. Raises `Unsupported` where PyTorch is not installed."""
        from exactformer.exporting.torch_module import module_of

        return module_of(self.layout, self.reading)

    def facts(self) -> dict[str, Any]:
        """What a file says of the network in it."""
        return {
            "name": self.transformer.name,
            "attention": self.reading,
            "temperature": [str(rate) for rate in self.temperature],
            "type": self.type,
            "exact": digest(self.exact),
            "exported": digest(self.transformer),
            "rounded": self.changed,
            "correspondence": None if self.correspondence is None else self.correspondence.to_json(),
        }

    def metadata(self) -> str:
        """The same as JSON, for the files."""
        return json.dumps(self.facts(), separators=(",", ":"))


def export(
    network: Network,
    *,
    construction: str = "gated",
    arity: int = 2,
    domain: Domain | None = None,
    temperature: Any = None,
    tie: Tie = "average",
    type: Type = "float64",
    ratio: Any = 2,
    timeout: float | None = 300.0,
    seed: int = 0,
    jobs: int = 1,
) -> Export:
    """The Transformer of a network, or a Transformer as it is, with floats as its numbers.

    With a temperature (a number, or one a block) attention is softmax, else hard with a tie rule. Each number is
    rounded to the nearest of the type, temperatures folded in before. Where that changes a number, the distance
    sup |exact(x) - exported(x)| over the domain is bounded; `ratio`, `timeout`, `seed` and `jobs` are those of
    `distance`. That is said of exact networks, at temperature 1 with those that were asked for folded in; what an
    engine adds by rounding its own arithmetic, `replay` shows.

    Raises `InvalidInput` for arguments that do not fit and for numbers beyond the range of the type, `Unsupported`
    where the network has no such Transformer or one too large to be written out.

    >>> from exactformer import Box, ReluNetwork
    >>> relu = ReluNetwork.of([([["1/3"]], [0])], ([[1]], [0]), domain=Box([-1], [1]))
    >>> made = export(relu, type="float32")
    >>> made.changed, made.distance.upper
    (6, Fraction(1, 100663296))
    """
    faults = Faults()
    check_network(network, "network", faults)
    check_domain(domain, faults)
    one_of(type, get_args(Type), "type", faults)
    one_of(tie, TIES, "tie", faults)
    rates = read_temperature(temperature, "temperature", faults)
    faults.settle()
    network, correspondence = layered(network), None
    if isinstance(network, Transformer):
        if construction != "gated" or arity != 2:
            raise InvalidInput("construction: expected none for a Transformer, which is exported as it is")
        exact = network
    else:
        compiled = compile_network(network, construction=construction, domain=domain, arity=arity)
        exact, correspondence = compiled.transformer, compiled.correspondence
    semantics = Semantics(tie, rates)
    semantics.fit(exact, "temperature", faults)
    faults.settle()
    check_size(exact)
    whole = folded(exact, semantics.rates_by_number(exact))
    near = rounded(whole, type)
    made = Export(network, exact, near.transformer, correspondence, rates, tie, type, near.changed)
    return made if not near.changed else _measured(made, whole, domain, ratio, timeout, seed, jobs)


def _measured(
    made: Export, whole: Transformer, domain: Domain | None, ratio: Any, timeout: float | None, seed: int, jobs: int
) -> Export:
    """The export with how far rounding has moved it, or why that is not known.

    It is compared with the exact Transformer after the temperatures were folded in: means at one rate are as near as
    their numbers are (L5), those at different rates only as near as both are to the maximum.
    """
    rate = 1 if made.temperature else None
    try:
        found = distance(
            whole,
            made.transformer,
            domain=domain,
            left_temperature=rate,
            right_temperature=rate,
            tie=made.tie,
            ratio=ratio,
            timeout=timeout,
            seed=seed,
            jobs=jobs,
        )
    except (Unsupported, NumberTooLong) as error:
        return replace(made, reason=str(error))
    return replace(made, distance=found, reason=found.reason)
