"""The value of the game at the best discriminator, V(D*) = −log 4 + 2 JSD, and its bounds.

The value is found point by point and integrated; what is below and above it follows from 0 ≤ JSD ≤ log 2.
"""

from functools import cache

from _gan_divergence import at_most_theorem, not_negative_theorem
from _gan_game import X, best_value, divergence_at, gain, game, jsd, laws, mu, optimal, p, q, value
from _gan_networks import value_on_eight_points
from _gan_pointwise import half, noted, rest_positive

from derivcheck.language import Givens, Int, eq, integrable, lam, le, log, lt
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, inside, kernel, reason

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


def prove_value(claim):
    th, steps = value_identity()
    return Prover(claim.context, steps=list(steps)).done(th, claim.statement)


value_of_the_game = Claim(
    name="value",
    summary="V(D*) = −log 4 + 2 JSD(p, q)",
    context=game.context,
    statement=eq(value(optimal), -log(4) + 2 * jsd),
    proof=prove_value,
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
)

divergence_up_to_constant_printed = Claim(
    name="divergence-up-to-constant-printed",
    summary="the value is the divergence up to a constant, as printed: it is twice the divergence",
    context=game.context,
    statement=eq(best_value, -log(4) + jsd),
    as_printed=True,
)

generator_maximises_printed = Claim(
    name="generator-maximises-printed",
    summary="the generator maximises, as printed: then no value would be above that of equal laws, −log 4",
    context=game.context,
    statement=le(best_value, -log(4)),
    as_printed=True,
)


# ----------------------------------------------------------------------------------------------------------- its bounds

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
        lower = kernel.instance(not_negative_theorem()[0], {}, pr.context, pr.given("the divergence is finite"))
        upper = at_most_theorem()[0]
        pr.note(lower.statement, "the divergence is not negative")
        pr.note(upper.statement, "and at most log 2")
        general = Prover(numbers.context).prove(conclusion(V, J), algebra)
        out = kernel.instance(general, {V: best_value, J: jsd}, pr.context, [th, lower, upper])
        return pr.done(noted(pr, out, words), claim.statement)

    return dict(context=game.context, statement=conclusion(best_value, jsd), proof=proof)


game_value_lower = Claim(
    name="game-value-lower",
    summary="no generator brings the value below −log 4",
    **from_the_value(lambda V, J: le(-log(4), V), "the divergence is not negative"),
)

game_value_upper = Claim(
    name="game-value-upper",
    summary="and none gives a value above 0",
    **from_the_value(lambda V, J: le(V, 0), "the divergence is at most log 2 = ½ log 4"),
)

discriminator_cost = Claim(
    name="discriminator-cost",
    summary="the least binary cross-entropy −V(D*)/2 is log 2 − JSD",
    **from_the_value(lambda V, J: eq(-half * V, log(2) - J), "½ log 4 = log 2"),
)


def prove_divergence_below_log_two(claim):
    th, steps = value_identity()
    pr = Prover(claim.context, steps=[*steps])
    negative = pr.prove(lt(best_value, 0), reason("logarithms of numbers below one are negative", algebra))
    below = Prover(numbers.context.assuming("negative", lt(V, 0))).prove(lt(J, log(2)), algebra)
    bounds = [
        kernel.instance(not_negative_theorem()[0], {}, pr.context, pr.given("the divergence is finite")),
        at_most_theorem()[0],
    ]
    out = kernel.instance(below, {V: best_value, J: jsd}, pr.context, [th, *bounds, negative])
    return pr.done(noted(pr, out, "½ log 4 = log 2"), claim.statement)


divergence_below_log_two = Claim(
    name="divergence-below-log-two",
    summary="and log 2 is not reached by densities that are positive everywhere",
    context=game.context,
    statement=lt(jsd, log(2)),
    proof=prove_divergence_below_log_two,
)
