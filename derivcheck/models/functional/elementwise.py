"""Functions of every entry, and choices between two."""

from __future__ import annotations

import builtins
from typing import Any

from derivcheck.models.errors import ModelError
from derivcheck.models.functional.shapes import reshape
from derivcheck.models.tensor import Tensor, as_tensor, make

__all__ = [
    "abs",
    "align",
    "binary",
    "cast",
    "cos",
    "equal",
    "erf",
    "exp",
    "expm1",
    "log",
    "log1p",
    "logical_and",
    "logical_not",
    "logical_or",
    "maximum",
    "minimum",
    "power",
    "sign",
    "sin",
    "sqrt",
    "square",
    "stop_gradient",
    "tanh",
    "unary",
    "where",
]


def align(*values: Any) -> list[Tensor]:
    """Tensors of one rank (scalars excepted), by leading axes of size one."""
    tensors = [as_tensor(v) for v in values]
    rank = builtins.max(t.ndim for t in tensors)
    return [t if t.ndim in (0, rank) else reshape(t, (1,) * (rank - t.ndim) + t.shape) for t in tensors]


def binary(name: str, a: Any, b: Any) -> Tensor:
    """An elementwise primitive of two arguments; integers and booleans become floats beside floats."""
    x, y = align(a, b)
    comparison = name in ("greater", "greater_equal", "equal")
    if x.kind != y.kind or (x.kind == "bool" and not comparison) or (x.kind == "int" and name == "div"):
        x, y = cast(x), cast(y)
    return make(name, x, y)


def unary(name: str, x: Any) -> Tensor:
    """An elementwise primitive of one float argument."""
    return make(name, cast(x))


def cast(x: Any, kind: str = "float") -> Tensor:
    """The same numbers as floats (or ints, or bools)."""
    t = as_tensor(_no_python_bool(x))
    return t if t.kind == kind else make("cast", t, kind=kind)


def exp(x: Any) -> Tensor:
    """Exponential."""
    return unary("exp", x)


def expm1(x: Any) -> Tensor:
    """``exp(x) - 1``, accurate near 0."""
    return unary("expm1", x)


def log(x: Any) -> Tensor:
    """Natural logarithm."""
    return unary("log", x)


def log1p(x: Any) -> Tensor:
    """``log(1 + x)``, accurate near 0."""
    return unary("log1p", x)


def sqrt(x: Any) -> Tensor:
    """Square root."""
    return unary("sqrt", x)


def square(x: Any) -> Tensor:
    """``x * x``."""
    return unary("square", x)


def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent."""
    return unary("tanh", x)


def sin(x: Any) -> Tensor:
    """Sine."""
    return unary("sin", x)


def cos(x: Any) -> Tensor:
    """Cosine."""
    return unary("cos", x)


def erf(x: Any) -> Tensor:
    """Error function."""
    return unary("erf", x)


def abs(x: Any) -> Tensor:
    """Absolute value; its derivative at 0 is 0."""
    return unary("abs", x)


def sign(x: Any) -> Tensor:
    """-1, 0 or 1; its derivative is 0."""
    return unary("sign", x)


def maximum(a: Any, b: Any) -> Tensor:
    """Larger of two; where they are equal the derivative goes to the second."""
    return binary("maximum", a, b)


def minimum(a: Any, b: Any) -> Tensor:
    """Smaller of two; where they are equal the derivative goes to the second."""
    return binary("minimum", a, b)


def power(a: Any, b: Any) -> Tensor:
    """``a ** b``; a constant exponent may meet a negative base, a tensor exponent needs ``a > 0``."""
    if isinstance(b, (int, float)):
        return make("power", cast(a), exponent=float(b))
    return exp(cast(b) * log(a))


def where(condition: Any, a: Any, b: Any) -> Tensor:
    """``a`` where the condition holds, else ``b``."""
    c, x, y = align(_no_python_bool(condition), a, b)
    if x.kind != y.kind:
        x, y = cast(x), cast(y)
    return make("where", cast(c, "bool"), x, y)


def equal(a: Any, b: Any) -> Tensor:
    """Where two tensors have the same value; ``==`` says whether they are the same node of the graph."""
    return binary("equal", a, b)


def logical_and(a: Any, b: Any) -> Tensor:
    """Where both conditions hold."""
    return cast(_condition(a) * _condition(b), "bool")


def logical_or(a: Any, b: Any) -> Tensor:
    """Where one condition holds, or both."""
    return cast(maximum(_condition(a), _condition(b)), "bool")


def logical_not(a: Any) -> Tensor:
    """Where the condition does not hold."""
    return cast(1.0 - _condition(a), "bool")


def _condition(a: Any) -> Tensor:
    t = as_tensor(a)
    if t.kind != "bool":
        raise ModelError(f"&, | and ~ join conditions, not a {t.kind} tensor")
    return cast(t)


def _no_python_bool(condition: Any) -> Any:
    if isinstance(condition, bool):
        raise ModelError("a condition is a tensor; == compares nodes of the graph, equal(a, b) their values")
    return condition


def stop_gradient(x: Any) -> Tensor:
    """The same value, with derivative zero."""
    return make("stop_gradient", as_tensor(x))
