"""A table of a network's layers: output shapes and numbers of parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from derivcheck.models.initialisers import Parameter
from derivcheck.models.layers.container import Composite
from derivcheck.models.tensor import Tensor, variable
from derivcheck.models.tree import map_tree

if TYPE_CHECKING:
    from derivcheck.models.layers.base import Layer

__all__ = ["summary"]


def summary(network: Layer, shape: Any = None, training: bool = False, kind: str = "float") -> str:
    """One line a layer, children indented below their parents.

    Parameters
    ----------
    network : Layer
    shape : tuple of int, or dict of them, optional
        Of the input; a dictionary for a layer that takes one (``{"nodes": (5, 3), "adjacency": (5, 5)}``). Without it
        the outputs' shapes are not known.
    training : bool
    kind : {"float", "int"}
        Of the input's entries.
    """
    from derivcheck.models.layers.base import Run

    run = Run(training, network.init_state(), variable((), "generator"))
    if shape is not None:
        x: Any = {k: variable(s, kind) for k, s in shape.items()} if isinstance(shape, dict) else variable(shape, kind)
        network(map_tree(lambda p: variable(np.shape(p)), network.init(0)), x, run)
    rows = [("layer", "output", "parameters")]
    _rows(network, "", 0, run.outputs, rows)
    widths = [max(len(r[i]) for r in rows) for i in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    rule = "-" * len(lines[0])
    total = f"{_count(network.parameters()):,} parameters"
    return "\n".join([lines[0], rule, *lines[1:], rule, total])


def _rows(layer: Layer, path: str, depth: int, outputs: dict[str, Tensor], rows: list[tuple[str, str, str]]) -> None:
    name = path.rsplit(".", 1)[-1]
    shown = f"{'  ' * depth}{name + ' ' if name else ''}{type(layer).__name__}"
    output = str(outputs[path].shape) if path in outputs else ""
    rows.append((shown, output, f"{_count(layer.parameters()):,}"))
    if isinstance(layer, Composite):
        for child, inner in layer.children.items():
            _rows(inner, f"{path}.{child}" if path else child, depth + 1, outputs, rows)


def _count(specification: Any) -> int:
    if isinstance(specification, Parameter):
        return math.prod(specification.shape)
    return sum(_count(v) for v in specification.values())
