"""How far a run is."""

from __future__ import annotations

import sys

__all__ = ["print_progress"]


def print_progress(step: int, steps: int, loss: float) -> None:
    """One line on standard error that is rewritten on a terminal, a line for every tenth elsewhere."""
    text = f"step {step} of {steps}, loss {loss:.6g}"
    if sys.stderr.isatty():
        end = "\n" if step == steps else ""
        sys.stderr.write(f"\r{text}\x1b[K{end}")
    elif step == steps or step * 10 // steps != (step - max(1, steps // 100)) * 10 // steps:
        sys.stderr.write(text + "\n")
    sys.stderr.flush()
