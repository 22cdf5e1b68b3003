"""The optional compiled backend: machine code for the fused loops, by Numba, kept on disk.

``compile(…, backend="numba")`` and ``Trainer(…, backend="numba")`` replace the NumPy lines of a fused group by one
call of a loop; the graph and the rest of the program stay as they are. ``pip install 'derivcheck[compiled]'`` brings
Numba.

Kernels are kept as files named by their content below ``$DERIVCHECK_CACHE`` (or the user's cache folder), with Numba's
own cache of machine code beside them: a second run compiles nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from derivcheck.models.errors import CompileError

__all__ = ["available", "kernel_function"]

_HEADER = """# Written by derivcheck.models; safe to delete.
from math import sqrt

from numba import njit
from numpy import float32, float64


@njit(cache=True, error_model="numpy", nogil=True)
"""


def available() -> bool:
    """Whether Numba is installed."""
    return importlib.util.find_spec("numba") is not None


def _folder() -> Path:
    own = os.environ.get("DERIVCHECK_CACHE")
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derivcheck"
    return base / "kernels"


def kernel_function(text: str) -> Callable[..., Any]:
    """The compiled function of a kernel's text.

    Raises
    ------
    CompileError
        If Numba is not installed.
    """
    if not available():
        raise CompileError("the compiled backend needs Numba: pip install 'derivcheck[compiled]'")
    return _loaded(_HEADER + text, _folder())


@lru_cache(maxsize=1024)
def _loaded(source: str, folder: Path) -> Callable[..., Any]:
    name = "derivcheck_kernel_" + hashlib.sha256(source.encode()).hexdigest()[:24]
    path = folder / f"{name}.py"
    if not path.exists() or path.read_text() != source:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
        with os.fdopen(handle, "w") as file:
            file.write(source)
        os.replace(temporary, path)
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # Numba's cached code names its module, and looks it up here
    specification.loader.exec_module(module)
    function: Callable[..., Any] = module.kernel
    return function
