"""Definitions hide nothing."""

import pytest

from derivcheck.language import Givens, LanguageError, define, free_symbols


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
