"""From a function to a Transformer that comes near it, with a proof: pieces, a network, the Transformer, a chain."""

from exactformer.approximation.by_values import SampledApproximation
from exactformer.approximation.driver import approximate
from exactformer.approximation.result import Approximation

__all__ = ["Approximation", "SampledApproximation", "approximate"]
