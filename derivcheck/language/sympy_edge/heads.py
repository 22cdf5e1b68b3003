"""How each of SymPy's heads is read: tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sympy
from sympy.core.function import AppliedUndef

from derivcheck.language import constructors as b
from derivcheck.language.terms import Term

if TYPE_CHECKING:
    from derivcheck.language.sympy_edge.reading import Reader

CONNECTIVES: dict[Any, Callable[..., Term]] = {
    sympy.And: b.and_,
    sympy.Or: b.or_,
    sympy.Not: b.not_,
    sympy.Implies: b.implies,
    sympy.ITE: lambda when, then, otherwise: b.or_(b.and_(when, then), b.and_(b.not_(when), otherwise)),
}
RELATIONS: dict[Any, Callable[[Term, Term], Term]] = {
    sympy.Eq: b.eq,
    sympy.Ne: b.ne,
    sympy.Le: b.le,
    sympy.Lt: b.lt,
    sympy.Ge: lambda x, y: b.le(y, x),
    sympy.Gt: lambda x, y: b.lt(y, x),
}


def _asin(x: Term) -> Term:
    # On the whole of [-1, 1], ends included: the denominator is at least 1.
    return 2 * b.scalar("atan", x / (1 + b.sqrt(1 - x**2)))


def _of_real(build: Callable[[Term], Term]) -> Callable[[Reader, Any], Term]:
    return lambda reader, e: build(reader.real(e.args[0]))


def _kronecker(reader: Reader, e: Any) -> Term:
    left, right = reader.integer_or_none(e.args[0]), reader.integer_or_none(e.args[1])
    if left is not None and right is not None:
        return b.delta(left, right)
    return b.ind(b.eq(reader.real(e.args[0]), reader.real(e.args[1])))


def _factorial(reader: Reader, e: Any) -> Term:
    argument = reader.affine(e.args[0])
    return b.factorial(argument) if argument is not None else b.scalar("gamma", reader.real(e.args[0]) + 1)


def _beta(reader: Reader, e: Any) -> Term:
    x, y = reader.reals(e.args[:2])
    return b.scalar("gamma", x) * b.scalar("gamma", y) / b.scalar("gamma", x + y)


def _step(reader: Reader, e: Any) -> Term:
    x, at_zero = reader.reals(e.args)
    return b.ite(b.lt(x, 0), 0, b.ite(b.lt(0, x), 1, at_zero))


#: How each head is read: name of SymPy's class -> reader.
HEADS: dict[str, Callable[[Reader, Any], Term]] = {
    "Pi": lambda reader, e: b.pi,
    "Exp1": lambda reader, e: b.exp(1),
    "GoldenRatio": lambda reader, e: (1 + b.sqrt(5)) / 2,
    "Add": lambda reader, e: reader.add(e),
    "Mul": lambda reader, e: reader.mul(e),
    "Pow": lambda reader, e: reader.power(e.base, e.exp),
    "exp": _of_real(b.exp),
    "log": _of_real(b.log),
    "sin": _of_real(lambda x: b.scalar("sin", x)),
    "cos": _of_real(lambda x: b.scalar("cos", x)),
    "tan": _of_real(lambda x: b.scalar("sin", x) / b.scalar("cos", x)),
    "cot": _of_real(lambda x: b.scalar("cos", x) / b.scalar("sin", x)),
    "sec": _of_real(lambda x: 1 / b.scalar("cos", x)),
    "csc": _of_real(lambda x: 1 / b.scalar("sin", x)),
    "asin": _of_real(_asin),
    "acos": _of_real(lambda x: b.pi / 2 - _asin(x)),
    "atan": _of_real(lambda x: b.scalar("atan", x)),
    "sinh": _of_real(lambda x: (b.exp(x) - b.exp(-x)) / 2),
    "cosh": _of_real(lambda x: (b.exp(x) + b.exp(-x)) / 2),
    "tanh": _of_real(b.tanh),
    "coth": _of_real(lambda x: 1 / b.tanh(x)),
    "asinh": _of_real(lambda x: b.log(x + b.sqrt(x**2 + 1))),
    "acosh": _of_real(lambda x: b.log(x + b.sqrt(x - 1) * b.sqrt(x + 1))),
    "atanh": _of_real(lambda x: (b.log(1 + x) - b.log(1 - x)) / 2),
    "Abs": _of_real(b.abs_),
    "sign": _of_real(lambda x: b.scalar("sign", x)),
    "erf": _of_real(lambda x: b.scalar("erf", x)),
    "erfc": _of_real(lambda x: 1 - b.scalar("erf", x)),
    "gamma": _of_real(lambda x: b.scalar("gamma", x)),
    "loggamma": _of_real(lambda x: b.scalar("loggamma", x)),
    "beta": _beta,
    "factorial": _factorial,
    "binomial": lambda reader, e: b.binomial(
        reader.integer(e.args[0], "an argument of binomial"), reader.integer(e.args[1], "an argument of binomial")
    ),
    "Max": lambda reader, e: b.max_(*reader.reals(e.args)),
    "Min": lambda reader, e: b.min_(*reader.reals(e.args)),
    "Heaviside": _step,
    "Piecewise": lambda reader, e: reader.piecewise(e),
    "KroneckerDelta": _kronecker,
    "Sum": lambda reader, e: reader.ranged(e, e.function, e.limits),
    "Product": lambda reader, e: reader.ranged(e, e.function, e.limits),
    "Integral": lambda reader, e: reader.ranged(e, e.function, e.limits),
    "Derivative": lambda reader, e: reader.derivative(e),
    "Subs": lambda reader, e: reader.evaluated_at(e),
    "Limit": lambda reader, e: reader.limit(e),
    "Indexed": lambda reader, e: b.apply(
        reader.array(e.base, len(e.indices)), *(reader.integer(i, "an index") for i in e.indices)
    ),
}


@lru_cache(maxsize=512)
def head_of(kind: type) -> Callable[[Reader, Any], Term] | None:
    """How expressions of a class are read; a class of the same name that somebody else wrote is another function."""
    if issubclass(kind, AppliedUndef) or not (kind.__module__ or "").startswith("sympy."):
        return None
    return HEADS.get(kind.__name__)
