"""Matrices: products and inverses as words, and a square matrix as a linear map."""

from __future__ import annotations

from collections.abc import Iterable

from derivcheck.language import (
    INT,
    REAL,
    Context,
    Sort,
    Term,
    domains,
    predicate,
    unfold,
)
from derivcheck.language.properties import injective
from derivcheck.language.terms import function_sort
from derivcheck.proof.kernel.theorem import Theorem, conclude, failure, need_closed, same_context, vanishing
from derivcheck.proof.normal_form import Unknown
from derivcheck.proof.words import decide_words


def matrix_words(context: Context, p: Term, using: Iterable[Theorem] = ()) -> Theorem:
    """``⊢ A = B`` for matrices, where the defining equations of the inverses in them rewrite both to one sum of words.

    The bounded completion is `derivcheck.proof.words`; the inverses' existence is a condition.
    """
    rule, using = "matrix_words", tuple(using)
    same_context(rule, context, using)
    need_closed(rule, context, p)
    if p.op != "eq" or p.args[0].sort not in (_array(1), _array(2), REAL):
        raise failure(rule, f"'{p}' is not an equation of matrices")
    extra = [t.statement for t in using]
    try:
        left, right = p.args
        found = decide_words(left, right, context, extra)
    except Unknown as unknown:
        raise failure(rule, f"'{p}': {unknown}") from None
    if not found.equal:
        raise failure(rule, f"'{p}' does not follow from what the inverses mean")
    conditions = [*found.conditions, *vanishing(rule, context, *extra, shown=p)]
    return conclude(rule, context, p, using, more_conditions=conditions)


def _array(rank: int) -> Sort:
    return function_sort((INT,) * rank, REAL)


def invertible_if_injective(th: Theorem, matrix: Term) -> Theorem:
    """``⊢ ∀ v. (∀ i. Σ_j A_ij v_j = 0) ⟹ ∀ j. v_j = 0`` gives ``⊢ A invertible`` for a square matrix."""
    ds = domains(matrix)
    if len(ds) != 2 or ds[0] != ds[1] or ds[0].op != "range":
        raise failure("invertible_if_injective", f"'{matrix}' is not square")
    wanted = injective(matrix)
    if unfold(th.statement) != unfold(wanted):
        raise failure("invertible_if_injective", f"'{th.statement}' is not '{wanted}'")
    return conclude("invertible_if_injective", th.context, predicate("invertible", matrix), [th], matrix=matrix)
