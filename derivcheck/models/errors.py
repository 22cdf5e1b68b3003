"""The errors of the model layer: each says what was expected and what was given."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

__all__ = ["CompileError", "MissingDataError", "ModelError", "NonFiniteError", "ShapeError", "require_sizes"]


class ModelError(Exception):
    """Base class of everything the model layer raises on its own account."""


class ShapeError(ModelError, ValueError):
    """Shapes that do not fit.

    Parameters
    ----------
    where : str
        The layer (with its path inside the network) or the primitive.
    expected, given : str or sequence of int
        What it takes and what it was given.
    """

    def __init__(self, where: str, expected: object, given: object) -> None:
        self.where, self.expected, self.given = where, expected, given
        self.located = False  # whether ``where`` names a layer
        super().__init__(f"{where}: expected {_shown(expected)}, given {_shown(given)}")


class CompileError(ModelError):
    """A function that cannot be compiled: an output that is no tensor, an unknown argument type, …"""


class NonFiniteError(ModelError, FloatingPointError):
    """A NaN or an infinity, at the step and the layer where it first appears.

    Attributes
    ----------
    step : int
        Index of the training step, from 0.
    layer, primitive : str
        Path of the layer and name of the primitive whose result is the first that is not finite; ``"variable"`` if
        it was given so (the batch, or the initial parameters).
    """

    def __init__(self, step: int, layer: str, primitive: str, value: str, place: str = "") -> None:
        self.step, self.layer, self.primitive = step, layer, primitive
        where = place or f"{f'layer {layer!r}' if layer else 'the loss'} ({primitive})"
        super().__init__(f"step {step}: {value} first appears in {where}")


class MissingDataError(ModelError, FileNotFoundError):
    """A data set that is not installed; the message names the extra that brings it."""


def require_sizes(where: str, least: int = 1, **sizes: object) -> None:
    """Raise :class:`ValueError` unless all sizes (or pairs of them) are integers of at least ``least``."""
    for name, size in sizes.items():
        for n in size if isinstance(size, tuple) else (size,):
            if not isinstance(n, Integral) or isinstance(n, bool) or int(n) < least:
                raise ValueError(f"{where}: {name} is an integer of at least {least}, not {size!r}")


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "shape (" + ", ".join(str(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    return str(value)
