"""Numeric support of a claimed limit, on a geometric grid.

If g(t) tends to L like a power of t, or of 1/t, then its increments along t₀, t₀ρ, t₀ρ², … shrink
geometrically, and what is left of the way is the last increment times q/(1 − q). The claimed limit must lie
within a few such remainders of the last value, and the remainder must be small. No finite number of values
proves a limit: the outcome is at best ``supports``; a limit that the increments contradict is refuted, by
extrapolation and not with certainty.

>>> import numpy as np
>>> str(check_limit(lambda t: np.sin(t) / t, 1.0, start=0.5, toward=0.0, scale=1.0, scale_name="1").outcome)
'supports'
>>> str(check_limit(lambda t: np.sin(t) / t, 1.01, start=0.5, toward=0.0, scale=1.0, scale_name="1").outcome)
'refutes'
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from derivcheck.experiment.result import ExperimentResult, FloatArray, Outcome

JUSTIFICATION = "increments on a geometric grid, not certified"

# Remainders by which a claimed limit may be missed: a power law with logarithms shrinks slower than its last
# increments.
_MARGIN = 4.0

# Increments must shrink at least this fast per level to be taken for geometric: slower ones (1/log t) promise
# nothing.
_SLOWEST = 0.9

# Levels over which the rate is judged.
_WINDOW = 4

# Growth of the increments, after they had shrunk as much, that shows rounding to have taken over.
_TAKEOVER = 30.0

# Units of ε of the largest value seen, as rounding error of g.
_ROUNDING_UNITS = 64.0


def check_limit(
    function: Callable[[FloatArray], FloatArray],
    limit: float,
    *,
    start: float,
    toward: float,
    scale: float,
    scale_name: str,
    resolution: float = 1e-3,
    ratio: float = 1.9,
    levels: int = 48,
) -> ExperimentResult:
    """Compare g(t) on a geometric grid with its claimed limit.

    Parameters
    ----------
    function
        g, vectorised: ``(n,) -> (n,)``. It is called once.
    limit
        The claimed limit, finite.
    start, toward
        First grid point, and where t tends to: a finite value (approached from the side of `start`), or
        ±infinity (`start` then has the sign of `toward`, and is not zero).
    scale, scale_name
        Declared positive size that errors are relative to.
    resolution
        Relative error of the limit that must be detectable for the values to support it.
    ratio
        Ratio of the grid, above 1. The default keeps off the integers, where an oscillation can hide; for a
        sequence take 2 and a whole `start`.
    levels
        Number of grid points; those after the increments have shrunk to rounding are not used.

    Raises
    ------
    ValueError
        If `start` is at `toward` or on the wrong side of it, or a parameter is out of range.
    """
    if not (scale > 0.0 and math.isfinite(scale) and ratio > 1.0 and levels >= 2 * _WINDOW):
        raise ValueError(f"scale {scale}, ratio {ratio} or number of levels {levels} out of range")
    powers = ratio ** np.arange(levels, dtype=np.float64)
    if math.isinf(toward):
        if not start * toward > 0.0:
            raise ValueError(f"{start} does not lie on the way to {toward}")
        grid = start * powers
    else:
        if start == toward:
            raise ValueError("a limit is approached from somewhere else")
        grid = toward + (start - toward) / powers
        # Close to a limit point that is not zero, the grid runs into it.
        grid = grid[np.abs(grid - toward) > 256 * np.spacing(abs(toward))]
    with np.errstate(all="ignore"):
        values = np.asarray(function(grid), dtype=np.float64)
    if values.shape != grid.shape:
        raise ValueError(f"a callable given {grid.shape} returned shape {values.shape}")

    def report(outcome: Outcome, reason: str, value: float, error: float, statistic: float | None) -> ExperimentResult:
        return ExperimentResult(
            outcome=outcome,
            reason=reason,
            n=grid.size,
            statistic=statistic,
            critical=_MARGIN,
            justification=JUSTIFICATION,
            false_alarm=None,
            detectable=(_MARGIN + 1.0) * error / scale,
            scale=scale,
            scale_name=scale_name,
            expected=np.array([limit]),
            estimate=np.array([value]),
            standard_error=np.array([error]),
        )

    if not math.isfinite(limit):
        return report(Outcome.ABSTAINS, "the claimed limit is not finite", math.nan, math.inf, None)
    finite = np.isfinite(values)
    # Overflow far out ends the grid; a hole in the middle ends it too.
    end = int(np.argmin(finite)) if not finite.all() else len(values)
    if end < 2 * _WINDOW:
        reason = f"only {end} finite values before t = {grid[min(end, grid.size - 1)]:.3g}"
        return report(Outcome.ABSTAINS, reason, math.nan, math.inf, None)
    values = values[:end]
    steps = np.diff(values)
    # Every increment is judged together with its neighbours: an oscillation has small ones by chance.
    envelope = np.lib.stride_tricks.sliding_window_view(np.abs(steps), _WINDOW).max(axis=1)
    best = _settled(envelope, steps)
    last = best + _WINDOW
    value = float(values[last])
    rounding = _ROUNDING_UNITS * float(np.finfo(np.float64).eps) * float(np.abs(values[: last + 1]).max())
    span = min(2 * _WINDOW, best)
    if envelope[best] <= rounding:
        rate = 0.0
    elif span < _WINDOW:
        rate = math.inf
    else:
        rate = float((envelope[best] / envelope[best - span]) ** (1.0 / span))
    if not rate <= _SLOWEST:
        reason = f"the increments do not shrink geometrically up to t = {grid[last]:.3g}"
        return report(Outcome.ABSTAINS, reason, value, math.inf, None)
    remainder = float(envelope[best]) * max(rate / (1.0 - rate), 1.0) + rounding
    off = abs(value - limit)
    statistic = off / remainder if remainder > 0.0 else (math.inf if off > 0.0 else 0.0)
    seen = f"g({grid[last]:.3g}) = {value:.8g}, {remainder:.1g} at most to go; claimed {limit:.8g}"
    if statistic > _MARGIN:
        return report(Outcome.REFUTES, seen, value, remainder, statistic)
    if (_MARGIN + 1.0) * remainder > resolution * scale:
        return report(Outcome.ABSTAINS, f"not settled to {resolution:.1g}: {seen}", value, remainder, statistic)
    return report(Outcome.SUPPORTS, seen, value, remainder, statistic)


def _settled(envelope: FloatArray, steps: FloatArray) -> int:
    """Return the index of the least increments, before rounding errors take over.

    Towards the end of the grid a difference of nearly equal terms may be all rounding: the increments, which had
    shrunk, grow again, with alternating signs, and may end in exact zeros that mean nothing.
    """
    best = 0
    for k in range(len(envelope)):
        if envelope[k] < envelope[best]:
            best = k
        elif min(envelope[k], envelope[: best + 1].max()) > _TAKEOVER * envelope[best]:
            signs = np.sign(steps[best + 1 : best + 1 + 3 * _WINDOW])
            if np.count_nonzero(signs[1:] * signs[:-1] < 0) >= 2:
                break
    return best
