"""The graph of a Python function, drawn by running it on tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derivcheck.models.errors import CompileError
from derivcheck.models.graph import Graph
from derivcheck.models.tensor import Tensor, as_tensor, variable
from derivcheck.models.tree import Structure, flatten, paths, unflatten

__all__ = ["Signature", "argument_names", "signature", "trace", "traced"]


@dataclass(frozen=True)
class Signature:
    """What a program is specialised to: the arguments' structure, shapes and kinds, and static values."""

    structure: Structure
    leaves: tuple[tuple[Any, ...], ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.structure, self.leaves))


def _leaf(x: Any, complex_step: bool) -> tuple[Any, ...]:
    if isinstance(x, np.ndarray):
        kind = {"f": "float", "i": "int", "u": "int", "b": "bool", "c": "complex"}.get(x.dtype.kind)
        if kind is None:
            raise CompileError(f"an argument of type {x.dtype} cannot become a tensor")
        if type(x) is not np.ndarray and isinstance(x, np.ma.MaskedArray):
            raise CompileError("a masked array would lose its mask: pass the values and the mask")
        return _real(kind, complex_step), x.shape
    if isinstance(x, np.random.Generator):
        return "generator", ()
    if isinstance(x, (bool, str)):
        return "static", x
    if isinstance(x, (int, float, np.number)):
        kind = "int" if isinstance(x, np.integer) else "complex" if isinstance(x, np.complexfloating) else "float"
        return _real(kind, complex_step), ()
    if isinstance(x, (list, tuple)):
        raise CompileError("nested sequences are trees; pass an array")
    try:
        hash(x)
    except TypeError:
        raise CompileError(f"an argument of type {type(x).__name__} cannot be compiled") from None
    return "static", x


def _real(kind: str, complex_step: bool) -> str:
    if kind == "complex" and not complex_step:
        raise CompileError("a complex argument would lose its imaginary part: compile(…, dtype=np.complex128)")
    return "float" if kind == "complex" else kind


def signature(arguments: tuple[Any, ...], complex_step: bool = False) -> tuple[Signature, list[Any]]:
    """Signature of a call, and its leaves."""
    flat, structure = flatten(arguments)
    return Signature(structure, tuple(_leaf(x, complex_step) for x in flat)), flat


def argument_names(function: Callable[..., Any], arguments: tuple[Any, ...]) -> list[str]:
    """A name for every leaf: the parameter's name and the path inside it."""
    try:
        parameters = inspect.signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        names = []
    names += [f"x{i}" for i in range(len(names), len(arguments))]
    return [p for name, tree in zip(names, arguments, strict=False) for p in paths(tree, name)]


def trace(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Graph, Structure, list[str]]:
    """Draw the graph of a function at arguments of these shapes.

    Returns
    -------
    graph : Graph
    structure : Structure
        Of the result.
    names : list of str
        Of the inputs.
    """
    sig, flat = signature(arguments)
    return traced(function, sig, flat, argument_names(function, arguments))


def traced(
    function: Callable[..., Any], sig: Signature, flat: Sequence[Any], names: Sequence[str]
) -> tuple[Graph, Structure, list[str]]:
    """As :func:`trace`, of a signature and its leaves; those that are static are taken as they are."""
    inputs: list[Tensor] = []
    used: list[str] = []
    values: list[Any] = []
    for (kind, *rest), x, name in zip(sig.leaves, flat, names, strict=True):
        if kind == "static":
            values.append(x)
            continue
        v = variable(rest[0], kind, name)
        inputs.append(v)
        used.append(name)
        values.append(v)
    result = function(*unflatten(sig.structure, values))
    outputs, structure = flatten(result)
    for y in outputs:
        if not isinstance(y, (Tensor, np.ndarray, int, float, np.number)):
            raise CompileError(f"a compiled function returns tensors, not {type(y).__name__}")
    return Graph(tuple(inputs), tuple(as_tensor(y) for y in outputs)), structure, used
