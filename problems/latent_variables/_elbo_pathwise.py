"""Pathwise gradients: an expectation under z = μ + σε is differentiated through the draw.

∂ and E have to be exchanged, which is a fact about f and the law of ε that textbooks leave unsaid.  It stands among the
assumptions as the very equation that is used, together with what it presupposes: both sides exist.
"""

from _elbo_model import at_once, differentiable, prove_by_exchange
from _elbo_networks import pathwise_in_a_network

from derivcheck.language import D, E, Givens, Var, derivative_at, eq, integrable, reals
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, kernel, reason

# --------------------------------------------------------------------------------------------------- mean and deviation

path = Givens()
mu = path.real("mu")
sigma = path.real("sigma")
f = path.function("f", differentiable=True)
P = path.probability()
noise = path.random("epsilon", measure=P, mean=0, variance=1)  # any law that is free of μ and σ


def drawn(w):
    """z = μ + σ ε."""
    return mu + sigma * noise(w)


def slope(w):
    """f'(μ + σ ε)."""
    return derivative_at(lambda x: f(x), drawn(w))


mean_of_f = E(P, lambda w: f(drawn(w)))
under_mu = eq(D(mean_of_f, mu), E(P, lambda w: D(f(drawn(w)), mu)))
under_sigma = eq(D(mean_of_f, sigma), E(P, lambda w: D(f(drawn(w)), sigma)))
path.assume("exchange of ∂/∂μ and E", under_mu, differentiable(mean_of_f, mu), integrable(P, slope))
path.assume(
    "exchange of ∂/∂σ and E",
    under_sigma,
    differentiable(mean_of_f, sigma),
    integrable(P, lambda w: slope(w) * noise(w)),
)

pathwise_mean = Claim(
    name="pathwise-mean",
    summary="∂/∂μ E f(μ + σε) = E f'(μ + σε), where ∂ and E may be exchanged",
    context=path.context,
    statement=eq(D(mean_of_f, mu), E(P, slope)),
    proof=prove_by_exchange(under_mu, "chain rule: ∂z/∂μ = 1"),
    networks=(Measurement("network", "back-propagation through z = μ + σε", pathwise_in_a_network),),
    misconceptions=(
        Misconception("σ in front", eq(D(mean_of_f, mu), sigma * E(P, slope))),
        Misconception("the slope at the mean", eq(D(mean_of_f, mu), derivative_at(lambda x: f(x), mu))),
    ),
    assumptions=("exchange of ∂/∂μ and E",),
)

pathwise_scale = Claim(
    name="pathwise-scale",
    summary="∂/∂σ E f(μ + σε) = E f'(μ + σε) ε, where ∂ and E may be exchanged",
    context=path.context,
    statement=eq(D(mean_of_f, sigma), E(P, lambda w: slope(w) * noise(w))),
    proof=prove_by_exchange(under_sigma, "chain rule: ∂z/∂σ = ε"),
    misconceptions=(Misconception("ε forgotten", eq(D(mean_of_f, sigma), E(P, slope))),),
    assumptions=("exchange of ∂/∂σ and E",),
)


# -------------------------------------------------------------------------------------------- a square, and no exchange

square = Givens()
theta = square.real("theta")
P_normal = square.probability()
normal_noise = square.random("epsilon", measure=P_normal, mean=0, variance=1, normal=True)
mean_square = E(P_normal, lambda w: (theta + normal_noise(w)) ** 2)


def prove_square_gradient(claim):
    """E (x + ε)² = x² + 1 for every x: that is differentiated, and no exchange is needed."""
    pr = Prover(claim.context)
    moments = pr.for_all(
        reals,
        lambda pr, x: pr.prove(
            eq(E(P_normal, lambda w: (x + normal_noise(w)) ** 2), x**2 + 1), reason("E ε = 0 and E ε² = 1", algebra)
        ),
    )
    left, right = claim.statement.args
    everywhere = kernel.derivative_congruence(moments, left)
    value = pr.prove(eq(everywhere.statement.args[1], right), reason("derivative of θ² + 1", algebra))
    return pr.done(kernel.transitivity(everywhere, value), claim.statement)


pathwise_square = Claim(
    name="pathwise-square",
    summary="∂/∂θ E (θ + ε)² = 2θ, without any exchange: the expectation is θ² + 1",
    context=square.context,
    statement=eq(D(mean_square, theta), 2 * theta),
    proof=prove_square_gradient,
)

pathwise_square_variance = Claim(
    name="pathwise-square-variance",
    summary="one pathwise draw 2(θ + ε) of that gradient has variance 4",
    context=square.context,
    statement=eq(Var(P_normal, lambda w: 2 * (theta + normal_noise(w))), 4),
    proof=at_once("Var 2ε = 4 Var ε"),
)
