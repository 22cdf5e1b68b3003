"""What terms mean: interpretations of a Context, exact and rigorous evaluation, instances."""

from derivcheck.semantics.counterexamples import Counterexample
from derivcheck.semantics.evaluate import Evaluator
from derivcheck.semantics.instances import InstancesResult, ModelsResult, check, models_exist
from derivcheck.semantics.interpretation import Interpretation
from derivcheck.semantics.judgement import Judgement, Truth

__all__ = [
    "Counterexample",
    "Evaluator",
    "InstancesResult",
    "Interpretation",
    "Judgement",
    "ModelsResult",
    "Truth",
    "check",
    "models_exist",
]
