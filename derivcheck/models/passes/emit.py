"""Emission: the plan as one readable NumPy function.

Invariant: running the text computes the graph's outputs; every array that it returns is its own.

The mechanism only: what each primitive's line says stands in the table of :mod:`lines`.
"""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivcheck.models.compiled_backend import Machine
from derivcheck.models.helping_threads import abreast
from derivcheck.models.passes.abreast import Stretch
from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.host import FUNCTIONS, expression
from derivcheck.models.passes.layout import root, start, strides
from derivcheck.models.passes.lines import VIEWS, reference, statement
from derivcheck.models.passes.machine import compilable, part_of
from derivcheck.models.passes.plan import Block, Plan
from derivcheck.models.tensor import PRIMITIVES, Array, Shape, Tensor

__all__ = ["Emitted", "emit"]


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
    chain: int = 0

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
        elif t in self.plan.host:
            name = self.scalar(t)
        else:
            source = self.read(t.inputs[0])
            if t.primitive == "windows" and root(t).primitive == "variable":
                text = self.strided(t)
            elif t.primitive in VIEWS:
                text = VIEWS[t.primitive](t, source)
            else:
                function = self.name_of(t.primitive, PRIMITIVES[t.primitive].evaluate)
                text = f"{function}({source}{''.join(f', {k}={v!r}' for k, v in t.attributes.items())})"
            name = f"v{len(self.lines)}"
            self.lines.append(f"{name} = {text}")
        self.called[t] = name
        return name

    def strided(self, t: Tensor) -> str:
        """Text of a view of an argument, by its strides: a tenth of the time of NumPy's own function for windows."""
        item = self.plan.dtype.itemsize if t.kind == "float" else {"int": 8, "bool": 1}[t.kind]
        steps = tuple(s * item for s in strides(t))
        return f"np.ndarray({t.shape}, {self.dtype(t)}, {self.read(root(t))}, {item * start(t)}, {steps})"

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

    def zeros(self, name: str, shape: Shape) -> Array:
        """Memory that begins as zeros; of one name and shape always the same, but for what other threads run."""
        return self.plan.zeros(f"{name} {self.chain}", shape)

    def scalar(self, t: Tensor) -> str:
        """Name of a Python float, computed when it is first wanted."""
        ins = []
        for x in t.inputs:
            if x.primitive == "constant":
                ins.append(self.literal(float(x.attributes["value"])))
            else:
                ins.append(self.read(x) if x in self.plan.host else f"float({self.called[x]})")
        name = f"s{len(self.lines)}"
        self.lines.append(f"{name} = {expression(t, ins)}  # {t.scope}".rstrip(" #"))
        self.names.update(FUNCTIONS)
        return name

    def operand(self, t: Tensor) -> str:
        """Text of an operand of a NumPy function; host scalars are put into an array without axes first."""
        if t in self.plan.host and t not in self.held:
            self.held[t] = f"h{len(self.held)}"
            self.names[self.held[t]] = np.zeros((), self.plan.dtype)
            self.lines.append(f"{self.held[t]}[()] = {self.read(t)}")
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

    def schedule(self) -> None:
        """Emit all groups: stretches whose chains run abreast, and what stands between them."""
        at = 0
        for stretch in self.plan.abreast:
            self.run(range(at, stretch.start))
            self.stretch(stretch)
            at = stretch.end
        self.run(range(at, len(self.plan.groups)))

    def run(self, positions: Iterable[int]) -> None:
        """Emit groups that run one after the other."""
        groups = [self.plan.groups[i] for i in positions]
        for compiled, run in itertools.groupby(groups, lambda group: self.machine is not None and compilable(group)):
            if compiled:
                self.part(list(run))
                continue
            for group in run:
                self.group(group)

    def stretch(self, stretch: Stretch) -> None:
        """Emit chains that run abreast: a function each, but the first of those that have anything to do."""
        for i in range(stretch.start, stretch.end):
            for t in self.plan.groups[i].nodes:  # what several chains may read is drawn before any of them
                for x in (t, *t.inputs):
                    self.operand(x)
        outside, bodies = self.lines, []
        for self.chain, chain in enumerate(stretch.chains):
            self.lines = []
            self.run(chain)
            if self.lines:  # what only joins parts that stand in place has no line
                bodies.append([f"    {line}" for line in self.lines])
        self.chain, self.lines = 0, outside
        if len(bodies) < 2:
            self.lines += [line[4:] for body in bodies for line in body]
            return
        names = [f"chain_{stretch.start}_{k}" for k in range(1, len(bodies))]
        for name, body in zip(names, bodies[1:], strict=True):
            self.lines += [f"def {name}():  # by another thread", *body]
        self.names["abreast"] = abreast
        self.lines += [f"with abreast({', '.join(names)}):", *bodies[0]]

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
                text = statement(self, t, self.read(t), [self.operand(x) for x in t.inputs])
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
            text = statement(self, t, self._block(t, count, block), ins)
            text[0] += f"  # {t.scope}" if t.scope else ""
            self.lines += [f"    {line}" for line in text]

    def part(self, groups: Sequence[Group]) -> None:
        """Emit groups as one call of a compiled function."""
        assert self.machine is not None
        part = part_of(self.plan, groups, self.read, self.bases())
        function = self.name_of("part", self.machine.load(part.source))
        call = f"{function}({', '.join(('addresses', *part.arguments))})"
        self.sources.append(part.source)
        if not part.checked:
            self.lines.append(call)
            return
        # If an index is out of range the reference function says which.
        checks = [reference(self, t, self.read(t), [self.read(x) for x in t.inputs]) for t in part.checked]
        self.lines += [f"if {call}:", *(f"    {line}" for lines in checks for line in lines)]

    def bases(self) -> list[tuple[str, Array]]:
        """The flat arrays in which all static arrays stand. Compiled functions are given their addresses."""
        plan = self.plan
        assert plan.arena is not None and self.machine is not None
        found = [("memory", plan.arena)]
        for t, array in plan.static.items():
            if t in plan.resident or t.primitive == "constant":
                found.append((f"fixed_{len(found)}", array.reshape(-1)))
        self.names["addresses"] = np.array([self.machine.blas, *(array.ctypes.data for _, array in found)], np.int64)
        self.names["bases"] = [array for _, array in found]  # they live as long as the program
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


#: Names that the emitted text uses for itself.
_RESERVED = re.compile(
    r"[tvsch]\d+|np|lo|hi|target|place|float|range|fill_normal|write_one_hot|blas|addresses?|bases|entries|abreast|"
    r"memory(_int|_bool)?|at|k|part|zero|"
    + "|".join(FUNCTIONS)
    + "|(chain|result|ones|places|columns|value|part|fixed|fill|copy|product|in_range|"
    + rf"{'|'.join(PRIMITIVES)})(_\w+)?_\d+"
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
    e.schedule()
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
