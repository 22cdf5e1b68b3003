"""The kernel: the only place where a `Theorem` is made.

A theorem ``Γ; H ⊢ p  [C]`` says: for every interpretation of the Context ``Γ`` in which the hypotheses ``H`` and the
conditions ``C`` hold, the proposition ``p`` holds wherever its terms are defined.  Each rule carries its inference
figure; a rule checks what it is given and trusts no caller.  Everything else in ``derivcheck.proof`` (textbook rules,
descent, search) calls these functions and cannot make a theorem otherwise.

The normal form (`derivcheck.proof.normal_form`) is the one large trusted piece; `algebra` uses it by name.
"""

from derivcheck.proof.kernel.algebra import linear, normal_form, square_zero, zero_product
from derivcheck.proof.kernel.analysis import antiderivative, dominated, limit, limit_by_continuity, same_law
from derivcheck.proof.kernel.binders import binder_congruence, monotone
from derivcheck.proof.kernel.equality import congruence, derivative_congruence, extensionality, limit_congruence
from derivcheck.proof.kernel.logic import (
    assume,
    cases,
    conjunct,
    conjunction,
    cut,
    definition,
    discharge,
    fact,
    meet_condition,
    modus_ponens,
    weaken,
)
from derivcheck.proof.kernel.matrices import invertible_if_injective, matrix_words
from derivcheck.proof.kernel.order import (
    INCREASING,
    absolute_bound,
    absolute_value,
    antisymmetry,
    increasing,
    log_bound,
    log_bound_strict,
    transitivity,
)
from derivcheck.proof.kernel.quantifiers import generalise, induction, instance, opened, specialise
from derivcheck.proof.kernel.ranges import at_most_maximum, maximiser, maximum_at_most, term_at_most_sum
from derivcheck.proof.kernel.theorem import ProofError, Theorem

__all__ = [
    "INCREASING",
    "ProofError",
    "Theorem",
    "absolute_bound",
    "absolute_value",
    "antiderivative",
    "antisymmetry",
    "assume",
    "at_most_maximum",
    "binder_congruence",
    "cases",
    "congruence",
    "conjunct",
    "conjunction",
    "cut",
    "definition",
    "derivative_congruence",
    "discharge",
    "dominated",
    "extensionality",
    "fact",
    "generalise",
    "increasing",
    "induction",
    "instance",
    "invertible_if_injective",
    "limit",
    "limit_by_continuity",
    "limit_congruence",
    "linear",
    "log_bound",
    "log_bound_strict",
    "matrix_words",
    "maximiser",
    "maximum_at_most",
    "meet_condition",
    "modus_ponens",
    "monotone",
    "normal_form",
    "opened",
    "same_law",
    "specialise",
    "square_zero",
    "term_at_most_sum",
    "transitivity",
    "weaken",
    "zero_product",
]
