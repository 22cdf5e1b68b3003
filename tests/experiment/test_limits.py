"""Limits on a geometric grid: supported, refuted, and what promises nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivcheck.experiment import Outcome, check_limit

INFINITY = math.inf
Case = tuple[str, Callable[[Any], Any], float, float, float]

CONVERGE: list[Case] = [
    ("sin t / t at 0", lambda t: np.sin(t) / t, 1.0, 0.5, 0.0),
    ("sin t / t at 0 from below", lambda t: np.sin(t) / t, 1.0, -0.5, 0.0),
    ("(1 - cos t)/t² at 0", lambda t: (1 - np.cos(t)) / t**2, 0.5, 0.5, 0.0),
    ("bonus step size", lambda a: a / (1 - (1 - a) ** 7), 1 / 7, 0.5, 0.0),
    ("1 + 1/t", lambda t: 1 + 1 / t, 1.0, 1.0, INFINITY),
    ("1 + 1/t to -∞", lambda t: 1 + 1 / t, 1.0, -1.0, -INFINITY),
    ("(1 + 1/t)^t", lambda t: (1 + 1 / t) ** t, math.e, 1.0, INFINITY),
    ("sin t / t at ∞", lambda t: np.sin(t) / t, 0.0, 1.0, INFINITY),
    ("log t / t", lambda t: np.log(t) / t, 0.0, 2.0, INFINITY),
    ("1 - 0.9^t", lambda t: 1 - 0.9**t, 1.0, 1.0, INFINITY),
    ("1 - 0.999^t", lambda t: 1 - 0.999**t, 1.0, 1.0, INFINITY),
    ("exp(-t)", lambda t: np.exp(-t), 0.0, 1.0, INFINITY),
    ("(t³ - 1)/(t - 1) at 1", lambda t: (t**3 - 1) / (t - 1), 3.0, 2.0, 1.0),
    ("√t at 0", np.sqrt, 0.0, 1.0, 0.0),
    ("constant", lambda t: 2.0 + 0 * t, 2.0, 1.0, INFINITY),
]


def run(case: Case, error: float = 0.0, size: float = 1.0, **options: Any) -> Any:
    _, g, limit, start, toward = case
    scale = size * (abs(limit) or 1.0)
    return check_limit(
        lambda t: size * g(t),
        size * limit + error * scale,
        start=start,
        toward=toward,
        scale=scale,
        scale_name="the limit",
        **options,
    )


@pytest.mark.parametrize("ratio", [1.9, 2.0, 4.0])
@pytest.mark.parametrize("size", [1e-7, 1.0, 1e7])
@pytest.mark.parametrize("case", CONVERGE, ids=lambda c: c[0])
def test_true_limits_are_supported_and_never_more(case: Case, size: float, ratio: float) -> None:
    options: dict[str, Any] = {"ratio": ratio, "levels": 48 if ratio < 3 else 24}
    result = run(case, size=size, **options)
    assert result.outcome is Outcome.SUPPORTS, result.reason
    assert result.false_alarm is None and "not certified" in result.justification
    for error in (-0.1, 1e-2, 1e-3, -1e-4):
        wrong = run(case, error, size, **options)
        assert wrong.outcome is Outcome.REFUTES, wrong.reason


@pytest.mark.parametrize(
    "case",
    [
        ("1/log t", lambda t: 1 / np.log(t), 0.0, 2.0, INFINITY),
        ("1/log log t", lambda t: 1 / np.log(np.log(t)), 0.0, 4.0, INFINITY),
        ("t^-0.1", lambda t: t**-0.1, 0.0, 2.0, INFINITY),
        ("sine", np.sin, 0.0, 1.0, INFINITY),
        ("t", lambda t: t, 1.0, 1.0, INFINITY),
        ("log t", np.log, 1.0, 1.0, INFINITY),
        ("sin 1/t at 0", lambda t: np.sin(1 / t), 0.0, 1.0, 0.0),
        ("NaN", lambda t: np.sqrt(-t), 0.0, 1.0, INFINITY),
        ("overflow", np.exp, 1.0, 400.0, INFINITY),
        ("claimed infinite", lambda t: t, math.inf, 1.0, INFINITY),
    ],
    ids=lambda c: c[0],
)
def test_what_does_not_settle_promises_nothing(case: Case) -> None:
    _, g, limit, start, toward = case
    with np.errstate(all="ignore"):
        result = check_limit(g, limit, start=start, toward=toward, scale=1.0, scale_name="one")
    assert result.outcome is Outcome.ABSTAINS, result.reason
    assert result.detectable == math.inf or result.detectable > 1e-3


@settings(max_examples=200, deadline=None)
@given(st.floats(0.5, 3.0), st.floats(-5.0, 5.0), st.floats(0.1, 10.0), st.integers(-7, 7))
def test_power_laws(power: float, limit: float, factor: float, size: int) -> None:
    """L + c·t^(-p) tends to L; errors above the reported limit are refuted."""
    s = 10.0**size
    options: dict[str, Any] = {"start": 1.0, "toward": INFINITY, "scale": s, "scale_name": "unit"}
    true = check_limit(lambda t: s * (limit + factor * t**-power), s * limit, **options)
    assert true.outcome is Outcome.SUPPORTS, true.reason
    assert true.detectable is not None and true.detectable < 1e-3
    wrong = check_limit(lambda t: s * (limit + factor * t**-power), s * (limit + 1.01 * true.detectable), **options)
    assert wrong.outcome is Outcome.REFUTES


def test_one_call() -> None:
    calls = []

    def g(t: Any) -> Any:
        calls.append(t)
        return 1 / t

    result = check_limit(g, 0.0, start=1.0, toward=INFINITY, scale=1.0, scale_name="one", levels=20)
    assert len(calls) == 1 and result.n == 20


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"start": 0.0, "toward": 0.0}, "approached"),
        ({"start": -1.0, "toward": INFINITY}, "way"),
        ({"start": 1.0, "toward": 0.0, "scale": 0.0}, "range"),
        ({"start": 1.0, "toward": 0.0, "ratio": 1.0}, "range"),
        ({"start": 1.0, "toward": 0.0, "levels": 3}, "range"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        check_limit(np.sin, 0.0, **{"scale": 1.0, "scale_name": "one", **options})
