"""The model of the evidence lower bound: a latent z, its prior p, a likelihood l and a law q, against a measure μ.

What every module of this result shares: the definitions of the bound and of the evidence, and the settings in which the
claims are made.  An expectation under q is the integral of q times a function against μ: sums over K latents and
densities on a line are one case.
"""

from dataclasses import dataclass, replace

from derivcheck.language import (
    KL,
    Context,
    Givens,
    Int,
    Term,
    counting,
    define,
    integrable,
    lam,
    log,
    lt,
    predicate,
    range_,
    reals,
    space,
    substitute,
)
from derivcheck.proof import Prover, algebra, reason, using

ID = "elbo"

#: Names of the assumptions that a textbook leaves unsaid.
ANALYTIC = ("finite evidence", "integrable logarithms")

#: Why nothing is estimated for claims about finitely many latents.
FINITE_SUMS = {"experiment": "finite sums, which the instances evaluate; nothing is estimated or differentiated"}

elbo = define(
    "ELBO",
    lambda mu, q, p, likelihood: Int(mu, lambda z: q(z) * log(likelihood(z))) - KL(mu, q, p),
    r"\mathcal{{L}}({1})",
    scope=ID,
)
evidence = define("p_x", lambda mu, p, likelihood: Int(mu, lambda z: p(z) * likelihood(z)), r"p(x)", scope=ID)


@dataclass(frozen=True)
class LatentModel:
    """Prior p, likelihood l and a law q of the latent, as declared in a context."""

    measure: Term
    domain: Term
    p: Term
    l: Term
    q: Term
    context: Context

    @property
    def evidence(self):
        """p(x) = ∫ p(z) l(z) dμ(z)."""
        return evidence(self.measure, self.p, self.l)

    @property
    def elbo(self):
        """E_q log l − KL(q ‖ p)."""
        return elbo(self.measure, self.q, self.p, self.l)

    @property
    def divergence(self):
        """KL(q ‖ p)."""
        return KL(self.measure, self.q, self.p)

    @property
    def posterior(self):
        """z ↦ p(z) l(z) / p(x)."""
        return lam(self.domain, lambda z: self.p(z) * self.l(z) / self.evidence)

    @property
    def gap(self):
        """KL(q ‖ p(·|x))."""
        return KL(self.measure, self.q, self.posterior)

    def ratio(self, z):
        """p(z) l(z) / (q(z) p(x)): posterior over q."""
        return self.p(z) * self.l(z) / (self.q(z) * self.evidence)

    def mean(self, f):
        """E_q f = ∫ q(z) f(z) dμ(z)."""
        return Int(self.measure, lambda z: self.q(z) * f(z))


# --------------------------------------------------------------------------------------------------------- the settings


def declare(g, measure, domain):
    """Prior, likelihood and a law q of the latent, declared in `g`."""
    return LatentModel(
        measure=measure,
        domain=domain,
        p=g.distribution("p", measure, positive=True),
        l=g.function("l", domain, above=0),
        q=g.distribution("q", measure, positive=True),
        context=g.context,
    )


def declare_on_a_space(g):
    """The model with latents in any space Z, against any measure."""
    Z = space("Z")
    return declare(g, g.measure("mu", Z), Z)


def assume_finite(g, measure, f):
    """0 < ∫ f < ∞ for the product f of a law and the likelihood."""
    g.assume("finite evidence", integrable(measure, f), lt(0, Int(measure, f)))


def any_measure():
    """What the identity needs: each of the three logarithms has an expectation under q, and 0 < p(x) < ∞."""
    g = Givens()
    o = declare_on_a_space(g)
    assume_finite(g, o.measure, lambda z: o.p(z) * o.l(z))
    g.assume(
        "integrable logarithms",
        integrable(o.measure, lambda z: o.q(z) * log(o.q(z))),
        integrable(o.measure, lambda z: o.q(z) * log(o.p(z))),
        integrable(o.measure, lambda z: o.q(z) * log(o.l(z))),
    )
    return replace(o, context=g.context)


def with_mean_under(law):
    """What the bound needs: a likelihood with a mean under `law` ("p" or "q"), and its two parts are integrable.

    The logarithm of a quotient need not be split.
    """
    g = Givens()
    o = declare_on_a_space(g)
    weight = {"p": o.p, "q": o.q}[law]
    assume_finite(g, o.measure, lambda z: weight(z) * o.l(z))
    g.assume(
        "integrable logarithms",
        integrable(o.measure, lambda z: o.q(z) * log(o.q(z) / o.p(z))),
        integrable(o.measure, lambda z: o.q(z) * log(o.l(z))),
    )
    return replace(o, context=g.context)


def finitely_many(g):
    """K latents: nothing has to be assumed of sums."""
    values = range_(1, g.size("K"))
    return declare(g, counting(values), values)


general = any_measure()
finite = finitely_many(Givens())


# ---------------------------------------------------------------------------------------------- what several parts need


def differentiable(value, at):
    """`value` has a derivative at every value of the real symbol `at`."""
    return predicate("differentiable", lam(reals, lambda x: substitute(value, {at: x})))


def at_once(words):
    """A proof in one step: both sides have one normal form."""

    def prove(claim):
        pr = Prover(claim.context)
        return pr.done(pr.prove(claim.statement, reason(words, algebra)), claim.statement)

    return prove


def prove_by_exchange(exchange, words):
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
