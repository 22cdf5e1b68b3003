"""Questions made to be answered wrongly: wrong in one place, at one point, or beyond one boundary.

``DIFFERENT`` holds equations that a careless rule proves; ``EQUAL`` holds true ones of the same kinds, so that nothing
is told apart by refusing everything; ``NOWHERE_FALSE`` is true wherever both sides are defined, and may be left open.
"""

from __future__ import annotations

import pytest
from sympy import (
    Abs,
    And,
    Derivative,
    Eq,
    Expr,
    Heaviside,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Max,
    Min,
    Piecewise,
    Pow,
    Product,
    Rational,
    Sum,
    Symbol,
    acos,
    asin,
    atan,
    binomial,
    cbrt,
    cos,
    exp,
    factorial,
    gamma,
    log,
    loggamma,
    pi,
    sign,
    sin,
    sqrt,
    symbols,
    tan,
    tanh,
)

from derivcheck.decision import decide

x, y, z = symbols("x y z", real=True)
p, q = symbols("p q", positive=True)
n, m = symbols("n m", integer=True, nonnegative=True)
N = Symbol("N", integer=True, positive=True)
j, k = symbols("j k", integer=True)
u, v = IndexedBase("u", real=True), IndexedBase("v", real=True)


def power(base: object, exponent: object) -> Expr:
    """A power that SymPy does not work out."""
    return Pow(base, exponent, evaluate=False)


def when(condition: object) -> Expr:
    """1 where the condition holds, else 0."""
    return Piecewise((1, condition), (0, True))


DIFFERENT = [
    # zero denominators, 0^0
    (power(0, x), Integer(0)),
    (power(0, n), Integer(0)),
    (Sum(x**k, (k, 0, n)), (1 - x ** (n + 1)) / (1 - x) + KroneckerDelta(n, 5)),
    (Sum(power(0, k), (k, 0, n)), Integer(0)),
    (Sum(power(0, k), (k, 1, n)), Integer(1)),
    (Product(power(0, k), (k, 1, n)), Integer(0)),
    (Sum(1 / (k - 3), (k, 4, n)), Sum(1 / k, (k, 1, n))),
    (x / Abs(x), Integer(1)),
    (sign(x) ** 2, Integer(1)),
    (Abs(sign(x)), Integer(1)),
    (sign(x) * sign(y), sign(x + y)),
    # roots, branch cuts
    (sqrt(x**2), x),
    (sqrt(x**4), x * Abs(x)),
    (sqrt((x - 1) ** 2), x - 1),
    (sqrt(x * y), sqrt(Abs(x)) * sqrt(Abs(y)) * sign(x)),
    (log(x**2), 2 * log(x) + KroneckerDelta(n, 1)),
    (log(p**2 * q), 2 * log(p) - log(q)),
    (log(1 + x**2), 2 * log(1 + Abs(x))),
    (exp(log(p) / 2), p / 2),
    (log(exp(x) + exp(-x)), Abs(x)),
    (atan(tan(x)), x),
    (asin(sin(x)), x),
    (acos(cos(x)), x),
    (acos(cos(x)), Abs(x)),
    (atan(1 / x), pi / 2 - atan(x)),
    (atan(x) + atan(y), atan((x + y) / (1 - x * y))),
    (tanh(x) * tanh(y), tanh(x + y)),
    (sqrt(p + q), sqrt(p) + sqrt(q)),
    (sqrt(1 - sin(x) ** 2), cos(x)),
    (sqrt(1 + tan(x) ** 2), 1 / cos(x)),
    (sqrt(x**2 + 2 * x + 1), x + 1),
    ((x**3) ** Rational(1, 3) * Abs(x), x**2 + 1),
    # sums whose upper limit may lie below the lower
    (Sum(1, (k, 1, j)), j),
    (Sum(k, (k, 1, j)), j * (j + 1) / 2),
    (Sum(1, (k, m, n)), n - m + 1),
    (Sum(k, (k, m, n)), n * (n + 1) / 2 - m * (m - 1) / 2),
    (Sum(2**k, (k, m, n)), 2 ** (n + 1) - 2**m),
    (Sum(1, (k, 2, n)), n - 1),
    (Sum(k, (k, 3, n)), n * (n + 1) / 2 - 3),
    (Sum(u[k], (k, 1, n)), u[1] + Sum(u[k], (k, 2, n))),
    (Sum(u[k], (k, 0, j)), Sum(u[k], (k, 0, j - 1)) + u[j]),
    (Sum(u[k], (k, 1, n - 1)) + u[n], Sum(u[k], (k, 1, n))),
    (Product(u[k], (k, 1, j)), u[j] * Product(u[k], (k, 1, j - 1))),
    (Product(x, (k, 1, j)), x**j),
    (Product(2, (k, 1, j)), 2**j),
    (Sum(binomial(n, k), (k, 1, n)), 2**n),
    (Sum(binomial(n, k), (k, 0, n - 1)), 2**n - 1 + KroneckerDelta(n, 3)),
    (Sum((-1) ** k * binomial(n, k), (k, 0, n)), Integer(0)),
    (Sum(k * binomial(n, k), (k, 0, n)), n * 2 ** (n - 1) + KroneckerDelta(n, 4) / 10**9),
    (Sum(binomial(n, k) ** 2, (k, 0, n)), binomial(2 * n, n + 1)),
    (Sum(binomial(m, k) * binomial(n, j - k), (k, 0, j)), binomial(m + n, j) + when(j < 0)),
    (Sum(binomial(m, k), (k, 0, n)), 2**m),
    (Sum(binomial(m, k) * binomial(N, k), (k, 0, n)), binomial(m + N, m)),
    (Sum(binomial(m, k) * binomial(N, n - k), (k, 0, n)), binomial(m + N, n + 1)),
    (Sum(binomial(k, m), (k, 0, n)), binomial(n + 1, m)),
    (Sum(binomial(k, m), (k, m, n)), binomial(n, m + 1)),
    (binomial(n, m), binomial(n, n - m) + KroneckerDelta(m, n + 1)),
    (binomial(n + 1, m + 1), binomial(n, m) + binomial(n, m + 1) * 2),
    (binomial(n, m + 1) * (m + 1), binomial(n, m) * (n - m + 1)),
    (binomial(n + 1, m) * (n + 1 - m), binomial(n, m) * (n + 2)),
    (binomial(n, k + 1), binomial(n, k) * (n - k) / (k + 1) * Piecewise((2, Eq(k, -2)), (1, True)) + when(Eq(k, -2))),
    (binomial(n, k) * (n - k), binomial(n, k + 1) * k),
    # integer against real
    (cos(pi * x), (-1) ** n),
    (sin(pi * x), Integer(0)),
    (sin(pi * k / 2), Integer(0)),
    (cos(pi * k), Integer(1)),
    ((-1) ** k * (-1) ** j, (-1) ** (k - j) * 2),
    (when(Eq(2 * k, 1)), Integer(1)),
    (when(2 * k >= 1), when(k >= 0)),
    (when(2 * x >= 1), when(x >= 1)),
    (when(3 * k <= -1), when(k <= 0)),
    (when(3 * x < 4), when(x <= 1)),
    (when(2 * k > j), when(2 * k >= j)),
    (when(2 * k > j), when(2 * k >= j + 2)),
    # Piecewise boundaries
    (Piecewise((x, x > 0), (0, True)), Piecewise((x, x >= 1), (0, True))),
    (when(x > 0), when(x >= 0)),
    (Piecewise((x, x > 0), (1, True)), Max(x, 0)),
    (Piecewise((x**2, x < 0), (x, True)), Piecewise((x**2, x <= 1), (x, True))),
    (Heaviside(x), (1 + sign(x)) / 2 + when(Eq(x, 0))),
    (Piecewise((x, Eq(x, 1)), (0, True)), when(x >= 1)),
    (KroneckerDelta(k, j) * k, KroneckerDelta(k, j) * j + KroneckerDelta(k, 0)),
    (Max(x, y) * Min(x, y), Abs(x * y)),
    (Max(x, y) ** 2, Max(x**2, y**2)),
    (Max(x, -x) - Abs(x), KroneckerDelta(k, 3)),
    (Max(x * y, 0), Max(x, 0) * Max(y, 0)),
    (Abs(x + y), Abs(x) + Abs(y)),
    (Abs(x - y), Max(x, y) - Min(x, 0)),
    (Min(x, y, z), Min(x, y)),
    (Max(x + y, 0), Max(x, 0) + Max(y, 0)),
    (Max(x, y) - Max(y, z), Max(x, z)),
    (Abs(x) ** 3, x**3),
    (sign(x) * x**2, Abs(x)),
    (Max(1, x) ** n, Max(1, x**n)),
    (Derivative(Abs(x), x) * x, x),
    (Derivative(x**n, x), n * x**n),
    # gamma poles
    (gamma(x + 1), x * gamma(x) + KroneckerDelta(k, 1)),
    (gamma(p + 1) / gamma(p), p + 1),
    (gamma(p) * gamma(1 - p), pi / cos(pi * p)),
    (gamma(n + 1), factorial(n + 1)),
    (factorial(n) / factorial(n - 1), n + 1),
    (gamma(p + q), gamma(p) * gamma(q)),
    (loggamma(p + 1), loggamma(p) + p),
    (factorial(2 * n), 2 * factorial(n)),
    (binomial(2 * n, n), 4**n * gamma(n + Rational(1, 2)) / (sqrt(pi) * gamma(n + 2))),
    (factorial(2 * n), 2**n * factorial(n) * Product(2 * j + 1, (j, 1, n))),
    # exponents, indices up and down
    (exp(x / (1 + x)), exp(1 / (1 + x) - 1)),
    (exp(tanh(x)), exp(1 - 2 / (exp(2 * x) - 1))),
    (Sum(u[k] * v[n - k], (k, 0, n)), Sum(u[k] * v[n + 1 - k], (k, 0, n))),
    (Sum(u[k] * v[n - k], (k, 0, n)), Sum(u[n - k] * v[k + 1], (k, 0, n))),
    (Sum(u[2 * k], (k, 1, n)), Sum(u[2 * n - 2 * k], (k, 1, n))),
    (Sum(Sum(u[k], (k, 1, j)), (j, 1, n)), Sum((n - k) * u[k], (k, 1, n))),
    (Sum(Sum(u[k], (k, j, n)), (j, 1, n)), Sum((k + 1) * u[k], (k, 1, n))),
    (Sum(KroneckerDelta(k, j) * u[k], (k, 1, n)), u[j]),
    (Sum(KroneckerDelta(2 * k, j), (k, 1, n)), when(j <= 2 * n)),
    (Sum(when(k <= j), (k, 1, n)), j),
    (Sum(when(k <= m), (k, 1, n)), Max(m, n)),
    (Sum(Abs(u[k]), (k, 1, n)), Abs(Sum(u[k], (k, 1, n)))),
    (sqrt(x ** (2 * n)), x**n),
    ((x**2) ** (n + Rational(1, 2)), x ** (2 * n + 1)),
    (log(x ** (2 * N)), 2 * N * log(x) + 0 * n + KroneckerDelta(n, 7)),
    (Sum(cos(j * x), (j, 1, n)), sin(n * x / 2) * cos((n + 1) * x / 2) / sin(x / 2) + KroneckerDelta(n, 3) / 1000),
    (Sum(x**k / factorial(k), (k, 0, n)), exp(x)),
]

EQUAL = [
    (Sum(x**k, (k, 0, n)) * (1 - x), 1 - x ** (n + 1)),
    (sqrt(x**2), Abs(x)),
    (Max(x, y) * Min(x, y), x * y),
    (Abs(x * y), Abs(x) * Abs(y)),
    (sign(x) * Abs(x), x),
    (power(0, n), KroneckerDelta(n, 0)),
    (power(0, N), Integer(0)),
    (Sum(k, (k, 1, n)), n * (n + 1) / 2),
    (Sum(1, (k, 1, j)), Max(j, 0)),
    (Product(x, (k, 1, n)), x**n),
    (Sum(binomial(m, k) * binomial(N, n - k), (k, 0, n)), binomial(m + N, n)),
    (when(2 * k >= 1), when(k >= 1)),
    (when(Eq(2 * k, 1)), Integer(0)),
    (Sum(Sum(u[k], (k, 1, j)), (j, 1, n)), Sum((n - k + 1) * u[k], (k, 1, n))),
    (Sum(u[k] * v[n - k], (k, 0, n)), Sum(u[n - k] * v[k], (k, 0, n))),
    (exp(x / (1 + x)), exp(1 - 1 / (1 + x))),
    (sqrt(x ** (2 * n)), Abs(x) ** n),
    (Max(x + z, y + z), z + Max(x, y)),
    (Max(x, y), (x + y + Abs(x - y)) / 2),
    (binomial(n, m + 1) * (m + 1), binomial(n, m) * (n - m)),
    (binomial(n + 1, m) * (n + 1 - m), binomial(n, m) * (n + 1)),
    (binomial(n + 1, m + 1), binomial(n, m) + binomial(n, m + 1)),
    (Sum((-1) ** k * binomial(n, k), (k, 0, n)), KroneckerDelta(n, 0)),
    (cos(pi * k), (-1) ** k),
    (Sum(KroneckerDelta(k, j) * u[k], (k, 1, n)), u[j] * when(And(j >= 1, j <= n))),
    (factorial(2 * n), 2**n * factorial(n) * Product(2 * j - 1, (j, 1, n))),
    (log(x**2), 2 * log(Abs(x))),
    (Derivative(Abs(x), x), sign(x)),
    (Heaviside(x) + Heaviside(-x), Integer(1)),
    (Sum(when(k <= m), (k, 1, n)), Min(m, n)),
]

NOWHERE_FALSE = [
    (power(0, k), when(Eq(k, 0)) + when(k < 0)),
    (cbrt(x**3), Abs(x)),
    (sqrt(Abs(x)), sqrt(x)),
    (binomial(n, k), binomial(n, k + 1) * (k + 1) / (n - k)),
    (atan(x) + atan(1 / x), pi / 2 * sign(x)),
    (x * sign(x) / Abs(x), Integer(1)),
]


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different(left: Expr, right: Expr) -> None:
    decision = decide(left, right)
    assert decision.verdict == "different", decision
    assert decision.counterexample


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal(left: Expr, right: Expr) -> None:
    assert decide(left, right).verdict == "equal"


@pytest.mark.parametrize(("left", "right"), NOWHERE_FALSE)
def test_nowhere_false(left: Expr, right: Expr) -> None:
    assert decide(left, right).verdict in ("equal", "undecided")
