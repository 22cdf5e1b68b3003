"""Work of one shape that hangs together, and may be done in another order of axes as a whole."""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.models.graph import Graph
from derivcheck.models.tensor import PRIMITIVES, Tensor, make

__all__ = ["clusters", "reordered"]


def clusters(graph: Graph, fits: Callable[[Tensor], bool]) -> list[list[Tensor]]:
    """Products and elementwise nodes of one shape that hang together.

    Parameters
    ----------
    graph : Graph
    fits : callable
        Which of them count.
    """
    parent: dict[Tensor, Tensor] = {}

    def find(t: Tensor) -> Tensor:
        while parent[t] is not t:
            parent[t] = parent[parent[t]]
            t = parent[t]
        return t

    for t in graph.nodes:
        if not t.inputs or not (t.primitive == "matmul" or PRIMITIVES[t.primitive].elementwise) or not fits(t):
            continue
        parent[t] = t
        if t.primitive != "matmul":
            for x in t.inputs:
                if x in parent and x.shape == t.shape:
                    parent[find(x)] = find(t)
    found: dict[Tensor, list[Tensor]] = {}
    for t in parent:
        found.setdefault(find(t), []).append(t)
    return list(found.values())


def reordered(
    t: Tensor, inputs: tuple[Tensor, ...], there: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor]
) -> Tensor:
    """A member of a cluster, computed in the order into which ``there`` takes a tensor and from which ``back`` does."""
    if t.primitive == "matmul":
        # Joined from one part: the product is computed right where the part stands.
        return back(make("concatenate", there(make("matmul", *inputs)), axis=0))
    return back(make(t.primitive, *(there(x) if x.ndim else x for x in inputs), **t.attributes))
