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
class Hypotheses:
    """What was found of facts none of which fails."""

    #: Facts that could not be judged.
    unverified: tuple[str, ...]
    #: Whether all of those hold by construction.
    trusted: bool

    def __and__(self, other: Hypotheses) -> Hypotheses:
        return Hypotheses(self.unverified + other.unverified, self.trusted and other.trusted)


@dataclass(frozen=True, slots=True)
class Case:
    """One interpretation with what was found on it."""

    world: Interpretation
    #: What was judged.
    statement: Term
    judgement: Judgement
    hypotheses: Hypotheses


class NoModel(Exception):
    """No interpretation of the Context was found; the text names the fact that failed most often."""


def interpret(context: Context, choices: Choices, *, budget: int = 200_000) -> tuple[Interpretation, Hypotheses]:
    """Build an interpretation and judge its facts.

    Raises
    ------
    Reject
        If the choices lead nowhere, or a fact fails; the text names it.
    """
    world = built(context, choices, budget)
    return world, judged_facts(world, budget)


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


def judged_facts(world: Interpretation, budget: int) -> Hypotheses:
    """What is found of the facts of an interpretation.

    Raises
    ------
    Reject
        If a fact fails; the text names it.
    """
    return _judged(world, budget, universal=False) & _judged(world, budget, universal=True)


def _judged(world: Interpretation, budget: int, *, universal: bool) -> Hypotheses:
    try:
        failed, open_facts = violated(world.check(budget, universal=universal))
    except EvaluationError as error:
        raise Reject(str(error)) from error
    if failed is not None:
        raise Reject(failed.name)
    return Hypotheses(tuple(f.name for f in open_facts), all(f.constructed for f in open_facts))


class Drawn:
    """An interpretation whose facts hold, with the choices that led to it.

    The universal facts take most of the time and seldom fail: they are judged when `hypotheses` is first asked for.

    Raises
    ------
    Reject
        If the choices lead nowhere, or a fact that is not universal fails.
    """

    def __init__(self, context: Context, choices: SeededChoices, budget: int) -> None:
        self.choices, self.budget = choices, budget
        self.world = built(context, choices, budget)
        #: What was found of those facts that have been judged.
        self.known = _judged(self.world, budget, universal=False)
        self._failed = ""
        self._open = True

    def hypotheses(self) -> Hypotheses:
        """What is found of all facts.

        Raises
        ------
        Reject
            If one fails; the text names it.
        """
        if self._open:
            self._open = False
            try:
                with working_precision(PRECISIONS[0]):
                    self.known &= _judged(self.world, self.budget, universal=True)
            except Reject as reject:
                self._failed = str(reject)
        if self._failed:
            raise Reject(self._failed)
        return self.known


def draw(
    context: Context,
    seed: int,
    plan: Plan,
    *,
    budget: int = 200_000,
    attempts: int = ATTEMPTS,
    thorough: bool = True,
) -> Drawn:
    """An interpretation of `context`.

    Parameters
    ----------
    thorough : bool
        Whether its universal facts are judged as well.

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
                found = Drawn(context, choices, budget)
                if thorough:
                    found.hypotheses()
                return found
        except Reject as reject:
            reasons[str(reject)] += 1
    reason, _ = min(reasons.items(), key=lambda item: (-item[1], item[0]))
    raise NoModel(f"no interpretation found in {attempts} attempts; most often: {reason}")


@lru_cache(maxsize=256)
def drawn(context: Context, seed: int, plan: Plan, budget: int = 200_000, *, thorough: bool = True) -> Drawn | str:
    """`draw`, remembered: a claim and its variants with planted errors are judged on the same interpretations."""
    try:
        return draw(context, seed, plan, budget=budget, thorough=thorough)
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
            world, hypotheses = interpret(context, ReplayedChoices(record, then), budget=budget)
            case = Case(world, statement, judge_in(world, statement, budget), hypotheses)
        if not _more_digits_may_help(case):
            break
    assert case is not None
    return case


def refuted_at(
    context: Context, statement: Term, record: Mapping[str, int], budget: int, *, thorough: bool = True
) -> Case | None:
    """The interpretation of a record, if the hypotheses hold there and the statement is false there.

    The statement is judged first: where it does not fail, the hypotheses need not be looked at; the universal ones are
    only if `thorough`.
    """
    for bits in PRECISIONS:
        with working_precision(bits):
            try:
                world = built(context, ReplayedChoices(record), budget)
                judgement = judge_in(world, statement, budget)
                if judgement.truth is Truth.FALSE:
                    hypotheses = judged_facts(world, budget) if thorough else _judged(world, budget, universal=False)
                    if hypotheses.trusted:
                        return Case(world, statement, judgement, hypotheses)
            except Reject:
                return None
        if judgement.truth not in (Truth.FALSE, Truth.UNKNOWN) or judgement.exhausted:
            return None
    return None


def _more_digits_may_help(case: Case) -> bool:
    found = case.judgement
    if found.truth is Truth.UNKNOWN:
        return not found.exhausted
    return found.truth is Truth.FALSE and not case.hypotheses.trusted


def judge_drawn(context: Context, statement: Term, drawn: Drawn, *, budget: int = 200_000) -> Case:
    """Judge the statement on a drawn interpretation, rebuilding it with more digits while it is unknown.

    Where the statement fails or has no value, all hypotheses are judged as well.

    Raises
    ------
    Reject
        If one of them fails.
    """
    with working_precision(PRECISIONS[0]):
        judgement = judge_in(drawn.world, statement, budget)
    fails = judgement.truth in (Truth.FALSE, Truth.UNDEFINED)
    case = Case(drawn.world, statement, judgement, drawn.hypotheses() if fails else drawn.known)
    if _more_digits_may_help(case):
        return judge_record(context, statement, positions(drawn.choices), budget=budget, then=drawn.choices)
    return case
