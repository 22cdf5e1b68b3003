"""Whole training steps, compiled in every way, against the drawn graph evaluated node by node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plain_parts import plain_machine

import derivcheck.models as m
from derivcheck.models.passes import plan as planning

F = m.functional


class Head(m.Composite):
    """The last of the outputs of a recurrent layer, mapped to one number."""

    def forward(self, p: Any, x: Any, run: m.Run) -> Any:
        return self.child("out", p, self.child("body", p, x, run)[:, -1], run)


def mlp() -> tuple[m.Layer, Any, Any]:
    net = m.Sequential(m.Linear(5, 8), m.BatchNorm(8, averaging="bonus"), m.ReLU(), m.Dropout(0.2), m.Linear(8, 3))
    return net, (12, 5), m.cross_entropy


def cnn() -> tuple[m.Layer, Any, Any]:
    net = m.Sequential(
        m.Conv2d(2, 4, 3, padding=1), m.BatchNorm(4), m.ReLU(), m.MaxPool2d(2),
        m.Residual(m.Sequential(m.Conv2d(4, 4, 3, padding=1), m.Tanh())), m.Conv2d(4, 3, 3), m.ReLU(), m.AvgPool2d(2),
        m.Flatten(), m.Linear(3, 3),
    )  # fmt: skip
    return net, (6, 2, 8, 8), m.cross_entropy


def rnn() -> tuple[m.Layer, Any, Any]:
    return Head(body=m.RNN(3, 6), out=m.Linear(6, 3)), (5, 7, 3), m.cross_entropy


def lstm() -> tuple[m.Layer, Any, Any]:
    return Head(body=m.LSTM(3, 4), out=m.Linear(4, 3)), (5, 4, 3), m.cross_entropy


def gru() -> tuple[m.Layer, Any, Any]:
    return Head(body=m.GRU(3, 4), out=m.Linear(4, 3)), (5, 4, 3), m.cross_entropy


def transformer() -> tuple[m.Layer, Any, Any]:
    block = m.Sequential(m.LayerNorm(6), m.MultiHeadAttention(6, 2, causal=True))
    feed = m.Sequential(m.LayerNorm(6), m.Linear(6, 12), m.SiLU(), m.Linear(12, 6))
    body = m.Sequential(m.LearnedPositions(4, 6), m.Residual(block), m.Residual(feed))
    return Head(body=body, out=m.Linear(6, 3)), (5, 4, 6), m.cross_entropy


NETWORKS = {f.__name__: f for f in (mlp, cnn, rnn, lstm, gru, transformer)}
OPTIMISERS = {
    # A bias before batch normalisation has gradient 0: with a tiny epsilon Adam would blow up its rounding.
    "adam": m.Adam(1e-2, epsilon=1e-3, weight_decay=0.01),
    "averaged": m.Averaged(m.SGD(m.robbins_monro(0.1, 5.0), momentum=0.9, nesterov=True)),
}


@pytest.fixture(params=["numpy", "small cache", "parts"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How programs are compiled; compiled parts run as plain Python."""
    if request.param == "small cache":
        monkeypatch.setattr(planning, "CACHE", 128)

    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)
    return "numba" if request.param == "parts" else "numpy"


@pytest.mark.parametrize("replicas", [None, 3])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_three_steps(name: str, optimiser: str, replicas: int | None, backend: str) -> None:
    three_steps(name, optimiser, replicas, backend)


def three_steps(name: str, optimiser: str, replicas: int | None, backend: str) -> m.Program:
    """Compare three steps with the drawn graphs; the program of the last one."""
    net, shape, loss = NETWORKS[name]()
    rng = np.random.default_rng(0)
    trainer = m.Trainer(
        lambda p, b, run: loss(net(p, b[0], run), b[1]),
        net.init(1, replicas),
        OPTIMISERS[optimiser],
        state=net.init_state(replicas),
        replicas=replicas is not None,
        block=2,
        backend=backend,
    )
    stream = np.random.Generator(np.random.SFC64())
    stream.bit_generator.state = trainer.generator.bit_generator.state
    expected = [[x.copy() for x in block.resident] for block in trainer._blocks]
    for step in range(3):
        batch = rng.standard_normal(shape), rng.integers(0, 3, shape[0])
        made = trainer._build(batch)
        losses = []
        for i, (graph, block) in enumerate(zip(made.graphs, trainer._blocks, strict=True)):
            given = [*expected[i], np.array(step + 1.0), stream, *made.converted(trainer._part(batch, block))]
            value, *expected[i] = graph.evaluate(given)
            losses.append(value)
        got = trainer.step(batch)
        np.testing.assert_allclose(
            got, np.concatenate([np.atleast_1d(x) for x in losses]).reshape(got.shape), rtol=1e-9
        )
        for block, arrays in zip(trainer._blocks, expected, strict=True):
            for a, b in zip(block.resident, arrays, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    return trainer.compile(batch)


def test_slots_are_updated_where_they_stand() -> None:
    """Not even a slot times its decay takes memory of its own."""
    net = m.Linear(3, 2)
    trainer = m.Trainer(lambda p, x, run: m.mean(m.square(net(p, x, run))), net.init(0), m.Adam())
    program = trainer.compile(np.ones((4, 3)))
    for slot in trainer._blocks[0].slots.values():
        there = [t.primitive for t, array in program.plan.static.items() if np.shares_memory(array, slot)]
        assert {"variable", "mul", "add"} <= set(there)
