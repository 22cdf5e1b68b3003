"""Any discriminator against the best one, its cross-entropy, and what D* knows of the two laws."""

from functools import cache

from _gan_game import X, bare, best_value, g, gain, h, mu, optimal, p, q, unrelated, value
from _gan_networks import discriminator_on_eight_points
from _gan_pointwise import a, b, half, largest_at_the_best, noted, rest_positive, y

from derivcheck.language import (
    KL,
    ForAll,
    Givens,
    Int,
    Sum,
    counting,
    eq,
    ind,
    integrable,
    lam,
    le,
    log,
    range_,
    unfold,
)
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, inside, kernel, reason

# ---------------------------------------------------------------------------------------------------- any discriminator

# Nothing is asked of p and q but that they are positive: the best D is found point by point.
with_discriminator = Givens()
with_discriminator.measure("mu", X)
with_discriminator.function("p", X, above=0)
with_discriminator.function("q", X, above=0)
judge = with_discriminator.function("D", X, above=0, below=1)
with_discriminator.assume(
    "both values are finite",
    integrable(mu, lambda x: gain(x, judge(x))),
    integrable(mu, lambda x: gain(x, optimal(x))),
)


@cache
def integrals_compare():
    """∫ h ≤ ∫ g where h ≤ g everywhere."""
    context = unrelated.context.assuming("below", ForAll(X, lambda x: le(h(x), g(x))))
    (below,) = Prover(context).given("below")
    return kernel.monotone(below, Int(mu, lambda x: h(x)))


def prove_optimal_discriminator(claim):
    th, steps = largest_at_the_best()
    pr = Prover(claim.context, steps=list(steps))
    everywhere = pr.for_all(X, lambda pr, x: kernel.instance(th, {a: p(x), b: q(x), y: judge(x)}, pr.context))
    known = [everywhere, *pr.given("both values are finite")]
    either = {h: lam(X, lambda x: gain(x, judge(x))), g: lam(X, lambda x: gain(x, optimal(x)))}
    out = kernel.instance(integrals_compare(), either, pr.context, known)
    pr.note(claim.statement, "integrate, with a = p(x), b = q(x) and y = D(x)")
    return pr.done(out, claim.statement)


optimal_discriminator = Claim(
    name="optimal-discriminator",
    summary="V(D) ≤ V(D*) for every discriminator D",
    context=with_discriminator.context,
    statement=le(value(judge), best_value),
    proof=prove_optimal_discriminator,
    networks=(
        Measurement(
            "discriminator on eight points",
            "a hidden layer, trained on samples of two laws on eight points",
            discriminator_on_eight_points,
        ),
    ),
)


# ------------------------------------------------------------------------------------------------- binary cross-entropy

#: A function g that is integrable, and another that is −g/2 everywhere.
multiple = Givens()
multiple.measure("mu", X)
multiple.function("h", X)
multiple.function("g", X)
multiple.assume("integrable", integrable(mu, lambda x: g(x)))
multiple.assume("multiple", ForAll(X, lambda x: eq(h(x), -half * g(x))))


@cache
def integral_of_the_multiple():
    """∫ h = −½ ∫ g."""
    pr = Prover(multiple.context)
    (everywhere,) = pr.given("multiple")
    both = kernel.binder_congruence(everywhere, Int(mu, lambda x: h(x)))
    linear = pr.prove(eq(Int(mu, lambda x: -half * g(x)), -half * Int(mu, lambda x: g(x))))
    return kernel.transitivity(both, linear)


def halves(x):
    """What the binary cross-entropy of balanced labels integrates."""
    return -half * (p(x) * log(judge(x))) - half * (q(x) * log(1 - judge(x)))


cross_entropy = Int(mu, halves)


def prove_cross_entropy(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(eq(halves(x), -half * gain(x, judge(x))), reason("−½ is a common factor", algebra))

    everywhere = pr.for_all(X, at)
    parts = {h: lam(X, halves), g: lam(X, lambda x: gain(x, judge(x)))}
    known = [everywhere, *pr.given("both values are finite")]
    th = kernel.instance(integral_of_the_multiple(), parts, pr.context, known)
    pr.note(claim.statement, "integrate; a constant comes out of the integral")
    return pr.done(th, claim.statement)


cross_entropy_of_balanced_labels = Claim(
    name="cross-entropy",
    summary="the binary cross-entropy of balanced labels is −V(D)/2",
    context=with_discriminator.context,
    statement=eq(cross_entropy, -half * value(judge)),
    proof=prove_cross_entropy,
)

cross_entropy_printed = Claim(
    name="cross-entropy-printed",
    summary="+V(D)/2, as printed: the sign is lost",
    context=with_discriminator.context,
    statement=eq(cross_entropy, half * value(judge)),
    as_printed=True,
)


# ------------------------------------------------------------------------------------ what the best discriminator knows


def from_the_logit(x):
    """p log (D*/(1 − D*))."""
    return p(x) * log(optimal(x) / (1 - optimal(x)))


def prove_divergence_from_the_discriminator(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        th = (
            pr.chain(p(x) * log(p(x) / q(x)))
            .eq(p(x) * log(optimal(x) / (q(x) / (p(x) + q(x)))), reason("expand by p + q", algebra))
            .eq(from_the_logit(x), inside(reason("q/(p + q) = 1 − D*", algebra)))
            .theorem
        )
        return rest_positive(pr, th, p(x), q(x))

    both = kernel.binder_congruence(pr.for_all(X, at), unfold(KL(mu, p, q)))
    return pr.done(noted(pr, both, "the same at every x"), claim.statement)


divergence_from_the_discriminator = Claim(
    name="divergence-from-the-discriminator",
    summary="KL(p ‖ q) is the expectation under p of the logit of D*",
    context=bare.context,
    statement=eq(KL(mu, p, q), Int(mu, from_the_logit)),
    proof=prove_divergence_from_the_discriminator,
    misconceptions=(
        Misconception("the logarithm of D* alone", eq(KL(mu, p, q), Int(mu, lambda x: p(x) * log(optimal(x))))),
    ),
)


# ---------------------------------------------------------------------------------------------------- samples and noise

# A generator on finite sets: it carries the law of the noise to a law of samples.
generator = Givens()
n_z, n_x = generator.size("K"), generator.size("n")
noise_points, sample_points = range_(1, n_z), range_(1, n_x)
p_z = generator.distribution("p_Z", counting(noise_points))
G = generator.choice("G", noise_points, sample_points)
score = generator.vector("h", n_x)


def generated(x):
    """p_G(x): the probability of the noise that G carries to x."""
    return Sum(1, n_z, lambda z: p_z(z) * ind(eq(G(z), x)))


def prove_generated_law(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(Sum(1, n_x, lambda x: generated(x) * score(x)))
        .eq(
            Sum(1, n_z, lambda z: p_z(z) * Sum(1, n_x, lambda x: ind(eq(G(z), x)) * score(x))),
            reason("sum over the noise last", algebra),
        )
        .eq(Sum(1, n_z, lambda z: p_z(z) * score(G(z))), reason("the indicator picks x = G(z)", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


generated_law = Claim(
    name="generated-law",
    summary="a mean over generated points is one over the noise: both forms of the game agree",
    context=generator.context,
    statement=eq(Sum(1, n_x, lambda x: generated(x) * score(x)), Sum(1, n_z, lambda z: p_z(z) * score(G(z)))),
    proof=prove_generated_law,
)
