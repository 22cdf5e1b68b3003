"""How a node's axes walk through the memory of the node that it shows or copies.

Every axis is a sequence of *factors*, outermost first: so many entries, so many steps apart along one axis of the
source. Factors see through what :mod:`layout` cannot, because nothing is asked to be a view: a copy of sliding windows
that was made to be multiplied walks through the image itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derivcheck.models.tensor import Shape, Tensor

__all__ = ["Factor", "Factors", "refined", "walked"]


@dataclass(frozen=True)
class Factor:
    """``size`` entries, ``step`` apart along an axis of the source; with an axis of ``None`` always the same entry."""

    size: int
    axis: int | None
    step: int

    def split(self, outer: int) -> tuple[Factor, Factor]:
        """As two factors, of which the first has so many entries."""
        inner = self.size // outer
        return Factor(outer, self.axis, self.step * inner), Factor(inner, self.axis, self.step)


Factors = tuple[Factor, ...]


def walked(t: Tensor) -> tuple[Tensor, tuple[Factors, ...]]:
    """The source of a node's entries, and the factors of each of the node's axes."""
    found = _through(t)
    return found or (t, tuple((Factor(n, i, 1),) if n > 1 else () for i, n in enumerate(t.shape)))


def _through(t: Tensor) -> tuple[Tensor, tuple[Factors, ...]] | None:
    joined = t.primitive == "concatenate" and len(t.inputs) == 1
    if not joined and t.primitive not in ("transpose", "reshape", "broadcast_to", "windows"):
        return None
    source, axes = walked(t.inputs[0])
    a = t.attributes
    if joined:
        return source, axes
    if t.primitive == "transpose":
        return source, tuple(axes[i] for i in a["axes"])
    if t.primitive == "broadcast_to":
        shapes = zip(axes, t.inputs[0].shape, t.shape, strict=True)
        return source, tuple(f if n == m else (Factor(m, None, 0),) for f, n, m in shapes)
    if t.primitive == "reshape":
        regrouped = _regrouped([f for axis in axes for f in axis], t.shape)
        return None if regrouped is None else (source, regrouped)
    outer, inner = list(axes), []
    for axis, size, stride, dilation in zip(a["axes"], a["sizes"], a["strides"], a["dilations"], strict=True):
        if len(axes[axis]) != 1:
            return None
        (f,) = axes[axis]
        count = t.shape[len(a["sizes"]) + axis]
        inner.append((Factor(size, f.axis, f.step * dilation),) if size > 1 else ())
        outer[axis] = (Factor(count, f.axis, f.step * stride),) if count > 1 else ()
    return source, (*inner, *outer)


def _regrouped(factors: Sequence[Factor], shape: Shape) -> tuple[Factors, ...] | None:
    """The factors of the axes of another shape, or ``None`` if one would begin inside a factor's row."""
    left = list(reversed(factors))
    out: list[Factors] = []
    for n in shape:
        group: list[Factor] = []
        while n > 1:
            f = left.pop()
            if n % f.size:
                if f.size % n:
                    return None
                f, rest = f.split(n)
                left.append(rest)
            group.append(f)
            n //= f.size
        out.append(tuple(group))
    return tuple(out)


def refined(first: Factors, second: Factors) -> list[tuple[Factor, Factor]] | None:
    """Two sequences of as many entries as pairs of factors of one size, or ``None`` if they do not fit."""
    out: list[tuple[Factor, Factor]] = []
    a, b = list(reversed(first)), list(reversed(second))
    while a and b:
        f, g = a.pop(), b.pop()
        if f.size % g.size == 0 and f.size > g.size:
            f, rest = f.split(g.size)
            a.append(rest)
        elif g.size % f.size == 0 and g.size > f.size:
            g, rest = g.split(f.size)
            b.append(rest)
        elif f.size != g.size:
            return None
        out.append((f, g))
    return None if a or b else out
