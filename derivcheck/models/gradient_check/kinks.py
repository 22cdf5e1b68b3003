"""Kinks: places where one-sided slopes differ, so that there is no derivative to check."""

from __future__ import annotations

import numpy as np

from derivcheck.models.compiler import Compiled
from derivcheck.models.compiler import compile as compile_function
from derivcheck.models.functional import cast, reshape
from derivcheck.models.functional import sum as sum_of
from derivcheck.models.gradient_check.slopes import ranges, shifted
from derivcheck.models.graph import Graph, rewrite, substitute
from derivcheck.models.primitives.axes import keep_dims
from derivcheck.models.tensor import Array, Tensor, constant, make

__all__ = ["kinks_along", "ties"]

#: Step of one-sided slopes, relative to the argument; it is then divided by :data:`SHRINK`.
STEP, SHRINK = 1e-4, 16.0

_MEETING = frozenset({"maximum", "minimum", "greater", "greater_equal", "equal"})


def ties(graph: Graph) -> Compiled | None:
    """How many operands meet where a primitive has a kink, as a function of all leaves."""
    plain = rewrite(
        graph, lambda t, x: t.attributes["function"].lower(*x, stable=False) if t.primitive == "scalar" else None
    )
    counts: list[Tensor] = []
    for t in plain.nodes:
        if t.primitive in _MEETING and all(x.kind == "float" for x in t.inputs):
            a, b = t.inputs
            counts.append(sum_of(cast(make("equal", a, b))))
        elif t.primitive in ("abs", "sign"):
            counts.append(sum_of(cast(make("equal", t.inputs[0], constant(0.0)))))
        elif t.primitive == "max":
            x, axes = t.inputs[0], t.attributes["axes"]
            hits = sum_of(cast(make("equal", x, reshape(t, keep_dims(x.shape, axes)))), axes)
            counts.append(sum_of(hits - 1.0))
    if not counts:
        return None
    total = counts[0]
    for c in counts[1:]:
        total = total + c
    return compile_function(lambda *leaves: substitute([total], dict(zip(plain.inputs, leaves, strict=True)))[0])


def kinks_along(after: Compiled, at: Array, leaves: list[Array]) -> Array:
    """Where one-sided slopes differ, and do not come closer as the step shrinks, as a smooth function's would."""
    z = at.ravel()

    def difference(lo: int, hi: int, h: Array) -> tuple[Array, Array]:
        here, up, down = (
            np.reshape(after(shifted(z, lo, hi, k * h).reshape(hi - lo, *at.shape), leaves), (hi - lo, -1))
            for k in (0.0, 1.0, -1.0)
        )
        rounding = 64.0 * np.finfo(float).eps * np.abs(here) / h[:, None]
        right, left = (up - here) / h[:, None], (here - down) / h[:, None]
        floor = rounding + 1e-6 * np.maximum(np.abs(right), np.abs(left))
        return np.abs(right - left), floor

    parts = []
    for lo, hi in ranges(z.size, z.size):
        h = STEP * (1.0 + np.abs(z[lo:hi]))
        wide, _ = difference(lo, hi, h)
        narrow, floor = difference(lo, hi, h / SHRINK)
        parts.append((narrow > floor) & (narrow > 0.5 * wide))
    return np.concatenate(parts)
