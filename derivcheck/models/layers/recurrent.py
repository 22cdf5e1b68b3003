"""Recurrent layers on ``(batch, time, features)``, unrolled; weights and gates as in PyTorch.

The inputs of all times go through one product. A layer returns the outputs of all times; the final state is in
``run.outputs`` under the layer's path with ``.final`` (and ``.cell`` for an LSTM).
"""

from __future__ import annotations

from typing import Any

from derivcheck.models.activations import relu, sigmoid, tanh
from derivcheck.models.errors import ShapeError, require_sizes
from derivcheck.models.functional import concatenate, matmul, ones, reshape, stack, transpose, zeros
from derivcheck.models.initialisers import Initialiser, Parameter, Uniform
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN"]


class _Recurrent(Layer):
    gates = 1

    def __init__(self, inputs: int, hidden: int, weight_initialiser: Initialiser | None = None) -> None:
        require_sizes(type(self).__name__, inputs=inputs, hidden=hidden)
        self.inputs, self.hidden = inputs, hidden
        self.weight_initialiser = weight_initialiser or Uniform(fan=hidden)

    def parameters(self) -> dict[str, Any]:
        rows, law = self.gates * self.hidden, self.weight_initialiser
        return {
            "weight_ih": Parameter((rows, self.inputs), law),
            "weight_hh": Parameter((rows, self.hidden), law),
            "bias_ih": Parameter((rows,), Uniform(fan=self.hidden)),
            "bias_hh": Parameter((rows,), Uniform(fan=self.hidden)),
        }

    def _by_time(self, p: Any, x: Tensor, run: Run, bias: Any) -> list[Tensor]:
        self.require(run, x, {-1: self.inputs}, rank=3)
        if not x.shape[1]:
            raise ShapeError("the sequence", "at least one time", x.shape)
        # The inputs are copied in the order of time anyhow: with a column of ones, the bias is a row of the product.
        batch, length, _ = x.shape
        inputs = concatenate([transpose(x, (1, 0, 2)), ones((length, batch, 1))], 2)
        driven = matmul(inputs, concatenate([p["weight_ih"].T, reshape(bias, (1, -1))], 0))
        return [driven[t] for t in range(x.shape[1])]

    def _start(self, x: Tensor) -> Tensor:
        return zeros((x.shape[0], self.hidden))

    def _finish(self, run: Run, outputs: list[Tensor], **final: Tensor) -> Tensor:
        for name, value in final.items():
            run.outputs[f"{run.path}.{name}" if run.path else name] = value
        return transpose(stack(outputs, 0), (1, 0, 2))


class RNN(_Recurrent):
    """``h ← φ(W_ih x + b_ih + W_hh h + b_hh)`` with ``φ`` tanh (or ReLU)."""

    def __init__(
        self, inputs: int, hidden: int, nonlinearity: str = "tanh", weight_initialiser: Initialiser | None = None
    ) -> None:
        super().__init__(inputs, hidden, weight_initialiser)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"the nonlinearity is 'tanh' or 'relu', not {nonlinearity!r}")
        self.nonlinearity = nonlinearity

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        phi = tanh if self.nonlinearity == "tanh" else relu
        outputs: list[Tensor] = []
        for u in self._by_time(p, x, run, p["bias_ih"] + p["bias_hh"]):
            outputs.append(phi(u + matmul(outputs[-1], p["weight_hh"].T) if outputs else u))
        return self._finish(run, outputs, final=outputs[-1])


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), gates in the order input, forget, cell, output."""

    gates = 4

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        n = self.hidden
        h = c = self._start(x)
        outputs = []
        for u in self._by_time(p, x, run, p["bias_ih"] + p["bias_hh"]):
            z = u + matmul(h, p["weight_hh"].T)
            i, f, g, o = (z[:, k * n : (k + 1) * n] for k in range(4))
            c = sigmoid(f) * c + sigmoid(i) * tanh(g)
            h = sigmoid(o) * tanh(c)
            outputs.append(h)
        return self._finish(run, outputs, final=h, cell=c)


class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al., 2014), gates in the order reset, update, new; the reset gate acts on the
    product with ``W_hn`` and its bias."""

    gates = 3

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        n = self.hidden
        h = self._start(x)
        outputs = []
        for u in self._by_time(p, x, run, p["bias_ih"]):
            v = matmul(h, p["weight_hh"].T) + p["bias_hh"]
            reset = sigmoid(u[:, :n] + v[:, :n])
            update = sigmoid(u[:, n : 2 * n] + v[:, n : 2 * n])
            new = tanh(u[:, 2 * n :] + reset * v[:, 2 * n :])
            h = new + update * (h - new)
            outputs.append(h)
        return self._finish(run, outputs, final=h)
