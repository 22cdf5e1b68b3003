"""What share of a node's entries is not zero, as far as the graph tells.

Expected, not guaranteed: of the places of a pooling window the largest entry is one, unless entries are equal.
"""

from __future__ import annotations

from derivcheck.models.graph import Graph
from derivcheck.models.tensor import Tensor

__all__ = ["densities"]

_VIEWS = frozenset({"reshape", "transpose", "broadcast_to", "flip", "slice", "windows"})

#: Of one tensor, and zero at zero.
_ODD = frozenset({"neg", "alias", "stop_gradient", "cast", "square", "abs", "sign", "sqrt", "tanh", "sin", "expm1"})


def densities(graph: Graph) -> dict[Tensor, float]:
    """The expected share for every node, at most 1."""
    share: dict[Tensor, float] = {}
    for t in graph.nodes:
        share[t] = min(1.0, _share(t, share))
    return share


def _share(t: Tensor, share: dict[Tensor, float]) -> float:
    if t.primitive in _VIEWS or t.primitive in _ODD:
        return share[t.inputs[0]]
    if t.primitive == "equal":
        return _largest(t)
    if t.primitive == "one_hot":
        return 1.0 / int(t.attributes["count"])
    if t.primitive == "mul":
        return min(share[x] for x in t.inputs)
    if t.primitive == "div":
        return share[t.inputs[0]]
    if t.primitive in ("add", "sub"):
        return sum(share[x] for x in t.inputs)
    if t.primitive in ("fold", "embed", "concatenate", "sum"):  # where entries meet, at most so many are left
        return sum(share[x] * x.size for x in t.inputs) / max(t.size, 1)
    return 1.0


def _largest(t: Tensor) -> float:
    """Of a comparison with the largest entry along some axes: one entry in so many is the largest."""
    for x, other in (t.inputs, t.inputs[::-1]):
        while other.primitive in ("reshape", "broadcast_to", "transpose"):
            other = other.inputs[0]
        if other.primitive == "max" and other.inputs[0] is x:
            return other.size / max(x.size, 1)
    return 1.0
