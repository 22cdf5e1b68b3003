"""The rows of the model layer's benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from benchmarks.models.gradient_checks import CHECKS, gradient_check
from benchmarks.models.replicas import initialisations, training
from benchmarks.models.timing import interleaved
from benchmarks.models.training_step import WORKLOADS, contenders

__all__ = ["rows"]

#: Contenders that are ours.
BACKENDS = ("numpy", "numba")

Make = Callable[[], dict[str, Callable[[], object]]]


def rows(
    threads: int, dtypes: Sequence[str], seconds: float, only: str = "", peers: bool = True
) -> Iterator[dict[str, Any]]:
    """Time every workload; one dictionary a row, times in seconds."""
    for name, dtype, make in _workloads(threads, dtypes, peers):
        if only in name:
            times = interleaved(make(), seconds)
            for backend in (k for k in times if k in BACKENDS):
                yield _row(name, dtype, threads, backend, times)


def _workloads(threads: int, dtypes: Sequence[str], peers: bool) -> Iterator[tuple[str, str, Make]]:
    for dtype in dtypes:
        for workload in WORKLOADS:
            yield workload.name, dtype, partial(contenders, workload, dtype, threads, peers)
        yield "10,000 initialisations, 5 layers of width 64", dtype, partial(initialisations, dtype, peers)
        yield "1,000 tiny MLPs, one training step", dtype, partial(training, dtype, peers)
    if "float64" in dtypes:  # gradcheck wants double precision
        for name in CHECKS:
            yield f"gradient check: {name}", "float64", partial(gradient_check, name, peers)


def _row(name: str, dtype: str, threads: int, backend: str, times: dict[str, float]) -> dict[str, Any]:
    return {
        "workload": name,
        "dtype": dtype,
        "threads": threads,
        "ours": times[backend],
        "backend": backend,
        "peers": {k: v for k, v in times.items() if k not in BACKENDS},
        "unit": "s",
    }
