"""Elementwise primitives: NumPy value and one partial derivative for each argument.

The table reads ``name, NumPy function, partial derivatives`` where a partial is a function of the result
``y`` and the arguments; ``None`` says that it is zero wherever it exists.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import broadcast_to, cast, cos, exp, reshape, sign, sin, sum, where
from derivcheck.models.tensor import PRIMITIVES, Array, Primitive, Shape, Tensor

if TYPE_CHECKING:
    from derivcheck.models.scalar import ScalarFunction

__all__ = ["evaluate_erf", "partials"]

Partial = Callable[..., Any] | None

_erf = np.frompyfunc(math.erf, 1, 1)


def evaluate_erf(x: Array) -> Array:
    """Error function, by the C library, entry by entry (NumPy has none)."""
    return np.asarray(_erf(x), dtype=x.dtype)


def _evaluate_abs(x: Array) -> Array:
    # For complex steps |x| means the real function continued along the real axis.
    return np.where(x.real < 0, -x, x) if np.iscomplexobj(x) else np.abs(x)


def _evaluate_sign(x: Array) -> Array:
    return np.asarray(np.sign(x.real), x.dtype)


# fmt: off
# name, value, partial derivatives (as functions of the result and the arguments)
TABLE: list[tuple[str, Callable[..., Any], tuple[Partial, ...]]] = [
    ("add",        np.add,          (lambda y, a, b: 1.0,                       lambda y, a, b: 1.0)),
    ("sub",        np.subtract,     (lambda y, a, b: 1.0,                       lambda y, a, b: -1.0)),
    ("mul",        np.multiply,     (lambda y, a, b: b,                         lambda y, a, b: a)),
    ("div",        np.true_divide,  (lambda y, a, b: 1.0 / b,                   lambda y, a, b: -y / b)),
    ("maximum",    np.maximum,      (lambda y, a, b: cast(a > b),               lambda y, a, b: cast(b >= a))),
    ("minimum",    np.minimum,      (lambda y, a, b: cast(a < b),               lambda y, a, b: cast(b <= a))),
    ("neg",        np.negative,     (lambda y, x: -1.0,)),
    ("exp",        np.exp,          (lambda y, x: y,)),
    ("expm1",      np.expm1,        (lambda y, x: y + 1.0,)),
    ("log",        np.log,          (lambda y, x: 1.0 / x,)),
    ("log1p",      np.log1p,        (lambda y, x: 1.0 / (1.0 + x),)),
    ("sqrt",       np.sqrt,         (lambda y, x: 0.5 / y,)),
    ("square",     np.square,       (lambda y, x: 2.0 * x,)),
    ("reciprocal", np.reciprocal,   (lambda y, x: -y * y,)),
    ("tanh",       np.tanh,         (lambda y, x: 1.0 - y * y,)),
    ("sin",        np.sin,          (lambda y, x: cos(x),)),
    ("cos",        np.cos,          (lambda y, x: -sin(x),)),
    ("erf",        evaluate_erf,    (lambda y, x: (2 / math.sqrt(math.pi)) * exp(-x * x),)),
    ("abs",        _evaluate_abs,   (lambda y, x: sign(x),)),
    ("sign",       _evaluate_sign,  (None,)),
]
# fmt: on


def _shape(name: str, inputs: Sequence[Tensor]) -> Shape:
    ranked = [t.shape for t in inputs if t.ndim]
    if not ranked:
        return ()
    if len({len(s) for s in ranked}) > 1:
        raise ShapeError(name, "operands of one rank", " and ".join(str(t.shape) for t in inputs))
    out = []
    for sizes in zip(*ranked, strict=True):
        long = {n for n in sizes if n != 1}
        if len(long) > 1:
            raise ShapeError(name, "shapes that broadcast", " and ".join(str(t.shape) for t in inputs))
        out.append(long.pop() if long else 1)
    return tuple(out)


def sum_to(g: Tensor, shape: Shape) -> Tensor:
    """Transpose of broadcasting: sum over the axes along which an operand was repeated."""
    if g.shape == shape:
        return g
    if not shape:
        return sum(g)
    axes = tuple(i for i, (n, m) in enumerate(zip(g.shape, shape, strict=True)) if n != m)
    return sum(g, axes, keepdims=True)


def _vjp(derivatives: tuple[Partial, ...]) -> Callable[..., Any]:
    def vjp(g: Tensor, y: Tensor, *xs: Tensor, **attributes: Any) -> list[Tensor | None]:
        out: list[Tensor | None] = []
        for x, d in zip(xs, derivatives, strict=True):
            out.append(None if d is None or x.kind != "float" else sum_to(g * d(y, *xs, **attributes), x.shape))
        return out

    return vjp


def _jvp(derivatives: tuple[Partial, ...]) -> Callable[..., Any]:
    def jvp(tangents: Sequence[Tensor | None], y: Tensor, *xs: Tensor, **attributes: Any) -> Tensor | None:
        out: Tensor | None = None
        for t, d in zip(tangents, derivatives, strict=True):
            if t is not None and d is not None:
                term = t * d(y, *xs, **attributes)
                out = term if out is None else out + term
        return None if out is None else broadcast_to(out, y.shape)

    return jvp


def replicate_elementwise(name: str) -> Callable[..., Tensor]:
    """Leading axis for an elementwise primitive: size one where an operand is shared, ones after it for scalars."""

    def rule(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, **attributes: Any) -> Tensor:
        from derivcheck.models.tensor import make

        rank = max(t.ndim - f for t, f in zip(inputs, flags, strict=True))
        out = []
        for t, replicated in zip(inputs, flags, strict=True):
            if replicated:
                out.append(reshape(t, (count,) + (1,) * (rank - t.ndim + 1) + t.shape[1:]))
            else:
                out.append(t if t.ndim == 0 else reshape(t, (1, *t.shape)))
        return make(name, *out, **attributes)

    return rule


def partials(name: str) -> tuple[Partial, ...]:
    """Partial derivatives of an elementwise primitive of the table."""
    return next(d for n, _, d in TABLE if n == name)


def register(
    name: str, value: Callable[..., Any], derivatives: tuple[Partial, ...] | None, kind: str | None = None
) -> None:
    """Enter an elementwise primitive into the table of all primitives."""

    def infer(*inputs: Tensor, **_: Any) -> tuple[Shape, str]:
        return _shape(name, inputs), kind or ("float" if any(t.kind == "float" for t in inputs) else inputs[-1].kind)

    PRIMITIVES[name] = Primitive(
        name=name,
        infer=infer,
        evaluate=value,
        vjp=None if derivatives is None else _vjp(derivatives),
        jvp=None if derivatives is None else _jvp(derivatives),
        replicate=replicate_elementwise(name),
        elementwise=True,
    )


for _name, _value, _derivatives in TABLE:
    register(_name, _value, _derivatives)


# --- comparisons: piecewise constant, no derivative ---------------------------------------------------------


def _real(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: f(np.real(a), np.real(b))


register("greater", _real(np.greater), None, "bool")
register("greater_equal", _real(np.greater_equal), None, "bool")
register("equal", _real(np.equal), None, "bool")


# --- primitives with attributes ------------------------------------------------------------------------------


def _power(x: Array, exponent: float) -> Any:
    return np.power(x, exponent)


def _power_partial(y: Tensor, x: Tensor, exponent: float) -> Any:
    # A polynomial's derivatives end; 0 · 0⁻¹ would be NaN.
    return exponent * x ** (exponent - 1.0) if exponent else 0.0


register("power", _power, (_power_partial,))

# where(c, a, b): the cotangent goes to the branch that was taken, and only there.
PRIMITIVES["where"] = Primitive(
    name="where",
    infer=lambda c, a, b: (_shape("where", (c, a, b)), a.kind),
    evaluate=lambda c, a, b: np.where(c, a, b),
    vjp=lambda g, y, c, a, b: [
        None,
        sum_to(where(c, g, 0.0), a.shape),
        sum_to(where(c, 0.0, g), b.shape),
    ],
    jvp=lambda t, y, c, a, b: broadcast_to(
        where(c, 0.0 if t[1] is None else t[1], 0.0 if t[2] is None else t[2]), y.shape
    ),
    replicate=replicate_elementwise("where"),
    elementwise=True,
)


def _cast(x: Array, kind: str) -> Any:
    if kind == "float":
        return x  # the evaluator and the emitter store it in the float type in force
    return np.asarray(x).real.astype(np.int64 if kind == "int" else np.bool_)


PRIMITIVES["cast"] = Primitive(
    name="cast",
    infer=lambda x, kind: (x.shape, kind),
    evaluate=_cast,
    vjp=lambda g, y, x, kind: [g if x.kind == kind == "float" else None],
    jvp=lambda t, y, x, kind: t[0] if kind == "float" else None,
    replicate=replicate_elementwise("cast"),
    elementwise=True,
)

PRIMITIVES["stop_gradient"] = Primitive(
    name="stop_gradient",
    infer=lambda x: (x.shape, x.kind),
    evaluate=lambda x: x,
    vjp=None,
    jvp=None,
    replicate=replicate_elementwise("stop_gradient"),
    elementwise=True,
)

PRIMITIVES["alias"] = Primitive(
    name="alias",
    infer=lambda x: (x.shape, x.kind),
    evaluate=lambda x: x,
    vjp=lambda g, y, x: [g],
    jvp=lambda t, y, x: t[0],
    replicate=replicate_elementwise("alias"),
    elementwise=True,
)


# --- scalar functions given as SymPy expressions -------------------------------------------------------------


def _scalar_value(*xs: Array, function: ScalarFunction) -> Any:
    return function.evaluate(*xs)


def _scalar_vjp(g: Tensor, y: Tensor, *xs: Tensor, function: ScalarFunction) -> list[Tensor]:
    return [sum_to(g * function.partial(i)(*xs), x.shape) for i, x in enumerate(xs)]


def _scalar_jvp(tangents: Sequence[Tensor | None], y: Tensor, *xs: Tensor, function: ScalarFunction) -> Tensor | None:
    terms = [t * function.partial(i)(*xs) for i, t in enumerate(tangents) if t is not None]
    out = terms[0]
    for term in terms[1:]:
        out = out + term
    return broadcast_to(out, y.shape)


PRIMITIVES["scalar"] = Primitive(
    name="scalar",
    infer=lambda *xs, function: (_shape(function.name, xs), "float"),
    evaluate=_scalar_value,
    vjp=_scalar_vjp,
    jvp=_scalar_jvp,
    replicate=replicate_elementwise("scalar"),
    elementwise=True,
)
