"""What a reader hands over: a network, and what it assumed where the file leaves something open."""

from __future__ import annotations

from dataclasses import dataclass, replace

from exactformer.networks import Function, Network


@dataclass(frozen=True)
class Reading:
    """A network and, in a sentence each, what its reader assumed, which the network carries along.

    `attention` is how the file itself reads its heads, softmax or a tie rule; empty where it says nothing of that.
    `inputs` and `outputs` are the sizes of the tensors that stand one after the other, where there are several.
    """

    network: Network
    notes: tuple[str, ...] = ()
    attention: str = ""
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.notes and not isinstance(self.network, Function):
            object.__setattr__(self, "network", replace(self.network, notes=self.notes))
