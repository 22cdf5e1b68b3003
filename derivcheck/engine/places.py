"""Where in an author's files something is written, or went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file; 0 where the line is not known."""

    file: Path
    line: int


def place_of(error: BaseException, problem_file: Path) -> Place:
    """Where `error` arose: the innermost frame in `problem_file` or in a module beside it."""
    folder = problem_file.parent
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).parent == folder:
        return Place(Path(error.filename), error.lineno or 0)
    place, trace = Place(problem_file, 0), error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.parent == folder:
            place = Place(file, trace.tb_lineno)
        trace = trace.tb_next
    return place
