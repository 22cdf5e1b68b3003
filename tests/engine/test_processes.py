"""The server of claim processes: what a process says that fails before its claim begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def said_by_a_process_given(reduced: str) -> str:
    """What stands on standard error when a process of the server cannot read what it is given.

    `reduced` is the call, as pickle makes it, that fails in the process.
    """
    script = f"""
import multiprocessing
from derivcheck.engine.processes import pool


class Given:
    def __reduce__(self):
        return {reduced}


with pool(1, 60.0):
    process = multiprocessing.get_context("forkserver").Process(target=print, args=(Given(),))
    process.start()
    process.join()
    assert process.exitcode
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stderr


def test_a_process_begun_while_its_run_ends_is_quiet(tmp_path: Path) -> None:
    """It finds the run's locks gone, which are files to it."""
    assert said_by_a_process_given(f"open, ({str(tmp_path / 'gone')!r},)") == ""


def test_a_process_that_fails_in_another_way_says_so() -> None:
    assert "ValueError: invalid literal" in said_by_a_process_given("int, ('no number',)")
