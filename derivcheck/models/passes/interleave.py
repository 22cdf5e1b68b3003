"""Short rows of many replicas stand side by side.

Invariant: the graph computes the same numbers. Where the rows of a batch of matrices ``(R, n, m)`` meet one row for
each matrix, ``(R, 1, m)`` (the biases of replicas), NumPy goes through rows of ``m`` entries one by one. In the order
``(n, R, m)`` the same operation is ``n`` rows of ``R·m`` entries, and BLAS reads and writes its matrices there just
as well, since their rows still stand in one piece. So all elementwise work that hangs together is done in this order,
and the products that it starts from are written in it.
"""

from __future__ import annotations

from derivcheck.models.functional import transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.clusters import clusters, reordered
from derivcheck.models.tensor import Shape, Tensor

__all__ = ["interleave"]

#: Rows up to this length are short.
SHORT = 64

#: Who may read what stands in the new order: they take their operands in any.
_READERS = frozenset({"matmul", "sum", "max", "count", "transpose", "slice"})


def interleave(graph: Graph) -> Graph:
    """Change the order of work wherever rows of a batch meet short rows of one matrix each."""
    moved = {t for members in clusters(graph, lambda t: t.ndim == 3) if _gains(graph, members) for t in members}

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        return reordered(t, inputs, _swap, _swap) if t in moved else None

    return rewrite(graph, rule) if moved else graph


def _swap(x: Tensor) -> Tensor:
    return transpose(x, (1, 0, 2))


def _gains(graph: Graph, members: list[Tensor]) -> bool:
    replicas, rows, columns = shape = members[0].shape
    if min(replicas, rows) < 2 or not 2 <= columns <= SHORT:
        return False
    inside = set(members)
    short: Shape = (replicas, 1, columns)
    meets = False
    for t in members:
        if t in graph.outputs or any(u not in inside and u.primitive not in _READERS for u in graph.users[t]):
            return False
        if t.primitive != "matmul":
            meets = meets or (any(x.shape == short for x in t.inputs) and any(x.shape == shape for x in t.inputs))
            # Whatever else has this shape would be read across memory.
            if any(x.shape == shape and x not in inside for x in t.inputs):
                return False
    return meets
