"""The best discriminator at one point: what maximises a log y + b log(1 − y), for the densities a and b there.

The logarithm lies below its tangents.  Those at y* = a/(a + b) and at 1 − y*, taken a and b times, add up to the
result: no payoff is above the one at y*.  One of them is strict where y is not y*.
"""

from fractions import Fraction
from functools import cache

from _gan_networks import discriminator_of_two_normal_densities

from derivcheck.language import D, Givens, eq, implies, le, log, lt, ne
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, inside, kernel, reason, using

half = Fraction(1, 2)


def noted(pr, th, words):
    """Record a theorem as a displayed step."""
    pr.note(th.statement, words)
    return th


# --------------------------------------------------------------------------------------- the logarithm and its tangents

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


# ------------------------------------------------------------------------------------------ the payoff, and its maximum

point = Givens()
a = point.real("a", above=0)
b = point.real("b", above=0)
weights = point.context
y = point.real("y", above=0, below=1)
best = a / (a + b)


def payoff(y):
    """a log y + b log(1 − y): the discriminator's gain at one point."""
    return a * log(y) + b * log(1 - y)


def rest_positive(pr, th, a, b):
    """`th` without the condition that 1 − a/(a + b) is positive, or not zero: it is b/(a + b)."""
    rest = pr.prove(eq(1 - a / (a + b), b / (a + b)), algebra, quiet=True)
    positive = pr.linear(lt(0, 1 - a / (a + b)), (rest, -1), (pr.prove(lt(0, b / (a + b)), quiet=True), 1))
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
    return rest_positive(pr, th, a, b), tuple(pr.steps)


def prove_pointwise_maximum(claim):
    th, steps = largest_at_the_best()
    pr = Prover(claim.context, steps=list(steps))
    return pr.done(th, claim.statement)


pointwise_maximum = Claim(
    name="pointwise-maximum",
    summary="a log y + b log(1 − y) is largest at y = a/(a + b), whether a and b are equal or not",
    context=point.context,
    statement=le(payoff(y), payoff(best)),
    proof=prove_pointwise_maximum,
    networks=(
        Measurement(
            "discriminator of two densities",
            "trained on samples of two normal densities, on a grid",
            discriminator_of_two_normal_densities,
        ),
    ),
    misconceptions=(
        Misconception("the share of the other law", le(payoff(y), payoff(b / (a + b)))),
        Misconception("one law counted twice", le(payoff(y), payoff(a / (a + 2 * b)))),
    ),
)


def prove_pointwise_unique(claim):
    pr = Prover(claim.context)
    away = pr.assume(ne(y, best))
    top = at_the_maximum(pr)
    first = strict_tangent(pr, y, a / (a + b), away)
    second = tangent(pr, 1 - y, b / (a + b))
    th = pr.linear(lt(payoff(y), payoff(best)), (first, a), (second, b), (top, -1))
    pr.note(th.statement, "a times the first and b times the second: the right sides cancel")
    return pr.done(kernel.discharge(rest_positive(pr, th, a, b), ne(y, best)), claim.statement)


pointwise_unique = Claim(
    name="pointwise-unique",
    summary="and smaller everywhere else",
    context=point.context,
    statement=implies(ne(y, best), lt(payoff(y), payoff(best))),
    proof=prove_pointwise_unique,
)


# ------------------------------------------------------------------------------------------------------ its derivatives

slope = D(payoff(y), y)


def prove_first_order(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(slope)
        .eq(a / y - b / (1 - y), reason("derivative of the logarithm", algebra))
        .eq((a - (a + b) * y) / (y * (1 - y)), reason("common denominator", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


first_order = Claim(
    name="first-order",
    summary="the slope is (a − (a + b) y)/(y (1 − y)): zero at a/(a + b) alone",
    context=point.context,
    statement=eq(slope, (a - (a + b) * y) / (y * (1 - y))),
    proof=prove_first_order,
)

second_derivative_printed = Claim(
    name="second-derivative-printed",
    summary="−a/y² − b/(1−y)² printed as the first derivative",
    context=point.context,
    statement=eq(slope, -a / y**2 - b / (1 - y) ** 2),
    as_printed=True,
)

curvature = a / y**2 + b / (1 - y) ** 2


def prove_curvature(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("derivative of a power", algebra)), claim.statement)


curvature_of_the_payoff = Claim(
    name="curvature",
    summary="the slope's derivative is −a/y² − b/(1−y)²",
    context=point.context,
    statement=eq(D(a / y - b / (1 - y), y), -curvature),
    proof=prove_curvature,
)


def prove_second_order(claim):
    pr = Prover(claim.context)
    same = pr.prove(eq(D(slope, y), -curvature), reason("differentiate once more", algebra))
    positive = pr.prove(lt(0, curvature), reason("both terms are positive", algebra))
    return pr.done(pr.linear(claim.statement, (same, -1), (positive, 1)), claim.statement)


second_order = Claim(
    name="second-order",
    summary="the second derivative is negative",
    context=point.context,
    statement=lt(D(slope, y), 0),
    proof=prove_second_order,
)


# -------------------------------------------------------------------- what the best discriminator says of the densities


def direct(claim, words):
    """A claim that is one step of algebra."""
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason(words, algebra)), claim.statement)


def prove_density_ratio(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(best / (1 - best))
        .eq(best / (b / (a + b)), inside(reason("1 − a/(a + b) = b/(a + b)", algebra)))
        .eq(a / b, reason("a + b cancels", algebra))
    )
    return pr.done(rest_positive(pr, chain.theorem, a, b), claim.statement)


density_ratio = Claim(
    name="density-ratio",
    summary="D*/(1 − D*) is the ratio of the densities",
    context=point.context,
    statement=eq(best / (1 - best), a / b),
    proof=prove_density_ratio,
)

best_of_equal_densities = Claim(
    name="best-of-equal-densities",
    summary="and where the densities are equal, D* is ½",
    context=point.context,
    statement=eq(a / (a + a), half),
    proof=lambda claim: direct(claim, "a cancels"),
)
