"""The unrolled estimator: f_t = (1−α)^t f₀ + α Σ_{i<t} (1−α)^i y_{t−i}, whose weights sum to one.

Both hold for every step size α.  The proofs take the ratios 0 and 1 of the geometric sums by themselves: there a sum of
powers has no quotient of powers as its closed form.
"""

from _estimator_networks import recursion_in_a_layer

from derivcheck.language import REAL, ForAll, Givens, Sum, eq, integer, lam, le, oo_int, range_, real
from derivcheck.problem import Claim, Measurement
from derivcheck.proof import Prover, algebra, kernel, reason, tactic, using

naturals = range_(0, oo_int)
positive = range_(1, oo_int)


def unrolled(f0, y, alpha, t):
    """(1−α)^t f₀ + α Σ_{i=0}^{t−1} (1−α)^i y_{t−i}."""
    return (1 - alpha) ** real(t) * f0 + alpha * Sum(0, t - 1, lambda i: (1 - alpha) ** real(i) * y(t - i))


# ---------------------------------------------------------------------------------- sums of powers of 1 − α, and a step


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


def one_step_on(pr, s, rate, f, y, closed, recursion, hypothesis):
    """f_{s+1} = closed(s + 1), from the recursion at s and the induction hypothesis f_s = closed(s)."""
    return (
        pr.chain(f(s + 1))
        .eq(f(s) + rate * (y(s + 1) - f(s)), using(recursion, words="the recursion"))
        .eq((1 - rate) * f(s) + rate * y(s + 1), reason("collect f_t", algebra))
        .eq(
            (1 - rate) * closed(s) + rate * y(s + 1),
            put(hypothesis, lambda f_s: (1 - rate) * f_s + rate * y(s + 1)),
        )
        .eq(closed(s + 1), newest_first(rate, s, "shift the index of the sum"))
        .theorem
    )


# ------------------------------------------------------------------------------------------------------ a real sequence

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


def prove_closed_form(claim):
    pr = Prover(claim.context)
    start, step_rule = pr.given("recursion")

    def closed(s):
        return unrolled(f0, y, alpha, s)

    def base(pr):
        return pr.prove(eq(f(0), closed(integer(0))), using(start, words="start value"))

    def step(pr, s, hypothesis):
        one_more = kernel.specialise(pr.bring(step_rule), s)
        return one_step_on(pr, s, alpha, f, y, closed, one_more, hypothesis)

    th = pr.induction(lambda s: eq(f(s), closed(s)), base, step)
    return pr.done(kernel.specialise(th, t), claim.statement)


closed_form = Claim(
    name="closed-form",
    summary="f_t = (1−α)^t f₀ + α Σ_{i<t} (1−α)^i y_{t−i}",
    context=sequence.context,
    statement=eq(f(t), unrolled(f0, y, alpha, t)),
    proof=prove_closed_form,
    networks=(
        Measurement(
            "running mean, step by step",
            "a batch-normalisation layer fed a dozen batches",
            recursion_in_a_layer,
        ),
    ),
)


# ---------------------------------------------------------------------------------------------------------- its weights

weighing = Givens()
t_w = weighing.integer("t", at_least=0)
alpha_w = weighing.real("alpha")  # any step size


def prove_weights(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, geometric_sum(alpha_w)), claim.statement)


weights = Claim(
    name="weights",
    summary="the weights sum to one, whatever α is",
    context=weighing.context,
    statement=eq((1 - alpha_w) ** real(t_w) + alpha_w * Sum(0, t_w - 1, lambda i: (1 - alpha_w) ** real(i)), 1),
    proof=prove_weights,
)
