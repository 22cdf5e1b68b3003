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
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_parts import plain_machine, plain_part
from random_graphs import random_graph
from test_passes import agree, with_gradient

import derivcheck.models as m
from derivcheck.models import compiled_backend
from derivcheck.models import functional as F
from derivcheck.models.compiled_backend import Machine
from derivcheck.models.passes import machine_lines
from derivcheck.models.passes.fuse import fuse
from derivcheck.models.passes.loops import collapse
from derivcheck.models.passes.lower import lower
from derivcheck.models.passes.merge import merge
from derivcheck.models.passes.nest import nest
from derivcheck.models.passes.simplify import simplify
from derivcheck.models.program import compile_graph
from derivcheck.models.tree import flatten

numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="the extra 'compiled' is not installed")


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Parts run as plain Python: their text is tested without compiling hundreds of them."""
    texts: list[str] = []

    def backend(dtype: Any) -> Machine:
        def load(text: str) -> Any:
            texts.append(text)
            return plain_part(text, dtype)

        return replace(plain_machine(dtype), load=load)

    monkeypatch.setattr("derivcheck.models.program.machine_for", backend)
    return texts


#: Found by a longer search: memory that a loop reads as a broadcast view and another line writes; views that are drawn
#: between a part's call and the lines that say which index is out of range; a part of a whole read beside the whole.
HARD = (1000591, 1000625, 1005663)
INDEXED = (2000088, 2000100, 5000652)


@pytest.mark.parametrize("seed", [*range(60), *HARD, *INDEXED])
def test_parts_on_random_graphs(seed: int, interpreted: list[str]) -> None:
    length = 18
    if seed in HARD or seed in INDEXED:
        length = int(np.random.default_rng(seed).integers(10 if seed in HARD else 8, 45))
    graph, arguments = random_graph(seed, length, outputs=3 if seed < 60 else 4)
    graph = with_gradient(graph)
    program = compile_graph(graph, [f"x{i}" for i in range(len(graph.inputs))], backend="numba")
    with np.errstate(all="ignore"):
        agree(graph.evaluate(arguments), list(program.run(*arguments)))
        others = [np.asarray(x - 0.5) for x in arguments]
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


def test_results_are_memory_of_their_own(interpreted: list[str]) -> None:
    f = m.compile(lambda x: (x, 2.0 * x, F.sum(x, 0), F.reshape(x, (4,))), backend="numba")
    x = np.arange(4.0).reshape(2, 2)
    first = f(x)
    kept = [y.copy() for y in first]
    second = f(x + 1.0)
    for y in first:
        assert not np.shares_memory(y, x)
        assert not any(np.shares_memory(y, z) for z in (*second, f.program.plan.arena))
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, b)
    assert interpreted


def test_repeated_steps_are_a_loop(interpreted: list[str]) -> None:
    net = m.RNN(3, 6)
    f = m.compile(m.grad(lambda p, x: F.sum(F.square(net(p, x)))), backend="numba")
    p = net.init(0)
    x = np.random.default_rng(0).standard_normal((5, 12, 3))
    got = flatten(f(p, x))[0]
    assert f.source.count("for k in range(") >= 2  # forth and back
    expected = flatten(m.compile(m.grad(lambda p, x: F.sum(F.square(net(p, x)))))(p, x))[0]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    assert interpreted


def test_an_index_out_of_range_is_named_as_by_numpy(interpreted: list[str]) -> None:
    labels = m.compile(lambda z, y: m.cross_entropy(z, y), backend="numba")
    with pytest.raises(m.ShapeError, match="0 … 2"):
        labels(np.zeros((2, 3)), np.array([0, 3]))
    rows = m.compile(lambda x, i: 2.0 * F.take(x, i), backend="numba")
    x = np.arange(3.0)
    np.testing.assert_array_equal(rows(x, np.array([-1, 0])), [4.0, 0.0])
    for wrong in (3, -4):
        with pytest.raises(IndexError):
            rows(x, np.array([0, wrong]))
    assert interpreted


def test_arguments_may_have_any_names(interpreted: list[str]) -> None:
    f = m.compile(
        lambda at, s0, blas, memory, sum_0, entries, addresses: (
            F.sum(at + s0 + blas * memory - sum_0) * (F.exp(entries) + addresses)
        ),
        backend="numba",
    )
    x = np.arange(3.0)
    assert f(x, x, x, x, x, 0.0, 1.0) == 2.0 * np.sum(x + x * x)
    assert interpreted


def test_what_has_no_loops_stays_with_numpy(interpreted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(machine_lines.EMITTERS, "sum")
    f = m.compile(lambda x: F.exp(F.sum(F.tanh(x), 0)) * 2.0, backend="numba")
    x = np.random.default_rng(0).standard_normal((3, 4))
    np.testing.assert_allclose(f(x), 2.0 * np.exp(np.tanh(x).sum(0)), rtol=1e-12)
    assert len(interpreted) == 2 and f.source.count("def part(") == 2


def test_what_is_not_finite_is_found(interpreted: list[str]) -> None:
    net = m.Sequential(m.Linear(2, 3), m.Tanh(), m.Linear(3, 1))
    data = [(np.ones((4, 2)), np.ones((4, 1)))] * 3 + [(np.full((4, 2), np.nan), np.ones((4, 1)))] * 3
    with pytest.raises(m.NonFiniteError) as caught:
        m.train(
            lambda p, b, run: m.squared_error(net(p, b[0], run), b[1]),
            net.init(0),
            data.__getitem__,
            optimiser=m.Adam(1e-2),
            steps=6,
            backend="numba",
        )
    assert caught.value.step == 3
    assert interpreted


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_nests_are_the_same_nodes_in_the_same_order(seed: int) -> None:
    graph, _ = random_graph(seed, 30)
    graph = merge(simplify(lower(with_gradient(graph))))
    groups = fuse(graph)
    assert [t for g in nest(graph, groups) for t in g.nodes] == [t for g in groups for t in g.nodes]


def test_a_pooling_window_is_one_loop_and_a_product_adds_into_its_sum() -> None:
    net = m.Sequential(m.Conv2d(2, 4, 3), m.ReLU(), m.MaxPool2d(2), m.Conv2d(4, 3, 2), m.Flatten())
    p, x = net.init(0), np.random.default_rng(0).standard_normal((5, 2, 12, 12))
    f = m.compile(m.grad(lambda p, x: F.sum(F.square(net(p, x)))))
    f(p, x)
    graph = f.program.graph
    found = nest(graph, f.program.groups)
    assert [g.lanes for g in found if g.lanes] == [(2, 2), (2, 2)]
    pairs = [tuple(t.primitive for t in g.nodes) for g in found if g.nodes[0].primitive == "matmul"]
    assert ("matmul", "sum") in pairs and ("matmul", "fold") in pairs


@pytest.mark.parametrize(
    ("n", "m_", "k", "transposed", "pieces"),
    [
        (40, 300, 80, False, True),
        (300, 40, 90, False, True),
        (33, 33, 1000, False, True),
        (64, 257, 130, False, True),
        (7, 5, 3, False, False),
        (100, 120, 110, False, False),
        (70, 33, 500, True, True),
        (70, 33, 500, False, True),
        (300, 40, 90, True, False),
    ],
)
def test_a_product_in_pieces(n: int, m_: int, k: int, transposed: bool, pieces: bool, interpreted: list[str]) -> None:
    """Products with a short axis are cut into pieces that BLAS multiplies in place."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((n, k)), rng.standard_normal((m_, k) if transposed else (k, m_))
    f = m.compile(lambda a, b: a @ (b.T if transposed else b), backend="numba")
    np.testing.assert_allclose(f(a, b), a @ (b.T if transposed else b), rtol=1e-11, atol=1e-11)
    assert ("range(0, " in interpreted[0]) == pieces


def test_a_batch_of_one_product_needs_no_loop(interpreted: list[str]) -> None:
    # The second convolution leaves one row of outputs: its batch of products has size one.
    net = m.Sequential(m.Conv2d(2, 3, 2, padding=1, stride=2), m.AvgPool2d(2), m.Conv2d(3, 3, 2), m.Tanh())
    p, x = net.init(0), np.random.default_rng(0).standard_normal((3, 2, 8, 10))
    runs = [
        m.compile(m.grad(lambda p, x: F.sum(F.square(net(p, x)))), backend=backend)(p, x)
        for backend in ("numpy", "numba")
    ]
    for a, b in zip(*(flatten(r)[0] for r in runs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    assert interpreted


@pytest.mark.parametrize("seed", range(16))
def test_random_convolutional_networks(seed: int, interpreted: list[str]) -> None:
    rng = np.random.default_rng((seed, 7))

    def one(*choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    def pool() -> m.Layer:
        return one(m.MaxPool2d(2), m.AvgPool2d(2), m.MaxPool2d(3), m.MaxPool2d(2, stride=1), m.AvgPool2d(3, stride=2))

    channels, width = one(1, 2), one(2, 3)
    net = m.Sequential(
        m.Conv2d(channels, width, one(1, 2, 3), padding=one(0, 1), stride=one(1, 2)),
        *one([m.ReLU(), pool()], [pool(), m.Tanh()], [pool()]),
        m.Conv2d(width, 2, one(1, 2), padding=1),
        *one([m.SiLU()], [pool()], []),
    )
    replicas = one(None, None, 2)
    x = rng.standard_normal((one(1, 4), channels, one(8, 9, 11), 10))
    ends = []
    for backend in ("numpy", "numba"):
        p = net.init(1, replicas)
        trainer = m.Trainer(
            lambda p, b, run: F.mean(F.square(net(p, b, run) + 0.5)),
            p,
            m.Adam(1e-2, epsilon=1e-3),
            replicas=replicas is not None,
            backend=backend,
        )
        trainer.step(x)
        trainer.step(x)
        ends.append(flatten(trainer.result().parameters)[0])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-10)
    assert interpreted


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
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [3, 8])
def test_machine_code_of_random_graphs(seed: int, dtype: str) -> None:
    graph, arguments = random_graph(seed, 16)
    graph = with_gradient(graph)
    given = [x.astype(dtype) for x in arguments]
    names = [f"x{i}" for i in range(len(graph.inputs))]
    plain, compiled = (compile_graph(graph, names, dtype, backend) for backend in ("numpy", "numba"))
    tolerance = 2e-4 if dtype == "float32" else 1e-9
    for a, b in zip(plain.run(*given), compiled.run(*given), strict=True):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


@numba
@pytest.mark.parametrize(
    ("name", "dtype"),
    [("exp", "float32"), ("exp", "float64"), ("tanh", "float32"), ("tanh", "float64"), ("log", "float32")],
)
def test_elementary_functions(name: str, dtype: str) -> None:
    """To a few units in the last place, and NumPy's values where there is nothing to round."""
    from derivcheck.models import machine_library

    function = getattr(machine_library, f"{name}_{dtype}")
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal(300) * s for s in (1e-3, 0.1, 1.0, 10.0, 40.0)])
    x = np.clip(x, -85.0, 85.0).astype(dtype)
    x = np.abs(x) if name == "log" else x
    exact = getattr(np, name)(x.astype(np.longdouble))
    got = np.array([function(v) for v in x], dtype)
    assert np.max(np.abs(got - exact) / np.spacing(np.abs(exact).astype(dtype))) < 6.0
    ends = np.array([np.inf, -np.inf, np.nan, 0.0, 1e30, -1e30, 1e-40], dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(np.array([function(v) for v in ends], dtype), getattr(np, name)(ends), 1e-6, 1e-43)


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
