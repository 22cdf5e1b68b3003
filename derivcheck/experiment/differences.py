"""Checking a claimed Jacobian against batched finite differences.

Two stages. All columns are measured with four-point differences, in one batched call; where that
settles the entries (nearly always) the check is done. The other columns get one sweep over steps from half a
variable's scale down to 1e-10 of the variable itself, extrapolated with an error budget of its own. Only the
sweep refutes.

Steps are relative to each variable's scale, and a small part of the variable itself: with a step
of 1e-3·max(|x|, 1), the derivative of log at 1e-7 was 34 % wrong. One-sided quotients come from the same
values, so a kink is seen as such. Nothing here depends on the unit of the function: multiplied by 1e-7 or
1e7, it gets the same verdict.

>>> import numpy as np
>>> x = np.array([0.3, -1.2])
>>> check = check_gradient(lambda rows: np.sin(rows).sum(axis=1), x, np.cos(x))
>>> str(check.result.outcome), check.result.detectable < 1e-6
('confirms', True)
>>> str(check_gradient(lambda rows: np.maximum(rows, 0).sum(axis=1), np.zeros(1), np.zeros(1)).result.reason)
'1 of 1 entries sit on a kink; ∂f[0]/∂x[0] at point 0: 0 from the left, 1 from the right'
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derivcheck.experiment.entries import MARGIN, Measured, Status, judge, row_scale, summarise
from derivcheck.experiment.extrapolation import extrapolate
from derivcheck.experiment.perturb import BLOCK, IndexArray, Perturbed, VectorFunction, typical_scale
from derivcheck.experiment.result import ExperimentResult, FloatArray

EPS = float(np.finfo(np.float64).eps)

# Truncation ~ h² and rounding ~ ε/h of a central difference balance near ε^⅓ = 6e-6; a little more, for functions
# with values larger than their variation.
_FIRST_STEP = 4e-5

_SWEEP_RATIO = 4.0
_SWEEP_TOP = 0.5
_SWEEP_BOTTOM = 1e-10
_MAX_LEVELS = 40

# Units of ε in the value and in each argument of a function, as if all its rounding happened there.
ROUNDING_UNITS = 8.0

# Steps this far below the largest that do not change the function say nothing of its slope: eight digits may
# be lost.
STAIRCASE = 1e-7

# Steps below this many spacings of the variable are noise.
MIN_SPACINGS = 256.0


@dataclass(frozen=True)
class Kink:
    """A point where the derivatives from the left and from the right differ."""

    point: int
    output: int
    variable: int
    left: float
    right: float
    claimed: float


@dataclass(frozen=True, eq=False)
class JacobianCheck:
    """A checked Jacobian, entry by entry; all arrays have shape (p, m, d).

    Attributes
    ----------
    result
        The overall result: one refuted entry refutes; otherwise one entry on a kink, undefined or unresolved
        makes it abstain. A caller that has many points may discard those with kinks, see `status`.
    derivative, budget
        Measured entries and their error budgets.
    status
        `Status` of every entry.
    kinks
        The entries on kinks.
    """

    result: ExperimentResult
    derivative: FloatArray
    budget: FloatArray
    status: NDArray[np.int8]
    kinks: tuple[Kink, ...]


def check_gradient(
    function: VectorFunction,
    x: ArrayLike,
    claimed: ArrayLike,
    *,
    scale: ArrayLike | None = None,
    resolution: float = 1e-5,
    complex_step: bool = False,
) -> JacobianCheck:
    """Check the gradient of a scalar function: `check_jacobian` with claimed of shape (d,) or (p, d)."""
    gradient = np.asarray(claimed, dtype=np.float64)
    return check_jacobian(
        function, x, gradient[..., None, :], scale=scale, resolution=resolution, complex_step=complex_step
    )


def check_jacobian(
    function: VectorFunction,
    x: ArrayLike,
    claimed: ArrayLike,
    *,
    scale: ArrayLike | None = None,
    resolution: float = 1e-5,
    complex_step: bool = False,
    block: int = BLOCK,
) -> JacobianCheck:
    """Check a claimed Jacobian of a vectorised function at one or several points.

    Parameters
    ----------
    function
        ``(rows, d) -> (rows, m)`` (or ``(rows,)`` if m = 1), each row mapped by itself.
    x
        One point (d,) or several (p, d).
    claimed
        The claimed Jacobian, shape (m, d) or (p, m, d).
    scale
        Positive size of a natural change of each variable, (d,) or scalar; default `typical_scale`. It sets
        the first steps and the scale of small entries; the sweep covers what it gets wrong.
    resolution
        Relative error that must be detectable in every entry for the check to confirm. Its scale is the
        claimed entry, or `entries.FLOOR` of the same output's largest scaled entry if that is more.
    complex_step
        Whether to sharpen the estimates by the complex step. The callable must accept complex rows and be
        analytic; where it is not, that is noticed (real differences disagree), said, and the real ones are
        kept.
    block
        Numbers in the argument of one call.

    Raises
    ------
    ValueError
        If shapes do not fit, or x is not finite, or a scale is not positive.
    """
    points = np.atleast_2d(np.asarray(x, dtype=np.float64))
    p, d = points.shape
    jacobian = np.asarray(claimed, dtype=np.float64)
    jacobian = jacobian[None] if jacobian.ndim == 2 else jacobian
    if jacobian.ndim != 3 or jacobian.shape[0] != p or jacobian.shape[2] != d:
        raise ValueError(f"points of shape {points.shape} do not go with a Jacobian of shape {jacobian.shape}")
    units = variable_scale(points, scale)
    target = np.ascontiguousarray(jacobian.swapaxes(1, 2))

    evaluate = Perturbed(function, points, block)
    base, measured, noise, variation = _first_stage(evaluate, points, units)
    if base.shape[1] != target.shape[2]:
        raise ValueError(f"the callable has {base.shape[1]} outputs, but {target.shape[2]} were claimed")
    sizes = np.ascontiguousarray(row_scale(jacobian, units, variation).swapaxes(1, 2))
    status, budget = judge(target, measured, sizes, resolution)
    open_columns = np.argwhere((status != Status.AGREES).any(axis=2))
    if len(open_columns):
        point, variable = open_columns.T
        swept = _sweep(evaluate, points, base, noise, units, point, variable)
        for field in ("value", "budget", "jump", "jump_budget", "finite"):
            getattr(measured, field)[point, variable] = getattr(swept, field)
        status, budget = judge(target, measured, sizes, resolution)

    note = ""
    if complex_step:
        measured, note = _with_complex_step(evaluate, points, units, measured, sizes, noise)
        status, budget = judge(target, measured, sizes, resolution)

    kinks = tuple(
        Kink(
            point=int(a),
            output=int(i),
            variable=int(j),
            left=float(measured.value[a, j, i] - measured.jump[a, j, i] / 2),
            right=float(measured.value[a, j, i] + measured.jump[a, j, i] / 2),
            claimed=float(target[a, j, i]),
        )
        for a, j, i in np.argwhere(status == Status.KINK)
    )
    upright = Measured(
        *(getattr(measured, f).swapaxes(1, 2) for f in ("value", "budget", "jump", "jump_budget", "finite"))
    )
    status = status.swapaxes(1, 2)
    budget = budget.swapaxes(1, 2)
    result = summarise(jacobian, upright, status, budget, sizes.swapaxes(1, 2), resolution, evaluate.rows, note)
    return JacobianCheck(result, upright.value, budget, status, kinks)


def variable_scale(points: FloatArray, scale: ArrayLike | None) -> FloatArray:
    """Return the scales of the variables, shape (d,), after checking them and the points."""
    if not np.isfinite(points).all():
        raise ValueError("a point to differentiate at must be finite")
    if scale is None:
        return typical_scale(points)
    units = np.broadcast_to(np.asarray(scale, dtype=np.float64), (points.shape[1],))
    if not (np.isfinite(units).all() and (units > 0.0).all()):
        raise ValueError("the scale of a variable is positive and finite")
    return units


def _first_stage(
    evaluate: Perturbed, points: FloatArray, units: FloatArray
) -> tuple[FloatArray, Measured, FloatArray, FloatArray]:
    """Return values (p, m), four-point derivatives (p, d, m), and the function's noise and variation (p, m).

    The variation is the yardstick of a gradient that is claimed to vanish: |f|, or the bend over a variable's scale.

    The difference between the four-point and the central quotient is both the error estimate and, since a kink anywhere
    among the four points would make it large, the guarantee that there is none.
    """
    p, d = points.shape
    away = np.where(points != 0.0, np.abs(points) / 16.0, np.inf)
    step = np.minimum(_FIRST_STEP * units, away).ravel()
    point, variable = (a.ravel() for a in np.indices((p, d)))
    x = points.ravel()
    coordinates = np.concatenate([x - step, x + step, x + 2.0 * step])
    # One call: the base points, then every variable of every point at three places.
    values = evaluate(
        np.concatenate([np.arange(p), np.tile(point, 3)]),
        (
            np.concatenate([np.zeros(p, dtype=np.intp), np.tile(variable, 3)]),
            np.concatenate([points[:, 0], coordinates]),
        ),
    )
    base = values[:p]
    minus, plus, beyond = values[p:].reshape(3, p, d, -1)
    left, right, far = coordinates.reshape(3, p, d, 1) - points[:, :, None]
    centre = base[:, None, :]
    with np.errstate(all="ignore"):
        # Newton's divided differences, on the places as they were rounded.
        slope_left, slope_right = (centre - minus) / -left, (plus - centre) / right
        bend = (slope_right - slope_left) / (right - left)
        far_bend = ((beyond - plus) / (far - right) - slope_right) / far
        central = slope_left - left * bend
        change = left * right * (far_bend - bend) / (far - left)
        value = central + change
        noise = function_noise(points, base, value)
        # The weights of the four values add up to 2/h in size.
        budget = np.abs(change) + 2.0 * noise[:, None, :] / right
        bends = np.nan_to_num(np.abs(bend) * units[:, None] ** 2, nan=0.0, posinf=0.0)
        variation = np.maximum(np.abs(base), bends.max(axis=1))
    finite = np.isfinite(value) & np.isfinite(centre)
    budget = np.where(finite, budget, np.inf)
    measured = Measured(value, budget, np.zeros_like(value), np.zeros_like(value), finite)
    return base, measured, noise, variation


def function_noise(points: FloatArray, base: FloatArray, slopes: FloatArray) -> FloatArray:
    """Return the rounding noise (p, m) to expect of the function, from its values and slopes (p, d, m).

    Its value and each of its arguments carry a few units of ε, independently of one another.
    """
    carried = np.where(np.isfinite(slopes), slopes, 0.0) * points[:, :, None]
    noise: FloatArray = ROUNDING_UNITS * EPS * (np.abs(base) + np.sqrt((carried * carried).sum(axis=1)))
    return noise


def _sweep(
    evaluate: Perturbed,
    points: FloatArray,
    base: FloatArray,
    noise: FloatArray,
    units: FloatArray,
    point: IndexArray,
    variable: IndexArray,
) -> Measured:
    """Return the derivatives (columns, m) of some columns from a sweep of steps, in one batched call."""
    steps, usable = sweep_steps(points[point, variable], units[variable], _SWEEP_RATIO, _SWEEP_BOTTOM)
    levels, columns = steps.shape
    x = points[point, variable]
    coordinates = np.concatenate([x + steps, x - steps])
    values = evaluate(np.tile(point, 2 * levels), (np.tile(variable, 2 * levels), coordinates.ravel())).reshape(
        2, levels, columns, -1
    )
    right, left = np.abs(coordinates - x).reshape(2, levels, columns, 1)
    centre = base[point]
    with np.errstate(all="ignore"):
        quotient = (values[0] - values[1]) / (right + left)
        jumps = (values[0] - centre) / right - (centre - values[1]) / left
        rounding = noise[point] / right
        # A function that cancels large terms is a staircase: below the width of a step it looks constant.
        flat = (values[0] == centre) & (values[1] == centre) & (right < STAIRCASE * right[0])
    tells = usable[..., None] & ~flat
    value, budget = extrapolate(quotient, rounding, tells, ratio=_SWEEP_RATIO, exponents=(2, 4, 6), order=1)
    jump, jump_budget = extrapolate(jumps, 4.0 * rounding, tells, ratio=_SWEEP_RATIO, exponents=(1, 3, 5), order=1)
    finite = np.isfinite(centre) & np.isfinite(quotient).any(axis=0)
    return Measured(value, budget, jump, jump_budget, finite)


def sweep_steps(x: FloatArray, units: FloatArray, ratio: float, bottom: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return steps (levels, columns), geometric from coarse to fine, and whether each can be used.

    They start at half the larger of |x| and its unit, whichever a function may vary on, and go down to
    `bottom` times the smaller; a step of a few spacings of x is not usable.
    """
    size = np.abs(x)
    top = _SWEEP_TOP * np.maximum(size, units)
    low = bottom * np.where(size > 0.0, np.minimum(size, units), units)
    levels = int(np.clip(np.ceil(np.log(top / low).max() / np.log(ratio)) + 1, 8, _MAX_LEVELS))
    steps = top * ratio ** -np.arange(levels, dtype=np.float64)[:, None]
    usable = steps >= np.where(size > 0.0, MIN_SPACINGS * np.spacing(size), 0.0)
    return steps, usable


def _with_complex_step(
    evaluate: Perturbed,
    points: FloatArray,
    units: FloatArray,
    measured: Measured,
    sizes: FloatArray,
    noise: FloatArray,
) -> tuple[Measured, str]:
    """Return estimates sharpened by Im f(x + ih)/h, where real differences agree with it, and a note."""
    # So small that h² vanishes beside 1: no truncation, and no subtraction to lose digits.
    step = 1e-20 * np.maximum(np.abs(points), units)
    try:
        derivative = evaluate.imaginary(step) / step[:, :, None]
    except TypeError as error:
        return measured, f"; no complex step: {error}"
    smooth = measured.finite & ~measured.kinks()
    with np.errstate(invalid="ignore"):
        astray = smooth & ~(np.abs(derivative - measured.value) <= MARGIN * measured.ambiguity())
    if astray.any():
        count = int(astray.sum())
        return measured, f"; no complex step: it disagrees with real differences in {count} entries"
    # Sums inside the callable may cancel: a thousand units of ε of the entry's scale, and the value's own
    # rounding.
    own = 1e3 * EPS * sizes + noise[:, None, :] / np.maximum(np.abs(points), units)[:, :, None]
    sharper = smooth & (own < measured.ambiguity())
    zero = np.zeros_like(own)
    return Measured(
        value=np.where(sharper, derivative, measured.value),
        budget=np.where(sharper, own, measured.budget),
        jump=np.where(sharper, zero, measured.jump),
        jump_budget=np.where(sharper, zero, measured.jump_budget),
        finite=measured.finite,
    ), ""
