"""The theorem laboratory: the theorems behind the constructions, each with a check on small instances.

>>> from exactformer.theorems import THEOREMS, check
>>> THEOREMS[0].number, THEOREMS[0].title
('T1', 'The max head')
>>> check("T1", rank=2, instances=1).outcome
'confirmed'
"""

from exactformer.theorems.all_weights import ForAllWeights, for_all_weights
from exactformer.theorems.driver import certified, check, check_all, resume
from exactformer.theorems.registry import THEOREMS, theorems_of
from exactformer.theorems.result import Failure, Finding, Findings
from exactformer.theorems.theorem import Theorem

__all__ = [
    "certified",
    "THEOREMS",
    "Failure",
    "Finding",
    "Findings",
    "ForAllWeights",
    "Theorem",
    "check",
    "check_all",
    "for_all_weights",
    "resume",
    "theorems_of",
]
