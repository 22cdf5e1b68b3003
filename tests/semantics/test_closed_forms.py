"""Ties of logarithms, exponentials and roots are decided exactly, where the structure is recognised."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derivcheck.language import Givens, Int, Sum, eq, exp, implies, le, log, lt, ne, num, range_, real, space, sqrt
from derivcheck.semantics import Truth, check
from derivcheck.semantics.cases import judge_record


def judged(statement):
    return judge_record(Givens().context, statement, {}).judgement


TIES = [
    (log(num(Fraction(1, 2))), log(num(Fraction(1, 2)))),
    (2 * log(num(2)), log(num(4))),
    (log(num(6)) - log(num(2)), log(num(12)) / 2 + log(num(3)) / 2 - log(num(2))),
    (exp(num(2)) + exp(num(2)), 2 * exp(num(2))),
    (sqrt(num(8)), 2 * sqrt(num(2))),
    (sqrt(num(Fraction(1, 2))), sqrt(num(2)) / 2),
    (Sum(1, 4, lambda i: log(real(i))), log(num(24))),
]


@pytest.mark.parametrize(("x", "y"), TIES, ids=lambda t: str(t))
def test_ties_are_exact(x, y):
    for left, right in ((x, y), (y, x)):
        assert judged(lt(left, right)).truth is Truth.FALSE
        assert judged(ne(left, right)).truth is Truth.FALSE
        assert judged(le(left, right)).truth is Truth.TRUE
        assert judged(eq(left, right)).evidence == "exact"


def test_what_nearly_ties_is_told_apart_by_digits_or_left_open():
    tiny = num(Fraction(1, 10**60))
    assert judged(lt(log(num(4)), 2 * log(num(2)) + tiny)).truth is not Truth.FALSE
    assert judged(eq(log(num(4)), 2 * log(num(2)) + tiny)).truth is not Truth.TRUE
    # Equal, but not by this structure: still no verdict.
    assert judged(lt(exp(log(num(3))), 3 + exp(num(1)) - exp(num(1)))).truth is Truth.SUPPORTED


@pytest.mark.parametrize("domain", [space("Omega"), range_(1, 3)], ids=str)
def test_integrals_against_weighted_points_tie(domain):
    g = Givens()
    mu = g.measure("mu", domain)
    p = g.distribution("p", mu, positive=True)
    doubled = 2 * Int(mu, lambda x: p(x) * log(p(x)))
    squared = Int(mu, lambda x: p(x) * log(p(x) ** 2))
    assert check(g.context, eq(doubled, squared), 0).outcome == "confirms"
    assert check(g.context, lt(doubled, squared), 0).outcome == "refutes"
    assert check(g.context, lt(doubled, squared + num(Fraction(1, 10**30))), 0).outcome == "confirms"


def test_a_strict_near_miss_of_an_inequality_with_ties_is_refuted():
    g = Givens()
    x, y = g.real("x", above=0), g.real("y", above=0)
    assert check(g.context, implies(le(x, y), le(log(x), log(y))), 0).outcome == "confirms"
    assert check(g.context, implies(le(x, y), lt(log(x), log(y))), 0).outcome == "refutes"


positive = st.fractions(min_value=Fraction(1, 50), max_value=50, max_denominator=50)


@given(positive, positive, st.fractions(min_value=-3, max_value=3, max_denominator=4))
def test_the_logarithm_of_a_product(a, b, c):
    x, y = num(c) * log(num(a * b)), num(c) * log(num(a)) + num(c) * log(num(b))
    assert judged(eq(x, y)).truth is Truth.TRUE and judged(eq(x, y)).evidence == "exact"
    assert judged(lt(x, y)).truth is Truth.FALSE
    assert judged(eq(x, y + Fraction(1, 7))).truth is Truth.FALSE
