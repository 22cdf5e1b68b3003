"""The innermost axis of a copy or a product is the one that is innermost where it is read.

Invariant: the graph computes the same numbers up to rounding. Memory is read a line at a time; to walk along another
axis than the innermost costs ten times as much. Three places where the walk can be had shorter:

- windows that are copied from a transposed array read every entry several times: the array is transposed first, once;
- a product ``A B`` whose rows are wanted innermost is computed as ``(Bᵀ Aᵀ)ᵀ``;
- a matrix whose rows stand innermost in memory is copied as its transpose, if only products read it.
"""

from __future__ import annotations

from derivcheck.models.functional import reshape, transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.layout import contiguous, is_view, strides
from derivcheck.models.tensor import Tensor, make

__all__ = ["inner"]

#: Fewest entries that are worth another order.
ENTRIES = 1 << 12


def inner(graph: Graph) -> Graph:
    """Apply the three rules."""

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t.size < ENTRIES or t.primitive not in ("reshape", "transpose"):
            return None
        (x,) = inputs
        if t.primitive == "transpose":
            (was,) = t.inputs
            chain = was.primitive == x.primitive == "reshape" and was.inputs[0].primitive == "matmul"
            alone = chain and len(graph.users[was]) == len(graph.users[was.inputs[0]]) == 1
            return _transposed_product(t, x) if alone else None
        if x.primitive != "transpose" or is_view(t):
            return None
        if x.inputs[0].primitive == "windows":
            return _transposed_first(t, x)
        products = all(u.primitive == "matmul" and u.ndim == 2 for u in graph.users[t]) and t not in graph.outputs
        return _transposed_copy(t, x) if products else None

    return rewrite(graph, rule) if any(t.primitive == "transpose" for t in graph.nodes) else graph


def _transposed_first(t: Tensor, x: Tensor) -> Tensor | None:
    """``reshape(transpose(windows(z)))``: the same of ``z`` in the order in which it is read."""
    windows = x.inputs[0]
    z, axes = windows.inputs[0], x.attributes["axes"]
    count = windows.ndim - z.ndim
    order = tuple(a - count for a in axes if a >= count)
    if t.size < 2 * z.size or strides(z)[order[-1]] == 1 or z.shape[order[-1]] == 1:
        return None
    a = dict(windows.attributes)
    a["axes"] = tuple(order.index(i) for i in a["axes"])
    new = make("windows", _joined(transpose(z, order)), **a)
    places = iter(range(count, windows.ndim))
    out = reshape(transpose(new, tuple(i if i < count else next(places) for i in axes)), t.shape)
    return _joined(out) if is_view(out) else out  # it is to be copied, as it was


def _joined(x: Tensor) -> Tensor:
    """A join of one part: memory of its own, into which the part is copied, or right computed."""
    return make("concatenate", x, axis=0)


def _transposed_product(t: Tensor, x: Tensor) -> Tensor | None:
    """``transpose(reshape(A B))`` with the rows of the product last."""
    product, axes = x.inputs[0], t.attributes["axes"]
    rows = x.shape[0]
    if product.primitive != "matmul" or product.ndim != 2 or axes[-1] != 0 or product.shape[0] != rows or rows < 2:
        return None
    a, b = product.inputs
    swapped = reshape(make("matmul", transpose(b, (1, 0)), transpose(a, (1, 0))), (*x.shape[1:], rows))
    return transpose(swapped, tuple(i - 1 if i else x.ndim - 1 for i in axes))


def _transposed_copy(t: Tensor, x: Tensor) -> Tensor | None:
    """``reshape(transpose(z))`` to a matrix whose rows are the last axis of ``z``."""
    z, axes = x.inputs[0], x.attributes["axes"]
    rows = z.shape[-1]
    if t.ndim != 2 or axes[0] != z.ndim - 1 or t.shape[0] != rows or rows < 2 or not contiguous(z):
        return None
    return transpose(reshape(transpose(z, (*axes[1:], axes[0])), (t.shape[1], rows)), (1, 0))
