"""Axes by number, from the front or from behind."""

from __future__ import annotations

from numbers import Integral

from derivcheck.models.errors import ShapeError
from derivcheck.models.tensor import Tensor

__all__ = [
    "Axis",
    "numbered_axes",
    "numbered_axis",
]

Axis = int | tuple[int, ...] | None


def numbered_axes(t: Tensor, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(t.ndim))
    given = (axis,) if isinstance(axis, int) else axis
    found = {numbered_axis("reduction", a, t.ndim) for a in given}
    if len(found) < len(given):
        raise ShapeError("reduction", "every axis once", f"axes {given}")
    return tuple(sorted(found))


def numbered_axis(where: str, axis: int, rank: int) -> int:
    """The number of an axis, which may be given from behind."""
    if not isinstance(axis, Integral) or not -rank <= axis < rank:
        raise ShapeError(where, f"an axis between {-rank} and {rank - 1}" if rank else "no axis", f"axis {axis}")
    return axis % rank
