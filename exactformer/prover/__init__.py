"""The search for proofs and counterexamples; nothing here is trusted."""

from exactformer.prover.driver import prove, verify
from exactformer.prover.family import FamilyResult, verify_family
from exactformer.prover.options import METHODS
from exactformer.prover.outcome import Outcome

__all__ = ["METHODS", "FamilyResult", "Outcome", "prove", "verify", "verify_family"]
