"""Finite products, factorials and binomial coefficients.

A product of products splits, a factor without the index becomes a power, exponentials become the exponential of a sum.
What remains is an atom; products of the same factors over ranges that differ by a constant are told apart only in the
zero test, where the longer ones are written through what they share: no factor is divided by.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial
from typing import TYPE_CHECKING

from derivcheck.language import INT, REAL, Sum, Term, abstract, ind, instantiate, integer, le, make, num, range_, real
from derivcheck.language.constructors import affine, affine_parts, int_add
from derivcheck.language.terms import rebuild
from derivcheck.proof.normal_form.labelling import canonical
from derivcheck.proof.normal_form.poly import (
    UNIT,
    Lin,
    Mono,
    Poly,
    Unknown,
    canonical_order,
    constant,
    factor_term,
    from_integer,
    mono_times,
    plus,
    to_exponent,
    to_term,
)
from derivcheck.proof.normal_form.scopes import Under, depends

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser

#: Factors that are written out.
MAX_FACTORS = 16


def product(n: Normaliser, t: Term) -> Poly:
    """The normal form of a ``prod`` term."""
    domain = t.args[0]
    lo, hi = (n.integer(a) for a in domain.args)
    if hi.op == "oo":
        raise Unknown("an infinite product")
    first, last = affine_parts(lo), affine_parts(hi)
    if first[1] == last[1] and last[0] - first[0] < MAX_FACTORS:
        out = constant(1)
        for k in range(last[0] - first[0] + 1):
            out = n.times(out, n.nf(instantiate(t.body, int_add(lo, integer(k)))))
        return out
    # The range starts at 1: a shift needs no condition.
    length = int_add(int_add(hi, lo, -1), integer(1))
    v = n.fresh.symbol(t.hint, INT)
    place = int_add(int_add(v, lo), integer(1), -1)
    with Under(n, v, range_(1, length)):
        body = n.nf(instantiate(t.body, place))
    if not body:
        return n.nf(ind(le(length, integer(0))))  # a product of zeros is 1 when it is empty, else 0
    if len(body) != 1:
        return _atom(n, v, length, ((to_term(body), UNIT),))
    ((m, c),) = body.items()
    outside = tuple(f for f in m if not depends(f, v))
    out = constant(1)
    if outside or c != 1:
        n.need(le(integer(0), length))
        exponent = to_exponent(from_integer(length))
        assert exponent is not None
        base: Poly = {outside: c}
        out = n.raised(base, exponent, to_term(base))
    rest: Mono = ()
    for a, e in m:
        if (a, e) in outside:
            continue
        if a.op == "fn" and a.data == "exp":
            # Π exp(q)^e = exp(Σ e·q)
            total = Sum(1, length, abstract(make("mul", (e.term(), a.args[0]), None, REAL), v))
            out = n.times(out, n.exponential(n.nf(total)))
        else:
            rest = mono_times(rest, ((a, e),))
    for a, e in rest:
        whole = e.integer
        if whole is not None:
            out = n.times(out, n.raised(_atom(n, v, length, ((a, UNIT),)), Lin(Fraction(whole)), num(1)))
        else:
            out = n.times(out, _atom(n, v, length, ((a, e),)))
    return out


def _atom(n: Normaliser, v: Term, length: Term, m: Mono) -> Poly:
    ((a, e),) = m
    body = canonical_order(abstract(factor_term(a, e), v), n.symmetric)
    return n.rewrite(canonical(make("prod", (range_(1, length), body), None, REAL, "j"), n.symmetric))


def unified(n: Normaliser, p: Poly) -> Poly:
    """`p` with products of the same factors written through the shortest of them."""
    shortest: dict[tuple[Term, Term], int] = {}
    for m in p:
        for a, _ in m:
            if a.op == "prod":
                const, key = _key(a)
                shortest[key] = min(shortest.get(key, const), const)
    out: Poly = {}
    for m, c in p.items():
        value = constant(1)
        for a, e in m:
            factor: Poly = {((a, e),): Fraction(1)}
            if a.op == "prod":
                const, key = _key(a)
                least = shortest[key]
                if 0 < const - least <= MAX_FACTORS:
                    base = affine(least, affine_parts(a.args[0].args[1])[1])
                    n.need(le(integer(0), base))
                    short = rebuild(a, (range_(1, base), a.body))
                    whole: Poly = {((short, UNIT),): Fraction(1)}
                    for k in range(1, const - least + 1):
                        whole = n.times(whole, n.nf(instantiate(a.body, int_add(base, integer(k)))))
                    factor = n.raised(whole, e, a)
            value = n.times(value, factor)
        out = plus(out, value, c)
    return out


def _key(a: Term) -> tuple[int, tuple[Term, Term]]:
    const, coefficients = affine_parts(a.args[0].args[1])
    return const, (affine(0, coefficients), a.body)


# ---------------------------------------------------------------------------------------------------------- factorials


def factorials(n: Normaliser, t: Term) -> Poly:
    """``(k+2)! = (k+2)(k+1)k!``, and binomial coefficients through factorials where they are inside the triangle."""
    if t.op == "factorial":
        k = n.integer(t.args[0])
        n.need(le(integer(0), k))
        const, coefficients = affine_parts(k)
        if not coefficients:
            if not 0 <= const <= 1000:
                raise Unknown("a factorial of a large or negative number")
            return constant(factorial(const))
        base = affine(0, coefficients)
        out = n.rewrite(make("factorial", (base,), None, REAL))
        if abs(const) > MAX_FACTORS:
            raise Unknown("a factorial far from its base")
        if const > 0:
            n.need(le(integer(0), base))
        for j in range(1, const + 1):
            out = n.times(out, from_integer(int_add(base, integer(j))))
        for j in range(const + 1, 1):
            # k >= 0, so that each of these is positive
            factor = int_add(base, integer(j))
            out = n.times(out, n.raised(from_integer(factor), Lin(Fraction(-1)), real(factor)))
        return out
    top, bottom = (n.integer(a) for a in t.args)
    n.need(le(integer(0), top))
    (a, more), (b, rest) = affine_parts(top), affine_parts(bottom)
    if not rest:
        if b < 0:
            return {}
        if not more:
            return constant(comb(a, b) if a >= 0 else 0)
        if b <= MAX_FACTORS:
            out = constant(Fraction(1, factorial(b)))
            for j in range(b):
                out = n.times(out, from_integer(int_add(top, integer(j), -1)))
            return out
    gap = int_add(top, bottom, -1)
    if any(n.facts.holds(le(x, integer(-1))) for x in (bottom, gap)):
        return {}  # outside the triangle
    if n.facts.holds(le(integer(0), bottom)) and n.facts.holds(le(integer(0), gap)):
        out = n.nf(make("factorial", (top,), None, REAL))
        for x in (bottom, gap):
            # One by one: a factorial is plainly not zero, and a product of polynomials that they are is not.
            below = make("factorial", (x,), None, REAL)
            out = n.times(out, n.raised(n.nf(below), Lin(Fraction(-1)), below))
        return out
    return n.rewrite(make("binomial", (top, bottom), None, REAL))
