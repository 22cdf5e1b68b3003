"""How sure measurement can be: finite differences, Monte Carlo, limits, each with what it would have caught.

Everything here is numeric and knows nothing of terms or proofs: what flows in are vectorised NumPy callables
and the claimed values, what flows out is an `ExperimentResult`.

========================  ==========================================================================
`seeds`                   random streams found by name
`budget`                  one false-alarm rate for a run, shared out; critical values
`montecarlo`              claimed means, and smooth functions of means (`functionals`)
`differences`             claimed gradients and Jacobians
`second_differences`      claimed Hessians, from values alone
`limits`                  claimed limits, on a geometric grid
`sensitivity`             planted errors, and the smallest that a check catches
========================  ==========================================================================
"""

from derivcheck.experiment.budget import FalseAlarmBudget
from derivcheck.experiment.differences import JacobianCheck, Kink, check_gradient, check_jacobian
from derivcheck.experiment.entries import Status
from derivcheck.experiment.limits import check_limit
from derivcheck.experiment.montecarlo import mean_test
from derivcheck.experiment.result import ExperimentResult, Outcome
from derivcheck.experiment.second_differences import HessianCheck, check_hessian
from derivcheck.experiment.seeds import rng
from derivcheck.experiment.sensitivity import Sensitivity, plant, smallest_caught

__all__ = [
    "ExperimentResult",
    "FalseAlarmBudget",
    "HessianCheck",
    "JacobianCheck",
    "Kink",
    "Outcome",
    "Sensitivity",
    "Status",
    "check_gradient",
    "check_hessian",
    "check_jacobian",
    "check_limit",
    "mean_test",
    "plant",
    "rng",
    "smallest_caught",
]
