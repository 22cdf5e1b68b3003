"""Hypergeometric sums: what creative telescoping finds, and that a wrong certificate is not believed."""

from __future__ import annotations

import pytest
import sympy as s

from derivcheck.decision import decide, telescoping
from derivcheck.decision.prove import _algebra
from derivcheck.decision.telescoping import recurrence
from derivcheck.language import Givens, Sum, Term, eq, implies, integer, num, real, substitute
from derivcheck.language.constructors import binomial, factorial
from derivcheck.semantics import check

n = s.Symbol("n", integer=True, nonnegative=True)
m = s.Symbol("m", integer=True, nonnegative=True)
j = s.Symbol("j", integer=True)
p, q = s.symbols("p q", positive=True)
N = s.Symbol("N", integer=True, positive=True)

SUMS = [
    (s.Sum(s.binomial(n, j), (j, 0, n)), 2**n),
    (s.Sum(j * s.binomial(n, j), (j, 0, n)), n * 2 ** (n - 1)),
    (s.Sum(j**2 * s.binomial(N, j), (j, 0, N)), N * (N + 1) * 2**N / 4),
    (s.Sum((-1) ** j * s.binomial(N, j), (j, 0, N)), s.Integer(0)),
    (s.Sum(s.binomial(n, j) ** 2, (j, 0, n)), s.binomial(2 * n, n)),
    (s.Sum(s.binomial(n, j) * p**j * q ** (n - j), (j, 0, n)), (p + q) ** n),
    (s.Sum(j * s.binomial(N, j) * p**j * q ** (N - j), (j, 0, N)), N * p * (p + q) ** (N - 1)),
    (s.Sum(s.binomial(m + j, j), (j, 0, n)), s.binomial(m + n + 1, n)),
    (s.Sum((-1) ** j * s.binomial(n, j) / (j + 1), (j, 0, n)), 1 / (n + 1)),
    (s.Sum((-1) ** (j + 1) * s.binomial(N, j) / j, (j, 1, N)), s.Sum(1 / j, (j, 1, N))),
    (s.Sum(s.binomial(2 * j, j) * s.binomial(2 * n - 2 * j, n - j), (j, 0, n)), 4**n),
    (s.Sum((-1) ** j * s.binomial(2 * n, j) ** 2, (j, 0, 2 * n)), (-1) ** n * s.binomial(2 * n, n)),
    (s.Sum((-1) ** j * s.binomial(n, j) / (p + j), (j, 0, n)), s.factorial(n) * s.gamma(p) / s.gamma(p + n + 1)),
    # two rows of binomials, of which nothing is known but that they are rows
    (s.Sum(s.binomial(m, j) * s.binomial(N, n - j), (j, 0, n)), s.binomial(m + N, n)),
    (s.Sum(j * s.binomial(m, j) * s.binomial(N, n - j), (j, 0, n)) * (m + N), m * n * s.binomial(m + N, n)),
    # no sums at all: both sides have one ratio of neighbours
    (s.binomial(2 * n, n), 4**n * s.gamma(n + s.Rational(1, 2)) / (s.sqrt(s.pi) * s.gamma(n + 1))),
    (s.factorial(2 * n), 2**n * s.factorial(n) * s.Product(2 * j - 1, (j, 1, n))),
]


@pytest.mark.parametrize(("left", "right"), SUMS)
def test_closed_forms(left: s.Expr, right: s.Expr) -> None:
    decision = decide(left, right)
    assert (decision.verdict, decision.conditions) == ("equal", ()), decision


def test_a_sum_of_cosines() -> None:
    x = s.Symbol("x", real=True)
    total = s.Sum(s.cos(j * x), (j, 1, n))
    right = s.sin(n * x / 2) * s.cos((n + 1) * x / 2) / s.sin(x / 2)
    assert decide(total, right).verdict == "equal"
    assert decide(total, right + n * (n - 1)).verdict == "different"


@pytest.mark.parametrize(("left", "right"), SUMS)
def test_a_closed_form_that_is_right_at_few_sizes_is_wrong(left: s.Expr, right: s.Expr) -> None:
    # Right at 0, 1 and 2, which is where an induction begins.
    size = n if n in left.free_symbols else N
    assert size in left.free_symbols
    assert decide(left, right + size * (size - 1) * (size - 2) / 10**6).verdict == "different"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (
            s.Sum(s.binomial(2 * n, j) / (j + 2), (j, 2, n)),
            s.Sum(s.binomial(2 * n, n + 2 - j) / (n + 4 - j), (j, 2, n)),
        ),
        (s.Sum(s.binomial(n, j) / (j + 2), (j, 0, n + 1)), s.Sum(s.binomial(n, j) / (j + 2), (j, 0, n))),
    ],
)
def test_one_sum_in_another_order_and_over_a_range_that_ends_in_zeros(left: s.Expr, right: s.Expr) -> None:
    assert decide(left, right).verdict == "equal"
    assert decide(left, right + n * (n - 1) * (n - 2)).verdict == "different"


given = Givens()
size = given.integer("n", at_least=1)
x = given.real("x", above=0)
SUMMANDS: list[Term] = [
    Sum(0, size, lambda i: binomial(size, i)),
    Sum(0, size, lambda i: binomial(size, i) * real(i) ** 2 * num(3) ** real(i)),
    Sum(1, size, lambda i: binomial(size, i) ** 2 * x ** real(i)),
    Sum(0, 2 * size, lambda i: num(-1) ** real(i) * binomial(2 * size, i) ** 2),
    Sum(0, size, lambda i: factorial(size) / factorial(i) / (x + i)),
    Sum(0, size + 2, lambda i: real(size) + real(i)),
]


@pytest.mark.parametrize("t", SUMMANDS)
def test_a_recurrence_holds_on_instances(t: Term) -> None:
    found = recurrence(given.context, t, size, _algebra)
    if found is None:  # no recurrence of order one
        assert t in (SUMMANDS[2], SUMMANDS[4])
        return
    statement = eq(substitute(t, {size: size + 1}), found.factor * t + found.rest)
    for c in found.conditions:
        statement = implies(c, statement)
    judged = check(given.context, statement, 7, instances=24, shrink=False)
    assert judged.outcome == "confirms", judged


def test_a_wrong_certificate_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = telescoping._certificate

    def lying(*arguments: object) -> tuple[Term, ...]:
        a, b, *certificates = honest(*arguments)  # type: ignore[arg-type]
        return a, b + num(1), *certificates

    monkeypatch.setattr(telescoping, "_certificate", lying)
    assert recurrence(given.context, SUMMANDS[0], size, _algebra) is None


def test_a_range_that_may_be_empty_has_no_recurrence() -> None:
    other = Givens()
    k = other.integer("n", at_least=0)
    t = Sum(1, k, lambda i: binomial(k, i))
    assert recurrence(other.context, t, k, _algebra) is None
    assert recurrence(other.context, substitute(t, {k: k + integer(1)}), k, _algebra) is not None
