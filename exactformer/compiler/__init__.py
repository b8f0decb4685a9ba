"""Small passes named `a_to_b`; each returns its result and the correspondence back to its source."""

from exactformer.compiler.correspondence import Compiled, Correspondence, UnitPlace
from exactformer.compiler.driver import CONSTRUCTIONS, compile_network

__all__ = ["CONSTRUCTIONS", "Compiled", "Correspondence", "UnitPlace", "compile_network"]
