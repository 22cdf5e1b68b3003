"""What the server of claim processes imports once, so that each forked process starts with it."""

from __future__ import annotations

import gc
import sys
from types import TracebackType

import flint
import numpy
import scipy.special
import sympy

import derivcheck.engine.worker
import derivcheck.experiment.claims
import derivcheck.models
import derivcheck.mutation
import derivcheck.proof
import derivcheck.semantics

#: Only for its effect on `sys.modules`.
LOADED = (
    flint,
    numpy,
    scipy.special,
    sympy,
    derivcheck.engine.worker,
    derivcheck.experiment.claims,
    derivcheck.models,
    derivcheck.mutation,
    derivcheck.proof,
    derivcheck.semantics,
)


def _unless_the_run_is_over(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A process that is begun while its run ends finds the run's locks gone, and nobody waits for it to say so."""
    if not issubclass(kind, FileNotFoundError):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _unless_the_run_is_over

# What is imported stays: the collector of a claim's process need not look through it, nor copy its pages.
gc.freeze()
gc.set_threshold(50_000, 20, 100)
