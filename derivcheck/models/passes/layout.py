"""Which nodes move no data: views of another node's memory, and how they step through it.

Invariant: a node for which :func:`is_view` holds can be read through the memory of its input; every other node
has memory of its own, in C order.
"""

from __future__ import annotations

from derivcheck.models.tensor import Shape, Tensor

__all__ = ["contiguous", "is_view", "root", "start", "strides"]

Strides = tuple[int, ...]

_MOVING = frozenset({"transpose", "broadcast_to", "slice", "flip", "windows"})


def is_view(t: Tensor) -> bool:
    """Whether the node is another view of its input's memory."""
    if t.primitive == "reshape":
        source = t.inputs[0]
        return reshaped(source.shape, strides(source), t.shape) is not None
    return t.primitive in _MOVING


def root(t: Tensor) -> Tensor:
    """The node whose memory is read."""
    while is_view(t):
        t = t.inputs[0]
    return t


def contiguous(t: Tensor) -> bool:
    """Whether the entries lie in C order without gaps."""
    return all(n == 1 or s == c for n, s, c in zip(t.shape, strides(t), c_order(t.shape), strict=True))


def c_order(shape: Shape) -> Strides:
    """Strides, in entries, of contiguous memory."""
    out, step = [], 1
    for n in reversed(shape):
        out.append(step)
        step *= n
    return tuple(reversed(out))


def strides(t: Tensor) -> Strides:
    """Strides of a node's entries, in entries of its root's memory."""
    if not t.inputs or t.primitive not in (*_MOVING, "reshape"):
        return c_order(t.shape)
    source = t.inputs[0]
    s, a = strides(source), t.attributes
    if t.primitive == "reshape":
        return reshaped(source.shape, s, t.shape) or c_order(t.shape)
    if t.primitive == "transpose":
        return tuple(s[i] for i in a["axes"])
    if t.primitive == "broadcast_to":
        return tuple(0 if n != m else step for n, m, step in zip(source.shape, t.shape, s, strict=True))
    if t.primitive == "slice":
        return tuple(step * k for step, (_, _, k) in zip(s, a["slices"], strict=True))
    if t.primitive == "flip":
        return tuple(-step if i in a["axes"] else step for i, step in enumerate(s))
    outer, inner = list(s), []
    for axis, stride, dilation in zip(a["axes"], a["strides"], a["dilations"], strict=True):
        outer[axis] = s[axis] * stride
        inner.append(s[axis] * dilation)
    return (*inner, *outer)


def start(t: Tensor) -> int:
    """Entry of its root's memory at which a view begins."""
    if not t.inputs or t.primitive not in (*_MOVING, "reshape") or not is_view(t):
        return 0
    source = t.inputs[0]
    first = start(source)
    if t.primitive == "slice":
        first += sum(a * s for (a, _, _), s in zip(t.attributes["slices"], strides(source), strict=True))
    if t.primitive == "flip":
        first += sum((source.shape[i] - 1) * strides(source)[i] for i in t.attributes["axes"])
    return first


def reshaped(shape: Shape, steps: Strides, target: Shape) -> Strides | None:
    """Strides under another shape, or ``None`` if the entries would have to be copied.

    Axes are matched in groups of equal product; inside a group the old axes must follow each other in memory.
    """
    old = [(n, s) for n, s in zip(shape, steps, strict=True) if n != 1]
    out: list[int] = []
    i = j = 0
    target_long = [n for n in target if n != 1]
    if 0 in shape:
        return c_order(target)
    while i < len(old) and j < len(target_long):
        size, count = old[i][0], target_long[j]
        first, start = i, j
        while size != count:
            if size < count:
                i += 1
                size *= old[i][0]
            else:
                j += 1
                count *= target_long[j]
        if any(old[k][1] != old[k + 1][1] * old[k + 1][0] for k in range(first, i)):
            return None
        step = old[i][1]
        group: list[int] = []
        for n in reversed(target_long[start : j + 1]):
            group.append(step)
            step *= n
        out += reversed(group)
        i, j = i + 1, j + 1
    long = iter(out)
    return tuple(next(long) if n != 1 else 1 for n in target)
