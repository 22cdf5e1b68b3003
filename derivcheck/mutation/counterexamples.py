"""Counterexamples from records of choices, and simpler ones near a given one."""

from __future__ import annotations

from collections.abc import Mapping

from derivcheck.language import Context, Term
from derivcheck.semantics import instances
from derivcheck.semantics.interpretation import Reject
from derivcheck.semantics.judgement import Truth

#: How many judgements a counterexample is simplified with: a reader wants a small one, not the smallest.
SIMPLIFICATIONS = 20


def refuting(
    context: Context, statement: Term, record: Mapping[str, int], budget: int
) -> instances.Counterexample | None:
    """The counterexample at a record, if the hypotheses hold there and the statement is false there."""
    try:
        case = instances.judge_record(context, statement, record, budget=budget)
    except Reject:
        return None
    j = case.judgement
    if j.truth is not Truth.FALSE or not case.trusted:
        return None
    values = case.world.description()
    return instances.Counterexample(values, j.witness, j.sides, j.evidence, j.reason, dict(record))


def simpler(
    context: Context, statement: Term, found: instances.Counterexample, budget: int
) -> instances.Counterexample:
    """A counterexample with smaller sizes, then with simpler values, where one lies near `found`."""
    sizes = {d.name for d in context.declarations if d.kind in ("size", "integer", "index")}
    best, left = found, SIMPLIFICATIONS
    for label in sorted(found.record, key=lambda name: (name not in sizes, name)):
        # Pools are ordered by simplicity; the first few members are what a reader would try.
        for position in range(min(best.record.get(label, 0), 3) if label != "salt" else 0):
            if left == 0:
                return best
            left -= 1
            smaller = refuting(context, statement, {**best.record, label: position}, budget)
            if smaller is not None:
                best = smaller
                break
    return best
