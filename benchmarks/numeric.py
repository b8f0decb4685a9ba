"""Float64 batches: a ReLU network, its compiled Transformer, and plain dense forwards of the same two sets of weights.

The dense forwards multiply the matrices as they stand, all tokens and all heads at once: in NumPy, and in
torch where it is installed. CPU seconds of one thread a point, the least of several rounds taken in turn, and ratios.
Usage: OPENBLAS_NUM_THREADS=1 python benchmarks/numeric.py [--small] [FILE]
FILE is a ReLU network with a box, such as ACASXU_experimental_v2a_1_1.nnet; default: a seeded one, 5-50x6-5.
"""

from __future__ import annotations

import argparse
import importlib
import random
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

import exactformer as ef
from exactformer.compiler import compile_network
from exactformer.networks import Affine, FeedForward, Head, Transformer
from exactformer.numeric import compile_numeric
from exactformer.rational import Matrix

Forward = Callable[[Any], Any]


def network(inputs: int, widths: Sequence[int], outputs: int) -> ef.ReluNetwork:
    """A ReLU network with weights that are multiples of 1/64, on [-1, 1]^n."""
    r = random.Random(1)

    def layer(high: int, low: int) -> tuple[list[list[Fraction]], list[Fraction]]:
        weights = [[Fraction(round(r.gauss(0, low**-0.5) * 64), 64) for _ in range(low)] for _ in range(high)]
        return weights, [Fraction(round(r.gauss(0, 0.5) * 64), 64) for _ in range(high)]

    sizes = [inputs, *widths]
    layers = [layer(high, low) for low, high in zip(sizes, widths, strict=False)]
    return ef.ReluNetwork.of(layers, layer(outputs, widths[-1]), domain=ef.Domain.box(inputs, -1, 1))


def dense(matrix: Matrix) -> Any:
    return np.array(matrix.dense(), dtype=np.float64).reshape(matrix.shape)


def affine(part: Affine, library: Any) -> tuple[Any, Any]:
    biases = np.array(part.biases.fractions(), dtype=np.float64)
    return library.asarray(dense(part.weights).T.copy()), library.asarray(biases)


def dense_source(source: ef.ReluNetwork, library: Any) -> Forward:
    """The layers one after another, points first."""
    layers, (last, bias) = [affine(part, library) for part in source.layers], affine(source.output, library)

    def forward(x: Any) -> Any:
        for weights, biases in layers:
            x = (x @ weights + biases).clip(0)
        return x @ last + bias

    return forward


def dense_compiled(compiled: Transformer, library: Any) -> Forward:
    """All weights of a gated Transformer as they stand, points first; its heads, of size 1, together."""
    embedding = [affine(part, library) for part in compiled.embedding]
    readout, bias = affine(compiled.readout, library)
    sublayers: list[Forward] = []
    for block in compiled.blocks:
        sublayers += [] if block.heads is None else [dense_heads(block.heads, library)]
        sublayers += [] if block.feedforward is None else [dense_neurons(block.feedforward, library)]

    def forward(x: Any) -> Any:
        state = library.stack([x @ w + b for w, b in embedding], 1)
        for sublayer in sublayers:
            state = state + sublayer(state)
        return state[:, compiled.token] @ readout + bias

    return forward


def dense_heads(heads: Sequence[Head], library: Any) -> Forward:
    """Heads of size 1 on states (points, tokens, width); tied tokens share the weight."""
    query, key, value = (
        library.asarray(np.concatenate([dense(getattr(h, name)) for h in heads]).T.copy())
        for name in ("query", "key", "value")
    )
    output = library.asarray(np.concatenate([dense(h.output) for h in heads], axis=1).T.copy())
    one = library.ones(1, dtype=library.float64)

    def forward(state: Any) -> Any:
        queries, keys, values = state @ query, state @ key, state @ value
        scores = queries[:, :, None] * keys[:, None]
        best = one * (scores == library.amax(scores, 2)[:, :, None])
        return ((best * values[:, None]).sum(2) / best.sum(2)) @ output

    return forward


def dense_neurons(part: FeedForward, library: Any) -> Forward:
    """The feed-forward sublayer on states (points, tokens, width)."""
    (w1, b1), (w2, b2) = affine(part.inner, library), affine(part.outer, library)
    return lambda state: (state @ w1 + b1).clip(0) @ w2 + b2


def on_tensors(torch: Any, forward: Forward, points: Any) -> Any:
    return forward(torch.from_numpy(points)).numpy()


def seconds(forwards: dict[str, Forward], points: Any, rounds: int) -> dict[str, float]:
    """The least CPU seconds of one call each, taken in turn."""
    repeat = max(1, 300 // len(points))
    best = dict.fromkeys(forwards, float("inf"))
    for _ in range(rounds if len(points) < 1000 else 3):
        for name, forward in forwards.items():
            started = time.process_time()
            for _ in range(repeat):
                forward(points)
            best[name] = min(best[name], (time.process_time() - started) / repeat)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--small", action="store_true", help="one small network, few points")
    options = parser.parse_args()
    size = (3, [4, 4], 2) if options.small else (5, [50] * 6, 5)
    source = ef.load(options.file) if options.file else network(*size)
    assert isinstance(source, ef.ReluNetwork) and source.domain is not None
    compiled = compile_network(source, construction="gated").transformer
    started = time.process_time()
    prepared = compile_numeric(compiled)
    print(f"compile_numeric: {time.process_time() - started:.3f} s; width {compiled.width}, {compiled.tokens} tokens")
    ready = compile_numeric(source)
    forwards: dict[str, Forward] = {
        "source": lambda x: ef.evaluate_batch(ready, x),
        "compiled": lambda x: ef.evaluate_batch(prepared, x),
        "NumPy source": dense_source(source, np),
        "NumPy compiled": dense_compiled(compiled, np),
    }
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        torch = None
    if torch is not None:
        torch.set_num_threads(1)
        for name, forward in (("source", dense_source(source, torch)), ("compiled", dense_compiled(compiled, torch))):
            forwards[f"torch {name}"] = partial(on_tensors, torch, forward)
    lower, upper = (np.array([float(b or 0) for b in ends]) for ends in (source.domain.lower, source.domain.upper))
    generator = np.random.default_rng(1)
    others = [name for name in forwards if name != "compiled"]
    print(f"{'points':>7} {'compiled, us a point':>21}  compiled / " + ", ".join(others))
    for count in (1, 20) if options.small else (1, 100, 10_000):
        points = lower + (upper - lower) * generator.random((count, source.inputs))
        values = {name: forward(points) for name, forward in forwards.items()}
        for name, value in values.items():
            scale = max(1.0, float(np.abs(values["source"]).max()))
            assert np.abs(value - values["source"]).max() <= 1e-6 * scale, name
        best = seconds(forwards, points, 2 if options.small else 7)
        ratios = "  ".join(f"{name} {best['compiled'] / best[name]:.2f}" for name in others)
        print(f"{count:>7} {1e6 * best['compiled'] / count:>21.3f}  {ratios}", flush=True)


if __name__ == "__main__":
    main()
