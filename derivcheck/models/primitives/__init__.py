"""The primitives of the graph, as tables.

- :mod:`~derivcheck.models.primitives.elementwise`: name, NumPy value and partial derivatives, a line each;
- :mod:`~derivcheck.models.primitives.linear` and :mod:`~derivcheck.models.primitives.windows`: linear maps and their
  transposes;
- :mod:`~derivcheck.models.primitives.products`, :mod:`~derivcheck.models.primitives.correlation`,
  :mod:`~derivcheck.models.primitives.joins`: matrix products, sums of products along any steps, concatenation;
- :mod:`~derivcheck.models.primitives.extremes`, :mod:`~derivcheck.models.primitives.rows`: largest entries, rows by
  number;
- :mod:`~derivcheck.models.primitives.normalised`: softmax and its logarithm;
- :mod:`~derivcheck.models.primitives.draws`: random numbers.

One line gives both modes: a partial derivative serves reverse and forward mode, and a linear map needs only
its transpose.
"""

from derivcheck.models.primitives import (
    correlation,
    draws,
    elementwise,
    extremes,
    joins,
    linear,
    normalised,
    products,
    rows,
    windows,
)

__all__ = [
    "correlation",
    "draws",
    "elementwise",
    "extremes",
    "joins",
    "linear",
    "normalised",
    "products",
    "rows",
    "windows",
]
