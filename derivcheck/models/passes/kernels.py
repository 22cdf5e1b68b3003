"""Fused loops for the optional compiled backend.

Invariant: a kernel computes what its group's NumPy lines compute, entry by entry, and stores only what is read
outside the group. Groups with transcendental functions stay with NumPy, whose vectorised versions are faster than
the scalar ones that a loop would call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from derivcheck.models.passes.fuse import Group
from derivcheck.models.tensor import Shape, Tensor

__all__ = ["EXPRESSIONS", "collapse", "extent", "fusible", "kernel_text"]

#: What a primitive is in a scalar loop. Comparisons are arranged so that NaN goes through, as in NumPy.
EXPRESSIONS: dict[str, Callable[..., str]] = {
    "add": lambda a, b: f"{a} + {b}",
    "sub": lambda a, b: f"{a} - {b}",
    "mul": lambda a, b: f"{a} * {b}",
    "div": lambda a, b: f"{a} / {b}",
    "neg": lambda a: f"-{a}",
    "square": lambda a: f"{a} * {a}",
    "reciprocal": lambda a: f"one / {a}",
    "sqrt": lambda a: f"sqrt({a})",
    "maximum": lambda a, b: f"{a} if {a} >= {b} or {a} != {a} else {b}",
    "minimum": lambda a, b: f"{a} if {a} <= {b} or {a} != {a} else {b}",
    "greater": lambda a, b: f"{a} > {b}",
    "greater_equal": lambda a, b: f"{a} >= {b}",
    "equal": lambda a, b: f"{a} == {b}",
    "where": lambda c, a, b: f"{a} if {c} else {b}",
    "cast": lambda a: f"one if {a} else zero",
}


def fusible(group: Group) -> bool:
    """Whether the group is a loop of more than one elementary operation on floats."""
    if group.shape is None or len(group.nodes) < 2 or 0 in group.shape:
        return False
    casts = (t for t in group.nodes if t.primitive == "cast")
    return all(t.primitive in EXPRESSIONS for t in group.nodes) and all(
        t.kind == "float" and t.inputs[0].kind == "bool" for t in casts
    )


def collapse(shape: Shape, strides: Sequence[tuple[int, ...]]) -> tuple[Shape, list[tuple[int, ...]]]:
    """Merge axes that all operands walk through as if they were one; axes of size one vanish."""
    kept = [i for i, n in enumerate(shape) if n != 1] or [len(shape) - 1]
    sizes = [shape[i] for i in kept]
    steps = [[s[i] for i in kept] for s in strides]
    i = len(sizes) - 2
    while i >= 0:
        if all(s[i] == s[i + 1] * sizes[i + 1] for s in steps):
            sizes[i : i + 2] = [sizes[i] * sizes[i + 1]]
            for s in steps:
                del s[i]
        i -= 1
    return tuple(sizes), [tuple(s) for s in steps]


def kernel_text(
    group: Group,
    inputs: Sequence[tuple[Tensor, str, tuple[int, ...] | None]],
    outputs: Sequence[tuple[Tensor, str, tuple[int, ...]]],
    dtype: str,
) -> str:
    """Source of a function ``kernel`` of the distinct arguments, in the order in which they are first named.

    Parameters
    ----------
    group : Group
    inputs : sequence of (node, argument, strides)
        What the group reads from outside; strides in entries over the group's shape, ``None`` for a number. Nodes in
        the same memory have the same argument: no two arguments overlap.
    outputs : sequence of (node, argument, strides)
        What is read outside the group.
    dtype : str
        NumPy name of the float kind.
    """
    assert group.shape is not None
    arrays = [s for _, _, s in inputs if s is not None] + [s for _, _, s in outputs]
    sizes, walked = collapse(group.shape, arrays)
    steps = iter(walked)
    pad = "    " * (len(sizes) + 1)
    head: list[str] = []
    body: list[str] = []
    names: dict[Tensor, str] = {}
    for k, (t, argument, given) in enumerate(inputs):
        names[t] = f"x{k}"
        if given is None:
            head.append(f"    x{k} = {dtype}({argument})")
        else:
            body.append(f"{pad}x{k} = {argument}[{_index(next(steps))}]")
    for k, t in enumerate(group.nodes):
        names[t] = f"y{k}"
        body.append(f"{pad}y{k} = {EXPRESSIONS[t.primitive](*(names[x] for x in t.inputs))}")
    # Everything is loaded before anything is stored: an output may stand where an input stood.
    body += [f"{pad}{argument}[{_index(next(steps))}] = {names[t]}" for t, argument, _ in outputs]
    loops = [f"{'    ' * (i + 1)}for i{i} in range({n}):" for i, n in enumerate(sizes)]
    arguments = dict.fromkeys(argument for _, argument, _ in (*inputs, *outputs))
    numbers = [f"    one = {dtype}(1.0)", f"    zero = {dtype}(0.0)"]
    return "\n".join([f"def kernel({', '.join(arguments)}):", *numbers, *head, *loops, *body]) + "\n"


def _index(steps: tuple[int, ...]) -> str:
    terms = [f"i{k}" if s == 1 else f"i{k} * {s}" for k, s in enumerate(steps) if s]
    return " + ".join(terms) or "0"


def extent(shape: Shape, strides: tuple[int, ...]) -> int:
    """Entries between the first and the last that are touched, inclusive."""
    return 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if math.prod(shape) else 0
