"""A better policy by a greedy step: its value is nowhere below, and above wherever the step gains.

Every comparison rests on one argument: where V − W is at most γ times a mean of V − W in every state, its maximum is at
most γ times itself, and not positive for γ < 1.
"""

from _bellman_operators import (
    declare_fixed_point,
    declare_second,
    declare_value_of_the_policy,
    evaluation_of,
    look_ahead,
    optimality_of,
    process,
    process_with_policy,
    rewards_with_look_ahead,
    second_fixed_point,
    turned_round,
    value_of,
)

from derivcheck.language import (
    ArgMax,
    ForAll,
    Givens,
    MaxOver,
    Sum,
    counting,
    eq,
    function,
    implies,
    lam,
    le,
    lt,
)
from derivcheck.problem import Claim
from derivcheck.proof import Prover, algebra, bounded_by_max, kernel, monotonicity, reason

# --------------------------------------------------------------------------------------------------------- the argument


def difference_bound(pr, o, V, W, step, mean, largest, words):
    """V(s) − W(s) ≤ γ · max (V − W), from `step`, whose right side is γ times a mean of V − W.

    `words` say whose probabilities sum to one.
    """
    difference, of_the_images = step.statement.args
    return (
        pr.chain(difference)
        .le(of_the_images, step)
        .eq(mean(lambda t: V(t) - W(t)), reason("the rewards cancel", algebra))
        .le(mean(lambda t: largest), bounded_by_max)
        .eq(o.gamma * largest, reason(words, algebra))
        .theorem
    )


def policy_difference(pr, o, V, W, s, step, largest):
    """V(s) − W(s) ≤ γ · max (V − W), from V(s) − W(s) ≤ (T_π V)(s) − (T_π W)(s)."""

    def mean(of):
        return Sum(1, o.actions, lambda a: o.pi(s, a) * (o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * of(t))))

    return difference_bound(pr, o, V, W, step, mean, largest, "both laws sum to one")


def greedy_difference(pr, o, V, W, s, step, largest):
    """V(s) − W(s) ≤ γ · max (V − W), from the look-aheads of the greedy action."""

    def mean(of):
        return o.gamma * Sum(1, o.states, lambda t: o.P(s, o.greedy(s), t) * of(t))

    return difference_bound(pr, o, V, W, step, mean, largest, "the law sums to one")


def never_worse(pr, o, V, W, s, advantage):
    """V(s) ≤ W(s), from V − W ≤ γ · (a mean of V − W): the largest value of V − W is not positive.

    `advantage` proves V(s) − W(s) ≤ γ · max (V − W) for an arbitrary state.
    """
    largest = MaxOver(o.S, lambda t: V(t) - W(t))
    shrinks = pr.maximum_at_most(largest, lambda pr, t: advantage(pr, t, largest))
    negative = pr.linear(le(largest, 0), (shrinks, 1 / (1 - o.gamma)))
    pr.note(negative.statement, "the maximum is at most γ times itself, and γ < 1")
    th = pr.linear(le(V(s), W(s)), (kernel.at_most_maximum(pr.context, largest, s), 1), (negative, 1))
    pr.note(th.statement, "a value is at most the maximum")
    return th


# ------------------------------------------------------------------------------ any policy that one step does not lower


def improvement_setting():
    """A policy π' whose operator does not lower V, and its value W."""
    givens = Givens()
    o = process(givens, at_least=0, below=1)
    o.pi = givens.distribution("pi", counting(o.A), given=(o.S,))
    o.s = givens.index("s", o.states)
    o.V, o.W = givens.array("V", o.S), givens.array("W", o.S)
    gain = function("gain", o.S, o.A)
    givens.assume(
        "one step of the policy is no loss",
        ForAll(o.S, lambda s: le(o.V(s), evaluation_of(o, o.V)(s))),
        model={o.r: rewards_with_look_ahead(o, o.V, lambda s, a: o.V(s) + gain(s, a))},
        auxiliary=lambda g: g.array("gain", o.S, o.A, at_least=0),
    )
    declare_value_of_the_policy(givens, o, o.W)
    o.context = givens.context
    return o


improved = improvement_setting()


def prove_improvement(claim):
    pr = Prover(claim.context)
    o = improved
    (no_loss,) = pr.given("one step of the policy is no loss")
    (value,) = pr.given("value of the policy")

    def advantage(pr, s, largest):
        here = kernel.specialise(pr.bring(no_loss), s)
        own = kernel.specialise(pr.bring(value), s)
        step = pr.linear(le(o.V(s) - o.W(s), evaluation_of(o, o.V)(s) - evaluation_of(o, o.W)(s)), (here, 1), (own, 1))
        pr.note(step.statement, "one step is no loss for V and changes nothing for W")
        return policy_difference(pr, o, o.V, o.W, s, step, largest)

    return pr.done(never_worse(pr, o, o.V, o.W, o.s, advantage), claim.statement)


improvement = Claim(
    name="improvement",
    summary="V ≤ T_π V implies V ≤ V_π",
    context=improved.context,
    statement=le(improved.V(improved.s), improved.W(improved.s)),
    proof=prove_improvement,
)


# ---------------------------------------------------------------------------------------------------- the greedy policy


def declare_greedy(givens, o, *, optimal=False):
    """An action σ(s) that attains (T V)(s) in every state, and the value W of that policy; V may be `optimal`."""
    o.greedy = givens.choice("sigma", o.S, o.A)
    givens.assume(
        "greedy",
        ForAll(o.S, lambda s: eq(look_ahead(o.V, o.P, o.r, o.gamma, s, o.greedy(s)), optimality_of(o, o.V)(s))),
        model={o.greedy: lam(o.S, lambda s: ArgMax(o.A, lambda a: look_ahead(o.V, o.P, o.r, o.gamma, s, a)))},
    )
    o.before = givens.context
    value = value_of(o, lambda s, t: o.P(s, o.greedy(s), t), lambda s: o.r(s, o.greedy(s)))
    givens.assume(
        "value of the greedy policy",
        ForAll(o.S, lambda s: eq(look_ahead(o.W, o.P, o.r, o.gamma, s, o.greedy(s)), o.W(s))),
        model=second_fixed_point("optimality", o, o.W, o.V, value) if optimal else {o.W: value},
        auxiliary=declare_second if optimal else None,
    )


def up_to_the_maximum(chain, o, V, s):
    """The chain that has come to (T_π V)(s), and goes on to (T V)(s): a mean is at most the maximum."""

    def look(a):
        return look_ahead(V, o.P, o.r, o.gamma, s, a)

    maximum = MaxOver(o.A, look)
    return (
        chain.eq(Sum(1, o.actions, lambda a: o.pi(s, a) * look(a)), reason("definition of the operator", algebra))
        .le(Sum(1, o.actions, lambda a: o.pi(s, a) * maximum), bounded_by_max)
        .eq(maximum, reason("the policy's probabilities sum to one", algebra))
        .eq(optimality_of(o, V)(s), reason("definition of the operator", algebra))
    )


def greedy_setting():
    """The value V of a policy, the policy that is greedy for V, and its value W."""
    givens = Givens()
    o = process_with_policy("evaluation", givens, at_least=0, below=1)
    o.s = givens.index("s", o.states)
    o.V, o.W = givens.array("V", o.S), givens.array("W", o.S)
    declare_fixed_point("evaluation", givens, o, o.V, called="value of the policy")
    declare_greedy(givens, o)
    o.context = givens.context
    return o


greedy = greedy_setting()


def step_of_the_greedy_action(pr, s):
    """V(s) ≤ the look-ahead of the greedy action."""
    o = greedy
    (value,) = pr.given("value of the policy")
    (attains,) = pr.given("greedy")
    own, attained = (turned_round(pr, kernel.specialise(pr.bring(th), s)) for th in (value, attains))
    by_the_policy = pr.chain(o.V(s)).eq(evaluation_of(o, o.V)(s), monotonicity(own, words="V is the value of π"))
    return (
        up_to_the_maximum(by_the_policy, o, o.V, s)
        .eq(
            look_ahead(o.V, o.P, o.r, o.gamma, s, o.greedy(s)),
            monotonicity(attained, words="the greedy action attains the maximum"),
        )
        .theorem
    )


def prove_greedy_step(claim):
    pr = Prover(claim.context)
    return pr.done(step_of_the_greedy_action(pr, greedy.s), claim.statement)


greedy_step = Claim(
    name="greedy-step",
    summary="V_π(s) is at most the look-ahead of the action that is greedy for V_π",
    context=greedy.before,
    statement=le(
        greedy.V(greedy.s),
        look_ahead(greedy.V, greedy.P, greedy.r, greedy.gamma, greedy.s, greedy.greedy(greedy.s)),
    ),
    proof=prove_greedy_step,
)


def greedy_order(pr, s):
    """V(s) ≤ W(s): the greedy policy's value is nowhere below the policy's."""
    o = greedy
    (value,) = pr.given("value of the greedy policy")

    def advantage(pr, s, largest):
        here = step_of_the_greedy_action(pr, s)
        own = kernel.specialise(pr.bring(value), s)
        a = o.greedy(s)
        looks = look_ahead(o.V, o.P, o.r, o.gamma, s, a) - look_ahead(o.W, o.P, o.r, o.gamma, s, a)
        step = pr.linear(le(o.V(s) - o.W(s), looks), (here, 1), (own, 1))
        pr.note(step.statement, "one greedy step is no loss for V and changes nothing for W")
        return greedy_difference(pr, o, o.V, o.W, s, step, largest)

    return never_worse(pr, o, o.V, o.W, s, advantage)


def prove_greedy_improvement(claim):
    pr = Prover(claim.context)
    return pr.done(greedy_order(pr, greedy.s), claim.statement)


greedy_improvement = Claim(
    name="greedy-improvement",
    summary="the greedy policy for V_π is at least as good as π, in every state",
    context=greedy.context,
    statement=le(greedy.V(greedy.s), greedy.W(greedy.s)),
    proof=prove_greedy_improvement,
)


def look_ahead_order(pr, s):
    """The look-ahead of the greedy action by V is at most W(s)."""
    o = greedy
    everywhere = pr.for_all(o.S, greedy_order)
    pr.note(everywhere.statement, "the greedy policy is nowhere worse")
    (value,) = pr.given("value of the greedy policy")
    own = kernel.specialise(pr.bring(value), s)
    return (
        pr.chain(look_ahead(o.V, o.P, o.r, o.gamma, s, o.greedy(s)))
        .le(
            look_ahead(o.W, o.P, o.r, o.gamma, s, o.greedy(s)),
            monotonicity(everywhere, words="a mean of larger values is larger"),
        )
        .eq(o.W(s), own)
        .theorem
    )


def prove_greedy_look_ahead(claim):
    pr = Prover(claim.context)
    return pr.done(look_ahead_order(pr, greedy.s), claim.statement)


greedy_look_ahead = Claim(
    name="greedy-look-ahead",
    summary="its value is at least its own look-ahead by V_π",
    context=greedy.context,
    statement=le(
        look_ahead(greedy.V, greedy.P, greedy.r, greedy.gamma, greedy.s, greedy.greedy(greedy.s)),
        greedy.W(greedy.s),
    ),
    proof=prove_greedy_look_ahead,
)

improvement_printed = Claim(
    name="improvement-printed",
    summary="the greedy policy's value equals its look-ahead by V_π, as printed: it is at least that",
    context=greedy.context,
    statement=eq(
        greedy.W(greedy.s),
        look_ahead(greedy.V, greedy.P, greedy.r, greedy.gamma, greedy.s, greedy.greedy(greedy.s)),
    ),
    as_printed=True,
)


def prove_greedy_strict_improvement(claim):
    pr = Prover(claim.context)
    o = greedy
    premise = claim.statement.args[0]
    better = pr.assume(premise)
    (attains,) = pr.given("greedy")
    attained = kernel.specialise(attains, o.s)
    order = look_ahead_order(pr, o.s)
    th = pr.linear(lt(o.V(o.s), o.W(o.s)), (better, 1), (attained, -1), (order, 1))
    pr.note(th.statement, "the greedy action attains the maximum, which is larger than V(s)")
    return pr.done(kernel.discharge(th, premise), claim.statement)


greedy_strict_improvement = Claim(
    name="greedy-strict-improvement",
    summary="and strictly above V_π wherever an action's look-ahead is",
    context=greedy.context,
    statement=implies(
        lt(greedy.V(greedy.s), optimality_of(greedy, greedy.V)(greedy.s)),
        lt(greedy.V(greedy.s), greedy.W(greedy.s)),
    ),
    proof=prove_greedy_strict_improvement,
)

any_values = Givens()
chosen = process(any_values, at_least=0, below=1)
chosen.V, chosen.s = any_values.array("V", chosen.S), any_values.index("s", chosen.states)
chosen.context = any_values.context

greedy_policy_printed = Claim(
    name="greedy-policy-printed",
    summary="the action with the largest r(s, a) + γ V(s) is greedy for V, as printed",
    context=chosen.context,
    statement=eq(
        look_ahead(
            chosen.V,
            chosen.P,
            chosen.r,
            chosen.gamma,
            chosen.s,
            ArgMax(chosen.A, lambda a: chosen.r(chosen.s, a) + chosen.gamma * chosen.V(chosen.s)),
        ),
        optimality_of(chosen, chosen.V)(chosen.s),
    ),
    as_printed=True,
)
