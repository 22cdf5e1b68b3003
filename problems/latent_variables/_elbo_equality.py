"""When the bound is tight: ELBO = log p(x) where q is the posterior, and, for K latents, nowhere else.

The first half is a computation.  The second turns log y ≤ y − 1 round: the gap is a sum of terms that are not negative,
so that every term is zero where the gap is; and log y < y − 1 unless y = 1.
"""

from dataclasses import replace

from _elbo_model import ANALYTIC, FINITE_SUMS, LatentModel, assume_finite, evidence, finitely_many
from _elbo_networks import posterior_as_encoder

from derivcheck.language import (
    ForAll,
    Givens,
    Index,
    Sum,
    eq,
    function,
    implies,
    integrable,
    ite,
    lam,
    le,
    log,
    lt,
    not_,
    real,
    space,
)
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, kernel, reason

# ----------------------------------------------------------------------------------------------------- at the posterior


def at_the_posterior():
    """The model whose law q is the posterior; what the prior integrates to does not matter here."""
    g = Givens()
    Z = space("Z")
    mu = g.measure("mu", Z)
    p = g.function("p", Z, above=0)
    likelihood = g.function("l", Z, above=0)
    assume_finite(g, mu, lambda z: p(z) * likelihood(z))
    law = lam(Z, lambda z: p(z) * likelihood(z) / evidence(mu, p, likelihood))
    g.assume("integrable logarithms", integrable(mu, lambda z: law(z) * log(likelihood(z))))
    return LatentModel(mu, Z, p, likelihood, q=law, context=g.context)


tight = at_the_posterior()


def prove_equality_at_the_posterior(claim):
    """Posterior over prior is l(z)/p(x), so that log l cancels."""
    pr = Prover(claim.context)
    o = tight
    chain = (
        pr.chain(o.elbo)
        .eq(
            o.mean(lambda z: log(o.l(z))) - o.mean(lambda z: log(o.l(z) / o.evidence)),
            reason("posterior over prior is l(z)/p(x)", algebra),
        )
        .eq(o.mean(lambda z: log(o.evidence)), reason("the expectations of log l cancel", algebra))
        .eq(log(o.evidence), reason("the posterior integrates to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


tight_at_the_posterior = Claim(
    name="tight-at-the-posterior",
    summary="ELBO = log p(x) where q is the posterior, for sums and for densities alike",
    context=tight.context,
    statement=eq(tight.elbo, log(tight.evidence)),
    proof=prove_equality_at_the_posterior,
    networks=(
        Measurement(
            "the posterior as the encoder",
            "the ELBO of a linear-Gaussian autoencoder whose encoder is set to the posterior",
            posterior_as_encoder,
        ),
    ),
    assumptions=ANALYTIC,
)


# ------------------------------------------------------------------------------------------------ only at the posterior


def without_a_gap():
    """K latents, of which it is given that the bound is tight."""
    g = Givens()
    o = finitely_many(g)
    values = o.domain
    # For instances: the posterior, or twice the posterior where p(x) is four; the latter is no law.
    weight, multiple = function("h", values), Index("m")

    def likelihood(k):
        return ite(eq(multiple, 1), weight(k), 4 * weight(k) / evidence(o.measure, o.p, weight))

    def declare(given):
        given.function("h", values, above=0)
        given.index("m", 2)

    g.assume(
        "no gap",
        eq(o.elbo, log(o.evidence)),
        model={
            o.l: lam(values, likelihood),
            o.q: lam(values, lambda k: real(multiple) * o.posterior(k)),
        },
        auxiliary=declare,
    )
    return replace(o, context=g.context)


gapless = without_a_gap()


def impossible(pr, positive, not_positive, goal):
    """Anything follows from 0 < s and s ≤ 0."""
    denied = kernel.normal_form(pr.context, not_(not_positive.statement), [positive])
    return kernel.modus_ponens(kernel.normal_form(pr.context, implies(denied.statement, goal), [not_positive]), denied)


def prove_equality_only_at_the_posterior(claim):
    """With y = posterior over q, q (y − 1 − log y) sums to the gap, which is zero: so y = 1 for every latent."""
    pr = Prover(claim.context)
    o = gapless

    def slack(k):
        return o.q(k) * (o.ratio(k) - 1 - log(o.ratio(k)))

    total = Sum(1, o.domain.args[1], slack)
    (equality,) = pr.given("no gap")
    each = pr.for_all(
        o.domain,
        lambda pr, k: pr.linear(le(0, slack(k)), (kernel.log_bound(pr.context, o.ratio(k)), o.q(k))),
    )
    pr.note(each.statement, "log y ≤ y − 1")
    is_gap = pr.prove(eq(total, log(o.evidence) - o.elbo), reason("their sum is the gap, which is none", algebra))
    none = pr.linear(eq(total, 0), (is_gap, 1), (equality, -1))

    def at(pr, k):
        y = o.ratio(k)
        below = pr.linear(le(slack(k), 0), (kernel.term_at_most_sum(pr.bring(each), total, k), 1), (none, 1))
        goal = eq(o.q(k), o.posterior(k))

        def unequal(th):
            strict = kernel.meet_condition(kernel.log_bound_strict(pr.context, y), th)
            return impossible(pr, pr.linear(lt(0, slack(k)), (strict, o.q(k))), below, goal)

        out = pr.cases(eq(y, 1), lambda th: pr.linear(goal, (th, -o.q(k))), unequal)
        pr.note(goal, "a summand of the gap is at most the gap, and log y < y − 1 unless y = 1")
        return out

    return pr.done(pr.for_all(o.domain, at), claim.statement)


tight_only_at_the_posterior = Claim(
    name="tight-only-at-the-posterior",
    summary="for K latents, ELBO = log p(x) only where q is the posterior",
    context=gapless.context,
    statement=ForAll(gapless.domain, lambda k: eq(gapless.q(k), gapless.posterior(k))),
    proof=prove_equality_only_at_the_posterior,
    not_applicable=FINITE_SUMS,
    misconceptions=(Misconception("q is the prior", ForAll(gapless.domain, lambda k: eq(gapless.q(k), gapless.p(k)))),),
)
