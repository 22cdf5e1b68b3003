"""What a numeric check reports: one small frozen record for every kind of check."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Outcome(StrEnum):
    """What a check says of a claim.

    ``SUPPORTS`` is weaker than ``CONFIRMS``: the check has no detection limit that it could state (a limit
    observed on finitely many points). ``ABSTAINS`` is never a pass.
    """

    CONFIRMS = "confirms"
    SUPPORTS = "supports"
    REFUTES = "refutes"
    ABSTAINS = "abstains"


@dataclass(frozen=True, eq=False)
class ExperimentResult:
    """The outcome of a numeric check together with how sure it can be.

    Attributes
    ----------
    outcome, reason
        The answer and one sentence that a reader can act on.
    n
        Counted effort: independent draws of a Monte Carlo test, rows handed to the callable otherwise.
    statistic, critical
        The deviation that decided, and the value it is compared with, in the same units: standard errors for
        a statistical test, error budgets for a deterministic one. ``|statistic| > critical`` refutes. For
        several quantities tested at once these belong to the one that deviates most.
    justification
        What the critical value rests on.
    false_alarm
        Upper bound on the probability of refuting a true claim; None for a deterministic check.
    detectable
        The smallest error, relative to `scale`, that the check would have refuted (with 99.9 % probability if
        it is statistical); infinite when nothing can be said, None where the notion does not apply.
    scale, scale_name
        The declared size that `detectable` is relative to, and what it is. For several quantities, the scale
        of the one with the largest `detectable`.
    expected, estimate, standard_error
        The claimed and the measured values, with the uncertainty of the latter (standard error, or error
        budget).
    """

    outcome: Outcome
    reason: str
    n: int
    statistic: float | None
    critical: float | None
    justification: str
    false_alarm: float | None
    detectable: float | None
    scale: float | None
    scale_name: str
    expected: FloatArray
    estimate: FloatArray
    standard_error: FloatArray

    def to_json(self) -> dict[str, Any]:
        """Return the fields of the JSON report; numbers that JSON cannot hold (infinite, NaN) become null."""

        def number(value: float | None) -> float | None:
            return None if value is None or not math.isfinite(value) else float(value)

        return {
            "outcome": str(self.outcome),
            "reason": self.reason,
            "n": int(self.n),
            "statistic": number(self.statistic),
            "critical": number(self.critical),
            "justification": self.justification,
            "false_alarm": number(self.false_alarm),
            "detectable": number(self.detectable),
            "scale": number(self.scale),
        }
