"""Continuous piecewise linear functions as objects, and the networks and single heads that equal them."""

from exactformer.piecewise.construction import Discontinuous, Undefined
from exactformer.piecewise.cpwl import CPWL, Extremum

__all__ = ["CPWL", "Discontinuous", "Extremum", "Undefined"]
