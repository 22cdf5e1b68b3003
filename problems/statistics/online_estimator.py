"""Online estimator with a constant step size (exponential moving average).

Source: assignment A1.2 (a)–(c) and bonus.

f_t = f_{t−1} + α (y_t − f_{t−1}).  Unrolled by induction on t; mean and variance for every finite t, whatever the step
size (but α = 2, where the formula of the variance has no value); their limits, for 0 < α < 2; the step size
α/(1 − (1−α)^t) of the bonus and its limit 1/t.  Shown by induction and geometric sums, by exact enumeration of small
laws, by simulated trajectories, and by the running mean of a batch-normalisation layer whose weights are frozen: that
running mean is this estimator, fed with batch means.
"""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np

import derivcheck.models as m
from derivcheck.language import (
    REAL,
    E,
    ForAll,
    Givens,
    Lim,
    Sum,
    Var,
    eq,
    integer,
    interval,
    lam,
    le,
    lt,
    make,
    ne,
    oo_int,
    range_,
    real,
    space,
)
from derivcheck.problem import Claim, Measurement, Misconception, Problem, Reading
from derivcheck.proof import Prover, algebra, kernel, reason, tactic, using

naturals = range_(0, oo_int)
positive = range_(1, oo_int)


def unrolled(f0, y, alpha, t):
    """(1−α)^t f₀ + α Σ_{i=0}^{t−1} (1−α)^i y_{t−i}."""
    return (1 - alpha) ** real(t) * f0 + alpha * Sum(0, t - 1, lambda i: (1 - alpha) ** real(i) * y(t - i))


# ---------------------------------------------------------------------------------------------------- a real sequence

sequence = Givens()
t = sequence.integer("t", at_least=0)
alpha = sequence.real("alpha")  # any step size
f0 = sequence.real("f_0")
y = sequence.function("y", positive)
f = sequence.function("f", naturals)
sequence.assume(
    "recursion",
    eq(f(0), f0),
    ForAll(naturals, lambda s: eq(f(s + 1), f(s) + alpha * (y(s + 1) - f(s)))),
    model={f: lam(naturals, lambda s: unrolled(f0, y, alpha, s))},
)


def geometric_sum(rate, *known, words="geometric sum"):
    """Algebra with a geometric sum of ratio 1 − α, or (1 − α)²: the case α = 0 (every summand is one) by itself."""

    def either(pr, goal):
        def case(th):
            return pr.prove(goal, using(th, *known), quiet=True)

        return pr.cases(eq(rate, 0), case, case)

    return tactic(words, either)


def put(th, term):
    """``term(a) = term(b)`` from `th`, ``a = b``: no algebra, which would ask whether 1 − α is zero."""

    def tactic_(pr, goal):
        hole = pr.fresh.symbol("hole", REAL)
        return pr.settle(kernel.congruence(th, term(hole), hole), goal)

    return tactic("induction hypothesis", tactic_)


def newest_first(rate, s, words):
    """Algebra with sums of (1 − α)^i y_{s−i}: written from the oldest datum on, they are divided by powers of 1 − α.

    The cases α = 0, a geometric sum of ones, and α = 1, where the newest datum alone counts, stand by themselves.
    """

    def every_rate(pr, goal):
        def newest_alone(one):
            def with_range(th):
                inner = Prover(pr.context.assuming("α = 1", one.statement, th.statement))
                known, _ = inner.given("α = 1")
                found = inner.prove(goal, using(known), quiet=True)
                return kernel.instance(found, {}, pr.context, [one, th])

            return pr.cases(le(1, s), with_range, with_range)  # the sum is empty at s = 0

        def other(known):
            return geometric_sum(rate, known).tactic(pr, goal)

        return pr.cases(eq(rate, 1), newest_alone, other)

    return tactic(words, every_rate)


def closed_form(claim):
    pr = Prover(claim.context)
    start, step_rule = pr.given("recursion")

    def base(pr):
        return pr.prove(eq(f(0), unrolled(f0, y, alpha, integer(0))), using(start, words="start value"))

    def step(pr, s, hypothesis):
        one_more = kernel.specialise(pr.bring(step_rule), s)
        return (
            pr.chain(f(s + 1))
            .eq(f(s) + alpha * (y(s + 1) - f(s)), using(one_more, words="the recursion"))
            .eq((1 - alpha) * f(s) + alpha * y(s + 1), reason("collect f_t", algebra))
            .eq(
                (1 - alpha) * unrolled(f0, y, alpha, s) + alpha * y(s + 1),
                put(hypothesis, lambda f_s: (1 - alpha) * f_s + alpha * y(s + 1)),
            )
            .eq(unrolled(f0, y, alpha, s + 1), newest_first(alpha, s, "shift the index of the sum"))
            .theorem
        )

    th = pr.induction(lambda s: eq(f(s), unrolled(f0, y, alpha, s)), base, step)
    return pr.done(kernel.specialise(th, t), claim.statement)


weighing = Givens()
t_w = weighing.integer("t", at_least=0)
alpha_w = weighing.real("alpha")  # any step size


def weights_sum_to_one(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, geometric_sum(alpha_w)), claim.statement)


# ------------------------------------------------------------------------------------------------- a random sequence

outcomes = space("Omega")


def random_sequence(*, start=None, spread=False, **rate):
    """The estimator f_t of random Y_1, Y_2, … with the common mean μ, for step sizes α in the range `rate`.

    It starts at `start`, a function of μ, or anywhere; with `spread`, the Y_t have a variance and are uncorrelated.
    """
    g = Givens()
    o = SimpleNamespace(t=g.integer("t", at_least=0), rate=g.real("alpha", **rate))
    o.mean = g.real("mu")
    o.start = g.real("f_0") if start is None else start(o.mean)
    o.variance = g.real("sigma2", at_least=0) if spread else None
    o.P = g.probability()
    moments = dict(variance=o.variance, uncorrelated=True) if spread else {}
    o.Y = g.random("Y", positive, measure=o.P, mean=o.mean, **moments)
    o.f = g.function("f", naturals, outcomes)
    o.closed = lambda s, w: unrolled(o.start, lam(positive, lambda j: o.Y(j, w)), o.rate, s)
    g.assume(
        "recursion",
        ForAll(outcomes, lambda w: eq(o.f(0, w), o.start)),
        ForAll(
            naturals,
            lambda s: ForAll(outcomes, lambda w: eq(o.f(s + 1, w), o.f(s, w) + o.rate * (o.Y(s + 1, w) - o.f(s, w)))),
        ),
        model={o.f: lam(naturals, lambda s: lam(outcomes, lambda w: o.closed(s, w)))},
    )
    o.givens = g
    o.expected = E(o.P, lambda w: o.f(o.t, w))
    return o


def mean_after(o, t):
    """μ + (1−α)^t (f₀ − μ)."""
    return o.mean + (1 - o.rate) ** real(t) * (o.start - o.mean)


def variance_after(o, t):
    """ασ²/(2−α) · (1 − (1−α)^{2t})."""
    return o.rate * o.variance / (2 - o.rate) * (1 - (1 - o.rate) ** (2 * real(t)))


any_start = random_sequence()
from_the_mean = random_sequence(start=lambda mean: mean)
elsewhere = random_sequence(below=1)
elsewhere.givens.assume("the start is not the mean", ne(elsewhere.start, elsewhere.mean))
spreading = random_sequence(spread=True)
spreading.givens.assume("a formula that exists", ne(spreading.rate, 2))

# The limits are limits of these formulas: nothing but the four numbers is needed.
limits = Givens()
settling = SimpleNamespace(
    rate=limits.real("alpha", above=0, below=2),
    mean=limits.real("mu"),
    start=limits.real("f_0"),
    variance=limits.real("sigma2"),
)


def unrolled_for_every_outcome(pr, o):
    """``∀ t ≥ 0 ∀ ω. f_t(ω) = (1−α)^t f₀ + α Σ_i (1−α)^i Y_{t−i}(ω)``, by induction on t."""
    first, rule = pr.given("recursion")

    def claim(s):
        return ForAll(outcomes, lambda w: eq(o.f(s, w), o.closed(s, w)))

    def base(pr):
        def at(pr, w):
            known = kernel.specialise(pr.bring(first), w)
            return pr.prove(eq(o.f(0, w), o.closed(integer(0), w)), using(known, words="start value"))

        return pr.for_all(outcomes, at)

    def step(pr, s, hypothesis):
        def at(pr, w):
            one_more = kernel.specialise(kernel.specialise(pr.bring(rule), s), w)
            before = kernel.specialise(pr.bring(hypothesis), w)
            return (
                pr.chain(o.f(s + 1, w))
                .eq(o.f(s, w) + o.rate * (o.Y(s + 1, w) - o.f(s, w)), using(one_more, words="the recursion"))
                .eq((1 - o.rate) * o.f(s, w) + o.rate * o.Y(s + 1, w), reason("collect f_t", algebra))
                .eq(
                    (1 - o.rate) * o.closed(s, w) + o.rate * o.Y(s + 1, w),
                    put(before, lambda f_s: (1 - o.rate) * f_s + o.rate * o.Y(s + 1, w)),
                )
                .eq(o.closed(s + 1, w), newest_first(o.rate, s, "shift the index of the sum"))
                .theorem
            )

        return pr.for_all(outcomes, at)

    return pr.induction(claim, base, step)


def in_closed_form(o, closed):
    """`closed`, an equation for every outcome, used under an integral over the outcomes."""

    def under(pr, goal):
        here, there = (lam(outcomes, lambda w, f=f: f(o.t, w)) for f in (o.f, o.closed))
        hole = pr.fresh.symbol("hole", here.sort, (outcomes,))
        measure, _ = goal.args[0].args
        pattern = make("defn", (measure, hole), goal.args[0].data, goal.args[0].sort)
        return pr.settle(kernel.congruence(kernel.extensionality(closed, eq(here, there)), pattern, hole), goal)

    return tactic("closed form", under)


def existing(pr, o, th):
    """`th`, with the existence of the integrals of its intermediate steps shown: they are finite sums."""
    # A square first: that it is integrable says something only where the mean in it exists.
    for condition in sorted(th.conditions, key=lambda c: len(str(c)), reverse=True):
        known = pr.prove(condition, newest_first(o.rate, o.t, "a finite sum"), quiet=True)
        th = kernel.meet_condition(th, known)
    return th


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


def mean_for_finite_t(claim):
    pr = Prover(claim.context)
    return pr.done(mean_theorem(pr, any_start), claim.statement)


def no_bias_from_the_mean(claim):
    pr = Prover(claim.context)
    return pr.done(mean_theorem(pr, from_the_mean), claim.statement)


def bias_keeps_its_sign(claim):
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


def powers_vanish(claim):
    pr = Prover(claim.context)
    th = kernel.limit(pr.context, claim.statement)
    pr.note(claim.statement, "|1 − α| < 1, so the powers of 1 − α tend to 0")
    return pr.done(th, claim.statement)


def variance_theorem(pr, o):
    """Var f_t = ασ²/(2−α) · (1 − (1−α)^{2t})."""
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
    return existing(pr, o, chain.theorem)


def variance_for_finite_t(claim):
    pr = Prover(claim.context)
    return pr.done(variance_theorem(pr, spreading), claim.statement)


# -------------------------------------------------------------------------------------------------- the bonus step size

fixed_t = Givens()
steps = fixed_t.size("t")


def corrected(rate):
    """α / (1 − (1 − α)^t)."""
    return rate / (1 - (1 - rate) ** real(steps))


def limit_of_the_bonus_step(claim):
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


def correction_removes_the_bias(claim):
    pr = Prover(claim.context)
    weights = a_c * Sum(0, t_c - 1, lambda i: (1 - a_c) ** real(i)) / (1 - (1 - a_c) ** real(t_c))
    chain = (
        pr.chain(E(P_c, debiased))
        .eq(weights * mu_c, reason("linearity; every summand has mean μ", algebra))
        .eq(mu_c, reason("the weights sum to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


# ------------------------------------------------------------------------------------------------------------- network


def batch_norm_running_mean(seed):
    """Mean and variance of a batch-normalisation layer's running mean, over many runs with frozen weights."""
    data_seed, run_seed = seed.spawn(2)
    rng = np.random.default_rng(data_seed)
    step_size, steps_taken, batch, runs, begin = 0.2, 3, 4, 20_000, 1.5
    network = m.Linear(3, 1)
    weights = network.init(rng)
    # A skewed population, drawn from with replacement: the batches are independent and identically distributed.
    population = rng.exponential(size=(64, 3)) ** 1.5
    features = np.asarray(m.compile(lambda p, x: network(p, x))(weights, population))
    layer = m.BatchNorm(1, step_size=step_size, averaging="exponential")
    scale = layer.init(rng)

    def forward(state, x):
        run = m.Run(training=True, state=state)
        layer(scale, x, run)
        return run.state

    advance = m.compile(forward, replicas=(True, True), count=runs)
    state = layer.init_state(replicas=runs)
    state["mean"] = np.full_like(state["mean"], begin)
    draw = np.random.default_rng(run_seed)
    for _ in range(steps_taken):
        state = advance(state, features[draw.integers(0, len(features), (runs, batch))])
    running = np.asarray(state["mean"]).reshape(runs)

    centre, spread = features.mean(), features.var()
    weight = step_size * (1 - step_size) ** np.arange(steps_taken)
    keep = (1 - step_size) ** steps_taken

    def moments(variance_of_one, keep_start):
        mean = centre + keep_start * (begin - centre)
        finite = step_size * variance_of_one / (2 - step_size) * (1 - (1 - step_size) ** (2 * steps_taken))
        return np.array([mean, finite])

    predicted = moments(spread / batch, keep)
    # Excess kurtosis of the running mean, from the population's: it widens the error of the sample variance.
    excess = (((features - centre) ** 4).mean() / spread**2 - 3) / batch * (weight**4).sum() / (weight**2).sum() ** 2
    error = np.array([np.sqrt(predicted[1] / runs), predicted[1] * np.sqrt((2 + excess) / runs)])
    return Reading(
        predicted=predicted,
        measured=np.array([running.mean(), running.var(ddof=1)]),
        tolerance=6.5 * error,
        near_misses={
            "the variance of one example in place of a batch mean's": moments(spread, keep),
            "the variance in the limit": np.array([predicted[0], step_size * spread / batch / (2 - step_size)]),
            "2 + α for 2 − α": predicted * np.array([1, (2 - step_size) / (2 + step_size)]),
            "no bias at finite t": moments(spread / batch, 0.0),
            "one step fewer": moments(spread / batch, (1 - step_size) ** (steps_taken - 1)),
        },
        # Two comparisons at 6.5 standard errors: 1.6e-10 for a normal law; the central limit theorem is not certified.
        false_alarm=2e-10,
        detail={"runs": runs, "batch": batch, "steps": steps_taken, "step size": step_size},
    )


def recursion_in_a_layer(seed):
    """The running mean of a batch-normalisation layer, batch by batch, against the unrolled form."""
    rng = np.random.default_rng(seed)
    step_size, count = 0.3, 12
    layer = m.BatchNorm(2, step_size=step_size, averaging="exponential")
    scale = layer.init(rng)

    def forward(state, x):
        run = m.Run(training=True, state=state)
        layer(scale, x, run)
        return run.state

    advance = m.compile(forward)
    state = layer.init_state()
    begin = np.asarray(state["mean"])
    batches = rng.normal(size=(count, 5, 2))
    measured = []
    for x in batches:
        state = advance(state, x)
        measured.append(np.array(state["mean"]))
    means = batches.mean(axis=1)

    def closed(keep, shift=0):
        return np.array(
            [
                keep**s * begin + step_size * sum(keep ** (i + shift) * means[s - 1 - i] for i in range(s))
                for s in range(1, count + 1)
            ]
        )

    return Reading(
        predicted=closed(1 - step_size),
        measured=np.array(measured),
        tolerance=1e-12,  # a dozen roundings of numbers of order one
        near_misses={
            "weights shifted by one": closed(1 - step_size, 1),
            "α for 1 − α": closed(step_size),
            "newest and oldest exchanged": np.array(
                [
                    (1 - step_size) ** s * begin + step_size * sum((1 - step_size) ** i * means[i] for i in range(s))
                    for s in range(1, count + 1)
                ]
            ),
        },
        false_alarm=0.0,
        detail={"batches": count, "step size": step_size},
    )


spread_of_f = Var(spreading.P, lambda w: spreading.f(spreading.t, w))


def last_variance(o):
    """ασ²/(2−α)."""
    return o.rate * o.variance / (2 - o.rate)


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
        Claim(
            name="closed-form",
            summary="f_t = (1−α)^t f₀ + α Σ_{i<t} (1−α)^i y_{t−i}",
            context=sequence.context,
            statement=eq(f(t), unrolled(f0, y, alpha, t)),
            proof=closed_form,
            networks=(
                Measurement(
                    "running mean, step by step",
                    "a batch-normalisation layer fed a dozen batches",
                    recursion_in_a_layer,
                ),
            ),
        ),
        Claim(
            name="weights",
            summary="the weights sum to one, whatever α is",
            context=weighing.context,
            statement=eq((1 - alpha_w) ** real(t_w) + alpha_w * Sum(0, t_w - 1, lambda i: (1 - alpha_w) ** real(i)), 1),
            proof=weights_sum_to_one,
        ),
        Claim(
            name="mean",
            summary="E f_t = μ + (1−α)^t (f₀ − μ) for every finite t",
            context=any_start.givens.context,
            statement=eq(any_start.expected, mean_after(any_start, any_start.t)),
            proof=mean_for_finite_t,
        ),
        Claim(
            name="unbiased-from-the-mean",
            summary="from f₀ = μ there is no bias at any t",
            context=from_the_mean.givens.context,
            statement=eq(from_the_mean.expected, from_the_mean.mean),
            proof=no_bias_from_the_mean,
        ),
        Claim(
            name="biased-otherwise",
            summary="from f₀ ≠ μ, with α < 1, there is a bias at every finite t, on the side of f₀",
            context=elsewhere.givens.context,
            statement=lt(0, (elsewhere.expected - elsewhere.mean) * (elsewhere.start - elsewhere.mean)),
            proof=bias_keeps_its_sign,
        ),
        Claim(
            name="biased-always",
            summary="E f_t ≠ μ, as printed without a condition on f₀",
            context=any_start.givens.context,
            statement=ne(any_start.expected, any_start.mean),
            as_printed=True,
        ),
        Claim(
            name="limit-of-the-mean",
            summary="the mean for finite t tends to μ",
            context=limits.context,
            statement=eq(Lim(oo_int, lambda t: mean_after(settling, t)), settling.mean),
            proof=powers_vanish,
        ),
        Claim(
            name="variance",
            summary="Var f_t = ασ²/(2−α) · (1 − (1−α)^{2t}) for every finite t",
            context=spreading.givens.context,
            statement=eq(spread_of_f, variance_after(spreading, spreading.t)),
            proof=variance_for_finite_t,
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
        ),
        Claim(
            name="limit-of-the-variance",
            summary="the variance for finite t tends to ασ²/(2−α)",
            context=limits.context,
            statement=eq(Lim(oo_int, lambda t: variance_after(settling, t)), last_variance(settling)),
            proof=powers_vanish,
        ),
        Claim(
            name="limit-of-the-second-moment",
            summary="E f_t² = Var f_t + (E f_t)² tends to μ² + ασ²/(2−α)",
            context=limits.context,
            statement=eq(
                Lim(oo_int, lambda t: variance_after(settling, t) + mean_after(settling, t) ** 2),
                settling.mean**2 + last_variance(settling),
            ),
            proof=powers_vanish,
        ),
        Claim(
            name="bias-correction",
            summary="divided by 1 − (1−α)^t, the average that starts at zero is unbiased for every t ≥ 1",
            context=corrected_setting.context,
            statement=eq(E(P_c, debiased), mu_c),
            proof=correction_removes_the_bias,
        ),
        Claim(
            name="bonus-step-size",
            summary="α/(1 − (1−α)^t) tends to 1/t as α falls to 0",
            context=fixed_t.context,
            statement=eq(Lim(0, lambda x: corrected(x), "+"), 1 / real(steps)),
            proof=limit_of_the_bonus_step,
            misconceptions=(
                Misconception("the limit 1/(t+1)", eq(Lim(0, lambda x: corrected(x), "+"), 1 / real(steps + 1))),
            ),
        ),
    ),
)
