"""Optimisers by their sources' rules, training, checkpoints, failures, replicas."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derivcheck.models as m

F = m.functional

A = np.array([[3.0, 1.0], [1.0, 2.0]])
B = np.array([1.0, -2.0])


def quadratic(p: Any, batch: Any, run: Any) -> Any:
    return 0.5 * (p["w"] @ A @ p["w"]) - p["w"] @ B


def by_hand(name: str, steps: int) -> np.ndarray:
    """The update rules once more, as loops over NumPy arrays."""
    w, v, s = np.array([0.7, -0.3]), np.zeros(2), np.zeros(2)
    average = np.zeros(2)
    for t in range(1, steps + 1):
        g = A @ w - B
        if name == "sgd":
            w = w - 0.1 * g
        elif name == "momentum":
            v = 0.9 * v + g
            w = w - 0.1 * v
        elif name == "nesterov":
            v = 0.9 * v + g
            w = w - 0.1 * (g + 0.9 * v)
        elif name == "adagrad":
            s = s + g**2
            w = w - 0.1 * g / (np.sqrt(s) + 1e-10)
        elif name == "rmsprop":
            s = 0.99 * s + 0.01 * g**2
            w = w - 0.1 * g / (np.sqrt(s) + 1e-8)
        elif name == "adam":
            v = 0.9 * v + 0.1 * g
            s = 0.999 * s + 0.001 * g**2
            w = w - 0.1 * (v / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
        elif name == "decay":
            w = w - 0.1 * (g + 0.5 * w)
        elif name == "decoupled":
            w = w - 0.1 * g - 0.1 * 0.5 * w
        elif name == "schedule":
            w = w - 0.1 / (1 + t / 10) * g
        elif name == "averaged":
            w = w - 0.1 * g
            average = average + (w - average) / max(t - 3, 1)
    return average if name == "averaged" else w


OPTIMISERS = {
    "sgd": m.SGD(0.1),
    "momentum": m.SGD(0.1, momentum=0.9),
    "nesterov": m.SGD(0.1, momentum=0.9, nesterov=True),
    "adagrad": m.Adagrad(0.1),
    "rmsprop": m.RMSProp(0.1),
    "adam": m.Adam(0.1),
    "decay": m.SGD(0.1, weight_decay=0.5),
    "decoupled": m.SGD(0.1, weight_decay=0.5, decoupled=True),
    "schedule": m.SGD(m.robbins_monro(0.1, 10.0)),
    "averaged": m.Averaged(m.SGD(0.1), start_step=3),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_update_rule(name: str) -> None:
    start = {"w": np.array([0.7, -0.3])}
    result = m.train(quadratic, start, lambda k: (), optimiser=OPTIMISERS[name], steps=12)
    got = result.slots["average"]["w"] if name == "averaged" else result.parameters["w"]
    np.testing.assert_allclose(got, by_hand(name, 12), rtol=1e-12)
    assert (start["w"] == [0.7, -0.3]).all()


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_a_tree_step_is_the_same_rule(name: str) -> None:
    optimiser = OPTIMISERS[name]
    p = {"w": np.array([0.7, -0.3])}
    slots = optimiser.start(p)
    step = m.compile(lambda p, s, t: optimiser.step(p, m.grad(lambda p: quadratic(p, (), None))(p), s, t))
    for t in range(1, 13):
        p, slots = step(p, slots, float(t))
    np.testing.assert_allclose(p["w"], by_hand(name, 12), rtol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (m.exponential_decay(2.0, 0.9), lambda t: 2.0 * 0.9**t),
        (m.cosine(2.0, 10), lambda t: 1.0 + np.cos(np.pi * min(t, 10) / 10)),
        (m.warm_up(2.0, 4), lambda t: 2.0 * min(t / 4, 1.0)),
        (m.robbins_monro(2.0, 5.0, 0.7), lambda t: 2.0 * (1 + t / 5) ** -0.7),
    ],
)
def test_schedules(schedule: Any, expected: Any) -> None:
    f = m.compile(schedule)
    for t in (1, 3, 12):
        np.testing.assert_allclose(f(float(t)), expected(t), rtol=1e-12)


# --- training ------------------------------------------------------------------------------------------------------


def problem() -> tuple[Any, m.Layer, m.Batches]:
    net = m.Sequential(m.Linear(3, 8), m.BatchNorm(8), m.Tanh(), m.Dropout(0.3), m.Linear(8, 1))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 3))
    y = np.sin(x[:, :1])
    return (lambda p, b, run: m.squared_error(net(p, b[0], run), b[1])), net, m.Batches((x, y), 16, seed=4)


def fit(steps: int, **options: Any) -> m.Training:
    loss, net, batches = problem()
    return m.train(
        loss, net.init(1), batches, optimiser=m.Adam(1e-2), steps=steps, state=net.init_state(), seed=5, **options
    )


def same(a: m.Training, b: m.Training) -> None:
    for x, y in zip(m.flatten((a.parameters, a.state, a.slots, a.losses))[0],
                    m.flatten((b.parameters, b.state, b.slots, b.losses))[0], strict=True):  # fmt: skip
        np.testing.assert_array_equal(x, y)


def test_training_is_repeatable_bit_for_bit_and_learns() -> None:
    first = fit(300)
    same(first, fit(300))
    assert first.losses[-50:].mean() < 0.5 * first.losses[:10].mean()
    assert first.state["1"]["count"] == 300


def test_resuming_continues_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.npz"
    fit(30, checkpoint=path, every=10)
    resumed = fit(60, checkpoint=path, resume=True)
    same(resumed, fit(60))
    assert [p.name for p in path.parent.iterdir()] == ["checkpoint.npz"]


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    fit(2, checkpoint=path)
    with pytest.raises(m.ModelError, match="another network"):
        m.train(quadratic, {"w": np.ones(2)}, lambda k: (), optimiser=m.SGD(0.1), steps=3, checkpoint=path, resume=True)


@pytest.mark.parametrize("length", [0, 100, -40])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "run.npz"
    fit(3, checkpoint=path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(m.ModelError, match="damaged"):
        fit(5, checkpoint=path, resume=True)


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.npz"
    fit(2, checkpoint=path)
    before = path.read_bytes()

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", broken)
    with pytest.raises(OSError, match="disk full"):
        fit(4, checkpoint=path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_progress_is_reported() -> None:
    seen: list[tuple[int, int]] = []
    fit(250, progress=lambda step, steps, loss: seen.append((step, steps)))
    assert seen[-1] == (250, 250) and 100 <= len(seen) <= 126


def test_printed_progress_is_ten_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    fit(250, progress=m.print_progress)
    lines = capsys.readouterr().err.splitlines()
    assert 10 <= len(lines) <= 12 and lines[-1].startswith("step 250 of 250, loss ")


def test_replicas_train_as_each_alone() -> None:
    net = m.Sequential(m.Linear(3, 4), m.Tanh(), m.Linear(4, 1))
    x = np.random.default_rng(0).standard_normal((10, 3))
    y = x[:, :1] ** 2
    loss = lambda p, b, run: m.squared_error(net(p, b[0], run), b[1])  # noqa: E731
    p = net.init(0, replicas=5)
    many = m.train(loss, p, lambda k: (x, y), optimiser=m.Adam(1e-2), steps=40, replicas=True)
    assert many.losses.shape == (40, 5)
    for i in range(5):
        one = m.train(loss, m.map_tree(itemgetter(i), p), lambda k: (x, y), optimiser=m.Adam(1e-2), steps=40)
        np.testing.assert_allclose(many.losses[:, i], one.losses, rtol=1e-9)


def test_replicas_of_batches() -> None:
    x = np.arange(6.0).reshape(3, 2)
    r = m.train(
        lambda p, b, run: F.sum(F.square(p["w"] - b)), {"w": np.zeros((3, 2))}, lambda k: x, optimiser=m.SGD(0.5),
        steps=1, replicas=True, batch_replicas=True,
    )  # fmt: skip
    np.testing.assert_allclose(r.parameters["w"], x)


# --- failures ------------------------------------------------------------------------------------------------------


def test_a_nan_is_located_at_its_step_and_layer() -> None:
    net = m.Sequential(m.Linear(2, 2), m.Lambda(lambda x: F.log(x)), m.Linear(2, 1))
    p = net.init(0)
    p["0"] = {"weight": np.eye(2), "bias": np.zeros(2)}
    batches = [np.ones((3, 2))] * 250 + [-np.ones((3, 2))] + [np.ones((3, 2))] * 10
    with pytest.raises(m.NonFiniteError) as caught:
        m.train(lambda p, b, run: F.mean(net(p, b, run)), p, lambda k: batches[k], optimiser=m.SGD(0.0), steps=260)
    assert (caught.value.step, caught.value.layer, caught.value.primitive) == (250, "1", "log")


def test_an_overflowing_parameter_is_caught_even_if_the_loss_is_finite() -> None:
    with pytest.raises(m.NonFiniteError):
        m.train(
            lambda p, b, run: F.sum(F.sqrt(p["w"])), {"w": np.zeros(2)}, lambda k: (), optimiser=m.SGD(1.0), steps=1
        )


def test_harmless_overflow_inside_a_stable_function_is_no_failure() -> None:
    r = m.train(
        lambda p, b, run: F.mean(m.sigmoid(p["w"] * 1e4)), {"w": np.array([-1.0, 1.0])}, lambda k: (),
        optimiser=m.SGD(0.1), steps=3,
    )  # fmt: skip
    assert np.isfinite(r.losses).all()


# --- batches -------------------------------------------------------------------------------------------------------


def test_an_epoch_goes_through_the_data_once() -> None:
    batches = m.Batches({"x": np.arange(10)}, 3, seed=1)
    seen = np.concatenate([batches(k)["x"] for k in range(3)])
    assert len(set(seen.tolist())) == 9
    assert (np.concatenate([batches(k)["x"] for k in range(3, 6)]) != seen).any()


def test_batches_with_replacement_are_independent_of_order() -> None:
    batches = m.Batches(np.arange(5), 100, seed=2, replacement=True)
    np.testing.assert_array_equal(batches(7), batches(7))
    assert set(batches(0).tolist()) == {0, 1, 2, 3, 4}


def test_unequal_numbers_of_examples_are_refused() -> None:
    with pytest.raises(m.ModelError, match="one number of examples"):
        m.Batches((np.ones(3), np.ones(4)), 2)


@pytest.mark.parametrize("replicas", [None, 3])
def test_a_batch_may_come_in_any_guise(replicas: int | None) -> None:
    """A batch of the very types and shapes of the last one is taken as it is; any other is converted first."""
    net = m.Linear(2, 1)

    def trainer() -> m.Trainer:
        return m.Trainer(
            lambda p, b, run: m.squared_error(net(p, b[0]), b[1]),
            net.init(0, replicas),
            m.SGD(0.1),
            dtype=np.float32,
            replicas=replicas is not None,
            batch_replicas=replicas is not None,
        )

    rng = np.random.default_rng(0)
    lead = () if replicas is None else (replicas,)
    one, other = trainer(), trainer()
    for rows in (4, 4, 5, 4):
        x, y = (rng.standard_normal((*lead, rows, k)).astype(np.float32) for k in (2, 1))
        strided = np.repeat(x, 2, axis=-1)[..., ::2]
        guises: tuple[Any, ...] = (
            (x, y), (x, y), [x, y], (x.astype(float), y), (np.asfortranarray(x), y), (strided, y), {0: x, 1: y}, (x, y),
        )  # fmt: skip
        for guise in guises:
            np.testing.assert_array_equal(one.step(guise), other.step([x, y]))
