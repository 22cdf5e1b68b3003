"""Numbers made of rationals with ``+ − · /`` and roots: is one of them zero?

Every such number is ``U/L`` with algebraic integers ``U`` and ``L``.  Let ``u`` and ``l`` bound all conjugates of
``U`` and ``L``, and let ``D`` be the product of the orders of the roots that occur (each root counted once, however
often it is used): the degree of ``U`` is at most ``D``.  If ``U`` is not zero, the product of its conjugates is a whole
number that is not zero, so that ``|U| >= u^(1−D)`` and

    |E| >= 1/(l·u^(D−1))        (Burnikel, Funke, Mehlhorn, Schirra, Schmitt, *A separation bound for real algebraic
                                 expressions*, Algorithmica 55, 2009, theorem 1).

A ball around ``E`` that lies within that bound shows ``E = 0``; one that leaves zero out shows ``E ≠ 0``.

=============  =====================================  =====================
E              u                                      l
=============  =====================================  =====================
p/q            abs(p)                                 q
A ± B          u(A)·l(B) + l(A)·u(B)                  l(A)·l(B)
A·B            u(A)·u(B)                              l(A)·l(B)
A/B            u(A)·l(B)                              l(A)·u(B)
A^(1/k)        (u(A)·l(A)^(k−1))^(1/k)                l(A)
=============  =====================================  =====================

>>> from derivcheck.language import num, sqrt
>>> vanishes(sqrt(2) + sqrt(3) - sqrt(5 + 2 * sqrt(6)))
True
>>> vanishes(sqrt(2) + sqrt(3) - sqrt(num(99) / 10))
False
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2, prod
from typing import Any

from flint import arb, ctx, fmpq

from derivcheck.language import REAL, Term, unfold

#: Beyond these the question is left open: the degree, the bits of a ball, the size of a whole exponent.
MAX_DEGREE, MAX_BITS, MAX_EXPONENT = 4096, 200_000, 64
#: Where the search for enough bits begins.
FIRST_BITS = 128


class _NotAlgebraic(Exception):
    """The term is no such number, has no value, or is too large."""


@dataclass(frozen=True, slots=True)
class _Size:
    """Bounds of the base-2 logarithms of ``u`` and ``l``, rounded up."""

    u: float
    l: float  # noqa: E741 -- the name in the source


def vanishes(t: Term) -> bool | None:
    """Is the closed real term zero?  None if it is no algebraic number of this kind, has no value or is too large."""
    if t.sort != REAL:
        return None
    t = unfold(t)
    roots: dict[tuple[Term, int], None] = {}
    try:
        size = _size(t, roots)
        degree = prod(k for _, k in roots)
        if degree > MAX_DEGREE:
            return None
        # |E| >= 2^-threshold unless E = 0; the slack absorbs what floats lose in adding up the logarithms.
        threshold = ceil((size.l + (degree - 1) * max(size.u, 0.0)) * (1 + 1e-9)) + 8
        bits = FIRST_BITS
        while bits <= MAX_BITS:
            with ctx.workprec(bits):
                value = _ball(t)
                if not value.contains(0):
                    return False
                if value.abs_upper() < arb(2) ** -threshold:
                    return True
            bits *= 2
    except (_NotAlgebraic, RecursionError, OverflowError):
        return None
    return None


def _exponent(t: Term) -> Fraction:
    if t.op == "neg":
        return -_exponent(t.args[0])
    if t.op == "div" and all(a.op == "num" for a in t.args) and t.args[1].data:
        return Fraction(t.args[0].data) / Fraction(t.args[1].data)
    if t.op != "num":
        raise _NotAlgebraic
    return Fraction(t.data)


def _power(t: Term) -> tuple[Term, int, int]:
    """Base, whole power and order of the root."""
    e = _exponent(t.args[1])
    if abs(e.numerator) > MAX_EXPONENT or e.denominator > MAX_DEGREE:
        raise _NotAlgebraic
    return t.args[0], e.numerator, e.denominator


def _size(t: Term, roots: dict[tuple[Term, int], None]) -> _Size:
    match t.op:
        case "num":
            q = Fraction(t.data)
            return _Size(_log2(abs(q.numerator)), _log2(q.denominator))
        case "neg":
            return _size(t.args[0], roots)
        case "add":
            out = _size(t.args[0], roots)
            for a in t.args[1:]:
                other = _size(a, roots)
                out = _Size(_log_sum(out.u + other.l, out.l + other.u), out.l + other.l)
            return out
        case "mul":
            parts = [_size(a, roots) for a in t.args]
            return _Size(sum(p.u for p in parts), sum(p.l for p in parts))
        case "div":
            above, below = (_size(x, roots) for x in t.args)
            return _Size(above.u + below.l, above.l + below.u)
        case "pow":
            base, n, k = _power(t)
            inner = _size(base, roots)
            if k > 1:
                roots[base, k] = None
                inner = _Size((inner.u + (k - 1) * inner.l) / k, inner.l)
            return _Size(n * inner.u, n * inner.l) if n >= 0 else _Size(-n * inner.l, -n * inner.u)
    raise _NotAlgebraic


def _log2(n: int) -> float:
    """An upper bound of ``log2(n)``, 0 for 0: a bound of a conjugate may be raised to 1."""
    return log2(n) if 0 < n < 2**1000 else float(n.bit_length())


def _log_sum(x: float, y: float) -> float:
    """``log2(2^x + 2^y)``."""
    high, low = max(x, y), min(x, y)
    return high + log2(1 + 2 ** (low - high))


def _ball(t: Term) -> Any:
    """A ball around the value, at the precision in force."""
    match t.op:
        case "num":
            return arb(fmpq(t.data.numerator, t.data.denominator))
        case "neg":
            return -_ball(t.args[0])
        case "add":
            return sum((_ball(a) for a in t.args[1:]), _ball(t.args[0]))
        case "mul":
            return prod((_ball(a) for a in t.args[1:]), start=_ball(t.args[0]))
        case "div":
            return _ball(t.args[0]) / _not_zero(_ball(t.args[1]))
        case "pow":
            base, n, k = _power(t)
            value = _ball(base)
            if k > 1:
                # A root needs a base of known sign, as it needs a value at all; 0 is left to others.
                if not value > 0:
                    raise _NotAlgebraic
                value = value.root(k)
            return value**n if n >= 0 else 1 / _not_zero(value) ** -n
    raise _NotAlgebraic


def _not_zero(x: Any) -> Any:
    if x.contains(0):
        raise _NotAlgebraic
    return x
