"""Mistakes of a newcomer's first hour: each is refused by name, none becomes a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derivcheck.models as m

F = m.functional

NET = m.Sequential(m.Linear(3, 4), m.Tanh(), m.Linear(4, 2))
X = np.ones((5, 3))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, 2.0, 3.0], [1.0, 2.0]], "Linear '0': expected a tensor or an array, given a list"),
        (None, "Linear '0': expected a tensor or an array, given a NoneType"),
        (np.float64(3.0), r"Linear '0': expected shape \(…, 3\), given shape \(\)"),
        (np.ones((5, 3), object), "type object cannot become a tensor"),
        (np.array([["a"] * 3]), "cannot become a tensor"),
        (X + 1j, "lose its imaginary part"),
        (np.complex64(1j), "lose its imaginary part"),
        (np.ma.masked_array(X, X > 0), "lose its mask"),
    ],
)  # fmt: skip
def test_an_input_that_is_no_array_of_numbers(x: Any, message: str) -> None:
    with pytest.raises(m.ModelError, match=message):
        m.compile(lambda p, x: NET(p, x))(NET.init(0), x)


@pytest.mark.parametrize(
    "x",
    [
        X.astype(np.float16), X.astype(np.longdouble), X.astype(int), X.astype(bool), X.astype(">f8"),
        np.ones((3, 5)).T, np.ones((10, 6))[::2, ::2], X[::-1], np.broadcast_to(1.0, (5, 3)),
    ],
)  # fmt: skip
def test_any_layout_and_type_of_numbers_will_do(x: Any) -> None:
    f = m.compile(lambda p, x: NET(p, x))
    np.testing.assert_array_equal(f(NET.init(0), x), f(NET.init(0), X))


def test_an_empty_batch_has_outputs_but_no_mean() -> None:
    p, none = NET.init(0), np.ones((0, 3))
    assert m.compile(lambda p, x: NET(p, x))(p, none).shape == (0, 2)
    for reduced in (F.mean, F.max, F.variance, lambda y: m.squared_error(y, y)):
        with pytest.raises(m.ShapeError, match=r"expected at least 1 entry, given shape \(0, 2\)"):
            m.compile(m.grad(lambda p, x: F.sum(reduced(NET(p, x)))))(p, none)  # noqa: B023
    with pytest.raises(m.ShapeError, match="at least 2 entries"):
        F.variance(np.ones(1), unbiased=True)
    with pytest.raises(m.ShapeError, match="at least one time"):
        m.LSTM(3, 2)(m.LSTM(3, 2).init(0), np.ones((1, 0, 3)))


@pytest.mark.parametrize(
    "make",
    [
        lambda n: m.Linear(n, 4),
        lambda n: m.Linear(4, n, bias=False),
        lambda n: m.Bias(n),
        lambda n: m.Embedding(n, 3),
        lambda n: m.Conv1d(1, 1, n),
        lambda n: m.Conv2d(1, 1, (3, n)),
        lambda n: m.Conv2d(1, 1, 3, stride=n),
        lambda n: m.Conv2d(1, 1, 3, dilation=n),
        lambda n: m.ConvTranspose2d(1, n, 3),
        lambda n: m.MaxPool2d(n),
        lambda n: m.AvgPool1d(2, n),
        lambda n: m.BatchNorm(n),
        lambda n: m.LayerNorm((2, n)),
        lambda n: m.RNN(2, n),
        lambda n: m.LSTM(n, 2),
        lambda n: m.MultiHeadAttention(4, n),
        lambda n: m.LearnedPositions(n, 4),
        lambda n: m.GraphConvolution(n, 4),
        lambda n: m.random_mdp(n, 2, 0.9),
    ],
)
@pytest.mark.parametrize("n", [0, -3, 2.0, True, "3"])
def test_sizes_are_positive_integers(make: Any, n: Any) -> None:
    with pytest.raises(ValueError, match="is an integer of at least 1, not"):
        make(n)
    make(np.int64(1))


def test_padding_may_be_zero_and_not_less() -> None:
    for layer in (m.Conv1d, m.Conv2d, m.ConvTranspose2d):
        with pytest.raises(ValueError, match="padding is an integer of at least 0"):
            layer(1, 1, 3, padding=-1)
    with pytest.raises(ValueError, match="padding is an integer of at least 0"):
        m.MaxPool2d(3, padding=-1)
    with pytest.raises(ValueError, match="size of at least 2"):
        m.AdditiveCoupling(1, m.Linear(1, 1))


@pytest.mark.parametrize(
    ("child", "hint"),
    [(m.Tanh, r"write Tanh\(\)"), (np.tanh, "in Lambda"), (F.tanh, "in Lambda"), (None, "in Lambda")],
)
def test_a_network_is_made_of_layers(child: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=f"Sequential: child '1' is .* no layer: .*{hint}"):
        m.Sequential(m.Linear(3, 4), child)


def test_a_seed_is_an_integer_or_a_generator() -> None:
    np.testing.assert_array_equal(NET.init(np.int64(3))["0"]["weight"], NET.init(3)["0"]["weight"])
    for seed in (None, "3", 3.0):
        with pytest.raises(m.ModelError, match="a seed"):
            NET.init(seed)


def test_initialisers_take_what_they_are_named_for() -> None:
    rng = np.random.default_rng(0)
    assert (m.Constant(2.0).draw(rng, (3,)) == 2.0).all()
    np.testing.assert_allclose(np.linalg.norm(m.Orthogonal(3.0).draw(rng, (4, 4)), axis=0), 3.0)
    assert abs(m.Uniform(4).draw(rng, (1000,))).max() <= 0.5
    for wrong in (lambda: m.Variance(0.1), lambda: m.Xavier(2.0), lambda: m.He("cauchy")):
        with pytest.raises(m.ModelError, match="'normal' or 'uniform'"):
            wrong()
    for variance in (-1.0, float("nan"), float("inf")):
        with pytest.raises(m.ModelError, match="at least 0"):
            m.Variance("normal", variance)
    for initialiser in ("he", m.He):
        with pytest.raises(TypeError, match="an object such as He"):
            m.Linear(3, 3, weight_initialiser=initialiser).init(0)
    with pytest.raises(m.ModelError, match="floating-point numbers, not int64"):
        NET.init(0, dtype=np.int64)
    with pytest.raises(ValueError, match="replicas is an integer of at least 1"):
        NET.init(0, replicas=0)


def test_dropout_says_what_it_lacks() -> None:
    net = m.Sequential(m.Dropout(0.5))
    with pytest.raises(m.ModelError, match=r"Dropout '0': training needs random numbers: Run\(training=True, gen"):
        net({}, X, m.Run(training=True))


# --- attention and graphs: what would be ignored, or mean the opposite -----------------------------------------------


def attention(**given: Any) -> Any:
    layer = m.MultiHeadAttention(4, 2)
    return layer(layer.init(0), {"query": np.ones((2, 3, 4)), **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"length": np.array([1, 2])}, "expected a dictionary of query .*lengths.*, given query, length"),
        ({"lengths": np.array([2])}, r"one integer for each example, shape \(2,\), given shape \(1,\)"),
        ({"mask": np.zeros((3, 3))}, "booleans, true where a key may be seen, given a float tensor"),
        ({"key": np.ones((1, 3, 4))}, r"expected shape \(2, \*, 4\), given shape \(1, 3, 4\)"),
        ({"key": np.ones((2, 5, 4)), "value": np.ones((2, 3, 4))}, r"expected shape \(2, 5, 4\), given"),
        ({"mask": np.ones((7, 7), bool)}, "shapes that broadcast"),
    ],
)
def test_an_attention_that_would_not_be_meant(given: dict[str, Any], message: str) -> None:
    with pytest.raises(m.ModelError, match=message):
        attention(**given)


def test_scaled_dot_product_attention_wants_matching_sizes() -> None:
    q, k = m.ones((2, 3, 4)), m.ones((2, 5, 4))
    with pytest.raises(m.ShapeError, match="attention: expected keys of the queries' size 4, and as many values"):
        m.attention(q, k, m.ones((2, 4, 4)))
    with pytest.raises(m.ShapeError, match="booleans"):
        m.attention(q, k, k, np.zeros((3, 5)))


def test_a_graph_convolution_wants_both() -> None:
    layer = m.GraphConvolution(3, 2)
    for x in (X, {"nodes": X}, {"nodes": X, "edges": np.eye(5)}):
        with pytest.raises(m.ModelError, match="GraphConvolution: expected a dictionary of nodes, adjacency, given"):
            layer(layer.init(0), x)


# --- losses --------------------------------------------------------------------------------------------------------


def test_likelihoods_do_not_broadcast_by_accident() -> None:
    column, row = np.ones((5, 1)), np.ones(5)
    for loss in (
        lambda: m.bernoulli_log_likelihood(column, row),
        lambda: m.gaussian_log_likelihood(column, row, 0.0),
        lambda: m.gaussian_log_likelihood(column, column, row),
        lambda: m.gaussian_kl(column, row),
        lambda: m.kl_divergence(column, row),
    ):
        with pytest.raises(m.ShapeError, match="one is the result's"):
            loss()
    # What is meant: one prior for all examples, one variance, a mixture written out.
    assert m.gaussian_kl(np.ones((5, 3)), np.ones((5, 3)), np.ones(3)).shape == (5,)
    assert m.gaussian_log_likelihood(np.ones((5, 1, 2)), np.ones((1, 4, 2)), 0.0).shape == (5, 4)


def test_labels_are_integers() -> None:
    with pytest.raises(m.ShapeError, match="labels that are integers, or probabilities, given labels that are floats"):
        m.cross_entropy(np.ones((2, 3)), np.array([0.0, 1.0]))


def test_comparing_nodes_is_not_comparing_values() -> None:
    f = m.compile(lambda a, b: F.where(F.equal(a, b), 1.0, 0.0))
    np.testing.assert_array_equal(f(np.array([1.0, 2.0]), np.array([1.0, 3.0])), [1.0, 0.0])
    for wrong in (lambda a, b: F.where(a == b, 1.0, 0.0), lambda a, b: F.cast(a != b)):
        with pytest.raises(m.ModelError, match=r"equal\(a, b\)"):
            m.compile(wrong)(np.ones(2), np.ones(2))


# --- tensors as somebody used to NumPy writes them ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: 2.0**x, [2.0, 4.0, 8.0]),
        (lambda x: np.full(3, 2.0) ** x, [2.0, 4.0, 8.0]),
        (lambda x: abs(-x), [1.0, 2.0, 3.0]),
        (lambda x: np.ones(3) - x, [0.0, -1.0, -2.0]),
        (lambda x: np.float64(6.0) / x, [6.0, 3.0, 2.0]),
        (lambda x: np.eye(3)[::-1].copy() @ x, [3.0, 2.0, 1.0]),
        (lambda x: F.where((x > 1.0) & (np.array([3.0, 3.0, 0.0]) > x), 1.0, 0.0), [0.0, 1.0, 0.0]),
        (lambda x: F.where(~(x > 1.0) | (x >= 3.0), 1.0, 0.0), [1.0, 0.0, 1.0]),
        (lambda x: F.where(np.array([True, False, True]) & (x < 3.0), 1.0, 0.0), [1.0, 0.0, 0.0]),
        (lambda x: x.T @ x, 14.0),
        (lambda x: x[[2, 0]], [3.0, 1.0]),
        (lambda x: x[np.int64(1)], 2.0),
    ],
)
def test_operators_are_numpys(function: Any, expected: Any) -> None:
    np.testing.assert_allclose(m.compile(function)(np.array([1.0, 2.0, 3.0])), expected)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: np.exp(x), r"np\.exp does not take a tensor: use functional\.exp"),
        (lambda x: np.sum(x), r"use functional\.sum"),
        (lambda x: np.concatenate([x, x]), r"use functional\.concatenate"),
        (lambda x: np.linalg.norm(x), r"use the functions of derivcheck\.models\.functional"),
        (lambda x: np.ones(3) == x, r"use functional\.equal"),
        (lambda x: float(x[0]), "no value while the graph is drawn"),
        (lambda x: max(x), "no truth value"),
        (lambda x: x & (x > 0.0), "join conditions, not a float tensor"),
        (lambda x: x[1.7], r"integers, slices.* given 1\.7"),
        (lambda x: x[True], "integers, slices"),
        (lambda x: F.expand_dims(x, 0)[0, [0, 1]], "integers, slices"),
        (lambda x: x[x > 0.0], "expected integers"),
        (lambda x: x.reshape(-1, -1), "of which one may be -1"),
        (lambda x: x.reshape(-3), "of which one may be -1"),
        (lambda x: F.zeros((-3,)), "sizes of at least 0"),
        (lambda x: F.concatenate([]), "at least one part"),
        (lambda x: F.stack([]), "at least one part"),
        (lambda x: F.argmax(x[:0]), "at least 1 entry"),
        (lambda x: F.pad(x, [(0, 0), (1, 1)]), "1 pairs of widths"),
        (lambda x: F.pad(x, [(-1, 0)]), "at least 0"),
        (lambda x: F.softmax(x, (0,)), "an axis between"),
        (lambda x: x @ 2.0, r"multiplies with \*"),
    ],
)
def test_what_a_tensor_cannot_do_is_said(function: Any, message: str) -> None:
    with pytest.raises((m.ModelError, TypeError), match=message):
        m.compile(function)(np.array([1.0, 2.0, 3.0]))


# --- deriving, compiling, looking ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (m.grad(lambda x: F.sum(x), 1), "counts the function's 1 arguments from 0, given 1"),
        (m.grad(lambda x: F.sum(x), "x"), "given 'x'"),
        (m.grad(lambda x: None), "a scalar, not NoneType"),
        (m.grad(lambda x: x), r"a scalar, given shape \(5, 3\)"),
        (lambda x: m.jvp(F.sin, x, x), "are tuples"),
        (lambda x: m.jvp(F.sin, (x,), ()), "one for each"),
        (lambda x: m.jacobian(lambda p: p["w"])({"w": x}), "one tensor"),
    ],
)
def test_a_derivative_that_cannot_be(function: Any, message: str) -> None:
    with pytest.raises(m.ModelError, match=message):
        m.compile(function)(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicas": (True, True)}, r"one flag for each of the 1 arguments"),
        ({"replicas": True}, r"one flag for each of the 1 arguments"),
        ({"replicas": (True,), "count": 0}, "at least 1"),
        ({"replicas": (True,), "block": 0}, "at least 1"),
        ({"dtype": np.float16}, "float32, float64 or a complex type"),
        ({"dtype": ">f8"}, "float32, float64 or a complex type"),
    ],
)
def test_a_compilation_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(m.ModelError, match=message):
        m.compile(F.sin, **options)(X)


def test_summaries_of_integers_dictionaries_and_flows() -> None:
    assert "(2, 4, 3)" in m.Sequential(m.Embedding(5, 3)).summary((2, 4), kind="int")
    assert "(5, 2)" in m.GraphConvolution(3, 2).summary({"nodes": (5, 3), "adjacency": (5, 5)})
    lines = m.Flow(m.AdditiveCoupling(4, m.Linear(2, 2))).summary((2, 4)).splitlines()
    assert all("(2, 4)" in line for line in lines if "Flow" in line or "Coupling" in line)


def test_a_summary_without_a_shape_counts_parameters() -> None:
    text = NET.summary()
    assert "2 Linear" in text and text.endswith("26 parameters") and "(" not in text


def test_a_curve_may_be_a_bare_array() -> None:
    assert "polyline" in m.curves_svg(np.array([3.0, 2.0, 1.0]))
