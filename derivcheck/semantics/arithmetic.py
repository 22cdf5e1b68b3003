"""What symbols, numbers, arithmetic, scalar functions and choices between two values denote."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, factorial
from typing import TYPE_CHECKING

from flint import acb, arb, fmpq

from derivcheck.language.terms import Term
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.numbers import ONE, ZERO, Number, Undefined, Unknown
from derivcheck.semantics.values import Function, Value, pointwise

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Environment, Evaluator, Rule


def _sym(ev: Evaluator, t: Term, env: Environment) -> Value:
    return ev.world.symbol(t)


def _bound(ev: Evaluator, t: Term, env: Environment) -> Value:
    return env[t.data]


def _aff(ev: Evaluator, t: Term, env: Environment) -> int:
    out: int = t.data[0]
    for atom, c in zip(t.args, t.data[1:], strict=True):
        out += c * ev.integer(atom, env)
    return out


def _real(ev: Evaluator, t: Term, env: Environment) -> Number:
    return fmpq(ev.integer(t.args[0], env))


def _num(ev: Evaluator, t: Term, env: Environment) -> Number:
    return nm.rational(t.data)


def _pi(ev: Evaluator, t: Term, env: Environment) -> Number:
    return arb.pi()


def _oo(ev: Evaluator, t: Term, env: Environment) -> Number:
    raise Undefined("infinity is not a number")


def _add(ev: Evaluator, t: Term, env: Environment) -> Value:
    values = [ev.eval(a, env) for a in t.args]
    if isinstance(values[0], Function):
        return pointwise(lambda *xs: nm.total(list(xs)), *values)
    return nm.total(values)


def _neg(ev: Evaluator, t: Term, env: Environment) -> Value:
    x = ev.eval(t.args[0], env)
    return pointwise(nm.neg, x) if isinstance(x, Function) else nm.neg(x)


def _mul(ev: Evaluator, t: Term, env: Environment) -> Number:
    out = ev.eval(t.args[0], env)
    for a in t.args[1:]:
        out = nm.mul(out, ev.eval(a, env))
    return out


def _scale(ev: Evaluator, t: Term, env: Environment) -> Function:
    c, f = ev.eval(t.args[0], env), ev.eval(t.args[1], env)
    return pointwise(lambda x: nm.mul(c, x), f)


def _div(ev: Evaluator, t: Term, env: Environment) -> Number:
    return nm.div(ev.eval(t.args[0], env), ev.eval(t.args[1], env))


def _pow(ev: Evaluator, t: Term, env: Environment) -> Number:
    return nm.power(ev.eval(t.args[0], env), ev.eval(t.args[1], env))


def _fn(ev: Evaluator, t: Term, env: Environment) -> Number:
    x = ev.eval(t.args[0], env)
    if t.data == "abs":
        return ev.absolute(x)
    if t.data == "sign":
        nm.refuse_boundary_terms(x, corner=False)
        return ev.enclosure(lambda: nm.sign(x), lambda: acb(arb(0, 1)))
    return nm.SCALAR[t.data](x)


def _extreme(sign: int) -> Callable[[Evaluator, Term, Environment], Number]:
    def rule(ev: Evaluator, t: Term, env: Environment) -> Number:
        return extremum(ev, [ev.eval(a, env) for a in t.args], sign)

    return rule


def extremum(ev: Evaluator, xs: list[Number], sign: int) -> Number:
    """The largest (smallest) of numbers, also of boxes that straddle a tie."""
    if ev.state.analytic is None:
        return nm.maximum(xs, sign)
    out = nm.maximum(xs[:1], sign)
    for x in xs[1:]:
        out = ev.enclosure(
            lambda x=x, y=out: nm.maximum([y, x], sign),  # type: ignore[misc]
            lambda x=x, y=out: nm.wide_extremum(y, x, sign),  # type: ignore[misc]
        )
    return out


def _ind(ev: Evaluator, t: Term, env: Environment) -> Number:
    def bracket() -> Number:
        return ONE if ev.decide(t.args[0], env) else ZERO

    return ev.enclosure(bracket, lambda: acb(arb(0.5, 0.5)))


def _ite(ev: Evaluator, t: Term, env: Environment) -> Number:
    def choose() -> Number:
        return ev.eval(t.args[1] if ev.decide(t.args[0], env) else t.args[2], env)

    def both() -> Number:
        return nm.union(ev.eval(t.args[1], env), ev.eval(t.args[2], env))

    return ev.enclosure(choose, both)


def _factorial(ev: Evaluator, t: Term, env: Environment) -> Number:
    k = ev.integer(t.args[0], env)
    if k < 0:
        raise Undefined("factorial of a negative integer")
    if k > 3000:
        raise Unknown("a factorial too large to write out")
    return fmpq(factorial(k))


def _binomial(ev: Evaluator, t: Term, env: Environment) -> Number:
    n, k = (ev.integer(a, env) for a in t.args)
    if n < 0:
        raise Undefined("binomial coefficient of a negative integer")
    if n > 5000:
        raise Unknown("a binomial coefficient too large to write out")
    return fmpq(comb(n, k)) if 0 <= k <= n else ZERO


RULES: dict[str, Rule] = {
    "sym": _sym,
    "bound": _bound,
    "aff": _aff,
    "real": _real,
    "num": _num,
    "pi": _pi,
    "oo": _oo,
    "add": _add,
    "neg": _neg,
    "mul": _mul,
    "scale": _scale,
    "div": _div,
    "pow": _pow,
    "fn": _fn,
    "max": _extreme(1),
    "min": _extreme(-1),
    "ind": _ind,
    "ite": _ite,
    "factorial": _factorial,
    "binomial": _binomial,
}
