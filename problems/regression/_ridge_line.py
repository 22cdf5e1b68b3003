"""Part (d) for a line φ₀ + φ₁x: noise on x penalises the slope, and not the intercept, which multiplies no noise."""

from derivcheck.language import E, Givens, Sum, eq, num, range_
from derivcheck.problem import Claim, Misconception
from derivcheck.proof import Prover, algebra, reason

line = Givens()
n = line.size("n")
x, y = line.vector("x", n), line.vector("y", n)
intercept, slope = line.real("phi_0"), line.real("phi_1")
P = line.probability()
sigma2 = line.real("sigma2", at_least=0)
noise = line.random("epsilon", range_(1, n), measure=P, mean=0, variance=sigma2)


def squares(move):
    """Σ_i (φ₀ + φ₁ (x_i + move_i) − y_i)²."""
    return Sum(1, n, lambda i: (intercept + slope * (x(i) + move(i)) - y(i)) ** 2)


noisy_line = E(P, lambda w: squares(lambda i: noise(i, w)))
quiet_line = squares(lambda i: num(0))


def prove_input_noise_line(claim):
    pr = Prover(claim.context)
    residual = lambda i: intercept + slope * x(i) - y(i)  # noqa: E731
    chain = (
        pr.chain(noisy_line)
        .eq(
            Sum(
                1,
                n,
                lambda i: (
                    residual(i) ** 2
                    + 2 * residual(i) * slope * E(P, lambda w: noise(i, w))
                    + slope**2 * E(P, lambda w: noise(i, w) ** 2)
                ),
            ),
            reason("expand the square; the expectation is linear", algebra),
        )
        .eq(claim.statement.args[1], reason("the noise has mean 0 and variance σ²", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


input_noise_line = Claim(
    name="input-noise-line",
    summary="for a line, noise on x adds nσ²φ₁² to the expected sum of squares: the intercept is not penalised",
    context=line.context,
    statement=eq(noisy_line, quiet_line + n * sigma2 * slope**2),
    proof=prove_input_noise_line,
    misconceptions=(
        Misconception(
            "the intercept penalised too",
            eq(noisy_line, quiet_line + n * sigma2 * (slope**2 + intercept**2)),
        ),
    ),
)
