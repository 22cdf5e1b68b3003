"""The comparison of a network's numbers with a prediction: what must pass passes, and everything else does not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from derivcheck.engine.results import Outcome
from derivcheck.engine.witnesses import compare, measure
from derivcheck.problem import Measurement, NotRun, Reading


def reading(
    predicted: ArrayLike, measured: ArrayLike, tolerance: ArrayLike = 0.1, near: dict[str, ArrayLike] | None = None
) -> Reading:
    misses = {"far": np.asarray(predicted, dtype=float) + 5} if near is None else near
    return Reading(
        np.asarray(predicted, dtype=float),
        np.asarray(measured, dtype=float),
        np.asarray(tolerance, dtype=float),
        {k: np.asarray(v, dtype=float) for k, v in misses.items()},
        1e-9,
    )


def test_within_tolerance_confirms() -> None:
    found = compare(reading([1.0, 2.0], [1.05, 1.95]))
    assert found.outcome is Outcome.CONFIRMS
    assert found.detail["predicted"] == [1.0, 2.0] and found.detail["tolerance"] == 0.1


def test_one_entry_beyond_its_tolerance_refutes_and_is_named() -> None:
    found = compare(reading([1.0, 2.0, 3.0], [1.0, 2.3, 3.0]))
    assert found.outcome is Outcome.REFUTES
    assert "2.3" in found.reason and "predicted 2" in found.reason


def test_a_tolerance_of_zero_is_exact() -> None:
    assert compare(reading([1.0], [1.0], 0.0)).outcome is Outcome.CONFIRMS
    assert compare(reading([1.0], [np.nextafter(1.0, 2)], 0.0)).outcome is Outcome.REFUTES


def test_a_near_miss_that_passes_makes_it_abstain() -> None:
    found = compare(reading([1.0], [1.0], 0.1, {"far": [2.0], "close": [1.05]}))
    assert found.outcome is Outcome.ABSTAINS and found.code == "DC501" and "close" in found.reason


def test_without_near_misses_it_shows_nothing() -> None:
    assert compare(reading([1.0], [1.0], 0.1, {})).code == "DC502"


@pytest.mark.parametrize(
    "ill_posed",
    [
        reading([1.0], [1.0, 2.0], 0.1),
        reading([], [], 0.1),
        reading([np.nan], [1.0], 0.1, {"far": [5.0]}),
        reading([np.inf], [np.inf], 0.1, {"far": [5.0]}),
        reading([1.0], [1.0], np.inf),
        reading([1.0], [1.0], np.nan),
        reading([1.0], [1.0], -0.1),
        reading([1.0, 2.0], [1.0, 2.0], [0.1, 0.1, 0.1]),
        reading([1.0], [1.0], 0.1, {"not a number": [np.nan]}),
        reading([1.0], [1.0], 0.1, {"another shape": [5.0, 5.0]}),
    ],
)
def test_what_is_ill_posed_abstains(ill_posed: Reading) -> None:
    found = compare(ill_posed)
    assert found.outcome is Outcome.ABSTAINS and found.code == "DC502"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_network_that_diverges_refutes(value: float) -> None:
    found = compare(reading([1.0, 1.0], [1.0, value]))
    assert found.outcome is Outcome.REFUTES
    assert found.detail["measured"] == [1.0, None], "JSON holds no NaN"


def test_not_run_says_what_to_install() -> None:
    def run(seed: np.random.SeedSequence) -> Reading:
        raise NotRun("pip install digits")

    found = measure(Measurement("m", "needs digits", run), np.random.SeedSequence(1))
    assert found.outcome is Outcome.NOT_RUN and "pip install digits" in found.reason
