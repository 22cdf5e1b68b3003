"""Replicas and derivatives of random graphs: laws that hold for every graph."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_graphs import random_graph
from test_passes import with_gradient

from derivcheck.models import functional as F
from derivcheck.models.differentiate import gradients, tangents
from derivcheck.models.functional import cast
from derivcheck.models.graph import Graph
from derivcheck.models.replicate import replicate_nodes
from derivcheck.models.tensor import constant, variable

SEEDS = st.integers(0, 10**9)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_replicas_are_one_at_a_time(seed: int) -> None:
    graph, one = random_graph(seed)
    graph = with_gradient(graph)
    rng = np.random.default_rng(seed)
    flags = rng.random(len(one)) < 0.6
    assume(flags.any())
    replaced = {t: variable((3, *t.shape)) for t, f in zip(graph.inputs, flags, strict=True) if f}
    inputs = tuple(replaced.get(t, t) for t in graph.inputs)
    many = [np.stack([x, 0.5 * x, x + 1.0]) if f else x for x, f in zip(one, flags, strict=True)]
    got = Graph(inputs, tuple(replicate_nodes(graph.outputs, replaced, 3))).evaluate(many)
    for i in range(3):
        alone = graph.evaluate([x[i] if f else x for x, f in zip(many, flags, strict=True)])
        for a, b in zip(got, alone, strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-9, atol=1e-9)


def scalar(graph: Graph) -> object:
    return sum((F.sum(F.sin(cast(y)) * (0.3 + i)) for i, y in enumerate(graph.outputs)), constant(0.0))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_forward_and_reverse_mode_agree_to_second_order(seed: int) -> None:
    """⟨∇f, v⟩ by reverse mode is the directional derivative by forward mode; so is ⟨∇²f u, v⟩, symmetric in u and v."""
    graph, arguments = random_graph(seed, length=12)
    rng = np.random.default_rng(seed)
    u = [constant(rng.standard_normal(t.shape)) for t in graph.inputs]
    v = [constant(rng.standard_normal(t.shape)) for t in graph.inputs]
    y = F.cast(scalar(graph))
    g = gradients([y], [constant(1.0)], graph.inputs)

    def paired(a: list, b: list) -> object:
        return sum((F.sum(p * q) for p, q in zip(a, b, strict=True)), constant(0.0))

    along_u, along_v = F.cast(paired(g, u)), F.cast(paired(g, v))
    outputs = (
        along_v,
        tangents([y], graph.inputs, v)[0],
        tangents([along_u], graph.inputs, v)[0],
        tangents([along_v], graph.inputs, u)[0],
        F.cast(paired(gradients([along_u], [constant(1.0)], graph.inputs), v)),
    )
    with np.errstate(all="ignore"):
        first, forward, uv, vu, reverse = Graph(graph.inputs, outputs).evaluate(arguments)
    scale = 1.0 + abs(float(uv))
    np.testing.assert_allclose(first, forward, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([vu, reverse], [uv, uv], rtol=1e-8, atol=1e-9 * scale)
