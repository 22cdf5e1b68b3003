"""Correlations: sums of products of two tensors, each read along its axes in steps.

``y[kept loops] = Σ_{other loops} a[…] b[…]`` over a nest of loops ``i_1, i_2, …``, of which every one moves each
operand by so many steps along one of its axes, or leaves it where it is: entry ``Σ_l step_l i_l`` along an axis.
Sliding windows, slices of a grid and transposes are such readings, so that the products of a convolution can be
written without copies of its windows. Made by a pass (:mod:`~derivcheck.models.passes.sparse`), never drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.primitives.axes import following
from derivcheck.models.tensor import PRIMITIVES, Array, Primitive, Shape, Tensor, make

__all__ = ["Moves"]

#: For every loop the axis along which it moves an operand and by how many entries, or ``None``.
Moves = tuple[tuple[int, int] | None, ...]


def _correlate_shape(
    a: Tensor, b: Tensor, sizes: Shape, left: Moves, right: Moves, kept: tuple[int, ...]
) -> tuple[Shape, str]:
    for x, moves in ((a, left), (b, right)):
        for axis, n in enumerate(x.shape):
            steps = [(size, m[1]) for size, m in zip(sizes, moves, strict=True) if m is not None and m[0] == axis]
            if min((step for _, step in steps), default=0) < 0 or sum((size - 1) * step for size, step in steps) >= n:
                raise ShapeError("correlate", f"loops inside an axis of {n} entries", f"sizes and steps {steps}")
    return tuple(sizes[i] for i in kept), "float"


def _read(x: Array, sizes: Shape, moves: Moves) -> tuple[Array, list[int]]:
    """The operand over the loops that move it, and their numbers."""
    loops = [i for i, m in enumerate(moves) if m is not None]
    steps = [x.strides[m[0]] * m[1] for m in moves if m is not None]
    return np.lib.stride_tricks.as_strided(x, [sizes[i] for i in loops], steps, writeable=False), loops


def _correlate(a: Array, b: Array, sizes: Shape, left: Moves, right: Moves, kept: tuple[int, ...]) -> Any:
    return np.einsum(*_read(a, sizes, left), *_read(b, sizes, right), list(kept))


def _replicate_correlate(
    inputs: Sequence[Tensor],
    flags: Sequence[bool],
    count: int,
    sizes: Shape,
    left: Moves,
    right: Moves,
    kept: tuple[int, ...],
) -> Tensor:
    def behind(moves: Moves, flag: bool) -> Moves:
        return ((0, 1) if flag else None, *(None if m is None else (m[0] + flag, m[1]) for m in moves))

    moves = {"left": behind(left, flags[0]), "right": behind(right, flags[1])}
    return make("correlate", *inputs, sizes=(count, *sizes), kept=(0, *following(kept)), **moves)


PRIMITIVES["correlate"] = Primitive(
    name="correlate",
    infer=_correlate_shape,
    evaluate=_correlate,
    vjp=None,
    jvp=None,
    replicate=_replicate_correlate,
)
