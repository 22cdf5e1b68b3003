"""Parts (b) and (c), noise on the labels: what it adds to the expected loss, and the variance of a prediction.

Uncorrelated noise of mean zero and variance σ² on every label; the inputs X are fixed and have full column rank.
"""

from _ridge_least_squares import mean_squared_error

from derivcheck.language import E, Givens, Sum, Var, eq, inverse, le, range_, squared_norm, vector
from derivcheck.problem import Claim, Misconception
from derivcheck.proof import Prover, algebra, reason

labels = Givens()
n = labels.size("n")
d = labels.size("m")
X = labels.matrix("X", n, d, full_column_rank=True)
y = labels.vector("y", n)
a = labels.vector("a", d)
x = labels.vector("x", d)
P = labels.probability()
sigma2 = labels.real("sigma2", at_least=0)
epsilon = labels.random("epsilon", range_(1, n), measure=P, mean=0, variance=sigma2, uncorrelated=True)
best = inverse(X.T @ X) @ (X.T @ y)


def noisy_labels(w):
    """The labels with their noise, for one outcome."""
    return vector(n, lambda i: y(i) + epsilon(i, w))


# ------------------------------------------------------------------------------------------------ (b) the expected loss


def expected_loss_labels(a):
    return E(P, lambda w: mean_squared_error(X, a, noisy_labels(w), n))


def prove_label_noise_loss(claim):
    pr = Prover(claim.context)
    residual = X @ a - y
    chain = (
        pr.chain(expected_loss_labels(a))
        .eq(
            Sum(
                1,
                n,
                lambda i: (
                    residual(i) ** 2
                    - 2 * residual(i) * E(P, lambda w: epsilon(i, w))
                    + E(P, lambda w: epsilon(i, w) ** 2)
                ),
            )
            / n,
            reason("expand the square; the expectation is linear", algebra),
        )
        .eq(mean_squared_error(X, a, y, n) + sigma2, reason("the noise has mean 0 and variance σ²", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


label_noise_loss = Claim(
    name="label-noise-loss",
    summary="label noise adds σ² to the expected loss",
    context=labels.context,
    statement=eq(expected_loss_labels(a), mean_squared_error(X, a, y, n) + sigma2),
    proof=prove_label_noise_loss,
    misconceptions=(
        Misconception(
            "nσ² for σ²",
            eq(expected_loss_labels(a), mean_squared_error(X, a, y, n) + n * sigma2),
        ),
    ),
)


def prove_label_noise_minimiser(claim):
    pr = Prover(claim.context)
    gap = squared_norm(X @ (a - best)) / n
    difference = pr.prove(
        eq(expected_loss_labels(a) - expected_loss_labels(best), gap),
        reason("the constant σ² cancels; complete the square", algebra),
    )
    positive = pr.prove(le(0, gap), reason("a sum of squares", algebra))
    return pr.done(pr.linear(claim.statement, (difference, 1), (positive, 1)), claim.statement)


label_noise_minimiser = Claim(
    name="label-noise-minimiser",
    summary="and leaves the minimiser where it was",
    context=labels.context,
    statement=le(expected_loss_labels(best), expected_loss_labels(a)),
    proof=prove_label_noise_minimiser,
)


# ----------------------------------------------------------------------------------------------------- (c) a prediction


def prediction(w):
    """The prediction at x of the least-squares fit to the noisy labels."""
    return x @ (inverse(X.T @ X) @ (X.T @ noisy_labels(w)))


def prove_prediction_mean(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("linear in the noise, which has mean 0", algebra)), claim.statement)


prediction_mean = Claim(
    name="prediction-mean",
    summary="the prediction is unbiased",
    context=labels.context,
    statement=eq(E(P, prediction), x @ best),
    proof=prove_prediction_mean,
)


def prove_prediction_variance(claim):
    pr = Prover(claim.context)
    weights = lambda i: (X @ (inverse(X.T @ X) @ x))(i)  # noqa: E731
    chain = (
        pr.chain(claim.statement.args[0])
        .eq(
            Var(P, lambda w: Sum(1, n, lambda i: weights(i) * epsilon(i, w))),
            reason("the prediction is a constant plus a weighted sum of the noise", algebra),
        )
        .eq(sigma2 * Sum(1, n, lambda i: weights(i) ** 2), reason("uncorrelated noise: variances add", algebra))
        .eq(claim.statement.args[1], reason("one inverse cancels XᵀX", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


prediction_variance = Claim(
    name="prediction-variance",
    summary="Var f̃(x) = σ² xᵀ(XᵀX)⁻¹x",
    context=labels.context,
    statement=eq(Var(P, prediction), sigma2 * (x @ (inverse(X.T @ X) @ x))),
    proof=prove_prediction_variance,
    misconceptions=(Misconception("the inverse forgotten", eq(Var(P, prediction), sigma2 * (x @ ((X.T @ X) @ x)))),),
)
