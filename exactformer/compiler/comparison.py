"""The sizes of all constructions for one network, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from exactformer.compiler.driver import CONSTRUCTIONS, compile_network
from exactformer.compiler.sizes import Sizes
from exactformer.domain import Domain
from exactformer.errors import Unsupported
from exactformer.networks import Network, Transformer


@dataclass(frozen=True)
class Comparison:
    """One construction: the sizes of its Transformer, or the reason why it does not apply."""

    construction: str
    sizes: Sizes | None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The row as JSON data."""
        found: dict[str, Any] = {"reason": self.reason} if self.sizes is None else {"counts": asdict(self.sizes)}
        return {"construction": self.construction, **found}


def compare_sizes(network: Network, domain: Domain | None = None, *, arity: int = 2) -> tuple[Comparison, ...]:
    """The network compiled by every construction; `domain` and `arity` are those of `compile_network`.

    Raises `Unsupported` for a network that is a Transformer already, `InvalidInput` for a domain of another dimension
    and for an arity below 2.
    """
    if isinstance(network, Transformer):
        raise Unsupported("compile: expected a maxout or ReLU network, found a Transformer")
    return tuple(_compared(network, construction, domain, arity) for construction in CONSTRUCTIONS)


def _compared(network: Network, construction: str, domain: Domain | None, arity: int) -> Comparison:
    own = arity if construction == "tournament" else 2
    try:
        compiled = compile_network(network, construction=construction, domain=domain, arity=own)
    except Unsupported as reason:
        return Comparison(construction, None, str(reason))
    return Comparison(construction, Sizes.of(compiled.transformer))


COLUMNS = {
    "tokens": "tokens",
    "width": "width",
    "heads": "heads",
    "keys": "d_k",
    "values": "d_v",
    "attention": "attention",
    "feedforward": "feed-forward",
    "hidden": "hidden",
    "entries": "non-zero",
    "bits": "bits",
}


def comparison_text(rows: Sequence[Comparison]) -> str:
    """The rows as a table in plain text; below it the constructions that do not apply."""
    table = [["construction", *COLUMNS.values()]]
    table += [[r.construction, *(str(getattr(r.sizes, name)) for name in COLUMNS)] for r in rows if r.sizes is not None]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(x.rjust(w) for x, w in zip(row[1:], widths[1:], strict=True))])
        for row in table
    ]
    return "\n".join([*lines, *(r.reason for r in rows if r.sizes is None)])
