"""Threads that run a part of a program while it runs another.

NumPy and compiled loops let go of the interpreter while they compute, so Python's own threads share the processors.
They sleep when they have nothing to do. OpenBLAS's threads go on spinning after every product, and take the processor
from whatever runs next: a program that is worth more than one thread is divided by the compiler (see
:mod:`~derivcheck.models.passes.abreast`), and each of its products runs in one.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

import numpy as np

from derivcheck.models import blas_threads

__all__ = ["abreast"]


class abreast:  # a statement of the emitted programs, hence its small letter
    """Run functions while the body of a ``with`` statement runs: all of them have ended when the statement has.

    On a thread each as far as BLAS's number of threads goes, and as far as no other program has taken them; the others
    before the body.

    Parameters
    ----------
    *chains : callable
        Functions of no arguments that write nothing that another one, or the body, reads or writes.
    """

    __slots__ = ("_chains", "_tasks")

    def __init__(self, *chains: Callable[[], object]) -> None:
        self._chains = chains
        self._tasks: list[_Task] = []

    def __enter__(self) -> None:
        threads = blas_threads.allowed()
        mine = []
        for chain in self._chains:
            task = _handed_over(chain) if threads > 1 else None
            if task is None:
                mine.append(chain)
            else:
                self._tasks.append(task)
        try:
            for chain in mine:
                chain()
        except BaseException:
            self._wait()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait()  # even if the body failed: nobody may go on while another thread still writes
        failed = [task.error for task in self._tasks if task.error is not None]
        if failed and error is None:
            raise failed[0]

    def _wait(self) -> None:
        for task in self._tasks:
            task.ended.acquire()


class _Task:
    """A function to run, the lock that opens when it has ended, and the exception that ended it, if any."""

    __slots__ = ("chain", "ended", "error")

    def __init__(self, chain: Callable[[], object]) -> None:
        self.chain = chain
        self.ended = threading.Lock()
        self.ended.acquire()
        self.error: BaseException | None = None


class _Helper(threading.Thread):
    """A thread that sleeps until it is given a task.

    Two locks wake it and its caller: the standard library's pool takes more than twice as long for a task, which is as
    much as many a chain saves. As a daemon it does not keep the process from ending.
    """

    def __init__(self) -> None:
        super().__init__(name="derivcheck-models", daemon=True)
        self._given = threading.Lock()
        self._given.acquire()
        self._task: _Task | None = None

    def give(self, task: _Task) -> None:
        self._task = task
        self._given.release()

    def run(self) -> None:
        # NumPy keeps its warnings for each thread: as in the program's own, what overflows shows in the results.
        np.seterr(all="ignore")
        while True:
            self._given.acquire()
            task, self._task = self._task, None
            assert task is not None
            try:
                task.chain()
            except BaseException as error:
                task.error = error
            _idle.append(self)  # before anyone is told of the end: the statement that comes next finds it
            task.ended.release()
            del task  # and with it the arrays that the chain holds


#: Helping threads without a task, and all there are.
_idle: deque[_Helper] = deque()
_all: list[_Helper] = []


def _handed_over(chain: Callable[[], object]) -> _Task | None:
    """The task of a helping thread; ``None`` if there is no thread to be had."""
    try:
        helper = _idle.pop()
    except IndexError:
        if len(_all) >= blas_threads.allowed() - 1:
            return None
        helper = _Helper()
        try:
            helper.start()
        except RuntimeError:  # no more threads, for instance because the interpreter is about to end
            return None
        _all.append(helper)
    task = _Task(chain)
    helper.give(task)
    return task


def _forget() -> None:
    _idle.clear()
    _all.clear()


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_forget)
