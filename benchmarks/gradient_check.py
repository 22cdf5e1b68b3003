"""Gradient checks: derivcheck against torch.autograd.gradcheck (slow mode), in one run, on one thread.

Prints one JSON row per function: seconds of either check (best of several), the ratio, and the smallest relative
error, planted in one entry of the derivative, that either catches in every trial. The same functions, points and
entries serve both.

    python benchmarks/gradient_check.py
"""

# ruff: noqa: E402  (the number of threads is fixed before NumPy is loaded)

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from derivcheck.experiment import Outcome, check_jacobian, rng, smallest_caught

TRIALS = 12
ROUNDS = 7
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Case:
    """One function, written for NumPy rows and for a torch vector, with its Jacobian at a point."""

    name: str
    point: Array
    jacobian: Array
    numpy: Callable[[Array], Array]
    torch: Callable[[torch.Tensor], torch.Tensor]


def softmax_case(size: int = 100) -> Case:
    z = rng(0, "softmax", "point").standard_normal(size)

    def softmax(rows: Array) -> Array:
        e = np.exp(rows - rows.max(axis=1, keepdims=True))
        p: Array = e / e.sum(axis=1, keepdims=True)
        return p

    p = softmax(z[None])[0]
    return Case(f"softmax({size})", z, np.diag(p) - np.outer(p, p), softmax, lambda v: torch.softmax(v, dim=0))


def mlp_case() -> Case:
    """A 14-29-16-5 tanh network: 1,000 parameters, cross-entropy summed over 8 examples."""
    sizes, examples = (14, 29, 16, 5), 8
    draw = rng(0, "mlp", "point")
    inputs = draw.standard_normal((examples, sizes[0]))
    labels = draw.integers(sizes[-1], size=examples)
    bounds: list[tuple[int, int, int, int]] = []
    at = 0
    for fan_in, fan_out in pairwise(sizes):
        bounds.append((at, at + fan_in * fan_out, fan_in, fan_out))
        at += (fan_in + 1) * fan_out
    theta = draw.standard_normal(at) * 0.3

    def loss(rows: Array) -> Array:
        h = inputs
        for layer, (start, stop, fan_in, fan_out) in enumerate(bounds):
            weights = rows[:, start:stop].reshape(-1, fan_in, fan_out)
            h = np.matmul(h, weights) + rows[:, None, stop : stop + fan_out]
            if layer < len(bounds) - 1:
                np.tanh(h, out=h)
        top = h.max(axis=2)
        normaliser = np.log(np.exp(h - top[:, :, None]).sum(axis=2)) + top
        total: Array = (normaliser - h[:, np.arange(examples), labels]).sum(axis=1)
        return total

    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)

    def torch_loss(v: torch.Tensor) -> torch.Tensor:
        h = x
        for layer, (start, stop, fan_in, fan_out) in enumerate(bounds):
            h = h @ v[start:stop].reshape(fan_in, fan_out) + v[stop : stop + fan_out]
            if layer < len(bounds) - 1:
                h = torch.tanh(h)
        return torch.nn.functional.cross_entropy(h, y, reduction="sum")

    v = torch.from_numpy(theta).requires_grad_()
    (gradient,) = torch.autograd.grad(torch_loss(v), v)
    return Case(f"MLP, {at} parameters", theta, gradient.numpy()[None], loss, torch_loss)


class _Planted(torch.autograd.Function):
    """A function whose backward pass uses a given Jacobian, so that errors can be planted in it."""

    @staticmethod
    def forward(ctx: Any, v: torch.Tensor, case: Case, jacobian: torch.Tensor) -> torch.Tensor:
        ctx.jacobian = jacobian
        with torch.no_grad():
            return case.torch(v)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return grads[0].reshape(-1) @ ctx.jacobian, None, None


def torch_check(case: Case, jacobian: Array | None) -> bool:
    """Run gradcheck in its slow mode, on autograd's own derivative or on a planted one."""
    v = torch.from_numpy(case.point.copy()).requires_grad_()
    if jacobian is None:
        return bool(torch.autograd.gradcheck(case.torch, (v,), fast_mode=False))
    planted = torch.from_numpy(jacobian)
    return bool(
        torch.autograd.gradcheck(
            lambda u: _Planted.apply(u, case, planted),  # type: ignore[no-untyped-call]
            (v,),
            fast_mode=False,
            raise_exception=False,
        )
    )


def best_seconds(run: Callable[[], object]) -> float:
    run()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def smallest(case: Case, check: Callable[[Array], Outcome], entries: Sequence[tuple[int, int]]) -> float | None:
    """Return the smallest error that is caught in each of the entries, an error being relative to the entry."""

    def outcome(error: float) -> Outcome:
        for i, j in entries:
            jacobian = case.jacobian.copy()
            jacobian[i, j] *= 1.0 + error
            found = check(jacobian)
            if error and found is not Outcome.REFUTES:
                return found
        return found

    return smallest_caught(outcome).smallest


def main() -> None:
    torch.set_num_threads(1)
    for case in (softmax_case(), mlp_case()):
        m, d = case.jacobian.shape
        pick = rng(0, case.name, "entries")
        entries = [(int(pick.integers(m)), int(pick.integers(d))) for _ in range(TRIALS)]

        def ours(jacobian: Array, case: Case = case) -> Outcome:
            return check_jacobian(case.numpy, case.point, jacobian).result.outcome

        def theirs(jacobian: Array, case: Case = case) -> Outcome:
            return Outcome.CONFIRMS if torch_check(case, jacobian) else Outcome.REFUTES

        assert ours(case.jacobian) is Outcome.CONFIRMS
        mine = best_seconds(lambda: ours(case.jacobian))  # noqa: B023  (called at once)
        peer = best_seconds(lambda: torch_check(case, None))  # noqa: B023
        print(
            json.dumps(
                {
                    "benchmark": "gradient_check",
                    "function": case.name,
                    "derivcheck_seconds": round(mine, 6),
                    "gradcheck_slow_seconds": round(peer, 6),
                    "times_faster": round(peer / mine, 1),
                    "derivcheck_smallest_error_caught": smallest(case, ours, entries),
                    "gradcheck_smallest_error_caught": smallest(case, theirs, entries),
                    "trials": TRIALS,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
