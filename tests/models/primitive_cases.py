"""Every primitive of the table: a case, and what it means to SymPy and to PyTorch.

:func:`symbols` and :func:`torch_values` walk a graph node by node with these meanings, so that a derivative rule can be
held against SymPy's derivative of the value and against PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from derivcheck.models import functional as F
from derivcheck.models.graph import Graph
from derivcheck.models.scalar import ScalarFunction
from derivcheck.models.tensor import PRIMITIVES, Tensor, constant, make

__all__ = ["CASES", "SYMBOLIC", "TORCH", "WITHOUT_DERIVATIVE", "arguments", "symbols", "torch_values"]

X = sympy.Symbol("x", real=True)
Y = sympy.Symbol("y", real=True)
SCALAR = ScalarFunction("mixed", (X, Y), sympy.exp(-X * Y) / (1 + sympy.exp(-X)) + sympy.sin(Y))

#: primitive → (function, shapes of its arguments, lowest argument value)
CASES: dict[str, tuple[Callable[..., Tensor], tuple[tuple[int, ...], ...], float]] = {
    "add": (lambda a, b: a + b, ((2, 3), (1, 3)), -2),
    "sub": (lambda a, b: a - b, ((2, 3), ()), -2),
    "mul": (lambda a, b: a * b, ((2, 3), (2, 1)), -2),
    "div": (lambda a, b: a / b, ((3,), (2, 3)), 0.5),
    "maximum": (F.maximum, ((2, 3), (2, 3)), -2),
    "minimum": (F.minimum, ((2, 3), (1, 3)), -2),
    "neg": (lambda x: -x, ((3,),), -2),
    "exp": (F.exp, ((2, 3),), -2),
    "expm1": (F.expm1, ((3,),), -2),
    "log": (F.log, ((3,),), 0.5),
    "log1p": (F.log1p, ((3,),), -0.5),
    "sqrt": (F.sqrt, ((3,),), 0.5),
    "square": (F.square, ((3,),), -2),
    "reciprocal": (lambda x: make("reciprocal", x), ((3,),), 0.5),
    "tanh": (F.tanh, ((3,),), -2),
    "sin": (F.sin, ((3,),), -2),
    "cos": (F.cos, ((3,),), -2),
    "erf": (F.erf, ((3,),), -2),
    "abs": (F.abs, ((3,),), -2),
    "power": (lambda x: x**2.5, ((3,),), 0.5),
    "where": (lambda a, b, c: F.where(a > 0.0, b, c), ((2, 3), (2, 3), (1, 3)), -2),
    "cast": (lambda x: x * F.cast(x > 0.0), ((3,),), -2),
    "alias": (lambda x: make("alias", x), ((3,),), -2),
    "scalar": (lambda a, b: SCALAR(a, b), ((2, 3), (2, 1)), -1),
    "sum": (lambda x: F.sum(x, (0, 2)), ((2, 3, 2),), -2),
    "broadcast_to": (lambda x: F.broadcast_to(x, (4, 2, 3)), ((2, 1),), -2),
    "reshape": (lambda x: F.reshape(x, (3, 2)), ((2, 3),), -2),
    "transpose": (lambda x: F.transpose(x, (2, 0, 1)), ((2, 3, 2),), -2),
    "flip": (lambda x: F.flip(x, 1), ((2, 3),), -2),
    "slice": (lambda x: x[1:, ::2], ((3, 5),), -2),
    "embed": (lambda x: F.pad(x, ((1, 0), (0, 2))), ((2, 2),), -2),
    "windows": (lambda x: F.windows(x, (1, 2), (2, 3), (2, 1), (1, 2)), ((2, 5, 6),), -2),
    "fold": (lambda x: F.fold(x, (2, 5), (1,), (3,), (1,), (2,)), ((3, 2, 1),), -2),
    "matmul": (lambda a, b: a @ b, ((2, 3, 2), (1, 2, 3)), -2),
    "concatenate": (lambda a, b: F.concatenate([a, b, a], 1), ((2, 1), (2, 3)), -2),
    "max": (lambda x: F.max(x, 1), ((3, 4),), -2),
    "softmax": (lambda x: F.softmax(x, 0), ((3, 2),), -2),
    "log_softmax": (lambda x: F.log_softmax(x), ((2, 3),), -2),
    "take": (lambda x: F.take(x, np.array([[0, 2], [2, 1]]), 1), ((2, 3),), -2),
    "scatter_add": (
        lambda x: make("scatter_add", x, F.cast(constant(np.array([0, 2, 0])), "int"), shape=(2, 3), axis=1),
        ((2, 3),),
        -2,
    ),
    # What is constant near a point in general position: the derivative passes by it.
    "sign": (lambda x: F.sign(x) * x, ((3,),), -2),
    "greater": (lambda a, b: F.cast(a > b) * a * b, ((2, 3), (1, 3)), -2),
    "greater_equal": (lambda a, b: F.cast(a >= b) * a * b, ((2, 3), (1, 3)), -2),
    "equal": (lambda a, b: F.cast(F.binary("equal", a, b)) * a + F.sin(b), ((2, 3), (1, 3)), -2),
    "count": (lambda x: make("count", x > 0.0, axes=(0,)) * F.sum(F.square(x), 0), ((3, 2),), -2),
    "argmax": (lambda x: F.square(F.take(x, F.argmax(x, 1), 1)), ((2, 3),), -2),
    "one_hot": (lambda x: F.one_hot(F.argmax(x), 3) * x * x, ((2, 3),), -2),
}

#: ``stop_gradient`` has derivative zero by decree, ``random`` is a function of no number, ``correlate`` is made by a
#: pass only, when nothing is differentiated any more: all have tests of their own.
WITHOUT_DERIVATIVE = {"stop_gradient", "random", "correlate"}


def arguments(name: str, seed: int) -> list[Any]:
    """Arguments of a case, inside its domain."""
    rng = np.random.default_rng((seed, *name.encode()))
    low = CASES[name][2]
    return [rng.uniform(low, low + 3.0, s) for s in CASES[name][1]]


# --- SymPy ------------------------------------------------------------------------------------------------------


def _entrywise(function: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*xs: Any, **attributes: Any) -> Any:
        return np.frompyfunc(lambda *entries: function(*entries, **attributes), len(xs), 1)(*xs)

    return applied


def _largest(x: Any, axes: tuple[int, ...]) -> Any:
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[a] for a in kept), -1)
    return _rows(rows, lambda row: sympy.Max(*row))


def _rows(x: Any, function: Callable[[Any], Any]) -> Any:
    """A function of every row along the last axis."""
    out = np.empty(x.shape[:-1], object)
    for place in np.ndindex(*out.shape):
        out[place] = function(x[place])
    return out


def _exponentials(x: Any, axis: int) -> tuple[Any, Any]:
    e = _entrywise(sympy.exp)(x)
    return e, np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: int) -> Any:
    _, total = _exponentials(x, axis)
    return x - _entrywise(sympy.log)(total)


def _softmax(x: Any, axis: int) -> Any:
    e, total = _exponentials(x, axis)
    return e / total


def _scalar(*entries: Any, function: ScalarFunction) -> Any:
    return function.expression.xreplace(dict(zip(function.arguments, entries, strict=True)))


def _as_listed(name: str) -> Callable[..., Any]:
    """NumPy's value: it moves, adds and multiplies symbols as it does numbers."""
    return PRIMITIVES[name].evaluate


#: Value of every primitive on arrays of SymPy expressions. What is no float is a number: it is constant nearby.
SYMBOLIC: dict[str, Callable[..., Any]] = {
    "add": _entrywise(lambda a, b: a + b),
    "sub": _entrywise(lambda a, b: a - b),
    "mul": _entrywise(lambda a, b: a * b),
    "div": _entrywise(lambda a, b: a / b),
    "maximum": _entrywise(sympy.Max),
    "minimum": _entrywise(sympy.Min),
    "neg": _entrywise(lambda x: -x),
    "exp": _entrywise(sympy.exp),
    "expm1": _entrywise(lambda x: sympy.exp(x) - 1),
    "log": _entrywise(sympy.log),
    "log1p": _entrywise(lambda x: sympy.log(1 + x)),
    "sqrt": _entrywise(sympy.sqrt),
    "square": _entrywise(lambda x: x**2),
    "reciprocal": _entrywise(lambda x: 1 / x),
    "tanh": _entrywise(sympy.tanh),
    "sin": _entrywise(sympy.sin),
    "cos": _entrywise(sympy.cos),
    "erf": _entrywise(sympy.erf),
    "abs": _entrywise(sympy.Abs),
    "sign": _entrywise(sympy.sign),
    "power": _entrywise(lambda x, exponent: x ** sympy.nsimplify(exponent)),
    "where": _entrywise(lambda c, a, b: a if c else b),
    "cast": lambda x, kind: x if x.dtype == object else x.astype(float),
    "alias": lambda x: x,
    "scalar": _entrywise(_scalar),
    "max": _largest,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
} | {
    name: _as_listed(name)
    for name in (
        "sum", "broadcast_to", "reshape", "transpose", "flip", "slice", "embed", "windows", "fold", "matmul",
        "concatenate", "take", "scatter_add", "one_hot", "greater", "greater_equal", "equal", "argmax", "count",
    )
}  # fmt: skip


def symbols(graph: Graph, point: Sequence[Any]) -> tuple[list[Any], Any]:
    """The inputs as arrays of symbols, and the (only) output as an array of expressions in them."""
    numbers = graph.values(point)
    value: dict[Tensor, Any] = {}
    inputs = []
    for i, t in enumerate(graph.inputs):
        names = [sympy.Symbol(f"x{i}_{k}", real=True) for k in range(t.size)]
        inputs.append(np.array(names, object).reshape(t.shape))
        value[t] = inputs[-1]
    for t in graph.nodes:
        if t in value:
            continue
        if t.kind != "float" or t.primitive == "constant":
            value[t] = numbers[t]
        else:
            value[t] = np.asarray(SYMBOLIC[t.primitive](*(value[x] for x in t.inputs), **t.attributes), object)
    return inputs, value[graph.outputs[0]]


# --- PyTorch ----------------------------------------------------------------------------------------------------


def _slices(slices: Sequence[tuple[int, int, int]]) -> tuple[slice, ...]:
    return tuple(slice(a, a + (n - 1) * s + 1 if n else a, s) for a, n, s in slices)


def _embed(t: Any, x: Any, shape: Any, slices: Any) -> Any:
    out = t.zeros(shape, dtype=x.dtype)
    out[_slices(slices)] = x
    return out


def _windows(t: Any, x: Any, axes: Any, sizes: Any, strides: Any, dilations: Any) -> Any:
    for a, k, s, d in zip(axes, sizes, strides, dilations, strict=True):
        x = x.unfold(a, d * (k - 1) + 1, s)[..., ::d]
    outer = x.ndim - len(axes)
    return x.permute(*range(outer, x.ndim), *range(outer))


def _fold(t: Any, x: Any, shape: Any, **attributes: Any) -> Any:
    # PyTorch's transpose of its own windows.
    z = t.zeros(shape, dtype=x.dtype, requires_grad=True)
    return t.autograd.grad(_windows(t, z, **attributes), z, x, create_graph=True)[0]


def _take(t: Any, x: Any, i: Any, axis: int) -> Any:
    return x.index_select(axis, i.reshape(-1)).reshape(*x.shape[:axis], *i.shape, *x.shape[axis + 1 :])


def _scatter_add(t: Any, g: Any, i: Any, shape: Any, axis: int) -> Any:
    rows = g.reshape(*shape[:axis], -1, *shape[axis + 1 :])
    return t.zeros(shape, dtype=g.dtype).index_add(axis, i.reshape(-1), rows)


#: Value of every primitive in PyTorch, given the module ``torch``.
TORCH: dict[str, Callable[..., Any]] = {
    "add": lambda t, a, b: a + b,
    "sub": lambda t, a, b: a - b,
    "mul": lambda t, a, b: a * b,
    "div": lambda t, a, b: a / b,
    "power": lambda t, x, exponent: x**exponent,
    "where": lambda t, c, a, b: t.where(c, a, b),
    "cast": lambda t, x, kind: x.to({"float": t.float64, "int": t.int64, "bool": t.bool}[kind]),
    "alias": lambda t, x: x,
    "scalar": lambda t, *xs, function: sympy.lambdify(function.arguments, function.expression, [t])(*xs),
    "sum": lambda t, x, axes: x.sum(axes),
    "count": lambda t, x, axes: x.to(t.float64).sum(axes),
    "broadcast_to": lambda t, x, shape: x.broadcast_to(shape),
    "reshape": lambda t, x, shape: x.reshape(shape),
    "transpose": lambda t, x, axes: x.permute(axes),
    "flip": lambda t, x, axes: x.flip(axes),
    "slice": lambda t, x, slices: x[_slices(slices)],
    "embed": _embed,
    "windows": _windows,
    "fold": _fold,
    "matmul": lambda t, a, b: a @ b,
    "concatenate": lambda t, *parts, axis: t.cat(parts, axis),
    "max": lambda t, x, axes: x.amax(axes),
    "softmax": lambda t, x, axis: x.softmax(axis),
    "log_softmax": lambda t, x, axis: x.log_softmax(axis),
    "take": _take,
    "scatter_add": _scatter_add,
    "one_hot": lambda t, i, count: t.nn.functional.one_hot(i, count).to(t.float64),
    "argmax": lambda t, x, axis: x.argmax(axis),
    "greater": lambda t, a, b: a > b,
    "greater_equal": lambda t, a, b: a >= b,
    "equal": lambda t, a, b: a == b,
    "stop_gradient": lambda t, x: x.detach(),
} | {
    name: lambda t, *xs, name=name: getattr(t, name)(*xs)  # PyTorch's name is the same
    for name in (
        "maximum", "minimum", "neg", "exp", "expm1", "log", "log1p", "sqrt", "square", "reciprocal", "tanh", "sin",
        "cos", "erf", "abs", "sign",
    )
}  # fmt: skip


def torch_values(graph: Graph, point: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The inputs as tensors that take a gradient, and the outputs."""
    import torch

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
    value = dict(zip(graph.inputs, inputs, strict=True))
    kinds = {"float": torch.float64, "int": torch.int64, "bool": torch.bool}
    for t in graph.nodes:
        if t.primitive == "constant":
            value[t] = torch.tensor(t.attributes["value"], dtype=kinds[t.kind])
        elif t not in value:
            value[t] = TORCH[t.primitive](torch, *(value[x] for x in t.inputs), **t.attributes)
    return inputs, [value[t] for t in graph.outputs]
