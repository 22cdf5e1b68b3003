"""Instances: is a statement true on concrete interpretations of its Context?

`check` draws interpretations that cover what hides errors (sizes 1 and more, square and rectangular, equal and distinct
indices, skewed laws, wide ranges, ties), judges the statement on each, and shrinks what refutes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from derivcheck.language import Context, Term
from derivcheck.semantics.choices import PLANS, Choices, Plan, ReplayedChoices, SeededChoices
from derivcheck.semantics.interpretation import Interpretation, Reject, judge_in, violated
from derivcheck.semantics.judgement import Judgement, Truth
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

    ``values`` gives the author's symbols, ``witness`` the bound variables of universal quantifiers, ``sides`` both sides
    of the comparison that fails.  ``record`` replays it: label -> position in the pool.
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


def interpret(context: Context, choices: Choices, *, budget: int = 200_000) -> tuple[Interpretation, tuple[str, ...], bool]:
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


def draw(context: Context, seed: int, plan: Plan, *, budget: int = 200_000, attempts: int = ATTEMPTS) -> SeededChoices:
    """Choices that lead to an interpretation of `context`.

    Raises
    ------
    NoModel
        If none of the attempts does.
    """
    reasons: Counter[str] = Counter()
    for attempt in range(attempts):
        # After a few failures the plan itself may be what cannot be had (full column rank needs rows >= columns).
        choices = SeededChoices(digest(seed, attempt), plan if attempt < attempts // 2 else Plan(wide=plan.wide))
        try:
            interpret(context, choices, budget=budget)
        except Reject as reject:
            reasons[str(reject)] += 1
            continue
        return choices
    reason, _ = min(reasons.items(), key=lambda item: (-item[1], item[0]))
    raise NoModel(f"no interpretation found in {attempts} attempts; most often: {reason}")


def positions(choices: Choices) -> dict[str, int]:
    """The record of choices as label -> position."""
    return {label: position for label, (position, _) in choices.record.items()}


def judge_record(
    context: Context, statement: Term, record: Mapping[str, int], *, budget: int = 200_000, then: Choices | None = None
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
            judgement = judge_in(world, statement, budget)
            case = Case(world, judgement, unverified, trusted)
        if judgement.truth is not Truth.UNKNOWN and not unverified:
            break
    assert case is not None
    return case


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
    counts: Counter[Truth] = Counter()
    kinks = 0
    coverage: Counter[str] = Counter()
    unverified: set[str] = set()
    reasons: Counter[str] = Counter()
    undefined_example: Counterexample | None = None
    tried = 0

    def result(outcome: str, reason: str, found: Counterexample | None = None, original: Counterexample | None = None
               ) -> InstancesResult:
        return InstancesResult(
            outcome,
            reason,
            tried,
            counts[Truth.TRUE],
            counts[Truth.SUPPORTED],
            counts[Truth.UNDEFINED] - kinks,
            kinks,
            counts[Truth.UNKNOWN],
            found,
            original,
            undefined_example,
            tuple(sorted(unverified)),
            dict(sorted(coverage.items())),
        )

    for t in range(instances):
        plan = plans[t % len(plans)]
        try:
            with working_precision(PRECISIONS[0]):
                choices = draw(context, digest(seed, "instance", t), plan, budget=budget)
        except NoModel as none:
            reasons[str(none)] += 1
            if not tried and t >= 3:
                break
            continue
        record = positions(choices)
        try:
            case = judge_record(context, statement, record, budget=budget, then=choices)
        except Reject as reject:
            reasons[str(reject)] += 1
            continue
        tried += 1
        # Entries drawn while judging belong to the record as well.
        record = positions(case.world.choices)
        unverified.update(case.unverified)
        coverage.update(_features(case.world))
        truth = case.judgement.truth
        if truth is Truth.FALSE and not case.trusted:
            counts[Truth.UNKNOWN] += 1
            reasons["it fails where the facts could not all be judged: " + ", ".join(case.unverified)] += 1
            continue
        counts[truth] += 1
        if truth is Truth.FALSE:
            original = _counterexample(case, record)
            small = _shrunk(context, statement, record, budget) if shrink else None
            return result("refutes", "a counterexample", small or original, original)
        if truth is Truth.UNDEFINED:
            kinks += case.judgement.kink
            reasons[case.judgement.reason] += 1
            if not case.judgement.kink and undefined_example is None:
                undefined_example = _counterexample(case, record)
        if truth is Truth.UNKNOWN:
            reasons[case.judgement.reason] += 1
    settled = counts[Truth.TRUE] + counts[Truth.SUPPORTED]
    most = min(reasons, key=lambda r: (-reasons[r], r), default="")
    if undefined_example is not None:
        return result("undefined", f"no value although the hypotheses hold: {undefined_example.reason}")
    if settled:
        return result("confirms", f"{counts[Truth.TRUE]} exactly, {counts[Truth.SUPPORTED]} supported, of {tried}")
    return result("abstains", most or "no instance could be judged")


def models_exist(context: Context, seed: int = 0, *, budget: int = 200_000) -> ModelsResult:
    """Whether the facts of `context` can all hold: a theorem whose hypotheses have no model says nothing."""
    reason = ""
    for t, plan in enumerate((Plan(), *PLANS[:4])):
        try:
            with working_precision(PRECISIONS[0]):
                choices = draw(context, digest(seed, "model", t), plan, budget=budget)
                world, unverified, trusted = interpret(context, ReplayedChoices(positions(choices)), budget=budget)
        except (NoModel, Reject) as none:
            reason = str(none)
            continue
        if not trusted:
            reason = "a fact could not be judged: " + ", ".join(unverified)
            continue
        return ModelsResult(True, "an interpretation satisfies every fact", world.description(), unverified)
    return ModelsResult(False, reason)


# ------------------------------------------------------------------------------------------------------- shrinking


def _counterexample(case: Case, record: Mapping[str, int]) -> Counterexample:
    j = case.judgement
    return Counterexample(case.world.description(), j.witness, j.sides, j.evidence, j.reason, dict(record))


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
                    found, improved = _counterexample(case, best), True
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
