"""One call for the same small operation on many parts of one array.

Invariant: the graph computes the same numbers. Where a recurrence's outputs are joined (for its weight's gradient) and
an elementwise function of each of them is wanted later (the slope of its activation), the function is computed once, of
the joined array: ``f(h_t) = f([h_1; …; h_T])[t]``. A call of NumPy costs as much as a thousand entries.

What the joined array itself needs stays as it is: a recurrence is not cut open.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from derivcheck.models.graph import Graph, reachable
from derivcheck.models.tensor import PRIMITIVES, Tensor, labelled, make

__all__ = ["batch"]

#: Fewest parts, and most entries of one, for which one call instead of many is worth its detour through memory.
PARTS, ENTRIES = 4, 1 << 13

#: Share of the parts that must be wanted: the function of the others is computed in vain.
SHARE = 0.75


@dataclass(frozen=True, eq=False)
class _Whole:
    """An elementwise function of a joined array: ``source`` is that array, or such a function of it."""

    source: Tensor | _Whole
    example: Tensor
    place: int
    parts: dict[Tensor, int]


Item = Tensor | _Whole


def batch(graph: Graph) -> Graph:
    """Compute elementwise functions of all parts of a concatenation at once."""
    whole_of: dict[Tensor, _Whole] = {}
    for c in graph.nodes:
        if c.primitive == "concatenate" and c.attributes["axis"] == 0 and len(set(c.inputs)) >= PARTS:
            for whole in _wholes(graph, c, whole_of):
                whole_of.update((t, whole) for t in whole.parts)
    return _rebuilt(graph, whole_of) if whole_of else graph


def _wholes(graph: Graph, joined: Tensor, taken: Container[Tensor]) -> Iterator[_Whole]:
    starts, at = {}, 0
    for x in joined.inputs:
        starts[x] = at
        at += x.shape[0]
    needed = set(reachable([joined]))
    todo: list[tuple[Item, dict[Tensor, int]]] = [(joined, starts)]
    while todo:
        source, parts = todo.pop()
        alike: dict[Any, dict[Tensor, tuple[Tensor, int]]] = {}
        for x in parts:
            for u in graph.users[x]:
                place = None if u in needed or u in taken or x.size > ENTRIES else _place(u, x)
                if place is not None:
                    alike.setdefault(_key(u, place), {})[x] = u, place
        for found in alike.values():
            if len(found) >= max(PARTS, SHARE * len(parts)):
                example, place = next(iter(found.values()))
                whole = _Whole(source, example, place, {u: parts[x] for x, (u, _) in found.items()})
                yield whole
                todo.append((whole, whole.parts))


def _place(u: Tensor, x: Tensor) -> int | None:
    """Which operand of a function of one tensor (and numbers) a part is."""
    if not PRIMITIVES[u.primitive].elementwise or u.shape != x.shape or u.inputs.count(x) != 1:
        return None
    others = [y for y in u.inputs if y is not x]
    return u.inputs.index(x) if all(y.primitive == "constant" and not y.ndim for y in others) else None


def _key(u: Tensor, place: int) -> Any:
    numbers = tuple(repr(y.attributes["value"]) for i, y in enumerate(u.inputs) if i != place)
    return u.primitive, place, numbers, u.kind, tuple(sorted((k, repr(v)) for k, v in u.attributes.items()))


def _rebuilt(graph: Graph, whole_of: dict[Tensor, _Whole]) -> Graph:
    """The graph with parts taken from wholes; otherwise nodes keep the order drawn."""
    needs: dict[Item, list[Item]] = {}
    for t in graph.nodes:
        needs[t] = [whole_of[t]] if t in whole_of else list(dict.fromkeys(t.inputs))
    for w in whole_of.values():
        needs[w] = [w.source, *(x for i, x in enumerate(w.example.inputs) if i != w.place)]
    wanted_by: dict[Item, list[Item]] = {}
    for item, sources in needs.items():
        for s in sources:
            wanted_by.setdefault(s, []).append(item)
    missing = {item: len(sources) for item, sources in needs.items()}

    def order(item: Item) -> tuple[int, int, int]:
        # A whole comes where its first part stood, or as soon after it as it can. No two items compare equal.
        return (item.index, 1, 0) if isinstance(item, Tensor) else (item.example.index, 0, item.place)

    ready = [(order(item), item) for item, count in missing.items() if not count]
    heapq.heapify(ready)
    new: dict[Item, Tensor] = {}
    while ready:
        _, item = heapq.heappop(ready)
        new[item] = _made(item, whole_of, new)
        for user in wanted_by.get(item, ()):
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, (order(user), user))
    return Graph(graph.inputs, tuple(new[t] for t in graph.outputs))


def _made(item: Item, whole_of: dict[Tensor, _Whole], new: dict[Item, Tensor]) -> Tensor:
    if isinstance(item, _Whole):
        t = item.example
        with labelled(t.scope):
            at = [new[item.source] if i == item.place else new[x] for i, x in enumerate(t.inputs)]
            return make(t.primitive, *at, **t.attributes)
    if item in whole_of:
        start = whole_of[item].parts[item]
        return new[whole_of[item]][start : start + item.shape[0]]
    if item.primitive in ("variable", "constant"):
        return item
    return Tensor(
        item.primitive, tuple(new[x] for x in item.inputs), item.attributes, item.shape, item.kind, item.scope
    )
