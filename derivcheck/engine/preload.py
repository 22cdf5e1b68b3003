"""What the server of claim processes imports once, so that each forked process starts with it."""

from __future__ import annotations

import flint
import numpy
import scipy.special
import sympy

import derivcheck.engine.worker

#: Only for its effect on `sys.modules`.
LOADED = (flint, numpy, scipy.special, sympy, derivcheck.engine.worker)
