"""Sums of products are inner products.

Invariant: the graph computes the same numbers up to the order of additions. ``Σ a b`` over all entries is ``aᵀ b``: one
call of BLAS, which goes through memory once and writes none. Longer sums are left alone: NumPy adds them pairwise.
"""

from __future__ import annotations

from derivcheck.models.functional import reshape
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.tensor import Tensor, make

__all__ = ["contract"]

#: Longest sums that are added up one after the other.
LONGEST = 1 << 14


def contract(graph: Graph) -> Graph:
    """Write sums of products that nothing else reads as inner products."""

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t.primitive != "sum" or t.ndim or not 1 < t.inputs[0].size <= LONGEST:
            return None
        product, drawn = inputs[0], t.inputs[0]
        if drawn in graph.outputs or len(graph.users[drawn]) > 1 or product.primitive not in ("square", "mul"):
            return None
        a, b = product.inputs[0], product.inputs[-1]
        if not a.shape == b.shape == product.shape or not a.kind == b.kind == "float":
            return None
        return reshape(make("matmul", reshape(a, (1, a.size)), reshape(b, (b.size, 1))), ())

    return rewrite(graph, rule)
