"""Implications: what a false premise makes true says nothing, and places where the premise holds are found."""

from __future__ import annotations

import pytest

from derivcheck.language import (
    ForAll,
    Givens,
    Sum,
    and_,
    eq,
    exp,
    functions,
    iff,
    implies,
    le,
    lt,
    range_,
    real,
    reals,
    sqrt,
    squared_norm,
)
from derivcheck.semantics import Truth, check
from derivcheck.semantics.cases import judge_record
from derivcheck.semantics.instances import NO_PREMISE
from derivcheck.semantics.judgement import FALSE, TRUE, conjunction, implication, negation
from derivcheck.semantics.premises import opened


def estimator():
    g = Givens()
    f0, mu, a = g.real("f0"), g.real("mu"), g.real("a", above=0, at_most=1)
    t = g.integer("t", at_least=0)
    mean = (1 - a) ** t * f0 + (1 - (1 - a) ** t) * mu
    return g, f0, mu, mean


def test_an_equation_as_premise_is_met():
    g, f0, mu, mean = estimator()
    right = check(g.context, implies(eq(f0, mu), eq(mean, mu)), 0)
    assert right.outcome == "confirms" and right.exact == 16 and right.vacuous == 0
    for wrong in (implies(eq(f0, mu), eq(mean, 2 * mu)), implies(eq(mu, f0), eq(mean, mu + 1))):
        assert check(g.context, wrong, 0).outcome == "refutes"


def test_the_counterexample_is_one_of_the_statement_itself():
    g, f0, mu, mean = estimator()
    statement = implies(eq(f0, mu), eq(mean, 2 * mu))
    found = check(g.context, statement, 0).counterexample
    values = dict(found.values)
    assert values["f0"] == values["mu"] != "0"
    case = judge_record(found.context, found.statement, found.record)
    assert case.judgement.truth is Truth.FALSE and case.hypotheses.trusted


def test_both_directions_of_an_equivalence_are_tested():
    g, f0, mu, mean = estimator()
    unbiased = ForAll(range_(0, 3), lambda t: eq(real(t) * f0, real(t) * mu))
    assert check(g.context, iff(eq(f0, mu), unbiased), 0).outcome == "confirms"
    # False only where f0 = mu; wherever drawn values differ, both premises are false.
    assert check(g.context, iff(eq(f0, mu), eq(f0, mu + 1)), 0).outcome == "refutes"
    assert check(g.context, and_(implies(eq(f0, mu), eq(mean, mu)), implies(eq(f0, mu), lt(f0, mu))), 0).outcome == (
        "refutes"
    )


def test_terms_are_moved_to_solve_for_a_symbol_and_arrays_are_defined_whole():
    g = Givens()
    n = g.size("n")
    p, q, a, b = g.vector("p", n), g.vector("q", n), g.real("a"), g.real("b")
    assert check(g.context, implies(eq(a + b, 1), eq(a**2 - b**2, a - b)), 0).outcome == "confirms"
    assert check(g.context, implies(eq(2 - a, 3 * b), eq(a + 2 * b, 2)), 0).outcome == "refutes"
    same = ForAll(range_(1, n), lambda i: eq(p(i), 2 * q(i)))
    total = Sum(1, n, lambda i: p(i))
    assert check(g.context, implies(same, eq(total, 2 * Sum(1, n, lambda i: q(i)))), 0).vacuous == 0
    assert check(g.context, implies(same, eq(total, 3 * Sum(1, n, lambda i: q(i)))), 0).outcome == "refutes"


def test_one_function_of_two_arguments_is_made_equal():
    g = Givens()
    n, m = g.size("n"), g.size("m")
    x, y, a, b = g.matrix("X", n, m), g.vector("y", n), g.vector("a", m), g.vector("b", m)
    k = g.index("k", m)
    same_loss = eq(squared_norm(x @ a - y), squared_norm(x @ (2 * b) - y))
    assert check(g.context, implies(same_loss, eq(a(k), -2 * b(k))), 0).outcome == "refutes"


def test_premises_under_quantifiers_that_can_be_opened():
    g = Givens()
    n = g.size("n")
    c = g.real("c")

    def constant(conclusion):
        return ForAll(
            functions((range_(1, n),)),
            lambda v: ForAll(reals, lambda y: implies(and_(eq(Sum(1, n, lambda i: v(i)) + y, c)), conclusion(v, y))),
        )

    assert check(g.context, constant(lambda v, y: eq(y, c - Sum(1, n, lambda i: v(i)))), 0).outcome == "confirms"
    assert check(g.context, constant(lambda v, y: eq(y, c + Sum(1, n, lambda i: v(i)))), 0).outcome == "refutes"
    where = opened(g.context, constant(lambda v, y: eq(y, c)))
    assert [str(s.data) for s in where.context.symbols()] == ["n", "c", "v", "y"]
    assert where.statement.op == "eq"


def test_other_premises_are_met_by_drawing_again():
    g = Givens()
    x, y = g.real("x"), g.real("y")
    assert check(g.context, implies(lt(100, x), le(x, y)), 0).outcome == "refutes"
    far = implies(and_(lt(9, x), lt(x, 11), lt(y, 0)), lt(y, x))
    assert check(g.context, far, 0).outcome == "confirms"


def test_what_is_only_vacuously_true_confirms_nothing():
    g = Givens()
    x, y = g.real("x"), g.real("y")
    for premise in (eq(x**2, 2), eq(x * y, 12345), lt(x**2, 0)):
        found = check(g.context, implies(premise, eq(x, 7)), 0)
        assert (found.outcome, found.exact, found.reason) == ("abstains", 0, NO_PREMISE)
        assert found.vacuous == found.tried


def test_declared_facts_hold_where_the_premise_does():
    g = Givens()
    x, y = g.real("x", above=0), g.real("y")
    found = check(g.context, implies(eq(x, y), lt(0, y)), 0)
    assert found.outcome == "confirms" and found.vacuous == 0
    # The square root of a premise is a ball: what it defines is equal by definition.
    assert check(g.context, implies(eq(y, sqrt(x)), eq(y**2, 2 * x)), 0).outcome == "refutes"
    assert check(g.context, implies(eq(y, exp(x)), lt(y, x)), 0).outcome == "refutes"


def test_definitions_never_go_round_in_a_circle():
    g = Givens()
    n = g.size("n")
    i = g.index("i", n)
    a, b = g.real("a"), g.real("b", above=0)
    c = g.real("c", at_most=b)
    around = and_(eq(a, b + c), eq(b, a - c), eq(c, a - b))
    where = opened(g.context, implies(around, eq(a, 0)))
    ((s, _),) = (pair for d in where.context.declarations for pair in d.model)
    assert s == a
    assert check(g.context, implies(around, eq(a, b + c)), 0).outcome == "confirms"
    assert check(g.context, implies(eq(n, i), le(n, 3)), 0).outcome == "refutes"
    assert check(g.context, implies(and_(eq(b, c), eq(c, b)), eq(b - c, 0)), 0).outcome == "confirms"


def test_the_flag_follows_the_connectives():
    vacuous = implication(FALSE, lambda: TRUE)
    assert vacuous.vacuous and vacuous.truth is Truth.TRUE
    assert not implication(TRUE, lambda: TRUE).vacuous
    assert conjunction([vacuous, vacuous]).vacuous
    assert not conjunction([vacuous, TRUE]).vacuous and not conjunction([]).vacuous
    assert not negation(negation(vacuous)).vacuous


@pytest.mark.parametrize("tries", [0, 1, 5, 40])
def test_the_caller_says_how_long_to_simplify(tries):
    g = Givens()
    n = g.size("n")
    p = g.vector("p", n)
    statement = eq(Sum(1, n, lambda i: p(i)), Sum(1, n, lambda i: p(i) ** 2) + 1)
    found = check(g.context, statement, 3, shrink=tries)
    small, first = found.counterexample.record, found.original.record
    assert small == first if tries == 0 else small["n"] <= first["n"]
    if tries == 40:
        assert str(found.counterexample) == "n = 1, p = (0): 0 against 1"
