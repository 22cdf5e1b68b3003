"""Passes for large arrays (bands, masks, zeros that are skipped, slabs, pieces of products) and for replicas keep the
values: here with thresholds so low that they cut every small graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_parts import plain_machine
from random_graphs import random_graph
from test_passes import agree, with_gradient

import derivcheck.models as m
from derivcheck.models import functional as F
from derivcheck.models.compiled_backend import available
from derivcheck.models.graph import Graph
from derivcheck.models.layers.convolution import conv2d
from derivcheck.models.passes import band as banding
from derivcheck.models.passes import inner as walking
from derivcheck.models.passes import machine_correlate, writer
from derivcheck.models.passes import pieces as cutting
from derivcheck.models.passes import share as sharing
from derivcheck.models.passes import slab as slabs
from derivcheck.models.passes import sparse as skipping
from derivcheck.models.passes import upright as standing
from derivcheck.models.passes import widen as widening
from derivcheck.models.passes.band import band
from derivcheck.models.passes.contract import contract
from derivcheck.models.passes.inner import inner
from derivcheck.models.passes.interleave import interleave
from derivcheck.models.passes.lower import lower
from derivcheck.models.passes.mask import mask
from derivcheck.models.passes.merge import merge
from derivcheck.models.passes.share import share
from derivcheck.models.passes.simplify import simplify
from derivcheck.models.passes.sink import sink
from derivcheck.models.passes.slab import slab
from derivcheck.models.passes.sparse import sparse
from derivcheck.models.passes.upright import upright
from derivcheck.models.passes.widen import widen
from derivcheck.models.program import compile_graph, optimise
from derivcheck.models.tensor import Tensor, variable

SEEDS = st.integers(0, 10**9)
BACKENDS = ["numpy", *(["numba"] if available() else [])]
AGAIN = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def low_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every pass for large arrays work on small ones."""
    monkeypatch.setattr(banding, "ENTRIES", 1)
    monkeypatch.setattr(slabs, "LARGE", 64)
    monkeypatch.setattr(slabs, "SLAB", 1 << 10)
    monkeypatch.setattr(slabs, "LEFT", 4.0)
    monkeypatch.setattr(cutting, "IN_PLACE", 8)
    monkeypatch.setattr(walking, "ENTRIES", 1)
    monkeypatch.setattr(standing, "ROWS", 0)
    monkeypatch.setattr(widening, "ROWS", 2)
    monkeypatch.setattr(sharing, "ROWS", 1)
    for name, value in {"SHARE": 0.6, "WORK": 1, "COPIED": 0, "SUMMED": 0, "ROW": 1}.items():
        monkeypatch.setattr(skipping, name, value)
    monkeypatch.setattr(machine_correlate, "REGISTERS", 32)
    monkeypatch.setattr(machine_correlate, "LISTED", 6)
    monkeypatch.setattr(writer, "TILE", 2)


@pytest.fixture(autouse=True)
def _low_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    low_thresholds(monkeypatch)


def random_convolutions(seed: int) -> tuple[Graph, list[np.ndarray]]:
    """Two convolutions with pooling and a kink, of random sizes, strides and paddings."""
    rng = np.random.default_rng(seed)

    def pick(*choices: int) -> int:
        return int(rng.choice(choices))

    x = variable((pick(1, 2, 3), pick(1, 2), pick(7, 8, 9), pick(7, 8, 10)), "float", "x")
    inputs: list[Tensor] = [x]
    y: Tensor = x
    for _ in range(2):
        size = min(y.shape[2], pick(1, 2, 3)), min(y.shape[3], pick(1, 2, 3))
        inputs.append(variable((pick(1, 2, 4), y.shape[1], *size), "float", f"w{len(inputs)}"))
        stride, padding = pick(1, 1, 2), pick(0, 0, 1)
        y = conv2d(y, inputs[-1], stride, padding, pick(1, 1, 2) if min(y.shape[2:]) > 5 else 1)
        inputs.append(variable((y.shape[1],), "float", f"b{len(inputs)}"))
        y = y + F.reshape(inputs[-1], (1, -1, 1, 1))
        y = m.relu(y) if rng.random() < 0.6 else F.tanh(y)
        if min(y.shape[2:]) > 2:
            pool = m.MaxPool2d if rng.random() < 0.7 else m.AvgPool2d
            y = pool(2, pick(1, 2, 2))({}, y, m.Run())
    arguments = [rng.standard_normal(v.shape) for v in inputs]
    arguments[0] = np.round(arguments[0] * 2) / 2  # equal entries share a derivative
    return Graph(tuple(inputs), (y, F.sum(F.square(y)))), arguments


def random_orders(seed: int) -> tuple[Graph, list[np.ndarray]]:
    """Products of matrices that are read from, and wanted in, another order of axes; some are read elsewhere too."""
    rng = np.random.default_rng(seed)
    n, k = (int(i) for i in rng.integers(1, 4, 2))
    z, w = variable((2, 3, k, n), "float", "z"), variable((6 * k, 4), "float", "w")
    order = [3, *(int(i) for i in rng.permutation(3))] if rng.random() < 0.8 else list(map(int, rng.permutation(4)))
    read = F.transpose(F.tanh(z) if rng.random() < 0.5 else z, order)
    rows = F.reshape(read, (read.shape[0], -1)) if rng.random() < 0.8 else F.reshape(read, (n, -1))
    product = rows @ (w if rows.shape[1] == 6 * k else F.broadcast_to(w[:1], (rows.shape[1], 4)))
    after = F.transpose(F.reshape(product, (rows.shape[0], 2, 2)), [*(int(i) for i in rng.permutation([1, 2])), 0])
    outputs = [F.sin(after), product if rng.random() < 0.3 else F.sum(product), rows if rng.random() < 0.2 else w]
    return Graph((z, w), tuple(outputs)), [rng.standard_normal(v.shape) for v in (z, w)]


def random_replicas(seed: int) -> tuple[Graph, list[np.ndarray]]:
    """Layers of replicas, of random sizes, with a bias for each replica (or one for all); read by this and that."""
    rng = np.random.default_rng(seed)

    def pick(*choices: int) -> int:
        return int(rng.choice(choices))

    count, rows = pick(1, 2, 3), pick(1, 2, 5)
    x = variable((pick(1, count), rows, pick(1, 3)), "float", "x")
    inputs: list[Tensor] = [x]
    y: Tensor = x
    layers = []
    for _ in range(3):
        columns = pick(1, 2, 4)
        inputs.append(variable((count, columns, y.shape[-1]), "float", f"w{len(inputs)}"))
        y = y @ inputs[-1].T
        inputs.append(variable((pick(1, count, count), 1, columns), "float", f"b{len(inputs)}"))
        y = y + inputs[-1] if rng.random() < 0.8 else inputs[-1] * y - x[:1, :, :1]
        y = (F.tanh, m.relu, F.sin)[pick(0, 1, 2)](y)
        layers.append(y)
    readers = (
        lambda z: F.max(z, 1), lambda z: z[:, :1], lambda z: F.reshape(z, (-1,)), lambda z: z.T @ z, lambda z: z * 2.0,
    )  # fmt: skip
    outputs = [F.sum(F.square(y)), *(readers[pick(0, 1, 2, 3, 4)](z) for z in layers if rng.random() < 0.4)]
    return Graph(tuple(inputs), tuple(outputs)), [rng.standard_normal(v.shape) for v in inputs]


def random_scores(seed: int) -> tuple[Graph, list[np.ndarray]]:
    """Batched products whose rows are shifted, scaled or normalised by what they are reduced to, then multiplied."""
    rng = np.random.default_rng(seed)
    lead = [(), (1,), (3,), (2, 1), (2, 3)][int(rng.integers(5))]
    n, k, m = (int(i) for i in rng.integers(1, 5, 3))
    shapes = (*lead, n, k), (*lead, k, m), (*lead, m, 2), ((1,) * len(lead) + (n, m))
    x, y, z, b = (variable(s, "float", f"x{i}") for i, s in enumerate(shapes))
    scores = x @ y * 0.5
    if rng.random() < 0.3:
        scores = F.where(b > 0.0, scores, b) if rng.random() < 0.5 else scores + b
    functions = (
        F.softmax, F.log_softmax, lambda s: s / (1.0 + F.sum(F.square(s), -1, keepdims=True)),
        lambda s: s - F.max(s, -1, keepdims=True), lambda s: F.tanh(s) * F.sum(s, (0, -1), keepdims=True),
    )  # fmt: skip
    for _ in range(int(rng.integers(1, 3))):
        scores = functions[int(rng.integers(len(functions)))](scores)
    outputs = [scores @ z, F.sum(scores, 0), F.reshape(scores, (-1,)) if rng.random() < 0.2 else F.sum(scores * b)]
    return Graph((x, y, z, b), tuple(outputs)), [rng.standard_normal(s) for s in shapes]


def graphs(seed: int) -> tuple[Graph, list[np.ndarray]]:
    families = random_convolutions, random_replicas, random_orders, random_scores, random_graph
    graph, arguments = families[seed % len(families)](seed)
    return with_gradient(graph), arguments


@pytest.mark.parametrize("name", ["inner", "band", "mask", "sparse", "slab", "interleave", "upright", "widen", "share"])
@AGAIN
@given(seed=SEEDS)
def test_a_pass_keeps_the_values(name: str, seed: int) -> None:
    graph, arguments = graphs(seed)
    graph = merge(simplify(lower(graph)))
    graph = merge(simplify(sink(graph)))
    passes = {
        "inner": inner, "band": band, "mask": mask, "sparse": sparse, "slab": lambda g: slab(mask(g), 8),
        "interleave": interleave, "upright": upright, "widen": lambda g: widen(g, 8),
        "share": lambda g: share(merge(simplify(sink(interleave(g))))),
    }  # fmt: skip
    after = passes[name](graph)
    agree(graph.evaluate(arguments), after.evaluate(arguments))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@AGAIN
@given(seed=SEEDS)
def test_compiled_equals_reference(backend: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)  # its text runs as plain Python
    graph, arguments = graphs(seed)
    program = compile_graph(graph, [f"x{i}" for i in range(len(graph.inputs))], backend=backend)
    with np.errstate(all="ignore"):
        first = program.run(*arguments)
        copies = [x.copy() for x in first]
        agree(graph.evaluate(arguments), list(first))
        others = [np.asarray(x + 0.25) for x in arguments]
        agree(graph.evaluate(others), list(program.run(*others)))
        again = program.run(*arguments)
    for x, y, z in zip(first, copies, again, strict=True):  # nothing aliases a result, and a run repeats bit by bit
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(y, z)


def _convolutional_step() -> Graph:
    net = m.Sequential(m.Conv2d(1, 4, 3), m.ReLU(), m.MaxPool2d(2), m.Conv2d(4, 4, 3), m.ReLU(), m.MaxPool2d(2))
    arrays, structure = m.flatten(net.init(0))
    variables = [variable(a.shape, "float", f"p{i}") for i, a in enumerate(arrays)]
    x = variable((2, 1, 14, 14), "float", "x")
    y = net(m.unflatten(structure, variables), x)
    return with_gradient(Graph((*variables, x), (F.sum(F.square(y)),)))


def test_every_pass_has_its_effect_on_a_convolutional_step() -> None:
    """Otherwise the comparisons above would show nothing."""
    found = optimise(_convolutional_step())
    count = {k: [t.primitive for t in g.nodes] for k, g in found.items()}
    assert count["inner"].count("concatenate") > count["merge"].count("concatenate")
    assert count["band"].count("matmul") > count["inner"].count("matmul")
    assert "count" in count["mask"] and "count" not in count["band"]
    assert count["slab"].count("matmul") > count["mask"].count("matmul")
    machine = optimise(_convolutional_step(), backend="numba")
    assert [t.primitive for t in machine["sparse"].nodes].count("correlate") >= 2
    program = compile_graph(_convolutional_step(), [f"x{i}" for i in range(5)])
    assert any(a.ndim > 4 for a in program.emitted.names.values() if isinstance(a, np.ndarray))


def test_biases_of_replicas_are_added_to_long_rows() -> None:
    def f(x, w, b, v):  # type: ignore[no-untyped-def]
        return F.tanh(F.tanh(x @ w + b) @ v)

    compiled = m.compile(m.grad(lambda p, x: F.sum(f(x, *p))), replicas=(True, False))
    rng = np.random.default_rng(0)
    p, x = [rng.standard_normal(s) for s in ((7, 3, 4), (7, 1, 4), (7, 4, 2))], rng.standard_normal((5, 3))
    g = compiled(p, x)
    assert any(t.shape == (5, 7, 4) for t in compiled.graphs["interleave"].nodes)
    for k in range(7):
        one = m.grad(lambda p, x: F.sum(f(x, *p)))
        for a, b in zip(g, m.compile(one)([q[k] for q in p], x), strict=True):
            np.testing.assert_allclose(a[k], b, rtol=1e-12)


def _attention_step(length: int = 4) -> Graph:
    layer = m.MultiHeadAttention(8, 2)
    arrays, structure = m.flatten(layer.init(0))
    variables = [variable(a.shape, "float", f"p{i}") for i, a in enumerate(arrays)]
    x = variable((8, length, 8), "float", "x")
    y = layer(m.unflatten(structure, variables), x)
    return with_gradient(Graph((*variables, x), (F.sum(F.square(y)),)))


def test_scores_stand_upright_where_their_rows_are_short() -> None:
    found = optimise(_attention_step())
    reductions = [t for t in found["merge"].nodes if t.primitive in ("max", "sum") and t.inputs[0].ndim == 4]
    assert {t.primitive for t in reductions} == {"max", "sum"}
    assert {(t.attributes["axes"], t.inputs[0].shape) for t in reductions} == {((0,), (4, 8, 2, 4))}
    longer = optimise(_attention_step(2 * standing.SHORT))
    assert all(t.attributes["axes"] == (3,) for t in longer["merge"].nodes if t.primitive == "max")


def test_a_bias_is_repeated_and_a_sum_of_squares_is_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widening, "ROWS", 32)
    graph = optimise(_attention_step())["merge"]
    before, after = ([t.primitive for t in g.nodes] for g in (graph, widen(contract(graph), 8)))
    assert after.count("alias") == before.count("alias") + 2  # of the products before and after the scores
    assert after.count("matmul") == before.count("matmul") + 1
    assert after.count("square") == before.count("square") - 1


def test_a_slab_that_waits_for_its_own_result_is_not_cut() -> None:
    x = variable((40, 5), "float", "x")
    y = F.tanh(x)
    total = F.sum(F.max(y, 1))  # what the next line reads waits for all slabs
    graph = Graph((x,), (F.max(y * total, 1),))
    after = slab(graph, 8)
    arguments = [np.random.default_rng(0).standard_normal((40, 5))]
    agree(graph.evaluate(arguments), after.evaluate(arguments))
    assert sum(t.primitive == "tanh" for t in after.nodes) == 1
    assert sum(t.primitive == "tanh" for t in slab(Graph((x,), (F.max(y, 1),)), 8).nodes) > 1


def test_infinite_factors_meet_indicators_as_numbers_do() -> None:
    """Zero times infinity stays what it is: an indicator is a number, no choice."""
    x, g = variable((3,), "float", "x"), variable((3,), "float", "g")
    graph = Graph((x, g), (F.cast(x > 0.0) * g,))
    arguments = [np.array([1.0, -1.0, -1.0]), np.array([np.inf, np.inf, 2.0])]
    with np.errstate(invalid="ignore"):
        for backend in BACKENDS:
            (y,) = compile_graph(graph, ["x", "g"], backend=backend).run(*arguments)
            np.testing.assert_array_equal(y, [np.inf, np.nan, 0.0])
