"""Matrix identities decided by words, with near misses."""

from __future__ import annotations

import pytest

from derivcheck.language import Givens, Term, identity, inverse, real, trace
from derivcheck.proof.words import decide_words

g = Givens()
N, DIM = g.size("n"), g.size("d")
X, U, V = g.matrix("X", N, DIM), g.matrix("U", DIM, N), g.matrix("V", N, DIM)
Y, W = g.vector("y", N), g.vector("w", DIM)
LAM = g.real("lambda", above=0)
R = g.matrix("R", N, N, positive_definite=True)
P = g.matrix("P", DIM, DIM, positive_definite=True)
A, B = g.matrix("A", DIM, DIM, invertible=True), g.matrix("B", DIM, DIM, invertible=True)
C = g.matrix("C", N, N, invertible=True)
S, T = g.matrix("S", DIM, DIM), g.matrix("T", DIM, DIM)
CONTEXT = g.context

GRAM = X.T @ X + LAM * identity(DIM)
KERNEL = X @ X.T + LAM * identity(N)
GAIN = P @ X.T @ inverse(X @ P @ X.T + R)
LEFT = identity(DIM) - GAIN @ X

TRUE: dict[str, tuple[Term, Term]] = {
    "push-through": (inverse(GRAM) @ X.T, X.T @ inverse(KERNEL)),
    "Woodbury": (
        inverse(A + U @ C @ V),
        inverse(A) - inverse(A) @ U @ inverse(inverse(C) + V @ inverse(A) @ U) @ V @ inverse(A),
    ),
    "Kalman gain": (GAIN, inverse(inverse(P) + X.T @ inverse(R) @ X) @ X.T @ inverse(R)),
    "Joseph form": (LEFT @ P @ LEFT.T + GAIN @ R @ GAIN.T, LEFT @ P),
    "inverse of a product": (inverse(A @ B), inverse(B) @ inverse(A)),
    "inverse of an inverse": (inverse(inverse(A)), A),
    "inverse of a transpose": (inverse(A).T, inverse(A.T)),
    "inverse of a multiple": (inverse(LAM * A), (1 / LAM) * inverse(A)),
    "normal equations": (GRAM @ (inverse(GRAM) @ (X.T @ Y)), X.T @ Y),
    "hat matrix": ((X @ inverse(GRAM) @ X.T).T, X @ inverse(GRAM) @ X.T),
    "trace of a product": (trace(S @ T), trace(T @ S)),
    "trace under similarity": (trace(A @ S @ inverse(A)), trace(S)),
    "trace of the identity": (trace(inverse(A) @ A), real(DIM)),
    "a quadratic form": (W @ (S @ W), W @ (S.T @ W)),
}

FALSE: dict[str, tuple[Term, Term]] = {
    "products do not commute": (S @ T, T @ S),
    "inverse of a product, in the wrong order": (inverse(A @ B), inverse(A) @ inverse(B)),
    "push-through without its partner": (inverse(GRAM) @ X.T, X.T),
    "Woodbury with a factor lost": (
        inverse(A + U @ C @ V),
        inverse(A) - inverse(A) @ U @ inverse(inverse(C) + V @ inverse(A) @ U) @ V,
    ),
    "Joseph form with a sign": (LEFT @ P @ LEFT.T - GAIN @ R @ GAIN.T, LEFT @ P),
    "trace of three, transposed": (trace(S @ T @ A), trace(T @ S @ A)),
    "a bilinear form is not symmetric": (W @ (S @ (T @ W)), W @ (T @ (S @ W))),
    "a matrix that is not symmetric": (S.T, S),
}


@pytest.mark.parametrize("name", TRUE)
def test_identities(name: str) -> None:
    decision = decide_words(*TRUE[name], CONTEXT)
    assert decision.equal
    assert all(str(c).startswith("invertible") for c in decision.conditions)


@pytest.mark.parametrize("name", FALSE)
def test_near_misses(name: str) -> None:
    assert not decide_words(*FALSE[name], CONTEXT).equal


def test_an_inverse_is_conditional() -> None:
    """Without knowing that S is invertible, S⁻¹S = 1 holds under that condition only."""
    decision = decide_words(inverse(S) @ S, identity(DIM), CONTEXT)
    assert decision.equal
    assert [str(c) for c in decision.conditions] == ["invertible(S)"]


def test_shapes_must_agree() -> None:
    assert not decide_words(X, X.T, CONTEXT).equal
