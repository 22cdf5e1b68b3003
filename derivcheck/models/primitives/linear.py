"""Linear maps of one tensor: value, transpose, replica axis.

A linear map is one entry of a table. Forward mode applies the map to the tangent, reverse mode applies the transpose to
the cotangent; because transposes are again primitives of the table (``slice`` and ``embed``, ``windows`` and ``fold``,
``sum`` and ``broadcast_to``), derivatives of every order follow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import broadcast_to, reshape, transpose
from derivcheck.models.primitives.axes import as_slices, following, inverse, keep_dims, without
from derivcheck.models.primitives.elementwise import sum_to
from derivcheck.models.tensor import PRIMITIVES, Array, Primitive, Shape, Tensor, make

__all__ = ["linear", "shifted"]

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


def shifted(name: str, shift: Callable[..., dict[str, Any]]) -> Replicate:
    """The same primitive with the attributes under which it acts behind a leading axis."""
    return lambda inputs, flags, count, **a: make(name, inputs[0], **shift(count, **a))


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
    out[as_slices(slices)] = x
    return out


# name, shape, value, transpose, attributes behind a replica axis
linear(
    "sum",
    lambda x, axes: without(x.shape, axes),
    lambda x, axes: np.sum(x, axis=axes),
    lambda g, x, axes: broadcast_to(reshape(g, keep_dims(x.shape, axes)), x.shape),
    shifted("sum", lambda r, axes: {"axes": following(axes)}),
)
linear(
    "broadcast_to",
    _broadcast_shape,
    lambda x, shape: np.broadcast_to(x, shape),
    lambda g, x, shape: sum_to(g, x.shape),
    shifted("broadcast_to", lambda r, shape: {"shape": (r, *shape)}),
)
linear(
    "reshape",
    _reshape_shape,
    lambda x, shape: np.reshape(x, shape),
    lambda g, x, shape: reshape(g, x.shape),
    shifted("reshape", lambda r, shape: {"shape": (r, *shape)}),
)
linear(
    "transpose",
    lambda x, axes: tuple(x.shape[a] for a in axes),
    lambda x, axes: np.transpose(x, axes),
    lambda g, x, axes: transpose(g, inverse(axes)),
    shifted("transpose", lambda r, axes: {"axes": (0, *following(axes))}),
)
linear(
    "flip",
    lambda x, axes: x.shape,
    lambda x, axes: np.flip(x, axes),
    lambda g, x, axes: make("flip", g, axes=axes),
    shifted("flip", lambda r, axes: {"axes": following(axes)}),
)
linear(
    "slice",
    lambda x, slices: tuple(n for _, n, _ in slices),
    lambda x, slices: x[as_slices(slices)],
    lambda g, x, slices: make("embed", g, shape=x.shape, slices=slices),
    shifted("slice", lambda r, slices: {"slices": ((0, r, 1), *slices)}),
)
linear(
    "embed",
    lambda x, shape, slices: shape,
    _embed,
    lambda g, x, shape, slices: make("slice", g, slices=slices),
    shifted("embed", lambda r, shape, slices: {"shape": (r, *shape), "slices": ((0, r, 1), *slices)}),
)
