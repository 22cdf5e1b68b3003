"""Matrices with a declared structure, built from free parameters: no rejection.

============================  =====================================================================
positive definite             L D Lᵀ, L unit lower triangular, D > 0 (plus a skew part if not symmetric)
positive semidefinite         the same with D ≥ 0
invertible                    a row permutation of L D U; L D Lᵀ with signs when symmetric
full column rank              a row permutation of a unit trapezoid times an invertible triangle
orthogonal                    Cayley's transform of a skew matrix, times reflections (else the determinant is always 1)
============================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flint import fmpq, fmpq_mat

from derivcheck.semantics.numbers import ONE, ZERO, Number
from derivcheck.semantics.values import Function, RangeDomain, matrix_of

STRUCTURES = frozenset(
    {
        "symmetric",
        "positive definite",
        "positive semidefinite",
        "invertible",
        "full column rank",
        "orthogonal",
        "diagonal",
    }
)

Rows = list[list[Number]]
Draw = Callable[[str, Sequence[Number]], Number]

_SMALL: list[Number] = [ZERO, ONE, fmpq(-1), fmpq(2), fmpq(1, 2), fmpq(-3, 2)]
_POSITIVE: list[Number] = [ONE, fmpq(2), fmpq(3), fmpq(1, 2), fmpq(5), fmpq(1, 10)]
_SIGNED: list[Number] = [ONE, fmpq(-1), fmpq(2), fmpq(-3), fmpq(1, 2), fmpq(-1, 5)]
_NONNEGATIVE: list[Number] = [ONE, ZERO, fmpq(2), fmpq(1, 2), fmpq(3)]
_SIGNS: list[Number] = [ONE, fmpq(-1)]


def structured(structure: frozenset[str], n: int, m: int, draw: Draw, pool: Sequence[Number]) -> Rows | None:
    """An ``n × m`` matrix with every property in `structure`, or None if there is none of that shape."""
    if structure == {"full column rank"}:
        return _full_column_rank(n, m, draw) if n >= m else None
    if n != m:
        return None
    symmetric, diagonal = "symmetric" in structure, "diagonal" in structure
    if "orthogonal" in structure:
        return _orthogonal(n, draw, symmetric, diagonal)
    if "positive definite" in structure:
        rows = _ldl(n, draw, _POSITIVE, diagonal)
        return rows if symmetric or diagonal else _add_skew(rows, draw)
    if "positive semidefinite" in structure:
        rows = _ldl(n, draw, _NONNEGATIVE, diagonal)
        return rows if symmetric or diagonal else _add_skew(rows, draw)
    if "invertible" in structure or "full column rank" in structure:
        return _ldl(n, draw, _SIGNED, diagonal) if symmetric or diagonal else _ldu(n, draw)
    if diagonal:
        return [[draw(f"{i},{i}", pool) if i == j else ZERO for j in range(n)] for i in range(n)]
    upper = {(i, j): draw(f"{i},{j}", pool) for i in range(n) for j in range(i, n)}
    return [[upper[min(i, j), max(i, j)] for j in range(n)] for i in range(n)]


def as_function(rows: Rows, shape: tuple[RangeDomain, RangeDomain]) -> Function:
    """The rows as an array."""
    return matrix_of(rows, shape)


def _product(*factors: Rows) -> Rows:
    if not factors[0]:
        return []
    out = fmpq_mat(factors[0])
    for f in factors[1:]:
        out = out * fmpq_mat(f)
    return [[out[i, j] for j in range(out.ncols())] for i in range(out.nrows())]


def _unit_lower(n: int, draw: Draw, name: str) -> Rows:
    return [[ONE if i == j else draw(f"{name}{i},{j}", _SMALL) if j < i else ZERO for j in range(n)] for i in range(n)]


def _diagonal(n: int, draw: Draw, pool: Sequence[Number]) -> Rows:
    return [[draw(f"D{i}", pool) if i == j else ZERO for j in range(n)] for i in range(n)]


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _ldl(n: int, draw: Draw, pool: Sequence[Number], diagonal: bool) -> Rows:
    d = _diagonal(n, draw, pool)
    if diagonal:
        return d
    lower = _unit_lower(n, draw, "L")
    return _product(lower, d, _transposed(lower))


def _add_skew(rows: Rows, draw: Draw) -> Rows:
    skew = _skew(len(rows), draw)
    return [[a + b for a, b in zip(r, s, strict=True)] for r, s in zip(rows, skew, strict=True)]


def _skew(n: int, draw: Draw) -> Rows:
    rows = [[ZERO] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            rows[i][j] = draw(f"S{i},{j}", _SMALL)
            rows[j][i] = -rows[i][j]
    return rows


def _permuted(rows: Rows, draw: Draw) -> Rows:
    left = list(range(len(rows)))
    out: Rows = []
    while left:
        k = int(draw(f"P{len(out)}", [fmpq(k) for k in range(len(left))]).p)
        out.append(rows[left.pop(k)])
    return out


def _ldu(n: int, draw: Draw) -> Rows:
    upper = _transposed(_unit_lower(n, draw, "U"))
    return _permuted(_product(_unit_lower(n, draw, "L"), _diagonal(n, draw, _SIGNED), upper), draw)


def _full_column_rank(n: int, m: int, draw: Draw) -> Rows:
    trapezoid = [[ONE if i == j else draw(f"T{i},{j}", _SMALL) if j < i else ZERO for j in range(m)] for i in range(n)]
    triangle = _product(_diagonal(m, draw, _SIGNED), _transposed(_unit_lower(m, draw, "U")))
    return _permuted(_product(trapezoid, triangle), draw)


def _orthogonal(n: int, draw: Draw, symmetric: bool, diagonal: bool) -> Rows:
    signs = _diagonal(n, draw, _SIGNS)
    if diagonal or n == 0:
        return signs
    if symmetric:  # Householder's reflection: I - 2 v vᵀ / vᵀv
        v = [draw(f"v{i}", _SMALL) for i in range(n)]
        v[0] = v[0] if any(v) else ONE
        square = sum((x * x for x in v), ZERO)
        return [[(ONE if i == j else ZERO) - 2 * v[i] * v[j] / square for j in range(n)] for i in range(n)]
    skew = fmpq_mat(_skew(n, draw))
    one = fmpq_mat([[ONE if i == j else ZERO for j in range(n)] for i in range(n)])
    cayley = (one - skew) * (one + skew).inv() * fmpq_mat(signs)
    return [[cayley[i, j] for j in range(n)] for i in range(n)]
