"""Running a problem file to get its `Problem`."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from derivcheck.diagnostics import Diagnostic, DiagnosticError
from derivcheck.engine.places import place_of
from derivcheck.problem import Problem


def load(path: Path) -> Problem:
    """The `Problem` of the file at `path`; modules beside the file can be imported by it.

    Raises
    ------
    DiagnosticError
        DC105 if the file raises, DC102 if it leaves no `Problem` behind.
    """
    name = f"derivcheck_problem_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DiagnosticError(Diagnostic("DC101", "not a Python file", str(path)))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.parent)
    sys.path.insert(0, folder)
    # Byte code is found again by a time in whole seconds and a size: a module beside the file, edited within a second
    # and to the same length, would be read as it was before.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        place = place_of(error, path)
        message = f"{type(error).__name__}: {error}"
        raise DiagnosticError(Diagnostic("DC105", message, str(place.file), place.line)) from error
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(folder)
    problem = getattr(module, "problem", None)
    if not isinstance(problem, Problem):
        raise DiagnosticError(Diagnostic("DC102", "'problem' is not a Problem", str(path)))
    return problem
