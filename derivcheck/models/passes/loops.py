"""Loop nests as text: what the compiled backend does where the NumPy emitter calls a vectorised function.

Invariant: a nest computes what the primitives' NumPy lines compute, entry by entry; NaN goes through comparisons as in
NumPy. The text is Python that Numba compiles, and that also runs, slowly, as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from derivcheck.models.tensor import Shape, Tensor

__all__ = ["EXPRESSIONS", "Operand", "Strides", "collapse", "expression", "extent", "index", "indicator"]

Strides = tuple[int, ...]

#: What an elementwise primitive is in a scalar loop.
EXPRESSIONS: dict[str, Callable[..., str]] = {
    "add": lambda a, b: f"{a} + {b}",
    "sub": lambda a, b: f"{a} - {b}",
    "mul": lambda a, b: f"{a} * {b}",
    "div": lambda a, b: f"{a} / {b}",
    "neg": lambda a: f"-{a}",
    "square": lambda a: f"{a} * {a}",
    "reciprocal": lambda a: f"one / {a}",
    "sqrt": lambda a: f"sqrt({a})",
    "exp": lambda a: f"exp({a})",
    "expm1": lambda a: f"expm1({a})",
    "log": lambda a: f"log({a})",
    "log1p": lambda a: f"log1p({a})",
    "tanh": lambda a: f"tanh({a})",
    "sin": lambda a: f"sin({a})",
    "cos": lambda a: f"cos({a})",
    "erf": lambda a: f"erf({a})",
    "abs": lambda a: f"abs({a})",
    "sign": lambda a: f"one if {a} > zero else (-one if {a} < zero else {a})",
    "maximum": lambda a, b: f"{a} if {a} >= {b} or {a} != {a} else {b}",
    "minimum": lambda a, b: f"{a} if {a} <= {b} or {a} != {a} else {b}",
    "greater": lambda a, b: f"{a} > {b}",
    "greater_equal": lambda a, b: f"{a} >= {b}",
    "equal": lambda a, b: f"{a} == {b}",
    "where": lambda c, a, b: f"{a} if {c} else {b}",
    "alias": lambda a: a,
    "stop_gradient": lambda a: a,
}

#: Those that mean the same for integers.
_INTEGER = frozenset(
    {"add", "sub", "mul", "neg", "square", "abs", "maximum", "minimum", "greater", "greater_equal", "equal", "where"}
    | {"alias", "stop_gradient"}
)


def expression(t: Tensor, names: Sequence[str]) -> str | None:
    """The node as a scalar expression of its inputs' names, or ``None`` if there is none."""
    if t.primitive == "cast":
        source = t.inputs[0].kind
        if t.kind == "float":
            return {"float": "{0}", "int": "real({0})", "bool": indicator("{0}")}[source].format(names[0])
        return f"{names[0]} != 0" if t.kind == "bool" else None
    if t.primitive == "power":
        return f"{names[0]} ** real({float(t.attributes['exponent'])!r})"
    if t.primitive not in EXPRESSIONS:
        return None
    if t.primitive == "mul" and t.kind == "float":
        factors = zip(names, t.inputs, strict=True)
        return EXPRESSIONS["mul"](*(f"({indicator(n)})" if x.kind == "bool" else n for n, x in factors))
    kinds = {t.kind, *(x.kind for x in t.inputs)}
    if "int" in kinds and t.primitive not in _INTEGER:
        return None
    if "bool" in kinds and t.primitive not in ("greater", "greater_equal", "equal", "where", "alias", "stop_gradient"):
        return None
    return EXPRESSIONS[t.primitive](*names)


def indicator(truth: str) -> str:
    """A truth value as a number."""
    return f"one if {truth} else zero"


@dataclass(frozen=True)
class Operand:
    """How a loop nest walks through memory.

    Attributes
    ----------
    memory : str
        Name of a flat array.
    offset : int
        Entry at which the walk begins.
    strides : tuple of int
        In entries, one for each axis.
    """

    memory: str
    offset: int
    strides: Strides

    def over(self, strides: Strides) -> Operand:
        """The same memory, walked with other strides."""
        return Operand(self.memory, self.offset, strides)


def extent(shape: Shape, strides: Strides) -> tuple[int, int]:
    """Lowest and highest entry that are touched, counted from the first, the highest exclusive."""
    if not math.prod(shape):
        return 0, 0
    reach = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
    return sum(r for r in reach if r < 0), 1 + sum(r for r in reach if r > 0)


def collapse(shape: Shape, strides: Sequence[Strides]) -> tuple[Shape, list[Strides]]:
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


def index(steps: Strides, start: int = 0) -> str:
    """Text of the entry at which loop variables ``i0, i1, …`` point."""
    terms = [f"i{k}" if s == 1 else f"i{k} * {s}" for k, s in enumerate(steps) if s]
    if start:
        terms.append(str(start))
    return " + ".join(terms) or "0"
