"""One BLAS thread for programs whose products are small.

OpenBLAS divides a product among threads from a quarter of a million multiplications on; waking them costs more than
they save until it has tens of millions, and far more on a machine that has other work. The number of threads belongs
to the process, so it is set for the time of a call only. Libraries are found among those that the process has loaded
(on Linux; elsewhere nothing is changed).
"""

from __future__ import annotations

import ctypes
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from derivcheck.models.tensor import Tensor

__all__ = ["SMALL", "one_thread_if_small", "threads"]

#: Multiplications of one product: up to the first OpenBLAS uses one thread anyway, from the second on two are faster.
SMALL = 1 << 16, 1 << 26

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


def one_thread_if_small(run: Callable[..., Any], nodes: Sequence[Tensor]) -> Callable[..., Any]:
    """The program, in one BLAS thread if its largest product is neither tiny nor large."""
    sizes = [t.shape[-2] * t.shape[-1] * t.inputs[0].shape[-1] for t in nodes if t.primitive == "matmul"]
    libraries = _loaded() if sizes and SMALL[0] < max(sizes) <= SMALL[1] else []
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


@lru_cache(maxsize=8)
def _library(path: str) -> _Library | None:
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
