"""The value of a policy in closed form, V = (I − γP)⁻¹ r.

A stochastic matrix P does not lengthen a vector in the maximum norm, so that (I − γP) v = 0 has v = 0 alone.
"""

from derivcheck.language import (
    ForAll,
    Givens,
    MaxOver,
    Sum,
    abs_,
    counting,
    eq,
    functions,
    identity,
    inverse,
    le,
    predicate,
    range_,
)
from derivcheck.problem import Claim
from derivcheck.proof import Prover, algebra, bounded_by_max, inside, kernel, reason, triangle, using

markov = Givens()
chain_states = markov.size("S")
chain_range = range_(1, chain_states)
chain_gamma = markov.real("gamma", at_least=0, below=1)
chain_law = markov.distribution("P", counting(chain_range), given=(chain_range,))
chain_reward = markov.vector("r", chain_states)
system = identity(chain_states) - chain_gamma * chain_law
chain_value = inverse(system) @ chain_reward


linear_system = Givens()
linear_system.size("S")
any_matrix = linear_system.matrix("A", chain_states, chain_states, invertible=True)
any_vector = linear_system.vector("b", chain_states)


def system_is_invertible(pr):
    """``(I − γP) v = 0`` gives ``‖v‖ ≤ γ ‖v‖``, hence ``v = 0``."""

    def injective(pr, v):
        nothing = ForAll(chain_range, lambda i: eq(Sum(1, chain_states, lambda j: system(i, j) * v(j)), 0))
        given = pr.assume(nothing)
        norm = MaxOver(chain_range, lambda s: abs_(v(s)))

        def at(pr, s):
            row = kernel.specialise(pr.bring(given), s)
            mean = Sum(1, chain_states, lambda t: chain_law(s, t) * v(t))
            own = pr.prove(eq(v(s), chain_gamma * mean), using(row), quiet=True)
            return (
                pr.chain(abs_(v(s)))
                .eq(abs_(chain_gamma * mean), inside(using(own, words="v = γPv")))
                .eq(chain_gamma * abs_(mean), reason("γ is not negative", algebra))
                .le(chain_gamma * Sum(1, chain_states, lambda t: chain_law(s, t) * abs_(v(t))), triangle)
                .le(chain_gamma * Sum(1, chain_states, lambda t: chain_law(s, t) * norm), bounded_by_max)
                .eq(chain_gamma * norm, reason("the law sums to one", algebra))
                .theorem
            )

        shrinks = pr.maximum_at_most(norm, at)
        zero = pr.linear(le(norm, 0), (shrinks, 1 / (1 - chain_gamma)))
        pr.note(zero.statement, "‖v‖ ≤ γ ‖v‖ and γ < 1")

        def entry(pr, s):
            bound = kernel.at_most_maximum(pr.context, norm, s)
            size = [kernel.absolute_value(pr.context, x) for x in (v(s), -v(s))]
            sides = [
                pr.linear(goal, (th, 1), (bound, 1), (pr.bring(zero), 1))
                for goal, th in zip((le(v(s), 0), le(0, v(s))), size, strict=True)
            ]
            return kernel.antisymmetry(*sides)

        return kernel.discharge(pr.for_all(chain_range, entry), nothing)

    th = kernel.invertible_if_injective(pr.for_all(functions((chain_range,)), injective, "v"), system)
    pr.note(th.statement, "a square matrix that sends only 0 to 0 is invertible")
    return th


def prove_value_invertible(claim):
    pr = Prover(claim.context)
    return pr.done(system_is_invertible(pr), claim.statement)


value_invertible = Claim(
    name="value-invertible",
    summary="I − γP is invertible for a stochastic matrix P and 0 ≤ γ < 1",
    context=markov.context,
    statement=predicate("invertible", system),
    proof=prove_value_invertible,
)


def prove_value_in_closed_form(claim):
    pr = Prover(claim.context)
    invertible = system_is_invertible(pr)
    general = Prover(linear_system.context).prove(eq(any_matrix @ (inverse(any_matrix) @ any_vector), any_vector))
    th = kernel.instance(general, {any_matrix: system, any_vector: chain_reward}, pr.context, [invertible])
    pr.note(claim.statement, "a matrix times its inverse is the identity")
    return pr.done(th, claim.statement)


value_in_closed_form = Claim(
    name="value-in-closed-form",
    summary="V = (I − γP)⁻¹ r solves the evaluation equation (I − γP) V = r",
    context=markov.context,
    statement=eq(system @ chain_value, chain_reward),
    proof=prove_value_in_closed_form,
)
