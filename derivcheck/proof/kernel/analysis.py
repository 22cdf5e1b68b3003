"""Limits, continuity by form, antiderivatives, integrable functions, laws of random variables."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derivcheck.language import (
    INT,
    MEASURE,
    PROP,
    REAL,
    Context,
    Fresh,
    Int,
    Term,
    abstract,
    derivative_at,
    domain_of_measure,
    eq,
    free_symbols,
    instantiate,
    le,
    lt,
    make,
    ne,
    num,
    oo_int,
    range_,
    real,
    sort_of_domain,
    substitute,
    unfold,
)
from derivcheck.language.terms import open_binder, variable_sort
from derivcheck.proof.kernel.quantifiers import opened
from derivcheck.proof.kernel.theorem import (
    Theorem,
    conclude,
    failure,
    fresh_names,
    is_finite_sum,
    is_infinite,
    need_closed,
    undischarged,
    universal,
)
from derivcheck.proof.normal_form import Normaliser, Unknown, to_term
from derivcheck.proof.normal_form.calculus import generalised
from derivcheck.proof.normal_form.poly import Poly, plus


def same_law(th: Theorem, function: Term) -> Theorem:
    """``⊢ X ~ Y`` gives ``⊢ E g(X) = E g(Y)`` for a function ``g`` of the value alone.

    `function` is ``λ x. g(x)`` as a term; it must not mention the outcome.
    """
    p = th.statement
    if p.op != "pred" or p.data != "same_law":
        raise failure("same_law", f"'{p}' does not say that two laws are equal")
    measure, x, y = p.args
    if function.op != "lam":
        raise failure("same_law", f"'{function}' is not a function")
    need_closed("same_law", th.context, function)
    sort, _ = variable_sort(function)
    outcome = fresh_names(th.context, p, function)
    w = outcome.symbol("w", sort_of_domain(domain_of_measure(measure)))
    if x(w).sort != sort or x.sort != y.sort:
        raise failure("same_law", f"'{function}' does not take the values of '{x}'")
    left = Int(measure, abstract(instantiate(function.body, x(w)), w))
    right = Int(measure, abstract(instantiate(function.body, y(w)), w))
    return conclude("same_law", th.context, eq(left, right), [th], function=function)


def limit(context: Context, p: Term) -> Theorem:
    """``⊢ lim_{t → ∞} (c + Σ cᵢ tᵏ aᵢ^{kᵢt + …}) = c`` where ``|aᵢ| < 1`` and ``kᵢ > 0``.

    The body is brought to normal form; every monomial that depends on the integer ``t`` must vanish in the limit: a
    power ``a^{kt}`` with ``−1 < a < 1`` known and ``k > 0`` (times any power of ``t``), or a negative power of ``t``.
    """
    if p.op != "eq" or p.args[0].op != "lim" or p.args[0].args[0].op != "oo" or p.args[0].args[0].sort != INT:
        raise failure("limit", f"'{p}' is not a limit over the integers")
    need_closed("limit", context, p)
    t, body = open_binder(p.args[0], fresh_names(context, p))
    inner = context.extended(opened(t, range_(1, oo_int)))
    n = Normaliser(inner)
    try:
        value = n.nf(unfold(body))
        kept: Poly = {}
        for m, c in value.items():
            if not any(_mentions(f, t) for f in m):
                kept = plus(kept, {m: c})
            elif not _vanishes(n, m, t):
                raise failure("limit", f"'{to_term({m: c})}' is not known to vanish")
        difference = plus(kept, n.nf(unfold(p.args[1])), Fraction(-1))
    except Unknown as unknown:
        raise failure("limit", str(unknown)) from None
    if not n.is_zero(difference):
        raise failure("limit", f"the limit is '{to_term(kept)}'")
    conditions = [c for c in n.conditions if not n.facts.holds(c)]
    conditions = [universal(t, range_(1, oo_int), c) if t in free_symbols(c) else c for c in conditions]
    return conclude("limit", context, p, more_conditions=conditions)


def _mentions(factor: tuple[Term, Any], t: Term) -> bool:
    a, e = factor
    return t in free_symbols(a) or any(t in free_symbols(x) for x, _ in e.terms)


def _vanishes(n: Normaliser, m: Any, t: Term) -> bool:
    """Does a monomial tend to 0 with the integer `t`?"""
    geometric, polynomial = False, Fraction(0)
    for a, e in m:
        if not _mentions((a, e), t):
            continue
        if a == real(t) and not e.terms:
            polynomial += e.const
            continue
        slope = dict(e.terms).get(t, Fraction(0))
        if t in free_symbols(a) or slope <= 0 or any(t in free_symbols(x) for x, _ in e.terms if x != t):
            return False
        if not (n.facts.holds(lt(-1, a)) and n.facts.holds(lt(a, 1))):
            return False
        geometric = True
    return geometric or polynomial < 0


def limit_by_continuity(context: Context, p: Term) -> Theorem:
    """``⊢ lim_{x → a} f(x) = f(a)`` where ``f`` is continuous at ``a`` by its form.

    Sums, products, whole powers, exp, sin, cos, tanh and finite sums over a fixed range are continuous; a quotient is
    where its denominator is not zero, a logarithm or a root where its argument is positive.
    """
    if p.op != "eq" or p.args[0].op != "lim" or p.args[0].args[0].sort != REAL or is_infinite(p.args[0].args[0]):
        raise failure("limit_by_continuity", f"'{p}' is not a limit at a real point")
    need_closed("limit_by_continuity", context, p)
    at = p.args[0].args[0]
    fresh = fresh_names(context, p)
    x, body = open_binder(p.args[0], fresh)
    needs: list[Term] = []
    _continuous(unfold(body), x, fresh, needs)
    n = Normaliser(context)
    needs = [substitute(c, {x: at}) for c in needs]
    try:
        difference = n.nf(substitute(unfold(body), {x: at}) - unfold(p.args[1]))
    except Unknown as unknown:
        raise failure("limit_by_continuity", str(unknown)) from None
    if not n.is_zero(difference):
        raise failure("limit_by_continuity", f"the value there differs by '{to_term(difference)}'")
    conditions = [c for c in (*n.conditions, *needs) if not n.facts.holds(c)]
    return conclude("limit_by_continuity", context, p, more_conditions=conditions)


def _continuous(t: Term, x: Term, fresh: Fresh, needs: list[Term]) -> None:
    """Collect what makes `t` continuous in `x` at the point; raise where its form does not."""
    if x not in free_symbols(t):
        return
    if t == x:
        return
    if t.op in ("add", "neg", "mul", "max", "min") or (
        t.op == "fn" and t.data in ("exp", "sin", "cos", "tanh", "abs", "erf", "atan")
    ):
        pass
    elif t.op == "div":
        needs.append(ne(t.args[1], 0))
    elif t.op == "fn" and t.data == "log":
        needs.append(lt(0, t.args[0]))
    elif t.op == "pow" and x not in free_symbols(t.args[1]):
        e = t.args[1]
        whole = (e.op == "num" and e.data.denominator == 1) or e.op == "real"
        needs.append(
            le(0, e)
            if whole and e.op == "real"
            else (lt(0, t.args[0]) if not whole else (num(0) <= e if e.data >= 0 else ne(t.args[0], 0)))
        )
    elif is_finite_sum(t) and x not in free_symbols(t.args[0]):
        v, body = open_binder(t, fresh)
        inner: list[Term] = []
        _continuous(body, x, fresh, inner)
        needs.extend(generalised(c, v, t.args[0].args[0]) for c in inner)
        return
    else:
        raise failure("limit_by_continuity", f"'{t}' is not continuous by its form")
    for a in t.args:
        _continuous(a, x, fresh, needs)


def antiderivative(context: Context, integral: Term, primitive: Term) -> Theorem:
    """``F' = f`` on ``[a, b]`` and ``f`` continuous there by its form give ``⊢ ∫_a^b f(x) dx = F(b) − F(a)``.

    `primitive` is ``λ x. F(x)``; the ends are finite and ``a <= b``.
    """
    rule = "antiderivative"
    if (
        integral.op != "int"
        or integral.args[0].op != "lebesgue"
        or any(map(is_infinite, integral.args[0].args[0].args))
    ):
        raise failure(rule, f"'{integral}' is not an integral over a bounded interval")
    if primitive.op != "lam" or primitive.args[0].op != "interval" or primitive.body.sort != REAL:
        raise failure(rule, f"'{primitive}' is not a function of a real variable")
    need_closed(rule, context, integral, primitive)
    domain = integral.args[0].args[0]
    lo, hi = domain.args
    fresh = fresh_names(context, integral, primitive)
    x, body = open_binder(integral, fresh)
    inner = context.extended(opened(x, domain))
    n = Normaliser(inner)
    needs: list[Term] = []
    _continuous(unfold(body), x, fresh, needs)
    try:
        slope = n.nf(unfold(derivative_at(lambda y: primitive(y), x)))
        if not n.is_zero(plus(slope, n.nf(unfold(body)), Fraction(-1))):
            raise failure(rule, f"the derivative of '{primitive}' is '{to_term(slope)}', not '{body}'")
    except Unknown as unknown:
        raise failure(rule, str(unknown)) from None
    open_conditions = [c for c in (*n.conditions, *needs) if not n.facts.holds(c)]
    conditions = [universal(x, domain, c) if x in free_symbols(c) else c for c in open_conditions]
    conditions += undischarged(context, [le(lo, hi)])
    statement = eq(integral, primitive(hi) - primitive(lo))
    return conclude(rule, context, statement, more_conditions=conditions, integral=integral, primitive=primitive)


def dominated(th: Theorem, measure: Term) -> Theorem:
    """``⊢ ∀ v. |f| <= g`` gives ``⊢ f integrable`` under the condition that ``g`` is."""
    q = th.statement
    if measure.sort != MEASURE or q.op != "forall" or q.args[0] != domain_of_measure(measure):
        raise failure("dominated", f"'{q}' does not range over the domain of '{measure}'")
    p = q.body
    if p.op not in ("le", "lt") or p.args[0].op != "fn" or p.args[0].data != "abs":
        raise failure("dominated", f"'{q}' does not bound an absolute value")
    f, g = p.args[0].args[0], p.args[1]
    statement, bound = (make("integrable", (measure, t), None, PROP, q.hint) for t in (f, g))
    more = undischarged(th.context, [bound])
    return conclude("dominated", th.context, statement, [th], more_conditions=more, measure=measure)
