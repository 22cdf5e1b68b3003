"""Which nodes move no data: views of another node's memory, and what is contiguous.

Invariant: a node for which :func:`is_view` holds can be read through the memory of its input, whatever the
size; every other node has contiguous memory of its own.
"""

from __future__ import annotations

from derivcheck.models.tensor import Shape, Tensor

__all__ = ["contiguous", "is_view", "root"]

_MOVING = frozenset({"transpose", "broadcast_to", "slice", "flip", "windows"})


def is_view(t: Tensor) -> bool:
    """Whether the node is another view of its input's memory."""
    return t.primitive in _MOVING or (t.primitive == "reshape" and contiguous(t.inputs[0]))


def root(t: Tensor) -> Tensor:
    """The node whose memory is read."""
    while is_view(t):
        t = t.inputs[0]
    return t


def contiguous(t: Tensor) -> bool:
    """Whether the entries are known to lie in C order without gaps."""
    if not is_view(t):
        return True
    source = t.inputs[0]
    if not contiguous(source):
        return False
    if t.primitive == "reshape":
        return True
    if t.primitive == "transpose":
        axes: tuple[int, ...] = t.attributes["axes"]
        long = [a for a in axes if source.shape[a] != 1]
        return long == sorted(long)
    if t.primitive == "slice":
        return _leading_slice(source.shape, t.attributes["slices"])
    return t.shape == source.shape and t.primitive == "broadcast_to"


def _leading_slice(shape: Shape, slices: tuple[tuple[int, int, int], ...]) -> bool:
    # Contiguous if it cuts one axis, before which every axis has one entry left.
    cut = [i for i, (s, n) in enumerate(zip(slices, shape, strict=True)) if s != (0, n, 1)]
    if not cut:
        return True
    last = cut[-1]
    return slices[last][2] == 1 and all(slices[i][1] == 1 for i in range(last))
