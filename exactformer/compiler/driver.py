"""The chain of passes from any source network to a Transformer."""

from __future__ import annotations

from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.maxout_to_gated_transformer import maxout_to_gated_transformer
from exactformer.compiler.maxout_to_global_transformer import maxout_to_global_transformer
from exactformer.compiler.relu_to_maxout import relu_to_maxout
from exactformer.domain import Domain
from exactformer.errors import InvalidInput, Unsupported
from exactformer.networks import Network, ReluNetwork, Transformer

CONSTRUCTIONS = ("gated", "global")


def compile_network(network: Network, *, construction: str = "gated", domain: Domain | None = None) -> Compiled:
    """The explicit Transformer that equals the network on the domain (gated) or on all of R^n (global).

    `domain` defaults to the network's own. Raises `Unsupported` for a network that is a Transformer already and
    for a gated compile without a bounded domain, `InvalidInput` for an unknown construction or a domain of
    another dimension.
    """
    if construction not in CONSTRUCTIONS:
        raise InvalidInput(f"construction: expected one of {', '.join(CONSTRUCTIONS)}, found {construction!r}")
    if isinstance(network, Transformer):
        raise Unsupported("compile: expected a maxout or ReLU network, found a Transformer")
    domain = domain or network.domain or Domain.everything(network.inputs)
    if domain.dimension != network.inputs:
        raise InvalidInput(f"domain: expected {network.inputs} inputs, found {domain.dimension}")
    source = relu_to_maxout(network) if isinstance(network, ReluNetwork) else network
    if construction == "gated":
        return maxout_to_gated_transformer(source, domain)
    return maxout_to_global_transformer(source)
