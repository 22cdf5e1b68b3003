"""The table of the model layer's benchmark. Imports nothing that must see the number of threads first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["behind", "line"]

Row = dict[str, Any]


def line(row: Row) -> str:
    """Our time, and the ratio to every peer (below 1 we are faster)."""
    ratios = ", ".join(f"{row['ours'] / v:.2f} of {k}" for k, v in row["peers"].items())
    ahead = _ahead(row)
    note = f"  ({' and '.join(ahead)} ahead)" if ahead else ""
    threads = "1 thread " if row["threads"] == 1 else f"{row['threads']} threads"
    head = f"{row['workload']:62s} {row['dtype']} {threads} {row['backend']}"
    return f"{head}: {row['ours'] * 1e3:9.3f} ms; {ratios}{note}"


def behind(rows: Sequence[Row]) -> str:
    """Plainly: where a peer is ahead of the best of our backends."""
    best: dict[tuple[str, str, int], Row] = {}
    for row in rows:
        key = row["workload"], row["dtype"], row["threads"]
        if key not in best or row["ours"] < best[key]["ours"]:
            best[key] = row
    lost = [line(row) for row in best.values() if _ahead(row)]
    if not lost:
        return "No peer is ahead of the better of our backends in any row."
    return "A peer is ahead even of the better of our backends in:\n" + "\n".join(lost)


def _ahead(row: Row) -> list[str]:
    return [name for name, seconds in row["peers"].items() if seconds < row["ours"]]
