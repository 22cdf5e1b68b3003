"""Signs that need an idea: logarithms, denominators, squares, integrals; and what must stay unknown."""

from __future__ import annotations

import pytest

from derivcheck.language import D, Givens, Int, Term, eq, integrable, le, log, lt, space, unfold
from derivcheck.proof.normal_form import Normaliser

g = Givens()
a, b, y = g.real("a", above=0), g.real("b", above=0), g.real("y", above=0, below=1)
s, t = g.real("s"), g.real("t")
points = space("X")
mu = g.measure("mu", points)
nu = g.measure("nu", points)
p = g.distribution("p", mu, positive=True)
f = g.function("f", points)
g.assume("finite", integrable(mu, lambda x: p(x) * log(p(x)) + f(x)), integrable(mu, lambda x: f(x)))
CONTEXT = g.context


def known(q: Term) -> bool:
    return Normaliser(CONTEXT).facts.holds(unfold(q))


@pytest.mark.parametrize(
    "q",
    [
        lt(0, 1 - a / (a + b)),
        le(a / (a + b), (a + b) / a),
        lt(log(1 - y), 0),
        le(2 * (a * log(y)), a * log(y)),
        lt(a * log(a / (a + b)) + b * log(1 - a / (a + b)), 0),
        le(a * log(a / (a + b)), a * log(2 * (a / (a + b)))),
        eq(log(1 - a / (a + b)), log(b) - log(a + b)),
        lt(D(D(b * log(1 - y), y), y), 0),
        le(0, s**2 + 2 * s * t + t**2),
        lt(0, s**2 + s + 1),
        lt(0, Int(mu, lambda x: p(x) * 2)),
        integrable(mu, lambda x: p(x) * log(p(x))),
        integrable(mu, lambda x: 2 * (p(x) * log(p(x))) + 3 * f(x)),
    ],
)
def test_known(q: Term) -> None:
    assert known(q)


@pytest.mark.parametrize(
    "q",
    [
        lt(0, 1 - a / (s + b)),
        lt(1, a / (a + b)),
        le(log(a), 0),
        eq(log(1 - a / (s + b)), log(s + b - a) - log(s + b)),
        le(log(a), log(b)),
        le(s * log(y), s * log(y / 2)),
        le(a * log(y), a * log(y / 2)),
        le(s**2 + 2 * s * t + t**2, 0),
        lt(0, s**2 + 2 * s * t + t**2),
        lt(0, s**2 + s),
        lt(0, Int(nu, lambda x: 1)),
        integrable(mu, lambda x: p(x) * log(p(x)) ** 2),
        integrable(nu, lambda x: p(x) * log(p(x))),
    ],
)
def test_not_known(q: Term) -> None:
    assert not known(q)
