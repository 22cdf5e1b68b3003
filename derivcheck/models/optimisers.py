"""Optimisers, by the update rules of their sources.

An optimiser is written for one tensor: ``update(θ, g, slots, t)`` returns the new parameters and slots, in
graph terms, where ``t = 1, 2, …`` is the step. :meth:`Optimiser.step` applies it to trees;
:func:`~derivcheck.models.training.train` to all parameters as one flat vector.

Weight decay adds ``λ θ`` to the gradient (the gradient of ``λ‖θ‖²/2``); ``decoupled`` shrinks the parameters by
``rate · λ · θ`` instead (Loshchilov and Hutter, 2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivcheck.models.errors import ModelError
from derivcheck.models.functional import exp, sqrt, square
from derivcheck.models.schedules import Schedule, as_schedule
from derivcheck.models.tensor import Tensor, as_tensor
from derivcheck.models.tree import flatten, map_tree, unflatten

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "Averaged",
    "GradientMethod",
    "Optimiser",
    "RMSProp",
    "require_optimiser",
]

Slots = dict[str, Tensor]


class Optimiser:
    """What every optimiser can do; subclasses give ``slots`` and ``update``."""

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of what is remembered for every parameter; all start at 0."""
        return ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name of the rule (and of the one inside)."""
        return (type(self).__name__,)

    def update(self, theta: Tensor, g: Tensor, slots: Slots, t: Tensor) -> tuple[Tensor, Slots]:
        """New parameters and slots at step ``t = 1, 2, …``."""
        raise NotImplementedError

    def start(self, parameters: Any) -> dict[str, Any]:
        """Initial slots: a tree like the parameters for each name."""
        return {name: map_tree(np.zeros_like, parameters) for name in self.slots}

    def step(self, parameters: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> tuple[Any, dict[str, Any]]:
        """One update of a tree of tensors; ``t`` counts from 1."""
        p, structure = flatten(parameters)
        g = flatten(gradient)[0]
        s = {name: flatten(tree)[0] for name, tree in slots.items()}
        results = [
            self.update(as_tensor(a), as_tensor(b), {k: as_tensor(v[i]) for k, v in s.items()}, as_tensor(t))
            for i, (a, b) in enumerate(zip(p, g, strict=True))
        ]
        new_slots = {k: unflatten(structure, [r[1][k] for r in results]) for k in slots}
        return unflatten(structure, [r[0] for r in results]), new_slots


def require_optimiser(value: Any) -> None:
    """Raise :class:`ModelError` unless it is an optimiser."""
    if not isinstance(value, Optimiser):
        raise ModelError(
            f"the optimiser is an object such as Adam(1e-3) or SGD(0.1, momentum=0.9); there are Adagrad, Adam, "
            f"Averaged, RMSProp and SGD: given {value!r}"
        )


def _require(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Raise :class:`ValueError` unless ``low ≤ value < high`` (so that NaN is refused)."""
    if not low <= value < high:
        wanted = f"at least {low:g}" if high == math.inf else f"in [{low:g}, {high:g})"
        raise ValueError(f"{name} is {wanted}, not {value}")


@dataclass(frozen=True)
class GradientMethod(Optimiser):
    """An optimiser with a step size and weight decay; subclasses give ``rule``.

    Parameters
    ----------
    rate : float or callable
        Step size, or a schedule of it (see :mod:`~derivcheck.models.schedules`).
    weight_decay : float
        ``λ``.
    decoupled : bool
    """

    rate: float | Schedule = 1e-2
    weight_decay: float = field(default=0.0, kw_only=True)
    decoupled: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not callable(self.rate):
            _require("the step size", self.rate, 0.0)
        _require("weight decay", self.weight_decay, 0.0)

    def rule(self, theta: Tensor, g: Tensor, slots: Slots, rate: Any, t: Tensor) -> tuple[Tensor, Slots]:
        """New parameters and slots, weight decay aside."""
        raise NotImplementedError

    def update(self, theta: Tensor, g: Tensor, slots: Slots, t: Tensor) -> tuple[Tensor, Slots]:
        rate = as_schedule(self.rate)(t)
        if self.weight_decay and self.decoupled:
            new, out = self.rule(theta, g, slots, rate, t)
            return new - (rate * self.weight_decay) * theta, out
        if self.weight_decay:
            g = g + self.weight_decay * theta
        return self.rule(theta, g, slots, rate, t)


@dataclass(frozen=True)
class SGD(GradientMethod):
    """Stochastic gradient descent, ``θ ← θ − rate · v``.

    Without momentum ``v = g``; with it ``v ← momentum · v + g`` (Polyak), and Nesterov's variant moves by
    ``g + momentum · v``.
    """

    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _require("momentum", self.momentum, 0.0, 1.0)
        if self.nesterov and not self.momentum:
            raise ValueError("Nesterov's variant is one of momentum: give momentum=")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def rule(self, theta: Tensor, g: Tensor, slots: Slots, rate: Any, t: Tensor) -> tuple[Tensor, Slots]:
        if not self.momentum:
            return theta - rate * g, {}
        v = self.momentum * slots["velocity"] + g
        direction = g + self.momentum * v if self.nesterov else v
        return theta - rate * direction, {"velocity": v}


@dataclass(frozen=True)
class Adagrad(GradientMethod):
    """``s ← s + g²``, ``θ ← θ − rate · g / (√s + ε)`` (Duchi et al., 2011)."""

    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        super().__post_init__()
        _require("epsilon", self.epsilon, 0.0)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("sum",)

    def rule(self, theta: Tensor, g: Tensor, slots: Slots, rate: Any, t: Tensor) -> tuple[Tensor, Slots]:
        s = slots["sum"] + square(g)
        return theta - rate * g / (sqrt(s) + self.epsilon), {"sum": s}


@dataclass(frozen=True)
class RMSProp(GradientMethod):
    """``s ← ρ s + (1 − ρ) g²``, ``θ ← θ − rate · g / (√s + ε)`` (Tieleman and Hinton, 2012)."""

    decay: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        _require("decay", self.decay, 0.0, 1.0)
        _require("epsilon", self.epsilon, 0.0)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("square",)

    def rule(self, theta: Tensor, g: Tensor, slots: Slots, rate: Any, t: Tensor) -> tuple[Tensor, Slots]:
        s = self.decay * slots["square"] + (1.0 - self.decay) * square(g)
        return theta - rate * g / (sqrt(s) + self.epsilon), {"square": s}


@dataclass(frozen=True)
class Adam(GradientMethod):
    """Adaptive moments with bias correction (Kingma and Ba, 2015, Algorithm 1)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        _require("beta1", self.beta1, 0.0, 1.0)
        _require("beta2", self.beta2, 0.0, 1.0)
        _require("epsilon", self.epsilon, 0.0)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("first", "second")

    def rule(self, theta: Tensor, g: Tensor, slots: Slots, rate: Any, t: Tensor) -> tuple[Tensor, Slots]:
        m = self.beta1 * slots["first"] + (1.0 - self.beta1) * g
        v = self.beta2 * slots["second"] + (1.0 - self.beta2) * square(g)
        # m̂ / (√v̂ + ε), its two corrections gathered into scalars: one division of vectors fewer.
        root = sqrt(1.0 - _to_the(self.beta2, t))
        size = rate * root / (1.0 - _to_the(self.beta1, t))
        return theta - size * (m / (sqrt(v) + self.epsilon * root)), {"first": m, "second": v}


def _to_the(base: float, t: Tensor) -> Any:
    """``baseᵗ`` for ``t ≥ 1``."""
    return exp(t * math.log(base)) if base else 0.0


@dataclass(frozen=True)
class Averaged(Optimiser):
    """Another optimiser whose iterates are averaged (Polyak and Ruppert) after step ``start_step``.

    The slot ``"average"`` holds the mean of the iterates ``θ_{start_step+1}, …, θ_t``.
    """

    inner: Optimiser
    start_step: int = 0

    def __post_init__(self) -> None:
        require_optimiser(self.inner)
        _require("the first step", self.start_step, 0)

    @property
    def kinds(self) -> tuple[str, ...]:
        return (*super().kinds, *self.inner.kinds)

    @property
    def slots(self) -> tuple[str, ...]:
        return (*self.inner.slots, "average")

    def update(self, theta: Tensor, g: Tensor, slots: Slots, t: Tensor) -> tuple[Tensor, Slots]:
        from derivcheck.models.functional import maximum

        new, out = self.inner.update(theta, g, slots, t)
        weight = 1.0 / maximum(t - float(self.start_step), 1.0)
        return new, {**out, "average": slots["average"] + weight * (new - slots["average"])}
