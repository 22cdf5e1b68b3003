"""A number that waits for other numbers to multiply by.

Invariant: the graph computes the same numbers up to rounding. A mean's ``1/n`` enters a derivative at its beginning,
and all that follows is linear in it, until an optimiser multiplies the gradient by numbers of its own: there the factor
goes along, squared where the gradient is.
"""

from __future__ import annotations

from collections.abc import Collection

from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.simplify import number
from derivcheck.models.tensor import Tensor, constant, make

__all__ = ["factor"]

#: Largest (and inverse of the smallest) factor that is left out on the way, and how often at most: what is computed
#: meanwhile changes by it, and must not overflow.
RANGE, MOST = float(1 << 20), 2

#: Linear in the one operand that they have.
_LINEAR = frozenset({"sum", "reshape", "transpose", "slice", "broadcast_to", "embed", "neg", "flip", "windows", "fold"})


def factor(graph: Graph) -> Graph:
    """Leave out every multiplication by a number that later ones can do."""
    values = dict.fromkeys(c for t in graph.nodes if (c := _multiplier(t)) is not None)
    for c in values:
        if 1.0 / RANGE <= abs(c) <= RANGE:
            graph = _without(graph, c)
    return graph


def _multiplier(t: Tensor) -> float | None:
    """The number by which a node multiplies its first operand."""
    if t.primitive != "mul" or t.inputs[0].kind != "float" or t.inputs[0].shape != t.shape or t.inputs[1].ndim:
        return None
    return number(t.inputs[1])


def _without(graph: Graph, c: float) -> Graph:
    """The graph in which nothing is multiplied by ``c``, if other multiplications by numbers can make up for it."""
    made_up: set[Tensor] = set()  # multiplications that do; as late as possible
    while True:
        missing, failed = _missing(graph, c, made_up)
        if failed is None:
            break
        late = {x for x in (failed, *failed.inputs) if x in missing and _multiplier(x) not in (None, c)}
        if not late:
            return graph
        made_up |= late

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        here = _multiplier(t)
        if here == c:
            return inputs[0]
        if here is not None and t in made_up:
            return make("mul", inputs[0], constant(here * c ** missing.get(t.inputs[0], 0)))
        return None

    return rewrite(graph, rule)


def _missing(graph: Graph, c: float, made_up: Collection[Tensor]) -> tuple[dict[Tensor, int], Tensor | None]:
    """How often each node's value lacks the factor, and the first node where that cannot be."""
    missing: dict[Tensor, int] = {}
    for t in graph.nodes:
        power = 0 if t in made_up else _power(t, missing)
        if power is not None and _multiplier(t) == c:
            power += 1
        if power:
            missing[t] = power
        if power is None or power > MOST or (power and t in graph.outputs):
            return missing, t
    return missing, None


def _power(t: Tensor, missing: dict[Tensor, int]) -> int | None:
    """How often a node's value lacks the factor that its operands lack; ``None`` if that is no power."""
    if not any(x in missing for x in t.inputs):
        return 0
    powers = [missing.get(x, 0) for x in t.inputs]
    if t.primitive in _LINEAR:
        return powers[0]
    if t.primitive in ("matmul", "mul"):
        return sum(powers)
    if t.primitive == "square":
        return 2 * powers[0]
    if t.primitive in ("add", "sub", "concatenate"):
        return _common(t.inputs, powers)
    if t.primitive == "where" and t.inputs[0] not in missing:
        return _common(t.inputs[1:], powers[1:])
    return None


def _common(terms: Collection[Tensor], powers: Collection[int]) -> int | None:
    """The power that all terms have; zeros have any."""
    found = {p for x, p in zip(terms, powers, strict=True) if number(x) != 0.0}
    return found.pop() if len(found) == 1 else None
