"""Linear regions: how many there can be, and networks that have that many."""

from exactformer.regions.bounds import (
    deep_lower,
    deep_upper,
    heads_upper,
    one_input,
    one_layer,
    one_layer_without_biases,
)
from exactformer.regions.sawtooth import sawtooth

__all__ = [
    "deep_lower",
    "deep_upper",
    "heads_upper",
    "one_input",
    "one_layer",
    "one_layer_without_biases",
    "sawtooth",
]
