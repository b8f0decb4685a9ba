"""Continuous piecewise linear functions as objects, and the networks and single heads that equal them."""

from exactformer.piecewise.construction import Discontinuous, Undefined
from exactformer.piecewise.cpwl import CPWL, Extremum
from exactformer.piecewise.cpwl_to_one_layer import Hinges, UnequalJumps, hinges_of
from exactformer.piecewise.forms import FORMS, Form, form_of, forms_of, forms_text, network_of
from exactformer.piecewise.maximum_of_five import maximum_of_five
from exactformer.piecewise.one_head import NotOneHead, OneHead, cpwl_to_one_head
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.regularity import NotRegular, Regular, regularity
from exactformer.piecewise.walls import Wall

__all__ = [
    "CPWL",
    "FORMS",
    "Discontinuous",
    "Extremum",
    "Form",
    "Hinges",
    "NotOneHead",
    "NotRegular",
    "OneHead",
    "Piece",
    "Regular",
    "Undefined",
    "UnequalJumps",
    "Wall",
    "cpwl_to_one_head",
    "form_of",
    "forms_of",
    "forms_text",
    "hinges_of",
    "maximum_of_five",
    "network_of",
    "regularity",
]
