"""Every layer equals its PyTorch twin, forward and backward, in float64, to 1e-10.

With PyTorch installed the twins run; without it, their recorded values are used, except in continuous integration
(``CI`` set), where a missing PyTorch is a failure.
"""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest
from twin_cases import FAMILIES, RECORDED, SEEDS, Values, case, ours, twins

import derivcheck.models as m

LIVE = importlib.util.find_spec("torch") is not None
TOLERANCE = 1e-10


def close(a: Values, b: Values) -> None:
    pairs = {"output": (a.output, b.output)}
    assert a.gradients.keys() == b.gradients.keys()
    pairs |= {k: (a.gradients[k], b.gradients[k]) for k in a.gradients}
    for name, (x, y) in pairs.items():
        assert x.shape == y.shape, name
        scale = max(1.0, float(np.abs(y).max(initial=0.0)))
        assert float(np.abs(x - y).max(initial=0.0)) <= TOLERANCE * scale, name


def test_torch_is_there_in_continuous_integration() -> None:
    assert LIVE or not os.environ.get("CI"), "continuous integration must run the live twins: install torch==2.13.0"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_twin(family: str, seed: int) -> None:
    made, parameters, _ = case(family, seed)
    key = f"{family}/{seed}"
    with np.load(RECORDED) as saved:
        np.testing.assert_array_equal(made.x, saved[f"{key}/x"])  # the recording is of this very case
        gradients = {n.removeprefix(f"{key}/g/"): saved[n] for n in saved.files if n.startswith(f"{key}/g/")}
        reference, cotangent = Values(saved[f"{key}/output"], gradients), saved[f"{key}/cotangent"]
    close(ours(made, parameters, cotangent), reference)


if LIVE:

    @pytest.mark.parametrize("seed", range(100, 112))
    @pytest.mark.parametrize("family", FAMILIES)
    def test_live_twin(family: str, seed: int) -> None:
        made, parameters, rng = case(family, seed)
        reference, cotangent = twins(made, parameters, rng)
        close(ours(made, parameters, cotangent), reference)


#: Our optimiser, and the name and options of PyTorch's (``eps`` and the rate are given to both).
OPTIMISERS: dict[str, tuple[m.Optimiser, str, dict[str, object]]] = {
    "sgd": (m.SGD(0.1, weight_decay=0.02), "SGD", {"weight_decay": 0.02}),
    "momentum": (m.SGD(0.1, momentum=0.8), "SGD", {"momentum": 0.8}),
    "nesterov": (
        m.SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.02),
        "SGD",
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.02},
    ),
    "adagrad": (m.Adagrad(0.1, epsilon=1e-3), "Adagrad", {"eps": 1e-3}),
    "rmsprop": (m.RMSProp(0.1, decay=0.9, epsilon=1e-3), "RMSprop", {"alpha": 0.9, "eps": 1e-3}),
    "adam": (m.Adam(0.1, weight_decay=0.02), "Adam", {"weight_decay": 0.02}),
    "adamw": (m.Adam(0.1, weight_decay=0.02, decoupled=True), "AdamW", {"weight_decay": 0.02}),
}

if LIVE:

    @pytest.mark.parametrize("name", OPTIMISERS)
    def test_live_optimiser(name: str) -> None:
        """Twenty steps on a nonconvex function, from the same point."""
        import torch

        optimiser, twin, options = OPTIMISERS[name]
        start = np.random.default_rng(0).standard_normal(7)
        ours = m.train(
            lambda p, batch, run: m.sum(m.sin(p * p) + 0.1 * p * p),
            start,
            lambda step: 0.0,
            optimiser=optimiser,
            steps=20,
        ).parameters
        theta = torch.tensor(start, requires_grad=True)
        theirs = getattr(torch.optim, twin)([theta], 0.1, **options)
        for _ in range(20):
            theirs.zero_grad()
            (torch.sin(theta * theta) + 0.1 * theta * theta).sum().backward()
            theirs.step()
        np.testing.assert_allclose(ours, theta.detach().numpy(), rtol=0, atol=TOLERANCE)


def test_a_small_difference_is_noticed() -> None:
    made, parameters, rng = case("linear", 0)
    cotangent = rng.standard_normal(made.layer(parameters, made.x).shape)
    right = ours(made, parameters, cotangent)
    wrong = {k: v.copy() for k, v in right.gradients.items()}
    wrong["weight"].flat[0] += 1e-8
    with pytest.raises(AssertionError, match="weight"):
        close(Values(right.output, wrong), right)
