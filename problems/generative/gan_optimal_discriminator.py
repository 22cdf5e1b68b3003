"""The optimal discriminator of an adversarial game, and the value of the game.

Source: discussion 11 (adversarial games, problem 1); the course's summary sheet, generative adversarial networks;
Prince, Understanding Deep Learning, problems 15.1 and 15.2; lecture notes, section 2.4.3.

For densities p (data) and q (generator) against one measure μ, the discriminator that maximises
V(D) = ∫ p log D + q log(1 − D) dμ is D* = p/(p + q), and V(D*) = −log 4 + 2 JSD(p, q) with 0 ≤ JSD ≤ log 2, and
JSD = 0 for equal laws alone.  The measure is any: sums over finite sets and integrals of densities are one proof.

The densities are positive throughout: where one of them vanishes, 0 · log 0 has no value in this language, and the
best D lies at the boundary of (0, 1).  The integral of a sum is split only where both parts are assumed integrable:
∫ p log p may not exist although the divergence does.  That JSD = 0 forces equal laws is shown for finite sets; for
densities the integrand is shown to be positive wherever p ≠ q.
"""

from fractions import Fraction
from functools import cache

from derivcheck.language import (
    JSD,
    D,
    ForAll,
    Givens,
    Int,
    Sum,
    counting,
    eq,
    implies,
    integrable,
    lam,
    le,
    log,
    lt,
    ne,
    range_,
    space,
    unfold,
)
from derivcheck.problem import Claim, Problem
from derivcheck.proof import Prover, algebra, inside, kernel, reason, using

ID = "gan-optimal-discriminator"
half = Fraction(1, 2)


def noted(pr, th, words):
    """Record a theorem as a displayed step."""
    pr.note(th.statement, words)
    return th


# ------------------------------------------------------------------------------------------------------ the logarithm

logarithm = Givens()
u = logarithm.real("u", above=0)
v = logarithm.real("v", above=0)


def tangent(pr, x, y):
    """log x − log y ≤ x/y − 1: the logarithm lies below its tangent at y."""
    inner = Prover(logarithm.context)
    th = inner.linear(le(log(u) - log(v), u / v - 1), (kernel.log_bound(inner.context, u / v), 1))
    return noted(pr, kernel.instance(th, {u: x, v: y}, pr.context), "log r ≤ r − 1 for the ratio r")


def strict_tangent(pr, x, y, apart):
    """log x − log y < x/y − 1 where x ≠ y."""
    inner = Prover(logarithm.context.assuming("apart", ne(u, v)))
    relative = (u - v) / v
    off = inner.prove(ne(1 + relative, 1), inner.prove(ne(relative, 0)))
    strict = kernel.log_bound_strict(inner.context, 1 + relative)
    strict = kernel.meet_condition(strict, off) if strict.conditions else strict
    th = inner.linear(lt(log(u) - log(v), u / v - 1), (strict, 1))
    return noted(pr, kernel.instance(th, {u: x, v: y}, pr.context, [apart]), "log r < r − 1 for the ratio r ≠ 1")


# ------------------------------------------------------------------------------------------------------- at one point

point = Givens()
a = point.real("a", above=0)
b = point.real("b", above=0)
y = point.real("y", above=0, below=1)
best = a / (a + b)


def payoff(y):
    """a log y + b log(1 − y): the discriminator's gain at one point."""
    return a * log(y) + b * log(1 - y)


slope = D(payoff(y), y)


def rest_positive(pr, th):
    """`th` without the condition that 1 − a/(a + b) is positive, or not zero: it is b/(a + b)."""
    rest = pr.prove(eq(1 - best, b / (a + b)), algebra, quiet=True)
    positive = pr.linear(lt(0, 1 - best), (rest, -1), (pr.prove(lt(0, b / (a + b)), quiet=True), 1))
    for condition in th.conditions:
        th = kernel.meet_condition(th, pr.prove(condition, using(positive), quiet=True))
    return th


def at_the_maximum(pr):
    """The payoff at y* = a/(a + b), with 1 − y* = b/(a + b)."""
    return pr.prove(
        eq(payoff(best), a * log(a / (a + b)) + b * log(b / (a + b))),
        inside(reason("1 − a/(a + b) = b/(a + b)", algebra)),
    )


@cache
def largest_at_the_best():
    """The theorem that no payoff is above the one at a/(a + b), with its displayed steps."""
    pr = Prover(point.context)
    top = at_the_maximum(pr)
    first = tangent(pr, y, a / (a + b))
    second = tangent(pr, 1 - y, b / (a + b))
    th = pr.linear(le(payoff(y), payoff(best)), (first, a), (second, b), (top, -1))
    pr.note(th.statement, "a times the first and b times the second: the right sides cancel")
    return rest_positive(pr, th), tuple(pr.steps)


def pointwise_maximum(claim):
    th, steps = largest_at_the_best()
    pr = Prover(claim.context, steps=list(steps))
    return pr.done(th, claim.statement)


def unique_maximum(claim):
    pr = Prover(claim.context)
    away = pr.assume(ne(y, best))
    top = at_the_maximum(pr)
    first = strict_tangent(pr, y, a / (a + b), away)
    second = tangent(pr, 1 - y, b / (a + b))
    th = pr.linear(lt(payoff(y), payoff(best)), (first, a), (second, b), (top, -1))
    pr.note(th.statement, "a times the first and b times the second: the right sides cancel")
    return pr.done(kernel.discharge(rest_positive(pr, th), ne(y, best)), claim.statement)


def first_order(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(slope)
        .eq(a / y - b / (1 - y), reason("derivative of the logarithm", algebra))
        .eq((a - (a + b) * y) / (y * (1 - y)), reason("common denominator", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def second_order(claim):
    pr = Prover(claim.context)
    curvature = a / y**2 + b / (1 - y) ** 2
    same = pr.prove(eq(D(slope, y), -curvature), reason("differentiate once more", algebra))
    positive = pr.prove(lt(0, curvature), reason("both terms are positive", algebra))
    return pr.done(pr.linear(claim.statement, (same, -1), (positive, 1)), claim.statement)


def ratio_of_densities(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(best / (1 - best))
        .eq(best / (b / (a + b)), inside(reason("1 − a/(a + b) = b/(a + b)", algebra)))
        .eq(a / b, reason("a + b cancels", algebra))
    )
    return pr.done(rest_positive(pr, chain.theorem), claim.statement)


def divergence_of(a, b):
    """What the Jensen-Shannon divergence integrates, for the two densities at one point."""
    return half * (a * log(2 * a / (a + b)) + b * log(2 * b / (a + b)))


def both_tangents(pr, a, b, first, second):
    """From log(a + b) − log 2a and log(a + b) − log 2b to the integrand of the divergence."""
    op = lt if first.statement.op == "lt" else le
    th = pr.linear(op(0, divergence_of(a, b)), (first, a / 2), (second, b / 2))
    return noted(pr, th, "a/2 times the first and b/2 times the second: the right sides cancel")


@cache
def integrand_not_negative():
    """0 ≤ the integrand of the divergence, for positive a and b."""
    pr = Prover(point.context)
    return both_tangents(pr, a, b, tangent(pr, a + b, 2 * a), tangent(pr, a + b, 2 * b)), tuple(pr.steps)


def integrand_positive(pr):
    """0 < the integrand of the divergence where a ≠ b (a fact or an assumption of the prover's context)."""
    apart = pr.assume(ne(a, b))
    off = pr.prove(ne(b - a, 0), using(apart, words="a ≠ b"))
    first = strict_tangent(pr, a + b, 2 * a, pr.prove(ne(a + b, 2 * a), using(off, words="a ≠ b")))
    th = both_tangents(pr, a, b, first, tangent(pr, a + b, 2 * b))
    return kernel.discharge(th, ne(a, b))


def positive_where_they_differ(claim):
    pr = Prover(claim.context)
    return pr.done(integrand_positive(pr), claim.statement)


# -------------------------------------------------------------------------------------------------------- at all points

X = space("X")


def laws():
    """A measure, and two positive densities against it."""
    givens = Givens()
    mu = givens.measure("mu", X)
    return givens, mu, givens.distribution("p", mu, positive=True), givens.distribution("q", mu, positive=True)


bare, mu, p, q = laws()
jsd = JSD(mu, p, q)


def optimal(x):
    """D*(x) = p(x)/(p(x) + q(x))."""
    return p(x) / (p(x) + q(x))


def gain(x, d):
    """p(x) log d + q(x) log(1 − d)."""
    return p(x) * log(d) + q(x) * log(1 - d)


def value(discriminator):
    """V(D) = ∫ p log D + q log(1 − D) dμ."""
    return Int(mu, lambda x: gain(x, discriminator(x)))


def divergence_at(x):
    """What the Jensen-Shannon divergence integrates."""
    return divergence_of(p(x), q(x))


game = laws()[0]
game.assume("the divergence is finite", integrable(mu, divergence_at))

best_value = value(optimal)

# Linear combinations of integrals, for functions that nothing else is known of: an integral of a sum is split into the
# parts that are meant, and no others.
combination = laws()[0]
f = combination.function("f", X)
combination.assume("integrable", integrable(mu, lambda x: f(x)))


@cache
def divergence_and_constant():
    """∫ 2f − log 4 · (p/2 + q/2) = −log 4 + 2 ∫ f."""
    pr = Prover(combination.context)
    return pr.prove(
        eq(
            Int(mu, lambda x: 2 * f(x) - log(4) * (half * p(x) + half * q(x))),
            -log(4) + 2 * Int(mu, lambda x: f(x)),
        )
    )


def put(pr, th, function, words, known):
    """A result about f, used with another function in its place that is `known` to be integrable."""
    return noted(pr, kernel.instance(th, {f: lam(X, function)}, pr.context, known), words)


def value_identity(pr):
    """V(D*) = −log 4 + 2 JSD."""

    def at(pr, x):
        return (
            pr.chain(gain(x, optimal(x)))
            .eq(
                p(x) * log(p(x) / (p(x) + q(x))) + q(x) * log(q(x) / (p(x) + q(x))),
                inside(reason("1 − D* = q/(p + q)", algebra)),
            )
            .eq(
                2 * divergence_at(x) - log(4) * (half * p(x) + half * q(x)),
                reason("p/(p + q) = ½ · 2p/(p + q), and log ½ comes out of both logarithms", algebra),
            )
            .theorem
        )

    both = noted(pr, kernel.binder_congruence(pr.for_all(X, at), best_value), "the same at every x")
    finite = pr.given("the divergence is finite")
    linear = put(pr, divergence_and_constant(), divergence_at, "linearity; both densities integrate to one", finite)
    return kernel.transitivity(both, linear)


def value_of_the_game(claim):
    pr = Prover(claim.context)
    return pr.done(value_identity(pr), claim.statement)


problem = Problem(
    id=ID,
    title="Optimal discriminator",
    topic="generative",
    summary="The best discriminator of an adversarial game point by point, the game's value and its bounds.",
    sources=(
        "gan-optimal-discriminator",
        "gan-jensen-shannon",
        "gan-minimax-value",
        "gan-discriminator-cost",
        "density-ratio-from-discriminator",
        "cs-log-mixture-maximiser",
        "cs-gan-discriminator-loss",
        "cs-gan-optimal-discriminator",
        "cs-gan-global-optimum",
        "cs-jsd-properties",
        "udl-gan-loss-at-equality",
        "udl-gan-loss-jsd-relation",
    ),
    claims=(
        Claim(
            name="pointwise-maximum",
            summary="a log y + b log(1 − y) is largest at y = a/(a + b)",
            context=point.context,
            statement=le(payoff(y), payoff(best)),
            proof=pointwise_maximum,
        ),
        Claim(
            name="pointwise-unique",
            summary="and smaller everywhere else",
            context=point.context,
            statement=implies(ne(y, best), lt(payoff(y), payoff(best))),
            proof=unique_maximum,
        ),
        Claim(
            name="first-order",
            summary="the slope is (a − (a + b) y)/(y (1 − y)): zero at a/(a + b) alone",
            context=point.context,
            statement=eq(slope, (a - (a + b) * y) / (y * (1 - y))),
            proof=first_order,
        ),
        Claim(
            name="second-order",
            summary="the second derivative is negative",
            context=point.context,
            statement=lt(D(slope, y), 0),
            proof=second_order,
        ),
        Claim(
            name="density-ratio",
            summary="D*/(1 − D*) is the ratio of the densities",
            context=point.context,
            statement=eq(best / (1 - best), a / b),
            proof=ratio_of_densities,
        ),
        Claim(
            name="divergence-integrand",
            summary="the integrand of the divergence is positive where the densities differ",
            context=point.context,
            statement=implies(ne(a, b), lt(0, divergence_of(a, b))),
            proof=positive_where_they_differ,
        ),
        Claim(
            name="value",
            summary="V(D*) = −log 4 + 2 JSD(p, q)",
            context=game.context,
            statement=eq(value(optimal), -log(4) + 2 * jsd),
            proof=value_of_the_game,
        ),
    ),
)
