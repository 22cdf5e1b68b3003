"""What a layer is: a description of parameters and a function of them.

A layer holds no numbers. ``layer.init(generator)`` draws its parameters, a nested dictionary of arrays;
``layer(parameters, x)`` is its value, a tensor; so a network is an ordinary function of its parameters and
can be differentiated, replicated and compiled like any other.

What is not a function of the parameters stands in a :class:`Run`: whether the network is training, the running
statistics that it reads and updates, the stream of random numbers for dropout, and the record of every
layer's output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from derivcheck.models.errors import ModelError, ShapeError, require_sizes
from derivcheck.models.functional import cast
from derivcheck.models.initialisers import Parameter
from derivcheck.models.tensor import Tensor, as_tensor, scope

__all__ = ["Layer", "Run"]


class Run:
    """One forward pass: its mode, its state, its randomness and its record.

    Parameters
    ----------
    training : bool
        Batch statistics and dropout, or running statistics and none.
    state : dict, optional
        Running statistics, as ``layer.init_state()`` makes them.
    generator : Tensor, optional
        Stream of random numbers (a generator argument of the compiled function).

    Attributes
    ----------
    outputs : dict
        Every layer's output by its path (``"0"``, ``"1.body.2"``), in the order of the forward pass; the first where
        there are several (the point to which a flow maps, beside its log-determinant).
    """

    def __init__(self, training: bool = False, state: Any = None, generator: Any = None) -> None:
        self.training, self.generator = training, generator
        self.outputs: dict[str, Tensor] = {}
        self._given: Any = {} if state is None else state
        self._updated: dict[tuple[str, ...], dict[str, Tensor]] = {}
        self._path: list[str] = []

    @property
    def path(self) -> str:
        """Path of the layer that is running."""
        return ".".join(self._path)

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Everything inside belongs to the child of this name."""
        self._path.append(name)
        try:
            with scope(name):
                yield
        finally:
            self._path.pop()

    def read(self) -> Mapping[str, Tensor]:
        """State of the layer that is running."""
        here = self._given
        for name in self._path:
            if not isinstance(here, Mapping) or name not in here:
                raise ModelError(f"layer '{self.path}' has no state in this run: pass state=network.init_state()")
            here = here[name]
        return {k: as_tensor(v) for k, v in here.items()}

    def write(self, **values: Tensor) -> None:
        """New state of the layer that is running."""
        self._updated[tuple(self._path)] = values

    @property
    def state(self) -> Any:
        """State after this pass: what was written, and the rest as it was given."""

        def merge(tree: Any, path: tuple[str, ...]) -> Any:
            if path in self._updated:
                return dict(self._updated[path])
            if isinstance(tree, Mapping):
                return {k: merge(v, (*path, k)) for k, v in tree.items()}
            return tree

        return merge(self._given, ())


class Layer:
    """Base class. A subclass gives ``parameters()`` and ``forward(p, x, run)``."""

    def parameters(self) -> dict[str, Any]:
        """Nested dictionary of :class:`Parameter`; empty if there are none."""
        return {}

    def states(self) -> dict[str, Any]:
        """Nested dictionary of initial state arrays; empty if there are none."""
        return {}

    def forward(self, p: Any, x: Any, run: Run) -> Any:
        """Value at parameters ``p``."""
        raise NotImplementedError

    def init(self, generator: Any, replicas: int | None = None, dtype: Any = np.float64) -> Any:
        """Initial parameters.

        Parameters
        ----------
        generator : numpy.random.Generator, int or Tensor
            Source of randomness, or a seed; a generator's tensor draws inside a compiled function.
        replicas : int, optional
            Size of a leading axis of independent replicas.
        dtype
            Of the arrays.
        """
        if isinstance(generator, (int, np.integer)):
            generator = np.random.default_rng(generator)
        if not isinstance(generator, Tensor) and not hasattr(generator, "standard_normal"):
            raise ModelError(f"initial values want a seed (an integer) or a numpy.random.Generator, not {generator!r}")
        if np.dtype(dtype).kind != "f":
            raise ModelError(f"parameters are floating-point numbers, not {np.dtype(dtype)}")
        if replicas is not None:
            require_sizes("init", replicas=replicas)
        lead = () if replicas is None else (replicas,)

        def draw(spec: Any) -> Any:
            if isinstance(spec, Parameter):
                value = spec.initialiser.draw(generator, spec.shape, lead)
                return value if isinstance(value, Tensor) else np.asarray(value, dtype)
            return {k: draw(v) for k, v in spec.items()}

        return draw(self.parameters())

    def init_state(self, replicas: int | None = None, dtype: Any = np.float64) -> Any:
        """Initial running statistics."""
        lead = () if replicas is None else (replicas,)

        def build(spec: Any) -> Any:
            if isinstance(spec, dict):
                return {k: build(v) for k, v in spec.items()}
            value = np.asarray(spec, dtype)
            return np.broadcast_to(value, (*lead, *value.shape)).copy()

        return build(self.states())

    def __call__(self, p: Any, x: Any, run: Run | None = None) -> Any:
        """Value of the layer; see :class:`Run` for what ``run`` carries."""
        run = Run() if run is None else run
        if isinstance(x, (Tensor, np.ndarray, int, float)):
            x = as_tensor(x)
            x = x if x.kind == "int" else cast(x)
        self._require_parameters(p, run)
        try:
            y = self.forward(p, x, run)
        except ShapeError as error:
            if error.located:
                raise
            located = ShapeError(f"{self.label(run)}: {error.where}", error.expected, error.given)
            located.located = True
            raise located from error
        if isinstance(y, Tensor):
            run.outputs[run.path] = y
        elif isinstance(y, tuple) and y and isinstance(y[0], Tensor):
            run.outputs[run.path] = y[0]
        return y

    def _require_parameters(self, p: Any, run: Run) -> None:
        # Children look after their own.
        own = {k: spec for k, spec in self.parameters().items() if isinstance(spec, Parameter)}
        if any(k not in p for k in own):
            given = ", ".join(map(str, p)) or "none"
            raise ModelError(f"{self.label(run)}: expected parameters {', '.join(own)}, given {given}")
        for name, spec in own.items():
            if np.shape(p[name]) != spec.shape:
                error = ShapeError(f"{self.label(run)}: parameter {name!r}", spec.shape, np.shape(p[name]))
                error.located = True
                raise error

    def label(self, run: Run) -> str:
        """Name of the layer in messages."""
        return f"{type(self).__name__} '{run.path}'" if run.path else type(self).__name__

    def require(self, run: Run, x: Tensor, sizes: dict[int, int], rank: int | None = None) -> None:
        """Raise :class:`ShapeError` unless the axes have these sizes (and the tensor this rank)."""
        if not isinstance(x, Tensor):
            raise ModelError(f"{self.label(run)}: expected a tensor or an array, given a {type(x).__name__}")
        wrong = rank is not None and x.ndim != rank
        lowest = max([-a if a < 0 else a + 1 for a in sizes], default=0)
        wrong = wrong or x.ndim < lowest or any(x.shape[a] != n for a, n in sizes.items())
        if wrong:
            count = rank if rank is not None else lowest
            shown = ["*"] * count
            for a, n in sizes.items():
                shown[a] = str(n)
            dots = "" if rank is not None else "…, "
            error = ShapeError(self.label(run), f"shape ({dots}{', '.join(shown)})", x.shape)
            error.located = True
            raise error

    def require_keys(self, run: Run, x: Any, names: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
        """Raise :class:`ModelError` unless the input is a dictionary of these names (a wrong one would be ignored)."""
        if isinstance(x, Mapping) and set(names) <= set(x) <= {*names, *optional}:
            return x
        wanted = ", ".join(names) + (f" (and perhaps {', '.join(optional)})" if optional else "")
        given = ", ".join(map(str, x)) if isinstance(x, Mapping) else f"a {type(x).__name__}"
        raise ModelError(f"{self.label(run)}: expected a dictionary of {wanted}, given {given}")

    def summary(self, shape: Any = None, training: bool = False, kind: str = "float") -> str:
        """Table of layers, output shapes and numbers of parameters; see :func:`derivcheck.models.summary.summary`."""
        from derivcheck.models.summary import summary

        return summary(self, shape, training, kind)
