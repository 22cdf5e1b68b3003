"""The evidence lower bound of a latent-variable model.

Source: discussion 10 (variational autoencoders, problems 3 to 6, sections 4.1 and 4.2); Prince, Understanding Deep
Learning, problems 15.5, 17.4, 17.5 and 18.8; the course's summary sheet, variational autoencoder.

A latent z has the prior p(z), the observation x the likelihood l(z) = p(x | z), so that p(x) = ∫ p(z) l(z) dμ(z).  For
any law q of z,

    log p(x) = ELBO + KL(q ‖ p(·|x)),        ELBO = E_q log l − KL(q ‖ p) ≤ log p(x),

with equality where q is the posterior p(z) l(z) / p(x).  One proof serves every measure μ: sums over K latents,
densities on a line, or anything else.  What integrals need is stated: each part of the logarithm is integrable
under q, and 0 < p(x) < ∞.  The gradients (pathwise, score function, decoder) rest on exchanging ∂ with ∫; that exchange
is stated as the exact equation that is used.  Shown by exact sums over small latents, by a linear-Gaussian model whose
p(x) is known, and by a small model of real digits.
"""

from dataclasses import replace
from types import SimpleNamespace

from _elbo_networks import (
    digits_bound,
    gaussian_kl_of_an_encoder,
    linear_gaussian_gap,
    pathwise_in_a_network,
    posterior_as_encoder,
    score_function_in_a_network,
)

from derivcheck.language import (
    KL,
    D,
    E,
    ForAll,
    Givens,
    Index,
    Int,
    Sum,
    Var,
    counting,
    define,
    derivative_at,
    eq,
    exp,
    function,
    implies,
    integrable,
    ite,
    lam,
    le,
    log,
    lt,
    not_,
    num,
    pi,
    predicate,
    range_,
    real,
    reals,
    size_of,
    space,
    substitute,
    vector,
)
from derivcheck.problem import Claim, Measurement, Misconception, Problem
from derivcheck.proof import Prover, algebra, kernel, log_bound, reason, using

ID = "elbo"

elbo = define(
    "ELBO",
    lambda mu, q, p, likelihood: Int(mu, lambda z: q(z) * log(likelihood(z))) - KL(mu, q, p),
    r"\mathcal{{L}}({1})",
    scope=ID,
)
evidence = define("p_x", lambda mu, p, likelihood: Int(mu, lambda z: p(z) * likelihood(z)), r"p(x)", scope=ID)


def differentiable(value, at):
    """`value` has a derivative at every value of the real symbol `at`."""
    return predicate("differentiable", lam(reals, lambda x: substitute(value, {at: x})))


def posterior(o):
    """z ↦ p(z) l(z) / p(x)."""
    return lam(o.domain, lambda z: o.p(z) * o.l(z) / o.evidence)


def model(measure, domain, g, *, summable):
    """Prior, likelihood and a law q of the latent against `measure`, declared in `g`."""
    p = g.distribution("p", measure, positive=True)
    likelihood = g.function("l", domain, above=0)
    q = g.distribution("q", measure, positive=True)
    if not summable:
        g.assume(
            "finite evidence",
            integrable(measure, lambda z: p(z) * likelihood(z)),
            lt(0, Int(measure, lambda z: p(z) * likelihood(z))),
        )
        g.assume(
            "integrable logarithms",
            integrable(measure, lambda z: q(z) * log(q(z))),
            integrable(measure, lambda z: q(z) * log(p(z))),
            integrable(measure, lambda z: q(z) * log(likelihood(z))),
        )
    return SimpleNamespace(
        measure=measure,
        domain=domain,
        p=p,
        l=likelihood,
        q=q,
        evidence=evidence(measure, p, likelihood),
        elbo=elbo(measure, q, p, likelihood),
        context=g.context,
    )


def with_mean_under(law):
    """Two laws q and p of the latent, and a likelihood with a mean under `law`, which is "p" or "q".

    What the bound needs: the two parts of it are integrable, and the logarithm of a quotient need not be split.
    """
    g = Givens()
    Z = space("Z")
    mu = g.measure("mu", Z)
    p = g.distribution("p", mu, positive=True)
    likelihood = g.function("l", Z, above=0)
    q = g.distribution("q", mu, positive=True)
    weight = {"p": p, "q": q}[law]
    g.assume(
        "finite evidence",
        integrable(mu, lambda z: weight(z) * likelihood(z)),
        lt(0, Int(mu, lambda z: weight(z) * likelihood(z))),
    )
    g.assume(
        "integrable logarithms",
        integrable(mu, lambda z: q(z) * log(q(z) / p(z))),
        integrable(mu, lambda z: q(z) * log(likelihood(z))),
    )
    return SimpleNamespace(
        measure=mu, domain=Z, p=p, l=likelihood, q=q, evidence=evidence(mu, p, likelihood),
        elbo=elbo(mu, q, p, likelihood), context=g.context,
    )  # fmt: skip


def any_measure():
    g = Givens()
    Z = space("Z")
    return model(g.measure("mu", Z), Z, g, summable=False)


def finitely_many(*, no_gap=False):
    """K latents; with `no_gap`, it is given that the bound is tight."""
    g = Givens()
    values = range_(1, g.size("K"))
    o = model(counting(values), values, g, summable=True)
    if no_gap:
        # For instances: the posterior, or twice the posterior where p(x) is four; the latter is no law.
        weight, multiple = function("h", values), Index("m")

        def likelihood(k):
            return ite(eq(multiple, 1), weight(k), 4 * weight(k) / evidence(o.measure, o.p, weight))

        def declare(given):
            given.function("h", values, above=0)
            given.index("m", 2)

        g.assume(
            "no gap",
            eq(o.elbo, log(o.evidence)),
            model={
                o.l: lam(values, likelihood),
                o.q: lam(values, lambda k: real(multiple) * posterior(o)(k)),
            },
            auxiliary=declare,
        )
        o.context = g.context
    return o


general = any_measure()
mean_under_p, mean_under_q = with_mean_under("p"), with_mean_under("q")

# Any two integrable functions: the integral of their difference is split into these two and no others.
two_functions = Givens()
Z_uv = space("Z")
mu_uv = two_functions.measure("mu", Z_uv)
u, v = two_functions.function("u", Z_uv), two_functions.function("v", Z_uv)
two_functions.assume("integrable", integrable(mu_uv, lambda z: u(z)), integrable(mu_uv, lambda z: v(z)))
finite = finitely_many()
gapless = finitely_many(no_gap=True)


def gap(o):
    return KL(o.measure, o.q, posterior(o))


def half_kl(o):
    """The objective with half the KL to the prior."""
    return Int(o.measure, lambda z: o.q(z) * log(o.l(z))) - KL(o.measure, o.q, o.p) / 2


def identity(o):
    """log p(x) = ELBO + KL(q ‖ posterior) for the model `o`: the same steps for sums and integrals."""

    def prove(claim):
        pr = Prover(claim.context)
        chain = (
            pr.chain(o.elbo + gap(o))
            .eq(
                Int(o.measure, lambda z: o.q(z) * log(o.l(z)))
                - Int(o.measure, lambda z: o.q(z) * (log(o.q(z)) - log(o.p(z))))
                + Int(o.measure, lambda z: o.q(z) * (log(o.q(z)) - log(o.p(z)) - log(o.l(z)) + log(o.evidence))),
                reason("Bayes' rule, and the logarithm of each quotient", algebra),
            )
            .eq(
                Int(o.measure, lambda z: o.q(z) * log(o.evidence)),
                reason("the expectations of log q, log p and log l cancel", algebra),
            )
            .eq(log(o.evidence), reason("q integrates to one; p(x) does not depend on z", algebra))
        )
        return pr.done(chain.theorem, claim.statement)

    return prove


# ------------------------------------------------------------------------------------------------------- the bound


def ratio(o, z):
    """p(z) l(z) / (q(z) p(x)): posterior over q."""
    return o.p(z) * o.l(z) / (o.q(z) * o.evidence)


def bound(o):
    """ELBO ≤ log p(x) for the model `o`, by log y ≤ y − 1 (the supporting line of the logarithm at 1)."""

    def prove(claim):
        pr = Prover(claim.context)
        chain = (
            pr.chain(o.elbo - log(o.evidence))
            .eq(
                Int(o.measure, lambda z: o.q(z) * log(ratio(o, z))),
                reason("one logarithm; q integrates to one", algebra),
            )
            .le(Int(o.measure, lambda z: o.q(z) * (ratio(o, z) - 1)), log_bound)
            .eq(0, reason("prior times likelihood integrates to p(x), and q to one", algebra))
        )
        return pr.done(pr.linear(claim.statement, (chain.theorem, 1)), claim.statement)

    return prove


def bound_point_by_point(o, mean, rest, ratios):
    """ELBO ≤ log `mean`, from q log l − q log(q/p) ≤ q log `mean` + `rest` by log y ≤ y − 1 for each of the `ratios`.

    The `rest` integrates to zero.
    """

    def fit(z):
        return o.q(z) * log(o.l(z))

    def divergence(z):
        return o.q(z) * log(o.q(z) / o.p(z))

    def above(z):
        return o.q(z) * log(mean) + rest(z)

    def prove(claim):
        pr = Prover(claim.context)

        def at(pr, z):
            tangents = [(kernel.log_bound(pr.context, y), o.q(z)) for y in ratios(z)]
            return pr.linear(le(fit(z) - divergence(z), above(z)), *tangents)

        everywhere = pr.for_all(o.domain, at)
        pr.note(everywhere.statement, "log y ≤ y − 1, times q")
        whole = kernel.monotone(everywhere, Int(o.measure, lambda z: fit(z) - divergence(z)))
        split = Prover(two_functions.context).prove(
            eq(Int(mu_uv, lambda z: u(z)) - Int(mu_uv, lambda z: v(z)), Int(mu_uv, lambda z: u(z) - v(z)))
        )
        parts = {u: lam(o.domain, fit), v: lam(o.domain, divergence)}
        two = kernel.instance(split, parts, pr.context, pr.given("integrable logarithms"))
        pr.note(two.statement, "both parts are integrable")
        total = pr.prove(eq(whole.statement.args[1], log(mean)), reason("the rest integrates to zero", algebra))
        one = kernel.definition(two, eq(o.elbo, whole.statement.args[0]))
        return pr.done(kernel.transitivity(kernel.transitivity(one, whole), total), claim.statement)

    return prove


def bound_for_densities(claim):
    o = mean_under_p
    return bound_point_by_point(
        o, o.evidence, lambda z: o.p(z) * o.l(z) / o.evidence - o.q(z), lambda z: [ratio(o, z)]
    )(claim)


def bound_by_the_law(o):
    """ELBO ≤ log ∫ q l, whatever the prior: Jensen's inequality, and KL(q ‖ p) ≥ 0."""
    mean = evidence(o.measure, o.q, o.l)
    return bound_point_by_point(
        o,
        mean,
        lambda z: o.q(z) * o.l(z) / mean - o.q(z) + (o.p(z) - o.q(z)),
        lambda z: [o.l(z) / mean, o.p(z) / o.q(z)],
    )


def finite_bound_by_the_law(claim):
    pr = Prover(claim.context)
    o = finite
    mean = evidence(o.measure, o.q, o.l)
    chain = (
        pr.chain(o.elbo - log(mean))
        .eq(
            Int(o.measure, lambda z: o.q(z) * log(o.l(z) / mean))
            + Int(o.measure, lambda z: o.q(z) * log(o.p(z) / o.q(z))),
            reason("q sums to one", algebra),
        )
        .le(
            Int(o.measure, lambda z: o.q(z) * (o.l(z) / mean - 1))
            + Int(o.measure, lambda z: o.q(z) * (o.p(z) / o.q(z) - 1)),
            log_bound,
        )
        .eq(0, reason("p and q sum to one", algebra))
    )
    return pr.done(pr.linear(claim.statement, (chain.theorem, 1)), claim.statement)


def gibbs(o):
    """KL(q ‖ posterior) ≥ 0 for the model `o`."""

    def prove(claim):
        pr = Prover(claim.context)
        chain = (
            pr.chain(-gap(o))
            .eq(
                Int(o.measure, lambda z: o.q(z) * log(ratio(o, z))),
                reason("turn the quotient over", algebra),
            )
            .le(Int(o.measure, lambda z: o.q(z) * (ratio(o, z) - 1)), log_bound)
            .eq(0, reason("the posterior and q integrate to one", algebra))
        )
        return pr.done(pr.linear(claim.statement, (chain.theorem, 1)), claim.statement)

    return prove


def two_laws():
    """Two densities whose divergence is finite, and a positive function with an expectation under the first."""
    g = Givens()
    Z = space("Z")
    mu = g.measure("mu", Z)
    p = g.distribution("p", mu, positive=True)
    q = g.distribution("q", mu, positive=True)
    g.assume("integrable logarithms", integrable(mu, lambda z: q(z) * log(q(z) / p(z))))
    return SimpleNamespace(measure=mu, domain=Z, p=p, q=q, context=g.context, divergence=KL(mu, q, p))


laws = two_laws()


def divergence_lower_bound(pr, o):
    """``0 ≤ KL(q ‖ p)``: q log(q/p) ≥ q − p at every point."""

    def at(pr, z):
        turned = o.p(z) / o.q(z)
        return pr.linear(
            le(o.q(z) - o.p(z), o.q(z) * log(o.q(z) / o.p(z))), (kernel.log_bound(pr.context, turned), o.q(z))
        )

    everywhere = pr.for_all(o.domain, at)
    pr.note(everywhere.statement, "log y ≤ y − 1 at y = p/q, times q")
    whole = kernel.monotone(everywhere, Int(o.measure, lambda z: o.q(z) - o.p(z)))
    none = pr.prove(eq(0, whole.statement.args[0]), reason("both densities integrate to one", algebra))
    return pr.settle(kernel.transitivity(none, whole), le(0, KL(o.measure, o.q, o.p)))


def joint_form(claim):
    pr = Prover(claim.context)
    o = general
    chain = (
        pr.chain(o.elbo)
        .eq(
            Int(o.measure, lambda z: o.q(z) * (log(o.l(z)) - log(o.q(z) / o.p(z)))),
            reason("one integral", algebra),
        )
        .eq(claim.statement.args[1], reason("p(z) l(z) is the joint density", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def kl_is_not_negative(claim):
    """KL(q ‖ p) ≥ 0 for any two densities."""
    pr = Prover(claim.context)
    return pr.done(divergence_lower_bound(pr, laws), claim.statement)


entropy_of_q = -Int(general.measure, lambda z: general.q(z) * log(general.q(z)))
cross_entropy_of_q = -Int(general.measure, lambda z: general.q(z) * log(general.p(z)))


# -------------------------------------------------------------------------------------------------------- equality


def at_the_posterior():
    g = Givens()
    Z = space("Z")
    mu = g.measure("mu", Z)
    p = g.function("p", Z, above=0)  # a prior; what it integrates to does not matter here
    likelihood = g.function("l", Z, above=0)

    def joint(z):
        return p(z) * likelihood(z)

    g.assume("finite evidence", integrable(mu, joint), lt(0, Int(mu, joint)))
    o = SimpleNamespace(measure=mu, domain=Z, p=p, l=likelihood, evidence=evidence(mu, p, likelihood))
    law = posterior(o)
    g.assume("integrable logarithms", integrable(mu, lambda z: law(z) * log(likelihood(z))))
    o.context = g.context
    o.elbo = elbo(mu, posterior(o), p, likelihood)
    return o


tight = at_the_posterior()


def equality_at_the_posterior(claim):
    pr = Prover(claim.context)
    o = tight
    law = posterior(o)
    chain = (
        pr.chain(o.elbo)
        .eq(
            Int(o.measure, lambda z: law(z) * log(o.l(z)))
            - Int(o.measure, lambda z: law(z) * log(o.l(z) / o.evidence)),
            reason("posterior over prior is l(z)/p(x)", algebra),
        )
        .eq(
            Int(o.measure, lambda z: law(z) * log(o.evidence)),
            reason("the expectations of log l cancel", algebra),
        )
        .eq(log(o.evidence), reason("the posterior integrates to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def impossible(pr, positive, not_positive, goal):
    """Anything follows from 0 < s and s ≤ 0."""
    denied = kernel.normal_form(pr.context, not_(not_positive.statement), [positive])
    return kernel.modus_ponens(kernel.normal_form(pr.context, implies(denied.statement, goal), [not_positive]), denied)


def equality_only_at_the_posterior(claim):
    pr = Prover(claim.context)
    o = gapless
    law = posterior(o)
    values = o.domain.args[1]

    def slack(k):
        return o.q(k) * (ratio(o, k) - 1 - log(ratio(o, k)))

    total = Sum(1, values, slack)
    (equality,) = pr.given("no gap")
    each = pr.for_all(
        o.domain,
        lambda pr, k: pr.linear(le(0, slack(k)), (kernel.log_bound(pr.context, ratio(o, k)), o.q(k))),
    )
    pr.note(each.statement, "log y ≤ y − 1")
    is_gap = pr.prove(eq(total, log(o.evidence) - o.elbo), reason("their sum is the gap, which is none", algebra))
    none = pr.linear(eq(total, 0), (is_gap, 1), (equality, -1))

    def at(pr, k):
        y = ratio(o, k)
        below = pr.linear(le(slack(k), 0), (kernel.term_at_most_sum(pr.bring(each), total, k), 1), (none, 1))
        goal = eq(o.q(k), law(k))

        def unequal(th):
            strict = kernel.meet_condition(kernel.log_bound_strict(pr.context, y), th)
            return impossible(pr, pr.linear(lt(0, slack(k)), (strict, o.q(k))), below, goal)

        out = pr.cases(eq(y, 1), lambda th: pr.linear(goal, (th, -o.q(k))), unequal)
        pr.note(goal, "a summand of the gap is at most the gap, and log y < y − 1 unless y = 1")
        return out

    return pr.done(pr.for_all(o.domain, at), claim.statement)


# -------------------------------------------------------------------------------------------------- many data points


def data_set():
    """K latents, and a likelihood and a law q for each of N data points.

    The worksheet prints one sum to N and the other to n; both run over the same data here.
    """
    g = Givens()
    N, K = g.size("N"), g.size("K")
    points, values = range_(1, N), range_(1, K)
    p = g.distribution("p", counting(values), positive=True)
    likelihood = g.array("l", points, values, above=0)
    q = g.distribution("q", counting(values), given=(points,), positive=True)

    def row(f, i):
        return lam(values, lambda k: f(i, k))

    return SimpleNamespace(
        N=N,
        K=K,
        p=p,
        l=likelihood,
        q=q,
        context=g.context,
        bound=lambda i: elbo(counting(values), row(q, i), p, row(likelihood, i)),
        evidence=lambda i: evidence(counting(values), p, row(likelihood, i)),
    )


data = data_set()


def bound_for_a_data_set(claim):
    pr = Prover(claim.context)
    o = data
    weights = finite.context.without("p", "normalised")  # the bound does not ask what the prior sums to
    single = bound(finite)(replace(claim, context=weights, statement=le(finite.elbo, log(finite.evidence))))
    values = range_(1, o.K)

    def at(pr, i):
        mapping = {
            finite.domain.args[1]: o.K,
            finite.p: o.p,
            finite.l: lam(values, lambda k: o.l(i, k)),
            finite.q: lam(values, lambda k: o.q(i, k)),
        }
        one = kernel.instance(single.theorem, mapping, pr.context)
        return pr.linear(le(o.bound(i), log(o.evidence(i))), (one, 1))

    each = pr.for_all(range_(1, o.N), at)
    pr.note(each.statement, "the bound for one data point")
    th = kernel.monotone(each, claim.statement.args[0])
    return pr.done(th, claim.statement)


# ----------------------------------------------------------------------------------------------------- Gaussian KL


log_normal = define(
    "log_N",
    lambda x, mean, variance: (
        -Sum(1, size_of(x), lambda j: log(2 * pi * variance(j)) + (x(j) - mean(j)) ** 2 / variance(j)) / 2
    ),
    r"\log N({0}; {1}, \operatorname{{diag}} {2})",
    scope=ID,
)


gaussian = Givens()
dimension = gaussian.size("d")
a, b = gaussian.vector("a", dimension), gaussian.vector("b", dimension)
A, B = gaussian.vector("A", dimension, above=0), gaussian.vector("B", dimension, above=0)
P = gaussian.probability()
sample = gaussian.random(
    "z", range_(1, dimension), measure=P, mean=lambda j: a(j), variance=lambda j: A(j), normal=True
)


coordinate = gaussian.index("k", dimension)


def at_sample(w):
    return vector(dimension, lambda j: sample(j, w))


def log_ratio(w):
    """log q(z) − log p(z) for q = N(a, diag A) and p = N(b, diag B), at a draw z of q."""
    return log_normal(at_sample(w), a, A) - log_normal(at_sample(w), b, B)


gaussian_kl = E(P, log_ratio)
closed_kl = Sum(1, dimension, lambda j: A(j) / B(j) + (a(j) - b(j)) ** 2 / B(j) - 1 - log(A(j) / B(j))) / 2


def gaussian_kl_in_closed_form(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(gaussian_kl)
        .eq(
            Sum(
                1,
                dimension,
                lambda j: (
                    log(B(j))
                    - log(A(j))
                    - E(P, lambda w: (sample(j, w) - a(j)) ** 2) / A(j)
                    + E(P, lambda w: (sample(j, w) - b(j)) ** 2) / B(j)
                ),
            )
            / 2,
            reason("coordinate by coordinate; the constants log 2π cancel", algebra),
        )
        .eq(
            Sum(1, dimension, lambda j: log(B(j)) - log(A(j)) - 1 + (A(j) + (a(j) - b(j)) ** 2) / B(j)) / 2,
            reason("E(z − b)² = A + (a − b)²", algebra),
        )
        .eq(closed_kl, algebra)
    )
    return pr.done(chain.theorem, claim.statement)


standard = Givens()
d_0 = standard.size("d")
m_0 = standard.vector("m", d_0)
s_0 = standard.vector("s", d_0, above=0)
P_0 = standard.probability()
z_0 = standard.random("z", range_(1, d_0), measure=P_0, mean=lambda j: m_0(j), variance=lambda j: s_0(j), normal=True)


standard_kl = E(
    P_0,
    lambda w: (
        log_normal(vector(d_0, lambda j: z_0(j, w)), m_0, s_0)
        - log_normal(vector(d_0, lambda j: z_0(j, w)), vector(d_0, lambda j: num(0)), vector(d_0, lambda j: num(1)))
    ),
)
standard_closed = Sum(1, d_0, lambda j: s_0(j) + m_0(j) ** 2 - 1 - log(s_0(j))) / 2


def closed_form_at_once(words):
    def prove(claim):
        pr = Prover(claim.context)
        return pr.done(pr.prove(claim.statement, reason(words, algebra)), claim.statement)

    return prove


def mean_gradient(claim):
    pr = Prover(claim.context)
    k = coordinate
    chain = (
        pr.chain(D(closed_kl, b(k)))
        .eq(D((a(k) - b(k)) ** 2 / B(k), b(k)) / 2, reason("b_k stands in one summand alone", algebra))
        .eq((b(k) - a(k)) / B(k), reason("derivative of a square", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


single = Givens()
mu_1, mu_2 = single.real("mu_1"), single.real("mu_2")
s_1, s_2 = single.real("sigma_1", above=0), single.real("sigma_2", above=0)
P_1 = single.probability()
z_1 = single.random("z", measure=P_1, mean=mu_1, variance=s_1**2, normal=True)


def log_density(x, mean, deviation):
    """log N(x; mean, deviation²)."""
    return -log(2 * pi) / 2 - log(deviation) - (x - mean) ** 2 / (2 * deviation**2)


single_kl = E(P_1, lambda w: log_density(z_1(w), mu_1, s_1) - log_density(z_1(w), mu_2, s_2))
single_closed = log(s_2 / s_1) + (s_1**2 + (mu_1 - mu_2) ** 2) / (2 * s_2**2) - num(1) / 2


cross_entropy_term = E(P, lambda w: log_normal(at_sample(w), b, B))


def cross_entropy_closed(size):
    """The closed form, with `size` copies of the constant."""
    return (
        -size / 2 * log(2 * pi)
        - Sum(1, dimension, lambda j: log(B(j))) / 2
        - Sum(1, dimension, lambda j: (A(j) + (a(j) - b(j)) ** 2) / B(j)) / 2
    )


# -------------------------------------------------------------------------------------------------------- gradients

path = Givens()
centre = path.real("mu")
scale = path.real("sigma")
f = path.function("f", differentiable=True)
P_path = path.probability()
noise = path.random("epsilon", measure=P_path, mean=0, variance=1)  # any law that is free of μ and σ


def drawn(w):
    """z = μ + σ ε."""
    return centre + scale * noise(w)


def slope(w):
    """f'(μ + σ ε)."""
    return derivative_at(lambda x: f(x), drawn(w))


mean_of_f = E(P_path, lambda w: f(drawn(w)))
under_mu = eq(D(mean_of_f, centre), E(P_path, lambda w: D(f(drawn(w)), centre)))
under_sigma = eq(D(mean_of_f, scale), E(P_path, lambda w: D(f(drawn(w)), scale)))
path.assume(
    "exchange of ∂/∂μ and E",
    under_mu,
    differentiable(mean_of_f, centre),
    integrable(P_path, slope),
)
path.assume(
    "exchange of ∂/∂σ and E",
    under_sigma,
    differentiable(mean_of_f, scale),
    integrable(P_path, lambda w: slope(w) * noise(w)),
)


# ------------------------------------------------------------------------------------------------------- score function


def exponential_family(Z):
    """What an exponential family is made of, for instances: h > 0 and a statistic T."""

    def declare(g):
        g.function("h", Z, above=0)
        g.function("T", Z)

    return declare


def family():
    """Densities q(θ, ·) > 0 against μ, differentiable in θ, for every real θ."""
    g = Givens()
    Z = space("Z")
    mu = g.measure("mu", Z)
    theta = g.real("theta")
    h, T = function("h", Z), function("T", Z)
    q = g.function("q", reals, Z, above=0, differentiable=True)
    f = g.function("f", Z)

    def weight(t, z):
        return h(z) * exp(t * T(z))

    g.assume(
        "normalised for every θ",
        ForAll(reals, lambda t: eq(Int(mu, lambda z: q(t, z)), 1)),
        # For instances: an exponential family.
        model={q: lam(reals, lambda t: lam(Z, lambda z: weight(t, z) / Int(mu, lambda y: weight(t, y))))},
        auxiliary=exponential_family(Z),
    )
    expectation = Int(mu, lambda z: q(theta, z) * f(z))
    exchange = eq(D(expectation, theta), Int(mu, lambda z: D(q(theta, z) * f(z), theta)))
    exchange_1 = eq(D(Int(mu, lambda z: q(theta, z)), theta), Int(mu, lambda z: D(q(theta, z), theta)))
    g.assume(
        "exchange of ∂/∂θ and ∫ q f",
        exchange,
        differentiable(expectation, theta),
        integrable(mu, lambda z: D(q(theta, z), theta) * f(z)),
    )
    g.assume("exchange of ∂/∂θ and ∫ q", exchange_1, integrable(mu, lambda z: D(q(theta, z), theta)))
    return SimpleNamespace(
        mu=mu, theta=theta, q=q, f=f, context=g.context, expectation=expectation, exchange=exchange,
        exchange_1=exchange_1, score=lambda z: D(log(q(theta, z)), theta), Z=Z,
    )  # fmt: skip


scored = family()


def decoding():
    """A likelihood l(θ, z) > 0 that is differentiable in θ; p and q do not depend on θ."""
    g = Givens()
    Z = space("Z")
    mu = g.measure("mu", Z)
    theta = g.real("theta")
    h, T = function("h", Z), function("T", Z)
    p = g.distribution("p", mu, positive=True)
    q = g.distribution("q", mu, positive=True)
    likelihood = g.function("l", reals, Z, above=0, differentiable=True)

    def summand(z):
        return q(z) * log(p(z) * likelihood(theta, z) / q(z))

    total = Int(mu, summand)
    exchange = eq(D(total, theta), Int(mu, lambda z: D(summand(z), theta)))
    g.assume(
        "exchange of ∂/∂θ and E_q",
        exchange,
        differentiable(total, theta),
        integrable(mu, lambda z: D(summand(z), theta)),
        # For instances: an exponential family without its normaliser.
        model={likelihood: lam(reals, lambda t: lam(Z, lambda z: h(z) * exp(t * T(z))))},
        auxiliary=exponential_family(Z),
    )
    return SimpleNamespace(
        mu=mu, theta=theta, p=p, q=q, l=likelihood, context=g.context, elbo=total, exchange=exchange,
        joint=lambda z: p(z) * likelihood(theta, z),
        evidence=Int(mu, lambda z: p(z) * likelihood(theta, z)),
    )  # fmt: skip


decoder = decoding()


def by_exchange(exchange, words):
    """A derivative of an expectation: the exchange as assumed, then the derivative inside."""

    def prove(claim):
        pr = Prover(claim.context)
        left, right = claim.statement.args
        chain = (
            pr.chain(left)
            .eq(exchange.args[1], using(pr.fact(exchange), words="the exchange, as assumed"))
            .eq(right, reason(words, algebra))
        )
        return pr.done(chain.theorem, claim.statement)

    return prove


def score_has_mean_zero(claim):
    pr = Prover(claim.context)
    o = scored
    score, zero = claim.statement.args
    moved = pr.fact(o.exchange_1)
    pr.note(moved.statement, "the exchange, as assumed")
    none = pr.linear(eq(o.exchange_1.args[1], zero), (moved, -1))
    pr.note(none.statement, "the integral is one for every θ: its derivative is zero")
    whole = pr.prove(eq(score, o.exchange_1.args[1]), reason("q ∂ log q = ∂q", algebra))
    return pr.done(kernel.transitivity(whole, none), claim.statement)


square = Givens()
theta_sq = square.real("theta")
P_sq = square.probability()
noise_sq = square.random("epsilon", measure=P_sq, mean=0, variance=1, normal=True)
mean_square = E(P_sq, lambda w: (theta_sq + noise_sq(w)) ** 2)


def square_gradient(claim):
    pr = Prover(claim.context)
    inner = pr.for_all(
        reals,
        lambda pr, x: pr.prove(
            eq(E(P_sq, lambda w: (x + noise_sq(w)) ** 2), x**2 + 1), reason("E ε = 0 and E ε² = 1", algebra)
        ),
    )
    left, right = claim.statement.args
    everywhere = kernel.derivative_congruence(inner, left)
    value = pr.prove(eq(everywhere.statement.args[1], right), reason("derivative of θ² + 1", algebra))
    return pr.done(kernel.transitivity(everywhere, value), claim.statement)


# -------------------------------------------------------------------------------------------------------------- claims

analytic = ("finite evidence", "integrable logarithms")
expected_fit = Int(general.measure, lambda z: general.q(z) * log(general.l(z)))
law_of_general = posterior(general)
log_evidence = log(general.evidence)
finite_sums = {"experiment": "finite sums, which the instances evaluate; nothing is estimated or differentiated"}
draws = Givens()
number_of_draws = draws.size("I")


def weighted_score(z):
    """q(θ, z) f(z) ∂ log q(θ, z)/∂θ."""
    return scored.q(scored.theta, z) * scored.f(z) * scored.score(z)


problem = Problem(
    id=ID,
    title="Evidence lower bound",
    topic="latent_variables",
    summary="The bound, its gap, when it is tight, the Gaussian KL in closed form, and the gradients that train it.",
    sources=(
        "elbo-kl-form",
        "elbo-jensen",
        "elbo-sampling-distribution",
        "entropy-kl-identity",
        "reparameterization-trick",
        "reparameterization-gaussian-square",
        "score-function-gradient",
        "vae-encoder-decoder-bernoulli",
        "udl-elbo-from-posterior-kl",
        "udl-score-function-estimator",
        "udl-gaussian-kl-univariate",
        "udl-gaussian-kl-multivariate-diffusion",
        "cs-vae-objective",
        "cs-elbo-derivation",
        "cs-elbo-joint-form",
        "cs-elbo-decoder-gradient",
        "cs-kl-nonnegative",
        "cs-gaussian-kl-diagonal",
        "cs-gaussian-cross-entropy-diagonal",
        "cs-reparameterised-gradient",
    ),
    claims=(
        Claim(
            name="identity",
            summary="log p(x) = ELBO + KL(q ‖ p(·|x)), for sums and for densities alike",
            context=general.context,
            statement=eq(log_evidence, general.elbo + gap(general)),
            proof=identity(general),
            networks=(
                Measurement(
                    "linear-Gaussian autoencoder",
                    "ELBO and gap of a model whose p(x) is known, at random and at trained parameters",
                    linear_gaussian_gap,
                ),
            ),
            misconceptions=(
                Misconception(
                    "the gap turned round",
                    eq(log_evidence, general.elbo + KL(general.measure, law_of_general, general.q)),
                ),
                Misconception(
                    "the gap is the KL to the prior",
                    eq(log_evidence, general.elbo + KL(general.measure, general.q, general.p)),
                ),
                Misconception("half the KL to the prior", eq(log_evidence, half_kl(general) + gap(general))),
                Misconception(
                    "the entropy of q forgotten",
                    eq(
                        log_evidence,
                        Int(general.measure, lambda z: general.q(z) * log(general.p(z) * general.l(z))) + gap(general),
                    ),
                ),
            ),
            assumptions=analytic,
        ),
        Claim(
            name="bound",
            summary="ELBO ≤ log p(x), for sums and for densities alike",
            context=mean_under_p.context,
            statement=le(general.elbo, log_evidence),
            proof=bound_for_densities,
            networks=(
                Measurement(
                    "autoencoder of digits",
                    "the ELBO of real digits, log-weights and an importance-weighted bound, from independent noise",
                    digits_bound,
                ),
            ),
            misconceptions=(
                Misconception("an upper bound", le(log_evidence, general.elbo)),
                Misconception("the reconstruction alone", le(expected_fit, log_evidence)),
                Misconception(
                    "log E for E log",
                    le(log(Int(general.measure, lambda z: general.q(z) * general.l(z))), log_evidence),
                ),
                Misconception("half the KL", le(half_kl(general), log_evidence)),
            ),
            assumptions=analytic,
        ),
        Claim(
            name="bound-by-the-law",
            summary="ELBO ≤ log E_q l as well: no prior raises it above the evidence that q itself would give",
            context=mean_under_q.context,
            statement=le(mean_under_q.elbo, log(evidence(mean_under_q.measure, mean_under_q.q, mean_under_q.l))),
            proof=bound_by_the_law(mean_under_q),
            assumptions=analytic,
        ),
        Claim(
            name="gap-not-negative",
            summary="KL(q ‖ p(·|x)) ≥ 0",
            context=general.context,
            statement=le(0, gap(general)),
            proof=gibbs(general),
            assumptions=analytic,
        ),
        Claim(
            name="kl-not-negative",
            summary="KL(q ‖ p) ≥ 0 for any two densities (Gibbs)",
            context=laws.context,
            statement=le(0, laws.divergence),
            proof=kl_is_not_negative,
            assumptions=("integrable logarithms",),
        ),
        Claim(
            name="entropy",
            summary="KL(q ‖ p) = −E_q log p − H(q)",
            context=general.context,
            statement=eq(KL(general.measure, general.q, general.p), cross_entropy_of_q - entropy_of_q),
            proof=closed_form_at_once("the logarithm of a quotient"),
            misconceptions=(
                Misconception(
                    "plus the entropy",
                    eq(KL(general.measure, general.q, general.p), cross_entropy_of_q + entropy_of_q),
                ),
            ),
            assumptions=("integrable logarithms",),
        ),
        Claim(
            name="joint-form",
            summary="ELBO = E_q log (p(z) l(z) / q(z))",
            context=general.context,
            statement=eq(
                general.elbo,
                Int(general.measure, lambda z: general.q(z) * log(general.p(z) * general.l(z) / general.q(z))),
            ),
            proof=joint_form,
            misconceptions=(
                Misconception(
                    "z drawn from the prior",
                    eq(
                        general.elbo,
                        Int(general.measure, lambda z: general.p(z) * log(general.p(z) * general.l(z) / general.q(z))),
                    ),
                ),
            ),
            assumptions=("integrable logarithms",),
        ),
        Claim(
            name="three-terms-as-printed",
            summary="E_q log l − KL(q ‖ p(·|x)) ≥ 0: the last line of the decomposition as printed",
            context=general.context,
            statement=le(0, expected_fit - gap(general)),
            as_printed=True,
        ),
        Claim(
            name="identity-finite",
            summary="log p(x) = ELBO + KL(q ‖ p(·|x)) for K latents: the same proof with sums",
            context=finite.context,
            statement=eq(log(finite.evidence), finite.elbo + gap(finite)),
            proof=identity(finite),
            not_applicable=finite_sums,
        ),
        Claim(
            name="bound-finite",
            summary="ELBO ≤ log p(x) for K latents: the same proof with sums",
            context=finite.context,
            statement=le(finite.elbo, log(finite.evidence)),
            proof=bound(finite),
            not_applicable=finite_sums,
        ),
        Claim(
            name="bound-by-the-law-finite",
            summary="ELBO ≤ log E_q l for K latents: the same proof with sums",
            context=finite.context,
            statement=le(finite.elbo, log(evidence(finite.measure, finite.q, finite.l))),
            proof=finite_bound_by_the_law,
            not_applicable=finite_sums,
        ),
        Claim(
            name="tight-at-the-posterior",
            summary="ELBO = log p(x) where q is the posterior, for sums and for densities alike",
            context=tight.context,
            statement=eq(tight.elbo, log(tight.evidence)),
            proof=equality_at_the_posterior,
            networks=(
                Measurement(
                    "the posterior as the encoder",
                    "the ELBO of a linear-Gaussian autoencoder whose encoder is set to the posterior",
                    posterior_as_encoder,
                ),
            ),
            assumptions=analytic,
        ),
        Claim(
            name="tight-only-at-the-posterior",
            summary="for K latents, ELBO = log p(x) only where q is the posterior",
            context=gapless.context,
            statement=ForAll(gapless.domain, lambda k: eq(gapless.q(k), posterior(gapless)(k))),
            proof=equality_only_at_the_posterior,
            not_applicable=finite_sums,
            misconceptions=(
                Misconception("q is the prior", ForAll(gapless.domain, lambda k: eq(gapless.q(k), gapless.p(k)))),
            ),
        ),
        Claim(
            name="data-set",
            summary="Σ_i ELBO_i ≤ Σ_i log p(x_i), with a law q_i for every data point",
            context=data.context,
            statement=le(Sum(1, data.N, data.bound), Sum(1, data.N, lambda i: log(data.evidence(i)))),
            proof=bound_for_a_data_set,
            not_applicable=finite_sums,
        ),
        Claim(
            name="gaussian-kl",
            summary="KL of diagonal Gaussians in d dimensions: ½ Σ (A/B + (a−b)²/B − 1 − log A/B)",
            context=gaussian.context,
            statement=eq(gaussian_kl, closed_kl),
            proof=gaussian_kl_in_closed_form,
            networks=(
                Measurement(
                    "encoder", "the mean log-ratio of an encoder's Gaussian to another one", gaussian_kl_of_an_encoder
                ),
            ),
            misconceptions=(
                Misconception("without the half", eq(gaussian_kl, 2 * closed_kl)),
                Misconception(
                    "the logarithm with the wrong sign",
                    eq(gaussian_kl, closed_kl + Sum(1, dimension, lambda j: log(A(j) / B(j)))),
                ),
                Misconception(
                    "half the logarithm",
                    eq(gaussian_kl, closed_kl + Sum(1, dimension, lambda j: log(A(j) / B(j))) / 4),
                ),
                Misconception(
                    "the KL turned round",
                    eq(
                        gaussian_kl,
                        Sum(1, dimension, lambda j: B(j) / A(j) + (a(j) - b(j)) ** 2 / A(j) - 1 - log(B(j) / A(j))) / 2,
                    ),
                ),
            ),
        ),
        Claim(
            name="gaussian-kl-univariate",
            summary="in one dimension: log σ₂/σ₁ + (σ₁² + (μ₁−μ₂)²)/(2σ₂²) − ½",
            context=single.context,
            statement=eq(single_kl, single_closed),
            proof=closed_form_at_once("E (z − μ₂)² = σ₁² + (μ₁ − μ₂)²"),
            misconceptions=(Misconception("the ½ forgotten", eq(single_kl, single_closed + num(1) / 2)),),
        ),
        Claim(
            name="gaussian-kl-gradient",
            summary="∂KL/∂b_k = (b_k − a_k)/B_k: for fixed variances only the weighted distance of the means counts",
            context=gaussian.context,
            statement=eq(D(closed_kl, b(coordinate)), (b(coordinate) - a(coordinate)) / B(coordinate)),
            proof=mean_gradient,
        ),
        Claim(
            name="gaussian-kl-to-the-standard-normal",
            summary="KL(N(m, diag s) ‖ N(0, I)) = ½ Σ (s + m² − 1 − log s)",
            context=standard.context,
            statement=eq(standard_kl, standard_closed),
            proof=closed_form_at_once("E z² = s + m², coordinate by coordinate"),
            misconceptions=(
                Misconception("without the half", eq(standard_kl, 2 * standard_closed)),
                Misconception("the one forgotten", eq(standard_kl, standard_closed + d_0 / 2)),
            ),
        ),
        Claim(
            name="gaussian-cross-entropy",
            summary="E log N(z; b, diag B) = −d/2 log 2π − ½ Σ log B − ½ Σ (A + (a−b)²)/B",
            context=gaussian.context,
            statement=eq(cross_entropy_term, cross_entropy_closed(dimension)),
            proof=closed_form_at_once("E (z − b)² = A + (a − b)², coordinate by coordinate"),
        ),
        Claim(
            name="gaussian-cross-entropy-as-printed",
            summary="the same with −½ log 2π in any dimension, as printed",
            context=gaussian.context,
            statement=eq(cross_entropy_term, cross_entropy_closed(num(1))),
            as_printed=True,
        ),
        Claim(
            name="pathwise-mean",
            summary="∂/∂μ E f(μ + σε) = E f'(μ + σε), where ∂ and E may be exchanged",
            context=path.context,
            statement=eq(D(mean_of_f, centre), E(P_path, slope)),
            proof=by_exchange(under_mu, "chain rule: ∂z/∂μ = 1"),
            networks=(Measurement("network", "back-propagation through z = μ + σε", pathwise_in_a_network),),
            misconceptions=(
                Misconception("σ in front", eq(D(mean_of_f, centre), scale * E(P_path, slope))),
                Misconception("the slope at the mean", eq(D(mean_of_f, centre), derivative_at(lambda x: f(x), centre))),
            ),
            assumptions=("exchange of ∂/∂μ and E",),
        ),
        Claim(
            name="pathwise-scale",
            summary="∂/∂σ E f(μ + σε) = E f'(μ + σε) ε, where ∂ and E may be exchanged",
            context=path.context,
            statement=eq(D(mean_of_f, scale), E(P_path, lambda w: slope(w) * noise(w))),
            proof=by_exchange(under_sigma, "chain rule: ∂z/∂σ = ε"),
            misconceptions=(Misconception("ε forgotten", eq(D(mean_of_f, scale), E(P_path, slope))),),
            assumptions=("exchange of ∂/∂σ and E",),
        ),
        Claim(
            name="pathwise-square",
            summary="∂/∂θ E (θ + ε)² = 2θ, without any exchange: the expectation is θ² + 1",
            context=square.context,
            statement=eq(D(mean_square, theta_sq), 2 * theta_sq),
            proof=square_gradient,
        ),
        Claim(
            name="pathwise-square-variance",
            summary="one pathwise draw 2(θ + ε) of that gradient has variance 4",
            context=square.context,
            statement=eq(Var(P_sq, lambda w: 2 * (theta_sq + noise_sq(w))), 4),
            proof=closed_form_at_once("Var 2ε = 4 Var ε"),
        ),
        Claim(
            name="score-function",
            summary="∂/∂θ E_q f = E_q f ∂ log q/∂θ, where ∂ and ∫ may be exchanged",
            context=scored.context,
            statement=eq(D(scored.expectation, scored.theta), Int(scored.mu, weighted_score)),
            proof=by_exchange(scored.exchange, "∂q = q ∂ log q"),
            networks=(
                Measurement("surrogate loss", "back-propagation through log q alone", score_function_in_a_network),
            ),
            misconceptions=(
                Misconception(
                    "the logarithm forgotten",
                    eq(
                        D(scored.expectation, scored.theta),
                        Int(
                            scored.mu,
                            lambda z: (
                                scored.q(scored.theta, z) * scored.f(z) * D(scored.q(scored.theta, z), scored.theta)
                            ),
                        ),
                    ),
                ),
            ),
            assumptions=("exchange of ∂/∂θ and ∫ q f",),
        ),
        Claim(
            name="score-has-mean-zero",
            summary="E_q ∂ log q/∂θ = 0, where ∂ and ∫ may be exchanged",
            context=scored.context,
            statement=eq(Int(scored.mu, lambda z: scored.q(scored.theta, z) * scored.score(z)), 0),
            proof=score_has_mean_zero,
            assumptions=("normalised for every θ", "exchange of ∂/∂θ and ∫ q"),
        ),
        Claim(
            name="score-function-as-printed",
            summary="the estimate from I draws as a plain sum, as printed: its mean is I times the gradient",
            context=scored.context.extended(*draws.context.declarations),
            statement=eq(
                D(scored.expectation, scored.theta), Sum(1, number_of_draws, lambda i: Int(scored.mu, weighted_score))
            ),
            as_printed=True,
        ),
        Claim(
            name="decoder-gradient",
            summary="∂/∂θ ELBO = E_q ∂ log p_θ(x, z)/∂θ, where ∂ and E_q may be exchanged",
            context=decoder.context,
            statement=eq(
                D(decoder.elbo, decoder.theta),
                Int(decoder.mu, lambda z: decoder.q(z) * D(log(decoder.joint(z)), decoder.theta)),
            ),
            proof=by_exchange(decoder.exchange, "p(z) and q(z) do not depend on θ"),
            misconceptions=(
                Misconception(
                    "the gradient of log p(x)",
                    eq(D(decoder.elbo, decoder.theta), D(log(decoder.evidence), decoder.theta)),
                ),
            ),
            assumptions=("exchange of ∂/∂θ and E_q",),
        ),
        Claim(
            name="decoder-gradient-as-printed",
            summary="∂/∂θ E_q log (p_θ(x)/q(z)) in place of the joint density, as printed",
            context=decoder.context,
            statement=eq(
                D(decoder.elbo, decoder.theta),
                Int(decoder.mu, lambda z: decoder.q(z) * D(log(decoder.evidence / decoder.q(z)), decoder.theta)),
            ),
            as_printed=True,
        ),
    ),
)
