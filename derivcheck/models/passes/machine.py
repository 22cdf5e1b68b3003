"""Emission for the compiled backend: a run of groups as one function of loops and BLAS calls.

Invariant: the function computes what the NumPy lines of its groups compute, up to rounding, in the same planned memory.

Every group becomes a call of a *helper*, a loop nest that knows sizes and strides but not where its operands stand;
repeated parts of a network share one helper. The calls make up the function ``part``: with its helpers it is the text
of a module, which :mod:`~derivcheck.models.compiled_backend` hands to Numba. Which primitives have an emitter here is
said by the table ``_EMITTERS``; a group that has none stays with NumPy, between two parts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.layout import is_view, root, strides
from derivcheck.models.passes.loops import Operand, Strides, collapse, expression, extent, index, indicator
from derivcheck.models.passes.nest import fold_strides, sum_strides, through_views, tiles
from derivcheck.models.passes.pieces import matrix, pieces
from derivcheck.models.passes.plan import Plan
from derivcheck.models.tensor import PRIMITIVES, Array, Tensor

__all__ = ["Part", "compilable", "part_of"]

#: Entries of a long sum that are added one after the other; the sums of such runs are then added in turn.
RUN = 2048


@dataclass(frozen=True)
class Part:
    """A run of groups as a module's text.

    Attributes
    ----------
    source : str
        Defines ``part(blas, …)``, which returns 0, or the number of the check that failed.
    arguments : tuple of str
        What ``part`` is called with, after ``blas``: names in the emitted program.
    checked : tuple of Tensor
        Nodes whose indices are checked: number ``k`` failed if ``part`` returns ``k + 1``.
    """

    source: str
    arguments: tuple[str, ...]
    checked: tuple[Tensor, ...]


def compilable(group: Group) -> bool:
    """Whether every node of the group has an emitter."""
    if any(0 in t.shape or any(0 in x.shape for x in t.inputs) for t in group.nodes):
        return False
    return all(_has_emitter(t) for t in group.nodes)


def _has_emitter(t: Tensor) -> bool:
    if PRIMITIVES[t.primitive].elementwise:
        return expression(t, ["x"] * len(t.inputs)) is not None
    return t.primitive in _EMITTERS and (t.primitive != "matmul" or _is_product(t))


def part_of(
    plan: Plan, groups: Sequence[Group], name: Callable[[Tensor], str], bases: Sequence[tuple[str, Array]]
) -> Part:
    """Emit groups, all of which are :func:`compilable`.

    Parameters
    ----------
    plan : Plan
    groups : sequence of Group
    name : callable
        Name, in the program, of a node that is no static array (an argument, a result, a number).
    bases : sequence of (name, flat array)
        The memory in which the plan's static arrays stand.
    """
    writer = _Writer(plan, name, bases)
    for group in groups:
        writer.group(group)
    return writer.part()


@dataclass(frozen=True)
class _Call:
    """A line of ``part``: a helper, what it is given (entries as integers), a comment, the number of a check."""

    helper: str
    given: tuple[str | int, ...]
    comment: str
    check: int = 0


@dataclass
class _Helper:
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
class _Writer:
    plan: Plan
    name: Callable[[Tensor], str]
    bases: Sequence[tuple[str, Array]]
    helpers: dict[str, str] = field(default_factory=dict)
    calls: list[_Call] = field(default_factory=list)
    arguments: dict[str, None] = field(default_factory=dict)
    checked: list[Tensor] = field(default_factory=list)

    def part(self) -> Part:
        texts = [f"@machine\n{text.replace('def helper(', f'def {name}(', 1)}" for text, name in self.helpers.items()]
        body = [f"    {line}" for line in (*_lines(self.calls), "return 0")]
        texts.append("\n".join(["@program", f"def part({', '.join(('blas', *self.arguments))}):", *body]) + "\n")
        return Part("\n\n".join(texts), tuple(self.arguments), tuple(self.checked))

    # --- where things are ----------------------------------------

    def walk(self, t: Tensor) -> Operand:
        """How the node's entries stand in memory."""
        if t in self.plan.static:
            array = self.plan.static[t]
            here = array.ctypes.data
            for name, base in self.bases:
                start = base.ctypes.data
                if start <= here < start + base.nbytes:
                    suffix = "" if base.dtype != np.uint8 else {"float": "", "int": "_int", "bool": "_bool"}[t.kind]
                    steps = tuple(s // array.itemsize for s in array.strides)
                    return self._operand(name + suffix, (here - start) // array.itemsize, steps, t)
            raise AssertionError("a static array stands outside the known memory")
        r = root(t)
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

    def argument(self, text: str) -> str:
        self.arguments.setdefault(text)
        return text

    # --- helpers ----------------------------------------

    def emit(self, hint: str, helper: _Helper, lines: Sequence[str], t: Tensor, check: int = 0) -> None:
        """Define a helper, or find the one with this text, and call it."""
        names: list[str] = ["blas"] if helper.blas else []
        given: list[str | int] = [*names, *helper.sizes.values()]
        names += helper.sizes
        head: list[str] = []
        for (memory, offset), name in helper.operands.items():
            lo, hi = helper.reach[memory, offset]
            start = f"o{name[1:]}"
            names += [name, start]
            given += [self.argument(memory), offset + lo]
            if not helper.blas:
                head.append(f"    {name} = {name}[{start} : {start} + {hi - lo}]")
        for text, name in helper.numbers.items():
            names.append(f"s{name[1:]}")
            given.append(self.argument(text))
            head.append(f"    {name} = real(s{name[1:]})")
        text = "\n".join([f"def helper({', '.join(names)}):", *head, *(f"    {line}" for line in lines)]) + "\n"
        name = self.helpers.setdefault(text, f"{hint[:40]}_{len(self.helpers)}")
        comment = f"  # {t.shape}" + (f" {t.scope}" if t.scope else "")
        self.calls.append(_Call(name, tuple(given), comment, check))

    def group(self, group: Group) -> None:
        if PRIMITIVES[group.nodes[0].primitive].elementwise or group.lanes:
            self.nest(group)
        elif len(group.nodes) == 2:
            _added_product(self, *group.nodes)
        else:
            _EMITTERS[group.nodes[0].primitive](self, group.nodes[0])

    # --- elementwise groups, and lanes -------------------------------------------------------------------------------

    def nest(self, group: Group) -> None:
        """One loop nest over the group's shape, with a scalar for each node, or for each lane of it."""
        shape = group.shape or (1,)
        members = set(group.nodes)
        lanes = [*itertools.product(*(range(n) for n in group.lanes))]
        helper = _Helper()
        names: dict[Tensor, list[str]] = {}
        walks: list[tuple[Tensor, Operand]] = []
        for x in dict.fromkeys(x for t in group.nodes for x in t.inputs if self._inside(x, members) is None):
            if self._is_number(x):
                literal = x.primitive == "constant"
                number = _literal(x.attributes["value"]) if literal else helper.number(self.name(x))
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
            body.extend(f"{name} = {_larger(name, x)}" for x in inputs[0][1:])
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
        helper = _Helper()
        source, target = source.over(steps[0]), target.over(steps[1])
        to, of = helper.array(target, sizes), helper.array(source, sizes)
        line = (
            f"{to}[{index(target.strides, helper.start(target))}] = {of}[{index(source.strides, helper.start(source))}]"
        )
        self.emit("copy", helper, helper.loops(sizes, [line]), t)

    def fill(self, t: Tensor, value: str) -> None:
        """One number everywhere."""
        helper = _Helper()
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
        helper = _Helper()
        to, of = helper.array(target, sizes), helper.array(source, sizes)
        value = f"{of}[{index(source.strides, helper.start(source))}]"
        if t.primitive == "count":
            value = indicator(value)
        place = f"{to}[{index(target.strides, helper.start(target))}]"
        last, count = len(sizes) - 1, sizes[-1]
        if target.strides[-1]:
            new = _larger(place, "x") if largest else f"{place} + x"
            body = helper.loops(sizes, [f"x = {value}", f"{place} = {new}"])
        elif largest or count <= RUN:
            inner = [f"x = {value}", f"y = {_larger('y', 'x') if largest else 'y + x'}"]
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


def _lines(calls: Sequence[_Call]) -> list[str]:
    """The calls as text; a sequence of calls that is repeated becomes a loop."""
    lines: list[str] = []
    at = 0
    while at < len(calls):
        period, count = _repeated(calls, at)
        if not period:
            lines += _line(calls[at], calls[at].given)
            at += 1
            continue
        lines.append(f"for k in range({count}):")
        for i in range(at, at + period):
            given = [
                _along(column) for column in zip(*(calls[i + r * period].given for r in range(count)), strict=True)
            ]
            lines += [f"    {line}" for line in _line(calls[i], given)]
        at += period * count
    return lines


def _line(call: _Call, given: Sequence[str | int]) -> list[str]:
    # Plain integers would make Numba compile a helper anew for each of them.
    text = f"{call.helper}({', '.join(f'at({x})' if isinstance(x, int) else x for x in given)})"
    if call.check:
        return [f"if not {text}:{call.comment}", f"    return {call.check}"]
    return [text + call.comment]


#: Longest sequence of calls that is looked for again right after it.
_PERIOD = 24


def _repeated(calls: Sequence[_Call], start: int) -> tuple[int, int]:
    """Length and number (three or more) of equal sequences from here on, up to entries that move evenly; 0 if none."""
    best = 0, 0
    for period in range(1, _PERIOD + 1):
        count = 1
        while _matches(calls, start, period, count):
            count += 1
        if count > 2 and period * count > best[0] * best[1]:
            best = period, count
    return best


def _matches(calls: Sequence[_Call], start: int, period: int, count: int) -> bool:
    # Whether the sequence number `count` continues the ones before.
    lo = start + period * count
    if lo + period > len(calls):
        return False
    for i in range(period):
        first, new = calls[start + i], calls[lo + i]
        if first.helper != new.helper or first.check:
            return False
        second = calls[start + period + i].given
        for a, b, c in zip(first.given, second, new.given, strict=True):
            if isinstance(a, int) and isinstance(b, int) and isinstance(c, int):
                if c - a != count * (b - a):
                    return False
            elif a != c:
                return False
    return True


def _along(column: Sequence[str | int]) -> str | int:
    first, second = column[0], column[1]
    if first == second or isinstance(first, str) or isinstance(second, str):
        return first
    return f"{first} + k * {second - first}" if second > first else f"{first} - k * {first - second}"


def _larger(a: str, b: str) -> str:
    return f"{a} if {a} >= {b} or {a} != {a} else {b}"


def _literal(value: float) -> str:
    return (
        f"real({value!r})"
        if math.isfinite(value)
        else f"real({'nan' if value != value else 'inf' if value > 0 else '-inf'})"
    )


# --- the table of emitters ----------------------------------------


def _zero(t: Tensor) -> str:
    return {"float": "zero", "int": "0", "bool": "False"}[t.kind]


def _sum(w: _Writer, t: Tensor) -> None:
    w.fill(t, _zero(t))
    w.reduce(t, w.walk(t.inputs[0]), w.walk(t).over(sum_strides(t)), t.inputs[0].shape)


def _max(w: _Writer, t: Tensor) -> None:
    w.fill(t, "real(-inf)" if t.kind == "float" else str(np.iinfo(np.int64).min))
    w.reduce(t, w.walk(t.inputs[0]), w.walk(t).over(sum_strides(t)), t.inputs[0].shape, largest=True)


def _argmax(w: _Writer, t: Tensor) -> None:
    x, axis = t.inputs[0], t.attributes["axis"]
    source, out = w.walk(x), w.walk(t)
    others = [i for i in range(x.ndim) if i != axis]
    helper = _Helper()
    shape = tuple(x.shape[i] for i in others)
    to, of = helper.array(out, shape), helper.array(source, x.shape)
    first = index(tuple(source.strides[i] for i in others), helper.start(source))
    step, count = source.strides[axis], x.shape[axis]
    body = [
        f"at, best = 0, {of}[{first}]",
        f"for j in range(1, {count}):",
        f"    x = {of}[{first} + j * {step}]",
        "    if x > best or (x != x and best == best):",  # the first NaN counts as the largest
        "        at, best = j, x",
        f"{to}[{index(out.strides, helper.start(out))}] = at",
    ]
    w.emit("argmax", helper, helper.loops(shape, body), t)


def _reshape(w: _Writer, t: Tensor) -> None:
    source = t.inputs[0]
    w.copy(w.walk(source), w.walk(t).over(_c_order(source.shape)), source.shape, t)


def _c_order(shape: Sequence[int]) -> Strides:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _concatenate(w: _Writer, t: Tensor) -> None:
    axis, at = t.attributes["axis"], 0
    whole = w.walk(t)
    steps = _c_order(t.shape)
    for x in t.inputs:
        source = w.walk(x)
        target = Operand(whole.memory, whole.offset + at * steps[axis], steps)
        at += x.shape[axis]
        here = source.memory == target.memory and source.offset == target.offset
        if not here or any(a != b and n > 1 for a, b, n in zip(source.strides, steps, x.shape, strict=True)):
            w.copy(source, target, x.shape, t)


def _embed(w: _Writer, t: Tensor) -> None:
    x, slices = t.inputs[0], t.attributes["slices"]
    whole, steps = w.walk(t), _c_order(t.shape)
    offset = whole.offset + sum(a * s for (a, _, _), s in zip(slices, steps, strict=True))
    inner = tuple(k * s for (_, _, k), s in zip(slices, steps, strict=True))
    w.fill(t, _zero(t))
    w.copy(w.walk(x), Operand(whole.memory, offset, inner), x.shape, t)


def _fold(w: _Writer, t: Tensor) -> None:
    # The sum goes into the view of the result's memory whose transpose it is.
    if t.inputs[0] in w.plan.placed:
        return
    x, target = t.inputs[0], w.walk(t).over(fold_strides(t))
    if tiles(t):
        w.copy(w.walk(x), target, x.shape, t)
        return
    w.fill(t, _zero(t))
    w.reduce(t, w.walk(x), target, x.shape)


def _is_product(t: Tensor) -> bool:
    return all(matrix(x.shape, strides(x)) is not None for x in t.inputs)


def _product(w: _Writer, t: Tensor, out: Operand, beta: str) -> None:
    a, b = t.inputs
    left, right = w.walk(a), w.walk(b)
    (ta, lda), (tb, ldb) = (matrix(x.shape, strides(x)) or (False, 1) for x in (a, b))
    n, k, m = a.shape[-2], a.shape[-1], b.shape[-1]
    down, across = out.strides[-2:]
    if across != 1 and m > 1:  # its place is transposed: Cᵀ = Bᵀ Aᵀ
        left, right, n, m, down = right, left, m, n, across
        ta, lda, tb, ldb = not tb, ldb, not ta, lda
    ldc = max(down, m)
    sizes, (sa, sb, sc) = collapse(t.shape[:-2] or (1,), [x.strides[:-2] or (0,) for x in (left, right, out)])
    helper = _Helper(blas=True)
    names = [helper.array(x.over((0,)), (1,)) for x in (left, right, out)]
    alone = sizes == (1,)
    i, j, o = (_shifted(f"o{x[1:]}", () if alone else s) for x, s in zip(names, (sa, sb, sc), strict=True))
    rows, columns = pieces(n, m, k, ta, tb)
    some, loops = [str(n), str(m)], []
    if rows < n:
        loops.append(f"for p in range(0, {n}, {rows}):")
        some[0] = f"min({rows}, {n} - p)" if n % rows else str(rows)
        i, o = f"{i} + p" + ("" if ta else f" * {lda}"), f"{o} + p * {ldc}"
    if columns < m:
        loops.append(f"for q in range(0, {m}, {columns}):")
        some[1] = f"min({columns}, {m} - q)" if m % columns else str(columns)
        j, o = f"{j} + q" + (f" * {ldb}" if tb else ""), f"{o} + q"
    line = (
        f"product(blas, {some[0]}, {some[1]}, {k}, {names[0]}, {i}, {lda}, {ta}, "
        f"{names[1]}, {j}, {ldb}, {tb}, {names[2]}, {o}, {ldc}, {beta})"
    )
    lines = [f"{'    ' * d}{text}" for d, text in enumerate((*loops, line))]
    w.emit("product", helper, lines if alone else helper.loops(sizes, lines), t)


def _matmul(w: _Writer, t: Tensor) -> None:
    _product(w, t, w.walk(t), "zero")


def _added_product(w: _Writer, t: Tensor, y: Tensor) -> None:
    """A product whose entries are added into the memory of a sum or a fold."""
    steps = through_views(y.inputs[0], t, sum_strides(y) if y.primitive == "sum" else fold_strides(y))
    assert steps is not None
    w.fill(y, "zero")
    _product(w, t, w.walk(y).over(steps), "one")


def _shifted(start: str, steps: Strides) -> str:
    moved = index(steps)
    return start if moved == "0" else f"{start} + {moved}"


def _indexed(w: _Writer, t: Tensor, indices: Tensor, count: int) -> None:
    """A check that all indices are in range; negative ones count from the end, as in NumPy."""
    walked = w.walk(indices)
    shape = indices.shape or (1,)
    helper = _Helper()
    array = helper.array(walked, indices.shape)
    lowest = 0 if t.primitive == "one_hot" else -count
    place = f"{array}[{index(walked.strides, helper.start(walked))}]"
    body = helper.loops(shape, [f"j = {place}", f"if j < {lowest} or j >= {count}:", "    return False"])
    w.checked.append(t)
    w.emit("in_range", helper, [*body, "return True"], t, check=len(w.checked))


def _one_hot(w: _Writer, t: Tensor) -> None:
    indices, count = t.inputs[0], t.attributes["count"]
    _indexed(w, t, indices, count)
    w.fill(t, "zero")
    walked, out = w.walk(indices), w.walk(t)
    helper = _Helper()
    to, of = helper.array(out, t.shape), helper.array(walked, indices.shape)
    place = index(out.strides[:-1], helper.start(out))
    line = f"{to}[{place} + {of}[{index(walked.strides, helper.start(walked))}]] = one"
    w.emit("one_hot", helper, helper.loops(indices.shape, [line]), t)


def _rows(w: _Writer, t: Tensor, add: bool) -> None:
    # Entry [before, i, after] of one array is entry [before, indices[i], after] of the other.
    x, indices = t.inputs
    axis, many = t.attributes["axis"], indices.ndim
    table, entries = (t, x) if add else (x, t)
    count = table.shape[axis]
    _indexed(w, t, indices, count)
    helper = _Helper()
    rows, values, numbers = w.walk(table), w.walk(entries), w.walk(indices)
    names = [helper.array(o, s) for o, s in ((rows, table.shape), (values, entries.shape), (numbers, indices.shape))]
    shape = entries.shape
    split = axis + many
    number = index((0,) * axis + numbers.strides, helper.start(numbers))
    along = rows.strides[:axis] + (0,) * many + rows.strides[axis + 1 :]
    place = f"{names[0]}[{index(along, helper.start(rows))} + j * {rows.strides[axis]}]"
    value = f"{names[1]}[{index(values.strides, helper.start(values))}]"
    inner = helper.loops(shape[split:], [f"{place} += {value}" if add else f"{value} = {place}"], split)
    wrap = [f"j = {names[2]}[{number}]", "if j < 0:", f"    j += {count}"]
    w.emit("scatter_add" if add else "take", helper, helper.loops(shape[:split], [*wrap, *inner]), t)


def _take(w: _Writer, t: Tensor) -> None:
    _rows(w, t, add=False)


def _scatter_add(w: _Writer, t: Tensor) -> None:
    w.fill(t, "zero")
    _rows(w, t, add=True)


_EMITTERS: dict[str, Callable[[_Writer, Tensor], None]] = {
    "sum": _sum,
    "count": _sum,
    "max": _max,
    "argmax": _argmax,
    "reshape": _reshape,
    "concatenate": _concatenate,
    "embed": _embed,
    "fold": _fold,
    "matmul": _matmul,
    "one_hot": _one_hot,
    "take": _take,
    "scatter_add": _scatter_add,
}
