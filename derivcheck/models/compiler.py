"""From a Python function of tensors to one NumPy function.

>>> import numpy as np
>>> from derivcheck.models import compile, functional as F, grad
>>> loss = lambda w, x: F.mean(F.square(F.tanh(x @ w)))
>>> gradient = compile(grad(loss))
>>> gradient(np.ones((3, 2)), np.eye(3)).shape
(3, 2)
>>> print(gradient.source.splitlines()[0])
def run(w, x):
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derivcheck.models.blas_threads import one_thread_if_small
from derivcheck.models.compiled_backend import machine_for
from derivcheck.models.cost import Cost, cost_of
from derivcheck.models.errors import CompileError, ShapeError
from derivcheck.models.graph import Graph, as_kind
from derivcheck.models.passes.band import band
from derivcheck.models.passes.batch import batch
from derivcheck.models.passes.emit import Emitted, emit
from derivcheck.models.passes.fuse import Group, fuse
from derivcheck.models.passes.gather import gather_products, gather_slices
from derivcheck.models.passes.host import host_nodes
from derivcheck.models.passes.inner import inner
from derivcheck.models.passes.interleave import interleave
from derivcheck.models.passes.lower import lower
from derivcheck.models.passes.machine import compilable
from derivcheck.models.passes.mask import mask
from derivcheck.models.passes.merge import merge
from derivcheck.models.passes.nest import nest
from derivcheck.models.passes.orient import orient, untranspose
from derivcheck.models.passes.plan import Plan, Slots, plan
from derivcheck.models.passes.simplify import simplify
from derivcheck.models.passes.sink import sink
from derivcheck.models.passes.slab import slab
from derivcheck.models.replicate import flags_for, replicated
from derivcheck.models.tensor import Array, Tensor, as_tensor, variable
from derivcheck.models.tree import Structure, flatten, paths, unflatten

__all__ = ["Compiled", "Program", "compile", "compile_graph", "optimise", "prepare", "trace"]

BACKENDS = ("numpy", "numba")

DTYPES = frozenset(map(np.dtype, (np.float32, np.float64, np.complex64, np.complex128)))

#: Bytes that a block of replicas may occupy: about a core's second-level cache.
REPLICA_BYTES = 1 << 21


# --- tracing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signature:
    """What a program is specialised to: the arguments' structure, shapes and kinds, and static values."""

    structure: Structure
    leaves: tuple[tuple[Any, ...], ...]


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
    return _trace(function, sig, flat, argument_names(function, arguments))


def _trace(
    function: Callable[..., Any], sig: Signature, flat: Sequence[Any], names: Sequence[str]
) -> tuple[Graph, Structure, list[str]]:
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


# --- the pipeline --------------------------------------------------------------------------------------------


def optimise(graph: Graph, dtype: Any = np.float64, backend: str = "numpy") -> dict[str, Graph]:
    """The graph after every pass that maps a graph to a graph, by the pass's name."""
    analytic = np.issubdtype(np.dtype(dtype), np.complexfloating)
    out = {"drawn": graph}
    out["lower"] = graph = lower(graph, stable=not analytic)
    # Merging lets local identities see equal operands; simplifying makes more nodes equal.
    out["simplify"] = graph = simplify(merge(simplify(graph)))
    if backend == "numpy":  # loops in machine code do not mind short rows
        out["interleave"] = graph = _if_changed(graph, interleave(graph), simplify)
    out["sink"] = graph = _if_changed(graph, sink(orient(graph)), simplify)
    out["gather"] = graph = gather_products(merge(simplify(gather_slices(merge(graph)))))
    out["merge"] = graph = merge(simplify(graph))
    out["inner"] = graph = _if_changed(graph, inner(graph), lambda g: merge(simplify(g)))
    out["band"] = graph = _if_changed(graph, band(graph), lambda g: merge(simplify(g)))
    out["mask"] = graph = mask(graph)
    out["slab"] = graph = slab(graph, np.dtype(dtype).itemsize)
    out["batch"] = untranspose(batch(graph))
    return out


def _if_changed(before: Graph, after: Graph, then: Callable[[Graph], Graph]) -> Graph:
    return before if after is before else then(after)


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled graph of fixed shapes.

    Attributes
    ----------
    graphs : dict
        The graph after each pass, by name: ``"drawn"``, ``"lower"``, ``"simplify"``, ``"interleave"``, ``"sink"``,
        ``"gather"``, ``"merge"``, ``"inner"``, ``"band"``, ``"mask"``,
        ``"slab"``, ``"batch"``.
    groups : tuple of Group
        Schedule.
    plan : Plan
    emitted : Emitted
    run : callable
        Of the inputs' arrays (C-contiguous, of the right types); returns a tuple of arrays. Not re-entrant:
        the workspace is the program's own.
    """

    graphs: dict[str, Graph]
    groups: tuple[Group, ...]
    plan: Plan
    emitted: Emitted
    run: Callable[..., tuple[Array, ...]]

    @property
    def source(self) -> str:
        """The emitted text: the NumPy function, after the functions that the compiled backend runs, if any."""
        return "\n\n".join((*self.emitted.parts, self.emitted.source))

    @property
    def graph(self) -> Graph:
        """The graph as compiled, after all passes."""
        return self.graphs["batch"]

    def cost(self) -> Cost:
        """Floating-point operations and bytes of one call."""
        return cost_of(self.groups, self.graph.outputs, self.plan.dtype.itemsize, self.plan.workspace)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A graph after all passes that do not depend on where its arrays are.

    Attributes
    ----------
    graphs, groups
        As in :class:`Program`.
    host : frozenset
        Scalars computed as Python floats.
    names : tuple of str
        Of the inputs.
    dtype : numpy.dtype
    backend : {"numpy", "numba"}
        Whether fused groups are NumPy lines or compiled loops.
    """

    graphs: dict[str, Graph]
    groups: tuple[Group, ...]
    host: frozenset[Tensor]
    names: tuple[str, ...]
    dtype: np.dtype[Any]
    backend: str

    def program(
        self,
        resident: dict[Tensor, Array] | None = None,
        updates: dict[int, Tensor] | None = None,
        slots: Slots | None = None,
    ) -> Program:
        """Plan memory and emit.

        Parameters
        ----------
        resident : dict, optional
            Inputs that live in the program (they are no arguments of ``run``), with their arrays.
        updates : dict, optional
            Output position → resident input that takes its value at the end of every call; such outputs are not
            returned.
        slots : Slots, optional
            Workspace shared with other programs, which then must not run at the same time.
        """
        final, slots = self.graphs["batch"], slots or Slots()
        if self.backend == "numba" and self.dtype.kind == "f":
            groups = nest(final, self.groups)
            arguments = final, groups, self.dtype, resident, updates, self.host
            size = plan(*arguments, Slots(), compilable).workspace
            planned = plan(*arguments, slots.within(size), compilable)
            emitted = emit(planned, self.names, updates, machine_for(self.dtype))
        else:
            planned = plan(final, self.groups, self.dtype, resident, updates, self.host, slots)
            emitted = emit(planned, self.names, updates)
        # The text is this module's own: it holds names that `emit` made and numbers, nothing that a user wrote.
        names_in_force = dict(emitted.names)
        exec(builtins.compile(emitted.source, "<derivcheck.models>", "exec"), names_in_force)
        run = one_thread_if_small(names_in_force["run"], final.nodes)
        return Program(self.graphs, self.groups, planned, emitted, run)


def prepare(graph: Graph, names: Sequence[str], dtype: Any = np.float64, backend: str = "numpy") -> Prepared:
    """Run the passes that map graphs to graphs, and schedule."""
    if backend not in BACKENDS:
        raise CompileError(f"the backend is 'numpy' or 'numba', not {backend!r}")
    graphs = optimise(graph, dtype, backend)
    final = graphs["batch"]
    complex_step = np.issubdtype(np.dtype(dtype), np.complexfloating)
    host = frozenset[Tensor]() if complex_step else host_nodes(final)
    return Prepared(graphs, fuse(final, host), host, tuple(names), np.dtype(dtype), backend)


def compile_graph(graph: Graph, names: Sequence[str], dtype: Any = np.float64, backend: str = "numpy") -> Program:
    """All passes; ``names`` are those of the inputs, ``dtype`` is the NumPy type of the float kind."""
    return prepare(graph, names, dtype, backend).program()


class Compiled:
    """A function compiled at its first call for every new signature of arguments.

    Made by :func:`compile`. The attributes below belong to the signature that was called last.

    Attributes
    ----------
    program : Program
    source : str
        The emitted NumPy function.
    graph : Graph
        After all passes; ``graphs`` has those in between.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        dtype: Any,
        replicas: Sequence[Any] | None,
        count: int | None,
        block: int | None,
        backend: str,
    ) -> None:
        self._function, self._dtype, self._backend = function, np.dtype(dtype), backend
        if self._dtype not in DTYPES:
            raise CompileError(f"float32, float64 or a complex type, not {self._dtype}")
        self._complex_step = self._dtype.kind == "c"
        if (count is not None and count < 1) or (block is not None and block < 1):
            raise CompileError(f"the number of replicas, and of those in a block, is at least 1, not {count}, {block}")
        self._replicas, self._count, self._block = replicas, count, block
        self._programs: dict[Signature, tuple[Program, Structure]] = {}
        self._blocks: dict[Signature, int] = {}
        self._last: Program | None = None

    @property
    def program(self) -> Program:
        """The program that ran last."""
        if self._last is None:
            raise CompileError("shapes are known at the first call: call it once, or use specialise(*arguments)")
        return self._last

    @property
    def source(self) -> str:
        """The emitted NumPy function."""
        return self.program.source

    @property
    def graph(self) -> Graph:
        """The graph as compiled."""
        return self.program.graph

    @property
    def graphs(self) -> dict[str, Graph]:
        """The graph after every pass, by the pass's name."""
        return self.program.graphs

    def cost(self) -> Cost:
        """Floating-point operations and bytes of one call (of one block, if there are replicas)."""
        return self.program.cost()

    def specialise(self, *arguments: Any) -> Program:
        """Compile for arguments like these without running."""
        if self._replicas is None:
            sig, flat = signature(arguments, self._complex_step)
            self._last = self._program(self._function, sig, flat, arguments)[0]
            return self._last
        replicas = _Replicas(self, arguments)
        self._last = replicas.program(replicas.block)[0]
        return self._last

    def __call__(self, *arguments: Any) -> Any:
        """Run; arrays are converted to the compiled float type, results are new arrays."""
        if self._replicas is not None:
            return _Replicas(self, arguments).run()
        sig, flat = signature(arguments, self._complex_step)
        program, structure = self._program(self._function, sig, flat, arguments)
        self._last = program
        with _quiet():
            return unflatten(structure, program.run(*self._ready(sig, flat)))

    def _program(
        self, function: Callable[..., Any], sig: Signature, flat: Sequence[Any], arguments: tuple[Any, ...]
    ) -> tuple[Program, Structure]:
        if sig not in self._programs:
            graph, structure, names = _trace(function, sig, flat, argument_names(self._function, arguments))
            self._programs[sig] = compile_graph(graph, names, self._dtype, self._backend), structure
        return self._programs[sig]

    def _ready(self, sig: Signature, flat: Sequence[Any]) -> list[Any]:
        """What a program takes: contiguous arrays of the right types, and generators."""
        ready = []
        for (kind, *_), x in zip(sig.leaves, flat, strict=True):
            if kind == "generator":
                ready.append(x)
            elif kind != "static":
                ready.append(np.ascontiguousarray(as_kind(x, kind, self._dtype)).reshape(np.shape(x)))
        return ready


def _quiet() -> np.errstate:
    """What overflows inside a program shows in its results, or is harmless there."""
    return np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")


def even_block(count: int, most: int) -> int:
    """Size of a block of replicas: one that divides their number needs no second program for the rest."""
    most = max(1, min(count, most))
    return next((size for size in range(most, most // 2, -1) if count % size == 0), most)


class _Replicas:
    """One call over replicas, block by block."""

    def __init__(self, owner: Compiled, arguments: tuple[Any, ...]) -> None:
        assert owner._replicas is not None
        self.owner, self.arguments = owner, arguments
        self.sig, self.flat = signature(arguments, owner._complex_step)
        flags = flags_for(owner._replicas, arguments)
        kinds = [leaf[0] for leaf in self.sig.leaves]
        #: For each leaf, whether its array is cut into blocks.
        self.cut = [f and k not in ("generator", "static") for f, k in zip(flags, kinds, strict=True)]
        counts = {np.shape(x)[0] if np.ndim(x) else 0 for x, cut in zip(self.flat, self.cut, strict=True) if cut}
        if owner._count is not None:
            counts.add(owner._count)
        if len(counts) != 1 or 0 in counts:
            raise ShapeError("replicas", "one number of replicas for all replicated arguments", f"{sorted(counts)}")
        self.count = counts.pop()

    @cached_property
    def block(self) -> int:
        """Replicas in a block: as many as fit the cache."""
        if self.owner._block is not None:
            return min(self.owner._block, self.count)
        if self.sig not in self.owner._blocks:
            probe, _ = self.program(min(2, self.count))
            inputs = sum(t.size for t in probe.graph.inputs)
            each = (probe.plan.workspace + inputs * self.owner._dtype.itemsize) / min(2, self.count)
            self.owner._blocks[self.sig] = even_block(self.count, int(REPLICA_BYTES // max(each, 1)))
        return self.owner._blocks[self.sig]

    def program(self, size: int) -> tuple[Program, Structure]:
        """The program for a block of this many replicas."""
        owner = self.owner
        assert owner._replicas is not None
        leaves = [
            (leaf[0], (size, *leaf[1][1:])) if cut else leaf
            for leaf, cut in zip(self.sig.leaves, self.cut, strict=True)
        ]
        # Without replicated arrays the shapes do not tell the size of the block.
        key = Signature(self.sig.structure, (*leaves, ("replicas", size)))
        if key not in owner._programs:
            function = replicated(owner._function, owner._replicas, size)
            names = argument_names(owner._function, self.arguments)
            graph, structure, used = _trace(function, Signature(self.sig.structure, tuple(leaves)), self.flat, names)
            owner._programs[key] = compile_graph(graph, used, owner._dtype, owner._backend), structure
        return owner._programs[key]

    def run(self) -> Any:
        program, structure = self.program(self.block)
        self.owner._last = program
        ready = self.owner._ready(self.sig, self.flat)
        cut = [c for c, leaf in zip(self.cut, self.sig.leaves, strict=True) if leaf[0] != "static"]
        with _quiet():
            if self.block == self.count:
                return unflatten(structure, program.run(*ready))
            results: list[Array] = []
            for lo in range(0, self.count, self.block):
                hi = min(lo + self.block, self.count)
                if hi - lo < self.block:
                    program, _ = self.program(hi - lo)
                values = program.run(*(x[lo:hi] if c else x for x, c in zip(ready, cut, strict=True)))
                if not results:
                    results = [np.empty((self.count, *y.shape[1:]), y.dtype) for y in values]
                for whole, y in zip(results, values, strict=True):
                    whole[lo:hi] = y
        return unflatten(structure, results)


def compile(
    function: Callable[..., Any],
    *,
    dtype: Any = np.float64,
    replicas: Sequence[Any] | None = None,
    count: int | None = None,
    block: int | None = None,
    backend: str = "numpy",
) -> Compiled:
    """Compile a function of tensors to NumPy.

    Parameters
    ----------
    function : callable
        Of tensors or trees (nested ``dict``, ``list``, ``tuple``) of tensors, returning a tree of tensors. Strings,
        booleans and ``None`` among the arguments are static. A ``numpy.random.Generator`` argument is a stream
        of random numbers for :func:`~derivcheck.models.functional.normal` and its like.
    dtype : {float32, float64, complex128}
        Type of all floating-point numbers; complex for complex-step derivatives.
    replicas : sequence of bool (or trees of bool), optional
        For each argument whether its arrays carry a leading axis of replicas. Every result then has that axis too.
    count : int, optional
        Number of replicas where no array tells it (all of their randomness comes from a generator).
    block : int, optional
        Replicas that run at once; by default as many as fit the cache.
    backend : {"numpy", "numba"}
        ``"numba"`` runs fused elementwise groups as machine code, which is kept on disk between runs.

    Returns
    -------
    Compiled
        Called like the function, with arrays. Results are new arrays: they alias neither the arguments nor
        later results.
    """
    return Compiled(function, dtype, replicas, count, block, backend)
