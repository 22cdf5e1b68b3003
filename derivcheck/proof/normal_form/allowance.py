"""A bound on the work of several normal forms together, counted in steps so that it repeats.

>>> with at_most(2):
...     spend(2)
...     spend(1)
Traceback (most recent call last):
    ...
derivcheck.proof.normal_form.allowance.Exhausted
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Exhausted(Exception):
    """The allowance is used up: this is no answer, and whoever gave the allowance asks elsewhere."""


_left: ContextVar[list[int] | None] = ContextVar("steps left", default=None)


@contextmanager
def at_most(steps: int) -> Iterator[None]:
    """Within this, normal forms that take more than so many steps raise `Exhausted`."""
    token = _left.set([steps])
    try:
        yield
    finally:
        _left.reset(token)


def spend(steps: int) -> None:
    """Count steps against the allowance, if there is one.

    Raises
    ------
    Exhausted
        If nothing of it is left.
    """
    left = _left.get()
    if left is not None:
        left[0] -= steps
        if left[0] < 0:
            raise Exhausted
