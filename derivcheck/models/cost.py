"""What a program must do at least: floating-point operations and bytes moved.

Dividing by a machine's peak rates gives the time below which no implementation of the same graph can go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.layout import root
from derivcheck.models.tensor import Tensor

__all__ = ["Cost", "cost_of"]


@dataclass(frozen=True)
class Cost:
    """Work of one call.

    Attributes
    ----------
    flops : int
        Floating-point operations; a multiply-add counts two, every elementwise function one.
    matmul_flops : int
        Those in matrix products.
    bytes : int
        Read and written by all groups, each counting its inputs and what leaves it once.
    workspace : int
        Bytes of intermediate results, after reuse.
    """

    flops: int
    matmul_flops: int
    bytes: int
    workspace: int


def cost_of(groups: Sequence[Group], outputs: Sequence[Tensor], itemsize: int, workspace: int) -> Cost:
    """Count the work of scheduled groups."""
    flops = products = moved = 0
    readers: dict[Tensor, set[int]] = {}
    for i, g in enumerate(groups):
        for t in g.nodes:
            for x in t.inputs:
                readers.setdefault(root(x), set()).add(i)
    kept = {root(t) for t in outputs}
    for i, g in enumerate(groups):
        made = set(g.nodes)
        read = {root(x) for t in g.nodes for x in t.inputs} - made
        left = {t for t in g.nodes if t in kept or readers.get(t, set()) - {i}}
        moved += sum(_bytes(t, itemsize) for t in read | left)
        for t in g.nodes:
            work = _flops(t)
            flops += work
            products += work if t.primitive == "matmul" else 0
    return Cost(flops, products, moved, workspace)


def _flops(t: Tensor) -> int:
    if t.primitive == "matmul":
        return 2 * t.size * t.inputs[0].shape[-1]
    if t.primitive in ("sum", "count", "max", "fold", "scatter_add", "argmax"):
        return t.inputs[0].size
    if t.primitive in ("reshape", "concatenate", "embed", "take", "cast", "where", "one_hot"):
        return 0
    return t.size


def _bytes(t: Tensor, itemsize: int) -> int:
    size = {"float": itemsize, "int": np.dtype(np.int64).itemsize, "bool": 1, "generator": 0}[t.kind]
    return math.prod(t.shape) * size
