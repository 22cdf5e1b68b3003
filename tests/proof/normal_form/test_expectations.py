"""Expectations with facts (independence, moments), tried on a finite space on which the facts hold."""

from __future__ import annotations

import random
from fractions import Fraction

from nf_evaluator import Undefined, World, close

from derivcheck.language import E as expectation
from derivcheck.language import Givens, Sum, Term, abs_, exp, ind, integrable, lam, le, max_, predicate, range_, space
from derivcheck.proof.normal_form import Normaliser, Unknown, to_term

g = Givens()
N = g.size("n")
MU, V = g.real("mu"), g.real("v", at_least=0)
A = g.vector("a", N)
P = g.probability("P")
OMEGA = P.args[0]
X = g.random("x", range_(1, N), measure=P, mean=MU, variance=V, uncorrelated=True)
Y = g.random("y", measure=P, square_integrable=True)
Z = g.random("z", range_(1, N), measure=P)
W = g.random("w", range_(1, N), measure=P, independent_of=(X,))
g.assume(
    "y independent of z(1)",
    predicate("independent", P, lam(OMEGA, lambda o: Y(o)), lam(OMEGA, lambda o: Z(1, o))),
)
CONTEXT = g.context


def world(rng: random.Random) -> World:
    """A space of triples with independent coordinates on which the context holds, and no more than it.

    x(i) depends on the first coordinate (uncorrelated by an orthogonal table, not independent), y and w on the second,
    z(1) on the third, z(2) and z(3) on all.
    """
    n = rng.randint(1, 3)
    mean, spread = Fraction(rng.randint(-2, 2)), Fraction(rng.randint(0, 2))
    signs = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]  # uncorrelated, not independent
    p, q = Fraction(1, 3), Fraction(1, 4)
    points = [
        (s, b, c, Fraction(1, 4) * (p if b else 1 - p) * (q if c else 1 - q))
        for s in signs
        for b in (0, 1)
        for c in (0, 1)
    ]
    draw = lambda: Fraction(rng.randint(-4, 4), 2)  # noqa: E731
    y = [draw(), draw()]
    w = {(i, b): draw() for i in (1, 2, 3) for b in (0, 1)}
    first = [draw(), draw()]
    values = {
        "n": n,
        "mu": mean,
        "v": spread**2,
        "a": {(i,): draw() for i in (1, 2, 3)},
        "x": {(i, k): mean + spread * s[i - 1] for i in (1, 2, 3) for k, (s, *_) in enumerate(points)},
        "y": {(k,): y[b] for k, (_, b, _, _) in enumerate(points)},
        "w": {(i, k): w[i, b] for i in (1, 2, 3) for k, (_, b, _, _) in enumerate(points)},
        "z": {(i, k): first[c] if i == 1 else draw() for i in (1, 2, 3) for k, (_, _, c, _) in enumerate(points)},
    }
    return World(values, [m for *_, m in points])


def term(rng: random.Random, o: Term, scope: tuple[Term, ...], size: int) -> Term:
    """A random function of the outcome."""
    if size == 0:
        i = rng.choice([*scope, *scope, *scope]) if scope else 1
        leaves = [X(i, o), X(i, o), Y(o), Z(i, o), W(i, o), A(i)]
        return rng.choice(leaves)
    sub = lambda: term(rng, o, scope, size - 1)  # noqa: E731
    match rng.randrange(9):
        case 0 | 1:
            return sub() + sub()
        case 2 | 3 | 4:
            return sub() * sub()
        case 5:
            return sub() - MU
        case 6:
            return Sum(1, N, lambda j: term(rng, o, (*scope, j), size - 1))
        case 7:
            return rng.choice([exp(Y(o)), max_(sub(), 0), abs_(W(1, o)), ind(le(Y(o), 0))])
    return sub() ** 2


def test_expectations_keep_their_value() -> None:
    compared = used = 0
    for seed in range(250):
        rng = random.Random(seed)
        t = expectation(P, lambda o, rng=rng: term(rng, o, (), 3))
        n = Normaliser(CONTEXT)
        try:
            normal = to_term(n.nf(t))
        except Unknown:
            continue
        used += normal != t
        for k in range(4):
            w = world(random.Random(f"{seed}-{k}"))
            try:
                if not all(w.truth(c, {}) for c in n.conditions):
                    continue
                value, found = w.real(t, {}), w.real(normal, {})
            except Undefined:
                continue
            compared += 1
            assert close(value, found), f"{seed}: {t} is {value}, its normal form {normal} is {found}"
    assert compared > 400
    assert used > 150


def test_what_is_integrable_when_divided_by_a_constant_is_integrable():
    given = Givens()
    Z = space("Z")
    mu = given.measure("mu", Z)
    f, h = given.function("f", Z), given.function("h", Z, above=0)
    c, d = given.real("c"), given.real("d", above=0)
    for known, follows in (
        (lambda z: f(z) / d, True),
        (lambda z: f(z) * c, False),  # c may be zero
        (lambda z: f(z) / h(z), False),
    ):
        context = given.context.assuming("known", integrable(mu, known))
        assert Normaliser(context).facts.holds(integrable(mu, lambda z: f(z))) is follows
