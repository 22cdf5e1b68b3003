"""For γ < 1 an operator has at most one fixed point; at γ = 1 a constant can be added to every one."""

from _bellman_contraction import PAIRS, contracts, shift_theorem
from _bellman_operators import (
    OPERATORS,
    declare_fixed_point,
    declare_second,
    difference,
    distance,
    process_with_policy,
    rewards_with_fixed_point,
    second_fixed_point,
    turned_round,
)

from derivcheck.language import ForAll, Givens, abs_, eq, lam, le, num, sup_norm, unfold
from derivcheck.problem import Claim
from derivcheck.proof import Prover, bounded_by_max, kernel, monotonicity, using


def uniqueness(name):
    """Two fixed points are equal: context, statement and proof."""
    operator = OPERATORS[name]
    givens = Givens()
    o = process_with_policy(name, givens, at_least=0, below=1)
    U, V = givens.array("U", o.S), givens.array("V", o.S)

    def auxiliary(g):
        g.array("w", o.S, o.A)
        declare_second(g)

    givens.assume(
        "fixed points",
        ForAll(o.S, lambda s: eq(operator(o, U)(s), U(s))),
        ForAll(o.S, lambda s: eq(operator(o, V)(s), V(s))),
        model={o.r: rewards_with_fixed_point(name, o, V), **second_fixed_point(name, o, U, V)},
        auxiliary=auxiliary,
    )

    def proof(claim):
        pr = Prover(claim.context)
        fixed_U, fixed_V = pr.given("fixed points")
        norm = distance(U, V)
        th = contracts(pr, name, U, V)

        def at(pr, s):
            images = difference(operator(o, U), operator(o, V))
            return (
                pr.chain(abs_(U(s) - V(s)))
                .eq(
                    abs_(operator(o, U)(s) - operator(o, V)(s)),
                    monotonicity(
                        turned_round(pr, kernel.specialise(pr.bring(fixed_U), s)),
                        fixed_V,
                        words="both are fixed points",
                    ),
                )
                .le(sup_norm(images), bounded_by_max)
                .le(o.gamma * norm, using(th, words="the operator contracts"))
                .theorem
            )

        shrinks = pr.maximum_at_most(norm, at)
        zero = pr.linear(le(norm, 0), (shrinks, 1 / (1 - o.gamma)))
        pr.note(zero.statement, "‖U − V‖ ≤ γ ‖U − V‖ and γ < 1")

        def equal(pr, s):
            d = U(s) - V(s)
            bound = kernel.at_most_maximum(pr.context, unfold(norm), s)
            below = pr.linear(
                le(U(s), V(s)), (kernel.absolute_value(pr.context, d), 1), (bound, 1), (pr.bring(zero), 1)
            )
            above = pr.linear(
                le(V(s), U(s)), (kernel.absolute_value(pr.context, -d), 1), (bound, 1), (pr.bring(zero), 1)
            )
            return kernel.antisymmetry(below, above)

        th = kernel.extensionality(pr.for_all(o.S, equal), claim.statement)
        pr.note(claim.statement, "a function of norm zero is zero")
        return pr.done(th, claim.statement)

    return dict(context=givens.context, statement=eq(U, V), proof=proof)


evaluation_unique = Claim(
    name="evaluation-unique",
    summary="for 0 ≤ γ < 1 two fixed points of T_π are equal",
    **uniqueness("evaluation"),
)

optimality_unique = Claim(
    name="optimality-unique",
    summary="for 0 ≤ γ < 1 two fixed points of T are equal",
    **uniqueness("optimality"),
)


# --------------------------------------------------------------------------------------------------- without a discount


def undiscounted(name):
    """At γ = 1 a constant can be added to every fixed point: context, statement and proof."""
    operator = OPERATORS[name]
    givens = Givens()
    o = process_with_policy(name, givens)
    V, c, s = givens.array("V", o.S), givens.real("c"), givens.index("s", o.states)
    declare_fixed_point(name, givens, o, V)

    def proof(claim):
        pr = Prover(claim.context)
        (fixed,) = pr.given("fixed point")
        moved = kernel.instance(shift_theorem(name), {PAIRS[name].gamma: num(1)}, pr.context)
        pr.note(moved.statement, "a constant comes out of the operator, times γ = 1")
        here = kernel.specialise(fixed, s)
        pr.note(here.statement, "V is a fixed point")
        return pr.done(pr.linear(claim.statement, (moved, 1), (here, 1)), claim.statement)

    statement = eq(operator(o, lam(o.S, lambda s: V(s) + c))(s), V(s) + c)
    return dict(context=givens.context, statement=statement, proof=proof)


evaluation_undiscounted = Claim(
    name="evaluation-undiscounted",
    summary="at γ = 1, V + c is a fixed point of T_π for every fixed point V and every c",
    **undiscounted("evaluation"),
)

optimality_undiscounted = Claim(
    name="optimality-undiscounted",
    summary="at γ = 1, V + c is a fixed point of T for every fixed point V and every c",
    **undiscounted("optimality"),
)
