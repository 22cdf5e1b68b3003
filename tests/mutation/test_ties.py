"""Near misses that fail only where two sides tie, or where something vanishes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from derivcheck.language import (
    D,
    E,
    ForAll,
    Givens,
    Int,
    MaxOver,
    MinOver,
    Sum,
    Term,
    abs_,
    counting,
    eq,
    free_symbols,
    identity,
    implies,
    integrable,
    interval,
    inverse,
    lam,
    le,
    lebesgue,
    log,
    lt,
    matrix,
    ne,
    num,
    predicate,
    range_,
    real,
    space,
    squared_norm,
    vector,
)
from derivcheck.mutation import Fate, NearMiss, judge, singular, tightness
from derivcheck.mutation.derive import holds
from derivcheck.mutation.ties import ties
from derivcheck.mutation.weaker import follows, follows_at_a_glance
from derivcheck.problem import Claim
from derivcheck.semantics import Truth


def near_miss(g: Givens, statement: Term, claimed: Term) -> NearMiss:
    return NearMiss("slack", "", Claim("claim", "", g.context, claimed), statement, g.context)


def found(g: Givens, statement: Term) -> str:
    """The counterexample that the search for a tight place finds; empty if none."""
    counterexample, _ = tightness.at_a_tie(g.context, statement, statement, 1)
    return str(counterexample or "")


# ----------------------------------------------------------------------------------------------------------------- ties


def optimal_discriminator(strict: bool) -> tuple[Givens, Term]:
    g = Givens()
    x = range_(1, g.size("n"))
    mu = counting(x)
    p, q = g.distribution("p", mu, positive=True), g.distribution("q", mu, positive=True)
    d = g.function("D", x, above=0, below=1)
    value = lambda h: Int(mu, lambda i: p(i) * log(h(i)) + q(i) * log(1 - h(i)))  # noqa: E731
    best = value(lambda i: p(i) / (p(i) + q(i)))
    return g, (lt if strict else le)(value(d), best)


def test_a_function_is_the_optimum_that_the_other_side_has() -> None:
    """Only at ``D = p/(p + q)`` is the bound an equation, of two sums of logarithms."""
    g, strict = optimal_discriminator(strict=True)
    assert "D = (1/2)" in found(g, strict)
    g, claimed = optimal_discriminator(strict=False)
    assert found(g, claimed) == ""
    assert judge(near_miss(g, optimal_discriminator(strict=True)[1], claimed), 3).fate is Fate.KILLED


def test_two_laws_are_equal() -> None:
    g = Givens()
    mu = counting(range_(1, g.size("n")))
    p, q = g.distribution("p", mu, positive=True), g.distribution("q", mu, positive=True)
    divergence = Int(mu, lambda i: p(i) * log(p(i) / q(i)))
    assert "against" in found(g, lt(-log(num(4)), divergence - log(num(4))))
    assert found(g, le(-log(num(4)), divergence - log(num(4)))) == ""


def test_a_vector_is_the_minimiser_that_the_other_side_has() -> None:
    g = Givens()
    n, d = g.size("n"), g.size("m")
    x, y, a = g.matrix("X", n, d, full_column_rank=True), g.vector("y", n), g.vector("a", d)
    loss = lambda v: squared_norm(x @ v - y)  # noqa: E731
    best = inverse(x.T @ x) @ (x.T @ y)
    assert found(g, le(loss(best), num(1) * 999 / 1000 * loss(a))) != ""
    assert found(g, le(loss(best), loss(a))) == ""
    # With the wrong minimiser the sides of the statement tie where it is true, and those of the claim where it is not.
    wrong = le(loss(best / 2), loss(a))
    counterexample, _ = tightness.at_a_tie(g.context, wrong, le(loss(best), loss(a)), 1)
    assert counterexample is not None


def test_a_tie_below_a_quantifier_and_a_premise() -> None:
    g = Givens()
    n = g.size("n")
    x, y = g.vector("x", n), g.vector("y", n)
    everywhere = ForAll(range_(1, n), lambda i: implies(le(0, y(i)), lt(x(i) * y(i), y(i) ** 2 + 1)))
    assert any(c.declarations[-1].model for c in ties(g.context, everywhere))


def test_a_tie_that_the_hypotheses_exclude_refutes_nothing() -> None:
    g = Givens()
    x, y = g.real("x", above=2), g.real("y", below=1)
    assert [c.declarations[-1].model for c in ties(g.context, lt(y, x))] != []
    assert found(g, lt(y, x)) == ""


def test_beside_a_tie_that_the_statement_excludes() -> None:
    g = Givens()
    x, y = g.real("x", above=0, below=1), g.real("y", above=0, below=1)
    parabola = lambda t: t * (2 * y - t)  # noqa: E731
    assert found(g, implies(ne(x, y), lt(parabola(x), parabola(y) - abs_(parabola(y)) / 1000))) != ""
    assert found(g, implies(ne(x, y), lt(parabola(x), parabola(y)))) == ""


def test_a_circle_of_definitions_is_no_tie() -> None:
    """W is defined by V; V may not be defined by W in turn."""
    g = Givens()
    members = range_(1, g.size("n"))
    v, w = g.array("V", members), g.array("W", members)
    g.assume("twice", ForAll(members, lambda i: eq(w(i), 2 * v(i))), model={w: lam(members, lambda i: 2 * v(i))})
    j = g.index("j", *members.args)
    for tied in ties(g.context, lt(v(j), w(j))):
        assert tied.declarations[-1].model[0][0] != v
    assert found(g, lt(v(j), w(j) + 1)) == ""


def test_no_symbol_is_defined_by_itself_or_by_a_bound_variable() -> None:
    g = Givens()
    n = g.size("n")
    x, f = g.real("x"), g.vector("f", n)
    for p in (
        lt(x, x + 1),
        lt(Sum(1, n, lambda i: x), Sum(1, n, lambda i: real(i))),
        lt(Sum(1, n, lambda i: f(i) * x), Sum(1, n, lambda i: f(i) * real(i))),
        lt(Sum(1, n, lambda i: f(i)), Sum(1, n, lambda i: f(i) + 1)),
        ForAll(range_(1, n), lambda i: lt(x, real(i))),
    ):
        for tied in ties(g.context, p):
            for s, t in tied.declarations[-1].model:
                assert s not in free_symbols(t)
                assert free_symbols(t) <= set(g.context.symbols())
    assert list(ties(g.context, eq(x, x + 1))) == []


def test_a_tie_on_an_interval() -> None:
    g = Givens()
    h = g.function("h", interval(0, 1))
    on = lebesgue(interval(0, 1))
    side = lambda shift: le(Int(on, lambda t: h(t)), Int(on, lambda t: t * t) - num(shift))  # noqa: E731
    assert "against" in found(g, side(Fraction(1, 10**6)))
    assert found(g, side(0)) == ""


# ------------------------------------------------------------------------------------------------------ what vanishes


@pytest.mark.parametrize(
    "statement", [lambda a, r: predicate("invertible", a), lambda a, r: eq(a @ (inverse(a) @ r), r)]
)
def test_a_discount_is_solved_for_so_that_a_matrix_is_singular(statement: Callable[[Term, Term], Term]) -> None:
    g = Givens()
    n = g.size("n")
    a, t = g.matrix("A", n, n), g.real("t", above=0)
    case = singular.search(g.context, statement(identity(n) - t * a, vector(n, lambda i: num(1))), 1)
    assert case is not None
    assert case.judgement.truth in (Truth.FALSE, Truth.UNDEFINED)
    assert case.hypotheses.trusted


def test_draws_that_turn_out_impossible_are_passed_over() -> None:
    g = Givens()
    n = g.size("n")
    t = g.real("t", at_least=0, below=1)
    p = g.distribution("P", counting(range_(1, n)), given=(range_(1, n),))
    signed = g.context.without("P", "nonnegative")  # the weights of a row may then sum to 0, which cannot be normalised
    rows = matrix(n, n, lambda i, j: p(i, j))
    for seed in range(3):
        case = singular.search(signed, predicate("invertible", identity(n) - t * rows), seed)
        assert case is not None and case.judgement.truth is Truth.FALSE


def test_what_the_hypotheses_keep_from_vanishing_is_not_reported() -> None:
    g = Givens()
    t, c = g.real("t", above=0), g.real("c", at_least=0)
    assert singular.search(g.context, eq((t + c) / (t + c), 1), 1) is None
    wider = Givens()
    t, c = wider.real("t"), wider.real("c", at_least=0)
    case = singular.search(wider.context, eq((t + c / 7) / (t + c / 7), 1), 1)
    assert case is not None
    assert "zero" in case.judgement.reason


def test_what_the_claim_has_too_is_not_looked_at() -> None:
    g = Givens()
    t, k = g.real("t", at_least=0), g.integer("k", at_least=0)
    claimed, near = eq(t / (t + 1), 1 - 1 / (t + 1)), le(0, t ** (k - 1) / (t + 1))
    case = singular.search(g.context, near, 1, safe=claimed)
    assert case is not None
    assert dict(case.world.description()) == {"t": "0", "k": "0"}
    assert singular.search(g.context, near, 1, safe=near) is None


def test_a_term_that_is_no_polynomial_is_left_alone() -> None:
    g = Givens()
    t = g.real("t", above=0)
    assert singular.search(g.context, eq(1 / log(t), 1 / log(t)), 1) is None


# ------------------------------------------------------------------------------------------------- what follows at once


def test_the_smallest_is_below_the_largest() -> None:
    g = Givens()
    n = g.size("n")
    x, y, b = g.vector("x", n), g.vector("y", n), g.real("b")
    each = range_(1, n)
    claimed = le(MaxOver(each, lambda i: x(i) - y(i)), b)
    assert follows(g.context, claimed, le(MinOver(each, lambda i: x(i) - y(i)), b))
    assert not follows(g.context, claimed, le(MinOver(each, lambda i: x(i) + y(i)), b))
    larger = le(b, MinOver(each, lambda i: x(i)))
    assert follows(g.context, larger, le(b, MaxOver(each, lambda i: x(i))))
    assert not follows(g.context, le(b, MaxOver(each, lambda i: x(i))), larger)


def test_noise_of_mean_zero_may_have_the_other_sign_also_below_a_derivative() -> None:
    g = Givens()
    measure = g.probability("P")
    a, s, c = g.real("a"), g.real("s"), g.real("c")
    noise = g.function("N", space("Omega"))
    g.assume(
        "moments",
        integrable(measure, lambda w: noise(w)),
        integrable(measure, lambda w: noise(w) ** 2),
        eq(E(measure, lambda w: noise(w)), 0),
        eq(E(measure, lambda w: noise(w) ** 2), s),
        model={},
    )
    slope = lambda sign: D(E(measure, lambda w: (a + sign * a * noise(w)) ** 2), a)  # noqa: E731
    assert follows(g.context, eq(slope(1), c), eq(slope(-1), c))
    assert not follows(g.context, eq(slope(1), c), eq(slope(2), c))


def test_a_number_and_its_negative() -> None:
    g = Givens()
    n = g.size("n")
    x, y, b = g.vector("x", n), g.real("y"), g.real("b")
    claimed = le(squared_norm(x) + y, b)
    assert follows_at_a_glance(g.context, claimed, le(-squared_norm(x) + y, b))
    assert not follows_at_a_glance(g.context, claimed, le(squared_norm(x) - y, b))
    assert not follows_at_a_glance(g.context, le(-squared_norm(x) + y, b), claimed)


def test_the_square_of_a_mean_is_at_most_the_mean_of_the_square() -> None:
    g = Givens()
    n = g.size("n")
    measure = g.probability("P")
    x = g.random("X", range_(1, n), measure=measure, mean=g.real("mu"), variance=g.real("v", at_least=0))
    y, b = g.vector("y", n), g.real("b")
    mean_square = E(measure, lambda w: Sum(1, n, lambda i: (x(i, w) - y(i)) ** 2) / n)
    square_of_mean = Sum(1, n, lambda i: (E(measure, lambda w: x(i, w)) - y(i)) ** 2) / n
    assert follows_at_a_glance(g.context, le(mean_square, b), le(square_of_mean, b))
    assert not follows_at_a_glance(g.context, le(square_of_mean, b), le(mean_square, b))
    assert not follows_at_a_glance(g.context, le(mean_square, b), le(2 * square_of_mean, b))


def test_an_entry_of_a_vector_is_no_other_definition_than_the_vector() -> None:
    """``‖Xa‖² + ‖a‖²`` mentions `a` as a whole and entry by entry."""
    g = Givens()
    n, d = g.size("n"), g.size("m")
    x, a, b = g.matrix("X", n, d), g.vector("a", d), g.vector("b", d)
    objective = lambda v: squared_norm(x @ v) + squared_norm(v)  # noqa: E731
    models = [c.declarations[-1].model for c in ties(g.context, le(objective(2 * b), objective(a)))]
    assert ((a, 2 * b),) in models


def test_one_term_fewer() -> None:
    g = Givens()
    n = g.size("n")
    x, w, b = g.vector("x", n), g.vector("w", n, above=0), g.real("b")
    total = lambda lo, hi: Sum(lo, hi, lambda i: w(i) * x(i) ** 2)  # noqa: E731
    for lo, hi in ((2, n), (1, n - 1)):
        assert follows_at_a_glance(g.context, le(total(1, n), b), le(total(lo, hi), b))
        assert not follows_at_a_glance(g.context, le(total(lo, hi), b), le(total(1, n), b))
        assert follows_at_a_glance(g.context, le(b, total(lo, hi)), le(b, total(1, n)))
        assert follows_at_a_glance(g.context, le(-total(lo, hi), b), le(-total(1, n), b))
    mixed = lambda lo: Sum(lo, n, lambda i: w(i) * x(i))  # noqa: E731
    assert not follows_at_a_glance(g.context, le(mixed(1), b), le(mixed(2), b))


def test_two_sides_on_either_side_of_zero() -> None:
    g = Givens()
    n = g.size("n")
    x, w, t = g.vector("x", n), g.vector("w", n, above=0), g.real("theta")
    mean = Sum(1, n, lambda j: w(j) * x(j)) / Sum(1, n, lambda j: w(j))
    residuals = Sum(1, n, lambda j: w(j) * (x(j) - mean))
    squares = Sum(1, n, lambda j: w(j) * (x(j) - t) ** 2)
    assert holds(g.context, le(residuals, squares))
    assert not holds(g.context, le(residuals + 1, squares))
    assert not holds(g.context, le(residuals, squares - 1))
