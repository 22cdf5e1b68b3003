"""Every pass leaves what a graph computes alone, on random graphs and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import random_graph

import derivcheck.models as m
from derivcheck.models import functional as F
from derivcheck.models.compiler import compile
from derivcheck.models.differentiate import grad, gradients, value_and_grad
from derivcheck.models.functional import cast
from derivcheck.models.graph import Graph
from derivcheck.models.passes import plan as planning
from derivcheck.models.passes.batch import batch
from derivcheck.models.passes.contract import contract
from derivcheck.models.passes.factor import factor
from derivcheck.models.passes.fuse import fuse
from derivcheck.models.passes.gather import gather_products, gather_slices
from derivcheck.models.passes.layout import is_view, reshaped
from derivcheck.models.passes.lower import lower
from derivcheck.models.passes.merge import merge
from derivcheck.models.passes.orient import orient, untranspose
from derivcheck.models.passes.share import share
from derivcheck.models.passes.simplify import simplify
from derivcheck.models.passes.sink import sink
from derivcheck.models.program import compile_graph
from derivcheck.models.tensor import constant, make, variable

SEEDS = st.integers(0, 10**9)
PASSES = {
    "lower": lower,
    "simplify": simplify,
    "orient": orient,
    "sink": sink,
    "slices": gather_slices,
    "products": gather_products,
    "merge": merge,
    "batch": batch,
    "untranspose": untranspose,
    "contract": contract,
    "factor": factor,
    "share": share,
}


def with_gradient(graph: Graph) -> Graph:
    """The same outputs, and the gradient of their weighted sum."""
    total = sum((F.sum(F.tanh(cast(y)) * (0.3 + i)) for i, y in enumerate(graph.outputs)), constant(0.0))
    return Graph(graph.inputs, (*graph.outputs, *gradients([total], [constant(1.0)], graph.inputs)))


def agree(a: list[np.ndarray], b: list[np.ndarray]) -> None:
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", PASSES)
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_pass_keeps_the_values(name: str, seed: int) -> None:
    graph, arguments = random_graph(seed)
    graph = with_gradient(graph)
    agree(graph.evaluate(arguments), PASSES[name](graph).evaluate(arguments))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_groups_are_an_order_of_all_nodes_that_compute(seed: int) -> None:
    graph, _ = random_graph(seed)
    graph = merge(simplify(lower(with_gradient(graph))))
    seen = {t for t in graph.nodes if not t.inputs}
    for group in fuse(graph):
        for t in group.nodes:
            for x in t.inputs:
                while is_view(x):
                    x = x.inputs[0]
                assert x in seen
            seen.add(t)
    assert seen >= {t for t in graph.nodes if not is_view(t)}


@pytest.mark.parametrize("cache", [64, 1 << 16])
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_compiled_equals_reference(cache: int, seed: int) -> None:
    graph, arguments = random_graph(seed)
    graph = with_gradient(graph)
    kept, planning.CACHE = planning.CACHE, cache  # a small cache: everything runs in blocks
    try:
        program = compile_graph(graph, [f"x{i}" for i in range(len(graph.inputs))])
    finally:
        planning.CACHE = kept
    with np.errstate(all="ignore"):
        first = program.run(*arguments)
        agree(graph.evaluate(arguments), list(first))
        copies = [x.copy() for x in first]
        others = [x + 0.25 for x in arguments]
        agree(graph.evaluate(others), list(program.run(*others)))
    for x, y in zip(first, copies, strict=True):  # the second run left the first results alone
        np.testing.assert_array_equal(x, y)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_float32_is_float32_throughout(seed: int) -> None:
    graph, arguments = random_graph(seed)
    program = compile_graph(graph, [f"x{i}" for i in range(len(graph.inputs))], np.float32)
    results = program.run(*(x.astype(np.float32) for x in arguments))
    for x, y in zip(graph.evaluate(arguments), results, strict=True):
        assert y.dtype == np.float32
        np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-3)
    assert all(a.dtype != np.float64 for a in program.plan.static.values())


def test_results_alias_neither_arguments_nor_each_other() -> None:
    f = compile(lambda x: (x, x, x.T, F.reshape(x, (-1,)), x + 1.0))
    x = np.arange(6.0).reshape(2, 3)
    first = f(x)
    for i, y in enumerate(first):
        assert not np.shares_memory(y, x)
        assert all(not np.shares_memory(y, z) for z in first[i + 1 :])
        y[...] = -1.0
    assert x[1, 2] == 5.0
    np.testing.assert_array_equal(f(x)[4], x + 1.0)


def test_a_wrong_rule_is_noticed() -> None:
    """The comparison above can fail: a pass that drops a factor is caught on the first graphs."""
    from derivcheck.models.graph import rewrite

    def drop(graph: Graph) -> Graph:
        return rewrite(graph, lambda t, inputs: inputs[0] if t.primitive == "tanh" else None)

    wrong = 0
    for seed in range(20):
        graph, arguments = random_graph(seed)
        graph = with_gradient(graph)
        try:
            agree(graph.evaluate(arguments), drop(graph).evaluate(arguments))
        except AssertionError:
            wrong += 1
    assert wrong >= 15


def _multiplications(graph: Graph) -> int:
    return sum(t.primitive == "mul" and t.inputs[1].primitive == "constant" for t in graph.nodes)


@pytest.mark.parametrize("optimiser", [m.Adam(), m.SGD(0.1, momentum=0.9), m.RMSProp(), m.Adagrad(weight_decay=0.1)])
@pytest.mark.parametrize("net", [m.Linear(3, 3), m.MultiHeadAttention(3, 1)])
def test_the_factor_of_a_mean_waits_for_the_optimiser(optimiser: m.Optimiser, net: m.Layer) -> None:
    trainer = m.Trainer(lambda p, b, run: m.squared_error(net(p, b[0], run), b[1]), net.init(0), optimiser)
    graphs = trainer.compile((np.ones((5, 2, 3)), np.ones((5, 2, 3)))).graphs
    before, after = graphs["simplify"], graphs["factor"]
    rng = np.random.default_rng(0)
    arguments = [rng.random(x.shape) if x.kind == "float" else None for x in before.inputs]
    agree(before.evaluate(arguments), after.evaluate(arguments))
    # The others add something to the gradient itself.
    gains = isinstance(optimiser, (m.Adam, m.RMSProp))
    assert (_multiplications(after) < _multiplications(before)) == gains


def test_a_factor_stays_where_nothing_makes_up_for_it() -> None:
    x, y = variable((3,)), variable((3,))
    half = x * 0.5
    for outputs in ((half,), (half + y,), (F.exp(half) * 3.0,), (half * 3.0, half), (F.square(F.square(half)) * 3.0,)):
        graph = merge(simplify(Graph((x, y), outputs)))
        assert factor(graph) is graph
    graph = merge(simplify(Graph((x, y), (F.sum(half * y) * 3.0 + 1.0, F.square(half) * 7.0 - y))))
    assert _multiplications(factor(graph)) == _multiplications(graph) - 1
    arguments = [np.arange(3.0), np.arange(3.0) + 1]
    agree(graph.evaluate(arguments), factor(graph).evaluate(arguments))


def test_merging_leaves_one_of_two_equal_nodes() -> None:
    x = variable((3,))
    graph = Graph((x,), (F.tanh(x) * F.tanh(x),))
    assert sum(t.primitive == "tanh" for t in graph.nodes) == 2
    assert sum(t.primitive == "tanh" for t in merge(graph).nodes) == 1


def test_draws_of_random_numbers_never_merge() -> None:
    f = compile(lambda g: F.normal(g, (5,)) - F.normal(g, (5,)))
    assert (f(np.random.default_rng(0)) != 0).all()


def random_recurrence(seed: int) -> tuple[Graph, list[np.ndarray]]:
    """Steps that are joined; functions of single steps are used later, and some also by the next step."""
    rng = np.random.default_rng(seed)
    w, x = variable((3, 3), "float", "w"), variable((7, 2, 3), "float", "x")
    h, steps, later = x[0], [], []
    functions = (F.square, F.sin, lambda z: 1.0 - z, lambda z: z * 2.5, lambda z: 2.5 - F.square(z))
    for t in range(1, 7):
        fed = functions[int(rng.integers(len(functions)))](h) if rng.random() < 0.3 else h
        h = F.tanh(x[t] + fed @ F.transpose(w, (1, 0)))
        steps.append(h)
    for f in functions:
        later += [F.tanh(f(h)) for h in steps if rng.random() < 0.9]
    joined = F.concatenate(steps, 0)
    return Graph((w, x), (F.transpose(joined, (1, 0)) @ joined, *later, F.sum(steps[2]))), [
        rng.standard_normal(v.shape) for v in (w, x)
    ]


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_functions_of_the_steps_of_a_recurrence(seed: int) -> None:
    graph, arguments = random_recurrence(seed)
    for tried in (graph, with_gradient(graph), merge(simplify(with_gradient(graph)))):
        agree(graph.evaluate(arguments), batch(tried).evaluate(arguments)[: len(graph.outputs)])
        agree(tried.evaluate(arguments), untranspose(batch(tried)).evaluate(arguments))
        program = compile_graph(tried, ["w", "x"])
        agree(tried.evaluate(arguments), list(program.run(*arguments)))


def test_slopes_of_a_recurrence_are_computed_at_once_and_its_weight_is_copied_once() -> None:
    def loss(w, x):  # type: ignore[no-untyped-def]
        h = x[0]
        for t in range(1, 9):
            h = F.tanh(x[t] + h @ w.T)
        return F.sum(h)

    program = compile(grad(loss)).specialise(np.zeros((3, 3)), np.zeros((9, 2, 3)))
    counts = [sum(t.primitive == "square" for t in program.graphs[k].nodes) for k in ("merge", "batch")]
    assert counts == [8, 2]  # of the last step, and of all others together
    right = {t.inputs[1] for t in program.graph.nodes if t.primitive == "matmul"}
    assert {t.primitive for t in right if t.shape == (3, 3)} == {"alias", "variable"}


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS)
def test_parts_are_computed_where_they_will_stand(seed: int) -> None:
    """Products and functions behind views, joined along any axis, and again; windows that tile a result, or nearly."""
    rng = np.random.default_rng(seed)
    x, y = variable((2, 1, 3, 4), "float", "x"), variable((2, 1, 4, 3), "float", "y")
    pieces = [x @ y, F.tanh(x) @ F.sin(y), F.sin(x @ y) * 2.0, F.transpose(F.tanh(y @ x), (0, 1, 3, 2))[..., :3, :3]]
    axis = int(rng.integers(0, 3))
    shaped = [F.reshape(F.transpose(p, (0, 2, 1, 3)), (2, 3, 3)) for p in pieces]
    joined = F.concatenate([shaped[int(i)] for i in rng.integers(0, 4, int(rng.integers(2, 5)))], axis)
    deeper = F.tanh(F.concatenate([joined, F.sin(joined)][:: -1 if seed % 3 else 1], int(rng.integers(0, 3))))
    size = int(rng.integers(1, 3))
    windows = F.tanh(F.windows(F.tanh(x), (3,), (size,), (2,), (1,)) * 0.7)
    folded = F.fold(windows, x.shape, (3,), (size,), (2,), (1,))
    sums = F.sum(joined), folded if seed % 2 else F.sum(folded)
    graph = Graph((x, y), (F.tanh(joined) * 2.0 if seed % 5 else deeper, F.sin(folded), F.sum(deeper), *sums))
    arguments = [rng.standard_normal(v.shape) for v in (x, y)]
    agree(graph.evaluate(arguments), list(compile_graph(graph, ["x", "y"]).run(*arguments)))
    graph = with_gradient(graph)
    agree(graph.evaluate(arguments), list(compile_graph(graph, ["x", "y"]).run(*arguments)))


def test_nothing_is_copied_into_a_concatenation_or_a_tiled_fold() -> None:
    def f(x, y):  # type: ignore[no-untyped-def]
        joined = F.concatenate([x @ y, y @ x], 2)
        folded = F.fold(F.tanh(F.windows(x, (2,), (2,), (2,), (1,)) * 3.0), x.shape, (2,), (2,), (2,), (1,))
        return F.sum(F.tanh(joined)), F.sum(F.tanh(folded))

    program = compile(f).specialise(np.zeros((5, 4, 4)), np.zeros((5, 4, 4)))
    assert {t.primitive for t in program.plan.placed} == {"matmul", "tanh"}
    assert "concatenate" not in program.source and "target" not in program.source


def test_nothing_is_copied_into_a_concatenation_inside_another() -> None:
    def joined(x):  # type: ignore[no-untyped-def]
        inner = F.concatenate([F.exp(x), F.sin(x)], 0)
        whole = F.concatenate([inner, F.tanh(x)], 0)
        return F.sum(F.square(whole)), F.sum(F.cos(inner), 0)

    compiled = m.compile(joined)
    x = np.random.default_rng(0).standard_normal((5, 7))
    square, cosine = compiled(x)
    inner = np.concatenate([np.exp(x), np.sin(x)])
    assert np.allclose(square, (inner**2).sum() + (np.tanh(x) ** 2).sum(), rtol=1e-12)
    assert np.allclose(cosine, np.cos(inner).sum(0), rtol=1e-12)
    placed = {t.primitive for t in compiled.program.plan.placed}
    assert placed == {"concatenate", "exp", "sin", "tanh"}
    assert "concatenate" not in compiled.source and "] = t" not in compiled.source


@pytest.mark.parametrize("cache", [64, 1 << 16])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_outer_products(cache: int, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "CACHE", cache)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 7, 1)), rng.standard_normal((5, 1, 6))
    f = compile(lambda x, y: (F.tanh(y * x) + 1.0, F.tanh(x[:1] * y)), dtype=dtype)
    np.testing.assert_allclose(f(x, y)[0], np.tanh(x * y) + 1.0, rtol=1e-12)
    np.testing.assert_allclose(f(x, y)[1], np.tanh(x[:1] * y), rtol=1e-12)
    g = compile(lambda x, y: F.tanh(x @ y), dtype=dtype)
    np.testing.assert_allclose(g(x, y), np.tanh(x * y), rtol=1e-12)
    assert "einsum" in g.source


@pytest.mark.parametrize("columns", [10, 20])
@pytest.mark.parametrize("shape", [(9, 1), (1, 9)], ids=["replicas first", "rows first"])
def test_outer_products_with_many_short_rows_are_left_to_blas(shape: tuple[int, int], columns: int) -> None:
    rng = np.random.default_rng(0)
    lead = tuple(9 if n > 1 else 20 for n in shape)
    x, y = rng.standard_normal((*lead, 1)), rng.standard_normal((*shape, columns))
    x[0, 0], y[0, 0, :2] = np.inf, (0.0, -1.0)
    with np.errstate(invalid="ignore"):
        f = compile(lambda x, y: (x * y, F.tanh(x * y)))
        for got, wanted in zip(f(x, y), (x * y, np.tanh(x * y)), strict=True):
            np.testing.assert_array_equal(got, wanted)
        np.testing.assert_array_equal(f(x + 1.0, y)[0], (x + 1.0) * y)
        few = compile(lambda x, y: x * y)
        np.testing.assert_array_equal(few(x[:5, :5], y[:5, :5]), x[:5, :5] * y[:5, :5])
    assert f.source.count("np.matmul") == 1 and "einsum" not in f.source
    assert "np.matmul" not in few.source


def test_a_slope_is_computed_when_it_is_wanted() -> None:
    """And where its activation stood, unless blocks want it at once."""

    def slopes(count: int) -> list[str]:
        f = compile(value_and_grad(lambda w: F.sum(F.sin(F.tanh(F.sin(w[1:]))))))
        f(np.ones(count))
        return [line.split("(")[0].strip() for line in f.source.splitlines() if "np." in line]

    small, large = slopes(100), slopes(1 << 16)
    assert small.index("np.square") > small.index("np.add.reduce")
    assert large.index("np.square") < large.index("np.add.reduce")


def test_weights_of_replicas_are_copied_where_that_pays() -> None:
    f = compile(lambda w, x: F.tanh(x @ w.T), replicas=(True, False))
    rng = np.random.default_rng(0)
    w, x = rng.standard_normal((6, 3, 5)), rng.standard_normal((40, 5))
    np.testing.assert_allclose(f(w, x), np.tanh(x @ w.transpose(0, 2, 1)), rtol=1e-12)
    assert sum(t.primitive == "alias" for t in f.graph.nodes) == 1
    f(w, x[:10])
    assert all(t.primitive != "alias" for t in f.graph.nodes)


def test_a_weight_is_copied_where_it_multiplies_many_rows() -> None:
    f = compile(lambda x, w: F.tanh(x @ w.T))
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((80, 5)), rng.standard_normal((3, 5))
    for rows, copies in ((80, 1), (10, 0)):
        np.testing.assert_allclose(f(x[:rows], w), np.tanh(x[:rows] @ w.T), rtol=1e-12)
        assert sum(t.primitive == "alias" for t in f.graph.nodes) == copies


def test_a_result_takes_the_memory_of_what_was_only_reshaped() -> None:
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in ((2, 3, 4), (4, 5), (2, 3, 5)))
    for flip in (False, True):  # what reads it backwards must not write over it
        f = compile(lambda x, w, b, flip=flip: F.tanh((make("flip", x @ w, axes=(0,)) if flip else x @ w) + b)[1:])
        np.testing.assert_allclose(f(x, w, b), np.tanh((x @ w)[:: -1 if flip else 1] + b)[1:], rtol=1e-12)
        memory = {t.primitive: a.ctypes.data for t, a in f.program.plan.static.items()}
        assert (memory["matmul"] == memory["add"]) != flip


def test_data_that_all_replicas_share_are_multiplied_once() -> None:
    def f(p, x):  # type: ignore[no-untyped-def]
        w, b = p
        return F.sum(F.square(F.tanh(x @ w.T + b)))

    rng = np.random.default_rng(0)
    p, x = [rng.standard_normal(s) for s in ((7, 4, 3), (7, 4))], rng.standard_normal((12, 3))
    compiled = compile(grad(f), replicas=(True, False))
    g = compiled(p, x)
    products = [t.shape for t in compiled.graph.nodes if t.primitive == "matmul"]
    assert products == [(12, 28), (28, 3)]
    for k in range(7):
        for a, b in zip(g, compile(grad(f))([q[k] for q in p], x), strict=True):
            np.testing.assert_allclose(a[k], b, rtol=1e-12)


def test_an_optimiser_chain_is_one_group() -> None:
    theta, g = variable((1000,)), variable((1000,))
    graph = merge(simplify(Graph((theta, g), (theta - 0.1 * g / (F.sqrt(g * g) + 1e-8),))))
    assert len(fuse(graph)) == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 10**6))
def test_reshaping_without_a_copy_as_numpy_does_it(shape: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = np.arange(np.prod(shape) * 4).reshape(*shape, 4)[..., :: int(rng.integers(1, 3))]
    x = base.transpose(rng.permutation(base.ndim))
    factors = [int(n) for n in rng.permutation([k for k in x.shape for k in _factors(k)])]
    target = tuple(factors) if rng.random() < 0.5 else (int(np.prod(factors, dtype=int)),)
    steps = reshaped(x.shape, tuple(s // 8 for s in x.strides), target)
    y = x.reshape(target)
    assert (steps is not None) == np.shares_memory(x, y)
    if steps is not None:
        z = np.lib.stride_tricks.as_strided(x, target, tuple(8 * s for s in steps))
        np.testing.assert_array_equal(z, y)


def _factors(n: int) -> list[int]:
    return [2, 2] if n == 4 else [n]


def test_source_is_readable_and_reuses_memory() -> None:
    f = compile(value_and_grad(lambda w, x: F.mean(F.square(F.tanh(x @ w)))))
    f(np.ones((3, 2)), np.ones((5, 3)))
    assert f.source.startswith("def run(w, x):")
    assert "x.dot(w, t" in f.source
    assert f.cost().workspace < sum(8 * t.size for t in f.graph.nodes)
    assert f.cost().matmul_flops == 2 * 5 * 3 * 2 * 2


def test_unused_input_and_constant_output() -> None:
    f = compile(lambda x, y: (2.0, x))
    two, x = f(np.ones(2), np.zeros(3))
    assert float(two) == 2.0 and x.shape == (2,)


def test_alias_keeps_a_closed_over_argument_constant() -> None:
    f = compile(lambda x: value_and_grad(lambda z: z * x)(x)[1])
    assert float(f(3.0)) == 3.0
    assert make("alias", constant(1.0)).shape == ()
