"""Determinants and inverses of small matrices of numbers."""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from derivcheck.semantics.numbers.base import ONE, Number, add, div, mul, neg
from derivcheck.semantics.numbers.errors import Undefined


def determinant(rows: list[list[Number]]) -> Number:
    """The determinant, without divisions unless every entry is rational."""
    n = len(rows)
    if all(isinstance(x, fmpq) for row in rows for x in row):
        return fmpq_mat(rows).det() if n else ONE
    # Laplace's expansion over subsets of columns: no pivot has to be told from zero.
    best: dict[int, Number] = {0: ONE}
    for i in range(n):
        following: dict[int, Number] = {}
        for used, value in best.items():
            for j in range(n):
                if used >> j & 1:
                    continue
                term = mul(value, rows[i][j])
                if bin(used >> (j + 1)).count("1") % 2:
                    term = neg(term)
                mask = used | 1 << j
                following[mask] = add(following[mask], term) if mask in following else term
        best = following
    return best[(1 << n) - 1]


def inverse_matrix(rows: list[list[Number]]) -> list[list[Number]]:
    """The inverse.

    Raises
    ------
    Undefined
        If the matrix is singular.
    Imprecise
        If that cannot be told.
    """
    n = len(rows)
    if all(isinstance(x, fmpq) for row in rows for x in row):
        if n == 0:
            return []
        m = fmpq_mat(rows)
        if m.det() == 0:
            raise Undefined("inverse of a singular matrix")
        inv = m.inv()
        return [[inv[i, j] for j in range(n)] for i in range(n)]
    d = determinant(rows)
    out = []
    for i in range(n):
        line = []
        for j in range(n):
            minor = [[rows[r][c] for c in range(n) if c != i] for r in range(n) if r != j]
            cofactor = determinant(minor)
            try:
                line.append(div(neg(cofactor) if (i + j) % 2 else cofactor, d))
            except Undefined:
                raise Undefined("inverse of a singular matrix") from None
        out.append(line)
    return out
