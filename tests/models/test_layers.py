"""What layers promise beyond their PyTorch twins: statistics, state, randomness, invertibility, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derivcheck.models as m

F = m.functional


# --- batch normalisation ------------------------------------------------------------------------------------


def run_batches(layer: m.BatchNorm, batches: np.ndarray) -> Any:
    p = layer.init(0)

    def forward(state: Any, x: Any) -> Any:
        run = m.Run(training=True, state=state)
        return layer(p, x, run), run.state

    step, state = m.compile(forward), layer.init_state()
    for x in batches:
        y, state = step(state, x)
    return y, state


@pytest.mark.parametrize("averaging", ["exponential", "bonus", "cumulative"])
def test_running_mean_is_the_recursion(averaging: str) -> None:
    batches = np.random.default_rng(0).standard_normal((7, 5, 3)) + 2.0
    alpha = 0.3
    _, state = run_batches(m.BatchNorm(3, alpha, averaging), batches)
    mean, variance = np.zeros(3), np.ones(3)
    for t, x in enumerate(batches, 1):
        a = {"exponential": alpha, "bonus": alpha / (1 - (1 - alpha) ** t), "cumulative": 1 / t}[averaging]
        mean = mean + a * (x.mean(0) - mean)
        variance = variance + a * (x.var(0, ddof=1) - variance)
    np.testing.assert_allclose(state["mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(state["variance"], variance, rtol=1e-12)
    assert state["count"] == 7


def test_a_training_batch_is_normalised_and_evaluation_uses_the_state() -> None:
    x = np.random.default_rng(1).standard_normal((50, 3, 4, 2)) * 3 + 1
    layer = m.BatchNorm(3, averaging="cumulative")
    y, state = run_batches(layer, x[None])
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, atol=1e-4)
    evaluated = m.compile(lambda s, x: layer(layer.init(0), x, m.Run(state=s)))(state, x)
    expected = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(
        x.transpose(1, 0, 2, 3).reshape(3, -1).var(1, ddof=1).reshape(1, 3, 1, 1) + 1e-5
    )
    np.testing.assert_allclose(evaluated, expected, rtol=1e-10, atol=1e-12)


def test_missing_state_says_how_to_make_it() -> None:
    with pytest.raises(m.ModelError, match="init_state"):
        m.Sequential(m.BatchNorm(3))({"0": m.BatchNorm(3).init(0)}, np.ones((2, 3)))


def test_nested_state_keeps_its_structure() -> None:
    net = m.Sequential(m.BatchNorm(2), m.Residual(m.Sequential(m.Linear(2, 2), m.BatchNorm(2))))
    p, state = net.init(0), net.init_state()

    def forward(p: Any, s: Any, x: Any) -> Any:
        run = m.Run(training=True, state=s)
        net(p, x, run)
        return run.state

    after = m.compile(forward)(p, state, np.random.default_rng(0).standard_normal((4, 2)))
    assert m.flatten(after)[1] == m.flatten(state)[1]
    assert after["1"]["body"]["1"]["count"] == 1


# --- dropout ---------------------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_is_off_in_evaluation() -> None:
    layer = m.Dropout(0.25)
    x = np.ones((200, 500))
    train = m.compile(lambda x, g: layer({}, x, m.Run(training=True, generator=g)))
    y = train(x, np.random.default_rng(0))
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    # 100,000 Bernoulli trials: six standard deviations of the share are 0.0082.
    assert abs((y == 0).mean() - 0.25) < 0.0083
    assert (train(x, np.random.default_rng(1)) != y).any()
    np.testing.assert_array_equal(train(x, np.random.default_rng(0)), y)
    np.testing.assert_array_equal(m.compile(lambda x: layer({}, x))(x), x)


# --- initialisers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", ["normal", "uniform"])
@pytest.mark.parametrize(
    ("initialiser", "variance"),
    [(m.Xavier, 2 / 500), (m.He, 2 / 200), (m.LeCun, 1 / 200), (lambda law: m.Variance(law, 0.37), 0.37)],
)
def test_initial_variance(initialiser: Any, variance: float, law: str) -> None:
    drawn = m.Linear(200, 300, weight_initialiser=initialiser(law)).init(0)["weight"]
    # Relative standard error of the variance of 60,000 entries is at most 0.0058: seven of them.
    assert abs(drawn.var() / variance - 1) < 0.041
    assert abs(drawn.mean()) < 6 * np.sqrt(variance / drawn.size)
    inside = m.compile(lambda g: m.Linear(200, 300, weight_initialiser=initialiser(law)).init(g)["weight"])
    assert abs(inside(np.random.default_rng(1)).var() / variance - 1) < 0.041


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (3, 2, 2)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    q = m.Orthogonal().draw(np.random.default_rng(0), shape, (5,)).reshape(5, shape[0], -1)
    short = q if shape[0] <= q.shape[2] else np.swapaxes(q, 1, 2)
    np.testing.assert_allclose(
        short @ np.swapaxes(short, 1, 2),
        np.broadcast_to(np.eye(short.shape[1]), (5, *[short.shape[1]] * 2)),
        atol=1e-12,
    )


# --- flows ------------------------------------------------------------------------------------------------------


def make_flow() -> tuple[m.Flow, Any]:
    net = lambda a, b: m.Sequential(m.Linear(a, 6), m.Tanh(), m.Linear(6, b))  # noqa: E731
    flow = m.Flow(
        m.AdditiveCoupling(5, net(2, 3)),
        m.AffineCoupling(5, net(3, 2), net(3, 2), flipped=True),
        m.AffineCoupling(5, net(2, 3), net(2, 3)),
    )
    return flow, flow.init(0)


def test_a_flow_is_inverted_and_its_determinant_is_the_jacobians() -> None:
    flow, p = make_flow()
    x = np.random.default_rng(0).standard_normal((4, 5))
    y, logdet = m.compile(lambda p, x: flow(p, x))(p, x)
    np.testing.assert_allclose(m.compile(lambda p, y: flow.inverse(p, y))(p, y), x, atol=1e-12)
    for i in range(4):
        full = m.compile(m.jacobian(lambda z: flow(p, F.reshape(z, (1, 5)))[0]))(x[i])
        np.testing.assert_allclose(np.linalg.slogdet(full.reshape(5, 5))[1], logdet[i], rtol=1e-10)


# --- attention, graphs, embeddings -------------------------------------------------------------------------------


def test_padding_hides_what_lies_beyond_the_length() -> None:
    layer = m.MultiHeadAttention(6, 2)
    p = layer.init(0)
    x = np.random.default_rng(0).standard_normal((2, 5, 6))
    f = m.compile(lambda x, n: layer(p, {"query": x, "lengths": n}))
    y = f(x, np.array([3, 5]))
    changed = x.copy()
    changed[0, 3:] += 10.0
    np.testing.assert_allclose(f(changed, np.array([3, 5]))[0, :3], y[0, :3], rtol=1e-12)
    assert np.abs(f(changed, np.array([5, 5]))[0, :3] - y[0, :3]).max() > 1e-3


def test_cross_attention_and_mask() -> None:
    layer = m.MultiHeadAttention(4, 2, bias=False)
    p = layer.init(0)
    rng = np.random.default_rng(0)
    q, k = rng.standard_normal((1, 3, 4)), rng.standard_normal((1, 6, 4))
    mask = np.zeros((3, 6), bool)
    mask[:, 2] = True
    y = m.compile(lambda q, k, mask: layer(p, {"query": q, "key": k, "mask": mask}))(q, k, mask)
    only = (k[:, 2] @ p["in_weight"][8:].T) @ p["out_weight"].T
    np.testing.assert_allclose(y, np.broadcast_to(only[:, None], y.shape), rtol=1e-10)


def test_graph_convolution_by_hand() -> None:
    layer = m.GraphConvolution(2, 3)
    p = layer.init(0)
    a = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], float)
    x = np.random.default_rng(0).standard_normal((3, 2))
    d = np.diag((a + np.eye(3)).sum(1) ** -0.5)
    expected = d @ (a + np.eye(3)) @ d @ x @ p["weight"].T + p["bias"]
    got = m.compile(lambda p, x, a: layer(p, {"nodes": x, "adjacency": a}))(p, x, a)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_sinusoidal_positions() -> None:
    table = m.sinusoidal_positions(10, 6)
    np.testing.assert_allclose(table[3, 4], np.sin(3 / 10000 ** (4 / 6)))
    np.testing.assert_allclose(table[3, 5], np.cos(3 / 10000 ** (4 / 6)))
    x = np.zeros((2, 10, 6))
    np.testing.assert_allclose(m.compile(lambda x: m.SinusoidalPositions()({}, x))(x)[1], table)


# --- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "shape", "message"),
    [
        (m.Sequential(m.Linear(4, 3), m.Linear(5, 2)), (7, 4),
         r"Linear '1': expected shape \(…, 5\), given shape \(7, 3\)"),
        (m.Sequential(m.Conv2d(3, 2, 3)), (1, 4, 8, 8),
         r"Conv2d '0': expected shape \(\*, 3, \*, \*\), given shape \(1, 4, 8, 8\)"),
        (m.Sequential(m.Conv2d(3, 2, 9)), (1, 3, 8, 8),
         r"Conv2d '0': the image: expected at least 9 × 9 with its padding, given shape \(1, 3, 8, 8\)"),
        (m.Sequential(m.MaxPool2d(9)), (1, 3, 8, 8), r"MaxPool2d '0': windows: expected at least 9 entries"),
        (m.Sequential(m.Embedding(3, 4)), (2, 3), r"Embedding '0': take: expected integers, given a float tensor"),
        (m.Residual(m.Linear(4, 3)), (7, 4), r"Residual: the body's result"),
        (m.Sequential(m.Residual(m.Sequential(m.BatchNorm(3)))), (7, 4), r"BatchNorm '0.body.0'"),
        (m.RNN(3, 4), (7, 3), r"RNN: expected shape \(\*, \*, 3\)"),
    ],
)  # fmt: skip
def test_shape_errors_name_layer_expected_and_given(network: m.Layer, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(m.ShapeError, match=message):
        network(network.init(0), np.ones(shape), m.Run(training=True, state=network.init_state()))


def test_wrong_parameters_name_the_layer() -> None:
    net = m.Sequential(m.Tanh(), m.Linear(3, 4))
    x = np.ones((2, 3))
    with pytest.raises(m.ModelError, match="Linear '1': expected parameters weight, bias, given weight"):
        net({"1": {"weight": np.ones((4, 3))}}, x)
    with pytest.raises(m.ModelError, match="Linear '1': expected parameters weight, bias, given none"):
        net({}, x)
    message = r"Linear '1': parameter 'weight': expected shape \(4, 3\), given shape \(3, 4\)"
    with pytest.raises(m.ShapeError, match=message):
        net({"1": {"weight": np.ones((3, 4)), "bias": np.ones(4)}}, x)


def test_only_integers_are_numbers_of_rows() -> None:
    x = m.zeros((3, 2))
    for wrong in (np.array([True, False, True]), np.array([0.0, 1.7]), m.zeros((2,))):
        with pytest.raises(m.ShapeError, match="expected integers"):
            m.take(x, wrong)
        with pytest.raises(m.ShapeError, match="expected integers"):
            x[wrong]
    assert m.take(x, []).shape == (0, 2)


def test_losses_do_not_broadcast_by_accident() -> None:
    with pytest.raises(m.ShapeError, match="squared_error"):
        m.squared_error(np.ones((5, 1)), np.ones(5))
    with pytest.raises(m.ShapeError, match="cross_entropy"):
        m.cross_entropy(np.ones((5, 3)), np.array([0, 1]))


def test_a_label_that_is_no_class_is_an_error() -> None:
    with pytest.raises(m.ShapeError, match="labels in 0 … 2"):
        m.compile(lambda z, y: m.cross_entropy(z, y))(np.ones((2, 3)), np.array([0, 3]))


# --- losses -----------------------------------------------------------------------------------------------------


def test_losses_by_their_definitions() -> None:
    rng = np.random.default_rng(0)
    z, t = rng.standard_normal((4, 3)) * 30, rng.random((4, 3))
    one = lambda f: m.compile(f)(z, t)  # noqa: E731
    p = 1 / (1 + np.exp(-z))
    with np.errstate(divide="ignore"):
        bce = -(t * np.log(p) + (1 - t) * np.log1p(-p))
    fine = np.abs(z) < 20  # elsewhere the definition itself overflows, and ours must not
    np.testing.assert_allclose(one(lambda z, t: m.binary_cross_entropy(z, t, "none"))[fine], bce[fine], rtol=1e-7)
    assert np.isfinite(one(lambda z, t: m.binary_cross_entropy(z, t))).all()
    mu, s = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    density = -0.5 * ((z - mu) ** 2 / np.exp(s) + s + np.log(2 * np.pi))
    np.testing.assert_allclose(m.compile(m.gaussian_log_likelihood)(z, mu, s), density.sum(1), rtol=1e-12)
    kl = 0.5 * (np.exp(s) + mu**2 - 1 - s)
    np.testing.assert_allclose(m.compile(lambda a, b: m.gaussian_kl(a, b))(mu, s), kl.sum(1), rtol=1e-12)
    np.testing.assert_allclose(m.compile(m.gaussian_kl)(mu, s, mu, s), 0, atol=1e-15)
    y = np.sign(rng.standard_normal((4, 3)))
    np.testing.assert_allclose(m.compile(m.hinge)(z, y), np.maximum(0, 1 - y * z).mean())


# --- looking ------------------------------------------------------------------------------------------------------


def test_summary_lists_layers_shapes_and_parameters() -> None:
    net = m.Sequential(m.Conv2d(1, 4, 3), m.BatchNorm(4), m.ReLU(), m.Flatten(), m.Residual(m.Linear(144, 144)))
    text = net.summary((2, 1, 8, 8), training=True)
    assert "0 Conv2d" in text and "(2, 4, 6, 6)" in text
    assert f"{4 * 9 + 4 + 8 + 144 * 145:,} parameters" in text


def test_pictures_are_well_formed() -> None:
    from xml.etree import ElementTree

    from derivcheck.models.render import curves_svg

    net = m.Sequential(m.Linear(2, 3), m.Tanh(), m.Linear(3, 1))
    f = m.compile(m.grad(lambda p, x: F.mean(net(p, x))))
    f(net.init(0), np.ones((4, 2)))
    for name, graph in f.graphs.items():
        assert ElementTree.fromstring(graph.svg()).tag.endswith("svg"), name
    picture = curves_svg({"<loss>": np.array([3.0, 2.0, np.nan, 0.5]), "b": np.ones((4, 5))}, "a & b", logarithmic=True)
    assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_pooling_trusts_no_name() -> None:
    """A function of one's own may be called like one that increases: its largest entry is still the largest."""
    import sympy

    z = sympy.Symbol("x", real=True)
    falling = m.Activation(m.ScalarFunction("tanh", (z,), -sympy.tanh(z)))
    x = np.random.default_rng(0).standard_normal((1, 1, 4, 4))
    pooled = m.compile(lambda x: m.Sequential(falling, m.MaxPool2d(2))({}, x))(x)
    np.testing.assert_allclose(pooled, -np.tanh(x).reshape(1, 1, 2, 2, 2, 2).min((3, 5)), rtol=1e-12)


def test_a_window_of_padding_alone_is_refused() -> None:
    for layer in (m.MaxPool1d, m.AvgPool1d, m.MaxPool2d, m.AvgPool2d):
        with pytest.raises(ValueError, match="more than half"):
            layer(3, 1, 2)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: m.softmax(x, 2),
        lambda x: m.log_softmax(x, -3),
        lambda x: m.concatenate([x, x], 2),
        lambda x: m.stack([x, x], 3),
        lambda x: m.argmax(x, 2),
        lambda x: m.take(x, np.array([0]), 2),
        lambda x: m.transpose(x, (0, 0)),
        lambda x: m.transpose(x, (0,)),
        lambda x: m.sum(x, (1, -1)),
        lambda x: m.expand_dims(x, 3),
    ],
)
def test_axes_that_are_not_there_are_refused(function: Any) -> None:
    with pytest.raises(m.ShapeError, match=r"ax[ei]s"):
        function(m.zeros((2, 3)))
