"""Smooth functions of several expectations, with the influence of each draw on them.

An estimate g(m) of g(E φ), m the mean of the features φ over n draws, has standard error √(∇gᵀ Cov(φ) ∇g /
n): the delta method, or the variance of the influence ψ = ∇g·(φ − m). A `MeanFunction` holds φ, g and ∇g;
features are centred by a point that comes from independent draws, so that variances of data far from zero do
not cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from derivcheck.experiment.result import FloatArray


@dataclass(frozen=True)
class MeanFunction:
    """A function g of the means of some features of a sample.

    Attributes
    ----------
    name
        What is estimated, for the report.
    features
        ``(values (n, k), centre (k,)) -> (n, r)``: φ, with the centre taken off.
    magnitude
        Same signature: the size of the terms that each feature is computed from; times machine epsilon it
        bounds the feature's rounding error.
    value, gradient
        ``(means (r,), centre (k,)) -> (q,)`` and ``-> (q, r)``.
    affine
        Whether g is affine in the means of the sample itself: only then is the estimate free of bias as it
        stands.
    """

    name: str
    features: Callable[[FloatArray, FloatArray], FloatArray]
    magnitude: Callable[[FloatArray, FloatArray], FloatArray]
    value: Callable[[FloatArray, FloatArray], FloatArray]
    gradient: Callable[[FloatArray, FloatArray], FloatArray]
    affine: bool = False


def _centred(values: FloatArray, centre: FloatArray) -> FloatArray:
    return values - centre


def _absolute(values: FloatArray, centre: FloatArray) -> FloatArray:
    return np.abs(values)


def _second_order(values: FloatArray, centre: FloatArray, left: int, right: int) -> FloatArray:
    a, b = values[:, left] - centre[left], values[:, right] - centre[right]
    return np.stack([a, b, a * b], axis=1)


def _second_order_magnitude(values: FloatArray, centre: FloatArray, left: int, right: int) -> FloatArray:
    x, y = np.abs(values[:, left]), np.abs(values[:, right])
    a, b = np.abs(values[:, left] - centre[left]), np.abs(values[:, right] - centre[right])
    return np.stack([x, y, a * y + x * b], axis=1)


def mean() -> MeanFunction:
    """Return the means of all columns (q = k)."""
    return MeanFunction(
        name="mean",
        features=_centred,
        magnitude=_absolute,
        value=lambda m, c: m + c,
        gradient=lambda m, c: np.eye(m.size),
        affine=True,
    )


def covariance(left: int, right: int) -> MeanFunction:
    """Return the covariance of two columns (q = 1)."""
    return MeanFunction(
        name=f"covariance of columns {left} and {right}",
        features=lambda v, c: _second_order(v, c, left, right),
        magnitude=lambda v, c: _second_order_magnitude(v, c, left, right),
        value=lambda m, c: np.array([m[2] - m[0] * m[1]]),
        gradient=lambda m, c: np.array([[-m[1], -m[0], 1.0]]),
    )


def variance(column: int = 0) -> MeanFunction:
    """Return the variance of one column (q = 1)."""
    # Cov(y, y): the two equal first features make the covariance matrix of the features singular, which is
    # harmless.
    both = covariance(column, column)
    return MeanFunction(f"variance of column {column}", both.features, both.magnitude, both.value, both.gradient)


def smooth(
    value: Callable[[FloatArray], FloatArray], gradient: Callable[[FloatArray], FloatArray], name: str
) -> MeanFunction:
    """Return a smooth function of the means of the columns.

    Parameters
    ----------
    value, gradient
        ``(means (k,)) -> (q,)`` and its Jacobian ``(means (k,)) -> (q, k)``.
    name
        What it is, for the report.
    """
    return MeanFunction(
        name=name,
        features=_centred,
        magnitude=_absolute,
        value=lambda m, c: np.atleast_1d(value(m + c)),
        gradient=lambda m, c: np.atleast_2d(gradient(m + c)),
    )


def ratio(numerator: int = 0, denominator: int = 1) -> MeanFunction:
    """Return the mean of one column over the mean of another (q = 1)."""

    def gradient(means: FloatArray) -> FloatArray:
        row = np.zeros((1, means.size))
        row[0, numerator] += 1.0 / means[denominator]
        row[0, denominator] -= means[numerator] / means[denominator] ** 2
        return row

    return smooth(
        lambda means: np.array([means[numerator] / means[denominator]]),
        gradient,
        f"mean of column {numerator} over mean of column {denominator}",
    )
