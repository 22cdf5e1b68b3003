"""Instances: is a statement true on concrete interpretations of its Context?

`check` draws interpretations that cover what hides errors (sizes 1 and more, square and rectangular, equal and distinct
indices, skewed laws, wide ranges, ties), judges the statement on each, and shrinks what refutes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from derivcheck.language.context import Context
from derivcheck.language.terms import Term
from derivcheck.semantics.cases import Case, Drawn, drawn, judge_drawn
from derivcheck.semantics.choices import PLANS, Plan
from derivcheck.semantics.counterexamples import Counterexample, described, simplified
from derivcheck.semantics.interpretation import Interpretation, Reject
from derivcheck.semantics.judgement import Judgement, Truth, combined, unknown
from derivcheck.semantics.normal_laws import beyond_the_moments
from derivcheck.semantics.pools import digest
from derivcheck.semantics.premises import opened

#: How many simpler candidates are judged for the counterexample to a claim.
SHRINKS = 150
#: After so many plans without an interpretation at which the premises hold, none is looked for.
FRUITLESS = 2
#: Why an instance says nothing.
NO_PREMISE = "its premise holds on no interpretation that was found"


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
    vacuous : int
        On how many it is true only because no premise of it holds; they confirm nothing.
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
    vacuous: int = 0
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


@dataclass(slots=True)
class _Tally:
    """The counts that become an `InstancesResult`."""

    counts: Counter[Truth] = field(default_factory=Counter)
    coverage: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unverified: set[str] = field(default_factory=set)
    tried: int = 0
    kinks: int = 0
    vacuous: int = 0
    undefined_example: Counterexample | None = None

    def count(self, judgement: Judgement, cases: list[Case]) -> None:
        """Take in an instance, from the cases of the statement's parts."""
        self.tried += 1
        self.unverified.update(name for case in cases for name in case.hypotheses.unverified)
        self.coverage.update(_features(cases[0].world))
        if judgement.vacuous:
            self.vacuous += 1
            self.reasons[NO_PREMISE] += 1
            return
        self.counts[judgement.truth] += 1
        if judgement.truth in (Truth.UNDEFINED, Truth.UNKNOWN):
            self.reasons[judgement.reason] += 1
        if judgement.truth is Truth.UNDEFINED:
            self.kinks += judgement.kink
            if not judgement.kink and self.undefined_example is None:
                self.undefined_example = described(next(c for c in cases if c.judgement is judgement))

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
            tried=self.tried,
            exact=self.counts[Truth.TRUE],
            supported=self.counts[Truth.SUPPORTED],
            undefined=self.counts[Truth.UNDEFINED] - self.kinks,
            kinks=self.kinks,
            unknown=self.counts[Truth.UNKNOWN],
            vacuous=self.vacuous,
            counterexample=found,
            original=original,
            undefined_example=self.undefined_example,
            unverified=tuple(sorted(self.unverified)),
            coverage=dict(sorted(self.coverage.items())),
        )


class _Part:
    """A statement, or a part of a conjunction: judged where it is not vacuous, if such a place is found."""

    def __init__(self, context: Context, statement: Term, budget: int) -> None:
        self.context, self.statement, self.budget = context, statement, budget
        self._fruitless = 0

    def judged(self, world: Drawn, seed: int, plan: Plan, *, thorough: bool) -> Case:
        """The part in the interpretation `world`; where its premises fail there, in one where they hold."""
        case = judge_drawn(self.context, self.statement, world, budget=self.budget)
        if case.judgement.vacuous and self._fruitless < FRUITLESS:
            where = opened(self.context, self.statement)
            found = drawn(where.context, seed, plan, self.budget, thorough=thorough) if where is not None else ""
            if where is not None and not isinstance(found, str):
                return self._trusted(judge_drawn(where.context, where.statement, found, budget=self.budget))
            self._fruitless += 1
        return self._trusted(case)

    @staticmethod
    def _trusted(case: Case) -> Case:
        if case.judgement.truth is not Truth.FALSE or case.hypotheses.trusted:
            return case
        reason = "it fails where not all facts could be judged: " + ", ".join(case.hypotheses.unverified)
        return replace(case, judgement=unknown(reason))


def check(
    context: Context,
    statement: Term,
    seed: int,
    *,
    budget: int = 200_000,
    instances: int = 16,
    start: int = 0,
    plans: tuple[Plan, ...] = PLANS,
    shrink: bool | int = True,
    thorough: bool = True,
) -> InstancesResult:
    """Judge `statement` on interpretations of `context`.

    Where an implication is true only because its premise is false, an interpretation is sought at which the premise
    holds; one that says nothing all the same is counted as `vacuous` and confirms nothing.

    Parameters
    ----------
    seed : int
        Equal seeds give equal results, on any machine and under any ``PYTHONHASHSEED``.
    budget : int
        Nodes that one judgement (of the statement, or of one fact) may evaluate.
    instances : int
        How many interpretations to judge; the `plans` are used in turn.
    start : int
        How many interpretations of this seed to pass over because they have been judged before.
    shrink : bool or int
        Whether to simplify a counterexample, or how many simpler candidates may be judged.
    thorough : bool
        Whether every fact is judged on every interpretation.  Otherwise all are on the first; from then on the
        universal ones are where the statement fails or has no value, and again everywhere once one of them has failed.
    """
    tally = _Tally()
    blind = beyond_the_moments(context, statement)
    if blind is not None:
        return tally.result("abstains", blind)
    parts = [_Part(context, p, budget) for p in (statement.args if statement.op == "and" else (statement,))]
    for t in range(start, start + instances):
        plan, salt = plans[t % len(plans)], digest(seed, "instance", t)
        everywhere = thorough or not tally.tried
        world = drawn(context, salt, plan, budget, thorough=everywhere)
        if isinstance(world, str):
            tally.reasons[world] += 1
            if not tally.tried and t >= start + 2:
                break
            continue
        try:
            cases = [part.judged(world, salt, plan, thorough=everywhere) for part in parts]
        except Reject as reject:
            tally.reasons[str(reject)] += 1
            thorough = True
            continue
        tally.count(combined(statement, [c.judgement for c in cases]), cases)
        failing = next((c for c in cases if c.judgement.truth is Truth.FALSE), None)
        if failing is not None:
            original = described(failing)
            shown = simplified(original, SHRINKS if shrink is True else shrink, budget)
            rigorous = shown.evidence != "numeric"
            words = "a counterexample" if rigorous else "a counterexample by extrapolation, which is not rigorous"
            return tally.result("refutes", words, shown, original)
    exact, supported = tally.counts[Truth.TRUE], tally.counts[Truth.SUPPORTED]
    if tally.undefined_example is not None:
        reason = f"no value although the hypotheses hold: {tally.undefined_example.reason}"
        return tally.result("undefined", reason)
    if exact + supported:
        vacuous = f"; on {tally.vacuous} no premise holds" if tally.vacuous else ""
        return tally.result("confirms", f"{exact} exactly, {supported} supported, of {tally.tried}{vacuous}")
    most = min(tally.reasons, key=lambda r: (-tally.reasons[r], r), default="")
    return tally.result("abstains", most or "no instance could be judged")


def models_exist(context: Context, seed: int = 0, *, budget: int = 200_000) -> ModelsResult:
    """Whether the facts of `context` can all hold: a theorem whose hypotheses have no model says nothing."""
    reason = ""
    for t, plan in enumerate((Plan(), *PLANS[:4])):
        found = drawn(context, digest(seed, "model", t), plan, budget)
        if isinstance(found, str):
            reason = found
        elif not found.known.trusted:
            reason = "a fact could not be judged: " + ", ".join(found.known.unverified)
        else:
            example = found.world.description()
            return ModelsResult(True, "an interpretation satisfies every fact", example, found.known.unverified)
    return ModelsResult(False, reason)


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
