"""How a network shows itself: in one line, and in a notebook. Its numbers are in the file that `save` writes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from exactformer.errors import printable

if TYPE_CHECKING:
    from exactformer.domain import Domain

LONG = 120  # characters of a domain


class Shown:
    """A network that is printed by its kind, name and size, whatever the number of its weights."""

    kind: str
    unnamed = "network"  # what stands for a name where there is none
    if TYPE_CHECKING:
        domain: Domain | None
        name: str

        @property
        def inputs(self) -> int:
            """The number of inputs, which may be a field."""

    @property
    def size(self) -> str:
        """The widths of its layers, or what takes their place, in a few words."""
        raise NotImplementedError

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """The name, or what stands for it."""
        return printable(self.name.strip()) or self.unnamed

    def __str__(self) -> str:
        return f"{self.kind} {self.title}: {self.size}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.title}: {self.size}>"

    def _repr_html_(self) -> str:
        domain = "R^" + str(self.inputs) if self.domain is None else str(self.domain)
        domain = domain if len(domain) <= LONG else domain[:LONG] + "..."
        rows = [("size", self.size), ("inputs", self.inputs), ("outputs", self.outputs), ("domain", domain)]
        body = "".join(f"<tr><td>{name}</td><td>{escape(str(value))}</td></tr>" for name, value in rows)
        title = f"{self.kind} {self.title}"
        return f"<table><caption>{escape(title)}</caption>{body}</table>"
