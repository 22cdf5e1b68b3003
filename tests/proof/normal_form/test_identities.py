"""Identities of the field that the normal form recognises, with near misses that it refuses."""

from __future__ import annotations

import pytest
from nf_check import decide, equal

from derivcheck.language import (
    Cov,
    D,
    Givens,
    Prod,
    Sum,
    Term,
    Var,
    abs_,
    binomial,
    delta,
    det,
    exp,
    factorial,
    identity,
    ind,
    inverse,
    ite,
    le,
    log,
    logsumexp,
    lt,
    max_,
    min_,
    real,
    relu,
    sigmoid,
    softmax,
    sqrt,
    tanh,
)
from derivcheck.language import E as expectation

g = Givens()
N, DIM = g.size("n"), g.size("d")
I, K, L = g.index("i", N), g.index("k", N), g.index("l", N)  # noqa: E741
P, Q = g.index("p", DIM), g.index("q", DIM)
Z, Y = g.vector("z", N), g.vector("y", N)
H = g.vector("h", N, above=0)
X = g.matrix("X", N, DIM)
WT = g.vector("w", DIM)
LAM = g.real("lambda", above=0)
S, T = g.real("s"), g.real("t")
A, B = g.matrix("A", DIM, DIM, invertible=True), g.matrix("B", DIM, DIM, invertible=True)
SIGMA = g.matrix("Sigma", N, N, positive_definite=True)
F = g.matrix("F", N, N)
CONTEXT = g.context


def p(i: Term) -> Term:
    return softmax(Z)(i)


GRAM = X.T @ X + LAM * identity(DIM)
RIDGE = Sum(1, N, lambda a: (Y(a) - Sum(1, DIM, lambda b: X(a, b) * WT(b))) ** 2) + LAM * Sum(
    1, DIM, lambda b: WT(b) ** 2
)

TRUE = {
    "softmax Jacobian": (D(p(I), Z(K)), p(I) * (delta(I, K) - p(K))),
    "log-sum-exp gradient": (D(logsumexp(Z), Z(K)), p(K)),
    "log-sum-exp Hessian": (D(D(logsumexp(Z), Z(K)), Z(L)), p(K) * delta(K, L) - p(K) * p(L)),
    "softmax sums to one": (Sum(1, N, lambda i: p(i)), 1),
    "the shares of two": (
        Sum(1, N, lambda v: exp(Z(v)) / (exp(Z(v)) + exp(Y(v))))
        + Sum(1, N, lambda v: exp(Y(v)) / (exp(Z(v)) + exp(Y(v)))),
        real(N),
    ),
    "ridge gradient": (D(RIDGE, WT(P)), 2 * (GRAM @ WT)(P) - 2 * (X.T @ Y)(P)),
    "sigmoid": (D(sigmoid(S), S), sigmoid(S) * (1 - sigmoid(S))),
    "sigmoid and tanh": (tanh(S), 2 * sigmoid(2 * S) - 1),
    "relu and its mirror": (relu(S) - relu(-S), S),
    "x[x > 0]": (S * ind(lt(0, S)), relu(S)),
    "absolute value by relu": (abs_(S), relu(S) + relu(-S)),
    "maximum with a common addend": (max_(S + T, LAM + T), max_(S, LAM) + T),
    "maximum with a positive factor": (max_(LAM * S, LAM * T), LAM * max_(S, T)),
    "maximum and minimum": (max_(S, T) * min_(S, T), S * T),
    "maximum by cases": (max_(S, T), ite(le(S, T), T, S)),
    "root of a square": (sqrt(S**2), abs_(S)),
    "Faulhaber": (Sum(1, N, lambda j: real(j) ** 3), Sum(1, N, lambda j: real(j)) ** 2),
    "reversal": (Sum(1, N, lambda j: Z(N + 1 - j)), Sum(1, N, lambda j: Z(j))),
    "telescoping": (Sum(1, N, lambda j: Z(j + 1) - Z(j)), Z(N + 1) - Z(1)),
    "interchange": (
        Sum(1, N, lambda i: Sum(1, N, lambda j: F(i, j))),
        Sum(1, N, lambda j: Sum(1, N, lambda i: F(i, j))),
    ),
    "two ways through a triangle": (
        Sum(1, N, lambda i: Sum(1, i, lambda j: F(i, j))),
        Sum(1, N, lambda j: Sum(j, N, lambda i: F(i, j))),
    ),
    "below an antidiagonal": (
        Sum(1, N, lambda i: Sum(1, N - i, lambda j: F(i, j))),
        Sum(1, N, lambda j: Sum(1, N - j, lambda i: F(i, j))),
    ),
    "pairs in order": (
        Sum(1, N, lambda i: Sum(1, i - 1, lambda j: Z(i) * Z(j))),
        (Sum(1, N, lambda i: Z(i)) ** 2 - Sum(1, N, lambda i: Z(i) ** 2)) / 2,
    ),
    "a product with a constant factor": (Prod(1, N, lambda j: Z(j) * LAM), Prod(1, N, lambda j: Z(j)) * LAM ** real(N)),
    "the last factor": (Prod(1, N, lambda j: Z(j)), Prod(1, N - 1, lambda j: Z(j)) * Z(N)),
    "a shifted product": (Prod(2, N + 1, lambda j: Z(j - 1)), Prod(1, N, lambda j: Z(j))),
    "a product of exponentials": (Prod(1, N, lambda j: exp(Z(j))), exp(Sum(1, N, lambda j: Z(j)))),
    "the logarithm of a product": (log(Prod(1, N, lambda j: H(j))), Sum(1, N, lambda j: log(H(j)))),
    "the next factorial": (factorial(N + 1), (real(N) + 1) * factorial(N)),
    "pairs": (binomial(N, 2), real(N) * (real(N) - 1) / 2),
    "a ratio of factorials": (factorial(N + 2) / factorial(N), (real(N) + 1) * (real(N) + 2)),
    "a binomial coefficient": (binomial(N, I), factorial(N) / (factorial(I) * factorial(N - I))),
    "root of the square of a sum": (sqrt((S - 2 * T) ** 2), abs_(2 * T - S)),
    "a sum under a triangle": (
        Sum(1, N, lambda i: Sum(1, i, lambda j: real(j))),
        Sum(1, N, lambda i: i * (real(i) + 1) / 2),
    ),
    "square of a sum": (
        Sum(1, N, lambda j: Z(j)) ** 2,
        Sum(1, N, lambda i: Sum(1, N, lambda j: Z(i) * Z(j))),
    ),
    "derivative of an inverse": (D(inverse(A)(P, Q), A(1, 1)), -inverse(A)(P, 1) * inverse(A)(1, Q)),
}


@pytest.mark.parametrize("name", TRUE)
def test_identities_hold_without_conditions(name: str) -> None:
    a, b = TRUE[name]
    assert equal(CONTEXT, a, b)
    # a near miss of every identity
    assert not decide(CONTEXT, a, b * 2 + 1 if isinstance(b, Term) else b + 1)[0]


INVERSES = {
    "from the left": ((inverse(GRAM) @ GRAM)(P, Q), delta(P, Q)),
    "from the right": ((GRAM @ inverse(GRAM))(P, Q), delta(P, Q)),
    "normal equations at the ridge estimate": ((GRAM @ (inverse(GRAM) @ (X.T @ Y)))(P), (X.T @ Y)(P)),
    "its variance": (
        (inverse(GRAM) @ X.T @ X @ inverse(GRAM))(P, Q),
        (inverse(GRAM) - LAM * (inverse(GRAM) @ inverse(GRAM)))(P, Q),
    ),
}


@pytest.mark.parametrize("name", INVERSES)
def test_inverses_by_their_defining_equation(name: str) -> None:
    a, b = INVERSES[name]
    assert equal(CONTEXT, a, b)  # the Gram matrix plus a multiple of the identity is positive definite
    assert not decide(CONTEXT, a, 2 * b)[0]


def test_with_a_covariance_inside() -> None:
    h = X.T @ inverse(SIGMA) @ X + LAM * identity(DIM)
    assert equal(CONTEXT, (inverse(h) @ h)(P, Q), delta(P, Q))


def test_log_determinant() -> None:
    found, conditions = decide(CONTEXT, D(log(det(A)), A(P, Q)), inverse(A)(Q, P))
    assert found
    assert set(conditions) <= {"0 < det(A)", "det(A) != 0"}


def test_variance_of_an_iid_mean() -> None:
    h = Givens()
    n, mu, v = h.size("n"), h.real("mu"), h.real("v", at_least=0)
    measure = h.probability("P")
    from derivcheck.language import range_

    x = h.random("x", range_(1, n), measure=measure, mean=mu, variance=v, uncorrelated=True)
    mean = lambda w: Sum(1, n, lambda j: x(j, w)) / n  # noqa: E731
    assert equal(h.context, expectation(measure, mean), mu)
    assert equal(h.context, Var(measure, mean), v / n)
    assert not decide(h.context, Var(measure, mean), v)[0]
    i, k = h.index("i", n), h.index("k", n)
    assert equal(h.context, Cov(measure, lambda w: x(i, w), lambda w: x(k, w)), v * delta(i, k))
