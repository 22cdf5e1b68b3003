"""Common subexpressions: nodes that compute the same become one.

Invariant: the graph computes the same numbers, bit for bit. Draws of random numbers carry their own number
and never merge.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from derivcheck.models.graph import Graph
from derivcheck.models.tensor import Tensor

__all__ = ["merge"]

#: In ``a + b`` and its like, the order of the arguments does not matter (nor does it for rounding).
_COMMUTATIVE = frozenset({"add", "mul", "maximum", "equal"})


def merge(graph: Graph) -> Graph:
    """Keep one node of each kind of computation."""
    known: dict[Any, Tensor] = {}
    new: dict[Tensor, Tensor] = {}
    for t in graph.nodes:
        if t.primitive == "variable":
            new[t] = t
            continue
        inputs = tuple(new[x] for x in t.inputs)
        key = _key(t, inputs)
        if key not in known:
            # Made anew, as in ``rewrite``: creation order stays the order drawn.
            known[key] = Tensor(t.primitive, inputs, t.attributes, t.shape, t.kind, t.scope)
        new[t] = known[key]
    return Graph(graph.inputs, tuple(new[t] for t in graph.outputs))


def _key(t: Tensor, inputs: tuple[Tensor, ...]) -> Any:
    order = [x.index for x in inputs]
    if t.primitive in _COMMUTATIVE:
        order.sort()
    return t.primitive, tuple(order), t.kind, tuple(sorted((k, _value(v)) for k, v in t.attributes.items()))


def _value(v: Any) -> Any:
    if isinstance(v, np.ndarray):
        return v.shape, v.dtype.str, v.tobytes()
    # 0.0 and -0.0 are equal but not the same number.
    return repr(v) if isinstance(v, float) else v
