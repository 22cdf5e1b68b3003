"""What is shown while work goes on: a live display on a terminal, plain lines in a pipe, both on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from derivcheck.engine.run import Listener, Progress


@contextlib.contextmanager
def progress(quiet: bool = False) -> Iterator[Listener | None]:
    """A listener for a run; None where nothing is to be shown."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _live() as listener:
            yield listener
    else:
        yield _line


def _line(p: Progress) -> None:
    if not p.cached:
        name = f"{p.problem}/{p.claim}" if p.claim else p.problem
        print(f"[{p.done}/{p.total}] {name}: {p.verdict} ({p.seconds:.1f} s)", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _live() -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def listen(p: Progress) -> None:
            bar.update(task, completed=p.done, total=p.total, description=f"{p.problem} {p.claim}".strip())

        yield listen
