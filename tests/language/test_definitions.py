"""Definitions hide nothing, and mean one thing whatever they are applied to."""

import pytest

from derivcheck.language import (
    Cov,
    E,
    Givens,
    LanguageError,
    Real,
    Var,
    define,
    domain_of_measure,
    free_symbols,
    lam,
    num,
    relu,
    sigmoid,
    softplus,
    substitute,
    unfold,
)


def test_a_definition_may_not_hide_a_symbol():
    # generalise, instance and substitute look at the arguments only: a hidden symbol would escape them.
    g = Givens()
    c, x = g.real("c"), g.real("x")
    hiding = define("scaled", lambda x: c * x, scope="test")
    with pytest.raises(LanguageError, match="uses c: pass it as an argument"):
        hiding(x)
    shown = define("scaled", lambda c, x: c * x, scope="test")
    assert free_symbols(shown(c, x)) == {c, x}


def test_two_definitions_of_one_name_are_two_notions():
    x = Givens().real("x")
    once = define("twice", lambda x: x + x, scope="test")
    again = define("twice", lambda x: x * x, scope="test")
    assert once(x) != again(x)


# ------------------------------------------------------------------------------------------- unfolding and substitution


def test_unfolding_and_substitution_may_be_done_in_either_order() -> None:
    """A sum put for X in ``X − E X`` is a summand; it does not become two (certificates are written unfolded)."""
    g = Givens()
    P = g.probability("P")
    X, Y, Z = (g.random(name, measure=P) for name in "XYZ")
    values = {X: lam(domain_of_measure(P), lambda w: Y(w) + Z(w))}
    for term in (Var(P, lambda w: X(w)), Cov(P, lambda w: X(w), lambda w: 2 * X(w)), E(P, lambda w: -X(w))):
        assert unfold(substitute(term, values)) == unfold(substitute(unfold(term), values))
    x, y = g.real("x"), g.real("y")
    for value in (x + y, -y, num(0), num(1), 3 * y):
        for term in (sigmoid(x), relu(x) - x, softplus(-x)):
            assert unfold(substitute(term, {x: value})) == substitute(unfold(term), {x: value})


def test_a_body_that_looks_at_its_argument_means_one_thing() -> None:
    """It is written down for arguments of a shape, whatever the argument is."""
    x = Real("x")
    odd = define("odd one out", lambda t: num(1) if t == num(0) else t, scope="test")
    assert unfold(odd(0)) == num(0)
    assert unfold(substitute(odd(x), {x: num(0)})) == substitute(unfold(odd(x)), {x: num(0)})
