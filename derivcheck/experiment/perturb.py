"""Evaluating a vectorised callable at many perturbed copies of a few points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derivcheck.experiment.result import FloatArray

VectorFunction = Callable[[Any], Any]
"""``(rows, d) -> (rows, m)`` or ``(rows,)``: each row is mapped by itself, whatever the other rows are."""

IndexArray = NDArray[np.intp]

# Rows are built and evaluated in blocks of about this many numbers: 1 MB of float64, so that a block stays in
# cache.
BLOCK = 1 << 17


def typical_scale(x: FloatArray) -> FloatArray:
    """Return a scale for each variable, shape (d,), of points x (p, d) for which none was declared.

    The largest size that the variable has among the points, but no less than what is usual among the
    variables: a variable that is zero, or small by accident, is taken to be of the others' kind. All zero: 1.
    """
    size = np.abs(x).max(axis=0)
    positive = size[size > 0.0]
    usual = float(np.median(positive)) if positive.size else 1.0
    scale: FloatArray = np.maximum(size, usual)
    return scale


class Perturbed:
    """A callable together with its base points; counts the rows that it evaluates.

    Parameters
    ----------
    function
        The vectorised callable.
    points
        Base points, shape (p, d).
    block
        Numbers in one call's argument.
    """

    def __init__(self, function: VectorFunction, points: FloatArray, block: int = BLOCK) -> None:
        self._function = function
        self._points = points
        self._rows = max(1, block // points.shape[1])
        self.rows = 0

    def _call(self, rows: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(all="ignore"):
            values = np.asarray(self._function(rows))
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or values.shape[0] != rows.shape[0]:
            raise ValueError(f"a callable given rows of shape {rows.shape} returned shape {values.shape}")
        self.rows += rows.shape[0]
        return values

    def __call__(self, point: IndexArray, *moves: tuple[IndexArray, FloatArray]) -> FloatArray:
        """Return the values, shape (n, m), at n rows.

        Parameters
        ----------
        point
            Index of the base point of each row, shape (n,).
        *moves
            Pairs (variable, coordinate), each of shape (n,): the row's variable takes that coordinate.
        """
        parts = []
        for start in range(0, len(point), self._rows):
            chunk = slice(start, start + self._rows)
            rows = self._points[point[chunk]]
            index = np.arange(len(rows))
            for variable, coordinate in moves:
                rows[index, variable[chunk]] = coordinate[chunk]
            parts.append(np.asarray(self._call(rows), dtype=np.float64))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def imaginary(self, step: FloatArray) -> FloatArray:
        """Return the imaginary parts (p, d, m) when each variable of each point moves by i·`step` (p, d).

        Raises
        ------
        TypeError
            If the callable drops imaginary parts.
        """
        p, d = self._points.shape
        point, variable = (a.ravel() for a in np.indices((p, d)))
        parts = []
        for start in range(0, p * d, self._rows):
            chunk = slice(start, start + self._rows)
            rows = self._points[point[chunk]].astype(np.complex128)
            rows[np.arange(len(rows)), variable[chunk]] += 1j * step.ravel()[chunk]
            values = self._call(rows)
            if not np.iscomplexobj(values):
                raise TypeError("the callable returned real values for complex arguments")
            parts.append(values.imag)
        return np.concatenate(parts).reshape(p, d, -1)
