"""Operand order of products.

Invariant: the graph computes the same numbers up to rounding.

- :func:`orient`: ``A Bᵀ`` with few rows in ``A`` and many in ``B``, in batches, is computed as ``(B Aᵀ)ᵀ``: BLAS packs
  its left operand in panels, and a weight's gradient, a sum over such products, gains up to a factor of two. The
  transpose costs nothing where it meets the sum (see :mod:`sink`).
- :func:`untranspose`: a transposed matrix that many products multiply by (a recurrent weight) is copied once. Small
  products with a right operand in its own order take two thirds of the time.
"""

from __future__ import annotations

from collections import Counter

from derivcheck.models.functional import transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.tensor import Tensor, make

__all__ = ["orient", "untranspose"]

#: Products from which on a copy of the transposed operand pays.
USES = 4


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


def untranspose(graph: Graph) -> Graph:
    """Copy transposed right operands that at least :data:`USES` products share."""

    right = Counter(t.inputs[1] for t in graph.nodes if t.primitive == "matmul" and t.ndim == 2)
    copied = {t for t, count in right.items() if t.primitive == "transpose" and count >= USES}
    if not copied:
        return graph
    # An alias has memory of its own: the planner makes it, and the emitter fills it, like any elementwise result.
    return rewrite(graph, lambda t, inputs: make("alias", transpose(inputs[0], (1, 0))) if t in copied else None)
