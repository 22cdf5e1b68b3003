"""Products with a matrix that a whole batch shares become one product.

Invariant: the graph computes the same numbers up to the order of additions. Replicas that see the same data multiply it
by a matrix each, which BLAS would do call by call:

- ``A_r B`` for all ``r`` is one product if the rows of all ``A_r`` are the rows of one matrix (so they are, of layers
  whose rows stand side by side: see :mod:`interleave`);
- ``X B_r + b_r``, of rows that stand side by side, is ``[X 1] [B_1 … B_R; b_1 … b_R]``: the biases are a row of the
  matrix, and adding them takes no pass over the result. The matrices are copied for it, so they must be small.
"""

from __future__ import annotations

from derivcheck.models.functional import broadcast_to, concatenate, reshape, transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.layout import reshaped, strides
from derivcheck.models.passes.pieces import matrix
from derivcheck.models.tensor import Tensor, make

__all__ = ["share"]

#: Rows of the data from which on, for each row of a matrix, copying that matrix is little work beside the product.
ROWS = 4


def share(graph: Graph) -> Graph:
    """Multiply by a shared matrix once."""
    biased = {t: found for t in graph.nodes if t.primitive == "add" and (found := _biased(graph, t)) is not None}

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t in biased:
            product, bias = (inputs[i] for i in biased[t])
            return _with_ones(product, bias)
        return _stacked(t, *inputs) if t.primitive == "matmul" else None

    stacked = any(t.primitive == "matmul" and _stacked(t, *t.inputs) is not None for t in graph.nodes)
    return rewrite(graph, rule) if biased or stacked else graph


def _stacked(t: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
    """``A_r B`` as one product."""
    if t.ndim != 3 or a.shape[0] < 2 or b.shape[0] != 1:
        return None
    shape = a.shape[0] * a.shape[1], a.shape[2]
    steps = reshaped(a.shape, strides(a), shape)
    if steps is None or matrix(shape, steps) is None:
        return None
    return reshape(make("matmul", reshape(a, shape), reshape(b, b.shape[1:])), t.shape)


def _biased(graph: Graph, t: Tensor) -> tuple[int, int] | None:
    """Which operands are a product ``X B_r`` side by side, that nobody else reads, and the biases."""
    for product, bias in ((0, 1), (1, 0)):
        u, r = t.inputs[product], t.inputs[bias]
        inner = _side_by_side(u)
        if inner is None or r.shape != (1, *t.shape[1:]) or u.shape != t.shape:
            continue
        x, b = inner.inputs
        small = x.shape[0] == 1 < b.shape[0] and x.shape[1] >= ROWS * x.shape[2]
        if small and all(len(graph.users[y]) == 1 for y in (u, u.inputs[0], inner)):
            return product, bias
    return None


def _side_by_side(u: Tensor) -> Tensor | None:
    """The batched product that a node joins, row by row (see :mod:`interleave`)."""
    if u.primitive != "concatenate" or len(u.inputs) != 1 or u.ndim != 3:
        return None
    x = u.inputs[0]
    turned = x.primitive == "transpose" and x.attributes["axes"] == (1, 0, 2)
    return x.inputs[0] if turned and x.inputs[0].primitive == "matmul" else None


def _with_ones(product: Tensor, bias: Tensor) -> Tensor:
    """The product and its biases as one product."""
    (_, rows, inner), (count, _, columns) = (x.shape for x in product.inputs[0].inputs[0].inputs)
    x, b = product.inputs[0].inputs[0].inputs
    left = concatenate([reshape(x, (rows, inner)), broadcast_to(1.0, (rows, 1))], 1)
    right = concatenate([transpose(b, (1, 0, 2)), bias], 0)
    return reshape(make("matmul", left, reshape(right, (inner + 1, count * columns))), product.shape)
