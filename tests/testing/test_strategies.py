"""Interpretations drawn by Hypothesis satisfy their Context, and counterexamples shrink within it."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import HealthCheck, find, given, settings

from derivcheck.language import Givens, Sum, eq, le, lt
from derivcheck.semantics import Interpretation
from derivcheck.testing.strategies import holds, interpretations

g = Givens()
n = g.size("n")
p = g.vector("p", n, above=0)
A = g.matrix("A", n, n, positive_definite=True)
t = g.real("t", at_least=0, below=1)
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(interpretations(g.context))
def test_every_fact_holds(world: Interpretation) -> None:
    for _, fact in g.context.facts():
        assert holds(world, fact)


@QUICK
@given(interpretations(g.context))
def test_what_follows_holds(world: Interpretation) -> None:
    assert holds(world, lt(0, Sum(1, n, lambda j: p(j))))
    assert holds(world, le(t * t, t))
    assert not holds(world, eq(t, 1))


def test_a_counterexample_shrinks_to_the_simplest() -> None:
    wrong = eq(Sum(1, n, lambda j: p(j)) ** 2, Sum(1, n, lambda j: p(j) ** 2))
    world = find(interpretations(g.context), lambda w: not holds(w, wrong), settings=QUICK)
    assert world.symbol(n) == 2
    assert not holds(world, le(Fraction(1), t))
