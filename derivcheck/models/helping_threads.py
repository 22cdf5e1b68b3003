"""Threads that run a part of a program while it runs another.

NumPy and compiled loops let go of the interpreter while they compute, so Python's own threads share the processors.
They sleep when they have nothing to do. OpenBLAS's threads go on spinning after every product, and take the processor
from whatever runs next: a program that is worth more than one thread is divided by the compiler (see
:mod:`~derivcheck.models.passes.abreast`), and each of its products runs in one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType

import numpy as np

from derivcheck.models import blas_threads

__all__ = ["abreast"]


class abreast:  # a statement of the emitted programs, hence its small letter
    """Run functions while the body of a ``with`` statement runs: all of them have ended when the statement has.

    On a thread each as far as BLAS's number of threads goes; with one thread, before the body.

    Parameters
    ----------
    *chains : callable
        Functions of no arguments that write nothing that another one, or the body, reads or writes.
    """

    __slots__ = ("_chains", "_waiting")

    def __init__(self, *chains: Callable[[], object]) -> None:
        self._chains = chains
        self._waiting: list[Future[object]] = []

    def __enter__(self) -> None:
        threads = blas_threads.allowed()
        if threads > 1:
            self._waiting = [_submitted(chain, _helpers(threads - 1)) for chain in self._chains]
        else:
            for chain in self._chains:
                chain()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Even if the body failed: nobody may go on while another thread still writes.
        failed = [e for future in self._waiting if (e := future.exception()) is not None]
        if failed and error is None:
            raise failed[0]


def _submitted(chain: Callable[[], object], helpers: ThreadPoolExecutor) -> Future[object]:
    """What becomes of a chain that a helping thread runs."""
    future: Future[object] = Future()
    begun = threading.Lock()

    def run() -> None:
        if begun.acquire(blocking=False):
            try:
                future.set_result(chain())
            except BaseException as error:
                future.set_exception(error)

    try:
        helpers.submit(run)
    except RuntimeError:  # no more threads, for instance because the interpreter is about to end
        run()  # unless one has taken it all the same
    return future


@lru_cache(maxsize=8)
def _helpers(count: int) -> ThreadPoolExecutor:
    # NumPy keeps its warnings for each thread: as in the program's own, what overflows shows in the results.
    return ThreadPoolExecutor(count, "derivcheck-models", initializer=_quiet)


def _quiet() -> None:
    np.seterr(all="ignore")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_helpers.cache_clear)
