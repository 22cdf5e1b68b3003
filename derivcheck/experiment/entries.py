"""Judging an array of claimed derivatives against measured ones, entry by entry.

An entry is refuted when it is further from the measured value than `MARGIN` error budgets. It agrees only if,
besides, an error of the requested size would have been refuted. Neither depends on the unit of the function
or of the variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from derivcheck.experiment.result import ExperimentResult, FloatArray, Outcome

MARGIN = 4.0
"""Budgets that an entry may be off. A budget is the last change of an extrapolation, for smooth functions an
order of magnitude more than the remaining error; the margin is for those that are barely smooth."""

FLOOR = 1e-3
"""An entry's scale is its own claimed size, but at least this part of its output's largest scaled entry."""

CLAIMED_ROUNDING = 1e-10
"""Error granted to a claimed entry, which is itself computed in floating point; relative to its scale."""

JUSTIFICATION = "error budget: truncation by extrapolation and rounding by the noise of finer steps, not certified"


class Status(IntEnum):
    """What is known of an entry; a larger value takes precedence in the overall outcome."""

    AGREES = 0
    UNRESOLVED = 1
    UNDEFINED = 2
    KINK = 3
    REFUTED = 4


@dataclass(frozen=True, eq=False)
class Measured:
    """Measured derivatives, all of one shape.

    Attributes
    ----------
    value, budget
        The derivative and its error budget (infinite if nothing is known).
    jump, jump_budget
        How much the derivatives from the two sides differ, and the error budget of that. Zero for smooth
        functions.
    finite
        Whether the function and the quotients were finite.
    """

    value: FloatArray
    budget: FloatArray
    jump: FloatArray
    jump_budget: FloatArray
    finite: NDArray[np.bool_]

    def kinks(self) -> NDArray[np.bool_]:
        """Return where the two sides differ by more than errors can explain."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(self.jump) > MARGIN * np.maximum(self.jump_budget, self.budget))

    def ambiguity(self) -> FloatArray:
        """Return the budget together with half of what the two sides may still differ by."""
        with np.errstate(invalid="ignore"):
            total = self.budget + 0.5 * (np.abs(self.jump) + self.jump_budget)
        return np.where(np.isfinite(total), total, np.inf)


def judge(
    claimed: FloatArray, measured: Measured, scale: FloatArray, resolution: float
) -> tuple[NDArray[np.int8], FloatArray]:
    """Return the status of every entry, and its error budget.

    Parameters
    ----------
    claimed, scale
        Of the shape of the measured derivatives.
    resolution
        Error relative to `scale` that must be detectable in an entry for it to agree.
    """
    budget = measured.ambiguity() + CLAIMED_ROUNDING * scale
    with np.errstate(invalid="ignore"):
        off = np.abs(claimed - measured.value)
        status = np.full(claimed.shape, Status.AGREES, dtype=np.int8)
        status[(MARGIN + 1.0) * budget > resolution * scale] = Status.UNRESOLVED
        status[off > MARGIN * budget] = Status.REFUTED
    status[~(measured.finite & np.isfinite(claimed))] = Status.UNDEFINED
    status[measured.kinks() & measured.finite] = Status.KINK
    return status, budget


def row_scale(claimed: FloatArray, unit: FloatArray, variation: FloatArray) -> FloatArray:
    """Return the scale of each entry of claimed derivatives (p, m, …), positive unless f is zero all around.

    Parameters
    ----------
    unit
        Product of the scales of the variables that an entry differentiates by, shape (…).
    variation
        Size of the function's variation near the points, shape (p, m): the yardstick where all derivatives are claimed
        to be zero.
    """
    size = np.where(np.isfinite(claimed), np.abs(claimed), 0.0)
    largest = (size * unit).reshape(*variation.shape, -1).max(axis=-1)
    largest = np.where(largest > 0.0, largest, np.where(np.isfinite(variation), variation, 0.0))
    return np.maximum(size, FLOOR * largest.reshape(variation.shape + (1,) * unit.ndim) / unit)


def summarise(
    claimed: FloatArray,
    measured: Measured,
    status: NDArray[np.int8],
    budget: FloatArray,
    scale: FloatArray,
    resolution: float,
    rows: int,
    note: str,
) -> ExperimentResult:
    """Return the overall result of judged entries of shape (p, m, …).

    A refuted entry refutes; otherwise a kink, or an undefined or unresolved entry, makes the check abstain.
    """
    with np.errstate(all="ignore"):
        off = np.abs(claimed - measured.value)
        strain = np.where(off == 0.0, 0.0, off / budget)
        limits = np.where(budget == 0.0, 0.0, (MARGIN + 1.0) * budget / scale)
    strain = np.where(np.isfinite(off), strain, -1.0)
    limits = np.where(np.isnan(limits), np.inf, limits)
    gravest = Status(int(status.max()))
    # The entry to show: the worst among those that decide the outcome.
    badness = limits if gravest is Status.UNRESOLVED else strain
    shown = np.unravel_index(int(np.argmax(np.where(status == gravest, badness, -2.0))), status.shape)
    weakest = np.unravel_index(int(np.argmax(limits)), limits.shape)
    count = int((status == gravest).sum())
    point, output, *variables = (int(i) for i in shown)
    where = f"∂f[{output}]/" + "".join(f"∂x[{j}]" for j in variables) + f" at point {point}"
    of = f"{count} of {status.size}"
    claim, value, half = claimed[shown], measured.value[shown], measured.jump[shown] / 2.0
    if gravest is Status.AGREES:
        outcome = Outcome.CONFIRMS
        reason = f"all {count} entries agree within their error budgets"
    elif gravest is Status.REFUTED:
        outcome = Outcome.REFUTES
        reason = f"{of} entries differ; {where}: claimed {claim:.6g}, measured {value:.6g} ± {budget[shown]:.1g}"
    elif gravest is Status.KINK:
        outcome = Outcome.ABSTAINS
        reason = f"{of} entries sit on a kink; {where}: {value - half:.6g} from the left, "
        reason += f"{value + half:.6g} from the right"
        if abs(claim - value) > abs(half) + MARGIN * measured.budget[shown]:
            reason += f", and the claimed {claim:.6g} is not between them"
    elif gravest is Status.UNDEFINED:
        outcome = Outcome.ABSTAINS
        reason = f"{of} entries are not finite, as claimed or as measured; {where}"
    else:
        outcome = Outcome.ABSTAINS
        reason = f"{of} entries are not resolved to {resolution:.1g} of their scale; {where}: {limits[shown]:.1g}"
    return ExperimentResult(
        outcome=outcome,
        reason=reason + note,
        n=rows,
        statistic=float(strain[shown]) if strain[shown] >= 0.0 else None,
        critical=MARGIN,
        justification=JUSTIFICATION,
        false_alarm=None,
        detectable=float(limits[weakest]),
        scale=float(scale[weakest]),
        scale_name=f"the claimed entry, or {FLOOR:g} of its output's largest scaled entry if that is more",
        expected=claimed,
        estimate=measured.value,
        standard_error=budget,
    )
