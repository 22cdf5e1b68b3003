"""Random graphs: a few hundred lines of nonsense that every pass must leave alone."""

from __future__ import annotations

import numpy as np
import sympy

from derivcheck.models import functional as F
from derivcheck.models.graph import Graph
from derivcheck.models.scalar import ScalarFunction
from derivcheck.models.tensor import Tensor, constant, make, variable

_X = sympy.Symbol("x", real=True)
SCALARS = (
    ScalarFunction("sigmoid", (_X,), 1 / (1 + sympy.exp(-_X))),
    ScalarFunction("softplus", (_X,), sympy.log(1 + sympy.exp(_X))),
    ScalarFunction("elu", (_X,), sympy.Piecewise((_X, _X > 0), (sympy.exp(_X) - 1, True))),
    ScalarFunction("relu", (_X,), sympy.Max(0, _X)),
)

SHAPES = ((), (3,), (2, 3), (1, 3), (4, 2, 3), (2, 2), (6, 4), (40, 5))


def random_graph(seed: int, length: int = 25, outputs: int = 3) -> tuple[Graph, list[np.ndarray]]:
    """A graph of smooth and piecewise smooth primitives, with arguments for it."""
    rng = np.random.default_rng(seed)
    shapes = [SHAPES[i] for i in rng.integers(0, len(SHAPES), 4)]
    inputs = [variable(s, "float", f"x{i}") for i, s in enumerate(shapes)]
    nodes: list[Tensor] = list(inputs)
    for _ in range(length):
        nodes.append(_grow(nodes[int(rng.integers(0, len(nodes)))], nodes, rng))
    # The later a node, the more of the graph it needs; some outputs may be inputs or repeated.
    chosen = [nodes[-1], *(nodes[int(i)] for i in rng.integers(0, len(nodes), outputs - 1))]
    return Graph(tuple(inputs), tuple(chosen)), [rng.standard_normal(s) for s in shapes]


def _grow(x: Tensor, nodes: list[Tensor], rng: np.random.Generator) -> Tensor:
    choice = int(rng.integers(0, 24))
    if choice < 6:
        partner = _partner(x, nodes, rng)
        operation = ("add", "sub", "mul", "maximum", "minimum", "add")[choice]
        return F.binary(operation, x, partner) if rng.random() < 0.5 else F.binary(operation, partner, x)
    if choice == 6:
        return x * float(rng.choice([0.0, 1.0, -1.0, 0.5]))
    if choice == 7:
        return F.tanh(x) / (1.5 + F.sin(_partner(x, nodes, rng)))
    if choice == 8:
        return F.where(x > _partner(x, nodes, rng), x, float(rng.standard_normal()))
    if choice == 9:
        return SCALARS[int(rng.integers(0, len(SCALARS)))](x)
    if choice == 10:
        return F.square(F.tanh(x)) + 0.0
    if choice == 11:
        return 0.0 - make("neg", x) if rng.random() < 0.5 else -(0.5 + x)
    if choice == 12 and x.ndim:
        return F.sum(x, int(rng.integers(0, x.ndim)), keepdims=bool(rng.integers(0, 2))) * 0.5
    if choice == 13 and x.ndim:
        return F.max(x, int(rng.integers(0, x.ndim)), keepdims=True)
    if choice == 14 and x.ndim > 1:
        return F.transpose(x, [int(a) for a in rng.permutation(x.ndim)])
    if choice == 15:
        return F.reshape(x, (-1,)) if rng.random() < 0.5 else F.reshape(x, (1, *x.shape))
    if choice == 16 and x.ndim and x.ndim < 4:
        return F.broadcast_to(x, (2, *x.shape))
    if choice == 17 and x.ndim and x.shape[0] > 1:
        return x[1:] if rng.random() < 0.5 else x[::2]
    if choice == 18 and x.ndim:
        return F.concatenate([x, F.tanh(x)], int(rng.integers(0, x.ndim)))
    if choice == 19 and x.ndim > 1:
        return F.tanh(x.T @ x) if rng.random() < 0.5 else F.sin(x[..., :1, :] @ x.T)
    if choice == 20 and x.ndim:
        return make("flip", x, axes=(int(rng.integers(0, x.ndim)),))
    if choice == 21 and x.ndim and x.shape[-1] > 2:
        return F.windows(x, (x.ndim - 1,), (2,), (1,), (1,))
    if choice == 22 and x.ndim:
        return F.take(x, np.array([0, x.shape[0] - 1, 0]), 0)
    if choice == 23 and x.ndim:
        return F.pad(x, [(1, 0)] + [(0, 0)] * (x.ndim - 1))
    return F.tanh(x) if x.size < 400 else F.sum(x)


def _partner(x: Tensor, nodes: list[Tensor], rng: np.random.Generator) -> Tensor:
    fitting = [n for n in nodes if n.shape == x.shape or n.ndim == 0]
    if x.ndim > 1:
        fitting += [n for n in nodes if n.shape == (1, *x.shape[1:])]
    return fitting[int(rng.integers(0, len(fitting)))] if fitting else constant(float(rng.standard_normal()))
