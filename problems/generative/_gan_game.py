"""The game at all points: two positive densities p and q against any measure, and what a discriminator earns.

What the modules of this result share: value and divergence as integrals, and integrable functions of which nothing else
is known.
"""

from _gan_pointwise import half

from derivcheck.language import JSD, Givens, Int, integrable, log, space

X = space("X")


def laws():
    """A measure, and two positive densities against it."""
    givens = Givens()
    mu = givens.measure("mu", X)
    return givens, mu, givens.distribution("p", mu, positive=True), givens.distribution("q", mu, positive=True)


bare, mu, p, q = laws()


def optimal(x):
    """D*(x) = p(x)/(p(x) + q(x))."""
    return p(x) / (p(x) + q(x))


def gain(x, d):
    """p(x) log d + q(x) log(1 − d)."""
    return p(x) * log(d) + q(x) * log(1 - d)


def value(discriminator):
    """V(D) = ∫ p log D + q log(1 − D) dμ."""
    return Int(mu, lambda x: gain(x, discriminator(x)))


best_value = value(optimal)


# ------------------------------------------------------------------------------------------------------- the divergence

jsd = JSD(mu, p, q)


def divergence_of(a, b):
    """What the Jensen-Shannon divergence integrates, for the two densities at one point."""
    return half * (a * log(2 * a / (a + b)) + b * log(2 * b / (a + b)))


def divergence_at(x):
    """What the Jensen-Shannon divergence integrates."""
    return divergence_of(p(x), q(x))


game = laws()[0]
game.assume("the divergence is finite", integrable(mu, divergence_at))


# ---------------------------------------------------------------------------------------------------- any two functions


def two_functions(givens):
    """Two integrable functions, for what holds of the integrals of any two."""
    h, g = givens.function("h", X), givens.function("g", X)
    givens.assume("integrable", integrable(mu, lambda x: h(x)), integrable(mu, lambda x: g(x)))
    return givens, h, g


unrelated = Givens()
unrelated.measure("mu", X)
unrelated, h, g = two_functions(unrelated)
two_parts = two_functions(laws()[0])[0]
