"""Where a NaN or an infinity comes from: the steps since a snapshot are replayed node by node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivcheck.models.errors import NonFiniteError
from derivcheck.models.graph import Graph
from derivcheck.models.tensor import Array, Tensor
from derivcheck.models.training.layout import Block, Layout
from derivcheck.models.training.step import OPTIMISER, Step

__all__ = ["Snapshot", "located"]


@dataclass(frozen=True)
class Snapshot:
    """What the steps after it started from."""

    steps: int
    arrays: list[list[Array]]
    generator: Any

    @classmethod
    def take(cls, steps: int, blocks: Sequence[Block], generator: np.random.Generator) -> Snapshot:
        """A copy of everything that a step changes."""
        return cls(steps, [[x.copy() for x in b.resident] for b in blocks], generator.bit_generator.state)


def located(
    snapshot: Snapshot,
    until: int,
    layout: Layout,
    blocks: Sequence[Block],
    prepared: Callable[[int], tuple[Step, Callable[[Block], list[Array]]]],
) -> NonFiniteError:
    """The error of the first step, before step ``until``, that has a result which is not finite.

    ``prepared(step)`` gives the step's graphs and, for a block, the batch's arrays.
    """
    arrays = list(snapshot.arrays)
    generator = np.random.Generator(np.random.SFC64(0))
    generator.bit_generator.state = snapshot.generator
    for step in range(snapshot.steps, until):
        made, batch_of = prepared(step)
        time = np.array(step + 1, layout.dtype)
        for i, (graph, block) in enumerate(zip(made.graphs, blocks, strict=True)):
            with np.errstate(all="ignore"):
                values = graph.values([*arrays[i], time, generator, *batch_of(block)], layout.dtype)
            outputs = [values[t] for t in graph.outputs]
            found = None if all(np.isfinite(y).all() for y in outputs) else _first(graph, values)
            if found is not None:
                what = "NaN" if np.isnan(values[found]).any() else "an infinity"
                if found.primitive == "variable":
                    return NonFiniteError(step, "", "variable", what, _given(found, values[found], layout, block))
                place = f"{OPTIMISER} ({_primitive(found)})" if found.scope == OPTIMISER else ""
                return NonFiniteError(step, found.scope, _primitive(found), what, place)
            arrays[i] = outputs[1:]
    return NonFiniteError(until - 1, "", "unknown primitive", "a value that is not finite")


def _first(graph: Graph, values: dict[Tensor, Any]) -> Tensor | None:
    """The first node that is not finite although what it reads is."""

    def fine(t: Tensor) -> bool:
        return t.kind == "generator" or bool(np.isfinite(values[t]).all())

    return next((t for t in graph.nodes if not fine(t) and all(fine(x) for x in t.inputs)), None)


def _given(t: Tensor, value: Any, layout: Layout, block: Block) -> str:
    """Which of the inputs it is, by the names under which they were given."""
    name: str = t.attributes["name"]
    if name != "theta":
        return f"what was given: {name}"
    views = zip(layout.names, layout.views(value, block), strict=True)
    return "the given parameters: " + next((n or "the array" for n, x in views if not np.isfinite(x).all()), "theta")


def _primitive(t: Tensor) -> str:
    return t.attributes["function"].name if t.primitive == "scalar" else t.primitive
