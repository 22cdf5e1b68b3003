"""Rows by number: reading them, adding to them, and indicator vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import reshape, transpose, where
from derivcheck.models.primitives.axes import following, without
from derivcheck.models.primitives.joins import repeated
from derivcheck.models.tensor import PRIMITIVES, Array, Primitive, Shape, Tensor, make

__all__ = ["write_one_hot"]


def _take_shape(x: Tensor, indices: Tensor, axis: int) -> tuple[Shape, str]:
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.kind


def _in_stack(indices: Tensor, size: int, count: int) -> Tensor:
    """Numbers of rows in a stack of tables, one table a replica; what is out of range there is so in the stack too."""
    first, zero = np.arange(count, dtype=np.int64) * size, np.int64(0)
    offsets = first.reshape((count,) + (1,) * (indices.ndim - 1))
    counted = where(indices < zero, indices + np.int64(size), indices)  # from behind
    outside = np.int64(count * size)
    placed = where(counted < np.int64(size), counted + offsets, outside)
    return where(counted < zero, outside, placed)


def _replicate_take(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, axis: int) -> Tensor:
    (x, i), (x_replicated, i_replicated) = inputs, flags
    if not i_replicated:
        return make("take", x, i, axis=axis + 1)
    order = (axis, *(a for a in range(x.ndim - x_replicated) if a != axis))
    if x_replicated:  # one table after the other, each replica's numbers moved to its own
        rows = transpose(x, (0, *following(order)))
        table = reshape(rows, (-1, *rows.shape[2:]))
        i = _in_stack(i, rows.shape[1], count)
    else:
        table = transpose(x, order)
    out = make("take", table, i, axis=0)  # (count, *i, *rest), the rest in the order of x without axis
    before = tuple(range(i.ndim, i.ndim + axis))
    return transpose(out, (0, *before, *range(1, i.ndim), *range(i.ndim + axis, out.ndim)))


PRIMITIVES["take"] = Primitive(
    name="take",
    infer=_take_shape,
    evaluate=lambda x, indices, axis: np.take(x, indices, axis),
    vjp=lambda g, y, x, indices, axis: [make("scatter_add", g, indices, shape=x.shape, axis=axis), None],
    jvp=lambda t, y, x, indices, axis: None if t[0] is None else make("take", t[0], indices, axis=axis),
    replicate=_replicate_take,
)


def _scatter_add(g: Array, indices: Array, shape: Shape, axis: int) -> Array:
    out = np.zeros(shape, g.dtype)
    rows = np.moveaxis(g, range(axis, axis + indices.ndim), range(indices.ndim))
    np.add.at(np.moveaxis(out, axis, 0), indices, rows)
    return out


def _replicate_scatter(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, shape: Shape, axis: int) -> Tensor:
    (g, i), (_, i_replicated) = inputs, flags
    g = repeated(g, flags[0], count)
    if not i_replicated:
        return make("scatter_add", g, i, shape=(count, *shape), axis=axis + 1)
    # As for take: one table of count · n rows, each replica's numbers moved to its own part.
    rows = tuple(range(1 + axis, 1 + axis + i.ndim - 1))
    rest = tuple(a for a in range(1, g.ndim) if a not in rows)
    others = without(shape, (axis,))
    out = make(
        "scatter_add",
        transpose(g, (0, *rows, *rest)),
        _in_stack(i, shape[axis], count),
        shape=(count * shape[axis], *others),
        axis=0,
    )
    out = reshape(out, (count, shape[axis], *others))
    return transpose(out, (0, *range(2, 2 + axis), 1, *range(2 + axis, out.ndim)))


PRIMITIVES["scatter_add"] = Primitive(
    name="scatter_add",
    infer=lambda g, indices, shape, axis: (shape, "float"),
    evaluate=_scatter_add,
    vjp=lambda h, y, g, indices, shape, axis: [make("take", h, indices, axis=axis), None],
    jvp=lambda t, y, g, i, shape, axis: make("scatter_add", t[0], i, shape=shape, axis=axis),
    replicate=_replicate_scatter,
)


def write_one_hot(indices: Array, out: Array) -> None:
    """Indicator vectors of the indices along the last axis of ``out``, all of which must lie in it."""
    count = out.shape[-1]
    hit = np.equal(indices[..., None], np.arange(count))
    if np.count_nonzero(hit) != indices.size:
        raise ShapeError("one_hot", f"labels in 0 … {count - 1}", f"{indices.min()} … {indices.max()}")
    np.copyto(out, hit)


def _one_hot(indices: Array, count: int) -> Array:
    out = np.empty((*np.shape(indices), count))
    write_one_hot(np.asarray(indices), out)
    return out


PRIMITIVES["one_hot"] = Primitive(
    name="one_hot",
    infer=lambda indices, count: ((*indices.shape, count), "float"),
    evaluate=_one_hot,
    vjp=None,
    jvp=None,
    replicate=lambda inputs, flags, r, count: make("one_hot", inputs[0], count=count),
)
