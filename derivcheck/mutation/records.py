"""What mutation yields: near misses, what became of them, and how small an error was caught."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from derivcheck.language import Context, Term

if TYPE_CHECKING:
    from derivcheck.problem import Claim


class Fate(StrEnum):
    """What became of a near miss; only the first shows that the checks can fail, and the last is a defect."""

    KILLED = "killed"
    STILL_TRUE = "still-true"
    ILL_FORMED = "ill-formed"
    UNDEFINED = "undefined"
    VACUOUS = "vacuous"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Change:
    """One subterm replaced by another; both may mention the variables `scope` that are bound around them.

    ``scope`` lists (variable, its domain or None where the variable stands for the point of a limit), outermost first.
    """

    old: Term
    new: Term
    scope: tuple[tuple[Term, Term | None], ...] = ()


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A wrong variant of a claim.

    Attributes
    ----------
    kind : str
        The kind of change, a key of `kinds.KINDS`, or ``condition`` or ``misconception``.
    note : str
        What was changed, in one line.
    claim : Claim
        The claim it is a variant of.
    statement : Term
        What is claimed now.
    context : Context
        What is given now (weaker than the claim's where a condition was dropped).
    change : Change or None
        The place of the change, where there is one.
    """

    kind: str
    note: str
    claim: Claim
    statement: Term
    context: Context
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A near miss with its fate.

    ``evidence`` is the counterexample, the derivation that shows it still true, or what makes no sense; ``instances``
    is the number of interpretations it was tried on.
    """

    near_miss: NearMiss
    fate: Fate
    evidence: str
    instances: int


@dataclass(frozen=True, slots=True)
class Caught:
    """The smallest planted relative error that a witness catches, if any, and what it misses."""

    witness: str
    smallest: float | None
    note: str = ""
