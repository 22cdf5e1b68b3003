"""Closed forms of sums: powers of the index (Faulhaber) and geometric factors."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb
from typing import TYPE_CHECKING

from derivcheck.language import (
    Term,
    integer,
    le,
    ne,
    num,
)
from derivcheck.language.constructors import affine_parts
from derivcheck.proof.normal_form.names import mentioned
from derivcheck.proof.normal_form.poly import (
    Lin,
    Mono,
    Poly,
    Unknown,
    constant,
    from_integer,
    plus,
    to_term,
)
from derivcheck.proof.normal_form.scopes import depends

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser


def closed_form(n: Normaliser, v: Term, h: Term, factors: Mono) -> Poly | None:
    """``Σ_{v=1}^{h}`` of a power of `v` times a geometric factor, for ``h >= 0``."""
    power = 0
    ratio: list[tuple[Term, Fraction]] = []
    for a, e in factors:
        if a.op == "real" and a.args[0] == v:
            k = e.integer
            if k is None or k < 0:
                return None
            power = k
        elif v not in mentioned(a) and not e.const and len(e.terms) == 1 and e.terms[0][0] == v:
            ratio.append((a, e.terms[0][1]))
        else:
            return None
    if not ratio:
        n.need(le(integer(0), h))
        return _faulhaber(n, power, from_integer(h))
    if power > 1:
        return None
    r = constant(1)
    for a, c in ratio:
        r = n.times(r, n.settle(((a, Lin(c)),)))
    minus_one = plus(r, constant(1), Fraction(-1))
    if not minus_one:
        return _faulhaber(n, power, from_integer(h))
    r_term = to_term(r)
    n.need(le(integer(0), h))
    if len(ratio) == 1:
        _not_one(n, *ratio[0], r_term)
    else:
        n.need(ne(r_term, 1))
    coefficients = affine_parts(h)

    def r_to(extra: int) -> Poly:
        out = constant(1)
        for a, c in ratio:
            exponent = Lin(
                c * (coefficients[0] + extra),
                tuple(sorted(((x, c * k) for x, k in coefficients[1].items()), key=lambda xc: xc[0].key)),
            )
            out = n.times(out, n.settle(((a, exponent),)))
        return out

    inverse = n.raised(minus_one, Lin(Fraction(-1)), num(1))  # not zero: the ratio is not 1
    if power == 0:
        return n.times(plus(r_to(1), r, Fraction(-1)), inverse)
    # Σ v r^v = (h r^{h+2} - (h+1) r^{h+1} + r) / (r-1)²
    hp = from_integer(h)
    top = plus(n.times(hp, r_to(2)), n.times(plus(hp, constant(1)), r_to(1)), Fraction(-1))
    return n.times(n.times(plus(top, r), inverse), inverse)


def _not_one(n: Normaliser, base: Term, exponent: Fraction, power: Term) -> None:
    """Need ``power = base^exponent ≠ 1`` in the words of an author: of its base, where that is the same."""
    whole = exponent.denominator == 1 and exponent != 0
    if n.facts.sign(base) == 1 or (whole and exponent % 2):
        n.need(ne(base, 1))
    elif whole:
        n.need(ne(base, 1))
        n.need(ne(base, -1))
    else:
        n.need(ne(power, 1))


def shifted_geometric_sum(
    n: Normaliser, variables: Sequence[tuple[Term, Term]], rest: Mono, a: Term, e: Lin
) -> Poly | None:
    """``Σ_{v=1}^{h} rest · a^{cv + k}`` with ``c > 0`` and ``c + k >= 0``, where `rest` does not depend on ``v``.

    It is ``rest · (a^{c(h+1) + k} − a^{c + k})/(a^c − 1)``: no power is negative, so nothing is asked of ``a = 0``
    (where ``0⁰ = 1`` on both sides).
    """
    if len(variables) != 1 or len(e.terms) != 1 or any(depends(f, variables[0][0]) for f in rest):
        return None
    ((v, domain),) = variables
    ((x, c),) = e.terms
    k, h = e.const, domain.args[1]
    if x != v or not c > 0 or c + k < 0:
        return None
    ratio = n.settle(((a, Lin(c)),))
    less_one = plus(ratio, constant(1), Fraction(-1))
    if not less_one:
        return None
    n.need(le(integer(0), h))
    _not_one(n, a, c, to_term(ratio))
    const, coefficients = affine_parts(h)
    steps = sorted(((s, c * m) for s, m in coefficients.items()), key=lambda sm: sm[0].key)
    last = Lin(c * (const + 1) + k, tuple(steps))
    first = n.settle(((a, Lin(c + k)),)) if c + k else constant(1)
    inverse = n.raised(less_one, Lin(Fraction(-1)), num(1))  # not zero: the ratio is not 1
    whole = n.times(plus(n.settle(((a, last),)), first, Fraction(-1)), inverse)
    return n.times(whole, {rest: Fraction(1)})


def _faulhaber(n: Normaliser, k: int, h: Poly) -> Poly:
    """``Σ_{v=1}^{h} v^k`` for ``h >= 0``."""
    if k > 30:
        raise Unknown("a large power in a sum")
    out: Poly = {}
    for j in range(k + 1):
        coefficient = Fraction(comb(k + 1, j)) * _bernoulli(j) / (k + 1)
        if coefficient:
            out = plus(out, n.power_of_sum(h, k + 1 - j), coefficient)
    return out


def _bernoulli(j: int) -> Fraction:
    """Bernoulli numbers with B₁ = +1/2."""
    b = [Fraction(0)] * (j + 1)
    for m in range(j + 1):
        b[m] = Fraction(1, m + 1)
        for k in range(m, 0, -1):
            b[k - 1] = k * (b[k - 1] - b[k])
    return b[0]


def has_closed_form(m: Mono, v: Term) -> bool:
    """Does the index occur only as a power of itself and in exponents?"""
    return all(not depends((a, e), v) or (a.op == "real" and not e.terms) or v not in mentioned(a) for a, e in m)
