"""Scalar functions and softmax become elementwise primitives and reductions.

Invariant: the graph computes the same function; no node is a ``scalar``, ``softmax`` or ``log_softmax`` afterwards.
"""

from __future__ import annotations

from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.primitives.normalised import EXPANSIONS
from derivcheck.models.tensor import Tensor

__all__ = ["lower"]


def lower(graph: Graph, stable: bool = True) -> Graph:
    """Write out every node that stands for an expression.

    Parameters
    ----------
    graph : Graph
    stable : bool
        Whether to use the numerically stable forms. They may contain ``abs`` and ``maximum``; complex steps want
        the expression as written, which is analytic.
    """

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t.primitive in EXPANSIONS:
            return EXPANSIONS[t.primitive](*inputs, **t.attributes)
        if t.primitive != "scalar":
            return None
        out: Tensor = t.attributes["function"].lower(*inputs, stable=stable)
        return out

    return rewrite(graph, rule)
