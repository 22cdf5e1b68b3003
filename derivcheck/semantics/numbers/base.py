"""Rationals, balls and dual numbers, and their arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import acb, arb, ctx, fmpq

from derivcheck.semantics.numbers.errors import Imprecise, NotAnalytic, Undefined

#: fmpq | arb | acb | Dual; flint ships no type information.
Number = Any

ZERO = fmpq(0)
ONE = fmpq(1)


class Dual:
    """``primal + ε·tangent`` with ``ε² = 0``; `tag` tells the perturbations of nested derivatives apart."""

    __slots__ = ("primal", "tag", "tangent")

    def __init__(self, tag: int, primal: Number, tangent: Number) -> None:
        self.tag = tag
        self.primal = primal
        self.tangent = tangent

    def __repr__(self) -> str:
        return f"({self.primal} + ε{self.tag}·{self.tangent})"


def rational(value: int | Fraction) -> Number:
    """An exact number."""
    return fmpq(value) if isinstance(value, int) else fmpq(value.numerator, value.denominator)


def is_exact(x: Number) -> bool:
    """Whether `x` is a rational."""
    return isinstance(x, fmpq)


def primal(x: Number) -> Number:
    """The value without any derivative."""
    while isinstance(x, Dual):
        x = x.primal
    return x


def perturbs(x: Number) -> bool:
    """Whether `x` really moves: some tangent of it is not an exact zero."""
    if not isinstance(x, Dual):
        return False
    return perturbs(x.primal) or not is_zero(x.tangent)


def is_zero(x: Number) -> bool:
    """Whether `x` and all its tangents are zero."""
    if isinstance(x, Dual):
        return is_zero(x.primal) and is_zero(x.tangent)
    return bool(x == 0)


def parts(x: Number, tag: int) -> tuple[Number, Number]:
    """Primal and tangent of `x` for the perturbation `tag`."""
    if isinstance(x, Dual):
        if x.tag == tag:
            return x.primal, x.tangent
        if x.tag > tag:
            a, b = parts(x.primal, tag), parts(x.tangent, tag)
            return Dual(x.tag, a[0], b[0]), Dual(x.tag, a[1], b[1])
    return x, ZERO


def common_tag(x: Number, y: Number) -> int:
    """The innermost perturbation under which one of two numbers moves."""
    return max(x.tag if isinstance(x, Dual) else 0, y.tag if isinstance(y, Dual) else 0)


# ------------------------------------------------------------------------------------------------------ arithmetic


def add(x: Number, y: Number) -> Number:
    """The sum."""
    if isinstance(x, Dual) or isinstance(y, Dual):
        t = common_tag(x, y)
        (a, da), (b, db) = parts(x, t), parts(y, t)
        return Dual(t, add(a, b), add(da, db))
    return x + y


def neg(x: Number) -> Number:
    """The negative."""
    return Dual(x.tag, neg(x.primal), neg(x.tangent)) if isinstance(x, Dual) else -x


def sub(x: Number, y: Number) -> Number:
    """The difference."""
    return add(x, neg(y))


def mul(x: Number, y: Number) -> Number:
    """The product."""
    if isinstance(x, Dual) or isinstance(y, Dual):
        t = common_tag(x, y)
        (a, da), (b, db) = parts(x, t), parts(y, t)
        return Dual(t, mul(a, b), add(mul(da, b), mul(a, db)))
    return x * y


def div(x: Number, y: Number) -> Number:
    """The quotient.

    Raises
    ------
    Undefined
        If `y` is zero.
    Imprecise
        If `y` is a ball around zero.
    """
    if isinstance(x, Dual) or isinstance(y, Dual):
        t = common_tag(x, y)
        (a, da), (b, db) = parts(x, t), parts(y, t)
        q = div(a, b)
        return Dual(t, q, div(sub(da, mul(q, db)), b))
    if isinstance(y, fmpq):
        if y == 0:
            raise Undefined("division by zero")
    elif y == 0:
        raise Undefined("division by zero")
    elif y.contains(0):
        if isinstance(y, acb):
            raise NotAnalytic
        raise Imprecise("cannot tell whether a denominator is zero")
    return x / y


def total(xs: list[Number]) -> Number:
    """The sum of a list; 0 when empty."""
    out = ZERO
    for x in xs:
        out = add(out, x)
    return out


def as_ball(x: Number) -> Number:
    """`x` as a ball or a box; a number that is neither refuses in its own words."""
    if isinstance(x, fmpq):
        return arb(x)
    return x if isinstance(x, arb | acb) else x.ball


def shown(x: Number) -> str:
    """A number for a reader: an exact fraction, or a decimal with its error."""
    if isinstance(x, Dual):
        return shown(x.primal)
    if isinstance(x, fmpq):
        return str(x.p) if x.q == 1 else f"{x.p}/{x.q}"
    return str(x.str(12))


def midpoint(x: Number) -> float:
    """The value as a float, for display and for heuristics, never for a verdict."""
    x = primal(x)
    if isinstance(x, fmpq):
        return float(Fraction(int(x.p), int(x.q)))
    return float((x.real if isinstance(x, acb) else x).mid())


def working_precision(bits: int) -> Any:
    """A context manager that sets the precision of balls."""
    return ctx.workprec(bits)
