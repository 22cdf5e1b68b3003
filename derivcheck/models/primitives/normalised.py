"""Softmax and its logarithm, whose derivatives in terms of their values cost half of what their parts' would.

:mod:`~derivcheck.models.passes.lower` writes them out as exponentials and sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from derivcheck.models.functional import exp, log, max, sum
from derivcheck.models.tensor import PRIMITIVES, Array, Primitive, Tensor, make

__all__ = ["EXPANSIONS"]


def _softmax(x: Array, axis: int) -> Array:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return np.asarray(e / np.sum(e, axis=axis, keepdims=True))


def _log_softmax(x: Array, axis: int) -> Array:
    centred = x - np.max(x, axis=axis, keepdims=True)
    return np.asarray(centred - np.log(np.sum(np.exp(centred), axis=axis, keepdims=True)))


def _product_with_softmax(t: Tensor, y: Tensor, axis: int) -> Tensor:
    # The Jacobian diag(y) − y yᵀ is symmetric: both modes multiply by it.
    return y * (t - sum(y * t, axis, keepdims=True))


def _pulled_log_softmax(g: Tensor, y: Tensor, axis: int) -> Tensor:
    return g - exp(y) * sum(g, axis, keepdims=True)


def _pushed_log_softmax(t: Tensor, y: Tensor, axis: int) -> Tensor:
    return t - sum(exp(y) * t, axis, keepdims=True)


def _replicate(name: str, inputs: Sequence[Tensor], axis: int) -> Tensor:
    return make(name, inputs[0], axis=axis + 1)


PRIMITIVES["softmax"] = Primitive(
    name="softmax",
    infer=lambda x, axis: (x.shape, "float"),
    evaluate=_softmax,
    vjp=lambda g, y, x, axis: [_product_with_softmax(g, y, axis)],
    jvp=lambda t, y, x, axis: _product_with_softmax(t[0], y, axis),
    replicate=lambda inputs, flags, count, axis: _replicate("softmax", inputs, axis),
)

PRIMITIVES["log_softmax"] = Primitive(
    name="log_softmax",
    infer=lambda x, axis: (x.shape, "float"),
    evaluate=_log_softmax,
    vjp=lambda g, y, x, axis: [_pulled_log_softmax(g, y, axis)],
    jvp=lambda t, y, x, axis: _pushed_log_softmax(t[0], y, axis),
    replicate=lambda inputs, flags, count, axis: _replicate("log_softmax", inputs, axis),
)


def _expand_softmax(x: Tensor, axis: int) -> Tensor:
    e = exp(x - max(x, axis, keepdims=True))
    return e / sum(e, axis, keepdims=True)


def _expand_log_softmax(x: Tensor, axis: int) -> Tensor:
    centred = x - max(x, axis, keepdims=True)
    return centred - log(sum(exp(centred), axis, keepdims=True))


#: The same in elementwise primitives and reductions; nothing overflows.
EXPANSIONS: dict[str, Callable[..., Tensor]] = {"softmax": _expand_softmax, "log_softmax": _expand_log_softmax}
