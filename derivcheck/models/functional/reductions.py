"""Sums, means and largest entries along axes; matrix products; softmax."""

from __future__ import annotations

import math
from typing import Any

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional.axes import Axis, numbered_axes, numbered_axis
from derivcheck.models.functional.elementwise import align, cast, exp, log, square, stop_gradient
from derivcheck.models.functional.shapes import reshape
from derivcheck.models.tensor import Tensor, as_tensor, make

__all__ = [
    "argmax",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "mean",
    "min",
    "softmax",
    "sum",
    "variance",
]


def _reduce(name: str, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    t = cast(x)
    axes = numbered_axes(t, axis)
    if not axes:
        return t
    out = make(name, t, axes=axes)
    return reshape(out, tuple(1 if i in axes else n for i, n in enumerate(t.shape))) if keepdims else out


def _count(where: str, t: Tensor, axis: Axis, least: int = 1) -> int:
    """How many entries are reduced to one."""
    count = math.prod(t.shape[a] for a in numbered_axes(t, axis))
    if count < least:
        raise ShapeError(where, f"at least {least} {'entry' if least == 1 else 'entries'}", t.shape)
    return count


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum over axes."""
    return _reduce("sum", x, axis, keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over axes."""
    t = as_tensor(x)
    return sum(t, axis, keepdims) * (1.0 / _count("mean", t, axis))


def variance(x: Any, axis: Axis = None, keepdims: bool = False, unbiased: bool = False) -> Tensor:
    """Mean squared deviation; divided by ``n - 1`` if unbiased."""
    t = as_tensor(x)
    count = _count("variance", t, axis, least=2 if unbiased else 1)
    deviation = t - mean(t, axis, keepdims=True)
    return sum(square(deviation), axis, keepdims) * (1.0 / (count - 1 if unbiased else count))


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest entry over axes; equal ones share the derivative."""
    _count("max", as_tensor(x), axis)
    return _reduce("max", x, axis, keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest entry over axes; equal ones share the derivative."""
    return -max(-as_tensor(x), axis, keepdims)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Place of the (first) largest entry along an axis."""
    t = as_tensor(x)
    at = numbered_axis("argmax", axis, t.ndim)
    _count("argmax", t, at)
    return make("argmax", t, axis=at)


def matmul(a: Any, b: Any) -> Tensor:
    """Matrix product over the last two axes, leading axes broadcast; vectors as in NumPy."""
    x, y = cast(a), cast(b)
    if not x.ndim or not y.ndim:
        raise ShapeError("matmul", "vectors, matrices or stacks of them (a number multiplies with *)", "a scalar")
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
    at = numbered_axis("logsumexp", axis, t.ndim)
    return out if keepdims else reshape(out, t.shape[:at] + t.shape[at + 1 :])


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """``x - log Σ exp x`` along an axis."""
    t = cast(x)
    return make("log_softmax", t, axis=numbered_axis("log_softmax", axis, t.ndim))


def softmax(x: Any, axis: int = -1) -> Tensor:
    """``exp x / Σ exp x`` along an axis."""
    t = cast(x)
    return make("softmax", t, axis=numbered_axis("softmax", axis, t.ndim))
