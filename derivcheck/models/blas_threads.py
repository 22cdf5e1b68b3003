"""One BLAS thread for programs whose products are small.

OpenBLAS divides a product among threads from a quarter of a million multiplications on, a matrix times a vector (and
so the sums that NumPy programs compute as products with ones) from some ten thousand on; waking them costs more than
they save until there are tens of millions, and far more on a machine that has other work. The number of threads belongs
to the process, so it is set for the time of a call only. Libraries are found among those that the process has loaded
(on Linux; elsewhere nothing is changed).
"""

from __future__ import annotations

import ctypes
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from derivcheck.models.tensor import Tensor

__all__ = ["ALONE", "SMALL", "allowed", "one_thread_if_small", "spare", "threads"]

#: Multiplications of real numbers (four make a complex one) up to which OpenBLAS uses one thread anyway, in a product
#: of matrices and in one of a matrix and a vector.
ALONE = {"matrices": 1 << 16, "vector": 1 << 13}

#: Multiplications in one product from which on two threads are faster.
SMALL = 1 << 26

_lock = threading.Lock()


@dataclass
class _Library:
    """A loaded BLAS: how to ask for its number of threads, how to set it, and who wants it to be one."""

    get: Callable[[], int]
    put: Callable[[int], Any]
    users: int = 0
    before: int = 1

    def begin(self) -> None:
        with _lock:
            if not self.users:
                self.before = self.get()
                if self.before != 1:
                    self.put(1)
            self.users += 1

    def end(self) -> None:
        with _lock:
            self.users -= 1
            if not self.users and self.before != 1:
                self.put(self.before)


def one_thread_if_small(
    run: Callable[..., Any], nodes: Sequence[Tensor], dtype: Any = np.float64
) -> Callable[..., Any]:
    """The program, in one BLAS thread if products of its nodes might be divided, but none is large.

    ``dtype`` is the NumPy type of the float kind.
    """
    real = 4 if np.issubdtype(np.dtype(dtype), np.complexfloating) else 1
    work = [(kind, real * count) for t in nodes for kind, count in _product(t)]
    divided = any(count > ALONE[kind] for kind, count in work)
    libraries = _loaded() if divided and max(count for _, count in work) <= SMALL else []
    if not libraries:
        return run

    @wraps(run)
    def alone(*arguments: Any) -> Any:
        for library in libraries:
            library.begin()
        try:
            return run(*arguments)
        finally:
            for library in libraries:
                library.end()

    return alone


def allowed() -> int:
    """The number of threads that BLAS would use if no program kept it to one; 1 without a BLAS that can be asked."""
    known = [library for library in list(_found.values()) if library is not None]  # another thread may find one
    return max((library.before if library.users else library.get() for library in known), default=1)


def spare(nodes: Sequence[Tensor], dtype: Any = np.float64) -> int:
    """The number of threads that a program of these nodes may use: 1 if BLAS is to divide its products itself."""
    real = 4 if np.issubdtype(np.dtype(dtype), np.complexfloating) else 1
    if any(real * count > SMALL for t in nodes for _, count in _product(t)):
        return 1
    _loaded()
    return allowed()  # and not what a program that runs meanwhile has left of it


def _product(t: Tensor) -> list[tuple[str, int]]:
    """The kind of product, if any, that a node is for BLAS, and its multiplications; of a batch, those of each."""
    if t.primitive == "matmul":
        rows, columns = t.shape[-2:]
        return [("vector" if min(rows, columns) == 1 else "matrices", rows * columns * t.inputs[0].shape[-1])]
    return [("vector", t.inputs[0].size)] if t.primitive == "sum" else []


def threads() -> list[int]:
    """The number of threads of every BLAS that was found."""
    return [library.get() for library in _loaded()]


_MAPS = Path("/proc/self/maps")


def _loaded() -> list[_Library]:
    """The OpenBLAS libraries in this process."""
    try:
        lines = _MAPS.read_text().splitlines()
    except OSError:
        return []
    found = dict.fromkeys(line.split(maxsplit=5)[-1] for line in lines if "openblas" in line)
    return [library for path in found if path.startswith("/") and (library := _library(path)) is not None]


#: What has been asked for so far, by path.
_found: dict[str, _Library | None] = {}


def _library(path: str) -> _Library | None:
    if path not in _found:
        _found[path] = _opened(path)
    return _found[path]


def _opened(path: str) -> _Library | None:
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return None
    for before, after in itertools.product(("", "scipy_"), ("", "64_", "_64")):
        get = getattr(library, f"{before}openblas_get_num_threads{after}", None)
        put = getattr(library, f"{before}openblas_set_num_threads{after}", None)
        if get is not None and put is not None:
            get.restype, put.argtypes, put.restype = ctypes.c_int, [ctypes.c_int], None
            return _Library(get, put)
    return None
