"""Coupling layers of normalising flows: invertible maps whose Jacobian's determinant is known.

A flow maps ``x (batch, size)`` to the pair ``(y, log |det ∂y/∂x|)``, the latter of shape (batch,);
``inverse`` goes back.
"""

from __future__ import annotations

from typing import Any

from derivcheck.models.functional import cast, concatenate, exp, sum, zeros
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.layers.container import Composite
from derivcheck.models.tensor import Tensor, as_tensor

__all__ = ["AdditiveCoupling", "AffineCoupling", "Flow"]


class _Coupling(Composite):
    def __init__(self, size: int, flipped: bool, **children: Layer) -> None:
        super().__init__(**children)
        if size < 2:
            raise ValueError(f"a coupling splits its input into two parts: a size of at least 2, not {size}")
        self.size, self.flipped = size, flipped

    def inverse(self, p: Any, y: Any, run: Run | None = None) -> Tensor:
        """The point that is mapped to ``y``."""
        run, given = Run() if run is None else run, cast(y)
        self.require(run, given, {1: self.size}, rank=2)
        fixed, moved = self._split(given)
        return self._join(fixed, self._undone(p, fixed, moved, run))

    def _undone(self, p: Any, fixed: Tensor, moved: Tensor, run: Run) -> Tensor:
        raise NotImplementedError

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        half = self.size // 2
        first, second = x[:, :half], x[:, half:]
        return (second, first) if self.flipped else (first, second)

    def _join(self, fixed: Tensor, moved: Tensor) -> Tensor:
        return concatenate([moved, fixed] if self.flipped else [fixed, moved], 1)


class AdditiveCoupling(_Coupling):
    """NICE (Dinh et al., 2015): ``y₁ = x₁``, ``y₂ = x₂ + m(x₁)``, volume preserving.

    Parameters
    ----------
    size : int
    shift : Layer
        ``m``, from the part that stays (its first ``size // 2`` entries, or the others if ``flipped``) to the other.
    flipped : bool
    """

    def __init__(self, size: int, shift: Layer, flipped: bool = False) -> None:
        super().__init__(size, flipped, shift=shift)

    def forward(self, p: Any, x: Tensor, run: Run) -> tuple[Tensor, Tensor]:
        self.require(run, x, {1: self.size}, rank=2)
        fixed, moved = self._split(x)
        return self._join(fixed, moved + self.child("shift", p, fixed, run)), zeros((x.shape[0],))

    def _undone(self, p: Any, fixed: Tensor, moved: Tensor, run: Run) -> Tensor:
        out: Tensor = moved - self.child("shift", p, fixed, run)
        return out


class AffineCoupling(_Coupling):
    """Real-NVP (Dinh et al., 2017): ``y₂ = x₂ exp s(x₁) + t(x₁)`` with log-determinant ``Σ s``."""

    def __init__(self, size: int, scale: Layer, shift: Layer, flipped: bool = False) -> None:
        super().__init__(size, flipped, scale=scale, shift=shift)

    def forward(self, p: Any, x: Tensor, run: Run) -> tuple[Tensor, Tensor]:
        self.require(run, x, {1: self.size}, rank=2)
        fixed, moved = self._split(x)
        s = self.child("scale", p, fixed, run)
        return self._join(fixed, moved * exp(s) + self.child("shift", p, fixed, run)), sum(s, 1)

    def _undone(self, p: Any, fixed: Tensor, moved: Tensor, run: Run) -> Tensor:
        s = self.child("scale", p, fixed, run)
        out: Tensor = (moved - self.child("shift", p, fixed, run)) * exp(-s)
        return out


class Flow(Composite):
    """Couplings one after the other; log-determinants add up."""

    def __init__(self, *couplings: AdditiveCoupling | AffineCoupling) -> None:
        super().__init__(**{str(i): c for i, c in enumerate(couplings)})
        self.couplings = couplings

    def forward(self, p: Any, x: Tensor, run: Run) -> tuple[Tensor, Tensor]:
        total: Any = 0.0
        for name in self.children:
            x, part = self.child(name, p, x, run)
            total = total + part
        return x, total

    def inverse(self, p: Any, y: Any, run: Run | None = None) -> Tensor:
        """The point that is mapped to ``y``."""
        run = Run() if run is None else run
        x = as_tensor(y)
        for name, coupling in reversed(list(zip(self.children, self.couplings, strict=True))):
            with run.inside(name):
                x = coupling.inverse(p.get(name, {}), x, run)
        return x
