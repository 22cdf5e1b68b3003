"""Quantifiers: enumerated over finite domains; over infinite ones, samples refute or support and never prove."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from derivcheck.language.terms import Term
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.judgement import TRUE, Judgement, Truth, conjunction, disjunction, unknown
from derivcheck.semantics.polynomials import NotPolynomial, identical
from derivcheck.semantics.pools import digest, sample
from derivcheck.semantics.showing import show
from derivcheck.semantics.values import Function, Outcome, RangeDomain, Space, SpaceDomain, Value, branches

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Environment, Evaluator

#: How many points of a finite space a quantifier enumerates, and how many it samples where there are more.
MOST_POINTS = 729
SAMPLED_POINTS = 64


def sample_size(ev: Evaluator, nested: int) -> int:
    """How many members of an infinite domain to try, in a nest of `nested` such quantifiers."""
    size: int = round(ev.state.samples ** (1 / nested))
    return max(3, size)


def _members(ev: Evaluator, p: Term, env: Environment) -> tuple[Iterable[Value], bool]:
    """The members of a quantifier's domain to try, and whether they are all of them."""
    domain = ev.domain(p.args[0], env)
    if isinstance(domain, RangeDomain) and domain.hi is not None and domain.hi - domain.lo < 4096:
        return domain.members(), True
    nested, body = 1, p.args[-1]
    while body.op == p.op and body.args[0].op in ("interval", "integers", "functions"):
        nested, body = nested + 1, body.args[-1]
    salt = digest(ev.world.salt, nested)
    # An outer quantifier of the same nest has already divided the samples among its members.
    return sample(domain, sample_size(ev, nested + ev.sampling), salt), False


def for_all(ev: Evaluator, p: Term, env: Environment) -> Judgement:
    """The judgement of a universal statement: enumerated, or supported or refuted by samples."""
    domain = ev.domain(p.args[0], env)
    if isinstance(domain, SpaceDomain):
        return _for_all_points(ev, domain.space, p, env)
    members, complete = _members(ev, p, env)
    ev.sampling += not complete
    try:
        j = conjunction(_instance(ev, p, v, env) for v in members)
    finally:
        ev.sampling -= not complete
    if not complete and j.truth is Truth.TRUE:
        return replace(j, truth=Truth.SUPPORTED, evidence="sampled")
    return j


def _for_all_points(ev: Evaluator, space: Space, p: Term, env: Environment) -> Judgement:
    """By polynomials in coins where the body is an equation of such, else by enumeration, else by samples."""
    body = p.args[1]
    if body.op == "eq":
        try:
            if identical(space, lambda w: (ev.eval(body.args[0], (w, *env)), ev.eval(body.args[1], (w, *env)))):
                return TRUE
        except NotPolynomial:
            pass  # then point by point
    found = branches(space, lambda w: ev.holds(body, (w, *env)))
    first = [j for _, j in islice(found, MOST_POINTS)]
    j = conjunction(first)
    if j.truth is Truth.FALSE or len(first) < MOST_POINTS:
        return j
    points = sample(SpaceDomain(space), SAMPLED_POINTS, ev.world.salt)
    j = conjunction([j, *(ev.holds(body, (w, *env)) for w in points)])
    return replace(j, truth=Truth.SUPPORTED, evidence="sampled") if j.truth is Truth.TRUE else j


def _instance(ev: Evaluator, p: Term, v: Value, env: Environment) -> Judgement:
    j = ev.holds(p.args[1], (v, *env))
    if j.truth not in (Truth.FALSE, Truth.UNDEFINED):
        return j
    name = p.hint.split("@")[0] or "v"
    shown = str(v) if isinstance(v, int) else nm.shown(v) if not isinstance(v, Function | Outcome) else show(v)
    return Judgement(j.truth, j.evidence, j.reason, j.sides, ((name, shown), *j.witness), j.kink)


def exists(ev: Evaluator, p: Term, env: Environment) -> Judgement:
    """The judgement of an existence statement: a witness among the members that are tried, or all of them."""
    domain = ev.domain(p.args[0], env)
    if isinstance(domain, SpaceDomain):
        found = branches(domain.space, lambda w: ev.holds(p.args[1], (w, *env)))
        return disjunction(j for _, j in found)
    members, complete = _members(ev, p, env)
    ev.sampling += not complete
    try:
        j = disjunction(ev.holds(p.args[1], (v, *env)) for v in members)
    finally:
        ev.sampling -= not complete
    if not complete and j.truth is not Truth.TRUE:
        return unknown("no witness of an existence statement was found among the samples")
    return j
