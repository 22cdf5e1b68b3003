"""Many networks at once: 10,000 random initialisations measured, and 1,000 tiny networks trained.

Both sides draw the weights inside the measured call: random numbers are most of the first row's work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import derivcheck.models as m
from benchmarks.models.training_step import backends

__all__ = ["initialisations", "training"]

F = m.functional

WIDTH, DEPTH = 64, 5


def initialisations(dtype: str, peers: bool, count: int = 10_000) -> dict[str, Callable[[], object]]:
    """Second moment of every layer of Xavier-initialised tanh networks, for each of ``count`` networks."""
    layers: list[m.Layer] = []
    for _ in range(DEPTH):
        layers += [m.Linear(WIDTH, WIDTH, bias=False, weight_initialiser=m.Xavier()), m.Tanh()]
    net = m.Sequential(*layers)

    def moments(generator: Any, x: Any) -> Any:
        run = m.Run()
        net(net.init(generator), x, run)
        return F.stack([F.mean(F.square(run.outputs[str(2 * k + 1)])) for k in range(DEPTH)])

    x = np.random.default_rng(0).standard_normal((1, WIDTH)).astype(dtype)
    generator = np.random.Generator(np.random.SFC64(1))

    def ours(backend: str) -> Callable[[], object]:
        sweep = m.compile(moments, replicas=(True, False), count=count, dtype=dtype, backend=backend)
        return lambda: sweep(generator, x)

    out = {backend: ours(backend) for backend in backends()}
    if peers:
        out["jax"] = _jax_initialisations(dtype, x, count)
    return out


def _jax_initialisations(dtype: str, x: Any, count: int) -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", dtype == "float64")
    x = jnp.asarray(x)

    def one(key: Any) -> Any:
        h, out = x, []
        for k in jax.random.split(key, DEPTH):
            h = jnp.tanh(h @ (jax.random.normal(k, (WIDTH, WIDTH), dtype) / np.sqrt(WIDTH).astype(dtype)))
            out.append(jnp.mean(h * h))
        return jnp.stack(out)

    run = jax.jit(jax.vmap(one))
    keys = jax.random.split(jax.random.key(0), count)
    return lambda: run(keys).block_until_ready()


def training(dtype: str, peers: bool, count: int = 1_000) -> dict[str, Callable[[], object]]:
    """One Adam step of ``count`` MLPs 4-16-16-1 on a shared batch of 32."""
    net = m.Sequential(m.Linear(4, 16), m.Tanh(), m.Linear(16, 16), m.Tanh(), m.Linear(16, 1))
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 4)).astype(dtype), rng.standard_normal((32, 1)).astype(dtype)
    p = net.init(0, replicas=count)

    def ours(backend: str) -> Callable[[], object]:
        trainer = m.Trainer(
            lambda p, batch, run: m.squared_error(net(p, batch[0], run), batch[1]),
            p,
            m.Adam(1e-3),
            dtype=dtype,
            replicas=True,
            backend=backend,
        )
        return lambda: trainer.step((x, y))

    out = {backend: ours(backend) for backend in backends()}
    if peers:
        out["jax"] = _jax_training(dtype, p, x, y)
    return out


def _jax_training(dtype: str, p: Any, x: Any, y: Any) -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", dtype == "float64")
    p = jax.tree.map(lambda v: jnp.asarray(v, dtype), p)
    x, y = jnp.asarray(x), jnp.asarray(y)

    def loss(p: Any) -> Any:
        h = x
        for k in ("0", "2"):
            h = jnp.tanh(h @ p[k]["weight"].T + p[k]["bias"])
        return jnp.mean((h @ p["4"]["weight"].T + p["4"]["bias"] - y) ** 2)

    def one(p: Any, u: Any, v: Any, t: Any) -> Any:
        g = jax.grad(loss)(p)
        u = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, u, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        step = lambda w, a, b: w - 1e-3 * (a / (1 - 0.9**t)) / (jnp.sqrt(b / (1 - 0.999**t)) + 1e-8)  # noqa: E731
        return jax.tree.map(step, p, u, v), u, v

    step = jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None)))
    held = [(p, jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p)), jnp.zeros((), dtype)]

    def run() -> object:
        held[1] = held[1] + 1
        held[0] = step(*held[0], held[1])
        return jax.block_until_ready(held[0])

    return run
