"""The graph of a training step: loss, gradient and the optimiser's update; and its programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derivcheck.models.differentiate import value_and_grad
from derivcheck.models.errors import ModelError
from derivcheck.models.functional import concatenate, reshape
from derivcheck.models.graph import Graph, fingerprint, reachable
from derivcheck.models.layers.base import Run
from derivcheck.models.optimisers import Optimiser
from derivcheck.models.program import Prepared, Program, prepare
from derivcheck.models.replicate import replicated
from derivcheck.models.tensor import Array, Shape, Tensor, as_tensor, labelled, variable
from derivcheck.models.tracing import signature
from derivcheck.models.training.layout import Block, Layout
from derivcheck.models.tree import flatten, paths, unflatten

__all__ = ["Drawn", "Step", "draw"]

#: Stands for the path of a layer where the optimiser's nodes are named.
OPTIMISER = "the optimiser"


@dataclass(frozen=True)
class Step:
    """A step for one signature of batches: a graph for each block, a program, shapes and types of the batch's leaves.

    ``states`` is the number of running statistics, the last outputs of a graph.
    """

    signature: str
    graphs: list[Graph]
    programs: list[Program]
    types: list[tuple[Shape, np.dtype[Any]]]
    states: int

    def takes(self, batch: Any) -> bool:
        """Whether this is a tuple of arrays that the programs take as they are."""
        if type(batch) is not tuple or len(batch) != len(self.types):
            return False
        for x, (shape, kind) in zip(batch, self.types, strict=True):
            if type(x) is not np.ndarray or x.shape != shape or x.dtype is not kind or not x.flags.c_contiguous:
                return False
        return True

    def converted(self, leaves: Sequence[Any]) -> list[Array]:
        """The leaves of a batch as the programs take them."""
        return [np.asarray(x, kind, order="C") for x, (_, kind) in zip(leaves, self.types, strict=True)]

    @cached_property
    def fingerprint(self) -> str:
        """Of what the network computes: its loss and new state, whatever the optimiser does with the gradient."""
        outputs = self.graphs[0].outputs
        return fingerprint((outputs[0], *outputs[len(outputs) - self.states :]))


@dataclass(frozen=True)
class Drawn:
    """The graph of a step after its passes, and the inputs of it that live in the program."""

    prepared: Prepared
    theta: Tensor
    slots: dict[str, Tensor]
    state: list[Tensor]
    time: Tensor

    @property
    def changed(self) -> list[Tensor]:
        """What a step updates, in the order of :attr:`Block.resident`."""
        return [self.theta, *self.slots.values(), *self.state]


def draw(
    loss: Callable[..., Any],
    optimiser: Optimiser,
    layout: Layout,
    batch: Any,
    batch_replicas: bool,
    block: Block,
    backend: str,
) -> Drawn:
    """Draw the step of one block for batches like this one."""
    sig, _ = signature((batch,))
    theta = variable(block.theta.shape, "float", "theta")
    slots = {k: variable(v.shape, "float", k) for k, v in block.slots.items()}
    state = [variable(x.shape, "float", n) for x, n in zip(block.state, layout.state_names, strict=True)]
    time, generator = variable((), "float", "t"), variable((), "generator", "generator")
    given = zip(sig.leaves, paths(batch, "batch"), strict=True)
    inputs = [variable(leaf[1], leaf[0], name) for leaf, name in given]

    def one(p: Any, given: Any, b: Any, stream: Any) -> Any:
        run = Run(training=True, state=given, generator=stream)
        return loss(p, b, run), run.state

    step = value_and_grad(one, auxiliary=True)
    if layout.replicas:
        step = replicated(step, (True, True, batch_replicas, True), block.hi - block.lo)
    (value, new_state), gradient = step(
        unflatten(layout.structure, layout.views(theta, block)),
        unflatten(layout.state_structure, state),
        unflatten(sig.structure, inputs)[0],
        generator,
    )
    value = as_tensor(value)
    if theta not in reachable([value]):
        raise ModelError("the loss does not depend on the parameters: there is nothing to train")
    g = concatenate([reshape(x, (-1,)) for x in flatten(gradient)[0]])
    with labelled(OPTIMISER):
        new_theta, new_slots = optimiser.update(theta, g, slots, time)
    after, structure = flatten(new_state)
    if structure != layout.state_structure:
        raise ModelError("the state after a step has another structure than before")
    outputs = [value, new_theta, *(new_slots[k] for k in slots), *(as_tensor(x) for x in after)]
    graph = Graph((theta, *slots.values(), *state, time, generator, *inputs), tuple(outputs))
    prepared = prepare(graph, [t.attributes["name"] for t in graph.inputs], layout.dtype, backend)
    return Drawn(prepared, theta, slots, state, time)
