"""Instances judge a normal law by its first five moments, and abstain beyond them."""

from fractions import Fraction

import pytest

from derivcheck.language import E, Givens, Var, eq, exp, num, range_, relu
from derivcheck.semantics.instances import check

g = Givens()
P = g.probability()
n = g.size("n")
i = g.index("i", n)
X = g.random("X", range_(1, n), measure=P, mean=0, variance=1, uncorrelated=True, normal=True)


def moment(k):
    return E(P, lambda w: X(i, w) ** k)


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        (eq(moment(4), 3), "confirms"),
        (eq(moment(4), 1), "refutes"),
        (eq(moment(5), 0), "confirms"),
        (eq(Var(P, lambda w: X(i, w) ** 2), 2), "confirms"),
        # True of a normal law, and not of the stand-in: neither confirmed nor refuted.
        (eq(moment(6), 15), "abstains"),
        (eq(moment(6), 11), "abstains"),
        (eq(E(P, lambda w: exp(X(i, w))), exp(num(Fraction(1, 2)))), "abstains"),
        (eq(E(P, lambda w: relu(X(i, w)) ** 2), Fraction(1, 2)), "abstains"),
    ],
)
def test_only_what_five_moments_decide(statement, outcome):
    assert check(g.context, statement, 0).outcome == outcome
