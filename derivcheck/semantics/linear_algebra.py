"""What matrix operators denote, exactly where the entries are rational."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flint import fmpq

from derivcheck.language.terms import Term
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.numbers import ONE, ZERO, Number, Undefined
from derivcheck.semantics.values import Function, RangeDomain, Value, matrix_of, pointwise

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Environment, Evaluator, Rule


def _shape2(m: Function) -> tuple[RangeDomain, RangeDomain]:
    r, c = m.shape()
    return r, c


def _matmul(ev: Evaluator, t: Term, env: Environment) -> Value:
    a, b = (ev.eval(x, env) for x in t.args)
    left, right = a.shape(), b.shape()
    if left[-1] != right[0]:
        raise Undefined("inner sizes differ")
    inner = left[-1].members()

    def rule(args: tuple[Value, ...]) -> Number:
        i, j = args[: len(left) - 1], args[len(left) - 1 :]
        ev.charge(len(inner))
        return nm.total([nm.mul(a.at((*i, k)), b.at((k, *j))) for k in inner])

    outer = left[:-1] + right[1:]
    return Function(outer, rule) if outer else rule(())


def _transpose(ev: Evaluator, t: Term, env: Environment) -> Function:
    a = ev.eval(t.args[0], env)
    r, c = _shape2(a)
    return Function((c, r), lambda ij: a.at((ij[1], ij[0])))


def _square(ev: Evaluator, a: Function) -> list[list[Number]]:
    r, c = _shape2(a)
    n = len(r.members())
    if n != len(c.members()):
        raise Undefined("a square matrix is needed")
    rows = a.rows()
    # Without rationals a determinant is expanded over subsets of columns.
    exact = all(isinstance(x, fmpq) for row in rows for x in row)
    ev.charge(n**3 if exact else n**3 << min(n, 60))
    return rows


def _inverse(ev: Evaluator, t: Term, env: Environment) -> Function:
    a = ev.eval(t.args[0], env)
    r, c = _shape2(a)
    return matrix_of(nm.inverse_matrix(_square(ev, a)), (c, r))


def _det(ev: Evaluator, t: Term, env: Environment) -> Number:
    return nm.determinant(_square(ev, ev.eval(t.args[0], env)))


def _trace(ev: Evaluator, t: Term, env: Environment) -> Number:
    rows = _square(ev, ev.eval(t.args[0], env))
    return nm.total([row[i] for i, row in enumerate(rows)])


def _identity_matrix(ev: Evaluator, t: Term, env: Environment) -> Function:
    n = RangeDomain(1, ev.integer(t.args[0], env))
    return Function((n, n), lambda ij: ONE if ij[0] == ij[1] else ZERO)


def _diag(ev: Evaluator, t: Term, env: Environment) -> Function:
    v = ev.eval(t.args[0], env)
    (r,) = v.shape()
    return Function((r, r), lambda ij: v.at((ij[0],)) if ij[0] == ij[1] else ZERO)


def _hadamard(ev: Evaluator, t: Term, env: Environment) -> Function:
    return pointwise(nm.mul, *(ev.eval(a, env) for a in t.args))


RULES: dict[str, Rule] = {
    "matmul": _matmul,
    "transpose": _transpose,
    "inverse": _inverse,
    "det": _det,
    "trace": _trace,
    "identity": _identity_matrix,
    "diag": _diag,
    "hadamard": _hadamard,
}
