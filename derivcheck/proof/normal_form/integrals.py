"""Finite sums, integrals and expectations: the entrance from a term, and integrals monomial by monomial."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    MEASURE,
    PROP,
    REAL,
    Term,
    abstract,
    instantiate,
    make,
)
from derivcheck.language.constructors import affine_parts
from derivcheck.language.terms import domain_of_measure, variable_sort
from derivcheck.proof.normal_form.groups import group, join
from derivcheck.proof.normal_form.labelling import (
    canonical,
)
from derivcheck.proof.normal_form.poly import (
    Mono,
    Poly,
    canonical_order,
    mono_term,
    plus,
    to_term,
)
from derivcheck.proof.normal_form.ranges import sum_monomial
from derivcheck.proof.normal_form.scopes import Under, depends, scoped

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser


def integral(n: Normaliser, t: Term) -> Poly:
    """The normal form of an ``int`` term: a sum over a range, or an integral against a measure."""
    measure = t.args[0]
    sort, doms = variable_sort(t)
    v = n.fresh.symbol(t.hint, sort, doms)
    domain = domain_of_measure(measure)
    if _empty(measure, domain):
        return {}  # nothing is summed, so nothing is asked of the body
    body = instantiate(t.body, v)
    with Under(n, v, domain):
        p = n.nf(body)
    if measure.op == "counting" and domain.args[1].op != "oo":
        lo, hi = n.integer(domain.args[0]), n.integer(domain.args[1])
        out: Poly = {}
        for m, c in p.items():
            out = plus(out, sum_monomial(n, v, lo, hi, m), c)
        return out
    return integrate(n, _canonical_measure(n, measure), v, p, t.hint)


def _empty(measure: Term, domain: Term) -> bool:
    """Whether this is a sum over a range of numbers that is empty as it stands."""
    if measure.op != "counting" or domain.op != "range":
        return False
    (first, more), (last, further) = (affine_parts(a) if a.op != "oo" else (0, {a: 1}) for a in domain.args)
    return not more and not further and last < first


def _canonical_measure(n: Normaliser, measure: Term) -> Term:
    """A measure with canonical bounds."""
    if measure.op == "lebesgue":
        (d,) = measure.args
        ends = tuple(a if a.op in ("oo", "neg") else to_term(n.nf(a)) for a in d.args)
        return make("lebesgue", (make("interval", ends, None, d.sort),), None, MEASURE)
    return measure


def integrate(n: Normaliser, measure: Term, v: Term, p: Poly, hint: str) -> Poly:
    """The integral of a polynomial against a measure, monomial by monomial.

    Splitting a sum and moving a factor out need each part integrable; that is recorded as a condition.
    """
    if not p:
        return {}
    out: Poly = {}
    for m, c in p.items():
        inside = tuple(f for f in m if depends(f, v))
        outside = tuple(f for f in m if f not in inside)
        opened, mono, k = join(n, inside)
        mine = tuple(f for f in mono if depends(f, v))
        constant_in_v = tuple(f for f in mono if f not in mine)
        with scoped(n, opened):
            if len(p) > 1 or outside or constant_in_v or opened:
                n.need(_integrable(measure, v, mine, hint))
            value = _integral_of(n, measure, v, mine, hint)
        value = n.times(value, {constant_in_v: Fraction(1)})
        if opened:
            value = group(n, opened, value)
        out = plus(out, n.times({outside: Fraction(1)}, value), c * k)
    return out


def _integrable(measure: Term, v: Term, m: Mono, hint: str) -> Term:
    body = abstract(mono_term(m), v)
    return make("integrable", (measure, body), None, PROP, hint)


def _integral_of(n: Normaliser, measure: Term, v: Term, m: Mono, hint: str) -> Poly:
    for left, right in n.facts.independent_split(measure, v, m):
        n.need(_integrable(measure, v, left, hint))
        n.need(_integrable(measure, v, right, hint))
        return n.times(_integral_of(n, measure, v, left, hint), _integral_of(n, measure, v, right, hint))
    body = canonical_order(abstract(mono_term(m), v), n.symmetric)
    return n.rewrite(canonical(make("int", (measure, body), None, REAL, hint), n.symmetric))
