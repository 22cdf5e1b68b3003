"""Results too large for the cache are made and used up slab by slab.

Invariant: the graph computes the same numbers: along an axis on which nothing is added up, the slabs of a result are
the results of slabs. A convolution's output that only a pooling reads, or a pooling's gradient that only a product
reads, then never leaves the cache: the graph holds a copy of these nodes for each slab, and joins what they leave,
which is small (a part of a concatenation is computed right where it stands). Where threads can run slabs at the same
time, a long product is cut too, into one for each.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from derivcheck.models.functional import concatenate
from derivcheck.models.graph import Graph, reachable
from derivcheck.models.passes.layout import is_view
from derivcheck.models.passes.nest import tiles
from derivcheck.models.tensor import PRIMITIVES, Shape, Tensor, make, relabelling

__all__ = ["slab"]

#: Bytes from which on a result is cut, and bytes that a slab may have: both for a second-level cache of a megabyte.
LARGE, SLAB = 1 << 20, 3 << 17

#: Most slabs: each is a line or more of the program.
MOST = 32

#: Share of a result's bytes that the nodes reading it may leave.
LEFT = 0.5

#: Multiplications from which on a product is worth more than one thread.
WORTH = 1 << 24


@dataclass(frozen=True, eq=False)
class _Region:
    """Nodes that are computed slab by slab: the large one, and all that read it.

    Attributes
    ----------
    axis : dict
        For each node, and each view between them, the axis along which it is cut.
    nodes : tuple of Tensor
        Those that compute something, in order; the first is the large one, which is wanted outside if it is alone.
    views : tuple of Tensor
        Views of readers that other readers read.
    units : int
        The number of entries along every such axis is a multiple of this.
    size : int
        Units of a slab.
    """

    axis: dict[Tensor, int]
    nodes: tuple[Tensor, ...]
    views: tuple[Tensor, ...]
    units: int
    size: int


_Item = Tensor | _Region


def slab(graph: Graph, itemsize: int, threads: int = 1) -> Graph:
    """Cut the large results that can be cut, and products that are worth more than one thread."""
    regions: list[_Region] = []
    taken: set[Tensor] = set()
    for t in graph.nodes:
        if t not in taken and t.kind == "float" and t.inputs:
            region = _region(graph, t, itemsize, threads) if t.size * itemsize > LARGE else None
            if region is None and threads > 1:
                region = _shares(graph, t, threads)
            if region is not None and not taken & set(region.axis):
                regions.append(region)
                taken |= set(region.axis)
    return _rebuilt(graph, regions) if regions else graph


# --- which nodes -----------------------------------------------------------------------------------------------


def _shares(graph: Graph, t: Tensor, threads: int) -> _Region | None:
    """A long product, a share for each thread, with what reads it entry by entry along the same axis."""
    if t.primitive != "matmul" or t.size * t.inputs[0].shape[-1] < WORTH or t in graph.outputs:
        return None
    a = max(range(max(1, t.ndim - 2)), key=t.shape.__getitem__)  # of two axes the rows
    axis, nodes = {t: a}, [t]
    units = _readers(graph, t, axis, nodes, t.shape[a]) if t.ndim > 2 else None
    views = []
    if units is None or units < threads or _circular(nodes, axis):
        axis, nodes, units = {t: a}, [t], t.shape[a]
    else:
        nodes.sort(key=lambda u: u.index)
        views = [v for u in nodes for x in u.inputs for v in _views_of_readers(x, axis[u], axis)]
    return _Region(axis, tuple(nodes), tuple(views), units, -(-units // threads)) if units >= threads else None


def _region(graph: Graph, t: Tensor, itemsize: int, threads: int) -> _Region | None:
    if t in graph.outputs:
        return None
    if t.primitive == "matmul":
        axes = [a for a in range(t.ndim - 2) if t.shape[a] > 1][:1]
    elif PRIMITIVES[t.primitive].elementwise:
        axes = [a for a in range(t.ndim - 1) if t.shape[a] > 1]
    else:
        return None
    for a in axes:
        axis = {t: a}
        nodes = [t]
        units = _readers(graph, t, axis, nodes, t.shape[a])
        if units is None or len(nodes) == 1:
            continue
        each = t.size * itemsize // units
        size = max(1, SLAB // each, -(-units // MOST))
        if size < units and 1 < threads <= units:  # as many for each thread
            count = -(-units // size)
            size = -(-units // (-(-count // threads) * threads))
        left = sum(u.size * (1 if u.kind == "bool" else itemsize) for u in nodes[1:])
        if size < units and each * size <= 2 * SLAB and left <= LEFT * t.size * itemsize:
            nodes.sort(key=lambda u: u.index)
            views = [v for u in nodes for x in u.inputs for v in _views_of_readers(x, axis[u], axis)]
            if not _circular(nodes, axis):
                return _Region(axis, tuple(nodes), tuple(views), units, size)
    return None


def _readers(graph: Graph, t: Tensor, axis: dict[Tensor, int], nodes: list[Tensor], units: int) -> int | None:
    """Add whatever reads a node to the region; the units along its axis, or ``None`` if it cannot be cut."""
    for u in graph.users[t]:
        through = is_view(u) or (u.primitive == "fold" and tiles(u))
        found = _moved_axis(u, t, axis[t]) if through else _kept_axis(u, t, axis[t])
        if found is None or axis.get(u, found) != found or (through and u in graph.outputs):
            return None
        if u in axis:
            continue
        axis[u] = found
        if not through:
            nodes.append(u)
            continue
        below = _readers(graph, u, axis, nodes, math.gcd(units, u.shape[found]))
        if below is None:
            return None
        units = below
    return units


def _moved_axis(u: Tensor, x: Tensor, axis: int) -> int | None:
    """Where a view (or windows put side by side) has the axis."""
    a = u.attributes
    if u.primitive == "transpose":
        return int(a["axes"].index(axis))
    if u.primitive == "reshape":
        before = math.prod(x.shape[:axis])
        fitting = [i for i, n in enumerate(u.shape) if n == x.shape[axis] and math.prod(u.shape[:i]) == before]
        return fitting[0] if fitting else None
    if u.primitive == "windows":
        if axis in a["axes"]:
            k = a["axes"].index(axis)
            if a["strides"][k] != a["sizes"][k] or a["dilations"][k] != 1 or x.shape[axis] % a["sizes"][k]:
                return None
        return len(a["sizes"]) + axis
    if u.primitive == "fold":
        return axis - len(a["sizes"]) if axis >= len(a["sizes"]) else None
    return None


def _kept_axis(u: Tensor, x: Tensor, axis: int) -> int | None:
    """Where a node that computes with every entry along the axis by itself has it."""
    if PRIMITIVES[u.primitive].elementwise:
        return axis if u.ndim == x.ndim and u.shape[axis] == x.shape[axis] else None
    if u.primitive in ("max", "sum", "count"):
        reduced = u.attributes["axes"]
        return None if axis in reduced else axis - sum(i < axis for i in reduced)
    if u.primitive == "matmul":
        return axis if axis < u.ndim - 2 else None
    return None


def _views_of_readers(x: Tensor, wanted: int, axis: dict[Tensor, int]) -> list[Tensor]:
    """The views, from the first on, through which one reader reads another; they are cut like everything else."""
    chain: list[Tensor] = []
    while x not in axis and is_view(x):
        chain.append(x)
        x = x.inputs[0]
    if x not in axis:
        return []
    found: dict[Tensor, int] = {}
    at = axis[x]
    for v in reversed(chain):
        moved = _moved_axis(v, v.inputs[0], at)
        if moved is None:
            return []
        found[v] = at = moved
    if at != wanted:
        return []
    axis.update(found)
    return list(found)


def _circular(nodes: Sequence[Tensor], axis: dict[Tensor, int]) -> bool:
    """Whether something that a node reads from outside waits for the region itself."""
    outside = [x for u in nodes for x in u.inputs if x not in axis]
    return any(x in axis for x in reachable(outside))


# --- the graph in slabs ----------------------------------------------------------------------------------------


def _rebuilt(graph: Graph, regions: Sequence[_Region]) -> Graph:
    """The graph with its regions in slabs; a region comes as soon as all that it reads is there."""
    region_of = {t: region for region in regions for t in region.axis}
    needs: dict[_Item, set[_Item]] = {}
    for t in graph.nodes:
        item = region_of.get(t, t)
        sources = needs.setdefault(item, set())
        sources.update(found for x in t.inputs if (found := region_of.get(x, x)) is not item)
    wanted_by: dict[_Item, list[_Item]] = {}
    for item, sources in needs.items():
        for s in sources:
            wanted_by.setdefault(s, []).append(item)
    missing = {item: len(sources) for item, sources in needs.items()}
    ready = [(_place(item), item) for item, count in missing.items() if not count]
    heapq.heapify(ready)
    new: dict[Tensor, Tensor] = {}
    with relabelling() as label:
        while ready:
            _, item = heapq.heappop(ready)
            if isinstance(item, _Region):
                new.update(_joined(item, new, label))
            elif item.primitive in ("variable", "constant"):
                new[item] = item
            else:
                inputs = tuple(new[x] for x in item.inputs)
                new[item] = Tensor(item.primitive, inputs, item.attributes, item.shape, item.kind, item.scope)
            for user in wanted_by.get(item, ()):
                missing[user] -= 1
                if not missing[user]:
                    heapq.heappush(ready, (_place(user), user))
    return Graph(graph.inputs, tuple(new[t] for t in graph.outputs))


def _place(item: _Item) -> int:
    """Where in the order drawn an item stands: no two have the same place."""
    return item.nodes[0].index if isinstance(item, _Region) else item.index


def _joined(region: _Region, new: dict[Tensor, Tensor], label: Callable[[str], None]) -> dict[Tensor, Tensor]:
    """What the region leaves, each joined from its slabs."""
    pieces: dict[Tensor, list[Tensor]] = {u: [] for u in region.nodes[1:] or region.nodes}
    for lo in range(0, region.units, region.size):
        hi = min(lo + region.size, region.units)
        here: dict[Tensor, Tensor] = {}
        for u in region.nodes:
            label(u.scope)
            here[u] = _slab_of(u, region, lo, hi, here, new)
        for u, parts in pieces.items():
            parts.append(here[u])
    out = {u: concatenate(parts, region.axis[u]) for u, parts in pieces.items()}
    for v in region.views:  # somebody outside may read them too
        out[v] = make(v.primitive, out[v.inputs[0]], **v.attributes)
    return out


def _slab_of(
    t: Tensor, region: _Region, lo: int, hi: int, here: dict[Tensor, Tensor], new: dict[Tensor, Tensor]
) -> Tensor:
    """A node of the region for the units from ``lo`` to ``hi``."""
    if t in here:
        return here[t]
    axis = region.axis[t]
    inputs = []
    for k, x in enumerate(t.inputs):
        if x in region.axis:
            inputs.append(_slab_of(x, region, lo, hi, here, new))
        else:
            inputs.append(_cut(new[x], _axis_of(t, k, axis), region.units, lo, hi))
    attributes = dict(t.attributes)
    if t.primitive in ("reshape", "fold"):
        attributes["shape"] = _resized(t.shape, axis, region.units, lo, hi)
    here[t] = make(t.primitive, *inputs, **attributes)
    return here[t]


def _axis_of(t: Tensor, k: int, axis: int) -> int | None:
    """The axis along which operand ``k``, from outside, is cut; ``None`` if it is the same for every slab."""
    x = t.inputs[k]
    if t.primitive == "matmul" and axis == t.ndim - 2:
        return axis if k == 0 else None  # both operands may be the same matrix
    return axis if x.ndim == t.ndim and x.shape[axis] == t.shape[axis] else None


def _cut(x: Tensor, axis: int | None, units: int, lo: int, hi: int) -> Tensor:
    if axis is None:
        return x
    each = x.shape[axis] // units
    slices = tuple((lo * each, (hi - lo) * each, 1) if i == axis else (0, n, 1) for i, n in enumerate(x.shape))
    return make("slice", x, slices=slices)


def _resized(shape: Shape, axis: int, units: int, lo: int, hi: int) -> Shape:
    return (*shape[:axis], shape[axis] // units * (hi - lo), *shape[axis + 1 :])
