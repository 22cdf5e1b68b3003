"""Every primitive's derivative rules, in both modes and to second order, and its replica rule.

Each primitive of the table has a case below; a primitive without one fails the first test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy

from derivcheck.models import functional as F
from derivcheck.models.compiler import compile
from derivcheck.models.differentiate import grad, hessian_vector_product, jacobian, jvp, vjp
from derivcheck.models.gradient_check import gradient_checker
from derivcheck.models.primitives import elementwise
from derivcheck.models.replicate import replicated
from derivcheck.models.scalar import ScalarFunction
from derivcheck.models.tensor import PRIMITIVES, Tensor, make

X = sympy.Symbol("x", real=True)
Y = sympy.Symbol("y", real=True)
SCALAR = ScalarFunction("mixed", (X, Y), sympy.exp(-X * Y) / (1 + sympy.exp(-X)) + sympy.sin(Y))

#: primitive → (function, shapes of its arguments, lowest argument value)
CASES: dict[str, tuple[Callable[..., Tensor], tuple[tuple[int, ...], ...], float]] = {
    "add": (lambda a, b: a + b, ((2, 3), (1, 3)), -2),
    "sub": (lambda a, b: a - b, ((2, 3), ()), -2),
    "mul": (lambda a, b: a * b, ((2, 3), (2, 1)), -2),
    "div": (lambda a, b: a / b, ((3,), (2, 3)), 0.5),
    "maximum": (F.maximum, ((2, 3), (2, 3)), -2),
    "minimum": (F.minimum, ((2, 3), (1, 3)), -2),
    "neg": (lambda x: -x, ((3,),), -2),
    "exp": (F.exp, ((2, 3),), -2),
    "expm1": (F.expm1, ((3,),), -2),
    "log": (F.log, ((3,),), 0.5),
    "log1p": (F.log1p, ((3,),), -0.5),
    "sqrt": (F.sqrt, ((3,),), 0.5),
    "square": (F.square, ((3,),), -2),
    "reciprocal": (lambda x: make("reciprocal", x), ((3,),), 0.5),
    "tanh": (F.tanh, ((3,),), -2),
    "sin": (F.sin, ((3,),), -2),
    "cos": (F.cos, ((3,),), -2),
    "erf": (F.erf, ((3,),), -2),
    "abs": (F.abs, ((3,),), -2),
    "power": (lambda x: x**2.5, ((3,),), 0.5),
    "where": (lambda a, b, c: F.where(a > 0.0, b, c), ((2, 3), (2, 3), (1, 3)), -2),
    "cast": (lambda x: x * F.cast(x > 0.0), ((3,),), -2),
    "alias": (lambda x: make("alias", x), ((3,),), -2),
    "scalar": (lambda a, b: SCALAR(a, b), ((2, 3), (2, 1)), -1),
    "sum": (lambda x: F.sum(x, (0, 2)), ((2, 3, 2),), -2),
    "broadcast_to": (lambda x: F.broadcast_to(x, (4, 2, 3)), ((2, 1),), -2),
    "reshape": (lambda x: F.reshape(x, (3, 2)), ((2, 3),), -2),
    "transpose": (lambda x: F.transpose(x, (2, 0, 1)), ((2, 3, 2),), -2),
    "flip": (lambda x: F.flip(x, 1), ((2, 3),), -2),
    "slice": (lambda x: x[1:, ::2], ((3, 5),), -2),
    "embed": (lambda x: F.pad(x, ((1, 0), (0, 2))), ((2, 2),), -2),
    "windows": (lambda x: F.windows(x, (1, 2), (2, 3), (2, 1), (1, 2)), ((2, 5, 6),), -2),
    "fold": (lambda x: F.fold(x, (2, 5), (1,), (3,), (1,), (2,)), ((3, 2, 1),), -2),
    "matmul": (lambda a, b: a @ b, ((2, 3, 2), (1, 2, 3)), -2),
    "concatenate": (lambda a, b: F.concatenate([a, b, a], 1), ((2, 1), (2, 3)), -2),
    "max": (lambda x: F.max(x, 1), ((3, 4),), -2),
    "softmax": (lambda x: F.softmax(x, 0), ((3, 2),), -2),
    "log_softmax": (lambda x: F.log_softmax(x), ((2, 3),), -2),
    "take": (lambda x: F.take(x, np.array([[0, 2], [2, 1]]), 1), ((2, 3),), -2),
    "scatter_add": (
        lambda x: make("scatter_add", x, F.cast(F.constant(np.array([0, 2, 0])), "int"), shape=(2, 3), axis=1),
        ((2, 3),),
        -2,
    ),
}

#: Piecewise constant, or no function of floats: nothing to differentiate.
CONSTANT = {"sign", "greater", "greater_equal", "equal", "stop_gradient", "argmax", "one_hot", "random"}


def arguments(name: str, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng((seed, *name.encode()))
    low = CASES[name][2]
    return [rng.uniform(low, low + 3.0, s) for s in CASES[name][1]]


def test_every_primitive_has_a_case() -> None:
    assert set(PRIMITIVES) == set(CASES) | CONSTANT


@pytest.mark.parametrize("name", CASES)
def test_reverse_mode(name: str) -> None:
    function, _, _ = CASES[name]
    check = gradient_checker(function)
    for seed in range(3):
        outcome = check(*arguments(name, seed))
        assert outcome.ok, outcome


@pytest.mark.parametrize("name", CASES)
def test_central_differences_agree_with_the_complex_step(name: str) -> None:
    outcome = gradient_checker(CASES[name][0], method="central difference")(*arguments(name, 5))
    assert outcome.ok, outcome


@pytest.mark.parametrize("name", CASES)
def test_forward_mode_is_the_transpose_of_reverse_mode(name: str) -> None:
    """⟨g, J v⟩ = ⟨Jᵀ g, v⟩."""
    function, _, _ = CASES[name]
    values = arguments(name, 1)
    rng = np.random.default_rng(2)
    directions = [rng.standard_normal(x.shape) for x in values]
    y, tangent = compile(lambda xs, vs: jvp(function, tuple(xs), tuple(vs)))(values, directions)
    g = rng.standard_normal(y.shape)
    pulled = compile(lambda xs, g: vjp(function, *xs)[1](g))(values, g)
    left = np.sum(g * tangent)
    right = sum(np.sum(p * v) for p, v in zip(pulled, directions, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_second_derivatives(name: str) -> None:
    """The gradient of a curved function of the primitive passes the check that its value passed."""
    function, _, _ = CASES[name]

    def gradient(*xs: Any) -> Tensor:
        def curved(*zs: Any) -> Tensor:
            return F.sum(F.sin(function(*zs) * 0.7))

        return F.concatenate([F.reshape(g, (-1,)) for g in grad(curved, tuple(range(len(xs))))(*xs)])

    outcome = gradient_checker(gradient)(*arguments(name, 3))
    assert outcome.ok, outcome


@pytest.mark.parametrize("flags", ["all", "first", "last"])
@pytest.mark.parametrize("name", CASES)
def test_replicas_equal_one_at_a_time(name: str, flags: str) -> None:
    function, _, _ = CASES[name]
    one = arguments(name, 0)
    chosen = {"all": [True] * len(one), "first": [True] + [False] * (len(one) - 1)}
    chosen["last"] = [False] * (len(one) - 1) + [True]
    flagged = chosen[flags]
    many = [
        np.stack([x, x[..., ::-1] if x.ndim else x + 1.0, 1.1 * x]) if f else x
        for x, f in zip(one, flagged, strict=True)
    ]

    def value_and_pullback(*xs: Any) -> Any:
        y, pull = vjp(function, *xs)
        return y, pull(F.sin(y))

    got = compile(replicated(value_and_pullback, flagged))(*many)
    single = compile(value_and_pullback)
    for i in range(3):
        y, pulled = single(*(x[i] if f else x for x, f in zip(many, flagged, strict=True)))
        np.testing.assert_allclose(got[0][i], y, rtol=1e-12, atol=1e-12)
        for a, b in zip(got[1], pulled, strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("table_replicated", [True, False])
def test_replicated_indices(table_replicated: bool) -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((3, 4, 2) if table_replicated else (4, 2))
    indices = rng.integers(0, 4, (3, 5))

    def rows(t: Any, i: Any) -> Any:
        return grad(lambda t: F.sum(F.square(F.take(t, i))))(t), F.one_hot(i, 4), F.take(t, i)

    got = compile(replicated(rows, (table_replicated, True)))(table, indices)
    for k in range(3):
        alone = compile(rows)(table[k] if table_replicated else table, indices[k])
        for a, b in zip(got, alone, strict=True):
            np.testing.assert_allclose(a[k], b, rtol=1e-12)


def test_symbolic_derivatives_at_small_sizes() -> None:
    """The Jacobian of softmax, entry by entry, against SymPy."""
    z = sympy.symbols("z:4", real=True)
    total = sum(sympy.exp(v) for v in z)
    point = [0.3, -1.2, 0.0, 2.0]
    expected = [
        [float(sympy.diff(sympy.exp(a) / total, b).subs(dict(zip(z, point, strict=True)))) for b in z] for a in z
    ]
    got = compile(jacobian(lambda v: F.softmax(v)))(np.array(point))
    np.testing.assert_allclose(got, expected, rtol=1e-13)


#: What elementwise primitives are in SymPy, where SymPy can say it.
SYMBOLIC = {
    "add": X + Y,
    "sub": X - Y,
    "mul": X * Y,
    "div": X / Y,
    "neg": -X,
    "exp": sympy.exp(X),
    "expm1": sympy.exp(X) - 1,
    "log": sympy.log(X),
    "log1p": sympy.log(1 + X),
    "sqrt": sympy.sqrt(X),
    "square": X**2,
    "reciprocal": 1 / X,
    "tanh": sympy.tanh(X),
    "sin": sympy.sin(X),
    "cos": sympy.cos(X),
    "erf": sympy.erf(X),
    "abs": sympy.Abs(X),
    "maximum": sympy.Max(X, Y),
    "minimum": sympy.Min(X, Y),
}


def test_every_elementwise_primitive_is_compared_with_sympy() -> None:
    assert set(SYMBOLIC) == {name for name, _, _ in elementwise.TABLE} - {"sign"}


@pytest.mark.parametrize("name", SYMBOLIC)
def test_partial_derivatives_are_sympys(name: str) -> None:
    """Two partial derivatives, first and second order, at points of the domain."""
    expression, arity = SYMBOLIC[name], len(next(d for n, _, d in elementwise.TABLE if n == name))
    symbols = (X, Y)[:arity]
    for point in ((0.7, 1.3), (1.9, 0.4), (0.25, 2.5)):
        values = point[:arity]
        f = lambda *zs: make(name, *zs)  # noqa: E731
        for i, s in enumerate(symbols):
            first = compile(grad(f, i))(*values)
            second = compile(grad(grad(f, i), i))(*values)
            at = dict(zip(symbols, values, strict=True))
            np.testing.assert_allclose(first, float(sympy.diff(expression, s).subs(at)), rtol=1e-13)
            np.testing.assert_allclose(second, float(sympy.diff(expression, s, 2).subs(at)), rtol=1e-12, atol=1e-14)


def test_hessian_vector_product_of_a_quadratic() -> None:
    a = np.array([[2.0, 1.0], [1.0, 5.0]])
    product = compile(lambda x, v: hessian_vector_product(lambda z: 0.5 * (z @ a @ z), x, v))
    np.testing.assert_allclose(product(np.ones(2), np.array([1.0, -1.0])), a @ [1.0, -1.0])


def test_gradient_through_an_inner_gradient_step() -> None:
    """MAML: the outer gradient goes through the inner update; here both are quadratics, so it is known."""

    def outer(theta: Any) -> Any:
        adapted = theta - 0.1 * grad(lambda t: F.sum(F.square(t - 1.0)))(theta)
        return F.sum(F.square(adapted - 3.0))

    theta = np.array([0.5, 2.0])
    np.testing.assert_allclose(compile(grad(outer))(theta), 2 * 0.8 * (0.8 * theta + 0.2 - 3.0))


def test_a_gradient_penalty() -> None:
    def penalty(w: Any, x: Any) -> Any:
        slope = grad(lambda z: F.sum(F.tanh(z @ w)))(x)
        return F.mean(F.square(F.sum(F.square(slope), 1) - 1.0))

    rng = np.random.default_rng(0)
    outcome = gradient_checker(lambda w: penalty(w, np.ones((2, 3))))(rng.standard_normal((3, 4)))
    assert outcome.ok, outcome
