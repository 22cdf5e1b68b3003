"""Operand order of products.

Invariant: the graph computes the same numbers up to rounding.

- :func:`orient`: ``A Bᵀ`` with few rows in ``A`` and many in ``B``, in batches, is computed as ``(B Aᵀ)ᵀ``: BLAS packs
  its left operand in panels, and a weight's gradient, a sum over such products, gains up to a factor of two. The
  transpose costs nothing where it meets the sum (see :mod:`sink`).
- :func:`untranspose`: a transposed matrix that many products multiply by (a recurrent weight), or a small one that
  multiplies many rows (a layer's weight, those of replicas), is copied first. Small products with a right operand in
  its own order take two thirds of the time.
"""

from __future__ import annotations

import math
from collections import Counter

from derivcheck.models.functional import transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.pieces import IN_PLACE
from derivcheck.models.tensor import Tensor, make

__all__ = ["orient", "untranspose"]

#: Products from which on a copy of the transposed operand pays; and, in a batch, rows, and columns at most.
USES, ROWS, COLUMNS = 4, 32, 32

#: Rows from which on one product pays for it, and how many there are for each row or column of the operand.
TALL, SLENDER = 64, 2

#: In machine code a copy costs no call: rows from which on it pays, and fewest columns and most rows of what is copied.
COPIED_ROWS, COPIED = 8, (16, 64)


def orient(graph: Graph) -> Graph:
    """Put the operand with more rows first, in batched products with a transposed right operand."""

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t.primitive != "matmul" or t.ndim < 3:
            return None
        a, b = inputs
        swap = (*range(t.ndim - 2), t.ndim - 1, t.ndim - 2)
        transposed = b.primitive == "transpose" and b.attributes["axes"] == swap
        if not transposed or b.shape[-1] < 2 * a.shape[-2]:
            return None
        return transpose(make("matmul", b.inputs[0], transpose(a, swap)), swap)

    batched = any(t.primitive == "matmul" and t.ndim > 2 for t in graph.nodes)
    return rewrite(graph, rule) if batched else graph


def untranspose(graph: Graph, compiled: bool = False) -> Graph:
    """Copy transposed right operands that :data:`USES` products share, or whose copies are small beside the work."""
    products = [t for t in graph.nodes if t.primitive == "matmul" and _swapped(t.inputs[1])]
    uses = Counter(t.inputs[1] for t in products if t.ndim == 2)
    copied = {x for x, count in uses.items() if count >= USES}
    for t in products:
        sizes = t.inputs[1].shape[-2:]
        rows, work = t.shape[-2], t.shape[-2] * math.prod(sizes)
        if t.ndim == 2 and rows >= max(TALL, SLENDER * max(sizes)) and work <= IN_PLACE and min(sizes) > 1:
            copied.add(t.inputs[1])
        if t.ndim == 2 and compiled and rows >= COPIED_ROWS and COPIED[0] <= t.shape[-1] and max(sizes) <= COPIED[1]:
            copied.add(t.inputs[1])
        if t.ndim > 2 and rows >= ROWS and max(sizes) <= COLUMNS and min(sizes) > 1:
            copied.add(t.inputs[1])
    if not copied:
        return graph
    copies: dict[Tensor, Tensor] = {}

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        # As a left operand BLAS takes the matrix as it stands.
        if t.primitive != "matmul" or t.inputs[1] not in copied:
            return None
        if inputs[1] not in copies:
            # An alias has memory of its own: the planner makes it, the emitter fills it, like an elementwise result.
            copies[inputs[1]] = make("alias", inputs[1])
        return make("matmul", inputs[0], copies[inputs[1]])

    return rewrite(graph, rule)


def _swapped(x: Tensor) -> bool:
    return x.primitive == "transpose" and x.attributes["axes"] == (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
