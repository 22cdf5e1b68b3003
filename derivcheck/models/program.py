"""From a graph to a program: all passes, memory, text.

:func:`optimise` runs the passes that map a graph to a graph, in their order; :func:`prepare` schedules what they leave;
:meth:`Prepared.program` plans memory and emits.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from derivcheck.models.blas_threads import one_thread_if_small, spare
from derivcheck.models.compiled_backend import machine_for
from derivcheck.models.cost import Cost, cost_of
from derivcheck.models.errors import CompileError
from derivcheck.models.graph import Graph
from derivcheck.models.passes.abreast import stretches
from derivcheck.models.passes.band import band
from derivcheck.models.passes.batch import batch
from derivcheck.models.passes.contract import contract
from derivcheck.models.passes.emit import Emitted, emit
from derivcheck.models.passes.factor import factor
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
from derivcheck.models.passes.plan import Plan, Slots, plan, uncut
from derivcheck.models.passes.share import share
from derivcheck.models.passes.simplify import simplify
from derivcheck.models.passes.sink import sink
from derivcheck.models.passes.slab import slab
from derivcheck.models.passes.sparse import sparse
from derivcheck.models.passes.upright import upright
from derivcheck.models.passes.widen import widen
from derivcheck.models.tensor import Array, Tensor

__all__ = ["BACKENDS", "Prepared", "Program", "compile_graph", "optimise", "prepare"]

BACKENDS = ("numpy", "numba")


def optimise(
    graph: Graph, dtype: Any = np.float64, backend: str = "numpy", threads: int | None = None
) -> dict[str, Graph]:
    """The graph after every pass that maps a graph to a graph, by the pass's name.

    ``threads`` is the number of threads that the program may use, by default as many as BLAS does.
    """
    threads = spare(graph.nodes, dtype) if threads is None else threads
    analytic = np.issubdtype(np.dtype(dtype), np.complexfloating)
    out = {"drawn": graph}
    out["lower"] = graph = lower(graph, stable=not analytic)
    # Merging lets local identities see equal operands; simplifying makes more nodes equal.
    out["simplify"] = graph = simplify(merge(simplify(graph)))
    out["factor"] = graph = factor(graph)
    if backend == "numpy":  # loops in machine code do not mind short rows
        out["interleave"] = graph = _if_changed(graph, interleave(graph), simplify)
        out["upright"] = graph = _if_changed(graph, upright(graph), simplify)
    out["sink"] = graph = _if_changed(graph, sink(orient(graph)), simplify)
    out["gather"] = graph = gather_products(merge(simplify(gather_slices(merge(graph)))))
    out["merge"] = graph = merge(simplify(graph))
    out["inner"] = graph = _if_changed(graph, inner(graph), lambda g: merge(simplify(g)))
    out["band"] = graph = _if_changed(graph, band(graph), lambda g: merge(simplify(g)))
    out["mask"] = graph = mask(graph)
    if backend == "numba" and not analytic:  # NumPy would go through the entries one by one
        out["sparse"] = graph = _if_changed(graph, sparse(graph), lambda g: merge(simplify(g)))
    out["slab"] = graph = slab(graph, np.dtype(dtype).itemsize, threads)
    if backend == "numpy":
        out["contract"] = graph = contract(graph)
        out["widen"] = graph = widen(graph, np.dtype(dtype).itemsize)
    out["batch"] = graph = batch(graph)
    out["share"] = untranspose(_if_changed(graph, share(graph), lambda g: merge(simplify(g))), backend == "numba")
    return out


def _if_changed(before: Graph, after: Graph, then: Callable[[Graph], Graph]) -> Graph:
    return before if after is before else then(after)


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled graph of fixed shapes.

    Attributes
    ----------
    graphs : dict
        The graph after each pass, by name: ``"drawn"``, ``"lower"``, ``"simplify"``, ``"factor"``, ``"interleave"``,
        ``"upright"``, ``"sink"``, ``"gather"``, ``"merge"``, ``"inner"``, ``"band"``, ``"mask"``, ``"sparse"``,
        ``"slab"``, ``"contract"``, ``"widen"``, ``"batch"``, ``"share"``.
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
        return self.graphs["share"]

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
    threads : int
        Most threads that run groups abreast.
    """

    graphs: dict[str, Graph]
    groups: tuple[Group, ...]
    host: frozenset[Tensor]
    names: tuple[str, ...]
    dtype: np.dtype[Any]
    backend: str
    threads: int

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
        final, slots = self.graphs["share"], slots or Slots()
        wholly_compiled = False
        if self.backend == "numba" and self.dtype.kind == "f":
            groups = nest(final, self.groups)
            arguments = final, groups, self.dtype, resident, updates, self.host
            beside = stretches(groups, self.host, self.dtype.itemsize, self.threads)
            size = plan(*arguments, Slots(), compilable, beside).workspace
            planned = plan(*arguments, slots.within(size), compilable, beside)
            emitted = emit(planned, self.names, updates, machine_for(self.dtype))
            wholly_compiled = all(map(compilable, groups))
        else:
            beside = stretches(self.groups, self.host, self.dtype.itemsize, self.threads)
            planned = plan(final, self.groups, self.dtype, resident, updates, self.host, slots, abreast=beside)
            emitted = emit(planned, self.names, updates)
        # The text is this module's own: it holds names that `emit` made and numbers, nothing that a user wrote.
        names_in_force = dict(emitted.names)
        exec(builtins.compile(emitted.source, "<derivcheck.models>", "exec"), names_in_force)
        run = one_thread_if_small(names_in_force["run"], final.nodes, self.dtype)
        if not wholly_compiled:  # machine code warns of nothing
            run = _quiet(run)
        return Program(self.graphs, self.groups, planned, emitted, run)


def _quiet(run: Callable[..., Any]) -> Callable[..., Any]:
    """The function without NumPy's warnings: what overflows inside shows in its results, or is harmless there.

    It always runs in one context of its own, in which they are off: entering it takes a tenth of the time of
    :func:`numpy.errstate`. (Before NumPy 2 this state did not belong to contexts.)
    """
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        return np.errstate(all="ignore")(run)
    context = Context()
    context.run(np.seterr, all="ignore")
    return partial(context.run, run)


def prepare(
    graph: Graph, names: Sequence[str], dtype: Any = np.float64, backend: str = "numpy", threads: int | None = None
) -> Prepared:
    """Run the passes that map graphs to graphs, and schedule; ``threads`` as for :func:`optimise`."""
    if backend not in BACKENDS:
        raise CompileError(f"the backend is 'numpy' or 'numba', not {backend!r}")
    threads = spare(graph.nodes, dtype) if threads is None else threads
    graphs = optimise(graph, dtype, backend, threads)
    final = graphs["share"]
    complex_step = np.issubdtype(np.dtype(dtype), np.complexfloating)
    host = frozenset[Tensor]() if complex_step else host_nodes(final)
    # A loop in machine code is one pass for all of its nodes, whatever their size.
    small = uncut(dtype) if backend == "numpy" else 0
    return Prepared(graphs, fuse(final, host, small), host, tuple(names), np.dtype(dtype), backend, threads)


def compile_graph(
    graph: Graph, names: Sequence[str], dtype: Any = np.float64, backend: str = "numpy", threads: int | None = None
) -> Program:
    """All passes; ``names`` are those of the inputs, ``dtype`` is the NumPy type of the float kind."""
    return prepare(graph, names, dtype, backend, threads).program()
