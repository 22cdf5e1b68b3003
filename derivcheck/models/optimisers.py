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

from derivcheck.models.functional import exp, sqrt, square
from derivcheck.models.schedules import Schedule, as_schedule
from derivcheck.models.tensor import Tensor, as_tensor
from derivcheck.models.tree import flatten, map_tree, unflatten

__all__ = ["SGD", "Adagrad", "Adam", "Averaged", "GradientMethod", "Optimiser", "RMSProp"]

Slots = dict[str, Tensor]


class Optimiser:
    """What every optimiser can do; subclasses give ``slots`` and ``update``."""

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of what is remembered for every parameter; all start at 0."""
        return ()

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

    @property
    def slots(self) -> tuple[str, ...]:
        return ("first", "second")

    def rule(self, theta: Tensor, g: Tensor, slots: Slots, rate: Any, t: Tensor) -> tuple[Tensor, Slots]:
        m = self.beta1 * slots["first"] + (1.0 - self.beta1) * g
        v = self.beta2 * slots["second"] + (1.0 - self.beta2) * square(g)
        # m̂ / (√v̂ + ε), its two corrections gathered into scalars: one division of vectors fewer.
        root = sqrt(1.0 - exp(t * math.log(self.beta2)))
        size = rate * root / (1.0 - exp(t * math.log(self.beta1)))
        return theta - size * (m / (sqrt(v) + self.epsilon * root)), {"first": m, "second": v}


@dataclass(frozen=True)
class Averaged(Optimiser):
    """Another optimiser whose iterates are averaged (Polyak and Ruppert) after step ``start_step``.

    The slot ``"average"`` holds the mean of the iterates ``θ_{start_step+1}, …, θ_t``.
    """

    inner: Optimiser
    start_step: int = 0

    @property
    def slots(self) -> tuple[str, ...]:
        return (*self.inner.slots, "average")

    def update(self, theta: Tensor, g: Tensor, slots: Slots, t: Tensor) -> tuple[Tensor, Slots]:
        from derivcheck.models.functional import maximum

        new, out = self.inner.update(theta, g, slots, t)
        weight = 1.0 / maximum(t - float(self.start_step), 1.0)
        return new, {**out, "average": slots["average"] + weight * (new - slots["average"])}
