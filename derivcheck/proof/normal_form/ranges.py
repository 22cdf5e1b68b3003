"""A sum over a range as a difference of prefix sums ``Σ_{1}^{h}``.

So shifts, reversals, splits, telescoping and induction steps fall out.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    INT,
    Term,
    integer,
    le,
    range_,
)
from derivcheck.language.build import affine, affine_parts, int_add
from derivcheck.proof.normal_form.closed_forms import has_closed_form
from derivcheck.proof.normal_form.groups import group
from derivcheck.proof.normal_form.names import mentioned
from derivcheck.proof.normal_form.poly import (
    Mono,
    Poly,
    Unknown,
    plus,
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
    p: Poly = {m: Fraction(1)}
    aligned = _alignment(m, v, lo, hi)
    if aligned is not None:
        replacement, lo, hi = aligned
        with Under(n, v, range_(lo, hi)):
            p = n.rename(m, {v: replacement})
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


def _alignment(m: Mono, v: Term, lo: Term, hi: Term) -> tuple[Term, Term, Term] | None:
    """Reflect or shift the index so that arrays are entered at ``v`` itself; ``None`` where they are already."""
    offsets: set[Term] = set()
    steps: set[int] = set()
    signs: set[int] = set()
    for a, _ in m:
        for arg in _entry_arguments(a, v):
            const, coefficients = affine_parts(arg)
            c = coefficients.pop(v, 0)
            if c in (1, -1):
                signs.add(c)
                offsets.add(affine(const, coefficients))
            elif not coefficients:
                steps.add(const // c)
    if not signs and steps:
        # entries at 2v + c only
        signs, offsets = {1}, {integer(min(steps))}
    if len(signs) != 1:
        return None
    if signs == {-1}:
        # offset - v: put v := offset' - v, so that the entry is at v
        offset = min(offsets, key=_simplicity)
        replacement = int_add(offset, v, -1)
        return replacement, int_add(offset, hi, -1), int_add(offset, lo, -1)
    offset = min(offsets, key=_simplicity)
    if offset == integer(0):
        return None
    return int_add(v, offset, -1), int_add(lo, offset), int_add(hi, offset)


def _simplicity(offset: Term) -> tuple[int, int, bytes]:
    const, coefficients = affine_parts(offset)
    return len(coefficients), const, offset.key


def _entry_arguments(a: Term, v: Term) -> list[Term]:
    """The index arguments that mention `v` in applications of function symbols within `a`."""
    out: list[Term] = []
    stack = [a]
    while stack:
        t = stack.pop()
        if v not in mentioned(t):
            continue
        if t.op == "app" and t.args[0].op == "sym":
            out.extend(x for x in t.args[1:] if x.sort == INT and not x.loose and v in mentioned(x))
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
