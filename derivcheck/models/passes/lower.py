"""Scalar functions become elementwise primitives.

Invariant: the graph computes the same function; no node is a ``scalar`` afterwards.
"""

from __future__ import annotations

from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.tensor import Tensor

__all__ = ["lower"]


def lower(graph: Graph, stable: bool = True) -> Graph:
    """Replace every ``scalar`` node.

    Parameters
    ----------
    graph : Graph
    stable : bool
        Whether to use the numerically stable forms. They may contain ``abs`` and ``maximum``; complex steps want
        the expression as written, which is analytic.
    """

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t.primitive != "scalar":
            return None
        out: Tensor = t.attributes["function"].lower(*inputs, stable=stable)
        return out

    return rewrite(graph, rule)
