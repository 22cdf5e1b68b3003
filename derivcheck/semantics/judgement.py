"""What an evaluation says about a proposition, and how the connectives combine it.

``TRUE`` is exact.  ``SUPPORTED`` means that balls overlap or that samples of an infinite domain agree: it is never
proof, and its negation is ``UNKNOWN``.  ``FALSE`` is exact, or two balls that do not meet.  ``UNDEFINED`` means that a
side has no value.  ``UNKNOWN`` is a budget, a precision or a missing method, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from derivcheck.language.terms import Term, make
from derivcheck.semantics.numbers import BudgetExceeded, Kink, NotAnalytic, Undefined, Unknown


class Truth(Enum):
    """The value of a proposition."""

    TRUE = "true"
    SUPPORTED = "supported"
    UNKNOWN = "unknown"
    UNDEFINED = "undefined"
    FALSE = "false"


#: How a truth value was reached, from best to worst.
EVIDENCE = ("exact", "balls", "sampled", "numeric")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A truth value with what it rests on.

    Attributes
    ----------
    truth : Truth
    evidence : str
        ``exact``, ``balls`` (rigorous enclosures), ``sampled`` (an infinite domain) or ``numeric`` (a limit, a series
        or an improper integral by extrapolation: not rigorous).
    reason : str
        Why it is undefined or unknown; empty otherwise.
    sides : tuple of str
        Both sides of the comparison that decided, for a reader.
    witness : tuple of (str, str)
        The bound variables of universal quantifiers at which it fails.
    kink : bool
        Undefined only because a derivative meets a corner.
    vacuous : bool
        True (or supported) only because no premise of it holds: it says nothing about the conclusion.
    exhausted : bool
        Unknown because the budget ran out: more digits, which cost more, do not help.
    """

    truth: Truth
    evidence: str = "exact"
    reason: str = ""
    sides: tuple[str, ...] = ()
    witness: tuple[tuple[str, str], ...] = ()
    kink: bool = False
    vacuous: bool = False
    exhausted: bool = False

    def untrusted(self) -> Judgement:
        """What is left of it where facts of the Context could not be judged: a failure there refutes nothing."""
        return unknown("it fails where facts could not be judged") if self.truth is Truth.FALSE else self


TRUE = Judgement(Truth.TRUE)
FALSE = Judgement(Truth.FALSE)


def _worse_evidence(a: str, b: str) -> str:
    return max(a, b, key=EVIDENCE.index)


def unknown(reason: str) -> Judgement:
    """Nothing can be told."""
    return Judgement(Truth.UNKNOWN, reason=reason)


def guarded(judge: Callable[[], Judgement]) -> Judgement:
    """The judgement, with evaluation errors turned into truth values; a budget that ran out stops everything."""
    try:
        return judge()
    except BudgetExceeded:
        raise
    except Kink as error:
        return Judgement(Truth.UNDEFINED, reason=str(error), kink=True)
    except Undefined as error:
        return Judgement(Truth.UNDEFINED, reason=str(error))
    except Unknown as error:
        return unknown(str(error))
    except NotAnalytic:
        return unknown("an integrand that is not piecewise analytic")


def negation(j: Judgement) -> Judgement:
    """Not: what is only supported has an unknown negation."""
    match j.truth:
        case Truth.TRUE:
            return replace(j, truth=Truth.FALSE, vacuous=False)
        case Truth.FALSE:
            return replace(j, truth=Truth.TRUE, witness=())
        case Truth.SUPPORTED:
            return unknown("the negation of what samples or overlapping balls support")
    return j


def conjunction(parts: Iterable[Judgement]) -> Judgement:
    """And, left to right: a false part decides; what follows an uncertain part cannot make the whole undefined.

    It is vacuous if there are parts and all of them are.
    """
    out: Judgement | None = None
    for j in parts:
        if j.truth is Truth.FALSE:
            return j
        out = j if out is None else _both(out, j)
    return TRUE if out is None else out


def _both(a: Judgement, b: Judgement) -> Judgement:
    """Two parts of a conjunction, neither of them false."""
    certain = (Truth.TRUE, Truth.SUPPORTED)
    match b.truth:
        case Truth.UNDEFINED:
            first = a.truth in certain or (a.truth is Truth.UNDEFINED and a.kink and not b.kink)
            return b if first else a
        case Truth.UNKNOWN:
            return a if a.truth is Truth.UNDEFINED else b
    if a.truth not in certain:
        return a
    truth = Truth.SUPPORTED if Truth.SUPPORTED in (a.truth, b.truth) else Truth.TRUE
    evidence = _worse_evidence(a.evidence, b.evidence)
    return Judgement(truth, evidence, sides=b.sides, vacuous=a.vacuous and b.vacuous)


def disjunction(parts: Iterable[Judgement]) -> Judgement:
    """Or, left to right: a true part decides."""
    worst: list[Judgement] = []
    for j in parts:
        if j.truth is Truth.TRUE:
            return j
        worst.append(j)
    for truth in (Truth.SUPPORTED, Truth.UNDEFINED, Truth.UNKNOWN):
        for j in worst:
            if j.truth is truth:
                return j
    return worst[-1] if worst else FALSE


def implication(premise: Judgement, conclusion: Callable[[], Judgement]) -> Judgement:
    """If the premise fails the conclusion need not be defined."""
    match premise.truth:
        case Truth.FALSE:
            return Judgement(Truth.TRUE, premise.evidence, vacuous=True)
        case Truth.UNDEFINED:
            return premise
        case Truth.TRUE:
            return conclusion()
    j = conclusion()
    if j.truth in (Truth.TRUE, Truth.SUPPORTED):
        return j
    return unknown("whether a premise holds cannot be told: " + (premise.reason or "it is only supported"))


def combined(p: Term, parts: Iterable[Judgement]) -> Judgement:
    """The judgement of `p`, a conjunction or a single statement, from those of its parts.

    Of an implication and its converse, one tests the other where both premises are false: that is not vacuous.
    """
    j = conjunction(parts)
    if p.op == "and" and j.vacuous:
        converses = {make("implies", q.args[::-1], None, q.sort) for q in p.args if q.op == "implies"}
        return replace(j, vacuous=converses.isdisjoint(p.args))
    return j
