"""Geometric sums: the closed form, and exactly what it asks of the ratio."""

from __future__ import annotations

import pytest

from derivcheck.language import Givens, Sum, eq, ind, ne, num, oo_int, range_, real
from derivcheck.proof import ProofError, kernel

g = Givens()
t = g.integer("t", at_least=0)
r = g.real("r")
b = g.real("b")


def conditions(statement):
    return kernel.normal_form(g.context, statement).conditions


def test_a_sum_from_zero_asks_only_that_the_ratio_is_not_one():
    total = Sum(0, t - 1, lambda i: r ** real(i))
    assert conditions(eq((1 - r) * total, 1 - r ** real(t))) == {ne(r, 1)}
    assert conditions(eq((1 - r) * b * total, b - b * r ** real(t))) == {ne(r, 1)}


def test_an_even_power_is_one_at_minus_one_too():
    total = Sum(0, t - 1, lambda i: r ** (2 * real(i)))
    assert conditions(eq((1 - r**2) * total, 1 - r ** (2 * real(t)))) == {ne(r, 1), ne(r, -1)}


def test_an_odd_power_is_one_at_one_alone():
    total = Sum(0, t - 1, lambda i: r ** (3 * real(i)))
    assert conditions(eq((1 - r**3) * total, 1 - r ** (3 * real(t)))) == {ne(r, 1)}


def test_a_negative_power_still_asks_that_the_ratio_is_not_zero():
    total = Sum(0, t, lambda i: r ** (real(i) - 1))
    assert ne(r, 0) in conditions(eq((1 - r) * total, r ** num(-1) - r ** real(t)))


def test_an_empty_sum_asks_nothing_of_its_body():
    assert not conditions(eq(Sum(0, -1, lambda i: r ** (real(i) - 1)), 0))


@pytest.mark.parametrize("wrong", [1 - r ** real(t + 1), r - r ** real(t), 1 + r ** real(t)])
def test_a_wrong_closed_form_is_refused(wrong):
    with pytest.raises(ProofError):
        conditions(eq((1 - r) * Sum(0, t - 1, lambda i: r ** real(i)), wrong))


def test_a_power_of_zero_is_one_at_the_exponent_zero_alone():
    g = Givens()
    s = g.integer("s", at_least=0)
    y = g.function("y", range_(1, oo_int))
    zero = num(0)
    first = kernel.normal_form(g.context, eq(Sum(0, s, lambda i: zero ** real(i) * y(s + 1 - i)), y(s + 1)))
    assert not first.conditions
    assert not kernel.normal_form(g.context, eq(zero ** real(s), ind(eq(s, 0)))).conditions
    for wrong in (eq(zero ** real(s), 0), eq(zero ** real(s), 1), eq(Sum(0, s, lambda i: zero ** real(i)), 0)):
        with pytest.raises(ProofError):
            kernel.normal_form(g.context, wrong)


def test_a_power_of_zero_with_an_exponent_of_unknown_sign_asks_for_a_positive_one():
    g = Givens()
    k = g.integer("k")
    assert kernel.normal_form(g.context, eq(num(0) ** real(k), 0)).conditions
