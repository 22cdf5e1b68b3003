"""Every layer, loss, optimiser and initialiser equals its PyTorch twin, in float64, to 1e-10.

Layers and losses: forward and backward. With PyTorch installed the twins run; their recorded values are compared in any
case. In continuous integration (``CI`` set) a missing PyTorch is a failure.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from twin_cases import Values, case, ours, theirs
from twin_optimisers import INITIALISERS, OPTIMISERS
from twins import (
    FAMILIES,
    SEEDS,
    initial,
    joined,
    recorded,
    recorded_initial,
    recorded_trajectory,
    trajectory,
)

import derivcheck.models as m
from derivcheck.models import losses

LIVE = importlib.util.find_spec("torch") is not None
TOLERANCE = 1e-10


def near(name: str, x: Any, y: Any) -> None:
    assert x.shape == y.shape, name
    scale = max(1.0, float(np.abs(y).max(initial=0.0)))
    assert float(np.abs(x - y).max(initial=0.0)) <= TOLERANCE * scale, name


def close(a: Values, b: Values) -> None:
    assert a.named().keys() == b.named().keys()
    for name, x in a.named().items():
        near(name, x, b.named()[name])


def test_torch_is_there_in_continuous_integration() -> None:
    if os.environ.get("CI"):
        assert LIVE, "continuous integration must run the live twins: install torch==2.13.0"
        assert importlib.metadata.version("torch").startswith("2.13.0")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_twin(family: str, seed: int) -> None:
    made, parameters, _ = case(FAMILIES[family], family, seed)
    inputs, vector, reference, cotangents = recorded(family, seed)
    for x, saved in zip((*m.leaves(made.x), joined(parameters)), (*inputs, vector), strict=True):
        np.testing.assert_array_equal(x, saved)  # the recording is of this very case
    close(ours(made, parameters, cotangents), reference)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_recorded_trajectory(name: str, seed: int) -> None:
    near(name, trajectory(name, seed).our_iterates(), recorded_trajectory(name, seed))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", INITIALISERS)
def test_recorded_initial_values(name: str, seed: int) -> None:
    source, wanted = recorded_initial(name, seed)
    near(name, initial(name, seed).our_values(source), wanted)


if LIVE:

    @pytest.mark.parametrize("seed", range(100, 112))
    @pytest.mark.parametrize("family", FAMILIES)
    def test_live_twin(family: str, seed: int) -> None:
        made, parameters, rng = case(FAMILIES[family], family, seed)
        reference, cotangents = theirs(made, parameters, rng)
        close(ours(made, parameters, cotangents), reference)

    @pytest.mark.parametrize("seed", range(100, 106))
    @pytest.mark.parametrize("name", OPTIMISERS)
    def test_live_trajectory(name: str, seed: int) -> None:
        """Twenty steps on a nonconvex function, from the same point."""
        drawn = trajectory(name, seed)
        near(name, drawn.our_iterates(), drawn.their_iterates())

    @pytest.mark.parametrize("seed", range(100, 106))
    @pytest.mark.parametrize("name", INITIALISERS)
    def test_live_initial_values(name: str, seed: int) -> None:
        """The same random numbers become the same initial values."""
        drawn = initial(name, seed)
        near(name, drawn.our_values(drawn.source(seed)), drawn.their_values(seed))


# --- nothing without a twin -----------------------------------------------------------------------------------------

#: Base classes: what they do shows in their subclasses.
ABSTRACT = {m.Layer, m.Composite, m.Activation, m.Initialiser, m.CentredLaw, m.Optimiser, m.GradientMethod}


def public(base: type) -> set[type]:
    found = (getattr(m, name) for name in m.__all__)
    return {c for c in found if inspect.isclass(c) and issubclass(c, base)} - ABSTRACT


def inside(layer: m.Layer) -> Iterator[m.Layer]:
    """A layer and all that it is made of."""
    yield layer
    for part in vars(layer).values():
        for child in part.values() if isinstance(part, dict) else (part,):
            if isinstance(child, m.Layer):
                yield from inside(child)


def test_every_layer_has_a_twin() -> None:
    drawn = [case(draw, family, seed)[0].layer for family, draw in FAMILIES.items() for seed in SEEDS]
    used = {type(part) for layer in drawn for part in inside(layer)}
    functions = {part.function for layer in drawn for part in inside(layer) if isinstance(part, m.Activation)}
    assert {c for c in public(m.Layer) if not issubclass(c, m.Activation)} <= used
    assert {c().function for c in public(m.Activation)} <= functions
    assert {m.activation(name) for name in m.TABLE} <= functions


def test_every_loss_optimiser_and_initialiser_has_a_twin() -> None:
    assert set(losses.__all__) <= set(FAMILIES)
    assert public(m.Optimiser) == {type(trajectory(name, 0).ours) for name in OPTIMISERS}
    assert public(m.Initialiser) == {type(initial(name, 0).ours) for name in INITIALISERS}


# --- the comparison can fail ------------------------------------------------------------------------------------------


def test_a_small_difference_is_noticed() -> None:
    made, parameters, rng = case(FAMILIES["linear"], "linear", 0)
    cotangents = [rng.standard_normal(made.layer(parameters, made.x).shape)]
    right = ours(made, parameters, cotangents)
    wrong = {k: v.copy() for k, v in right.gradients.items()}
    wrong["weight"].flat[0] += 1e-8
    with pytest.raises(AssertionError, match="weight"):
        close(Values(right.outputs, wrong), right)
