"""Integrals over abstract spaces, measured for smooth densities; second derivatives by second differences."""

from __future__ import annotations

import pytest

from derivcheck.experiment.claims import experiment
from derivcheck.language import (
    JSD,
    KL,
    D,
    E,
    Givens,
    Int,
    Sum,
    derivative_at,
    eq,
    integrable,
    le,
    log,
    lt,
    space,
)

X = space("X")


def laws():
    g = Givens()
    mu = g.measure("mu", X)
    return g, mu, g.distribution("p", mu, positive=True), g.distribution("q", mu, positive=True)


def outcome(g, statement, seed=1):
    return str(getattr(experiment(g.context, statement, seed=seed, name="test"), "outcome", "nothing"))


@pytest.mark.parametrize("seed", range(5))
def test_divergences_of_smooth_densities(seed):
    g, mu, p, q = laws()
    cross = -Int(mu, lambda x: p(x) * log(q(x)))
    entropy = -Int(mu, lambda x: p(x) * log(p(x)))
    assert outcome(g, eq(KL(mu, p, q), cross - entropy), seed) == "confirms"
    assert outcome(g, le(0, KL(mu, p, q)), seed) == "confirms"
    assert outcome(g, lt(JSD(mu, p, q), log(2)), seed) == "confirms"
    assert outcome(g, eq(KL(mu, p, q), cross + entropy), seed) == "refutes"
    assert outcome(g, eq(KL(mu, p, q), KL(mu, q, p)), seed) == "refutes"
    assert outcome(g, le(KL(mu, p, q), 0), seed) == "refutes"
    assert outcome(g, eq(KL(mu, p, q) * (1 + 1e-9), cross - entropy), seed) == "refutes"


def test_an_inequality_says_which_side_may_be_larger():
    g, mu, p, q = laws()
    found = experiment(g.context, le(0, KL(mu, p, q)), seed=1, name="test")
    assert "left - right is -" in found.reason and "is allowed" in found.reason
    assert found.statistic < 0


def test_functions_keep_their_bounds():
    g, mu, p, _ = laws()
    d = g.function("D", X, above=0, below=1)
    assert outcome(g, lt(Int(mu, lambda x: p(x) * d(x)), 1)) == "confirms"
    assert outcome(g, lt(Int(mu, lambda x: p(x) * d(x)), 0)) == "refutes"


def test_a_random_variable_has_its_mean_and_variance():
    g = Givens()
    P = g.probability()
    f = g.function("f", differentiable=True)
    z = g.random("z", measure=P, mean=2, variance=3)
    m = g.real("m")
    whole = E(P, lambda w: f(m + z(w)))
    inside = E(P, lambda w: derivative_at(lambda x: f(x), m + z(w)))
    g.assume("exchange", eq(D(whole, m), inside), integrable(P, lambda w: f(m + z(w))))
    assert outcome(g, eq(D(whole, m), inside)) == "confirms"
    assert outcome(g, eq(D(whole, m), 2 * inside)) == "refutes"
    assert outcome(g, eq(D(whole + E(P, lambda w: z(w) ** 2), m), inside)) == "confirms"
    assert outcome(g, eq(D(m * E(P, lambda w: z(w) ** 2), m), 7)) == "confirms"
    assert outcome(g, eq(D(m * E(P, lambda w: z(w) ** 2), m), 6)) == "refutes"


def test_an_assumption_that_smooth_functions_do_not_meet_leaves_nothing_to_measure():
    g, mu, p, q = laws()
    g.assume("no divergence", eq(KL(mu, p, q), 0))
    assert outcome(g, eq(KL(mu, q, p), 0)) == "nothing"


def test_what_depends_on_two_points_is_not_measured():
    g, mu, p, q = laws()
    assert outcome(g, le(0, Int(mu, lambda x: Int(mu, lambda y: p(x) * q(y) * (p(x) - q(y)) ** 2)))) == "nothing"


def test_a_second_derivative_of_a_scalar():
    g = Givens()
    x = g.real("x", above=1, below=2)
    assert outcome(g, eq(D(D(x**4, x), x), 12 * x**2)) == "confirms"
    assert outcome(g, eq(D(D(x**4, x), x), 12.001 * x**2)) == "refutes"


def test_a_second_derivative_by_two_entries():
    g = Givens()
    n = g.size("n", 2)
    v = g.vector("v", n)
    i, k = g.index("i", n), g.index("k", n)
    square = Sum(1, n, lambda j: v(j)) ** 3
    total = Sum(1, n, lambda j: v(j))
    assert outcome(g, eq(D(D(square, v(i)), v(k)), 6 * total)) == "confirms"
    assert outcome(g, eq(D(D(square, v(i)), v(k)), 3 * total)) == "refutes"
