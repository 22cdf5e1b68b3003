"""Which policy is better: improvement by a greedy step, optimal policies, and the value of a policy in closed form.

Every comparison rests on one argument: where V − W is at most γ times a mean of V − W in every state, its maximum is at
most γ times itself, and not positive for γ < 1.
"""

from _bellman_operators import (
    declare_second,
    evaluation_of,
    look_ahead,
    optimality_of,
    process,
    process_with_policy,
    rewards_with_fixed_point,
    second_fixed_point,
    turned_round,
)

from derivcheck.language import (
    ArgMax,
    ForAll,
    Givens,
    MaxOver,
    Sum,
    abs_,
    counting,
    eq,
    function,
    functions,
    identity,
    ind,
    inverse,
    ite,
    lam,
    le,
    lt,
    matrix,
    max_,
    range_,
    vector,
)
from derivcheck.proof import (
    Prover,
    algebra,
    bounded_by_max,
    inside,
    kernel,
    monotonicity,
    reason,
    triangle,
    using,
)

# -------------------------------------------------------------------------------------------------------- improvement


def value_of(o, law, reward):
    """(I − γ P)⁻¹ r for the chain of a policy, as a term: how instances get the value of a policy."""
    system = matrix(o.states, o.states, lambda s, t: ind(eq(s, t)) - o.gamma * law(s, t))
    return inverse(system) @ vector(o.states, reward)


def value_of_policy(o):
    """The value of the policy π of the process `o`."""
    return value_of(
        o,
        lambda s, t: Sum(1, o.actions, lambda a: o.pi(s, a) * o.P(s, a, t)),
        lambda s: Sum(1, o.actions, lambda a: o.pi(s, a) * o.r(s, a)),
    )


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


def mean_of_the_difference(pr, o, V, W, s, step, largest):
    """V(s) − W(s) ≤ γ · max (V − W), from V(s) − W(s) ≤ (T_π V)(s) − (T_π W)(s)."""

    def mean(of):
        return Sum(1, o.actions, lambda a: o.pi(s, a) * (o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * of(t))))

    return (
        pr.chain(V(s) - W(s))
        .le(evaluation_of(o, V)(s) - evaluation_of(o, W)(s), step)
        .eq(mean(lambda t: V(t) - W(t)), reason("the rewards cancel", algebra))
        .le(mean(lambda t: largest), bounded_by_max)
        .eq(o.gamma * largest, reason("both laws sum to one", algebra))
        .theorem
    )


def greedy_difference(pr, o, V, W, s, step, largest):
    """V(s) − W(s) ≤ γ · max (V − W), from the look-aheads of the greedy action."""
    a = o.greedy(s)
    return (
        pr.chain(V(s) - W(s))
        .le(look_ahead(V, o.P, o.r, o.gamma, s, a) - look_ahead(W, o.P, o.r, o.gamma, s, a), step)
        .eq(
            o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * (V(t) - W(t))),
            reason("the rewards cancel", algebra),
        )
        .le(o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * largest), bounded_by_max)
        .eq(o.gamma * largest, reason("the law sums to one", algebra))
        .theorem
    )


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
        model={
            o.r: lam(
                o.S,
                lambda s: lam(
                    o.A,
                    lambda a: o.V(s) - o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * o.V(t)) + gain(s, a),
                ),
            )
        },
        auxiliary=lambda g: g.array("gain", o.S, o.A, at_least=0),
    )
    givens.assume(
        "value of the policy",
        ForAll(o.S, lambda s: eq(evaluation_of(o, o.W)(s), o.W(s))),
        model={o.W: value_of_policy(o)},
    )
    o.context = givens.context
    return o


improved = improvement_setting()


def improvement_theorem(claim):
    pr = Prover(claim.context)
    o = improved
    (no_loss,) = pr.given("one step of the policy is no loss")
    (value,) = pr.given("value of the policy")

    def advantage(pr, s, largest):
        here = kernel.specialise(pr.bring(no_loss), s)
        own = kernel.specialise(pr.bring(value), s)
        step = pr.linear(le(o.V(s) - o.W(s), evaluation_of(o, o.V)(s) - evaluation_of(o, o.W)(s)), (here, 1), (own, 1))
        pr.note(step.statement, "one step is no loss for V and changes nothing for W")
        return mean_of_the_difference(pr, o, o.V, o.W, s, step, largest)

    return pr.done(never_worse(pr, o, o.V, o.W, o.s, advantage), claim.statement)


def greedy_setting():
    """The value V of a policy, the policy that is greedy for V, and its value W."""
    givens = Givens()
    o = process_with_policy("evaluation", givens, at_least=0, below=1)
    o.s = givens.index("s", o.states)
    o.V, o.W = givens.array("V", o.S), givens.array("W", o.S)
    givens.assume(
        "value of the policy",
        ForAll(o.S, lambda s: eq(evaluation_of(o, o.V)(s), o.V(s))),
        model={o.r: rewards_with_fixed_point("evaluation", o, o.V)},
        auxiliary=lambda g: g.array("w", o.S, o.A),
    )
    declare_greedy(givens, o)
    o.context = givens.context
    return o


greedy = greedy_setting()


def greedy_step(pr, s):
    """V(s) ≤ the look-ahead of the greedy action."""
    o = greedy
    (value,) = pr.given("value of the policy")

    def look(a):
        return look_ahead(o.V, o.P, o.r, o.gamma, s, a)

    maximum = MaxOver(o.A, look)
    (attains,) = pr.given("greedy")
    attained = kernel.specialise(pr.bring(attains), s)
    return (
        pr.chain(o.V(s))
        .eq(
            evaluation_of(o, o.V)(s),
            monotonicity(turned_round(pr, kernel.specialise(pr.bring(value), s)), words="V is the value of π"),
        )
        .eq(Sum(1, o.actions, lambda a: o.pi(s, a) * look(a)), reason("definition of the operator", algebra))
        .le(Sum(1, o.actions, lambda a: o.pi(s, a) * maximum), bounded_by_max)
        .eq(maximum, reason("the policy's probabilities sum to one", algebra))
        .eq(optimality_of(o, o.V)(s), reason("definition of the operator", algebra))
        .eq(look(o.greedy(s)), monotonicity(turned_round(pr, attained), words="the greedy action attains the maximum"))
        .theorem
    )


def greedy_is_no_loss(claim):
    pr = Prover(claim.context)
    return pr.done(greedy_step(pr, greedy.s), claim.statement)


def greedy_order(pr, s):
    """V(s) ≤ W(s): the greedy policy's value is nowhere below the policy's."""
    o = greedy
    (value,) = pr.given("value of the greedy policy")

    def advantage(pr, s, largest):
        here = greedy_step(pr, s)
        own = kernel.specialise(pr.bring(value), s)
        a = o.greedy(s)
        looks = look_ahead(o.V, o.P, o.r, o.gamma, s, a) - look_ahead(o.W, o.P, o.r, o.gamma, s, a)
        step = pr.linear(le(o.V(s) - o.W(s), looks), (here, 1), (own, 1))
        pr.note(step.statement, "one greedy step is no loss for V and changes nothing for W")
        return greedy_difference(pr, o, o.V, o.W, s, step, largest)

    return never_worse(pr, o, o.V, o.W, s, advantage)


def greedy_improves(claim):
    pr = Prover(claim.context)
    return pr.done(greedy_order(pr, greedy.s), claim.statement)


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


def greedy_keeps_its_look_ahead(claim):
    pr = Prover(claim.context)
    return pr.done(look_ahead_order(pr, greedy.s), claim.statement)


def greedy_improves_strictly(claim):
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


# -------------------------------------------------------------------------------------------------- optimal policies


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
        model={
            o.r: lam(
                o.S,
                lambda s: lam(
                    o.A,
                    lambda a: o.V(s) - o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * o.V(t)) - worse(s, a),
                ),
            )
        },
        auxiliary=lambda g: g.array("loss", o.S, o.A, at_least=0),
    )
    o.context = givens.context
    return o


unimprovable = unimprovable_setting()


def policy_at_most_maximum(pr, o, V, s):
    """(T_π V)(s) ≤ (T V)(s): a mean is at most the maximum."""
    maximum = MaxOver(o.A, lambda a: look_ahead(V, o.P, o.r, o.gamma, s, a))
    return (
        pr.chain(evaluation_of(o, V)(s))
        .eq(
            Sum(1, o.actions, lambda a: o.pi(s, a) * look_ahead(V, o.P, o.r, o.gamma, s, a)),
            reason("definition of the operator", algebra),
        )
        .le(Sum(1, o.actions, lambda a: o.pi(s, a) * maximum), bounded_by_max)
        .eq(maximum, reason("the policy's probabilities sum to one", algebra))
        .eq(optimality_of(o, V)(s), reason("definition of the operator", algebra))
        .theorem
    )


def no_improvement_is_optimal(claim):
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


def dominated_setting():
    """The value V of any policy, beside the fixed point V* of the optimality operator."""
    givens = Givens()
    o = process_with_policy("evaluation", givens, at_least=0, below=1)
    o.s, o.V, o.fixed = givens.index("s", o.states), givens.array("V", o.S), givens.array("V_star", o.S)
    givens.assume(
        "fixed point",
        ForAll(o.S, lambda s: eq(optimality_of(o, o.fixed)(s), o.fixed(s))),
        model={o.r: rewards_with_fixed_point("optimality", o, o.fixed)},
        auxiliary=lambda g: g.array("w", o.S, o.A),
    )
    givens.assume(
        "value of the policy",
        ForAll(o.S, lambda s: eq(evaluation_of(o, o.V)(s), o.V(s))),
        model={o.V: value_of_policy(o)},
    )
    o.context = givens.context
    return o


dominated = dominated_setting()


def no_policy_is_better(claim):
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
        return mean_of_the_difference(pr, o, o.V, o.fixed, s, step, largest)

    return pr.done(never_worse(pr, o, o.V, o.fixed, o.s, advantage), claim.statement)


def greedy_for_the_optimum():
    """V*, the policy that is greedy for it, and that policy's value W."""
    givens = Givens()
    o = process(givens, at_least=0, below=1)
    o.s, o.V, o.W = givens.index("s", o.states), givens.array("V_star", o.S), givens.array("W", o.S)
    givens.assume(
        "fixed point",
        ForAll(o.S, lambda s: eq(optimality_of(o, o.V)(s), o.V(s))),
        model={o.r: rewards_with_fixed_point("optimality", o, o.V)},
        auxiliary=lambda g: g.array("w", o.S, o.A),
    )
    declare_greedy(givens, o, optimal=True)
    o.context = givens.context
    return o


best_policy = greedy_for_the_optimum()


def greedy_for_the_optimum_is_optimal(claim):
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


# ---------------------------------------------------------------------------------------------- value in closed form

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


def invertible_below_one(claim):
    pr = Prover(claim.context)
    return pr.done(system_is_invertible(pr), claim.statement)


def value_by_the_inverse(claim):
    pr = Prover(claim.context)
    invertible = system_is_invertible(pr)
    general = Prover(linear_system.context).prove(eq(any_matrix @ (inverse(any_matrix) @ any_vector), any_vector))
    th = kernel.instance(general, {any_matrix: system, any_vector: chain_reward}, pr.context, [invertible])
    pr.note(claim.statement, "a matrix times its inverse is the identity")
    return pr.done(th, claim.statement)
