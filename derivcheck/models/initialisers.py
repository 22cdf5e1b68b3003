"""Random initial values of weights.

Every law below has mean zero and a stated variance; the names say which variance, after Glorot and Bengio
(2010), He et al. (2015), LeCun et al. (1998) and Saxe et al. (2014).

An initialiser draws arrays from a ``numpy.random.Generator`` or, given the *tensor* of a generator, draws
inside the compiled program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivcheck.models import functional as F
from derivcheck.models.errors import ModelError
from derivcheck.models.tensor import Shape, Tensor

__all__ = [
    "CentredLaw",
    "Constant",
    "He",
    "Initialiser",
    "LeCun",
    "Orthogonal",
    "Parameter",
    "Uniform",
    "Variance",
    "Xavier",
    "fans",
]


def fans(shape: Shape) -> tuple[int, int]:
    """Fan-in and fan-out of a weight ``(out, in, *kernel)``."""
    if len(shape) < 2:
        n = shape[0] if shape else 1
        return n, n
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


class Initialiser:
    """A law of initial values."""

    def draw(self, generator: Any, shape: Shape, lead: Shape = ()) -> Any:
        """Independent arrays of this shape; ``lead`` are leading axes (replicas) that do not count for the fans."""
        raise NotImplementedError


@dataclass(frozen=True)
class CentredLaw(Initialiser):
    """Independent entries of mean zero, ``"normal"`` or ``"uniform"``; subclasses state the variance."""

    law: str = "normal"

    def __post_init__(self) -> None:
        if self.law not in ("normal", "uniform"):
            raise ModelError(f"the law of initial values is 'normal' or 'uniform', not {self.law!r}")

    def variance(self, shape: Shape) -> float:
        """Variance of every entry of a weight of this shape."""
        raise NotImplementedError

    def draw(self, generator: Any, shape: Shape, lead: Shape = ()) -> Any:
        scale = math.sqrt(self.variance(shape))
        full = (*lead, *shape)
        if isinstance(generator, Tensor):
            if self.law == "normal":
                return F.normal(generator, full) * scale
            return (F.uniform(generator, full) - 0.5) * (scale * math.sqrt(12.0))
        if self.law == "normal":
            return generator.standard_normal(full) * scale
        limit = scale * math.sqrt(3.0)
        return generator.uniform(-limit, limit, full)


@dataclass(frozen=True)
class Variance(CentredLaw):
    """Entries of the given variance: ``Variance("normal", 0.01)``."""

    value: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.value < math.inf:
            raise ModelError(f"a variance is at least 0, not {self.value}")

    def variance(self, shape: Shape) -> float:
        return self.value


@dataclass(frozen=True)
class Xavier(CentredLaw):
    """Variance ``gain² · 2 / (fan_in + fan_out)``."""

    gain: float = 1.0

    def variance(self, shape: Shape) -> float:
        return self.gain**2 * 2.0 / sum(fans(shape))


@dataclass(frozen=True)
class He(CentredLaw):
    """Variance ``2 / fan_in``, which keeps the second moment through ReLU."""

    def variance(self, shape: Shape) -> float:
        return 2.0 / fans(shape)[0]


@dataclass(frozen=True)
class LeCun(CentredLaw):
    """Variance ``1 / fan_in``."""

    def variance(self, shape: Shape) -> float:
        return 1.0 / fans(shape)[0]


@dataclass(frozen=True)
class Uniform(CentredLaw):
    """Uniform on ``[-1/√fan, 1/√fan]``, the default of PyTorch's linear and convolution layers.

    ``fan`` 0 means the fan-in of the shape itself; a bias needs its weight's.
    """

    law: str = field(default="uniform", init=False)
    fan: int = 0

    def variance(self, shape: Shape) -> float:
        return 1.0 / (3.0 * (self.fan or fans(shape)[0]))


@dataclass(frozen=True)
class Orthogonal(Initialiser):
    """A uniformly random matrix with orthonormal rows or columns (whichever are fewer), times ``gain``."""

    gain: float = 1.0

    def draw(self, generator: Any, shape: Shape, lead: Shape = ()) -> Any:
        if isinstance(generator, Tensor):
            raise ModelError("orthogonal matrices are drawn before the program runs: pass a numpy Generator")
        rows, columns = shape[0], math.prod(shape[1:])
        a = generator.standard_normal((*lead, max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(a)
        q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]  # uniform (Haar) only with this sign
        if rows < columns:
            q = np.swapaxes(q, -1, -2)
        return self.gain * q.reshape(*lead, *shape)


@dataclass(frozen=True)
class Constant(Initialiser):
    """Every entry the same."""

    value: float = 0.0

    def draw(self, generator: Any, shape: Shape, lead: Shape = ()) -> Any:
        if isinstance(generator, Tensor):
            return F.broadcast_to(self.value, (*lead, *shape))
        return np.full((*lead, *shape), self.value)


@dataclass(frozen=True)
class Parameter:
    """A trainable array of a layer: its shape and its initial law."""

    shape: Shape
    initialiser: Initialiser

    def __post_init__(self) -> None:
        if not isinstance(self.initialiser, Initialiser):
            raise TypeError(f"an initialiser is an object such as He() or Xavier('uniform'), not {self.initialiser!r}")
