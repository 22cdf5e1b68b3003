"""The compiled backend computes what the NumPy lines compute, and compiles nothing twice."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plain_parts import plain_machine, plain_part
from random_graphs import random_graph
from test_passes import agree, with_gradient

import derivcheck.models as m
from derivcheck.models import compiled_backend
from derivcheck.models.compiled_backend import Machine
from derivcheck.models.compiler import compile_graph
from derivcheck.models.passes.loops import collapse

numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="the extra 'compiled' is not installed")


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Parts run as plain Python: their text is tested without compiling hundreds of them."""
    texts: list[str] = []

    def machine(dtype: Any) -> Machine:
        def load(text: str) -> Any:
            texts.append(text)
            return plain_part(text, dtype)

        return replace(plain_machine(dtype), load=load)

    monkeypatch.setattr("derivcheck.models.compiler.machine_for", machine)
    return texts


#: Found by a longer search: memory that a loop reads as a broadcast view and another line writes.
HARD = (1000591, 1000625, 1005663)


@pytest.mark.parametrize("seed", [*range(60), *HARD])
def test_parts_on_random_graphs(seed: int, interpreted: list[str]) -> None:
    length = int(np.random.default_rng(seed).integers(10, 45)) if seed in HARD else 18
    graph, arguments = random_graph(seed, length, outputs=4 if seed in HARD else 3)
    graph = with_gradient(graph)
    program = compile_graph(graph, [f"x{i}" for i in range(len(graph.inputs))], backend="numba")
    with np.errstate(all="ignore"):
        agree(graph.evaluate(arguments), list(program.run(*arguments)))
        others = [x - 0.5 for x in arguments]
        agree(graph.evaluate(others), list(program.run(*others)))
    assert seed or interpreted


def test_an_optimiser_step_is_one_loop(interpreted: list[str]) -> None:
    trainer = m.Trainer(
        lambda p, b, run: m.sum(m.square(p["w"])), {"w": np.ones(50)}, m.Adam(0.1), dtype=np.float32, backend="numba"
    )
    trainer.step(())
    plain = m.Trainer(lambda p, b, run: m.sum(m.square(p["w"])), {"w": np.ones(50)}, m.Adam(0.1), dtype=np.float32)
    plain.step(())
    source = trainer.compile(()).source
    assert "np.sqrt" not in source and "def part(" in source
    assert [text.count("sqrt(") for text in interpreted] == [1]
    for a, b in zip(trainer.result().slots.values(), plain.result().slots.values(), strict=True):
        np.testing.assert_allclose(a["w"], b["w"], rtol=1e-6)


def test_axes_are_merged_where_all_operands_allow_it() -> None:
    assert collapse((2, 3, 4), [(12, 4, 1), (12, 4, 1)]) == ((24,), [(1,), (1,)])
    assert collapse((2, 3, 4), [(12, 4, 1), (0, 0, 1)]) == ((6, 4), [(4, 1), (0, 1)])
    assert collapse((2, 1, 4), [(4, 4, 1), (1, 0, 2)]) == ((2, 4), [(4, 1), (1, 2)])


@numba
def test_machine_code_trains_the_same_network() -> None:
    net = m.Sequential(m.Linear(3, 8), m.ReLU(), m.BatchNorm(8), m.Linear(8, 2))
    rng = np.random.default_rng(0)
    batches = m.Batches((rng.standard_normal((40, 3)), rng.integers(0, 2, 40)), 10)
    runs = [
        m.train(
            lambda p, b, run: m.cross_entropy(net(p, b[0], run), b[1]),
            net.init(0),
            batches,
            optimiser=m.Adam(1e-2),
            steps=20,
            state=net.init_state(),
            backend=backend,
        )
        for backend in ("numpy", "numba")
    ]
    np.testing.assert_allclose(runs[0].losses, runs[1].losses, rtol=1e-9)


@numba
def test_machine_code_is_kept_between_processes(own_cache: Path) -> None:
    script = (
        "import numpy as np, derivcheck.models as m\n"
        "f = m.compile(lambda x: (x * 2.0 + 1.0) / (x * x + 3.0), backend='numba')\n"
        "x = np.linspace(0, 1, 7)\n"
        "assert np.allclose(f(x), (2 * x + 1) / (x * x + 3))\n"
        "names = f.program.emitted.names\n"
        "part = next(v for k, v in names.items() if k.startswith('part_'))\n"
        "print(sum(part.stats.cache_hits.values()), sum(part.stats.cache_misses.values()))\n"
    )
    counts = [
        subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=os.environ
        ).stdout
        for _ in range(2)
    ]
    assert counts == ["0 1\n", "1 0\n"]


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_backend, "available", lambda: False)
    with pytest.raises(m.CompileError, match=r"derivcheck\[compiled\]"):
        m.compile(lambda x: (x + 1.0) * 2.0, backend="numba")(np.ones(3))
    with pytest.raises(m.CompileError, match="'numpy' or 'numba'"):
        m.compile(lambda x: x + 1.0, backend="cuda")(np.ones(3))
