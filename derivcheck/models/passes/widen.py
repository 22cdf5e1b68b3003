"""One row that meets many short rows meets several of them at a time.

Invariant: the graph computes the same numbers, bit for bit. NumPy goes through ``(n, m) + (1, m)`` (a layer's bias) row
by row. The row repeated ``k`` times meets ``n / k`` rows of ``k m`` entries instead, as the memory holds them anyhow.
"""

from __future__ import annotations

import math

from derivcheck.models.functional import broadcast_to, reshape
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.layout import contiguous
from derivcheck.models.passes.plan import CACHE
from derivcheck.models.tensor import Shape, Tensor, make

__all__ = ["widen"]

#: Fewest rows that are worth it, and most entries of the repeated row.
ROWS, WIDTH = 128, 512

_BINARY = frozenset({"add", "sub", "mul", "div", "maximum", "minimum"})


def widen(graph: Graph, itemsize: int) -> Graph:
    """Repeat rows that many short ones meet; results that run in blocks (see :mod:`plan`) are left as they are."""

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t.primitive not in _BINARY or t.kind != "float" or t.size * itemsize > 2 * CACHE or t in graph.outputs:
            return None
        place = next((i for i, x in enumerate(inputs) if _is_row(x.shape, t.shape)), None)
        if place is None:
            return None
        row, other = inputs[place], inputs[1 - place]
        count = t.size // row.size
        times = next((k for k in range(WIDTH // row.size, 1, -1) if count % k == 0), 1)
        if count < ROWS or times == 1 or other.shape != t.shape or not contiguous(other):
            return None
        # An alias has memory of its own: the row is repeated in it.
        repeated = make("alias", broadcast_to(reshape(row, (1, row.size)), (times, row.size)))
        wide = [reshape(other, (count // times, -1)), reshape(other, (count // times, -1))]
        wide[place] = reshape(repeated, (1, -1))
        return reshape(make(t.primitive, *wide), t.shape)

    return rewrite(graph, rule)


def _is_row(row: Shape, shape: Shape) -> bool:
    """Whether leading axes of size one are all that an operand lacks."""
    if len(row) != len(shape) or row == shape:
        return False
    kept = next((i for i, n in enumerate(row) if n != 1), len(row))
    return row[kept:] == shape[kept:] and math.prod(row) > 1
