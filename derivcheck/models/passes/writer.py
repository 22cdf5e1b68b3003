"""The writer of a compiled part: helpers (loop nests over flat memory) and calls of them.

Invariant: a helper computes what the NumPy lines of its nodes compute, entry by entry; every entry is loaded before any
is stored, so that a result may stand where an operand stood.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from derivcheck.models.passes import host
from derivcheck.models.passes.calls import Call, lines_of
from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.layout import is_view, root, strides
from derivcheck.models.passes.loops import Operand, Strides, collapse, expression, extent, index, indicator
from derivcheck.models.passes.nest import fold_strides
from derivcheck.models.passes.plan import Plan
from derivcheck.models.tensor import PRIMITIVES, Array, Shape, Tensor

__all__ = ["RUN", "Helper", "Part", "Writer", "larger", "zero"]

#: Bytes of a cache line, and columns that are copied together where rows become columns.
LINE, TILE = 64, 8

#: Entries of a long sum that are added one after the other; the sums of such runs are then added in turn.
RUN = 2048


@dataclass(frozen=True)
class Part:
    """A run of groups as a module's text.

    Attributes
    ----------
    source : str
        Defines ``part(addresses, …)``, which returns 0, or the number of the check that failed. The first address is
        that of BLAS's matrix product, the others are those of the memory in which the plan's static arrays stand.
    arguments : tuple of str
        What ``part`` is called with besides: names in the emitted program.
    checked : tuple of Tensor
        Nodes whose indices are checked: number ``k`` failed if ``part`` returns ``k + 1``.
    """

    source: str
    arguments: tuple[str, ...]
    checked: tuple[Tensor, ...]


@dataclass
class Helper:
    """A helper in the making: its parameters and its lines."""

    operands: dict[tuple[str, int], str] = field(default_factory=dict)
    reach: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    blas: bool = False

    def loops(self, sizes: Sequence[int], body: Sequence[str], first: int = 0) -> list[str]:
        """The body in a loop for each axis, with variables ``i<first>, …``.

        Sizes are parameters: a compiler that knew them would unroll short inner loops instead of vectorising them.
        """
        self.sizes |= {f"n{first + k}": n for k, n in enumerate(sizes)}
        lines = [f"{'    ' * k}for i{first + k} in range(n{first + k}):" for k in range(len(sizes))]
        return lines + [f"{'    ' * len(sizes)}{line}" for line in body]

    def array(self, x: Operand, shape: Sequence[int]) -> str:
        """Name of the flat array that begins where the operand does (below it, if a stride is negative)."""
        key = x.memory, x.offset
        lo, hi = extent(tuple(shape), x.strides)
        was = self.reach.get(key, (lo, hi))
        self.reach[key] = min(lo, was[0]), max(hi, was[1])
        return self.operands.setdefault(key, f"a{len(self.operands)}")

    def start(self, x: Operand) -> int:
        """Entry of the array at which the walk begins; known when all operands have been named."""
        return -self.reach[x.memory, x.offset][0]

    def number(self, text: str) -> str:
        """Name of a number that is computed before the function is called."""
        return self.numbers.setdefault(text, f"c{len(self.numbers)}")


@dataclass
class Writer:
    """A part in the making.

    Attributes
    ----------
    plan : Plan
    name : callable
        Name, in the program, of an argument or a result.
    bases : sequence of (name, flat array)
        The memory in which the plan's static arrays stand.
    helpers : dict
        Text of a helper → its name.
    calls : list of Call
    arguments : dict
        Names that the part is called with, in order.
    checked : list of Tensor
        Nodes whose indices are checked.
    arrays : dict
        Arrays of one axis that are made first, of addresses and arguments: name and text.
    scalars : dict
        Numbers that are computed next: name and text.
    """

    plan: Plan
    name: Callable[[Tensor], str]
    bases: Sequence[tuple[str, Array]]
    helpers: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    arguments: dict[str, None] = field(default_factory=dict)
    checked: list[Tensor] = field(default_factory=list)
    arrays: dict[str, str] = field(default_factory=dict)
    scalars: dict[Tensor, tuple[str, str]] = field(default_factory=dict)

    def part(self) -> Part:
        texts = [f"@machine\n{text.replace('def helper(', f'def {name}(', 1)}" for text, name in self.helpers.items()]
        head = ["blas = addresses[0]"]
        head += [f"{name} = {text}" for name, text in (*self.arrays.items(), *self.scalars.values())]
        body = [f"    {line}" for line in (*head, *lines_of(self.calls), "return 0")]
        texts.append("\n".join(["@program", f"def part({', '.join(('addresses', *self.arguments))}):", *body]) + "\n")
        return Part("\n\n".join(texts), tuple(self.arguments), tuple(self.checked))

    # --- where things are ----------------------------------------

    def walk(self, t: Tensor) -> Operand:
        """How the node's entries stand in memory."""
        if t in self.plan.static:
            array = self.plan.static[t]
            here = array.ctypes.data
            for k, (name, base) in enumerate(self.bases):
                start = base.ctypes.data
                if start <= here < start + base.nbytes:
                    name += "" if base.dtype != np.uint8 else {"float": "", "int": "_int", "bool": "_bool"}[t.kind]
                    # By its address: to take an array out of its object costs Numba as much as a small loop.
                    self.arrays[name] = f"entries(addresses[{k + 1}], {base.nbytes // array.itemsize}, {zero(t)})"
                    steps = tuple(s // array.itemsize for s in array.strides)
                    return self._operand(name, (here - start) // array.itemsize, steps, t)
            raise AssertionError("a static array stands outside the known memory")
        r = root(t)
        self.arguments[self.name(r)] = None
        if r.ndim != 1:
            self.arrays[self.name(r)] = f"entries(address({self.name(r)}), {r.size}, {zero(r)})"
        if r is t:
            return self._operand(self.name(t), 0, strides(t), t)
        whole = np.empty(r.shape, self.item(r))
        array = self._view(t, r, whole)
        steps = tuple(s // array.itemsize for s in array.strides)
        return self._operand(self.name(r), (array.ctypes.data - whole.ctypes.data) // array.itemsize, steps, t)

    def _view(self, t: Tensor, r: Tensor, whole: Array) -> Array:
        if t is r:
            return whole
        out: Array = PRIMITIVES[t.primitive].evaluate(self._view(t.inputs[0], r, whole), **t.attributes)
        return out

    def _operand(self, memory: str, offset: int, steps: Strides, t: Tensor) -> Operand:
        return Operand(memory, offset, tuple(0 if n == 1 else s for n, s in zip(t.shape, steps, strict=True)))

    def item(self, t: Tensor) -> np.dtype[np.generic]:
        return {"float": self.plan.dtype, "int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}[t.kind]

    def scalar(self, t: Tensor) -> str:
        """Name of a number that the part computes first, in double precision."""
        if t not in self.scalars:
            ins = []
            for x in t.inputs:
                if x.primitive == "constant":
                    ins.append(repr(float(x.attributes["value"])))
                elif x in self.plan.host:
                    ins.append(self.scalar(x))
                else:
                    w = self.walk(x)
                    ins.append(f"float({w.memory}[{w.offset}])")
            self.scalars[t] = f"s{len(self.scalars)}", host.expression(t, ins)
        return self.scalars[t][0]

    # --- helpers ----------------------------------------

    def emit(self, hint: str, helper: Helper, lines: Sequence[str], t: Tensor, check: int = 0) -> None:
        """Define a helper, or find the one with this text, and call it."""
        names: list[str] = ["blas"] if helper.blas else []
        given: list[str | int] = [*names, *helper.sizes.values()]
        names += helper.sizes
        head: list[str] = []
        for (memory, offset), name in helper.operands.items():
            lo, hi = helper.reach[memory, offset]
            start = f"o{name[1:]}"
            names += [name, start]
            given += [memory, offset + lo]
            if not helper.blas:
                head.append(f"    {name} = {name}[{start} : {start} + {hi - lo}]")
        for text, name in helper.numbers.items():
            names.append(f"s{name[1:]}")
            given.append(text)
            head.append(f"    {name} = real(s{name[1:]})")
        text = "\n".join([f"def helper({', '.join(names)}):", *head, *(f"    {line}" for line in lines)]) + "\n"
        name = self.helpers.setdefault(text, f"{hint[:40]}_{len(self.helpers)}")
        comment = f"  # {t.shape}" + (f" {t.scope}" if t.scope else "")
        self.calls.append(Call(name, tuple(given), comment, check))

    # --- elementwise groups, and lanes -------------------------------------------------------------------------------

    def nest(self, group: Group) -> None:
        """One loop nest over the group's shape, with a scalar for each node, or for each lane of it."""
        shape = group.shape or (1,)
        members = set(group.nodes)
        lanes = [*itertools.product(*(range(n) for n in group.lanes))]
        helper = Helper()
        names: dict[Tensor, list[str]] = {}
        walks: list[tuple[Tensor, Operand]] = []
        for x in dict.fromkeys(x for t in group.nodes for x in t.inputs if self._inside(x, members) is None):
            if self._is_number(x):
                known = x.primitive == "constant"
                number = literal(x.attributes["value"]) if known else helper.number(self.scalar(x))
                names[x] = [number] * len(lanes)
            else:
                walks.append((x, self._over(self.walk(x), len(group.lanes) + len(shape))))
        read = len(walks)
        for t in group.nodes:
            if self._escapes(t, members):
                w = self.walk(t)
                w = w.over(fold_strides(t)) if t.primitive == "fold" else w
                walks.append((t, self._over(w, len(group.lanes) + len(shape))))
        outer = len(group.lanes)
        sizes, steps = collapse(shape, [w.strides[outer:] for _, w in walks])
        merged = [(t, w, s) for (t, w), s in zip(walks, steps, strict=True)]
        arrays = [helper.array(w.over(w.strides[:outer] + s), group.lanes + sizes) for _, w, s in merged]
        loads: list[str] = []
        stores: list[tuple[str, Tensor, int]] = []
        for k, ((t, w, s), array) in enumerate(zip(merged, arrays, strict=True)):
            starts = [helper.start(w) + sum(p * q for p, q in zip(lane, w.strides, strict=False)) for lane in lanes]
            places = [f"{array}[{index(s, start)}]" for start in starts]
            if k >= read:
                wide = t.primitive == "fold" or t.ndim > len(shape)
                stores += [(place, t, i) for i, place in enumerate(places if wide else places[:1])]
            elif len(set(places)) == 1:
                loads.append(f"x{k} = {places[0]}")
                names[t] = [f"x{k}"] * len(lanes)
            else:
                names[t] = [f"x{k}_{i}" for i in range(len(lanes))]
                loads += [f"{name} = {place}" for name, place in zip(names[t], places, strict=True)]
        body = list(loads)
        for k, t in enumerate(group.nodes):
            inputs = [names[y if (y := self._inside(x, members)) is not None else x] for x in t.inputs]
            names[t] = self._scalars(f"y{k}", t, inputs, bool(lanes[1:]) and t.ndim > len(shape), body)
        # Everything is loaded before anything is stored: an output may stand where an input stood.
        body += [f"{place} = {names[t][i]}" for place, t, i in stores]
        hint = "_".join(t.primitive for t in group.nodes)
        self.emit(hint, helper, helper.loops(sizes, body), group.nodes[-1])

    @staticmethod
    def _scalars(name: str, t: Tensor, inputs: list[list[str]], wide: bool, body: list[str]) -> list[str]:
        """Add the lines that compute a node; the names of its lanes."""
        if t.primitive == "fold":  # it only says where its operand is stored
            return inputs[0]
        count = len(inputs[0])
        if t.primitive in ("sum", "count"):
            terms = inputs[0] if t.primitive == "sum" else [f"({indicator(x)})" for x in inputs[0]]
            body.append(f"{name} = {' + '.join(terms)}")
        elif t.primitive == "max":
            body.append(f"{name} = {inputs[0][0]}")
            body.extend(f"{name} = {larger(name, x)}" for x in inputs[0][1:])
        elif not wide:
            body.append(f"{name} = {expression(t, [x[0] for x in inputs])}")
        else:
            names = [f"{name}_{i}" for i in range(count)]
            body.extend(f"{names[i]} = {expression(t, [x[i] for x in inputs])}" for i in range(count))
            return names
        return [name] * count

    @staticmethod
    def _inside(x: Tensor, members: set[Tensor]) -> Tensor | None:
        """The member of a nest that is read, if any."""
        while x not in members and is_view(x):
            x = x.inputs[0]
        return x if x in members else None

    def _escapes(self, t: Tensor, members: set[Tensor]) -> bool:
        """Whether a node is read outside the nest."""
        users, outputs = self.plan.graph.users, self.plan.graph.outputs
        return t in outputs or any(u not in members and (not is_view(u) or self._escapes(u, members)) for u in users[t])

    def _is_number(self, x: Tensor) -> bool:
        return x.ndim == 0 and x not in self.plan.static and (x in self.plan.host or x.primitive == "constant")

    @staticmethod
    def _over(w: Operand, rank: int) -> Operand:
        """The walk with strides of zero for axes that the operand does not have."""
        return w.over((0,) * (rank - len(w.strides)) + w.strides)

    # --- copies and reductions ----------------------------------------

    def copy(self, source: Operand, target: Operand, shape: Sequence[int], t: Tensor) -> None:
        """Entries of the source to where the target says."""
        sizes, steps = collapse(tuple(shape) or (1,), [source.strides or (0,), target.strides or (0,)])
        across = self._across(sizes, steps[0], steps[1], self.item(t).itemsize)
        if across is not None:
            order = [*(i for i in range(len(sizes) - 1) if i != across), across, len(sizes) - 1]
            sizes, steps = tuple(sizes[i] for i in order), [tuple(s[i] for i in order) for s in steps]
        helper = Helper()
        source, target = source.over(steps[0]), target.over(steps[1])
        to, of = helper.array(target, sizes), helper.array(source, sizes)
        line = (
            f"{to}[{index(target.strides, helper.start(target))}] = {of}[{index(source.strides, helper.start(source))}]"
        )
        if across is None:
            lines = helper.loops(sizes, [line])
        else:  # numbers, which the compiler knows: it transposes a piece in registers
            *outer, count, row = sizes
            k = len(outer)
            piece = [f"for i{k} in range(j, j + {TILE}):", f"    for i{k + 1} in range({row}):", f"        {line}"]
            lines = helper.loops(outer, [f"for j in range(0, {count}, {TILE}):", *(f"    {text}" for text in piece)])
        self.emit("copy", helper, lines, t)

    @staticmethod
    def _across(sizes: Shape, source: Strides, target: Strides, itemsize: int) -> int | None:
        """The source's innermost axis, if short rows of the target are written that stand across it."""
        short = len(sizes) > 1 and target[-1] == 1 != source[-1] and sizes[-1] * itemsize <= LINE
        found = [i for i, n in enumerate(sizes) if short and source[i] == 1 and n % TILE == 0]
        return found[0] if found else None

    def fill(self, t: Tensor, value: str) -> None:
        """One number everywhere."""
        helper = Helper()
        w = self.walk(t).over((1,))
        array = helper.array(w, (t.size,))
        self.emit("fill", helper, helper.loops((t.size,), [f"{array}[i0] = {value}"]), t)

    def reduce(self, t: Tensor, source: Operand, target: Operand, shape: Sequence[int], largest: bool = False) -> None:
        """Add the source (or take the largest) into the target, which has stride zero where entries meet."""
        order = sorted(range(len(shape)), key=lambda i: -max(abs(source.strides[i]), abs(target.strides[i])))
        sizes, steps = collapse(
            tuple(shape[i] for i in order),
            [tuple(source.strides[i] for i in order), tuple(target.strides[i] for i in order)],
        )
        source, target = source.over(steps[0]), target.over(steps[1])
        helper = Helper()
        to, of = helper.array(target, sizes), helper.array(source, sizes)
        value = f"{of}[{index(source.strides, helper.start(source))}]"
        if t.primitive == "count":
            value = indicator(value)
        place = f"{to}[{index(target.strides, helper.start(target))}]"
        last, count = len(sizes) - 1, sizes[-1]
        if target.strides[-1]:
            new = larger(place, "x") if largest else f"{place} + x"
            body = helper.loops(sizes, [f"x = {value}", f"{place} = {new}"])
        elif largest or count <= RUN:
            inner = [f"x = {value}", f"y = {larger('y', 'x') if largest else 'y + x'}"]
            body = helper.loops(sizes[:-1], [f"y = {place}", *helper.loops((count,), inner, last), f"{place} = y"])
        else:
            inner = [
                f"for j in range(0, n{last}, {RUN}):",
                f"    y = {'zero' if t.kind == 'float' else '0'}",
                f"    for i{last} in range(j, min(j + {RUN}, n{last})):",
                f"        y += {value}",
                f"    {place} += y",
            ]
            helper.sizes[f"n{last}"] = count
            body = helper.loops(sizes[:-1], inner)
        self.emit("max" if largest else "sum", helper, body, t)


def zero(t: Tensor) -> str:
    """Text of zero, of the node's kind."""
    return {"float": "zero", "int": "0", "bool": "False"}[t.kind]


def larger(a: str, b: str) -> str:
    """The larger of two numbers; NaN goes through."""
    return f"{a} if {a} >= {b} or {a} != {a} else {b}"


def literal(value: float) -> str:
    """Text of a number of the float type."""
    return (
        f"real({value!r})"
        if math.isfinite(value)
        else f"real({'nan' if value != value else 'inf' if value > 0 else '-inf'})"
    )
