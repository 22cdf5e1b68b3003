"""What the server of claim processes imports once, so that each forked process starts with it."""

from __future__ import annotations

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
