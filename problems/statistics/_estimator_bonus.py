"""The step size α/(1 − (1−α)^t) of the bonus: it takes the bias out, and tends to 1/t as α falls to 0."""

from fractions import Fraction

from _estimator_unrolled import positive

from derivcheck.language import E, Givens, Lim, Sum, eq, interval, lt, real
from derivcheck.problem import Claim, Misconception
from derivcheck.proof import Prover, algebra, kernel, reason, using

# ------------------------------------------------------------------------------------ the correction takes the bias out

corrected_setting = Givens()
t_c = corrected_setting.size("t")
a_c = corrected_setting.real("alpha", above=0, below=1)
mu_c = corrected_setting.real("mu")
P_c = corrected_setting.probability()
Y_c = corrected_setting.random("Y", positive, measure=P_c, mean=mu_c)


def debiased(w):
    """The average that starts at zero, divided by the sum of its weights."""
    average = a_c * Sum(0, t_c - 1, lambda i: (1 - a_c) ** real(i) * Y_c(t_c - i, w))
    return average / (1 - (1 - a_c) ** real(t_c))


def prove_bias_correction(claim):
    pr = Prover(claim.context)
    weights = a_c * Sum(0, t_c - 1, lambda i: (1 - a_c) ** real(i)) / (1 - (1 - a_c) ** real(t_c))
    chain = (
        pr.chain(E(P_c, debiased))
        .eq(weights * mu_c, reason("linearity; every summand has mean μ", algebra))
        .eq(mu_c, reason("the weights sum to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


bias_correction = Claim(
    name="bias-correction",
    summary="divided by 1 − (1−α)^t, the average that starts at zero is unbiased for every t ≥ 1",
    context=corrected_setting.context,
    statement=eq(E(P_c, debiased), mu_c),
    proof=prove_bias_correction,
)


# ------------------------------------------------------------------------------------------------------------ its limit

fixed_t = Givens()
steps = fixed_t.size("t")


def corrected(rate):
    """α / (1 − (1 − α)^t)."""
    return rate / (1 - (1 - rate) ** real(steps))


def prove_bonus_step_size(claim):
    pr = Prover(claim.context)

    def geometric(x):
        return 1 / Sum(0, steps - 1, lambda j: (1 - x) ** real(j))

    def near_zero(pr, x):
        small = pr.assume(lt(0, x))
        th = pr.prove(eq(corrected(x), geometric(x)), using(small, words="geometric sum: 1 − (1−α)^t = α Σ_j (1−α)^j"))
        return kernel.discharge(th, lt(0, x))

    pointwise = pr.for_all(interval(0, Fraction(1, 2)), near_zero)
    both = kernel.limit_congruence(
        pointwise, eq(Lim(0, lambda x: corrected(x), "+"), Lim(0, lambda x: geometric(x), "+"))
    )
    value = kernel.limit_by_continuity(pr.context, eq(Lim(0, lambda x: geometric(x), "+"), 1 / real(steps)))
    pr.note(value.statement, "the sum is continuous and has t summands, each 1 at α = 0")
    th = (
        pr.chain(Lim(0, lambda x: corrected(x), "+"))
        .eq(Lim(0, lambda x: geometric(x), "+"), reason("equal near 0", using(both)))
        .eq(1 / real(steps), using(value, words="value at 0"))
    )
    return pr.done(th.theorem, claim.statement)


bonus_step_size = Claim(
    name="bonus-step-size",
    summary="α/(1 − (1−α)^t) tends to 1/t as α falls to 0",
    context=fixed_t.context,
    statement=eq(Lim(0, lambda x: corrected(x), "+"), 1 / real(steps)),
    proof=prove_bonus_step_size,
    misconceptions=(Misconception("the limit 1/(t+1)", eq(Lim(0, lambda x: corrected(x), "+"), 1 / real(steps + 1))),),
)
