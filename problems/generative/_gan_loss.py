"""The loss of a second source, L = −∫ p log p/(p + q) − ∫ q log q/(p + q): JSD = log 2 − L/2."""

from _gan_divergence import alone, law, nu
from _gan_game import X, divergence_at, g, h, jsd, laws, mu, p, q, two_parts
from _gan_pointwise import half

from derivcheck.language import Int, eq, integrable, lam, log, unfold
from derivcheck.problem import Claim, Misconception
from derivcheck.proof import Prover, algebra, inside, kernel, reason

apart = laws()[0]


def share_of_data(x):
    """p log (p/(p + q))."""
    return p(x) * log(p(x) / (p(x) + q(x)))


def share_of_model(x):
    """q log (q/(p + q))."""
    return q(x) * log(q(x) / (p(x) + q(x)))


apart.assume("both parts are integrable", integrable(mu, share_of_data), integrable(mu, share_of_model))
loss = -Int(mu, share_of_data) - Int(mu, share_of_model)


def prove_loss_and_divergence(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(
            eq(
                divergence_at(x),
                half * share_of_data(x) + half * share_of_model(x) + log(2) * (half * p(x) + half * q(x)),
            ),
            reason("log 2 comes out of both logarithms", algebra),
        )

    both = kernel.binder_congruence(pr.for_all(X, at), unfold(jsd))
    pr.note(both.statement, "the same at every x")

    def body(x):
        return half * h(x) + half * g(x) + log(2) * (half * p(x) + half * q(x))

    inner = Prover(two_parts.context)
    linear = inner.prove(
        eq(Int(mu, body), log(2) - half * (-Int(mu, lambda x: h(x)) - Int(mu, lambda x: g(x)))), algebra
    )
    exists = inner.prove(integrable(mu, body), algebra)
    parts = {h: lam(X, share_of_data), g: lam(X, share_of_model)}
    known = pr.given("both parts are integrable")
    split = kernel.instance(linear, parts, pr.context, known)
    pr.note(split.statement, "linearity; both densities integrate to one")
    th = kernel.transitivity(both, split)
    if th.conditions:
        th = kernel.meet_condition(th, kernel.instance(exists, parts, pr.context, known))
    return pr.done(th, claim.statement)


loss_and_divergence = Claim(
    name="loss-and-divergence",
    summary="JSD = log 2 − L/2 for L = −∫ p log p/(p+q) − ∫ q log q/(p+q)",
    context=apart.context,
    statement=eq(jsd, log(2) - half * loss),
    proof=prove_loss_and_divergence,
)

loss_and_divergence_printed = Claim(
    name="loss-and-divergence-printed",
    summary="JSD = −L/2 − log 2, as printed: the sign of log 2 is wrong",
    context=apart.context,
    statement=eq(jsd, -half * loss - log(2)),
    as_printed=True,
)


# ------------------------------------------------------------------------------------------------------- for equal laws


def share_of_itself(x):
    """p log (p/(p + p))."""
    return law(x) * log(law(x) / (law(x) + law(x)))


loss_of_equal_laws = -Int(nu, share_of_itself) - Int(nu, share_of_itself)


def prove_loss_of_equal_laws(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(eq(share_of_itself(x), -log(2) * law(x)), reason("p/(p + p) = ½", inside(algebra)), algebra)

    one = kernel.binder_congruence(pr.for_all(X, at), Int(nu, share_of_itself))
    pr.note(one.statement, "the same at every x")
    whole = pr.prove(eq(one.statement.args[1], -log(2)), reason("the density integrates to one", algebra))
    each = kernel.transitivity(one, whole)
    return pr.done(pr.linear(claim.statement, (each, -2)), claim.statement)


loss_at_equality = Claim(
    name="loss-of-equal-laws",
    summary="for equal laws the loss L is 2 log 2",
    context=alone.context,
    statement=eq(loss_of_equal_laws, 2 * log(2)),
    proof=prove_loss_of_equal_laws,
    misconceptions=(Misconception("the loss vanishes too", eq(loss_of_equal_laws, 0)),),
)
