"""A graph as a value: inputs, outputs, its nodes in order, and what it computes.

:meth:`Graph.evaluate` is the reference meaning: node by node, by the tables' NumPy functions, with no pass
in between. Every pass is tested against it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derivcheck.models.tensor import PRIMITIVES, Array, Tensor, relabelling

__all__ = ["Graph", "fingerprint", "reachable", "rewrite", "substitute"]


def reachable(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Everything that the outputs need, in topological (creation) order."""
    seen: dict[int, Tensor] = {}
    todo = list(outputs)
    while todo:
        t = todo.pop()
        if t.index not in seen:
            seen[t.index] = t
            todo.extend(t.inputs)
    return [seen[i] for i in sorted(seen)]


@dataclass(frozen=True, eq=False)
class Graph:
    """Outputs as functions of inputs.

    Attributes
    ----------
    inputs, outputs : tuple of Tensor
        Inputs are variables; an input that no output needs is allowed.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @cached_property
    def nodes(self) -> tuple[Tensor, ...]:
        """All nodes that the outputs need, inputs before users."""
        return tuple(reachable(self.outputs))

    @cached_property
    def users(self) -> dict[Tensor, list[Tensor]]:
        """Who reads each node."""
        out: dict[Tensor, list[Tensor]] = {t: [] for t in self.nodes}
        for t in self.nodes:
            for x in dict.fromkeys(t.inputs):
                out[x].append(t)
        return out

    def svg(self) -> str:
        """A picture of the graph, as SVG text."""
        from derivcheck.models.render import graph_svg

        return graph_svg(self)

    def _repr_svg_(self) -> str:
        return self.svg()

    def values(self, arguments: Sequence[Any], dtype: Any = np.float64) -> dict[Tensor, Any]:
        """Value of every node."""
        value: dict[Tensor, Any] = {}
        for t, x in zip(self.inputs, arguments, strict=True):
            value[t] = x if t.kind == "generator" else as_kind(x, t.kind, dtype)
        for t in self.nodes:
            if t in value:
                continue
            if t.primitive == "variable":
                raise ValueError(f"a free variable {t.attributes['name']!r} is not among the inputs")
            if t.primitive == "constant":
                value[t] = as_kind(t.attributes["value"], t.kind, dtype)
            else:
                raw = PRIMITIVES[t.primitive].evaluate(*(value[x] for x in t.inputs), **t.attributes)
                value[t] = as_kind(raw, t.kind, dtype)
        return value

    def evaluate(self, arguments: Sequence[Any], dtype: Any = np.float64) -> list[Array]:
        """Outputs at these arguments, by the reference meaning of the primitives."""
        value = self.values(arguments, dtype)
        return [np.array(value[t]) for t in self.outputs]


def as_kind(x: Any, kind: str, dtype: Any) -> Array:
    """An array in the NumPy type that stands for a kind."""
    return np.asarray(x, {"float": dtype, "int": np.int64, "bool": np.bool_}[kind])


def rewrite(graph: Graph, rule: Callable[[Tensor, tuple[Tensor, ...]], Tensor | None]) -> Graph:
    """Rebuild a graph bottom-up.

    ``rule(node, new_inputs)`` returns the node's replacement, or ``None`` to keep it (with its new inputs).
    Kept nodes are made anew, so that creation order, the order of the schedule, stays the order drawn. The path
    of the layer stays with what replaces a node.
    """
    new: dict[Tensor, Tensor] = {}
    with relabelling() as label:
        for t in graph.nodes:
            if not t.inputs and t.primitive in ("variable", "constant"):
                new[t] = t
                continue
            inputs = tuple([new[x] for x in t.inputs])
            label(t.scope)
            out = rule(t, inputs)
            new[t] = Tensor(t.primitive, inputs, t.attributes, t.shape, t.kind, t.scope) if out is None else out
    return Graph(graph.inputs, tuple(new[t] for t in graph.outputs))


def substitute(outputs: Sequence[Tensor], replaced: dict[Tensor, Tensor]) -> list[Tensor]:
    """The outputs with some of the nodes below them replaced by others of the same shape."""
    new = dict(replaced)
    for t in reachable(outputs):
        if t not in new:
            inputs = tuple(new[x] for x in t.inputs)
            same = inputs == t.inputs
            new[t] = t if same else Tensor(t.primitive, inputs, t.attributes, t.shape, t.kind, t.scope)
    return [new[t] for t in outputs]


def fingerprint(outputs: Sequence[Tensor]) -> str:
    """A digest of what the outputs compute from their variables; the same in every process.

    Names of variables, paths of layers and the running numbers of random draws do not count.
    """
    digest = hashlib.sha256()
    number: dict[Tensor, int] = {}
    for i, t in enumerate(reachable(outputs)):
        number[t] = i
        read = [number[x] for x in t.inputs]
        told = {k: v for k, v in sorted(t.attributes.items()) if k not in ("name", "draw", "value")}
        digest.update(f"{t.primitive} {read} {t.shape} {t.kind} {told}\n".encode())
        if "value" in t.attributes:
            value = np.asarray(t.attributes["value"])
            digest.update(value.dtype.str.encode() + value.tobytes())
    digest.update(str([number[t] for t in outputs]).encode())
    return digest.hexdigest()
