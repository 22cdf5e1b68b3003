"""Critical values against published ones and against SciPy's quantiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from derivcheck.experiment import FalseAlarmBudget
from derivcheck.experiment.budget import upper_quantile


@pytest.mark.parametrize(("checks", "z"), [(1, 4.89), (600, 6.03), (100_000, 6.81)])
def test_sharing_the_rate_is_cheap(checks: int, z: float) -> None:
    assert FalseAlarmBudget(checks).critical() == pytest.approx(z, abs=0.005)


@given(st.floats(1e-300, 0.999))
def test_quantiles_agree_with_scipy(tail: float) -> None:
    assert upper_quantile(tail) == pytest.approx(-special.ndtri(tail), rel=1e-9, abs=1e-12)


@given(st.integers(1, 10**6), st.integers(1, 100))
def test_the_shares_add_up_to_the_whole(checks: int, comparisons: int) -> None:
    budget = FalseAlarmBudget(checks, 1e-4)
    spent = checks * comparisons * 2 * special.ndtr(-budget.critical(comparisons))
    assert spent == pytest.approx(1e-4, rel=1e-8)


@pytest.mark.parametrize(("checks", "rate"), [(0, 1e-6), (5, 0.0), (5, 1.0)])
def test_a_budget_of_nothing_is_an_error(checks: int, rate: float) -> None:
    with pytest.raises(ValueError, match=r"budget|rate"):
        FalseAlarmBudget(checks, rate)


@pytest.mark.parametrize("tail", [0.0, 1.0, -1.0, float("nan")])
def test_a_tail_is_a_probability(tail: float) -> None:
    with pytest.raises(ValueError, match="tail"):
        upper_quantile(tail)
