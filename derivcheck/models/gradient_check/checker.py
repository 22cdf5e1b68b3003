"""The check itself: what is compiled for arguments of certain shapes, and the comparison entry by entry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivcheck.models.compiler import Compiled
from derivcheck.models.compiler import compile as compile_function
from derivcheck.models.differentiate import gradients
from derivcheck.models.errors import ShapeError
from derivcheck.models.functional import broadcast_to, reshape
from derivcheck.models.gradient_check.cuts import Cut, cut_at, frontier
from derivcheck.models.gradient_check.kinks import kinks_along, ties
from derivcheck.models.gradient_check.slopes import ranges, shifted, slopes_at
from derivcheck.models.graph import Graph, substitute
from derivcheck.models.replicate import replicated
from derivcheck.models.tensor import Array, Tensor, constant, make
from derivcheck.models.tracing import trace
from derivcheck.models.tree import flatten, paths, unflatten

__all__ = ["GradientCheck", "gradient_checker", "numerical_derivative"]

#: Relative to the entry, the smallest error that counts; and relative to the largest entry (rounding floor).
TOLERANCES = {"complex step": (1e-9, 1e-14), "central difference": (1e-6, 1e-10)}


@dataclass(frozen=True)
class GradientCheck:
    """Outcome of a gradient check.

    Attributes
    ----------
    ok : bool
        Whether every entry has a derivative and agrees with it.
    worst : float
        Largest relative error, ``|given − numerical| / |numerical|``, of an entry that has a derivative; below the
        rounding floor, relative to the floor.
    entry : str
        Where it is: path of the argument and index.
    given, numerical : float
        Values there.
    method : str
        ``"complex step"`` or ``"central difference"``.
    tolerance : float
        Relative error from which a check fails.
    kinks : tuple of str
        Entries along which the function has a kink here (``relu`` at 0): one-sided slopes that differ, and no
        derivative. They are not compared.
    """

    ok: bool
    worst: float
    entry: str
    given: float
    numerical: float
    method: str
    tolerance: float
    kinks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Made:
    """What a check of arguments of certain shapes needs; ``shape`` is the value's.

    ``ties`` counts, at all leaves, the operands that meet where a primitive has a kink (none if no primitive has one).
    """

    method: str
    cuts: tuple[Cut, ...]
    derivative: Compiled
    shape: tuple[int, ...]
    ties: Compiled | None
    along: tuple[Cut, ...]


class _Checker:
    def __init__(self, function: Callable[..., Any], method: str | None) -> None:
        if method not in (None, "complex step", "central difference"):
            raise ValueError(f"the method is 'complex step' or 'central difference', not {method!r}")
        self.function, self.method = function, method
        self._made: dict[Any, _Made] = {}
        self._units: dict[tuple[int, ...], Array] = {}

    def _compiled(self, arguments: tuple[Any, ...]) -> _Made:
        leaves, structure = flatten(arguments)
        key = structure, tuple(np.shape(x) for x in leaves)
        if key not in self._made:
            self._made[key] = self._make(arguments)
        return self._made[key]

    def _make(self, arguments: tuple[Any, ...]) -> _Made:
        graph, structure, _ = trace(self.function, _floats(arguments))
        if structure.size != 1:
            raise ValueError("a gradient check wants a function that returns one tensor")
        method = self.method or ("central difference" if any(_uses_erf(t) for t in graph.nodes) else "complex step")
        dtype = np.complex128 if method == "complex step" else np.float64
        groups: dict[Tensor, list[int]] = {}
        for i, leaf in enumerate(graph.inputs):
            groups.setdefault(frontier(graph, leaf), []).append(i)
        cuts: list[Cut] = []
        for node, members in groups.items():
            if node.size < sum(graph.inputs[i].size for i in members):
                cuts.append(cut_at(graph, node, members, dtype))
            else:
                cuts += [cut_at(graph, graph.inputs[i], [i], dtype) for i in members]
        derivative, shape = compile_function(_derivative(graph)), graph.outputs[0].shape
        along = tuple(cut_at(graph, x, [i], np.float64) for i, x in enumerate(graph.inputs))
        return _Made(method, tuple(cuts), derivative, shape, ties(graph), along)

    def numerical(self, arguments: tuple[Any, ...]) -> tuple[Array, str]:
        """All first derivatives, shape (arguments' entries, value's entries)."""
        made = self._compiled(arguments)
        leaves = [np.asarray(x, float) for x in flatten(arguments)[0]]
        parts: dict[int, Array] = {}
        for cut in made.cuts:
            at = leaves[cut.leaf] if not cut.through else np.asarray(cut.value(*leaves))
            slopes = slopes_at(cut.after, at, leaves, made.method)
            if not cut.through:
                parts[cut.leaf] = slopes
            for i, linear in cut.through.items():
                offset = cut.value(*(np.zeros_like(x) if j == i else x for j, x in enumerate(leaves)))
                pushed = [linear(units, leaves, offset, slopes) for units in self._unit_vectors(leaves[i].shape)]
                parts[i] = np.concatenate([np.reshape(y, (len(y), -1)) for y in pushed])
        return np.concatenate([parts[i] for i in range(len(leaves))]), made.method

    def _unit_vectors(self, shape: tuple[int, ...]) -> Iterator[Array]:
        """All arrays of this shape with a single one, in batches; a single batch is kept for the next check."""
        if shape not in self._units:
            n = math.prod(shape)
            batches = (shifted(np.zeros(n), lo, hi, 1.0).reshape(-1, *shape) for lo, hi in ranges(n, n))
            if len(ranges(n, n)) > 1:
                yield from batches
                return
            self._units[shape] = next(batches)
        yield self._units[shape]

    def kinks(self, arguments: tuple[Any, ...]) -> Array:
        """Where the value has a kink along an argument's entry: booleans (arguments' entries, value's entries)."""
        made = self._compiled(arguments)
        leaves = [np.asarray(x, float) for x in flatten(arguments)[0]]
        if made.ties is None or not float(made.ties(*leaves)):
            return np.zeros((sum(x.size for x in leaves), math.prod(made.shape)), bool)
        return np.concatenate([kinks_along(cut.after, leaves[i], leaves) for i, cut in enumerate(made.along)])

    def __call__(self, *arguments: Any, derivative: Any = None) -> GradientCheck:
        numerical, method = self.numerical(arguments)
        made = self._compiled(arguments)
        leaves, _ = flatten(arguments)
        if derivative is None:
            derivative = made.derivative(*(np.asarray(x, float) for x in leaves))
        given = _joined(derivative, arguments, made.shape)
        kinks = self.kinks(arguments)
        relative, floor = TOLERANCES[method]
        error, size = np.abs(given - numerical), np.abs(numerical)
        found: tuple[str, ...] = ()
        if kinks.any():
            error[kinks] = 0.0
            found = tuple(_entry(arguments, int(k), numerical.shape[1], int(o)) for k, o in np.argwhere(kinks))
        # Entries below the floor are rounding of a larger computation: they count against the floor itself.
        size = np.maximum(size, floor / relative * float(size.max(initial=0.0)))
        # NaN is neither equal nor close to anything; the first one is the largest entry.
        ratio = error / size if size.any() else np.where(error == 0.0, 0.0, np.inf)
        i, j = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        worst = math.inf if np.isnan(ratio[i, j]) else float(ratio[i, j])
        return GradientCheck(
            ok=worst <= relative and not found,
            worst=worst,
            entry=_entry(arguments, int(i), numerical.shape[1], int(j)),
            given=float(given[i, j]),
            numerical=float(numerical[i, j]),
            method=method,
            tolerance=relative,
            kinks=found,
        )


def _joined(derivative: Any, arguments: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """A derivative's leaves as one matrix (arguments' entries, value's entries)."""
    parts, leaves = flatten(derivative)[0], flatten(arguments)[0]
    if len(parts) != len(leaves):
        raise ShapeError("derivative", f"{len(leaves)} arrays, one for each array of the arguments", f"{len(parts)}")
    count = math.prod(shape)
    rows = []
    for name, d, x in zip(paths(arguments), parts, leaves, strict=True):
        array = np.asarray(d, float)
        wanted = {(*shape, *np.shape(x)), (count, *np.shape(x))} | ({np.shape(x)} if count == 1 else set())
        if array.shape not in wanted:
            raise ShapeError(f"derivative along argument {name}", (*shape, *np.shape(x)), array.shape)
        rows.append(array.reshape(count, np.size(x)).T)
    return np.ascontiguousarray(np.concatenate(rows))


def _floats(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    leaves, structure = flatten(arguments)
    floats: tuple[Any, ...] = unflatten(structure, [np.asarray(x, float) for x in leaves])
    return floats


def _derivative(graph: Graph) -> Callable[..., Any]:
    """By reverse mode: for every leaf, shape (result's entries, leaf's shape)."""

    def full(*leaves: Tensor) -> list[Tensor]:
        inner = [make("alias", z) for z in leaves]
        y = substitute(graph.outputs, dict(zip(graph.inputs, inner, strict=True)))[0]
        if y.size == 1:
            found = gradients([reshape(y, ())], [constant(1.0)], inner)
            return [reshape(g, (1, *z.shape)) for g, z in zip(found, leaves, strict=True)]
        basis = constant(np.eye(y.size).reshape(y.size, *y.shape))
        pulled: list[Tensor] = replicated(lambda g: gradients([y], [broadcast_to(g, y.shape)], inner), (True,))(basis)
        return pulled

    return full


def _uses_erf(t: Tensor) -> bool:
    if t.primitive != "scalar":
        return t.primitive == "erf"
    import sympy

    return bool(t.attributes["function"].expression.has(sympy.erf))


def _entry(arguments: tuple[Any, ...], place: int, outputs: int, output: int) -> str:
    for name, leaf in zip(paths(arguments), flatten(arguments)[0], strict=True):
        if place < np.size(leaf):
            index = tuple(int(k) for k in np.unravel_index(place, np.shape(leaf))) if np.ndim(leaf) else ()
            return f"argument {name}{list(index)}" + (f" → output {output}" if outputs > 1 else "")
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
