"""Training by somebody who has only read the documentation: wrong arguments, wrong files, Ctrl-C, a killed process."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derivcheck.models as m
from derivcheck.models.training.interruption import Interruption

F = m.functional


# --- what a newcomer gets wrong -----------------------------------------------------------------------------------


def small(**options: Any) -> m.Training:
    """Three parameters towards a target."""
    given: dict[str, Any] = {
        "loss": lambda p, b, run: F.sum(F.square(p["w"] - b)),
        "parameters": {"w": np.zeros(3)},
        "batches": lambda step: np.arange(3.0),
        "optimiser": m.SGD(0.1),
        "steps": 5,
    }
    return m.train(**(given | options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimiser": "adamm"}, r"Adam\(1e-3\).*there are Adagrad, Adam.*'adamm'"),
        ({"optimiser": m.Adam}, "an object such as"),
        ({"batches": [np.zeros(3)] * 5}, "a function of the step number"),
        ({"batches": np.zeros(3)}, "a function of the step number"),
        ({"loss": lambda p, b: F.sum(p["w"])}, r"a function of \(parameters, batch, run\)"),
        ({"loss": lambda p, b, run: None}, "a scalar, not NoneType"),
        ({"loss": lambda p, b, run: (F.sum(p["w"]), 1.0)}, "a scalar, not tuple"),
        ({"loss": lambda p, b, run: F.sum(b)}, "does not depend on the parameters"),
        ({"parameters": {}}, "no parameters"),
        ({"parameters": {"w": np.zeros(3), "name": "net"}}, "parameter 'name' is no array of real numbers"),
        ({"parameters": {"w": np.zeros(3, complex)}}, "parameter 'w' is no array of real numbers"),
        ({"parameters": {"w": np.zeros((2, 3)), "v": np.zeros(3)}, "replicas": True},
         r"parameter 'v': expected 2 replicas, as 'w', along its first axis, given shape \(3,\)"),
        ({"parameters": {"w": np.zeros((0, 3))}, "replicas": True}, "no replicas to train"),
        ({"parameters": {"w": np.zeros((2, 3))}, "batch_replicas": True}, "needs replicas=True"),
        ({"parameters": {"w": np.zeros((2, 3))}, "replicas": True, "batch_replicas": True},
         r"batch: expected 2 replicas along the first axis, given \(3,\)"),
        ({"dtype": int}, "float32 or float64, not int64"),
        ({"dtype": np.float16}, "float32 or float64"),
        ({"checkpoint": "x", "every": 0}, "every 1 or more steps"),
        ({"resume": True}, "name it with checkpoint="),
        ({"steps": -1}, "0 steps are made already"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(m.ModelError, match=message):
        small(**options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: m.SGD(-0.1),
        lambda: m.SGD(float("nan")),
        lambda: m.SGD(0.1, momentum=1.0),
        lambda: m.SGD(0.1, nesterov=True),
        lambda: m.SGD(0.1, weight_decay=-1.0),
        lambda: m.Adam(0.1, beta1=1.0),
        lambda: m.Adam(0.1, epsilon=-1e-8),
        lambda: m.RMSProp(0.1, decay=1.5),
        lambda: m.Adagrad(0.1, epsilon=float("nan")),
        lambda: m.Averaged(m.SGD(0.1), start_step=-1),
    ],
)
def test_an_optimiser_that_cannot_be_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"is (at least|in|one of)"):
        make()


@pytest.mark.parametrize("block", [0, -2, 2.5])
def test_a_block_holds_replicas(block: Any) -> None:
    loss = lambda p, b, run: F.sum(p["w"])  # noqa: E731
    with pytest.raises(ValueError, match="block is an integer of at least 1"):
        m.Trainer(loss, {"w": np.zeros((4, 3))}, m.SGD(0.1), replicas=True, block=block)


def test_adam_without_memory_is_a_signed_step() -> None:
    adam = m.Adam(0.1, beta1=0.0, beta2=0.0, epsilon=0.0)
    run = small(optimiser=adam, steps=1, batches=lambda step: np.array([-2.0, 0.5, 3.0]))
    np.testing.assert_allclose(run.parameters["w"], [-0.1, 0.1, 0.1])


def test_a_nan_of_the_optimiser_is_its_own() -> None:
    with pytest.raises(m.NonFiniteError, match=r"step 0: NaN first appears in the optimiser \(div\)"):
        small(optimiser=m.Adagrad(0.1, epsilon=0.0))  # a gradient of exactly zero: 0 / 0


def test_progress_may_be_true(capsys: pytest.CaptureFixture[str]) -> None:
    small(progress=True)
    assert "step 5 of 5" in capsys.readouterr().err


def test_a_run_draws_its_curve() -> None:
    assert small().svg().startswith("<svg") and small()._repr_svg_() == small().svg()


@pytest.mark.parametrize(
    ("parameter", "batch", "message"),
    [
        (np.nan, 1.0, r"step 0: NaN .* the given parameters: w$"),
        (1.0, np.inf, r"step 0: an infinity .* given: batch\.b$"),
    ],
)
def test_what_was_given_is_not_blamed_on_the_loss(parameter: float, batch: float, message: str) -> None:
    with pytest.raises(m.NonFiniteError, match=message):
        small(
            parameters={"v": np.zeros(2), "w": np.full(3, parameter)},
            batches=lambda step: {"a": np.zeros(2), "b": np.full(3, batch)},
            loss=lambda p, b, run: F.sum(F.square(p["w"] - b["b"])) + F.sum(p["v"] * b["a"]),
        )


# --- checkpoints that would lose work, or mix it up -----------------------------------------------------------------


@pytest.mark.parametrize("where", ["folder", "below a file", "no such place"])
def test_a_place_that_cannot_be_written_is_known_before_the_first_step(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    path = {"folder": tmp_path, "below a file": tmp_path / "file" / "x.npz", "no such place": Path("/proc/none/x.npz")}
    drawn: list[int] = []

    def batches(step: int) -> Any:
        drawn.append(step)
        return np.zeros(3)

    with pytest.raises(m.ModelError, match="checkpoint"):
        small(batches=batches, checkpoint=path[where])
    assert not drawn


def test_a_network_of_the_same_shapes_is_another_network(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    x, y = np.ones((4, 2)), np.ones((4, 1))

    def fitted(activation: m.Layer, steps: int, batch: int = 4) -> m.Training:
        net = m.Sequential(m.Linear(2, 3), activation, m.Linear(3, 1))
        loss = lambda p, b, run: m.squared_error(net(p, b[0], run), b[1])  # noqa: E731
        return m.train(
            loss, net.init(0), lambda k: (x[:batch], y[:batch]), optimiser=m.SGD(0.1), steps=steps, checkpoint=path,
            resume=True,
        )  # fmt: skip

    fitted(m.Tanh(), 3)
    with pytest.raises(m.ModelError, match="another function of the parameters"):
        fitted(m.ReLU(), 6)
    assert len(fitted(m.Tanh(), 6).losses) == 6
    assert len(fitted(m.Tanh(), 8, batch=2).losses) == 8  # the same network on other batches goes on
    with pytest.raises(m.ModelError, match="another function of the parameters"):
        fitted(m.ReLU(), 9, batch=2)


@pytest.mark.parametrize("first", [m.Adagrad(0.1), m.Averaged(m.SGD(0.1))])
def test_another_optimiser_with_as_many_slots_is_refused(tmp_path: Path, first: m.Optimiser) -> None:
    path = tmp_path / "run.npz"
    small(optimiser=first, checkpoint=path)
    with pytest.raises(m.ModelError, match="optimiser"):
        small(optimiser=m.RMSProp(0.1), checkpoint=path, resume=True, steps=6)


@pytest.mark.parametrize("content", ["text", "npy", "npz", "pickle", "folder"])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.npz"
    if content == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            {
                "text": lambda: file.write(b"hello"),
                "npy": lambda: np.save(file, np.ones(3)),
                "npz": lambda: np.savez(file, a=np.ones(3)),
                "pickle": lambda: pickle.dump({"steps": 3}, file),
            }[content]()
    with pytest.raises(m.ModelError, match=r"no checkpoint: (?!.*pickle)"):
        small(checkpoint=path, resume=True)


def test_fewer_steps_than_are_made_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    small(checkpoint=path, steps=5)
    assert len(small(checkpoint=path, steps=5, resume=True).losses) == 5
    with pytest.raises(m.ModelError, match="5 steps are made already"):
        small(checkpoint=path, steps=3, resume=True)


KILLED = """
import sys
import numpy as np
import derivcheck.models as m
net = m.Linear(300, 300)
x = np.random.default_rng(0).standard_normal((4, 300))
m.train(lambda p, b, run: m.mean(m.square(net(p, b, run) - 1.0)), net.init(0), lambda k: x, optimiser=m.Adam(1e-3),
        steps=10**6, checkpoint=sys.argv[1], every=1, resume=True,
        progress=lambda *_: None)
"""


def test_a_run_that_is_killed_again_and_again_goes_on(tmp_path: Path) -> None:
    """Nearly all of its time is spent in writing checkpoints; what is found is always whole, and never older."""
    path, reached = tmp_path / "run.npz", 0
    for attempt in range(4):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)])
        steps = reached
        while steps < reached + 2 + attempt:
            assert process.poll() is None
            if path.exists():
                with np.load(path) as saved:
                    steps = len(saved["losses"])
        process.kill()
        process.wait()
        with np.load(path) as saved:
            assert len(saved["losses"]) >= steps
            reached = len(saved["losses"])


STOPPED = """
import signal
import sys
import numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
import derivcheck.models as m
def batches(step):
    if step == 20:
        print("running", flush=True)
    return np.ones(3)
try:
    m.train(lambda p, b, run: m.sum(m.square(p["w"] - b)), {"w": np.zeros(3)}, batches, optimiser=m.SGD(0.01),
            steps=10**7, checkpoint=sys.argv[1] or None, every=10**6)
except m.Interrupted as stop:
    print(len(stop.training.losses), float(stop.training.parameters["w"][0]), str(stop))
"""


@pytest.mark.parametrize("saved", [True, False])
def test_ctrl_c_loses_no_work(tmp_path: Path, saved: bool) -> None:
    path = tmp_path / "run.npz"
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(path) if saved else ""], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    steps, weight, told = process.communicate()[0].split(" ", 2)
    assert process.returncode == 0
    assert int(steps) >= 20 and f"stopped after step {steps} of" in told
    # Every step multiplies the distance by 0.98: parameters and losses belong to the same step.
    np.testing.assert_allclose(float(weight), 1.0 - 0.98 ** int(steps), rtol=1e-9)
    assert path.exists() == saved
    if saved:
        with np.load(path) as found:
            assert len(found["losses"]) == int(steps)


def test_a_second_ctrl_c_does_not_wait() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _interrupted_twice()
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupted_twice() -> None:
    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_ones_own_stays() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        small(batches=lambda step: (signal.raise_signal(signal.SIGINT), np.zeros(3))[1])
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT] * 5
