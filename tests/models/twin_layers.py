"""Layers that PyTorch has as modules, in random configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from twin_cases import SAME, STREAM, Case, Family, Function, plain

import derivcheck.models as m

__all__ = ["ACTIVATIONS", "LAYERS"]


def _first(module: Any, x: Any) -> Any:
    return module(x)[0]


def linear(rng: np.random.Generator) -> Case:
    a, b, bias = int(rng.integers(1, 6)), int(rng.integers(1, 6)), bool(rng.integers(0, 2))
    names = SAME if bias else {"weight": "weight"}
    lead = tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(1, 3))))
    return Case(
        m.Linear(a, b, bias), rng.standard_normal((*lead, a)), lambda t: (t.nn.Linear(a, b, bias), plain, names)
    )


def conv2d(rng: np.random.Generator) -> Case:
    a, b = (int(n) for n in rng.integers(1, 4, 2))
    size = tuple(int(n) for n in rng.integers(1, 4, 2))
    stride = tuple(int(n) for n in rng.integers(1, 4, 2))
    padding = tuple(int(n) for n in rng.integers(0, 3, 2))
    dilation = tuple(int(n) for n in rng.integers(1, 3, 2))
    x = rng.standard_normal((int(rng.integers(1, 4)), a, int(rng.integers(6, 10)), int(rng.integers(6, 10))))
    bias = bool(rng.integers(0, 4))
    return Case(
        m.Conv2d(a, b, size, stride, padding, dilation, bias),
        x,
        lambda t: (
            t.nn.Conv2d(a, b, size, stride, padding, dilation, bias=bias), plain, SAME if bias else {"weight": "weight"}
        ),
    )  # fmt: skip


def conv1d(rng: np.random.Generator) -> Case:
    a, b, k, s, d = (int(n) for n in rng.integers(1, 4, 5))
    p = int(rng.integers(0, 3))
    x = rng.standard_normal((int(rng.integers(1, 4)), a, int(rng.integers(8, 12))))
    return Case(m.Conv1d(a, b, k, s, p, d), x, lambda t: (t.nn.Conv1d(a, b, k, s, p, d), plain, SAME))


def conv_transpose2d(rng: np.random.Generator) -> Case:
    a, b, k = (int(n) for n in rng.integers(1, 4, 3))
    s, d = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    p = int(rng.integers(0, min(2, d * (k - 1) + 1)))
    extra = int(rng.integers(0, max(s, d)))
    x = rng.standard_normal((2, a, int(rng.integers(3, 6)), int(rng.integers(3, 6))))
    return Case(
        m.ConvTranspose2d(a, b, k, s, p, extra, d),
        x,
        lambda t: (t.nn.ConvTranspose2d(a, b, k, s, p, extra, dilation=d), plain, SAME),
    )


def max_pool1d(rng: np.random.Generator) -> Case:
    k, s = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    p = int(rng.integers(0, k // 2 + 1))
    return Case(m.MaxPool1d(k, s, p), rng.standard_normal((2, 3, 9)), lambda t: (t.nn.MaxPool1d(k, s, p), plain, {}))


def avg_pool1d(rng: np.random.Generator) -> Case:
    k, s = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    p = int(rng.integers(0, k // 2 + 1))
    return Case(m.AvgPool1d(k, s, p), rng.standard_normal((2, 3, 9)), lambda t: (t.nn.AvgPool1d(k, s, p), plain, {}))


def _window(rng: np.random.Generator) -> tuple[Any, ...]:
    """Size, stride and padding of a pool: pairs, a stride that may be the default."""
    size = tuple(int(k) for k in rng.integers(1, 4, 2))
    stride = None if rng.random() < 0.3 else tuple(int(k) for k in rng.integers(1, 4, 2))
    return size, stride, tuple(int(rng.integers(0, k // 2 + 1)) for k in size)


def max_pool2d(rng: np.random.Generator) -> Case:
    k, s, p = _window(rng)
    return Case(m.MaxPool2d(k, s, p), rng.standard_normal((2, 3, 8, 7)), lambda t: (t.nn.MaxPool2d(k, s, p), plain, {}))


def conv_relu_pool(rng: np.random.Generator) -> Case:
    k = int(rng.integers(1, 4))
    layer = m.Sequential(m.Conv2d(2, 3, k), m.ReLU(), m.MaxPool2d(2))
    names = {"0.weight": "0.weight", "0.bias": "0.bias"}
    return Case(
        layer,
        rng.standard_normal((2, 2, 8, 9)),
        lambda t: (t.nn.Sequential(t.nn.Conv2d(2, 3, k), t.nn.ReLU(), t.nn.MaxPool2d(2)), plain, names),
    )


def avg_pool2d(rng: np.random.Generator) -> Case:
    k, s, p = _window(rng)
    return Case(m.AvgPool2d(k, s, p), rng.standard_normal((2, 3, 8, 7)), lambda t: (t.nn.AvgPool2d(k, s, p), plain, {}))


class _BatchNorm(m.Layer):
    """Batch normalisation in one mode, from a given state; its new running statistics follow its output."""

    def __init__(self, inner: m.BatchNorm, training: bool, state: Any) -> None:
        self.inner, self.training, self.state = inner, training, state

    def parameters(self) -> dict[str, Any]:
        return self.inner.parameters()

    def forward(self, p: Any, x: Any, run: m.Run) -> Any:
        own = m.Run(self.training, self.state)
        return self.inner(p, x, own), own.state["mean"], own.state["variance"]


def batch_norm(rng: np.random.Generator) -> Case:
    n, rate, training = int(rng.integers(1, 5)), float(rng.uniform(0.05, 0.9)), bool(rng.integers(0, 2))
    affine = bool(rng.integers(0, 4))
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
        return y, mean, variance

    names = ("BatchNorm1d", "BatchNorm1d", "BatchNorm2d")
    return Case(
        _BatchNorm(m.BatchNorm(n, rate, affine=affine), training, state),
        2.0 * rng.standard_normal((int(rng.integers(2, 6)), n, *rest)) + 1.0,
        lambda t: (getattr(t.nn, names[len(rest)])(n, momentum=rate, affine=affine), call, SAME if affine else {}),
    )


def layer_norm(rng: np.random.Generator) -> Case:
    shape = tuple(int(n) for n in rng.integers(2, 5, int(rng.integers(1, 3))))
    affine = bool(rng.integers(0, 4))
    return Case(
        m.LayerNorm(shape, affine=affine),
        rng.standard_normal((3, *shape)),
        lambda t: (t.nn.LayerNorm(shape, elementwise_affine=affine), plain, SAME if affine else {}),
    )


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


def embedding(rng: np.random.Generator) -> Case:
    n, d = (int(k) for k in rng.integers(2, 6, 2))
    return Case(
        m.Embedding(n, d), rng.integers(0, n, (3, 4)), lambda t: (t.nn.Embedding(n, d), plain, {"weight": "weight"})
    )


_MODULES = {
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
        lambda t: (_MODULES[name](t), plain, {}),
    )


#: Every activation of the table by its name.
ACTIVATIONS: dict[str, Family] = {name: _activation(name) for name in _MODULES}


def bias(rng: np.random.Generator) -> Case:
    n = int(rng.integers(1, 6))

    def make(t: Any) -> Any:
        module = t.nn.Module()
        module.bias = t.nn.Parameter(t.zeros(n))
        return module, lambda module, x: x + module.bias, {"bias": "bias"}

    return Case(m.Bias(n), rng.standard_normal((2, 3, n)), make)


def dropout(rng: np.random.Generator) -> Case:
    rate, shape = float(rng.uniform(0.0, 0.9)), tuple(int(n) for n in rng.integers(1, 6, 3))
    kept = np.random.default_rng(STREAM).random(shape) >= rate

    def call(module: Any, x: Any) -> Any:
        import torch

        return torch.where(torch.tensor(kept), x / (1.0 - rate), 0.0)

    return Case(m.Dropout(rate), rng.standard_normal(shape), lambda t: (t.nn.Identity(), call, {}))


def flatten(rng: np.random.Generator) -> Case:
    shape = tuple(int(n) for n in rng.integers(1, 5, int(rng.integers(2, 5))))
    return Case(m.Flatten(), rng.standard_normal(shape), lambda t: (t.nn.Flatten(), plain, {}))


def reshape(rng: np.random.Generator) -> Case:
    a, b, c = (int(n) for n in rng.integers(1, 5, 3))
    shape = ((a * b, c), (c, a, b), (b, -1))[int(rng.integers(0, 3))]
    return Case(
        m.Reshape(*shape), rng.standard_normal((2, a, b, c)), lambda t: (t.nn.Unflatten(1, shape), _flat_call, {})
    )


def _flat_call(module: Any, x: Any) -> Any:
    return module(x.flatten(1))


def residual(rng: np.random.Generator) -> Case:
    n, h = (int(k) for k in rng.integers(1, 6, 2))
    body = m.Sequential(m.Linear(n, h), m.SiLU(), m.Linear(h, n))
    names = {f"body.{k}.{p}": f"{k}.{p}" for k in (0, 2) for p in SAME}
    return Case(
        m.Residual(body),
        rng.standard_normal((3, n)),
        lambda t: (
            t.nn.Sequential(t.nn.Linear(n, h), t.nn.SiLU(), t.nn.Linear(h, n)),
            lambda module, x: x + module(x),
            names,
        ),
    )


def softmax(rng: np.random.Generator) -> Case:
    axis = int(rng.integers(-3, 3))
    return Case(m.Softmax(axis), 3.0 * rng.standard_normal((2, 3, 4)), lambda t: (t.nn.Softmax(axis), plain, {}))


def lambda_(rng: np.random.Generator) -> Case:
    return Case(m.Lambda(lambda x: m.sin(x) * x), rng.standard_normal((3, 2)), lambda t: (
        t.nn.Identity(), lambda module, x: t.sin(x) * x, {},
    ))  # fmt: skip


def reductions(rng: np.random.Generator) -> Case:
    """What a reader writes between layers: sums, means, variances, largest and smallest entries along axes."""
    axes = tuple(int(a) for a in rng.permutation(3)[: int(rng.integers(1, 4))])
    keep = bool(rng.integers(0, 2))

    def function(x: Any) -> Any:
        return (
            m.sum(x, axes, keep), m.mean(x, axes, keep), m.variance(x, axes, keep), m.max(x, axes, keep),
            m.min(x, axes, keep), m.logsumexp(x, axes[0], keep), m.variance(x, axes, keep, unbiased=True),
        )  # fmt: skip

    def call(module: Any, x: Any) -> Any:
        return (
            x.sum(axes, keep), x.mean(axes, keep), x.var(axes, unbiased=False, keepdim=keep), x.amax(axes, keep),
            x.amin(axes, keep), x.logsumexp(axes[0], keep), x.var(axes, unbiased=True, keepdim=keep),
        )  # fmt: skip

    return Case(Function(function), rng.standard_normal((2, 3, 4)), lambda t: (t.nn.Identity(), call, {}))


LAYERS: dict[str, Family] = {
    f.__name__.strip("_"): f
    for f in (
        linear, bias, conv1d, conv2d, conv_transpose2d, max_pool1d, max_pool2d, conv_relu_pool, avg_pool1d, avg_pool2d,
        batch_norm, layer_norm, dropout, embedding, rnn, lstm, gru, flatten, reshape, residual, softmax, lambda_,
        reductions,
    )
}  # fmt: skip
