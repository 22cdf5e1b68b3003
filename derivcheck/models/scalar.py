"""Scalar functions written as SymPy expressions; SymPy derives their derivatives.

A :class:`ScalarFunction` applied to tensors is one node of the graph. Its partial derivatives are
expressions that SymPy derives, never typed in. When the graph is compiled the expression becomes elementwise
primitives, in the numerically stable form that :func:`stable_form` finds with the table below.

>>> import sympy
>>> x = sympy.Symbol("x")
>>> sigmoid = ScalarFunction("sigmoid", (x,), 1 / (1 + sympy.exp(-x)))
>>> stable_form(sigmoid.partial(0).expression)
-(Sigmoid(x) - 1)*Sigmoid(x)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.tensor import Array, Tensor, make

__all__ = ["ScalarFunction", "interpret", "stable_form"]


class ScalarFunction:
    """An elementwise function given by a SymPy expression.

    Parameters
    ----------
    name : str
    arguments : tuple of sympy.Symbol
    expression : sympy.Expr
        In these symbols only.
    """

    __slots__ = ("arguments", "expression", "name")

    def __init__(self, name: str, arguments: tuple[Any, ...], expression: Any) -> None:
        import sympy

        self.name, self.arguments = name, tuple(arguments)
        self.expression = sympy.sympify(expression) if isinstance(expression, (int, float)) else expression
        free = self.expression.free_symbols - set(self.arguments)
        if free:
            raise ValueError(f"{name}: {sorted(map(str, free))} are not among the arguments")

    def __call__(self, *values: Any) -> Tensor:
        from derivcheck.models.functional.elementwise import align, cast

        if len(values) != len(self.arguments):
            raise ShapeError(self.name, f"{len(self.arguments)} arguments", f"{len(values)}")
        return make("scalar", *(cast(t) for t in align(*values)), function=self)

    def partial(self, i: int) -> ScalarFunction:
        """Derivative with respect to argument ``i``, by SymPy."""
        return _partial(self, i)

    def evaluate(self, *values: Array) -> Any:
        """Value of the expression as written, by NumPy (no stable form)."""
        out = interpret(self.expression, dict(zip(self.arguments, values, strict=True)), np)
        return np.broadcast_to(out, np.broadcast_shapes(*(np.shape(v) for v in values)))

    def lower(self, *values: Tensor, stable: bool = True) -> Tensor:
        """The same function of tensors, in elementwise primitives."""
        from derivcheck.models import functional
        from derivcheck.models.functional import broadcast_to

        expression = stable_form(self.expression) if stable else self.expression
        out = interpret(expression, dict(zip(self.arguments, values, strict=True)), functional)
        shape = np.broadcast_shapes(*(t.shape for t in values))
        return broadcast_to(out, tuple(int(n) for n in shape))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ScalarFunction)
            and self.arguments == other.arguments
            and self.expression == other.expression
        )

    def __hash__(self) -> int:
        return hash((self.arguments, self.expression))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))}) = {self.expression}"


@lru_cache(maxsize=512)
def _partial(function: ScalarFunction, i: int) -> ScalarFunction:
    symbol = function.arguments[i]
    return ScalarFunction(f"d{function.name}/d{symbol}", function.arguments, function.expression.diff(symbol))


# --- stable forms -------------------------------------------------------------------------------------------


def _stable_functions() -> tuple[Any, Any, Any]:
    import sympy

    return sympy.Function("Sigmoid"), sympy.Function("Softplus"), sympy.Function("Expm1")


@lru_cache(maxsize=512)
def stable_form(expression: Any) -> Any:
    """An equal expression that does not overflow or cancel where the given one would.

    ``log(1 + exp u)`` becomes ``Softplus(u)``; a rational function of ``exp u`` that is a polynomial in
    ``s = Sigmoid(u) = 1/(1 + exp(-u))`` becomes that polynomial, or the one in ``1 − s = Sigmoid(-u)`` where that is
    shorter; ``c exp(u) - c`` becomes ``c Expm1(u)``.
    """
    import sympy

    sigmoid, softplus, expm1 = _stable_functions()
    if isinstance(expression, sympy.Piecewise):
        return sympy.Piecewise(*((stable_form(e), c) for e, c in expression.args))
    if expression.has(sympy.Piecewise):  # each branch for itself
        return expression.func(*(stable_form(a) for a in expression.args))
    u = sympy.Wild("u")
    expression = expression.replace(sympy.log(1 + sympy.exp(u)), lambda u: softplus(stable_form(u)))
    if expression.args and not expression.is_Function:
        expression = _as_sigmoids(expression, sigmoid)
    elif expression.is_Function and not isinstance(expression, sympy.exp) and expression.func is not softplus:
        expression = expression.func(*(stable_form(a) for a in expression.args))
    return expression.replace(lambda e: e.is_Add, lambda e: _with_expm1(e, expm1))


def _with_expm1(total: Any, expm1: Any) -> Any:
    """``c exp(u) − c`` inside a sum as ``c Expm1(u)``; a numeric ``c`` may have been multiplied out."""
    import sympy

    constant, rest = total.as_coeff_Add()
    for term in rest.args if rest.is_Add else (rest,):
        c, factor = term.as_coeff_Mul()
        if isinstance(factor, sympy.exp) and c == -constant:
            return total - term - constant + c * expm1(factor.args[0])
    return total


def _as_sigmoids(expression: Any, sigmoid: Any) -> Any:
    import sympy

    arguments: list[Any] = []
    for atom in sorted(expression.atoms(sympy.exp), key=sympy.default_sort_key):
        if not any(atom.args[0] in (a, -a) for a in arguments):
            arguments.append(atom.args[0])
    for a in arguments:
        u = -a if a.could_extract_minus_sign() else a
        s = sympy.Symbol("s", positive=True)
        candidate = expression.subs({sympy.exp(u): s / (1 - s), sympy.exp(-u): (1 - s) / s}, simultaneous=True)
        candidate = sympy.factor(sympy.cancel(sympy.together(candidate)))
        if s in sympy.denom(candidate).free_symbols:
            continue
        mirrored = sympy.factor(candidate.subs(s, 1 - s))
        shorter = mirrored.count_ops() < candidate.count_ops()
        expression = mirrored.subs(s, sigmoid(-u)) if shorter else candidate.subs(s, sigmoid(u))
    return expression


# --- from expressions to arrays or tensors --------------------------------------------------------------------


def interpret(expression: Any, values: Mapping[Any, Any], namespace: Any) -> Any:
    """Walk an expression with NumPy functions (arrays) or this layer's (tensors): both have the same names.

    Kinks follow the convention of the subgradient that PyTorch takes: ``Heaviside(0) = 0``; ``DiracDelta`` is
    zero almost everywhere and counts as zero.
    """
    import sympy

    ns = namespace

    def step(u: Any) -> Any:
        return ns.where(u > 0, 1.0, 0.0)

    table: dict[str, Callable[..., Any]] = {
        "exp": ns.exp,
        "log": ns.log,
        "tanh": ns.tanh,
        "sin": ns.sin,
        "cos": ns.cos,
        "erf": _numpy_erf if ns is np else ns.erf,
        "Abs": ns.abs,
        "sign": ns.sign,
        "Heaviside": lambda u, *_: step(u),
        "DiracDelta": lambda *_: 0.0,
        "Expm1": ns.expm1,
        "Sigmoid": lambda u: 1.0 / (1.0 + ns.exp(-u)),
        "Softplus": lambda u: ns.maximum(u, 0.0) + ns.log1p(ns.exp(-ns.abs(u))),
    }
    done: dict[Any, Any] = {}

    def walk(e: Any) -> Any:
        if e not in done:
            done[e] = compute(e)
        return done[e]

    def product(factors: list[Any]) -> Any:
        top: Any = None
        bottom: Any = None
        for f in factors:
            base, exponent = f.as_base_exp()
            if exponent.is_number and exponent.is_negative and not isinstance(f, sympy.exp):
                v = walk(base**-exponent)
                bottom = v if bottom is None else bottom * v
            else:
                v = walk(f)
                top = v if top is None else top * v
        if bottom is None:
            return top
        return (1.0 if top is None else top) / bottom

    def compute(e: Any) -> Any:
        if e in values:
            return values[e]
        if e.is_number:
            return float(e)
        if e.is_Add:
            terms = [walk(a) for a in e.args]
            out = terms[0]
            for t in terms[1:]:
                out = out + t
            return out
        if e.is_Mul:
            return product(list(e.args))
        if isinstance(e, sympy.exp):
            return ns.exp(walk(e.args[0]))
        if e.is_Pow:
            base, exponent = e.args
            if exponent.is_number and exponent.is_negative:
                return product([e])
            if exponent == 2:
                return ns.square(walk(base))
            if exponent == sympy.Rational(1, 2):
                return ns.sqrt(walk(base))
            return walk(base) ** (float(exponent) if exponent.is_number else walk(exponent))
        if isinstance(e, (sympy.Max, sympy.Min)):
            f = ns.maximum if isinstance(e, sympy.Max) else ns.minimum
            args = sorted(e.args, key=lambda a: bool(a.is_number))  # the variable part first: ties go to numbers
            out = walk(args[0])
            for a in args[1:]:
                out = f(out, walk(a))
            return out
        if isinstance(e, sympy.Piecewise):
            out = walk(e.args[-1][0])
            for branch, condition in reversed(e.args[:-1]):
                out = ns.where(walk(condition), walk(branch), out)
            return out
        if e.is_Relational:
            a, b = walk(e.lhs), walk(e.rhs)
            return {">": lambda: a > b, "<": lambda: a < b, ">=": lambda: a >= b, "<=": lambda: a <= b}[e.rel_op]()
        name = type(e).__name__
        if name in table:
            return table[name](*(walk(a) for a in e.args))
        raise NotImplementedError(f"no NumPy form of {name} in {e}")

    return walk(expression)


def _numpy_erf(x: Any) -> Any:
    from derivcheck.models.primitives.elementwise import evaluate_erf

    return evaluate_erf(np.asarray(x))
