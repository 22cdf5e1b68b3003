"""Finite ranges: a maximum and its maximiser, a term of a sum."""

from __future__ import annotations

from derivcheck.language import INT, REAL, Context, Term, eq, free_symbols, instantiate, le, make, num, unfold
from derivcheck.language.terms import open_binder
from derivcheck.proof.kernel.theorem import (
    Theorem,
    conclude,
    failure,
    fresh_names,
    is_finite_sum,
    membership,
    need_closed,
    undischarged,
)


def need_index(rule: str, value: Term) -> None:
    if value.sort != INT:
        raise failure(rule, f"'{value}' is a {value.sort}, not an index")


def at_most_maximum(context: Context, maximum: Term, value: Term) -> Theorem:
    """``⊢ f(t) <= max_{v ∈ D} f(v)`` for ``t ∈ D`` and a finite range."""
    need_closed("at_most_maximum", context, maximum, value)
    need_index("at_most_maximum", value)
    if maximum.op != "max_over" or maximum.args[0].op != "range" or maximum.args[0].args[1].op == "oo":
        raise failure("at_most_maximum", f"'{maximum}' is not a maximum over a finite range")
    statement = le(instantiate(maximum.body, value), maximum)
    more = undischarged(context, membership(value, maximum.args[0]))
    return conclude("at_most_maximum", context, statement, more_conditions=more, maximum=maximum, value=value)


def maximum_at_most(th: Theorem, maximum: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. f(v) <= c`` gives ``⊢ max_{v ∈ D} f(v) <= c`` for a finite range that is not empty."""
    q = th.statement
    if maximum.op != "max_over" or maximum.args[0].op != "range" or maximum.args[0].args[1].op == "oo":
        raise failure("maximum_at_most", f"'{maximum}' is not a maximum over a finite range")
    if q.op != "forall" or q.args[0] != maximum.args[0]:
        raise failure("maximum_at_most", f"'{q}' does not range over '{maximum.args[0]}'")
    v, p = open_binder(q, fresh_names(th.context, q, maximum))
    if p.op != "le" or unfold(p.args[0]) != unfold(instantiate(maximum.body, v)):
        raise failure("maximum_at_most", f"'{p}' does not bound the body of '{maximum}'")
    if v in free_symbols(p.args[1]):
        raise failure("maximum_at_most", f"the bound '{p.args[1]}' depends on the index")
    more = undischarged(th.context, [le(*maximum.args[0].args)])
    return conclude("maximum_at_most", th.context, le(maximum, p.args[1]), [th], more_conditions=more)


def maximiser(context: Context, argmax: Term) -> Theorem:
    """``⊢ f(argmax_{v ∈ D} f(v)) = max_{v ∈ D} f(v)`` for a finite range that is not empty."""
    need_closed("maximiser", context, argmax)
    if argmax.op != "argmax" or argmax.args[0].op != "range" or argmax.args[0].args[1].op == "oo":
        raise failure("maximiser", f"'{argmax}' is not a maximiser over a finite range")
    maximum = make("max_over", argmax.args, None, REAL, argmax.hint)
    more = undischarged(context, [le(*argmax.args[0].args)])
    return conclude(
        "maximiser", context, eq(instantiate(argmax.body, argmax), maximum), more_conditions=more, argmax=argmax
    )


def term_at_most_sum(th: Theorem, total: Term, value: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. 0 <= f(v)`` gives ``⊢ f(t) <= Σ_{v ∈ D} f(v)`` for ``t ∈ D``."""
    q = th.statement
    if not is_finite_sum(total):
        raise failure("term_at_most_sum", f"'{total}' is not a finite sum")
    domain = total.args[0].args[0]
    if q.op != "forall" or q.args[0] != domain:
        raise failure("term_at_most_sum", f"'{q}' does not range over '{domain}'")
    v, p = open_binder(q, fresh_names(th.context, q, total))
    if p.op != "le" or p.args[0] != num(0) or unfold(p.args[1]) != unfold(instantiate(total.body, v)):
        raise failure("term_at_most_sum", f"'{p}' does not say that the summands are not negative")
    need_closed("term_at_most_sum", th.context, value)
    need_index("term_at_most_sum", value)
    more = undischarged(th.context, membership(value, domain))
    return conclude("term_at_most_sum", th.context, le(instantiate(total.body, value), total), [th],
        more_conditions=more, total=total, value=value,
    )  # fmt: skip
