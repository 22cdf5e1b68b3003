"""Transposes sink towards the outputs: work is done in the memory order of what came before.

Invariant: the graph computes the same numbers. An operation on a transposed tensor becomes the transpose of the
operation on the tensor itself, so that a chain between two convolutions stays in the order in which the first
leaves its result and the second wants its input, and the two transposes meet and cancel.
"""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.models.functional import reshape, transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.tensor import PRIMITIVES, Tensor, make

__all__ = ["sink"]

Axes = tuple[int, ...]
Rule = Callable[[Tensor, Tensor, Axes], Tensor | None]


def _inverse(axes: Axes) -> Axes:
    return tuple(axes.index(i) for i in range(len(axes)))


def _moved(values: tuple[object, ...], axes: Axes) -> tuple[object, ...]:
    # Entry i of a list by the transpose's axes belongs to axis axes[i] of what is transposed.
    return tuple(values[axes.index(i)] for i in range(len(axes)))


def _elementwise(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
    # An operand in the order drawn is read across memory in either case: the result follows the transposed ones.
    large = [x for x in inputs if x.ndim == t.ndim and x.size == t.size and x.primitive == "transpose"]
    if not large or t.size == 1:
        return None
    axes: Axes = large[0].attributes["axes"]
    if any(x.attributes["axes"] != axes for x in large):
        return None
    back = _inverse(axes)
    inner = [x.inputs[0] if x in large else transpose(x, back) if x.ndim else x for x in inputs]
    return transpose(make(t.primitive, *inner, **t.attributes), axes)


def _reduction(t: Tensor, z: Tensor, axes: Axes) -> Tensor:
    reduced = tuple(sorted(axes[a] for a in t.attributes["axes"]))
    left = [i for i in range(z.ndim) if i not in reduced]
    order = [left.index(axes[i]) for i in range(z.ndim) if i not in t.attributes["axes"]]
    return transpose(make(t.primitive, z, axes=reduced), order)


def _broadcast(t: Tensor, z: Tensor, axes: Axes) -> Tensor:
    return transpose(make("broadcast_to", z, shape=_moved(t.shape, axes)), axes)


def _slice(t: Tensor, z: Tensor, axes: Axes) -> Tensor:
    return transpose(make("slice", z, slices=_moved(t.attributes["slices"], axes)), axes)


def _embed(t: Tensor, z: Tensor, axes: Axes) -> Tensor:
    slices = _moved(t.attributes["slices"], axes)
    return transpose(make("embed", z, shape=_moved(t.shape, axes), slices=slices), axes)


def _windows(t: Tensor, z: Tensor, axes: Axes) -> Tensor:
    a = dict(t.attributes)
    a["axes"] = tuple(axes[i] for i in a["axes"])
    new = t.ndim - z.ndim
    return transpose(make("windows", z, **a), (*range(new), *(new + i for i in axes)))


def _fold(t: Tensor, z: Tensor, axes: Axes) -> Tensor:
    # The places inside the window stay first; the others keep the order that they have in memory.
    inner = z.ndim - t.ndim
    outer = sorted(axes[inner:])
    order = tuple(outer.index(i) for i in axes[inner:])
    a = dict(t.attributes)
    a["axes"] = tuple(order[i] for i in a["axes"])
    a["shape"] = _moved(t.shape, order)
    return transpose(make("fold", transpose(z, (*axes[:inner], *outer)), **a), order)


def _reshape(t: Tensor, z: Tensor, axes: Axes) -> Tensor | None:
    # Only where axes of size one are inserted.
    source = iter(enumerate(t.inputs[0].shape))
    pending = next(source, None)
    order: list[int] = []
    added = t.ndim - z.ndim
    count = 0
    for n in t.shape:
        if pending is not None and pending[1] == n and not (n == 1 and count < added):
            order.append(added + axes[pending[0]])
            pending = next(source, None)
        elif n == 1:
            order.append(count)
            count += 1
        else:
            return None
    if pending is not None or count != added or added <= 0:
        return None
    return transpose(reshape(z, (1,) * added + z.shape), order)


_RULES: dict[str, Rule] = {
    "sum": _reduction,
    "max": _reduction,
    "broadcast_to": _broadcast,
    "slice": _slice,
    "embed": _embed,
    "windows": _windows,
    "fold": _fold,
    "reshape": _reshape,
}


def sink(graph: Graph) -> Graph:
    """Move transposes behind elementwise operations, reductions, slices and windows."""

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t.primitive == "transpose" and inputs[0].primitive == "transpose":
            inner: Axes = inputs[0].attributes["axes"]
            return transpose(inputs[0].inputs[0], tuple(inner[i] for i in t.attributes["axes"]))
        if PRIMITIVES[t.primitive].elementwise:
            return _elementwise(t, inputs)
        x = inputs[0]
        if t.primitive in _RULES and x.primitive == "transpose":
            return _RULES[t.primitive](t, x.inputs[0], x.attributes["axes"])
        return None

    return rewrite(graph, rule) if any(t.primitive == "transpose" for t in graph.nodes) else graph
