"""Convolutions and pooling on ``(batch, channels, …)``, with PyTorch's conventions for shapes and weights.

A convolution is drawn with the batch innermost and half an im2col: only the windows along the last axis are
copied, giving rows ``(H, C·kw, W'·B)``; windows along the height are overlapping views of whole rows, so that
one batch of products ``(O, kh·C·kw) @ (kh·C·kw, W'·B)`` does the work without a second copy.
"""

from __future__ import annotations

from typing import Any

from derivcheck.models.differentiate import gradients
from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import matmul, max, mean, pad, reshape, transpose, windows
from derivcheck.models.initialisers import Constant, Initialiser, Parameter, Uniform
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.tensor import Tensor, make, variable

__all__ = ["AvgPool2d", "Conv1d", "Conv2d", "ConvTranspose2d", "MaxPool2d", "conv2d"]

Pair = int | tuple[int, int]


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def conv2d(x: Tensor, weight: Tensor, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) -> Tensor:
    """Cross-correlation of ``x (B, C, H, W)`` with ``weight (O, C, kh, kw)``: ``(B, O, H', W')``."""
    (sh, sw), (ph, pw), (dh, dw) = _pair(stride), _pair(padding), _pair(dilation)
    outputs, channels, kh, kw = weight.shape
    x = pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    batch = x.shape[0]
    rows = transpose(x, (2, 1, 3, 0))  # (H, C, W, B)
    rows = windows(rows, (2,), (kw,), (sw,), (dw,))  # (kw, H, C, W', B)
    width = rows.shape[3]
    rows = reshape(transpose(rows, (1, 2, 0, 3, 4)), (rows.shape[1], channels * kw, width * batch))
    patches = windows(rows, (0,), (kh,), (sh,), (dh,))  # (kh, H', C·kw, W'·B)
    height = patches.shape[1]
    patches = reshape(transpose(patches, (1, 0, 2, 3)), (height, kh * channels * kw, width * batch))
    kernel = reshape(transpose(weight, (0, 2, 1, 3)), (1, outputs, kh * channels * kw))
    out = reshape(matmul(kernel, patches), (height, outputs, width, batch))
    return transpose(out, (3, 1, 0, 2))


class Conv2d(Layer):
    """Two-dimensional convolution (cross-correlation) with bias; weight ``(outputs, inputs, kh, kw)``.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    size, stride, padding, dilation : int or (int, int)
    bias : bool
    weight_initialiser : Initialiser, optional
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        bias: bool = True,
        weight_initialiser: Initialiser | None = None,
    ) -> None:
        self.inputs, self.outputs, self.size = inputs, outputs, _pair(size)
        self.stride, self.padding, self.dilation, self.bias = stride, padding, dilation, bias
        self.weight_initialiser = weight_initialiser or Uniform()

    def parameters(self) -> dict[str, Any]:
        out = {"weight": Parameter((self.outputs, self.inputs, *self.size), self.weight_initialiser)}
        if self.bias:
            out["bias"] = Parameter((self.outputs,), Constant())
        return out

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {1: self.inputs}, rank=4)
        y = conv2d(x, p["weight"], self.stride, self.padding, self.dilation)
        return y + reshape(p["bias"], (1, self.outputs, 1, 1)) if self.bias else y


class Conv1d(Layer):
    """One-dimensional convolution; weight ``(outputs, inputs, k)``. See :class:`Conv2d`."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        bias: bool = True,
        weight_initialiser: Initialiser | None = None,
    ) -> None:
        self.inputs, self.outputs, self.size = inputs, outputs, size
        self.stride, self.padding, self.dilation, self.bias = stride, padding, dilation, bias
        self.weight_initialiser = weight_initialiser or Uniform()

    def parameters(self) -> dict[str, Any]:
        out = {"weight": Parameter((self.outputs, self.inputs, self.size), self.weight_initialiser)}
        if self.bias:
            out["bias"] = Parameter((self.outputs,), Constant())
        return out

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {1: self.inputs}, rank=3)
        image = reshape(x, (x.shape[0], x.shape[1], 1, x.shape[2]))
        kernel = reshape(p["weight"], (self.outputs, self.inputs, 1, self.size))
        y = conv2d(image, kernel, (1, self.stride), (0, self.padding), (1, self.dilation))
        y = reshape(y, (y.shape[0], y.shape[1], y.shape[3]))
        return y + reshape(p["bias"], (1, self.outputs, 1)) if self.bias else y


class ConvTranspose2d(Layer):
    """The transpose of a convolution, drawn as such; weight ``(inputs, outputs, kh, kw)``.

    The result has ``(H − 1) stride − 2 padding + dilation (k − 1) + output_padding + 1`` rows.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        output_padding: Pair = 0,
        dilation: Pair = 1,
        bias: bool = True,
        weight_initialiser: Initialiser | None = None,
    ) -> None:
        self.inputs, self.outputs, self.size = inputs, outputs, _pair(size)
        self.stride, self.padding, self.dilation = _pair(stride), _pair(padding), _pair(dilation)
        self.output_padding, self.bias = _pair(output_padding), bias
        self.weight_initialiser = weight_initialiser or Uniform()

    def parameters(self) -> dict[str, Any]:
        out = {"weight": Parameter((self.inputs, self.outputs, *self.size), self.weight_initialiser)}
        if self.bias:
            out["bias"] = Parameter((self.outputs,), Constant())
        return out

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {1: self.inputs}, rank=4)
        sizes = zip(x.shape[2:], self.stride, self.padding, self.dilation, self.size, self.output_padding, strict=True)
        image = tuple((n - 1) * s - 2 * q + d * (k - 1) + extra + 1 for n, s, q, d, k, extra in sizes)
        if min(image) < 1:
            raise ShapeError("the result", "at least one row and column", image)
        source = variable((x.shape[0], self.outputs, *image))
        image_of = conv2d(source, p["weight"], self.stride, self.padding, self.dilation)
        # An output padding of a stride or more makes room for windows that no input belongs to.
        x = pad(x, [(0, n - k) for n, k in zip(image_of.shape, x.shape, strict=True)])
        # The convolution is linear in its input, so the transpose does not depend on ``source``.
        (y,) = gradients([image_of], [x], [source])
        return y + reshape(p["bias"], (1, self.outputs, 1, 1)) if self.bias else y


#: Activations that increase, so that the largest entry stays the largest.
_INCREASING = frozenset({"relu", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softplus", "log_sigmoid", "softsign"})


class MaxPool2d(Layer):
    """Largest entry of every window; equal ones share the derivative.

    Parameters
    ----------
    size : int or (int, int)
    stride : int or (int, int), optional
        By default the size.
    padding : int or (int, int)
        By entries that are never the largest.
    """

    def __init__(self, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.size = _pair(size)
        self.stride = self.size if stride is None else _pair(stride)
        self.padding = _pair(padding)

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {}, rank=4)
        if x.primitive == "scalar" and x.attributes["function"].name in _INCREASING:
            # The largest entry of an increasing function: the function of the largest entry. There are fewer of those.
            return make("scalar", self._pooled(x.inputs[0]), **x.attributes)
        return self._pooled(x)

    def _pooled(self, x: Tensor) -> Tensor:
        if x.primitive == "add" and x.inputs[0].shape == x.shape and x.inputs[1].shape[2:] == (1, 1):
            return self._pooled(x.inputs[0]) + x.inputs[1]  # a bias is the same in the whole window
        (a, b) = self.padding
        padded = pad(x, ((0, 0), (0, 0), (a, a), (b, b)), value=-1e30)
        return max(windows(padded, (2, 3), self.size, self.stride, (1, 1)), (0, 1))


class AvgPool2d(Layer):
    """Mean of every window."""

    def __init__(self, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.size = _pair(size)
        self.stride = self.size if stride is None else _pair(stride)
        self.padding = _pair(padding)

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        self.require(run, x, {}, rank=4)
        (a, b) = self.padding
        padded = pad(x, ((0, 0), (0, 0), (a, a), (b, b)))
        return mean(windows(padded, (2, 3), self.size, self.stride, (1, 1)), (0, 1))
