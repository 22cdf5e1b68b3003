"""The command line: commands and nothing else.

Exit status: 0 all as expected, 1 something refuted or undecided that should not be, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line (the entry point ``derivcheck``)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # Statements hold Greek letters and mathematical signs; a terminal without them shows question marks.
            stream.reconfigure(errors="replace")
    from derivcheck.cli.app import app

    app(prog_name="derivcheck")
