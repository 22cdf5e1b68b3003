"""Why a statement holds: the kernel, the normal form, and displayed proofs."""

from derivcheck.proof.kernel import ProofError, Theorem
from derivcheck.proof.prover import (
    Chain,
    Proof,
    Prover,
    Reason,
    Step,
    algebra,
    bounded_by_max,
    inside,
    log_bound,
    monotonicity,
    reason,
    tactic,
    triangle,
    using,
)

__all__ = [
    "Chain",
    "Proof",
    "ProofError",
    "Prover",
    "Reason",
    "Step",
    "Theorem",
    "algebra",
    "bounded_by_max",
    "inside",
    "log_bound",
    "monotonicity",
    "reason",
    "tactic",
    "triangle",
    "using",
]
