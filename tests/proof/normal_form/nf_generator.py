"""Random well-sorted terms over one context, and worlds in which the context holds."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

from nf_evaluator import World

from derivcheck.language import E as expectation
from derivcheck.language import (
    Givens,
    Prod,
    Sum,
    Term,
    abs_,
    binomial,
    delta,
    det,
    div,
    eq,
    exp,
    factorial,
    hadamard,
    identity,
    ind,
    integer,
    inverse,
    ite,
    le,
    log,
    lt,
    matmul,
    max_,
    min_,
    pow_,
    range_,
    scalar,
    sqrt,
    tanh,
    trace,
    transpose,
)
from derivcheck.language.constructors import diag, int_add, real

g = Givens()
N = g.size("n", 0)
M = g.size("m", 1)
K = g.index("k", M)
I = g.integer("i")  # noqa: E741
T = g.integer("t", at_least=0)
X = g.real("x")
Y = g.real("y")
P = g.real("p", above=0)
R = g.real("r", at_least=0)
Q = g.real("q", above=0, below=1)
A = g.vector("a", N)
B = g.vector("b", M)
U = g.vector("u", N, above=0)
C = g.matrix("c", N, N)
D = g.matrix("d", N, M)
S = g.matrix("s", M, M, symmetric=True)
MU = g.probability("P")
Z = g.random("z", range_(1, M), measure=MU)
W = g.random("w", measure=MU)
CONTEXT = g.context

POINTS = 3


def world(rng: random.Random, smallest: int = 0) -> World:
    """A random world of the context; sizes down to `smallest` (but at least what the context says)."""

    def q(lo: int = -3, hi: int = 3) -> Fraction:
        return Fraction(rng.randint(2 * lo, 2 * hi), 2)

    def positive() -> Fraction:
        return Fraction(rng.randint(1, 5), 2)

    n, m = rng.randint(max(0, smallest), 3), rng.randint(max(1, smallest), 3)
    values: dict[str, Any] = {
        "n": n,
        "m": m,
        "k": rng.randint(1, m),
        "i": rng.randint(-1, 4),
        "t": rng.randint(0, 3),
        "x": q(),
        "y": q(),
        "p": positive(),
        "r": abs(q()),
        "q": Fraction(rng.randint(1, 6), 7),
        "a": {(i,): q() for i in range(1, n + 1)},
        "b": {(i,): q() for i in range(1, m + 1)},
        "u": {(i,): positive() for i in range(1, n + 1)},
        "c": {(i, j): q() for i in range(1, n + 1) for j in range(1, n + 1)},
        "d": {(i, j): q() for i in range(1, n + 1) for j in range(1, m + 1)},
        "z": {(i, w): q() for i in range(1, m + 1) for w in range(POINTS)},
        "w": {(w,): q() for w in range(POINTS)},
    }
    s = {(i, j): q() for i in range(-9, 20) for j in range(-9, 20)}
    values["s"] = {(i, j): s[min(i, j), max(i, j)] for i, j in s}
    raw = [Fraction(rng.randint(1, 4)) for _ in range(POINTS)]
    return World(values, [w / sum(raw) for w in raw])


class Maker:
    """Draws terms; `scope` holds the index variables in sight."""

    def __init__(self, rng: random.Random, *, expectations: bool = True, rough: bool = True) -> None:
        self.rng = rng
        self.expectations = expectations
        self.rough = rough

    def index(self, scope: tuple[Term, ...]) -> Term:
        r = self.rng
        base = r.choice([*scope, *scope, *scope, K, K, I, N, integer(1)])
        kind = r.randrange(10)
        if kind == 0:
            return int_add(base, integer(r.choice([-1, 1])))
        if kind == 1:
            return int_add(r.choice([N, M]), base, -1)
        if kind == 2 and scope:
            return int_add(base, r.choice(scope), r.choice([-1, 1]))
        return base

    def bounds(self, scope: tuple[Term, ...]) -> tuple[Term, Term]:
        r = self.rng
        lo = integer(1) if r.random() < 0.6 else r.choice([integer(0), integer(2), K, T, *scope])
        shifted = [int_add(N, integer(-1)), int_add(M, integer(1)), int_add(N, M)]
        hi = r.choice([N, N, M, T, K, *shifted, integer(2), *scope])
        if scope and r.random() < 0.3:
            hi = int_add(r.choice(scope), integer(r.choice([-1, 0, 1])))
        return lo, hi

    def exponent(self, scope: tuple[Term, ...]) -> Term:
        r = self.rng
        return r.choice([T, T, int_add(T, integer(1)), int_add(T, integer(2), -1), int_add(T, K, -1), *scope, *scope])

    def proposition(self, size: int, scope: tuple[Term, ...], omega: Term | None) -> Term:
        r = self.rng
        if r.random() < 0.7:
            a, b = self.index(scope), self.index(scope)
            return r.choice([eq, eq, le, lt])(a, b)
        return r.choice([le, lt, eq])(self.real(size - 1, scope, omega), self.real(size - 1, scope, omega))

    def matrix(self, size: int, scope: tuple[Term, ...]) -> Term:
        """An m × m matrix."""
        r = self.rng
        if size <= 0:
            return r.choice([S, S, identity(M)])
        match r.randrange(7):
            case 0:
                return matmul(self.matrix(size - 1, scope), self.matrix(size - 1, scope))
            case 1:
                return transpose(self.matrix(size - 1, scope))
            case 2:
                return self.matrix(size - 1, scope) + self.matrix(size - 1, scope)
            case 3:
                return matmul(transpose(D), D)
            case 4:
                return self.real(0, scope, None) * self.matrix(size - 1, scope)
            case 5:
                return hadamard(self.matrix(size - 1, scope), S)
        return diag(B)

    def real(self, size: int, scope: tuple[Term, ...] = (), omega: Term | None = None) -> Term:
        r = self.rng
        ix = lambda: self.index(scope)  # noqa: E731
        if size <= 0:
            leaves = [
                lambda: r.choice([X, Y, P, R, Q]),
                lambda: A(ix()),
                lambda: B(ix()),
                lambda: U(ix()),
                lambda: C(ix(), ix()),
                lambda: D(ix(), ix()),
                lambda: S(ix(), ix()),
                lambda: real(ix()),
                lambda: real(integer(r.randint(-2, 3))),
                lambda: delta(ix(), ix()),
            ]
            if omega is not None:
                leaves += [lambda: Z(ix(), omega), lambda: W(omega)] * 3
            return r.choice(leaves)()
        sub = lambda: self.real(size - 1, scope, omega)  # noqa: E731
        kind = r.randrange(26)
        if kind <= 3:
            return sub() + sub()
        if kind <= 5:
            return sub() - sub()
        if kind <= 9:
            return sub() * sub()
        if kind <= 15:
            lo, hi = self.bounds(scope)
            return Sum(lo, hi, lambda j: self.real(size - 1, (*scope, j), omega))
        if kind == 16:
            return div(sub(), sub()) if r.random() < 0.5 else div(sub(), self.positive(scope))
        if kind == 17:
            return pow_(sub(), r.choice([2, 2, 3, -1]))
        if kind == 18:
            return pow_(r.choice([P, Q, X, R, sub()]), real(self.exponent(scope)))
        if kind == 19:
            return r.choice([sqrt, log])(self.positive(scope) * (r.choice([self.positive(scope), sub()])))
        if kind == 20:
            return exp(sub()) if r.random() < 0.7 else tanh(sub())
        if kind == 21 and self.rough:
            return r.choice([abs_, abs_, lambda x: scalar("sign", x)])(sub())
        if kind == 22 and self.rough:
            return r.choice([max_, min_])(sub(), sub())
        if kind == 23 and self.rough:
            p = self.proposition(size, scope, omega)
            return ind(p) * sub() if r.random() < 0.5 else ite(p, sub(), sub())
        if kind == 24:
            choice = r.randrange(5)
            if choice == 0:
                return trace(self.matrix(size - 1, scope))
            if choice == 1:
                lo, hi = self.bounds(scope)
                return Prod(lo, hi, lambda j: self.real(size - 2, (*scope, j), omega))
            if choice == 2:
                return factorial(self.exponent(scope)) if r.random() < 0.5 else binomial(N, ix())
            if choice == 3:
                return inverse(S)(K, K) if r.random() < 0.5 else det(S)
            return self.matrix(size - 1, scope)(ix(), ix())
        if kind == 25 and self.expectations and omega is None:
            return expectation(MU, lambda w: self.real(size - 1, scope, w))
        return sub()

    def positive(self, scope: tuple[Term, ...]) -> Term:
        r = self.rng
        return r.choice([P, Q, P + Q, exp(X), U(self.index(scope)), 1 + X**2, P * Q, Q + A(self.index(scope)) ** 2])
