"""Shapes and axes that several primitives count with."""

from __future__ import annotations

from collections.abc import Sequence

from derivcheck.models.tensor import Shape

__all__ = ["as_slices", "following", "inverse", "keep_dims", "without"]


def keep_dims(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """The shape with size one along the axes."""
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def without(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """The shape without the axes."""
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def following(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The same axes behind a new leading one."""
    return tuple(a + 1 for a in axes)


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes this one."""
    return tuple(axes.index(i) for i in range(len(axes)))


def as_slices(slices: Sequence[tuple[int, int, int]]) -> tuple[slice, ...]:
    """NumPy's slices of ``(start, count, step)``."""
    return tuple(slice(a, a + (n - 1) * s + 1 if n else a, s) for a, n, s in slices)
