"""Sums, products, powers, scalar functions and choices; products of numbers with functions are entrywise."""

from __future__ import annotations

from fractions import Fraction

from derivcheck.language.constructors.numbers import as_int, as_real, int_add, integer, is_int, need, num
from derivcheck.language.constructors.propositions import eq
from derivcheck.language.terms import PROP, REAL, LanguageError, Sort, Term, Termlike, make

__all__ = [
    "SCALAR_FUNCTIONS",
    "abs_",
    "add",
    "binomial",
    "delta",
    "div",
    "exp",
    "factorial",
    "ind",
    "ite",
    "log",
    "max_",
    "min_",
    "mul",
    "neg",
    "pow_",
    "scalar",
    "sqrt",
    "sub",
    "tanh",
]


def _same_sort(op: str, terms: list[Term]) -> Sort:
    sorts = {t.sort for t in terms}
    if len(sorts) != 1:
        raise LanguageError(f"'{op}' of different kinds: " + ", ".join(f"{t} is {t.sort}" for t in terms))
    sort = sorts.pop()
    if sort.kind not in ("real", "fun"):
        raise LanguageError(f"'{op}' does not apply to a {sort}")
    return sort


def add(*xs: Termlike) -> Term:
    """The sum of numbers, of integers (affine), or of functions of one shape (entrywise)."""
    if is_int(*xs) and any(isinstance(x, Term) for x in xs):
        out = as_int(xs[0])
        for x in xs[1:]:
            out = int_add(out, as_int(x))
        return out
    terms = [as_real(x) for x in xs]
    sort = _same_sort("+", terms)
    flat: list[Term] = []
    for position, t in enumerate(terms):
        # a + b + c is one sum of three; brackets to the right stay as the author wrote them
        flat.extend(t.args if t.op == "add" and position == 0 else (t,))
    return make("add", flat, None, sort)


def neg(x: Termlike) -> Term:
    """The negative."""
    if is_int(x):
        return int_add(integer(0), as_int(x), -1)
    t = as_real(x)
    if t.op == "num":
        return num(-t.data)
    return make("neg", (t,), None, _same_sort("-", [t]))


def sub(x: Termlike, y: Termlike) -> Term:
    """The difference."""
    if is_int(x, y) and (isinstance(x, Term) or isinstance(y, Term)):
        return int_add(as_int(x), as_int(y), -1)
    return add(x, neg(as_real(y)))


def mul(*xs: Termlike) -> Term:
    """The product of numbers, or of numbers and one function (a scalar multiple)."""
    if len(xs) == 2 and is_int(*xs):
        for k, x in (xs, xs[::-1]):
            if isinstance(k, int) and isinstance(x, Term):
                return int_add(integer(0), x, k)
            if isinstance(k, Term) and k.op == "aff" and not k.args and isinstance(x, Term):
                return int_add(integer(0), x, k.data[0])
    terms = [as_real(x) for x in xs]
    shaped = [t for t in terms if t.sort.kind == "fun"]
    if len(shaped) > 1:
        raise LanguageError("a product of two vectors or matrices is written @ (or hadamard)")
    flat: list[Term] = []
    for position, t in enumerate(terms):
        flat.extend(t.args if t.op == "mul" and position == 0 else (t,))
    if shaped:
        scalars = [t for t in terms if t.sort.kind != "fun"]
        for t in scalars:
            need(t, REAL)
        scalar = scalars[0] if len(scalars) == 1 else mul(*scalars)
        return make("scale", (scalar, shaped[0]), None, shaped[0].sort)
    _same_sort("·", terms)
    return make("mul", flat, None, REAL)


def div(x: Termlike, y: Termlike) -> Term:
    """The quotient; that the denominator is not zero becomes a condition."""
    a, b = as_real(x), as_real(y)
    need(b, REAL)
    if a.sort.kind == "fun":
        return make("scale", (div(1, b), a), None, a.sort)
    need(a, REAL)
    if a.op == "num" and b.op == "num" and b.data != 0:
        return num(a.data / b.data)
    return make("div", (a, b), None, REAL)


def pow_(x: Termlike, y: Termlike) -> Term:
    """The power; ``0**0`` is 1, and a base that is not positive needs an integer exponent."""
    a, b = as_real(x), as_real(y)
    need(a, REAL)
    need(b, REAL)
    return make("pow", (a, b), None, REAL)


# ----------------------------------------------------------------------------------------------------- scalar functions

#: Scalar functions of one real argument: name -> where they are defined, in words.
SCALAR_FUNCTIONS = {
    "exp": "everywhere",
    "log": "argument > 0",
    "abs": "everywhere",
    "sin": "everywhere",
    "cos": "everywhere",
    "tanh": "everywhere",
    "atan": "everywhere",
    "erf": "everywhere",
    "sign": "everywhere",
    "gamma": "argument not 0, -1, -2, ...",
    "loggamma": "argument > 0",
}


def scalar(name: str, x: Termlike) -> Term:
    """The scalar function `name` of a real argument."""
    if name not in SCALAR_FUNCTIONS:
        raise LanguageError(f"'{name}' is not a scalar function of the language")
    return make("fn", (need(as_real(x), REAL),), name, REAL)


def exp(x: Termlike) -> Term:
    """The exponential."""
    return scalar("exp", x)


def log(x: Termlike) -> Term:
    """The natural logarithm."""
    return scalar("log", x)


def abs_(x: Termlike) -> Term:
    """The absolute value."""
    return scalar("abs", x)


def tanh(x: Termlike) -> Term:
    """The hyperbolic tangent."""
    return scalar("tanh", x)


def sqrt(x: Termlike) -> Term:
    """The non-negative square root."""
    return pow_(x, Fraction(1, 2))


# ------------------------------------------------------------------------------------------------- choices and counting


def max_(*xs: Termlike) -> Term:
    """The largest of finitely many numbers."""
    return make("max", [need(as_real(x), REAL) for x in xs], None, REAL)


def min_(*xs: Termlike) -> Term:
    """The smallest of finitely many numbers."""
    return make("min", [need(as_real(x), REAL) for x in xs], None, REAL)


def ind(condition: Term) -> Term:
    """Iverson's bracket: 1 where the proposition holds, else 0."""
    return make("ind", (need(condition, PROP),), None, REAL)


def delta(i: Termlike, k: Termlike) -> Term:
    """Kronecker's delta of two indices."""
    return ind(eq(as_int(i), as_int(k)))


def ite(condition: Term, then: Termlike, otherwise: Termlike) -> Term:
    """`then` where the condition holds, else `otherwise`; the other branch need not be defined."""
    return make("ite", (need(condition, PROP), need(as_real(then), REAL), need(as_real(otherwise), REAL)), None, REAL)


def factorial(k: Termlike) -> Term:
    """``k!`` of a non-negative integer."""
    return make("factorial", (as_int(k),), None, REAL)


def binomial(n: Termlike, k: Termlike) -> Term:
    """The binomial coefficient of integers ``n >= 0``; 0 for ``k`` outside ``0..n``."""
    return make("binomial", (as_int(n), as_int(k)), None, REAL)
