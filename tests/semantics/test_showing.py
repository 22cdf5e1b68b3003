"""What a counterexample shows is enough to recompute it."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product

import pytest

from derivcheck.language import E, Givens, eq, range_
from derivcheck.semantics import check

MEMBER = r"\[[^\]]*\]"


def law(text: str) -> dict[tuple[Fraction, ...], Fraction]:
    """A law as it is shown: ``[2: 1/6; -1: 5/6]`` or ``[(2, 2): 1/6; (-1, 0): 5/6]``."""
    out = {}
    for part in text.strip("[]").split("; "):
        value, probability = part.rsplit(": ", 1)
        out[tuple(Fraction(x) for x in value.strip("()").split(", "))] = Fraction(probability)
    assert sum(out.values()) == 1
    return out


def joint(shown: str) -> dict[tuple[Fraction, ...], Fraction]:
    """The joint law of the two members of a family."""
    independent = re.fullmatch(rf"\(({MEMBER}), ({MEMBER})\) independent", shown)
    if independent is None:
        return law(shown)
    one, two = map(law, independent.groups())
    return {x + y: one[x] * two[y] for x, y in product(one, two)}


@pytest.mark.parametrize("uncorrelated", [False, True])
def test_the_law_that_is_shown_gives_the_side_that_is_shown(uncorrelated: bool) -> None:
    given = Givens()
    mu, variance = given.real("mu"), given.real("v", above=0)
    P = given.probability()
    x = given.random("x", range_(1, 2), measure=P, mean=mu, variance=variance, uncorrelated=uncorrelated)
    seen = 0
    for seed in range(12):
        found = check(given.context, eq(E(P, lambda w: x(1, w) * x(2, w)), 1000), seed)
        assert found.outcome == "refutes" and found.counterexample is not None
        values = dict(found.counterexample.values)
        assert "P" not in values, "one point of weight one says nothing"
        if "..." not in values["x"]:
            total = sum((a * b * p for (a, b), p in joint(values["x"]).items()), Fraction(0))
            assert str(total) == found.counterexample.sides[0], values
            seen += 1
    assert seen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("independent", [False, True])
def test_dependent_members_are_shown_together_and_independent_ones_apart(independent: bool, seed: int) -> None:
    given = Givens()
    P = given.probability()
    x = given.random("x", range_(1, 2), measure=P, mean=0, variance=1, iid=independent)
    # Refuted by any independent pair, and by dependent ones alone.
    wrong = eq(E(P, lambda w: x(1, w) ** 2), 2) if independent else eq(E(P, lambda w: x(1, w) * x(2, w)), 0)
    found = check(given.context, wrong, seed)
    assert found.counterexample is not None
    shown = dict(found.counterexample.values)["x"]
    assert shown.endswith(" independent") is independent
    assert shown.startswith("[(") is not independent
