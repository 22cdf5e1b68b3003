"""Training: the whole step, gradient and optimiser included, as one compiled program.

All parameters live in one flat vector, of which the network reads views, and so do the optimiser's slots; the
program updates them in place. What a step sees is a function of the seed and the step's number, so a run that
is resumed from a checkpoint continues bit for bit.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from derivcheck.models.checkpoint import load_checkpoint, save_checkpoint
from derivcheck.models.compiler import REPLICA_BYTES, Prepared, Program, even_block, prepare, signature
from derivcheck.models.differentiate import value_and_grad
from derivcheck.models.errors import ModelError, NonFiniteError
from derivcheck.models.functional import concatenate, reshape
from derivcheck.models.graph import Graph
from derivcheck.models.layers.base import Run
from derivcheck.models.optimisers import Optimiser
from derivcheck.models.passes.plan import Slots
from derivcheck.models.replicate import replicated
from derivcheck.models.tensor import Array, Tensor, as_tensor, variable
from derivcheck.models.tree import flatten, map_tree, paths, unflatten

__all__ = ["Trainer", "Training", "print_progress", "train"]

#: Steps between the copies from which a step that fails is replayed.
SNAPSHOT = 200


@dataclass(frozen=True)
class Training:
    """What training returns.

    Attributes
    ----------
    parameters, state : tree
        As they were given, with the trained values.
    slots : dict
        The optimiser's, by name, each a tree like the parameters.
    losses : array, shape (steps,) or (steps, replicas)
        Loss of every step, before its update.
    """

    parameters: Any
    state: Any
    slots: dict[str, Any]
    losses: Array


@dataclass(frozen=True)
class _Block:
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
class _Step:
    """A step for one signature of batches: a graph for each block, a program, and the types of the batch's leaves."""

    graphs: list[Graph]
    programs: list[Program]
    types: list[np.dtype[Any]]


class Trainer:
    """A training run that can be stepped, saved and resumed.

    Parameters
    ----------
    loss : callable
        ``loss(parameters, batch, run) -> scalar`` in tensors, where ``run`` is a :class:`Run` in training mode
        (pass it on to layers: it holds their state and the random numbers).
    parameters : tree of arrays
        Initial values.
    optimiser : Optimiser
    state : tree, optional
        Initial running statistics.
    seed : int
        Of the random numbers inside the network.
    dtype
        float32 or float64.
    replicas : bool
        Whether parameters and state carry a leading axis of independent replicas.
    batch_replicas : bool
        Whether batches do too; otherwise all replicas see the same batch.
    block : int, optional
        Replicas that are updated together; by default about as many as fit the cache.
    backend : {"numpy", "numba"}
        As for :func:`~derivcheck.models.compiler.compile`.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        parameters: Any,
        optimiser: Optimiser,
        *,
        state: Any = None,
        seed: int = 0,
        dtype: Any = np.float64,
        replicas: bool = False,
        batch_replicas: bool = False,
        block: int | None = None,
        backend: str = "numpy",
    ) -> None:
        self.loss, self.optimiser, self.dtype = loss, optimiser, np.dtype(dtype)
        self.replicas, self.batch_replicas, self.backend = replicas, batch_replicas, backend
        leaves, self.structure = flatten(parameters)
        self.names = paths(parameters)
        self.shapes = [np.shape(x) for x in leaves]
        states, self.state_structure = flatten({} if state is None else state)
        self.state_shapes = [np.shape(x) for x in states]
        self.generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, 0x5EED))))
        self.steps = 0
        self.losses: list[Any] = []
        self._time = np.zeros((), self.dtype)
        self._steps: dict[Any, _Step] = {}
        self._blocks = [self._block(leaves, states, lo, hi) for lo, hi in self._ranges(block)]

    def _ranges(self, block: int | None) -> list[tuple[int, int]]:
        if not self.replicas:
            return [(0, 0)]
        count = self.shapes[0][0]
        if any(s[:1] != (count,) for s in (*self.shapes, *self.state_shapes)):
            raise ModelError("all parameters and states carry the same number of replicas")
        # Slots, gradient and activations take about a dozen times the memory of the parameters.
        each = 12 * self.dtype.itemsize * sum(math.prod(s[1:]) for s in self.shapes)
        size = block or even_block(count, REPLICA_BYTES // max(each, 1))
        return [(lo, min(lo + size, count)) for lo in range(0, count, size)]

    def _block(self, leaves: Sequence[Any], states: Sequence[Any], lo: int, hi: int) -> _Block:
        def part(x: Any) -> Array:
            return np.asarray(x)[lo:hi] if self.replicas else np.asarray(x)

        theta = np.concatenate([np.ravel(part(x)) for x in leaves]).astype(self.dtype)
        slots = {name: np.zeros_like(theta) for name in self.optimiser.slots}
        return _Block(lo, hi, theta, slots, [np.array(part(x), self.dtype) for x in states])

    def _shape(self, shape: tuple[int, ...], block: _Block) -> tuple[int, ...]:
        return (block.hi - block.lo, *shape[1:]) if self.replicas else shape

    def _part(self, batch: Any, block: _Block) -> Any:
        return map_tree(lambda x: x[block.lo : block.hi], batch) if self.batch_replicas else batch

    # --- building the step ----------------------------------------------------------------------------

    def _build(self, batch: Any) -> _Step:
        flat, structure = flatten(batch)
        key = structure, *((np.shape(x), getattr(x, "dtype", float)) for x in flat)
        if key not in self._steps:
            prepared: dict[int, tuple[Prepared, dict[str, Any]]] = {}
            slots = Slots()
            programs, graphs = [], []
            for block in self._blocks:
                size = block.hi - block.lo
                if size not in prepared:
                    prepared[size] = self._draw(self._part(batch, block), block)
                made, inputs = prepared[size]
                arrays = {inputs["theta"]: block.theta, inputs["time"]: self._time}
                arrays |= {v: block.slots[k] for k, v in inputs["slots"].items()}
                arrays |= dict(zip(inputs["state"], block.state, strict=True))
                changed = [inputs["theta"], *inputs["slots"].values(), *inputs["state"]]
                programs.append(made.program(arrays, dict(enumerate(changed, 1)), slots, self.backend))
                graphs.append(made.graphs["drawn"])
            kinds = {"float": self.dtype, "int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}
            types = [kinds[leaf[0]] for leaf in signature((batch,))[0].leaves]
            self._steps[key] = _Step(graphs, programs, types)
        return self._steps[key]

    def _draw(self, batch: Any, block: _Block) -> tuple[Prepared, dict[str, Any]]:
        """The graph of a step of one block, and its resident inputs."""
        sig, _ = signature((batch,))
        theta = variable(block.theta.shape, "float", "theta")
        slots = {k: variable(v.shape, "float", k) for k, v in block.slots.items()}
        names = paths(unflatten(self.state_structure, block.state), "state")
        state = [variable(x.shape, "float", n) for x, n in zip(block.state, names, strict=True)]
        time, generator = variable((), "float", "t"), variable((), "generator", "generator")
        inputs = [variable(leaf[1], leaf[0], n) for leaf, n in zip(sig.leaves, paths(batch, "batch"), strict=True)]
        pieces, at = [], 0
        for shape in self.shapes:
            full = self._shape(shape, block)
            pieces.append(reshape(theta[at : at + math.prod(full)], full))
            at += math.prod(full)

        def one(p: Any, given: Any, b: Any, stream: Any) -> Any:
            run = Run(training=True, state=given, generator=stream)
            return self.loss(p, b, run), run.state

        step = value_and_grad(one, auxiliary=True)
        if self.replicas:
            step = replicated(step, (True, True, self.batch_replicas, True), block.hi - block.lo)
        (loss, new_state), gradient = step(
            unflatten(self.structure, pieces),
            unflatten(self.state_structure, state),
            unflatten(sig.structure, inputs)[0],
            generator,
        )
        g = concatenate([reshape(x, (-1,)) for x in flatten(gradient)[0]])
        new_theta, new_slots = self.optimiser.update(theta, g, slots, time)
        after, structure = flatten(new_state)
        if structure != self.state_structure:
            raise ModelError("the state after a step has another structure than before")
        outputs = [as_tensor(loss), new_theta, *(new_slots[k] for k in slots), *(as_tensor(x) for x in after)]
        graph = Graph((theta, *slots.values(), *state, time, generator, *inputs), tuple(outputs))
        made = prepare(graph, [t.attributes["name"] for t in graph.inputs], self.dtype)
        return made, {"theta": theta, "slots": slots, "state": state, "time": time}

    def compile(self, batch: Any) -> Program:
        """The compiled step (of the first block of replicas) for batches like this one."""
        return self._build(batch).programs[0]

    # --- running --------------------------------------------------------------------------------------

    def step(self, batch: Any) -> Any:
        """One update; returns the loss before it."""
        made = self._build(batch)
        self._time[...] = self.steps + 1
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            parts = [
                program.run(self.generator, *self._arrays(batch, block, made.types))[0]
                for program, block in zip(made.programs, self._blocks, strict=True)
            ]
        loss = np.concatenate(parts) if len(parts) > 1 else parts[0]
        self.steps += 1
        self.losses.append(loss)
        return loss

    def _arrays(self, batch: Any, block: _Block, types: Sequence[np.dtype[Any]]) -> list[Array]:
        leaves = flatten(self._part(batch, block))[0]
        return [np.asarray(x, kind, order="C") for x, kind in zip(leaves, types, strict=True)]

    def run(
        self,
        batches: Callable[[int], Any],
        steps: int,
        *,
        progress: Callable[[int, int, float], None] | None = None,
        checkpoint: str | Path | None = None,
        every: int = 1000,
    ) -> Training:
        """Train up to step number ``steps``.

        Parameters
        ----------
        batches : callable
            Batch of a step number.
        steps : int
            Total number of updates, those before a resumption included.
        progress : callable, optional
            ``progress(step, steps, mean loss)``, called about a hundred times; see :func:`print_progress`.
        checkpoint : path, optional
            File to which the run is saved every ``every`` steps and at the end, atomically.

        Raises
        ------
        NonFiniteError
            At the first step whose loss, parameters or state are not finite.
        """
        snapshot = self._snapshot()
        stride = max(1, steps // 100)
        while self.steps < steps:
            if self.steps - snapshot.steps >= SNAPSHOT:
                self._check(snapshot, batches)
                snapshot = self._snapshot()
            loss = self.step(batches(self.steps))
            if not np.isfinite(loss).all():
                self._check(snapshot, batches)
            if progress is not None and (self.steps % stride == 0 or self.steps == steps):
                progress(self.steps, steps, float(np.mean(loss)))
            if checkpoint is not None and (self.steps % every == 0 or self.steps == steps):
                self._check(snapshot, batches)  # what is not finite is never saved
                self.save(checkpoint)
        self._check(snapshot, batches)
        return self.result()

    def result(self) -> Training:
        """Parameters, state, slots and losses as they are now (copies)."""
        shape = (0, *self.shapes[0][:1]) if self.replicas else (0,)
        losses = np.array(self.losses, self.dtype) if self.losses else np.zeros(shape, self.dtype)
        state = [self._joined([b.state[i] for b in self._blocks]) for i in range(len(self.state_shapes))]
        slots = {k: self._tree([b.slots[k] for b in self._blocks]) for k in self.optimiser.slots}
        parameters = self._tree([b.theta for b in self._blocks])
        return Training(parameters, unflatten(self.state_structure, state), slots, losses)

    def _joined(self, parts: list[Array]) -> Array:
        return np.concatenate(parts) if self.replicas else parts[0].copy()

    def _tree(self, flat: list[Array]) -> Any:
        out = []
        at = [0] * len(flat)
        for shape in self.shapes:
            parts = []
            for i, (x, block) in enumerate(zip(flat, self._blocks, strict=True)):
                full = self._shape(shape, block)
                parts.append(x[at[i] : at[i] + math.prod(full)].reshape(full))
                at[i] += math.prod(full)
            out.append(self._joined(parts))
        return unflatten(self.structure, out)

    # --- failures -------------------------------------------------------------------------------------

    def _resident(self) -> list[Array]:
        return [x for block in self._blocks for x in block.resident]

    def _snapshot(self) -> _Snapshot:
        return _Snapshot(
            self.steps, [[x.copy() for x in b.resident] for b in self._blocks], self.generator.bit_generator.state
        )

    def _check(self, snapshot: _Snapshot, batches: Callable[[int], Any]) -> None:
        recent = self.losses[len(self.losses) - (self.steps - snapshot.steps) :]
        if not all(np.isfinite(x).all() for x in (*self._resident(), *recent)):
            raise self._located(snapshot, batches)

    def _located(self, snapshot: _Snapshot, batches: Callable[[int], Any]) -> NonFiniteError:
        # Replay from the snapshot, node by node, until a step's results are not finite.
        arrays = snapshot.arrays
        generator = np.random.Generator(np.random.SFC64(0))
        generator.bit_generator.state = snapshot.generator
        for step in range(snapshot.steps, self.steps):
            batch = batches(step)
            made = self._build(batch)
            time = np.array(step + 1, self.dtype)
            for i, (graph, block) in enumerate(zip(made.graphs, self._blocks, strict=True)):
                given = [*arrays[i], time, generator, *self._arrays(batch, block, made.types)]
                with np.errstate(all="ignore"):
                    values = graph.values(given, self.dtype)
                outputs = [values[t] for t in graph.outputs]
                found = None if all(np.isfinite(y).all() for y in outputs) else _first_failure(graph, values)
                if found is not None:
                    what = "NaN" if np.isnan(values[found]).any() else "an infinity"
                    return NonFiniteError(step, found.scope, _primitive(found), what)
                arrays[i] = outputs[1:]
        return NonFiniteError(self.steps - 1, "", "unknown primitive", "a value that is not finite")

    # --- checkpoints ----------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write everything that the run needs to go on, atomically."""
        save_checkpoint(path, self._layout(), self.steps, self._resident(), self.losses, self.generator)

    def load(self, path: str | Path) -> None:
        """Continue from a checkpoint of the same network and optimiser."""
        steps, arrays, losses, state = load_checkpoint(path, self._layout())
        for mine, saved in zip(self._resident(), arrays, strict=True):
            mine[...] = saved
        self.steps, self.losses = steps, list(losses)
        self.generator.bit_generator.state = state

    def _layout(self) -> list[str]:
        described = [f"{n}{list(s)}" for n, s in zip(self.names, self.shapes, strict=True)]
        blocks = [f"{b.lo}:{b.hi}" for b in self._blocks]
        return [*described, *self.optimiser.slots, *map(str, self.state_shapes), *blocks, self.dtype.name]


@dataclass(frozen=True)
class _Snapshot:
    """What a block of steps started from."""

    steps: int
    arrays: list[list[Any]]
    generator: Any


def _first_failure(graph: Graph, values: dict[Tensor, Any]) -> Tensor | None:
    """The first node that is not finite although what it reads is."""

    def fine(t: Tensor) -> bool:
        return t.kind == "generator" or bool(np.isfinite(values[t]).all())

    return next((t for t in graph.nodes if not fine(t) and all(fine(x) for x in t.inputs)), None)


def print_progress(step: int, steps: int, loss: float) -> None:
    """A ``progress`` for :func:`train`: one line that is rewritten on a terminal, a line for every tenth elsewhere."""
    text = f"step {step} of {steps}, loss {loss:.6g}"
    if sys.stderr.isatty():
        end = "\n" if step == steps else ""
        sys.stderr.write(f"\r{text}\x1b[K{end}")
    elif step == steps or step * 10 // steps != (step - max(1, steps // 100)) * 10 // steps:
        sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _primitive(t: Tensor) -> str:
    return t.attributes["function"].name if t.primitive == "scalar" else t.primitive


def train(
    loss: Callable[..., Any],
    parameters: Any,
    batches: Callable[[int], Any],
    *,
    optimiser: Optimiser,
    steps: int,
    state: Any = None,
    seed: int = 0,
    dtype: Any = np.float64,
    replicas: bool = False,
    batch_replicas: bool = False,
    backend: str = "numpy",
    progress: Callable[[int, int, float], None] | None = None,
    checkpoint: str | Path | None = None,
    every: int = 1000,
    resume: bool = False,
) -> Training:
    """Minimise a loss; see :class:`Trainer` for the arguments.

    Parameters
    ----------
    batches : callable
        Batch of a step number: a :class:`Batches`, or any function of it.
    resume : bool
        Continue from the checkpoint if the file exists.
    """
    trainer = Trainer(
        loss,
        parameters,
        optimiser,
        state=state,
        seed=seed,
        dtype=dtype,
        replicas=replicas,
        batch_replicas=batch_replicas,
        backend=backend,
    )
    if resume and checkpoint is not None and Path(checkpoint).exists():
        trainer.load(checkpoint)
    return trainer.run(batches, steps, progress=progress, checkpoint=checkpoint, every=every)
