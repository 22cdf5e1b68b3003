"""Training: the whole step, gradient and optimiser included, as one compiled program.

All parameters live in one flat vector, of which the network reads views, and so do the optimiser's slots; the
program updates them in place. What a step sees is a function of the seed and the step's number, so a run that
is resumed from a checkpoint continues bit for bit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from derivcheck.models.checkpoint import load_checkpoint, save_checkpoint
from derivcheck.models.compiler import Program, compile_graph, signature
from derivcheck.models.differentiate import value_and_grad
from derivcheck.models.errors import ModelError, NonFiniteError
from derivcheck.models.functional import concatenate, reshape
from derivcheck.models.graph import Graph, as_kind
from derivcheck.models.layers.base import Run
from derivcheck.models.optimisers import Optimiser
from derivcheck.models.replicate import replicated
from derivcheck.models.tensor import Array, Tensor, as_tensor, variable
from derivcheck.models.tree import flatten, map_tree, paths, unflatten

__all__ = ["Batches", "Trainer", "Training", "train"]

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


class Batches:
    """Batches of a data set as a function of the step's number.

    Parameters
    ----------
    data : tree of arrays
        With examples along the first axis.
    size : int
        Examples in a batch.
    seed : int
    replacement : bool
        Draw every batch independently with replacement, instead of going through a random permutation in each
        epoch (whose last, incomplete batch is left out).
    """

    def __init__(self, data: Any, size: int, seed: int = 0, replacement: bool = False) -> None:
        counts = {len(x) for x in flatten(data)[0]}
        if len(counts) != 1:
            raise ModelError(f"all arrays of a data set have one number of examples, not {sorted(counts)}")
        self.data, self.size, self.seed, self.replacement = data, size, seed, replacement
        self.count = counts.pop()
        if not 0 < size <= self.count and not replacement:
            raise ModelError(f"a batch of {size} cannot be drawn from {self.count} examples without replacement")

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return max(1, self.count // self.size)

    def indices(self, step: int) -> Array:
        """Which examples the batch of this step holds."""
        if self.replacement:
            return np.random.default_rng((self.seed, step)).integers(0, self.count, self.size)
        epoch, place = divmod(step, self.per_epoch)
        return _permutation(self.seed, epoch, self.count)[place * self.size : (place + 1) * self.size]

    def __call__(self, step: int) -> Any:
        rows = self.indices(step)
        return map_tree(lambda x: x[rows], self.data)


@functools.lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, count: int) -> Array:
    return np.random.default_rng((seed, epoch)).permutation(count)


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
    ) -> None:
        self.loss, self.optimiser, self.dtype = loss, optimiser, np.dtype(dtype)
        self.replicas, self.batch_replicas = replicas, batch_replicas
        leaves, self.structure = flatten(parameters)
        self.names = paths(parameters)
        self.shapes = [np.shape(x) for x in leaves]
        self.theta = np.concatenate([np.ravel(x) for x in leaves]).astype(self.dtype)
        self.slots = {name: np.zeros_like(self.theta) for name in optimiser.slots}
        state_leaves, self.state_structure = flatten({} if state is None else state)
        self.state_arrays = [np.array(x, self.dtype) for x in state_leaves]
        self.generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, 0x5EED))))
        self.steps = 0
        self.losses: list[Any] = []
        self._programs: dict[Any, tuple[Program, Graph]] = {}
        self._kinds: dict[Any, tuple[Program, list[np.dtype[Any]]]] = {}
        self._time = np.zeros((), self.dtype)

    # --- building the step ----------------------------------------------------------------------------

    def _build(self, batch: Any) -> tuple[Program, Graph]:
        sig, _ = signature((batch,))
        if sig in self._programs:
            return self._programs[sig]
        theta = variable(self.theta.shape, "float", "theta")
        slots = {k: variable(v.shape, "float", k) for k, v in self.slots.items()}
        state_names = paths(unflatten(self.state_structure, self.state_arrays), "state")
        state = [variable(x.shape, "float", n) for x, n in zip(self.state_arrays, state_names, strict=True)]
        time = variable((), "float", "t")
        generator = variable((), "generator", "generator")
        inputs = [variable(leaf[1], leaf[0], n) for leaf, n in zip(sig.leaves, paths(batch, "batch"), strict=True)]

        pieces, at = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape, dtype=np.int64))
            pieces.append(reshape(theta[at : at + size], shape))
            at += size

        def one(p: Any, given: Any, b: Any, stream: Any) -> Any:
            run = Run(training=True, state=given, generator=stream)
            return self.loss(p, b, run), run.state

        differentiated = value_and_grad(one, auxiliary=True)
        if self.replicas:
            count = self.shapes[0][0]
            differentiated = replicated(differentiated, (True, True, self.batch_replicas, True), count)
        batch_tree = unflatten(sig.structure, inputs)[0]
        (loss, new_state), gradient = differentiated(
            unflatten(self.structure, pieces), unflatten(self.state_structure, state), batch_tree, generator
        )
        g = concatenate([reshape(x, (-1,)) for x in flatten(gradient)[0]])
        new_theta, new_slots = self.optimiser.update(theta, g, slots, time)
        after, structure = flatten(new_state)
        if structure != self.state_structure:
            raise ModelError("the state after a step has another structure than before")
        outputs = [as_tensor(loss), new_theta, *(new_slots[k] for k in slots), *(as_tensor(x) for x in after)]
        graph = Graph((theta, *slots.values(), *state, time, generator, *inputs), tuple(outputs))
        resident = {theta: self.theta, time: self._time}
        resident |= {v: self.slots[k] for k, v in slots.items()}
        resident |= dict(zip(state, self.state_arrays, strict=True))
        updates: dict[int, Tensor] = {1: theta}
        updates |= {2 + i: v for i, v in enumerate(slots.values())}
        updates |= {2 + len(slots) + i: v for i, v in enumerate(state)}
        names = [t.attributes["name"] for t in graph.inputs]
        program = compile_graph(graph, names, self.dtype, resident, updates)
        self._programs[sig] = program, graph
        return self._programs[sig]

    def compile(self, batch: Any) -> Program:
        """The compiled step for batches like this one."""
        return self._build(batch)[0]

    # --- running --------------------------------------------------------------------------------------

    def step(self, batch: Any) -> Any:
        """One update; returns the loss before it."""
        flat, structure = flatten(batch)
        key = structure, *((np.shape(x), getattr(x, "dtype", float)) for x in flat)
        if key not in self._kinds:
            program, _ = self._build(batch)
            types = {"float": self.dtype, "int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}
            self._kinds[key] = program, [types[leaf[0]] for leaf in signature((batch,))[0].leaves]
        program, kinds = self._kinds[key]
        arrays = [np.asarray(x, kind, order="C") for x, kind in zip(flat, kinds, strict=True)]
        self._time[...] = self.steps + 1
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            (loss,) = program.run(self.generator, *arrays)
        self.steps += 1
        self.losses.append(loss)
        return loss

    def _arrays(self, batch: Any) -> list[Array]:
        sig, flat = signature((batch,))
        return [
            np.ascontiguousarray(as_kind(x, leaf[0], self.dtype)).reshape(leaf[1])
            for x, leaf in zip(flat, sig.leaves, strict=True)
        ]

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
            ``progress(step, steps, mean loss)``, called about a hundred times.
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
            if self.steps - snapshot["steps"] >= SNAPSHOT:
                self._check(snapshot, batches)
                snapshot = self._snapshot()
            loss = self.step(batches(self.steps))
            if not np.isfinite(loss).all():
                self._check(snapshot, batches)
            if progress is not None and (self.steps % stride == 0 or self.steps == steps):
                progress(self.steps, steps, float(np.mean(loss)))
            if checkpoint is not None and (self.steps % every == 0 or self.steps == steps):
                self.save(checkpoint)
        self._check(snapshot, batches)
        return self.result()

    def result(self) -> Training:
        """Parameters, state, slots and losses as they are now (copies)."""
        shape = (0, *self.shapes[0][:1]) if self.replicas else (0,)
        losses = np.array(self.losses, self.dtype) if self.losses else np.zeros(shape, self.dtype)
        state = unflatten(self.state_structure, [x.copy() for x in self.state_arrays])
        return Training(self._tree(self.theta), state, {k: self._tree(v) for k, v in self.slots.items()}, losses)

    def _tree(self, flat: Array) -> Any:
        out, at = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape, dtype=np.int64))
            out.append(flat[at : at + size].reshape(shape).copy())
            at += size
        return unflatten(self.structure, out)

    # --- failures -------------------------------------------------------------------------------------

    def _resident(self) -> list[Array]:
        return [self.theta, *self.slots.values(), *self.state_arrays]

    def _snapshot(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "arrays": [x.copy() for x in self._resident()],
            "generator": self.generator.bit_generator.state,
        }

    def _check(self, snapshot: dict[str, Any], batches: Callable[[int], Any]) -> None:
        recent = self.losses[len(self.losses) - (self.steps - snapshot["steps"]) :]
        if all(np.isfinite(x).all() for x in (*self._resident(), *recent)):
            return
        raise self._located(snapshot, batches)

    def _located(self, snapshot: dict[str, Any], batches: Callable[[int], Any]) -> NonFiniteError:
        # Replay from the snapshot, node by node, until a step's results are not finite.
        arrays = snapshot["arrays"]
        generator = np.random.Generator(np.random.SFC64(0))
        generator.bit_generator.state = snapshot["generator"]
        for step in range(snapshot["steps"], self.steps):
            batch = batches(step)
            _, graph = self._build(batch)
            time = np.array(step + 1, self.dtype)
            with np.errstate(all="ignore"):
                values = graph.values([*arrays, time, generator, *self._arrays(batch)], self.dtype)
            outputs = [values[t] for t in graph.outputs]
            if not all(np.isfinite(y).all() for y in outputs):
                for t in graph.nodes:
                    inputs_fine = all(x.kind == "generator" or np.isfinite(values[x]).all() for x in t.inputs)
                    if t.kind != "generator" and inputs_fine and not np.isfinite(values[t]).all():
                        what = "NaN" if np.isnan(values[t]).any() else "an infinity"
                        return NonFiniteError(step, t.scope, _primitive(t), what)
            arrays = outputs[1:]
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
        return [*described, *self.slots, *(str(x.shape) for x in self.state_arrays), self.dtype.name]


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
    )
    if resume and checkpoint is not None and Path(checkpoint).exists():
        trainer.load(checkpoint)
    return trainer.run(batches, steps, progress=progress, checkpoint=checkpoint, every=every)
