"""Normalisation over the batch or over the features."""

from __future__ import annotations

from typing import Any

import numpy as np

from derivcheck.models.errors import require_sizes
from derivcheck.models.functional import mean, reshape, sqrt, square
from derivcheck.models.initialisers import Constant, Parameter
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.tensor import Shape, Tensor

__all__ = ["BatchNorm", "LayerNorm"]


class BatchNorm(Layer):
    """Normalisation of each feature (axis 1) over the batch and all further axes (Ioffe and Szegedy, 2015).

    While training, the batch's mean and (biased) variance normalise, and the running statistics move towards the
    batch's mean and *unbiased* variance: ``running ← (1 − a) running + a batch``. Otherwise the running
    statistics normalise.

    Parameters
    ----------
    features : int
    step_size : float
        ``α``.
    averaging : {"exponential", "bonus", "cumulative"}
        The step ``a`` at update ``t = 1, 2, …``: ``α``; ``α / (1 − (1 − α)ᵗ)``, which removes the weight of
        the initial value; ``1 / t``, the plain average.
    epsilon : float
        Added to the variance.
    affine : bool
        Whether a trainable scale and shift follow.
    """

    def __init__(
        self,
        features: int,
        step_size: float = 0.1,
        averaging: str = "exponential",
        epsilon: float = 1e-5,
        affine: bool = True,
    ) -> None:
        if averaging not in ("exponential", "bonus", "cumulative"):
            raise ValueError(f"averaging is 'exponential', 'bonus' or 'cumulative', not {averaging!r}")
        require_sizes("BatchNorm", features=features)
        if not 0.0 < step_size <= 1.0:
            raise ValueError(f"BatchNorm: the step size lies in (0, 1], not {step_size}")
        self.features, self.step_size, self.averaging = features, step_size, averaging
        self.epsilon, self.affine = epsilon, affine

    def parameters(self) -> dict[str, Any]:
        if not self.affine:
            return {}
        shape = (self.features,)
        return {"weight": Parameter(shape, Constant(value=1.0)), "bias": Parameter(shape, Constant())}

    def states(self) -> dict[str, Any]:
        n = self.features
        return {"mean": np.zeros(n), "variance": np.ones(n), "count": np.zeros(())}

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {1: self.features})
        axes = (0, *range(2, x.ndim))
        along = (1, self.features) + (1,) * (x.ndim - 2)
        state = run.read()
        if run.training:
            centre = mean(x, axes, keepdims=True)
            deviation = x - centre
            spread = mean(square(deviation), axes, keepdims=True)
            count = x.size // self.features
            step = self._step(state["count"] + 1.0)
            unbiased = spread * (count / max(count - 1, 1))
            run.write(
                mean=state["mean"] + step * (reshape(centre, (self.features,)) - state["mean"]),
                variance=state["variance"] + step * (reshape(unbiased, (self.features,)) - state["variance"]),
                count=state["count"] + 1.0,
            )
        else:
            deviation = x - reshape(state["mean"], along)
            spread = reshape(state["variance"], along)
        y = deviation / sqrt(spread + self.epsilon)
        if not self.affine:
            return y
        return y * reshape(p["weight"], along) + reshape(p["bias"], along)

    def _step(self, t: Tensor) -> Any:
        if self.averaging == "exponential":
            return self.step_size
        if self.averaging == "cumulative":
            return 1.0 / t
        from derivcheck.models.functional import exp

        return self.step_size / (1.0 - exp(t * float(np.log1p(-self.step_size))))


class LayerNorm(Layer):
    """Normalisation of each example over its last axes (Ba et al., 2016)."""

    def __init__(self, shape: int | Shape, epsilon: float = 1e-5, affine: bool = True) -> None:
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        require_sizes("LayerNorm", shape=self.shape)
        self.epsilon, self.affine = epsilon, affine

    def parameters(self) -> dict[str, Any]:
        if not self.affine:
            return {}
        return {
            "weight": Parameter(self.shape, Constant(value=1.0)),
            "bias": Parameter(self.shape, Constant()),
        }

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        k = len(self.shape)
        self.require(run, x, {i - k: n for i, n in enumerate(self.shape)})
        axes = tuple(range(x.ndim - k, x.ndim))
        deviation = x - mean(x, axes, keepdims=True)
        y = deviation / sqrt(mean(square(deviation), axes, keepdims=True) + self.epsilon)
        return y * p["weight"] + p["bias"] if self.affine else y
