"""The gradient that trains the decoder: the parameter sits in the likelihood, prior and q do not depend on it."""

from _elbo_model import differentiable, prove_by_exchange
from _elbo_score import exponential_family, exponential_weight

from derivcheck.language import D, Givens, Int, eq, integrable, lam, log, reals, space
from derivcheck.problem import Claim, Misconception

decoder = Givens()
Z = space("Z")
mu = decoder.measure("mu", Z)
theta = decoder.real("theta")
p = decoder.distribution("p", mu, positive=True)
q = decoder.distribution("q", mu, positive=True)
likelihood = decoder.function("l", reals, Z, above=0, differentiable=True)
weight = exponential_weight(Z)


def joint(z):
    """p_θ(x, z) = p(z) l(θ, z)."""
    return p(z) * likelihood(theta, z)


def summand(z):
    """q(z) log (p_θ(x, z) / q(z))."""
    return q(z) * log(joint(z) / q(z))


evidence = Int(mu, joint)
elbo = Int(mu, summand)
exchange = eq(D(elbo, theta), Int(mu, lambda z: D(summand(z), theta)))

decoder.assume(
    "exchange of ∂/∂θ and E_q",
    exchange,
    differentiable(elbo, theta),
    integrable(mu, lambda z: D(summand(z), theta)),
    model={likelihood: lam(reals, lambda t: lam(Z, lambda z: weight(t, z)))},
    auxiliary=exponential_family(Z),
)

decoder_gradient = Claim(
    name="decoder-gradient",
    summary="∂/∂θ ELBO = E_q ∂ log p_θ(x, z)/∂θ, where ∂ and E_q may be exchanged",
    context=decoder.context,
    statement=eq(D(elbo, theta), Int(mu, lambda z: q(z) * D(log(joint(z)), theta))),
    proof=prove_by_exchange(exchange, "p(z) and q(z) do not depend on θ"),
    misconceptions=(Misconception("the gradient of log p(x)", eq(D(elbo, theta), D(log(evidence), theta))),),
    assumptions=("exchange of ∂/∂θ and E_q",),
)

decoder_gradient_as_printed = Claim(
    name="decoder-gradient-as-printed",
    summary="∂/∂θ E_q log (p_θ(x)/q(z)) in place of the joint density, as printed",
    context=decoder.context,
    statement=eq(D(elbo, theta), Int(mu, lambda z: q(z) * D(log(evidence / q(z)), theta))),
    as_printed=True,
)
