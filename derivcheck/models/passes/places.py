"""What is computed right where it will stand: parts of a concatenation, windows that tile the result of a fold.

Invariant: a place is memory of the whole that no other part has, and whoever reads the part reads the same entries.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from derivcheck.models.graph import Graph
from derivcheck.models.passes.layout import Strides, c_order, contiguous, is_view, reshaped, root
from derivcheck.models.tensor import PRIMITIVES, Array, Tensor

__all__ = ["Place", "places"]


@dataclass(frozen=True)
class Place:
    """A part of another node's memory.

    Attributes
    ----------
    whole : Tensor
    offset : int
        Entries before the first.
    strides : tuple of int
        In entries, over the part's shape.
    views : tuple of (Tensor, tuple of int)
        Views of the part that only the whole reads, with their strides. NumPy could not always draw them itself.
    """

    whole: Tensor
    offset: int
    strides: Strides
    views: tuple[tuple[Tensor, Strides], ...] = ()

    def part(self, memory: Array, shape: tuple[int, ...], strides: Strides) -> Array:
        """The part of the whole's (contiguous) memory under these strides."""
        start = memory.reshape(-1)[self.offset :]
        return np.lib.stride_tricks.as_strided(start, shape, tuple(s * memory.itemsize for s in strides))


def places(graph: Graph, computed: Container[Tensor], results: Container[Tensor]) -> dict[Tensor, Place]:
    """The place of every node that has one.

    Parameters
    ----------
    graph : Graph
    computed : container of nodes
        Nodes that need memory.
    results : container of nodes
        Nodes that have memory of their own.
    """
    out: dict[Tensor, Place] = {}
    for whole in graph.nodes:
        if whole in results or whole not in computed:
            continue
        if whole.primitive == "fold" and _free(graph, whole.inputs[0], computed):
            tiled = _tiles(whole)
            if tiled is not None and _writable(whole.inputs[0], tiled):
                out[whole.inputs[0]] = tiled
        if whole.primitive == "concatenate":
            out |= _parts(graph, whole, computed, results, out)
    wholes = {p.whole for p in out.values()}
    return {t: p for t, p in out.items() if t not in wholes or _is_run(t, p)}


def _is_run(t: Tensor, place: Place) -> bool:
    """Whether a node is a part without gaps of its whole: parts of its own then have places there too."""
    return place.strides == c_order(t.shape)


def _free(graph: Graph, t: Tensor, computed: Container[Tensor]) -> bool:
    # NumPy writes these into any strides; and only the whole reads them.
    if t not in computed or t in graph.outputs or len(graph.users[t]) != 1:
        return False
    return PRIMITIVES[t.primitive].elementwise or (t.primitive == "matmul" and t.ndim > 2)


def _writable(t: Tensor, place: Place) -> bool:
    # BLAS writes rows, or columns, whose entries stand together.
    return t.primitive != "matmul" or 1 in place.strides[-2:]


def _tiles(fold: Tensor) -> Place | None:
    (x,) = fold.inputs
    a = fold.attributes
    outer = x.shape[x.ndim - fold.ndim :]
    covered = all(fold.shape[i] == outer[i] * k for i, k in zip(a["axes"], a["sizes"], strict=True))
    if not covered or a["strides"] != a["sizes"] or set(a["dilations"]) != {1}:
        return None
    steps = list(c_order(fold.shape))
    inner = tuple(steps[i] for i in a["axes"])
    for i, k in zip(a["axes"], a["sizes"], strict=True):
        steps[i] *= k
    return Place(fold, 0, (*inner, *steps))


def _parts(
    graph: Graph, joined: Tensor, computed: Container[Tensor], results: Container[Tensor], taken: dict[Tensor, Place]
) -> dict[Tensor, Place]:
    axis = joined.attributes["axis"]
    steps = c_order(joined.shape)
    together = all(n == 1 for n in joined.shape[:axis])
    out: dict[Tensor, Place] = {}
    offset = 0
    for x in joined.inputs:
        r = root(x)
        whole = x.size == r.size and r in computed
        if whole and r not in results and r not in taken and r not in out:
            if together and contiguous(x):
                out[r] = Place(joined, offset, c_order(r.shape))
            elif _free(graph, r, computed):
                place = _apart(graph, x, joined, offset, steps)
                if place is not None and _writable(r, place):
                    out[r] = place
        offset += x.shape[axis] * steps[axis]
    return out


def _apart(graph: Graph, x: Tensor, joined: Tensor, offset: int, steps: Strides) -> Place | None:
    """The place of the node behind a part, if the part's strides can be carried back through its views."""
    views: list[tuple[Tensor, Strides]] = []
    while is_view(x):
        views.append((x, steps))
        source = x.inputs[0]
        if len(graph.users[x]) != 1 or x in graph.outputs or x.primitive not in ("reshape", "transpose"):
            return None
        if x.primitive == "transpose":
            axes = x.attributes["axes"]
            steps = tuple(steps[axes.index(i)] for i in range(x.ndim))
        else:
            back = reshaped(x.shape, steps, source.shape)
            if back is None:
                return None
            steps = back
        x = source
    return Place(joined, offset, steps, tuple(views))
