"""What the normal form must not claim: every unsound step that careful hands have written, as a test."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest
from nf_check import decide, equal
from nf_generator import CONTEXT, MU, A, B, C, I, K, M, N, P, Q, T, W, X, Y, Z

from derivcheck.language import (
    D,
    Givens,
    Int,
    Prod,
    Sum,
    Term,
    abs_,
    binomial,
    delta,
    derivative_at,
    eq,
    exp,
    factorial,
    identity,
    ind,
    integer,
    integrable,
    inverse,
    ite,
    lam,
    le,
    log,
    lt,
    max_,
    oo_int,
    pow_,
    predicate,
    range_,
    scalar,
    sqrt,
)
from derivcheck.language import E as expectation
from derivcheck.language.constructors import int_add, real
from derivcheck.proof.normal_form import Normaliser, Unknown
from derivcheck.proof.normal_form.calculus import differentiable


def power_sum(k: int) -> Term:
    return Sum(1, N, lambda i: A(i) ** k)


FALSE = {
    "root of a square": (sqrt(X**2), X),
    "root of a product": (sqrt(X * Y), sqrt(X) * sqrt(Y)),
    "odd power of an absolute value": (abs_(X) ** 3, X**3),
    "relu is not the identity": (max_(X, 0), X),
    "power sums that vanish for n <= 3": (
        power_sum(1) ** 4
        - 6 * power_sum(1) ** 2 * power_sum(2)
        + 3 * power_sum(2) ** 2
        + 8 * power_sum(1) * power_sum(3)
        - 6 * power_sum(4),
        0,
    ),
    "a polynomial in n that vanishes for n <= 3": ((real(N) - 1) * (real(N) - 2) * (real(N) - 3) * power_sum(1), 0),
    "power sums that agree for n <= 2": (power_sum(1) ** 3 + 2 * power_sum(3), 3 * power_sum(1) * power_sum(2)),
    "a delta at an index that may be outside": (Sum(1, N, lambda j: delta(j, 1) * X), X),
    "a delta at a free index": (Sum(1, M, lambda j: delta(j, I) * B(j)), B(I)),
    "inner bound index captured": (
        Sum(1, N, lambda i: exp(Sum(1, N, lambda j: C(i, j)))),
        Sum(1, N, lambda i: exp(Sum(1, N, lambda j: C(j, j)))),
    ),
    "nested sums of clashing names": (
        Sum(1, N, lambda i: exp(Sum(1, N, lambda i: A(i)))),
        Sum(1, N, lambda i: exp(real(N) * A(i))),
    ),
    "an expectation of a product without independence": (
        expectation(MU, lambda w: Z(1, w) * W(w)),
        expectation(MU, lambda w: Z(1, w)) * expectation(MU, lambda w: W(w)),
    ),
    "a matrix and its transpose": (Sum(1, N, lambda i: C(i, 1) * A(i)), Sum(1, N, lambda i: C(1, i) * A(i))),
}


@pytest.mark.parametrize("name", FALSE)
def test_false_equations_are_not_equal(name: str) -> None:
    try:
        found, _ = decide(CONTEXT, *FALSE[name])
    except Unknown:
        return
    assert not found


CONDITIONAL = {
    "cancelling": ((X / X, 1), ["x != 0"]),
    "exp(log x)": ((exp(log(X)), X), ["0 < x"]),
    "log of an exponential of a log": ((log(X) - log(X), 0), ["0 < x"]),
    "splitting an exponent": (
        (pow_(X, real(int_add(T, integer(2), -1))), pow_(X, real(T)) * X ** (-2)),
        ["x != 0"],
    ),
    "a sum of ones": ((Sum(1, int_add(N, M, -1), lambda i: 1), real(int_add(N, M, -1))), ["0 <= n - m"]),
    "splitting off the first summand": (
        (Sum(2, N, lambda i: A(i)), Sum(1, N, lambda i: A(i)) - A(1)),
        ["1 <= n"],
    ),
    "a geometric sum": (
        (Sum(1, N, lambda i: X ** real(i)), (X ** real(N + 1) - X) / (X - 1)),
        ["x != 1", "x - 1 != 0"],
    ),
    "zero to a symbolic power": ((pow_(Fraction(0), real(T)), 0), ["0 < t"]),
    "the derivative of the absolute value": ((derivative_at(abs_, X), scalar("sign", X)), ["x != 0"]),
    "the derivative of relu": ((derivative_at(lambda z: max_(z, 0), X), ind(lt(0, X))), ["x != 0"]),
    "the derivative of a power": (
        (derivative_at(lambda z: z ** real(T), X), real(T) * X ** real(int_add(T, integer(-1)))),
        ["x != 0"],
    ),
    "an indicator of something undefined": ((ind(eq(X / X, 1)), 1), ["x != 0"]),
    "a factor out of an infinite sum": (
        (Sum(1, oo_int, lambda i: X * Q ** real(i)), X * Sum(1, oo_int, lambda i: Q ** real(i))),
        ["integrable(q^i for i in 1..oo)"],
    ),
    "the derivative by an entry that may not exist": ((D(Sum(1, M, lambda j: B(j)), B(I)), 1), ["1 <= i", "i <= m"]),
    "the inverse of what may be singular": (
        (Sum(1, N, lambda j: inverse(C)(1, j) * 0), 0),
        ["invertible(c)"],
    ),
}


@pytest.mark.parametrize("name", CONDITIONAL)
def test_conditions_are_recorded(name: str) -> None:
    (a, b), wanted = CONDITIONAL[name]
    found, conditions = decide(CONTEXT, a, b)
    assert set(c.replace("real(0)", "0") for c in conditions) >= set(wanted) or not found


def test_a_step_under_a_binder_is_asked_for_the_whole_range() -> None:
    found, conditions = decide(CONTEXT, Sum(1, N, lambda i: A(i) / A(i)), real(N))
    assert found
    assert len(conditions) == 1
    assert conditions[0].startswith("forall") and "!= 0" in conditions[0]


def test_an_empty_range_proves_nothing_about_its_bound() -> None:
    """Inside Σ_{i=1}^n one knows n >= 1; outside one does not."""
    g = Givens()
    n, x = g.integer("n"), g.real("x")
    a = g.vector("a", n)
    assert decide(g.context, Sum(1, n, lambda i: 1), real(n)) == (True, ["0 <= n"])
    assert not decide(g.context, Sum(1, n, lambda i: delta(i, 1) * x), x)[0]
    assert equal(g.context, Sum(1, n, lambda i: abs_(real(n)) * a(i)), n * Sum(1, n, lambda i: a(i)))


def test_the_derivative_of_a_step_inside_a_comparison() -> None:
    """The sides of [0 < x] < 1/2 never meet, but the comparison changes at x = 0."""
    f = derivative_at(lambda z: ite(lt(ind(lt(0, z)), Fraction(1, 2)), 0, 1), X)
    _, conditions = decide(CONTEXT, f, 0)
    assert "0 != x" in conditions


def test_an_infinite_sum_is_not_differentiated_term_by_term() -> None:
    power = lambda i: X ** real(i)  # noqa: E731
    try:
        found, _ = decide(CONTEXT, D(Sum(1, oo_int, power), X), Sum(1, oo_int, lambda i: D(power(i), X)))
    except Unknown:
        return
    assert not found


def test_infinite_sums_are_not_interchanged() -> None:
    f = lambda i, j: C(i, j)  # noqa: E731
    a = Sum(1, oo_int, lambda i: Sum(1, oo_int, lambda j: f(i, j)))
    b = Sum(1, oo_int, lambda j: Sum(1, oo_int, lambda i: f(i, j)))
    assert not decide(CONTEXT, a, b)[0]


def test_independence_of_one_entry_is_not_independence_of_the_family() -> None:
    g = Givens()
    n = g.size("n", 2)
    mu = g.probability("P")
    z = g.random("z", range_(1, n), measure=mu)
    y = g.random("y", measure=mu)
    on = mu.args[0]
    one = predicate("independent", mu, lam(on, lambda w: z(1, w)), lam(on, lambda w: y(w)))
    E = lambda f: expectation(mu, f)  # noqa: E731
    product = lambda i: (E(lambda w: z(i, w) * y(w)), E(lambda w: z(i, w)) * E(lambda w: y(w)))  # noqa: E731
    assert decide(g.context, *product(1), extra=[one])[0]
    assert not decide(g.context, *product(2), extra=[one])[0]


def test_independence_needs_a_probability_measure() -> None:
    g = Givens()
    from derivcheck.language import space

    mu = g.measure("mu", space("S"))
    x, y = g.random("x", measure=mu), g.random("y", measure=mu)
    fact = predicate("independent", mu, lam(space("S"), lambda w: x(w)), lam(space("S"), lambda w: y(w)))
    E = lambda f: expectation(mu, f)  # noqa: E731
    a, b = E(lambda w: x(w) * y(w)), E(lambda w: x(w)) * E(lambda w: y(w))
    assert not decide(g.context, a, b, extra=[fact])[0]


def test_a_schematic_fact_holds_in_its_range_only() -> None:
    g = Givens()
    n, i = g.size("n"), g.integer("i")
    u = g.vector("u", n, above=0)
    assert equal(g.context, abs_(u(1)), u(1))
    assert not decide(g.context, abs_(u(i)), u(i))[0]
    assert equal(g.context, Sum(1, n, lambda j: abs_(u(j))), Sum(1, n, lambda j: u(j)))
    assert not decide(g.context, Sum(1, n + 1, lambda j: abs_(u(j))), Sum(1, n + 1, lambda j: u(j)))[0]


def test_a_fact_is_not_read_beyond_its_conditions() -> None:
    """From 0 <= Σ_{i=1}^n 1, which holds for every n, nothing follows about n."""
    g = Givens()
    n = g.integer("n")
    fact = le(0, Sum(1, n, lambda i: 1))
    assert not Normaliser(g.context, [fact]).facts.holds(le(integer(0), n))


def test_questions_are_answered_for_defined_terms_only() -> None:
    facts = Normaliser(CONTEXT).facts
    assert not facts.holds(eq(X / X, 1))
    assert not facts.holds(le(0, 1 / real(K + I)))
    assert facts.holds(eq(P / P, 1))
    assert not facts.holds(lt(0, 1 / X**2))


def test_answers_do_not_depend_on_the_order_of_questions() -> None:
    questions = [lt(0, P * Q), le(0, X**2), lt(0, 1 + X**2), eq(P / P, 1), lt(0, X), le(integer(1), K), lt(0, 1 - Q)]
    forward = Normaliser(CONTEXT).facts
    backward = Normaliser(CONTEXT).facts
    first = [forward.holds(q) for q in questions]
    second = [backward.holds(q) for q in reversed(questions)][::-1]
    assert first == second == [True, True, True, True, False, True, True]


def test_names_do_not_matter() -> None:
    """A caller's opened variables and the normaliser's own never meet."""
    from derivcheck.language import Index

    i1 = Index("i#1")
    a = Sum(1, N, lambda i: C(i, i1))
    b = Sum(1, N, lambda i: C(i, i))
    assert not decide(CONTEXT, a, b)[0]


def test_a_gradient_does_not_tie_the_entries_of_a_symmetric_matrix() -> None:
    g = Givens()
    n = g.size("n")
    i, k = g.index("i", n), g.index("k", n)
    s = g.matrix("S", n, n, symmetric=True)
    x = g.vector("x", n)
    form = Sum(1, n, lambda p: Sum(1, n, lambda q: x(p) * s(p, q) * x(q)))
    assert equal(g.context, D(form, s(i, k)), x(i) * x(k))


def test_which_matrices_are_invertible() -> None:
    g = Givens()
    n, m = g.size("n"), g.size("m")
    x = g.matrix("X", n, m)
    p = g.matrix("P", n, n, positive_definite=True)
    s = g.matrix("S", n, n, positive_semidefinite=True)
    h = g.matrix("H", n, n, symmetric=True)
    pos, some = g.real("a", above=0), g.real("b")
    facts = Normaliser(g.context).facts
    one = identity(m)
    known = [x.T @ x + pos * one, x.T @ p @ x + one, x.T @ s @ x + pos * one, inverse(p), p @ p, p + s, pos * p]
    unknown = [x.T @ x, x.T @ x + some * one, x.T @ h @ x + one, h, s, p + h, some * p, p + (-1) * s]
    unknown.append(x.T @ x + (-pos) * one)
    assert all(facts.holds(predicate("invertible", a)) for a in known)
    assert not any(facts.holds(predicate("invertible", a)) for a in unknown)


def test_an_empty_product_is_one() -> None:
    assert not decide(CONTEXT, Prod(1, N, lambda j: 0 * A(j)), 0)[0]
    twice = Prod(1, I, lambda j: A(j) * 2)
    assert decide(CONTEXT, twice, Prod(1, I, lambda j: A(j)) * 2 ** real(I)) == (True, ["0 <= i"])
    # without 1 <= n the last factor cannot be split off
    found, conditions = decide(CONTEXT, Prod(1, N, lambda j: A(j)), Prod(1, N - 1, lambda j: A(j)) * A(N))
    assert found and conditions == ["0 <= n - 1"]


def test_factorials_of_negative_numbers() -> None:
    found, conditions = decide(CONTEXT, factorial(I), I * factorial(I - 1))
    assert found and "0 <= i - 1" in conditions
    assert not decide(CONTEXT, binomial(N, K), factorial(N) / (factorial(K) * factorial(N - K)))[0]


def test_a_sum_over_a_triangle_without_a_diagonal() -> None:
    """1/(i - j) has no value at i = j: the sum stays as it is, and nothing false is said."""
    a = Sum(1, N, lambda i: Sum(1, i - 1, lambda j: 1 / (real(i) - real(j))))
    b = Sum(1, N, lambda j: Sum(j + 1, N, lambda i: 1 / (real(j) - real(i))))
    with contextlib.suppress(Unknown):
        assert not decide(CONTEXT, a, b)[0]


def test_a_product_with_a_zero_factor() -> None:
    found, conditions = decide(CONTEXT, derivative_at(lambda z: Prod(1, M, lambda j: z * B(j)), X), 0)
    assert not found or conditions


def test_the_derivative_of_an_integral_stays_as_it_is() -> None:
    """Only a cited exchange moves a derivative under an integral; what it is asked of must have a derivative."""
    g = Givens()
    x = g.real("x")
    mu = g.probability("P")
    f = g.function("f", differentiable=True)
    y = g.random("y", measure=mu)
    mean = Int(mu, lambda w: f(x + y(w)))
    slopes = Int(mu, lambda w: D(f(x + y(w)), x))
    found, _ = decide(g.context, D(mean, x), slopes)
    assert not found
    found, conditions = decide(g.context, D(3 * mean, x), 3 * D(mean, x))
    assert found
    assert any(c.startswith("differentiable") for c in conditions)
    g.assume("exchange", eq(D(mean, x), slopes), differentiable(mean, x), integrable(mu, lambda w: D(f(x + y(w)), x)))
    assert decide(g.context, D(mean, x), slopes) == (True, [])
    assert not decide(g.context, D(mean, x), 2 * slopes)[0]


def test_an_integral_that_is_known_everywhere_is_differentiated() -> None:
    """E(x + y)² = x² + v for all x, so that its derivative is 2x without any exchange."""
    g = Givens()
    x, v = g.real("x"), g.real("v", at_least=0)
    mu = g.probability("P")
    y = g.random("y", measure=mu, mean=0, variance=v)
    mean = Int(mu, lambda w: (x + y(w)) ** 2)
    assert decide(g.context, D(mean, x), 2 * x) == (True, [])
    assert not decide(g.context, D(mean, x), x)[0]


def test_an_enormous_power_is_unknown_and_freezes_nothing() -> None:
    from derivcheck.language import Givens, num

    context = Givens().context
    for tower in (num(9) ** num(9**9), (num(2) * num(9) ** 50) ** num(10**6), num(9) ** (num(9) ** num(9))):
        with pytest.raises(Unknown):
            Normaliser(context).nf(tower)
    assert Normaliser(context).nf(num(2) ** num(1000)) == {(): Fraction(2**1000)}
