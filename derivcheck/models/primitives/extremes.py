"""Largest entries, their places, and how many entries are true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from derivcheck.models.functional import cast, reshape
from derivcheck.models.primitives.axes import following, keep_dims, without
from derivcheck.models.primitives.linear import shifted
from derivcheck.models.tensor import PRIMITIVES, Array, Primitive, Tensor, make

__all__: list[str] = []


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
    infer=lambda x, axes: (without(x.shape, axes), x.kind),
    evaluate=_max,
    vjp=_max_vjp,
    jvp=_max_jvp,
    replicate=lambda inputs, flags, count, axes: make("max", inputs[0], axes=following(axes)),
)

PRIMITIVES["argmax"] = Primitive(
    name="argmax",
    infer=lambda x, axis: (without(x.shape, (axis,)), "int"),
    evaluate=lambda x, axis: np.argmax(x, axis),
    vjp=None,
    jvp=None,
    replicate=lambda inputs, flags, count, axis: make("argmax", inputs[0], axis=axis + 1),
)


PRIMITIVES["count"] = Primitive(
    name="count",
    infer=lambda x, axes: (without(x.shape, axes), "float"),
    evaluate=lambda x, axes: np.sum(x, axis=axes),
    vjp=None,
    jvp=None,
    replicate=shifted("count", lambda r, axes: {"axes": following(axes)}),
)
