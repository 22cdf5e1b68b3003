"""A layer beside its PyTorch twin: what a case is, and what both sides give.

The cases themselves stand in ``twin_layers`` (a module of PyTorch's for each), ``twin_structured`` (attention,
positions, graphs, flows: written out in PyTorch's primitives where it has no module) and ``twin_losses``;
``twin_optimisers`` has trajectories and initial values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import derivcheck.models as m

#: Seed of the random numbers that a layer draws while it runs; its twin is given the same numbers.
STREAM = 11

SAME = {"weight": "weight", "bias": "bias"}


@dataclass(frozen=True)
class Case:
    """A layer of ours and how to make its twin.

    Attributes
    ----------
    layer : Layer
    x : tree of arrays
        Its input. Float arrays are differentiated with respect to.
    twin : callable
        ``twin(torch) -> (module, call, names)``: ``call(module, x)`` is the output and ``names`` maps our parameters'
        paths to the module's.
    """

    layer: m.Layer
    x: Any
    twin: Callable[[Any], tuple[Any, Callable[..., Any], dict[str, str]]]


Family = Callable[[np.random.Generator], Case]


def plain(module: Any, x: Any) -> Any:
    """The call of a module that takes its input as it is."""
    return module(x)


class Function(m.Layer):
    """A function of a tree of tensors as a layer without parameters."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def forward(self, p: Any, x: Any, run: m.Run) -> Any:
        return self.function(x)


@dataclass(frozen=True)
class Values:
    """Outputs ``y₁, y₂, …``, and gradients of ``Σ ⟨cotangentᵢ, yᵢ⟩`` by name (inputs' begin with ``"x"``)."""

    outputs: tuple[Any, ...]
    gradients: dict[str, Any]

    def named(self) -> dict[str, Any]:
        """All of them by name."""
        return {f"output {i}": y for i, y in enumerate(self.outputs)} | {
            f"d/d{k}": g for k, g in self.gradients.items()
        }


def case(draw: Family, name: str, seed: int) -> tuple[Case, Any, np.random.Generator]:
    """The case of this seed, its parameters, and a stream for the cotangents."""
    rng = np.random.default_rng((seed, *name.encode()))
    made = draw(rng)
    # Parameters that start constant (scales, biases) would hide mistakes.
    return made, m.map_tree(lambda v: v + 0.3 * rng.standard_normal(v.shape), made.layer.init(rng)), rng


def _differentiable(x: Any) -> list[bool]:
    return [leaf.dtype.kind == "f" for leaf in m.leaves(x)]


def _input_names(x: Any) -> list[str]:
    names = m.paths(x, "x")
    return [name for name, wanted in zip(names, _differentiable(x), strict=True) if wanted]


def ours(made: Case, parameters: Any, cotangents: list[Any]) -> Values:
    """What our layer gives."""
    leaves, structure = m.flatten(made.x)
    floats = [leaf for leaf, wanted in zip(leaves, _differentiable(made.x), strict=True) if wanted]
    others = [leaf for leaf, wanted in zip(leaves, _differentiable(made.x), strict=True) if not wanted]

    def total(p: Any, given: Any, rest: Any, stream: Any) -> Any:
        left, right = iter(given), iter(rest)
        x = m.unflatten(structure, [next(left) if wanted else next(right) for wanted in _differentiable(made.x)])
        y = m.leaves(made.layer(p, x, m.Run(training=True, generator=stream)))
        return sum((m.sum(a * m.constant(c)) for a, c in zip(y, cotangents, strict=True)), m.constant(0.0)), y

    both = m.compile(m.value_and_grad(total, (0, 1), auxiliary=True))
    (_, y), (of_parameters, of_inputs) = both(parameters, floats, others, np.random.default_rng(STREAM))
    gradients = dict(zip(m.paths(parameters), m.leaves(of_parameters), strict=True))
    return Values(tuple(y), gradients | dict(zip(_input_names(made.x), of_inputs, strict=True)))


def theirs(made: Case, parameters: Any, rng: np.random.Generator) -> tuple[Values, list[Any]]:
    """What PyTorch gives, and the cotangents it was given."""
    import torch

    module, call, names = made.twin(torch)
    module = module.double()
    held = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in zip(m.paths(parameters), m.leaves(parameters), strict=True):
            held[names[name]].copy_(torch.tensor(value))
    x = m.map_tree(lambda v: torch.tensor(v, requires_grad=v.dtype.kind == "f"), made.x)
    y = m.leaves(call(module, x))
    cotangents = [rng.standard_normal(tuple(a.shape)) for a in y]
    sum((a * torch.tensor(c)).sum() for a, c in zip(y, cotangents, strict=True)).backward()  # type: ignore[union-attr]

    def gradient(v: Any) -> Any:
        return np.zeros(tuple(v.shape)) if v.grad is None else v.grad.numpy()

    gradients = {name: gradient(held[names[name]]) for name in m.paths(parameters)}
    inputs = [v for v in m.leaves(x) if v.requires_grad]
    gradients |= {name: gradient(v) for name, v in zip(_input_names(made.x), inputs, strict=True)}
    return Values(tuple(a.detach().numpy() for a in y), gradients), cotangents
