"""The passes as a whole: each is property-tested, and each leaves the steps of real layers alone."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import test_large_passes
from test_every_layer import scalar_function
from test_passes import PASSES
from twins import FAMILIES

import derivcheck.models as m
from derivcheck.models import passes


def from_graph_to_graph() -> dict[str, Callable[..., Any]]:
    """Every public function of the passes that takes a graph and returns one."""
    found = {}
    for module in pkgutil.iter_modules(passes.__path__):
        names = vars(importlib.import_module(f"{passes.__name__}.{module.name}"))
        for name, function in names.items():
            here = inspect.isfunction(function) and function.__module__.endswith(f".{module.name}")
            if here and not name.startswith("_") and function.__annotations__.get("return") == "Graph":
                found[name] = function
    return found


def test_every_pass_is_run_on_random_graphs() -> None:
    marks = test_large_passes.test_a_pass_keeps_the_values.pytestmark  # type: ignore[attr-defined]
    large = {name for mark in marks if mark.name == "parametrize" for name in mark.args[1]}
    tested = {function.__name__ for function in PASSES.values()} | large
    assert {"lower", "merge", "batch", "slab"} <= set(from_graph_to_graph())
    assert set(from_graph_to_graph()) == tested


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_stage_computes_what_was_drawn(family: str, backend: str) -> None:
    """The value and the gradient of every layer and loss, after each pass."""
    function, arrays, _ = scalar_function(family)
    graph, _, _ = m.trace(m.value_and_grad(function, tuple(range(len(arrays)))), tuple(arrays))
    drawn = graph.evaluate(arrays)
    for name, after in m.optimise(graph, backend=backend).items():
        for a, b in zip(after.evaluate(arrays), drawn, strict=True):
            scale = max(1.0, float(np.abs(b).max(initial=0.0)))
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * scale, err_msg=name)
