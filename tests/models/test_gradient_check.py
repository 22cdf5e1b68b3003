"""The gradient check catches a relative error of 1e-5 in one entry, whatever the scale, and passes what is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derivcheck.models as m

F = m.functional


def softmax_case() -> tuple[Any, tuple[Any, ...]]:
    return (lambda z: F.softmax(z)), (np.random.default_rng(0).standard_normal(20),)


def mlp_case() -> tuple[Any, tuple[Any, ...]]:
    net = m.Sequential(m.Linear(5, 8), m.Tanh(), m.Linear(8, 3))
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((6, 5)), rng.integers(0, 3, 6)
    return (lambda p: m.cross_entropy(net(p, x), F.constant(y))), (net.init(0),)


def lstm_case() -> tuple[Any, tuple[Any, ...]]:
    cell = m.LSTM(3, 4)
    x = np.random.default_rng(2).standard_normal((2, 3, 3))
    return (lambda p: F.sum(F.sin(cell(p, x)))), (cell.init(0),)


CASES = {"softmax": softmax_case, "mlp": mlp_case, "lstm": lstm_case}


def derivative(function: Any, arguments: tuple[Any, ...]) -> Any:
    """What reverse mode gives, as a tree like the arguments."""
    if len(arguments) == 1 and isinstance(arguments[0], np.ndarray):
        return (m.compile(m.jacobian(function))(*arguments),)
    return (m.compile(m.grad(function))(*arguments),)


@pytest.mark.parametrize("method", ["complex step", "central difference"])
@pytest.mark.parametrize("name", CASES)
def test_right_gradients_pass(name: str, method: str) -> None:
    function, arguments = CASES[name]()
    outcome = m.gradient_checker(function, method)(*arguments)
    assert outcome.ok, outcome


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
@pytest.mark.parametrize("method", ["complex step", "central difference"])
@pytest.mark.parametrize("name", CASES)
def test_an_error_of_one_in_a_hundred_thousand_is_caught(name: str, method: str, scale: float) -> None:
    function, arguments = CASES[name]()
    check = m.gradient_checker(lambda p: function(p) * scale, method)
    given = derivative(lambda p: function(p) * scale, arguments)
    assert check(*arguments, derivative=given).ok
    rng = np.random.default_rng(3)
    for _ in range(5):
        wrong = m.map_tree(np.copy, given)
        leaf = rng.choice(len(m.flatten(wrong)[0]))
        flat = m.flatten(wrong)[0][leaf].reshape(-1)
        # An entry that matters: rounding of the whole is larger than the smallest ones.
        large = np.flatnonzero(
            np.abs(flat) > 1e-2 * np.abs(np.concatenate([x.ravel() for x in m.flatten(given)[0]])).max()
        )
        if len(large):
            flat[rng.choice(large)] *= 1.0 + 1e-5
            outcome = check(*arguments, derivative=wrong)
            assert not outcome.ok
            assert outcome.worst == pytest.approx(1e-5, rel=0.1)


def test_the_entry_is_named() -> None:
    check = m.gradient_checker(lambda p: F.sum(p["a"] * p["b"]))
    p = {"a": np.array([1.0, 2.0]), "b": np.array([[3.0, 4.0]])}
    wrong = {"a": np.array([3.0, 4.0]), "b": np.array([[1.0, 2.5]])}
    outcome = check(p, derivative=(wrong,))
    assert not outcome.ok
    assert outcome.entry == "argument 0.b[0, 1]"
    assert (outcome.given, outcome.numerical) == (2.5, pytest.approx(2.0))


def test_nan_is_an_error() -> None:
    check = m.gradient_checker(lambda x: F.sum(x * x))
    assert not check(np.ones(2), derivative=(np.array([2.0, np.nan]),)).ok


def test_a_wrong_zero_is_caught() -> None:
    check = m.gradient_checker(lambda x: x[0] * x[1])
    assert not check(np.array([2.0, 3.0]), derivative=(np.array([3.0, 0.0]),)).ok


def test_stop_gradient_is_seen_as_what_it_is() -> None:
    """The numerical derivative does not stop: a gradient that does is not the derivative of the function."""
    assert not m.gradient_checker(lambda x: F.sum(x * F.stop_gradient(x)))(np.array([1.0, 2.0])).ok
