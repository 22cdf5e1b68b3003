"""Sums of many small things become one large thing.

Invariant: the graph computes the same numbers up to the order of additions. Reverse mode leaves a sum of
paddings where slices were taken, and a sum of products where a weight was used at many times:

- ``Σ embed(g_k)`` of slices that do not overlap is the concatenation of the ``g_k``;
- ``Σ A_k B_k`` is ``[A_1 … A_n] [B_1; …; B_n]``, one product instead of many.
"""

from __future__ import annotations

from collections.abc import Sequence

from derivcheck.models.functional import broadcast_to, concatenate, reshape, transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.tensor import Tensor, labelled, make

__all__ = ["gather_products", "gather_slices"]


def _terms(graph: Graph) -> dict[Tensor, list[Tensor]]:
    """For every sum that is not itself part of a larger one: its terms."""
    single = {t for t, users in graph.users.items() if len(users) == 1 and t not in graph.outputs}

    def inner(t: Tensor, x: Tensor) -> bool:
        return x.primitive == "add" and x.shape == t.shape and x in single and t.inputs[0] is not t.inputs[1]

    part = {x for t in graph.nodes if t.primitive == "add" for x in t.inputs if inner(t, x)}
    out: dict[Tensor, list[Tensor]] = {}
    for t in graph.nodes:
        if t.primitive != "add" or t in part:
            continue
        terms: list[Tensor] = []
        todo = list(t.inputs)
        while todo:
            x = todo.pop()
            if x in part:
                todo.extend(x.inputs)
            else:
                terms.append(x)
        if all(x.shape == t.shape for x in terms):
            out[t] = terms
    return out


def _sum(terms: Sequence[Tensor]) -> Tensor:
    out = terms[0]
    for t in terms[1:]:
        out = make("add", out, t)
    return out


# --- slices ---------------------------------------------------------------------------------------------------


def gather_slices(graph: Graph) -> Graph:
    """Sums of non-overlapping ``embed`` nodes become concatenations."""
    sums = {t: xs for t, xs in _terms(graph).items() if sum(x.primitive == "embed" for x in xs) > 1}
    if not sums:
        return graph
    new: dict[Tensor, Tensor] = {}

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
        out = _concatenated(sums[t], new) if t in sums else None
        new[t] = Tensor(t.primitive, inputs, t.attributes, t.shape, t.kind, t.scope) if out is None else out
        return new[t]

    return rewrite(graph, rule)


def _cut(x: Tensor) -> int | None:
    """The one axis along which an ``embed`` places a contiguous part, or ``None``."""
    slices = x.attributes["slices"]
    cut = [i for i, (s, n) in enumerate(zip(slices, x.shape, strict=True)) if s != (0, n, 1)]
    return cut[0] if len(cut) == 1 and slices[cut[0]][2] == 1 else None


def _concatenated(terms: list[Tensor], new: dict[Tensor, Tensor]) -> Tensor | None:
    axis = next((a for x in terms if x.primitive == "embed" and (a := _cut(x)) is not None), None)
    if axis is None:
        return None
    parts = [x for x in terms if x.primitive == "embed" and _cut(x) == axis]
    parts.sort(key=lambda x: x.attributes["slices"][axis][0])
    rest = [new.get(x, x) for x in terms if x not in parts]
    pieces: list[Tensor] = []
    at = 0
    for x in parts:
        start, count, _ = x.attributes["slices"][axis]
        if start < at:  # they overlap
            return None
        if start > at:
            pieces.append(_zeros(x, axis, start - at))
        pieces.append(new.get(x.inputs[0], x.inputs[0]))
        at = start + count
    if len(parts) < 2:
        return None
    if at < parts[0].shape[axis]:
        pieces.append(_zeros(parts[0], axis, parts[0].shape[axis] - at))
    return _sum([_joined(pieces, axis), *rest])


def _zeros(x: Tensor, axis: int, count: int) -> Tensor:
    return broadcast_to(0.0, (*x.shape[:axis], count, *x.shape[axis + 1 :]))


def _joined(pieces: list[Tensor], axis: int) -> Tensor:
    # [1, …] pieces that are reshaped from […] are joined before the reshaping, where they have memory of their own.
    def added(p: Tensor) -> bool:
        return p.primitive == "reshape" and p.ndim > 1 and p.shape == (1, *p.inputs[0].shape)

    if axis == 0 and all(added(p) for p in pieces):
        joined = concatenate([p.inputs[0] for p in pieces], 0)
        return reshape(joined, (len(pieces), *pieces[0].shape[1:]))
    return concatenate(pieces, axis)


# --- products -------------------------------------------------------------------------------------------------


def gather_products(graph: Graph) -> Graph:
    """Sums of matrix products of one shape become one product."""
    sums = {}
    for t, xs in _terms(graph).items():
        products = [x for x in xs if x.primitive == "matmul" and x.ndim == 2 and len(graph.users[x]) == 1]
        if len(products) > 1:
            sums[t] = xs
    if not sums:
        return graph
    joined = _places(graph)
    new: dict[Tensor, Tensor] = {}

    def build(t: Tensor) -> None:
        if not t.inputs:
            new[t] = t
        elif t in sums:
            products = [x for x in sums[t] if x.primitive == "matmul" and x.ndim == 2 and len(graph.users[x]) == 1]
            rest = [new[x] for x in sums[t] if x not in products]
            with labelled(t.scope):
                new[t] = _sum([_product(products, joined, new), *rest])
        else:
            new[t] = Tensor(t.primitive, tuple(new[x] for x in t.inputs), t.attributes, t.shape, t.kind, t.scope)

    # A sum waits for the concatenations of its factors that others make: it can then read them there.
    waiting: list[Tensor] = []
    late: set[Tensor] = set()
    for t in graph.nodes:
        if t in sums or any(x in late for x in t.inputs):
            late.add(t)
            waiting.append(t)
        else:
            build(t)
    for t in waiting:
        build(t)
    return Graph(graph.inputs, tuple(new[t] for t in graph.outputs))


def _places(graph: Graph) -> dict[Tensor, tuple[Tensor, int]]:
    """Where a node is already part of a concatenation along the first axis."""
    out: dict[Tensor, tuple[Tensor, int]] = {}
    for c in graph.nodes:
        if c.primitive == "concatenate" and c.attributes["axis"] == 0:
            at = 0
            for x in c.inputs:
                out.setdefault(x, (c, at))
                at += x.shape[0]
    return out


def _product(products: list[Tensor], joined: dict[Tensor, tuple[Tensor, int]], new: dict[Tensor, Tensor]) -> Tensor:
    # Work with columns: A_k = (A_kᵀ)ᵀ, so that both factors are stacked along the first axis.
    pairs = [(_transposed(x.inputs[0]), x.inputs[1]) for x in products]
    pairs.sort(key=lambda pair: (joined[pair[0]][1] if pair[0] in joined else 0, pair[0].index))
    left = _stacked([a for a, _ in pairs], joined, new)
    right = _stacked([b for _, b in pairs], joined, new)
    return make("matmul", transpose(left, (1, 0)), right)


def _transposed(x: Tensor) -> Tensor:
    return x.inputs[0] if x.primitive == "transpose" else transpose(x, (1, 0))


def _stacked(parts: list[Tensor], joined: dict[Tensor, tuple[Tensor, int]], new: dict[Tensor, Tensor]) -> Tensor:
    first = joined.get(parts[0])
    if first is not None and first[0] in new:  # they may stand together already
        whole, start = first
        at = start
        for x in parts:
            if joined.get(x) != (whole, at):
                break
            at += x.shape[0]
        else:
            return new[whole][start:at]
    return concatenate([_known(x, new) for x in parts], 0)


def _known(x: Tensor, new: dict[Tensor, Tensor]) -> Tensor:
    if x in new or not x.inputs:
        return new.get(x, x)
    return make(x.primitive, *(_known(i, new) for i in x.inputs), **x.attributes)
