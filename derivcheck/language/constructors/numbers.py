"""Numbers, and integers in their one canonical form: constant plus multiples of atoms."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from derivcheck.language.terms import INT, REAL, LanguageError, Sort, Term, Termlike, make

__all__ = [
    "affine",
    "affine_parts",
    "as_int",
    "as_real",
    "int_add",
    "integer",
    "is_int",
    "need",
    "num",
    "oo",
    "oo_int",
    "pi",
    "real",
]


def num(value: int | Fraction | float) -> Term:
    """An exact rational number."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise LanguageError("NaN and infinities are not numbers of the language")
        value = Fraction(value)
    return _whole(value) if type(value) is int else make("num", (), Fraction(value), REAL)


@lru_cache(maxsize=1024)
def _whole(value: int) -> Term:
    return make("num", (), Fraction(value), REAL)


def integer(value: int) -> Term:
    """An integer, as a size or an index."""
    return make("aff", (), (int(value),), INT)


#: The circle constant.
pi = make("pi", (), None, REAL)
#: Positive infinity, as a bound of an interval or the point of a limit.
oo = make("oo", (), None, REAL)
#: Infinity as the bound of an integer range or the point of a limit over integers.
oo_int = make("oo", (), None, INT)


def as_real(x: Termlike) -> Term:
    """`x` as a real-valued (or function-valued) term; integers of the language are embedded."""
    if isinstance(x, Term):
        return real(x) if x.sort == INT else x
    if isinstance(x, bool) or not isinstance(x, int | Fraction | float):
        raise LanguageError(f"{x!r} is not a number or a term")
    return num(x)


def as_int(x: Termlike) -> Term:
    """`x` as an integer term."""
    if isinstance(x, Term):
        if x.sort != INT:
            raise LanguageError(f"'{x}' is a {x.sort}; an integer is needed here")
        return x
    if isinstance(x, bool) or not isinstance(x, int):
        raise LanguageError(f"{x!r} is not an integer")
    return integer(x)


def real(x: Term) -> Term:
    """The integer term `x` seen as a real number."""
    if x.sort != INT:
        raise LanguageError(f"'{x}' is not an integer")
    if x.op == "oo":
        return oo
    if x.op == "aff" and not x.args:
        return num(x.data[0])
    return make("real", (x,), None, REAL)


def need(t: Term, sort: Sort) -> Term:
    """`t`, which must have the sort."""
    if t.sort != sort:
        raise LanguageError(f"'{t}' is a {t.sort}; a {sort} is needed here")
    return t


def is_int(*xs: Termlike) -> bool:
    """Are these integers, of the language or of Python?"""
    return all((isinstance(x, Term) and x.sort == INT) or (isinstance(x, int) and not isinstance(x, bool)) for x in xs)


# ---------------------------------------------------------------------------------------------------- affine arithmetic


def affine_parts(x: Term) -> tuple[int, dict[Term, int]]:
    """Constant and coefficients of an integer term; anything not affine is an atom of its own."""
    if x.op == "aff":
        return x.data[0], dict(zip(x.args, x.data[1:], strict=True))
    return 0, {x: 1}


def affine(const: int, coefficients: dict[Term, int]) -> Term:
    """The integer ``const + Σ c·atom`` in its one canonical form."""
    items = sorted(((a, c) for a, c in coefficients.items() if c), key=lambda ac: ac[0].key)
    if len(items) == 1 and const == 0 and items[0][1] == 1:
        return items[0][0]
    return make("aff", (a for a, _ in items), (const, *(c for _, c in items)), INT)


def int_add(x: Term, y: Term, factor: int = 1) -> Term:
    """``x + factor*y`` for integer terms."""
    if "oo" in (x.op, y.op):
        if x.op == "oo" and y.op != "oo":
            return x
        raise LanguageError("infinity is a bound or a limit point, not a summand")
    c, coefficients = affine_parts(x)
    d, more = affine_parts(y)
    for atom, k in more.items():
        coefficients[atom] = coefficients.get(atom, 0) + factor * k
    return affine(c + factor * d, coefficients)
