"""Products that are added with a shift become products with a longer inner axis.

Invariant: the graph computes the same numbers up to the order of additions. The gradient of a convolution with respect
to its input is, row by row, ``fold(Aᵀ G_h)``: every row ``h`` of the output gives a product for each place ``p`` of the
kernel, which is added into row ``h + p`` of the input. Row ``y`` of the input is therefore

    ``[A_{k−1}ᵀ … A_0ᵀ] [G_{y−k+1}; …; G_y]``,

one product of rows that stand one after the other in memory: no product is written only to be added up, and an inner
axis ``k`` times as long is what BLAS is good at. At the borders the band is cut, so that nothing is multiplied by zero.
"""

from __future__ import annotations

from derivcheck.models.functional import concatenate, reshape, transpose, windows
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.layout import contiguous
from derivcheck.models.tensor import Tensor, make

__all__ = ["band"]

#: Longest inner axis that is worth lengthening, and fewest entries of all products that are worth their pieces.
INNER, ENTRIES = 96, 1 << 17


def band(graph: Graph) -> Graph:
    """Replace overlapping folds of products along the axis over which the products are batched."""
    found = {t for t in graph.nodes if t.primitive == "fold" and _banded(graph, t)}

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        return _rows(inputs[0]) if t in found else None

    return rewrite(graph, rule) if found else graph


def _banded(graph: Graph, t: Tensor) -> bool:
    """Whether a fold is of the form above; its operand is a transposed, reshaped product that nobody else reads."""
    a, x = t.attributes, t.inputs[0]
    if a["axes"] != (0,) or a["strides"] != (1,) or a["dilations"] != (1,) or a["sizes"][0] < 2 or t.ndim != 3:
        return False
    if x.primitive != "transpose" or x.attributes["axes"] != (1, 0, 2, 3) or x.inputs[0].primitive != "reshape":
        return False
    product = x.inputs[0].inputs[0]
    if product.primitive != "matmul" or product.ndim != 3 or product.size < ENTRIES:
        return False
    k, count, rows, columns = x.shape
    if product.shape != (count, k * rows, columns) or any(len(graph.users[y]) > 1 for y in (x, x.inputs[0], product)):
        return False
    left, right = product.inputs
    return left.shape[0] == 1 and right.shape[0] == count >= k and left.shape[-1] <= INNER and contiguous(right)


def _rows(x: Tensor) -> Tensor:
    """The folded rows, from the fold's operand."""
    k, count, rows, columns = x.shape
    left, right = x.inputs[0].inputs[0].inputs
    inner = left.shape[-1]
    # The blocks of A, last place first, transposed: any run of them is a run of rows.
    blocks = transpose(reshape(left, (k, rows, inner)), (0, 2, 1))
    stack = reshape(make("flip", blocks, axes=(0,)), (1, k * inner, rows))

    def part(first: int, last: int) -> Tensor:
        # Places of the kernel from `first` on, as many as there are rows of G up to `last`.
        return transpose(stack[:, (k - last) * inner : (k - first) * inner], (0, 2, 1))

    top = [make("matmul", part(0, y + 1), reshape(right[: y + 1], (1, (y + 1) * inner, columns))) for y in range(k - 1)]
    slabs = transpose(windows(right, (0,), (k,), (1,), (1,)), (1, 0, 2, 3))
    middle = make("matmul", part(0, k), reshape(slabs, (count - k + 1, k * inner, columns)))
    bottom = [
        make("matmul", part(d, k), reshape(right[count - k + d :], (1, (k - d) * inner, columns))) for d in range(1, k)
    ]
    return concatenate([*top, middle, *bottom], 0)
