"""The mean for finite t: E f_t = μ + (1−α)^t (f₀ − μ), so that a start at μ alone is without bias.

As printed, f_t is biased for every t; that needs f₀ ≠ μ, and α < 1 so that the bias does not change its sign.
"""

from _estimator_random import existing, in_closed_form, mean_after, random_sequence, unrolled_for_every_outcome
from _estimator_unrolled import geometric_sum, newest_first

from derivcheck.language import E, Sum, eq, lt, ne, real
from derivcheck.problem import Claim
from derivcheck.proof import Prover, kernel, using


def mean_theorem(pr, o):
    """E f_t = μ + (1−α)^t (f₀ − μ)."""
    closed = kernel.specialise(unrolled_for_every_outcome(pr, o), o.t)
    power = (1 - o.rate) ** real(o.t)
    weights = Sum(0, o.t - 1, lambda i: (1 - o.rate) ** real(i))
    chain = (
        pr.chain(o.expected)
        .eq(E(o.P, lambda w: o.closed(o.t, w)), in_closed_form(o, closed))
        .eq(
            power * o.start
            + o.rate * Sum(0, o.t - 1, lambda i: (1 - o.rate) ** real(i) * E(o.P, lambda w: o.Y(o.t - i, w))),
            newest_first(o.rate, o.t, "linearity of the expectation"),
        )
        .eq(power * o.start + o.rate * weights * o.mean, newest_first(o.rate, o.t, "common mean"))
        .eq(mean_after(o, o.t), geometric_sum(o.rate))
    )
    return existing(pr, o, chain.theorem)


any_start = random_sequence()


def prove_mean(claim):
    pr = Prover(claim.context)
    return pr.done(mean_theorem(pr, any_start), claim.statement)


mean = Claim(
    name="mean",
    summary="E f_t = μ + (1−α)^t (f₀ − μ) for every finite t",
    context=any_start.givens.context,
    statement=eq(any_start.expected, mean_after(any_start, any_start.t)),
    proof=prove_mean,
)


from_the_mean = random_sequence(start=lambda mu: mu)


def prove_unbiased_from_the_mean(claim):
    pr = Prover(claim.context)
    return pr.done(mean_theorem(pr, from_the_mean), claim.statement)


unbiased_from_the_mean = Claim(
    name="unbiased-from-the-mean",
    summary="from f₀ = μ there is no bias at any t",
    context=from_the_mean.givens.context,
    statement=eq(from_the_mean.expected, from_the_mean.mean),
    proof=prove_unbiased_from_the_mean,
)


elsewhere = random_sequence(below=1)
elsewhere.givens.assume("the start is not the mean", ne(elsewhere.start, elsewhere.mean))


def prove_biased_otherwise(claim):
    pr = Prover(claim.context)
    o = elsewhere
    (apart,) = pr.given("the start is not the mean")
    distance = o.start - o.mean
    off = pr.prove(ne(distance, 0), using(apart), quiet=True)
    positive = pr.prove(
        lt(0, (1 - o.rate) ** real(o.t) * distance**2),
        using(off, words="1 − α > 0, and a square that is not 0"),
    )
    product = pr.prove(
        eq(claim.statement.args[1], (1 - o.rate) ** real(o.t) * distance**2),
        using(mean_theorem(pr, o), words="the mean for finite t: the bias is (1 − α)^t (f₀ − μ)"),
    )
    return pr.done(pr.linear(claim.statement, (product, -1), (positive, 1)), claim.statement)


biased_otherwise = Claim(
    name="biased-otherwise",
    summary="from f₀ ≠ μ, with α < 1, there is a bias at every finite t, on the side of f₀",
    context=elsewhere.givens.context,
    statement=lt(0, (elsewhere.expected - elsewhere.mean) * (elsewhere.start - elsewhere.mean)),
    proof=prove_biased_otherwise,
)

biased_always = Claim(
    name="biased-always",
    summary="E f_t ≠ μ, as printed without a condition on f₀",
    context=any_start.givens.context,
    statement=ne(any_start.expected, any_start.mean),
    as_printed=True,
)
