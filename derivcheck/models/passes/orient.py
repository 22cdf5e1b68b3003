"""Operand order of batched products.

Invariant: the graph computes the same numbers up to rounding. ``A Bᵀ`` with few rows in ``A`` and many in ``B`` is
computed as ``(B Aᵀ)ᵀ``: BLAS packs its left operand in panels, and a weight's gradient, a sum over such products,
gains up to a factor of two. The transpose costs nothing where it meets the sum (see :mod:`sink`).
"""

from __future__ import annotations

from derivcheck.models.functional import transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.tensor import Tensor, make

__all__ = ["orient"]


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

    return rewrite(graph, rule)
