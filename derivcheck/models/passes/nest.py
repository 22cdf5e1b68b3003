"""Larger loop nests for the compiled backend: neighbours in the schedule that one pass over memory can do.

Invariant: the groups hold the same nodes in the same order. Two kinds of neighbours are joined:

- a matrix product and the sum (or overlapping ``fold``) of its entries: BLAS adds into the result's memory;
- elementwise groups around reductions of a few *lanes*, the places of a pooling window: a loop over the windows does
  the largest entry, bias, activation and derivatives, with a scalar for each lane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from derivcheck.models.graph import Graph
from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.layout import is_view, reshaped, root
from derivcheck.models.passes.loops import Strides
from derivcheck.models.tensor import Shape, Tensor

__all__ = ["LANES", "fold_strides", "nest", "sum_strides", "through_views", "tiles"]

#: Most lanes: each is a variable of the loop's body.
LANES = 16


def nest(graph: Graph, groups: Sequence[Group]) -> tuple[Group, ...]:
    """Join neighbours."""
    return _products(graph, _lanes(graph, groups))


# --- products that are added up -------------------------------------------------------------------------------


def _products(graph: Graph, groups: Sequence[Group]) -> tuple[Group, ...]:
    out: list[Group] = []
    for g in groups:
        if out and _added(graph, out[-1], g):
            out[-1] = Group((*out[-1].nodes, *g.nodes), None)
        else:
            out.append(g)
    return tuple(out)


def _added(graph: Graph, first: Group, second: Group) -> bool:
    (t, y) = first.nodes[0], second.nodes[0]
    if len(first.nodes) > 1 or len(second.nodes) > 1 or t.primitive != "matmul" or y.primitive not in ("sum", "fold"):
        return False
    if root(y.inputs[0]) is not t or (y.primitive == "fold" and tiles(y)):
        return False
    x = y.inputs[0]
    while x is not t:  # nobody else may want the product
        if len(graph.users[x]) != 1 or x in graph.outputs:
            return False
        x = x.inputs[0]
    if len(graph.users[t]) != 1 or t in graph.outputs:
        return False
    steps = through_views(y.inputs[0], t, sum_strides(y) if y.primitive == "sum" else fold_strides(y))
    if steps is None:
        return False
    down, right = steps[-2:]
    return (right == 1 or t.shape[-1] == 1) and (down >= t.shape[-1] or t.shape[-2] == 1)


def sum_strides(t: Tensor) -> Strides:
    """Where in a sum's memory every entry of its operand is added."""
    axes = t.attributes["axes"]
    kept = iter(_c_order(t.shape))
    return tuple(0 if i in axes else next(kept) for i in range(t.inputs[0].ndim))


def fold_strides(t: Tensor) -> Strides:
    """Where in a fold's memory every entry of its operand is added."""
    a, steps = t.attributes, list(_c_order(t.shape))
    inner = []
    for axis, stride, dilation in zip(a["axes"], a["strides"], a["dilations"], strict=True):
        inner.append(steps[axis] * dilation)
        steps[axis] *= stride
    return (*inner, *steps)


def through_views(x: Tensor, t: Tensor, steps: Strides) -> Strides | None:
    """Strides over a node's axes, given those over the axes of a view that shows every entry once."""
    while x is not t:
        source = x.inputs[0]
        if x.primitive == "transpose":
            axes = x.attributes["axes"]
            steps = tuple(steps[axes.index(i)] for i in range(len(axes)))
        elif x.primitive == "reshape":
            found = reshaped(x.shape, steps, source.shape)
            if found is None:
                return None
            steps = found
        else:
            return None
        x = source
    return steps


def _c_order(shape: Shape) -> Strides:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


# --- lanes ------------------------------------------------------------------------------------------------------


def tiles(t: Tensor) -> bool:
    """Whether the windows of a fold lie side by side and fill the result."""
    a = t.attributes
    return t.inputs[0].size == t.size and a["strides"] == a["sizes"] and set(a["dilations"]) == {1}


def _seed(group: Group) -> tuple[Shape, Shape] | None:
    """The lanes and the shape of the loops that a group asks for."""
    t = group.nodes[0]
    if len(group.nodes) > 1 or t.primitive not in ("sum", "count", "max", "fold"):
        return None
    shape = t.inputs[0].shape
    count = len(t.attributes["axes"])
    if t.primitive == "fold" and (not tiles(t) or t.kind != "float"):
        return None
    if t.primitive != "fold" and t.attributes["axes"] != tuple(range(count)):
        return None
    lanes, inner = shape[:count], shape[count:]
    return (lanes, inner) if 1 < math.prod(lanes) <= LANES and math.prod(inner) > LANES else None


def _lanes(graph: Graph, groups: Sequence[Group]) -> list[Group]:
    seeds = [_seed(g) for g in groups]
    out: list[Group] = []
    at = 0
    while at < len(groups):
        hi = at
        # A nest may begin with elementwise groups ahead of the reduction that says how many lanes there are.
        ahead = next(
            (i for i in range(at, len(groups)) if seeds[i] is not None or groups[i].shape is None), len(groups)
        )
        seed = seeds[ahead] if ahead < len(groups) else None
        if seed is not None:
            members: set[Tensor] = set()
            while hi < len(groups) and _fits(groups[hi], *seed, members):
                members.update(groups[hi].nodes)
                hi += 1
        if seed is not None and hi > ahead and hi - at > 1:
            out.append(Group(tuple(t for g in groups[at:hi] for t in g.nodes), seed[1], seed[0]))
            at = hi
        else:
            out.append(groups[at])
            at += 1
    return out


def _fits(group: Group, lanes: Shape, shape: Shape, members: set[Tensor]) -> bool:
    if group.shape is None and _seed(group) != (lanes, shape):
        return False
    if group.shape is not None and group.shape not in (shape, lanes + shape):
        return False
    return all(_aligned(x, shape, members) for t in group.nodes for x in t.inputs)


def _aligned(x: Tensor, shape: Shape, members: set[Tensor]) -> bool:
    """Whether an operand is made outside the nest, or read where it is made."""
    y = x
    reshapes = True
    while y not in members and is_view(y):
        reshapes = reshapes and y.primitive == "reshape"
        y = y.inputs[0]
    if y not in members:
        return True
    if y.primitive == "fold":
        return False
    return x is y or (reshapes and y.shape == shape and x.shape[x.ndim - len(shape) :] == shape)
