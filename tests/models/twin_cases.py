"""Layers beside their PyTorch twins: random configurations, and the reference values of each.

``python tests/models/twin_cases.py`` records the values to ``twins.npz``, which the tests use where PyTorch is not
installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import derivcheck.models as m
from derivcheck.models.tree import flatten, paths

RECORDED = Path(__file__).with_name("twins.npz")
SEEDS = range(4)


@dataclass(frozen=True)
class Case:
    """A layer of ours and how to make its twin.

    Attributes
    ----------
    layer : Layer
    x : array
    twin : callable
        ``twin(torch) -> (module, call, names)``: ``call(module, x)`` is the output and ``names`` maps our parameters'
        paths to the module's.
    """

    layer: m.Layer
    x: Any
    twin: Callable[[Any], tuple[Any, Callable[..., Any], dict[str, str]]]


SAME = {"weight": "weight", "bias": "bias"}


def _plain(module: Any, x: Any) -> Any:
    return module(x)


def _first(module: Any, x: Any) -> Any:
    return module(x)[0]


def linear(rng: np.random.Generator) -> Case:
    a, b, bias = int(rng.integers(1, 6)), int(rng.integers(1, 6)), bool(rng.integers(0, 2))
    names = SAME if bias else {"weight": "weight"}
    lead = tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(1, 3))))
    return Case(
        m.Linear(a, b, bias), rng.standard_normal((*lead, a)), lambda t: (t.nn.Linear(a, b, bias), _plain, names)
    )


def conv2d(rng: np.random.Generator) -> Case:
    a, b = (int(n) for n in rng.integers(1, 4, 2))
    size = tuple(int(n) for n in rng.integers(1, 4, 2))
    stride = tuple(int(n) for n in rng.integers(1, 4, 2))
    padding = tuple(int(n) for n in rng.integers(0, 3, 2))
    dilation = tuple(int(n) for n in rng.integers(1, 3, 2))
    x = rng.standard_normal((int(rng.integers(1, 4)), a, int(rng.integers(6, 10)), int(rng.integers(6, 10))))
    return Case(
        m.Conv2d(a, b, size, stride, padding, dilation),
        x,
        lambda t: (t.nn.Conv2d(a, b, size, stride, padding, dilation), _plain, SAME),
    )


def conv1d(rng: np.random.Generator) -> Case:
    a, b, k, s, d = (int(n) for n in rng.integers(1, 4, 5))
    p = int(rng.integers(0, 3))
    x = rng.standard_normal((int(rng.integers(1, 4)), a, int(rng.integers(8, 12))))
    return Case(m.Conv1d(a, b, k, s, p, d), x, lambda t: (t.nn.Conv1d(a, b, k, s, p, d), _plain, SAME))


def conv_transpose2d(rng: np.random.Generator) -> Case:
    a, b, k = (int(n) for n in rng.integers(1, 4, 3))
    s, d = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    p = int(rng.integers(0, min(2, d * (k - 1) + 1)))
    extra = int(rng.integers(0, max(s, d)))
    x = rng.standard_normal((2, a, int(rng.integers(3, 6)), int(rng.integers(3, 6))))
    return Case(
        m.ConvTranspose2d(a, b, k, s, p, extra, d),
        x,
        lambda t: (t.nn.ConvTranspose2d(a, b, k, s, p, extra, dilation=d), _plain, SAME),
    )


def max_pool1d(rng: np.random.Generator) -> Case:
    k, s = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    p = int(rng.integers(0, k // 2 + 1))
    return Case(m.MaxPool1d(k, s, p), rng.standard_normal((2, 3, 9)), lambda t: (t.nn.MaxPool1d(k, s, p), _plain, {}))


def avg_pool1d(rng: np.random.Generator) -> Case:
    k, s = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    p = int(rng.integers(0, k // 2 + 1))
    return Case(m.AvgPool1d(k, s, p), rng.standard_normal((2, 3, 9)), lambda t: (t.nn.AvgPool1d(k, s, p), _plain, {}))


def max_pool2d(rng: np.random.Generator) -> Case:
    k, s = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    p = int(rng.integers(0, k // 2 + 1))
    return Case(
        m.MaxPool2d(k, s, p), rng.standard_normal((2, 3, 8, 7)), lambda t: (t.nn.MaxPool2d(k, s, p), _plain, {})
    )


def conv_relu_pool(rng: np.random.Generator) -> Case:
    k = int(rng.integers(1, 4))
    layer = m.Sequential(m.Conv2d(2, 3, k), m.ReLU(), m.MaxPool2d(2))
    names = {"0.weight": "0.weight", "0.bias": "0.bias"}
    return Case(
        layer,
        rng.standard_normal((2, 2, 8, 9)),
        lambda t: (t.nn.Sequential(t.nn.Conv2d(2, 3, k), t.nn.ReLU(), t.nn.MaxPool2d(2)), _plain, names),
    )


def avg_pool2d(rng: np.random.Generator) -> Case:
    k, s = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    p = int(rng.integers(0, k // 2 + 1))
    return Case(
        m.AvgPool2d(k, s, p), rng.standard_normal((2, 3, 8, 7)), lambda t: (t.nn.AvgPool2d(k, s, p), _plain, {})
    )


class _BatchNorm(m.Layer):
    """Batch normalisation in one mode, from a given state; its new running statistics follow its output."""

    def __init__(self, inner: m.BatchNorm, training: bool, state: Any) -> None:
        self.inner, self.training, self.state = inner, training, state

    def parameters(self) -> dict[str, Any]:
        return self.inner.parameters()

    def forward(self, p: Any, x: Any, run: m.Run) -> Any:
        own = m.Run(self.training, self.state)
        y = self.inner(p, x, own)
        parts = [m.reshape(v, (-1,)) for v in (y, own.state["mean"], own.state["variance"])]
        return m.concatenate(parts)


def batch_norm(rng: np.random.Generator) -> Case:
    n, rate, training = int(rng.integers(1, 5)), float(rng.uniform(0.05, 0.9)), bool(rng.integers(0, 2))
    rest = tuple(int(k) for k in rng.integers(1, 5, int(rng.integers(0, 3))))
    centre, spread = rng.standard_normal(n), rng.uniform(0.5, 2.0, n)
    state = {"mean": centre, "variance": spread, "count": np.zeros(())}

    def call(module: Any, x: Any) -> Any:
        import torch

        module.train(training)
        module.running_mean.copy_(torch.tensor(centre))
        module.running_var.copy_(torch.tensor(spread))
        y = module(x)
        # PyTorch's running statistics carry no gradient: theirs is drawn here, by the same recursion.
        mean, variance = module.running_mean.clone(), module.running_var.clone()
        if training:
            axes = (0, *range(2, x.ndim))
            count = x.numel() // n
            drawn = x.mean(axes), x.var(axes, unbiased=False) * (count / max(count - 1, 1))
            mean = mean + rate * (drawn[0] - drawn[0].detach())
            variance = variance + rate * (drawn[1] - drawn[1].detach())
        return torch.cat([y.reshape(-1), mean, variance])

    names = ("BatchNorm1d", "BatchNorm1d", "BatchNorm2d")
    return Case(
        _BatchNorm(m.BatchNorm(n, rate), training, state),
        2.0 * rng.standard_normal((int(rng.integers(2, 6)), n, *rest)) + 1.0,
        lambda t: (getattr(t.nn, names[len(rest)])(n, momentum=rate), call, SAME),
    )


def layer_norm(rng: np.random.Generator) -> Case:
    shape = tuple(int(n) for n in rng.integers(2, 5, int(rng.integers(1, 3))))
    return Case(m.LayerNorm(shape), rng.standard_normal((3, *shape)), lambda t: (t.nn.LayerNorm(shape), _plain, SAME))


_RECURRENT = {name: f"{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}


def _recurrent(ours: Any, name: str, rng: np.random.Generator, **options: Any) -> Case:
    a, h = (int(n) for n in rng.integers(1, 6, 2))
    x = rng.standard_normal((int(rng.integers(1, 4)), int(rng.integers(1, 7)), a))
    return Case(
        ours(a, h, **options),
        x,
        lambda t: (getattr(t.nn, name)(a, h, batch_first=True, **options), _first, _RECURRENT),
    )


def rnn(rng: np.random.Generator) -> Case:
    return _recurrent(m.RNN, "RNN", rng, nonlinearity=str(rng.choice(["tanh", "relu"])))


def lstm(rng: np.random.Generator) -> Case:
    return _recurrent(m.LSTM, "LSTM", rng)


def gru(rng: np.random.Generator) -> Case:
    return _recurrent(m.GRU, "GRU", rng)


def attention(rng: np.random.Generator) -> Case:
    heads, each, length = (int(n) for n in rng.integers(1, 4, 3))
    size, causal = heads * each, bool(rng.integers(0, 2))
    names = {
        "in_weight": "in_proj_weight",
        "in_bias": "in_proj_bias",
        "out_weight": "out_proj.weight",
        "out_bias": "out_proj.bias",
    }

    def call(module: Any, x: Any) -> Any:
        import torch

        hidden = ~torch.tril(torch.ones(length, length)).bool() if causal else None
        return module(x, x, x, attn_mask=hidden, need_weights=False)[0]

    return Case(
        m.MultiHeadAttention(size, heads, causal),
        rng.standard_normal((2, length, size)),
        lambda t: (t.nn.MultiheadAttention(size, heads, batch_first=True), call, names),
    )


def embedding(rng: np.random.Generator) -> Case:
    n, d = (int(k) for k in rng.integers(2, 6, 2))
    return Case(
        m.Embedding(n, d), rng.integers(0, n, (3, 4)), lambda t: (t.nn.Embedding(n, d), _plain, {"weight": "weight"})
    )


_ACTIVATIONS = {
    "relu": lambda t: t.nn.ReLU(),
    "leaky_relu": lambda t: t.nn.LeakyReLU(),
    "elu": lambda t: t.nn.ELU(),
    "selu": lambda t: t.nn.SELU(),
    "sigmoid": lambda t: t.nn.Sigmoid(),
    "log_sigmoid": lambda t: t.nn.LogSigmoid(),
    "softplus": lambda t: t.nn.Softplus(threshold=1e9),
    "silu": lambda t: t.nn.SiLU(),
    "mish": lambda t: t.nn.Mish(),
    "tanh": lambda t: t.nn.Tanh(),
    "hard_tanh": lambda t: t.nn.Hardtanh(),
    "softsign": lambda t: t.nn.Softsign(),
    "gelu": lambda t: t.nn.GELU(),
    "gelu_tanh": lambda t: t.nn.GELU("tanh"),
}


def _activation(name: str) -> Callable[[np.random.Generator], Case]:
    return lambda rng: Case(
        m.Activation(name),
        rng.standard_normal((5, 7)) * 10.0 ** rng.integers(-1, 3),
        lambda t: (_ACTIVATIONS[name](t), _plain, {}),
    )


def _of_scores(
    name: str, ours: Callable[[Any, Any], Any], theirs: Callable[[Any, Any, Any], Any], target: str
) -> tuple[str, Callable[[np.random.Generator], Case]]:
    """A loss of scores (the input) and a target of some kind, for every example or in all."""

    def draw(rng: np.random.Generator) -> Case:
        n, k = (int(i) for i in rng.integers(1, 6, 2))
        drawn = {
            "labels": lambda: rng.integers(0, k, n),
            "probabilities": lambda: rng.dirichlet(np.ones(k), n),
            "numbers": lambda: rng.standard_normal((n, k)),
            "bits": lambda: rng.integers(0, 2, (n, k)).astype(float),
            "signs": lambda: rng.choice([-1.0, 1.0], (n, k)),
        }[target]()

        def call(module: Any, x: Any) -> Any:
            import torch

            return theirs(torch, x, torch.tensor(drawn))

        layer = m.Lambda(lambda z: ours(z, m.constant(drawn)))
        return Case(layer, 3.0 * rng.standard_normal((n, k)), lambda t: (t.nn.Identity(), call, {}))

    return name, draw


def _normal(t: Any, z: Any) -> Any:
    return t.distributions.Normal(z, t.exp(0.5 * t.sin(z)))


_OF_SCORES = dict(
    (
        _of_scores("softmax", lambda z, y: m.softmax(z, 0), lambda t, z, y: t.softmax(z, 0), "numbers"),
        _of_scores("log_softmax", lambda z, y: m.log_softmax(z), lambda t, z, y: t.log_softmax(z, 1), "numbers"),
        _of_scores("squared_error", m.squared_error, lambda t, z, y: t.nn.functional.mse_loss(z, y), "numbers"),
        _of_scores("cross_entropy", m.cross_entropy, lambda t, z, y: t.nn.functional.cross_entropy(z, y), "labels"),
        _of_scores(
            "cross_entropy_of_probabilities",
            lambda z, y: m.cross_entropy(z, y, "none"),
            lambda t, z, y: t.nn.functional.cross_entropy(z, y, reduction="none"),
            "probabilities",
        ),
        _of_scores(
            "binary_cross_entropy",
            m.binary_cross_entropy,
            lambda t, z, y: t.nn.functional.binary_cross_entropy_with_logits(z, y),
            "bits",
        ),
        _of_scores(
            "hinge",
            lambda z, y: m.hinge(z, y, "sum"),
            lambda t, z, y: t.nn.functional.hinge_embedding_loss(z * y, -t.ones_like(z), reduction="sum"),
            "signs",
        ),
        _of_scores(
            "bernoulli_log_likelihood",
            lambda z, y: m.bernoulli_log_likelihood(y, z),
            lambda t, z, y: t.distributions.Bernoulli(logits=z).log_prob(y).sum(1),
            "bits",
        ),
        _of_scores(
            "gaussian_log_likelihood",
            lambda z, y: m.gaussian_log_likelihood(y, z, m.functional.sin(z)),
            lambda t, z, y: _normal(t, z).log_prob(y).sum(1),
            "numbers",
        ),
        _of_scores(
            "gaussian_kl",
            lambda z, y: m.gaussian_kl(z, m.functional.sin(z), y, m.functional.sin(y)),
            lambda t, z, y: t.distributions.kl_divergence(_normal(t, z), _normal(t, y)).sum(1),
            "numbers",
        ),
        _of_scores(
            "kl_divergence",
            lambda z, y: m.kl_divergence(m.softmax(z), y),
            lambda t, z, y: t.nn.functional.kl_div(t.log(y), t.log_softmax(z, 1), log_target=True, reduction="none")
            .sum(1),
            "probabilities",
        ),
    )
)  # fmt: skip


FAMILIES: dict[str, Callable[[np.random.Generator], Case]] = {
    f.__name__: f
    for f in (
        linear, conv2d, conv1d, conv_transpose2d, max_pool2d, max_pool1d, conv_relu_pool, avg_pool2d, avg_pool1d,
        batch_norm, layer_norm, rnn, lstm, gru, attention, embedding,
    )
} | {name: _activation(name) for name in _ACTIVATIONS} | _OF_SCORES  # fmt: skip


@dataclass(frozen=True)
class Values:
    """Output, and gradients of ``Σ cotangent · output`` by name (``"x"`` for the input)."""

    output: Any
    gradients: dict[str, Any]


def case(family: str, seed: int) -> tuple[Case, Any, Any]:
    """The case, its parameters, and a stream for the cotangent."""
    rng = np.random.default_rng((seed, *family.encode()))
    made = FAMILIES[family](rng)
    parameters = made.layer.init(rng)
    # Parameters that start constant (scales, biases) would hide mistakes.
    leaves, structure = flatten(parameters)
    from derivcheck.models.tree import unflatten

    return made, unflatten(structure, [v + 0.3 * rng.standard_normal(v.shape) for v in leaves]), rng


def ours(made: Case, parameters: Any, cotangent: Any) -> Values:
    """What our layer gives."""
    integers = made.x.dtype.kind == "i"

    def total(p: Any, x: Any) -> Any:
        y = made.layer(p, x)
        return m.functional.sum(y * cotangent), y

    both = m.compile(m.value_and_grad(total, 0 if integers else (0, 1), auxiliary=True))
    (_, y), g = both(parameters, made.x)
    by_name = dict(zip(paths(parameters), flatten(g if integers else g[0])[0], strict=True))
    return Values(y, by_name if integers else {**by_name, "x": g[1]})


def twins(made: Case, parameters: Any, rng: np.random.Generator) -> tuple[Values, Any]:
    """What PyTorch gives, and the cotangent it was given."""
    import torch

    module, call, names = made.twin(torch)
    module = module.double()
    held = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in zip(paths(parameters), flatten(parameters)[0], strict=True):
            held[names[name]].copy_(torch.tensor(value))
    x = torch.tensor(made.x, requires_grad=made.x.dtype.kind == "f")
    y = call(module, x)
    cotangent = rng.standard_normal(tuple(y.shape))
    y.backward(torch.tensor(cotangent))
    gradients = {name: held[names[name]].grad.numpy() for name in paths(parameters)}
    if made.x.dtype.kind == "f":
        gradients["x"] = x.grad.numpy()
    return Values(y.detach().numpy(), gradients), cotangent


def record() -> None:
    """Write the reference values of every case."""
    out = {}
    for family in FAMILIES:
        for seed in SEEDS:
            made, parameters, rng = case(family, seed)
            values, cotangent = twins(made, parameters, rng)
            key = f"{family}/{seed}"
            out |= {f"{key}/x": made.x, f"{key}/cotangent": cotangent, f"{key}/output": values.output}
            out |= {f"{key}/p/{n}": v for n, v in zip(paths(parameters), flatten(parameters)[0], strict=True)}
            out |= {f"{key}/g/{n}": v for n, v in values.gradients.items()}
    np.savez_compressed(RECORDED, **out)


if __name__ == "__main__":
    record()
