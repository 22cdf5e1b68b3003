"""Numbers: rationals, balls, duals; what is undefined stays undefined."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from derivcheck.semantics import numbers as nm
from derivcheck.semantics.numbers import Dual, Imprecise, Kink, Undefined

rationals = st.fractions(min_value=-5, max_value=5, max_denominator=7).map(nm.rational)


def slope(f, x):
    """The derivative of `f` at `x` by one dual number."""
    return nm.parts(f(Dual(1, x, nm.ONE)), 1)[1]


@given(rationals, rationals, rationals)
def test_product_and_quotient_rules_hold_exactly(x, a, b):
    def f(t):
        return nm.div(nm.mul(nm.add(t, a), nm.add(t, a)), nm.add(nm.mul(t, t), fmpq(1)))

    top, bottom = (x + a) ** 2, x**2 + 1
    assert slope(f, x) == (2 * (x + a) * bottom - top * 2 * x) / bottom**2
    assert slope(lambda t: nm.mul(b, t), x) == b


@given(rationals)
def test_second_derivative_of_a_quartic_by_nested_duals(x):
    inner = lambda y: nm.parts(nm.integer_power(Dual(2, y, nm.ONE), 4), 2)[1]  # noqa: E731
    assert slope(inner, x) == 12 * x**2


def test_perturbations_of_nested_derivatives_are_not_confused():
    # d/dx [ x · d/dy (x + y) ] = 1, not 2
    def f(x):
        y = Dual(2, fmpq(3), nm.ONE)
        return nm.mul(x, nm.parts(nm.add(x, y), 2)[1])

    assert slope(f, fmpq(5)) == 1


@pytest.mark.parametrize(
    ("base", "exponent", "value"),
    [
        (0, 0, 1),
        (2, -2, "1/4"),
        (-3, 3, -27),
        ("4/9", "1/2", "2/3"),
        (8, "2/3", 4),
        (0, "1/2", 0),
        (-8, 2, 64),
        (0, 5, 0),
    ],
)
def test_exact_powers(base, exponent, value):
    assert nm.power(fmpq_of(base), fmpq_of(exponent)) == fmpq_of(value)


@pytest.mark.parametrize(("base", "exponent"), [(0, -1), (-1, "1/2"), (0, "-1/2"), (-8, "1/3")])
def test_powers_that_do_not_exist(base, exponent):
    with pytest.raises(Undefined):
        nm.power(fmpq_of(base), fmpq_of(exponent))


def fmpq_of(x):
    from fractions import Fraction

    return nm.rational(Fraction(x))


def test_root_that_is_not_exact_is_a_ball_around_it():
    root = nm.power(fmpq(2), fmpq(1, 2))
    assert isinstance(root, arb) and (root * root).contains(2) and root.rad() < 1e-10


@given(rationals, st.integers(0, 6))
def test_powers_of_balls_around_zero_enclose_the_power(x, n):
    ball = arb(0, 6)  # contains every x that is drawn
    power = nm.as_ball(nm.integer_power(ball, n))
    assert power.is_finite() and power.overlaps(nm.as_ball(nm.integer_power(x, n)))
    assert nm.integer_power(arb(0), 3) == 0
    assert n % 2 or not power < 0


def test_divisions_by_zero_and_by_a_ball_around_zero_differ():
    with pytest.raises(Undefined):
        nm.div(fmpq(1), fmpq(0))
    with pytest.raises(Imprecise):
        nm.div(fmpq(1), arb(0, 1e-9))


@pytest.mark.parametrize("x", [fmpq(0), fmpq(-2)])
def test_logarithm_needs_a_positive_argument(x):
    with pytest.raises(Undefined):
        nm.log(x)


def test_derivative_of_log_is_exact():
    assert slope(nm.log, fmpq(7, 3)) == fmpq(3, 7)


def test_kinks_are_reported_where_they_matter():
    x = Dual(1, fmpq(0), nm.ONE)
    with pytest.raises(Kink):
        nm.absolute(x)
    with pytest.raises(Kink):
        nm.maximum([x, fmpq(0)])
    with pytest.raises(Kink):
        nm.power(nm.mul(x, x), fmpq(1, 2))  # |x| in disguise
    assert nm.parts(nm.maximum([x, fmpq(-1)]), 1)[1] == 1  # no tie, no kink
    assert nm.parts(nm.maximum([x, x]), 1)[1] == 1  # a tie that no perturbation breaks


def test_maximum_of_nothing_is_undefined():
    with pytest.raises(Undefined):
        nm.maximum([])


@given(st.lists(st.lists(rationals, min_size=4, max_size=4), min_size=4, max_size=4))
def test_determinant_without_division_agrees_with_flint(rows):
    exact = nm.determinant(rows)
    as_balls = [[arb(x) for x in row] for row in rows]
    assert nm.as_ball(nm.determinant(as_balls)).overlaps(arb(exact))


def test_derivative_of_an_inverse_is_minus_inverse_times_direction_times_inverse():
    a = [[fmpq(2), fmpq(1)], [fmpq(1), fmpq(3)]]
    moved = [[Dual(1, a[0][0], fmpq(0)), Dual(1, a[0][1], fmpq(1))], a[1]]
    inverse = nm.inverse_matrix(a)
    for i in range(2):
        for j in range(2):
            assert nm.parts(nm.inverse_matrix(moved)[i][j], 1)[1] == -inverse[i][0] * inverse[1][j]


def test_determinant_of_a_singular_matrix_still_has_a_derivative():
    moved = [[Dual(1, fmpq(0), fmpq(1)), fmpq(0)], [fmpq(0), fmpq(5)]]
    assert nm.parts(nm.determinant(moved), 1) == (0, 5)


def test_singular_inverse_is_undefined():
    with pytest.raises(Undefined):
        nm.inverse_matrix([[fmpq(1), fmpq(2)], [fmpq(2), fmpq(4)]])


@pytest.mark.parametrize("name", ["exp", "sin", "cos", "tanh", "atan", "erf", "gamma", "loggamma"])
def test_derivative_table_against_a_difference_quotient(name):
    f, x, h = nm.SCALAR[name], fmpq(7, 5), fmpq(1, 2**40)
    with nm.working_precision(200):
        quotient = nm.as_ball(f(x + h) - f(x - h)) / (2 * h)
        assert abs(quotient - slope(f, x)) < 1e-18
        second = nm.parts(slope(f, Dual(2, x, nm.ONE)), 2)[1]
        assert abs(nm.as_ball(slope(f, x + h) - slope(f, x - h)) / (2 * h) - second) < 1e-18
