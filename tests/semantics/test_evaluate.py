"""The evaluator: meanings, one proposition at a time, in a small fixed world."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq

from derivcheck.language import (
    ArgMax,
    D,
    Exists,
    ForAll,
    Index,
    Integral,
    Lim,
    Matrix,
    MaxOver,
    MinOver,
    Prod,
    Real,
    Size,
    Sum,
    Vector,
    abs_,
    and_,
    binomial,
    delta,
    det,
    diag,
    eq,
    exp,
    factorial,
    functions,
    hadamard,
    identity,
    implies,
    ind,
    integer,
    integrable,
    inverse,
    ite,
    lam,
    le,
    lebesgue,
    log,
    lt,
    max_,
    ne,
    not_,
    num,
    oo,
    oo_int,
    or_,
    pi,
    predicate,
    range_,
    real,
    reals,
    relu,
    scalar,
    softmax,
    sqrt,
    trace,
)
from derivcheck.semantics.evaluate import Evaluator
from derivcheck.semantics.judgement import Truth
from derivcheck.semantics.numbers import BudgetExceeded, working_precision
from derivcheck.semantics.values import RangeDomain, Space, array_of

n, m, i, k, x = Size("n"), Size("m"), Index("i"), Index("k"), Real("x")
z, A, B = Vector("z", n), Matrix("A", n, n), Matrix("B", n, m)


class World:
    """n = 3, m = 2, i = 2, k = 3, x = 1/2, z = (2, -1, 1/2), A invertible with det 7, B = [[1,2],[3,4],[5,6]]."""

    salt = 1

    def __init__(self) -> None:
        self.numeric = False
        rows, columns = RangeDomain(1, 3), RangeDomain(1, 2)
        entries = {(1, 1): 2, (1, 2): 1, (1, 3): 0, (2, 1): -1, (2, 2): 1, (2, 3): 1, (3, 1): 0, (3, 2): 2, (3, 3): 3}
        self.values = {
            n: 3,
            m: 2,
            i: 2,
            k: 3,
            x: fmpq(1, 2),
            z: array_of((rows,), {(1,): fmpq(2), (2,): fmpq(-1), (3,): fmpq(1, 2)}),
            A: array_of((rows, rows), {ij: fmpq(v) for ij, v in entries.items()}),
            B: array_of((rows, columns), {(r, c): fmpq(2 * r + c - 2) for r in (1, 2, 3) for c in (1, 2)}),
        }

    def symbol(self, term):
        return self.values[term]

    def space(self, name):
        return Space(name, 2)


def judge(proposition, budget=400_000):
    with working_precision(128):
        return Evaluator(World(), budget).judge(proposition)


EXACTLY_TRUE = [
    eq(num(0) ** 0, 1),
    eq(Sum(1, 0, lambda j: 1), 0),
    eq(Sum(1, -1, lambda j: 1), 0),
    eq(Prod(1, 0, lambda j: 0), 1),
    eq(Sum(1, n, lambda j: z(j) ** 2), Fraction(21, 4)),
    eq(Sum(1, n, lambda j: Sum(j, n, lambda r: 1)), 6),
    eq(MaxOver(range_(1, n), lambda j: z(j)), 2),
    eq(MinOver(range_(1, n), lambda j: z(j)), -1),
    eq(ArgMax(range_(1, n), lambda j: z(j) ** 2), integer(1)),
    eq(ArgMax(range_(1, n), lambda j: 0), integer(1)),
    eq(factorial(integer(5)), 120),
    eq(binomial(n, integer(2)), 3),
    eq(binomial(n, integer(-1)), 0),
    eq(binomial(n, integer(4)), 0),
    eq(ite(lt(x, 0), 1 / num(0), x), x),
    eq(ind(and_(le(0, x), not_(eq(i, k)))), 1),
    eq(delta(i, k), 0),
    eq(det(A), 5),
    eq(trace(A), 6),
    eq((A @ inverse(A))(i, i), 1),
    eq((inverse(A) @ A)(i, k), 0),
    eq((A @ B)(integer(1), integer(2)), 2 * 2 + 4),
    eq((B.T @ (A @ B))(integer(1), integer(2)), (B.T @ A @ B)(integer(1), integer(2))),
    eq(B.T(integer(2), integer(3)), B(integer(3), integer(2))),
    eq(trace(diag(z)), Sum(1, n, lambda j: z(j))),
    eq(hadamard(A, identity(n))(i, i), A(i, i)),
    eq((A + 2 * identity(n))(i, i), 3),
    eq(z @ z, Fraction(21, 4)),
    eq(D(x**4, x), Fraction(1, 2)),
    eq(D(D(x**4, x), x), 3),
    eq(D(log(x), x), 2),
    eq(D(log(det(A)), A(i, k)), inverse(A)(k, i)),
    eq(D(Sum(1, n, lambda j: z(j) ** 3), z(k)), Fraction(3, 4)),
    eq(D(D(Prod(1, n, lambda j: z(j)), z(i)), z(k)), 2),
    eq(D(MaxOver(range_(1, n), lambda j: z(j)), z(integer(1))), 1),
    eq(D(relu(x), x), 1),
    eq(lam(range_(1, n), lambda j: z(j)), z),
    eq(Integral(1, 0, lambda t: t), 0),
    implies(lt(x, 0), eq(1 / num(0), 1)),
    or_(eq(x, 0), lt(0, x)),
    ForAll(range_(1, n), lambda j: Exists(range_(1, n), lambda r: eq(j, r))),
    ForAll(range_(1, 0), lambda j: eq(1 / num(0), 0)),
    not_(Exists(range_(1, n), lambda j: eq(z(j), 0))),
    Exists(reals, lambda t: eq(t * t, 4)),
    predicate("invertible", A),
    not_(predicate("invertible", B @ B.T)),
]

SUPPORTED = [
    eq(D(softmax(z)(i), z(k)), softmax(z)(i) * (delta(i, k) - softmax(z)(k))),
    eq(exp(log(x)), x),
    eq(sqrt(x) ** 2, x),
    eq(scalar("sin", pi), 0),
    eq(Integral(0, 1, lambda t: t**2), Fraction(1, 3)),
    eq(Integral(0, 1, lambda t: abs_(t - x)), Fraction(1, 4)),
    eq(Integral(0, 1, lambda t: ind(lt(t, x))), x),
    eq(Integral(0, 1, lambda t: Integral(0, t, lambda u: u * t)), Fraction(1, 8)),
    eq(D(Integral(0, x, lambda t: t**2 * x), x), Fraction(4, 3) * x**3),
    eq(D(Integral(0, 1, lambda t: relu(t - x)), x), -Fraction(1, 2)),
    eq(Integral(0, 1, lambda t: log(t)), -1),
    eq(Integral(-oo, oo, lambda t: exp(-(t**2))), sqrt(pi)),
    eq(Integral(0, oo, lambda t: t * exp(-t)), 1),
    eq(Lim(0, lambda t: (exp(t) - 1 - t) / t**2), Fraction(1, 2)),
    eq(Lim(oo_int, lambda t: (1 + 1 / real(t)) ** real(t)), exp(1)),
    eq(Lim(oo, lambda t: (t**2 + t) / (2 * t**2 - 1)), Fraction(1, 2)),
    eq(Lim(oo_int, lambda t: x ** real(t)), 0),
    eq(Sum(0, oo_int, lambda j: x**j), 2),
    eq(Sum(1, oo_int, lambda j: 1 / real(j) ** 2), pi**2 / 6),
    ForAll(reals, lambda t: le(2 * t, t**2 + 1)),
    ForAll(functions((range_(1, n),)), lambda v: le(0, v @ v)),
    integrable(lebesgue(), lambda t: exp(-(t**2))),
]

FALSE = [
    eq(D(softmax(z)(i), z(k)), softmax(z)(i) * (delta(i, k) + softmax(z)(k))),
    eq(D(softmax(z)(i), z(k)), softmax(z)(k) * (delta(i, k) - softmax(z)(i) + softmax(z)(k))),
    eq(D(log(det(A)), A(i, k)), inverse(A)(i, k)),
    eq(exp(x), 1 + x + x**2 / 2),
    lt(exp(x), 1),
    eq(Integral(0, 1, lambda t: t**2), Fraction(1, 2)),
    eq(Lim(0, lambda t: (exp(t) - 1 - t) / t**2), Fraction(1, 3)),
    eq(Integral(-oo, oo, lambda t: exp(-(t**2))), 2),
    ForAll(reals, lambda t: lt(2 * t, t**2 + 1)),
    ForAll(reals, lambda t: ForAll(reals, lambda u: le(t * u, t**2))),
    ForAll(functions((range_(1, n),)), lambda v: le(0, v @ (A @ v) - 2 * (v @ v))),
    not_(ForAll(range_(1, n), lambda j: ne(z(j), 0))),
    eq(A, A.T),
]

UNDEFINED = [
    eq(1 / (x - Fraction(1, 2)), 0),
    eq(log(x - 1), 0),
    eq(log(x - Fraction(1, 2)), 0),
    eq((x - 1) ** Fraction(1, 2), 0),
    eq(z(i - 2), 0),
    eq(z(k + 1), 0),
    eq(MaxOver(range_(1, 0), lambda j: real(j)), 0),
    eq(inverse(B @ B.T)(i, k), 0),
    eq(0 * (1 / num(0)), 0),
    eq(factorial(integer(-1)), 1),
    eq(binomial(integer(-1), integer(0)), 1),
    eq(D(z(k), z(k + 1)), 0),
    ForAll(reals, lambda t: eq(exp(log(t)), t)),
]


def ids(cases):
    return [str(j) for j in range(len(cases))]


@pytest.mark.parametrize("proposition", EXACTLY_TRUE, ids=ids(EXACTLY_TRUE))
def test_exactly_true(proposition):
    found = judge(proposition)
    assert (found.truth, found.evidence) == (Truth.TRUE, "exact"), found


@pytest.mark.parametrize("proposition", SUPPORTED, ids=ids(SUPPORTED))
def test_supported_and_never_more(proposition):
    assert judge(proposition).truth is Truth.SUPPORTED, judge(proposition)


@pytest.mark.parametrize("proposition", FALSE, ids=ids(FALSE))
def test_false(proposition):
    assert judge(proposition).truth is Truth.FALSE, judge(proposition)


@pytest.mark.parametrize("proposition", UNDEFINED, ids=ids(UNDEFINED))
def test_undefined_and_not_a_kink(proposition):
    found = judge(proposition)
    assert found.truth is Truth.UNDEFINED and not found.kink, found


@pytest.mark.parametrize(
    "proposition",
    [
        eq(D(relu(x - Fraction(1, 2)), x), 0),
        eq(D(abs_(x - Fraction(1, 2)), x), 0),
        eq(D(max_(x, Fraction(1, 2)), x), 1),
        eq(D(ind(lt(x, Fraction(1, 2))), x), 0),
        eq(D(scalar("sign", x - Fraction(1, 2)), x), 0),
        eq(D(((x - Fraction(1, 2)) ** 2) ** Fraction(1, 2), x), 0),
        eq(D(Integral(Fraction(1, 2), x, lambda t: t), x), x),  # an interval turned round is empty
    ],
    ids=range(7),
)
def test_derivatives_at_corners_are_kinks(proposition):
    found = judge(proposition)
    assert found.truth is Truth.UNDEFINED and found.kink, found


@pytest.mark.parametrize(
    "proposition",
    [
        eq(D(Integral(0, 1, lambda t: ind(lt(t, x))), x), 1),  # true, but dual numbers would say 0
        eq(D(Integral(0, 1, lambda t: scalar("sign", t - x)), x), -2),
        eq(D(D(Integral(0, 1, lambda t: relu(x - t)), x), x), 1),  # true as well
        eq(D(D(Integral(0, 1, lambda t: abs_(t - x)), x), x), 2),
        eq(Lim(0, lambda t: abs_(t) / t), 1),
        eq(Sum(1, oo_int, lambda j: 1 / real(j)), 10),
        eq(Integral(1, oo, lambda t: 1 / t), 1000),
        Exists(reals, lambda t: eq(t**2, 2)),
        not_(ForAll(reals, lambda t: le(0, t**2))),
        eq(MaxOver(reals, lambda t: -(t**2)), 0),
    ],
    ids=range(10),
)
def test_what_cannot_be_told_is_unknown(proposition):
    assert judge(proposition).truth is Truth.UNKNOWN, judge(proposition)


def test_extrapolated_values_are_called_numeric():
    assert judge(eq(Lim(0, lambda t: scalar("sin", t) / t), 1)).evidence == "numeric"
    assert judge(eq(Lim(0, lambda t: scalar("sin", t) / t), 2)).evidence == "numeric"
    assert judge(eq(Integral(0, 1, lambda t: t**3), Fraction(1, 4))).evidence == "balls"


def test_a_narrow_bump_far_out_is_not_missed():
    bump = lambda t: exp(-((t - 5000) ** 2) / 2) / sqrt(2 * pi)  # noqa: E731
    assert judge(eq(Integral(-oo, oo, bump), 1)).truth is Truth.SUPPORTED
    needle = lambda t: exp(-((t - 1000) ** 2) * 10**12 / 2) * t**2  # noqa: E731
    # Whether or not Arb finds it, a true statement about it is not refuted.
    assert judge(eq(Integral(-oo, oo, needle), sqrt(2 * pi) / 10**6 * (10**6 + num(Fraction(1, 10**12))))).truth in (
        Truth.SUPPORTED,
        Truth.UNKNOWN,
    )


def test_order_of_disjoint_balls_is_certain_and_of_overlapping_ones_is_not():
    assert judge(lt(x, exp(x))).truth is Truth.TRUE
    assert judge(le(exp(log(x)), x)).truth is Truth.SUPPORTED


def test_a_witness_of_a_failing_quantifier_is_named():
    found = judge(ForAll(range_(1, n), lambda row: le(0, z(row))))
    assert found.witness == (("row", "2"),) and found.sides == ("0", "-1")


def test_the_budget_is_counted_and_running_out_is_no_verdict():
    heavy = eq(Sum(1, 60, lambda j: Sum(1, 60, lambda r: real(j) * real(r))), 1)
    with pytest.raises(BudgetExceeded):
        judge(heavy, budget=1000)
    assert judge(heavy).truth is Truth.FALSE


def test_more_precision_decides_what_cancellation_hides():
    tiny = exp(num(Fraction(-100)))
    statement = eq((1 + tiny) - 1, 2 * tiny)
    with working_precision(64):
        assert Evaluator(World()).judge(statement).truth is not Truth.TRUE
        assert Evaluator(World()).judge(statement).truth is Truth.UNKNOWN
    with working_precision(512):
        assert Evaluator(World()).judge(statement).truth is Truth.FALSE
