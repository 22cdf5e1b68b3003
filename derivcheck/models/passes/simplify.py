"""Local identities: what a derivative rule leaves behind and no reader would write.

Invariant: the graph computes the same numbers (up to rounding; where a removed factor is 1, exactly).
Each rule looks at one node and its new inputs and returns what replaces it, or ``None``.
"""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.models.functional import broadcast_to, reshape, transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.tensor import PRIMITIVES, Tensor, constant, make

__all__ = ["number", "simplify"]

Inputs = tuple[Tensor, ...]
Rule = Callable[[Tensor, Inputs], Tensor | None]


#: Primitives whose entries are entries of their input.
_MOVING = frozenset({"broadcast_to", "reshape", "slice", "transpose", "flip"})


def number(t: Tensor) -> float | None:
    """The value of a tensor all of whose entries are one known number."""
    while t.primitive in _MOVING:
        t = t.inputs[0]
    if t.primitive == "constant" and t.kind == "float" and t.ndim == 0:
        return float(t.attributes["value"])
    return None


def _like(value: Tensor, t: Tensor) -> Tensor:
    return broadcast_to(value, t.shape)


def _add(t: Tensor, inputs: Inputs) -> Tensor | None:
    a, b = inputs
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return _like(constant(x + y), t)
    if y == 0.0:
        return _like(a, t)
    if x == 0.0:
        return _like(b, t)
    if b.primitive == "neg":
        return make("sub", a, b.inputs[0])
    if a.primitive == "neg":
        return make("sub", b, a.inputs[0])
    return None


def _sub(t: Tensor, inputs: Inputs) -> Tensor | None:
    a, b = inputs
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return _like(constant(x - y), t)
    if y == 0.0:
        return _like(a, t)
    if x == 0.0:
        return _like(make("neg", b), t)
    if b.primitive == "neg":
        return make("add", a, b.inputs[0])
    return None


def _mul(t: Tensor, inputs: Inputs) -> Tensor | None:
    a, b = inputs
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return _like(constant(x * y), t)
    if x is not None:
        a, b, y = b, a, x
    if y == 1.0:
        return _like(a, t)
    if y == -1.0:
        return _like(make("neg", a), t)
    if y is not None and a.primitive == "mul":
        inner = number(a.inputs[1])
        if inner is not None:
            return _like(make("mul", a.inputs[0], constant(inner * y)), t)
    if y is not None and a.primitive == "neg":
        return _like(make("mul", a.inputs[0], constant(-y)), t)
    if y is not None and b.ndim:
        return _like(make("mul", a, constant(y)), t)
    if y is not None and x is not None:
        return make("mul", a, b)  # the number last
    if b.primitive == "reciprocal":
        return make("div", a, b.inputs[0])
    if a.primitive == "reciprocal":
        return make("div", b, a.inputs[0])
    return make("square", a) if a is b else None


def _div(t: Tensor, inputs: Inputs) -> Tensor | None:
    a, b = inputs
    x, y = number(a), number(b)
    if y is not None and y != 0.0:
        return _like(make("mul", a, constant(1.0 / y)), t)
    if x == 1.0:
        return _like(make("reciprocal", b), t)
    return None


def _neg(t: Tensor, inputs: Inputs) -> Tensor | None:
    (a,) = inputs
    x = number(a)
    if x is not None:
        return _like(constant(-x), t)
    if a.primitive == "neg":
        return a.inputs[0]
    if a.primitive == "sub":
        return make("sub", a.inputs[1], a.inputs[0])
    if a.primitive == "add":  # −(c + x) = −c − x
        for c, other in (a.inputs, a.inputs[::-1]):
            value = number(c)
            if value is not None and other.shape == t.shape:
                return make("sub", constant(-value), other)
    return None


def _power(t: Tensor, inputs: Inputs) -> Tensor | None:
    (a,) = inputs
    exponent = t.attributes["exponent"]
    if exponent == 0.0:
        return _like(constant(1.0), t)
    if exponent == 1.0:
        return a
    name = {2.0: "square", 0.5: "sqrt", -1.0: "reciprocal"}.get(exponent)
    return make(name, a) if name else None


def _reshape(t: Tensor, inputs: Inputs) -> Tensor | None:
    (a,) = inputs
    if a.shape == t.shape:
        return a
    if a.primitive == "reshape":
        return reshape(a.inputs[0], t.shape)
    return None


def _transpose(t: Tensor, inputs: Inputs) -> Tensor | None:
    (a,) = inputs
    axes = t.attributes["axes"]
    if a.primitive == "transpose":
        return transpose(a.inputs[0], tuple(a.attributes["axes"][i] for i in axes))
    return a if axes == tuple(range(len(axes))) else None


def _broadcast(t: Tensor, inputs: Inputs) -> Tensor | None:
    (a,) = inputs
    if a.shape == t.shape:
        return a
    return make("broadcast_to", a.inputs[0], shape=t.shape) if a.primitive == "broadcast_to" else None


def _sum(t: Tensor, inputs: Inputs) -> Tensor | None:
    (a,) = inputs
    axes = t.attributes["axes"]
    if all(a.shape[i] == 1 for i in axes):
        return reshape(a, t.shape)
    if a.primitive == "neg":
        return make("neg", make("sum", a.inputs[0], axes=axes))
    if a.primitive == "mul":  # Σ c x = c Σ x: one multiplication instead of many
        c = number(a.inputs[1])
        if c is not None and a.inputs[0].shape == a.shape:
            return make("mul", make("sum", a.inputs[0], axes=axes), constant(c))
    return None


def _cast(t: Tensor, inputs: Inputs) -> Tensor | None:
    return inputs[0] if inputs[0].kind == t.kind else None


def _slice(t: Tensor, inputs: Inputs) -> Tensor | None:
    (a,) = inputs
    wanted = t.attributes["slices"]
    if a.primitive == "concatenate":
        axis = a.attributes["axis"]
        start, count, step = wanted[axis]
        at = 0
        for x in a.inputs:
            if step == 1 and at <= start and start + count <= at + x.shape[axis]:
                return _sliced(x, (*wanted[:axis], (start - at, count, 1), *wanted[axis + 1 :]))
            at += x.shape[axis]
    if a.primitive == "embed":
        given = a.attributes["slices"]
        if wanted == given:
            return a.inputs[0]
        if any(_apart(s, g) for s, g in zip(wanted, given, strict=True)):
            return broadcast_to(0.0, t.shape)
    return None


def _sliced(x: Tensor, slices: tuple[tuple[int, int, int], ...]) -> Tensor:
    return x if all(s == (0, n, 1) for s, n in zip(slices, x.shape, strict=True)) else make("slice", x, slices=slices)


def _apart(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    def end(s: tuple[int, int, int]) -> int:
        return s[0] + (s[1] - 1) * s[2]

    return end(a) < b[0] or end(b) < a[0]


def _where(t: Tensor, inputs: Inputs) -> Tensor | None:
    condition, a, b = inputs
    if number(a) == 1.0 and number(b) == 0.0:
        return _like(make("cast", condition, kind="float"), t)
    return None


def _matmul(t: Tensor, inputs: Inputs) -> Tensor | None:
    a, b = inputs
    # Many outer products are one broadcast multiplication.
    return make("mul", a, b) if t.ndim > 2 and a.shape[-1] == 1 else None


def _identity(t: Tensor, inputs: Inputs) -> Tensor | None:
    return inputs[0]


_RULES: dict[str, Rule] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "power": _power,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast,
    "sum": _sum,
    "slice": _slice,
    "cast": _cast,
    "matmul": _matmul,
    "where": _where,
    "alias": _identity,
    "stop_gradient": _identity,
}


def _without_broadcasts(t: Tensor, inputs: Inputs) -> Inputs:
    # Elementwise primitives broadcast by themselves: an operand need not be repeated beforehand.
    if not any(x.primitive in _MOVING for x in inputs):
        return inputs
    for i, x in enumerate(inputs):
        if x.primitive not in _MOVING:
            continue
        value = number(x) if x.ndim and x.kind == "float" else None
        if value is None and x.primitive != "broadcast_to":
            continue
        narrow = x.inputs[0] if value is None else constant(value)
        trial = (*inputs[:i], narrow, *inputs[i + 1 :])
        if PRIMITIVES[t.primitive].infer(*trial, **t.attributes)[0] == t.shape:
            inputs = trial
    return inputs


def _transposed_product(t: Tensor, a: Tensor) -> Tensor | None:
    # (A B)ᵀ = Bᵀ Aᵀ: the operands are transposed for free, the result would have to be copied.
    swap = (*range(t.ndim - 2), t.ndim - 1, t.ndim - 2)
    if t.attributes["axes"] != swap:
        return None
    left, right = (transpose(x, swap) for x in a.inputs)
    return make("matmul", right, left)


def simplify(graph: Graph) -> Graph:
    """Apply the rules bottom-up."""

    def rule(t: Tensor, inputs: Inputs) -> Tensor | None:
        if t.primitive == "transpose" and inputs[0].primitive == "matmul" and len(graph.users[t.inputs[0]]) == 1:
            product = _transposed_product(t, inputs[0])
            if product is not None:
                return product
        if PRIMITIVES[t.primitive].elementwise:
            inputs = _without_broadcasts(t, inputs)
        found = _RULES[t.primitive](t, inputs) if t.primitive in _RULES else None
        if found is not None:
            return found
        return Tensor(t.primitive, inputs, t.attributes, t.shape, t.kind, t.scope)

    return rewrite(graph, rule)
