"""Every primitive's derivative rules, three ways, in both modes and to second order, and its replica rule.

Each primitive of the table has a case in ``primitive_cases`` and a meaning there for SymPy and for PyTorch; one that
lacks any of them fails the first test.
"""

from __future__ import annotations

import importlib.util
from builtins import sum as sum_of
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_parts import plain_machine
from primitive_cases import CASES, SYMBOLIC, TORCH, WITHOUT_DERIVATIVE, arguments, symbols, torch_values
from random_graphs import random_graph

from derivcheck.models import functional as F
from derivcheck.models.compiler import compile
from derivcheck.models.differentiate import grad, gradients, hessian_vector_product, jvp, vjp
from derivcheck.models.gradient_check import gradient_checker
from derivcheck.models.graph import Graph
from derivcheck.models.passes.lower import lower
from derivcheck.models.replicate import replicated
from derivcheck.models.tensor import PRIMITIVES, Tensor, constant
from derivcheck.models.tracing import trace

LIVE = importlib.util.find_spec("torch") is not None


def test_every_primitive_is_checked_three_ways() -> None:
    """By SymPy at small sizes, by a complex step or swept differences (every case), and by PyTorch."""
    differentiable = set(PRIMITIVES) - WITHOUT_DERIVATIVE
    assert set(CASES) == set(SYMBOLIC) == differentiable
    assert set(TORCH) == differentiable | {"stop_gradient"}
    for name, (function, _, _) in CASES.items():
        graph, _, _ = trace(function, tuple(arguments(name, 0)))
        assert name in {t.primitive for t in graph.nodes}, f"the case of {name} draws no such node"


def test_what_has_no_rule_has_no_derivative() -> None:
    without = {name for name, primitive in PRIMITIVES.items() if primitive.vjp is None}
    assert without == {name for name, primitive in PRIMITIVES.items() if primitive.jvp is None}
    kinds = {name: trace(CASES[name][0], tuple(arguments(name, 0)))[0].nodes for name in without & set(CASES)}
    for name, nodes in kinds.items():
        for t in nodes:  # it is no float, or a function of no float
            assert t.primitive != name or t.kind != "float" or all(x.kind != "float" for x in t.inputs), name


def gradient_along(function: Any, g: Any, *xs: Any) -> Any:
    """``Jᵀ g`` by reverse mode, one array for each argument."""
    return vjp(function, *xs)[1](g)


@pytest.mark.parametrize("name", CASES)
def test_symbolic_derivatives(name: str) -> None:
    """``Jᵀ g``, ``J v`` and ``∇²⟨g, f⟩ v`` for random ``g`` and ``v``, by SymPy's derivatives of every entry."""
    function, point = CASES[name][0], arguments(name, 7)
    graph, _, _ = trace(function, tuple(point))
    inputs, outputs = symbols(graph, point)
    rng = np.random.default_rng(8)
    g = rng.standard_normal(outputs.shape)
    v = [rng.standard_normal(x.shape) for x in point]
    names = [s for x in inputs for s in x.ravel()]
    at = dict(zip(names, (float(a) for x in point for a in x.ravel()), strict=True))
    direction = dict(zip(names, (float(a) for x in v for a in x.ravel()), strict=True))
    pulled, curved = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    pushed = np.zeros(outputs.size)
    for i, (y, weight) in enumerate(zip(outputs.ravel(), g.ravel(), strict=True)):
        y = sympy.sympify(y)
        for s in sorted(y.free_symbols, key=str):
            slope = y.diff(s)
            pulled[s] += weight * float(slope.subs(at))
            pushed[i] += direction[s] * float(slope.subs(at))
            for r in slope.free_symbols:
                curved[s] += weight * direction[r] * float(slope.diff(r).subs(at))

    def hessian(*xs: Any) -> Any:
        return jvp(lambda *zs: gradient_along(function, g, *zs), xs, tuple(v))[1]

    reverse = compile(lambda *xs: gradient_along(function, g, *xs))(*point)
    forward = compile(lambda *xs: jvp(function, xs, tuple(v))[1])(*point)
    second = compile(hessian)(*point)
    for wanted, got in ((pulled, reverse), (curved, second)):
        np.testing.assert_allclose(np.concatenate([x.ravel() for x in got]), list(wanted.values()), 1e-11, 1e-12)
    np.testing.assert_allclose(forward.ravel(), pushed, 1e-11, 1e-12)


if LIVE:

    @pytest.mark.parametrize("name", CASES)
    def test_derivatives_are_pytorchs(name: str) -> None:
        """Value, gradient, and gradient of the gradient."""
        compare_with_torch(trace(CASES[name][0], tuple(arguments(name, 9)))[0], arguments(name, 9))

    @settings(max_examples=60, deadline=None)
    @given(seed=st.integers(0, 10**9))
    def test_derivatives_of_random_graphs_are_pytorchs(seed: int) -> None:
        graph, point = random_graph(seed, length=15)
        compare_with_torch(lower(graph), point)


def compare_with_torch(graph: Graph, point: list[Any]) -> None:
    import torch

    rng = np.random.default_rng(10)
    g = [rng.standard_normal(t.shape) for t in graph.outputs]
    v = [rng.standard_normal(t.shape) for t in graph.inputs]
    first = gradients(graph.outputs, [constant(a) for a in g], graph.inputs)
    along = sum_of(F.sum(a * constant(b)) for a, b in zip(first, v, strict=True))
    second = gradients([along], [constant(1.0)], graph.inputs)
    ours = Graph(graph.inputs, (*graph.outputs, *first, *second)).evaluate(point)

    inputs, outputs = torch_values(graph, point)
    total = sum_of((a * torch.tensor(b)).sum() for a, b in zip(outputs, g, strict=True))
    options: dict[str, Any] = {"allow_unused": True, "materialize_grads": True}
    first_theirs = torch.autograd.grad(total, inputs, create_graph=True, **options)
    along_theirs = sum_of((a * torch.tensor(b)).sum() for a, b in zip(first_theirs, v, strict=True))
    if along_theirs.requires_grad:
        second_theirs = torch.autograd.grad(along_theirs, inputs, **options)
    else:
        second_theirs = [torch.zeros_like(x) for x in inputs]
    for a, b in zip(ours, (*outputs, *first_theirs, *second_theirs), strict=True):
        wanted = b.numpy(force=True)
        np.testing.assert_allclose(a, wanted, rtol=1e-9, atol=1e-9 * max(1.0, float(np.abs(wanted).max())))


def test_a_wrong_rule_fails_all_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """A derivative of tanh that is off by one part in a hundred million."""
    right = PRIMITIVES["tanh"]
    wrong = replace(
        right,
        vjp=lambda g, y, x: [g * (1.0 - y * y) * (1.0 + 1e-8)],
        jvp=lambda t, y, x: t[0] * (1.0 - y * y) * (1.0 + 1e-8),
    )
    monkeypatch.setitem(PRIMITIVES, "tanh", wrong)
    assert not gradient_checker(F.tanh)(*arguments("tanh", 0)).ok
    with pytest.raises(AssertionError):
        test_symbolic_derivatives("tanh")
    if LIVE:
        with pytest.raises(AssertionError):
            test_derivatives_are_pytorchs("tanh")


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_derivatives_of_a_power_end(exponent: float) -> None:
    """All of them exist at 0, where ``x⁻¹`` does not."""
    f: Any = lambda x: x**exponent  # noqa: E731
    for order in range(1, 6):
        f = grad(f)
        expected = float(sympy.diff(sympy.Symbol("x") ** int(exponent), "x", order).subs("x", 0))
        assert float(compile(f)(0.0)) == expected


def test_stop_gradient_stops_both_modes() -> None:
    function = lambda x: F.sum(x * F.stop_gradient(F.square(x)))  # noqa: E731
    x = np.array([1.5, -2.0])
    np.testing.assert_array_equal(compile(grad(function))(x), x * x)
    np.testing.assert_array_equal(compile(lambda x: jvp(function, (x,), (np.ones(2),))[1])(x), np.sum(x * x))


def test_random_numbers_pass_the_derivative_by() -> None:
    function = lambda x, stream: F.sum(F.normal(stream, (3,)) * x)  # noqa: E731
    drawn = np.random.default_rng(0).standard_normal(3)
    np.testing.assert_array_equal(compile(grad(function))(np.ones(3), np.random.default_rng(0)), drawn)


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


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_replica_reads_its_own_rows_only(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers from behind count from the end of its own table; those out of its range are no rows of the next."""
    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)
    table = np.arange(24.0).reshape(3, 4, 2)
    indices = np.array([[-1, 3], [0, -4], [2, -2]])
    f = compile(lambda t, i: F.take(t, i), replicas=(True, True), backend=backend)
    np.testing.assert_array_equal(f(table, indices), np.stack([t[i] for t, i in zip(table, indices, strict=True)]))
    g = compile(grad(lambda t, i: F.sum(F.take(t, i) * 2.0)), replicas=(True, True), backend=backend)
    counts = np.stack([np.bincount(i % 4, minlength=4) for i in indices])
    np.testing.assert_array_equal(g(table, indices), 2.0 * np.repeat(counts[:, :, None], 2, 2))
    for replica, wrong in ((0, 4), (1, -5), (2, 4), (0, -5), (1, 9)):
        changed = indices.copy()
        changed[replica, 0] = wrong
        for function in (f, g):
            with pytest.raises(IndexError):
                function(table, changed)


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
