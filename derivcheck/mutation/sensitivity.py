"""How small an error do a claim's checks catch?  Relative errors are planted in the claim itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

from derivcheck.language import INT, Term, abs_, make, mul, num, unfold
from derivcheck.language.terms import rebuild
from derivcheck.mutation import tightness
from derivcheck.mutation.places import places
from derivcheck.mutation.records import Caught
from derivcheck.problem import Claim
from derivcheck.semantics import instances
from derivcheck.semantics.pools import digest

#: Relative errors that are planted, largest first.
PLANTED = tuple(Fraction(1, 10**k) for k in range(1, 7))


def sensitivity(
    claim: Claim,
    seed: int,
    catches: Mapping[str, Callable[[Claim], bool]] | None = None,
    expected: Mapping[str, float] | None = None,
) -> tuple[Caught, ...]:
    """The smallest planted relative error that each witness of `claim` catches.

    Parameters
    ----------
    claim : Claim
        One that none of these witnesses refutes as it stands: what is refuted anyway catches nothing.
    seed : int
        Equal seeds give equal results.
    catches : mapping from a witness's name to a callable, optional
        Whether that witness refutes a given (wrong) claim.  Instances are always asked.
    expected : mapping from a witness's name to a float, optional
        The smallest relative error that it should catch, to begin with; otherwise the smallest that is planted.

    Returns
    -------
    tuple of Caught
        Empty where no error can be planted (the statement compares nothing, or only with zero).
    """
    if plant(claim.statement, PLANTED[0]) is None:
        return ()
    witnesses = {"instances": lambda c: _refuted(c, seed), **(catches or {})}
    first = expected or {}
    return tuple(_smallest(name, claim, refutes, first.get(name, 0.0)) for name, refutes in witnesses.items())


def plant(statement: Term, error: Fraction) -> Term | None:
    """`statement` with a relative error in one side of its first comparison; None if there is nothing to plant in.

    The right side of an equation becomes ``(1 + error)`` times itself; the upper side of an inequality is lowered by
    ``error`` times its absolute value, which makes the claim stronger.  What equals zero is changed relative to what
    it is made of: its first summand, or for a sum over a range the sum of absolute values.
    """
    for place in places(statement):
        t = place.term
        if t.op not in ("eq", "le", "lt") or t.args[0].sort == INT or t.args[0].sort.kind not in ("real", "fun"):
            continue
        side = next((k for k in (1, 0) if t.args[k] != num(0)), None)
        if side is None or (t.op != "eq" and num(0) in t.args):
            continue
        old = t.args[side]
        if t.op == "eq" and num(0) in t.args:
            beside = _beside_zero(old, error)
            if beside is not None:
                return place.put(rebuild(t, (*t.args[:side], beside, *t.args[side + 1 :])))
            continue
        if t.op == "eq":
            new = num(old.data * (1 + error)) if old.op == "num" else mul(1 + error, old)
            return place.put(rebuild(t, (*t.args[:side], new, *t.args[side + 1 :])))
        moved = old - error * (num(abs(old.data)) if old.op == "num" else abs_(old))
        return place.put(make(t.op, (t.args[0], moved), None, t.sort))
    return None


def _beside_zero(t: Term, error: Fraction) -> Term | None:
    """`t`, which is claimed to be zero, with an error relative to its summands; None if it has none."""
    if t.op == "defn":
        t = unfold(t)
    if t.op == "add" and t.args[0].op != "num":
        return rebuild(t, (mul(1 + error, t.args[0]), *t.args[1:]))
    if t.op == "int":
        return t + error * rebuild(t, (t.args[0], abs_(t.body)))
    return None


def _refuted(claim: Claim, seed: int) -> bool:
    salt = digest(seed, "sensitivity")
    if instances.check(claim.context, claim.statement, salt, shrink=False).counterexample is not None:
        return True
    return tightness.search(claim.context, claim.statement, salt)[0] is not None


def _smallest(name: str, claim: Claim, refutes: Callable[[Claim], bool], expected: float) -> Caught:
    """A larger error moves a side farther, so what catches one is taken to catch those above it.

    The one `expected` is tried, and the next smaller; where they do not settle it, the rest is bisected.
    """

    @cache
    def missed(k: int) -> bool:
        wrong = plant(claim.statement, PLANTED[k])
        assert wrong is not None
        return not refutes(replace(claim, statement=wrong, proof=None, misconceptions=()))

    all_of_them = range(len(PLANTED))
    guess = max((k for k in all_of_them if PLANTED[k] >= expected), default=0)
    settled = not missed(guess) and (guess == all_of_them[-1] or missed(guess + 1))
    number = guess + 1 if settled else bisect_left(all_of_them, True, key=missed)
    smallest = float(PLANTED[number - 1]) if number else None
    note = f"a relative error of {float(PLANTED[number]):g} is missed" if number < len(PLANTED) else ""
    return Caught(name, smallest, note)
