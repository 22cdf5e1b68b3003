"""Activations as layers."""

from __future__ import annotations

from typing import Any

from derivcheck.models.activations import activation
from derivcheck.models.functional import softmax
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.scalar import ScalarFunction
from derivcheck.models.tensor import Tensor

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "LeakyReLU",
    "Mish",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class Activation(Layer):
    """A scalar function of every entry: one of the table's by name, or a :class:`ScalarFunction`."""

    def __init__(self, function: str | ScalarFunction) -> None:
        self.function = activation(function) if isinstance(function, str) else function

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        return self.function(x)


class Softmax(Layer):
    """Softmax along an axis."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        return softmax(x, self.axis)


def _named(name: str, class_name: str) -> type[Activation]:
    def __init__(self: Activation) -> None:
        Activation.__init__(self, name)

    body = {"__init__": __init__, "__doc__": f"The activation ``{name}`` as a layer.", "__module__": __name__}
    return type(class_name, (Activation,), body)


ReLU = _named("relu", "ReLU")
LeakyReLU = _named("leaky_relu", "LeakyReLU")
ELU = _named("elu", "ELU")
SELU = _named("selu", "SELU")
Sigmoid = _named("sigmoid", "Sigmoid")
Tanh = _named("tanh", "Tanh")
Softplus = _named("softplus", "Softplus")
SiLU = _named("silu", "SiLU")
GELU = _named("gelu", "GELU")
Mish = _named("mish", "Mish")
