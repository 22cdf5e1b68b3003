"""Numbers: exact rationals, rigorous balls, and dual numbers over both.

A real value is one of

=============  ==================================================================================
``fmpq``       an exact rational
``arb``        a ball that contains the value: what a transcendental function returns
``acb``        a complex box: only under an integral sign, while Arb bounds the integrand
``Dual``       a value with its rate of change under one tagged perturbation; the parts may be dual
=============  ==================================================================================

Nothing here knows any algebra: every function computes on one value.  A value that does not exist raises
`Undefined`; a decision that the balls are too wide for raises `Imprecise`, and the caller tries more digits.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Any

from flint import acb, arb, ctx, fmpq

#: fmpq | arb | acb | Dual; flint ships no type information.
Number = Any

ZERO = fmpq(0)
ONE = fmpq(1)

#: Largest exact exponent (and bit length of an exact power); beyond it a power is computed as a ball.
MAX_EXACT_EXPONENT = 4096
MAX_EXACT_BITS = 1 << 16


class EvaluationError(Exception):
    """Something that stops an evaluation; its text is the reason that a report shows."""


class Undefined(EvaluationError):
    """The term has no value: a division by zero, an index out of range, the maximum of nothing, ..."""


class Kink(Undefined):
    """A derivative is asked for where the function has a corner or a jump."""


class Unknown(EvaluationError):
    """The evaluator cannot tell; never evidence for or against anything."""


class Imprecise(Unknown):
    """Two balls overlap where a decision is needed; more digits may help."""


class NotAnalytic(EvaluationError):
    """A complex box straddles a corner, a jump or a branch cut; the integrator subdivides it."""


class BudgetExceeded(Unknown):
    """The counted work ran out."""


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
    return perturbs(x.primal) or not _is_zero(x.tangent)


def _is_zero(x: Number) -> bool:
    if isinstance(x, Dual):
        return _is_zero(x.primal) and _is_zero(x.tangent)
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


def _tag(x: Number, y: Number) -> int:
    return max(x.tag if isinstance(x, Dual) else 0, y.tag if isinstance(y, Dual) else 0)


# ------------------------------------------------------------------------------------------------------ arithmetic


def add(x: Number, y: Number) -> Number:
    """The sum."""
    if isinstance(x, Dual) or isinstance(y, Dual):
        t = _tag(x, y)
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
        t = _tag(x, y)
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
        t = _tag(x, y)
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


# ------------------------------------------------------------------------------------------------------ comparison


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
    own = frozenset() if _is_zero(x.tangent) else frozenset({x.tag})
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
        if c == 0 and not _is_zero(sub(x, y)):
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
        t = _tag(x, y)
        (a, da), (b, db) = parts(x, t), parts(y, t)
        return Dual(t, union(a, b), union(da, db))
    return acb(x).union(acb(y))


def wide_extremum(x: Number, y: Number, sign: int) -> Number:
    """A box around the larger (smaller) of two values that a box cannot tell apart."""
    if isinstance(x, Dual) or isinstance(y, Dual):
        t = _tag(x, y)
        (a, da), (b, db) = parts(x, t), parts(y, t)
        return Dual(t, wide_extremum(a, b, sign), union(da, db))
    a, b = acb(x), acb(y)
    return a.real_max(b, analytic=False) if sign > 0 else a.real_min(b, analytic=False)


# ------------------------------------------------------------------------------------------------ scalar functions


def lift(f: Callable[[Number], Number], df: Callable[[Number], Number]) -> Callable[[Number], Number]:
    """Extend a function of plain numbers to dual numbers by its derivative."""

    def lifted(x: Number) -> Number:
        if isinstance(x, Dual):
            return Dual(x.tag, lifted(x.primal), mul(df(x.primal), x.tangent))
        return f(x)

    return lifted


def as_ball(x: Number) -> Number:
    """`x` as a ball or a box; a number that is neither refuses in its own words."""
    if isinstance(x, fmpq):
        return arb(x)
    return x if isinstance(x, arb | acb) else x.ball


def _entire(name: str, at_zero: int) -> Callable[[Number], Number]:
    """An entire function (or one analytic on the real line): exact at 0, a ball elsewhere."""

    def f(x: Number) -> Number:
        if isinstance(x, fmpq) and x == 0:
            return fmpq(at_zero)
        y = getattr(as_ball(x), name)()
        if isinstance(y, acb) and not y.is_finite():
            raise NotAnalytic
        return y

    return f


def _log(x: Number) -> Number:
    if isinstance(x, fmpq):
        if x <= 0:
            raise Undefined("logarithm of a number that is not positive")
        return ZERO if x == 1 else arb(x).log()
    if isinstance(x, acb):
        if not x.real > 0:
            raise NotAnalytic
        return x.log()
    if x <= 0:
        raise Undefined("logarithm of a number that is not positive")
    if not x > 0:
        raise Imprecise("cannot tell whether a logarithm's argument is positive")
    return x.log()


def _atan(x: Number) -> Number:
    if isinstance(x, acb) and not x.imag.abs_upper() < 1:
        raise NotAnalytic
    return ZERO if isinstance(x, fmpq) and x == 0 else as_ball(x).atan()


def _pole(x: Number) -> Number:
    """`x` as a ball, once it is certain that the gamma function has no pole there."""
    if isinstance(x, fmpq):
        if x.q == 1 and x <= 0:
            raise Undefined("gamma function at a pole")
        return arb(x)
    real_part = x.real if isinstance(x, acb) else x
    if not real_part > 0:
        raise NotAnalytic if isinstance(x, acb) else Imprecise("gamma function near a pole")
    return x


def _gamma(x: Number) -> Number:
    if isinstance(x, fmpq) and x.q == 1 and 0 < x <= 200:
        out = 1
        for k in range(2, int(x.p)):
            out *= k
        return fmpq(out)
    return _pole(x).gamma()


def _loggamma(x: Number) -> Number:
    if not isinstance(x, acb) and x <= 0:
        raise Undefined("log-gamma of a number that is not positive")
    if isinstance(x, fmpq) and x in (1, 2):
        return ZERO
    return _pole(x).lgamma()


def _polygamma(order: int) -> Callable[[Number], Number]:
    def f(x: Number) -> Number:
        z = _pole(x)
        if order == 0:
            return z.digamma()
        value = acb(z).polygamma(order)
        return value if isinstance(z, acb) else value.real

    return lift(f, lambda x: _polygamma(order + 1)(x))


_Scalar = Callable[[Number], Number]
exp: _Scalar = lift(_entire("exp", 1), lambda x: exp(x))
sin: _Scalar = lift(_entire("sin", 0), lambda x: cos(x))
cos: _Scalar = lift(_entire("cos", 1), lambda x: neg(sin(x)))
tanh: _Scalar = lift(_entire("tanh", 0), lambda x: sub(ONE, mul(tanh(x), tanh(x))))
erf: _Scalar = lift(_entire("erf", 0), lambda x: mul(div(fmpq(2), arb.pi().sqrt()), exp(neg(mul(x, x)))))
atan: _Scalar = lift(_atan, lambda x: div(ONE, add(ONE, mul(x, x))))
log: _Scalar = lift(_log, lambda x: div(ONE, x))
gamma: _Scalar = lift(_gamma, lambda x: mul(gamma(x), _polygamma(0)(x)))
loggamma: _Scalar = lift(_loggamma, _polygamma(0))


def sign(x: Number) -> Number:
    """The sign: -1, 0 or 1."""
    return fmpq(compare_locally(x, ZERO))


def absolute(x: Number) -> Number:
    """The absolute value."""
    if isinstance(x, Dual):
        refuse_boundary_terms(x, corner=True)
        c = compare(x, ZERO)
        if c == 0:
            if perturbs(x):
                raise Kink("absolute value at zero")
            return x
        return x if c > 0 else neg(x)
    if isinstance(x, acb):
        return x if compare(x, ZERO) >= 0 else -x
    return abs(x)


#: The scalar functions of the language (`derivcheck.language.build.SCALAR_FUNCTIONS`).
SCALAR: dict[str, Callable[[Number], Number]] = {
    "exp": exp,
    "log": log,
    "abs": absolute,
    "sin": sin,
    "cos": cos,
    "tanh": tanh,
    "atan": atan,
    "erf": erf,
    "sign": sign,
    "gamma": gamma,
    "loggamma": loggamma,
}


# ---------------------------------------------------------------------------------------------------------- powers


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
    t = _tag(x, y)
    (a, da), (b, db) = parts(x, t), parts(y, t)
    value = power(a, b)
    c = compare(a, ZERO)
    if c < 0:
        raise Undefined("fractional power of a negative number")
    if c == 0:
        raise Kink("power of zero")
    slope = mul(mul(b, power(a, sub(b, ONE))), da)
    if not _is_zero(db):
        slope = add(slope, mul(mul(value, log(a)), db))
    return Dual(t, value, slope)


# ------------------------------------------------------------------------------------------- small linear algebra


def determinant(rows: list[list[Number]]) -> Number:
    """The determinant, without divisions unless every entry is rational."""
    n = len(rows)
    if all(isinstance(x, fmpq) for row in rows for x in row):
        from flint import fmpq_mat

        return fmpq_mat(rows).det() if n else ONE
    # Laplace's expansion over subsets of columns: no pivot has to be told from zero.
    best: dict[int, Number] = {0: ONE}
    for i in range(n):
        following: dict[int, Number] = {}
        for used, value in best.items():
            for j in range(n):
                if used >> j & 1:
                    continue
                term = mul(value, rows[i][j])
                if bin(used >> (j + 1)).count("1") % 2:
                    term = neg(term)
                mask = used | 1 << j
                following[mask] = add(following[mask], term) if mask in following else term
        best = following
    return best[(1 << n) - 1]


def inverse_matrix(rows: list[list[Number]]) -> list[list[Number]]:
    """The inverse.

    Raises
    ------
    Undefined
        If the matrix is singular.
    Imprecise
        If that cannot be told.
    """
    n = len(rows)
    if all(isinstance(x, fmpq) for row in rows for x in row):
        if n == 0:
            return []
        from flint import fmpq_mat

        m = fmpq_mat(rows)
        if m.det() == 0:
            raise Undefined("inverse of a singular matrix")
        inv = m.inv()
        return [[inv[i, j] for j in range(n)] for i in range(n)]
    d = determinant(rows)
    out = []
    for i in range(n):
        line = []
        for j in range(n):
            minor = [[rows[r][c] for c in range(n) if c != i] for r in range(n) if r != j]
            cofactor = determinant(minor)
            try:
                line.append(div(neg(cofactor) if (i + j) % 2 else cofactor, d))
            except Undefined:
                raise Undefined("inverse of a singular matrix") from None
        out.append(line)
    return out


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
