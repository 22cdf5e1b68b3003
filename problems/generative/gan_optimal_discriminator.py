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

from _gan_networks import (
    discriminator_of_two_normal_densities,
    discriminator_on_eight_points,
    value_on_eight_points,
)

from derivcheck.language import (
    JSD,
    KL,
    D,
    ForAll,
    Givens,
    Int,
    Sum,
    counting,
    eq,
    implies,
    ind,
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
from derivcheck.problem import Claim, Measurement, Misconception, Problem
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
weights = point.context
y = point.real("y", above=0, below=1)
best = a / (a + b)


def payoff(y):
    """a log y + b log(1 − y): the discriminator's gain at one point."""
    return a * log(y) + b * log(1 - y)


slope = D(payoff(y), y)


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
    return pr.done(kernel.discharge(rest_positive(pr, th, a, b), ne(y, best)), claim.statement)


def first_order(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(slope)
        .eq(a / y - b / (1 - y), reason("derivative of the logarithm", algebra))
        .eq((a - (a + b) * y) / (y * (1 - y)), reason("common denominator", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


curvature = a / y**2 + b / (1 - y) ** 2


def derivative_of_the_slope(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("derivative of a power", algebra)), claim.statement)


def second_order(claim):
    pr = Prover(claim.context)
    same = pr.prove(eq(D(slope, y), -curvature), reason("differentiate once more", algebra))
    positive = pr.prove(lt(0, curvature), reason("both terms are positive", algebra))
    return pr.done(pr.linear(claim.statement, (same, -1), (positive, 1)), claim.statement)


def direct(claim, words):
    """A claim that is one step of algebra."""
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason(words, algebra)), claim.statement)


def ratio_of_densities(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(best / (1 - best))
        .eq(best / (b / (a + b)), inside(reason("1 − a/(a + b) = b/(a + b)", algebra)))
        .eq(a / b, reason("a + b cancels", algebra))
    )
    return pr.done(rest_positive(pr, chain.theorem, a, b), claim.statement)


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
    """0 ≤ the integrand of the divergence, with its displayed steps."""
    pr = Prover(weights)
    return both_tangents(pr, a, b, tangent(pr, a + b, 2 * a), tangent(pr, a + b, 2 * b)), tuple(pr.steps)


@cache
def integrand_at_most():
    """The integrand of the divergence ≤ log 2 · (a + b)/2, with its displayed steps."""
    pr = Prover(weights)

    def below(x, other):
        share = pr.prove(lt(0, other / (a + b)), reason("densities are positive", algebra), quiet=True)
        ratio = pr.linear(le(2 * x / (a + b), 2), (share, 2))
        pr.note(ratio.statement, "a part is at most the whole")
        return noted(pr, kernel.increasing(ratio, "log"), "the logarithm increases")

    th = pr.linear(le(divergence_of(a, b), log(2) * (half * a + half * b)), (below(a, b), a / 2), (below(b, a), b / 2))
    return noted(pr, th, "a/2 times the first and b/2 times the second"), tuple(pr.steps)


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


#: Positive functions, whatever they integrate to.
positive = Givens()
positive.measure("mu", X)
positive.function("p", X, above=0)
positive.function("q", X, above=0)
positive.assume("the divergence is finite", integrable(mu, divergence_at))

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


@cache
def combination_exists():
    """2f − log 4 · (p/2 + q/2) is integrable."""
    return Prover(combination.context).prove(integrable(mu, lambda x: 2 * f(x) - log(4) * (half * p(x) + half * q(x))))


def put(pr, th, function, words, known):
    """A result about f, used with another function in its place that is `known` to be integrable."""
    return noted(pr, kernel.instance(th, {f: lam(X, function)}, pr.context, known), words)


@cache
def value_identity():
    """V(D*) = −log 4 + 2 JSD, with its displayed steps."""
    pr = Prover(game.context)

    def at(pr, x):
        th = (
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
        return rest_positive(pr, th, p(x), q(x))

    both = noted(pr, kernel.binder_congruence(pr.for_all(X, at), best_value), "the same at every x")
    finite = pr.given("the divergence is finite")
    linear = put(pr, divergence_and_constant(), divergence_at, "linearity; both densities integrate to one", finite)
    exists = kernel.instance(combination_exists(), {f: lam(X, divergence_at)}, pr.context, finite)
    th = kernel.meet_condition(kernel.transitivity(both, linear), exists)
    return pr.settle(th, eq(best_value, -log(4) + 2 * jsd)), tuple(pr.steps)


def value_of_the_game(claim):
    th, steps = value_identity()
    return Prover(claim.context, steps=list(steps)).done(th, claim.statement)


@cache
def divergence_not_negative():
    """0 ≤ JSD, with its displayed steps."""
    small, steps = integrand_not_negative()
    pr = Prover(positive.context, steps=list(steps))
    everywhere = pr.for_all(X, lambda pr, x: kernel.instance(small, {a: p(x), b: q(x)}, pr.context))
    th = kernel.monotone(everywhere, Int(mu, lambda x: 0))
    zero = pr.prove(eq(0, Int(mu, lambda x: 0)), algebra, quiet=True)
    out = pr.settle(kernel.transitivity(zero, th), le(0, jsd))
    return noted(pr, out, "integrate, with a = p(x) and b = q(x)"), tuple(pr.steps)


def divergence_is_not_negative(claim):
    th, steps = divergence_not_negative()
    return Prover(claim.context, steps=list(steps)).done(th, claim.statement)


def divergence_is_symmetric(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(eq(divergence_of(q(x), p(x)), divergence_at(x)), reason("a sum in the other order", algebra))

    th = kernel.binder_congruence(pr.for_all(X, at), unfold(JSD(mu, q, p)))
    return pr.done(noted(pr, th, "the same at every x"), claim.statement)


@cache
def divergence_at_most():
    """JSD ≤ log 2, with its displayed steps."""
    large, steps = integrand_at_most()
    pr = Prover(game.context, steps=list(steps))
    everywhere = pr.for_all(X, lambda pr, x: kernel.instance(large, {a: p(x), b: q(x)}, pr.context))
    th = pr.settle(
        kernel.monotone(everywhere, unfold(jsd)), le(jsd, Int(mu, lambda x: log(2) * (half * p(x) + half * q(x))))
    )
    pr.note(th.statement, "integrate, with a = p(x) and b = q(x)")
    total = pr.prove(eq(th.statement.args[1], log(2)), reason("linearity; both densities integrate to one", algebra))
    return kernel.transitivity(th, total), tuple(pr.steps)


def divergence_is_at_most_log_two(claim):
    th, steps = divergence_at_most()
    return Prover(claim.context, steps=list(steps)).done(th, claim.statement)


# The rest follows from three numbers and how they compare.
numbers = Givens()
V, J = numbers.real("V"), numbers.real("J")
numbers.assume("value", eq(V, -log(4) + 2 * J))
numbers.assume("bounds", le(0, J), le(J, log(2)))


def from_the_value(conclusion, words):
    """A proof of a statement about V(D*) and JSD from the value and the bounds of the divergence."""

    def proof(claim):
        th, steps = value_identity()
        pr = Prover(claim.context, steps=[*steps])
        lower = kernel.instance(divergence_not_negative()[0], {}, pr.context, pr.given("the divergence is finite"))
        upper = divergence_at_most()[0]
        pr.note(lower.statement, "the divergence is not negative")
        pr.note(upper.statement, "and at most log 2")
        general = Prover(numbers.context).prove(conclusion(V, J), algebra)
        out = kernel.instance(general, {V: best_value, J: jsd}, pr.context, [th, lower, upper])
        return pr.done(noted(pr, out, words), claim.statement)

    return dict(context=game.context, statement=conclusion(best_value, jsd), proof=proof)


def divergence_is_below_log_two(claim):
    th, steps = value_identity()
    pr = Prover(claim.context, steps=[*steps])
    negative = pr.prove(lt(best_value, 0), reason("logarithms of numbers below one are negative", algebra))
    below = Prover(numbers.context.assuming("negative", lt(V, 0))).prove(lt(J, log(2)), algebra)
    bounds = [
        kernel.instance(divergence_not_negative()[0], {}, pr.context, pr.given("the divergence is finite")),
        divergence_at_most()[0],
    ]
    out = kernel.instance(below, {V: best_value, J: jsd}, pr.context, [th, *bounds, negative])
    return pr.done(noted(pr, out, "½ log 4 = log 2"), claim.statement)


# ------------------------------------------------------------------------------------------------ any discriminator

# Nothing is asked of p and q but that they are positive: the best D is found point by point.
with_discriminator = Givens()
with_discriminator.measure("mu", X)
with_discriminator.function("p", X, above=0)
with_discriminator.function("q", X, above=0)
judge = with_discriminator.function("D", X, above=0, below=1)
with_discriminator.assume(
    "both values are finite",
    integrable(mu, lambda x: gain(x, judge(x))),
    integrable(mu, lambda x: gain(x, optimal(x))),
)


def two_functions(givens):
    """Two integrable functions, for what holds of the integrals of any two."""
    h, g = givens.function("h", X), givens.function("g", X)
    givens.assume("integrable", integrable(mu, lambda x: h(x)), integrable(mu, lambda x: g(x)))
    return givens, h, g


unrelated = Givens()
unrelated.measure("mu", X)
unrelated, h, g = two_functions(unrelated)
two_parts = two_functions(laws()[0])[0]


@cache
def integrals_compare():
    """∫ h ≤ ∫ g where h ≤ g everywhere."""
    context = unrelated.context.assuming("below", ForAll(X, lambda x: le(h(x), g(x))))
    (below,) = Prover(context).given("below")
    return kernel.monotone(below, Int(mu, lambda x: h(x)))


def no_discriminator_is_better(claim):
    th, steps = largest_at_the_best()
    pr = Prover(claim.context, steps=list(steps))
    everywhere = pr.for_all(X, lambda pr, x: kernel.instance(th, {a: p(x), b: q(x), y: judge(x)}, pr.context))
    known = [everywhere, *pr.given("both values are finite")]
    either = {h: lam(X, lambda x: gain(x, judge(x))), g: lam(X, lambda x: gain(x, optimal(x)))}
    out = kernel.instance(integrals_compare(), either, pr.context, known)
    pr.note(claim.statement, "integrate, with a = p(x), b = q(x) and y = D(x)")
    return pr.done(out, claim.statement)


#: A function g that is integrable, and another that is −g/2 everywhere.
multiple = Givens()
multiple.measure("mu", X)
multiple.function("h", X)
multiple.function("g", X)
multiple.assume("integrable", integrable(mu, lambda x: g(x)))
multiple.assume("multiple", ForAll(X, lambda x: eq(h(x), -half * g(x))))


@cache
def integral_of_the_multiple():
    """∫ h = −½ ∫ g."""
    pr = Prover(multiple.context)
    (everywhere,) = pr.given("multiple")
    both = kernel.binder_congruence(everywhere, Int(mu, lambda x: h(x)))
    linear = pr.prove(eq(Int(mu, lambda x: -half * g(x)), -half * Int(mu, lambda x: g(x))))
    return kernel.transitivity(both, linear)


def halves(x):
    """What the binary cross-entropy of balanced labels integrates."""
    return -half * (p(x) * log(judge(x))) - half * (q(x) * log(1 - judge(x)))


cross_entropy = Int(mu, halves)


def cross_entropy_and_value(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(eq(halves(x), -half * gain(x, judge(x))), reason("−½ is a common factor", algebra))

    everywhere = pr.for_all(X, at)
    parts = {h: lam(X, halves), g: lam(X, lambda x: gain(x, judge(x)))}
    known = [everywhere, *pr.given("both values are finite")]
    th = kernel.instance(integral_of_the_multiple(), parts, pr.context, known)
    pr.note(claim.statement, "integrate; a constant comes out of the integral")
    return pr.done(th, claim.statement)


# ------------------------------------------------------------------------------------------------------- equal laws

alone = Givens()
nu = alone.measure("mu", X)
law = alone.distribution("p", nu, positive=True)


def divergence_from_itself(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(
            eq(divergence_of(law(x), law(x)), 0), reason("2p/(p + p) = 1, and log 1 = 0", inside(algebra)), algebra
        )

    both = kernel.binder_congruence(pr.for_all(X, at), unfold(JSD(nu, law, law)))
    chain = (
        pr.chain(JSD(nu, law, law)).eq(both.statement.args[1], both).eq(0, reason("the integral of nothing", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def share_of_itself(x):
    """p log (p/(p + p))."""
    return law(x) * log(law(x) / (law(x) + law(x)))


loss_of_equal_laws = -Int(nu, share_of_itself) - Int(nu, share_of_itself)


def loss_at_equality(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(eq(share_of_itself(x), -log(2) * law(x)), reason("p/(p + p) = ½", inside(algebra)), algebra)

    one = kernel.binder_congruence(pr.for_all(X, at), Int(nu, share_of_itself))
    pr.note(one.statement, "the same at every x")
    whole = pr.prove(eq(one.statement.args[1], -log(2)), reason("the density integrates to one", algebra))
    each = kernel.transitivity(one, whole)
    return pr.done(pr.linear(claim.statement, (each, -2)), claim.statement)


# --------------------------------------------------------------------------------------- what the discriminator knows


def from_the_logit(x):
    """p log (D*/(1 − D*))."""
    return p(x) * log(optimal(x) / (1 - optimal(x)))


def divergence_from_the_logit(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        th = (
            pr.chain(p(x) * log(p(x) / q(x)))
            .eq(p(x) * log(optimal(x) / (q(x) / (p(x) + q(x)))), reason("expand by p + q", algebra))
            .eq(from_the_logit(x), inside(reason("q/(p + q) = 1 − D*", algebra)))
            .theorem
        )
        return rest_positive(pr, th, p(x), q(x))

    both = kernel.binder_congruence(pr.for_all(X, at), unfold(KL(mu, p, q)))
    return pr.done(noted(pr, both, "the same at every x"), claim.statement)


def entropy(density):
    """H = −∫ d log d."""
    return -Int(mu, lambda x: density(x) * log(density(x)))


def mixture(x):
    """(p + q)/2."""
    return half * p(x) + half * q(x)


with_entropies = laws()[0]
with_entropies.assume(
    "entropies are finite",
    *(integrable(mu, lambda x, d=d: d(x) * log(p(x) + q(x))) for d in (p, q)),
    *(integrable(mu, lambda x, d=d: d(x) * log(d(x))) for d in (p, q)),
)


def divergence_by_entropies(claim):
    pr = Prover(claim.context)
    chain = pr.chain(jsd).eq(
        claim.statement.args[1], reason("the logarithm of a quotient; 2p/(p + q) = p/m for m = (p + q)/2", algebra)
    )
    return pr.done(chain.theorem, claim.statement)


# A generator on finite sets: it carries the law of the noise to a law of samples.
generator = Givens()
n_z, n_x = generator.size("K"), generator.size("n")
noise_points, sample_points = range_(1, n_z), range_(1, n_x)
p_z = generator.distribution("p_Z", counting(noise_points))
G = generator.choice("G", noise_points, sample_points)
score = generator.vector("h", n_x)


def generated(x):
    """p_G(x): the probability of the noise that G carries to x."""
    return Sum(1, n_z, lambda z: p_z(z) * ind(eq(G(z), x)))


def two_forms_agree(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(Sum(1, n_x, lambda x: generated(x) * score(x)))
        .eq(
            Sum(1, n_z, lambda z: p_z(z) * Sum(1, n_x, lambda x: ind(eq(G(z), x)) * score(x))),
            reason("sum over the noise last", algebra),
        )
        .eq(Sum(1, n_z, lambda z: p_z(z) * score(G(z))), reason("the indicator picks x = G(z)", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


finite = Givens()
n = finite.size("n")
support = range_(1, n)
P = finite.distribution("p", counting(support), positive=True)
Q = finite.distribution("q", counting(support), positive=True)
k = finite.index("k", n)


def divergence_separates(claim):
    pr = Prover(claim.context)
    total = Sum(1, n, lambda i: divergence_of(P(i), Q(i)))
    small, _ = integrand_not_negative()
    strict = integrand_positive(Prover(weights, steps=pr.steps))
    apart = pr.assume(ne(P(k), Q(k)))
    here = kernel.modus_ponens(kernel.instance(strict, {a: P(k), b: Q(k)}, pr.context), apart)
    pr.note(here.statement, "the summand of a point where the laws differ")
    others = pr.for_all(support, lambda pr, i: kernel.instance(small, {a: P(i), b: Q(i)}, pr.context))
    pr.note(others.statement, "no summand is negative")
    one = kernel.term_at_most_sum(others, total, k)
    th = kernel.transitivity(here, noted(pr, one, "so one summand is at most their sum"))
    th = pr.settle(th, lt(0, JSD(counting(support), P, Q)))
    return pr.done(kernel.discharge(th, ne(P(k), Q(k))), claim.statement)


# --------------------------------------------------------------------------------------- the loss of a second source

apart = laws()[0]


def share_of_data(x):
    """p log (p/(p + q))."""
    return p(x) * log(p(x) / (p(x) + q(x)))


def share_of_model(x):
    """q log (q/(p + q))."""
    return q(x) * log(q(x) / (p(x) + q(x)))


apart.assume("both parts are integrable", integrable(mu, share_of_data), integrable(mu, share_of_model))
loss = -Int(mu, share_of_data) - Int(mu, share_of_model)


def loss_and_divergence(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(
            eq(
                divergence_at(x),
                half * share_of_data(x) + half * share_of_model(x) + log(2) * (half * p(x) + half * q(x)),
            ),
            reason("log 2 comes out of both logarithms", algebra),
        )

    both = kernel.binder_congruence(pr.for_all(X, at), unfold(jsd))
    pr.note(both.statement, "the same at every x")

    def body(x):
        return half * h(x) + half * g(x) + log(2) * (half * p(x) + half * q(x))

    inner = Prover(two_parts.context)
    linear = inner.prove(
        eq(Int(mu, body), log(2) - half * (-Int(mu, lambda x: h(x)) - Int(mu, lambda x: g(x)))), algebra
    )
    exists = inner.prove(integrable(mu, body), algebra)
    parts = {h: lam(X, share_of_data), g: lam(X, share_of_model)}
    known = pr.given("both parts are integrable")
    split = kernel.instance(linear, parts, pr.context, known)
    pr.note(split.statement, "linearity; both densities integrate to one")
    th = kernel.transitivity(both, split)
    if th.conditions:
        th = kernel.meet_condition(th, kernel.instance(exists, parts, pr.context, known))
    return pr.done(th, claim.statement)


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
        "cs-gan-value-function",
        "notes-gan-minimax",
        "cs-gan-optimal-discriminator",
        "cs-gan-global-optimum",
        "cs-jsd-properties",
        "udl-gan-loss-at-equality",
        "udl-gan-loss-jsd-relation",
    ),
    claims=(
        Claim(
            name="pointwise-maximum",
            summary="a log y + b log(1 − y) is largest at y = a/(a + b), whether a and b are equal or not",
            context=point.context,
            statement=le(payoff(y), payoff(best)),
            proof=pointwise_maximum,
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
            name="curvature",
            summary="the slope's derivative is −a/y² − b/(1−y)²",
            context=point.context,
            statement=eq(D(a / y - b / (1 - y), y), -curvature),
            proof=derivative_of_the_slope,
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
            name="best-of-equal-densities",
            summary="and where the densities are equal, D* is ½",
            context=point.context,
            statement=eq(a / (a + a), half),
            proof=lambda claim: direct(claim, "a cancels"),
        ),
        Claim(
            name="divergence-from-the-discriminator",
            summary="KL(p ‖ q) is the expectation under p of the logit of D*",
            context=bare.context,
            statement=eq(KL(mu, p, q), Int(mu, from_the_logit)),
            proof=divergence_from_the_logit,
            misconceptions=(
                Misconception("the logarithm of D* alone", eq(KL(mu, p, q), Int(mu, lambda x: p(x) * log(optimal(x))))),
            ),
        ),
        Claim(
            name="generated-law",
            summary="a mean over generated points is one over the noise: both forms of the game agree",
            context=generator.context,
            statement=eq(Sum(1, n_x, lambda x: generated(x) * score(x)), Sum(1, n_z, lambda z: p_z(z) * score(G(z)))),
            proof=two_forms_agree,
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
            networks=(
                Measurement(
                    "value at a trained discriminator",
                    "the game's value where training on two laws ends",
                    value_on_eight_points,
                ),
            ),
            misconceptions=(
                Misconception("log 2 for log 4", eq(best_value, -log(2) + 2 * jsd)),
                Misconception("the divergence is what the generator pays", eq(best_value, 2 * jsd)),
            ),
        ),
        Claim(
            name="optimal-discriminator",
            summary="V(D) ≤ V(D*) for every discriminator D",
            context=with_discriminator.context,
            statement=le(value(judge), best_value),
            proof=no_discriminator_is_better,
            networks=(
                Measurement(
                    "discriminator on eight points",
                    "a hidden layer, trained on samples of two laws on eight points",
                    discriminator_on_eight_points,
                ),
            ),
        ),
        Claim(
            name="cross-entropy",
            summary="the binary cross-entropy of balanced labels is −V(D)/2",
            context=with_discriminator.context,
            statement=eq(cross_entropy, -half * value(judge)),
            proof=cross_entropy_and_value,
        ),
        Claim(
            name="cross-entropy-printed",
            summary="+V(D)/2, as printed: the sign is lost",
            context=with_discriminator.context,
            statement=eq(cross_entropy, half * value(judge)),
            as_printed=True,
        ),
        Claim(
            name="divergence-not-negative",
            summary="0 ≤ JSD(p, q), for any positive functions",
            context=positive.context,
            statement=le(0, jsd),
            proof=divergence_is_not_negative,
        ),
        Claim(
            name="divergence-symmetric",
            summary="JSD(q, p) = JSD(p, q)",
            context=positive.context,
            statement=eq(JSD(mu, q, p), jsd),
            proof=divergence_is_symmetric,
        ),
        Claim(
            name="divergence-at-most-log-two",
            summary="JSD(p, q) ≤ log 2",
            context=game.context,
            statement=le(jsd, log(2)),
            proof=divergence_is_at_most_log_two,
        ),
        Claim(
            name="divergence-below-log-two",
            summary="and log 2 is not reached by densities that are positive everywhere",
            context=game.context,
            statement=lt(jsd, log(2)),
            proof=divergence_is_below_log_two,
        ),
        Claim(
            name="divergence-of-equal-laws",
            summary="JSD(p, p) = 0",
            context=alone.context,
            statement=eq(JSD(nu, law, law), 0),
            proof=divergence_from_itself,
            not_applicable={"experiment": "what is integrated is zero everywhere: there is nothing to measure"},
        ),
        Claim(
            name="divergence-by-entropies",
            summary="JSD(p, q) = H((p + q)/2) − ½ H(p) − ½ H(q)",
            context=with_entropies.context,
            statement=eq(jsd, entropy(mixture) - half * entropy(p) - half * entropy(q)),
            proof=divergence_by_entropies,
            misconceptions=(Misconception("without the halves", eq(jsd, entropy(mixture) - entropy(p) - entropy(q))),),
        ),
        Claim(
            name="divergence-separates",
            summary="on a finite set, JSD(p, q) > 0 as soon as p and q differ at one point",
            context=finite.context,
            statement=implies(ne(P(k), Q(k)), lt(0, JSD(counting(support), P, Q))),
            proof=divergence_separates,
        ),
        Claim(
            name="game-value-lower",
            summary="no generator brings the value below −log 4",
            **from_the_value(lambda V, J: le(-log(4), V), "the divergence is not negative"),
        ),
        Claim(
            name="game-value-upper",
            summary="and none gives a value above 0",
            **from_the_value(lambda V, J: le(V, 0), "the divergence is at most log 2 = ½ log 4"),
        ),
        Claim(
            name="discriminator-cost",
            summary="the least binary cross-entropy −V(D*)/2 is log 2 − JSD",
            **from_the_value(lambda V, J: eq(-half * V, log(2) - J), "½ log 4 = log 2"),
        ),
        Claim(
            name="loss-and-divergence",
            summary="JSD = log 2 − L/2 for L = −∫ p log p/(p+q) − ∫ q log q/(p+q)",
            context=apart.context,
            statement=eq(jsd, log(2) - half * loss),
            proof=loss_and_divergence,
        ),
        Claim(
            name="loss-of-equal-laws",
            summary="for equal laws the loss L is 2 log 2",
            context=alone.context,
            statement=eq(loss_of_equal_laws, 2 * log(2)),
            proof=loss_at_equality,
            misconceptions=(Misconception("the loss vanishes too", eq(loss_of_equal_laws, 0)),),
        ),
        Claim(
            name="loss-and-divergence-printed",
            summary="JSD = −L/2 − log 2, as printed: the sign of log 2 is wrong",
            context=apart.context,
            statement=eq(jsd, -half * loss - log(2)),
            as_printed=True,
        ),
        Claim(
            name="divergence-up-to-constant-printed",
            summary="the value is the divergence up to a constant, as printed: it is twice the divergence",
            context=game.context,
            statement=eq(best_value, -log(4) + jsd),
            as_printed=True,
        ),
        Claim(
            name="generator-maximises-printed",
            summary="the generator maximises, as printed: then no value would be above that of equal laws, −log 4",
            context=game.context,
            statement=le(best_value, -log(4)),
            as_printed=True,
        ),
        Claim(
            name="second-derivative-printed",
            summary="−a/y² − b/(1−y)² printed as the first derivative",
            context=point.context,
            statement=eq(slope, -a / y**2 - b / (1 - y) ** 2),
            as_printed=True,
        ),
    ),
)
