"""Finite differences: true derivatives at every scale, planted errors, kinks, poles, and what stays undecided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivcheck.experiment import Outcome, Status, check_gradient, check_jacobian, plant, rng
from derivcheck.experiment.differences import _sweep, function_noise
from derivcheck.experiment.extrapolation import extrapolate
from derivcheck.experiment.perturb import Perturbed, typical_scale

SCALES = [1e-7, 1.0, 1e7]


def softmax(rows: Any) -> Any:
    e = np.exp(rows - rows.max(axis=1, keepdims=True).real)
    return e / e.sum(axis=1, keepdims=True)


def softmax_jacobian(z: Any) -> Any:
    p = softmax(z[None])[0]
    return np.diag(p) - np.outer(p, p)


@dataclass(frozen=True)
class Case:
    """A scalar function of one variable, a point, its derivative there, and what the check should say."""

    name: str
    function: Callable[[Any], Any]
    x: float
    derivative: float
    outcome: Outcome = Outcome.CONFIRMS
    word: str = "agree"
    unit: float | None = None


YES, NO, OPEN = Outcome.CONFIRMS, Outcome.REFUTES, Outcome.ABSTAINS

TABLE = [
    Case("sine", np.sin, 0.3, np.cos(0.3)),
    Case("sine, half as much again", np.sin, 0.3, 1.5 * np.cos(0.3), NO, "differ"),
    Case("sine, 1e-5 off", np.sin, 0.3, np.cos(0.3) * (1 + 1e-5), NO, "differ"),
    Case("log", np.log, 2.0, 0.5),
    Case("log near its pole", np.log, 1e-7, 1e7),
    Case("log near its pole, unit 1", np.log, 1e-7, 1e7, unit=1.0),
    Case("log near its pole, 1e-5 off", np.log, 1e-7, 1e7 * (1 + 1e-5), NO, "differ", unit=1.0),
    Case("log near its pole, a third off", np.log, 1e-7, 1.34e7, NO, "differ", unit=1.0),
    Case("log at its pole", np.log, 0.0, np.inf, OPEN, "not finite"),
    Case("log outside", np.log, -1.0, -1.0, OPEN, "not finite"),
    Case("1/x near its pole", lambda x: 1 / x, 1e-7, -1e14, unit=1.0),
    Case("root at its edge", np.sqrt, 0.0, 1.0, OPEN, "not finite"),
    Case("a cusp", lambda x: np.sqrt(np.abs(x)), 0.0, 0.0, OPEN, "not resolved"),
    Case("a jump", np.sign, 0.0, 0.0, OPEN, "not resolved"),
    Case("|x| at 0", np.abs, 0.0, 0.0, OPEN, "kink"),
    Case("|x| at 0, one side", np.abs, 0.0, 1.0, OPEN, "kink"),
    Case("|x| at 1e-7", np.abs, 1e-7, 1.0, unit=1.0),
    Case("|x| at -1e-7, wrong sign", np.abs, -1e-7, 1.0, NO, "differ"),
    Case("relu at 0", lambda x: np.maximum(x, 0), 0.0, 0.0, OPEN, "kink"),
    Case("relu at 0, impossible", lambda x: np.maximum(x, 0), 0.0, 1.5, OPEN, "not between them"),
    Case("relu, dead", lambda x: np.maximum(x, 0), -1.0, 0.0),
    Case("relu, dead, claimed alive", lambda x: np.maximum(x, 0), -1.0, 1e-3, NO, "differ"),
    Case("relu of 1 - x at its kink", lambda x: np.maximum(1 - x, 0), 1.0, 0.0, OPEN, "kink"),
    Case("kink a millionth away", lambda x: np.maximum(x - 1 + 1e-6, 0), 1.0, 1.0),
    Case("kink a millionth away, wrong side", lambda x: np.maximum(x - 1 + 1e-6, 0), 1.0, 0.0, NO, "differ"),
    Case("x² at 0", lambda x: x**2, 0.0, 0.0),
    Case("1 - cos at 0", lambda x: 1 - np.cos(x), 0.0, 0.0),
    Case("1 - cos at 0, wrong", lambda x: 1 - np.cos(x), 0.0, 1e-3, NO, "differ"),
    Case("exp(x) - x - 1 at 0", lambda x: np.exp(x) - x - 1, 0.0, 0.0),
    Case("cos + x at 1e-7", lambda x: np.cos(x) + x, 1e-7, 1 - 1e-7, unit=1.0),
    Case("constant", lambda x: 3.0 + 0 * x, 1.0, 0.0),
    Case("constant, wrong", lambda x: 3.0 + 0 * x, 1.0, 1e-3, NO, "differ"),
    Case("zero", lambda x: 0 * x, 1.0, 0.0),
    Case("zero, wrong", lambda x: 0 * x, 1.0, 1e-12, NO, "differ"),
    Case("large offset", lambda x: 1e3 + np.sin(x), 1.0, np.cos(1.0)),
    Case("larger offset", lambda x: 1e9 + np.sin(x), 1.0, np.cos(1.0), OPEN, "not resolved"),
    Case("larger offset, half as much again", lambda x: 1e9 + np.sin(x), 1.0, 1.5 * np.cos(1.0), NO, "differ"),
    Case("staircase", lambda x: (x + 1e8) - 1e8, 1.0, 1.0),
    Case("staircase, 1 % off", lambda x: (x + 1e8) - 1e8, 1.0, 1.01, NO, "differ"),
    Case("fast oscillation", lambda x: np.sin(1e6 * x), 1.0, 1e6 * np.cos(1e6)),
    Case("fast oscillation, taken for none", lambda x: np.sin(1e6 * x), 1.0, 0.0, NO, "differ"),
    Case("oscillation below all steps", lambda x: np.sin(1e13 * x), 1.0, 1e13 * np.cos(1e13), OPEN, "not resolved"),
    Case("ripple", lambda x: 1 + 1e-8 * np.sin(1e7 * x), 1.0, 0.1 * np.cos(1e7), OPEN, "not resolved"),
    Case("ripple, overlooked", lambda x: 1 + 1e-8 * np.sin(1e7 * x), 1.0, 0.0, NO, "differ"),
    Case("claimed NaN", np.sin, 1.0, np.nan, OPEN, "not finite"),
]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("case", TABLE, ids=lambda c: c.name)
def test_table(case: Case, scale: float) -> None:
    """Every case, with the function multiplied by 1e-7, 1 and 1e7: the verdict is the same."""
    check = check_gradient(
        lambda rows: scale * case.function(rows[:, 0]),
        np.array([case.x]),
        np.array([scale * case.derivative]),
        scale=case.unit,
    )
    assert check.result.outcome is case.outcome, check.result.reason
    assert case.word in check.result.reason


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1e6])
@pytest.mark.parametrize("case", TABLE, ids=lambda c: c.name)
def test_table_in_other_units_of_the_variable(case: Case, unit: float) -> None:
    """The same with the variable measured in another unit, which must then be declared where x = 0."""
    check = check_gradient(
        lambda rows: case.function(rows[:, 0] / unit),
        np.array([case.x * unit]),
        np.array([case.derivative / unit]),
        scale=None if case.x and case.unit is None else unit * (case.unit or 1.0),
    )
    assert check.result.outcome is case.outcome, check.result.reason


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("error", [0.5, 1e-1, 1e-3, 1e-5])
def test_an_error_in_one_entry_of_a_jacobian_is_caught(scale: float, error: float) -> None:
    z = rng(1, "softmax").standard_normal(20)
    jacobian = scale * softmax_jacobian(z)
    entries = rng(2, "entries").integers(20, size=(10, 2))
    assert check_jacobian(lambda rows: scale * softmax(rows), z, jacobian).result.outcome is YES
    for i, j in entries:
        wrong = plant(jacobian, error, entry=(i, j))
        check = check_jacobian(lambda rows: scale * softmax(rows), z, wrong)
        assert check.result.outcome is NO
        assert np.argwhere(check.status == Status.REFUTED).tolist() == [[0, i, j]]
        assert f"∂f[{i}]/∂x[{j}]" in check.result.reason


def test_the_reported_limit_is_caught_everywhere() -> None:
    """An error of `detectable` times its scale is refuted in any entry: the limit is a promise."""
    z = rng(3, "limit").standard_normal(6)
    jacobian = softmax_jacobian(z)
    limit = check_jacobian(softmax, z, jacobian).result.detectable
    assert limit is not None and limit < 1e-5
    scales = np.maximum(np.abs(jacobian), 1e-3 * np.abs(jacobian * typical_scale(z[None])).max(1, keepdims=True))
    for i, j in np.ndindex(6, 6):
        wrong = plant(jacobian, 1.5 * limit, scale=scales, entry=(i, j))
        assert check_jacobian(softmax, z, wrong).status[0, i, j] == Status.REFUTED


def relu_network(rows: Any, weights: Any) -> Any:
    return np.maximum(rows @ weights, 0.0) @ np.arange(1.0, weights.shape[1] + 1.0)


def test_relu_network_has_no_false_refutations() -> None:
    """200 points of a piecewise linear function with 400 kinks: back-propagation is never refuted."""
    g = rng(4, "relu")
    weights = g.standard_normal((12, 400))
    x = g.standard_normal((200, 12))
    slopes = np.arange(1.0, 401.0)
    gradient = ((x @ weights > 0) * slopes) @ weights.T
    check = check_gradient(lambda rows: relu_network(rows, weights), x, gradient)
    assert not (check.status == Status.REFUTED).any()
    assert (check.status == Status.AGREES).mean() > 0.99
    half = check_gradient(lambda rows: relu_network(rows, weights), x, 1.5 * gradient)
    assert (half.status == Status.REFUTED).mean() > 0.99


def test_kinks_are_listed_with_both_sides() -> None:
    check = check_gradient(
        lambda rows: np.abs(rows[:, 0]) + 2 * np.maximum(rows[:, 1], rows[:, 0]) + rows[:, 2],
        np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]),
        np.array([[0.0, 2.0, 1.0], [1.0, 2.0, 1.0]]),
    )
    assert check.result.outcome is OPEN
    found = {(k.point, k.variable): (round(k.left, 6), round(k.right, 6), k.claimed) for k in check.kinks}
    assert found == {(0, 0): (-1.0, 1.0, 0.0), (1, 0): (1.0, 3.0, 1.0), (1, 1): (0.0, 2.0, 2.0)}
    assert (check.status[0, 0, 1:] == Status.AGREES).all()


def test_a_kink_does_not_hide_a_wrong_entry() -> None:
    check = check_gradient(
        lambda rows: np.abs(rows[:, 0]) + np.sin(rows[:, 1]), np.array([0.0, 1.0]), np.array([0.0, 0.5])
    )
    assert check.result.outcome is NO and "∂x[1]" in check.result.reason


@pytest.mark.parametrize("scale", SCALES)
def test_complex_step_sharpens(scale: float) -> None:
    z = rng(5, "complex").standard_normal(10)
    jacobian = scale * softmax_jacobian(z)
    plain = check_jacobian(lambda rows: scale * softmax(rows), z, jacobian).result
    sharp = check_jacobian(lambda rows: scale * softmax(rows), z, jacobian, complex_step=True).result
    assert sharp.outcome is YES
    assert plain.detectable is not None and sharp.detectable is not None
    assert sharp.detectable < plain.detectable
    wrong = plant(jacobian, 1e-8, entry=(0, 0))
    assert check_jacobian(lambda rows: scale * softmax(rows), z, wrong, complex_step=True).result.outcome is NO


@pytest.mark.parametrize(
    ("function", "derivative", "note"),
    [
        (np.abs, 1.0, "real values"),
        (lambda x: (x * np.conj(x)).real, 2.0, "real values"),
        (lambda x: x * np.conj(x), 2.0, "disagrees"),
        (lambda x: 0.5 * x**2 + 0.5 * np.real(x) ** 2, 2.0, "disagrees"),
    ],
)
def test_complex_step_of_what_is_not_analytic_is_not_believed(
    function: Callable[[Any], Any], derivative: float, note: str
) -> None:
    """The complex step silently says 0 or half for these; the real differences are kept."""
    for claimed, outcome in ((derivative, YES), (derivative / 2, NO), (0.0, NO)):
        result = check_gradient(
            lambda rows: function(rows[:, 0]), np.ones(1), np.array([claimed]), complex_step=True
        ).result
        assert result.outcome is outcome and note in result.reason


def test_complex_step_does_not_hide_a_kink() -> None:
    relu = check_gradient(lambda rows: np.maximum(rows[:, 0], 0), np.zeros(1), np.array([1.0]), complex_step=True)
    assert relu.result.outcome is OPEN and "kink" in relu.result.reason


def test_one_call_a_stage() -> None:
    """All points and variables go into one call; a second one happens only for what the first leaves open."""
    calls: list[int] = []

    def function(rows: Any) -> Any:
        calls.append(len(rows))
        return np.sin(rows).sum(axis=1)

    x = rng(6, "calls").standard_normal((7, 5))
    check = check_gradient(function, x, np.cos(x))
    assert calls == [7 * (1 + 3 * 5)] and check.result.n == sum(calls)
    calls.clear()
    check_gradient(function, x, plant(np.cos(x), 0.1, entry=(2, 3)))
    assert len(calls) == 2


def test_the_first_steps_do_not_cross_zero() -> None:
    """A kink or a pole at 0 is out of their way, however small the variable: no sweep is needed."""
    check = check_gradient(lambda r: np.abs(r[:, 0]), np.array([1e-7]), np.ones(1), scale=1.0)
    assert check.result.outcome is YES and check.result.n == 4


def test_blocks_change_nothing() -> None:
    z = rng(7, "blocks").standard_normal(9)
    whole = check_jacobian(softmax, z, softmax_jacobian(z))
    pieces = check_jacobian(softmax, z, softmax_jacobian(z), block=1)
    np.testing.assert_array_equal(whole.derivative, pieces.derivative)


def test_the_points_are_not_written_to() -> None:
    x = np.array([[0.1, 0.2]])
    check_gradient(lambda rows: (rows**2).sum(axis=1), x, 3 * x)
    np.testing.assert_array_equal(x, [[0.1, 0.2]])


@pytest.mark.parametrize(
    ("x", "claimed", "options", "word"),
    [
        (np.zeros(2), np.zeros((1, 3)), {}, "go with"),
        (np.zeros((2, 2)), np.zeros((1, 2)), {}, "go with"),
        (np.zeros(2), np.zeros((2, 2)), {}, "outputs"),
        (np.array([np.nan, 0.0]), np.zeros((1, 2)), {}, "finite"),
        (np.zeros(2), np.zeros((1, 2)), {"scale": 0.0}, "positive"),
        (np.zeros(2), np.zeros((1, 2)), {"scale": [1.0, np.inf]}, "positive"),
    ],
)
def test_what_does_not_fit_is_an_error(x: Any, claimed: Any, options: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        check_jacobian(lambda rows: rows.sum(axis=1), x, claimed, **options)


def test_a_callable_that_mixes_rows_is_an_error() -> None:
    with pytest.raises(ValueError, match="returned shape"):
        check_gradient(lambda rows: rows.sum(), np.zeros(2), np.zeros(2))


# Smooth functions with their derivatives, to be composed at random.
UNARY: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (np.sin, np.cos),
    (np.exp, np.exp),
    (np.tanh, lambda v: 1 / np.cosh(v) ** 2),
    (lambda v: 1 / (1 + v * v), lambda v: -2 * v / (1 + v * v) ** 2),
    (lambda v: np.exp(-v * v), lambda v: -2 * v * np.exp(-v * v)),
    (lambda v: v**3, lambda v: 3 * v**2),
]


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, len(UNARY) - 1),
    st.integers(0, len(UNARY) - 1),
    st.integers(-7, 7),
    st.integers(-6, 6),
    st.sampled_from([0.5, -0.1, 1e-2, 1e-4]),
)
def test_random_functions(seed: int, inner: int, outer: int, size: int, unit: int, error: float) -> None:
    """True gradients of random functions are not refuted, at any scale; planted errors above the limit are caught."""
    g = rng(seed, "random function")
    d = int(g.integers(1, 5))
    x = g.standard_normal(d) * 10.0**unit
    weights = g.standard_normal((d, 3)) / 10.0**unit
    (f, df), (h, dh) = UNARY[inner], UNARY[outer]
    scale = 10.0**size

    def function(rows: Any) -> Any:
        return scale * h(f(rows @ weights).sum(axis=1) / 3)

    with np.errstate(all="ignore"):
        preactivation = x @ weights
        gradient = scale * dh(f(preactivation).sum() / 3) * (df(preactivation) @ weights.T) / 3
    if not np.isfinite(gradient).all() or np.abs(gradient).min() == 0.0 or np.abs(preactivation).max() > 5:
        return
    check = check_gradient(function, x, gradient)
    assert check.result.outcome is not Outcome.REFUTES, check.result.reason
    if check.result.outcome is YES:
        wrong = check_gradient(function, x, plant(gradient, error))
        assert wrong.result.outcome is NO


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(-12, -8))
def test_noise_above_rounding_is_seen(seed: int, level: float) -> None:
    """A function with noise of its own (1e-12 … 1e-8) is not refuted: its noise shows in the finer steps."""
    noise = 10.0**level
    key = np.uint64(seed | 1)

    def function(rows: Any) -> Any:
        bits = (rows[:, 0].view(np.uint64) ^ key) * np.uint64(0x9E3779B97F4A7C15)
        return np.sin(rows[:, 0]) + noise * ((bits >> np.uint64(40)).astype(float) / 2**24 - 0.5)

    x = rng(seed, "noise").uniform(0.2, 1.2, size=1)
    check = check_gradient(function, x, np.cos(x))
    assert check.result.outcome is not Outcome.REFUTES, check.result.reason
    assert check_gradient(function, x, 2.0 * np.cos(x)).result.outcome is NO


def test_the_sweep_alone_measures_to_many_digits() -> None:
    x = np.array([[0.7]])
    evaluate = Perturbed(lambda rows: np.exp(rows[:, 0]), x)
    noise = function_noise(x, np.exp(x), np.exp(x)[:, :, None])
    zero = np.zeros(1, dtype=np.intp)
    measured = _sweep(evaluate, x, np.exp(x), noise, np.ones(1), zero, zero)
    assert measured.value[0, 0] == pytest.approx(np.exp(0.7), rel=1e-11)
    assert abs(measured.value[0, 0] - np.exp(0.7)) < measured.budget[0, 0] < 1e-10


def test_extrapolation_budget_covers_the_error_and_refuses_divergence() -> None:
    steps = 4.0 ** -np.arange(20.0)
    usable = np.ones(20, dtype=bool)
    options: dict[str, Any] = {"ratio": 4.0, "exponents": (2, 4), "order": 1}
    quotient = 3.0 + steps**2 - steps**4 + 1e-16 / steps
    value, budget = extrapolate(quotient, 1e-16 / steps, usable, **options)
    assert abs(value - 3.0) <= budget < 1e-9
    _, budget = extrapolate(steps**-0.5, 1e-16 / steps, usable, **options)
    assert budget > 1.0
    _, budget = extrapolate(np.full(20, np.nan), 1e-16 / steps, usable, **options)
    assert budget == np.inf


def test_typical_scale() -> None:
    np.testing.assert_array_equal(typical_scale(np.zeros((2, 3))), np.ones(3))
    np.testing.assert_array_equal(typical_scale(np.array([[0.0, -4.0, 1e-9], [0.0, 2.0, 3.0]])), [3.5, 4.0, 3.5])
