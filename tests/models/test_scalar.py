"""Scalar functions: SymPy's derivatives, stable forms equal to what was written, and stable."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import derivcheck.models as m
from derivcheck.models.activations import TABLE, activation
from derivcheck.models.scalar import ScalarFunction, stable_form

X = sympy.Symbol("x", real=True)
POINTS = np.concatenate([np.linspace(-6, 6, 41) + 0.013, [0.5, -0.5]])


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", TABLE)
def test_stable_form_equals_the_expression(name: str, order: int) -> None:
    function = activation(name)
    for _ in range(order):
        function = function.partial(0)
    plain = function.evaluate(POINTS)
    np.testing.assert_allclose(m.compile(function)(POINTS), plain, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", TABLE)
def test_derivative_is_sympys(name: str) -> None:
    function = activation(name)
    symbolic = sympy.diff(function.expression, function.arguments[0])
    assert function.partial(0).expression == symbolic
    exact = [float(symbolic.subs(function.arguments[0], float(x)).evalf(30)) for x in POINTS]
    np.testing.assert_allclose(m.compile(m.grad(lambda x: m.sum(function(x))))(POINTS), exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TABLE)
def test_values_and_two_derivatives_are_finite_far_out(name: str, dtype: type) -> None:
    far = np.array([-1e30 if dtype == np.float32 else -1e100, -800.0, -90.0, 0.0, 90.0, 800.0, 1e10])
    if name in ("gelu_tanh", "gelu"):
        far = np.clip(far, -1e4, 1e4)  # beyond, powers of x in their second derivatives overflow in float32
    function = activation(name)
    first, second = function.partial(0), function.partial(0).partial(0)
    for f in (function, first, second):
        assert np.isfinite(m.compile(f, dtype=dtype)(far)).all(), f


def test_a_kink_has_the_conventional_slope() -> None:
    zero = np.zeros(1)
    assert m.compile(m.grad(lambda x: m.sum(m.relu(x))))(zero) == 0.0
    assert m.compile(m.grad(lambda x: m.sum(m.abs(x))))(zero) == 0.0


def test_functions_of_two_arguments_and_foreign_symbols() -> None:
    y = sympy.Symbol("y", real=True)
    f = ScalarFunction("f", (X, y), X**2 * sympy.exp(-y))
    np.testing.assert_allclose(m.compile(f)(np.array([1.0, 2.0]), np.array(0.5)), np.array([1.0, 4.0]) * np.exp(-0.5))
    assert f.partial(1).expression == -(X**2) * sympy.exp(-y)
    with pytest.raises(ValueError, match="y"):
        ScalarFunction("g", (X,), X + y)


def test_known_stable_forms() -> None:
    sigmoid = 1 / (1 + sympy.exp(-X))
    assert str(stable_form(sigmoid)) == "Sigmoid(x)"
    assert str(stable_form(sympy.log(1 + sympy.exp(X)).diff(X))) == "Sigmoid(x)"
    assert str(stable_form(-sympy.log(1 + sympy.exp(-X)))) == "-Softplus(-x)"
    assert "Expm1" in str(stable_form(sympy.exp(X) - 1))


def test_small_arguments_and_tails_keep_their_digits() -> None:
    """Where the expression as written loses all of them."""
    small = np.array([-1e-20, -1e-9, 1e-9])
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    selu = scale * np.where(small > 0, small, alpha * np.expm1(small))
    np.testing.assert_allclose(m.compile(m.selu)(small), selu, rtol=1e-14)
    slope = m.compile(m.grad(lambda x: m.sum(m.selu(x))))(np.array([-100.0, 3.0]))
    np.testing.assert_allclose(slope, [scale * alpha * np.exp(-100.0), scale], rtol=1e-13)
    far = np.array([40.0, 200.0, -3.0])
    np.testing.assert_allclose(
        m.compile(m.grad(lambda x: m.sum(m.log_sigmoid(x))))(far), 1 / (1 + np.exp(far)), rtol=1e-13
    )


def test_an_own_activation_as_a_layer() -> None:
    layer = m.Activation(ScalarFunction("swish2", (X,), X / (1 + sympy.exp(-2 * X))))
    got = m.compile(lambda x: layer({}, x))(POINTS)
    np.testing.assert_allclose(got, POINTS / (1 + np.exp(-2 * POINTS)), rtol=1e-12)
