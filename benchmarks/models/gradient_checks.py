"""Gradient checks against ``torch.autograd.gradcheck`` in its slow mode, float64.

Both check every entry; ours also catches a relative error of 1e-5 in one of them, which gradcheck's default tolerances
let pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import derivcheck.models as m

__all__ = ["CHECKS", "gradient_check"]

F = m.functional


def _softmax() -> tuple[Any, Any, Any, Any]:
    def torch_function() -> Any:
        import torch

        return lambda z: torch.softmax(z, 0)

    z = np.random.default_rng(0).standard_normal(100)
    return (lambda z: F.softmax(z)), z, torch_function, lambda z: [z]


def _mlp() -> tuple[Any, Any, Any, Any]:
    # 784 + 16 + 192 + 12 = 1,004 parameters
    net = m.Sequential(m.Linear(49, 16), m.Tanh(), m.Linear(16, 12))
    x = np.random.default_rng(1).standard_normal((8, 49))
    y = np.random.default_rng(2).integers(0, 12, 8)

    def torch_function() -> Any:
        import torch

        a, b = torch.tensor(x), torch.tensor(y)

        def loss(w0: Any, b0: Any, w1: Any, b1: Any) -> Any:
            return torch.nn.functional.cross_entropy(torch.tanh(a @ w0.T + b0) @ w1.T + b1, b)

        return loss

    return (lambda p: m.cross_entropy(net(p, x), m.constant(y))), net.init(0), torch_function, lambda p: m.flatten(p)[0]


def _lstm() -> tuple[Any, Any, Any, Any]:
    cell = m.LSTM(8, 16)
    x = np.random.default_rng(3).standard_normal((4, 1, 8))
    h, c = np.random.default_rng(4).standard_normal((2, 4, 16))

    def ours(p: Any) -> Any:
        z = x[:, 0] @ p["weight_ih"].T + p["bias_ih"] + h @ p["weight_hh"].T + p["bias_hh"]
        i, f, g, o = (z[:, 16 * k : 16 * (k + 1)] for k in range(4))
        new = m.sigmoid(f) * c + m.sigmoid(i) * F.tanh(g)
        return F.sum(m.sigmoid(o) * F.tanh(new))

    def torch_function() -> Any:
        import torch

        a, b, d = torch.tensor(x[:, 0]), torch.tensor(h), torch.tensor(c)

        def value(w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
            i, f, g, o = (a @ w_ih.T + b_ih + b @ w_hh.T + b_hh).chunk(4, 1)
            new = torch.sigmoid(f) * d + torch.sigmoid(i) * torch.tanh(g)
            return (torch.sigmoid(o) * torch.tanh(new)).sum()

        return value

    return ours, cell.init(0), torch_function, lambda p: m.flatten(p)[0]


CHECKS = {"softmax(100)": _softmax, "MLP of 1,004 parameters": _mlp, "LSTM cell, hidden 16": _lstm}


def gradient_check(name: str, peers: bool) -> dict[str, Callable[[], object]]:
    """A full check by each contender; ours is compiled before the clock starts, as a test suite would have it."""
    function, point, torch_function, split = CHECKS[name]()
    check = m.gradient_checker(function)
    assert check(point).ok
    out: dict[str, Callable[[], object]] = {"numpy": lambda: check(point)}
    if peers:
        import torch

        value = torch_function()
        tensors = [torch.tensor(v, requires_grad=True) for v in split(point)]
        out["torch"] = lambda: torch.autograd.gradcheck(value, tensors)
    return out
