"""One training step (forward, backward, Adam) of five networks: ours, PyTorch eager, JAX jit.

Every contender gets the same shapes, the same optimiser and arrays that are already in its own type; data stay
the same from step to step. What differs is the initial values, which do not matter for time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import derivcheck.models as m
from derivcheck.models.compiled_backend import available

__all__ = ["WORKLOADS", "Workload", "backends", "contenders"]

F = m.functional


@dataclass(frozen=True)
class Workload:
    """A network with its data.

    Attributes
    ----------
    name : str
    network : Layer
    loss : callable
        ``loss(output, y)`` in tensors.
    data : callable
        ``data(rng) -> (x, y)``.
    torch : callable
        The same network as a ``torch.nn.Module`` and its loss.
    jax : callable
        ``(parameters, x, y) -> loss`` in jax.numpy, on our parameters.
    """

    name: str
    network: m.Layer
    loss: Callable[..., Any]
    data: Callable[[np.random.Generator], tuple[Any, Any]]
    torch: Callable[[], tuple[Any, Callable[..., Any]]]
    jax: Callable[..., Any]


# --- the networks ------------------------------------------------------------------------------------------------


def _classes(shape: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Any, Any]]:
    return lambda rng: (rng.standard_normal(shape), rng.integers(0, 10, shape[0]))


def _regression(shape: tuple[int, ...], target: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Any, Any]]:
    return lambda rng: (rng.standard_normal(shape), rng.standard_normal(target))


def _mlp(*sizes: int, activation: type[m.Layer] = m.ReLU) -> m.Sequential:
    layers: list[m.Layer] = []
    for a, b in pairwise(sizes):
        layers += [m.Linear(a, b), activation()]
    return m.Sequential(*layers[:-1])


def _torch_mlp(*sizes: int, activation: str = "ReLU") -> Any:
    from torch import nn

    layers: list[Any] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), getattr(nn, activation)()]
    return nn.Sequential(*layers[:-1])


def _torch_cross_entropy() -> Any:
    from torch import nn

    return nn.functional.cross_entropy


def _torch_squared() -> Any:
    from torch import nn

    return nn.functional.mse_loss


def _jax_mlp(p: Any, x: Any, act: Callable[[Any], Any]) -> Any:
    names = sorted(p, key=int)
    for name in names:
        x = x @ p[name]["weight"].T + p[name]["bias"]
        x = act(x) if name != names[-1] else x
    return x


def _jax_cross_entropy(z: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))


def _jax_mlp_loss(p: Any, x: Any, y: Any) -> Any:
    import jax

    return _jax_cross_entropy(_jax_mlp(p, x, jax.nn.relu), y)


def _jax_tiny_loss(p: Any, x: Any, y: Any) -> Any:
    import jax.numpy as jnp

    return jnp.mean((_jax_mlp(p, x, jnp.tanh) - y) ** 2)


_CNN = m.Sequential(
    m.Conv2d(1, 16, 5), m.ReLU(), m.MaxPool2d(2), m.Conv2d(16, 32, 5), m.ReLU(), m.MaxPool2d(2), m.Flatten(),
    m.Linear(512, 10),
)  # fmt: skip


def _torch_cnn() -> tuple[Any, Any]:
    from torch import nn

    net = nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip
    return net, _torch_cross_entropy()


def _jax_cnn_loss(p: Any, x: Any, y: Any) -> Any:
    import jax

    def block(q: Any, x: Any) -> Any:
        x = jax.lax.conv_general_dilated(x, q["weight"], (1, 1), "VALID") + q["bias"][:, None, None]
        x = jax.nn.relu(x)
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    x = block(p["3"], block(p["0"], x)).reshape(x.shape[0], -1)
    return _jax_cross_entropy(x @ p["7"]["weight"].T + p["7"]["bias"], y)


class _LastState(m.Composite):
    """A recurrent layer and a linear map of its last output."""

    def __init__(self, recurrent: m.Layer, head: m.Layer) -> None:
        super().__init__(recurrent=recurrent, head=head)

    def forward(self, p: Any, x: Any, run: Any) -> Any:
        return self.child("head", p, self.child("recurrent", p, x, run)[:, -1], run)


def _torch_rnn() -> tuple[Any, Any]:
    from torch import nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.RNN(8, 32, batch_first=True), nn.Linear(32, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.rnn(x)[0][:, -1])

    return Net(), _torch_squared()


def _jax_rnn_loss(p: Any, x: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    q = p["recurrent"]
    u = jnp.swapaxes(x @ q["weight_ih"].T + q["bias_ih"] + q["bias_hh"], 0, 1)

    def step(h: Any, u_t: Any) -> tuple[Any, None]:
        return jnp.tanh(u_t + h @ q["weight_hh"].T), None

    h, _ = jax.lax.scan(step, jnp.zeros((x.shape[0], 32), x.dtype), u)
    return jnp.mean((h @ p["head"]["weight"].T + p["head"]["bias"] - y) ** 2)


def _torch_attention() -> tuple[Any, Any]:
    import math

    import torch
    from torch import nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = nn.Linear(32, 96), nn.Linear(32, 32)

        def forward(self, x: Any) -> Any:
            q, k, v = self.inner(x).split(32, -1)
            return self.outer(torch.softmax(q @ k.transpose(1, 2) / math.sqrt(32), -1) @ v)

    return Net(), _torch_squared()


def _jax_attention_loss(p: Any, x: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    q, k, v = jnp.split(x @ p["in_weight"].T + p["in_bias"], 3, -1)
    a = jax.nn.softmax(q @ jnp.swapaxes(k, 1, 2) / np.sqrt(32).astype(x.dtype), -1)
    return jnp.mean(((a @ v) @ p["out_weight"].T + p["out_bias"] - y) ** 2)


WORKLOADS: tuple[Workload, ...] = (
    Workload("MLP 784-256-128-10, batch 64", _mlp(784, 256, 128, 10), m.cross_entropy, _classes((64, 784)),
             lambda: (_torch_mlp(784, 256, 128, 10), _torch_cross_entropy()), _jax_mlp_loss),
    Workload("CNN 28x28, conv 16 - pool - conv 32 - pool - linear, batch 64", _CNN, m.cross_entropy,
             _classes((64, 1, 28, 28)), _torch_cnn, _jax_cnn_loss),
    Workload("tiny MLP 4-16-16-1, batch 32", _mlp(4, 16, 16, 1, activation=m.Tanh), m.squared_error,
             _regression((32, 4), (32, 1)), lambda: (_torch_mlp(4, 16, 16, 1, activation="Tanh"), _torch_squared()),
             _jax_tiny_loss),
    Workload("RNN hidden 32, T = 20, batch 32", _LastState(m.RNN(8, 32), m.Linear(32, 1)), m.squared_error,
             _regression((32, 20, 8), (32, 1)), _torch_rnn, _jax_rnn_loss),
    Workload("attention D = 32, N = 16, batch 16", m.MultiHeadAttention(32, 1), m.squared_error,
             _regression((16, 16, 32), (16, 16, 32)), _torch_attention, _jax_attention_loss),
)  # fmt: skip


# --- the contenders ------------------------------------------------------------------------------------------------


def backends() -> tuple[str, ...]:
    """Those of ours that are installed."""
    return ("numpy", "numba") if available() else ("numpy",)


def contenders(workload: Workload, dtype: str, threads: int, peers: bool = True) -> dict[str, Callable[[], object]]:
    """A function of no arguments that makes one step, for each contender."""
    x, y = workload.data(np.random.default_rng(0))
    x = x.astype(dtype)
    y = y.astype(dtype) if y.dtype.kind == "f" else y
    out = {backend: _ours(workload, x, y, dtype, backend) for backend in backends()}
    if peers:
        out["torch"] = _torch(workload, x, y, dtype, threads)
        out["jax"] = _jax(workload, x, y, dtype)
    return out


def _ours(workload: Workload, x: Any, y: Any, dtype: str, backend: str) -> Callable[[], object]:
    trainer = m.Trainer(
        lambda p, batch, run: workload.loss(workload.network(p, batch[0], run), batch[1]),
        workload.network.init(0),
        m.Adam(1e-3),
        dtype=dtype,
        backend=backend,
    )
    trainer.compile((x, y))
    return lambda: trainer.step((x, y))


def _torch(workload: Workload, x: Any, y: Any, dtype: str, threads: int) -> Callable[[], object]:
    import torch

    torch.set_num_threads(threads)
    net, loss = workload.torch()
    net = net.to(getattr(torch, dtype))
    a, b = torch.tensor(x), torch.tensor(y)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)

    def step() -> object:
        optimiser.zero_grad()
        value = loss(net(a), b)
        value.backward()
        optimiser.step()
        return value

    return step


def _jax(workload: Workload, x: Any, y: Any, dtype: str) -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", dtype == "float64")
    p = jax.tree.map(lambda v: jnp.asarray(v, dtype), workload.network.init(0))
    moments = (p, jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p), jnp.zeros((), dtype))
    a, b = jnp.asarray(x), jnp.asarray(y)

    @jax.jit
    def step(state: Any, a: Any, b: Any) -> Any:
        p, first, second, t = state
        value, g = jax.value_and_grad(workload.jax)(p, a, b)
        t = t + 1
        first = jax.tree.map(lambda u, v: 0.9 * u + 0.1 * v, first, g)
        second = jax.tree.map(lambda u, v: 0.999 * u + 0.001 * v * v, second, g)
        p = jax.tree.map(
            lambda w, u, v: w - 1e-3 * (u / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), p, first, second
        )
        return (p, first, second, t), value

    held = [moments]

    def run() -> object:
        held[0], value = step(held[0], a, b)
        return value.block_until_ready()

    return run
