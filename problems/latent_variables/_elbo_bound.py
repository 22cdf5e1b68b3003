"""The bound ELBO ≤ log p(x) in two lines, for sums and wherever the logarithms are integrable one by one.

One logarithm is taken of the ratio of posterior and q, and log y ≤ y − 1, the supporting line at 1, replaces it by a
quantity whose expectation is zero: for the bound itself, for the gap, and for each of many data points.
"""

from dataclasses import dataclass, replace

from _elbo_model import ANALYTIC, FINITE_SUMS, elbo, evidence, finite, general

from derivcheck.language import Context, Givens, Sum, Term, counting, lam, le, log, range_
from derivcheck.problem import Claim
from derivcheck.proof import Prover, algebra, kernel, log_bound, reason

# ------------------------------------------------------------------------------------------------------ one data point


def prove_bound(o):
    """ELBO ≤ log p(x) for the model `o`, by log y ≤ y − 1 at y = posterior over q."""

    def prove(claim):
        pr = Prover(claim.context)
        chain = (
            pr.chain(o.elbo - log(o.evidence))
            .eq(o.mean(lambda z: log(o.ratio(z))), reason("one logarithm; q integrates to one", algebra))
            .le(o.mean(lambda z: o.ratio(z) - 1), log_bound)
            .eq(0, reason("prior times likelihood integrates to p(x), and q to one", algebra))
        )
        return pr.done(pr.linear(claim.statement, (chain.theorem, 1)), claim.statement)

    return prove


bound_finite = Claim(
    name="bound-finite",
    summary="ELBO ≤ log p(x) for K latents: the same proof with sums",
    context=finite.context,
    statement=le(finite.elbo, log(finite.evidence)),
    proof=prove_bound(finite),
    not_applicable=FINITE_SUMS,
)


def prove_gap_not_negative(o):
    """KL(q ‖ p(·|x)) ≥ 0 for the model `o`."""

    def prove(claim):
        pr = Prover(claim.context)
        chain = (
            pr.chain(-o.gap)
            .eq(o.mean(lambda z: log(o.ratio(z))), reason("turn the quotient over", algebra))
            .le(o.mean(lambda z: o.ratio(z) - 1), log_bound)
            .eq(0, reason("the posterior and q integrate to one", algebra))
        )
        return pr.done(pr.linear(claim.statement, (chain.theorem, 1)), claim.statement)

    return prove


gap_not_negative = Claim(
    name="gap-not-negative",
    summary="KL(q ‖ p(·|x)) ≥ 0",
    context=general.context,
    statement=le(0, general.gap),
    proof=prove_gap_not_negative(general),
    assumptions=ANALYTIC,
)


def prove_finite_bound_by_the_law(claim):
    """ELBO ≤ log Σ q l for K latents: Jensen's inequality for the likelihood, Gibbs' for the prior."""
    pr = Prover(claim.context)
    o = finite
    mean = evidence(o.measure, o.q, o.l)
    chain = (
        pr.chain(o.elbo - log(mean))
        .eq(
            o.mean(lambda z: log(o.l(z) / mean)) + o.mean(lambda z: log(o.p(z) / o.q(z))),
            reason("q sums to one", algebra),
        )
        .le(o.mean(lambda z: o.l(z) / mean - 1) + o.mean(lambda z: o.p(z) / o.q(z) - 1), log_bound)
        .eq(0, reason("p and q sum to one", algebra))
    )
    return pr.done(pr.linear(claim.statement, (chain.theorem, 1)), claim.statement)


bound_by_the_law_finite = Claim(
    name="bound-by-the-law-finite",
    summary="ELBO ≤ log E_q l for K latents: the same proof with sums",
    context=finite.context,
    statement=le(finite.elbo, log(evidence(finite.measure, finite.q, finite.l))),
    proof=prove_finite_bound_by_the_law,
    not_applicable=FINITE_SUMS,
)


# ----------------------------------------------------------------------------------------------------- many data points


@dataclass(frozen=True)
class DataSet:
    """K latents, and a likelihood l(i, ·) and a law q(i, ·) for each of N data points."""

    N: Term
    K: Term
    p: Term
    l: Term
    q: Term
    context: Context

    @property
    def values(self):
        """The K latents."""
        return range_(1, self.K)

    def row(self, f, i):
        """k ↦ f(i, k)."""
        return lam(self.values, lambda k: f(i, k))

    def elbo(self, i):
        """The bound of data point i."""
        return elbo(counting(self.values), self.row(self.q, i), self.p, self.row(self.l, i))

    def evidence(self, i):
        """p(x_i)."""
        return evidence(counting(self.values), self.p, self.row(self.l, i))


def data_set():
    """The worksheet prints one sum to N and the other to n; both run over the same data here."""
    g = Givens()
    N, K = g.size("N"), g.size("K")
    points, values = range_(1, N), range_(1, K)
    return DataSet(
        N,
        K,
        p=g.distribution("p", counting(values), positive=True),
        l=g.array("l", points, values, above=0),
        q=g.distribution("q", counting(values), given=(points,), positive=True),
        context=g.context,
    )


data = data_set()


def prove_data_set(claim):
    """The bound for K latents, for the laws of each data point; then the sum over the data."""
    pr = Prover(claim.context)
    o = data
    weights = finite.context.without("p", "normalised")  # the bound does not ask what the prior sums to
    single = prove_bound(finite)(replace(claim, context=weights, statement=bound_finite.statement))

    def at(pr, i):
        mapping = {
            finite.domain.args[1]: o.K,
            finite.p: o.p,
            finite.l: o.row(o.l, i),
            finite.q: o.row(o.q, i),
        }
        one = kernel.instance(single.theorem, mapping, pr.context)
        return pr.linear(le(o.elbo(i), log(o.evidence(i))), (one, 1))

    each = pr.for_all(range_(1, o.N), at)
    pr.note(each.statement, "the bound for one data point")
    return pr.done(kernel.monotone(each, claim.statement.args[0]), claim.statement)


data_set_bound = Claim(
    name="data-set",
    summary="Σ_i ELBO_i ≤ Σ_i log p(x_i), with a law q_i for every data point",
    context=data.context,
    statement=le(Sum(1, data.N, lambda i: data.elbo(i)), Sum(1, data.N, lambda i: log(data.evidence(i)))),
    proof=prove_data_set,
    not_applicable=FINITE_SUMS,
)
