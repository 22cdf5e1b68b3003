"""Numbers: exact rationals, rigorous balls, and dual numbers over both.

A real value is one of

=============  ==================================================================================
``fmpq``       an exact rational
``arb``        a ball that contains the value: what a transcendental function returns
``acb``        a complex box: only under an integral sign, while Arb bounds the integrand
``Dual``       a value with its rate of change under one tagged perturbation; the parts may be dual
=============  ==================================================================================

Nothing here knows any algebra: every function computes on one value.  A value that does not exist raises
`Undefined`; a decision that the balls are too wide for raises `Imprecise`, and the caller tries more digits.
"""

from derivcheck.semantics.numbers.base import (
    ONE,
    ZERO,
    Dual,
    Number,
    add,
    as_ball,
    div,
    is_exact,
    midpoint,
    mul,
    neg,
    parts,
    perturbs,
    primal,
    rational,
    shown,
    sub,
    total,
    working_precision,
)
from derivcheck.semantics.numbers.errors import (
    BudgetExceeded,
    EvaluationError,
    Imprecise,
    Kink,
    NotAnalytic,
    Undefined,
    Unknown,
)
from derivcheck.semantics.numbers.ordering import (
    Integration,
    compare,
    compare_locally,
    maximum,
    refuse_boundary_terms,
    union,
    wide_extremum,
)
from derivcheck.semantics.numbers.powers import (
    integer_power,
    power,
)
from derivcheck.semantics.numbers.scalar_functions import (
    SCALAR,
    absolute,
    atan,
    cos,
    erf,
    exp,
    gamma,
    lift,
    log,
    loggamma,
    sign,
    sin,
    tanh,
)
from derivcheck.semantics.numbers.small_matrices import (
    determinant,
    inverse_matrix,
)

__all__ = [
    "ONE",
    "SCALAR",
    "ZERO",
    "BudgetExceeded",
    "Dual",
    "EvaluationError",
    "Imprecise",
    "Integration",
    "Kink",
    "NotAnalytic",
    "Number",
    "Undefined",
    "Unknown",
    "absolute",
    "add",
    "as_ball",
    "atan",
    "compare",
    "compare_locally",
    "cos",
    "determinant",
    "div",
    "erf",
    "exp",
    "gamma",
    "integer_power",
    "inverse_matrix",
    "is_exact",
    "lift",
    "log",
    "loggamma",
    "maximum",
    "midpoint",
    "mul",
    "neg",
    "parts",
    "perturbs",
    "power",
    "primal",
    "rational",
    "refuse_boundary_terms",
    "shown",
    "sign",
    "sin",
    "sub",
    "tanh",
    "total",
    "union",
    "wide_extremum",
    "working_precision",
]
