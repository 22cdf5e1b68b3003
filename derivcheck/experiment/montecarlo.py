"""Monte Carlo test of a claimed mean, or of a claimed smooth function of several means.

The sample size is fixed before the test's draws are made: an independent pilot chooses it for a requested detection
limit under a cap on the number of draws. (Looking at the running statistic and stopping when it pleases turns a false-alarm
rate of 0.0027 into 0.022 within ten looks.)

>>> from derivcheck.experiment.seeds import rng
>>> result = mean_test(
...     lambda g, n: g.standard_normal(n) ** 2, 1.0, pilot_rng=rng(1, "pilot"), rng=rng(1, "main"),
...     scale=1.0, scale_name="claimed value", alpha=1e-6, detectable=0.05, max_draws=10**6,
... )
>>> str(result.outcome), result.detectable < 0.06
('confirms', True)
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from derivcheck.experiment import functionals, tails
from derivcheck.experiment.budget import POWER_QUANTILE
from derivcheck.experiment.functionals import MeanFunction
from derivcheck.experiment.moments import (
    GROUPS,
    Moments,
    NonFiniteDrawsError,
    OutOfBoundsError,
    Sampler,
    accumulate,
    draw,
)
from derivcheck.experiment.result import ExperimentResult, FloatArray, Outcome

Relation = Literal["==", "<=", ">="]

PILOT = 4096
MINIMUM = 4096
"""Draws of the pilot, and the least of the test itself: below, neither moments nor quantiles mean much."""

_PILOT_INFLATION = 1.15
# The pilot's own standard deviation is off by a few per cent for light tails; n is chosen for a larger one.

_DETECTABLE_SLACK = 1.25
# A pilot that underestimates leaves the test a little less sensitive than asked; beyond this it counts as a miss.

_ROUNDING_UNITS = 16.0
# Rounding errors of the draws are systematic: they do not average out. In units of ε times the size of the terms.


class _Design:
    """The decision rule of one test: half-widths of the acceptance interval as a function of n and the moments."""

    def __init__(self, tail: float, sides: int, width: FloatArray | None) -> None:
        self.tail = tail
        self.sides = sides
        self.width = width

    @property
    def justification(self) -> str:
        return tails.CLT if self.width is None else tails.BERNSTEIN

    def half_width(self, deviation: FloatArray, skewness: FloatArray, kurtosis: FloatArray, n: int) -> FloatArray:
        """Return the largest deviation, shape (q,), that does not refute; rounding apart."""
        if self.width is not None:
            return tails.bernstein_radius(deviation, self.width, n, self.tail, self.sides)
        return tails.clt_critical(self.tail, self.sides, skewness, kurtosis, n) * deviation / math.sqrt(n)

    def distrust(self, moments: Moments) -> str | None:
        """Return why the draws do not allow the justification, or None."""
        if self.width is not None:
            return None
        share = float(moments.share.max())
        if share > tails.MAX_SHARE:
            return f"one draw of {moments.n} carries {share:.0%} of the sum of squares: the variance may be infinite"
        z = tails.upper_quantile(self.tail / self.sides)
        inflation = float(tails.log_inflation(z, moments.skewness, moments.kurtosis, moments.n).max())
        if inflation > tails.MAX_LOG_INFLATION:
            return (
                f"the draws are too skewed (skewness {np.abs(moments.skewness).max():.2g}) for the central limit "
                f"theorem at n = {moments.n}: the tail may exceed the normal one {math.exp(min(inflation, 99.0)):.1g}-fold"
            )
        return None

    def sample_size(
        self, deviation: FloatArray, moments: Moments, floor: FloatArray, target: FloatArray, cap: int
    ) -> int:
        """Return the least n, a multiple of `GROUPS`, that meets the target and can be trusted; else the cap."""

        def enough(n: int) -> bool:
            reach = self.half_width(deviation, moments.skewness, moments.kurtosis, n)
            reach = reach + POWER_QUANTILE * deviation / math.sqrt(n) + floor
            if not (reach <= target).all():
                return False
            if self.width is not None:
                return True
            z = tails.upper_quantile(self.tail / self.sides)
            # Half of what is tolerated in the end, for the pilot's skewness is itself uncertain.
            limit = tails.MAX_LOG_INFLATION / 2
            return bool((tails.log_inflation(z, moments.skewness, moments.kurtosis, n) <= limit).all())

        low, high = MINIMUM // GROUPS, cap // GROUPS
        if not enough(high * GROUPS):
            return high * GROUPS
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle * GROUPS) else (middle + 1, high)
        return low * GROUPS


def mean_test(
    sampler: Sampler,
    expected: ArrayLike,
    *,
    pilot_rng: np.random.Generator,
    rng: np.random.Generator,
    scale: ArrayLike,
    scale_name: str,
    alpha: float,
    detectable: float,
    max_draws: int,
    function: MeanFunction | None = None,
    relation: Relation = "==",
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
    rounding: ArrayLike = 0.0,
    block: int = 1 << 15,
) -> ExperimentResult:
    """Test whether the mean of a sampler's draws, or a function of their means, is `expected`.

    Parameters
    ----------
    sampler
        ``(rng, n) -> (n,)`` or ``(n, k)``: n independent draws.
    expected
        The claimed value, scalar or shape (q,).
    pilot_rng, rng
        Independent generators for the pilot and for the test.
    scale, scale_name
        Positive size, scalar or (q,), that errors are measured relative to, and what it is. It has no default on
        purpose: the claimed value is one choice, but useless for a claimed zero.
    alpha
        False-alarm rate of this test over all its q quantities (`FalseAlarmBudget.per_check`).
    detectable
        Requested smallest relative error that is refuted with 99.9 % probability.
    max_draws
        Cap on all draws, the pilot's included; at least `PILOT` + `MINIMUM`.
    function
        What of the draws is claimed (default: the means of all columns).
    relation
        ``"=="`` claims equality; ``"<="`` claims that the mean is at most `expected`, ``">="`` at least.
    bounds
        Declared lower and upper bounds of a draw, each scalar or (k,): they certify the false-alarm rate of means.
        A draw beyond them makes the test abstain.
    rounding
        Absolute rounding error of a draw, scalar or (q,), where its computation cancels terms larger than itself.
    block
        Draws requested from the sampler at a time.

    Returns
    -------
    ExperimentResult
        `n` counts the draws of the test (not the pilot's).

    Raises
    ------
    ValueError
        For a scale, a rate or a cap out of range, and for bounds together with a function that is not a mean.
    """
    claimed = np.atleast_1d(np.asarray(expected, dtype=np.float64))
    function = functionals.mean() if function is None else function
    q = claimed.size
    scales = np.broadcast_to(np.asarray(scale, dtype=np.float64), (q,))
    if not (np.isfinite(scales).all() and (scales > 0.0).all()):
        raise ValueError("a scale is positive and finite")
    if not (0.0 < alpha < 1.0 and detectable > 0.0):
        raise ValueError("a false-alarm rate lies between 0 and 1, and a detection limit is positive")
    if max_draws < PILOT + MINIMUM:
        raise ValueError(f"a test needs at least {PILOT + MINIMUM} draws, got {max_draws}")
    if bounds is not None and not function.affine:
        raise ValueError("declared bounds certify means only, not functions of them")

    lower_upper = None if bounds is None else (np.asarray(bounds[0], float), np.asarray(bounds[1], float))
    width = None if lower_upper is None else np.broadcast_to(lower_upper[1] - lower_upper[0], (q,))
    design = _Design(alpha / q, 2 if relation == "==" else 1, width)
    nothing = np.full(q, np.nan)

    def abstain(reason: str, n: int) -> ExperimentResult:
        return ExperimentResult(
            outcome=Outcome.ABSTAINS,
            reason=reason,
            n=n,
            statistic=None,
            critical=None,
            justification=design.justification,
            false_alarm=alpha,
            detectable=math.inf,
            scale=float(scales.max()),
            scale_name=scale_name,
            expected=claimed,
            estimate=nothing,
            standard_error=nothing,
        )

    if not np.isfinite(claimed).all():
        return abstain("the claimed value is not finite", 0)
    try:
        # Twice the pilot: the first half only says where to centre the second.
        centre = draw(sampler, pilot_rng, PILOT // 2).mean(axis=0)
        pilot = _moments_of_pilot(sampler, pilot_rng, function, centre, block)
        directions = function.gradient(pilot.mean, centre)
        if directions.shape[0] != q:
            raise ValueError(f"{function.name} has {directions.shape[0]} values, but {q} were claimed")
        if not np.isfinite(directions).all():
            return abstain(f"the {function.name} has no finite derivative at the pilot's means", PILOT)
        pilot = accumulate(
            lambda g, n: draw(sampler, g, n), pilot_rng, PILOT // 2, function, centre, directions, block
        )
        floor = _rounding_floor(directions, pilot, claimed, rounding)
        size = design.sample_size(
            _PILOT_INFLATION * _deviation(directions, pilot),
            pilot,
            floor,
            detectable * scales,
            max_draws - PILOT,
        )
        moments = accumulate(sampler, rng, size, function, centre, directions, block, lower_upper)
    except (NonFiniteDrawsError, OutOfBoundsError) as error:
        return abstain(str(error), PILOT)
    raise NotImplementedError
