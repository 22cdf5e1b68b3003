"""Second differences: true Hessians, planted errors, and kinks of the second derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivcheck.experiment import Outcome, check_hessian, plant, rng

SCALES = [1e-7, 1.0, 1e7]
YES, NO, OPEN = Outcome.CONFIRMS, Outcome.REFUTES, Outcome.ABSTAINS


def log_sum_exp(rows: Any) -> Any:
    return np.log(np.exp(rows).sum(axis=1))


def log_sum_exp_hessian(z: Any) -> Any:
    p = np.exp(z) / np.exp(z).sum()
    return np.diag(p) - np.outer(p, p)


@pytest.mark.parametrize("scale", SCALES)
def test_log_sum_exp(scale: float) -> None:
    z = rng(1, "hessian").standard_normal(5)
    hessian = scale * log_sum_exp_hessian(z)
    assert check_hessian(lambda rows: scale * log_sum_exp(rows), z, hessian).result.outcome is YES
    for entry in np.ndindex(5, 5):
        for error in (0.5, 1e-3):
            wrong = check_hessian(lambda rows: scale * log_sum_exp(rows), z, plant(hessian, error, entry=entry))
            assert wrong.result.outcome is NO
            assert wrong.status[0, 0].astype(bool).sum() == 1


TABLE: list[tuple[str, Callable[[Any], Any], list[float], list[list[float]], Outcome]] = [
    ("polynomial", lambda r: r[:, 0] ** 2 * r[:, 1], [0.5, 2.0], [[4.0, 1.0], [1.0, 0.0]], YES),
    ("not symmetric", lambda r: r[:, 0] ** 2 * r[:, 1], [0.5, 2.0], [[4.0, 1.0], [1.01, 0.0]], NO),
    ("log near its pole", lambda r: np.log(r[:, 0]) * r[:, 1], [1e-7, 1.0], [[-1e14, 1e7], [1e7, 0.0]], YES),
    ("log, half off", lambda r: np.log(r[:, 0]) * r[:, 1], [1e-7, 1.0], [[-1e14, 1.5e7], [1.5e7, 0.0]], NO),
    ("linear", lambda r: 3.0 * r[:, 0], [0.0], [[0.0]], YES),
    ("linear, wrong", lambda r: 3.0 * r[:, 0], [0.0], [[1e-3]], NO),
    ("relu² at 0", lambda r: np.maximum(r[:, 0], 0) ** 2, [0.0], [[1.0]], OPEN),
    ("x|x| at 0", lambda r: r[:, 0] * np.abs(r[:, 0]), [0.0], [[0.0]], OPEN),
    ("relu at 0", lambda r: np.maximum(r[:, 0], 0), [0.0], [[0.0]], OPEN),
    ("|x| |y| at 0", lambda r: np.abs(r[:, 0] * r[:, 1]), [0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]], OPEN),
    ("relu(x) relu(y) at 0", lambda r: np.maximum(r, 0).prod(axis=1), [0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]], OPEN),
    ("log at its pole", lambda r: np.log(r[:, 0]), [0.0], [[0.0]], OPEN),
]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("name", "function", "x", "hessian", "outcome"), TABLE, ids=[row[0] for row in TABLE])
def test_table(
    name: str,
    function: Callable[[Any], Any],
    x: list[float],
    hessian: list[list[float]],
    outcome: Outcome,
    scale: float,
) -> None:
    check = check_hessian(lambda rows: scale * function(rows), np.array(x), scale * np.array(hessian))
    assert check.result.outcome is outcome, check.result.reason


def test_several_points_and_outputs() -> None:
    x = rng(2, "points").standard_normal((3, 2))

    def function(rows: Any) -> Any:
        return np.stack([np.sin(rows[:, 0] * rows[:, 1]), rows[:, 0] ** 3], axis=1)

    a, b = x.T
    product = a * b
    mixed = np.cos(product) - product * np.sin(product)
    hessian = np.zeros((3, 2, 2, 2))
    hessian[:, 0] = np.array([[-(b**2) * np.sin(product), mixed], [mixed, -(a**2) * np.sin(product)]]).T
    hessian[:, 1, 0, 0] = 6 * a
    assert check_hessian(function, x, hessian).result.outcome is YES
    check = check_hessian(function, x, plant(hessian, 0.01, entry=(2, 1, 0, 0)))
    assert check.result.outcome is NO and "f[1]" in check.result.reason and "point 2" in check.result.reason


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(-7, 7), st.integers(-4, 4))
def test_random_quartics(seed: int, size: int, unit: int) -> None:
    """f = Σ (w·x)⁴ + (v·x)², in any unit."""
    g = rng(seed, "quartic")
    d = int(g.integers(1, 4))
    x, scale = g.standard_normal(d) * 10.0**unit, 10.0**size
    w, v = (g.standard_normal((d, 3)) / 10.0**unit for _ in range(2))
    hessian = scale * (12 * (w * (x @ w) ** 2) @ w.T + 2 * v @ v.T)
    check = check_hessian(lambda r: scale * ((r @ w) ** 4 + (r @ v) ** 2).sum(axis=1), x, hessian)
    assert check.result.outcome is not NO, check.result.reason
    wrong = check_hessian(lambda r: scale * ((r @ w) ** 4 + (r @ v) ** 2).sum(axis=1), x, plant(hessian, 0.01))
    assert wrong.result.outcome is NO


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="go with"):
        check_hessian(lambda rows: rows.sum(axis=1), np.zeros(2), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="outputs"):
        check_hessian(lambda rows: rows, np.zeros(2), np.zeros((2, 2)))
