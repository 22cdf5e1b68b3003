"""What one writes networks with: functions of tensors, in terms of the primitives.

Everything here accepts tensors, arrays and numbers; shapes broadcast as in NumPy.
"""

from __future__ import annotations

import builtins
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.tensor import Shape, Tensor, as_tensor, constant, make

__all__ = [
    "abs",
    "argmax",
    "binary",
    "broadcast_to",
    "cast",
    "concatenate",
    "cos",
    "erf",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "fold",
    "index",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "normal",
    "one_hot",
    "ones",
    "pad",
    "power",
    "reshape",
    "sign",
    "sin",
    "softmax",
    "sqrt",
    "square",
    "stack",
    "stop_gradient",
    "sum",
    "take",
    "tanh",
    "transpose",
    "uniform",
    "variance",
    "where",
    "windows",
    "zeros",
]

Axis = int | tuple[int, ...] | None


# --- elementwise -----------------------------------------------------------------------------------------


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
    t = as_tensor(x)
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
    c, x, y = align(condition, a, b)
    if x.kind != y.kind:
        x, y = cast(x), cast(y)
    return make("where", cast(c, "bool"), x, y)


def stop_gradient(x: Any) -> Tensor:
    """The same value, with derivative zero."""
    return make("stop_gradient", as_tensor(x))


# --- shapes ----------------------------------------------------------------------------------------------


def reshape(x: Any, shape: Sequence[int] | int) -> Tensor:
    """Entries in C order under another shape; one size may be -1."""
    t = as_tensor(x)
    wanted = [shape] if isinstance(shape, int) else list(shape)
    if -1 in wanted:
        known = math.prod(n for n in wanted if n != -1)
        if known == 0 or t.size % known:
            raise ShapeError("reshape", f"a size that divides {t.size}", tuple(wanted))
        wanted[wanted.index(-1)] = t.size // known
    target = tuple(int(n) for n in wanted)
    return t if target == t.shape else make("reshape", t, shape=target)


def expand_dims(x: Any, axis: int) -> Tensor:
    """Insert an axis of size one."""
    t = as_tensor(x)
    at = _axis("expand_dims", axis, t.ndim + 1)
    return reshape(t, (*t.shape[:at], 1, *t.shape[at:]))


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """Axes in another order; reversed if none is given."""
    t = as_tensor(x)
    order = tuple(reversed(range(t.ndim))) if axes is None else tuple(_axis("transpose", a, t.ndim) for a in axes)
    if sorted(order) != list(range(t.ndim)):
        raise ShapeError("transpose", f"an order of {t.ndim} axes", f"axes {order}")
    return t if order == tuple(range(t.ndim)) else make("transpose", t, axes=order)


def broadcast_to(x: Any, shape: Shape) -> Tensor:
    """Repeat along axes of size one (and new leading ones)."""
    t = as_tensor(x)
    if t.shape == tuple(shape):
        return t
    if t.ndim < len(shape):
        t = reshape(t, (1,) * (len(shape) - t.ndim) + t.shape)
    return t if t.shape == tuple(shape) else make("broadcast_to", t, shape=tuple(shape))


def concatenate(parts: Sequence[Any], axis: int = 0) -> Tensor:
    """Join along an axis."""
    tensors = [as_tensor(p) for p in parts]
    if len(tensors) == 1:
        return tensors[0]
    return make("concatenate", *tensors, axis=_axis("concatenate", axis, tensors[0].ndim))


def stack(parts: Sequence[Any], axis: int = 0) -> Tensor:
    """Join along a new axis."""
    tensors = [as_tensor(p) for p in parts]
    at = _axis("stack", axis, tensors[0].ndim + 1)
    return concatenate([expand_dims(t, at) for t in tensors], at)


def index(x: Any, key: Any) -> Tensor:
    """Basic indexing: integers, slices, ``None`` and ``...``; a tensor of integers takes rows."""
    t = as_tensor(x)
    if isinstance(key, (Tensor, np.ndarray, list)):
        return take(t, key, 0)
    keys = list(key) if isinstance(key, tuple) else [key]
    given = builtins.sum(k is not None and k is not Ellipsis for k in keys)
    if Ellipsis not in keys:
        keys.append(Ellipsis)
    at = keys.index(Ellipsis)
    keys[at : at + 1] = [slice(None)] * (t.ndim - given)
    if given > t.ndim:
        raise ShapeError("indexing", f"at most {t.ndim} indices", f"{given}")
    slices: list[tuple[int, int, int]] = []
    final: list[int] = []
    axis = 0
    for k in keys:
        if k is None:
            final.append(1)
            continue
        size = t.shape[axis]
        axis += 1
        if isinstance(k, slice):
            start, stop, step = k.indices(size)
            if step < 0:
                raise ShapeError("indexing", "a positive step (use flip)", f"{step}")
            count = len(range(start, stop, step))
            slices.append((start, count, step))
            final.append(count)
        else:
            i = int(k)
            if not -size <= i < size:
                raise IndexError(f"index {i} is out of bounds for an axis of size {size}")
            slices.append((i % size, 1, 1))
    whole = all(s == (0, n, 1) for s, n in zip(slices, t.shape, strict=True))
    picked = t if whole else make("slice", t, slices=tuple(slices))
    return reshape(picked, tuple(final))


def pad(x: Any, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """Add entries before and after each axis."""
    t = as_tensor(x)
    if all(w == (0, 0) for w in widths):
        return t
    shape = tuple(n + a + b for n, (a, b) in zip(t.shape, widths, strict=True))
    slices = tuple((a, n, 1) for n, (a, _) in zip(t.shape, widths, strict=True))
    out = make("embed", t, shape=shape, slices=slices)
    if value == 0.0:
        return out
    border = np.full(shape, value)
    border[tuple(slice(a, a + n) for a, n, _ in slices)] = 0.0
    return out + constant(border)


def flip(x: Any, axes: int | tuple[int, ...]) -> Tensor:
    """Entries in reverse order along axes."""
    t = as_tensor(x)
    return make("flip", t, axes=_axes(t, axes))


def take(x: Any, indices: Any, axis: int = 0) -> Tensor:
    """Rows (or columns, …) by number: ``x[indices]`` along an axis."""
    t = as_tensor(x)
    return make("take", t, _integers("take", indices), axis=_axis("take", axis, t.ndim))


def one_hot(indices: Any, count: int) -> Tensor:
    """Indicator vectors along a new last axis."""
    return make("one_hot", _integers("one_hot", indices), count=count)


def _integers(where: str, indices: Any) -> Tensor:
    # Rounding, or taking a mask for numbers, would be a silent mistake.
    t = indices
    if not isinstance(t, Tensor):
        array = np.asarray(indices)
        t = constant(array.astype(np.int64) if array.dtype.kind in "iu" or not array.size else array)
    if t.kind != "int":
        raise ShapeError(where, "integers", f"a {t.kind} tensor")
    return t


def windows(
    x: Any, axes: Sequence[int], sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Tensor:
    """Sliding windows: each axis becomes the window's place; the places inside it are new leading axes."""
    t = as_tensor(x)
    places = tuple(_axis("windows", a, t.ndim) for a in axes)
    return make("windows", t, axes=places, sizes=tuple(sizes), strides=tuple(strides), dilations=tuple(dilations))


def fold(
    x: Any, shape: Shape, axes: Sequence[int], sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Tensor:
    """The transpose of :func:`windows`: overlapping windows are added up."""
    t = as_tensor(x)
    return make(
        "fold", t, shape=tuple(shape), axes=tuple(axes), sizes=tuple(sizes), strides=tuple(strides),
        dilations=tuple(dilations),
    )  # fmt: skip


def zeros(shape: Shape) -> Tensor:
    """All zeros."""
    return broadcast_to(0.0, shape)


def ones(shape: Shape) -> Tensor:
    """All ones."""
    return broadcast_to(1.0, shape)


# --- reductions ------------------------------------------------------------------------------------------


def _axes(t: Tensor, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(t.ndim))
    given = (axis,) if isinstance(axis, int) else axis
    found = {_axis("reduction", a, t.ndim) for a in given}
    if len(found) < len(given):
        raise ShapeError("reduction", "every axis once", f"axes {given}")
    return tuple(sorted(found))


def _axis(where: str, axis: int, rank: int) -> int:
    """The number of an axis, which may be given from behind."""
    if not -rank <= axis < rank:
        raise ShapeError(where, f"an axis between {-rank} and {rank - 1}" if rank else "no axis", f"axis {axis}")
    return axis % rank


def _reduce(name: str, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    t = cast(x)
    axes = _axes(t, axis)
    if not axes:
        return t
    out = make(name, t, axes=axes)
    return reshape(out, tuple(1 if i in axes else n for i, n in enumerate(t.shape))) if keepdims else out


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum over axes."""
    return _reduce("sum", x, axis, keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over axes."""
    t = as_tensor(x)
    count = math.prod(t.shape[a] for a in _axes(t, axis))
    return sum(t, axis, keepdims) * (1.0 / count)


def variance(x: Any, axis: Axis = None, keepdims: bool = False, unbiased: bool = False) -> Tensor:
    """Mean squared deviation; divided by ``n - 1`` if unbiased."""
    t = as_tensor(x)
    count = math.prod(t.shape[a] for a in _axes(t, axis))
    deviation = t - mean(t, axis, keepdims=True)
    return sum(square(deviation), axis, keepdims) * (1.0 / (count - 1 if unbiased else count))


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest entry over axes; equal ones share the derivative."""
    return _reduce("max", x, axis, keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest entry over axes; equal ones share the derivative."""
    return -max(-as_tensor(x), axis, keepdims)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Place of the (first) largest entry along an axis."""
    t = as_tensor(x)
    return make("argmax", t, axis=_axis("argmax", axis, t.ndim))


def matmul(a: Any, b: Any) -> Tensor:
    """Matrix product over the last two axes, leading axes broadcast; vectors as in NumPy."""
    x, y = cast(a), cast(b)
    if x.ndim == 1 and y.ndim == 1:
        return sum(x * y)
    if x.ndim == 1:
        out = matmul(reshape(x, (1, -1)), y)
        return reshape(out, (*out.shape[:-2], out.shape[-1]))
    if y.ndim == 1:
        out = matmul(x, reshape(y, (-1, 1)))
        return reshape(out, out.shape[:-1])
    if x.shape[-1] != y.shape[-2]:
        raise ShapeError("matmul", f"inner sizes that agree, (…, n, {x.shape[-1]}) @ (…, {x.shape[-1]}, m)", y.shape)
    if x.ndim > 2 and y.ndim == 2:  # one GEMM instead of many
        out = make("matmul", reshape(x, (-1, x.shape[-1])), y)
        return reshape(out, (*x.shape[:-1], y.shape[-1]))
    x, y = align(x, y)
    return make("matmul", x, y)


def logsumexp(x: Any, axis: int = -1, keepdims: bool = False) -> Tensor:
    """``log Σ exp x`` along an axis, shifted by the largest entry so that nothing overflows."""
    t = cast(x)
    shift = stop_gradient(max(t, axis, keepdims=True))
    out = log(sum(exp(t - shift), axis, keepdims=True)) + shift
    at = _axis("logsumexp", axis, t.ndim)
    return out if keepdims else reshape(out, t.shape[:at] + t.shape[at + 1 :])


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """``x - log Σ exp x`` along an axis."""
    t = cast(x)
    return make("log_softmax", t, axis=_axis("log_softmax", axis, t.ndim))


def softmax(x: Any, axis: int = -1) -> Tensor:
    """``exp x / Σ exp x`` along an axis."""
    t = cast(x)
    return make("softmax", t, axis=_axis("softmax", axis, t.ndim))


# --- random numbers --------------------------------------------------------------------------------------


def normal(generator: Any, shape: Shape) -> Tensor:
    """Independent standard normal variates from a stream (a ``numpy.random.Generator`` argument)."""
    return make("random", generator, shape=tuple(shape), law="normal", draw=_draws(generator))


def uniform(generator: Any, shape: Shape) -> Tensor:
    """Independent variates uniform on [0, 1)."""
    return make("random", generator, shape=tuple(shape), law="uniform", draw=_draws(generator))


_draw_numbers = itertools.count()


def _draws(generator: Any) -> int:
    # Two draws of one shape are different numbers: each carries its own number, so that they never merge.
    if not isinstance(generator, Tensor) or generator.kind != "generator":
        raise TypeError("random numbers need a numpy.random.Generator passed as an argument of the compiled function")
    return next(_draw_numbers)
