"""The optional compiled backend: machine code by Numba, kept on disk.

``compile(…, backend="numba")`` and ``Trainer(…, backend="numba")`` turn the planned program, or each run of groups
that has no primitive for which loops are missing, into one function of loops and BLAS calls; the graph and the plan
stay as they are. ``pip install 'derivcheck[compiled]'`` brings Numba.

The text of such a function is kept as a file named by its content below ``$DERIVCHECK_CACHE`` (or the user's cache
folder), with Numba's own cache of machine code beside it: a second run compiles nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from derivcheck.models.errors import CompileError
from derivcheck.models.tensor import Array

__all__ = ["Machine", "available", "machine_for"]

_HEADER = '''"""Written by derivcheck.models; safe to delete."""

from math import exp as exp64, inf, log as log64, nan, sqrt as sqrt64

from numpy import empty
from numpy import intp as at
from numpy import {real} as real

from derivcheck.models.machine_library import (
    address, cos, divide64, entries, erf, exp_{real} as exp, expm1, log_{real} as log, log1p, machine, product, program,
    sin, sqrt, tanh_{real} as tanh,
)

zero, one = real(0.0), real(1.0)
# The library that this calls: {library}


'''


def available() -> bool:
    """Whether Numba is installed."""
    return importlib.util.find_spec("numba") is not None


def _require() -> None:
    if not available():
        raise CompileError("the compiled backend needs Numba: pip install 'derivcheck[compiled]'")


@dataclass(frozen=True)
class Machine:
    """What an emitted program needs of the compiled backend, for one float type.

    Attributes
    ----------
    load : callable
        The compiled function ``part`` of a text.
    blas : int
        Address of the general matrix product of SciPy's BLAS.
    fill_normal : callable
        ``fill_normal(generator, out)`` for a contiguous float32 or float64 array.
    """

    load: Callable[[str], Callable[..., int]]
    blas: int
    fill_normal: Callable[[np.random.Generator, Array], None]


def machine_for(dtype: Any) -> Machine:
    """The compiled backend for a float type.

    Raises
    ------
    CompileError
        If Numba is not installed.
    """
    _require()
    from numba.extending import get_cython_function_address

    from derivcheck.models.machine_random import fill_normal

    real = np.dtype(dtype).name
    routine = {"float32": "sgemm", "float64": "dgemm"}[real]
    header = _HEADER.format(real=real, library=_library_digest())
    return Machine(
        lambda text: _loaded(header + text, _folder()),
        int(get_cython_function_address("scipy.linalg.cython_blas", routine)),
        fill_normal,
    )


def _folder() -> Path:
    own = os.environ.get("DERIVCHECK_CACHE")
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derivcheck"
    return base / "kernels"


@lru_cache(maxsize=1)
def _library_digest() -> str:
    # Numba's cache looks at the file of the function only; what that calls must be part of the file's name.
    return hashlib.sha256(Path(__file__).with_name("machine_library.py").read_bytes()).hexdigest()[:24]


@lru_cache(maxsize=1024)
def _loaded(source: str, folder: Path) -> Callable[..., int]:
    name = "derivcheck_part_" + hashlib.sha256(source.encode()).hexdigest()[:24]
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
    function: Callable[..., int] = module.part
    return function
