"""Gradient checks, all perturbations in one batch.

A derivative is compared, entry by entry, with a numerical one: the complex step ``Im f(x + i h)/h``, whose error is
rounding only, wherever every primitive of the graph takes complex numbers; else a central difference of fourth
order. The function runs once, over a replica axis of perturbed arguments.

>>> import numpy as np
>>> from derivcheck.models import functional as F
>>> check = gradient_checker(lambda x: F.sum(F.exp(x) * x))
>>> check(np.array([0.5, 1.0])).ok
True
>>> check(np.array([0.5, 1.0]), derivative=(np.array([2.47308, 5.43657]),)).ok
False
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivcheck.models.compiler import Compiled, trace
from derivcheck.models.compiler import compile as compile_function
from derivcheck.models.differentiate import gradients
from derivcheck.models.functional import broadcast_to, reshape
from derivcheck.models.replicate import replicated
from derivcheck.models.tensor import Array, Tensor, as_tensor, constant, make
from derivcheck.models.tree import Structure, flatten, paths, unflatten

__all__ = ["GradientCheck", "gradient_checker", "numerical_derivative"]

#: Relative to the entry, the smallest error that counts; and relative to the largest entry (rounding floor).
TOLERANCES = {"complex step": (1e-9, 1e-14), "central difference": (1e-6, 1e-10)}


@dataclass(frozen=True)
class GradientCheck:
    """Outcome of a gradient check.

    Attributes
    ----------
    ok : bool
    worst : float
        Largest relative error, ``|given − numerical| / |numerical|``, among entries above the rounding floor.
    entry : str
        Where it is: path of the argument and index.
    given, numerical : float
        Values there.
    method : str
        ``"complex step"`` or ``"central difference"``.
    tolerance : float
        Relative error from which a check fails.
    """

    ok: bool
    worst: float
    entry: str
    given: float
    numerical: float
    method: str
    tolerance: float


class _Flat:
    """A function of trees as a function of one vector."""

    def __init__(self, function: Callable[..., Any], structure: Structure, shapes: list[tuple[int, ...]]) -> None:
        self.function, self.structure, self.shapes = function, structure, shapes

    def __call__(self, z: Tensor) -> Tensor:
        leaves, at = [], 0
        for shape in self.shapes:
            size = math.prod(shape)
            leaves.append(reshape(z[at : at + size], shape))
            at += size
        return as_tensor(self.function(*unflatten(self.structure, leaves)))

    def jacobian(self, z: Tensor) -> Tensor:
        """Shape ``(size of the value, size of z)``, by reverse mode."""
        inner = make("alias", z)
        y = self(inner)
        if y.size == 1:
            return reshape(gradients([reshape(y, ())], [constant(1.0)], [inner])[0], (1, z.size))
        basis = constant(np.eye(y.size).reshape(y.size, *y.shape))
        rows: Tensor = replicated(lambda g: gradients([y], [broadcast_to(g, y.shape)], [inner])[0], (True,))(basis)
        return rows


class _Checker:
    def __init__(self, function: Callable[..., Any], method: str | None) -> None:
        if method not in (None, "complex step", "central difference"):
            raise ValueError(f"the method is 'complex step' or 'central difference', not {method!r}")
        self.function, self.method = function, method
        self._made: dict[Any, tuple[str, Compiled, Compiled, Compiled]] = {}

    def _compiled(self, arguments: tuple[Any, ...]) -> tuple[str, Compiled, Compiled, Compiled]:
        leaves, structure = flatten(arguments)
        shapes = [np.shape(x) for x in leaves]
        key = structure, tuple(shapes)
        if key not in self._made:
            flat = _Flat(self.function, structure, shapes)
            z = np.zeros(sum(math.prod(s) for s in shapes))
            graph, _, _ = trace(flat, (z,))
            method = self.method or (
                "central difference"
                if any(t.primitive == "erf" or _uses_erf(t) for t in graph.nodes)
                else "complex step"
            )
            dtype = np.complex128 if method == "complex step" else np.float64
            batched = compile_function(flat, dtype=dtype, replicas=(True,))
            self._made[key] = method, batched, compile_function(flat.jacobian), compile_function(flat)
        return self._made[key]

    def numerical(self, arguments: tuple[Any, ...]) -> tuple[Array, str]:
        """All first derivatives, shape (arguments' entries, value's entries)."""
        method, batched, _, _ = self._compiled(arguments)
        z = np.concatenate([np.ravel(np.asarray(x, float)) for x in flatten(arguments)[0]])
        n = len(z)
        if method == "complex step":
            step = 1e-30
            points = np.broadcast_to(z.astype(complex), (n, n)).copy()
            points[np.arange(n), np.arange(n)] += 1j * step
            return np.asarray(batched(points)).imag.reshape(n, -1) / step, method
        h = 1e-3 * (1.0 + np.abs(z))
        shifts = np.concatenate([k * np.diag(h) for k in (1.0, -1.0, 2.0, -2.0)])
        up, down, up2, down2 = np.asarray(batched(z + shifts)).reshape(4, n, -1)
        return (8.0 * (up - down) - (up2 - down2)) / (12.0 * h[:, None]), method

    def __call__(self, *arguments: Any, derivative: Any = None) -> GradientCheck:
        numerical, method = self.numerical(arguments)
        leaves, _ = flatten(arguments)
        if derivative is None:
            z = np.concatenate([np.ravel(np.asarray(x, float)) for x in leaves])
            given = self._compiled(arguments)[2](z).reshape(-1, len(z)).T
        else:
            parts = [np.asarray(d, float) for d in flatten(derivative)[0]]
            outputs = numerical.shape[1]
            given = np.concatenate([d.reshape(outputs, np.size(x)).T for d, x in zip(parts, leaves, strict=True)])
        relative, floor = TOLERANCES[method]
        scale = float(np.abs(numerical).max(initial=0.0))
        error = np.abs(given - numerical)
        # Entries below the floor are rounding of a larger computation: they count against the floor itself.
        size = np.maximum(np.abs(numerical), floor / relative * scale)
        ratio = np.divide(error, size, out=np.where(error > 0, np.inf, 0.0), where=size > 0)
        ratio = np.where(np.isnan(ratio), np.inf, ratio)
        i, j = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        worst = float(ratio[i, j])
        entry = _entry(arguments, int(i)) + (f" → output {int(j)}" if ratio.shape[1] > 1 else "")
        return GradientCheck(
            worst <= relative, worst, entry, float(given[i, j]), float(numerical[i, j]), method, relative
        )


def _uses_erf(t: Tensor) -> bool:
    if t.primitive != "scalar":
        return False
    import sympy

    return bool(t.attributes["function"].expression.has(sympy.erf))


def _entry(arguments: tuple[Any, ...], place: int) -> str:
    for name, leaf in zip(paths(arguments), flatten(arguments)[0], strict=True):
        if place < np.size(leaf):
            index = tuple(int(k) for k in np.unravel_index(place, np.shape(leaf))) if np.ndim(leaf) else ()
            return f"argument {name}{list(index)}"
        place -= np.size(leaf)
    raise IndexError(place)


def gradient_checker(function: Callable[..., Any], method: str | None = None) -> _Checker:
    """A reusable check of a function's derivatives.

    Parameters
    ----------
    function : callable
        Of tensors (or trees) of floats, returning one tensor.
    method : {"complex step", "central difference"}, optional
        By default the complex step wherever the graph allows it.

    Returns
    -------
    callable
        ``check(*arguments, derivative=None) -> GradientCheck``. ``derivative`` is a tree like the arguments, each
        leaf of shape ``value.shape + argument.shape``; by default what reverse mode gives. Compiled at the
        first call for every shape.
    """
    return _Checker(function, method)


def numerical_derivative(function: Callable[..., Any], *arguments: Any) -> Array:
    """All first derivatives, shape (arguments' entries, value's entries), by perturbation."""
    return _Checker(function, None).numerical(arguments)[0]
