"""Online estimator with a constant step size (exponential moving average).

Source: assignment A1.2 (a)–(c) and bonus.

f_t = f_{t−1} + α (y_t − f_{t−1}).  Unrolled by induction on t; mean and variance for every finite t, whatever the step
size (but α = 2, where the formula of the variance has no value); their limits, for 0 < α < 2; the step size
α/(1 − (1−α)^t) of the bonus and its limit 1/t.  Shown by induction and geometric sums, by exact enumeration of small
laws, by simulated trajectories, and by the running mean of a batch-normalisation layer whose weights are frozen: that
running mean is this estimator, fed with batch means.
"""

from _estimator_bonus import bias_correction, bonus_step_size
from _estimator_limits import limit_of_the_mean, limit_of_the_second_moment, limit_of_the_variance
from _estimator_mean import biased_always, biased_otherwise, mean, unbiased_from_the_mean
from _estimator_unrolled import closed_form, weights
from _estimator_variance import variance

from derivcheck.problem import Problem

problem = Problem(
    id="online-estimator",
    title="Online estimator with a constant step size",
    topic="statistics",
    summary="The exponential moving average: unrolled form, bias, variance, limits, and the bias-corrected step size.",
    sources=(
        "online-estimator-closed-form",
        "online-estimator-bias",
        "online-estimator-asymptotic-unbiasedness",
        "online-estimator-variance",
        "bias-corrected-step-size-limit",
    ),
    claims=(
        # (a) The unrolled form, and the bias for finite t.
        closed_form,
        weights,
        mean,
        unbiased_from_the_mean,
        biased_otherwise,
        biased_always,
        # (b) The bias in the limit.
        limit_of_the_mean,
        # (c) The variance, for finite t and in the limit.
        variance,
        limit_of_the_variance,
        limit_of_the_second_moment,
        # Bonus: the step size that corrects the bias.
        bias_correction,
        bonus_step_size,
    ),
)
