"""Laws that hold for every layer and every loss: replicas, both modes, second derivatives, both backends, float32.

The layers are those of the PyTorch twins, in one more random configuration each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from plain_parts import plain_machine
from twin_cases import case
from twins import FAMILIES

import derivcheck.models as m

F = m.functional


def scalar_function(family: str) -> tuple[Callable[..., Any], list[Any], np.random.Generator]:
    """A curved scalar function of a layer's float arrays (parameters first), those arrays, and a stream."""
    made, parameters, rng = case(FAMILIES[family], family, 300)
    flat, structure = m.flatten((parameters, made.x))
    free = [i for i, x in enumerate(flat) if x.dtype.kind == "f"]

    def function(*arrays: Any) -> Any:
        filled = [m.constant(x) for x in flat]
        for i, array in zip(free, arrays, strict=True):
            filled[i] = array
        p, x = m.unflatten(structure, filled)
        outputs = m.leaves(made.layer(p, x))
        return sum((F.sum(F.sin(y) * (1.3 + i)) for i, y in enumerate(outputs)), m.constant(0.0))

    return function, [flat[i] for i in free], rng


def directions(arrays: list[Any], rng: np.random.Generator) -> list[Any]:
    return [rng.standard_normal(x.shape) for x in arrays]


def paired(a: Any, b: Any) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(a, b, strict=True)))


@pytest.mark.parametrize("family", FAMILIES)
def test_replicas_are_one_at_a_time(family: str) -> None:
    function, arrays, rng = scalar_function(family)
    every = tuple(range(len(arrays)))
    gradient = m.grad(function, every)
    single = m.compile(gradient)
    for flags in ([True] * len(arrays), [bool(rng.integers(0, 2)) for _ in arrays]):
        if not any(flags):
            continue
        many = [
            np.stack([x + 0.1 * i * rng.standard_normal(x.shape) for i in range(3)]) if flag else x
            for x, flag in zip(arrays, flags, strict=True)
        ]
        together = m.compile(gradient, replicas=flags)(*many)
        for i in range(3):
            alone = single(*(x[i] if flag else x for x, flag in zip(many, flags, strict=True)))
            for a, b in zip(together, alone, strict=True):
                np.testing.assert_allclose(a[i], b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_both_modes_agree_to_second_order(family: str) -> None:
    """``⟨∇f, v⟩`` by both modes; ``∇²f v`` by forward over reverse and reverse over reverse, symmetric."""
    function, arrays, rng = scalar_function(family)
    every = tuple(range(len(arrays)))
    gradient = m.grad(function, every)
    u, v = directions(arrays, rng), directions(arrays, rng)

    def along(*xs: Any) -> Any:
        return sum((F.sum(g * d) for g, d in zip(gradient(*xs), v, strict=True)), m.constant(0.0))

    forward = float(m.compile(lambda *xs: m.jvp(function, xs, tuple(v))[1])(*arrays))
    np.testing.assert_allclose(paired(m.compile(gradient)(*arrays), v), forward, rtol=1e-9, atol=1e-9)
    over_reverse = m.compile(m.grad(along, every))(*arrays)
    over_forward = m.compile(lambda *xs: m.jvp(gradient, xs, tuple(v))[1])(*arrays)
    for a, b in zip(over_forward, over_reverse, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9 * max(1.0, float(np.abs(b).max(initial=0.0))))
    other = m.compile(lambda *xs: m.jvp(gradient, xs, tuple(u))[1])(*arrays)
    scale = 1.0 + abs(paired(over_forward, u))
    np.testing.assert_allclose(paired(over_forward, u), paired(other, v), rtol=1e-8, atol=1e-9 * scale)


@pytest.mark.parametrize("family", FAMILIES)
def test_backends_and_types_agree(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)
    function, arrays, _ = scalar_function(family)
    step = m.value_and_grad(function, tuple(range(len(arrays))))
    reference = m.leaves(m.compile(step)(*arrays))
    for dtype, tolerance in ((np.float64, 1e-10), (np.float32, 2e-3)):
        for backend in ("numpy", "numba"):
            got = m.leaves(m.compile(step, dtype=dtype, backend=backend)(*arrays))
            for a, b in zip(got, reference, strict=True):
                assert a.dtype == dtype
                np.testing.assert_allclose(a, b, atol=tolerance * max(1.0, float(np.abs(b).max(initial=0.0))))
