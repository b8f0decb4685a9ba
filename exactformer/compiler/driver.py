"""The chain of passes from any source network to a Transformer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from exactformer.arguments import ARITY, one_of
from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.gates import Step
from exactformer.compiler.maxout_to_causal_transformer import maxout_to_causal_transformer
from exactformer.compiler.maxout_to_gated_box_erasers_transformer import maxout_to_gated_box_erasers_transformer
from exactformer.compiler.maxout_to_gated_fresh_slots_transformer import maxout_to_gated_fresh_slots_transformer
from exactformer.compiler.maxout_to_gated_head_eraser_transformer import maxout_to_gated_head_eraser_transformer
from exactformer.compiler.maxout_to_gated_transformer import maxout_to_gated_transformer
from exactformer.compiler.maxout_to_global_transformer import maxout_to_global_transformer
from exactformer.compiler.maxout_to_no_residual_transformer import maxout_to_no_residual_transformer
from exactformer.compiler.maxout_to_sequential_transformer import maxout_to_sequential_transformer
from exactformer.compiler.maxout_to_single_head_transformer import maxout_to_single_head_transformer
from exactformer.compiler.maxout_to_tournament_transformer import maxout_to_tournament_transformer
from exactformer.compiler.maxout_to_two_step_transformer import maxout_to_two_step_transformer
from exactformer.compiler.relu_to_maxout import relu_to_maxout
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.networks import (
    MaxoutNetwork,
    Network,
    ReluNetwork,
    Transformer,
    check_domain,
    check_network,
    layered,
)

_PASSES: dict[str, Callable[[MaxoutNetwork, Domain], Compiled]] = {
    "gated": maxout_to_gated_transformer,
    "global": lambda network, domain: maxout_to_global_transformer(network),
    "no-residual": maxout_to_no_residual_transformer,
    "single-head": maxout_to_single_head_transformer,
    "two-step": maxout_to_two_step_transformer,
    "sequential": maxout_to_sequential_transformer,
    "tournament": maxout_to_tournament_transformer,
    "causal": maxout_to_causal_transformer,
    "gated-box-erasers": maxout_to_gated_box_erasers_transformer,
    "gated-head-eraser": maxout_to_gated_head_eraser_transformer,
    "gated-fresh-slots": maxout_to_gated_fresh_slots_transformer,
}
CONSTRUCTIONS = tuple(_PASSES)
WITH_GATES: dict[str, Callable[[MaxoutNetwork, Domain, Iterable[Step]], Compiled]] = {  # that may be given
    "gated": maxout_to_gated_transformer,
    "no-residual": maxout_to_no_residual_transformer,
    "sequential": maxout_to_sequential_transformer,
    "gated-box-erasers": maxout_to_gated_box_erasers_transformer,
    "gated-head-eraser": maxout_to_gated_head_eraser_transformer,
    "gated-fresh-slots": maxout_to_gated_fresh_slots_transformer,
}


def compile_network(
    network: Network, *, construction: str = "gated", domain: Domain | None = None, arity: int = 2
) -> Compiled:
    """The explicit Transformer that equals the network on the domain, or on all of R^n (global).

    `domain` defaults to the network's own; all constructions but `global` need one that bounds every input. `arity`
    is the number of pieces that a unit of the construction `tournament` compares at once. All equalities hold under
    every tie rule, except that of `two-step`, which needs "average".

    Raises `Unsupported` for a network that is a Transformer already, for a domain without bounds, and for more tokens
    than `single-head` allows; `InvalidInput` for arguments of a wrong type, an unknown construction, a domain of
    another dimension, or an arity that does not fit.

    >>> from exactformer import ReluNetwork
    >>> compile_network(ReluNetwork.of([([[1]], [0])], ([[1]], [0])), construction="global").transformer.tokens
    3
    """
    faults = Faults()
    check_network(network, "network", faults)
    check_domain(domain, faults)
    one_of(construction, CONSTRUCTIONS, "construction", faults)
    ARITY.check(arity, "arity", faults)
    faults.settle()
    if arity != 2 and construction != "tournament":
        raise InvalidInput(f"arity: expected 2 for the construction {construction}, found {arity!r}")
    network = layered(network)
    if isinstance(network, Transformer):
        raise Unsupported("compile: expected a maxout or ReLU network, found a Transformer")
    asked = domain
    domain = domain or network.domain or Domain.everything(network.inputs)
    if domain.dimension != network.inputs:
        raise InvalidInput(f"domain: expected {network.inputs} inputs, found {domain.dimension}")
    source = relu_to_maxout(network) if isinstance(network, ReluNetwork) else network
    if construction == "tournament":
        return maxout_to_tournament_transformer(source, domain, arity)
    compiled = _PASSES[construction](source, domain)
    return replace(compiled, transformer=replace(compiled.transformer, domain=asked or network.domain))
