"""Conditions of an answer: none that follows from what defines the sides, from the others, or makes no difference."""

from __future__ import annotations

import pytest
import sympy as s

from derivcheck.decision import decide
from derivcheck.decision.conditions import fewest, implied
from derivcheck.language import Givens, le, lt, ne

x = s.Symbol("x", real=True)
alpha, beta = s.symbols("alpha beta", positive=True)
n, m = s.symbols("n m", integer=True, nonnegative=True)
j, k = s.symbols("j k", integer=True)


@pytest.mark.parametrize(
    ("left", "right", "conditions"),
    [
        # said once, in the words of the one who asks
        (s.Sum(alpha * (1 - alpha) ** (2 * k), (k, 0, n - 1)), (1 - (1 - alpha) ** (2 * n)) / (2 - alpha), 1),
        ((1 - beta) * s.Sum(beta ** (n - k), (k, 1, n)) / (1 - beta**n), s.Integer(1), 1),
        ((x**2 - 1) / (x - 1), x + 1, 1),
        # at x = 1 both sides are 0
        ((1 - x) * s.Sum(x**k, (k, 0, n)), 1 - x ** (n + 1), 0),
        # at m = 0 every summand is 1
        (s.Sum(s.binomial(j, m), (j, m, m + n)), s.binomial(m + n + 1, m + 1), 0),
    ],
)
def test_as_few_as_possible(left: s.Expr, right: s.Expr, conditions: int) -> None:
    decision = decide(left, right)
    assert (decision.verdict, len(decision.conditions)) == ("equal", conditions), decision


@pytest.mark.parametrize(
    ("left", "right"),
    [
        # what fails where the condition does is not dropped
        ((1 - x) * s.Sum(x**k, (k, 0, n)) + s.KroneckerDelta(n, 0), 1 - x ** (n + 1) + s.KroneckerDelta(n, 1)),
        (s.Sum(x**k, (k, 0, n)), s.Piecewise((n, s.Eq(x, 1)), ((1 - x ** (n + 1)) / (1 - x), True))),
        (s.Sum(k, (k, 1, j)), j * (j + 1) / 2),
        (s.Sum(1, (k, m, n)), n - m + 1),
    ],
)
def test_a_condition_that_matters_is_looked_behind(left: s.Expr, right: s.Expr) -> None:
    assert decide(left, right).verdict == "different"


def test_implied() -> None:
    given = Givens()
    a, b = given.real("a"), given.real("b", above=0)
    assert implied(given.context, (ne(2 - a, 0),), (ne(1 - a, -1),))
    assert implied(given.context, (ne(1 - a**2, 0),), (ne(a, 1), ne(a, -1)))
    assert not implied(given.context, (ne(a, 1),), (ne(1 - a**2, 0),))
    assert not implied(given.context, (ne(a, 1),), (lt(1, a),))
    assert implied(given.context, (), (le(0, b),))


def test_fewest_keeps_what_is_not_implied() -> None:
    given = Givens()
    a, b = given.real("a"), given.real("b")
    assert fewest(given.context, (ne(a, 1), ne(b, 1))) == (ne(a, 1), ne(b, 1))
    assert fewest(given.context, (ne(a * b, 0), ne(a, 0), ne(b, 0))) in ((ne(a, 0), ne(b, 0)), (ne(a * b, 0),))
