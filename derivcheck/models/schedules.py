"""Step sizes as functions of the step number ``t = 1, 2, …`` (a tensor)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from derivcheck.models.functional import cos, exp, log, minimum
from derivcheck.models.tensor import Tensor

__all__ = ["Schedule", "as_schedule", "cosine", "exponential_decay", "robbins_monro", "warm_up"]

Schedule = Callable[[Tensor], Any]


def as_schedule(rate: float | Schedule) -> Schedule:
    """A number becomes a constant step size."""
    return rate if callable(rate) else lambda t: rate


def robbins_monro(initial: float, halving: float, exponent: float = 1.0) -> Schedule:
    """``initial · (1 + t/halving)^(−exponent)``; for exponents in (1/2, 1] SGD converges almost surely."""
    return lambda t: initial * exp(log(1.0 + t / halving) * -exponent)


def exponential_decay(initial: float, factor: float) -> Schedule:
    """``initial · factorᵗ``."""
    return lambda t: initial * exp(t * math.log(factor))


def cosine(initial: float, steps: int) -> Schedule:
    """From ``initial`` down to 0 along half a cosine."""
    return lambda t: 0.5 * initial * (1.0 + cos(minimum(t, float(steps)) * (math.pi / steps)))


def warm_up(rate: float, steps: int) -> Schedule:
    """Linear from 0 to ``rate`` in so many steps, then constant."""
    return lambda t: rate * minimum(t / float(steps), 1.0)
