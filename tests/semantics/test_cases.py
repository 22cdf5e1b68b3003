"""Whenever something is said to fail on an interpretation, all its hypotheses have been judged."""

from __future__ import annotations

import pytest

from derivcheck.language import ForAll, Givens, Sum, eq, le, range_, real
from derivcheck.semantics import cases, instances
from derivcheck.semantics.cases import Drawn, draw
from derivcheck.semantics.choices import Plan
from derivcheck.semantics.instances import check
from derivcheck.semantics.interpretation import Reject


def bounded():
    """An array with an assumption that holds on some draws only, and a consequence of it."""
    g = Givens()
    n = g.size("n")
    x = g.array("x", range_(1, n))
    g.assume("bounded", ForAll(range_(1, n), lambda i: le(x(i), 1)))
    return g.context, le(x(1), 1)


def rejected(context, seed):
    found = draw(context, seed, Plan(), thorough=False)
    with pytest.raises(Reject, match="bounded"):
        found.hypotheses()
    return found


def seed_of_a_failure(context):
    for seed in range(100):
        try:
            draw(context, seed, Plan(), thorough=False).hypotheses()
        except Reject:
            return seed
    raise AssertionError("the assumption holds on every draw")


def test_universal_facts_are_judged_when_they_are_asked_for():
    context, _ = bounded()
    found = rejected(context, seed_of_a_failure(context))
    with pytest.raises(Reject, match="bounded"):  # and again, from memory
        found.hypotheses()


def test_a_thorough_draw_has_judged_them():
    context, _ = bounded()
    assert all(draw(context, seed, Plan()).hypotheses().trusted for seed in range(20))


def test_what_fails_without_the_hypotheses_is_no_counterexample(monkeypatch):
    context, consequence = bounded()
    lenient = check(context, consequence, 0, instances=40, thorough=False)
    assert lenient.outcome == "confirms" and lenient.tried > 20

    monkeypatch.setattr(Drawn, "hypotheses", lambda self: self.known)
    assert check(context, consequence, 1, instances=40, thorough=False).outcome == "refutes"


def test_a_hypothesis_that_has_failed_is_judged_first_from_then_on(monkeypatch):
    context, consequence = bounded()
    asked = []
    drawn = instances.drawn
    monkeypatch.setattr(
        instances, "drawn", lambda *args, thorough: asked.append(thorough) or drawn(*args, thorough=thorough)
    )
    check(context, consequence, 2, instances=40, thorough=False)
    first = asked.index(False)
    assert asked[:first] == [True] * first
    back = asked.index(True, first)
    assert asked[back:] == [True] * (40 - back)


def test_where_the_budget_ran_out_more_digits_are_not_tried(monkeypatch):
    def rebuilt(*args, **kwargs):
        raise AssertionError("judged again")

    g = Givens()
    x = g.real("x")
    long = eq(Sum(1, 500, lambda j: Sum(1, 500, lambda k: x * real(j) * real(k))), 0)
    monkeypatch.setattr(cases, "judge_record", rebuilt)
    assert check(g.context, long, 0, instances=2).unknown == 2
