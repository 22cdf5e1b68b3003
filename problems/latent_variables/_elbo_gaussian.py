"""The KL of Gaussians in closed form, the term that an encoder pays for leaving the prior.

Everything follows from E (z − b)² = A + (a − b)² for z ~ N(a, A), coordinate by coordinate: the density of a Gaussian
with diagonal covariance is a product.  In d dimensions a Gaussian is given by its mean and its variances, in one
dimension, as textbooks have it, by mean μ and standard deviation σ.
"""

from dataclasses import dataclass

from _elbo_model import ID, at_once
from _elbo_networks import gaussian_kl_of_an_encoder

from derivcheck.language import (
    D,
    E,
    Givens,
    Sum,
    Term,
    define,
    eq,
    log,
    num,
    pi,
    range_,
    size_of,
    vector,
)
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, reason

log_normal = define(
    "log_N",
    lambda x, mean, variance: (
        -Sum(1, size_of(x), lambda j: log(2 * pi * variance(j)) + (x(j) - mean(j)) ** 2 / variance(j)) / 2
    ),
    r"\log N({0}; {1}, \operatorname{{diag}} {2})",
    scope=ID,
)


@dataclass(frozen=True)
class GaussianDraw:
    """Gaussians with diagonal covariance in d dimensions, and a draw z of the first of them."""

    given: Givens
    dimension: Term
    means: tuple[Term, ...]
    variances: tuple[Term, ...]
    measure: Term
    coordinate: Term

    def z(self, omega):
        """The draw, as a vector."""
        return vector(self.dimension, lambda j: self.coordinate(j, omega))


def gaussians(*names):
    """A Gaussian for each pair of a mean's and a variances' name, and a draw z of the first."""
    g = Givens()
    d = g.size("d")
    means = tuple(g.vector(mean, d) for mean, _ in names)
    variances = tuple(g.vector(variance, d, above=0) for _, variance in names)
    P = g.probability()
    z = g.random(
        "z", range_(1, d), measure=P, mean=lambda j: means[0](j), variance=lambda j: variances[0](j), normal=True
    )
    return GaussianDraw(g, d, means, variances, P, z)


# ------------------------------------------------------------------------------------------ two Gaussians, d dimensions

two = gaussians(("a", "A"), ("b", "B"))
(a, b), (A, B) = two.means, two.variances
d, P, z = two.dimension, two.measure, two.coordinate
k = two.given.index("k", d)

kl = E(P, lambda w: log_normal(two.z(w), a, A) - log_normal(two.z(w), b, B))
kl_closed = Sum(1, d, lambda j: A(j) / B(j) + (a(j) - b(j)) ** 2 / B(j) - 1 - log(A(j) / B(j))) / 2


def prove_gaussian_kl(claim):
    """Both second moments, coordinate by coordinate."""
    pr = Prover(claim.context)
    chain = (
        pr.chain(kl)
        .eq(
            Sum(
                1,
                d,
                lambda j: (
                    log(B(j))
                    - log(A(j))
                    - E(P, lambda w: (z(j, w) - a(j)) ** 2) / A(j)
                    + E(P, lambda w: (z(j, w) - b(j)) ** 2) / B(j)
                ),
            )
            / 2,
            reason("coordinate by coordinate; the constants log 2π cancel", algebra),
        )
        .eq(
            Sum(1, d, lambda j: log(B(j)) - log(A(j)) - 1 + (A(j) + (a(j) - b(j)) ** 2) / B(j)) / 2,
            reason("E(z − b)² = A + (a − b)²", algebra),
        )
        .eq(kl_closed, algebra)
    )
    return pr.done(chain.theorem, claim.statement)


gaussian_kl = Claim(
    name="gaussian-kl",
    summary="KL of diagonal Gaussians in d dimensions: ½ Σ (A/B + (a−b)²/B − 1 − log A/B)",
    context=two.given.context,
    statement=eq(kl, kl_closed),
    proof=prove_gaussian_kl,
    networks=(
        Measurement("encoder", "the mean log-ratio of an encoder's Gaussian to another one", gaussian_kl_of_an_encoder),
    ),
    misconceptions=(
        Misconception("without the half", eq(kl, 2 * kl_closed)),
        Misconception("the logarithm with the wrong sign", eq(kl, kl_closed + Sum(1, d, lambda j: log(A(j) / B(j))))),
        Misconception("half the logarithm", eq(kl, kl_closed + Sum(1, d, lambda j: log(A(j) / B(j))) / 4)),
        Misconception(
            "the KL turned round",
            eq(kl, Sum(1, d, lambda j: B(j) / A(j) + (a(j) - b(j)) ** 2 / A(j) - 1 - log(B(j) / A(j))) / 2),
        ),
    ),
)


def prove_mean_gradient(claim):
    """The mean b_k stands in one summand alone."""
    pr = Prover(claim.context)
    chain = (
        pr.chain(D(kl_closed, b(k)))
        .eq(D((a(k) - b(k)) ** 2 / B(k), b(k)) / 2, reason("b_k stands in one summand alone", algebra))
        .eq((b(k) - a(k)) / B(k), reason("derivative of a square", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


gaussian_kl_gradient = Claim(
    name="gaussian-kl-gradient",
    summary="∂KL/∂b_k = (b_k − a_k)/B_k: for fixed variances only the weighted distance of the means counts",
    context=two.given.context,
    statement=eq(D(kl_closed, b(k)), (b(k) - a(k)) / B(k)),
    proof=prove_mean_gradient,
)


# ---------------------------------------------------------------------------------------------------- the cross-entropy

# E log N(z; b, diag B), the other part of the KL; a source prints one constant −½ log 2π for all d coordinates.
cross_entropy = E(P, lambda w: log_normal(two.z(w), b, B))


def cross_entropy_closed(constants):
    """The closed form, with −½ log 2π so many times."""
    return (
        -constants / 2 * log(2 * pi)
        - Sum(1, d, lambda j: log(B(j))) / 2
        - Sum(1, d, lambda j: (A(j) + (a(j) - b(j)) ** 2) / B(j)) / 2
    )


gaussian_cross_entropy = Claim(
    name="gaussian-cross-entropy",
    summary="E log N(z; b, diag B) = −d/2 log 2π − ½ Σ log B − ½ Σ (A + (a−b)²)/B",
    context=two.given.context,
    statement=eq(cross_entropy, cross_entropy_closed(d)),
    proof=at_once("E (z − b)² = A + (a − b)², coordinate by coordinate"),
)

gaussian_cross_entropy_as_printed = Claim(
    name="gaussian-cross-entropy-as-printed",
    summary="the same with −½ log 2π in any dimension, as printed",
    context=two.given.context,
    statement=eq(cross_entropy, cross_entropy_closed(num(1))),
    as_printed=True,
)


# ----------------------------------------------------------------------------------------------- to the standard normal

encoder = gaussians(("m", "s"))
(m,), (s,) = encoder.means, encoder.variances
zeros = vector(encoder.dimension, lambda j: num(0))
ones = vector(encoder.dimension, lambda j: num(1))

kl_to_standard = E(encoder.measure, lambda w: log_normal(encoder.z(w), m, s) - log_normal(encoder.z(w), zeros, ones))
kl_to_standard_closed = Sum(1, encoder.dimension, lambda j: s(j) + m(j) ** 2 - 1 - log(s(j))) / 2

gaussian_kl_to_the_standard_normal = Claim(
    name="gaussian-kl-to-the-standard-normal",
    summary="KL(N(m, diag s) ‖ N(0, I)) = ½ Σ (s + m² − 1 − log s)",
    context=encoder.given.context,
    statement=eq(kl_to_standard, kl_to_standard_closed),
    proof=at_once("E z² = s + m², coordinate by coordinate"),
    misconceptions=(
        Misconception("without the half", eq(kl_to_standard, 2 * kl_to_standard_closed)),
        Misconception("the one forgotten", eq(kl_to_standard, kl_to_standard_closed + encoder.dimension / 2)),
    ),
)


# -------------------------------------------------------------------------------------------------------- one dimension

line = Givens()
mu_1, mu_2 = line.real("mu_1"), line.real("mu_2")
sigma_1, sigma_2 = line.real("sigma_1", above=0), line.real("sigma_2", above=0)
P_1 = line.probability()
z_1 = line.random("z", measure=P_1, mean=mu_1, variance=sigma_1**2, normal=True)


def log_density(x, mean, deviation):
    """log N(x; mean, deviation²)."""
    return -log(2 * pi) / 2 - log(deviation) - (x - mean) ** 2 / (2 * deviation**2)


kl_on_a_line = E(P_1, lambda w: log_density(z_1(w), mu_1, sigma_1) - log_density(z_1(w), mu_2, sigma_2))
kl_on_a_line_closed = log(sigma_2 / sigma_1) + (sigma_1**2 + (mu_1 - mu_2) ** 2) / (2 * sigma_2**2) - num(1) / 2

gaussian_kl_univariate = Claim(
    name="gaussian-kl-univariate",
    summary="in one dimension: log σ₂/σ₁ + (σ₁² + (μ₁−μ₂)²)/(2σ₂²) − ½",
    context=line.context,
    statement=eq(kl_on_a_line, kl_on_a_line_closed),
    proof=at_once("E (z − μ₂)² = σ₁² + (μ₁ − μ₂)²"),
    misconceptions=(Misconception("the ½ forgotten", eq(kl_on_a_line, kl_on_a_line_closed + num(1) / 2)),),
)
