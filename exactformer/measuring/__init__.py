"""How far apart two networks are, how far one reaches: bounds from both sides, the upper ones with a certificate."""

from exactformer.measuring.driver import distance, output_range
from exactformer.measuring.result import Distance, OutputRange
from exactformer.measuring.softness import temperature

__all__ = ["Distance", "OutputRange", "distance", "output_range", "temperature"]
