"""One false-alarm rate for a whole run, shared out over its checks.

With the union bound no independence between the checks is needed, and sharing is cheap:

>>> round(FalseAlarmBudget(checks=600).critical(), 2)
6.03
>>> round(FalseAlarmBudget(checks=100_000).critical(), 2)
6.81
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

FAMILY_WISE = 1e-6
"""Probability with which any check of a run may refute a true claim."""

POWER = 0.999
"""Probability with which an error of the reported detectable size is refuted."""

# Wichura's algorithm AS 241: relative error near 1e-16, far into the tail, without importing SciPy.
_NORMAL = NormalDist()


def upper_quantile(tail: float) -> float:
    """Return z with P(Z > z) = `tail` for a standard normal Z; accurate for tails far below machine epsilon.

    Raises
    ------
    ValueError
        If `tail` is not in (0, 1).
    """
    if not 0.0 < tail < 1.0:
        raise ValueError(f"a tail probability lies strictly between 0 and 1, got {tail}")
    return -_NORMAL.inv_cdf(tail)


POWER_QUANTILE = upper_quantile(1.0 - POWER)


@dataclass(frozen=True)
class FalseAlarmBudget:
    """A family-wise false-alarm rate, split evenly over a number of checks that is declared beforehand.

    Attributes
    ----------
    checks
        Number of checks that share the rate (at least 1), fixed before any of them runs.
    family_wise
        Bound on the probability that at least one of them refutes a true claim.
    """

    checks: int
    family_wise: float = FAMILY_WISE

    def __post_init__(self) -> None:
        if self.checks < 1:
            raise ValueError(f"a budget needs at least one check, got {self.checks}")
        if not 0.0 < self.family_wise < 1.0:
            raise ValueError(f"a false-alarm rate lies strictly between 0 and 1, got {self.family_wise}")

    @property
    def per_check(self) -> float:
        """The false-alarm rate of one check."""
        return self.family_wise / self.checks

    def critical(self, comparisons: int = 1) -> float:
        """Return the two-sided normal critical value for a check that compares several quantities."""
        return upper_quantile(self.per_check / (2 * comparisons))
