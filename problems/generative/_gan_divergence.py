"""The Jensen-Shannon divergence: 0 ≤ JSD ≤ log 2, symmetric, zero for equal laws, and on finite sets for them alone.

Its integrand is bounded at every point by tangents of the logarithm, and the bounds are integrated.
"""

from functools import cache

from _gan_game import X, divergence_at, divergence_of, game, jsd, laws, mu, p, q
from _gan_pointwise import a, b, half, noted, point, strict_tangent, tangent, weights

from derivcheck.language import (
    JSD,
    Givens,
    Int,
    Sum,
    counting,
    eq,
    implies,
    integrable,
    le,
    log,
    lt,
    ne,
    range_,
    unfold,
)
from derivcheck.problem import Claim, Misconception
from derivcheck.proof import Prover, algebra, inside, kernel, reason, using

# ---------------------------------------------------------------- the integrand, for the densities a and b at one point


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


def prove_divergence_integrand(claim):
    pr = Prover(claim.context)
    return pr.done(integrand_positive(pr), claim.statement)


divergence_integrand = Claim(
    name="divergence-integrand",
    summary="the integrand of the divergence is positive where the densities differ",
    context=point.context,
    statement=implies(ne(a, b), lt(0, divergence_of(a, b))),
    proof=prove_divergence_integrand,
)


# --------------------------------------------------------------------------------------------------------- the integral

#: Positive functions, whatever they integrate to.
positive = Givens()
positive.measure("mu", X)
positive.function("p", X, above=0)
positive.function("q", X, above=0)
positive.assume("the divergence is finite", integrable(mu, divergence_at))


@cache
def not_negative_theorem():
    """0 ≤ JSD, with its displayed steps."""
    small, steps = integrand_not_negative()
    pr = Prover(positive.context, steps=list(steps))
    everywhere = pr.for_all(X, lambda pr, x: kernel.instance(small, {a: p(x), b: q(x)}, pr.context))
    th = kernel.monotone(everywhere, Int(mu, lambda x: 0))
    zero = pr.prove(eq(0, Int(mu, lambda x: 0)), algebra, quiet=True)
    out = pr.settle(kernel.transitivity(zero, th), le(0, jsd))
    return noted(pr, out, "integrate, with a = p(x) and b = q(x)"), tuple(pr.steps)


def prove_divergence_not_negative(claim):
    th, steps = not_negative_theorem()
    return Prover(claim.context, steps=list(steps)).done(th, claim.statement)


divergence_not_negative = Claim(
    name="divergence-not-negative",
    summary="0 ≤ JSD(p, q), for any positive functions",
    context=positive.context,
    statement=le(0, jsd),
    proof=prove_divergence_not_negative,
)


def prove_divergence_symmetric(claim):
    pr = Prover(claim.context)

    def at(pr, x):
        return pr.prove(eq(divergence_of(q(x), p(x)), divergence_at(x)), reason("a sum in the other order", algebra))

    th = kernel.binder_congruence(pr.for_all(X, at), unfold(JSD(mu, q, p)))
    return pr.done(noted(pr, th, "the same at every x"), claim.statement)


divergence_symmetric = Claim(
    name="divergence-symmetric",
    summary="JSD(q, p) = JSD(p, q)",
    context=positive.context,
    statement=eq(JSD(mu, q, p), jsd),
    proof=prove_divergence_symmetric,
)


@cache
def at_most_theorem():
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


def prove_divergence_at_most_log_two(claim):
    th, steps = at_most_theorem()
    return Prover(claim.context, steps=list(steps)).done(th, claim.statement)


divergence_at_most_log_two = Claim(
    name="divergence-at-most-log-two",
    summary="JSD(p, q) ≤ log 2",
    context=game.context,
    statement=le(jsd, log(2)),
    proof=prove_divergence_at_most_log_two,
)


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


def prove_divergence_by_entropies(claim):
    pr = Prover(claim.context)
    chain = pr.chain(jsd).eq(
        claim.statement.args[1], reason("the logarithm of a quotient; 2p/(p + q) = p/m for m = (p + q)/2", algebra)
    )
    return pr.done(chain.theorem, claim.statement)


divergence_by_entropies = Claim(
    name="divergence-by-entropies",
    summary="JSD(p, q) = H((p + q)/2) − ½ H(p) − ½ H(q)",
    context=with_entropies.context,
    statement=eq(jsd, entropy(mixture) - half * entropy(p) - half * entropy(q)),
    proof=prove_divergence_by_entropies,
    misconceptions=(Misconception("without the halves", eq(jsd, entropy(mixture) - entropy(p) - entropy(q))),),
)


# ----------------------------------------------------------------------------------------------------------- equal laws

alone = Givens()
nu = alone.measure("mu", X)
law = alone.distribution("p", nu, positive=True)


def prove_divergence_of_equal_laws(claim):
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


divergence_of_equal_laws = Claim(
    name="divergence-of-equal-laws",
    summary="JSD(p, p) = 0",
    context=alone.context,
    statement=eq(JSD(nu, law, law), 0),
    proof=prove_divergence_of_equal_laws,
    not_applicable={"experiment": "what is integrated is zero everywhere: there is nothing to measure"},
)

finite = Givens()
n = finite.size("n")
support = range_(1, n)
P = finite.distribution("p", counting(support), positive=True)
Q = finite.distribution("q", counting(support), positive=True)
k = finite.index("k", n)


def prove_divergence_separates(claim):
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


divergence_separates = Claim(
    name="divergence-separates",
    summary="on a finite set, JSD(p, q) > 0 as soon as p and q differ at one point",
    context=finite.context,
    statement=implies(ne(P(k), Q(k)), lt(0, JSD(counting(support), P, Q))),
    proof=prove_divergence_separates,
)
