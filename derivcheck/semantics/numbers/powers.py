"""Powers, exact where they can be."""

from __future__ import annotations

from math import isqrt

from flint import acb, arb, fmpq

from derivcheck.semantics.numbers.base import (
    ONE,
    ZERO,
    Dual,
    Number,
    add,
    as_ball,
    common_tag,
    div,
    is_exact,
    is_zero,
    mul,
    parts,
    sub,
)
from derivcheck.semantics.numbers.errors import Imprecise, Kink, NotAnalytic, Undefined
from derivcheck.semantics.numbers.ordering import compare
from derivcheck.semantics.numbers.scalar_functions import log

#: Largest exact exponent (and bit length of an exact power); beyond it a power is computed as a ball.
MAX_EXACT_EXPONENT = 4096
MAX_EXACT_BITS = 1 << 16


def _integer_root(n: int, k: int) -> int | None:
    """The exact k-th root of a non-negative integer, if there is one."""
    if n < 2:
        return n
    if k == 2:
        r = isqrt(n)
        return r if r * r == n else None
    r = round(n ** (1.0 / k)) if n.bit_length() < 900 else 1 << (n.bit_length() // k)
    for _ in range(200):
        step = ((k - 1) * r + n // r ** (k - 1)) // k
        if abs(step - r) <= 1:
            break
        r = step
    return next((c for c in range(max(r - 2, 0), r + 3) if c**k == n), None)


def integer_power(x: Number, n: int) -> Number:
    """``x**n`` for an integer `n`; ``0**0`` is 1."""
    if n < 0:
        return div(ONE, integer_power(x, -n))
    if isinstance(x, Dual):
        if n == 0:
            return ONE
        slope = mul(fmpq(n), integer_power(x.primal, n - 1))
        return Dual(x.tag, integer_power(x.primal, n), mul(slope, x.tangent))
    if isinstance(x, fmpq):
        bits = max(int(abs(x.p)).bit_length(), int(x.q).bit_length())
        trivial = x == 0 or abs(x) == 1
        if not trivial and (n > MAX_EXACT_EXPONENT or bits * n > MAX_EXACT_BITS):
            return arb(x) ** n
        if trivial:
            return ONE if n == 0 else x if n % 2 else x * x
    if isinstance(x, arb) and x.contains(0) and n:
        # Arb's power of a ball around zero goes through a logarithm and is not a number.
        top = arb(0) if x.abs_upper() == 0 else x.abs_upper() ** n
        return top.union(-top if n % 2 else arb(0))
    return x**n


def power(x: Number, y: Number) -> Number:
    """``x**y``: exact for integer exponents and perfect powers, else a ball; a base below 0 needs an integer exponent.

    Raises
    ------
    Undefined
        For a negative base (or zero, with a negative exponent).
    Kink
        For the derivative of a fractional power at 0.
    """
    if isinstance(y, fmpq) and y.q == 1:
        return integer_power(x, int(y.p))
    if isinstance(x, Dual) or isinstance(y, Dual):
        return _dual_power(x, y)
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        if x < 0:
            raise Undefined("fractional power of a negative number")
        if x == 0:
            if y < 0:
                raise Undefined("negative power of zero")
            return ZERO
        k = int(y.q)
        if k <= 64:
            top, bottom = _integer_root(int(x.p), k), _integer_root(int(x.q), k)
            if top is not None and bottom is not None:
                return integer_power(fmpq(top, bottom), int(y.p))
        return arb(x) ** arb(y)
    if isinstance(x, acb) or isinstance(y, acb):
        box = acb(x)
        if not box.real > 0:
            raise NotAnalytic
        return box ** acb(y)
    base, exponent = as_ball(x), as_ball(y)
    if base > 0:
        return base**exponent
    if base == 0 and exponent > 0:
        return ZERO
    if base < 0:
        raise (
            Undefined("fractional power of a negative number")
            if is_exact(y)
            else Imprecise("cannot tell whether an exponent is an integer")
        )
    raise Imprecise("cannot tell whether the base of a power is positive")


def _dual_power(x: Number, y: Number) -> Number:
    t = common_tag(x, y)
    (a, da), (b, db) = parts(x, t), parts(y, t)
    value = power(a, b)
    c = compare(a, ZERO)
    if c < 0:
        raise Undefined("fractional power of a negative number")
    if c == 0:
        raise Kink("power of zero")
    slope = mul(mul(b, power(a, sub(b, ONE))), da)
    if not is_zero(db):
        slope = add(slope, mul(mul(value, log(a)), db))
    return Dual(t, value, slope)
