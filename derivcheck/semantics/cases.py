"""One interpretation of a Context, drawn or replayed, and what is judged on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from derivcheck.language.context import Context
from derivcheck.language.terms import Term
from derivcheck.semantics.choices import Choices, Plan, ReplayedChoices, SeededChoices
from derivcheck.semantics.interpretation import Interpretation, Reject, judge_in, violated
from derivcheck.semantics.judgement import Judgement, Truth
from derivcheck.semantics.numbers import EvaluationError, working_precision
from derivcheck.semantics.pools import digest

#: Bits of a ball: tried in turn while the outcome is unknown.
PRECISIONS = (128, 512)
#: How many seeds to try for one interpretation before giving up.
ATTEMPTS = 40


@dataclass(frozen=True, slots=True)
class Case:
    """One interpretation with what was found on it."""

    world: Interpretation
    #: What was judged.
    statement: Term
    judgement: Judgement
    #: Facts that could not be judged.
    unverified: tuple[str, ...]
    #: Whether all of those hold by construction.
    trusted: bool


class NoModel(Exception):
    """No interpretation of the Context was found; the text names the fact that failed most often."""


def interpret(
    context: Context, choices: Choices, *, budget: int = 200_000
) -> tuple[Interpretation, tuple[str, ...], bool]:
    """Build an interpretation and judge its facts.

    Returns
    -------
    tuple
        The interpretation, the names of facts that could not be judged, and whether all of those hold by construction.

    Raises
    ------
    Reject
        If the choices lead nowhere, or a fact fails; the text names it.
    """
    world = built(context, choices, budget)
    return world, *judged_facts(world, budget)


def built(context: Context, choices: Choices, budget: int) -> Interpretation:
    """The interpretation that choices lead to, its facts not judged yet.

    Raises
    ------
    Reject
        If they lead nowhere.
    """
    world = Interpretation(context, choices, budget)
    try:
        world.build()
    except EvaluationError as error:
        raise Reject(str(error)) from error
    return world


def judged_facts(world: Interpretation, budget: int) -> tuple[tuple[str, ...], bool]:
    """The facts of an interpretation that could not be judged, and whether all of those hold by construction.

    Raises
    ------
    Reject
        If a fact fails; the text names it.
    """
    try:
        failed, open_facts = violated(world.check(budget))
    except EvaluationError as error:
        raise Reject(str(error)) from error
    if failed is not None:
        raise Reject(failed.name)
    return tuple(f.name for f in open_facts), all(f.constructed for f in open_facts)


@dataclass(frozen=True, slots=True)
class Drawn:
    """An interpretation whose facts hold, with the choices that led to it."""

    choices: SeededChoices
    world: Interpretation
    unverified: tuple[str, ...]
    trusted: bool


def draw(context: Context, seed: int, plan: Plan, *, budget: int = 200_000, attempts: int = ATTEMPTS) -> Drawn:
    """An interpretation of `context`.

    Raises
    ------
    NoModel
        If none of the attempts gives one.
    """
    reasons: Counter[str] = Counter()
    for attempt in range(attempts):
        # After a few failures the plan itself may be what cannot be had (full column rank needs rows >= columns).
        choices = SeededChoices(digest(seed, attempt), plan if attempt < attempts // 2 else Plan(wide=plan.wide))
        try:
            with working_precision(PRECISIONS[0]):
                return Drawn(choices, *interpret(context, choices, budget=budget))
        except Reject as reject:
            reasons[str(reject)] += 1
    reason, _ = min(reasons.items(), key=lambda item: (-item[1], item[0]))
    raise NoModel(f"no interpretation found in {attempts} attempts; most often: {reason}")


@lru_cache(maxsize=256)
def drawn(context: Context, seed: int, plan: Plan, budget: int = 200_000) -> Drawn | str:
    """`draw`, remembered: a claim and its variants with planted errors are judged on the same interpretations."""
    try:
        return draw(context, seed, plan, budget=budget)
    except NoModel as none:
        return str(none)


def positions(choices: Choices) -> dict[str, int]:
    """The record of choices as label -> position."""
    return {label: position for label, (position, _) in choices.record.items()}


def judge_record(
    context: Context,
    statement: Term,
    record: Mapping[str, int],
    *,
    budget: int = 200_000,
    then: Choices | None = None,
) -> Case:
    """Rebuild the interpretation of a record and judge the statement on it, with more digits while it is unknown.

    Choices that the record does not mention come from `then` (entries that nothing has looked at yet).

    Raises
    ------
    Reject
        If the record is no interpretation of the context.
    """
    case: Case | None = None
    for bits in PRECISIONS:
        with working_precision(bits):
            world, unverified, trusted = interpret(context, ReplayedChoices(record, then), budget=budget)
            case = Case(world, statement, judge_in(world, statement, budget), unverified, trusted)
        if not _more_digits_may_help(case):
            break
    assert case is not None
    return case


def refuted_at(context: Context, statement: Term, record: Mapping[str, int], budget: int) -> Case | None:
    """The interpretation of a record, if the hypotheses hold there and the statement is false there.

    The statement is judged first: where it does not fail, the hypotheses need not be looked at.
    """
    for bits in PRECISIONS:
        with working_precision(bits):
            try:
                world = built(context, ReplayedChoices(record), budget)
                judgement = judge_in(world, statement, budget)
                if judgement.truth is Truth.FALSE:
                    unverified, trusted = judged_facts(world, budget)
                    if trusted:
                        return Case(world, statement, judgement, unverified, trusted)
            except Reject:
                return None
        if judgement.truth not in (Truth.FALSE, Truth.UNKNOWN):
            return None
    return None


def _more_digits_may_help(case: Case) -> bool:
    return case.judgement.truth is Truth.UNKNOWN or (case.judgement.truth is Truth.FALSE and not case.trusted)


def judge_drawn(context: Context, statement: Term, drawn: Drawn, *, budget: int = 200_000) -> Case:
    """Judge the statement on a drawn interpretation, rebuilding it with more digits while it is unknown."""
    with working_precision(PRECISIONS[0]):
        judgement = judge_in(drawn.world, statement, budget)
    case = Case(drawn.world, statement, judgement, drawn.unverified, drawn.trusted)
    if _more_digits_may_help(case):
        return judge_record(context, statement, positions(drawn.choices), budget=budget, then=drawn.choices)
    return case
