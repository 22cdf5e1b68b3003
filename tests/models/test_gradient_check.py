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
    return (lambda p: m.cross_entropy(net(p, x), m.constant(y))), (net.init(0),)


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
    assert not check(np.zeros(2), derivative=(np.array([0.0, np.nan]),)).ok  # beside a derivative that is zero
    assert not check(np.array([1.0, np.nan])).ok


def test_a_wrong_zero_is_caught() -> None:
    check = m.gradient_checker(lambda x: x[0] * x[1])
    assert not check(np.array([2.0, 3.0]), derivative=(np.array([3.0, 0.0]),)).ok


def test_stop_gradient_is_seen_as_what_it_is() -> None:
    """The numerical derivative does not stop: a gradient that does is not the derivative of the function."""
    assert not m.gradient_checker(lambda x: F.sum(x * F.stop_gradient(x)))(np.array([1.0, 2.0])).ok


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
@pytest.mark.parametrize("method", ["complex step", "central difference"])
@pytest.mark.parametrize("name", CASES)
def test_half_a_gradient_is_caught_at_every_scale(name: str, method: str, scale: float) -> None:
    function, arguments = CASES[name]()
    check = m.gradient_checker(lambda p: function(p) * scale, method)
    given = derivative(lambda p: function(p) * scale, arguments)
    outcome = check(*arguments, derivative=m.map_tree(lambda g: 0.5 * g, given))
    assert not outcome.ok
    assert outcome.worst == pytest.approx(0.5, rel=1e-3)


KINKS = {
    "relu": (lambda x: m.relu(x), [1.0, 0.0, -2.0], ["argument 0[1] → output 1"]),
    "leaky relu": (lambda x: F.sum(m.leaky_relu(x)), [0.0, 3.0], ["argument 0[0]"]),
    "abs": (lambda x: F.sum(F.abs(x * x - 1.0)), [1.0, 0.5], ["argument 0[0]"]),
    "maximum": (lambda x: F.maximum(x[0], 2.0 * x[1]), [2.0, 1.0], ["argument 0[0]", "argument 0[1]"]),
    "largest entry": (lambda x: F.max(x), [1.0, 3.0, 3.0], ["argument 0[1]", "argument 0[2]"]),
    "hinge": (lambda x: m.hinge(x, np.ones(2)), [1.0, 0.0], ["argument 0[0]"]),
    "a layer whose bias starts at zero": (
        lambda x: F.sum(m.relu(np.array([[0.0, 0.0], [1.0, 2.0]]) @ x[:2] + x[2])),
        [0.5, 0.5, 0.0],
        ["argument 0[2]"],
    ),
}


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
@pytest.mark.parametrize("name", KINKS)
def test_a_kink_is_reported_as_one(name: str, scale: float) -> None:
    function, point, where = KINKS[name]
    outcome = m.gradient_checker(lambda x: function(x) * scale)(np.array(point))
    assert list(outcome.kinks) == where
    assert not outcome.ok and outcome.worst <= outcome.tolerance


def test_where_operands_meet_without_a_kink_there_is_none() -> None:
    for function in (
        lambda x: F.sum(m.relu(x) - m.relu(-x)),
        lambda x: F.sum(F.maximum(x, x)),
        lambda x: F.sum(m.relu(x) * x),
        lambda x: F.sum(m.elu(x)),
        lambda x: F.logsumexp(x),
    ):
        outcome = m.gradient_checker(function)(np.array([0.0, 0.0, 1.0]))
        assert not outcome.kinks, outcome


def test_beside_a_kink_a_wrong_entry_is_still_caught() -> None:
    check = m.gradient_checker(lambda x: F.sum(m.relu(x)))
    outcome = check(np.array([0.0, 1.0]), derivative=(np.array([0.0, 0.5]),))
    assert outcome.kinks == ("argument 0[0]",)
    assert outcome.worst == pytest.approx(0.5) and outcome.entry == "argument 0[1]"


def test_a_derivative_of_another_shape_is_refused() -> None:
    check = m.gradient_checker(lambda x: F.sum(x * x))
    with pytest.raises(m.ShapeError, match=r"expected shape \(2, 3\), given shape \(3, 2\)"):
        check(np.ones((2, 3)), derivative=(2.0 * np.ones((3, 2)),))
    with pytest.raises(m.ShapeError, match="1 arrays"):
        check(np.ones((2, 3)), derivative=(np.ones(3), np.ones(3)))


def test_batches_of_perturbations_do_not_change_the_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    from derivcheck.models.gradient_check import slopes

    function, arguments = mlp_case()
    for method in ("complex step", "central difference"):
        whole, _ = m.gradient_checker(function, method).numerical(arguments)
        with monkeypatch.context() as patched:
            patched.setattr(slopes, "POINTS", 50)
            parts, _ = m.gradient_checker(function, method).numerical(arguments)
        np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-14 if method == "complex step" else 1e-11)
