"""Losses, likelihoods and divergences: functions of predictions and targets, differentiated with respect to both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from twin_cases import Case, Family, Function

import derivcheck.models as m

__all__ = ["LOSSES"]

#: What a target (or the second argument) is, for ``n`` examples of ``k`` entries.
TARGETS: dict[str, Callable[[np.random.Generator, int, int], Any]] = {
    "labels": lambda rng, n, k: rng.integers(0, k, n),
    "probabilities": lambda rng, n, k: rng.dirichlet(np.ones(k), n),
    "numbers": lambda rng, n, k: rng.standard_normal((n, k)),
    "bits": lambda rng, n, k: rng.integers(0, 2, (n, k)).astype(float),
    "signs": lambda rng, n, k: rng.choice([-1.0, 1.0], (n, k)),
}


def _of_scores(
    target: str, ours: Callable[..., Any], theirs: Callable[..., Any], reduced: bool = False
) -> Callable[[np.random.Generator], Case]:
    """``ours(z, y)`` beside ``theirs(torch, z, y)``; a loss that is ``reduced`` takes the reduction as a third."""

    def draw(rng: np.random.Generator) -> Case:
        n, k = (int(i) for i in rng.integers(1, 6, 2))
        given = TARGETS[target](rng, n, k)
        last = (str(rng.choice(["mean", "sum", "none"])),) if reduced else ()

        def call(module: Any, x: Any) -> Any:
            import torch

            return theirs(torch, *x, *last)

        x = [3.0 * rng.standard_normal((n, k)), given]
        return Case(Function(lambda x: ours(*x, *last)), x, lambda t: (t.nn.Identity(), call, {}))

    return draw


def _normal(t: Any, mean: Any, log_variance: Any) -> Any:
    return t.distributions.Normal(mean, t.exp(0.5 * log_variance))


def _gaussians(
    count: int, ours: Callable[..., Any], theirs: Callable[..., Any]
) -> Callable[[np.random.Generator], Case]:
    """A function of so many arrays of numbers: points, means, logarithms of variances."""

    def draw(rng: np.random.Generator) -> Case:
        shape = tuple(int(i) for i in rng.integers(1, 6, int(rng.integers(1, 4))))

        def call(module: Any, x: Any) -> Any:
            import torch

            return theirs(torch, *x)

        x = [rng.standard_normal(shape) for _ in range(count)]
        return Case(Function(lambda x: ours(*x)), x, lambda t: (t.nn.Identity(), call, {}))

    return draw


def _hinge(t: Any, z: Any, y: Any, reduction: str) -> Any:
    return t.nn.functional.hinge_embedding_loss(z * y, -t.ones_like(z), reduction=reduction)


def _kl(t: Any, z: Any, q: Any) -> Any:
    return t.nn.functional.kl_div(t.log(q), t.log_softmax(z, 1), log_target=True, reduction="none").sum(1)


def _same(name: str) -> Callable[..., Any]:
    """PyTorch's function of this name."""
    return lambda t, z, y, reduction: getattr(t.nn.functional, name)(z, y, reduction=reduction)


LOSSES: dict[str, Family] = {
    "softmax_along_the_first_axis": _of_scores(
        "numbers", lambda z, y: m.softmax(z, 0) * y, lambda t, z, y: t.softmax(z, 0) * y
    ),
    "log_softmax": _of_scores("numbers", lambda z, y: m.log_softmax(z) * y, lambda t, z, y: t.log_softmax(z, 1) * y),
    "squared_error": _of_scores("numbers", m.squared_error, _same("mse_loss"), True),
    "cross_entropy": _of_scores("labels", m.cross_entropy, _same("cross_entropy"), True),
    "cross_entropy_of_probabilities": _of_scores(
        "probabilities",
        lambda z, y: m.cross_entropy(z, y, "none"),
        lambda t, z, y: t.nn.functional.cross_entropy(z, y, reduction="none"),
    ),
    "binary_cross_entropy": _of_scores(
        "bits", m.binary_cross_entropy, _same("binary_cross_entropy_with_logits"), True
    ),
    "hinge": _of_scores("signs", m.hinge, _hinge, True),
    "bernoulli_log_likelihood": _of_scores(
        "bits",
        lambda z, y: m.bernoulli_log_likelihood(y, z),
        lambda t, z, y: t.distributions.Bernoulli(logits=z, validate_args=False).log_prob(y).sum(1),
    ),
    "gaussian_log_likelihood": _gaussians(
        3, m.gaussian_log_likelihood, lambda t, x, mean, s: _normal(t, mean, s).log_prob(x).sum(-1)
    ),
    "gaussian_kl": _gaussians(
        4,
        m.gaussian_kl,
        lambda t, a, s, b, s0: t.distributions.kl_divergence(_normal(t, a, s), _normal(t, b, s0)).sum(-1),
    ),
    "gaussian_kl_to_the_standard_normal": _gaussians(
        2,
        m.gaussian_kl,
        lambda t, a, s: t.distributions.kl_divergence(_normal(t, a, s), _normal(t, t.zeros_like(a), t.zeros_like(a)))
        .sum(-1),
    ),
    "kl_divergence": _of_scores("probabilities", lambda z, q: m.kl_divergence(m.softmax(z), q), _kl),
}  # fmt: skip
