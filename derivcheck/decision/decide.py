"""`decide`: are two expressions equal?

The deciders stand in a fixed order.  A few instances in exact rationals and rigorous balls refute most of what is
false; the normal form proves; then come more instances, the longer proofs (expansion, case distinctions, induction),
and many more instances.  Instances only refute and proofs only prove: what none of them settles is undecided.  All work
is counted; a question whose work cannot be bounded beforehand is asked in a process that is killed after the deadline.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from derivcheck.decision import prove, sandbox
from derivcheck.decision.effort import ENORMOUS, MODEST, estimate
from derivcheck.decision.question import NotCovered, Question, question
from derivcheck.decision.records import Decision
from derivcheck.language import Context, LanguageError, Term, eq
from derivcheck.proof.normal_form import Unknown
from derivcheck.semantics import check, models_exist

#: Interpretations that are tried first, before the longer proofs, and after them.
FIRST, MORE, LAST = 2, 16, 64
#: Evidence that refutes: everything else only supports.
RIGOROUS = ("exact", "balls")
#: The seed of the instances: a question has one answer.
SEED = 20_240_229


def decide(
    lhs: Any, rhs: Any, context: Context | None = None, *, budget: int = 100_000, deadline: float = 20.0
) -> Decision:
    """Decide whether two expressions are equal.

    Parameters
    ----------
    lhs, rhs : Term, SymPy expression or number
        Two expressions of one kind.
    context : Context, optional
        What is given.  SymPy symbols that it does not declare bring their own assumptions; other symbols are arbitrary.
    budget : int
        Nodes that the evaluation of one instance may visit.
    deadline : float
        Seconds after which a question of unbounded work is given up.

    Returns
    -------
    Decision
        ``equal`` means equal wherever both sides are defined, under the listed conditions.

    Raises
    ------
    LanguageError, TypeError
        If the question is not well-formed: a side is no expression, or the sides are different kinds of thing.

    Examples
    --------
    >>> from derivcheck.language import *
    >>> n = Size("n"); z = Vector("z", n); i = Index("i"); k = Index("k")
    >>> decide(D(softmax(z)(i), z(k)), softmax(z)(i) * (delta(i, k) - softmax(z)(k))).verdict
    'equal'
    >>> decide(Real("x") ** 2, Real("x") ** 3).counterexample
    'x = -1: 1 against -1'
    """
    try:
        asked = question(lhs, rhs, context)
        work = max(estimate(t) for t in (asked.left, asked.right))
    except NotCovered as error:
        return Decision("undecided", notes=(str(error),))
    except RecursionError:
        return Decision("undecided", notes=("the expressions are nested too deep",))
    if asked.left == asked.right:
        return Decision("equal", "identity", notes=asked.notes)
    if work <= MODEST:
        return _answer(asked, budget)
    # What may be enormous is asked of the instances first: a proof attempt may use up its process.
    phases = (True,) if work < ENORMOUS else (False, True)
    reason = ""
    for proofs in phases:
        try:
            answer = sandbox.run(partial(_answer, asked, budget, proofs), deadline / len(phases))
        except sandbox.Overrun as error:
            reason = str(error)
            continue
        if answer.verdict != "undecided":
            return answer
        reason = answer.notes[-1]
    return Decision("undecided", notes=(*asked.notes, reason))


def _answer(asked: Question, budget: int, proofs: bool = True) -> Decision:
    """The answer; a question that breaks a decider is undecided, and the notes say how it broke."""
    try:
        return _decided(asked, budget, proofs)
    except Exception as error:
        return Decision("undecided", notes=(*asked.notes, f"{type(error).__name__}: {error}"[:300]))


def _decided(asked: Question, budget: int, proofs: bool) -> Decision:
    """The answer, within counted work."""
    context, left, right = asked.context, asked.left, asked.right
    refuted, agreeing = _instances(asked, budget, FIRST, 0)
    if refuted is not None:
        return refuted
    conditions = prove.by_normal_form(context, left, right) if proofs else None
    if conditions == ():
        if not agreeing and not models_exist(context, SEED, budget=budget).found:
            return Decision("undecided", notes=(*asked.notes, "nothing was found of which all that is given is true"))
        return Decision("equal", "normal form", notes=asked.notes)
    refuted, sound = _instances(asked, budget, MORE, 0)
    if refuted is not None:
        return refuted
    if conditions is not None:
        return _under_conditions(asked, "normal form", conditions, sound)
    found = None
    if proofs:
        try:
            found = prove.prove(context, left, right)
        except (Unknown, LanguageError, RecursionError):
            found = None
    if found is not None and not found.conditions:
        return Decision("equal", found.decider, notes=asked.notes)
    refuted, more = _instances(asked, budget, LAST, 1)
    if refuted is not None:
        return refuted
    if found is not None:
        return _under_conditions(asked, found.decider, found.conditions, sound + more)
    return Decision("undecided", notes=(*asked.notes, f"no proof found, and {sound + more} instances agree"))


def _under_conditions(asked: Question, decider: str, conditions: tuple[Term, ...], sound: int) -> Decision:
    if not sound:
        why = "no instance was found at which both sides are defined"
        return Decision("undecided", notes=(*asked.notes, why))
    return Decision("equal", decider, conditions=tuple(map(str, conditions)), notes=asked.notes)


def _instances(asked: Question, budget: int, count: int, part: int) -> tuple[Decision | None, int]:
    """A refutation by instances, if there is one, and the number of instances that agree."""
    found = check(asked.context, eq(asked.left, asked.right), SEED + part, budget=budget, instances=count)
    counterexample = found.counterexample
    if counterexample is not None and counterexample.evidence in RIGOROUS:
        return Decision("different", "instances", str(counterexample), notes=asked.notes), 0
    return None, found.exact + found.supported
