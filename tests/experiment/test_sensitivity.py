"""Planted errors: what is planted, and what may be said of a check that catches it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derivcheck.experiment import Outcome, check_gradient, plant, smallest_caught
from derivcheck.experiment.sensitivity import PLANTED


@given(st.floats(1e-7, 1.0))
def test_the_smallest_error_caught(threshold: float) -> None:
    found = smallest_caught(lambda error: Outcome.REFUTES if error >= threshold else Outcome.CONFIRMS)
    caught = [error for error in PLANTED if error >= threshold]
    assert found.smallest == (min(caught) if caught else None)
    assert [error for error, _ in found.planted] == sorted(PLANTED, reverse=True)


def test_a_check_that_always_refutes_catches_nothing() -> None:
    found = smallest_caught(lambda error: Outcome.REFUTES)
    assert found.unplanted is Outcome.REFUTES and found.smallest is None


def test_a_lucky_catch_below_a_miss_does_not_count() -> None:
    found = smallest_caught(
        lambda error: Outcome.ABSTAINS if error == 1e-2 else Outcome.REFUTES if error else Outcome.CONFIRMS
    )
    assert found.smallest == 1e-1


def test_abstaining_is_not_catching() -> None:
    assert smallest_caught(lambda error: Outcome.ABSTAINS).smallest is None


def test_a_gradient_check_catches_a_millionth() -> None:
    x = np.array([0.3, 1.0, 2.0])

    def check(error: float) -> Outcome:
        return check_gradient(lambda r: np.sin(r).sum(axis=1), x, plant(np.cos(x), error)).result.outcome

    assert smallest_caught(check).smallest == 1e-6


def test_planting() -> None:
    claimed = np.array([[1.0, -4.0], [0.0, 2.0]])
    np.testing.assert_allclose(plant(claimed, 0.1), [[1.0, -3.6], [0.0, 2.0]])
    np.testing.assert_allclose(plant(claimed, 0.1, entry=(1, 1)), [[1.0, -4.0], [0.0, 2.2]])
    np.testing.assert_allclose(plant(claimed, 0.1, scale=10.0, entry=(1, 0)), [[1.0, -4.0], [1.0, 2.0]])
    np.testing.assert_allclose(claimed, [[1.0, -4.0], [0.0, 2.0]])
    assert plant(2.0, 0.5) == 3.0


def test_planting_relative_to_zero_is_an_error() -> None:
    with pytest.raises(ValueError, match="zero"):
        plant(np.zeros(3), 0.1)
