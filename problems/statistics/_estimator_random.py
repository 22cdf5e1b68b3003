"""The estimator of random data: what is given, its moments as formulas, and its unrolled form under an expectation."""

from types import SimpleNamespace

from _estimator_unrolled import naturals, newest_first, one_step_on, positive, unrolled

from derivcheck.language import E, ForAll, Givens, eq, integer, lam, make, real, space
from derivcheck.proof import kernel, tactic, using

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


# --------------------------------------------------------------------------------------------------------- the formulas


def mean_after(o, t):
    """μ + (1−α)^t (f₀ − μ)."""
    return o.mean + (1 - o.rate) ** real(t) * (o.start - o.mean)


def variance_after(o, t):
    """ασ²/(2−α) · (1 − (1−α)^{2t})."""
    return o.rate * o.variance / (2 - o.rate) * (1 - (1 - o.rate) ** (2 * real(t)))


def last_variance(o):
    """ασ²/(2−α)."""
    return o.rate * o.variance / (2 - o.rate)


# ------------------------------------------------------------------------------------------------------- in closed form


def unrolled_for_every_outcome(pr, o):
    """``∀ t ≥ 0 ∀ ω. f_t(ω) = (1−α)^t f₀ + α Σ_i (1−α)^i Y_{t−i}(ω)``, by induction on t."""
    first, rule = pr.given("recursion")

    def statement(s):
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
            f, y, closed = (lambda s, of=of: of(s, w) for of in (o.f, o.Y, o.closed))
            return one_step_on(pr, s, o.rate, f, y, closed, one_more, before)

        return pr.for_all(outcomes, at)

    return pr.induction(statement, base, step)


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
