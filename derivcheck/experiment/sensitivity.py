"""How small an error a check catches: wrong values are planted, and the check is run on them.

>>> from derivcheck.experiment.result import Outcome
>>> check = lambda error: Outcome.REFUTES if error > 3e-4 else Outcome.CONFIRMS
>>> smallest_caught(check).smallest
0.001
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from derivcheck.experiment.result import FloatArray, Outcome

PLANTED = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Relative errors that are planted, in descending order."""


@dataclass(frozen=True)
class Sensitivity:
    """Outcomes of a check on wrong claims.

    Attributes
    ----------
    unplanted
        Outcome on the claim itself.
    planted
        Pairs (relative error, outcome), largest error first.
    smallest
        The smallest error that was refuted together with all larger ones. None if the largest was missed
        already, or if the claim itself was refuted: a check that refutes everything catches nothing.
    """

    unplanted: Outcome
    planted: tuple[tuple[float, Outcome], ...]
    smallest: float | None


def smallest_caught(check: Callable[[float], Outcome], errors: Iterable[float] = PLANTED) -> Sensitivity:
    """Run a check on the claim and on wrong versions of it.

    Parameters
    ----------
    check
        Maps a relative error to the outcome of the check with that error planted in the claimed value (see
        `plant`); 0.0 stands for the claim itself. For a statistical check all runs should use the same seed.
    errors
        Relative errors to plant.
    """
    unplanted = check(0.0)
    planted = tuple((error, check(error)) for error in sorted(errors, reverse=True))
    smallest = None
    if unplanted is not Outcome.REFUTES:
        for error, outcome in planted:
            if outcome is not Outcome.REFUTES:
                break
            smallest = error
    return Sensitivity(unplanted, planted, smallest)


def plant(
    claimed: ArrayLike, error: float, scale: ArrayLike | None = None, entry: tuple[int, ...] | None = None
) -> FloatArray:
    """Return a copy of a claimed value with an error planted in one entry.

    Parameters
    ----------
    claimed
        Scalar or array.
    error
        Relative error.
    scale
        What it is relative to, broadcastable to `claimed`; default the entry's own absolute value.
    entry
        Index of the entry; default the entry of the largest scale.

    Raises
    ------
    ValueError
        If the scale of the entry is zero: nothing would be planted.
    """
    wrong = np.array(claimed, dtype=np.float64)
    sizes = np.abs(wrong) if scale is None else np.broadcast_to(np.asarray(scale, dtype=np.float64), wrong.shape)
    where = np.unravel_index(int(np.argmax(sizes)), wrong.shape) if entry is None else entry
    if not sizes[where] > 0.0:
        raise ValueError("an error relative to zero plants nothing: declare a scale")
    wrong[where] += error * sizes[where]
    return wrong
