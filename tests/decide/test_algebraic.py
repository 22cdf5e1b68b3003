"""The zero test of algebraic numbers, against SymPy's minimal polynomials and against planted differences."""

from __future__ import annotations

import random

import pytest
import sympy

from derivcheck.decision.algebraic import vanishes
from derivcheck.language import Real, Term, exp, num, sqrt
from derivcheck.language.sympy_edge import from_sympy


def number(r: random.Random, depth: int) -> sympy.Expr:
    if depth == 0:
        return sympy.Rational(r.randint(1, 9), r.randint(1, 4))
    a, b = number(r, depth - 1), number(r, depth - 1)
    return r.choice([a + b, a * b, a / b, a - b, sympy.sqrt(abs(a)), sympy.cbrt(abs(b)), sympy.sqrt(abs(a + b))])


def term(e: sympy.Expr) -> Term:
    return from_sympy(e).term


@pytest.mark.parametrize("seed", range(60))
def test_equal_numbers_in_other_words(seed: int) -> None:
    r = random.Random(seed)
    a, b = abs(number(r, 2)) + 1, abs(number(r, 1)) + 1
    left, right = (sympy.sqrt(a) + sympy.sqrt(b)) ** 2, a + b + 2 * sympy.sqrt(a) * sympy.sqrt(b)
    assert vanishes(term(left) - term(right)) is not False
    assert vanishes(term(sympy.sqrt(right)) - term(sympy.sqrt(a)) - term(sympy.sqrt(b))) is not False
    assert vanishes(term(left) - term(right) - num(10) ** -300) is not True


@pytest.mark.parametrize("seed", range(60))
def test_as_sympy_says_by_its_minimal_polynomial(seed: int) -> None:
    e = number(random.Random(seed), 2) - number(random.Random(seed + 1000), 2)
    said = vanishes(term(e))
    assert said is None or said is bool(sympy.simplify(sympy.sqrtdenest(e)) == 0)


def test_a_difference_below_the_bound_of_a_smaller_degree() -> None:
    # Sums of roots that agree in many digits are told apart, whatever the number of digits.
    close = sum((sqrt(num(10**18 + k)) * c for k, c in ((0, 1), (1, -3), (2, 3), (3, -1))), num(0))
    assert vanishes(close) is False


def test_what_it_does_not_know() -> None:
    assert vanishes(exp(1) - 1) is None
    assert vanishes(Real("x")) is None
    assert vanishes(sqrt(num(-1))) is None
    assert vanishes(num(1) / (sqrt(2) * sqrt(2) - 2)) is None
