"""What is printed as text reads back as the same term, and nothing else is read."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derivcheck.language import (
    INT,
    REAL,
    D,
    ForAll,
    Givens,
    Index,
    Matrix,
    Real,
    Size,
    Sum,
    Term,
    Vector,
    abstract,
    add,
    counting,
    define,
    div,
    eq,
    function,
    integer,
    lam,
    make,
    mul,
    num,
    pi,
    range_,
    real,
    reals,
)
from derivcheck.language.names import free_names
from derivcheck.language.printing import text
from derivcheck.language.terms import function_sort
from derivcheck.language.text import DEPTH, TextError, parse
from tests.language.terms_strategy import terms

n, m = Size("n"), Size("m")
i, k = Index("i"), Index("k")
a, b = Real("a"), Real("b")
z = Vector("z", n)


def reads_back(term: Term) -> bool:
    return parse(text(term), free_names(term), sort=term.sort) == term


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms())
def test_reads_back(term):
    assert reads_back(term), text(term)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms(3), st.data())
def test_a_damaged_text_never_reads_as_the_same_term_by_accident(term, data):
    """One character removed: an error, or a term that prints as what was read."""
    written = text(term)
    at = data.draw(st.integers(0, len(written) - 1))
    damaged = written[:at] + written[at + 1 :]
    try:
        read = parse(damaged, free_names(term), sort=term.sort)
    except TextError as complaint:
        assert 0 <= complaint.position <= len(damaged)
        return
    assert reads_back(read)


WRITTEN = [
    (Sum(1, n, lambda j: z(j)) * z(Index("j")), "sum(z[j'] for j' in 1..n)*z[j]"),
    (-((a + b) ** 2), "-(a + b)^2"),
    ((-a) ** 2, "(-a)^2"),
    (num(-2) ** 2, "(-2)^2"),
    (a / (b * a), "a/(b*a)"),
    (a / b * a, "(a/b)*a"),
    (a - (b - a), "a - (b - a)"),
    (a - 2, "a - 2"),
    (make("add", (a, make("neg", (num(2),)))), "a - (2)"),
    (make("div", (num(2), num(3))), "(2)/3"),
    (num(2) / num(3), "2/3"),
    (b ** (2 * Index("t")), "b^(2*t)"),
    ((b**2) ** 3, "(b^2)^3"),
    (b ** (num(2) ** 3), "b^(2^3)"),
    (real(i + 1), "i + 1"),
    (add(real(i), 1), "real(i) + 1"),
    (real(2 * i), "2*i"),
    (mul(2, real(i)), "2*real(i)"),
    (make("neg", (real(i),)), "-real(i)"),
    (add(a, real(i)), "a + i"),
    (mul(real(i), real(k)), "i*k"),
    (eq(i, k), "i = k"),
    (eq(real(i), real(k)), "real(i) = k"),
    (n - 1 - 2 * i, "n - 2*i - 1"),
    (1 - n, "1 - n"),
    (D(D(a**2 * b, a), b), "D(D(a^2*b, a), b)"),
    (pi * Real("pi"), "pi*`pi`"),
    (function("pi", range_(1, n))(i), "pi[i]"),
    (Real("for") + Real("a b"), "`for` + `a b`"),
    (Real("x") * Vector("x", n)(i), None),
]


@pytest.mark.parametrize("term, written", WRITTEN, ids=[text(term) for term, _ in WRITTEN])
def test_what_is_written(term, written):
    if written is not None:
        assert text(term) == written
    assert reads_back(term)


def test_the_short_derivative_is_not_used_where_it_would_capture():
    # the derivative of v ↦ v·a at a is a; "D(a*a, a)" would be 2a
    v = Real("v")
    term = make("deriv", (reals, a, abstract(v * a, v)), None, REAL, "a")
    assert text(term) == "deriv(a'*a for a' in reals at a)"
    assert reads_back(term)
    assert D(a * a, a) != term


def test_equal_names_of_different_symbols_are_told_apart():
    term = Real("x") + Vector("x", n)(i) + Vector("x", m)(i)
    names = free_names(term)
    assert len(set(names.values())) == len(names) == 6
    assert reads_back(term)


def test_a_symbol_whose_size_is_bound_is_written_with_its_domain():
    size = Index("s")
    body = Sum(1, size, lambda j: Vector("x", size)(j))
    term = make("int", (counting(range_(1, n)), abstract(body, size)), None, REAL, "s")
    assert text(term) == "sum(sum(x{1..s}[j] for j in 1..s) for s in 1..n)"
    assert reads_back(term)


def test_a_definition_of_a_problem_is_looked_up():
    twice = define("twice", lambda x: 2 * x)
    assert parse("twice(a) + 1", {"a": a}, {"twice": twice}) == twice(a) + 1
    with pytest.raises(TextError, match="'twice' is not defined"):
        parse("twice(a)", {"a": a})
    shadowing = define("sum", lambda x: x)
    assert text(shadowing(a)) == "`sum`(a)"
    assert parse("`sum`(a)", {"a": a}, {"sum": shadowing}) == shadowing(a)


def test_facts_of_a_context_read_back():
    g = Givens()
    size, width = g.size("n"), g.size("m")
    g.matrix("X", size, width, full_column_rank=True)
    g.matrix("S", width, width, positive_definite=True, orthogonal=True)
    P = g.probability()
    W = g.random("W", range_(1, size), measure=P, mean=0, variance=1, iid=True, normal=True)
    g.random("V", measure=P, symmetric=True, mean=1, variance=2, independent_of=(W,))
    g.function("f", convex=True, differentiable=True, increasing=True)
    for name, fact in g.context.facts():
        assert parse(text(fact, g.context), g.context) == fact, name


@pytest.mark.parametrize(
    "source, complaint, position",
    [
        ("a +", "a term is needed here", 3),
        ("a + + b", "a term is needed here", 4),
        ("a b", "the text should end here", 2),
        ("(a + b", "the bracket is not closed", 0),
        ("a)", "closes nothing", 1),
        ("(a]", "closes nothing", 2),
        ("a ? b", "does not belong here", 2),
        ("c + 1", "'c' is not declared", 0),
        ("z + 1", "different kinds", 0),
        ("z*z", "a real is needed", 0),
        ("z[a]", "a int is needed here", 2),
        ("z[1,2]", "takes 1 arguments", 4),
        ("a[1]", "cannot be applied", 0),
        ("a^b^2", "brackets are needed in a tower", 3),
        ("a < b and a < b or a = b", "between different connectives", 16),
        ("sum(z[j] for j in reals)", "does not run over this", 18),
        ("sum(z[j] for j in 1..n for k in 1..n)", "a second 'for'", 23),
        ("sum(z[j] z[j] for j in 1..n)", "'for' is needed here", 9),
        ("forall j in 1..n. z[j]", "a prop is needed here", 18),
        ("unknown(a)", "'unknown' is not defined", 0),
        ("D(a*b, a*b)", "')' is needed here", 8),
        ("`a", "does not belong here", 0),
        ("a < b < a", "the text should end here", 6),
        ("max(a, b", "the bracket is not closed", 3),
        ("exp(a, b)", "takes 1 arguments, 2 given", 0),
        ("z.T", "a matrix is needed", 0),
        ("integer(n)", "holds a number", 0),
    ],
)
def test_what_cannot_be_read_says_where(source, complaint, position):
    with pytest.raises(TextError, match=re.escape(complaint)) as caught:
        parse(source, {"a": a, "b": b, "n": n, "z": z})
    assert caught.value.position == position


def test_depth_and_length_are_bounded():
    with pytest.raises(TextError, match=f"deeper than {DEPTH}"):
        parse("(" * 5000 + "a" + ")" * 5000, {"a": a})
    with pytest.raises(TextError, match=f"deeper than {DEPTH}"):
        parse("forall j in 1..n. " * 5000 + "true", {"n": n})
    with pytest.raises(TextError, match="longer than"):
        parse("a + " * 100_000 + "a", {"a": a})


def test_nothing_is_evaluated():
    for source in ("__import__('os')", "a.__class__", "exec(1)", "9**9**9", "lambda: 0", "f'{a}'"):
        with pytest.raises(TextError):
            parse(source, {"a": a})


def test_a_lone_number_is_what_its_place_wants():
    assert parse("3", {}) == num(3)
    assert parse("3", {}, sort=INT) == integer(3)
    f = function("f", range_(1, n), codomain=INT)
    assert parse("f[3]", {"f": f}) == f(3)
    constant = lam(range_(1, n), lambda j: integer(3))
    assert constant.sort == function_sort((INT,), INT)
    assert text(constant) == "j in 1..n -> integer(3)"
    assert reads_back(constant)
    assert reads_back(ForAll(range_(1, n), lambda j: eq(Matrix("X", n, m)(j), lam(range_(1, m), lambda c: 3))))
    assert div(1, 2) == num(1) / 2
