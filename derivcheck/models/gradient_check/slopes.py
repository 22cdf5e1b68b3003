"""Derivatives by perturbation: all perturbed points of a batch in one run."""

from __future__ import annotations

from typing import Any

import numpy as np

from derivcheck.models.compiler import Compiled
from derivcheck.models.tensor import Array

__all__ = ["ranges", "shifted", "slopes_at"]

#: Entries of all points that are evaluated together.
POINTS = 1 << 20


def ranges(count: int, size: int) -> list[tuple[int, int]]:
    """Ranges of at most as many points of this size as are evaluated together."""
    step = max(1, POINTS // max(size, 1))
    return [(lo, min(lo + step, count)) for lo in range(0, count, step)]


def shifted(z: Array, lo: int, hi: int, steps: Any) -> Array:
    """Copies of a vector: in copy ``k``, entry ``lo + k`` is shifted."""
    points = np.empty((hi - lo, z.size), np.result_type(z, steps))
    points[...] = z
    points[np.arange(hi - lo), np.arange(lo, hi)] += steps
    return points


def slopes_at(after: Compiled, at: Array, leaves: list[Array], method: str) -> Array:
    """Derivative of the result at a node, shape (node's entries, result's entries)."""
    z = at.ravel()

    def values(lo: int, hi: int, steps: Any) -> Array:
        points = shifted(z, lo, hi, steps).reshape(hi - lo, *at.shape)
        return np.reshape(after(points, leaves), (hi - lo, -1))

    if method == "complex step":
        step = 1e-30
        return np.concatenate([values(lo, hi, 1j * step).imag / step for lo, hi in ranges(z.size, z.size)])
    h = 1e-3 * (1.0 + np.abs(z))
    parts = []
    for lo, hi in ranges(z.size, z.size):
        here = h[lo:hi]
        up, down, up2, down2 = (values(lo, hi, k * here) for k in (1.0, -1.0, 2.0, -2.0))
        parts.append((8.0 * (up - down) - (up2 - down2)) / (12.0 * here[:, None]))
    return np.concatenate(parts)
