"""Random families: declared moments and independences hold exactly; what is not declared is used against the claim."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from derivcheck.language import (
    Cov,
    D,
    E,
    ForAll,
    Givens,
    Sum,
    Var,
    delta,
    eq,
    lam,
    le,
    ne,
    predicate,
    range_,
    real,
    relu,
    squared_norm,
    vector,
)
from derivcheck.language.terms import abstract, symbol
from derivcheck.semantics import Evaluator, check, models_exist
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.cases import draw
from derivcheck.semantics.choices import PLANS
from derivcheck.semantics.judgement import Truth
from derivcheck.semantics.polynomials import NotPolynomial, expectation
from derivcheck.semantics.values import Measure, NeedsCoin, Outcome, Space, integrate_atoms


def outcome(givens, statement, **options):
    context = givens.context if isinstance(givens, Givens) else givens
    return check(context, statement, 0, **options).outcome


def family(**properties):
    g = Givens()
    p = g.probability("P")
    n = g.size("n")
    y = g.random("y", range_(1, n), measure=p, **properties)
    return g, p, n, y


VARIANTS = {
    "iid": {"mean": Fraction(1, 3), "variance": Fraction(2, 7), "iid": True},
    "uncorrelated": {"mean": lambda i: real(i), "variance": 2, "uncorrelated": True},
    "unequal variances": {"mean": 0, "variance": lambda i: 1 / real(i), "uncorrelated": True},
    "marginal moments": {"mean": 1, "variance": 4},
    "mean only": {"mean": -2},
    "square integrable": {"square_integrable": True},
    "normal": {"mean": Fraction(1, 2), "variance": lambda i: real(i) ** 2, "normal": True, "uncorrelated": True},
    "normal, irrational scale": {"mean": 0, "variance": 2, "normal": True, "uncorrelated": True},
    "iid normal": {"mean": 1, "variance": 9, "normal": True, "iid": True},
    "symmetric": {"symmetric": True, "square_integrable": True},
    "symmetric iid": {"symmetric": True, "mean": 0, "variance": 3, "iid": True},
    "iid, no moments": {"iid": True},
    "constant": {"mean": 5, "variance": 0, "iid": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_declared_facts_hold_by_construction(name):
    g, *_ = family(**VARIANTS[name])
    for seed in range(10):
        drawn = draw(g.context, seed, PLANS[seed % len(PLANS)], attempts=2)
        with nm.working_precision(128):
            facts = list(drawn.world.check())
        for fact in facts:
            assert fact.judgement.truth in (Truth.TRUE, Truth.SUPPORTED), (fact, drawn.world.description())


@pytest.mark.parametrize(("mean", "variance"), [(0, -1), (1, -2)])
def test_contradictory_moments_have_no_model(mean, variance):
    g, *_ = family(mean=mean, variance=variance, iid=True)
    assert not models_exist(g.context).found


def test_a_symmetric_law_with_a_mean_has_no_model():
    g, *_ = family(mean=1, symmetric=True)
    found = models_exist(g.context)
    assert not found.found and "symmetric law" in found.reason


def test_variance_of_an_average():
    g = Givens()
    p = g.probability("P")
    n, mu, v = g.size("n"), g.real("mu"), g.real("v", at_least=0)
    y = g.random("y", range_(1, n), measure=p, mean=mu, variance=v, iid=True)
    average = Var(p, lambda w: Sum(1, n, lambda j: y(j, w)) / real(n))
    claim = eq(average, v / real(n))
    assert outcome(g, claim) == "confirms"
    assert outcome(g, eq(average, v)) == "refutes"
    assert outcome(g, eq(average, v / real(n) ** 2)) == "refutes"
    assert outcome(g.context.without("y", "variance"), claim) == "refutes"
    assert outcome(g.context.without("y", "iid"), claim) == "refutes"
    # Uncorrelated is enough for the variance, and not for the fourth moment.
    h = Givens()
    q = h.probability("P")
    size, centre, spread = h.size("n"), h.real("mu"), h.real("v", at_least=0)
    x = h.random("y", range_(1, size), measure=q, mean=centre, variance=spread, uncorrelated=True)
    mean_of_all = Var(q, lambda w: Sum(1, size, lambda j: x(j, w)) / real(size))
    assert outcome(h, eq(mean_of_all, spread / real(size))) == "confirms"
    fourth = eq(
        E(p, lambda w: (Sum(1, n, lambda j: y(j, w) - mu)) ** 4),
        Sum(1, n, lambda j: E(p, lambda w: (y(j, w) - mu) ** 4)) + 3 * real(n) * (real(n) - 1) * v**2,
    )
    assert outcome(g, fourth) == "confirms"
    assert outcome(g.context.without("y", "iid"), fourth) == "refutes"


def layer():
    g = Givens()
    p = g.probability("P")
    n, s = g.size("n"), g.real("s", above=0)
    a = g.random("a", range_(1, n), measure=p, square_integrable=True)
    w = g.random("W", range_(1, n), measure=p, mean=0, variance=s, uncorrelated=True, independent_of=(a,))
    return g, p, n, s, a, w


def test_second_moments_of_a_layer_with_dependent_activations():
    g, p, n, s, a, w = layer()
    i, k = g.index("i", n), g.index("k", n)
    claim = eq(E(p, lambda o: w(i, o) * w(k, o) * a(i, o) * a(k, o)), s * delta(i, k) * E(p, lambda o: a(i, o) ** 2))
    assert outcome(g, claim) == "confirms"
    for prop in ("independent of a", "variance"):
        assert outcome(g.context.without("W", prop), claim, instances=32) == "refutes", prop


def test_variance_of_a_layer_and_the_common_mistake():
    g, p, n, s, a, w = layer()
    z = lambda o: Sum(1, n, lambda j: w(j, o) * a(j, o))  # noqa: E731
    claim = eq(Var(p, z), s * Sum(1, n, lambda j: E(p, lambda o: a(j, o) ** 2)))
    assert outcome(g, claim) == "confirms"
    assert outcome(g, eq(Var(p, z), s * Sum(1, n, lambda j: Var(p, lambda o: a(j, o))))) == "refutes"
    for prop in ("independent of a", "mean"):
        assert outcome(g.context.without("W", prop), claim, instances=32) == "refutes", prop


def test_activations_are_not_made_independent_of_each_other():
    g, p, n, _s, a, _w = layer()
    i, k = g.index("i", n), g.index("k", n)
    uncorrelated = Cov(p, lambda o: a(i, o), lambda o: a(k, o))
    from derivcheck.language import implies

    assert outcome(g, implies(ne(i, k), eq(uncorrelated, 0)), instances=32) == "refutes"


def test_uncorrelated_is_not_made_independent():
    g, p, n, y = family(mean=0, variance=1, uncorrelated=True)
    i, k = g.index("i", n), g.index("k", n)
    from derivcheck.language import implies

    both = implies(ne(i, k), eq(E(p, lambda w: y(i, w) ** 2 * y(k, w) ** 2), 1))
    assert outcome(g, both, instances=32) == "refutes"


def test_laws_are_skewed_unless_declared_symmetric():
    g = Givens()
    p = g.probability("P")
    v = g.real("v", at_least=0)
    x = g.random("x", measure=p, mean=0, variance=v, symmetric=True)
    claim = eq(E(p, lambda w: relu(x(w)) ** 2), v / 2)
    assert outcome(g, claim) == "confirms"
    assert outcome(g.context.without("x", "symmetric law"), claim) == "refutes"
    # Two-point laws would hide that E|x| is not the standard deviation.
    assert outcome(g, eq(E(p, lambda w: relu(x(w))) ** 2, v / 4), instances=32) == "refutes"


def test_normal_moments_up_to_degree_five():
    g = Givens()
    p = g.probability("P")
    m, v = g.real("m"), g.real("v", above=0)
    x = g.random("x", measure=p, mean=m, variance=v, normal=True)
    claims = {
        2: m**2 + v,
        3: m**3 + 3 * m * v,
        4: m**4 + 6 * m**2 * v + 3 * v**2,
        5: m**5 + 10 * m**3 * v + 15 * m * v**2,
    }
    for degree, value in claims.items():
        claim = eq(E(p, lambda w, d=degree: x(w) ** d), value)
        assert outcome(g, claim) == "confirms", degree
        if degree > 2:
            assert outcome(g.context.without("x", "normal"), claim, instances=32) == "refutes", degree
    # The scale is drawn rational, so that these are exact.
    assert check(g.context, eq(E(p, lambda w: x(w) ** 4), claims[4]), 0).exact == 16


def test_independence_is_needed_and_dropping_it_makes_dependence():
    g = Givens()
    p = g.probability("P")
    x = g.random("x", measure=p, square_integrable=True)
    y = g.random("y", measure=p, square_integrable=True, independent_of=(x,))
    claim = eq(Cov(p, lambda w: x(w), lambda w: y(w)), 0)
    assert outcome(g, claim) == "confirms"
    assert outcome(g.context.without("y", "independent of x"), claim) == "refutes"
    fact = predicate("independent", p, lam(p.args[0], lambda w: x(w)), lam(p.args[0], lambda w: y(w)))
    assert outcome(g, fact) == "confirms"
    assert outcome(g.context.without("y", "independent of x"), fact) == "refutes"


def test_dependence_between_two_constrained_families():
    g = Givens()
    p = g.probability("P")
    n = g.size("n")
    x = g.random("x", range_(1, n), measure=p, mean=0, variance=1, iid=True)
    y = g.random("y", range_(1, n), measure=p, mean=2, variance=4, iid=True, independent_of=(x,))
    i = g.index("i", n)
    claim = eq(E(p, lambda w: x(i, w) * y(i, w)), 0)
    assert outcome(g, claim) == "confirms"
    assert outcome(g.context.without("y", "independent of x"), claim, instances=32) == "refutes"


def test_a_measure_that_is_no_probability_any_more():
    g = Givens()
    p = g.probability("P")
    m = g.real("m")
    x = g.random("x", measure=p, mean=m, square_integrable=True)
    claim = eq(E(p, lambda w: x(w) - m), 0)
    assert outcome(g, claim) == "confirms"
    assert outcome(g.context.without("P", "probability"), claim) == "refutes"


def test_expectations_of_large_matrices_are_exact():
    g = Givens()
    p = g.probability("P")
    n, m, v = g.size("n"), g.size("m"), g.real("v", above=0)
    x = g.vector("x", m)
    w = g.random("W", range_(1, n), range_(1, m), measure=p, mean=0, variance=v, uncorrelated=True)
    norm = E(p, lambda o: Sum(1, n, lambda i: Sum(1, m, lambda j: w(i, j, o) * x(j)) ** 2))
    result = check(g.context, eq(norm, real(n) * v * squared_norm(x)), 0)
    assert (result.outcome, result.exact, result.unknown) == ("confirms", 16, 0)
    assert outcome(g, eq(norm, real(m) * v * squared_norm(x))) == "refutes"


def test_derivatives_pass_through_expectations():
    g = Givens()
    p = g.probability("P")
    c = g.real("c")
    x = g.random("x", measure=p, square_integrable=True)
    risk = E(p, lambda w: (x(w) - c) ** 2)
    assert outcome(g, eq(D(risk, c), 2 * c - 2 * E(p, lambda w: x(w)))) == "confirms"
    assert outcome(g, eq(D(risk, c), 2 * c)) == "refutes"
    assert outcome(g, le(Var(p, lambda w: x(w)), risk)) == "confirms"
    assert outcome(g, le(risk, Var(p, lambda w: x(w)))) == "refutes"


# ------------------------------------------------------------------- the two ways to compute an expectation agree


class _Random:
    """Three coins of one space and random polynomial bodies in them."""

    def __init__(self) -> None:
        self.space = Space("S", 2)
        self.coins = [self.space.coin(str(k), k + 2) for k in range(3)]
        self.measure = Measure(self.space, lambda coin: [fmpq(k + 1, 7) for k in range(coin.faces)])
        for coin in self.coins:
            total = sum(range(1, coin.faces + 1))
            self.measure.set_weights(coin, [fmpq(k + 1, total) for k in range(coin.faces)])


small = st.integers(-3, 3)
values = st.lists(small, min_size=4, max_size=4)
terms = st.lists(st.tuples(small, st.lists(st.integers(0, 2), max_size=4)), max_size=4)


@given(st.lists(values, min_size=3, max_size=3), terms, st.integers(0, 3))
def test_polynomials_in_coins_agree_with_enumeration(tables, monomials, exponent):
    r = _Random()

    def body(outcome):
        xs = [outcome.pick(c, [fmpq(v) for v in t[: c.faces]]) for c, t in zip(r.coins, tables, strict=True)]
        out = fmpq(0)
        for coefficient, factors in monomials:
            product = fmpq(coefficient, 3)
            for k in factors:
                product = nm.mul(product, xs[k])
            out = nm.add(out, product)
        return nm.integer_power(out, exponent)

    assert expectation(r.measure, body) == integrate_atoms(r.measure, body)


@pytest.mark.parametrize(
    "body",
    [
        lambda x: nm.absolute(x),
        lambda x: nm.exp(x),
        lambda x: nm.log(x),
        lambda x: nm.div(fmpq(1), x),
        lambda x: nm.maximum([x, fmpq(0)]),
        lambda x: nm.power(x, fmpq(1, 2)),
        lambda x: nm.power(fmpq(2), x),
        lambda x: nm.integer_power(x, -1),
        lambda x: fmpq(nm.compare(x, fmpq(0))),
        lambda x: nm.atan(x),
        lambda x: nm.gamma(x),
        lambda x: nm.erf(x),
    ],
    ids=range(12),
)
def test_what_is_no_polynomial_is_refused_and_then_enumerated(body):
    r = _Random()
    with pytest.raises(NotPolynomial):
        expectation(r.measure, lambda w: body(w.pick(r.coins[0], [fmpq(1), fmpq(2)])))
    integrate_atoms(r.measure, lambda w: body(w.pick(r.coins[0], [fmpq(1), fmpq(2)])))


def test_coins_that_are_not_looked_at_cost_nothing():
    r = _Random()
    visits = []
    integrate_atoms(r.measure, lambda w: visits.append(1) or w.pick(r.coins[1], [fmpq(1), fmpq(2), fmpq(3)]))
    assert len(visits) == 4  # one question, three faces


def test_equations_for_all_outcomes_need_no_enumeration_and_are_refuted_with_it():
    g = Givens()
    p = g.probability("P")
    y = g.random("y", range_(1, 40), measure=p, mean=0, variance=1, uncorrelated=True)

    def both_ways(factor):
        return ForAll(
            p.args[0],
            lambda w: eq(
                Sum(1, 40, lambda j: y(j, w)) - factor * y(40, w),
                Sum(1, 20, lambda j: y(j, w) + y(41 - j, w)) - y(40, w),
            ),
        )

    assert check(g.context, both_ways(1), 0, instances=2, budget=20_000).exact == 2
    assert outcome(g, both_ways(2), instances=2) != "confirms"
    last = ForAll(p.args[0], lambda w: eq(y(40, w), y(39, w)))
    assert outcome(g, last, instances=2) == "refutes"
    # Too many points and no polynomial: samples support, and never more.
    above = ForAll(p.args[0], lambda w: le(Sum(1, 40, lambda j: -(y(j, w) ** 2)), 0))
    assert check(g.context, above, 0, instances=1, budget=2_000_000).supported == 1


def test_a_vector_of_random_entries_is_not_remembered_from_one_outcome_to_the_next():
    # Irrational factors are no polynomial: the coins are then enumerated, each outcome with its own vector.
    g = Givens()
    p = g.probability("P")
    n = g.size("n")
    y, x = g.random("y", range_(1, n), measure=p, mean=0, variance=2), g.vector("x", n)
    noise = lambda w: vector(n, lambda i: y(i, w))  # noqa: E731
    difference = E(p, lambda w: squared_norm(x - noise(w))) - E(p, lambda w: squared_norm(noise(w)))
    assert outcome(g, eq(difference, squared_norm(x)), instances=48) == "confirms"
    assert outcome(g, eq(difference, 2 * squared_norm(x)), instances=48) == "refutes"


def test_a_function_keeps_hold_of_its_own_outcome():
    """Two outcomes of which nothing is known yet are alike, but not the same: each is asked for its own coins."""
    g = Givens()
    p, n = g.probability("P"), g.size("n")
    y = g.random("y", range_(1, n), measure=p, mean=0, variance=2)
    w = symbol("w", y.sort.domain_sorts[-1])
    noise = abstract(vector(n, lambda i: y(i, w)), w)
    world = draw(g.context, 1, PLANS[0]).world
    evaluator = Evaluator(world, 10_000)
    for outcome in (Outcome(world.values[p].space, {}), Outcome(world.values[p].space, {})):
        with pytest.raises(NeedsCoin) as asked:
            evaluator.eval(noise, (outcome,)).at((1,))
        assert asked.value.outcome is outcome
