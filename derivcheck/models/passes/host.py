"""Scalars that are known before any array is touched: step sizes, bias corrections, update counts.

Invariant: a host node is a float scalar computed from scalar inputs and numbers only, and is read by elementwise
nodes (or returned). It is emitted as arithmetic on Python floats, which costs a twentieth of a NumPy call, or, in
double precision too, at the head of the compiled function that wants it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from derivcheck.models.graph import Graph
from derivcheck.models.tensor import PRIMITIVES, Tensor

__all__ = ["FUNCTIONS", "TEXT", "expression", "host_nodes"]


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _divide(a: float, b: float) -> float:
    # NumPy's conventions: a quotient by zero is infinite or not a number, never an exception.
    if b:
        return a / b
    return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _log(x: float) -> float:
    return math.log(x) if x > 0 else (-math.inf if x == 0 else math.nan)


def _sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


#: How a primitive is written for floats.
TEXT: dict[str, str] = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "neg": "-{0}",
    "square": "{0} * {0}",
    "div": "divide64({0}, {1})",
    "reciprocal": "divide64(1.0, {0})",
    "exp": "exp64({0})",
    "log": "log64({0})",
    "sqrt": "sqrt64({0})",
    "maximum": "{0} if {0} >= {1} or {0} != {0} else {1}",
    "minimum": "{0} if {0} <= {1} or {0} != {0} else {1}",
}

#: What these names stand for.
FUNCTIONS: dict[str, Callable[..., float]] = {"exp64": _exp, "divide64": _divide, "log64": _log, "sqrt64": _sqrt}


def expression(t: Tensor, operands: Sequence[str]) -> str:
    """Text of a host node, given that of its operands (names and numbers)."""
    return TEXT[t.primitive].format(*(f"({x})" if x.startswith("-") else x for x in operands))


def host_nodes(graph: Graph) -> frozenset[Tensor]:
    """The nodes that are computed as Python floats."""
    found: set[Tensor] = set()
    for t in graph.nodes:
        if t.ndim or t.kind != "float":
            continue
        known = all(x in found or x.primitive == "constant" for x in t.inputs)
        if t.primitive == "variable" or (t.primitive in TEXT and known):
            found.add(t)
    for t in reversed(graph.nodes):  # what an array operation reads must itself be an array
        if t in found and t.inputs and not all(PRIMITIVES[u.primitive].elementwise for u in graph.users[t]):
            found.discard(t)
    # A node whose input has just left must leave too.
    for t in graph.nodes:
        if t in found and t.inputs and not all(x in found or x.primitive == "constant" for x in t.inputs):
            found.discard(t)
    return frozenset(t for t in found if t.inputs)
