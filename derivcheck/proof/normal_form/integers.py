"""Integer terms solved for a symbol, and polynomials read back as integer terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derivcheck.language import (
    Term,
    integer,
)
from derivcheck.language.constructors import affine, affine_parts, int_add
from derivcheck.proof.normal_form.names import is_opened
from derivcheck.proof.normal_form.poly import (
    Poly,
    Unknown,
    to_integer,
)

if TYPE_CHECKING:
    pass


def as_integer(p: Poly) -> Term:
    """A polynomial that is affine over integers, as an integer term."""
    t = to_integer(p)
    if t is None:
        raise Unknown("an integer comparison that is not affine")
    return t


def solve_for_symbol(equation: Term) -> tuple[Term, Term] | None:
    """Solve an integer equation for the symbol of largest key that has coefficient ±1: (symbol, value)."""
    left, right = equation.args
    diff = int_add(left, right, -1)
    const, coefficients = affine_parts(diff)
    for s in sorted(
        (a for a, c in coefficients.items() if a.op == "sym" and abs(c) == 1), key=_preference, reverse=True
    ):
        return s, solved(const, coefficients, s)
    return None


def _preference(s: Term) -> tuple[int, bytes]:
    """Opened variables are solved for first; among equals, the larger key."""
    return (1 if is_opened(s) else 0, s.key)


def solved(const: int, coefficients: dict[Term, int], s: Term) -> Term:
    c = coefficients[s]
    rest = {a: k for a, k in coefficients.items() if a != s}
    value = affine(const, rest)
    return int_add(integer(0), value, -c)  # c = ±1: s = -value/c = -c·value
