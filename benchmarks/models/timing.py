"""Medians of interleaved repeats: every contender runs once a round, so that noise falls on all alike.

Each begins undisturbed: the threads of the one before it go on spinning for milliseconds when they have nothing left to
do, and would take a processor from it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

__all__ = ["interleaved"]

#: Seconds of rest before every sample: PyTorch's threads were seen to spin for up to 11 ms after a call.
REST = 0.02


def interleaved(contenders: Mapping[str, Callable[[], object]], seconds: float, warm_up: int = 4) -> dict[str, float]:
    """Median time of a call of each, in seconds.

    Parameters
    ----------
    contenders : mapping of callables
    seconds : float
        Time to spend in all.
    warm_up : int
        Calls of each beforehand (compilation, caches, allocators).
    """
    repeats = {}
    for name, call in contenders.items():
        # Each sample lasts a few milliseconds, far above the timer's resolution. The fastest call says how many make
        # one: the first ones find everything cold.
        fastest = min(_duration(call, 1) for _ in range(warm_up))
        repeats[name] = max(1, int(3e-3 / max(fastest, 1e-9)))
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(next(iter(samples.values()))) < 5:
        for name, call in contenders.items():
            time.sleep(REST)
            call()  # the caches, too, are to be its own
            samples[name].append(_duration(call, repeats[name]) / repeats[name])
    return {name: statistics.median(times) for name, times in samples.items()}


def _duration(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - start
