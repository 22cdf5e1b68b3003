"""Graph convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from derivcheck.models.errors import require_sizes
from derivcheck.models.functional import cast, expand_dims, matmul, sqrt, sum
from derivcheck.models.initialisers import Constant, Initialiser, Parameter, Xavier
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.tensor import Tensor, constant

__all__ = ["GraphConvolution"]


class GraphConvolution(Layer):
    """``D^{-1/2} (A + I) D^{-1/2} X Wᵀ + b`` (Kipf and Welling, 2017).

    The input is a dictionary of ``"nodes"``, shape (…, N, inputs), and ``"adjacency"``, shape (…, N, N), symmetric
    with zero diagonal; ``D`` holds the row sums of ``A + I``.
    """

    def __init__(self, inputs: int, outputs: int, weight_initialiser: Initialiser | None = None) -> None:
        require_sizes("GraphConvolution", inputs=inputs, outputs=outputs)
        self.inputs, self.outputs = inputs, outputs
        self.weight_initialiser = weight_initialiser or Xavier()

    def parameters(self) -> dict[str, Any]:
        return {
            "weight": Parameter((self.outputs, self.inputs), self.weight_initialiser),
            "bias": Parameter((self.outputs,), Constant()),
        }

    def forward(self, p: Any, x: Any, run: Run) -> Tensor:
        given = self.require_keys(run, x, ("nodes", "adjacency"))
        nodes, adjacency = cast(given["nodes"]), cast(given["adjacency"])
        self.require(run, nodes, {-1: self.inputs})
        n = nodes.shape[-2]
        self.require(run, adjacency, {-1: n, -2: n})
        looped = adjacency + constant(np.eye(n))
        scale = 1.0 / sqrt(sum(looped, -1))
        normalised = looped * expand_dims(scale, -1) * expand_dims(scale, -2)
        y: Tensor = matmul(normalised, matmul(nodes, p["weight"].T)) + p["bias"]
        return y
