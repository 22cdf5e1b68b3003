"""Part (d), noise on the inputs: it adds aᵀΣa to the expected loss and moves the minimiser to (XᵀX + nΣ)⁻¹Xᵀy.

The rows of the noise N have mean zero and covariance Σ; whether they depend on each other does not matter.
"""

from _ridge_least_squares import mean_squared_error
from _ridge_networks import sgd_on_noised_inputs

from derivcheck.language import (
    D,
    E,
    ForAll,
    Givens,
    Sum,
    eq,
    functions,
    integer,
    integrable,
    inverse,
    lam,
    le,
    matrix,
    predicate,
    range_,
    space,
    squared_norm,
)
from derivcheck.problem import Claim, Measurement
from derivcheck.proof import Prover, algebra, kernel, reason, using

inputs = Givens()
n, d = inputs.size("n"), inputs.size("m")
X, y, a = inputs.matrix("X", n, d), inputs.vector("y", n), inputs.vector("a", d)
k = inputs.index("k", d)
P = inputs.probability()
rows, columns, outcomes = range_(1, n), range_(1, d), space("Omega")
# As covariances Σ is symmetric anyway; said here, it is there for steps that speak of no noise.
Sigma = inputs.matrix("Sigma", d, d, symmetric=True)
N = inputs.function("N", rows, columns, outcomes)


def entry(i, j):
    """ω ↦ N_ij(ω)."""
    return lambda w: N(i, j, w)


def product(i, j, l):
    """ω ↦ N_ij(ω) N_il(ω)."""
    return lambda w: N(i, j, w) * N(i, l, w)


def everywhere(fact):
    """∀ i, j. `fact`."""
    return ForAll(rows, lambda i: ForAll(columns, lambda j: fact(i, j)))


def for_pairs(fact):
    """∀ i, j, l. `fact`."""
    return everywhere(lambda i, j: ForAll(columns, lambda l: fact(i, j, l)))


def ingredients(g):
    """What instances are made of: Σ = L Lᵀ and N = e Lᵀ with uncorrelated e of variance one."""
    return g.matrix("L", d, d), g.random("e", rows, columns, measure=P, mean=0, variance=1, uncorrelated=True)


L, e = ingredients(Givens())
inputs.assume(
    "input noise of mean 0 and covariance Σ",
    everywhere(lambda i, j: integrable(P, entry(i, j))),
    everywhere(lambda i, j: eq(E(P, entry(i, j)), 0)),
    for_pairs(lambda i, j, l: integrable(P, product(i, j, l))),
    for_pairs(lambda i, j, l: eq(E(P, product(i, j, l)), Sigma(j, l))),
    model={
        Sigma: matrix(d, d, lambda j, l: Sum(1, d, lambda r: L(j, r) * L(l, r))),
        N: lam(
            rows,
            lambda i: lam(columns, lambda j: lam(outcomes, lambda w: Sum(1, d, lambda r: L(j, r) * e(i, r, w)))),
        ),
    },
    auxiliary=ingredients,
)
noisy = inputs.context

penalised_gram = X.T @ X + n * Sigma
inputs.assume("XᵀX + nΣ is invertible", predicate("invertible", penalised_gram))
noisy_and_invertible = inputs.context


def covariance_is_symmetric(pr):
    """``∀ j, l. Σ_jl = Σ_lj``, because the covariance of two entries does not depend on their order."""

    (*_, covariance) = pr.given("input noise of mean 0 and covariance Σ")

    def entry(pr, j, l):
        def as_expectation(r, s):
            th = pr.bring(covariance)
            for value in (integer(1), r, s):
                th = kernel.specialise(th, value)
            expectation = E(P, lambda w: N(1, r, w) * N(1, s, w))
            return expectation, pr.linear(eq(Sigma(r, s), expectation), (th, -1))

        one, first = as_expectation(j, l)
        two, second = as_expectation(l, j)
        exchanged = pr.prove(eq(one, two), reason("factors exchange", algebra), quiet=True)
        return pr.linear(eq(Sigma(j, l), Sigma(l, j)), (first, 1), (exchanged, 1), (second, -1))

    return pr.for_all(columns, lambda pr, j: pr.for_all(columns, lambda pr, l: entry(pr, j, l)))


# ---------------------------------------------------------------------------------------------------- the expected loss


def expected_loss(a):
    """E (1/n) ‖(X + N)a − y‖²."""
    return E(P, lambda w: mean_squared_error(X + matrix(n, d, lambda i, j: N(i, j, w)), a, y, n))


def penalised_loss(a):
    """(1/n) ‖Xa − y‖² + aᵀΣa."""
    return mean_squared_error(X, a, y, n) + a @ (Sigma @ a)


def prove_input_noise_loss(claim):
    pr = Prover(claim.context)
    residual = X @ a - y
    chain = (
        pr.chain(expected_loss(a))
        .eq(
            Sum(
                1,
                n,
                lambda i: (
                    residual(i) ** 2
                    + Sum(1, d, lambda j: Sum(1, d, lambda r: a(j) * a(r) * E(P, lambda w: N(i, j, w) * N(i, r, w))))
                ),
            )
            / n,
            reason("expand the square; the cross term has mean 0", algebra),
        )
        .eq(penalised_loss(a), reason("every row has covariance Σ", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


input_noise_loss = Claim(
    name="input-noise-loss",
    summary="input noise adds aᵀΣa to the expected loss",
    context=noisy,
    statement=eq(expected_loss(a), penalised_loss(a)),
    proof=prove_input_noise_loss,
)


def expected_gradient(factor):
    """``factor``·((1/n)XᵀX + Σ)a − (``factor``/n)Xᵀy, entry k; the right factor is 2."""
    return factor * (((X.T @ X) @ a)(k) / n + (Sigma @ a)(k) - (X.T @ y)(k) / n)


def prove_input_noise_gradient(claim):
    pr = Prover(claim.context)
    symmetric = covariance_is_symmetric(pr)
    for_any_weights = pr.for_all(
        functions((columns,)),
        lambda pr, v: pr.prove(eq(expected_loss(v), penalised_loss(v)), reason("for any weights", algebra), quiet=True),
        "a",
    )
    pr.note(for_any_weights.statement, "the expected loss is the penalised loss, whatever the weights are")
    left = claim.statement.args[0]
    chain = (
        pr.chain(left)
        .eq(
            D(penalised_loss(a), a(k)),
            using(kernel.derivative_congruence(for_any_weights, left), words="equal functions have equal derivatives"),
        )
        .eq(claim.statement.args[1], using(symmetric, words="differentiate a quadratic; Σ is symmetric"))
    )
    return pr.done(chain.theorem, claim.statement)


input_noise_gradient = Claim(
    name="input-noise-gradient",
    summary="∇_a E loss = 2((1/n)XᵀX + Σ)a − (2/n)Xᵀy",
    context=noisy,
    statement=eq(D(expected_loss(a), a(k)), expected_gradient(2)),
    proof=prove_input_noise_gradient,
)

input_noise_gradient_printed = Claim(
    name="input-noise-gradient-printed",
    summary="the same without the factor 2, as printed",
    context=noisy,
    statement=eq(D(expected_loss(a), a(k)), expected_gradient(1)),
    as_printed=True,
)


# -------------------------------------------------------------------------------------------------------- its minimiser

best = inverse(penalised_gram) @ (X.T @ y)


def prove_input_noise_normal_equations(claim):
    pr = Prover(claim.context)
    return pr.done(
        pr.prove(claim.statement, reason("a matrix times its inverse is the identity", algebra)), claim.statement
    )


input_noise_normal_equations = Claim(
    name="input-noise-normal-equations",
    summary="(XᵀX + nΣ) a* = Xᵀy for a* = (XᵀX + nΣ)⁻¹Xᵀy",
    context=noisy_and_invertible,
    statement=eq((penalised_gram @ best)(k), (X.T @ y)(k)),
    proof=prove_input_noise_normal_equations,
)


def prove_input_noise_minimiser(claim):
    pr = Prover(claim.context)
    v = a - best
    gap = squared_norm(X @ v) / n + v @ (Sigma @ v)
    symmetric = covariance_is_symmetric(pr)
    difference = pr.prove(
        eq(expected_loss(a) - expected_loss(best), gap),
        using(symmetric, words="complete the square at a*; Σ is symmetric"),
    )
    noise_square = E(P, lambda w: Sum(1, n, lambda i: Sum(1, d, lambda j: N(i, j, w) * v(j)) ** 2) / n)
    as_noise = pr.prove(
        eq(v @ (Sigma @ v), noise_square), using(symmetric, words="vᵀΣv is the mean square of the noise along v")
    )
    positive = pr.prove(le(0, noise_square), reason("the expectation of a square", algebra))
    squares = pr.prove(le(0, squared_norm(X @ v) / n), reason("a sum of squares", algebra))
    not_negative = pr.linear(le(0, gap), (as_noise, -1), (positive, 1), (squares, 1))
    return pr.done(pr.linear(claim.statement, (difference, -1), (not_negative, 1)), claim.statement)


input_noise_minimiser = Claim(
    name="input-noise-minimiser",
    summary="a* = (XᵀX + nΣ)⁻¹Xᵀy minimises the expected loss",
    context=noisy_and_invertible,
    statement=le(expected_loss(best), expected_loss(a)),
    proof=prove_input_noise_minimiser,
    networks=(
        Measurement("noised inputs", "a linear layer trained by SGD on freshly noised inputs", sgd_on_noised_inputs),
    ),
)
