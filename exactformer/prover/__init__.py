"""The search for proofs and counterexamples; nothing here is trusted."""

from exactformer.prover.driver import METHODS, prove, verify
from exactformer.prover.outcome import Outcome

__all__ = ["METHODS", "Outcome", "prove", "verify"]
