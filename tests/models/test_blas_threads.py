"""Programs of small products run in one BLAS thread, and leave the number of threads as they found it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import derivcheck.models as m
from derivcheck.models import blas_threads
from derivcheck.models import functional as F
from derivcheck.models.blas_threads import threads

PROGRAM = """
import numpy as np, derivcheck.models as m
from derivcheck.models import blas_threads
seen = []
f = m.compile(lambda x: x @ x)
x = np.ones({shape})
f(x)

names = dict(f.program.emitted.names)
class Spy:
    def __getattr__(self, name):
        seen.append(blas_threads.threads())
        return getattr(np, name)
names["np"] = Spy()
exec(f.program.emitted.source, names)
blas_threads.one_thread_if_small(names["run"], f.graph.nodes)(x)
print(max(max(s) for s in seen), max(blas_threads.threads()))
"""


@pytest.mark.parametrize(("shape", "inside"), [((100, 100), 1), ((8, 8), 2)])
def test_threads_during_and_after_a_program(shape: tuple[int, int], inside: int) -> None:
    if not threads():
        pytest.skip("no OpenBLAS was found in this process")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", PROGRAM.format(shape=shape)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    within, after = map(int, done.stdout.split())
    if after < 2:
        pytest.skip("one processor only")
    assert (within, after) == (inside, 2)


@pytest.mark.parametrize(
    ("function", "shapes", "dtype", "alone"),
    [
        (lambda x: x @ x, [(30, 30)], np.float64, False),
        (lambda x: x @ x, [(30, 30)], np.complex128, True),  # OpenBLAS divides complex products sooner
        (lambda x: F.sum(F.exp(x), 1), [(80, 80)], np.float64, False),
        (lambda x: F.sum(F.exp(x), 1), [(100, 100)], np.float64, True),  # a product with ones
        (lambda x, y: x @ y, [(100, 100), (100, 1)], np.float64, True),
        (lambda x, y: F.sum(x @ y), [(512, 512), (512, 512)], np.float32, False),  # large: two threads are faster
    ],
)
def test_which_programs_run_in_one_thread(
    function: Any, shapes: list[tuple[int, int]], dtype: Any, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = blas_threads._Library(lambda: 2, lambda n: None)
    monkeypatch.setattr(blas_threads, "_loaded", lambda: [library])
    nodes = m.compile(function).specialise(*(np.ones(s) for s in shapes)).graph.nodes

    def run() -> int:
        return 1

    assert (blas_threads.one_thread_if_small(run, nodes, dtype) is not run) == alone


def test_a_failing_program_gives_the_threads_back(monkeypatch: pytest.MonkeyPatch) -> None:
    count = [3]
    library = blas_threads._Library(lambda: count[0], lambda n: count.__setitem__(0, n))
    monkeypatch.setattr(blas_threads, "_loaded", lambda: [library])
    nodes = m.compile(lambda x: x @ x).specialise(np.ones((100, 100))).graph.nodes

    def fails() -> None:
        assert count == [1]
        nested()
        assert count == [1]
        raise ZeroDivisionError

    nested = blas_threads.one_thread_if_small(lambda: None, nodes)
    with pytest.raises(ZeroDivisionError):
        blas_threads.one_thread_if_small(fails, nodes)()
    assert count == [3]


def test_without_a_list_of_libraries_nothing_is_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(blas_threads, "_MAPS", blas_threads.Path(str(tmp_path)) / "none")
    nodes = m.compile(lambda x: x @ x).specialise(np.ones((100, 100))).graph.nodes

    def run() -> int:
        return 1

    assert blas_threads.one_thread_if_small(run, nodes) is run
    assert threads() == []
