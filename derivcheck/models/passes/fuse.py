"""Scheduling: elementwise nodes of one shape that feed each other run together, block by block.

Invariant: the groups are a permutation of the graph's nodes in which every node comes after its inputs; draws
of random numbers keep their order.

A node joins the earliest group of its shape that stands at or after everything it reads, if it shares an
operand with that group or the group is the last. So an activation and its derivative, which reverse mode draws far
apart, are computed in one pass over memory, and so is a whole optimiser step. What is small enough for the cache as a
whole gains nothing by that: it is computed where it was drawn, close to its readers, and takes memory for less long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from derivcheck.models.graph import Graph
from derivcheck.models.passes.layout import is_view, root
from derivcheck.models.tensor import PRIMITIVES, Shape, Tensor

__all__ = ["Group", "fuse"]


@dataclass(frozen=True)
class Group:
    """Nodes that run together.

    Attributes
    ----------
    nodes : tuple of Tensor
        In the order in which they run.
    shape : tuple of int or None
        The common shape of elementwise nodes; ``None`` for a node that runs alone.
    lanes : tuple of int
        Leading axes that some of the nodes have ahead of this shape, and that others of them sum up (see
        :mod:`~derivcheck.models.passes.nest`).
    """

    nodes: tuple[Tensor, ...]
    shape: Shape | None
    lanes: Shape = ()


@dataclass
class _Open:
    shape: Shape | None
    nodes: list[Tensor] = field(default_factory=list)
    touched: set[Tensor] = field(default_factory=set)


def fuse(graph: Graph, host: frozenset[Tensor] = frozenset(), small: int = 0) -> tuple[Group, ...]:
    """Groups in the order in which they run; variables, constants, views and host scalars are in none.

    Nodes of at most ``small`` entries join no group but the last.
    """
    groups: list[_Open] = []
    ready: dict[Tensor, int] = {}  # the first group that may read a node
    for t in _late(_early(graph), graph, host):
        if not t.inputs or t in host:
            ready[t] = 0
            continue
        earliest = max(ready[x] for x in t.inputs)
        if is_view(t):
            # Its entries stand elsewhere than its source's: not for the group that is making the source.
            ready[t] = earliest + 1 if _fusible(t.inputs[0]) else earliest
        elif not _fusible(t):
            groups.append(_Open(None, [t]))
            ready[t] = len(groups)
        else:
            place = _joinable(groups, t, max(earliest, len(groups) - 1) if t.size <= small else earliest)
            if place is None:
                groups.append(_Open(t.shape))
                place = len(groups) - 1
            groups[place].nodes.append(t)
            groups[place].touched.update((t, *t.inputs))
            ready[t] = place
    return tuple(Group(tuple(g.nodes), g.shape) for g in groups)


def _early(graph: Graph) -> list[Tensor]:
    """The nodes, with comparisons right behind what they compare, which is in the cache then.

    Reverse mode draws them where the truth values are wanted, long after. A byte is kept meanwhile instead of a number.
    """
    waits = {t: {root(x) for x in t.inputs} for t in graph.nodes if t.kind == "bool" and _fusible(t)}
    readers: dict[Tensor, list[Tensor]] = {}
    for t, roots in waits.items():
        for r in roots:
            readers.setdefault(r, []).append(t)
    out: dict[Tensor, None] = {}

    def place(t: Tensor) -> None:
        for x in t.inputs:
            if x not in out:
                place(x)  # a view, which waits for nothing
        out[t] = None
        for u in readers.get(t, ()):
            waits[u].discard(t)
            if not waits[u] and u not in out:
                place(u)

    for t in graph.nodes:
        if t not in out:
            place(t)
    return list(out)


def _late(nodes: Sequence[Tensor], graph: Graph, host: frozenset[Tensor]) -> list[Tensor]:
    """The nodes, with those that need nothing computed (a slot times its decay) right before their first reader."""
    out: list[Tensor] = []
    waiting: set[Tensor] = set()
    for t in nodes:
        if _fusible(t) and all(not x.inputs or x in host for x in t.inputs) and graph.users[t]:
            waiting.add(t)
            continue
        for x in t.inputs:
            if x in waiting:
                waiting.discard(x)
                out.append(x)
        out.append(t)
    return out


def _fusible(t: Tensor) -> bool:
    return bool(t.inputs) and t.ndim > 0 and PRIMITIVES[t.primitive].elementwise


def _joinable(groups: list[_Open], t: Tensor, earliest: int) -> int | None:
    for place in range(earliest, len(groups)):
        group = groups[place]
        if group.shape != t.shape:
            continue
        if place == len(groups) - 1 or any(x in group.touched for x in t.inputs):
            return place
    return None
