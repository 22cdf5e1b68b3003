"""Products that skip zeros: what is expected to be zero, how axes walk through copies, the correlation itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_parts import plain_machine
from test_passes import agree

import derivcheck.models as m
from derivcheck.models import functional as F
from derivcheck.models.compiled_backend import available
from derivcheck.models.errors import ShapeError
from derivcheck.models.graph import Graph
from derivcheck.models.passes import sparse as skipping
from derivcheck.models.passes.density import densities
from derivcheck.models.passes.walks import Factor, refined, walked
from derivcheck.models.program import compile_graph, optimise
from derivcheck.models.tensor import Tensor, make, variable

SEEDS = st.integers(0, 10**9)


def pooled_step(batch: int = 32) -> tuple[Graph, list[np.ndarray]]:
    """Parameters' gradients of two convolutions, each before a pooling; the second one's kernel is worth the pass."""
    net = m.Sequential(
        m.Conv2d(1, 8, 3), m.ReLU(), m.MaxPool2d(2), m.Conv2d(8, 16, 5), m.ReLU(), m.MaxPool2d(2), m.Flatten(),
        m.Linear(64, 2),
    )  # fmt: skip
    p, x = net.init(0), np.random.default_rng(0).standard_normal((batch, 1, 20, 20))
    graph, _, _ = m.trace(m.value_and_grad(lambda p, x: F.mean(F.square(net(p, x)))), (p, x))
    return graph, [*m.flatten(p)[0], x]


# --- the pass ----------------------------------------------------------------------------------------------------


def test_a_kernel_behind_a_pooling_gets_its_gradient_without_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)
    graph, arguments = pooled_step()
    found = [t for t in optimise(graph, backend="numba")["sparse"].nodes if t.primitive == "correlate"]
    assert [t.shape for t in found] == [(16, 5, 5, 8)]  # rows of 5 · 8 entries; the first kernel's have three
    program = compile_graph(graph, [f"x{i}" for i in range(len(arguments))], backend="numba")
    agree(graph.evaluate(arguments), list(program.run(*arguments)))
    zeros = arguments.copy()
    zeros[-1] = np.zeros_like(zeros[-1])  # all entries of a window are equal: no gradient is zero, each is a quarter
    agree(graph.evaluate(zeros), list(program.run(*zeros)))


def test_the_other_operand_is_copied_as_soon_as_it_is_there() -> None:
    graph, _ = pooled_step()
    nodes = optimise(graph, backend="numba")["sparse"].nodes
    (found,) = [t for t in nodes if t.primitive == "correlate"]
    copy = found.inputs[1]
    (source,) = copy.inputs[0].inputs
    assert copy.primitive == "concatenate" and source.primitive == "maximum"
    assert not any(t.primitive == "matmul" for t in nodes[nodes.index(source) : nodes.index(copy)])


@pytest.mark.skipif(not available(), reason="Numba is not installed")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_machine_code_agrees(dtype: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIVCHECK_CACHE", str(tmp_path))
    graph, arguments = pooled_step()
    given = [a.astype(dtype) for a in arguments]
    program = compile_graph(graph, [f"x{i}" for i in range(len(given))], dtype, "numba")
    assert "correlate_" in program.source
    for a, b in zip(graph.evaluate(given), program.run(*given), strict=True):
        scale = float(np.abs(a).max(initial=0.0))
        np.testing.assert_allclose(b, a, rtol=0, atol=scale * 1e3 * float(np.finfo(dtype).eps))


def test_a_wrong_step_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons above can fail: here all windows are read where the first one stands."""
    graph, arguments = pooled_step()
    right = skipping._move

    def wrong(f: Factor | None, order: Sequence[int]) -> tuple[int, int] | None:
        found = right(f, order)
        return found if found is None or f is None or f.size != 5 else (found[0], 0)

    monkeypatch.setattr(skipping, "_move", wrong)
    with pytest.raises(AssertionError):
        agree(graph.evaluate(arguments), optimise(graph, backend="numba")["sparse"].evaluate(arguments))


def test_numpy_multiplies_all_entries() -> None:
    graph, _ = pooled_step()
    assert "sparse" not in optimise(graph)


@pytest.mark.parametrize("batch", [1, 8])
def test_small_products_stay(batch: int) -> None:
    graph, _ = pooled_step(batch)
    assert all(t.primitive != "correlate" for t in optimise(graph, backend="numba")["sparse"].nodes)


def test_what_is_mostly_other_than_zero_stays() -> None:
    net = m.Sequential(m.Conv2d(8, 16, 5), m.ReLU())
    p, x = net.init(0), np.zeros((64, 8, 12, 12))
    graph, _, _ = m.trace(m.grad(lambda p, x: F.mean(F.square(net(p, x)))), (p, x))
    assert all(t.primitive != "correlate" for t in optimise(graph, backend="numba")["sparse"].nodes)


def test_nan_goes_through_a_correlation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)
    graph, arguments = pooled_step()
    program = compile_graph(graph, [f"x{i}" for i in range(len(arguments))], backend="numba")
    arguments[-1][3, 0, 9, 9] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        for a, b in zip(graph.evaluate(arguments), program.run(*arguments), strict=True):
            np.testing.assert_array_equal(np.isnan(a).any(), np.isnan(b).any())


# --- what is expected to be zero ---------------------------------------------------------------------------------


def test_expected_shares_of_a_pooling_and_of_one_hot_rows() -> None:
    x, i = variable((6, 4, 4, 5), "float", "x"), variable((7,), "int", "i")
    y = F.sum(F.square(m.MaxPool2d(2)({}, F.transpose(x, (0, 3, 1, 2)), m.Run())))
    (g,) = m.gradients([y], [m.constant(1.0)], [x])
    hot = make("one_hot", i, count=10)
    graph = Graph((x, i), (g, hot, F.transpose(hot, (1, 0)) * 2.0, hot + 1.0))
    share = densities(graph)
    assert [share[t] for t in graph.outputs] == [0.25, 0.1, 0.1, 1.0]
    rng = np.random.default_rng(0)
    values = graph.evaluate([rng.standard_normal(x.shape), rng.integers(10, size=7)])
    assert [np.mean(v != 0) for v in values] == [0.25, 0.1, 0.1, 1.0]


# --- how axes walk -------------------------------------------------------------------------------------------------


def random_walk(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A node, and what it shows or copies of it."""
    x = t = variable(tuple(int(n) for n in rng.choice([1, 2, 4, 6], 3)), "float", "x")
    for _ in range(int(rng.integers(1, 6))):
        kind = rng.integers(5)
        if kind == 0:
            t = F.transpose(t, tuple(int(i) for i in rng.permutation(t.ndim)))
        elif kind == 1:
            axis = int(rng.integers(t.ndim))
            size = int(rng.integers(1, t.shape[axis] + 1))
            t = F.windows(t, (axis,), (size,), (int(rng.integers(1, 3)),), (1,))
        elif kind == 2 and t.ndim > 1:
            axis = int(rng.integers(t.ndim - 1))
            t = F.reshape(t, (*t.shape[:axis], t.shape[axis] * t.shape[axis + 1], *t.shape[axis + 2 :]))
        elif kind == 3:
            t = make("concatenate", t, axis=0)
        elif kind == 4 and t.shape[0] % 2 == 0:
            t = F.reshape(t, (2, t.shape[0] // 2, *t.shape[1:]))
        if t.ndim > 5:
            break
    return t, x


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_factors_say_where_every_entry_stands(seed: int) -> None:
    t, x = random_walk(np.random.default_rng(seed))
    source, axes = walked(t)
    numbers = np.arange(x.size).reshape(x.shape)
    (shown,) = Graph((x,), (t,)).evaluate([numbers])
    (below,) = Graph((x,), (source,)).evaluate([numbers])
    flat = [f for axis in axes for f in axis]
    assert [int(np.prod([f.size for f in axis], dtype=int)) for axis in axes] == list(t.shape)
    for index in np.ndindex(*(f.size for f in flat)):
        place = [0] * source.ndim
        for i, f in zip(index, flat, strict=True):
            if f.axis is not None:
                place[f.axis] += i * f.step
        assert below[tuple(place)] == shown.reshape([f.size for f in flat])[index]


def test_factors_see_through_the_copy_of_a_convolution() -> None:
    x = variable((3, 4, 9, 9), "float", "x")
    rows = F.windows(F.transpose(x, (2, 1, 3, 0)), (2,), (5,), (1,), (1,))
    copied = F.reshape(F.transpose(rows, (1, 2, 0, 3, 4)), (9, 20, 15))
    source, axes = walked(copied)
    assert source is x
    assert axes == (
        (Factor(9, 2, 1),),
        (Factor(4, 1, 1), Factor(5, 3, 1)),
        (Factor(5, 3, 1), Factor(3, 0, 1)),
    )


def test_factors_of_two_operands_are_cut_alike() -> None:
    a, b = (Factor(6, 0, 1), Factor(2, 1, 3)), (Factor(3, 2, 1), Factor(4, 0, 5))
    assert refined(a, b) == [
        (Factor(3, 0, 2), Factor(3, 2, 1)),
        (Factor(2, 0, 1), Factor(2, 0, 10)),
        (Factor(2, 1, 3), Factor(2, 0, 5)),
    ]
    assert refined((Factor(6, 0, 1),), (Factor(4, 0, 1),)) is None
    assert refined((Factor(6, 0, 1),), (Factor(2, 0, 1), Factor(2, 1, 1))) is None


# --- the correlation -------------------------------------------------------------------------------------------------

CORRELATION = {
    "sizes": (2, 3, 4),
    "left": ((0, 1), (1, 1), None),
    "right": (None, (0, 2), (0, 1)),
    "kept": (0, 2),
}


def test_a_correlation_adds_products_along_steps() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 3)), np.random.default_rng(1).standard_normal(8)
    x, y = variable((2, 3), "float", "a"), variable((8,), "float", "b")
    (out,) = Graph((x, y), (make("correlate", x, y, **CORRELATION),)).evaluate([a, b])
    for i in range(2):
        for j in range(4):
            np.testing.assert_allclose(out[i, j], sum(a[i, k] * b[2 * k + j] for k in range(3)))


def test_a_correlation_over_replicas() -> None:
    function = lambda x, y: make("correlate", x, y, **CORRELATION)  # noqa: E731
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((5, 2, 3)), rng.standard_normal((5, 8))
    one = m.compile(function)
    for flags in ((True, True), (True, False), (False, True)):
        xs = [v if flag else v[0] for v, flag in zip((a, b), flags, strict=True)]
        out = m.compile(function, replicas=flags)(*xs)
        for k in range(5):
            np.testing.assert_allclose(out[k], one(*(v[k] if f else v for v, f in zip(xs, flags, strict=True))))


def test_a_correlation_outside_of_its_operand_is_refused() -> None:
    x, y = variable((2, 3), "float", "a"), variable((7,), "float", "b")
    with pytest.raises(ShapeError, match="loops inside an axis of 7 entries"):
        make("correlate", x, y, **CORRELATION)


@pytest.mark.parametrize("few", [(), (0,), (1,)])
@pytest.mark.parametrize("dense", [(), (0,), (1,), (2,), (0, 1, 2)])
def test_a_correlation_of_flipped_operands(
    few: tuple[int, ...], dense: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, sums and lanes read backwards, as a kernel that is turned round in an input's gradient."""
    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)
    x, y = variable((2, 3), "float", "a"), variable((3, 2, 4), "float", "b")
    out = make(
        "correlate",
        make("flip", F.tanh(x), axes=few),
        make("flip", F.tanh(y), axes=dense),
        sizes=(2, 3, 2, 4),
        left=((0, 1), (1, 1), None, None),
        right=(None, (0, 1), (1, 1), (2, 1)),
        kept=(0, 2, 3),
    )
    graph = Graph((x, y), (out * 2.0,))
    rng = np.random.default_rng(0)
    arguments = [rng.standard_normal(v.shape) for v in (x, y)]
    arguments[0][0, 1] = 0.0
    program = compile_graph(graph, ["a", "b"], backend="numba")
    assert "correlate_" in program.source
    agree(graph.evaluate(arguments), list(program.run(*arguments)))
