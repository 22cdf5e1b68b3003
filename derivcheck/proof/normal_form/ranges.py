"""A sum over a range as a difference of prefix sums ``Σ_{1}^{h}``.

So shifts, reversals, splits, telescoping and induction steps fall out.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    INT,
    Term,
    integer,
    le,
    lt,
    range_,
    subterms,
)
from derivcheck.language.constructors import affine, affine_parts, int_add
from derivcheck.proof.normal_form.closed_forms import has_closed_form
from derivcheck.proof.normal_form.groups import group
from derivcheck.proof.normal_form.integers import solved
from derivcheck.proof.normal_form.names import mentioned
from derivcheck.proof.normal_form.poly import (
    Mono,
    Poly,
    Unknown,
    plus,
    to_term,
)
from derivcheck.proof.normal_form.scopes import Under

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser

#: A sum over at most this many explicit indices is written out.
MAX_TERMS = 64
#: The largest distance of a bound from a prefix sum's base that is peeled off term by term.
MAX_PEEL = 16


def sum_monomial(n: Normaliser, v: Term, lo: Term, hi: Term, m: Mono) -> Poly:
    n.spend()
    first, last = affine_parts(lo), affine_parts(hi)
    if not first[1] and not last[1]:
        if last[0] - first[0] + 1 > MAX_TERMS:
            raise Unknown("a sum over many explicit indices")
        out: Poly = {}
        for k in range(first[0], last[0] + 1):
            out = plus(out, n.rename(m, {v: integer(k)}))
        return out
    if n.facts.holds(lt(hi, lo)):
        return {}
    picked = _picked(n, v, lo, hi, m)
    if picked is not None:
        return picked
    aligned = _alignment(n, m, v, lo, hi)
    if aligned is not None:
        lo, hi, p = aligned
        out = {}
        for mono, c in p.items():
            out = plus(out, _prefixes(n, v, lo, hi, mono), c)
        return out
    if lo != integer(1) and has_closed_form(m, v):
        # Shifted to start at 1, a geometric sum needs no condition but that it is not of negative length.
        length = int_add(int_add(hi, lo, -1), integer(1))
        with Under(n, v, range_(1, length)):
            p = n.rename(m, {v: int_add(int_add(v, lo), integer(1), -1)})
        out = {}
        for mono, c in p.items():
            out = plus(out, _prefix(n, v, length, mono), c)
        return out
    return _prefixes(n, v, lo, hi, m)


def _picked(n: Normaliser, v: Term, lo: Term, hi: Term, m: Mono) -> Poly | None:
    """The one summand that a delta leaves, where it lies in the range; None without a delta."""
    for k, (a, _) in enumerate(m):
        if a.op != "ind" or a.args[0].op != "eq" or a.args[0].args[0].sort != INT:
            continue
        const, coefficients = affine_parts(int_add(a.args[0].args[0], a.args[0].args[1], -1))
        if abs(coefficients.get(v, 0)) == 1 and not any(v in mentioned(x) for x in coefficients if x != v):
            value = solved(const, coefficients, v)
            out = n.rename(m[:k] + m[k + 1 :], {v: value})
            for c in (le(lo, value), le(value, hi)):
                out = n.times(out, n.indicator(c))
            return out
    return None


def _alignment(n: Normaliser, m: Mono, v: Term, lo: Term, hi: Term) -> tuple[Term, Term, Poly] | None:
    """Reflect or shift the index so that arrays are entered at ``v`` itself: the new range and summand.

    ``None`` where they are already.  Where the index is counted upwards in one place and downwards in another, both
    are tried, and the simplest result taken; an index that enters no array is counted upwards.
    """
    offsets = _offsets(m, v)
    if not any(offsets.values()):
        if not _counts_down(m, v):
            return None
        offsets = {1: set(), -1: {int_add(lo, hi)}}

    def moved(sign: int) -> tuple[Term, Term, Poly]:
        offset = min(offsets[sign], key=_simplicity)
        if sign == 1 and offset == integer(0):
            return lo, hi, {m: Fraction(1)}
        # the entry is at offset ± v: put v := ±(v − offset)
        first, last = (int_add(offset, end, sign) for end in ((lo, hi) if sign == 1 else (hi, lo)))
        with Under(n, v, range_(first, last)):
            return first, last, n.rename(m, {v: int_add(integer(0), int_add(v, offset, -1), sign)})

    candidates = [moved(sign) for sign in (1, -1) if offsets[sign]]
    best = min(candidates, key=lambda x: (_simplicity(x[0]), _simplicity(x[1]), to_term(x[2]).key))
    return None if best == (lo, hi, {m: Fraction(1)}) else best


def _offsets(m: Mono, v: Term) -> dict[int, set[Term]]:
    """The offsets ``o`` of places ``o + v`` and ``o − v`` at which arrays are entered, by the sign of `v`.

    Places like ``2v + 2o`` count where there are no others; lower indices of binomials, where no array is entered.
    """
    for heads in (("app",), ("binomial", "factorial")):
        places = [arg for a, _ in m for arg in _arguments(a, v, heads)]
        for single in (True, False):
            out: dict[int, set[Term]] = {1: set(), -1: set()}
            for arg in places:
                const, coefficients = affine_parts(arg)
                c = coefficients.pop(v, 0)
                step = abs(c)
                if c and single == (step == 1) and not any(k % step for k in coefficients.values()):
                    offset = affine(const // step, {x: k // step for x, k in coefficients.items()})
                    out[1 if c > 0 else -1].add(offset)
            if any(out.values()):
                return out
    out = {1: set(), -1: set()}
    for a, _ in m:
        for sign, offset in _solved_places(a, v):
            out[sign].add(offset)
    return out


def _solved_places(a: Term, v: Term) -> Iterator[tuple[int, Term]]:
    """The places ``o ± v`` of equations ``c·(o ± v) = rest`` within `a`, no part of the rest being a multiple of `c`.

    The sign is the one with which the first term of the rest grows with `v`.
    """
    for t in (t for t in subterms(a) if t.op == "eq" and t.args[0].sort == INT and not t.loose and v in mentioned(t)):
        const, coefficients = affine_parts(int_add(t.args[0], t.args[1], -1))
        c = coefficients.pop(v, 0)
        rest = {x: k for x, k in coefficients.items() if c and k % c}
        if not rest:
            continue
        turn = 1 if rest[min(rest, key=lambda x: x.key)] < 0 else -1
        parts = {x: turn * k // abs(c) for x, k in coefficients.items() if x not in rest}
        yield (1 if turn * c > 0 else -1), affine(turn * const // abs(c), parts)


def _simplicity(offset: Term) -> tuple[int, int, bytes]:
    const, coefficients = affine_parts(offset)
    return len(coefficients), const, offset.key


def _counts_down(m: Mono, v: Term) -> bool:
    """Does `v` stand with a negative factor in more integer terms than with a positive one?"""
    balance = sum((c > 0) - (c < 0) for _, e in m for x, c in e.terms if x == v)
    stack = [a for a, _ in m]
    while stack:
        t = stack.pop()
        if v not in mentioned(t) or t.op == "ind":  # a comparison can be written either way
            continue
        if t.op == "aff":
            c = dict(zip(t.args, t.data[1:], strict=True)).get(v, 0)
            balance += (c > 0) - (c < 0)
        stack.extend(t.args)
    return balance < 0


def _arguments(a: Term, v: Term, heads: tuple[str, ...]) -> list[Term]:
    """The integer arguments that mention `v` in applications of function symbols, or of other heads, within `a`."""
    out: list[Term] = []
    stack = [a]
    while stack:
        t = stack.pop()
        if v not in mentioned(t):
            continue
        if t.op in heads and (t.op != "app" or t.args[0].op == "sym"):
            out.extend(x for x in t.args if x.sort == INT and not x.loose and v in mentioned(x))
        stack.extend(t.args)
    return out


def _prefixes(n: Normaliser, v: Term, lo: Term, hi: Term, m: Mono) -> Poly:
    """``Σ_{lo}^{hi}`` as a difference of sums from 1."""
    c, rest = affine_parts(lo)
    out: Poly = {}
    if rest:
        before = int_add(lo, integer(1), -1)
        n.need(le(before, hi))
        n.need(le(integer(0), before))
        return plus(_prefix(n, v, hi, m), _prefix(n, v, before, m), Fraction(-1))
    if abs(c - 1) > MAX_PEEL:
        raise Unknown("a sum that starts far from 1")
    out = _prefix(n, v, hi, m)
    if c < 1:
        n.need(le(integer(0), hi))
        for k in range(c, 1):
            out = plus(out, n.rename(m, {v: integer(k)}))
    elif c > 1:
        n.need(le(integer(c - 1), hi))
        for k in range(1, c):
            out = plus(out, n.rename(m, {v: integer(k)}), Fraction(-1))
    return out


def _prefix(n: Normaliser, v: Term, h: Term, m: Mono) -> Poly:
    """``Σ_{1}^{h}``, with the constant part of ``h`` peeled off."""
    c, coefficients = affine_parts(h)
    if abs(c) > MAX_PEEL:
        raise Unknown("a sum that ends far from its base")
    if not coefficients:
        out: Poly = {}
        for k in range(1, c + 1):
            out = plus(out, n.rename(m, {v: integer(k)}))
        return out
    base = affine(0, coefficients)
    out = group(n, [(v, range_(1, base))], {m: Fraction(1)})
    if c > 0:
        n.need(le(integer(0), base))
        for k in range(1, c + 1):
            out = plus(out, n.rename(m, {v: int_add(base, integer(k))}))
    elif c < 0:
        n.need(le(integer(0), h))
        for k in range(c + 1, 1):
            out = plus(out, n.rename(m, {v: int_add(base, integer(k))}), Fraction(-1))
    return out
