"""Concatenation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import broadcast_to, concatenate, reshape
from derivcheck.models.primitives.axes import without
from derivcheck.models.tensor import PRIMITIVES, Primitive, Shape, Tensor, make

__all__ = ["repeated"]


def _concatenate_shape(*parts: Tensor, axis: int) -> tuple[Shape, str]:
    first = parts[0].shape
    for p in parts[1:]:
        if without(p.shape, (axis,)) != without(first, (axis,)) or p.ndim != len(first):
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
