"""Pooling on ``(batch, channels, …)``, with PyTorch's conventions for shapes."""

from __future__ import annotations

from typing import Any

from derivcheck.models.activations import activation
from derivcheck.models.errors import require_sizes
from derivcheck.models.functional import max, mean, pad, windows
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.layers.convolution import Pair, pair
from derivcheck.models.scalar import ScalarFunction
from derivcheck.models.tensor import Tensor, make

__all__ = ["AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"]

#: Activations that increase, so that the largest entry stays the largest.
_INCREASING = frozenset({"relu", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softplus", "log_sigmoid", "softsign"})

#: What a maximum is padded with: finite, for ``0 · ∞`` would be NaN, and never the largest.
_LOWEST = -1e30


def _increases(function: ScalarFunction) -> bool:
    # A function of one's own may have any name.
    return function.name in _INCREASING and function == activation(function.name)


class _Pool(Layer):
    """Something of every window along the axes behind the channels."""

    def __init__(self, size: tuple[int, ...], stride: tuple[int, ...] | None, padding: tuple[int, ...]) -> None:
        require_sizes(type(self).__name__, size=size, stride=size if stride is None else stride)
        require_sizes(type(self).__name__, 0, padding=padding)
        self.size, self.stride, self.padding = size, size if stride is None else stride, padding
        if any(2 * p > k for p, k in zip(padding, size, strict=True)):
            # A window of padding alone has neither a largest entry nor a mean.
            raise ValueError(f"padding {padding} is more than half of the window's size {size}")

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {}, rank=2 + len(self.size))
        return self.pooled(x)

    def pooled(self, x: Tensor) -> Tensor:
        """The value; the windows' own axes come first."""
        raise NotImplementedError

    def windows(self, x: Tensor, value: float) -> Tensor:
        """All windows of the padded tensor, the places inside them along the first axes."""
        padded = pad(x, [(0, 0), (0, 0), *((p, p) for p in self.padding)], value=value)
        axes = tuple(range(2, x.ndim))
        return windows(padded, axes, self.size, self.stride, (1,) * len(axes))

    @property
    def places(self) -> tuple[int, ...]:
        """Axes of the places inside a window."""
        return tuple(range(len(self.size)))


class _MaxPool(_Pool):
    def pooled(self, x: Tensor) -> Tensor:
        if x.primitive == "scalar" and _increases(x.attributes["function"]):
            # The largest entry of an increasing function: the function of the largest entry. There are fewer of those.
            return make("scalar", self._largest(x.inputs[0]), **x.attributes)
        return self._largest(x)

    def _largest(self, x: Tensor) -> Tensor:
        if x.primitive == "add" and x.inputs[0].shape == x.shape and set(x.inputs[1].shape[2:]) == {1}:
            return self._largest(x.inputs[0]) + x.inputs[1]  # a bias is the same in the whole window
        return max(self.windows(x, _LOWEST), self.places)


class _AvgPool(_Pool):
    def pooled(self, x: Tensor) -> Tensor:
        return mean(self.windows(x, 0.0), self.places)


class MaxPool2d(_MaxPool):
    """Largest entry of every window; equal ones share the derivative.

    Parameters
    ----------
    size : int or (int, int)
    stride : int or (int, int), optional
        By default the size.
    padding : int or (int, int)
        By entries that are never the largest; at most half of the size.
    """

    def __init__(self, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        super().__init__(pair(size), None if stride is None else pair(stride), pair(padding))


class AvgPool2d(_AvgPool):
    """Mean of every window, padding (zeros) included. See :class:`MaxPool2d`."""

    def __init__(self, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        super().__init__(pair(size), None if stride is None else pair(stride), pair(padding))


class MaxPool1d(_MaxPool):
    """Largest entry of every window of ``(batch, channels, length)``. See :class:`MaxPool2d`."""

    def __init__(self, size: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__((size,), None if stride is None else (stride,), (padding,))


class AvgPool1d(_AvgPool):
    """Mean of every window of ``(batch, channels, length)``, padding (zeros) included."""

    def __init__(self, size: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__((size,), None if stride is None else (stride,), (padding,))
