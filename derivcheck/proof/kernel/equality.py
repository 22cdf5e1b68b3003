"""What may be replaced where: congruence, extensionality, equations under a derivative or a limit."""

from __future__ import annotations

from derivcheck.language import (
    PROP,
    REAL,
    Term,
    abstract,
    domains,
    eq,
    free_symbols,
    instantiate,
    lt,
    reals,
    substitute,
    subterms,
    unfold,
)
from derivcheck.language.terms import open_binder, rebuild
from derivcheck.proof.kernel.theorem import (
    Theorem,
    conclude,
    failure,
    fresh_names,
    is_infinite,
    need_closed,
    undischarged,
)


def extensionality(th: Theorem, p: Term) -> Theorem:
    """``⊢ ∀ i, …. f(i, …) = g(i, …)`` gives ``⊢ f = g``."""
    if p.op != "eq" or p.args[0].sort.kind != "fun":
        raise failure("extensionality", f"'{p}' is not an equation of functions")
    f, g = p.args
    if domains(f) != domains(g):
        raise failure("extensionality", f"'{p}': the shapes differ")
    fresh = fresh_names(th.context, p, th.statement)
    q = th.statement
    names = []
    for d in domains(f):
        if q.op != "forall" or q.args[0] != d:
            raise failure("extensionality", f"'{th.statement}' does not range over the arguments of '{f}'")
        v, q = open_binder(q, fresh)
        names.append(v)
    if unfold(q) != unfold(eq(f(*names), g(*names))):
        raise failure("extensionality", f"'{th.statement}' does not say that '{p}' holds entrywise")
    return conclude("extensionality", th.context, p, [th])


def congruence(th: Theorem, pattern: Term, hole: Term) -> Theorem:
    """``⊢ a = b`` gives ``⊢ C[a] = C[b]`` where the hole is not below a binder of ``C`` that ``a`` or ``b`` mention.

    `pattern` is ``C`` with the symbol `hole` in it; ``a`` and ``b`` are closed, so nothing can be captured.
    """
    if th.statement.op != "eq":
        raise failure("congruence", f"'{th.statement}' is not an equation")
    a, b = th.statement.args
    if hole.sort != a.sort or pattern.sort == PROP:
        raise failure("congruence", f"'{hole}' does not fit")
    if any(hole in free_symbols(s) for s in free_symbols(pattern) if s != hole):
        raise failure("congruence", "the hole stands in the domain of a symbol")
    if any(t.op == "deriv" and hole in free_symbols(t) for t in subterms(pattern)):
        raise failure("congruence", "an equation at a point says nothing of derivatives")
    left, right = substitute(pattern, {hole: a}), substitute(pattern, {hole: b})
    need_closed("congruence", th.context, left, right)
    return conclude("congruence", th.context, eq(left, right), [th], pattern=pattern, hole=hole)


def derivative_congruence(th: Theorem, left: Term) -> Theorem:
    """``⊢ ∀ x ∈ D. f(x) = g(x)`` gives ``⊢ ∂f/∂x at a = ∂g/∂x at a``, where ``D`` is all that ``x`` can be.

    An equation at one point would say nothing of derivatives: the premise must hold on the whole domain, which is the
    real line or all arrays of one shape.
    """
    rule = "derivative_congruence"
    if left.op != "deriv":
        raise failure(rule, f"'{left}' is not a derivative")
    domain = left.args[0]
    whole = domain == reals or (domain.op == "functions" and domain.args[-1] == reals)
    q = th.statement
    if not whole or q.op != "forall" or q.args[0] != domain:
        raise failure(rule, f"'{q}' does not range over all of '{domain}'")
    need_closed(rule, th.context, left)
    x, p = open_binder(q, fresh_names(th.context, left, q))
    if p.op != "eq" or unfold(p.args[0]) != unfold(instantiate(left.body, x)):
        raise failure(rule, f"'{p}' does not equate what '{left}' differentiates")
    right = rebuild(left, (*left.args[:-1], abstract(p.args[1], x)))
    return conclude(rule, th.context, eq(left, right), [th], left=left)


def limit_congruence(th: Theorem, p: Term) -> Theorem:
    """``⊢ ∀ x ∈ (a, a+δ). f(x) = g(x)`` gives ``⊢ lim_{x → a⁺} f = L`` from ``⊢ lim_{x → a⁺} g = L``.

    `th` is the equation for all ``x`` of an interval with implication premises ``a < x`` allowed; ``p`` is the equation
    of the two limits, ``lim f = lim g``.
    """
    if p.op != "eq" or any(a.op != "lim" for a in p.args) or p.args[0].args[0] != p.args[1].args[0]:
        raise failure("limit_congruence", f"'{p}' is not an equation of two limits at one point")
    f, g = p.args
    at = f.args[0]
    if f.data != g.data or f.data != "+" or at.sort != REAL or is_infinite(at):
        raise failure("limit_congruence", "the limits are not from the right at a real point")
    q = th.statement
    if q.op != "forall" or q.args[0].op != "interval" or q.args[0].args[0] != at:
        raise failure("limit_congruence", f"'{q}' does not range over an interval that starts at '{at}'")
    need_closed("limit_congruence", th.context, p)
    x, inner = open_binder(q, fresh_names(th.context, q, p))
    if inner.op == "implies":
        if inner.args[0] != lt(at, x):
            raise failure("limit_congruence", f"the premise '{inner.args[0]}' may fail near '{at}'")
        inner = inner.args[1]
    if unfold(inner) != unfold(eq(instantiate(f.body, x), instantiate(g.body, x))):
        raise failure("limit_congruence", f"'{inner}' does not equate the bodies of the limits")
    more = undischarged(th.context, [lt(at, q.args[0].args[1])])
    return conclude("limit_congruence", th.context, p, [th], more_conditions=more)
