"""Monte Carlo test of a claimed mean, or of a claimed smooth function of several means.

The sample size is fixed before the test's draws are made: an independent pilot chooses it for a requested
detection limit under a cap on the number of draws. (Looking at the running statistic and stopping when it
pleases turns a false-alarm rate of 0.0027 into 0.022 within ten looks.)

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
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from derivcheck.experiment import functionals, tails
from derivcheck.experiment.budget import POWER_QUANTILE, upper_quantile
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

# The pilot's own standard deviation is off by a few per cent for light tails; n is chosen for a larger one.
_PILOT_INFLATION = 1.15

# A pilot that underestimates leaves the test a little less sensitive than asked; beyond this it counts as a
# miss.
_DETECTABLE_SLACK = 1.25

# Rounding errors of the draws are systematic: they do not average out. In units of ε times the size of the
# terms.
_ROUNDING_UNITS = 16.0
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class _Design:
    """The decision rule of one test: how far an estimate may stray, given n and the moments of the draws."""

    tail: float
    sides: int
    width: FloatArray | None

    @property
    def justification(self) -> str:
        return tails.CLT if self.width is None else tails.BERNSTEIN

    def half_width(self, error: FloatArray, moments: Moments, n: int) -> FloatArray:
        """Return the largest deviation, shape (q,), that does not refute, for the standard errors `error`."""
        if self.width is not None:
            return tails.bernstein_radius(error * math.sqrt(n), self.width, n, self.tail, self.sides)
        return error * tails.clt_critical(self.tail, self.sides, moments.skewness, moments.kurtosis, n)

    @property
    def base_critical(self) -> float:
        """The normal critical value, before it is widened."""
        return upper_quantile(self.tail / self.sides)

    def log_inflation(self, moments: Moments, n: int) -> float:
        return float(tails.log_inflation(self.base_critical, moments.skewness, moments.kurtosis, n).max())

    def distrust(self, moments: Moments) -> str | None:
        """Return why these draws do not bear the justification, or None."""
        if self.width is not None:
            return None
        share = float(moments.share.max())
        if share > tails.MAX_SHARE:
            return f"one draw of {moments.n} has {share:.0%} of the squares: the variance may be infinite"
        if self.log_inflation(moments, moments.n) > tails.MAX_LOG_INFLATION:
            skewness = float(np.abs(moments.skewness).max())
            return f"too skewed (skewness {skewness:.2g}) for the central limit theorem at n = {moments.n}"
        return None

    def sample_size(
        self, deviation: FloatArray, floor: FloatArray, pilot: Moments, target: FloatArray, cap: int
    ) -> int:
        """Return the least multiple of `GROUPS` that meets the target and can be trusted; or the cap."""

        def enough(n: int) -> bool:
            error = deviation / math.sqrt(n) + floor
            if not (self.half_width(error, pilot, n) + POWER_QUANTILE * error <= target).all():
                return False
            # Half of what is tolerated in the end: the pilot's skewness is itself uncertain.
            return self.width is not None or self.log_inflation(pilot, n) <= tails.MAX_LOG_INFLATION / 2

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
        Positive size, scalar or (q,), that errors are measured relative to, and what it is. It has no default
        on purpose: the claimed value is one choice, but useless for a claimed zero.
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
        Declared lower and upper bounds of a draw, each scalar or (k,): they certify the false-alarm rate of
        means. A draw beyond them makes the test abstain.
    rounding
        Absolute rounding error of a draw, scalar or (q,), where its computation cancels terms larger than
        itself.
    block
        Draws requested from the sampler at a time.

    Returns
    -------
    ExperimentResult
        `n` counts the draws of the test (not the pilot's). It abstains, without a verdict either way, when
        draws are not finite or leave their bounds, or when their tail does not bear the central limit
        theorem; and instead of confirming, when errors of the requested size would have gone unseen. Draws
        that are all equal at most support.

    Raises
    ------
    ValueError
        For a scale, a rate or a cap out of range, for bounds together with a function that is not a mean, and
        for a claim that has not as many values as the function.
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
    interval, width = None, None
    if bounds is not None:
        if not function.affine:
            raise ValueError("declared bounds certify means only, not functions of them")
        interval = np.asarray(bounds[0], dtype=np.float64), np.asarray(bounds[1], dtype=np.float64)
        width = np.broadcast_to(interval[1] - interval[0], (q,))
    design = _Design(alpha / q, 2 if relation == "==" else 1, width)

    def report(
        outcome: Outcome,
        reason: str,
        n: int,
        statistic: float | None = None,
        critical: float | None = None,
        detected: tuple[float, float] = (math.inf, float(scales.max())),
        estimate: FloatArray | None = None,
        error: FloatArray | None = None,
    ) -> ExperimentResult:
        unknown = np.full(q, np.nan)
        return ExperimentResult(
            outcome=outcome,
            reason=reason,
            n=n,
            statistic=statistic,
            critical=critical,
            justification=design.justification,
            false_alarm=alpha,
            detectable=detected[0],
            scale=detected[1],
            scale_name=scale_name,
            expected=claimed,
            estimate=unknown if estimate is None else estimate,
            standard_error=unknown if error is None else error,
        )

    if not np.isfinite(claimed).all():
        return report(Outcome.ABSTAINS, "the claimed value is not finite", 0)
    try:
        # The pilot's parts are independent too: where to centre, in which direction to look, and how large
        # the spread is.
        centre = draw(sampler, pilot_rng, PILOT // 4).mean(axis=0)
        around = function.features(draw(sampler, pilot_rng, PILOT // 4), centre).mean(axis=0)
        directions = _quiet_gradient(function, around, centre)
        if directions.shape[0] != q:
            raise ValueError(f"{function.name} has {directions.shape[0]} values, but {q} were claimed")
        if not np.isfinite(directions).all():
            return report(Outcome.ABSTAINS, f"{function.name}: no finite derivative at the pilot's means", 0)
        pilot = accumulate(sampler, pilot_rng, PILOT // 2, function, centre, directions, block, interval)
        size = design.sample_size(
            _PILOT_INFLATION * _deviation(directions, pilot),
            _floor(directions, pilot, claimed, rounding),
            pilot,
            detectable * scales,
            max_draws - PILOT,
        )
        moments = accumulate(sampler, rng, size, function, centre, directions, block, interval)
    except (NonFiniteDrawsError, OutOfBoundsError) as error:
        return report(Outcome.ABSTAINS, str(error), 0)

    estimate = _estimate(function, moments, centre)
    slopes = _quiet_gradient(function, moments.mean, centre)
    if not (np.isfinite(estimate).all() and np.isfinite(slopes).all()):
        return report(Outcome.ABSTAINS, f"{function.name}: not finite at the means of the draws", size)
    errors = _deviation(slopes, moments) / math.sqrt(size) + _floor(slopes, moments, claimed, rounding)
    reach = design.half_width(errors, moments, size)
    deviation = estimate - claimed
    # For a one-sided claim only a deviation to the forbidden side counts.
    excess = {"==": np.abs(deviation), "<=": deviation, ">=": -deviation}[relation]
    with np.errstate(all="ignore"):
        # No error at all is possible only for draws that are all zero, of which zero is claimed.
        strain = np.where(errors > 0.0, excess / reach, 0.0)
        worst = int(np.argmax(strain))
        statistic, critical = (
            (float(deviation[worst] / errors[worst]), float(reach[worst] / errors[worst]))
            if errors[worst] > 0.0
            else (0.0, design.base_critical)
        )
    limits = (reach + POWER_QUANTILE * errors) / scales
    weakest = int(np.argmax(limits))
    limit = float(limits[weakest])
    numbers = (statistic, critical, (limit, float(scales[weakest])), estimate, errors)
    which = f" (value {worst})" if q > 1 else ""
    measured = f"{estimate[worst]:.6g} ± {errors[worst]:.2g}"
    seen = f"{function.name}{which}: claimed {claimed[worst]:.6g}, measured {measured}"

    spreads = np.diag(moments.covariance) > (_ROUNDING_UNITS * _EPS * moments.magnitude) ** 2
    if width is None and not spreads.any():
        # No spread, no scale for a standard error: a law with a rare large value looks just like this.
        rare = math.log(1.0 / alpha) / size
        reason = f"{seen}; all {size} draws are equal, and an event rarer than {rare:.1g} goes unseen"
        outcome = Outcome.SUPPORTS if strain[worst] <= 1.0 else Outcome.ABSTAINS
        return report(outcome, reason, size, estimate=estimate, error=errors)
    distrust = design.distrust(moments)
    if distrust is not None:
        return report(Outcome.ABSTAINS, distrust, size, *numbers)
    if strain[worst] > 1.0:
        return report(Outcome.REFUTES, f"{seen}, {abs(statistic):.1f} standard errors away", size, *numbers)
    if limit > _DETECTABLE_SLACK * detectable:
        missed = f"errors below {limit:.2g} of {scale_name} would have gone unseen; {detectable:.2g} was asked for"
        return report(Outcome.ABSTAINS, missed, size, *numbers)
    return report(Outcome.CONFIRMS, seen, size, *numbers)


def _quiet_gradient(function: MeanFunction, means: FloatArray, centre: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        return np.asarray(function.gradient(means, centre), dtype=np.float64)


def _deviation(directions: FloatArray, moments: Moments) -> FloatArray:
    """Return the standard deviation of one draw's influence, shape (q,): the delta method."""
    variance = np.einsum("qr,rs,qs->q", directions, moments.covariance, directions)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)), dtype=np.float64)


def _floor(directions: FloatArray, moments: Moments, claimed: FloatArray, rounding: ArrayLike) -> FloatArray:
    """Return the least standard error, shape (q,): what rounding alone may do to the estimate."""
    terms = np.abs(directions) @ moments.magnitude + np.abs(claimed)
    floor: FloatArray = np.add(_ROUNDING_UNITS * _EPS * terms, rounding, dtype=np.float64)
    return floor


def _estimate(function: MeanFunction, moments: Moments, centre: FloatArray) -> FloatArray:
    """Return the value at the means, less the 1/n bias that the jackknife sees in a non-linear function."""
    with np.errstate(all="ignore"):
        plain = np.asarray(function.value(moments.mean, centre), dtype=np.float64)
        if function.affine:
            return plain
        groups = len(moments.group_means)
        without = (groups * moments.mean - moments.group_means) / (groups - 1)
        left_out = np.stack([function.value(means, centre) for means in without])
        bias: FloatArray = (groups - 1) * (left_out.mean(axis=0) - plain)
        return plain - bias
