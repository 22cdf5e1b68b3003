"""Parameters, slots and state as a training run keeps them: flat vectors, in blocks of replicas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivcheck.models.compiler import REPLICA_BYTES, even_block
from derivcheck.models.errors import ModelError, ShapeError, require_sizes
from derivcheck.models.functional import reshape
from derivcheck.models.tensor import Array, Shape, Tensor
from derivcheck.models.tree import Structure, flatten, paths, unflatten

__all__ = ["Block", "Layout"]


@dataclass(frozen=True)
class Block:
    """Replicas ``lo … hi − 1`` (or the one network): their parameters, slots and state."""

    lo: int
    hi: int
    theta: Array
    slots: dict[str, Array]
    state: list[Array]

    @property
    def resident(self) -> list[Array]:
        """Everything that a step changes."""
        return [self.theta, *self.slots.values(), *self.state]


@dataclass(frozen=True)
class Layout:
    """Where each parameter and each running statistic lies.

    Attributes
    ----------
    structure, names, shapes
        Of the parameters.
    state_structure, state_names, state_shapes
        Of the running statistics.
    replicas : bool
        Whether all shapes begin with an axis of replicas.
    dtype : numpy.dtype
    """

    structure: Structure
    names: list[str]
    shapes: list[Shape]
    state_structure: Structure
    state_names: list[str]
    state_shapes: list[Shape]
    replicas: bool
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, parameters: Any, state: Any, replicas: bool, dtype: np.dtype[Any]) -> Layout:
        """The layout of these trees of arrays."""
        leaves, structure = flatten(parameters)
        states, state_structure = flatten(state)
        names, state_names = paths(parameters), paths(state, "state")
        if not leaves:
            raise ModelError("there are no parameters to train")
        for name, x in zip((*names, *state_names), (*leaves, *states), strict=True):
            if np.asarray(x).dtype.kind not in "fiu":
                raise ModelError(f"parameter {name or 'of training'!r} is no array of real numbers")
        shapes, state_shapes = [np.shape(x) for x in leaves], [np.shape(x) for x in states]
        if replicas:
            if shapes[0][:1] == (0,):
                raise ModelError("there are no replicas to train")
            for name, shape in zip((*names, *state_names), (*shapes, *state_shapes), strict=True):
                if not shape or shape[0] != (shapes[0] or (0,))[0]:
                    first = f"{(shapes[0] or ('a number of',))[0]} replicas, as {names[0]!r}, along its first axis"
                    raise ShapeError(f"parameter {name!r}", first, shape)
        return cls(structure, names, shapes, state_structure, state_names, state_shapes, replicas, dtype)

    def blocks(self, parameters: Any, state: Any, slots: Sequence[str], size: int | None) -> list[Block]:
        """The arrays that a run updates: copies of what is given, in blocks of ``size`` replicas (or what fits)."""
        leaves, states = flatten(parameters)[0], flatten(state)[0]
        return [self._block(leaves, states, slots, lo, hi) for lo, hi in self._ranges(size)]

    def _ranges(self, size: int | None) -> list[tuple[int, int]]:
        if not self.replicas:
            return [(0, 0)]
        count = self.shapes[0][0]
        if size is not None:
            require_sizes("Trainer", block=size)
        # Slots, gradient and activations take about eleven times the memory of the parameters.
        each = 11 * self.dtype.itemsize * sum(math.prod(s[1:]) for s in self.shapes)
        size = size or even_block(count, REPLICA_BYTES // max(each, 1))
        return [(lo, min(lo + size, count)) for lo in range(0, count, size)]

    def _block(self, leaves: Sequence[Any], states: Sequence[Any], slots: Sequence[str], lo: int, hi: int) -> Block:
        def part(x: Any) -> Array:
            return np.asarray(x)[lo:hi] if self.replicas else np.asarray(x)

        theta = np.concatenate([np.ravel(part(x)) for x in leaves]).astype(self.dtype)
        zeros = {name: np.zeros_like(theta) for name in slots}
        return Block(lo, hi, theta, zeros, [np.array(part(x), self.dtype) for x in states])

    def _shape(self, shape: Shape, block: Block) -> Shape:
        return (block.hi - block.lo, *shape[1:]) if self.replicas else shape

    def views(self, flat: Any, block: Block) -> list[Any]:
        """The parameters' parts of a flat vector, an array or a tensor."""
        out, at = [], 0
        for shape in self.shapes:
            full = self._shape(shape, block)
            part = flat[at : at + math.prod(full)]
            out.append(reshape(part, full) if isinstance(part, Tensor) else part.reshape(full))
            at += math.prod(full)
        return out

    def tree(self, flats: Sequence[Array], blocks: Sequence[Block]) -> Any:
        """A tree like the parameters, from one flat vector a block (copies)."""
        parts = [self.views(flat, block) for flat, block in zip(flats, blocks, strict=True)]
        return unflatten(self.structure, [self.joined(list(row)) for row in zip(*parts, strict=True)])

    def state(self, blocks: Sequence[Block]) -> Any:
        """A tree like the running statistics (copies)."""
        rows = zip(*(b.state for b in blocks), strict=True)
        return unflatten(self.state_structure, [self.joined(list(row)) for row in rows])

    def joined(self, parts: list[Array]) -> Array:
        """One array of all blocks' parts (a copy)."""
        return np.concatenate(parts) if self.replicas else parts[0].copy()

    def described(self, blocks: Sequence[Block]) -> list[str]:
        """What the arrays of a checkpoint are."""
        parameters = [f"{n}{list(s)}" for n, s in zip(self.names, self.shapes, strict=True)]
        states = [f"{n}{list(s)}" for n, s in zip(self.state_names, self.state_shapes, strict=True)]
        return [*parameters, *blocks[0].slots, *states, *(f"{b.lo}:{b.hi}" for b in blocks), self.dtype.name]
