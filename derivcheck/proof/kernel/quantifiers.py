"""Variables: opened, generalised, specialised; a whole result put to use with terms for its symbols; induction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derivcheck.language import (
    Context,
    Declaration,
    LanguageError,
    Property,
    Term,
    domains,
    free_symbols,
    implies,
    instantiate,
    integer,
    le,
    oo_int,
    range_,
    sort_of_domain,
    substitute,
    unfold,
)
from derivcheck.language.constructors import substitution
from derivcheck.language.terms import variable_sort
from derivcheck.proof.kernel.theorem import (
    Theorem,
    conclude,
    failure,
    is_infinite,
    membership,
    need_closed,
    occurs,
    same_context,
    undischarged,
    universal,
)
from derivcheck.proof.normal_form import Normaliser


def opened(v: Term, domain: Term) -> Declaration:
    """How a variable that ranges over `domain` is declared while it is open."""
    if v.sort != sort_of_domain(domain):
        raise failure("opened", f"'{v}' does not range over '{domain}'")
    if domain.op == "range":
        lo, hi = domain.args
        facts = [le(lo, v)] + ([le(v, hi)] if hi.op != "oo" else [])
        return Declaration(v, "index", (Property("range", tuple(facts), (lo, hi)),))
    if domain.op == "interval":
        facts = [
            le(a, b) for a, b in ((domain.args[0], v), (v, domain.args[1])) if not is_infinite(a) and not is_infinite(b)
        ]
        return Declaration(v, "real", (Property("range", tuple(facts), domain.args),) if facts else ())
    kind = {"space": "point", "integers": "integer", "functions": "array"}.get(domain.op)
    if kind is None:
        raise failure("opened", f"no variable ranges over '{domain}'")
    if domain.op == "functions" and v.args != domain.args[:-1]:
        raise failure("opened", f"'{v}' does not range over '{domain}'")
    return Declaration(v, kind)


def generalise(th: Theorem, v: Term, domain: Term) -> Theorem:
    """``Γ, v ∈ D; H ⊢ p`` gives ``Γ; H ⊢ ∀ v ∈ D. p`` where ``v`` is free in neither ``Γ`` nor ``H``."""
    declaration = opened(v, domain)
    if not th.context.declarations or th.context.declarations[-1] != declaration:
        raise failure("generalise", f"'{v}' in '{domain}' is not the innermost open variable")
    context = Context(th.context.declarations[:-1])
    if occurs(v, context) or any(v in free_symbols(h) for h in th.hypotheses):
        raise failure("generalise", f"'{v}' is free in what is assumed")
    if v in free_symbols(domain):
        raise failure("generalise", f"'{v}' is free in its own domain")
    return conclude("generalise", context, universal(v, domain, th.statement), [th],
        conditions=[universal(v, domain, c) if v in free_symbols(c) else c for c in th.conditions],
        variable=v, domain=domain,
    )  # fmt: skip


def specialise(th: Theorem, value: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. p`` gives ``⊢ p[t/v]``, with the condition ``t ∈ D`` where it is not known."""
    if th.statement.op != "forall":
        raise failure("specialise", f"'{th.statement}' is not universal")
    domain, body = th.statement.args
    sort, _ = variable_sort(th.statement)
    if value.sort != sort:
        raise failure("specialise", f"'{value}' is a {value.sort}, not a {sort}")
    if domain.op == "functions" and domains(value) != domain.args[:-1]:
        raise failure("specialise", f"'{value}' is not in '{domain}'")
    need_closed("specialise", th.context, value)
    return conclude("specialise", th.context, instantiate(body, value), [th],
        more_conditions=undischarged(th.context, membership(value, domain)), value=value,
    )  # fmt: skip


def instance(th: Theorem, mapping: Mapping[Term, Term], context: Context, premises: Iterable[Theorem] = ()) -> Theorem:
    """A result proved in ``Γ``, used in ``Γ'`` with terms put for its symbols.

    ``Γ; H ⊢ p`` gives ``Γ'; H[σ] ⊢ p[σ]`` where every fact of ``Γ[σ]`` is known in ``Γ'`` or is among the premises.
    Symbols not in the mapping stay; they must be declared alike.
    """
    premises = tuple(premises)
    same_context("instance", context, premises)
    given = {unfold(t.statement) for t in premises}
    for new in mapping.values():
        need_closed("instance", context, new)
    try:
        put = substitution(mapping)
    except LanguageError as complaint:
        raise failure("instance", str(complaint)) from None
    facts = Normaliser(context, given).facts
    for name, q in th.context.facts():
        r = put(q)
        if unfold(r) not in given and not facts.holds(r):
            raise failure("instance", f"'{r}' ({name}) is not known here")
    undeclared = context.undeclared(put(th.statement))
    if undeclared:
        raise failure("instance", f"undeclared: {', '.join(map(str, undeclared))}")
    return conclude("instance", context, put(th.statement), [th, *premises],
        hypotheses=frozenset(map(put, th.hypotheses)) | frozenset(h for t in premises for h in t.hypotheses),
        conditions=frozenset(map(put, th.conditions)) | frozenset(c for t in premises for c in t.conditions),
        mapping=tuple(mapping.items()),
    )  # fmt: skip


def induction(t: Term, base: Theorem, step: Theorem) -> Theorem:
    """``⊢ p(0)`` and ``t >= 0; p(t) ⊢ p(t+1)`` give ``⊢ ∀ t >= 0. p(t)``.

    `step` lives in the context of `base` with ``t`` open from 0; ``t`` is free in no other hypothesis.
    """
    naturals = range_(0, oo_int)
    declaration = opened(t, naturals)
    if occurs(t, base.context):
        raise failure("induction", f"'{t}' is not new in the context of the base")
    if step.context != base.context.extended(declaration):
        raise failure("induction", f"the step is not stated for '{t}' open from 0 in the context of the base")
    following = step.statement
    candidates = [h for h in step.hypotheses if substitute(h, {t: t + 1}) == following]
    if len(candidates) != 1:
        raise failure("induction", f"no hypothesis becomes '{following}' for the successor of '{t}'")
    (p,) = candidates
    if any(t in free_symbols(h) for h in step.hypotheses if h != p):
        raise failure("induction", f"'{t}' is free in another hypothesis")
    if unfold(substitute(p, {t: integer(0)})) != unfold(base.statement):
        raise failure("induction", f"'{base.statement}' is not the case 0 of '{p}'")
    return conclude("induction", base.context, universal(t, naturals, p), [base, step],
        hypotheses=base.hypotheses | (step.hypotheses - {p}),
        conditions=base.conditions
        | {universal(t, naturals, implies(p, c)) if t in free_symbols(implies(p, c)) else c for c in step.conditions},
        variable=t,
    )  # fmt: skip
