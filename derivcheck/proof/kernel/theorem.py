"""What a theorem is, and what every rule does before and after its own work.

`conclude` is the only function that makes a `Theorem`; only the modules of this package may call it (a test looks).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from derivcheck.language import (
    PROP,
    Context,
    Fresh,
    Term,
    abstract,
    and_,
    free_symbols,
    le,
    make,
    sort_of_domain,
    true,
)
from derivcheck.language.properties import for_all_arguments
from derivcheck.proof.definedness import NotKnown, definedness
from derivcheck.proof.normal_form import Normaliser


class ProofError(ValueError):
    """A rule that does not apply; the message names the rule and what it was given."""


@dataclass(frozen=True, slots=True, init=False)
class Theorem:
    """``context; hypotheses ⊢ statement [conditions]``, with the rule and the premises it came from."""

    context: Context
    hypotheses: frozenset[Term]
    statement: Term
    conditions: frozenset[Term]
    rule: str
    premises: tuple[Theorem, ...]
    parameters: tuple[tuple[str, Any], ...]

    def __init__(self, *_: object) -> None:
        raise ProofError("only the kernel's rules make theorems")

    def __repr__(self) -> str:
        left = ", ".join(sorted(map(str, self.hypotheses)))
        conditions = f"  [{', '.join(sorted(map(str, self.conditions)))}]" if self.conditions else ""
        return f"{left} ⊢ {self.statement}{conditions}"


def conclude(
    rule: str,
    context: Context,
    statement: Term,
    premises: Iterable[Theorem] = (),
    *,
    hypotheses: Iterable[Term] | None = None,
    conditions: Iterable[Term] | None = None,
    more_conditions: Iterable[Term] = (),
    **parameters: Any,
) -> Theorem:
    """The theorem that `rule` gives; hypotheses and conditions of the premises are inherited unless they are given."""
    premises = tuple(premises)
    for t in premises:
        if not isinstance(t, Theorem):
            raise ProofError(f"{rule}: {t!r} is not a theorem")
    th = object.__new__(Theorem)
    put = object.__setattr__
    put(th, "context", context)
    put(th, "statement", statement)
    inherited = frozenset(h for t in premises for h in t.hypotheses)
    put(th, "hypotheses", inherited if hypotheses is None else frozenset(hypotheses))
    inherited = frozenset(c for t in premises for c in t.conditions)
    put(th, "conditions", (inherited if conditions is None else frozenset(conditions)) | frozenset(more_conditions))
    put(th, "rule", rule)
    put(th, "premises", premises)
    put(th, "parameters", tuple(sorted(parameters.items())))
    return th


def same_context(rule: str, context: Context, premises: Iterable[Theorem]) -> None:
    """Refuse a premise that lives elsewhere."""
    for t in premises:
        if t.context != context:
            raise ProofError(f"{rule}: the premise '{t}' lives in another context (use weaken)")


def vanishing(rule: str, context: Context, *terms: Term, shown: Term) -> list[Term]:
    """The undischarged conditions under which terms that the conclusion `shown` no longer shows are defined.

    A theorem speaks of the points where its own terms are defined, so what `shown` needs is not asked again.
    """
    if not terms:
        return []
    n = Normaliser(context)
    try:
        implied = definedness(shown, n)
    except NotKnown:
        implied = []
    try:
        return [c for t in terms for c in definedness(t, n) if c not in implied and not n.facts.holds(c)]
    except NotKnown as unknown:
        raise failure(rule, str(unknown)) from None


def failure(rule: str, why: str) -> ProofError:
    """The error of a rule that does not apply."""
    return ProofError(f"{rule}: {why}")


def fresh_names(context: Context, *terms: Term) -> Fresh:
    """A supply of names that occur neither in `context` nor in `terms`: a variable opened here captures nothing."""
    fresh = Fresh()
    for t in (*context.symbols(), *terms):
        for s in free_symbols(t):
            number = str(s.data).rpartition("#")[2]
            if number.isdecimal():
                fresh.count = max(fresh.count, int(number))
    return fresh


def occurs(v: Term, context: Context) -> bool:
    """Is `v` declared in `context`, or mentioned in its facts or in the domain of one of its symbols?"""
    return any(v in free_symbols(t) for t in (*context.symbols(), *context.propositions()))


def is_infinite(t: Term) -> bool:
    """Is `t` an end of a domain at infinity?"""
    return t.op == "oo" or (t.op == "neg" and t.args[0].op == "oo")


def universal(v: Term, domain: Term, p: Term) -> Term:
    """``∀ v ∈ domain. p``, under the author's name for ``v``."""
    return make("forall", (domain, abstract(p, v)), None, PROP, str(v.data).split("#")[0])


def membership(value: Term, domain: Term) -> list[Term]:
    """The propositions that say that `value` lies in `domain`, beyond its sort.

    Written apart from `derivcheck.language.membership`, by which the audit checks the same: a slip in one of the two is
    then seen by the other.
    """
    if domain.op in ("range", "interval"):
        lo, hi = domain.args
        return [le(a, b) for a, b in ((lo, value), (value, hi)) if not is_infinite(a) and not is_infinite(b)]
    if domain.op == "functions":
        return [p for p in _values_in(value, domain.args[-1], domain.args[:-1]) if p != true]
    return []


def _values_in(f: Term, codomain: Term, over: tuple[Term, ...]) -> list[Term]:
    """The values of `f` lie in `codomain`, as universal propositions over its arguments."""
    if codomain.op == "functions":
        return _values_in(f, codomain.args[-1], over + codomain.args[:-1])
    if not membership(Fresh().symbol("value", sort_of_domain(codomain)), codomain):
        return []
    return [for_all_arguments(f, lambda *x: and_(*membership(f(*x), codomain)), over)]


def undischarged(context: Context, conditions: Iterable[Term], extra: Iterable[Term] = ()) -> list[Term]:
    """The conditions that neither `context` nor `extra` gives."""
    facts = Normaliser(context, extra).facts
    return [c for c in conditions if not facts.holds(c)]


def need_closed(rule: str, context: Context, *terms: Term) -> None:
    """Refuse a term with a loose variable, or with a symbol that `context` does not declare."""
    for t in terms:
        if t.loose:
            raise failure(rule, f"'{t}' has a loose variable")
        missing = context.undeclared(t)
        if missing:
            raise failure(rule, f"'{t}' mentions {', '.join(sorted(str(s.data) for s in missing))}, not declared")


def is_finite_sum(t: Term) -> bool:
    """Is `t` a sum over a range with an end?"""
    return t.op == "int" and t.args[0].op == "counting" and t.args[0].args[0].args[1].op != "oo"
