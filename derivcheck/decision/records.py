"""What a decision says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["equal", "different", "undecided"]


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer to "are these two expressions equal?".

    Attributes
    ----------
    verdict : str
        ``equal``: equal wherever both sides are defined and the `conditions` hold.  ``different``: there is a point
        where both sides are defined and differ, and `counterexample` is one.  ``undecided``: neither was shown.
    decider : str
        What decided (``normal form``, ``induction``, ``instances``, ...); empty when nothing did.
    counterexample : str or None
        A point, and both sides there.
    conditions : tuple of str
        What the proof needed and could not derive from what is given.
    notes : tuple of str
        What was taken for granted, and why nothing decided where nothing did.
    """

    verdict: Verdict
    decider: str = ""
    counterexample: str | None = None
    conditions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        raise TypeError("a decision has three values: compare its verdict with 'equal', 'different' or 'undecided'")
