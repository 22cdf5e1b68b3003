"""Emission: the plan as one readable NumPy function.

Invariant: running the text computes the graph's outputs; every array that it returns is its own.

A primitive's line stands in the table ``_LINES``; what has no line there is computed by the primitive's
reference function and copied into place.
"""

from __future__ import annotations

import itertools
import keyword
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivcheck.models.compiled_backend import Machine
from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.host import FUNCTIONS, TEXT
from derivcheck.models.passes.layout import contiguous, root
from derivcheck.models.passes.machine import compilable, part_of
from derivcheck.models.passes.plan import Block, Plan
from derivcheck.models.primitives.structural import fold_places, write_one_hot
from derivcheck.models.random_numbers import fill_normal
from derivcheck.models.tensor import PRIMITIVES, Array, Tensor

__all__ = ["Emitted", "emit"]

Line = Callable[["_Emitter", Tensor, str, list[str]], list[str]]


@dataclass(frozen=True)
class Emitted:
    """A program's text and what its names stand for.

    Attributes
    ----------
    source : str
        Defines ``run(*inputs)``, returning a tuple.
    names : dict
        Arrays and functions that the text refers to.
    parts : tuple of str
        Texts of the functions that the compiled backend runs.
    """

    source: str
    names: dict[str, Any]
    parts: tuple[str, ...] = ()


def _ufunc(name: str) -> Line:
    # The place of the result is the last argument: by position a call costs a quarter less than by name. (The extrema
    # are to take more operands some day, and want the name.)
    by_name = "out=" if name in ("maximum", "minimum") else ""
    return lambda e, t, out, ins: [f"np.{name}({', '.join(ins)}, {by_name}{out})"]


def _mul(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    a, b = t.inputs
    for column, row, (c, r) in ((a, b, ins), (b, a, ins[::-1])):
        if t.ndim > 2 and column.shape == (*t.shape[:-1], 1) and row.shape == (*t.shape[:-2], 1, t.shape[-1]):
            # Outer products: broadcasting would go through short rows one by one.
            return [f"np.einsum('...i,...j->...ij', {c}[..., 0], {r}[..., 0, :], out={out})"]
    return _ufunc("multiply")(e, t, out, ins)


def _scalar_power(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    return [f"np.power({ins[0]}, {t.attributes['exponent']!r}, {out})"]


def _where(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    return [f"np.copyto({out}, {ins[2]})", f"np.copyto({out}, {ins[1]}, where={ins[0]})"]


def _cast(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    source = f"{ins[0]}.real" if np.issubdtype(e.plan.dtype, np.complexfloating) and t.kind != "float" else ins[0]
    return [f"np.copyto({out}, {source}, casting='unsafe')"]


def _sum(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    x, axes = t.inputs[0], t.attributes["axes"]
    kept = x.ndim - len(axes)
    plain = [f"np.add.reduce({ins[0]}, axis={axes}, out={out})"]
    if not x.size or x not in e.plan.static or not contiguous(x) or _is_result(e, t):
        return plain
    # A product with ones is several times faster than a reduction of a small array, and no slower elsewhere. Long
    # rows are left to NumPy, which adds them pairwise.
    count = x.size // t.size
    if not kept:
        return (
            plain if count > 1 << 14 else [f"np.dot({e.ones(count)}, {e.place(e.plan.static[x].reshape(-1))}, {out})"]
        )
    if axes == tuple(range(len(axes))):
        matrix = e.place(e.plan.static[x].reshape(count, -1))
        return [f"np.dot({e.ones(count)}, {matrix}, {e.place(e.plan.static[t].reshape(-1))})"]
    if axes == tuple(range(kept, x.ndim)) and count <= 4096:
        matrix = e.place(e.plan.static[x].reshape(t.size, -1))
        return [f"np.dot({matrix}, {e.ones(count)}, {e.place(e.plan.static[t].reshape(-1))})"]
    if len(axes) == 1 and axes[0] < x.ndim - 1:
        width = math.prod(x.shape[axes[0] + 1 :])
        stack = e.place(e.plan.static[x].reshape(-1, count, width))
        sums = e.place(e.plan.static[t].reshape(-1, 1, width))
        return [f"np.matmul({e.ones(count)}[None], {stack}, {sums})"]
    return plain


def _is_result(e: _Emitter, t: Tensor) -> bool:
    return t not in e.plan.static


def _max(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    x, axes = t.inputs[0], t.attributes["axes"]
    sizes = [x.shape[a] for a in axes]
    if axes == (x.ndim - 1,) and sizes[0] <= 64 and x in e.plan.static and contiguous(x) and not _is_result(e, t):
        # Along short rows a reduction is slow; a transposed copy and a reduction over whole columns are not.
        columns = e.name_of("columns", np.empty((sizes[0], t.size), e.plan.dtype))
        matrix = e.place(e.plan.static[x].reshape(t.size, sizes[0]).T)
        vector = e.place(e.plan.static[t].reshape(-1))
        return [f"np.copyto({columns}, {matrix})", f"np.maximum.reduce({columns}, axis=0, out={vector})"]
    if axes != tuple(range(len(axes))) or not 2 <= math.prod(sizes) <= 16:
        return [f"np.maximum.reduce({ins[0]}, axis={axes}, out={out})"]
    # A window's few places: whole slices are compared, instead of short runs of entries.
    places = [str(list(p))[1:-1] for p in itertools.product(*(range(n) for n in sizes))]
    first = f"np.maximum({ins[0]}[{places[0]}], {ins[0]}[{places[1]}], out={out})"
    return [first, *(f"np.maximum({out}, {ins[0]}[{p}], out={out})" for p in places[2:])]


def _matmul(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    # ``dot`` has half the overhead of ``matmul``, for two axes.
    return [f"np.{'dot' if t.ndim == 2 else 'matmul'}({ins[0]}, {ins[1]}, {out})"]


def _concatenate(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    axis = t.attributes["axis"]
    if _is_result(e, t) or not any(root(x) in e.plan.placed for x in t.inputs):
        return [f"np.concatenate(({', '.join(ins)},), axis={axis}, out={out})"]
    lines, at = [], 0
    whole = e.plan.static[t]
    for x, text in zip(t.inputs, ins, strict=True):
        part = whole[(slice(None),) * axis + (slice(at, at + x.shape[axis]),)]
        at += x.shape[axis]
        here = e.plan.static.get(x)
        if here is None or here.ctypes.data != part.ctypes.data or here.nbytes != part.nbytes:
            lines.append(f"np.copyto({e.place(part)}, {text})")
    return lines


def _copy_reshape(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    return [f"np.copyto({out}.reshape({t.inputs[0].shape}), {ins[0]})"]


def _embed(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    return [f"{out}.fill(0)", f"{out}[{_slices(t.attributes['slices'], t.shape)}] = {ins[0]}"]


def _fold(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    a = {k: v for k, v in t.attributes.items() if k != "shape"}
    x = t.inputs[0]
    if x in e.plan.placed:
        return []
    places = e.name_of("places", list(fold_places(t.shape, x.shape[x.ndim - t.ndim :], **a)))
    if x.size == t.size and a["strides"] == a["sizes"] and set(a["dilations"]) == {1}:  # windows tile the result
        return [f"for target, place in {places}:", f"    {out}[target] = {ins[0]}[place]"]
    return [f"{out}.fill(0)", f"for target, place in {places}:", f"    {out}[target] += {ins[0]}[place]"]


def _one_hot(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    e.names["write_one_hot"] = write_one_hot
    return [f"write_one_hot({ins[0]}, {out})"]


def _scatter(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    if t.attributes["axis"] != 0:
        return _reference(e, t, out, ins)
    return [f"{out}.fill(0)", f"np.add.at({out}, {ins[1]}, {ins[0]})"]


def _random(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
    if np.issubdtype(e.plan.dtype, np.complexfloating):
        return _reference(e, t, out, ins)
    if t.attributes["law"] == "normal" and e.plan.dtype == np.float32:
        e.names["fill_normal"] = fill_normal if e.machine is None else e.machine.fill_normal
        return [f"fill_normal({ins[0]}, {out})"]
    law = "standard_normal" if t.attributes["law"] == "normal" else "random"
    return [f"{ins[0]}.{law}(dtype=np.{e.plan.dtype.name}, out={out})"]


def _reference(e: _Emitter, t: Tensor, out: str, ins: list[str]) -> list[str]:
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
    "alias": lambda e, t, out, ins: [f"np.copyto({out}, {ins[0]})"],
    "stop_gradient": lambda e, t, out, ins: [f"np.copyto({out}, {ins[0]})"],
}

#: Lines that are right for real numbers only; complex steps use the reference function instead.
_REAL_ONLY = frozenset({"abs", "sign", "greater", "greater_equal", "equal"})

_VIEW_LINES: dict[str, Callable[[Tensor, str], str]] = {
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


@dataclass
class _Emitter:
    plan: Plan
    machine: Machine | None = None
    names: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    called: dict[Tensor, str] = field(default_factory=dict)
    held: dict[Tensor, str] = field(default_factory=dict)
    functions: dict[int, str] = field(default_factory=dict)
    places: dict[Any, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)

    def name_of(self, hint: str, value: Any) -> str:
        if id(value) not in self.functions:
            name = f"{hint}_{len(self.names)}"
            self.functions[id(value)] = name
            self.names[name] = value
        return self.functions[id(value)]

    def literal(self, value: Any) -> str:
        simple = isinstance(value, (int, str, tuple, bool)) or (isinstance(value, float) and np.isfinite(value))
        return repr(value) if simple else self.name_of("value", value)

    def read(self, t: Tensor) -> str:
        """Text that denotes the node's value, drawing views on demand."""
        if t in self.called:
            return self.called[t]
        if t.primitive == "constant" and t not in self.plan.static:
            return self.constant(t.attributes["value"])
        if t in self.plan.static:
            name = self.place(self.plan.static[t])
        else:
            source = self.read(t.inputs[0])
            if t.primitive in _VIEW_LINES:
                text = _VIEW_LINES[t.primitive](t, source)
            else:
                function = self.name_of(t.primitive, PRIMITIVES[t.primitive].evaluate)
                text = f"{function}({source}{''.join(f', {k}={v!r}' for k, v in t.attributes.items())})"
            name = f"v{len(self.lines)}"
            self.lines.append(f"{name} = {text}")
        self.called[t] = name
        return name

    def constant(self, value: float) -> str:
        """Name of a number: an array without axes takes part in arithmetic twice as fast as a Python float."""
        key = repr(value)  # 0.0 and -0.0 are equal, but not the same number
        if key not in self.constants:
            self.constants[key] = f"c{len(self.constants)}"
            self.names[self.constants[key]] = np.array(value, self.plan.dtype)
        return self.constants[key]

    def ones(self, count: int) -> str:
        """Name of a vector of ones."""
        name = f"ones_{count}"
        self.names.setdefault(name, np.ones(count, self.plan.dtype))
        return name

    def host(self) -> None:
        """Arithmetic on Python floats, ahead of everything else."""
        for t in self.plan.graph.nodes:
            if t not in self.plan.host:
                continue
            ins = []
            for x in t.inputs:
                if x.primitive == "constant":
                    ins.append(self.literal(float(x.attributes["value"])))
                elif x in self.plan.host:
                    ins.append(self.called[x])
                else:
                    ins.append(f"float({self.called[x]})")
            name = f"s{len(self.lines)}"
            self.lines.append(
                f"{name} = {TEXT[t.primitive].format(*(_bracketed(i) for i in ins))}  # {t.scope}".rstrip(" #")
            )
            self.called[t] = name
            self.names.update(FUNCTIONS)

    def operand(self, t: Tensor) -> str:
        """Text of an operand of a NumPy function; host scalars are put into an array without axes first."""
        if t in self.plan.host and t not in self.held:
            self.held[t] = f"h{len(self.held)}"
            self.names[self.held[t]] = np.zeros((), self.plan.dtype)
            self.lines.append(f"{self.held[t]}[()] = {self.called[t]}")
        return self.held.get(t) or self.read(t)

    def place(self, array: Array) -> str:
        """Name of an array of the workspace: one name for one piece of memory, so that reuse shows."""
        key = (array.ctypes.data, array.shape, array.strides, array.dtype.str)
        if key not in self.places:
            self.places[key] = f"t{len(self.places)}"
            self.names[self.places[key]] = array
        elif array.flags.writeable:  # it may have been met first as a view that only reads
            self.names[self.places[key]] = array
        return self.places[key]

    def statement(self, t: Tensor, out: str, ins: list[str]) -> list[str]:
        complex_step = np.issubdtype(self.plan.dtype, np.complexfloating)
        if t.primitive not in _LINES or (complex_step and t.primitive in _REAL_ONLY):
            return _reference(self, t, out, ins)
        return _LINES[t.primitive](self, t, out, ins)

    def group(self, group: Group) -> None:
        members = set(group.nodes)
        outside = [x for t in group.nodes for x in t.inputs if x not in members]
        for x in outside:
            self.operand(x)
        block = self.plan.blocks.get(group.nodes[0])
        for t in group.nodes:
            self.read(t)
        if block is None:
            for t in group.nodes:
                text = self.statement(t, self.read(t), [self.operand(x) for x in t.inputs])
                if not text:
                    continue
                text[0] += f"  # {t.shape}" + (f" {t.scope}" if t.scope else "")
                self.lines += text
            return
        assert group.shape is not None
        count = group.shape[block.axis]
        comment = f"{group.shape} in blocks of {block.size}" + (f" along axis {block.axis}" if block.axis else "")
        self.lines.append(f"for lo in range(0, {count}, {block.size}):  # {comment}")
        self.lines.append(f"    hi = min(lo + {block.size}, {count})")
        for t in group.nodes:
            ins = [self._block(x, count, block) for x in t.inputs]
            text = self.statement(t, self._block(t, count, block), ins)
            text[0] += f"  # {t.scope}" if t.scope else ""
            self.lines += [f"    {line}" for line in text]

    def part(self, groups: Sequence[Group]) -> None:
        """Emit groups as one call of a compiled function."""
        assert self.machine is not None
        flat: dict[str, str] = {}

        def name(t: Tensor) -> str:
            text = self.read(t)
            if t not in self.plan.host:
                flat[text] = text if t.ndim == 1 else f"{text}.reshape(-1)"
            return text

        part = part_of(self.plan, groups, name, self.bases())
        call = f"{self.name_of('part', self.machine.load(part.source))}(blas, "
        call += ", ".join(flat.get(a, a) for a in part.arguments) + ")"
        self.sources.append(part.source)
        if not part.checked:
            self.lines.append(call)
            return
        # An index is out of range: the reference function says which.
        self.lines.append(f"if {call}:")
        for t in part.checked:
            for line in _reference(self, t, self.read(t), [self.read(x) for x in t.inputs]):
                self.lines.append(f"    {line}")

    def bases(self) -> list[tuple[str, Array]]:
        """The flat arrays in which all static arrays stand."""
        plan = self.plan
        assert plan.arena is not None
        for kind, suffix in ((plan.dtype, ""), (np.int64, "_int"), (np.bool_, "_bool")):
            self.names[f"memory{suffix}"] = plan.arena.view(kind)
        found = [("memory", plan.arena)]
        for t, array in plan.static.items():
            if t in plan.resident or t.primitive == "constant":
                name = f"fixed_{len(found)}"
                self.names[name] = array.reshape(-1)
                found.append((name, self.names[name]))
        return found

    def _block(self, t: Tensor, count: int, block: Block) -> str:
        name = self.operand(t)
        axes = ":, " * block.axis
        if t in self.plan.scratch:
            return f"{name}[{axes}:hi - lo]" if count % block.size else name
        return f"{name}[{axes}lo:hi]" if t.ndim and t.shape[block.axis] == count else name

    def copied(self, t: Tensor) -> str:
        """Text of a copy of a node's value."""
        return f"np.array({self.read(t)}, {self.dtype(t)}, order='C')"

    def dtype(self, t: Tensor) -> str:
        """Text of the NumPy type of a node."""
        return {"float": f"np.{self.plan.dtype.name}", "int": "np.int64", "bool": "np.bool_"}[t.kind]


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


#: Names that the emitted text uses for itself.
_RESERVED = re.compile(
    r"[tvsch]\d+|np|lo|hi|target|place|float|range|max|min|fill_normal|write_one_hot|blas|memory(_int|_bool)?|"
    + "|".join(FUNCTIONS)
    + rf"|(result|ones|places|columns|value|part|fixed|{'|'.join(PRIMITIVES)})_\d+"
)


def identifiers(paths: Sequence[str]) -> list[str]:
    """Valid, distinct Python names for the paths of the inputs."""
    out: list[str] = []
    for path in paths:
        name = re.sub(r"\W", "_", path) or "x"
        if name[0].isdigit() or keyword.iskeyword(name) or _RESERVED.fullmatch(name):
            name = f"x_{name}"
        while name in out:
            name += "_"
        out.append(name)
    return out


def emit(
    plan: Plan,
    names: Sequence[str],
    updates: dict[int, Tensor] | None = None,
    machine: Machine | None = None,
) -> Emitted:
    """Write the program.

    Parameters
    ----------
    plan : Plan
    names : sequence of str
        One for each input of the graph.
    updates : dict, optional
        As given to :func:`plan`.
    machine : Machine, optional
        The compiled backend; by default all groups are NumPy lines.
    """
    updates = updates or {}
    e = _Emitter(plan, machine)
    e.names["np"] = np
    if machine is not None:
        e.names["blas"] = machine.blas
    arguments = []
    for t, name in zip(plan.graph.inputs, identifiers(names), strict=True):
        if t in plan.resident:
            e.names[name] = plan.resident[t]
        else:
            arguments.append(name)
        e.called[t] = name
    for t, k in plan.results.items():
        e.called[t] = f"result_{k}"
        e.lines.append(f"result_{k} = np.empty({t.shape}, {e.dtype(t)})")
    e.host()
    for compiled, run in itertools.groupby(plan.groups, lambda group: machine is not None and compilable(group)):
        if compiled:
            e.part(list(run))
            continue
        for group in run:
            e.group(group)
    # Everything is read before anything resident is overwritten.
    returned_names = []
    for k, t in enumerate(plan.graph.outputs):
        if k in updates:
            continue
        if plan.results.get(t) != k:
            e.lines.append(f"result_{k} = {e.copied(t)}")
        returned_names.append(f"result_{k}")
    moved = {k: v for k, v in updates.items() if plan.static.get(plan.graph.outputs[k]) is not plan.resident[v]}
    values = {k: e.read(plan.graph.outputs[k]) for k in moved}
    for k, v in moved.items():
        e.lines.append(f"np.copyto({e.read(v)}, {values[k]})")
    returned = ", ".join(returned_names)
    body = "\n".join(f"    {line}" for line in [*e.lines, f"return ({returned},)" if returned else "return ()"])
    numbers = "".join(f"    # {name} = {value}\n" for value, name in e.constants.items())
    return Emitted(f"def run({', '.join(arguments)}):\n{numbers}{body}\n", e.names, tuple(e.sources))
