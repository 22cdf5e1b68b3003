"""Short rows that are summed up, or whose largest entry is wanted, stand upright.

Invariant: the graph computes the same numbers up to the order of additions. A softmax of scores ``(…, n, m)`` with
small ``m`` goes through them row by row: for their largest entries and sums, and to subtract and divide by these.
In the order ``(m, …, n)`` the same work is ``m`` long rows, and BLAS reads and writes the scores' matrices there just
as well. So all elementwise work that hangs together is done in this order, and the products that it starts from are
written in it.
"""

from __future__ import annotations

from derivcheck.models.functional import transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.clusters import clusters, reordered
from derivcheck.models.tensor import Tensor

__all__ = ["upright"]

#: Longest rows that are short, how many there are at least for each entry of one, and most entries in all (what does
#: not fit the cache is better read once, row by row).
SHORT, ROWS, ENTRIES = 64, 2, 1 << 17

#: Who may read what stands in the new order: they take their operands in any.
_READERS = frozenset({"matmul", "sum", "max", "count", "transpose", "slice"})


def upright(graph: Graph) -> Graph:
    """Change the order of work wherever short rows are reduced and meet what they were reduced to."""
    moved = {t for members in clusters(graph, lambda t: t.ndim > 2) if _gains(graph, members) for t in members}

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        return reordered(t, inputs, _there, _back) if t in moved else None

    return rewrite(graph, rule) if moved else graph


def _there(x: Tensor) -> Tensor:
    return transpose(x, (x.ndim - 1, *range(x.ndim - 1)))


def _back(x: Tensor) -> Tensor:
    return transpose(x, (*range(1, x.ndim), 0))


def _gains(graph: Graph, members: list[Tensor]) -> bool:
    shape, size = members[0].shape, members[0].size
    if not 2 <= shape[-1] <= SHORT or size < ROWS * shape[-1] ** 2 or size > ENTRIES:
        return False
    inside = set(members)
    column = (*shape[:-1], 1)
    reduces = meets = False
    for t in members:
        if t in graph.outputs:
            return False
        for u in graph.users[t]:
            if u not in inside and u.primitive not in _READERS:
                return False
            reduces = reduces or (u.primitive in ("sum", "max") and u.attributes["axes"] == (t.ndim - 1,))
        if t.primitive != "matmul":
            meets = meets or any(x.shape == column for x in t.inputs)
            # Whatever else has this shape would be read across memory.
            if any(x.shape == shape and x not in inside for x in t.inputs):
                return False
    return reduces and meets
