"""Checking claimed second derivatives against second differences of the function itself.

Where a gradient is at hand, its Jacobian (`differences.check_jacobian`) is the sharper check. This one needs
values only: central second differences in all pairs of variables, over one sweep of steps, extrapolated with
an error budget. The quadrants around the point are compared too: a function whose second derivative jumps is
reported as a kink.

>>> import numpy as np
>>> x, claimed = np.array([0.5, 2.0]), np.array([[4.0, 1.0], [1.0, 0.0]])
>>> check = check_hessian(lambda rows: rows[:, 0] ** 2 * rows[:, 1], x, claimed)
>>> str(check.result.outcome)
'confirms'
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derivcheck.experiment.differences import STAIRCASE, function_noise, sweep_steps, variable_scale
from derivcheck.experiment.entries import Measured, judge, row_scale, summarise
from derivcheck.experiment.extrapolation import extrapolate
from derivcheck.experiment.perturb import BLOCK, Perturbed, VectorFunction
from derivcheck.experiment.result import ExperimentResult, FloatArray

# Rounding grows like h⁻², so that steps below 1e-6 of a variable are rarely of use; a small ratio gives more
# levels between truncation and rounding, and lets f(±2h) serve from the level before.
_RATIO = 2.0
_BOTTOM = 1e-6


@dataclass(frozen=True, eq=False)
class HessianCheck:
    """Checked second derivatives; arrays have shape (p, m, d, d), see `differences.JacobianCheck`."""

    result: ExperimentResult
    hessian: FloatArray
    budget: FloatArray
    status: NDArray[np.int8]


def check_hessian(
    function: VectorFunction,
    x: ArrayLike,
    claimed: ArrayLike,
    *,
    scale: ArrayLike | None = None,
    resolution: float = 1e-4,
    block: int = BLOCK,
) -> HessianCheck:
    """Check claimed second derivatives of a vectorised function at one or several points.

    Parameters
    ----------
    function
        ``(rows, d) -> (rows, m)`` or ``(rows,)``.
    x
        One point (d,) or several (p, d).
    claimed
        Hessians, shape (d, d), or (p, m, d, d); (p, d, d) for several points of a scalar function. Both
        triangles are compared, so a claim that is not symmetric is refuted.
    scale, resolution, block
        As in `differences.check_jacobian`.
    """
    points = np.atleast_2d(np.asarray(x, dtype=np.float64))
    p, d = points.shape
    hessian = np.asarray(claimed, dtype=np.float64)
    hessian = hessian[None] if hessian.ndim == 2 else hessian
    hessian = hessian[:, None] if hessian.ndim == 3 else hessian
    if hessian.ndim != 4 or (hessian.shape[0], *hessian.shape[2:]) != (p, d, d):
        raise ValueError(f"points of shape {points.shape} do not go with Hessians of shape {hessian.shape}")
    units = variable_scale(points, scale)
    evaluate = Perturbed(function, points, block)
    base, measured, variation = _measure(evaluate, points, units)
    if base.shape[1] != hessian.shape[1]:
        raise ValueError(f"the callable has {base.shape[1]} outputs, but {hessian.shape[1]} were claimed")
    sizes = row_scale(hessian, np.multiply.outer(units, units), variation)
    status, budget = judge(hessian, measured, sizes, resolution)
    result = summarise(hessian, measured, status, budget, sizes, resolution, evaluate.rows, "")
    return HessianCheck(result, measured.value, budget, status)


def _measure(evaluate: Perturbed, points: FloatArray, units: FloatArray) -> tuple[FloatArray, Measured, FloatArray]:
    """Return values (p, m), second derivatives (p, m, d, d) and variation (p, m) from two batched calls."""
    p, d = points.shape
    point, variable = (a.ravel() for a in np.indices((p, d)))
    x = points.ravel()
    steps, usable = sweep_steps(x, units[variable], _RATIO, _BOTTOM)
    levels = len(steps)
    # Sides: 0 up, 1 down.
    places = np.stack([x + steps, x - steps])
    along = evaluate(
        np.concatenate([np.arange(p), np.tile(point, 2 * levels)]),
        (
            np.concatenate([np.zeros(p, dtype=np.intp), np.tile(variable, 2 * levels)]),
            np.concatenate([points[:, 0], places.ravel()]),
        ),
    )
    base = along[:p]
    m = base.shape[1]
    single = along[p:].reshape(2, levels, p, d, m)
    places = places.reshape(2, levels, p, d)
    reach = np.abs(places - points)[..., None]
    ok = usable.reshape(levels, p, d)
    centre = base[:, None, :]

    value = np.full((p, d, d, m), np.nan)
    budget, jump, jump_budget = np.full_like(value, np.inf), np.zeros_like(value), np.full_like(value, np.inf)
    finite = np.zeros(value.shape, dtype=bool)
    with np.errstate(all="ignore"):
        slope = (single[0] - single[1]) / (reach[0] + reach[1])
        # A slope in the middle of the sweep is good enough to say how far rounding of the arguments carries.
        middle = slope[levels // 2]
        noise = function_noise(points, base, middle)
        rises = np.nan_to_num(np.abs(middle) * units[:, None], nan=0.0, posinf=0.0)
        variation = np.maximum(np.abs(base), rises.max(axis=1))

        right, left = (single[0] - centre) / reach[0], (centre - single[1]) / reach[1]
        diagonal = 2.0 * (right - left) / (reach[0] + reach[1])
        # One-sided second differences at h use f(x ± 2h), the level before.
        outer = (single[0][:-1] - single[1][:-1]) - 2.0 * (single[0][1:] - single[1][1:])
        lopsided = outer / reach[0][1:] ** 2
    rounding = 4.0 * noise[:, None, :] / reach[0] ** 2
    flat = (single[0] == centre) & (single[1] == centre) & (reach[0] < STAIRCASE * reach[0][0])
    tells = ok[..., None] & ~flat
    own = np.arange(d)
    v, b = extrapolate(diagonal, rounding, tells, ratio=_RATIO, exponents=(2, 4, 6), order=2)
    j, jb = extrapolate(lopsided, 2.0 * rounding[1:], tells[1:], ratio=_RATIO, exponents=(1, 3, 5), order=2)
    value[:, own, own], budget[:, own, own], jump[:, own, own], jump_budget[:, own, own] = v, b, j, jb
    finite[:, own, own] = np.isfinite(diagonal).any(axis=0)

    first, second = np.triu_indices(d, 1)
    if len(first):
        a, pair = (i.ravel() for i in np.indices((p, len(first))))
        one, two = first[pair], second[pair]
        signs = [(0, 0), (1, 1), (0, 1), (1, 0)]
        corners = evaluate(
            np.tile(a, 4 * levels),
            (np.tile(one, 4 * levels), np.concatenate([places[s][:, a, one].ravel() for s, _ in signs])),
            (np.tile(two, 4 * levels), np.concatenate([places[t][:, a, two].ravel() for _, t in signs])),
        ).reshape(4, levels, len(a), m)
        with np.errstate(all="ignore"):
            quadrants = [
                (-1.0) ** (s + t)
                * (corners[i] - single[s][:, a, one] - single[t][:, a, two] + base[a])
                / (reach[s][:, a, one] * reach[t][:, a, two])
                for i, (s, t) in enumerate(signs)
            ]
        mixed = sum(quadrants[1:], quadrants[0]) / 4.0
        rounding = 4.0 * noise[a] / (reach[0][:, a, one] * reach[0][:, a, two])
        tells = (ok[:, a, one] & ok[:, a, two])[..., None]
        v, b = extrapolate(mixed, rounding, tells, ratio=_RATIO, exponents=(2, 4, 6), order=2)
        # Opposite quadrants differ by O(h) for a smooth function, and so do the two diagonals of them.
        contrasts = (
            (quadrants[0] - quadrants[1], (1, 3, 5)),
            (quadrants[2] - quadrants[3], (1, 3, 5)),
            ((quadrants[0] + quadrants[1] - quadrants[2] - quadrants[3]) / 2.0, (2, 4, 6)),
        )
        j, jb = np.zeros_like(v), np.zeros_like(v)
        for contrast, exponents in contrasts:
            other, other_budget = extrapolate(
                contrast, 4.0 * rounding, tells, ratio=_RATIO, exponents=exponents, order=2
            )
            j = np.where(np.abs(other) > np.abs(j), other, j)
            jb = np.maximum(jb, other_budget)
        seen = np.isfinite(mixed).any(axis=0)
        for row, column in ((one, two), (two, one)):
            value[a, row, column], budget[a, row, column] = v, b
            jump[a, row, column], jump_budget[a, row, column] = j, jb
            finite[a, row, column] = seen
    finite &= np.isfinite(base)[:, None, None, :]
    upright = Measured(*(np.moveaxis(array, 3, 1) for array in (value, budget, jump, jump_budget, finite)))
    return base, upright, variation
