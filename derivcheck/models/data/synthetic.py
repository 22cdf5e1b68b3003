"""Synthetic data with known laws."""

from __future__ import annotations

import math

import numpy as np

from derivcheck.models.tensor import Array

__all__ = ["gaussian_mixture", "linear_regression", "two_moons"]


def linear_regression(count: int, weights: Array, noise: float = 1.0, seed: int = 0) -> tuple[Array, Array]:
    """Standard normal inputs ``(count, d)`` and targets ``x · w + noise · ε``, shape ``(count,)``."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, len(weights)))
    return x, x @ weights + noise * rng.standard_normal(count)


def gaussian_mixture(count: int, means: Array, scale: float = 1.0, seed: int = 0) -> tuple[Array, Array]:
    """Points ``(count, d)`` of equally likely isotropic Gaussians with these means ``(k, d)``, and their labels."""
    rng, means = np.random.default_rng(seed), np.asarray(means, float)
    labels = rng.integers(0, len(means), count)
    return means[labels] + scale * rng.standard_normal((count, means.shape[1])), labels


def two_moons(count: int, noise: float = 0.1, seed: int = 0) -> tuple[Array, Array]:
    """Two interleaved half circles ``(count, 2)``, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    angle = math.pi * rng.random(count)
    upper = np.stack([np.cos(angle), np.sin(angle)], -1)
    lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], -1)
    points = np.where(labels[:, None] == 0, upper, lower)
    return points + noise * rng.standard_normal((count, 2)), labels
