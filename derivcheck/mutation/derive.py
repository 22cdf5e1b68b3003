"""Is a near miss still true?  Then it follows from a claim of the problem, or by algebra, or by the claim's own proof.

A theorem speaks of the points at which its terms are defined; so what makes the near miss defined may be used to show
it.  Every leaf is a theorem of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from derivcheck.language import (
    REAL,
    Context,
    LanguageError,
    Term,
    eq,
    lt,
    substitute,
    unfold,
)
from derivcheck.mutation.lemmas import Citing, Lemmas, given_in, instances_of, put_solved, solved
from derivcheck.mutation.opening import opened
from derivcheck.mutation.records import Change, NearMiss
from derivcheck.mutation.variants import analytic, dropped_facts
from derivcheck.mutation.weaker import below, conditions_hold, equal_inside, follows, follows_at_a_glance, same
from derivcheck.proof import ProofError, Theorem, kernel
from derivcheck.proof.definedness import NotKnown, definedness
from derivcheck.proof.normal_form import Normaliser

#: Kinds of near misses that another multiple of a free symbol may undo.
RESCALED = ("sign", "factor")
#: Why a claim is true without a condition.
UNUSED = "the claim's proof does not use it"
#: No other claims to follow from.
NONE = Lemmas()


def still_true(m: NearMiss, lemmas: Lemmas = NONE) -> str:
    """How a near miss is seen to be true although it was changed; empty if it is not.

    That its integrals exist is used only where it is not seen to be true without: every proof of an existence then asks
    whether the integrand is among those, which are as large as the statement.
    """
    everything = where_defined(m.context, m.statement)
    pointwise = where_defined(m.context, m.statement, integrals=False)
    why = _true_in(m, pointwise, lemmas)
    return why or (_true_in(m, everything, lemmas) if everything != pointwise else "")


def proof_does_without(m: NearMiss) -> str:
    """Does the claim's own proof go through without the dropped condition?  In the words of `still_true`, or empty."""
    where = where_defined(m.context, m.statement, integrals=False)
    return UNUSED if m.statement == m.claim.statement and _proof_runs(m, where) else ""


def _true_in(m: NearMiss, context: Context, lemmas: Lemmas) -> str:
    if m.statement == m.claim.statement:
        return _proved_without(m, context) or _from_claims(m, context, lemmas, follows) or _cited(m, context, lemmas)
    if given_in(context, m.claim) and follows_at_a_glance(context, m.claim.statement, m.statement):
        return "follows from the claim"
    if m.change is not None and _same_value(m.context, m.change):
        return "equal by algebra to what it replaces"
    # Whether two comparisons are the same is computed, in little time; signs are searched for.
    return (
        _from_claims(m, context, lemmas, same)
        or ("proved by algebra" if holds(context, m.statement) else "")
        or _from_claims(m, context, lemmas, follows)
        or _cited(m, context, lemmas)
    )


@lru_cache(maxsize=16)
def where_defined(context: Context, p: Term, *, integrals: bool = True) -> Context:
    """`context` with what makes the terms of `p` and of its own facts defined, as far as that can be said.

    Without `integrals`, what is said at a point: that a logarithm exists, not that an integral does.

    A fact that holds is defined: ``∫ p log p`` exists only where ``p`` is positive.
    """
    n = Normaliser(context)
    needed: list[Term] = []
    for q in (p, *context.propositions()):
        try:
            for c in definedness(q, n):
                if c not in needed and (integrals or not analytic(c)) and not n.facts.holds(c):
                    needed.append(c)
        except NotKnown:
            continue
    return context.assuming("it has a value", *needed) if needed else context


def _from_claims(m: NearMiss, context: Context, lemmas: Lemmas, shows: Callable[[Context, Term, Term], bool]) -> str:
    """The claim that `shows` a near miss: this one with its symbols renamed, or one of the others."""
    for claim in (m.claim, *lemmas.besides(m.claim)):
        changed = m.change.old if m.change is not None and claim is m.claim and m.kind in RESCALED else None
        for given in instances_of(claim, context, m.statement, changed):
            if shows(context, given, m.statement) and (claim is m.claim or lemmas.proved(claim)):
                return "follows from the claim" if claim is m.claim else f"follows from the claim '{claim.name}'"
    return ""


def _cited(m: NearMiss, context: Context, lemmas: Lemmas) -> str:
    """The claims that bound the parts in which the sides of a near miss differ."""
    cite = Citing(lemmas, m.claim)
    try:
        bounded = conditions_hold(below(context, m.statement, cite))
    except (ProofError, LanguageError):
        return ""
    if not bounded or not cite.used:
        return ""
    return "follows from the claims " + ", ".join(f"'{name}'" for name in sorted(cite.used))


def _proved_without(m: NearMiss, context: Context) -> str:
    """The claim's own proof where the condition is not given, or where its opposite is."""
    if _proved_in(m, context):
        return UNUSED
    dropped = dropped_facts(m)
    if len(dropped) != 1 or dropped[0].op not in ("le", "lt") or m.claim.proof is None:
        return ""
    a, b = dropped[0].args
    opposite = [lt(b, a)] if dropped[0].op == "le" else [lt(b, a), eq(a, b)]
    # Where the condition holds, the claim does.
    if all(_proved_in(m, context.assuming("otherwise", case)) for case in opposite):
        return "proved where it fails as well: " + ", ".join(map(str, opposite))
    return ""


def _proved_in(m: NearMiss, context: Context) -> bool:
    """Is the statement proved in `context`, by the steps of the claim's proof or by algebra?"""
    if _proof_runs(m, context) or holds(context, m.statement):
        return True
    for f in context.propositions():
        values = solved(f) if f not in m.context.propositions() else None
        if values is not None and holds(context, substitute(m.statement, values)):
            return True
    return False


def _proof_runs(m: NearMiss, context: Context) -> bool:
    if m.claim.proof is None:
        return False
    try:
        theorem = m.claim.proof(replace(m.claim, context=context, misconceptions=())).theorem
    except (ProofError, LanguageError):
        return False
    if theorem.statement != m.statement:
        return False
    given = {unfold(p) for p in context.propositions()}
    if not all(unfold(p) in given for p in (*theorem.context.propositions(), *theorem.hypotheses)):
        return False
    facts = Normaliser(context).facts
    return all(facts.holds(c) for c in theorem.conditions)


def _same_value(context: Context, change: Change) -> bool:
    """Is what was put in equal to what was there, for all values of the variables bound around it?"""
    if change.old.sort != REAL and change.old.sort.kind != "fun":
        return False
    for v, domain in change.scope:
        if domain is None:
            return False
        try:
            context = context.extended(kernel.opened(v, domain))
        except ProofError:
            return False
    return holds(context, eq(change.old, change.new))


def holds(context: Context, p: Term) -> bool:
    """Does algebra prove `p`, with every condition discharged?"""
    if p.op == "forall":
        inner = opened(context, p)
        return inner is not None and holds(*inner)
    if p.op == "implies":
        premise, conclusion = p.args
        if holds(context.assuming("premise", premise), conclusion):
            return True
        put = put_solved(conclusion, premise)
        return put is not None and holds(context, put)
    if p.op == "and":
        return all(holds(context, q) for q in p.args)
    if p.op == "eq" and p.args[0].op == "lim" and _by(kernel.limit, context, p):
        return True
    return any(_by(rule, context, p) for rule in (kernel.normal_form, equal_inside, below))


def _by(rule: Callable[[Context, Term], Theorem], context: Context, p: Term) -> bool:
    """Does a rule of the kernel prove `p`, with every condition discharged?"""
    try:
        return conditions_hold(rule(context, p))
    except (ProofError, LanguageError):
        return False
