"""Linear regions: all of them, how many there can be, and networks that have that many."""

from exactformer.subdivision.bounds import (
    deep_lower,
    deep_upper,
    heads_upper,
    one_input,
    one_layer,
    one_layer_without_biases,
)
from exactformer.subdivision.certificate import write_certificate
from exactformer.subdivision.drawing import draw
from exactformer.subdivision.driver import regions
from exactformer.subdivision.parallel_folds import parallel_folds
from exactformer.subdivision.result import Region, Regions
from exactformer.subdivision.sawtooth import sawtooth
from exactformer.subdivision.slices import sliced
from exactformer.subdivision.tally import Tally, count

__all__ = [
    "Region",
    "Regions",
    "Tally",
    "count",
    "deep_lower",
    "deep_upper",
    "draw",
    "heads_upper",
    "one_input",
    "one_layer",
    "one_layer_without_biases",
    "parallel_folds",
    "regions",
    "sawtooth",
    "sliced",
    "write_certificate",
]
