"""From a Python function of tensors to one NumPy function.

>>> import numpy as np
>>> from derivcheck.models import compile, functional as F, grad
>>> loss = lambda w, x: F.mean(F.square(F.tanh(x @ w)))
>>> gradient = compile(grad(loss))
>>> gradient(np.ones((3, 2)), np.eye(3)).shape
(3, 2)
>>> print(gradient.source.splitlines()[0])
def run(w, x):

Three steps: :mod:`~derivcheck.models.tracing` draws a graph, :mod:`~derivcheck.models.program` turns it into a program,
and this module keeps a program for every signature and runs it, over replicas block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from derivcheck.models.cost import Cost
from derivcheck.models.errors import CompileError, ShapeError
from derivcheck.models.graph import Graph, as_kind
from derivcheck.models.program import Program, compile_graph
from derivcheck.models.replicate import flags_for, replicated
from derivcheck.models.tensor import Array
from derivcheck.models.tracing import Signature, argument_names, signature, traced
from derivcheck.models.tree import Structure, unflatten

__all__ = ["Compiled", "compile"]

DTYPES = frozenset(map(np.dtype, (np.float32, np.float64, np.complex64, np.complex128)))

#: Bytes that a block of replicas may occupy. Not all of them are in use at a time: most stay in a second-level cache.
REPLICA_BYTES = 1 << 21


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
        return unflatten(structure, program.run(*self._ready(sig, flat)))

    def _program(
        self, function: Callable[..., Any], sig: Signature, flat: Sequence[Any], arguments: tuple[Any, ...]
    ) -> tuple[Program, Structure]:
        if sig not in self._programs:
            graph, structure, names = traced(function, sig, flat, argument_names(self._function, arguments))
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
            graph, structure, used = traced(function, Signature(self.sig.structure, tuple(leaves)), self.flat, names)
            owner._programs[key] = compile_graph(graph, used, owner._dtype, owner._backend), structure
        return owner._programs[key]

    def run(self) -> Any:
        program, structure = self.program(self.block)
        self.owner._last = program
        ready = self.owner._ready(self.sig, self.flat)
        cut = [c for c, leaf in zip(self.cut, self.sig.leaves, strict=True) if leaf[0] != "static"]
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
