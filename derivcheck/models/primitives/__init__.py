"""The primitives of the graph, as tables.

- :mod:`~derivcheck.models.primitives.elementwise`: name, NumPy value and partial derivatives, a line each;
- :mod:`~derivcheck.models.primitives.structural`: linear maps and their transposes, products, reductions,
  indexing, random numbers;
- :mod:`~derivcheck.models.primitives.normalised`: softmax and its logarithm.

One line gives both modes: a partial derivative serves reverse and forward mode, and a linear map needs only
its transpose.
"""

from derivcheck.models.primitives import elementwise, normalised, structural

__all__ = ["elementwise", "normalised", "structural"]
