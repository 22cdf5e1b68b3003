"""`decide`: are two expressions equal?

The deciders stand in a fixed order.  A few instances in exact rationals and rigorous balls refute most of what is
false; the normal form proves; then come expansion and case distinctions as far as they are short, more instances, the
longer proofs (induction, reversed sums), and many more instances.  Instances only refute and proofs only prove: what
none of them settles is undecided.  All work is counted; the longer proofs, and a question whose work cannot be bounded
beforehand (enormous numbers, integrals, limits), have a process that is killed after the deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from derivcheck.decision import algebraic, prove, sandbox
from derivcheck.decision.conditions import definedness, fewest, implied
from derivcheck.decision.effort import ENORMOUS, MODEST, estimate, is_analytic
from derivcheck.decision.places import at, places
from derivcheck.decision.question import NotCovered, Question, question
from derivcheck.decision.records import Decision
from derivcheck.language import REAL, Context, LanguageError, Term, eq, free_symbols, not_, num, substitute, unfold
from derivcheck.proof.normal_form import Unknown
from derivcheck.proof.normal_form.allowance import Exhausted, at_most
from derivcheck.semantics import Truth, check, models_exist
from derivcheck.semantics.cases import drawn
from derivcheck.semantics.choices import PLANS, Plan
from derivcheck.semantics.interpretation import judge_in
from derivcheck.semantics.numbers import working_precision
from derivcheck.semantics.pools import digest

Answer = TypeVar("Answer")

#: Steps of the normal form that a proof in the caller's process may take.
SHORT = 3_000
#: Interpretations that are tried first, before the longer proofs, and after them.
FIRST, MORE, LAST = 2, 16, 64
#: Conditions of an equation that are looked behind, and instances for each.
MOST_CONDITIONS, BEHIND = 4, 6
#: Instances at each place that the question distinguishes.
AT_PLACES = 2
#: Bits of a ball where two numbers look equal.
FINE = 4096
#: Evidence that refutes: everything else only supports.
RIGOROUS = ("exact", "balls")
#: The seed of the instances: a question has one answer.
SEED = 20_240_229
#: Why a proof of an equation is not enough.
NOWHERE = "no instance was found at which both sides are defined"


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
        Seconds after which the longer proofs and whatever has no other bound are given up.

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
        modest = work <= MODEST and not any(is_analytic(unfold(t)) for t in (asked.left, asked.right))
    except NotCovered as error:
        return Decision("undecided", notes=(str(error),))
    except RecursionError:
        return Decision("undecided", notes=("the expressions are nested too deep",))
    if asked.left == asked.right:
        return _guarded(asked, partial(_identical, asked, budget)) if modest else _equal(asked, "identity")
    if modest:
        first = _guarded(asked, partial(_first, asked, budget))
        if isinstance(first, Decision):
            return first
        rest = partial(_guarded, asked, partial(_second, asked, budget, True, first))
        return _bounded(asked, (rest,), deadline) if sandbox.AVAILABLE else rest()
    # What may be enormous is asked of the instances first: a proof attempt may use up its process.
    phases = (True,) if work < ENORMOUS else (False, True)
    return _bounded(asked, [partial(_guarded, asked, partial(_both, asked, budget, p)) for p in phases], deadline)


def _bounded(asked: Question, phases: Sequence[Callable[[], Decision]], deadline: float) -> Decision:
    """The answer of the first phase that decides; each is killed after its share of the deadline."""
    reason = ""
    for phase in phases:
        try:
            answer = sandbox.run(phase, deadline / len(phases))
        except sandbox.Overrun as error:
            reason = str(error)
            continue
        if answer.verdict != "undecided":
            return answer
        reason = answer.notes[-1]
    return _undecided(asked, reason)


def _guarded(asked: Question, work: Callable[[], Answer]) -> Answer | Decision:
    """The answer; a question that breaks a decider is undecided, and the notes say how it broke."""
    try:
        return work()
    except Exception as error:
        return _undecided(asked, f"{type(error).__name__}: {error}"[:300])


@dataclass(frozen=True, slots=True)
class _Open:
    """What the first deciders leave open.

    ``agreeing`` is the number of instances that agree, ``found`` a proof under conditions that remain to be looked
    behind, and ``tried`` says whether the short proofs were.
    """

    agreeing: int
    found: prove.Proved | None = None
    tried: bool = False


def _identical(asked: Question, budget: int) -> Decision:
    """One term on both sides: equal, unless it has no value at any instance."""
    found = check(asked.context, eq(asked.left, asked.right), SEED, budget=budget, instances=MORE)
    if found.undefined and not (found.exact + found.supported + found.unknown + found.kinks):
        return _undecided(asked, NOWHERE)
    return _equal(asked, "identity")


def _both(asked: Question, budget: int, proofs: bool) -> Decision:
    first = _first(asked, budget, proofs)
    return first if isinstance(first, Decision) else _second(asked, budget, proofs, first)


def _first(asked: Question, budget: int, proofs: bool = True) -> Decision | _Open:
    """A few instances, the normal form, the proofs whose work is counted, more instances."""
    context, left, right = asked.context, asked.left, asked.right
    refuted, agreeing = _instances(asked, budget, FIRST, 0)
    if refuted is not None:
        return refuted
    found, tried = None, False
    if proofs:
        conditions = prove.by_normal_form(context, left, right)
        if conditions is not None:
            found = prove.Proved("normal form", _without_needless(asked, conditions))
        elif not _is_closed(asked):
            found, tried = _short_proof(asked)
    answer = _proved(asked, budget, found, agreeing)
    if answer is not None:
        return answer
    refuted, sound = _instances(asked, budget, MORE, 0)
    if refuted is not None:
        return refuted
    if found is not None and found.decider == "normal form":
        return _under_conditions(asked, budget, found, sound)
    return _Open(sound, found, tried)


def _short_proof(asked: Question) -> tuple[prove.Proved | None, bool]:
    """A proof that takes few steps, and whether all that was to be tried was tried."""
    try:
        with at_most(SHORT):
            return prove.prove(asked.context, asked.left, asked.right, prove.SHORT), True
    except Exhausted:
        return None, False
    except (Unknown, LanguageError, RecursionError):
        return None, True


def _second(asked: Question, budget: int, proofs: bool, first: _Open) -> Decision:
    """The longer proofs, many more instances, and a few with many digits."""
    context, left, right, sound = asked.context, asked.left, asked.right, first.agreeing
    closed = _is_closed(asked)
    zero = algebraic.vanishes(left - right) if closed and left.sort == REAL else None
    if zero:
        return _equal(asked, "separation bound")
    found = first.found
    if proofs and zero is None and found is None:
        try:
            found = prove.prove(context, left, right, prove.LONG if first.tried else prove.SHORT + prove.LONG)
        except (Unknown, LanguageError, RecursionError):
            found = None
    answer = _proved(asked, budget, found, sound)
    if answer is not None:
        return answer
    refuted, more = _instances(asked, budget, LAST, 1)
    if refuted is None:
        refuted = _finely(asked, budget)
    if refuted is None:
        refuted = _at_places(asked, budget)
    if refuted is not None:
        return refuted
    sound += more
    if found is not None:
        return _under_conditions(asked, budget, found, sound)
    if not sound:
        return _undecided(asked, NOWHERE)
    if closed:
        return _undecided(asked, f"no proof found; the two numbers agree as far as {FINE} bits tell")
    return _undecided(asked, f"no proof found, and {sound} instances agree")


def _is_closed(asked: Question) -> bool:
    """Is it a question about two numbers?"""
    return not (free_symbols(asked.left) | free_symbols(asked.right))


def _proved(asked: Question, budget: int, found: prove.Proved | None, agreeing: int) -> Decision | None:
    """The answer that a proof gives, if its conditions hold wherever both sides are defined."""
    if found is None:
        return None
    if not found.conditions and not agreeing and not models_exist(asked.context, SEED, budget=budget).found:
        return _undecided(asked, "nothing was found of which all that is given is true")
    if found.conditions and (not agreeing or _beyond(asked, found.conditions)):
        return None
    return _equal(asked, found.decider, found.conditions)


def _equal(asked: Question, decider: str, conditions: tuple[Term, ...] = ()) -> Decision:
    return Decision("equal", decider, conditions=(*asked.conditions, *map(str, conditions)), notes=asked.notes)


def _undecided(asked: Question, reason: str) -> Decision:
    return Decision("undecided", notes=(*asked.notes, reason))


def _under_conditions(asked: Question, budget: int, found: prove.Proved, sound: int) -> Decision:
    """Equal under conditions, unless the sides have values and differ where one of the conditions fails."""
    if not sound:
        return _undecided(asked, NOWHERE)
    for c in _beyond(asked, found.conditions)[:MOST_CONDITIONS]:
        elsewhere = replace(asked, context=asked.context.assuming("a condition fails", not_(c)))
        refuted, _ = _instances(elsewhere, budget, BEHIND, 3)
        if refuted is not None:
            return refuted
    return _equal(asked, found.decider, found.conditions)


def _without_needless(asked: Question, conditions: tuple[Term, ...]) -> tuple[Term, ...]:
    """The fewest conditions that say the same, without those whose failure makes no difference."""
    left, right = asked.left, asked.right
    rest = fewest(asked.context, conditions)
    beyond = _beyond(asked, rest)
    return tuple(c for c in rest if c not in beyond or not prove.is_needless(asked.context, left, right, c))


def _beyond(asked: Question, conditions: tuple[Term, ...]) -> tuple[Term, ...]:
    """The conditions that may fail where both sides are defined."""
    known = [*definedness(asked.left), *definedness(asked.right)]
    return tuple(c for c in conditions if not implied(asked.context, known, (c,)))


def _instances(asked: Question, budget: int, count: int, part: int) -> tuple[Decision | None, int]:
    """A refutation by instances, if there is one, and the number of instances that agree."""
    found = check(asked.context, eq(asked.left, asked.right), SEED + part, budget=budget, instances=count)
    counterexample = found.counterexample
    if counterexample is not None and counterexample.evidence in RIGOROUS:
        return Decision("different", "instances", _shown(str(counterexample)), notes=asked.notes), 0
    return None, found.exact + found.supported


def _finely(asked: Question, budget: int) -> Decision | None:
    """A refutation of what agrees in the digits that instances usually have; the difference is shown."""
    if asked.left.sort != REAL:
        return None
    for t, plan in enumerate((Plan(), PLANS[0])):
        found = drawn(asked.context, digest(SEED, "fine", t), plan, budget)
        if isinstance(found, str) or not found.known.trusted:
            continue
        with working_precision(FINE):
            judgement = judge_in(found.world, eq(asked.left - asked.right, num(0)), budget)
        if judgement.truth is Truth.FALSE and judgement.evidence in RIGOROUS:
            where = ", ".join(f"{name} = {value}" for name, value in found.world.description())
            text = _shown(f"{where}: the difference is {judgement.sides[0]}")
            return Decision("different", "instances", text, notes=asked.notes)
    return None


def _at_places(asked: Question, budget: int) -> Decision | None:
    """A refutation at a place that the question itself distinguishes."""
    for x, value in places((asked.left, asked.right)):
        context = at(asked.context, x, value)
        if context is None:
            continue
        left, right = (substitute(t, {x: value}) for t in (asked.left, asked.right))
        refuted, _ = _instances(replace(asked, left=left, right=right, context=context), budget, AT_PLACES, 4)
        if refuted is not None and refuted.counterexample is not None:
            others = ", " if ": " in refuted.counterexample else ": "
            return replace(refuted, counterexample=f"{x} = {value}{others}{refuted.counterexample}")
    return None


def _shown(counterexample: str) -> str:
    """A counterexample to a question without symbols is two numbers and no point."""
    return counterexample.removeprefix(": ")
