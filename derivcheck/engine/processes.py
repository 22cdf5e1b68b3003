"""Processes that can be killed: one a claim, forked from a server that has imported the libraries once.

`pool` yields a pebble pool; what is scheduled in it has a deadline after which its process is ended.  A forked server
(not a fork of the caller) keeps the caller's threads out of the children; the caller's ``__main__`` is never imported
by them, so that a script needs no ``if __name__ == "__main__"`` guard to call `derivcheck.verify`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import types
from collections.abc import Iterator
from multiprocessing import context, process
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pebble import ProcessPool

#: What the processes find in their environment.  One thread of linear algebra each: the claims share the cores, and
#: results do not depend on how many there are.  One hash seed: some of SymPy's answers depend on it.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Hide the caller's main module while the description of a child is written."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


if sys.platform == "win32":
    from multiprocessing.popen_spawn_win32 import Popen as _BasePopen

    _BaseContext: Any = context.SpawnContext
else:
    from multiprocessing.popen_forkserver import Popen as _BasePopen

    _BaseContext = context.ForkServerContext


def _popen(process_object: process.BaseProcess) -> Any:
    with _without_main():
        return _BasePopen(process_object)


class _Process(process.BaseProcess):
    """A child that does not import the caller's main module."""

    _start_method = "spawn" if sys.platform == "win32" else "forkserver"
    _Popen = staticmethod(_popen)


class _Context(_BaseContext):
    Process = _Process  # type: ignore[assignment]


@contextlib.contextmanager
def _environment(extra: dict[str, str]) -> Iterator[None]:
    saved = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def default_jobs() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def pool(jobs: int, deadline: float) -> Iterator[ProcessPool]:
    """A pool in which every task gets a fresh process; on the way out, whatever still runs is ended."""
    from pebble import ProcessPool

    from derivcheck.engine.worker import prepare

    ctx = _Context()
    with _environment(_ENVIRONMENT):
        if sys.platform != "win32":
            from multiprocessing import forkserver

            multiprocessing.get_context("forkserver").set_forkserver_preload(["derivcheck.engine.preload"])
            forkserver.ensure_running()
        made = ProcessPool(max_workers=jobs, max_tasks=1, initializer=prepare, initargs=(deadline,), context=ctx)
        try:
            yield made
            made.close()  # type: ignore[no-untyped-call]
        except BaseException:
            made.stop()  # type: ignore[no-untyped-call]
            raise
        finally:
            made.join()
