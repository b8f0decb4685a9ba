"""Continuous piecewise linear functions as objects, and the networks and single heads that equal them."""

from exactformer.piecewise.construction import Discontinuous, Undefined
from exactformer.piecewise.cpwl import CPWL, Extremum
from exactformer.piecewise.cpwl_to_one_layer import Hinges, UnequalJumps, hinges_of
from exactformer.piecewise.forms import FORMS, Form, form_of, forms_of, forms_text, network_of
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.walls import Wall

__all__ = [
    "CPWL",
    "FORMS",
    "Discontinuous",
    "Extremum",
    "Form",
    "Hinges",
    "Piece",
    "Undefined",
    "UnequalJumps",
    "Wall",
    "form_of",
    "forms_of",
    "forms_text",
    "hinges_of",
    "network_of",
]
