"""An equation or a comparison for all indices or outcomes, summed, integrated or maximised."""

from __future__ import annotations

from derivcheck.language import PROP, Term, abstract, domain_of_measure, instantiate, le, make, unfold
from derivcheck.language.terms import open_binder, rebuild
from derivcheck.proof.kernel.theorem import Theorem, conclude, failure, fresh_names, is_finite_sum, undischarged


def binder_congruence(th: Theorem, left: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. a = b`` gives ``⊢ B v ∈ D. a = B v ∈ D. b`` for a sum, integral, product, maximum or minimum.

    A derivative or a limit at a point is not such a binder: there an equation must hold near the point.
    """
    return _under_binder("binder_congruence", th, left, "eq")


def monotone(th: Theorem, left: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. a <= b`` gives ``⊢ ∫ a dμ <= ∫ b dμ`` (both integrable), and likewise for max and min.

    A finite sum needs no condition; a maximum or minimum needs a range that is not empty.
    """
    return _under_binder("monotone", th, left, "le")


def _under_binder(rule: str, th: Theorem, left: Term, relation: str) -> Theorem:
    allowed = ("int", "max_over", "min_over") if relation == "le" else ("int", "max_over", "min_over", "prod")
    if left.op not in allowed:
        raise failure(rule, f"'{left}' is not a sum, integral, maximum or minimum")
    q = th.statement
    domain = domain_of_measure(left.args[0]) if left.op == "int" else left.args[0]
    if q.op != "forall" or q.args[0] != domain:
        raise failure(rule, f"'{q}' does not range over '{domain}'")
    fresh = fresh_names(th.context, q, left)
    v, p = open_binder(q, fresh)
    if p.op not in ({"le": ("le", "lt", "eq"), "eq": ("eq",)}[relation]):
        raise failure(rule, f"'{p}' is not a comparison")
    a, b = p.args
    if unfold(instantiate(left.body, v)) != unfold(a):
        raise failure(rule, f"the body of '{left}' is not '{a}'")
    right = rebuild(left, (*left.args[:-1], abstract(b, v)))
    more: list[Term] = []
    if left.op == "int" and not is_finite_sum(left) and relation == "le":
        more = [make("integrable", (left.args[0], abstract(x, v)), None, PROP, left.hint) for x in (a, b)]
    if left.op in ("max_over", "min_over"):
        more = [le(*domain.args)] if domain.op == "range" else []
        if domain.op != "range" and relation == "le":
            raise failure(rule, "a supremum over an infinite set")
    return conclude(rule, th.context, make(relation, (left, right), None, PROP), [th],
        more_conditions=undischarged(th.context, more),
    )  # fmt: skip
