"""Ways of writing one thing that the normal form sees through, each beside a near miss that it refuses."""

from __future__ import annotations

import pytest
from nf_check import decide

from derivcheck.language import (
    Givens,
    Sum,
    Term,
    abs_,
    binomial,
    delta,
    eq,
    exp,
    ind,
    integers,
    le,
    log,
    lt,
    max_,
    min_,
    num,
    real,
    sqrt,
    tanh,
)

g = Givens()
n = g.integer("n", at_least=1)
k = g.integer("k", at_least=1)
i = g.integer("i")
x = g.real("x")
y = g.real("y")
p = g.real("p", above=0)
d = g.function("d", integers, integers)

PAIRS = [
    # an index counted upwards in one place and downwards in another
    (
        Sum(1, n, lambda j: d(j, n - j)),
        Sum(3, n + 2, lambda j: d(j - 2, n - j + 2)),
        Sum(1, n, lambda j: d(j, n - j + 1)),
    ),
    (Sum(k, n, lambda j: d(j, -j)), Sum(k, n, lambda j: d(n + k - j, j - n - k)), Sum(k, n, lambda j: d(n - j, j - n))),
    (
        Sum(1, n, lambda j: abs_(d(2 * j, 1))),
        Sum(1, n, lambda j: abs_(d(2 * n + 2 - 2 * j, 1))),
        Sum(1, n, lambda j: abs_(d(2 * n - 2 * j, 1))),
    ),
    (
        Sum(1, n, lambda j: binomial(n, j)),
        Sum(0, n - 1, lambda j: binomial(n, n - j)),
        Sum(1, n - 1, lambda j: binomial(n, j)),
    ),
    # a delta under a sum is one summand
    (
        Sum(1, n, lambda j: delta(i, j) * d(j, 1)),
        Sum(-1, n - 2, lambda j: delta(i, j + 2) * d(i, 1)),
        Sum(-1, n - 2, lambda j: delta(i, j + 1) * d(i, 1)),
    ),
    # an index that is only compared is counted
    (
        Sum(1, n, lambda a: Sum(1, a, lambda b: d(b, 1))),
        Sum(1, n, lambda b: real(n - b + 1) * d(b, 1)),
        Sum(1, n, lambda b: real(n - b) * d(b, 1)),
    ),
    (
        Sum(1, n, lambda a: Sum(1, n - a + 1, lambda b: d(b, 1))),
        Sum(1, n, lambda b: real(n - b + 1) * d(b, 1)),
        Sum(1, n, lambda b: real(b) * d(b, 1)),
    ),
    # integers: no even number is odd, and 0 <= 2i + 1 is 0 <= i
    (ind(eq(2 * i, 1)), num(0), num(1)),
    (ind(le(-1, 2 * i)), ind(le(0, i)), ind(le(1, i))),
    (ind(lt(3 * i, 4)), ind(le(i, 1)), ind(le(i, 0))),
    # what is true whether or not a condition holds
    (max_(delta(i, 1), x) - delta(i, 1), max_(x - delta(i, 1), 0), max_(x, 0)),
    (sqrt((x + delta(i, 1)) ** 2), abs_(x + delta(i, 1)), abs_(x) + delta(i, 1)),
    # exponents with fractions, even powers, logarithms of sums with a positive factor
    (exp(tanh(x)), exp((exp(2 * x) - 1) / (exp(2 * x) + 1)), exp((exp(2 * x) + 1) / (exp(2 * x) - 1))),
    (exp(x / (1 + x)), exp(1 - 1 / (1 + x)), exp(1 + 1 / (1 + x))),
    (sqrt((1 + x**2) ** (2 * real(n))), (1 + x**2) ** real(n), (1 + x**2) ** (real(n) + 1)),
    (log(p * exp(x) * y**2 + p * exp(x)), log(p) + x + log(y**2 + 1), log(p) - x + log(y**2 + 1)),
]


@pytest.mark.parametrize(("left", "right", "wrong"), PAIRS)
def test_one_form(left: Term, right: Term, wrong: Term) -> None:
    assert decide(g.context, left, right)[0]
    assert not decide(g.context, left, wrong)[0]


def test_an_even_symbolic_power_under_a_root_is_an_absolute_value() -> None:
    assert decide(g.context, sqrt(x ** (2 * real(n))), abs_(x) ** real(n))[0]
    assert not decide(g.context, sqrt(x ** (2 * real(n))), x ** real(n))[0]


def test_a_count_outside_its_range_is_not_taken() -> None:
    # For i > n, or i < 0, the number of j <= i is not i.
    assert not decide(g.context, Sum(1, n, lambda j: ind(le(j, i))), real(i))[0]
    inside = Givens()
    m = inside.integer("m", at_least=1)
    c = inside.integer("c", at_least=0, at_most=m)
    assert decide(inside.context, Sum(1, m, lambda j: ind(le(j, c))), real(c)) == (True, [])
    assert decide(inside.context, Sum(1, m, lambda j: ind(lt(c, j))), real(m - c)) == (True, [])


def test_sums_over_every_other_index() -> None:
    left = Sum(1, n, lambda j: ind(eq(2 * j, i)))
    for right in (Sum(0, n - 1, lambda j: ind(eq(2 * j + 2, i))), Sum(1, n, lambda j: ind(eq(2 * n + 2 - 2 * j, i)))):
        assert decide(g.context, left, right) == (True, [])
    for wrong in (Sum(1, n, lambda j: ind(eq(2 * j, i + 1))), Sum(1, n, lambda j: ind(eq(2 * n - 2 * j, i)))):
        assert not decide(g.context, left, wrong)[0]


def test_extremes_below_and_under_fractions() -> None:
    assert decide(g.context, 1 / max_(x, y), 1 / (x + y - min_(x, y)))[0]
    assert not decide(g.context, 1 / max_(x, y), 1 / (x + y - max_(x, y)))[0]
    assert decide(g.context, max_(tanh(x), y), max_((exp(2 * x) - 1) / (exp(2 * x) + 1), y))[0]
    assert not decide(g.context, max_(tanh(x), y), max_((exp(2 * x) - 1) / (exp(2 * x) + 1), -y))[0]
