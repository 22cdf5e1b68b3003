"""Steps that careful hands have wrongly allowed; each must fail, or carry the condition that saves it."""

from __future__ import annotations

import pytest

from derivcheck.language import (
    D,
    E,
    ForAll,
    Givens,
    Int,
    MaxOver,
    Real,
    Sum,
    Var,
    abs_,
    eq,
    exp,
    free_symbols,
    identity,
    integrable,
    inverse,
    lam,
    le,
    log,
    lt,
    ne,
    num,
    predicate,
    range_,
    real,
    reals,
    space,
)
from derivcheck.proof import ProofError, Prover, algebra, kernel, using


def prove(context, p, *given):
    return kernel.normal_form(context, p, given)


def test_an_instance_captures_nothing():
    g = Givens()
    n, c, f = g.size("n"), g.real("c"), g.vector("f", 3)
    del n
    th = prove(g.context, eq(Sum(1, 3, lambda j: c * f(j)), c * Sum(1, 3, lambda j: f(j))))
    h = Givens()
    j, f3 = h.index("j", 3), h.vector("f", 3)
    h.size("n")
    put = kernel.instance(th, {c: real(j), f: f3}, h.context)
    assert put.statement == eq(Sum(1, 3, lambda k: j * f3(k)), j * Sum(1, 3, lambda k: f3(k)))
    assert j in free_symbols(put.statement)


def test_the_exponential_of_a_logarithm_needs_a_positive_argument():
    g = Givens()
    x = g.real("x")
    assert prove(g.context, eq(exp(log(x)), x)).conditions == {lt(0, x)}
    h = Givens()
    y = h.real("y", above=0)
    assert not prove(h.context, eq(exp(log(y)), y)).conditions


def test_an_equation_at_a_point_says_nothing_of_derivatives():
    g = Givens()
    x, t = g.real("x"), g.real("t")
    same = kernel.assume(g.context, eq(x, t**2))
    with pytest.raises(ProofError):
        prove(g.context, eq(D(t**2, t), 0), same)
    with pytest.raises(ProofError):
        prove(g.context, eq(D(x, t), 2 * t), same)
    hole = Real("hole")
    with pytest.raises(ProofError, match="derivative"):
        kernel.congruence(same, D(hole * t, t), hole)
    with pytest.raises(ProofError):
        kernel.derivative_congruence(same, D(t**2, t))


def test_integrals_do_not_change_places():
    g = Givens()
    X, Z = space("X"), space("Z")
    mu, nu = g.measure("mu", X), g.measure("nu", Z)
    f = g.function("f", X, Z)
    with pytest.raises(ProofError):
        prove(
            g.context,
            eq(
                Int(mu, lambda x: Int(nu, lambda z: f(x, z))),
                Int(nu, lambda z: Int(mu, lambda x: f(x, z))),
            ),
        )


def test_monotonicity_asks_for_integrability_of_constants_too():
    g = Givens()
    mu = g.measure("mu", space("X"))
    pr = Prover(g.context)
    th = pr.for_all(space("X"), lambda pr, x: prove(pr.context, le(num(0), num(1))))
    integrated = kernel.monotone(th, Int(mu, lambda x: 0))
    assert integrable(mu, lambda x: 1) in integrated.conditions


def test_a_sum_of_integrals_asks_for_its_parts():
    g = Givens()
    X = space("X")
    mu, f, h = g.measure("mu", X), g.function("f", X), g.function("h", X)
    split = eq(Int(mu, lambda x: f(x) + h(x)), Int(mu, lambda x: f(x)) + Int(mu, lambda x: h(x)))
    assert {integrable(mu, lambda x: f(x)), integrable(mu, lambda x: h(x))} <= prove(g.context, split).conditions


def test_conditions_leave_the_scope_of_an_opened_variable():
    g = Givens()
    n, x = g.size("n"), None
    x = g.vector("x", n)
    pr = Prover(g.context)
    th = pr.for_all(range_(1, n), lambda pr, i: kernel.log_bound(pr.context, x(i)))
    assert th.conditions == {ForAll(range_(1, n), lambda i: lt(0, x(i)))}
    assert all(free_symbols(c) <= set(g.context.symbols()) for c in th.conditions)


def test_induction_refuses_a_hypothesis_about_its_variable():
    g = Givens()
    x = g.real("x")
    pr = Prover(g.context)
    with pytest.raises(ProofError):
        # Under "t = 0" every step holds; the conclusion x·t = 0 does not.
        pr.induction(
            lambda t: eq(x * t, 0),
            lambda pr: prove(pr.context, eq(x * num(0), 0)),
            lambda pr, t, before: pr.linear(eq(x * (t + 1), 0), (pr.assume(eq(x * real(t + 1), 0)), 1), (before, 0)),
        )


def test_pairwise_independence_is_not_enough():
    """With a₁ = sW₁W₂ and a₂ = s, every W_i is independent of every a_j, and Var z is 4 in place of 2."""
    g = Givens()
    n = g.size("n")
    P = g.probability()
    a = g.random("a", range_(1, n), measure=P, square_integrable=True)
    W = g.random("W", range_(1, n), measure=P, mean=0, variance=1, uncorrelated=True)
    O = space("Omega")  # noqa: E741
    pairs = ForAll(
        range_(1, n),
        lambda i: ForAll(
            range_(1, n),
            lambda j: predicate("independent", P, lam(O, lambda w: W(i, w)), lam(O, lambda w: a(j, w))),
        ),
    )
    context = g.context.assuming("pairwise independent", pairs)
    claim = eq(
        Var(P, lambda w: Sum(1, n, lambda i: W(i, w) * a(i, w))), Sum(1, n, lambda i: E(P, lambda w: a(i, w) ** 2))
    )
    with pytest.raises(ProofError):
        prove(context, claim)


def test_a_symmetric_law_says_nothing_of_another_variable():
    g = Givens()
    P = g.probability()
    X = g.random("X", measure=P, mean=0, variance=1, symmetric=True)
    Y = g.random("Y", measure=P, mean=0, variance=1)
    (symmetry,) = Prover(g.context).given("X symmetric law")
    w = Real("w")
    with pytest.raises(ProofError):
        kernel.same_law(symmetry, lam(reals, lambda x: x * Y(w) if w.sort == Y.sort.domain_sorts[0] else x * w))
    with pytest.raises(ProofError):
        prove(g.context, eq(E(P, lambda w: X(w) * Y(w)), E(P, lambda w: -X(w) * Y(w))))


def test_jensen_needs_a_convex_function():
    g = Givens()
    P = g.probability()
    X = g.random("X", measure=P, mean=1, variance=4)
    with pytest.raises(ProofError):
        prove(g.context, le(1 / E(P, lambda w: X(w)), E(P, lambda w: 1 / X(w))))


def test_a_maximum_needs_a_set_that_is_not_empty():
    g = Givens()
    n, c = g.size("n", 0), g.real("c", at_least=0)
    x = g.vector("x", n, at_most=0)
    pr = Prover(g.context)
    bound = pr.for_all(range_(1, n), lambda pr, i: prove(pr.context, le(x(i), c)))
    th = kernel.maximum_at_most(bound, MaxOver(range_(1, n), lambda i: x(i)))
    assert th.conditions == {le(1, n)}


def test_equal_where_both_are_defined_is_no_chain():
    g = Givens()
    x = g.real("x")
    pr = Prover(g.context)
    nothing = num(0) / (x - x)
    with pytest.raises(ProofError):
        pr.chain(1).eq(nothing, algebra).eq(2, algebra)
    # x/x = 1 and x/x = 1 + 0·x may be chained, and the condition stays.
    th = pr.chain(x / x).eq(1, algebra).theorem
    assert th.conditions == {ne(x, 0)}
    back = pr.chain(1).eq(x / x, algebra).eq(1 + 0 * x, algebra).theorem
    assert back.conditions == {ne(x, 0)}


def test_no_division_outside_the_support():
    g = Givens()
    X = space("X")
    p = g.distribution("p", g.measure("mu", X))
    x = g.point("x", X)
    assert prove(g.context, eq(p(x) / p(x), 1)).conditions == {ne(p(x), 0)}


def test_contradictory_hypotheses_are_not_hidden():
    g = Givens()
    x = g.real("x", above=0, below=0)
    th = kernel.assume(g.context, eq(x, x + 1))
    assert th.hypotheses == {eq(x, x + 1)}  # what it rests on is there to be seen
    from derivcheck.semantics.instances import models_exist

    assert not models_exist(g.context).found


def test_a_bound_on_an_absolute_value_needs_both_sides():
    g = Givens()
    x, c = g.real("x"), g.real("c")
    upper = kernel.assume(g.context, le(x, c))
    with pytest.raises(ProofError):
        kernel.absolute_bound(upper, upper)
    with pytest.raises(ProofError):
        prove(g.context, le(abs_(x), c), upper)


def test_what_is_used_is_inherited():
    g = Givens()
    x = g.real("x")
    known = kernel.assume(g.context, eq(x, 2))
    th = Prover(g.context).prove(eq(x**2, 4), using(known))
    assert th.hypotheses == {eq(x, 2)}


def test_words_know_what_inverses_mean_and_no_more():
    g = Givens()
    n, d = g.size("n"), g.size("d")
    X, c = g.matrix("X", n, d), g.real("c", above=0)
    A, B = X.T @ X + c * identity(d), X @ X.T + c * identity(n)
    push = eq(inverse(A) @ X.T, X.T @ inverse(B))
    # That A and B are invertible follows from their form here; for any square matrix it is a condition.
    assert not kernel.matrix_words(g.context, push).conditions
    h = Givens()
    m = h.size("m")
    M, N = h.matrix("M", m, m), h.matrix("N", m, m)
    reversed_order = eq(inverse(M @ N), inverse(N) @ inverse(M))
    assert predicate("invertible", M) in kernel.matrix_words(h.context, reversed_order).conditions
    for wrong in (
        eq(inverse(M @ N), inverse(M) @ inverse(N)),
        eq(M @ N, N @ M),
        eq(inverse(M + N), inverse(M) + inverse(N)),
        eq(M.T, M),
    ):
        with pytest.raises(ProofError):
            kernel.matrix_words(h.context, wrong)
