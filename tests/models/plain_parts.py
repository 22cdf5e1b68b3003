"""The text of a compiled part run as plain Python: tests its meaning without compiling hundreds of texts."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from derivcheck.models.compiled_backend import Machine
from derivcheck.models.passes.host import FUNCTIONS
from derivcheck.models.random_numbers import fill_normal

__all__ = ["plain_machine", "plain_part"]


def plain_machine(dtype: Any) -> Machine:
    """A backend that compiles nothing."""
    return Machine(lambda text: plain_part(text, dtype), 0, fill_normal)


def plain_part(text: str, dtype: Any) -> Callable[..., int]:
    """``part`` of the text, with NumPy behind the names that the compiled backend would give."""
    names: dict[str, Any] = {
        "real": np.dtype(dtype).type,
        "at": int,
        "empty": np.empty,
        "zero": np.dtype(dtype).type(0),
        "one": np.dtype(dtype).type(1),
        "inf": math.inf,
        "nan": math.nan,
        "erf": math.erf,
        "machine": lambda function: function,
        "program": lambda function: function,
        "address": lambda array: array.ctypes.data,
        "entries": _entries,
        "product": _product,
    }
    names |= FUNCTIONS
    names |= {name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "sin", "cos")}
    exec(text, names)
    function: Callable[..., int] = np.errstate(all="ignore")(names["part"])  # machine code warns of nothing
    return function


def _entries(address: int, count: int, like: Any) -> Any:
    kind = np.result_type(type(like))
    memory = (ctypes.c_char * (count * kind.itemsize)).from_address(int(address))
    return np.frombuffer(memory, kind)


def _product(
    blas: int, n: int, m: int, k: int, a: Any, i: int, lda: int, ta: bool, b: Any, j: int, ldb: int, tb: bool,
    c: Any, o: int, ldc: int, beta: float,
) -> None:  # fmt: skip
    left = _matrix(a, i, (k, n) if ta else (n, k), lda)
    right = _matrix(b, j, (m, k) if tb else (k, m), ldb)
    value = np.dot(left.T if ta else left, right.T if tb else right)
    out = _matrix(c, o, (n, m), ldc)
    out[...] = value if beta == 0.0 else value + beta * out


def _matrix(x: Any, start: int, shape: tuple[int, int], leading: int) -> Any:
    assert leading >= shape[1] and start + (shape[0] - 1) * leading + shape[1] <= len(x), "as BLAS demands"
    return as_strided(x[start:], shape, (leading * x.itemsize, x.itemsize))
