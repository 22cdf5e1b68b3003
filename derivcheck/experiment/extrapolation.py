"""Extrapolating a difference quotient to step zero, with an error budget read off the sweep itself.

A quotient V(h) = V + c₁h^a₁ + c₂h^a₂ + … measured at h, h/ρ, h/ρ², … is refined by Richardson's scheme. At
coarse steps truncation dominates, at fine steps rounding; the difference of two successive values bounds
either. The budget of a value is the sum of what both still may do:

* truncation: the last difference, or the one before it times the rate at which it ought to have shrunk,
whichever
  is larger (one lucky coincidence is thus not believed);
* rounding: the noise seen at *all finer* steps, scaled to this step, or the arithmetic's own, whichever is
larger.

Among the values that do not contradict any finer one, that with the least budget wins. (A function that
oscillates between the coarse steps looks there like noise about a line; the finer steps contradict.)
Everything scales with the function, so a budget is as good at 1e-7 as at 1e7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from derivcheck.experiment.result import FloatArray

# Combining two noisy values with weights ρ^a/(ρ^a − 1) and −1/(ρ^a − 1), ρ ≥ 2, repeatedly: bounded by this.
_AMPLIFICATION = 3.0

# Finer levels that must exist to witness the noise of a value.
_WITNESSES = 3

# Budgets by which two values may differ before they are said to contradict each other.
_CONSISTENT = 4.0

# Noise this much above the arithmetic's own (eight digits lost to cancellation) is no rounding: the function
# varies between the steps, and no limit can be read off.
_NOISE_CAP = 1e8


def extrapolate(
    values: FloatArray,
    rounding: FloatArray,
    usable: NDArray[np.bool_],
    *,
    ratio: float,
    exponents: tuple[int, ...],
    order: int,
) -> tuple[FloatArray, FloatArray]:
    """Return the limit of a sweep and its error budget.

    Parameters
    ----------
    values
        Quotients at steps h₀, h₀/ρ, …, shape (levels, …).
    rounding
        A priori bound on the rounding error of each value, broadcastable to the shape of `values`.
    usable
        False where a step was too small to tell anything; broadcastable.
    ratio
        ρ.
    exponents
        Powers a₁ < a₂ < … of h in the expansion of the quotient, as many as shall be eliminated.
    order
        Order of the derivative: rounding errors grow like h^(−order).

    Returns
    -------
    limit, budget
        Shapes (…). The budget is infinite where no successive usable levels gave a value that can be
        believed.
    """
    levels = values.shape[0]
    shape = values.shape
    usable = np.broadcast_to(usable, shape)
    rounding = np.broadcast_to(rounding, shape)
    allowed = np.zeros(shape, dtype=bool)
    allowed[:-_WITNESSES] = usable[:-_WITNESSES]
    for witness in range(1, _WITNESSES + 1):
        allowed[:-_WITNESSES] &= usable[witness : levels - _WITNESSES + witness]
    growth = (float(ratio) ** (order * np.arange(levels))).reshape((levels,) + (1,) * (values.ndim - 1))

    # Candidates, a table for each number of eliminated powers, indexed by the finest level that a value was
    # made of.
    columns = min(len(exponents) + 1, levels - 2)
    candidates = np.full((levels, columns, *shape[1:]), np.nan)
    budgets = np.full((levels, columns, *shape[1:]), np.inf)
    column = values
    with np.errstate(all="ignore"):
        for eliminated in range(columns):
            if eliminated:
                factor = float(ratio) ** exponents[eliminated - 1]
                column = (factor * column[1:] - column[:-1]) / (factor - 1.0)
            shrink = float(ratio) ** -exponents[min(eliminated, len(exponents) - 1)]
            finest = slice(eliminated + 1, None)
            change = np.abs(np.diff(column, axis=0))
            change = np.where(usable[finest], np.where(np.isfinite(change), change, np.inf), 0.0)
            noise = np.maximum.accumulate((change / growth[finest])[::-1], axis=0)[::-1] * growth[finest]
            own = rounding[finest] * (_AMPLIFICATION if eliminated else 1.0)
            truncation = np.maximum(change[1:], shrink * change[:-1])
            total = truncation + np.maximum(noise, own)[1:]
            believed = allowed[eliminated + 2 :] & np.isfinite(total)
            believed &= (noise <= _NOISE_CAP * own)[1:] | (noise == 0.0)[1:]
            budgets[eliminated + 2 :, eliminated] = np.where(believed, total, np.inf)
            candidates[eliminated + 2 :, eliminated] = column[2:]
    return _least(candidates, budgets)


def _least(candidates: FloatArray, budgets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the candidate with the least budget among those that do not contradict a finer one."""
    shape = candidates.shape[2:]
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    consistent = np.isfinite(budgets)
    with np.errstate(all="ignore"):
        lower = np.where(consistent, candidates - _CONSISTENT * budgets, -np.inf)
        upper = np.where(consistent, candidates + _CONSISTENT * budgets, np.inf)
    for level in range(len(candidates) - 1, -1, -1):
        accepted = consistent[level]
        accepted &= (upper[level] >= low) & (lower[level] <= high)
        np.maximum(low, np.where(accepted, lower[level], -np.inf).max(axis=0), out=low)
        np.minimum(high, np.where(accepted, upper[level], np.inf).min(axis=0), out=high)
    offered = np.where(consistent, budgets, np.inf).reshape(-1, *shape)
    at = np.argmin(offered, axis=0)[None]
    best = np.take_along_axis(candidates.reshape(-1, *shape), at, axis=0)[0]
    return best, np.take_along_axis(offered, at, axis=0)[0]
