"""The run: step after step, with progress, checkpoints and checks that every number is finite."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from derivcheck.models.checkpoint import Checkpoint, load_checkpoint, require_writable, save_checkpoint
from derivcheck.models.errors import ModelError, ShapeError
from derivcheck.models.optimisers import Optimiser, require_optimiser
from derivcheck.models.passes.plan import Slots
from derivcheck.models.program import Program
from derivcheck.models.tensor import Array
from derivcheck.models.tracing import signature
from derivcheck.models.training.failure import Snapshot, located
from derivcheck.models.training.interruption import Interrupted, Interruption
from derivcheck.models.training.layout import Block, Layout
from derivcheck.models.training.progress import print_progress
from derivcheck.models.training.step import Drawn, Step, draw
from derivcheck.models.tree import Structure, flatten, map_tree

__all__ = ["Trainer", "Training", "train"]

#: Steps between the copies from which a step that fails is replayed.
SNAPSHOT = 200

Progress = Callable[[int, int, float], None] | bool | None


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

    def svg(self, logarithmic: bool = False) -> str:
        """The curve of the loss (the median of replicas), as SVG text."""
        from derivcheck.models.render import curves_svg

        return curves_svg({"loss": self.losses}, logarithmic=logarithmic)

    def _repr_svg_(self) -> str:
        return self.svg()


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
        require_optimiser(optimiser)
        _require_three_arguments(loss)
        self.loss, self.optimiser, self.dtype = loss, optimiser, np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ModelError(f"training runs in float32 or float64, not {self.dtype}")
        if batch_replicas and not replicas:
            raise ModelError("batch_replicas=True gives every replica its own batch: it needs replicas=True")
        self.batch_replicas, self.backend = batch_replicas, backend
        state = {} if state is None else state
        self.layout = Layout.of(parameters, state, replicas, self.dtype)
        self.generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, 0x5EED))))
        self.steps = 0
        self.losses: list[Any] = []
        self._time = np.zeros((), self.dtype)
        self._steps: dict[Any, Step] = {}
        self._last: Step | None = None  # if its batch was a tuple of arrays
        self._fingerprints: dict[str, str] = {}
        self._blocks = self.layout.blocks(parameters, state, optimiser.slots, block)

    def _part(self, batch: Any, block: Block) -> Any:
        return map_tree(lambda x: x[block.lo : block.hi], batch) if self.batch_replicas else batch

    # --- building the step ----------------------------------------------------------------------------

    def _build(self, batch: Any) -> Step:
        return self._step_for(batch, *flatten(batch))

    def _step_for(self, batch: Any, flat: Sequence[Any], structure: Structure) -> Step:
        """The step for batches like this one, whose leaves and structure these are."""
        key = structure, *map(_type, flat)
        made = self._steps.get(key)
        if made is not None:
            return made
        if self.batch_replicas and any(np.shape(x)[:1] != (self._blocks[-1].hi,) for x in flat):
            # Slices would leave out what is too much.
            shapes = " and ".join(str(np.shape(x)) for x in flat)
            raise ShapeError("batch", f"{self._blocks[-1].hi} replicas along the first axis", shapes)
        made = self._made(batch)
        self._require_same([made], self._fingerprints)
        self._steps[key] = made
        return made

    def _made(self, batch: Any) -> Step:
        drawn: dict[int, Drawn] = {}
        slots = Slots()
        programs, graphs = [], []
        for block in self._blocks:
            size = block.hi - block.lo
            if size not in drawn:
                part = self._part(batch, block)
                drawn[size] = draw(
                    self.loss, self.optimiser, self.layout, part, self.batch_replicas, block, self.backend
                )
            one = drawn[size]
            resident = dict(zip(one.changed, block.resident, strict=True)) | {one.time: self._time}
            programs.append(one.prepared.program(resident, dict(enumerate(one.changed, 1)), slots))
            graphs.append(one.prepared.graphs["drawn"])
        kinds = {"float": self.dtype, "int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}
        sig, _ = signature((batch,))
        types = [(leaf[1], kinds[leaf[0]]) for leaf in sig.leaves]
        return Step(repr(sig), graphs, programs, types, len(self.layout.state_shapes))

    def compile(self, batch: Any) -> Program:
        """The compiled step (of the first block of replicas) for batches like this one."""
        return self._build(batch).programs[0]

    # --- running --------------------------------------------------------------------------------------

    def step(self, batch: Any) -> Any:
        """One update; returns the loss before it."""
        made = self._last
        if made is not None and made.takes(batch):
            flat = batch
        else:
            leaves, structure = flatten(batch)
            made = self._step_for(batch, leaves, structure)
            flat = made.converted(leaves)
            self._last = made if type(batch) is tuple and structure.is_row else None
        self._time[()] = self.steps + 1
        if self.batch_replicas:
            parts = [
                program.run(self.generator, *(x[block.lo : block.hi] for x in flat))[0]
                for program, block in zip(made.programs, self._blocks, strict=True)
            ]
        else:
            parts = [program.run(self.generator, *flat)[0] for program in made.programs]
        loss = np.concatenate(parts) if len(parts) > 1 else parts[0]
        self.steps += 1
        self.losses.append(loss)
        return loss

    def run(
        self,
        batches: Callable[[int], Any],
        steps: int,
        *,
        progress: Progress = None,
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
        progress : callable or bool, optional
            ``progress(step, steps, mean loss)``, called about a hundred times; ``True`` is :func:`print_progress`.
        checkpoint : path, optional
            File to which the run is saved every ``every`` steps, at the end and at Ctrl-C, atomically.

        Raises
        ------
        NonFiniteError
            At the first step whose loss, parameters or state are not finite.
        Interrupted
            At Ctrl-C, after the step that was running; its ``training`` holds what was reached.
        """
        if not callable(batches):
            raise ModelError("batches is a function of the step number: Batches(data, size), or lambda step: batch")
        if self.steps > steps:
            raise ModelError(f"{self.steps} steps are made already, more than the {steps} that are asked for")
        if every < 1:
            raise ModelError(f"a checkpoint is written every 1 or more steps, not every {every}")
        if checkpoint is not None:
            require_writable(checkpoint)
        report = print_progress if progress is True else progress or None
        snapshot = Snapshot.take(self.steps, self._blocks, self.generator)
        stride = max(1, steps // 100)
        with Interruption() as interruption:
            while self.steps < steps:
                if self.steps - snapshot.steps >= SNAPSHOT:
                    self._check(snapshot, batches)
                    snapshot = Snapshot.take(self.steps, self._blocks, self.generator)
                loss = self.step(batches(self.steps))
                if not np.isfinite(loss).all():
                    self._check(snapshot, batches)
                if report is not None and (self.steps % stride == 0 or self.steps == steps):
                    report(self.steps, steps, float(np.mean(loss)))
                if checkpoint is not None and (self.steps % every == 0 or self.steps == steps):
                    self._check(snapshot, batches)  # what is not finite is never saved
                    self.save(checkpoint)
                if interruption.requested:
                    self._check(snapshot, batches)
                    raise self._interrupted(steps, checkpoint)
        self._check(snapshot, batches)
        return self.result()

    def _interrupted(self, steps: int, checkpoint: str | Path | None) -> Interrupted:
        saved = "the exception's attribute `training` holds what was reached"
        if checkpoint is not None:
            self.save(checkpoint)
            saved = f"saved to {checkpoint}"
        return Interrupted(self.result(), f"stopped after step {self.steps} of {steps}; {saved}")

    def result(self) -> Training:
        """Parameters, state, slots and losses as they are now (copies)."""
        shape = (0, *self.layout.shapes[0][:1]) if self.layout.replicas else (0,)
        losses = np.array(self.losses, self.dtype) if self.losses else np.zeros(shape, self.dtype)
        layout, blocks = self.layout, self._blocks
        slots = {k: layout.tree([b.slots[k] for b in blocks], blocks) for k in self.optimiser.slots}
        return Training(layout.tree([b.theta for b in blocks], blocks), layout.state(blocks), slots, losses)

    # --- failures -------------------------------------------------------------------------------------

    def _resident(self) -> list[Array]:
        return [x for block in self._blocks for x in block.resident]

    def _check(self, snapshot: Snapshot, batches: Callable[[int], Any]) -> None:
        recent = self.losses[len(self.losses) - (self.steps - snapshot.steps) :]
        if all(np.isfinite(x).all() for x in (*self._resident(), *recent)):
            return

        def prepared(step: int) -> tuple[Step, Callable[[Block], list[Array]]]:
            batch = batches(step)
            made = self._build(batch)
            return made, lambda block: made.converted(flatten(self._part(batch, block))[0])

        raise located(snapshot, self.steps, self.layout, self._blocks, prepared)

    # --- checkpoints ----------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write everything that the run needs to go on, atomically."""
        known = self._fingerprints | {made.signature: made.fingerprint for made in self._steps.values()}
        state = self.generator.bit_generator.state
        run = Checkpoint(self._described(), known, self.steps, self._resident(), self.losses, dict(state))
        save_checkpoint(path, run)

    def load(self, path: str | Path) -> None:
        """Continue from a checkpoint of the same network and optimiser."""
        run = load_checkpoint(path, self._described())
        self._require_same(self._steps.values(), run.fingerprints)
        for mine, saved in zip(self._resident(), run.arrays, strict=True):
            mine[...] = saved
        self.steps, self.losses, self._fingerprints = run.steps, list(run.losses), run.fingerprints
        self.generator.bit_generator.state = run.generator

    def _require_same(self, made: Iterable[Step], saved: dict[str, str]) -> None:
        # Parameters of the same shapes may belong to another network.
        if any(step.fingerprint != saved.get(step.signature, step.fingerprint) for step in made):
            raise ModelError("the checkpoint is one of another network: its loss is another function of the parameters")

    def _described(self) -> list[str]:
        return [*self.layout.described(self._blocks), *self.optimiser.kinds]


def _type(x: Any) -> tuple[Any, ...]:
    return (x.shape, x.dtype) if type(x) is np.ndarray else (np.shape(x), getattr(x, "dtype", float))


def _require_three_arguments(loss: Callable[..., Any]) -> None:
    try:
        inspect.signature(loss).bind(None, None, None)
    except ValueError:  # a callable that does not tell
        return
    except TypeError as error:
        raise ModelError(f"the loss is a function of (parameters, batch, run): {error}") from error


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
    progress: Progress = None,
    checkpoint: str | Path | None = None,
    every: int = 1000,
    resume: bool = False,
) -> Training:
    """Minimise a loss; see :class:`Trainer` for the arguments, and :meth:`Trainer.run`.

    Parameters
    ----------
    batches : callable
        Batch of a step number: a :class:`Batches`, or any function of it.
    resume : bool
        Continue from the checkpoint if the file exists.
    """
    if resume and checkpoint is None:
        raise ModelError("resume=True continues from a file: name it with checkpoint=")
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
