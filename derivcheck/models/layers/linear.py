"""Affine maps and embeddings."""

from __future__ import annotations

from typing import Any

from derivcheck.models.errors import require_sizes
from derivcheck.models.functional import take
from derivcheck.models.initialisers import Constant, Initialiser, Parameter, Uniform, Variance
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.tensor import Tensor

__all__ = ["Bias", "Embedding", "Linear"]


class Linear(Layer):
    """``y = x Wᵀ + b`` on the last axis.

    Parameters
    ----------
    inputs, outputs : int
    bias : bool
    weight_initialiser : Initialiser
        Law of ``W``, shape ``(outputs, inputs)``; by default uniform on ``±1/√inputs``.
    bias_initialiser : Initialiser, optional
        By default zero.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        weight_initialiser: Initialiser | None = None,
        bias_initialiser: Initialiser | None = None,
    ) -> None:
        require_sizes("Linear", inputs=inputs, outputs=outputs)
        self.inputs, self.outputs, self.bias = inputs, outputs, bias
        self.weight_initialiser = weight_initialiser or Uniform()
        self.bias_initialiser = bias_initialiser or Constant()

    def parameters(self) -> dict[str, Any]:
        out = {"weight": Parameter((self.outputs, self.inputs), self.weight_initialiser)}
        if self.bias:
            out["bias"] = Parameter((self.outputs,), self.bias_initialiser)
        return out

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {-1: self.inputs})
        y: Tensor = x @ p["weight"].T
        return y + p["bias"] if self.bias else y


class Bias(Layer):
    """``y = x + b`` on the last axis."""

    def __init__(self, size: int) -> None:
        require_sizes("Bias", size=size)
        self.size = size

    def parameters(self) -> dict[str, Any]:
        return {"bias": Parameter((self.size,), Constant())}

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {-1: self.size})
        y: Tensor = x + p["bias"]
        return y


class Embedding(Layer):
    """A table of vectors: integers ``(…)`` to ``(…, size)``."""

    def __init__(self, count: int, size: int, initialiser: Initialiser | None = None) -> None:
        require_sizes("Embedding", count=count, size=size)
        self.count, self.size = count, size
        self.initialiser = initialiser or Variance("normal", 1.0)

    def parameters(self) -> dict[str, Any]:
        return {"weight": Parameter((self.count, self.size), self.initialiser)}

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        return take(p["weight"], x)
