"""What moves, repeats, joins and picks entries."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional.axes import numbered_axes, numbered_axis
from derivcheck.models.tensor import Shape, Tensor, as_tensor, constant, make

__all__ = [
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "flip",
    "fold",
    "index",
    "one_hot",
    "ones",
    "pad",
    "reshape",
    "stack",
    "take",
    "transpose",
    "windows",
    "zeros",
]


def reshape(x: Any, shape: Sequence[int] | int) -> Tensor:
    """Entries in C order under another shape; one size may be -1."""
    t = as_tensor(x)
    wanted = [shape] if isinstance(shape, int) else list(shape)
    if min((0, *wanted)) < -1 or wanted.count(-1) > 1:
        raise ShapeError("reshape", "sizes of which one may be -1", tuple(wanted))
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
    at = numbered_axis("expand_dims", axis, t.ndim + 1)
    return reshape(t, (*t.shape[:at], 1, *t.shape[at:]))


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """Axes in another order; reversed if none is given."""
    t = as_tensor(x)
    order = (
        tuple(reversed(range(t.ndim))) if axes is None else tuple(numbered_axis("transpose", a, t.ndim) for a in axes)
    )
    if sorted(order) != list(range(t.ndim)):
        raise ShapeError("transpose", f"an order of {t.ndim} axes", f"axes {order}")
    return t if order == tuple(range(t.ndim)) else make("transpose", t, axes=order)


def broadcast_to(x: Any, shape: Shape) -> Tensor:
    """Repeat along axes of size one (and new leading ones)."""
    t = as_tensor(x)
    if min((0, *shape)) < 0:
        raise ShapeError("broadcast_to", "sizes of at least 0", tuple(shape))
    if t.shape == tuple(shape):
        return t
    if t.ndim < len(shape):
        t = reshape(t, (1,) * (len(shape) - t.ndim) + t.shape)
    return t if t.shape == tuple(shape) else make("broadcast_to", t, shape=tuple(shape))


def concatenate(parts: Sequence[Any], axis: int = 0) -> Tensor:
    """Join along an axis."""
    tensors = _some("concatenate", parts)
    if len(tensors) == 1:
        return tensors[0]
    return make("concatenate", *tensors, axis=numbered_axis("concatenate", axis, tensors[0].ndim))


def _some(where: str, parts: Sequence[Any]) -> list[Tensor]:
    if not len(parts):
        raise ShapeError(where, "at least one part", "none")
    return [as_tensor(p) for p in parts]


def stack(parts: Sequence[Any], axis: int = 0) -> Tensor:
    """Join along a new axis."""
    tensors = _some("stack", parts)
    at = numbered_axis("stack", axis, tensors[0].ndim + 1)
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
            if not isinstance(k, Integral) or isinstance(k, bool):
                raise ShapeError("indexing", "integers, slices, None and ..., or one array of integers", f"{k!r}")
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
    if len(widths) != t.ndim or min((0, *(n for w in widths for n in w))) < 0:
        raise ShapeError("pad", f"{t.ndim} pairs of widths of at least 0", f"{list(widths)}")
    if all(tuple(w) == (0, 0) for w in widths):
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
    return make("flip", t, axes=numbered_axes(t, axes))


def take(x: Any, indices: Any, axis: int = 0) -> Tensor:
    """Rows (or columns, …) by number: ``x[indices]`` along an axis."""
    t = as_tensor(x)
    return make("take", t, _integers("take", indices), axis=numbered_axis("take", axis, t.ndim))


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
    places = tuple(numbered_axis("windows", a, t.ndim) for a in axes)
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
