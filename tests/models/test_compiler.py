"""The compiled function: arguments, replicas in blocks, random numbers, types."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
import pytest
from plain_parts import plain_machine

import derivcheck.models as m

F = m.functional


def test_specialised_to_each_shape_once() -> None:
    drawn: list[tuple[int, ...]] = []

    def f(x: Any) -> Any:
        drawn.append(x.shape)
        return F.sum(x)

    g = m.compile(f)
    for n in (2, 3, 2, 3):
        assert float(g(np.ones(n))) == n
    assert drawn == [(2,), (3,)]


def test_static_arguments_and_trees() -> None:
    f = m.compile(
        lambda p, mode, flag: {"y": p["a"] * 2.0 if mode == "twice" else p["a"], "z": [p["b"]] if flag else []}
    )
    p = {"a": np.ones(2), "b": np.zeros(3)}
    assert (f(p, "twice", True)["y"] == 2).all()
    assert f(p, "once", False)["z"] == []


def test_numbers_integers_and_booleans() -> None:
    f = m.compile(lambda a, i, b: (a + i, F.where(b, a, -a), i))
    total, signed, same = f(1.5, np.array([1, 2]), np.array([True, False]))
    np.testing.assert_array_equal(total, [2.5, 3.5])
    np.testing.assert_array_equal(signed, [1.5, -1.5])
    assert same.dtype == np.int64


def test_transposed_and_strided_arguments() -> None:
    x = np.arange(24.0).reshape(4, 6)
    f = m.compile(lambda x: (x @ x.T, F.reshape(x, (-1,))))
    for view in (x.T, x[::2], x[:, ::3], np.asfortranarray(x)):
        gram, flat = f(view)
        np.testing.assert_allclose(gram, view @ view.T)
        np.testing.assert_array_equal(flat, view.ravel())


def test_empty_arrays() -> None:
    assert float(m.compile(lambda x: F.sum(x * 2.0))(np.ones((0, 3)))) == 0.0
    assert m.compile(lambda x, w: x @ w)(np.ones((0, 3)), np.ones((3, 2))).shape == (0, 2)


def test_python_branches_on_tensors_are_refused() -> None:
    with pytest.raises(m.ModelError, match="where"):
        m.compile(lambda x: x if x > 0 else -x)(1.0)


def test_other_types_are_refused() -> None:
    with pytest.raises(m.CompileError):
        m.compile(lambda x: x)(np.array(["a"]))
    with pytest.raises(m.CompileError):
        m.compile(lambda x: {1, 2})(1.0)
    with pytest.raises(m.CompileError, match="float32"):
        m.compile(lambda x: x, dtype=np.int64)


def network() -> m.Sequential:
    return m.Sequential(m.Linear(3, 5), m.Tanh(), m.LayerNorm(5), m.Linear(5, 2))


@pytest.mark.parametrize("block", [None, 1, 3, 7, 100])
def test_blocks_of_replicas_do_not_change_the_values(block: int | None) -> None:
    net = network()
    p, x = net.init(0, replicas=10), np.random.default_rng(1).standard_normal((4, 3))
    f = m.value_and_grad(lambda p, x: F.mean(F.square(net(p, x))))
    losses, gradients = m.compile(f, replicas=(True, False), block=block)(p, x)
    single = m.compile(f)
    for i in range(10):
        loss, gradient = single(m.map_tree(itemgetter(i), p), x)
        np.testing.assert_allclose(losses[i], loss, rtol=1e-12)
        m.map_tree(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14),
            m.map_tree(itemgetter(i), gradients),
            gradient,
        )


def test_every_replica_draws_its_own_numbers_and_runs_repeat() -> None:
    f = m.compile(lambda g: F.normal(g, (4,)), replicas=(True,), count=1000, block=64)
    a = f(np.random.default_rng(0))
    assert a.shape == (1000, 4) and len(np.unique(a)) == 4000
    np.testing.assert_array_equal(a, f(np.random.default_rng(0)))


def test_a_shared_generator_gives_all_replicas_the_same_numbers() -> None:
    f = m.compile(lambda x, g: x + F.uniform(g, (4,)), replicas=(True, False), block=100)
    y = f(np.zeros((6, 4)), np.random.default_rng(0))
    assert (y == y[0]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_numbers_have_their_law(dtype: type) -> None:
    normal, uniform = m.compile(lambda g: (F.normal(g, (200, 500)), F.uniform(g, (200, 500))), dtype=dtype)(
        np.random.default_rng(3)
    )
    assert normal.dtype == uniform.dtype == dtype
    # 100,000 entries; bounds of six standard errors or more.
    assert abs(normal.mean()) < 0.02 and abs(normal.var() - 1) < 0.03 and abs((normal**4).mean() - 3) < 0.2
    assert abs(uniform.mean() - 0.5) < 0.006 and uniform.min() >= 0 and uniform.max() < 1


def test_replica_counts_must_agree() -> None:
    f = m.compile(lambda a, b: a + b, replicas=(True, True))
    with pytest.raises(m.ShapeError, match="one number of replicas"):
        f(np.ones((2, 3)), np.ones((4, 3)))


def test_cost_counts_products_and_memory() -> None:
    net = m.Sequential(m.Linear(100, 50, bias=False))
    f = m.compile(lambda p, x: net(p, x))
    f(net.init(0), np.ones((10, 100)))
    cost = f.cost()
    assert cost.matmul_flops == cost.flops == 2 * 10 * 100 * 50
    assert cost.bytes == 8 * (10 * 100 + 100 * 50 + 10 * 50)


def test_complex_step_runs_through_kinks_of_real_functions() -> None:
    h = 1e-30
    f = m.compile(lambda x: F.abs(x) + m.relu(x) + F.maximum(x, 0.5) + F.max(x), dtype=np.complex128)
    x = np.array([-2.0, 0.1, 3.0])
    slopes = [f(x + 1j * h * e).imag.sum() / h for e in np.eye(3)]
    np.testing.assert_allclose(slopes, [-1.0, 2.0, 3.0 + 3.0])


def test_what_overflows_inside_shows_in_the_result_only() -> None:
    f = m.compile(lambda x: F.exp(x) / F.sum(x))
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(f(np.array([1e4, -1e4])), [np.inf, np.nan])
        with pytest.raises(FloatingPointError):  # outside nothing has changed
            np.exp(np.array([1e4]))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_scalars_known_beforehand_follow_the_conventions_of_arrays(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)
    f = m.compile(
        lambda t, x: (
            x * F.maximum(t, 1.0) + x * F.minimum(1.0, t) + x / t + x * F.log(t) + x * F.sqrt(t) - x * F.exp(t)
        ),
        backend=backend,
    )
    x = np.array([1.0, -2.0])
    for t in (0.5, 4.0, 0.0, -1.0, np.nan, np.inf, 800.0):
        with np.errstate(all="ignore"):
            a = np.asarray(t)
            wanted = x * np.maximum(a, 1.0) + x * np.minimum(1.0, a) + x / a + x * np.log(a) + x * np.sqrt(a)
            np.testing.assert_allclose(f(a, x), wanted - x * np.exp(a), rtol=1e-12)
