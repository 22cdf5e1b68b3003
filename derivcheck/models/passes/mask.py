"""Truth values stay truth values: a byte each, multiplied with as they are.

Invariant: the graph computes the same numbers; true is one and false is zero. Reverse mode multiplies with indicators
(the slope of a kink, the places of a largest entry) and counts them. As floats they would take a pass over memory
of their own, and four or eight times as much of it.
"""

from __future__ import annotations

from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.tensor import Tensor, make

__all__ = ["mask"]

_MOVING = frozenset({"reshape", "transpose", "slice", "broadcast_to", "flip", "windows"})


def mask(graph: Graph) -> Graph:
    """Let products and sums of indicators read the truth values."""

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t.primitive == "sum":
            truth = _truth(inputs[0])
            return None if truth is None else make("count", truth, **t.attributes)
        if t.primitive == "mul" and t.ndim:
            for i, x in enumerate(inputs):
                truth = _truth(x) if x.ndim else None
                if truth is not None and inputs[1 - i].kind == "float":
                    return make("mul", *(truth if k == i else y for k, y in enumerate(inputs)))
        return None

    cast = any(t.primitive == "cast" and t.inputs[0].kind == "bool" for t in graph.nodes)
    return rewrite(graph, rule) if cast else graph


def _truth(x: Tensor) -> Tensor | None:
    """What an indicator indicates, seen through the same views."""
    if x.primitive == "cast" and x.kind == "float":
        return x.inputs[0] if x.inputs[0].kind == "bool" else None
    if x.primitive not in _MOVING:
        return None
    inner = _truth(x.inputs[0])
    return None if inner is None else make(x.primitive, inner, **x.attributes)
