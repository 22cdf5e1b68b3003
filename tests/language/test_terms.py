"""Terms are found by the identities of their parts: what dies must leave nothing of itself to others."""

from __future__ import annotations

import gc
from fractions import Fraction

import pytest

from derivcheck.language import INT, REAL, Givens, LanguageError, make, num
from derivcheck.language.terms import function_sort, symbol


def test_one_term_for_equal_parts() -> None:
    x = symbol("x")
    assert make("add", (x, num(1))) is make("add", (x, num(Fraction(2, 2))))


def test_sorts_that_nobody_keeps_are_not_taken_for_others() -> None:
    kept = [symbol("f", function_sort((INT,), REAL)), symbol("f", function_sort((REAL,), REAL))]
    for k in range(500):
        # Short-lived sorts take one another's place in memory.
        sort = function_sort((INT,) * (k % 3 + 1) if k % 2 else (REAL,) * (k % 3 + 1), REAL)
        assert symbol("f", sort).sort == function_sort(sort.domain_sorts, REAL)
        del sort
        if k % 50 == 0:
            gc.collect()
    assert kept[0] != kept[1]


def test_a_number_is_no_truth_value() -> None:
    assert make("bound", (), 1, INT).data is not True
    assert make("bound", (), True, INT).key != make("bound", (), 1, INT).key


def test_a_size_where_a_range_belongs_says_what_to_write() -> None:
    g = Givens()
    n = g.size("n")
    with pytest.raises(LanguageError, match=r"'n' is not a domain; write range_\(1, n\)"):
        g.random("x", n, measure=g.probability())
    with pytest.raises(LanguageError, match=r"'x' is not a domain$"):
        g.array("y", g.real("x"))
