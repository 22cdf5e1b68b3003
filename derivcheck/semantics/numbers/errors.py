"""Why a value or a decision is not there."""

from __future__ import annotations


class EvaluationError(Exception):
    """Something that stops an evaluation; its text is the reason that a report shows."""


class Undefined(EvaluationError):
    """The term has no value: a division by zero, an index out of range, the maximum of nothing, ..."""


class Kink(Undefined):
    """A derivative is asked for where the function has a corner or a jump."""


class Unknown(EvaluationError):
    """The evaluator cannot tell; never evidence for or against anything."""


class Imprecise(Unknown):
    """Two balls overlap where a decision is needed; more digits may help."""


class NotAnalytic(EvaluationError):
    """A complex box straddles a corner, a jump or a branch cut; the integrator subdivides it."""


class BudgetExceeded(Unknown):
    """The counted work ran out."""
