"""Medians of interleaved repeats: every contender runs once a round, so that noise falls on all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

__all__ = ["interleaved"]


def interleaved(contenders: Mapping[str, Callable[[], object]], seconds: float, warm_up: int = 3) -> dict[str, float]:
    """Median time of a call of each, in seconds.

    Parameters
    ----------
    contenders : mapping of callables
    seconds : float
        Time to spend in all.
    warm_up : int
        Calls of each beforehand (compilation, caches, allocators).
    """
    for call in contenders.values():
        for _ in range(warm_up):
            call()
    repeats = {}
    for name, call in contenders.items():
        start = time.perf_counter()
        call()
        # Each sample lasts at least a few milliseconds, far above the timer's resolution.
        repeats[name] = max(1, int(3e-3 / max(time.perf_counter() - start, 1e-9)))
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(next(iter(samples.values()))) < 5:
        for name, call in contenders.items():
            count = repeats[name]
            start = time.perf_counter()
            for _ in range(count):
                call()
            samples[name].append((time.perf_counter() - start) / count)
    return {name: statistics.median(times) for name, times in samples.items()}
