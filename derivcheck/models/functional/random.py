"""Random numbers from a stream that is an argument of the compiled function."""

from __future__ import annotations

import itertools
from typing import Any

from derivcheck.models.tensor import Shape, Tensor, make

__all__ = [
    "normal",
    "uniform",
]


def normal(generator: Any, shape: Shape) -> Tensor:
    """Independent standard normal variates from a stream (a ``numpy.random.Generator`` argument)."""
    return make("random", generator, shape=tuple(shape), law="normal", draw=_draws(generator))


def uniform(generator: Any, shape: Shape) -> Tensor:
    """Independent variates uniform on [0, 1)."""
    return make("random", generator, shape=tuple(shape), law="uniform", draw=_draws(generator))


_draw_numbers = itertools.count()


def _draws(generator: Any) -> int:
    # Two draws of one shape are different numbers: each carries its own number, so that they never merge.
    if not isinstance(generator, Tensor) or generator.kind != "generator":
        raise TypeError("random numbers need a numpy.random.Generator passed as an argument of the compiled function")
    return next(_draw_numbers)
