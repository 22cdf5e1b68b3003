"""Attention and positions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from derivcheck.models.errors import ShapeError, require_sizes
from derivcheck.models.functional import cast, matmul, reshape, softmax, transpose, where
from derivcheck.models.initialisers import Constant, Initialiser, Parameter, Variance, Xavier
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.tensor import Array, Tensor, as_tensor, constant

__all__ = [
    "LearnedPositions",
    "MultiHeadAttention",
    "SinusoidalPositions",
    "attention",
    "causal_mask",
    "sinusoidal_positions",
]

_OPTIONAL = ("key", "value", "mask", "lengths")

#: A score that softmax turns into 0 in every float type (a true −∞ would make fully masked rows NaN).
_HIDDEN = -1e30


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Any = None) -> Tensor:
    """Scaled dot-product attention, ``softmax(Q Kᵀ / √d) V`` over the last two axes.

    ``mask``, of booleans, broadcasts to ``(…, queries, keys)``: true where a key may be seen. A query that may see no
    key gets the mean of all values.
    """
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        wanted = f"keys of the queries' size {query.shape[-1]}, and as many values"
        raise ShapeError("attention", wanted, f"keys {key.shape} and values {value.shape}")
    scores = matmul(query, key.T) * (1.0 / math.sqrt(query.shape[-1]))
    if mask is not None:
        scores = where(_seen(mask), scores, _HIDDEN)
    return matmul(softmax(scores), value)


def _seen(mask: Any) -> Tensor:
    # Numbers that are added to the scores (0 and −∞) would mean the opposite.
    t = as_tensor(mask)
    if t.kind != "bool":
        raise ShapeError("the mask", "booleans, true where a key may be seen", f"a {t.kind} tensor")
    return t


def causal_mask(length: int) -> Array:
    """True where a key does not lie after the query."""
    return np.tri(length, dtype=bool)


class MultiHeadAttention(Layer):
    """Multi-head attention (Vaswani et al., 2017) on ``(batch, length, size)``.

    The input is a tensor (self-attention) or a dictionary with ``"query"`` and, where they differ from it, ``"key"``
    and ``"value"``; ``"mask"``, true where a key may be seen, broadcasting to ``(batch, heads, queries, keys)``; and
    ``"lengths"``, integers ``(batch,)``, beyond which keys are padding.

    Parameters
    ----------
    size, heads : int
    causal : bool
        Whether later keys are hidden.
    bias : bool
    """

    def __init__(
        self,
        size: int,
        heads: int,
        causal: bool = False,
        bias: bool = True,
        weight_initialiser: Initialiser | None = None,
    ) -> None:
        require_sizes("MultiHeadAttention", size=size, heads=heads)
        if size % heads:
            raise ValueError(f"a size of {size} does not divide into {heads} heads")
        self.size, self.heads, self.causal, self.bias = size, heads, causal, bias
        self.weight_initialiser = weight_initialiser or Xavier()

    def parameters(self) -> dict[str, Any]:
        n, law = self.size, self.weight_initialiser
        out = {"in_weight": Parameter((3 * n, n), law), "out_weight": Parameter((n, n), law)}
        if self.bias:
            out |= {"in_bias": Parameter((3 * n,), Constant()), "out_bias": Parameter((n,), Constant())}
        return out

    def forward(self, p: Any, x: Any, run: Run) -> Tensor:
        given = self.require_keys(run, x if isinstance(x, dict) else {"query": x}, ("query",), _OPTIONAL)
        query = as_tensor(given["query"])
        key = as_tensor(given.get("key", query))
        value = as_tensor(given.get("value", key))
        self.require(run, query, {-1: self.size}, rank=3)
        self.require(run, key, {0: query.shape[0], -1: self.size}, rank=3)
        self.require(run, value, {0: query.shape[0], 1: key.shape[1], -1: self.size}, rank=3)
        q, k, v = self._project(p, query, key, value)
        y = attention(q, k, v, self._mask(given, query.shape[0], query.shape[1], key.shape[1]))
        y = matmul(reshape(transpose(y, (0, 2, 1, 3)), query.shape), p["out_weight"].T)
        return y + p["out_bias"] if self.bias else y

    def _project(self, p: Any, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        n = self.size
        if query is key is value:  # one product for all three
            joint = matmul(query, p["in_weight"].T)
            joint = joint + p["in_bias"] if self.bias else joint
            parts = [joint[:, :, i * n : (i + 1) * n] for i in range(3)]
        else:
            parts = []
            for i, t in enumerate((query, key, value)):
                part = matmul(t, p["in_weight"][i * n : (i + 1) * n].T)
                parts.append(part + p["in_bias"][i * n : (i + 1) * n] if self.bias else part)
        split = [reshape(t, (*t.shape[:2], self.heads, n // self.heads)) for t in parts]
        return [transpose(t, (0, 2, 1, 3)) for t in split]

    def _mask(self, given: Mapping[str, Any], batch: int, queries: int, keys: int) -> Tensor | None:
        masks = []
        if given.get("mask") is not None:
            masks.append(cast(_seen(given["mask"])))
        if given.get("lengths") is not None:
            lengths = as_tensor(given["lengths"])
            if lengths.shape != (batch,):
                raise ShapeError("lengths", f"one integer for each example, shape ({batch},)", lengths.shape)
            seen = constant(np.arange(keys)[None, None, None, :]) < reshape(lengths, (-1, 1, 1, 1))
            masks.append(cast(seen))
        if self.causal:
            if queries != keys:
                raise ShapeError("causal attention", f"{queries} keys for {queries} queries", f"{keys} keys")
            masks.append(constant(causal_mask(keys).astype(float)))
        if not masks:
            return None
        out = masks[0]
        for m in masks[1:]:
            out = out * m
        return cast(out, "bool")


def sinusoidal_positions(length: int, size: int) -> Array:
    """``sin(t / 10000^(2i/d))`` and ``cos`` in turn, shape (length, size) (Vaswani et al., 2017)."""
    rate = 10000.0 ** (-np.arange(0, size, 2) / size)
    angle = np.arange(length)[:, None] * rate
    out = np.empty((length, size))
    out[:, 0::2] = np.sin(angle)
    out[:, 1::2] = np.cos(angle[:, : size // 2])
    return out


class SinusoidalPositions(Layer):
    """Adds sinusoidal positions to ``(batch, length, size)``."""

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        return x + constant(sinusoidal_positions(x.shape[-2], x.shape[-1]))


class LearnedPositions(Layer):
    """Adds a trainable vector to each of at most ``length`` positions."""

    def __init__(self, length: int, size: int, initialiser: Initialiser | None = None) -> None:
        require_sizes("LearnedPositions", length=length, size=size)
        self.length, self.size = length, size
        self.initialiser = initialiser or Variance("normal", 0.02**2)

    def parameters(self) -> dict[str, Any]:
        return {"weight": Parameter((self.length, self.size), self.initialiser)}

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {-1: self.size})
        if x.shape[-2] > self.length:
            raise ShapeError(self.label(run), f"at most {self.length} positions", f"{x.shape[-2]}")
        y: Tensor = x + p["weight"][: x.shape[-2]]
        return y
