"""Losses, log-likelihoods and divergences.

Losses take ``reduction``: ``"mean"`` (over everything), ``"sum"`` or ``"none"``. Log-likelihoods and divergences
sum over the last axis and keep the others: one number an example.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from derivcheck.models.activations import softplus
from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import (
    cast,
    exp,
    log,
    log_softmax,
    maximum,
    mean,
    one_hot,
    square,
    sum,
)
from derivcheck.models.tensor import Tensor, as_tensor

__all__ = [
    "bernoulli_log_likelihood",
    "binary_cross_entropy",
    "cross_entropy",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "hinge",
    "kl_divergence",
    "squared_error",
]


def _reduced(values: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return mean(values)
    if reduction == "sum":
        return sum(values)
    if reduction == "none":
        return values
    raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")


def _same_shape(where: str, a: Tensor, b: Tensor) -> None:
    # Broadcasting (n, 1) against (n,) is the classical silent mistake of a regression loss.
    if a.shape != b.shape:
        raise ShapeError(where, f"a target of the prediction's shape {a.shape}", b.shape)


def _no_accident(where: str, *values: Any) -> None:
    # Between shapes of different ranks, one of them must be that of the result; else it is the same mistake.
    shapes = [as_tensor(v).shape for v in values]
    if len({len(s) for s in shapes if s}) > 1 and np.broadcast_shapes(*shapes) not in shapes:
        raise ShapeError(where, "shapes of which one is the result's", " and ".join(map(str, shapes)))


def squared_error(prediction: Any, target: Any, reduction: str = "mean") -> Tensor:
    """``(prediction − target)²``."""
    a, b = as_tensor(prediction), as_tensor(target)
    _same_shape("squared_error", a, b)
    return _reduced(square(a - b), reduction)


def cross_entropy(logits: Any, target: Any, reduction: str = "mean") -> Tensor:
    """``−Σ y log softmax(logits)`` over the last axis; ``target`` is labels (integers) or probabilities."""
    z, y = as_tensor(logits), as_tensor(target)
    if y.kind == "int":
        if y.shape != z.shape[:-1]:
            raise ShapeError("cross_entropy", f"labels of shape {z.shape[:-1]}", y.shape)
        y = one_hot(y, z.shape[-1])
    elif y.shape == z.shape[:-1] != z.shape:
        raise ShapeError("cross_entropy", "labels that are integers, or probabilities", "labels that are floats")
    _same_shape("cross_entropy", z, y)
    return _reduced(-sum(y * log_softmax(z), -1), reduction)


def binary_cross_entropy(logits: Any, target: Any, reduction: str = "mean") -> Tensor:
    """``−y log σ(z) − (1 − y) log(1 − σ(z))``, as ``softplus(z) − y z``."""
    z, y = as_tensor(logits), as_tensor(target)
    _same_shape("binary_cross_entropy", z, y)
    return _reduced(softplus(z) - cast(y) * z, reduction)


def hinge(scores: Any, target: Any, reduction: str = "mean") -> Tensor:
    """``max(0, 1 − y s)`` for labels ``y ∈ {−1, 1}``."""
    s, y = as_tensor(scores), as_tensor(target)
    _same_shape("hinge", s, y)
    return _reduced(maximum(1.0 - cast(y) * s, 0.0), reduction)


def bernoulli_log_likelihood(x: Any, logits: Any) -> Tensor:
    """``Σ x log σ(z) + (1 − x) log(1 − σ(z))`` over the last axis."""
    z = as_tensor(logits)
    _no_accident("bernoulli_log_likelihood", x, z)
    return sum(as_tensor(x) * z - softplus(z), -1)


def gaussian_log_likelihood(x: Any, mean: Any, log_variance: Any) -> Tensor:
    """``log N(x; mean, diag exp log_variance)`` over the last axis."""
    s = as_tensor(log_variance)
    _no_accident("gaussian_log_likelihood", x, mean, s)
    deviation = as_tensor(x) - mean
    return sum((square(deviation) * exp(-s) + s + math.log(2.0 * math.pi)) * -0.5, -1)


def gaussian_kl(mean: Any, log_variance: Any, prior_mean: Any = 0.0, prior_log_variance: Any = 0.0) -> Tensor:
    """``KL(N(mean, diag exp s) ‖ N(prior_mean, diag exp s₀))`` over the last axis."""
    s, s0 = as_tensor(log_variance), as_tensor(prior_log_variance)
    _no_accident("gaussian_kl", mean, s, prior_mean, s0)
    deviation = as_tensor(mean) - prior_mean
    return sum((exp(s - s0) + square(deviation) * exp(-s0) - 1.0 + s0 - s) * 0.5, -1)


def kl_divergence(p: Any, q: Any) -> Tensor:
    """``Σ p log(p/q)`` over the last axis, for positive probabilities."""
    a = as_tensor(p)
    _no_accident("kl_divergence", a, q)
    return sum(a * (log(a) - log(q)), -1)
