"""What mean, variance and second moment tend to as t grows, for 0 < α < 2."""

from types import SimpleNamespace

from _estimator_random import last_variance, mean_after, variance_after

from derivcheck.language import Givens, Lim, eq, oo_int
from derivcheck.problem import Claim
from derivcheck.proof import Prover, kernel

# The limits are limits of these formulas: nothing but the four numbers is needed.
limits = Givens()
settling = SimpleNamespace(
    rate=limits.real("alpha", above=0, below=2),
    mean=limits.real("mu"),
    start=limits.real("f_0"),
    variance=limits.real("sigma2"),
)


def powers_vanish(claim):
    pr = Prover(claim.context)
    th = kernel.limit(pr.context, claim.statement)
    pr.note(claim.statement, "|1 − α| < 1, so the powers of 1 − α tend to 0")
    return pr.done(th, claim.statement)


limit_of_the_mean = Claim(
    name="limit-of-the-mean",
    summary="the mean for finite t tends to μ",
    context=limits.context,
    statement=eq(Lim(oo_int, lambda t: mean_after(settling, t)), settling.mean),
    proof=powers_vanish,
)

limit_of_the_variance = Claim(
    name="limit-of-the-variance",
    summary="the variance for finite t tends to ασ²/(2−α)",
    context=limits.context,
    statement=eq(Lim(oo_int, lambda t: variance_after(settling, t)), last_variance(settling)),
    proof=powers_vanish,
)

limit_of_the_second_moment = Claim(
    name="limit-of-the-second-moment",
    summary="E f_t² = Var f_t + (E f_t)² tends to μ² + ασ²/(2−α)",
    context=limits.context,
    statement=eq(
        Lim(oo_int, lambda t: variance_after(settling, t) + mean_after(settling, t) ** 2),
        settling.mean**2 + last_variance(settling),
    ),
    proof=powers_vanish,
)
