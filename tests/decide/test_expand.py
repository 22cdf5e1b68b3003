"""What `expand` writes must be equal to what it replaces: random terms, judged by instances."""

from __future__ import annotations

import random

import pytest

from derivcheck.decision.decide import RIGOROUS
from derivcheck.decision.expand import expanded
from derivcheck.decision.prove import prove
from derivcheck.language import (
    Givens,
    Prod,
    Sum,
    Term,
    abs_,
    binomial,
    eq,
    factorial,
    implies,
    integer,
    ite,
    le,
    max_,
    min_,
    num,
    pi,
    real,
)
from derivcheck.language.constructors import scalar
from derivcheck.semantics import check

given = Givens()
n = given.integer("n", at_least=0)
k = given.integer("k")
x = given.real("x")
y = given.real("y")


def integer_term(r: random.Random) -> Term:
    base = r.choice([n, k, n - k, n + k])
    return base + r.randint(-2, 3)


def angle(r: random.Random) -> Term:
    parts = [r.choice([x, y, pi, pi * real(n)]) * num(r.choice([1, 2, -1, 3])) / r.choice([1, 2, 6]) for _ in range(2)]
    return parts[0] + parts[1]


def atom(r: random.Random) -> Term:
    match r.randrange(9):
        case 0:
            return scalar(r.choice(["sin", "cos"]), angle(r))
        case 1:
            return scalar("gamma", x + r.randint(-2, 2))
        case 2:
            return factorial(n + r.randint(0, 3))
        case 3:
            return binomial(n + r.randint(0, 2), r.choice([k, n - k, integer(2), n - 1, n + 1]) + r.randint(-1, 1))
        case 4:
            return Prod(1, n + r.randint(0, 2), lambda j: real(j) + x)
        case 5:
            return Sum(0, n + r.randint(0, 2), lambda j: binomial(n + r.randint(0, 1), j) * (real(j) + 1))
        case 6:
            return scalar("gamma", real(n) + r.randint(1, 3))
        case 7:
            return factorial(integer(r.randint(0, 5)))
    return scalar("loggamma", real(n) + 1)


def term(r: random.Random) -> Term:
    return atom(r) * num(r.randint(1, 3)) + atom(r) * atom(r)


@pytest.mark.parametrize("seed", range(60))
def test_expansion_keeps_the_value(seed: int) -> None:
    t = term(random.Random(seed))
    (new,), conditions = expanded(given.context, (t,))
    statement = eq(t, new)
    for c in reversed(conditions):
        statement = implies(c, statement)
    found = check(given.context, statement, seed, instances=24, shrink=False)
    assert found.counterexample is None or found.counterexample.evidence not in RIGOROUS, (t, new, found)


def piecewise(r: random.Random, depth: int = 1) -> Term:
    if depth == 0:
        return r.choice([x, y, num(1), x - y, -x])
    a, b = piecewise(r, depth - 1), piecewise(r, depth - 1)
    return r.choice([abs_(a) + b, max_(a, b), min_(a, b), ite(le(a, b), a, b), a + b, a * b])


@pytest.mark.parametrize("seed", range(10))
def test_what_is_proved_by_cases_is_not_refuted(seed: int) -> None:
    r = random.Random(seed)
    left, right = piecewise(r), piecewise(r)
    if seed % 2:
        right = (left + right + abs_(left - right)) / 2 if seed % 4 == 1 else max_(right, left)
        left = max_(left, right)
    proved = prove(given.context, left, right)
    found = check(given.context, eq(left, right), seed, instances=24, shrink=False)
    if proved is not None and not proved.conditions:
        assert found.counterexample is None, (left, right, found)


def closed_form(r: random.Random) -> Term:
    return r.choice(
        [
            Sum(0, n, lambda j: real(j) * 2),
            real(n) * (n + 1),
            Sum(0, n, lambda j: binomial(n, j)),
            num(2) ** real(n),
            Prod(1, n, lambda j: real(j)),
            factorial(n),
            Sum(0, n, lambda j: real(j) * factorial(j)),
            factorial(n + 1) - 1,
            num(2) ** real(n) + real(n) * (real(n) - 1) * (real(n) - 2),
            factorial(n) + real(n) * (real(n) - 1),
        ]
    )


@pytest.mark.parametrize("seed", range(40))
def test_what_is_proved_by_induction_is_not_refuted(seed: int) -> None:
    r = random.Random(seed)
    left, right = closed_form(r), closed_form(r)
    proved = prove(given.context, left, right)
    found = check(given.context, eq(left, right), seed, instances=24, shrink=False)
    assert proved is None or found.counterexample is None, (left, right, proved, found)
