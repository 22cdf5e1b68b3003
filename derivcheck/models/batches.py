"""A data set as batches: a function of the step's number, so that a resumed run sees what it would have seen.

>>> import numpy as np
>>> batches = Batches(np.arange(6), 2, seed=0)
>>> sorted(int(i) for step in range(3) for i in batches(step))
[0, 1, 2, 3, 4, 5]
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from derivcheck.models.errors import ModelError
from derivcheck.models.tensor import Array
from derivcheck.models.tree import flatten, map_tree

__all__ = ["Batches"]


class Batches:
    """Batches of a data set as a function of the step's number.

    Parameters
    ----------
    data : tree of arrays
        With examples along the first axis.
    size : int
        Examples in a batch.
    seed : int
    replacement : bool
        Draw every batch independently with replacement, instead of going through a random permutation in each
        epoch (whose last, incomplete batch is left out).
    """

    def __init__(self, data: Any, size: int, seed: int = 0, replacement: bool = False) -> None:
        arrays = flatten(data)[0]
        if not all(isinstance(x, np.ndarray) and x.ndim for x in arrays):
            raise ModelError("a data set is an array, or a tree of arrays, with examples along the first axis")
        counts = {len(x) for x in arrays}
        if len(counts) != 1:
            raise ModelError(f"all arrays of a data set have one number of examples, not {sorted(counts)}")
        self.data, self.size, self.seed, self.replacement = data, size, seed, replacement
        self.count = counts.pop()
        if not self.count:
            raise ModelError("a data set without examples has no batches")
        if size < 1:
            raise ModelError(f"a batch holds at least one example, not {size}")
        if size > self.count and not replacement:
            raise ModelError(f"a batch of {size} cannot be drawn from {self.count} examples without replacement")

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return max(1, self.count // self.size)

    def indices(self, step: int) -> Array:
        """Which examples the batch of this step holds."""
        if self.replacement:
            return np.random.default_rng((self.seed, step)).integers(0, self.count, self.size)
        epoch, place = divmod(step, self.per_epoch)
        return _permutation(self.seed, epoch, self.count)[place * self.size : (place + 1) * self.size]

    def __call__(self, step: int) -> Any:
        rows = self.indices(step)
        return map_tree(lambda x: x[rows], self.data)


@functools.lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, count: int) -> Array:
    return np.random.default_rng((seed, epoch)).permutation(count)
