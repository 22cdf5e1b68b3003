"""Each of these proved something false with an earlier version of a rule: it must refuse, or record a condition."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derivcheck.language import (
    INT,
    REAL,
    Context,
    ForAll,
    Fresh,
    Givens,
    Int,
    Lim,
    MaxOver,
    Sum,
    Term,
    eq,
    functions,
    implies,
    integer,
    interval,
    lam,
    le,
    lebesgue,
    lt,
    make,
    ne,
    num,
    oo_int,
    or_,
    range_,
    real,
    space,
    squared_norm,
    symbol,
)
from derivcheck.language.constructors import interval as real_interval
from derivcheck.proof import ProofError, Theorem, kernel


def test_generalise_a_variable_that_the_outer_context_knows() -> None:
    """``10 <= v`` for the declared v says nothing of every v in 1..20."""
    g = Givens()
    v = g.integer("v", at_least=10)
    domain = range_(1, 20)
    inner = g.context.extended(kernel.opened(v, domain))
    with pytest.raises(ProofError, match="generalise"):
        kernel.generalise(kernel.fact(inner, le(10, v)), v, domain)


def test_induction_on_a_variable_that_the_outer_context_knows() -> None:
    """From p(0) and p(t) ⟹ p(t+1) for one t >= 5 only, p := (s <= 0 or s >= 6) does not follow for 1."""
    g = Givens()
    t = g.integer("t", at_least=5)

    def p(s: Term) -> Term:
        return or_(le(s, 0), le(6, s))

    step_context = g.context.extended(kernel.opened(t, range_(0, oo_int)))
    hypothesis = kernel.assume(step_context, p(t))
    step = kernel.conjunct(kernel.conjunction(kernel.normal_form(step_context, p(t + 1)), hypothesis), 0)
    base = kernel.normal_form(g.context, p(integer(0)))
    with pytest.raises(ProofError, match="induction"):
        kernel.induction(t, base, step)


def test_induction_leaves_no_open_variable_in_a_condition() -> None:
    """The step's condition ``x != 0`` must not become ``p(t) implies x != 0`` for a t that nobody declares."""
    g = Givens()
    x = g.real("x")
    t = symbol("t", INT)

    def p(s: Term) -> Term:
        return eq(real(s) * x / x, real(s))

    base = kernel.normal_form(g.context, p(integer(0)))
    inner = g.context.extended(kernel.opened(t, range_(0, oo_int)))
    step = kernel.normal_form(inner, p(t + 1), [kernel.assume(inner, p(t))])
    th = kernel.induction(t, base, step)
    assert ne(x, 0) in th.conditions
    assert not g.context.undeclared(*th.conditions)


def test_specialise_to_a_function_with_other_values() -> None:
    """What holds for all functions into [0, 1] holds for the constant 2 under a condition that fails."""
    g = Givens()
    p = ForAll(functions((range_(1, 2),), interval(0, 1)), lambda f: le(f(1), 1))
    g.assume("bounded", p)
    th = kernel.specialise(kernel.fact(g.context, p), lam(range_(1, 2), lambda i: num(2)))
    assert any("<= 1" in str(c) for c in th.conditions)


def test_an_instance_with_a_measure_that_lives_elsewhere() -> None:
    """∫ x dμ <= ∫ 1 dμ on [0, 1]; on [2, 3] it is wrong."""
    g = Givens()
    mu = g.measure("mu", interval(0, 1))
    x = symbol("x", REAL)
    inner = g.context.extended(kernel.opened(x, interval(0, 1)))
    below = kernel.generalise(kernel.normal_form(inner, le(x, 1)), x, interval(0, 1))
    th = kernel.monotone(below, Int(mu, lambda x: x))
    with pytest.raises(ProofError, match="elsewhere"):
        kernel.instance(th, {mu: lebesgue(interval(2, 3))}, Context())


def test_functions_on_different_domains_are_not_equal() -> None:
    """Equal on 1..1, but their squared norms are 1 and 2."""
    one, two = (lam(range_(1, n), lambda i: num(1)) for n in (1, 2))
    v = symbol("v", INT)
    inner = Context().extended(kernel.opened(v, range_(1, 1)))
    entrywise = kernel.generalise(kernel.normal_form(inner, eq(one(v), two(v))), v, range_(1, 1))
    goal = make("eq", (one, two), None, le(1, 2).sort)
    with pytest.raises(ProofError, match="shapes"):
        kernel.extensionality(entrywise, goal)


def test_congruence_in_the_domain_of_a_symbol() -> None:
    """n = m does not make the arrays ``x`` over 1..n and ``x`` over 1..m the same."""
    g, h = Givens(), Givens()
    n, m = g.size("n"), g.size("m")
    g.array("x", range_(1, n))
    h.array("x", range_(1, m))
    context = g.context.extended(*h.context.declarations)
    hole = symbol("hole", INT)
    pattern = squared_norm(symbol("x", squared_norm(g.context.symbols()[-1]).args[0].sort, (range_(1, hole),)))
    with pytest.raises(ProofError, match="hole"):
        kernel.congruence(kernel.assume(context, eq(n, m)), pattern, hole)


# ----------------------------------- variables that a rule opens must not meet variables that are open already


@pytest.fixture
def opened() -> tuple[Context, Term, Term, Term]:
    """A context with an array ``a`` over pairs and an open index that has the first name of a new supply."""
    g = Givens()
    n = g.size("n")
    a = g.array("a", range_(1, n), range_(1, n))
    u = Fresh().symbol("i", INT)
    return g.context.extended(kernel.opened(u, range_(1, n))), n, a, u


def for_every_index(context: Context, n: Term, p: Term, i: Term) -> Theorem:
    inner = context.extended(kernel.opened(i, range_(1, n)))
    return kernel.generalise(kernel.normal_form(inner, p), i, range_(1, n))


def hinted(th: Theorem, statement: Term) -> Theorem:
    """`th` with the bound variable named as in `statement`."""
    return kernel.definition(th, statement)


def test_capture_under_a_sum(opened: tuple[Context, Term, Term, Term]) -> None:
    context, n, a, u = opened
    w = symbol("w", INT)
    th = for_every_index(context, n, eq(2 * a(w, u), a(w, u) + a(w, u)), w)
    th = hinted(th, ForAll(range_(1, n), lambda i: eq(2 * a(i, u), a(i, u) + a(i, u))))
    with pytest.raises(ProofError, match="the body"):
        kernel.binder_congruence(th, Sum(1, n, lambda i: 2 * a(i, i)))
    assert "#" in str(kernel.binder_congruence(th, Sum(1, n, lambda i: 2 * a(i, u))))


def test_capture_under_a_maximum(opened: tuple[Context, Term, Term, Term]) -> None:
    context, n, a, u = opened
    bound = le(a(u, u) - a(u, u), 0)
    w = symbol("w", INT)
    th = for_every_index(context, n, le(a(w, u) - a(w, u), 0), w)
    th = hinted(th, ForAll(range_(1, n), lambda i: le(a(i, u) - a(i, u), 0)))
    assert bound.op == "le"
    with pytest.raises(ProofError, match="does not bound"):
        kernel.maximum_at_most(th, MaxOver(range_(1, n), lambda i: a(i, i) - a(i, u)))


def test_capture_in_a_term_of_a_sum(opened: tuple[Context, Term, Term, Term]) -> None:
    context, n, a, u = opened
    w = symbol("w", INT)
    th = for_every_index(context, n, le(0, a(w, u) - a(w, u)), w)
    th = hinted(th, ForAll(range_(1, n), lambda i: le(0, a(i, u) - a(i, u))))
    with pytest.raises(ProofError, match="not negative"):
        kernel.term_at_most_sum(th, Sum(1, n, lambda i: a(i, i) - a(u, i)), u)


def test_capture_of_the_outcome() -> None:
    """E g(X) = E g(Y) for g that depends on an open outcome is no statement about one outcome."""
    g = Givens()
    omega = g.probability("P", space("Omega"))
    x = g.random("X", measure=omega, symmetric=True)
    w = Fresh().symbol("w", x.sort.domain_sorts[0])
    context = g.context.extended(kernel.opened(w, space("Omega")))
    (same,) = (p for p in context.propositions() if p.op == "pred")
    th = kernel.same_law(kernel.fact(context, same), lam(real_interval(0, 1), lambda v: v * x(w)))
    assert w in (symbol for side in th.statement.args for symbol in _free(side))


def _free(t: Term) -> frozenset[Term]:
    from derivcheck.language import free_symbols

    return free_symbols(t)


def test_capture_at_a_limit() -> None:
    """lim_{x → a} (x − u) is a − u, not 0, also where u is called like the opened variable."""
    g = Givens()
    a = g.real("a")
    u = Fresh().symbol("x", REAL)
    context = g.context.extended(kernel.opened(u, interval(0, 1)))
    with pytest.raises(ProofError, match="limit_by_continuity"):
        kernel.limit_by_continuity(context, eq(Lim(a, lambda x: x - u), 0))
    assert kernel.limit_by_continuity(context, eq(Lim(a, lambda x: x - u), a - u))


# ------------------------------------------------------------------------------------------------- indices are integers


def test_a_fraction_is_no_index_of_a_maximum() -> None:
    """-(2v - 3)² is 0 at 3/2, and at most -1 over 1..2."""
    maximum = MaxOver(range_(1, 2), lambda v: -((real(2 * v) - 3) ** 2))
    with pytest.raises(ProofError, match="index"):
        kernel.at_most_maximum(Context(), maximum, num(Fraction(3, 2)))


def test_a_fraction_is_no_index_of_a_sum() -> None:
    total = Sum(1, 2, lambda v: (real(2 * v) - 3) ** 2)
    v = symbol("v", INT)
    inner = Context().extended(kernel.opened(v, range_(1, 2)))
    square = kernel.generalise(kernel.normal_form(inner, le(0, (real(2 * v) - 3) ** 2)), v, range_(1, 2))
    with pytest.raises(ProofError, match="index"):
        kernel.term_at_most_sum(square, total, num(Fraction(7, 2)))


def test_the_rules_still_apply_where_they_should() -> None:
    """The refusals above are not refusals of everything."""
    g = Givens()
    x = g.real("x")
    assert implies(lt(0, x), lt(0, x)) == kernel.discharge(kernel.assume(g.context, lt(0, x)), lt(0, x)).statement
    t = symbol("t", INT)
    inner = g.context.extended(kernel.opened(t, range_(0, oo_int)))

    def p(s: Term) -> Term:
        return le(0, real(s))

    step = kernel.normal_form(inner, p(t + 1), [kernel.assume(inner, p(t))])
    assert kernel.induction(t, kernel.normal_form(g.context, p(integer(0))), step).statement.op == "forall"
