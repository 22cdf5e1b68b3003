"""The bound for densities, which asks for less than the identity, and that a KL is never negative.

Only the two parts of the bound are integrable, q log l and q log(q/p): the logarithm of a quotient need not be split.
So log y ≤ y − 1 is taken at every point z, times q(z), before anything is integrated.
"""

from _elbo_identity import expected_fit, log_evidence, with_half_the_kl
from _elbo_model import ANALYTIC, evidence, general, with_mean_under
from _elbo_networks import digits_bound

from derivcheck.language import KL, Givens, Int, eq, integrable, lam, le, log, space
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, kernel, reason

Z = space("Z")


# ---------------------------------------------------------------------------------------------------- any two densities

two_laws = Givens()
mu = two_laws.measure("mu", Z)
p = two_laws.distribution("p", mu, positive=True)
q = two_laws.distribution("q", mu, positive=True)
two_laws.assume("integrable logarithms", integrable(mu, lambda z: q(z) * log(q(z) / p(z))))
divergence = KL(mu, q, p)


def prove_kl_not_negative(claim):
    """KL(q ‖ p) ≥ 0: q log(q/p) ≥ q − p at every point, and both densities integrate to one."""
    pr = Prover(claim.context)

    def at(pr, z):
        turned = p(z) / q(z)
        return pr.linear(le(q(z) - p(z), q(z) * log(q(z) / p(z))), (kernel.log_bound(pr.context, turned), q(z)))

    everywhere = pr.for_all(Z, at)
    pr.note(everywhere.statement, "log y ≤ y − 1 at y = p/q, times q")
    whole = kernel.monotone(everywhere, Int(mu, lambda z: q(z) - p(z)))
    none = pr.prove(eq(0, whole.statement.args[0]), reason("both densities integrate to one", algebra))
    return pr.done(pr.settle(kernel.transitivity(none, whole), le(0, divergence)), claim.statement)


kl_not_negative = Claim(
    name="kl-not-negative",
    summary="KL(q ‖ p) ≥ 0 for any two densities (Gibbs)",
    context=two_laws.context,
    statement=le(0, divergence),
    proof=prove_kl_not_negative,
    assumptions=("integrable logarithms",),
)


# ------------------------------------------------------------------------------------------------------------ the bound

mean_under_p, mean_under_q = with_mean_under("p"), with_mean_under("q")

# Any two integrable functions: the integral of their difference is split into these two and no others.
two_functions = Givens()
mu_uv = two_functions.measure("mu", Z)
u, v = two_functions.function("u", Z), two_functions.function("v", Z)
two_functions.assume("integrable", integrable(mu_uv, lambda z: u(z)), integrable(mu_uv, lambda z: v(z)))


def difference_of_integrals():
    """∫ u − ∫ v = ∫ (u − v) for any two integrable functions."""
    return Prover(two_functions.context).prove(
        eq(Int(mu_uv, lambda z: u(z)) - Int(mu_uv, lambda z: v(z)), Int(mu_uv, lambda z: u(z) - v(z)))
    )


def prove_bound_point_by_point(o, mean, rest, ratios):
    """ELBO ≤ log `mean`, from q log l − q log(q/p) ≤ q log `mean` + `rest` by log y ≤ y − 1 for each of the `ratios`.

    The `rest` integrates to zero.
    """

    def fit(z):
        return o.q(z) * log(o.l(z))

    def divergence(z):
        return o.q(z) * log(o.q(z) / o.p(z))

    def above(z):
        return o.q(z) * log(mean) + rest(z)

    def prove(claim):
        pr = Prover(claim.context)

        def at(pr, z):
            tangents = [(kernel.log_bound(pr.context, y), o.q(z)) for y in ratios(z)]
            return pr.linear(le(fit(z) - divergence(z), above(z)), *tangents)

        everywhere = pr.for_all(o.domain, at)
        pr.note(everywhere.statement, "log y ≤ y − 1, times q")
        whole = kernel.monotone(everywhere, Int(o.measure, lambda z: fit(z) - divergence(z)))
        parts = {u: lam(o.domain, fit), v: lam(o.domain, divergence)}
        two = kernel.instance(difference_of_integrals(), parts, pr.context, pr.given("integrable logarithms"))
        pr.note(two.statement, "both parts are integrable")
        total = pr.prove(eq(whole.statement.args[1], log(mean)), reason("the rest integrates to zero", algebra))
        one = kernel.definition(two, eq(o.elbo, whole.statement.args[0]))
        return pr.done(kernel.transitivity(kernel.transitivity(one, whole), total), claim.statement)

    return prove


def prove_bound_for_densities(o):
    """ELBO ≤ log p(x): one tangent, at the posterior over q."""
    return prove_bound_point_by_point(
        o, o.evidence, lambda z: o.p(z) * o.l(z) / o.evidence - o.q(z), lambda z: [o.ratio(z)]
    )


def prove_bound_by_the_law(o):
    """ELBO ≤ log ∫ q l, whatever the prior: Jensen's inequality, and KL(q ‖ p) ≥ 0."""
    mean = evidence(o.measure, o.q, o.l)
    return prove_bound_point_by_point(
        o,
        mean,
        lambda z: o.q(z) * o.l(z) / mean - o.q(z) + (o.p(z) - o.q(z)),
        lambda z: [o.l(z) / mean, o.p(z) / o.q(z)],
    )


bound = Claim(
    name="bound",
    summary="ELBO ≤ log p(x), for sums and for densities alike",
    context=mean_under_p.context,
    statement=le(mean_under_p.elbo, log(mean_under_p.evidence)),
    proof=prove_bound_for_densities(mean_under_p),
    networks=(
        Measurement(
            "autoencoder of digits",
            "the ELBO of real digits, log-weights and an importance-weighted bound, from independent noise",
            digits_bound,
        ),
    ),
    misconceptions=(
        Misconception("an upper bound", le(log_evidence, general.elbo)),
        Misconception("the reconstruction alone", le(expected_fit, log_evidence)),
        Misconception("log E for E log", le(log(general.mean(lambda z: general.l(z))), log_evidence)),
        Misconception("half the KL", le(with_half_the_kl, log_evidence)),
    ),
    assumptions=ANALYTIC,
)

bound_by_the_law = Claim(
    name="bound-by-the-law",
    summary="ELBO ≤ log E_q l as well: no prior raises it above the evidence that q itself would give",
    context=mean_under_q.context,
    statement=le(mean_under_q.elbo, log(evidence(mean_under_q.measure, mean_under_q.q, mean_under_q.l))),
    proof=prove_bound_by_the_law(mean_under_q),
    assumptions=ANALYTIC,
)
