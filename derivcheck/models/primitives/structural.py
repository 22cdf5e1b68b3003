"""Primitives that move, add up or multiply entries: value, derivative, replica axis.

A linear map of one tensor is one entry of a table: its value and its *transpose*. Forward mode applies the
map to the tangent, reverse mode applies the transpose to the cotangent; because transposes are again
primitives of the table (``slice`` and ``embed``, ``windows`` and ``fold``, ``sum`` and ``broadcast_to``),
derivatives of every order follow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import broadcast_to, cast, concatenate, reshape, transpose
from derivcheck.models.primitives.elementwise import sum_to
from derivcheck.models.tensor import PRIMITIVES, Array, Primitive, Shape, Tensor, make

__all__ = ["fold_places", "keep_dims", "write_one_hot"]

Replicate = Callable[..., Tensor]


def linear(
    name: str,
    infer: Callable[..., Shape],
    evaluate: Callable[..., Any],
    transposed: Callable[..., Tensor],
    replicate: Replicate,
) -> None:
    """Enter a linear map of one tensor.

    ``transposed(g, x, **attributes)`` is its transpose; ``replicate`` is as in :class:`Primitive`.
    """

    def vjp(g: Tensor, y: Tensor, x: Tensor, **attributes: Any) -> list[Tensor | None]:
        return [transposed(g, x, **attributes) if x.kind == "float" else None]

    def jvp(tangents: Sequence[Tensor], y: Tensor, x: Tensor, **attributes: Any) -> Tensor:
        return make(name, tangents[0], **attributes)

    PRIMITIVES[name] = Primitive(
        name=name,
        infer=lambda x, **attributes: (infer(x, **attributes), x.kind),
        evaluate=evaluate,
        vjp=vjp,
        jvp=jvp,
        replicate=replicate,
    )


def _shifted(name: str, shift: Callable[..., dict[str, Any]]) -> Replicate:
    """The same primitive with the attributes under which it acts behind a leading axis."""
    return lambda inputs, flags, count, **a: make(name, inputs[0], **shift(count, **a))


def keep_dims(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """The shape with size one along the axes."""
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def _without(shape: Shape, axes: tuple[int, ...]) -> Shape:
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def _next(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + 1 for a in axes)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(axes.index(i) for i in range(len(axes)))


def _as_slices(slices: Sequence[tuple[int, int, int]]) -> tuple[slice, ...]:
    return tuple(slice(a, a + (n - 1) * s + 1 if n else a, s) for a, n, s in slices)


def _reshape_shape(x: Tensor, shape: Shape) -> Shape:
    if math.prod(shape) != x.size:
        raise ShapeError("reshape", f"a shape of {x.size} entries", shape)
    return shape


def _broadcast_shape(x: Tensor, shape: Shape) -> Shape:
    if x.ndim != len(shape) or any(n not in (1, m) for n, m in zip(x.shape, shape, strict=True)):
        raise ShapeError("broadcast_to", f"a shape that broadcasts to {shape}", x.shape)
    return shape


def _embed(x: Array, shape: Shape, slices: tuple[tuple[int, int, int], ...]) -> Array:
    out = np.zeros(shape, x.dtype)
    out[_as_slices(slices)] = x
    return out


# --- windows and fold ------------------------------------------------------------------------------------


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


# --- the linear maps: name, shape, value, transpose, attributes behind a replica axis ---------------------------

linear(
    "sum",
    lambda x, axes: _without(x.shape, axes),
    lambda x, axes: np.sum(x, axis=axes),
    lambda g, x, axes: broadcast_to(reshape(g, keep_dims(x.shape, axes)), x.shape),
    _shifted("sum", lambda r, axes: {"axes": _next(axes)}),
)
PRIMITIVES["count"] = Primitive(
    name="count",
    infer=lambda x, axes: (_without(x.shape, axes), "float"),
    evaluate=lambda x, axes: np.sum(x, axis=axes),
    vjp=None,
    jvp=None,
    replicate=_shifted("count", lambda r, axes: {"axes": _next(axes)}),
)
linear(
    "broadcast_to",
    _broadcast_shape,
    lambda x, shape: np.broadcast_to(x, shape),
    lambda g, x, shape: sum_to(g, x.shape),
    _shifted("broadcast_to", lambda r, shape: {"shape": (r, *shape)}),
)
linear(
    "reshape",
    _reshape_shape,
    lambda x, shape: np.reshape(x, shape),
    lambda g, x, shape: reshape(g, x.shape),
    _shifted("reshape", lambda r, shape: {"shape": (r, *shape)}),
)
linear(
    "transpose",
    lambda x, axes: tuple(x.shape[a] for a in axes),
    lambda x, axes: np.transpose(x, axes),
    lambda g, x, axes: transpose(g, _inverse(axes)),
    _shifted("transpose", lambda r, axes: {"axes": (0, *_next(axes))}),
)
linear(
    "flip",
    lambda x, axes: x.shape,
    lambda x, axes: np.flip(x, axes),
    lambda g, x, axes: make("flip", g, axes=axes),
    _shifted("flip", lambda r, axes: {"axes": _next(axes)}),
)
linear(
    "slice",
    lambda x, slices: tuple(n for _, n, _ in slices),
    lambda x, slices: x[_as_slices(slices)],
    lambda g, x, slices: make("embed", g, shape=x.shape, slices=slices),
    _shifted("slice", lambda r, slices: {"slices": ((0, r, 1), *slices)}),
)
linear(
    "embed",
    lambda x, shape, slices: shape,
    _embed,
    lambda g, x, shape, slices: make("slice", g, slices=slices),
    _shifted("embed", lambda r, shape, slices: {"shape": (r, *shape), "slices": ((0, r, 1), *slices)}),
)


def _replicate_windows(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, **a: Any) -> Tensor:
    axes = _next(a.pop("axes"))
    out = make("windows", inputs[0], axes=axes, **a)
    k = len(axes)
    return transpose(out, (k, *range(k), *range(k + 1, out.ndim)))


def _replicate_fold(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, **a: Any) -> Tensor:
    axes = _next(a.pop("axes"))
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


# --- products -----------------------------------------------------------------------------------------------


def _matmul_shape(a: Tensor, b: Tensor) -> tuple[Shape, str]:
    if a.ndim != b.ndim or a.ndim < 2 or a.shape[-1] != b.shape[-2]:
        raise ShapeError("matmul", "shapes (…, n, k) and (…, k, m)", f"{a.shape} and {b.shape}")
    batch = []
    for n, m in zip(a.shape[:-2], b.shape[:-2], strict=True):
        if n != m and 1 not in (n, m):
            raise ShapeError("matmul", "leading axes that broadcast", f"{a.shape} and {b.shape}")
        batch.append(m if n == 1 else n)
    return (*batch, a.shape[-2], b.shape[-1]), "float"


def _replicate_matmul(inputs: Sequence[Tensor], flags: Sequence[bool], count: int) -> Tensor:
    return make("matmul", *(t if f else reshape(t, (1, *t.shape)) for t, f in zip(inputs, flags, strict=True)))


def _matmul_jvp(tangents: Sequence[Tensor | None], y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    left = None if tangents[0] is None else make("matmul", tangents[0], b)
    right = None if tangents[1] is None else make("matmul", a, tangents[1])
    if left is None:
        assert right is not None
        return right
    return left if right is None else left + right


PRIMITIVES["matmul"] = Primitive(
    name="matmul",
    infer=_matmul_shape,
    evaluate=np.matmul,
    vjp=lambda g, y, a, b: [sum_to(make("matmul", g, b.T), a.shape), sum_to(make("matmul", a.T, g), b.shape)],
    jvp=_matmul_jvp,
    replicate=_replicate_matmul,
)


# --- concatenation ------------------------------------------------------------------------------------------


def _concatenate_shape(*parts: Tensor, axis: int) -> tuple[Shape, str]:
    first = parts[0].shape
    for p in parts[1:]:
        if _without(p.shape, (axis,)) != _without(first, (axis,)) or p.ndim != len(first):
            raise ShapeError("concatenate", f"parts that agree with {first} except along axis {axis}", p.shape)
    return (*first[:axis], sum(p.shape[axis] for p in parts), *first[axis + 1 :]), parts[0].kind


def _concatenate_vjp(g: Tensor, y: Tensor, *parts: Tensor, axis: int) -> list[Tensor]:
    out, at = [], 0
    for p in parts:
        slices = tuple((at, p.shape[axis], 1) if i == axis else (0, n, 1) for i, n in enumerate(y.shape))
        out.append(make("slice", g, slices=slices))
        at += p.shape[axis]
    return out


def _concatenate_jvp(tangents: Sequence[Tensor | None], y: Tensor, *parts: Tensor, axis: int) -> Tensor:
    filled = [broadcast_to(0.0, p.shape) if t is None else t for t, p in zip(tangents, parts, strict=True)]
    return concatenate(filled, axis)


def _replicate_concatenate(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, axis: int) -> Tensor:
    return concatenate([repeated(t, f, count) for t, f in zip(inputs, flags, strict=True)], axis + 1)


def repeated(t: Tensor, replicated: bool, count: int) -> Tensor:
    """The tensor with a leading replica axis, repeated if it had none."""
    return t if replicated else broadcast_to(reshape(t, (1, *t.shape)), (count, *t.shape))


PRIMITIVES["concatenate"] = Primitive(
    name="concatenate",
    infer=_concatenate_shape,
    evaluate=lambda *parts, axis: np.concatenate(parts, axis),
    vjp=_concatenate_vjp,
    jvp=_concatenate_jvp,
    replicate=_replicate_concatenate,
)


# --- largest entries ------------------------------------------------------------------------------------------


def _largest(y: Tensor, x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    # Where the largest entries are, and how many share that place (and its derivative, as in torch.amax).
    hit = cast(make("equal", x, reshape(y, keep_dims(x.shape, axes))))
    return hit, make("sum", hit, axes=axes)


def _max_vjp(g: Tensor, y: Tensor, x: Tensor, axes: tuple[int, ...]) -> list[Tensor]:
    hit, count = _largest(y, x, axes)
    return [hit * reshape(g / count, keep_dims(x.shape, axes))]


def _max_jvp(t: Sequence[Tensor], y: Tensor, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    hit, count = _largest(y, x, axes)
    return make("sum", t[0] * hit, axes=axes) / count


def _max(x: Array, axes: tuple[int, ...]) -> Any:
    return np.max(x, axis=axes)


PRIMITIVES["max"] = Primitive(
    name="max",
    infer=lambda x, axes: (_without(x.shape, axes), x.kind),
    evaluate=_max,
    vjp=_max_vjp,
    jvp=_max_jvp,
    replicate=lambda inputs, flags, count, axes: make("max", inputs[0], axes=_next(axes)),
)

PRIMITIVES["argmax"] = Primitive(
    name="argmax",
    infer=lambda x, axis: (_without(x.shape, (axis,)), "int"),
    evaluate=lambda x, axis: np.argmax(x, axis),
    vjp=None,
    jvp=None,
    replicate=lambda inputs, flags, count, axis: make("argmax", inputs[0], axis=axis + 1),
)


# --- rows by number -----------------------------------------------------------------------------------------


def _take_shape(x: Tensor, indices: Tensor, axis: int) -> tuple[Shape, str]:
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.kind


def _replicate_take(inputs: Sequence[Tensor], flags: Sequence[bool], count: int, axis: int) -> Tensor:
    (x, i), (x_replicated, i_replicated) = inputs, flags
    if not i_replicated:
        return make("take", x, i, axis=axis + 1)
    order = (axis, *(a for a in range(x.ndim - x_replicated) if a != axis))
    if x_replicated:  # one table after the other, each replica's numbers moved to its own
        rows = transpose(x, (0, *_next(order)))
        table = reshape(rows, (-1, *rows.shape[2:]))
        offsets = np.arange(count, dtype=np.int64).reshape((count,) + (1,) * (i.ndim - 1)) * rows.shape[1]
        i = i + offsets
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
    offsets = np.arange(count, dtype=np.int64).reshape((count,) + (1,) * (i.ndim - 1)) * shape[axis]
    others = _without(shape, (axis,))
    out = make(
        "scatter_add", transpose(g, (0, *rows, *rest)), i + offsets, shape=(count * shape[axis], *others), axis=0
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


# --- random numbers -------------------------------------------------------------------------------------------


def _random(generator: np.random.Generator, shape: Shape, law: str, draw: int) -> Array:
    return generator.standard_normal(shape) if law == "normal" else generator.random(shape)


PRIMITIVES["random"] = Primitive(
    name="random",
    infer=lambda generator, shape, law, draw: (shape, "float"),
    evaluate=_random,
    vjp=None,
    jvp=None,
    replicate=lambda inputs, flags, count, shape, **a: make("random", inputs[0], shape=(count, *shape), **a),
)
