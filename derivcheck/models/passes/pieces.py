"""In which pieces a matrix product is computed.

OpenBLAS copies the operands of a product into panels first, unless it is small. A product with a short axis is
dominated by that copying: pieces that are multiplied where they stand take two thirds of the time, although there are
many of them.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["even_pieces", "matrix", "pieces"]

#: Multiplications up to which OpenBLAS multiplies in place.
IN_PLACE = 900_000

#: Largest product that is worth splitting into such pieces.
SPLIT = 1 << 24


def matrix(shape: Sequence[int], steps: Sequence[int]) -> tuple[bool, int] | None:
    """Whether the last two axes are a transposed matrix for BLAS, and its leading dimension; ``None`` if no matrix."""
    (rows, columns), (down, right) = shape[-2:], steps[-2:]
    if (right == 1 or columns == 1) and (rows == 1 or down >= columns):
        return False, max(down if rows > 1 else columns, 1)
    if (down == 1 or rows == 1) and (columns == 1 or right >= rows):
        return True, max(right if columns > 1 else rows, 1)
    return None


def pieces(n: int, m: int, k: int, ta: bool, tb: bool) -> tuple[int, int]:
    """Rows and columns of the pieces of an ``(n, k) (k, m)`` product; for A Bᵀ (``tb``) they must be smaller."""
    if n * m * k <= IN_PLACE or n * m * k > SPLIT or min(n, m, k) > 96:
        return n, m
    if tb and not ta:
        return (min(n, 32), min(m, 32)) if k >= 256 and 1024 * k <= IN_PLACE else (n, m)
    rows, columns = n, m
    while rows * columns * k > IN_PLACE:
        if columns >= rows and columns > 16:
            columns = -(-columns // 32) * 16
        elif rows > 8:
            rows = -(-rows // 16) * 8
        else:
            return n, m
    return rows, columns


def even_pieces(n: int, m: int, k: int, ta: bool, tb: bool) -> tuple[int, int]:
    """Such pieces, all of one size; the whole if there are none of more than half of the size wanted."""
    rows, columns = (_divisor(count, most) for count, most in zip((n, m), pieces(n, m, k, ta, tb), strict=True))
    return (rows, columns) if rows and columns else (n, m)


def _divisor(count: int, most: int) -> int:
    return next((d for d in range(most, most // 2, -1) if count % d == 0), 0)
