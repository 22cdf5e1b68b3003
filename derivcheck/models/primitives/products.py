"""Matrix products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import reshape
from derivcheck.models.primitives.elementwise import sum_to
from derivcheck.models.tensor import PRIMITIVES, Primitive, Shape, Tensor, make

__all__: list[str] = []


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
