"""Small passes named `a_to_b`; each returns its result and the correspondence back to its source."""

from exactformer.compiler.comparison import Comparison, compare_sizes, comparison_text
from exactformer.compiler.correspondence import Compiled, Correspondence, UnitPlace
from exactformer.compiler.driver import CONSTRUCTIONS, compile_network

__all__ = [
    "CONSTRUCTIONS",
    "Comparison",
    "Compiled",
    "Correspondence",
    "UnitPlace",
    "compare_sizes",
    "comparison_text",
    "compile_network",
]
