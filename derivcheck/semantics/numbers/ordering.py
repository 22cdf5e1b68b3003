"""Which of two numbers is larger, and what that means where a derivative is being taken."""

from __future__ import annotations

from flint import acb, fmpq

from derivcheck.semantics.numbers.base import Dual, Number, as_ball, common_tag, is_zero, parts, primal, sub
from derivcheck.semantics.numbers.errors import Imprecise, Kink, NotAnalytic, Undefined, Unknown


def compare(x: Number, y: Number) -> int:
    """The sign of ``x - y``, values only.

    Raises
    ------
    Imprecise
        If the balls overlap without being equal.
    """
    a, b = primal(x), primal(y)
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return (a > b) - (a < b)
    if isinstance(a, acb) or isinstance(b, acb):
        gap = a - b
        if gap.real > 0:
            return 1
        if gap.real < 0:
            return -1
        if gap == 0:
            return 0
        raise NotAnalytic
    if a > b:
        return 1
    if a < b:
        return -1
    if a == b:  # two equal exact balls
        return 0
    raise Imprecise("cannot tell two numbers apart")


class Integration:
    """Whether a value is being computed for an integrand over an interval.

    A derivative then passes under the integral sign.  That is right for smooth integrands, and once for corners; a jump
    that moves, or a corner that moves in a second derivative, leaves a boundary term that dual numbers cannot see.
    """

    depth = 0

    def __enter__(self) -> None:
        Integration.depth += 1

    def __exit__(self, *_: object) -> None:
        Integration.depth -= 1


def _moving_tags(x: Number) -> frozenset[int]:
    """The perturbations under which `x` moves."""
    if not isinstance(x, Dual):
        return frozenset()
    own = frozenset() if is_zero(x.tangent) else frozenset({x.tag})
    return own | _moving_tags(x.primal) | _moving_tags(x.tangent)


def refuse_boundary_terms(x: Number, corner: bool) -> None:
    """Refuse a jump (a corner) where `x` changes sign, if it moves once (twice) under an integral sign.

    Raises
    ------
    Unknown
        If the derivative of the integral is not the integral of the derivative.
    """
    if Integration.depth and len(_moving_tags(x)) > corner:
        kind = "a corner that moves, twice differentiated," if corner else "a jump that moves"
        raise Unknown(f"{kind} under an integral sign")


def compare_locally(x: Number, y: Number) -> int:
    """The sign of ``x - y``, required to be the same nearby when a derivative is being taken.

    Raises
    ------
    Kink
        If the two are equal and move.
    Unknown
        If they move under an integral sign, where a jump that moves changes the derivative of the integral.
    """
    sign = compare(x, y)
    if isinstance(x, Dual) or isinstance(y, Dual):
        if sign == 0:
            raise Kink("a condition changes exactly at the point of differentiation")
        refuse_boundary_terms(sub(x, y), corner=False)
    return sign


def maximum(xs: list[Number], sign: int = 1) -> Number:
    """The largest number (the smallest, for ``sign = -1``).

    Raises
    ------
    Undefined
        If there is none.
    Kink
        If a tie is broken by the perturbation.
    """
    if not xs:
        raise Undefined("the maximum of nothing" if sign > 0 else "the minimum of nothing")
    best = xs[0]
    for x in xs[1:]:
        best = _larger(best, x, sign)
    return best


def _larger(x: Number, y: Number, sign: int) -> Number:
    a, b = primal(x), primal(y)
    if isinstance(x, Dual) or isinstance(y, Dual):
        refuse_boundary_terms(sub(x, y), corner=True)
        c = compare(a, b) * sign
        if c == 0 and not is_zero(sub(x, y)):
            raise Kink("a maximum is tied at the point of differentiation")
        return x if c >= 0 else y
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a if (a >= b) == (sign > 0) else b
    if isinstance(a, acb) or isinstance(b, acb):
        c = compare(a, b) * sign
        return a if c >= 0 else b
    a, b = as_ball(a), as_ball(b)
    return a.max(b) if sign > 0 else a.min(b)


def union(x: Number, y: Number) -> Number:
    """A box around two values, part by part."""
    if isinstance(x, Dual) or isinstance(y, Dual):
        t = common_tag(x, y)
        (a, da), (b, db) = parts(x, t), parts(y, t)
        return Dual(t, union(a, b), union(da, db))
    return acb(x).union(acb(y))


def wide_extremum(x: Number, y: Number, sign: int) -> Number:
    """A box around the larger (smaller) of two values that a box cannot tell apart."""
    if isinstance(x, Dual) or isinstance(y, Dual):
        t = common_tag(x, y)
        (a, da), (b, db) = parts(x, t), parts(y, t)
        return Dual(t, wide_extremum(a, b, sign), union(da, db))
    a, b = acb(x), acb(y)
    return a.real_max(b, analytic=False) if sign > 0 else a.real_min(b, analytic=False)
