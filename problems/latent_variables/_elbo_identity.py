"""The identity log p(x) = ELBO + KL(q ‖ p(·|x)), and other ways of writing the bound.

Bayes' rule says log p(x) = log p(z) + log l(z) − log p(z|x) at every z.  Its expectation under q is the identity: the
three logarithms are put together in two ways, as ELBO and as KL, and p(x) does not depend on z.
"""

from _elbo_model import ANALYTIC, FINITE_SUMS, at_once, finite, general
from _elbo_networks import linear_gaussian_gap

from derivcheck.language import KL, Int, eq, le, log
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, reason

# --------------------------------------------------------------------------------------------------------- the identity


def prove_identity(o):
    """log p(x) = ELBO + KL(q ‖ p(·|x)) for the model `o`: the same steps for sums and integrals."""

    def prove(claim):
        pr = Prover(claim.context)
        chain = (
            pr.chain(o.elbo + o.gap)
            .eq(
                o.mean(lambda z: log(o.l(z)))
                - o.mean(lambda z: log(o.q(z)) - log(o.p(z)))
                + o.mean(lambda z: log(o.q(z)) - log(o.p(z)) - log(o.l(z)) + log(o.evidence)),
                reason("Bayes' rule, and the logarithm of each quotient", algebra),
            )
            .eq(
                o.mean(lambda z: log(o.evidence)),
                reason("the expectations of log q, log p and log l cancel", algebra),
            )
            .eq(log(o.evidence), reason("q integrates to one; p(x) does not depend on z", algebra))
        )
        return pr.done(chain.theorem, claim.statement)

    return prove


log_evidence = log(general.evidence)
expected_fit = general.mean(lambda z: log(general.l(z)))

#: The objective with half the KL to the prior.
with_half_the_kl = expected_fit - general.divergence / 2

identity = Claim(
    name="identity",
    summary="log p(x) = ELBO + KL(q ‖ p(·|x)), for sums and for densities alike",
    context=general.context,
    statement=eq(log_evidence, general.elbo + general.gap),
    proof=prove_identity(general),
    networks=(
        Measurement(
            "linear-Gaussian autoencoder",
            "ELBO and gap of a model whose p(x) is known, at random and at trained parameters",
            linear_gaussian_gap,
        ),
    ),
    misconceptions=(
        Misconception(
            "the gap turned round",
            eq(log_evidence, general.elbo + KL(general.measure, general.posterior, general.q)),
        ),
        Misconception("the gap is the KL to the prior", eq(log_evidence, general.elbo + general.divergence)),
        Misconception("half the KL to the prior", eq(log_evidence, with_half_the_kl + general.gap)),
        Misconception(
            "the entropy of q forgotten",
            eq(log_evidence, general.mean(lambda z: log(general.p(z) * general.l(z))) + general.gap),
        ),
    ),
    assumptions=ANALYTIC,
)

identity_finite = Claim(
    name="identity-finite",
    summary="log p(x) = ELBO + KL(q ‖ p(·|x)) for K latents: the same proof with sums",
    context=finite.context,
    statement=eq(log(finite.evidence), finite.elbo + finite.gap),
    proof=prove_identity(finite),
    not_applicable=FINITE_SUMS,
)

# A printed decomposition ends like this: the KL to the posterior stands where the KL to the prior belongs.
three_terms_as_printed = Claim(
    name="three-terms-as-printed",
    summary="E_q log l − KL(q ‖ p(·|x)) ≥ 0: the last line of the decomposition as printed",
    context=general.context,
    statement=le(0, expected_fit - general.gap),
    as_printed=True,
)


# ----------------------------------------------------------------------------------------------- entropy and joint form

# KL(q ‖ p) is what q costs in the code of p, less what it costs in its own.
entropy_of_q = -general.mean(lambda z: log(general.q(z)))
cross_entropy_of_q = -general.mean(lambda z: log(general.p(z)))

entropy = Claim(
    name="entropy",
    summary="KL(q ‖ p) = −E_q log p − H(q)",
    context=general.context,
    statement=eq(general.divergence, cross_entropy_of_q - entropy_of_q),
    proof=at_once("the logarithm of a quotient"),
    misconceptions=(Misconception("plus the entropy", eq(general.divergence, cross_entropy_of_q + entropy_of_q)),),
    assumptions=("integrable logarithms",),
)


def prove_joint_form(claim):
    """ELBO = E_q log (p l / q): the two parts of the bound under one integral."""
    pr = Prover(claim.context)
    o = general
    chain = (
        pr.chain(o.elbo)
        .eq(o.mean(lambda z: log(o.l(z)) - log(o.q(z) / o.p(z))), reason("one integral", algebra))
        .eq(claim.statement.args[1], reason("p(z) l(z) is the joint density", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def log_joint_over_law(z):
    """log (p(z) l(z) / q(z))."""
    return log(general.p(z) * general.l(z) / general.q(z))


joint_form = Claim(
    name="joint-form",
    summary="ELBO = E_q log (p(z) l(z) / q(z))",
    context=general.context,
    statement=eq(general.elbo, general.mean(log_joint_over_law)),
    proof=prove_joint_form,
    misconceptions=(
        Misconception(
            "z drawn from the prior",
            eq(general.elbo, Int(general.measure, lambda z: general.p(z) * log_joint_over_law(z))),
        ),
    ),
    assumptions=("integrable logarithms",),
)
