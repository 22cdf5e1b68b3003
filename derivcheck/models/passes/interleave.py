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
from derivcheck.models.tensor import PRIMITIVES, Shape, Tensor, make

__all__ = ["interleave"]

#: Rows up to this length are short.
SHORT = 64

#: Who may read what stands in the new order: they take their operands in any.
_READERS = frozenset({"matmul", "sum", "max", "count", "transpose", "slice"})


def interleave(graph: Graph) -> Graph:
    """Change the order of work wherever rows of a batch meet short rows of one matrix each."""
    moved = {t for members in _clusters(graph) if _gains(graph, members) for t in members}

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t not in moved:
            return None
        if t.primitive == "matmul":
            # Joined from one part: the product is computed right where the part stands.
            return _swap(make("concatenate", _swap(make("matmul", *inputs)), axis=0))
        return _swap(make(t.primitive, *(_swap(x) if x.ndim else x for x in inputs), **t.attributes))

    return rewrite(graph, rule) if moved else graph


def _swap(x: Tensor) -> Tensor:
    return transpose(x, (1, 0, 2))


def _clusters(graph: Graph) -> list[list[Tensor]]:
    """Batched products and elementwise nodes of one shape that hang together."""
    parent: dict[Tensor, Tensor] = {}

    def find(t: Tensor) -> Tensor:
        while parent[t] is not t:
            parent[t] = parent[parent[t]]
            t = parent[t]
        return t

    for t in graph.nodes:
        if t.ndim != 3 or not t.inputs or not (t.primitive == "matmul" or PRIMITIVES[t.primitive].elementwise):
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
