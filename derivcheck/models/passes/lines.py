"""What a primitive is in the emitted NumPy text: a table, a line or a few each.

Invariant: a line writes the primitive's value where ``out`` says, and reads nothing but its operands. What has no line
is computed by the primitive's reference function and copied into place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from derivcheck.models.compiled_backend import Machine
from derivcheck.models.passes.layout import contiguous, root
from derivcheck.models.passes.outer import outer_product
from derivcheck.models.passes.pieces import even_pieces, matrix
from derivcheck.models.passes.plan import Plan
from derivcheck.models.primitives.rows import write_one_hot
from derivcheck.models.primitives.windows import fold_places
from derivcheck.models.random_numbers import fill_normal
from derivcheck.models.tensor import PRIMITIVES, Array, Shape, Tensor

__all__ = ["VIEWS", "Writer", "reference", "statement"]


class Writer(Protocol):
    """What the table needs of the emitter."""

    plan: Plan
    machine: Machine | None
    names: dict[str, Any]

    def name_of(self, hint: str, value: Any) -> str:
        """Name of a value that the text refers to."""

    def literal(self, value: Any) -> str:
        """Text of a number, a string or a tuple, or a name of what is none."""

    def place(self, array: Array) -> str:
        """Name of an array of the workspace."""

    def ones(self, count: int) -> str:
        """Name of a vector of ones."""

    def zeros(self, name: str, shape: Shape) -> Array:
        """Memory that begins as zeros; of one name and shape always the same, but for what other threads run."""


#: ``line(writer, node, where its result goes, its operands)``: the text, line by line.
Line = Callable[[Writer, Tensor, str, list[str]], list[str]]


def statement(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    """Text that computes a node."""
    complex_step = np.issubdtype(e.plan.dtype, np.complexfloating)
    if t.primitive not in _LINES or (complex_step and t.primitive in _REAL_ONLY):
        return reference(e, t, out, ins)
    return _LINES[t.primitive](e, t, out, ins)


def _ufunc(name: str) -> Line:
    # The place of the result is the last argument: by position a call costs a quarter less than by name. (The extrema
    # are to take more operands some day, and want the name.)
    by_name = "out=" if name in ("maximum", "minimum") else ""
    return lambda e, t, out, ins: [f"np.{name}({', '.join(_numbers(e, t, ins))}, {by_name}{out})"]


def _numbers(e: Writer, t: Tensor, ins: list[str]) -> list[str]:
    """The operands, those of one entry without axes: NumPy then has nothing to broadcast."""
    given = zip(t.inputs, ins, strict=True)
    one = (x.size == 1 < t.size and x.ndim and x in e.plan.static for x in t.inputs)
    return [e.place(e.plan.static[x].reshape(())) if o else text for o, (x, text) in zip(one, given, strict=True)]


def _copy(out: str, source: str) -> str:
    # An assignment: ``np.copyto`` first asks in Python whether an operand overrides it.
    return f"{out}[...] = {source}"


def _mul(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    a, b = t.inputs
    if "bool" in (a.kind, b.kind):
        return _ufunc("multiply")(e, t, out, ins)
    return outer_product(e, t, out, ins) or _ufunc("multiply")(e, t, out, ins)


def _scalar_power(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    return [f"np.power({ins[0]}, {t.attributes['exponent']!r}, {out})"]


def _where(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    return [f"np.copyto({out}, {ins[2]})", f"np.copyto({out}, {ins[1]}, where={ins[0]})"]


def _cast(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    source = f"{ins[0]}.real" if np.issubdtype(e.plan.dtype, np.complexfloating) and t.kind != "float" else ins[0]
    return [f"np.copyto({out}, {source}, casting='unsafe')"]


def _sum(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    x, axes = t.inputs[0], t.attributes["axes"]
    kept = x.ndim - len(axes)
    plain = [f"np.add.reduce({ins[0]}, axis={axes}, out={out})"]
    if not x.size or x not in e.plan.static or not contiguous(x) or _is_result(e, t):
        return plain
    # A product with ones is several times faster than a reduction of a small array, and no slower elsewhere. Long
    # rows are left to NumPy, which adds them pairwise.
    count = x.size // t.size
    if not kept:
        return plain if count > 1 << 14 else [_dot(e.ones(count), e.place(e.plan.static[x].reshape(-1)), out)]
    if axes == tuple(range(len(axes))):
        matrix = e.place(e.plan.static[x].reshape(count, -1))
        return [_dot(e.ones(count), matrix, e.place(e.plan.static[t].reshape(-1)))]
    if math.prod(x.shape[min(axes, default=0) :]) == count <= 4096:  # all other axes behind are of size one
        matrix = e.place(e.plan.static[x].reshape(t.size, -1))
        return [_dot(matrix, e.ones(count), e.place(e.plan.static[t].reshape(-1)))]
    if len(axes) == 1 and axes[0] < x.ndim - 1:
        width = math.prod(x.shape[axes[0] + 1 :])
        stack = e.place(e.plan.static[x].reshape(-1, count, width))
        sums = e.place(e.plan.static[t].reshape(-1, 1, width))
        return [f"np.matmul({e.ones(count)}[None], {stack}, {sums})"]
    return plain


def _count(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    axes = t.attributes["axes"]
    sizes = t.inputs[0].shape[: len(axes)]
    if axes != tuple(range(len(axes))) or not 2 <= math.prod(sizes) <= 16 or not t.ndim:
        return [f"np.add.reduce({ins[0]}, axis={axes}, dtype={out}.dtype, out={out})"]
    # A window's few places, as for a maximum: bytes are added.
    total = e.name_of("count", np.empty(t.shape, np.int8))
    places = [f"{ins[0]}[{str(p)[1:-1].rstrip(',')}].view(np.int8)" for p in itertools.product(*map(range, sizes))]
    first = f"np.add({places[0]}, {places[1]}, {total})"
    return [first, *(f"np.add({total}, {p}, {total})" for p in places[2:]), f"np.copyto({out}, {total})"]


def _is_result(e: Writer, t: Tensor) -> bool:
    return t not in e.plan.static


def _max(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    x, axes = t.inputs[0], t.attributes["axes"]
    sizes = [x.shape[a] for a in axes]
    if axes == (x.ndim - 1,) and sizes[0] <= 64 and x in e.plan.static and contiguous(x) and not _is_result(e, t):
        # Along short rows a reduction is slow; a transposed copy and a reduction over whole columns are not.
        columns = e.name_of("columns", np.empty((sizes[0], t.size), e.plan.dtype))
        matrix = e.place(e.plan.static[x].reshape(t.size, sizes[0]).T)
        vector = e.place(e.plan.static[t].reshape(-1))
        return [_copy(columns, matrix), f"np.maximum.reduce({columns}, axis=0, out={vector})"]
    if axes == tuple(range(len(axes))) and x in e.plan.static and contiguous(x) and not _is_result(e, t) and t.ndim:
        rows = e.place(e.plan.static[x].reshape(-1, t.size))
        return [f"np.maximum.reduce({rows}, axis=0, out={e.place(e.plan.static[t].reshape(-1))})"]
    if axes != tuple(range(len(axes))) or not 2 <= math.prod(sizes) <= 16:
        return [f"np.maximum.reduce({ins[0]}, axis={axes}, out={out})"]
    # A window's few places: whole slices are compared, instead of short runs of entries.
    places = [str(list(p))[1:-1] for p in itertools.product(*(range(n) for n in sizes))]
    first = f"np.maximum({ins[0]}[{places[0]}], {ins[0]}[{places[1]}], out={out})"
    return [first, *(f"np.maximum({out}, {ins[0]}[{p}], out={out})" for p in places[2:])]


def _matmul(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    operands = [e.plan.static[x] for x in (*t.inputs, t) if x in e.plan.static]
    if len(operands) == 3:
        if t.size == 1 and all(contiguous(x) for x in t.inputs):
            a, b, c = operands
            return [_dot(e.place(a.reshape(-1)), e.place(b.reshape(-1)), e.place(c.reshape(())))]
        cut = _in_pieces(operands)
        if cut is not None:
            return [f"np.matmul({', '.join(e.place(x) for x in cut)})"]
    # ``dot`` has half the overhead of ``matmul``, for two axes.
    return [_dot(ins[0], ins[1], out) if t.ndim == 2 else f"np.matmul({ins[0]}, {ins[1]}, {out})"]


def _dot(left: str, right: str, out: str) -> str:
    # The method: ``np.dot`` first asks in Python whether an operand overrides it.
    return f"{left}.dot({right}, {out})"


def _in_pieces(operands: Sequence[Array]) -> list[Array] | None:
    """Views of two matrices and of their product under which it is a batch of products of pieces."""
    a, b, out = operands
    if a.dtype.kind != "f":
        return None
    found = [matrix(x.shape, tuple(s // x.itemsize for s in x.strides)) for x in (a, b)]
    (n, k), m = a.shape[-2:], b.shape[-1]
    if found[0] is None or found[1] is None or out.strides[-1] != out.itemsize:
        return None
    rows, columns = even_pieces(n, m, k, found[0][0], found[1][0])
    if (rows, columns) == (n, m):
        return None

    def cut(x: Array, down: int, right: int) -> Array:
        (height, width), (s, q) = x.shape[-2:], x.strides[-2:]
        shape = (*x.shape[:-2], height // down, width // right, down, right)
        return np.lib.stride_tricks.as_strided(x, shape, (*x.strides[:-2], s * down, q * right, s, q))

    return [cut(a, rows, k), cut(b, k, columns), cut(out, rows, columns)]


def _concatenate(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    axis = t.attributes["axis"]
    few = len(t.inputs) <= 3  # then an assignment each costs less than ``np.concatenate``
    if _is_result(e, t) or not (few or any(root(x) in e.plan.placed for x in t.inputs)):
        return [f"np.concatenate(({', '.join(ins)},), axis={axis}, out={out})"]
    lines, at = [], 0
    whole = e.plan.static[t]
    for x, text in zip(t.inputs, ins, strict=True):
        part = whole[(slice(None),) * axis + (slice(at, at + x.shape[axis]),)]
        at += x.shape[axis]
        here = e.plan.static.get(x)
        if here is None or here.ctypes.data != part.ctypes.data or here.nbytes != part.nbytes:
            lines.append(_copy(e.place(part), text))
    return lines


def _copy_reshape(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    shape = t.inputs[0].shape
    there = f"{out}.reshape({shape})" if _is_result(e, t) else e.place(e.plan.static[t].reshape(shape))
    return [_copy(there, ins[0])]


def _embed(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    return [f"{out}.fill(0)", f"{out}[{_slices(t.attributes['slices'], t.shape)}] = {ins[0]}"]


def _fold(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    a = {k: v for k, v in t.attributes.items() if k != "shape"}
    x = t.inputs[0]
    if x in e.plan.placed:
        return []
    places = e.name_of("places", list(fold_places(t.shape, x.shape[x.ndim - t.ndim :], **a)))
    if x.size == t.size and a["strides"] == a["sizes"] and set(a["dilations"]) == {1}:  # windows tile the result
        return [f"for target, place in {places}:", f"    {out}[target] = {ins[0]}[place]"]
    if len(a["axes"]) == 1 and a["strides"] == (1,):  # the first place fills all but the end
        axis, whole = a["axes"][0], ":, " * a["axes"][0]
        count = x.shape[1 + axis]
        return [
            f"np.copyto({out}[{whole}:{count}], {ins[0]}[0])",
            f"{out}[{whole}{count}:].fill(0)",
            f"for target, place in {places}[1:]:",
            f"    {out}[target] += {ins[0]}[place]",
        ]
    return [f"{out}.fill(0)", f"for target, place in {places}:", f"    {out}[target] += {ins[0]}[place]"]


def _one_hot(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    e.names["write_one_hot"] = write_one_hot
    return [f"write_one_hot({ins[0]}, {out})"]


def _scatter(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    if t.attributes["axis"] != 0:
        return reference(e, t, out, ins)
    return [f"{out}.fill(0)", f"np.add.at({out}, {ins[1]}, {ins[0]})"]


def _random(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    if np.issubdtype(e.plan.dtype, np.complexfloating):
        return reference(e, t, out, ins)
    # In double precision NumPy's own sampler is the faster one, unless all loops are machine code.
    if t.attributes["law"] == "normal" and (e.plan.dtype == np.float32 or e.machine is not None):
        e.names["fill_normal"] = fill_normal if e.machine is None else e.machine.fill_normal
        return [f"fill_normal({ins[0]}, {out})"]
    law = "standard_normal" if t.attributes["law"] == "normal" else "random"
    return [f"{ins[0]}.{law}(dtype=np.{e.plan.dtype.name}, out={out})"]


def reference(e: Writer, t: Tensor, out: str, ins: list[str]) -> list[str]:
    """Text that computes a node by the primitive's reference function."""
    function = e.name_of(t.primitive, PRIMITIVES[t.primitive].evaluate)
    attributes = "".join(f", {k}={e.literal(v)}" for k, v in t.attributes.items())
    return [f"np.copyto({out}, {function}({', '.join(ins)}{attributes}), casting='unsafe')"]


_LINES: dict[str, Line] = {
    "add": _ufunc("add"),
    "sub": _ufunc("subtract"),
    "mul": _mul,
    "div": _ufunc("divide"),
    "maximum": _ufunc("maximum"),
    "minimum": _ufunc("minimum"),
    "neg": _ufunc("negative"),
    "exp": _ufunc("exp"),
    "expm1": _ufunc("expm1"),
    "log": _ufunc("log"),
    "log1p": _ufunc("log1p"),
    "sqrt": _ufunc("sqrt"),
    "square": _ufunc("square"),
    "reciprocal": _ufunc("reciprocal"),
    "tanh": _ufunc("tanh"),
    "sin": _ufunc("sin"),
    "cos": _ufunc("cos"),
    "abs": _ufunc("absolute"),
    "sign": _ufunc("sign"),
    "greater": _ufunc("greater"),
    "greater_equal": _ufunc("greater_equal"),
    "equal": _ufunc("equal"),
    "power": _scalar_power,
    "where": _where,
    "cast": _cast,
    "sum": _sum,
    "count": _count,
    "max": _max,
    "argmax": lambda e, t, out, ins: [f"np.argmax({ins[0]}, axis={t.attributes['axis']}, out={out})"],
    "matmul": _matmul,
    "concatenate": _concatenate,
    "reshape": _copy_reshape,
    "embed": _embed,
    "fold": _fold,
    "take": lambda e, t, out, ins: [f"np.take({ins[0]}, {ins[1]}, axis={t.attributes['axis']}, out={out})"],
    "one_hot": _one_hot,
    "scatter_add": _scatter,
    "random": _random,
    "alias": lambda e, t, out, ins: [_copy(out, ins[0])],
    "stop_gradient": lambda e, t, out, ins: [_copy(out, ins[0])],
}

#: Lines that are right for real numbers only; complex steps use the reference function instead.
_REAL_ONLY = frozenset({"abs", "sign", "greater", "greater_equal", "equal"})

#: What a view is, given the text of what it shows.
VIEWS: dict[str, Callable[[Tensor, str], str]] = {
    "reshape": lambda t, x: f"{x}.reshape({t.shape})",
    "transpose": lambda t, x: f"{x}.transpose({t.attributes['axes']})",
    "broadcast_to": lambda t, x: f"np.broadcast_to({x}, {t.shape})",
    "slice": lambda t, x: f"{x}[{_slices(t.attributes['slices'], t.inputs[0].shape)}]",
    "flip": lambda t, x: f"np.flip({x}, {t.attributes['axes']})",
}


def _slices(slices: Sequence[tuple[int, int, int]], shape: Sequence[int]) -> str:
    parts = []
    for (start, count, step), n in zip(slices, shape, strict=True):
        stop = start + (count - 1) * step + 1 if count else start
        whole = (start, count, step) == (0, n, 1)
        parts.append(":" if whole else f"{start}:{stop}" + (f":{step}" if step != 1 else ""))
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts) or "..."
