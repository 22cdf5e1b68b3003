"""The scalar functions of the language, each with its derivative, from which dual numbers take theirs."""

from __future__ import annotations

from collections.abc import Callable

from flint import acb, arb, fmpq

from derivcheck.semantics.numbers.base import (
    ONE,
    ZERO,
    Dual,
    Number,
    add,
    as_ball,
    div,
    mul,
    neg,
    perturbs,
    sub,
)
from derivcheck.semantics.numbers.errors import Imprecise, Kink, NotAnalytic, Undefined
from derivcheck.semantics.numbers.ordering import compare, compare_locally, refuse_boundary_terms


def lift(f: Callable[[Number], Number], df: Callable[[Number], Number]) -> Callable[[Number], Number]:
    """Extend a function of plain numbers to dual numbers by its derivative."""

    def lifted(x: Number) -> Number:
        if isinstance(x, Dual):
            return Dual(x.tag, lifted(x.primal), mul(df(x.primal), x.tangent))
        return f(x)

    return lifted


def _entire(name: str, at_zero: int) -> Callable[[Number], Number]:
    """An entire function (or one analytic on the real line): exact at 0, a ball elsewhere."""

    def f(x: Number) -> Number:
        if isinstance(x, fmpq) and x == 0:
            return fmpq(at_zero)
        y = getattr(as_ball(x), name)()
        if isinstance(y, acb) and not y.is_finite():
            raise NotAnalytic
        return y

    return f


def _log(x: Number) -> Number:
    if isinstance(x, fmpq):
        if x <= 0:
            raise Undefined("logarithm of a number that is not positive")
        return ZERO if x == 1 else arb(x).log()
    if isinstance(x, acb):
        if not x.real > 0:
            raise NotAnalytic
        return x.log()
    if x <= 0:
        raise Undefined("logarithm of a number that is not positive")
    if not x > 0:
        raise Imprecise("cannot tell whether a logarithm's argument is positive")
    return x.log()


def _atan(x: Number) -> Number:
    if isinstance(x, acb) and not x.imag.abs_upper() < 1:
        raise NotAnalytic
    return ZERO if isinstance(x, fmpq) and x == 0 else as_ball(x).atan()


def _pole(x: Number) -> Number:
    """`x` as a ball, once it is certain that the gamma function has no pole there."""
    if isinstance(x, fmpq):
        if x.q == 1 and x <= 0:
            raise Undefined("gamma function at a pole")
        return arb(x)
    real_part = x.real if isinstance(x, acb) else x
    if not real_part > 0:
        raise NotAnalytic if isinstance(x, acb) else Imprecise("gamma function near a pole")
    return x


def _gamma(x: Number) -> Number:
    if isinstance(x, fmpq) and x.q == 1 and 0 < x <= 200:
        out = 1
        for k in range(2, int(x.p)):
            out *= k
        return fmpq(out)
    return _pole(x).gamma()


def _loggamma(x: Number) -> Number:
    if not isinstance(x, acb) and x <= 0:
        raise Undefined("log-gamma of a number that is not positive")
    if isinstance(x, fmpq) and x in (1, 2):
        return ZERO
    return _pole(x).lgamma()


def _polygamma(order: int) -> Callable[[Number], Number]:
    def f(x: Number) -> Number:
        z = _pole(x)
        if order == 0:
            return z.digamma()
        value = acb(z).polygamma(order)
        return value if isinstance(z, acb) else value.real

    return lift(f, lambda x: _polygamma(order + 1)(x))


_Scalar = Callable[[Number], Number]
exp: _Scalar = lift(_entire("exp", 1), lambda x: exp(x))
sin: _Scalar = lift(_entire("sin", 0), lambda x: cos(x))
cos: _Scalar = lift(_entire("cos", 1), lambda x: neg(sin(x)))
tanh: _Scalar = lift(_entire("tanh", 0), lambda x: sub(ONE, mul(tanh(x), tanh(x))))
erf: _Scalar = lift(_entire("erf", 0), lambda x: mul(div(fmpq(2), arb.pi().sqrt()), exp(neg(mul(x, x)))))
atan: _Scalar = lift(_atan, lambda x: div(ONE, add(ONE, mul(x, x))))
log: _Scalar = lift(_log, lambda x: div(ONE, x))
gamma: _Scalar = lift(_gamma, lambda x: mul(gamma(x), _polygamma(0)(x)))
loggamma: _Scalar = lift(_loggamma, _polygamma(0))


def sign(x: Number) -> Number:
    """The sign: -1, 0 or 1."""
    return fmpq(compare_locally(x, ZERO))


def absolute(x: Number) -> Number:
    """The absolute value."""
    if isinstance(x, Dual):
        refuse_boundary_terms(x, corner=True)
        c = compare(x, ZERO)
        if c == 0:
            if perturbs(x):
                raise Kink("absolute value at zero")
            return x
        return x if c > 0 else neg(x)
    if isinstance(x, acb):
        return x if compare(x, ZERO) >= 0 else -x
    return abs(x)


#: The scalar functions of the language (`derivcheck.language.constructors.SCALAR_FUNCTIONS`).
SCALAR: dict[str, Callable[[Number], Number]] = {
    "exp": exp,
    "log": log,
    "abs": absolute,
    "sin": sin,
    "cos": cos,
    "tanh": tanh,
    "atan": atan,
    "erf": erf,
    "sign": sign,
    "gamma": gamma,
    "loggamma": loggamma,
}
