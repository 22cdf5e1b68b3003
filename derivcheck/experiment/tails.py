"""Critical values of a mean: what they rest on, and when they cannot be trusted.

Two justifications. A law with a declared bound has the empirical Bernstein inequality, which holds at every
sample size. Any other law has the central limit theorem, which is not certified so far out in the tail; its
critical value is widened by the skewness and kurtosis that were observed, and refused where that correction
is no longer small.
"""

from __future__ import annotations

import math

import numpy as np

from derivcheck.experiment.budget import upper_quantile
from derivcheck.experiment.result import FloatArray

BERNSTEIN = "empirical Bernstein (declared bound)"
CLT = "CLT, not certified"

MAX_LOG_INFLATION = 1.0
"""Largest log of the factor by which the tail may exceed the normal one before a test refuses to answer."""

MAX_SHARE = 0.1
"""Largest share of the sum of squares that one draw may have. An exponential law's largest of 4,096 has
1.7 %; a law without variance has a share that does not shrink with n."""


def bernstein_radius(deviation: FloatArray, width: FloatArray, n: int, tail: float, sides: int) -> FloatArray:
    """Return r with P(|mean − μ| > r) ≤ `tail` for n independent draws from an interval of length `width`.

    Parameters
    ----------
    deviation
        Standard deviation of the same n draws, shape (q,), with divisor n − 1.
    sides
        2 for both directions, 1 for one.

    Notes
    -----
    A. Maurer, M. Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT 2009, theorem 4.
    """
    log_term = math.log(2.0 * sides / tail)
    return deviation * math.sqrt(2.0 * log_term / n) + 7.0 * width * log_term / (3.0 * (n - 1))


def log_inflation(z: float, skewness: FloatArray, kurtosis: FloatArray, n: int) -> FloatArray:
    """Return the log of the factor by which a studentised mean's tail beyond z may exceed the normal tail.

    The two leading terms of the Edgeworth expansion of Student's statistic, over φ(z)/z, with the signs that
    widen. `kurtosis` is the excess; a positive one thins the studentised tail and is not credited.

    Notes
    -----
    P. Hall, *The Bootstrap and Edgeworth Expansion*, Springer 1992, section 2.6.
    """
    first = np.abs(skewness) * (2.0 * z**3 + z) / (6.0 * math.sqrt(n))
    second = (z**4 + 3.0 * z**2) / 4.0 + np.maximum(0.0, -kurtosis) * z**4 / 12.0
    return np.asarray(first + second / n, dtype=np.float64)


def clt_critical(tail: float, sides: int, skewness: FloatArray, kurtosis: FloatArray, n: int) -> FloatArray:
    """Return critical values (q,) in standard errors for a false-alarm rate of `tail`."""
    z = upper_quantile(tail / sides)
    # Beyond the limit the caller abstains, so the widening need not grow further.
    widening = np.minimum(log_inflation(z, skewness, kurtosis, n), MAX_LOG_INFLATION)
    return np.array([upper_quantile(tail / sides * math.exp(-w)) for w in widening])
