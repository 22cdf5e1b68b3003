"""The rows of the model layer's benchmark, and their table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.models.timing import interleaved
from benchmarks.models.training_step import WORKLOADS, contenders

__all__ = ["rows", "table"]


def rows(
    threads: int, dtypes: Sequence[str], seconds: float, only: str = "", peers: bool = True
) -> Iterator[dict[str, Any]]:
    """Time every workload; one dictionary a row, times in seconds."""
    for dtype in dtypes:
        for workload in WORKLOADS:
            if only not in workload.name:
                continue
            yield _row(workload.name, dtype, threads, interleaved(contenders(workload, dtype, threads, peers), seconds))


def _row(name: str, dtype: str, threads: int, times: dict[str, float]) -> dict[str, Any]:
    return {
        "workload": name,
        "dtype": dtype,
        "threads": threads,
        "ours": times["ours"],
        "backend": "numpy",
        "peers": {k: v for k, v in times.items() if k != "ours"},
        "unit": "s",
    }


def table(found: Sequence[dict[str, Any]]) -> str:
    """A line a row: our time, and the ratio to every peer (below 1 we are faster)."""
    lines = []
    for row in found:
        ratios = ", ".join(f"{row['ours'] / v:.2f} of {k}" for k, v in row["peers"].items())
        ahead = [k for k, v in row["peers"].items() if v < row["ours"]]
        note = f"  ({' and '.join(ahead)} ahead)" if ahead else ""
        lines.append(
            f"{row['workload']:62s} {row['dtype']} {row['threads']} thread(s) {row['backend']}: "
            f"{row['ours'] * 1e3:8.3f} ms; {ratios}{note}"
        )
    return "\n".join(lines)
