"""Accumulating the moments of a sample in groups of blocks, without cancellation.

Features arrive centred by a point near their mean, so plain sums of squares lose nothing; sums over blocks
are added by `math.fsum`. The groups are of equal size and independent: leaving one out at a time (the
jackknife) removes the bias of order 1/n of a non-linear estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from derivcheck.experiment.functionals import MeanFunction
from derivcheck.experiment.result import FloatArray

Sampler = Callable[[np.random.Generator, int], FloatArray]
"""``(rng, n) -> (n,)`` or ``(n, k)``: n independent draws of k quantities."""

GROUPS = 32


class NonFiniteDrawsError(Exception):
    """Some draws were NaN or infinite."""

    def __init__(self, bad: int, n: int) -> None:
        super().__init__(f"{bad} of {n} draws are NaN or infinite")


class OutOfBoundsError(Exception):
    """A draw left the interval that was declared for its law."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of the features φ (n, r) of a sample and of the influence ψ = φ·directionsᵀ (n, q).

    Attributes
    ----------
    n
        Number of draws.
    group_means
        Means of φ over each group, shape (groups, r).
    mean, covariance, magnitude
        Of φ: shapes (r,), (r, r), and (r,) for the mean size of the terms that φ is computed from.
    skewness, kurtosis, share
        Of ψ, shape (q,): standardised third moment, excess kurtosis, and the largest draw's share in the sum
        of squares.
    """

    n: int
    group_means: FloatArray
    mean: FloatArray
    covariance: FloatArray
    magnitude: FloatArray
    skewness: FloatArray
    kurtosis: FloatArray
    share: FloatArray


def draw(sampler: Sampler, rng: np.random.Generator, n: int) -> FloatArray:
    """Return n finite draws of shape (n, k).

    Raises
    ------
    NonFiniteDrawsError
        If a draw is NaN or infinite.
    ValueError
        If the sampler returns another shape.
    """
    with np.errstate(all="ignore"):
        values = np.asarray(sampler(rng, n), dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[0] != n:
        raise ValueError(f"a sampler asked for {n} draws returned shape {values.shape}")
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise NonFiniteDrawsError(int(n - finite.sum()), n)
    return values


def _fsum(parts: list[FloatArray]) -> FloatArray:
    """Add equally shaped arrays, each entry correctly rounded."""
    stacked = np.stack(parts).reshape(len(parts), -1)
    return np.array([math.fsum(column) for column in stacked.T]).reshape(parts[0].shape)


def accumulate(
    sampler: Sampler,
    rng: np.random.Generator,
    n: int,
    function: MeanFunction,
    centre: FloatArray,
    directions: FloatArray,
    block: int,
    bounds: tuple[FloatArray, FloatArray] | None = None,
) -> Moments:
    """Draw n values, a multiple of `GROUPS`, at most `block` at a time, and return their moments.

    Parameters
    ----------
    centre
        Point (k,) taken off the draws, from independent draws.
    directions
        Gradient (q, r) that turns features into influences.
    bounds
        Declared lower and upper bounds (k,) of a draw.

    Raises
    ------
    NonFiniteDrawsError, OutOfBoundsError
        As their names say.
    """
    size = n // GROUPS
    # Several small groups are drawn together, a large one in pieces.
    together = max(1, min(GROUPS, block // size))
    group_sums: list[FloatArray] = []
    second: list[FloatArray] = []
    sizes: list[FloatArray] = []
    powers: list[FloatArray] = []
    largest = np.zeros(directions.shape[0])
    for start in range(0, GROUPS, together):
        groups = min(together, GROUPS - start)
        parts: list[FloatArray] = []
        left = size
        while left:
            rows = min(left, max(1, block // groups))
            left -= rows
            values = draw(sampler, rng, groups * rows)
            if bounds is not None and ((values < bounds[0]).any() or (values > bounds[1]).any()):
                raise OutOfBoundsError("a draw lies outside the declared bounds of its law")
            phi = function.features(values, centre)
            psi = phi @ directions.T
            square = psi * psi
            parts.append(phi.reshape(groups, rows, -1).sum(axis=1))
            second.append(phi.T @ phi)
            sizes.append(function.magnitude(values, centre).sum(axis=0))
            powers.append(np.stack([psi.sum(0), square.sum(0), (square * psi).sum(0), (square * square).sum(0)]))
            largest = np.maximum(largest, square.max(axis=0))
        group_sums.extend(_fsum(parts))
    mean = _fsum(group_sums) / n
    covariance = (_fsum(second) / n - np.outer(mean, mean)) * (n / (n - 1))
    p1, p2, p3, p4 = _fsum(powers) / n
    variance = np.maximum(p2 - p1**2, 0.0)
    third = p3 - 3 * p1 * p2 + 2 * p1**3
    fourth = p4 - 4 * p1 * p3 + 6 * p1**2 * p2 - 3 * p1**4
    with np.errstate(all="ignore"):
        # A law without spread has no shape: nothing to correct for, and its rounding floor decides.
        spread = variance > 0.0
        skewness = np.where(spread, third / variance**1.5, 0.0)
        kurtosis = np.where(spread, fourth / variance**2 - 3.0, 0.0)
        share = np.where(spread, largest / (n * p2), 0.0)
    return Moments(
        n=n,
        group_means=np.stack(group_sums) / (n // GROUPS),
        mean=mean,
        covariance=covariance,
        magnitude=_fsum(sizes) / n,
        skewness=skewness,
        kurtosis=kurtosis,
        share=share,
    )
