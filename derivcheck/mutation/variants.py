"""The near misses of a claim: its statement with one thing changed, or one of its conditions dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derivcheck.language import Context, Declaration, Property, Term, and_, not_
from derivcheck.mutation.kinds import KINDS, Surroundings, say
from derivcheck.mutation.places import places
from derivcheck.mutation.records import Change, NearMiss
from derivcheck.problem import Claim

#: Properties that say what kind of thing a symbol is; without them there is no statement to be wrong.
STRUCTURAL = frozenset({"range", "integrable", "differentiable", "probability"})

#: Properties that are stated in terms of another: a normal law is the one with its mean and its variance.
DEPENDENT = {"mean": ("normal",), "variance": ("normal",)}


def near_misses(claim: Claim, *, per_kind: int = 3) -> tuple[NearMiss, ...]:
    """Wrong variants of `claim`: of every kind that applies, a few that lie far apart.

    A claim as printed is wrong already and has none.  What a claim lists among its `assumptions` is not dropped: an
    exchange of limits holds on every finite instance, so that nothing here could tell whether it is needed.

    Parameters
    ----------
    per_kind : int
        At most so many of one kind; dropped conditions and misconceptions are all kept.
    """
    if claim.as_printed:
        return ()
    seen = {claim.statement.key}
    out: list[NearMiss] = []
    by_kind: dict[str, list[NearMiss]] = {kind: [] for kind in KINDS}
    for m in _of_statement(claim):
        if m.statement.key not in seen:
            seen.add(m.statement.key)
            by_kind[m.kind].append(m)
    for found in by_kind.values():
        out.extend(_spread(found, per_kind))
    out.extend(_of_conditions(claim))
    for wrong in claim.misconceptions:
        context = wrong.context if wrong.context is not None else claim.context
        out.append(NearMiss("misconception", wrong.name, claim, wrong.statement, context))
    return tuple(out)


def _of_statement(claim: Claim) -> Iterator[NearMiss]:
    surroundings = Surroundings(claim.context)
    for place in places(claim.statement):
        for kind, rule in KINDS.items():
            for note, new in rule(place, surroundings):
                change = Change(place.term, new, place.scope)
                yield NearMiss(kind, note, claim, place.put(new), claim.context, change)


def _spread(found: list[NearMiss], count: int) -> list[NearMiss]:
    """At most `count` of a list, evenly spread, the first and the last among them."""
    if len(found) <= count or count < 2:
        return found[:count]
    step = (len(found) - 1) / (count - 1)
    return [found[round(k * step)] for k in range(count)]


def _of_conditions(claim: Claim) -> Iterator[NearMiss]:
    for d in claim.context.declarations:
        for p in d.properties:
            if p.facts and not _structural(d, p) and p.name not in claim.assumptions:
                context = claim.context.without(d.name, p.name)
                for dependent in DEPENDENT.get(p.name, ()):
                    if d.property(dependent) is not None:
                        context = context.without(d.name, dependent)
                kept = tuple(f for f in p.facts if analytic(f))
                if kept:  # that the integrals exist is not what is dropped
                    context = context.assuming(f"{d.name} {p.name}: integrals exist", *kept)
                facts = "; ".join(say(f) for f in p.facts if f not in kept)
                name = p.name if d.symbol is None else f"'{p.name}' of {d.name}"
                yield NearMiss("condition", f"without {name} ({facts})", claim, claim.statement, context)


def dropped_facts(m: NearMiss) -> list[Term]:
    """What the claim is given and its near miss is not."""
    given = set(m.context.propositions())
    return [f for f in m.claim.context.propositions() if f not in given]


def otherwise(m: NearMiss) -> Context:
    """Where a dropped condition fails: elsewhere the near miss is the claim, and no instance can tell them apart."""
    dropped = dropped_facts(m)
    return m.context.assuming("otherwise", not_(and_(*dropped))) if dropped else m.context


def _structural(d: Declaration, p: Property) -> bool:
    """Is the property part of what the symbol is, or an analytic fact that no finite instance can fail?"""
    if p.name in STRUCTURAL or (p.name == "minimum" and p.args[0].data == (1,)):
        return True
    return all(analytic(f) for f in p.facts)


def without_analytic(context: Context) -> Context:
    """`context` without what it says of the existence of integrals."""
    out = []
    for d in context.declarations:
        kept = tuple(p for p in d.properties if not p.facts or not all(map(analytic, p.facts)))
        if kept or d.symbol is not None:
            out.append(replace(d, properties=kept))
    return Context(tuple(out))


def analytic(fact: Term) -> bool:
    """Does `fact` say that an integral exists?"""
    while fact.op == "forall":
        fact = fact.body
    return fact.op == "integrable"
