"""Outer products in NumPy lines: columns times rows, in batches.

Invariant: the lines write ``column · row`` where the result goes. Broadcasting would go through short rows one by one;
``einsum`` does so faster. Many short rows are left to BLAS: NumPy gives it no products with an inner axis of one, but
those with an inner axis of two, the second half of which is zeros here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from derivcheck.models.tensor import Tensor

if TYPE_CHECKING:
    from derivcheck.models.passes.lines import Writer

__all__ = ["outer_product"]

#: Outer products of at least so many rows, rows between these lengths, and so many products, are left to BLAS.
ROWS, SHORT, LONG, PRODUCTS = 16, 8, 128, 8

_LETTERS = "abcdefgh"


def outer_product(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str] | None:
    """Text that computes a product of columns and rows; ``None`` if it is something else."""
    for column, row in ((0, 1), (1, 0)):
        x, y = t.inputs[column], t.inputs[row]
        whole = x.shape == (*t.shape[:-1], 1) and y.shape[-1:] == t.shape[-1:]
        if t.ndim > 2 and t.size > 1 and whole and 1 in y.shape[:-1]:
            operands = (x, ins[column]), (y, ins[row]), (t, out)
            axis = _many_rows(e, t, y)
            return _by_einsum(*operands) if axis is None else _by_blas(e, axis, *operands)
    return None


Operand = tuple[Tensor, str]


def _by_einsum(column: Operand, row: Operand, out: Operand) -> list[str]:
    (c, x), (r, y), (o, z) = (_squeezed(*operand) for operand in (column, row, out))
    return [f"np.einsum('{c},{r}->{o}', {x}, {y}, out={z})"]


def _squeezed(x: Tensor, text: str) -> tuple[str, str]:
    """The axes of an operand that are longer than one, as letters, and the operand with no others."""
    letters = "".join(_LETTERS[i] for i, n in enumerate(x.shape) if n > 1)
    if len(letters) == x.ndim:
        return letters, text
    return letters, f"{text}[{', '.join('0' if n == 1 else ':' for n in x.shape)}]"


def _many_rows(e: Writer, t: Tensor, row: Tensor) -> int | None:
    """The axis of the rows, if they are worth a call of BLAS for each product."""
    rows = [i for i, (n, k) in enumerate(zip(t.shape, row.shape, strict=True)) if n != k]
    if len(rows) != 1 or t.shape[rows[0]] < ROWS or not SHORT <= t.shape[-1] <= LONG:
        return None
    enough = t.size // t.shape[rows[0]] // t.shape[-1] >= PRODUCTS
    return rows[0] if enough and e.plan.dtype.kind == "f" and not e.plan.runs_in_blocks(t) else None


def _by_blas(e: Writer, axis: int, column: Operand, row: Operand, out: Operand) -> list[str]:
    t = out[0]
    batch = [i for i in range(t.ndim - 1) if i != axis]
    order = (*batch, axis, t.ndim - 1)
    sizes = tuple(t.shape[i] for i in batch)
    left, right = (e.zeros(name, (2, *sizes, t.shape[i])) for name, i in (("left", axis), ("right", -1)))

    def turned(x: Tensor, text: str) -> str:
        array = e.plan.static.get(x)
        return f"{text}.transpose({order})" if array is None else e.place(array.transpose(order))

    halves = e.place(left[0][..., None]), e.place(right[0][..., None, :])
    factors = e.place(np.moveaxis(left, 0, -1)), e.place(np.moveaxis(right, 0, -2))
    return [
        *(f"{half}[...] = {turned(*x)}" for half, x in zip(halves, (column, row), strict=True)),
        f"np.matmul({', '.join(factors)}, {turned(*out)})",
    ]
