"""The experiment that a statement implies: what in it can be estimated or differentiated is measured.

Nothing is written by hand for a claim.  A derivative becomes finite differences, an expectation under a probability
measure Monte Carlo, an integral over an abstract space quadrature of smooth densities, a limit a geometric grid, each
with what it would have caught; the rest of the statement is evaluated in floating point, at values that satisfy the
Context.

>>> from derivcheck.language import D, Givens, eq
>>> g = Givens(); x = g.real("x")
>>> found = experiment(g.context, eq(D(x**3, x), 3 * x**2), seed=1, name="cube")
>>> str(found.outcome), found.detectable < 1e-6
('confirms', True)
>>> str(experiment(g.context, eq(D(x**3, x), 2 * x**2), seed=1, name="cube").outcome)
'refutes'
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from derivcheck.experiment.budget import FalseAlarmBudget
from derivcheck.experiment.claims import differences, expectations, limits, quadrature
from derivcheck.experiment.claims.comparisons import Comparison, comparisons, kinds
from derivcheck.experiment.claims.numeric import Numeric, Unsupported
from derivcheck.experiment.claims.world import LAWS, SampledWorld
from derivcheck.experiment.result import ExperimentResult, Outcome
from derivcheck.experiment.seeds import seed_sequence
from derivcheck.language import Context, Term
from derivcheck.semantics.cases import drawn
from derivcheck.semantics.choices import PLANS

#: Checks that share the family-wise false-alarm rate of a run: more than there are claims.
CHECKS = 1000

#: Points at which derivatives and limits are measured, and at which expectations are estimated.
POINTS = 6
ESTIMATED = 3
#: Comparisons of one point, and of all points together, that are estimated by Monte Carlo.
MOST_TESTS = 6
MOST_PER_POINT = 32

#: What justifies a budget.
DIFFERENCES = "finite differences with a deterministic error budget"
QUADRATURE = "smooth densities on an interval by two rules of quadrature, with a deterministic error budget"

#: An error that finite differences must be able to catch to count.
COARSE = 1e-3


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing was measured.  `applicable` tells whether there would have been something to measure."""

    applicable: bool
    reason: str


def experiment(context: Context, statement: Term, seed: int, name: str) -> ExperimentResult | Nothing:
    """Measure what a statement claims, at one point after another until one refutes it.

    Parameters
    ----------
    context : Context
        What is given.
    statement : Term
        The proposition.
    seed, name
        The root seed and the name of the stream (a claim's id); equal ones give equal numbers.
    """
    there = kinds(statement)
    if not there:
        return Nothing(False, "nothing in the statement is estimated or differentiated")
    found: list[ExperimentResult] = []
    reasons: list[str] = []
    law_names = list(LAWS)
    for number in range(ESTIMATED if "expectation" in there else POINTS):
        point_seed = int(seed_sequence(seed, name, "point", number).generate_state(1)[0])
        given = drawn(context, point_seed, PLANS[number % len(PLANS)])
        if isinstance(given, str):
            reasons.append(given)
            continue
        try:
            world = SampledWorld(context, given.world, law_names[number % len(law_names)])
            parts = list(comparisons(statement, Numeric(world)))
            if "expectation" in there:
                found += _estimated(parts, world, seed, (name, number))
            elif "limit" in there:
                found += [r for c in parts[:MOST_PER_POINT] if (r := limits.compare(c, world)) is not None]
            else:
                found += _differentiated(parts, world, reasons)
        except Unsupported as error:
            reasons.append(str(error))
        if any(r.outcome is Outcome.REFUTES for r in found):
            break
    if not found and "expectation" in there:
        try:
            cases = quadrature.smooth_cases(context, statement, seed, name)
            found = _until_refuted(_budgeted(c, d, QUADRATURE) for c, d in cases)
        except Unsupported as error:
            reasons.append(str(error))
    if not found:
        why = "; ".join(dict.fromkeys([*reasons[:1], *reasons[-1:]]))
        return Nothing(True, f"nothing could be measured: {why}" if why else "no point has anything to measure")
    return _combined(found)


def _estimated(
    parts: list[Comparison], world: SampledWorld, seed: int, names: tuple[str | int, ...]
) -> list[ExperimentResult]:
    alpha = FalseAlarmBudget(CHECKS).per_check / (ESTIMATED * MOST_TESTS)
    # The last comparisons are those of the largest indices, where families have several members.
    chosen = parts[-MOST_TESTS:]
    return _until_refuted(
        expectations.test_comparison(c, world, seed, (*names, place), alpha) for place, c in enumerate(chosen)
    )


def _until_refuted(results: Iterable[ExperimentResult | None]) -> list[ExperimentResult]:
    """What was measured, up to the first result that refutes: the rest is not made."""
    out: list[ExperimentResult] = []
    for r in results:
        if r is not None:
            out.append(r)
            if r.outcome is Outcome.REFUTES:
                break
    return out


def _differentiated(parts: list[Comparison], world: SampledWorld, reasons: list[str]) -> list[ExperimentResult]:
    out = []
    for c in parts[:MOST_PER_POINT]:
        try:
            measured = differences.compare(c, world)
        except differences.Kinked as kink:
            reasons.append(str(kink))
            continue
        if measured is not None:
            out.append(_budgeted(c, measured))
    return out


def _budgeted(c: Comparison, measured: differences.Difference, justification: str = DIFFERENCES) -> ExperimentResult:
    wrong = measured.ratio > 1.0 and (c.relation == "==" or measured.difference > 0)
    detectable = 2.0 * measured.budget / measured.scale
    outcome = Outcome.REFUTES if wrong else Outcome.CONFIRMS if detectable <= COARSE else Outcome.ABSTAINS
    if c.relation == "==":
        sides = f"sides differ by {measured.difference:.3g}, the errors allow {measured.budget:.2g}"
    else:
        sides = f"left - right is {measured.difference:.3g}, at most {measured.budget:.2g} is allowed"
    return ExperimentResult(
        outcome=outcome,
        reason=sides if outcome is not Outcome.ABSTAINS else f"too coarse: {sides}",
        n=measured.evaluations,
        statistic=measured.ratio if c.relation == "==" else measured.difference / measured.budget,
        critical=1.0,
        justification=justification,
        false_alarm=None,
        detectable=detectable,
        scale=measured.scale,
        scale_name="the largest part of the two sides",
        expected=_ZERO,
        estimate=_ZERO + measured.difference,
        standard_error=_ZERO + measured.budget,
    )


def _combined(found: list[ExperimentResult]) -> ExperimentResult:
    """The result of all measurements: one that refutes decides, else the least sensitive that speaks."""
    refuting = [r for r in found if r.outcome is Outcome.REFUTES]
    speaking = [r for r in found if r.outcome in (Outcome.CONFIRMS, Outcome.SUPPORTS)]
    if refuting:
        first = max(refuting, key=lambda r: abs(r.statistic or 0.0) / (r.critical or 1.0))
    elif speaking:
        # Points at which nothing varies (a variance of 0) say little; they are counted, but not the ones to show.
        telling = [r for r in speaking if r.detectable is not None and math.isfinite(r.detectable)] or speaking
        first = max(telling, key=lambda r: r.detectable if r.detectable is not None else math.inf)
    else:
        first = found[0]
    rates = [r.false_alarm for r in found if r.false_alarm is not None]
    heard = len(refuting) or len(speaking)
    shown = "worst" if refuting else "least sensitive"
    reason = f"{first.reason} ({heard} of {len(found)} measurements; the one shown is the {shown})"
    return replace(first, reason=reason, n=sum(r.n for r in found), false_alarm=sum(rates) if rates else None)


_ZERO = np.zeros(1)
