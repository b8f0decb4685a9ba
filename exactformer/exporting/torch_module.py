"""A Transformer as a module of PyTorch: the only module that imports torch, when it is called."""

from __future__ import annotations

from typing import Any

import numpy as np

from exactformer.errors import Unsupported
from exactformer.exporting.graph import Reading
from exactformer.exporting.layout import Layout
from exactformer.exporting.torch_shape import Shape, shape_of, state_arrays


def module_of(layout: Layout, reading: Reading) -> Any:
    """The module, in evaluation mode: (batch, inputs) to (batch, outputs).

    Under softmax, attention is `torch.nn.MultiheadAttention`; hard attention has the same state and another forward.
    Raises `Unsupported` where PyTorch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise Unsupported("export: expected the package torch, found none; install PyTorch for its modules") from None
    shape = shape_of(layout)
    state = {name: tensor_of(array) for name, array in state_arrays(layout).items()}
    module = _transformer(torch, layout, shape, reading).to(getattr(torch, layout.type))
    module.load_state_dict(state)
    return module.eval()


def tensor_of(array: np.ndarray[Any, Any]) -> Any:
    """The array as a tensor, by its bytes: versions of PyTorch differ in which NumPy they know."""
    import torch

    type = getattr(torch, array.dtype.name)
    if not array.size:
        return torch.zeros(array.shape, dtype=type)
    return torch.frombuffer(bytearray(np.ascontiguousarray(array).tobytes()), dtype=type).reshape(array.shape).clone()


def _transformer(torch: Any, layout: Layout, shape: Shape, reading: Reading) -> Any:
    nn, tokens, width = torch.nn, layout.tokens, shape.width
    above = torch.ones(tokens, tokens, dtype=torch.bool).triu(1) if layout.causal else None

    class HardAttention(nn.Module):  # type: ignore[misc,name-defined]
        """Attention to the tokens of the largest score, with the state of `torch.nn.MultiheadAttention`."""

        def __init__(self) -> None:
            super().__init__()
            self.in_proj_weight = nn.Parameter(torch.zeros(3 * width, width))
            self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
            self.out_proj = nn.Linear(width, width)

        def forward(self, x: Any) -> Any:
            parts = (x @ self.in_proj_weight.T + self.in_proj_bias).reshape(*x.shape[:2], 3, shape.heads, shape.depth)
            query, key, value = parts.permute(2, 0, 3, 1, 4)
            scores = query @ key.transpose(-1, -2)
            if above is not None:
                scores = scores.masked_fill(above, -torch.inf)
            chosen = scores == scores.amax(-1, keepdim=True)
            if reading != "average":
                ranked = chosen.flip(-1) if reading == "rightmost" else chosen
                first = ranked & (ranked.long().cumsum(-1) == 1)
                chosen = first.flip(-1) if reading == "rightmost" else first
            weights = chosen.to(x.dtype) / chosen.sum(-1, keepdim=True).to(x.dtype)
            return self.out_proj((weights @ value).transpose(1, 2).reshape(x.shape))

    class Block(nn.Module):  # type: ignore[misc,name-defined]
        """The sublayers of a block that are there."""

        attention: Any
        linear1: Any
        linear2: Any

        def __init__(self, attention: bool, neurons: int | None) -> None:
            super().__init__()
            self.attention = self.linear1 = self.linear2 = None
            if attention and reading == "softmax":
                self.attention = nn.MultiheadAttention(width, shape.heads, batch_first=True)
            elif attention:
                self.attention = HardAttention()
            if neurons is not None:
                self.linear1, self.linear2 = nn.Linear(width, neurons), nn.Linear(neurons, width)

        def forward(self, x: Any) -> Any:
            if self.attention is not None:
                update = self.attention(x) if reading != "softmax" else self._softmax(x)
                x = x + update if layout.residual else update
            if self.linear1 is not None:
                update = self.linear2(torch.relu(self.linear1(x)))
                x = x + update if layout.residual else update
            return x

        def _softmax(self, x: Any) -> Any:
            return self.attention(x, x, x, attn_mask=above, need_weights=False)[0]

    class Transformer(nn.Module):  # type: ignore[misc,name-defined]
        """Tokens, each an affine map of the input; blocks; the read-out of one token."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Linear(layout.inputs, tokens * width)
            self.blocks = nn.ModuleList(
                Block(each.heads is not None, None if each.feedforward is None else len(each.feedforward[0].biases))
                for each in layout.blocks
            )
            self.readout = nn.Linear(width, len(layout.readout.biases))

        def forward(self, x: Any) -> Any:
            state = self.embedding(x).reshape(-1, tokens, width)
            for block in self.blocks:
                state = block(state)
            return self.readout(state[:, layout.token])

    return Transformer()
