"""The score-function gradient: the parameter sits in the density, and f need not be differentiable.

∂q = q ∂ log q turns the derivative of an expectation into another expectation, which can be estimated by draws.  For
f = 1 it says that the score has mean zero.
"""

from _elbo_model import differentiable, prove_by_exchange
from _elbo_networks import score_function_in_a_network

from derivcheck.language import D, ForAll, Givens, Int, Sum, eq, exp, function, integrable, lam, log, reals, space
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, kernel, reason

# --------------------------------------------------------- densities q(θ, ·) > 0, differentiable in θ, for every real θ


def exponential_family(Z):
    """What an exponential family is made of, for instances: h > 0 and a statistic T."""

    def declare(g):
        g.function("h", Z, above=0)
        g.function("T", Z)

    return declare


def exponential_weight(Z):
    """(θ, z) ↦ h(z) exp(θ T(z)), for instances: an exponential family without its normaliser."""
    h, T = function("h", Z), function("T", Z)
    return lambda t, z: h(z) * exp(t * T(z))


family = Givens()
Z = space("Z")
mu = family.measure("mu", Z)
theta = family.real("theta")
q = family.function("q", reals, Z, above=0, differentiable=True)
f = family.function("f", Z)
weight = exponential_weight(Z)

total = Int(mu, lambda z: q(theta, z))
mean_of_f = Int(mu, lambda z: q(theta, z) * f(z))
under_total = eq(D(total, theta), Int(mu, lambda z: D(q(theta, z), theta)))
under_mean = eq(D(mean_of_f, theta), Int(mu, lambda z: D(q(theta, z) * f(z), theta)))

family.assume(
    "normalised for every θ",
    ForAll(reals, lambda t: eq(Int(mu, lambda z: q(t, z)), 1)),
    model={q: lam(reals, lambda t: lam(Z, lambda z: weight(t, z) / Int(mu, lambda y: weight(t, y))))},
    auxiliary=exponential_family(Z),
)
family.assume(
    "exchange of ∂/∂θ and ∫ q f",
    under_mean,
    differentiable(mean_of_f, theta),
    integrable(mu, lambda z: D(q(theta, z), theta) * f(z)),
)
family.assume("exchange of ∂/∂θ and ∫ q", under_total, integrable(mu, lambda z: D(q(theta, z), theta)))


# --------------------------------------------------------------------------------------------------------- the gradient


def score(z):
    """∂ log q(θ, z)/∂θ."""
    return D(log(q(theta, z)), theta)


def weighted_score(z):
    """q(θ, z) f(z) ∂ log q(θ, z)/∂θ."""
    return q(theta, z) * f(z) * score(z)


score_function = Claim(
    name="score-function",
    summary="∂/∂θ E_q f = E_q f ∂ log q/∂θ, where ∂ and ∫ may be exchanged",
    context=family.context,
    statement=eq(D(mean_of_f, theta), Int(mu, weighted_score)),
    proof=prove_by_exchange(under_mean, "∂q = q ∂ log q"),
    networks=(Measurement("surrogate loss", "back-propagation through log q alone", score_function_in_a_network),),
    misconceptions=(
        Misconception(
            "the logarithm forgotten",
            eq(D(mean_of_f, theta), Int(mu, lambda z: q(theta, z) * f(z) * D(q(theta, z), theta))),
        ),
    ),
    assumptions=("exchange of ∂/∂θ and ∫ q f",),
)

draws = Givens()
number_of_draws = draws.size("I")

score_function_as_printed = Claim(
    name="score-function-as-printed",
    summary="the estimate from I draws as a plain sum, as printed: its mean is I times the gradient",
    context=family.context.extended(*draws.context.declarations),
    statement=eq(D(mean_of_f, theta), Sum(1, number_of_draws, lambda i: Int(mu, weighted_score))),
    as_printed=True,
)


def prove_score_has_mean_zero(claim):
    """The integral of q is one for every θ, so that its derivative is zero."""
    pr = Prover(claim.context)
    score_mean, zero = claim.statement.args
    moved = pr.fact(under_total)
    pr.note(moved.statement, "the exchange, as assumed")
    none = pr.linear(eq(under_total.args[1], zero), (moved, -1))
    pr.note(none.statement, "the integral is one for every θ: its derivative is zero")
    whole = pr.prove(eq(score_mean, under_total.args[1]), reason("q ∂ log q = ∂q", algebra))
    return pr.done(kernel.transitivity(whole, none), claim.statement)


score_has_mean_zero = Claim(
    name="score-has-mean-zero",
    summary="E_q ∂ log q/∂θ = 0, where ∂ and ∫ may be exchanged",
    context=family.context,
    statement=eq(Int(mu, lambda z: q(theta, z) * score(z)), 0),
    proof=prove_score_has_mean_zero,
    assumptions=("normalised for every θ", "exchange of ∂/∂θ and ∫ q"),
)
