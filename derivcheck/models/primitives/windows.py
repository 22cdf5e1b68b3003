"""Sliding windows, and their transpose: overlapping windows added up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import transpose
from derivcheck.models.primitives.axes import following
from derivcheck.models.primitives.linear import linear
from derivcheck.models.tensor import Array, Shape, Tensor, make

__all__ = ["evaluate_windows", "fold_places"]


def _window_count(n: int, size: int, stride: int, dilation: int) -> int:
    return (n - dilation * (size - 1) - 1) // stride + 1


def _windows_shape(x: Tensor, axes: tuple[int, ...], sizes: Shape, strides: Shape, dilations: Shape) -> Shape:
    out = list(x.shape)
    if min(*sizes, *strides, *dilations) < 1:
        raise ShapeError("windows", "sizes, strides and dilations of at least 1", f"{sizes}, {strides}, {dilations}")
    for a, k, s, d in zip(axes, sizes, strides, dilations, strict=True):
        out[a] = _window_count(x.shape[a], k, s, d)
        if out[a] < 1:
            raise ShapeError("windows", f"at least {d * (k - 1) + 1} entries along axis {a}", x.shape)
    return (*sizes, *out)


def evaluate_windows(x: Array, axes: tuple[int, ...], sizes: Shape, strides: Shape, dilations: Shape) -> Array:
    """A view of the sliding windows (nothing is copied)."""
    shape, step = list(x.shape), list(x.strides)
    for a, k, s, d in zip(axes, sizes, strides, dilations, strict=True):
        shape[a] = _window_count(x.shape[a], k, s, d)
        step[a] = x.strides[a] * s
    inner = tuple(x.strides[a] * d for a, d in zip(axes, dilations, strict=True))
    return np.lib.stride_tricks.as_strided(x, (*sizes, *shape), (*inner, *step), writeable=False)


def fold_places(
    shape: Shape, outer: Shape, axes: tuple[int, ...], sizes: Shape, strides: Shape, dilations: Shape
) -> Iterator[tuple[tuple[slice, ...], tuple[Any, ...]]]:
    """For every place inside the window: where it is added in the result, and what is added."""
    for place in itertools.product(*(range(k) for k in sizes)):
        target = [slice(None)] * len(shape)
        for a, p, s, d in zip(axes, place, strides, dilations, strict=True):
            target[a] = slice(p * d, p * d + (outer[a] - 1) * s + 1, s)
        yield tuple(target), place


def _fold(x: Array, shape: Shape, axes: tuple[int, ...], sizes: Shape, strides: Shape, dilations: Shape) -> Array:
    out = np.zeros(shape, x.dtype)
    for target, source in fold_places(shape, x.shape[len(sizes) :], axes, sizes, strides, dilations):
        out[target] += x[source]
    return out


def _replicate_windows(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, **a: Any) -> Tensor:
    axes = following(a.pop("axes"))
    out = make("windows", inputs[0], axes=axes, **a)
    k = len(axes)
    return transpose(out, (k, *range(k), *range(k + 1, out.ndim)))


def _replicate_fold(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, **a: Any) -> Tensor:
    axes = following(a.pop("axes"))
    k = len(axes)
    moved = transpose(inputs[0], (*range(1, k + 1), 0, *range(k + 1, inputs[0].ndim)))
    return make("fold", moved, shape=(count, *a.pop("shape")), axes=axes, **a)


linear(
    "windows",
    _windows_shape,
    evaluate_windows,
    lambda g, x, **a: make("fold", g, shape=x.shape, **a),
    _replicate_windows,
)
linear(
    "fold",
    lambda x, shape, **a: shape,
    _fold,
    lambda g, x, shape, **a: make("windows", g, **a),
    _replicate_fold,
)
