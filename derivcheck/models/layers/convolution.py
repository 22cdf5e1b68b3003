"""Convolutions on ``(batch, channels, …)``, with PyTorch's conventions for shapes and weights.

A convolution is drawn with the batch innermost and half an im2col: only the windows along the last axis are
copied, giving rows ``(H, C·kw, W'·B)``; windows along the height are overlapping views of whole rows, so that
one batch of products ``(O, kh·C·kw) @ (kh·C·kw, W'·B)`` does the work without a second copy.
"""

from __future__ import annotations

from typing import Any

from derivcheck.models.differentiate import gradients
from derivcheck.models.errors import ShapeError, require_sizes
from derivcheck.models.functional import expand_dims, matmul, pad, reshape, transpose, windows
from derivcheck.models.initialisers import Constant, Initialiser, Parameter, Uniform
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.tensor import Tensor, variable

__all__ = ["Conv1d", "Conv2d", "ConvTranspose2d", "Pair", "conv2d", "pair"]

Pair = int | tuple[int, int]


def pair(value: Pair) -> tuple[int, int]:
    """The same number twice, or a pair as it is."""
    return value if isinstance(value, tuple) else (value, value)


def conv2d(x: Tensor, weight: Tensor, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) -> Tensor:
    """Cross-correlation of ``x (B, C, H, W)`` with ``weight (O, C, kh, kw)``: ``(B, O, H', W')``."""
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    outputs, channels, kh, kw = weight.shape
    x = pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    least = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    if x.shape[2] < least[0] or x.shape[3] < least[1]:
        raise ShapeError("the image", f"at least {least[0]} × {least[1]} with its padding", x.shape)
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


class _Convolution(Layer):
    """Kernel and bias of a convolution: ``weight (outputs, inputs, *size)``, or inputs first if transposed."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: tuple[int, ...],
        bias: bool,
        weight_initialiser: Initialiser | None,
        transposed: bool = False,
    ) -> None:
        require_sizes(type(self).__name__, inputs=inputs, outputs=outputs, size=size)
        self.inputs, self.outputs, self.size, self.bias = inputs, outputs, size, bias
        self.weight_initialiser = weight_initialiser or Uniform()
        self.channels = (inputs, outputs) if transposed else (outputs, inputs)

    def parameters(self) -> dict[str, Any]:
        out = {"weight": Parameter((*self.channels, *self.size), self.weight_initialiser)}
        if self.bias:
            out["bias"] = Parameter((self.outputs,), Constant())
        return out

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        rank = 2 + len(self.size)
        self.require(run, x, {1: self.inputs}, rank=rank)
        y = self.convolved(p["weight"], x)
        return y + reshape(p["bias"], (1, self.outputs) + (1,) * (rank - 2)) if self.bias else y

    def convolved(self, weight: Tensor, x: Tensor) -> Tensor:
        """The convolution without its bias."""
        raise NotImplementedError


class Conv2d(_Convolution):
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
        super().__init__(inputs, outputs, pair(size), bias, weight_initialiser)
        require_sizes("Conv2d", stride=stride, dilation=dilation)
        require_sizes("Conv2d", 0, padding=padding)
        self.stride, self.padding, self.dilation = stride, padding, dilation

    def convolved(self, weight: Tensor, x: Tensor) -> Tensor:
        return conv2d(x, weight, self.stride, self.padding, self.dilation)


class Conv1d(_Convolution):
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
        super().__init__(inputs, outputs, (size,), bias, weight_initialiser)
        require_sizes("Conv1d", stride=stride, dilation=dilation)
        require_sizes("Conv1d", 0, padding=padding)
        self.stride, self.padding, self.dilation = stride, padding, dilation

    def convolved(self, weight: Tensor, x: Tensor) -> Tensor:
        image, kernel = expand_dims(x, 2), expand_dims(weight, 2)
        y = conv2d(image, kernel, (1, self.stride), (0, self.padding), (1, self.dilation))
        return reshape(y, (y.shape[0], y.shape[1], y.shape[3]))


class ConvTranspose2d(_Convolution):
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
        super().__init__(inputs, outputs, pair(size), bias, weight_initialiser, transposed=True)
        require_sizes("ConvTranspose2d", stride=stride, dilation=dilation)
        require_sizes("ConvTranspose2d", 0, padding=padding, output_padding=output_padding)
        self.stride, self.padding, self.dilation = pair(stride), pair(padding), pair(dilation)
        self.output_padding = pair(output_padding)

    def convolved(self, weight: Tensor, x: Tensor) -> Tensor:
        sizes = zip(x.shape[2:], self.stride, self.padding, self.dilation, self.size, self.output_padding, strict=True)
        image = tuple((n - 1) * s - 2 * q + d * (k - 1) + extra + 1 for n, s, q, d, k, extra in sizes)
        if min(image) < 1:
            raise ShapeError("the result", "at least one row and column", image)
        source = variable((x.shape[0], self.outputs, *image))
        image_of = conv2d(source, weight, self.stride, self.padding, self.dilation)
        # An output padding of a stride or more makes room for windows that no input belongs to.
        x = pad(x, [(0, n - k) for n, k in zip(image_of.shape, x.shape, strict=True)])
        # The convolution is linear in its input, so the transpose does not depend on ``source``.
        (y,) = gradients([image_of], [x], [source])
        return y
