"""What a statement implies is measured: true statements pass, and every kind of wrong one is caught."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from derivcheck.experiment import ExperimentResult, Outcome
from derivcheck.experiment.claims import ESTIMATED, Nothing, expectations, experiment
from derivcheck.language import (
    Context,
    Cov,
    D,
    E,
    ForAll,
    Givens,
    Int,
    Lim,
    Sum,
    Term,
    Var,
    delta,
    eq,
    exp,
    implies,
    inverse,
    ite,
    le,
    log,
    lt,
    matrix,
    num,
    oo,
    oo_int,
    range_,
    real,
    relu,
    softmax,
)


def outcome(context: Context, statement: Term, seed: int = 3) -> Outcome:
    found = experiment(context, statement, seed, "test")
    assert isinstance(found, ExperimentResult), found
    return found.outcome


# ------------------------------------------------------------------------------------------------------- derivatives

given = Givens()
n = given.size("n")
z = given.vector("z", n)
i = given.index("i", n)
k = given.index("k", n)
x = given.real("x")
p = softmax(z)
entry = D(p(i), z(k))


@pytest.mark.parametrize(
    "statement",
    [
        eq(entry, p(i) * (delta(i, k) - p(k))),
        eq(Sum(1, n, lambda j: D(p(i), z(j))), 0),
        eq(D(x**3 * exp(x), x), 3 * x**2 * exp(x) + x**3 * exp(x)),
        eq(matrix(n, n, lambda a, b: D(p(a), z(b))), matrix(n, n, lambda a, b: D(p(b), z(a)))),
        le(0, Sum(1, n, lambda a: Sum(1, n, lambda b: z(a) * D(p(a), z(b)) * z(b)))),
        eq(D(relu(x), x), ite(lt(0, x), 1, 0)),
    ],
)
def test_true_derivatives_pass(statement: Term) -> None:
    assert outcome(given.context, statement) is Outcome.CONFIRMS


@pytest.mark.parametrize(
    "statement",
    [
        eq(entry, p(i) * p(k)),
        eq(entry, p(i) * (delta(i, k) + p(k))),
        eq(entry, -p(i) * p(k)),
        eq(Sum(1, n, lambda j: D(p(i), z(j))), p(i) * Fraction(1, 1000)),
        eq(D(x**3, x), 3 * x**2 * num(Fraction(100001, 100000))),
        le(Sum(1, n, lambda a: Sum(1, n, lambda b: z(a) * D(p(a), z(b)) * z(b))), 0),
        eq(D(relu(x), x), ite(lt(x, 0), 1, 0)),
    ],
)
def test_wrong_derivatives_are_refuted(statement: Term) -> None:
    assert outcome(given.context, statement) is Outcome.REFUTES


@pytest.mark.parametrize("unit", [Fraction(1, 10**7), Fraction(1), Fraction(10**7)])
def test_nothing_depends_on_the_unit(unit: Fraction) -> None:
    f = num(unit) * exp(x)
    assert outcome(given.context, eq(D(f, x), f)) is Outcome.CONFIRMS
    assert outcome(given.context, eq(D(f, x), f * Fraction(3, 2))) is Outcome.REFUTES


def test_an_inverse_is_differentiated() -> None:
    g = Givens()
    m = g.size("m")
    a = g.matrix("A", m, m, positive_definite=True)
    r, s = g.index("r", m), g.index("s", m)
    f = inverse(a)(r, s)
    true = -inverse(a)(r, r) * inverse(a)(s, s)
    assert outcome(g.context, eq(D(f, a(r, s)), true)) is Outcome.CONFIRMS
    assert outcome(g.context, eq(D(f, a(r, s)), -true)) is Outcome.REFUTES


def test_nothing_to_measure_is_not_applicable() -> None:
    found = experiment(given.context, eq(x + 1, 1 + x), 0, "test")
    assert isinstance(found, Nothing) and not found.applicable


# ------------------------------------------------------------------------------------------------------ expectations


def sample(**properties: object) -> tuple[Givens, Term, Term, Term, Term, Term]:
    g = Givens()
    size = g.size("n", minimum=2)
    mean, variance = g.real("mu"), g.real("v", above=0)
    measure = g.probability()
    y = g.random("Y", range_(1, size), measure=measure, mean=mean, variance=variance, **properties)  # type: ignore[arg-type]
    return g, size, mean, variance, measure, y


def average(y: Term, size: Term) -> Callable[[Term], Term]:
    return lambda w: Sum(1, size, lambda j: y(j, w)) / size


def test_the_variance_of_an_average_needs_uncorrelated_terms() -> None:
    g, size, mean, variance, measure, y = sample(iid=True)
    assert outcome(g.context, eq(E(measure, average(y, size)), mean)) is Outcome.CONFIRMS
    assert outcome(g.context, eq(Var(measure, average(y, size)), variance / size)) is Outcome.CONFIRMS
    assert outcome(g.context, eq(Var(measure, average(y, size)), variance / (size + 1))) is Outcome.REFUTES
    g, size, mean, variance, measure, y = sample()
    assert outcome(g.context, eq(Var(measure, average(y, size)), variance / size)) is Outcome.REFUTES


def test_moments_under_a_skewed_law() -> None:
    g, _size, mean, variance, measure, y = sample(iid=True)
    second = Int(measure, lambda w: y(1, w) ** 2)
    assert outcome(g.context, eq(second, mean**2 + variance)) is Outcome.CONFIRMS
    assert outcome(g.context, eq(second, mean**2 - variance)) is Outcome.REFUTES
    third = E(measure, lambda w: (y(1, w) - mean) ** 3)
    assert outcome(g.context, eq(third, 0)) is Outcome.REFUTES, "a symmetric law would hide it"
    both = Cov(measure, lambda w: y(1, w), lambda w: 2 * y(1, w) + y(2, w))
    assert outcome(g.context, eq(both, 2 * variance)) is Outcome.CONFIRMS
    assert outcome(g.context, eq(both, 3 * variance)) is Outcome.REFUTES


def test_a_mean_of_zero_is_measured_against_the_spread() -> None:
    g, _, mean, _, measure, y = sample(iid=True)
    centred = E(measure, lambda w: (y(1, w) - mean) * y(2, w))
    found = experiment(g.context, eq(centred, 0), 3, "test")
    assert isinstance(found, ExperimentResult) and found.outcome is Outcome.CONFIRMS
    assert found.scale_name == "the spread of the draws"
    assert outcome(g.context, eq(centred, Fraction(1, 2))) is Outcome.REFUTES


def test_jensen_as_an_inequality() -> None:
    g, _size, _mean, _variance, measure, y = sample(iid=True)
    square = E(measure, lambda w: y(1, w) ** 2)
    assert outcome(g.context, le(E(measure, lambda w: y(1, w)) ** 2, square)) is Outcome.CONFIRMS
    assert outcome(g.context, le(square, E(measure, lambda w: y(1, w)) ** 2)) is Outcome.REFUTES


def test_families_that_are_not_declared_independent_are_not() -> None:
    def pair(independent: bool) -> tuple[Context, Term]:
        g = Givens()
        measure = g.probability()
        a = g.random("A", measure=measure, mean=0, variance=1)
        b = g.random("B", measure=measure, mean=0, variance=1, independent_of=(a,) if independent else ())
        return g.context, eq(E(measure, lambda w: a(w) ** 2 * b(w) ** 2), 1)

    assert outcome(*pair(True)) is Outcome.CONFIRMS
    assert outcome(*pair(False)) is Outcome.REFUTES


def test_an_equation_as_premise_is_made_true() -> None:
    g, _, mean, _, measure, y = sample(iid=True)
    start = g.real("start")
    moved = E(measure, lambda w: start + y(1, w))
    assert outcome(g.context, implies(eq(start, mean), eq(moved, 2 * mean))) is Outcome.CONFIRMS
    assert outcome(g.context, implies(eq(start, mean), eq(moved, mean))) is Outcome.REFUTES


def test_the_derivative_of_an_expectation() -> None:
    g = Givens()
    measure = g.probability()
    theta, mean, variance = g.real("theta"), g.real("mu"), g.real("v", above=0)
    y = g.random("Y", measure=measure, mean=mean, variance=variance)
    loss = E(measure, lambda w: (theta - y(w)) ** 2)
    assert outcome(g.context, eq(D(loss, theta), 2 * (theta - mean))) is Outcome.CONFIRMS
    assert outcome(g.context, eq(D(loss, theta), theta - mean)) is Outcome.REFUTES


def test_an_expectation_inside_an_expectation_is_left_alone() -> None:
    g, _size, _mean, variance, measure, y = sample(iid=True)
    nested = E(measure, lambda w: (y(1, w) - E(measure, lambda v: y(1, v))) ** 2)
    found = experiment(g.context, eq(nested, variance), 0, "test")
    assert isinstance(found, Nothing) and found.applicable and "expectation of the expectation" in found.reason


def test_an_unknown_function_of_a_random_variable_is_left_alone() -> None:
    g, _, _, _, measure, y = sample(iid=True)
    f = g.function("f", differentiable=True)
    found = experiment(g.context, le(0, E(measure, lambda w: f(y(1, w)) ** 2)), 0, "test")
    assert isinstance(found, Nothing) and found.applicable and "at a real argument" in found.reason


def test_the_report_is_complete_and_repeats() -> None:
    g, size, mean, _variance, measure, y = sample(iid=True)
    statement = eq(E(measure, average(y, size)), mean)
    one, two = (experiment(g.context, statement, 5, "c") for _ in range(2))
    other = experiment(g.context, statement, 6, "c")
    assert (
        isinstance(one, ExperimentResult) and isinstance(two, ExperimentResult) and isinstance(other, ExperimentResult)
    )
    assert one.to_json() == two.to_json() != other.to_json()
    assert one.false_alarm is not None and one.false_alarm <= 1e-6 / 100
    assert one.detectable is not None and one.detectable < 0.1


# ------------------------------------------------------------------------------------------------------------ limits


def test_limits() -> None:
    g = Givens()
    a = g.real("a", above=0, below=1)
    power = Lim(oo_int, lambda t: 1 + (1 - a) ** real(t))
    assert outcome(g.context, eq(power, 1)) is Outcome.SUPPORTS
    assert outcome(g.context, eq(power, a + 1)) is Outcome.REFUTES
    ratio = Lim(num(0), lambda h: (exp(a * h) - 1) / h, "+")
    assert outcome(g.context, eq(ratio, a)) is Outcome.SUPPORTS
    assert outcome(g.context, eq(ratio, 2 * a)) is Outcome.REFUTES
    slow = experiment(g.context, eq(Lim(oo, lambda t: 1 / log(t + 2)), 0), 0, "test")
    assert isinstance(slow, ExperimentResult) and slow.outcome is Outcome.ABSTAINS


# ------------------------------------------------------------------------------------------------- how much is measured


@pytest.mark.parametrize("factor", [1, 2])
def test_nothing_is_measured_after_a_refutation(factor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    g, size, _, variance, measure, y = sample(iid=True)
    statement = ForAll(range_(1, size), lambda j: eq(Var(measure, lambda w: y(j, w)), factor * variance))
    made: list[Outcome] = []
    test = expectations.test_comparison

    def counted(*args: object) -> ExperimentResult | None:
        found = test(*args)  # type: ignore[arg-type]
        made.extend([found.outcome] if found else [])
        return found

    monkeypatch.setattr(expectations, "test_comparison", counted)
    outcome(g.context, statement)
    if factor == 1:
        assert len(made) > ESTIMATED and set(made) == {Outcome.CONFIRMS}
    else:
        assert made == [Outcome.REFUTES]
