"""The variance for finite t: Var f_t = ασ²/(2−α) · (1 − (1−α)^{2t}), for uncorrelated data and every α but 2."""

from _estimator_networks import batch_norm_running_mean
from _estimator_random import (
    existing,
    in_closed_form,
    last_variance,
    random_sequence,
    unrolled_for_every_outcome,
    variance_after,
)
from _estimator_unrolled import geometric_sum, newest_first

from derivcheck.language import Sum, Var, eq, ne, real
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, kernel

spreading = random_sequence(spread=True)
spreading.givens.assume("a formula that exists", ne(spreading.rate, 2))

spread_of_f = Var(spreading.P, lambda w: spreading.f(spreading.t, w))


def prove_variance(claim):
    pr, o = Prover(claim.context), spreading
    closed = kernel.specialise(unrolled_for_every_outcome(pr, o), o.t)
    chain = (
        pr.chain(Var(o.P, lambda w: o.f(o.t, w)))
        .eq(Var(o.P, lambda w: o.closed(o.t, w)), in_closed_form(o, closed))
        .eq(
            o.rate**2 * o.variance * Sum(0, o.t - 1, lambda i: (1 - o.rate) ** (2 * real(i))),
            newest_first(o.rate, o.t, "uncorrelated summands: variances add; a constant has none"),
        )
        .eq(variance_after(o, o.t), geometric_sum(o.rate, words="geometric sum with ratio (1 − α)²"))
    )
    return pr.done(existing(pr, o, chain.theorem), claim.statement)


variance = Claim(
    name="variance",
    summary="Var f_t = ασ²/(2−α) · (1 − (1−α)^{2t}) for every finite t",
    context=spreading.givens.context,
    statement=eq(spread_of_f, variance_after(spreading, spreading.t)),
    proof=prove_variance,
    networks=(
        Measurement(
            "running mean, many runs",
            "mean and variance of a batch-normalisation layer's running mean over 20,000 runs",
            batch_norm_running_mean,
        ),
    ),
    misconceptions=(
        Misconception("α² for α", eq(spread_of_f, spreading.rate * variance_after(spreading, spreading.t))),
        Misconception("the limit already at finite t", eq(spread_of_f, last_variance(spreading))),
    ),
)
