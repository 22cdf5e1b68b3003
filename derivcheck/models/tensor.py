"""The graph: tensors that know how they are made, and the primitives that make them.

A :class:`Tensor` is a node. It carries a shape and a kind, never numbers: a program in this layer is a
Python function of tensors, and running it draws the graph. What a primitive *means* (its NumPy value), how
it is differentiated and how it takes a leading replica axis stand in the tables of
:mod:`derivcheck.models.primitives`; this file is the mechanism and knows no mathematics.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivcheck.models.errors import ModelError

__all__ = [
    "PRIMITIVES",
    "Array",
    "Primitive",
    "Shape",
    "Tensor",
    "as_tensor",
    "constant",
    "labelled",
    "make",
    "relabelling",
    "scope",
    "variable",
]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

#: float (float32 or float64, decided when compiled), int (int64), bool, and a stream of random numbers.
KINDS = ("float", "int", "bool", "generator")

_counter = itertools.count()
_scope: ContextVar[str] = ContextVar("derivcheck_models_scope", default="")


@dataclass(frozen=True, eq=False)
class Primitive:
    """One operation of the graph.

    Attributes
    ----------
    name : str
    infer : callable
        ``infer(*inputs, **attributes) -> (shape, kind)``; raises :class:`ShapeError` where they do not fit.
    evaluate : callable
        ``evaluate(*arrays, **attributes) -> array``: the meaning, on which every pass is tested.
    vjp : callable or None
        ``vjp(g, y, *inputs, **attributes) -> cotangents`` in graph terms, ``None`` where there is none.
    jvp : callable or None
        ``jvp(tangents, y, *inputs, **attributes) -> tangent``; a tangent of ``None`` is zero.
    replicate : callable
        ``replicate(inputs, flags, count, **attributes) -> tensor`` with the leading replica axis.
    elementwise : bool
        Whether entry ``i`` of the result needs entry ``i`` of the (broadcast) inputs only.
    """

    name: str
    infer: Callable[..., tuple[Shape, str]]
    evaluate: Callable[..., Any]
    vjp: Callable[..., Any] | None
    jvp: Callable[..., Any] | None
    replicate: Callable[..., Any]
    elementwise: bool = False


#: Every primitive by name; filled by the tables.
PRIMITIVES: dict[str, Primitive] = {}


class Tensor:
    """A node of the graph.

    Attributes
    ----------
    shape : tuple of int
    kind : str
        One of ``float``, ``int``, ``bool``, ``generator``.
    primitive : str
        Name of the primitive that makes it; ``"variable"`` and ``"constant"`` have no inputs.
    inputs : tuple of Tensor
    attributes : mapping
    scope : str
        Path of the layer in which it was made.
    index : int
        Creation order, which is a topological order of every graph.
    """

    __slots__ = ("__weakref__", "attributes", "index", "inputs", "kind", "primitive", "scope", "shape")

    def __init__(
        self,
        primitive: str,
        inputs: tuple[Tensor, ...],
        attributes: Mapping[str, Any],
        shape: Shape,
        kind: str,
        label: str | None = None,
    ) -> None:
        self.primitive, self.inputs, self.attributes = primitive, inputs, attributes
        self.shape, self.kind = shape, kind
        self.scope = _scope.get() if label is None else label
        self.index = next(_counter)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        out = 1
        for n in self.shape:
            out *= n
        return out

    @property
    def T(self) -> Tensor:
        """The last two axes exchanged (a vector stays as it is)."""
        if self.ndim < 2:
            return self
        axes = (*range(self.ndim - 2), self.ndim - 1, self.ndim - 2)
        return make("transpose", self, axes=axes)

    def reshape(self, *shape: Any) -> Tensor:
        """Entries in C order under another shape (integers, or one tuple of them); one size may be -1."""
        return F.reshape(self, shape[0] if len(shape) == 1 else shape)

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        """Sum over axes."""
        return F.sum(self, axis, keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        """Mean over axes."""
        return F.mean(self, axis, keepdims)

    def numpy(self, dtype: Any = np.float64) -> Array:
        """Value of a tensor that depends on no variable."""
        from derivcheck.models.graph import Graph

        return Graph((), (self,)).evaluate([], dtype)[0]

    def __repr__(self) -> str:
        return f"Tensor({self.primitive}, {self.shape}, {self.kind})"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        raise ModelError("a tensor has no truth value while the graph is drawn; use where(condition, a, b)")

    def __float__(self) -> float:
        raise ModelError("a tensor has no value while the graph is drawn; compile the function and call it with arrays")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Tensor:
        # An array on the left of an operator comes here; NumPy's other functions would make arrays of objects.
        if method == "__call__" and not options and ufunc.__name__ in _OPERATORS:
            return _OPERATORS[ufunc.__name__](*inputs)
        raise TypeError(_numpy_hint(ufunc.__name__))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function is np.shape:
            return self.shape
        if function is np.ndim:
            return self.ndim
        raise TypeError(_numpy_hint(function.__name__))

    def __getitem__(self, key: Any) -> Tensor:
        return F.index(self, key)

    def __add__(self, other: Any) -> Tensor:
        return F.binary("add", self, other)

    def __radd__(self, other: Any) -> Tensor:
        return F.binary("add", other, self)

    def __sub__(self, other: Any) -> Tensor:
        return F.binary("sub", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return F.binary("sub", other, self)

    def __mul__(self, other: Any) -> Tensor:
        return F.binary("mul", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return F.binary("mul", other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return F.binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return F.binary("div", other, self)

    def __pow__(self, other: Any) -> Tensor:
        return F.power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return F.power(other, self)

    def __abs__(self) -> Tensor:
        return F.abs(self)

    def __and__(self, other: Any) -> Tensor:
        return F.logical_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return F.logical_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        return F.logical_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        return F.logical_or(other, self)

    def __invert__(self) -> Tensor:
        return F.logical_not(self)

    def __neg__(self) -> Tensor:
        return make("neg", self)

    def __matmul__(self, other: Any) -> Tensor:
        return F.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return F.matmul(other, self)

    def __gt__(self, other: Any) -> Tensor:
        return F.binary("greater", self, other)

    def __lt__(self, other: Any) -> Tensor:
        return F.binary("greater", other, self)

    def __ge__(self, other: Any) -> Tensor:
        return F.binary("greater_equal", self, other)

    def __le__(self, other: Any) -> Tensor:
        return F.binary("greater_equal", other, self)


def make(name: str, *inputs: Tensor, **attributes: Any) -> Tensor:
    """A new node: the primitive applied to tensors."""
    shape, kind = PRIMITIVES[name].infer(*inputs, **attributes)
    return Tensor(name, inputs, attributes, shape, kind)


def variable(shape: Shape, kind: str = "float", name: str = "") -> Tensor:
    """A free input of a graph."""
    return Tensor("variable", (), {"name": name}, tuple(shape), kind)


def constant(value: Any) -> Tensor:
    """A tensor of known value; a Python number becomes a scalar."""
    array = np.asarray(value)
    kind = {"b": "bool", "i": "int", "u": "int", "f": "float"}.get(array.dtype.kind)
    if kind is None:
        raise TypeError(f"cannot make a tensor of {value!r}")
    if kind == "int" and array.ndim == 0 and isinstance(value, int):
        kind = "float"  # a bare Python number takes part in float arithmetic, as in NumPy
    stored: Any = array.item() if array.ndim == 0 else array
    if kind == "float" and array.ndim == 0:
        stored = float(stored)
    return Tensor("constant", (), {"value": stored}, array.shape, kind)


def as_tensor(value: Any) -> Tensor:
    """The tensor itself, or a constant."""
    return value if isinstance(value, Tensor) else constant(value)


@contextmanager
def scope(name: str) -> Iterator[str]:
    """Label the nodes made inside with the path of a layer."""
    outer = _scope.get()
    path = f"{outer}.{name}" if outer and name else outer or name
    with labelled(path):
        yield path


@contextmanager
def labelled(path: str) -> Iterator[None]:
    """Label the nodes made inside with exactly this path."""
    token = _scope.set(path)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def relabelling() -> Iterator[Callable[[str], None]]:
    """Label nodes with one path after the other: the function that is given sets the path for what is made next."""
    token = _scope.set(_scope.get())
    current = [_scope.get()]

    def label(path: str) -> None:
        if path is not current[0]:
            current[0] = path
            _scope.set(path)

    try:
        yield label
    finally:
        _scope.reset(token)


# The operators above are written with the functions of ``functional``, which in turn need this file: they meet here.
import derivcheck.models.functional as F  # noqa: E402

#: NumPy's names of the operators between an array and a tensor.
_OPERATORS: dict[str, Callable[..., Tensor]] = {
    "add": lambda a, b: F.binary("add", a, b),
    "subtract": lambda a, b: F.binary("sub", a, b),
    "multiply": lambda a, b: F.binary("mul", a, b),
    "divide": lambda a, b: F.binary("div", a, b),
    "power": F.power,
    "matmul": F.matmul,
    "greater": lambda a, b: F.binary("greater", a, b),
    "less": lambda a, b: F.binary("greater", b, a),
    "greater_equal": lambda a, b: F.binary("greater_equal", a, b),
    "less_equal": lambda a, b: F.binary("greater_equal", b, a),
    "bitwise_and": F.logical_and,
    "bitwise_or": F.logical_or,
}


def _numpy_hint(name: str) -> str:
    known = hasattr(F, name)
    use = f"functional.{name}" if known else "the functions of derivcheck.models.functional"
    return f"np.{name} does not take a tensor: use {use}"
