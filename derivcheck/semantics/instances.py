"""Instances: is a statement true on concrete interpretations of its Context?

`check` draws interpretations that cover what hides errors (sizes 1 and more, square and rectangular, equal and distinct
indices, skewed laws, wide ranges, ties), judges the statement on each, and shrinks what refutes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from derivcheck.language.context import Context
from derivcheck.language.terms import Term
from derivcheck.semantics.choices import PLANS, Choices, Plan, ReplayedChoices, SeededChoices
from derivcheck.semantics.interpretation import Interpretation, Reject, judge_in, violated
from derivcheck.semantics.judgement import Judgement, Truth, unknown
from derivcheck.semantics.normal_laws import beyond_the_moments
from derivcheck.semantics.numbers import EvaluationError, working_precision
from derivcheck.semantics.pools import digest

#: Bits of a ball: tried in turn while the outcome is unknown.
PRECISIONS = (128, 512)
#: How many seeds to try for one interpretation before giving up.
ATTEMPTS = 40
#: How many shrunk candidates to judge.
SHRINKS = 150


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An interpretation at which a statement fails (or has no value).

    ``values`` gives the author's symbols, ``witness`` the bound variables of universal quantifiers, ``sides`` both
    sides of the comparison that fails.  ``record`` replays it: label -> position in the pool.
    """

    values: tuple[tuple[str, str], ...]
    witness: tuple[tuple[str, str], ...]
    sides: tuple[str, ...]
    evidence: str
    reason: str
    record: Mapping[str, int]

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {value}" for name, value in (*self.values, *self.witness))
        if self.sides:
            return f"{where}: {' against '.join(self.sides)}"
        return f"{where}: {self.reason}" if self.reason else where


@dataclass(frozen=True, slots=True)
class InstancesResult:
    """What the instances say.

    Attributes
    ----------
    outcome : str
        ``refutes`` (a counterexample), ``undefined`` (no value somewhere although the hypotheses hold, kinks aside),
        ``confirms`` (true or supported wherever it could be judged, and it could be somewhere) or ``abstains``.
    reason : str
        Why it abstains; else a summary.
    tried, exact, supported, undefined, kinks, unknown : int
        How many interpretations were judged, and how: exactly true, supported by balls or samples, undefined (kinks
        not counted), undefined at a kink, unknown.
    counterexample, original : Counterexample or None
        The shrunk counterexample and the one first found.
    undefined_example : Counterexample or None
        An interpretation at which the statement has no value.
    unverified : tuple of str
        Facts that could not be judged on some interpretation (their construction is trusted, an assumption's is not).
    coverage : dict
        How many of the judged interpretations had which feature.
    """

    outcome: str
    reason: str
    tried: int = 0
    exact: int = 0
    supported: int = 0
    undefined: int = 0
    kinks: int = 0
    unknown: int = 0
    counterexample: Counterexample | None = None
    original: Counterexample | None = None
    undefined_example: Counterexample | None = None
    unverified: tuple[str, ...] = ()
    coverage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelsResult:
    """Whether an interpretation satisfying every fact was constructed."""

    found: bool
    reason: str
    example: tuple[tuple[str, str], ...] = ()
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One interpretation with what was found on it."""

    world: Interpretation
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
    world = Interpretation(context, choices, budget)
    try:
        world.build()
        failed, open_facts = violated(world.check(budget))
    except EvaluationError as error:
        raise Reject(str(error)) from error
    if failed is not None:
        raise Reject(failed.name)
    return world, tuple(f.name for f in open_facts), all(f.constructed for f in open_facts)


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


@lru_cache(maxsize=64)
def _drawn(context: Context, seed: int, plan: Plan, budget: int) -> Drawn | str:
    """`draw`, remembered: a claim and its near misses are judged on the same interpretations."""
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
            case = Case(world, judge_in(world, statement, budget), unverified, trusted)
        if not _more_digits_may_help(case):
            break
    assert case is not None
    return case


def _more_digits_may_help(case: Case) -> bool:
    return case.judgement.truth is Truth.UNKNOWN or (case.judgement.truth is Truth.FALSE and not case.trusted)


def judge_drawn(context: Context, statement: Term, drawn: Drawn, *, budget: int = 200_000) -> Case:
    """Judge the statement on a drawn interpretation, rebuilding it with more digits while it is unknown."""
    with working_precision(PRECISIONS[0]):
        judgement = judge_in(drawn.world, statement, budget)
    case = Case(drawn.world, judgement, drawn.unverified, drawn.trusted)
    if _more_digits_may_help(case):
        return judge_record(context, statement, positions(drawn.choices), budget=budget, then=drawn.choices)
    return case


@dataclass(slots=True)
class _Tally:
    """The counts that become an `InstancesResult`."""

    counts: Counter[Truth] = field(default_factory=Counter)
    coverage: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unverified: set[str] = field(default_factory=set)
    tried: int = 0
    kinks: int = 0
    undefined_example: Counterexample | None = None

    def count(self, case: Case) -> None:
        """Take a judged case in."""
        judgement = case.judgement
        self.tried += 1
        self.counts[judgement.truth] += 1
        self.unverified.update(case.unverified)
        self.coverage.update(_features(case.world))
        if judgement.truth in (Truth.UNDEFINED, Truth.UNKNOWN):
            self.reasons[judgement.reason] += 1
        if judgement.truth is Truth.UNDEFINED:
            self.kinks += judgement.kink
            if not judgement.kink and self.undefined_example is None:
                self.undefined_example = _counterexample(case)

    def result(
        self,
        outcome: str,
        reason: str,
        found: Counterexample | None = None,
        original: Counterexample | None = None,
    ) -> InstancesResult:
        """The record of what was counted."""
        return InstancesResult(
            outcome,
            reason,
            self.tried,
            self.counts[Truth.TRUE],
            self.counts[Truth.SUPPORTED],
            self.counts[Truth.UNDEFINED] - self.kinks,
            self.kinks,
            self.counts[Truth.UNKNOWN],
            found,
            original,
            self.undefined_example,
            tuple(sorted(self.unverified)),
            dict(sorted(self.coverage.items())),
        )


def check(
    context: Context,
    statement: Term,
    seed: int,
    *,
    budget: int = 200_000,
    instances: int = 16,
    plans: tuple[Plan, ...] = PLANS,
    shrink: bool = True,
) -> InstancesResult:
    """Judge `statement` on interpretations of `context`.

    Parameters
    ----------
    seed : int
        Equal seeds give equal results, on any machine and under any ``PYTHONHASHSEED``.
    budget : int
        Nodes that one judgement (of the statement, or of one fact) may evaluate.
    instances : int
        How many interpretations to judge; the `plans` are used in turn.
    shrink : bool
        Whether to simplify a counterexample.
    """
    tally = _Tally()
    blind = beyond_the_moments(context, statement)
    if blind is not None:
        return tally.result("abstains", blind)
    for t in range(instances):
        drawn = _drawn(context, digest(seed, "instance", t), plans[t % len(plans)], budget)
        if isinstance(drawn, str):
            tally.reasons[drawn] += 1
            if not tally.tried and t >= 2:
                break
            continue
        try:
            case = judge_drawn(context, statement, drawn, budget=budget)
        except Reject as reject:
            tally.reasons[str(reject)] += 1
            continue
        if case.judgement.truth is Truth.FALSE and not case.trusted:
            case = replace(
                case,
                judgement=unknown("it fails where not all facts could be judged: " + ", ".join(case.unverified)),
            )
        tally.count(case)
        if case.judgement.truth is Truth.FALSE:
            original = _counterexample(case)
            small = _shrunk(context, statement, original.record, budget) if shrink else None
            shown = small or original
            rigorous = shown.evidence != "numeric"
            words = "a counterexample" if rigorous else "a counterexample by extrapolation, which is not rigorous"
            return tally.result("refutes", words, shown, original)
    exact, supported = tally.counts[Truth.TRUE], tally.counts[Truth.SUPPORTED]
    if tally.undefined_example is not None:
        reason = f"no value although the hypotheses hold: {tally.undefined_example.reason}"
        return tally.result("undefined", reason)
    if exact + supported:
        return tally.result("confirms", f"{exact} exactly, {supported} supported, of {tally.tried}")
    most = min(tally.reasons, key=lambda r: (-tally.reasons[r], r), default="")
    return tally.result("abstains", most or "no instance could be judged")


def models_exist(context: Context, seed: int = 0, *, budget: int = 200_000) -> ModelsResult:
    """Whether the facts of `context` can all hold: a theorem whose hypotheses have no model says nothing."""
    reason = ""
    for t, plan in enumerate((Plan(), *PLANS[:4])):
        drawn = _drawn(context, digest(seed, "model", t), plan, budget)
        if isinstance(drawn, str):
            reason = drawn
        elif not drawn.trusted:
            reason = "a fact could not be judged: " + ", ".join(drawn.unverified)
        else:
            example = drawn.world.description()
            return ModelsResult(True, "an interpretation satisfies every fact", example, drawn.unverified)
    return ModelsResult(False, reason)


# ------------------------------------------------------------------------------------------------------- shrinking


def _counterexample(case: Case) -> Counterexample:
    j = case.judgement
    record = positions(case.world.choices)
    return Counterexample(case.world.description(), j.witness, j.sides, j.evidence, j.reason, record)


def _shrunk(context: Context, statement: Term, record: Mapping[str, int], budget: int) -> Counterexample | None:
    """A simpler interpretation at which the statement still fails: sizes first, then every other choice."""
    sizes = {d.name for d in context.declarations if d.kind in ("size", "integer", "index")}
    best, found = dict(record), None
    tries = 0
    improved = True
    while improved and tries < SHRINKS:
        improved = False
        for label in sorted(best, key=lambda name: (name not in sizes, name)):
            if label == "salt":
                continue
            for smaller in sorted({0, best.get(label, 0) // 2, best.get(label, 0) - 1}):
                if label not in best or not 0 <= smaller < best[label] or tries >= SHRINKS:
                    continue
                tries += 1
                try:
                    case = judge_record(context, statement, {**best, label: smaller}, budget=budget)
                except Reject:
                    continue
                if case.judgement.truth is Truth.FALSE and case.trusted:
                    best = positions(case.world.choices)
                    found, improved = _counterexample(case), True
                    break
    return found


def _features(world: Interpretation) -> list[str]:
    """What an interpretation covers."""
    out = []
    sizes = [world.values[d.symbol] for d in world.context.declarations if d.kind == "size" and d.symbol is not None]
    indices = [world.values[d.symbol] for d in world.context.declarations if d.kind == "index" and d.symbol is not None]
    if any(s == 1 for s in sizes):
        out.append("some size 1")
    if sizes and all(s >= 2 for s in sizes):
        out.append("all sizes at least 2")
    if any(s <= 0 for s in sizes):
        out.append("some size 0")
    if len(sizes) > 1:
        out.append("equal sizes" if len(set(sizes)) == 1 else "different sizes")
    if len(indices) > 1:
        out.append("distinct indices" if len(set(indices)) == len(indices) else "equal indices")
    return out
