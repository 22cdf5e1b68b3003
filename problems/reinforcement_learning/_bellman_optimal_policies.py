"""Optimal policies: what no action improves is a fixed point of T, none is above it, and a greedy policy attains it."""

from _bellman_improvement import declare_greedy, greedy_difference, never_worse, policy_difference, up_to_the_maximum
from _bellman_operators import (
    declare_fixed_point,
    declare_value_of_the_policy,
    evaluation_of,
    look_ahead,
    optimality_of,
    process,
    process_with_policy,
    rewards_with_look_ahead,
)

from derivcheck.language import ForAll, Givens, MaxOver, Sum, eq, function, ind, ite, le, lt, max_
from derivcheck.problem import Claim
from derivcheck.proof import Prover, kernel


def unimprovable_setting():
    """The value V of a policy that no action improves in any state."""
    givens = Givens()
    o = process_with_policy("evaluation", givens, at_least=0, below=1)
    o.s, o.V = givens.index("s", o.states), givens.array("V", o.S)
    loss = function("loss", o.S, o.A)

    def mass(s, sign):
        """Σ_a |π(s, a)| over the actions whose probability has the given sign."""
        return Sum(1, o.actions, lambda a: max_(sign * o.pi(s, a), 0))

    def worse(s, a):
        """What an action loses: anything, if it is never taken; were some π negative, the others on balance nothing."""
        balanced = ite(lt(0, o.pi(s, a)), mass(s, -1), mass(s, 1) * ind(lt(o.pi(s, a), 0)))
        return ite(eq(o.pi(s, a), 0), loss(s, a), loss(s, 1) * balanced)

    givens.assume(
        "value of the policy, which no action improves",
        ForAll(o.S, lambda s: eq(evaluation_of(o, o.V)(s), o.V(s))),
        ForAll(o.S, lambda s: ForAll(o.A, lambda a: le(look_ahead(o.V, o.P, o.r, o.gamma, s, a), o.V(s)))),
        model={o.r: rewards_with_look_ahead(o, o.V, lambda s, a: o.V(s) - worse(s, a))},
        auxiliary=lambda g: g.array("loss", o.S, o.A, at_least=0),
    )
    o.context = givens.context
    return o


unimprovable = unimprovable_setting()


def policy_at_most_maximum(pr, o, V, s):
    """(T_π V)(s) ≤ (T V)(s): a mean is at most the maximum."""
    return up_to_the_maximum(pr.chain(evaluation_of(o, V)(s)), o, V, s).theorem


def prove_no_improvement(claim):
    pr = Prover(claim.context)
    o = unimprovable
    value, no_better = pr.given("value of the policy, which no action improves")
    own = kernel.specialise(value, o.s)
    maximum = MaxOver(o.A, lambda a: look_ahead(o.V, o.P, o.r, o.gamma, o.s, a))
    here = kernel.specialise(no_better, o.s)
    below = pr.maximum_at_most(maximum, lambda pr, a: kernel.specialise(pr.bring(here), a))
    above = policy_at_most_maximum(pr, o, o.V, o.s)
    image = optimality_of(o, o.V)(o.s)
    upper, lower = pr.linear(le(image, o.V(o.s)), (below, 1)), pr.linear(le(o.V(o.s), image), (above, 1), (own, -1))
    pr.note(claim.statement, "V = T_π V ≤ T V ≤ V")
    return pr.done(kernel.antisymmetry(upper, lower), claim.statement)


no_improvement = Claim(
    name="no-improvement",
    summary="the value of a policy that no action improves is a fixed point of T",
    context=unimprovable.context,
    statement=eq(optimality_of(unimprovable, unimprovable.V)(unimprovable.s), unimprovable.V(unimprovable.s)),
    proof=prove_no_improvement,
)


# -------------------------------------------------------------------------------------------------- no policy is better


def dominated_setting():
    """The value V of any policy, beside the fixed point V* of the optimality operator."""
    givens = Givens()
    o = process_with_policy("evaluation", givens, at_least=0, below=1)
    o.s, o.V, o.fixed = givens.index("s", o.states), givens.array("V", o.S), givens.array("V_star", o.S)
    declare_fixed_point("optimality", givens, o, o.fixed)
    declare_value_of_the_policy(givens, o, o.V)
    o.context = givens.context
    return o


dominated = dominated_setting()


def prove_optimal_value(claim):
    pr = Prover(claim.context)
    o = dominated
    (fixed,), (value,) = pr.given("fixed point"), pr.given("value of the policy")

    def advantage(pr, s, largest):
        own, best = kernel.specialise(pr.bring(value), s), kernel.specialise(pr.bring(fixed), s)
        above = policy_at_most_maximum(pr, o, o.fixed, s)
        step = pr.linear(
            le(o.V(s) - o.fixed(s), evaluation_of(o, o.V)(s) - evaluation_of(o, o.fixed)(s)),
            (own, -1),
            (above, 1),
            (best, 1),
        )
        pr.note(step.statement, "V is the value of π, and T_π V* ≤ T V* = V*")
        return policy_difference(pr, o, o.V, o.fixed, s, step, largest)

    return pr.done(never_worse(pr, o, o.V, o.fixed, o.s, advantage), claim.statement)


optimal_value = Claim(
    name="optimal-value",
    summary="no policy has a value above the fixed point V* of T, in any state",
    context=dominated.context,
    statement=le(dominated.V(dominated.s), dominated.fixed(dominated.s)),
    proof=prove_optimal_value,
)


# ------------------------------------------------------------------------------------------- a greedy policy attains it


def greedy_for_the_optimum():
    """V*, the policy that is greedy for it, and that policy's value W."""
    givens = Givens()
    o = process(givens, at_least=0, below=1)
    o.s, o.V, o.W = givens.index("s", o.states), givens.array("V_star", o.S), givens.array("W", o.S)
    declare_fixed_point("optimality", givens, o, o.V)
    declare_greedy(givens, o, optimal=True)
    o.context = givens.context
    return o


best_policy = greedy_for_the_optimum()


def prove_optimal_policy(claim):
    pr = Prover(claim.context)
    o = best_policy
    (fixed,), (attains,), (value,) = (pr.given(n) for n in ("fixed point", "greedy", "value of the greedy policy"))

    def difference_of(U, V, sign):
        """U(s) − V(s) for the two values, in either order, is γ times a mean of the same differences."""

        def advantage(pr, s, largest):
            a = o.greedy(s)
            own, best, attained = (kernel.specialise(pr.bring(th), s) for th in (value, fixed, attains))
            step = pr.linear(
                eq(U(s) - V(s), look_ahead(U, o.P, o.r, o.gamma, s, a) - look_ahead(V, o.P, o.r, o.gamma, s, a)),
                (own, -sign),
                (attained, sign),
                (best, sign),
            )
            pr.note(step.statement, "W is the greedy policy's value; the greedy action attains T V* = V*")
            return greedy_difference(pr, o, U, V, s, step, largest)

        return never_worse(pr, o, U, V, o.s, advantage)

    below, above = difference_of(o.W, o.V, 1), difference_of(o.V, o.W, -1)
    pr.note(claim.statement, "each is at most the other")
    return pr.done(kernel.antisymmetry(below, above), claim.statement)


optimal_policy = Claim(
    name="optimal-policy",
    summary="the policy that is greedy for V* has the value V*",
    context=best_policy.context,
    statement=eq(best_policy.W(best_policy.s), best_policy.V(best_policy.s)),
    proof=prove_optimal_policy,
)
