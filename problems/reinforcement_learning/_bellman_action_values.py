"""Action values: their equations from a fixed point, and the backup that contracts because maxima are close."""

from functools import cache

from _bellman_networks import fitted_q_iteration
from _bellman_operators import (
    declare_fixed_point,
    look_ahead,
    process,
    process_with_policy,
    turned_round,
)

from derivcheck.language import Givens, MaxOver, Sum, abs_, counting, eq, lam, le, range_
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, bounded_by_max, kernel, monotonicity, reason, triangle

# ----------------------------------------------------------------------------------------------------- maxima are close

numbers_of_actions = Givens()
n_u = numbers_of_actions.size("n")
first, second = numbers_of_actions.vector("u", n_u), numbers_of_actions.vector("v", n_u)
each = range_(1, n_u)


def largest(u):
    """max_a u(a)."""
    return MaxOver(each, lambda a: u(a))


largest_gap = MaxOver(each, lambda a: abs_(first(a) - second(a)))


def close_maxima(pr):
    """|max u − max v| ≤ max |u − v|."""

    def one_way(u, v, sign):
        def at(pr, a):
            x = first(a) - second(a)
            gap = kernel.at_most_maximum(pr.context, largest_gap, a)
            size = kernel.absolute_value(pr.context, x if sign == 1 else -x)
            other = kernel.at_most_maximum(pr.context, largest(v), a)
            th = pr.linear(le(u(a), largest(v) + largest_gap), (size, 1), (gap, 1), (other, 1))
            pr.note(th.statement, "a number is at most the other and their distance")
            return th

        th = pr.maximum_at_most(largest(u), at)
        x = largest(first) - largest(second)
        return pr.linear(le(x if sign == 1 else -x, largest_gap), (th, 1))

    return kernel.absolute_bound(one_way(first, second, 1), one_way(second, first, -1))


@cache
def maxima_theorem():
    """The theorem that maxima are close, for the claims that rest on it."""
    return close_maxima(Prover(numbers_of_actions.context))


def prove_maxima_are_close(claim):
    pr = Prover(claim.context)
    return pr.done(close_maxima(pr), claim.statement)


maxima_are_close = Claim(
    name="maxima-are-close",
    summary="|max u − max v| ≤ max |u − v|",
    context=numbers_of_actions.context,
    statement=le(abs_(largest(first) - largest(second)), largest_gap),
    proof=prove_maxima_are_close,
)

maxima_printed = Claim(
    name="maxima-printed",
    summary="|max u − max v| ≤ |max (u − v)|, as printed: the absolute value belongs inside",
    context=numbers_of_actions.context,
    statement=le(abs_(largest(first) - largest(second)), abs_(MaxOver(each, lambda a: first(a) - second(a)))),
    as_printed=True,
)


# -------------------------------------------------------------------------------------------------------- action values


def fixed_point_setting(name):
    """A fixed point V of an operator with 0 ≤ γ < 1, a state and an action."""
    givens = Givens()
    o = process_with_policy(name, givens, at_least=0, below=1)
    o.V = givens.array("V", o.S)
    o.s, o.a = givens.index("s", o.states), givens.index("a", o.actions)
    declare_fixed_point(name, givens, o, o.V)
    o.context = givens.context
    return o


valued, optimal = fixed_point_setting("evaluation"), fixed_point_setting("optimality")


def action_value(o, s, a):
    """Q(s, a) of the fixed point V."""
    return look_ahead(o.V, o.P, o.r, o.gamma, s, a)


def expected(o, s, a, next_value):
    """r(s, a) + γ Σ_t P(s, a, t) · the value of the next state by the action values there."""
    return o.r(s, a) + o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * next_value(t))


def expected_maximum(s, a):
    """r(s, a) + γ Σ_t P(s, a, t) max_b Q(t, b)."""
    return expected(optimal, s, a, lambda t: MaxOver(optimal.A, lambda b: action_value(optimal, t, b)))


def expected_mean(s, a):
    """r(s, a) + γ Σ_t P(s, a, t) Σ_b π(t, b) Q(t, b)."""
    return expected(
        valued, s, a, lambda t: Sum(1, valued.actions, lambda b: valued.pi(t, b) * action_value(valued, t, b))
    )


def maximum_of_the_expectation(s, a):
    """r(s, a) + γ max_b Σ_t P(s, a, t) Q(t, b)."""
    o = optimal
    return o.r(s, a) + o.gamma * MaxOver(
        o.A, lambda b: Sum(1, o.states, lambda t: o.P(s, a, t) * action_value(o, t, b))
    )


def prove_action_values(words):
    """The equation of the action values, from the fixed point's."""

    def proof(claim):
        pr = Prover(claim.context)
        (fixed,) = pr.given("fixed point")
        turned = pr.for_all(optimal.S, lambda pr, t: turned_round(pr, kernel.specialise(pr.bring(fixed), t)))
        return pr.done(pr.prove(claim.statement, monotonicity(turned, words=words)), claim.statement)

    return proof


action_values = Claim(
    name="action-values",
    summary="Q*(s, a) = r(s, a) + γ Σ_t P(s, a, t) max_b Q*(t, b)",
    context=optimal.context,
    statement=eq(action_value(optimal, optimal.s, optimal.a), expected_maximum(optimal.s, optimal.a)),
    proof=prove_action_values("V is a fixed point: V(t) is the largest action value in t"),
    networks=(
        Measurement(
            "fitted Q-network",
            "a network fitted to backed-up action values, its fit error measured at every sweep",
            fitted_q_iteration,
        ),
    ),
    misconceptions=(
        Misconception(
            "the maximum outside the expectation",
            eq(action_value(optimal, optimal.s, optimal.a), maximum_of_the_expectation(optimal.s, optimal.a)),
        ),
    ),
)

policy_action_values = Claim(
    name="policy-action-values",
    summary="Q_π(s, a) = r(s, a) + γ Σ_t P(s, a, t) Σ_b π(t, b) Q_π(t, b)",
    context=valued.context,
    statement=eq(action_value(valued, valued.s, valued.a), expected_mean(valued.s, valued.a)),
    proof=prove_action_values("V is a fixed point: V(t) is the mean action value in t"),
)


# ------------------------------------------------------------------------------------------ the backup of action values

backups = Givens()
backed = process(backups, at_least=0)
backed.q, backed.u = backups.array("q", backed.S, backed.A), backups.array("u", backed.S, backed.A)


def backup(q, s, a):
    """r(s, a) + γ Σ_t P(s, a, t) max_b q(t, b)."""
    return expected(backed, s, a, lambda t: MaxOver(backed.A, lambda b: q(t, b)))


def largest_difference(f, g):
    """The maximum of |f(s, a) − g(s, a)| over all states and actions."""
    return MaxOver(backed.S, lambda s: MaxOver(backed.A, lambda a: abs_(f(s, a) - g(s, a))))


q_gap = largest_difference(backed.q, backed.u)
q_contraction = le(
    largest_difference(lambda s, a: backup(backed.q, s, a), lambda s, a: backup(backed.u, s, a)), backed.gamma * q_gap
)


def prove_action_value_contraction(claim):
    pr = Prover(claim.context)
    o = backed

    def in_state(t):
        """max_b |q(t, b) − u(t, b)|."""
        return MaxOver(o.A, lambda b: abs_(o.q(t, b) - o.u(t, b)))

    def close(pr, t):
        rows = {first: lam(o.A, lambda b: o.q(t, b)), second: lam(o.A, lambda b: o.u(t, b)), n_u: o.actions}
        return kernel.instance(maxima_theorem(), rows, pr.context)

    def best(q):
        return lambda t: MaxOver(o.A, lambda b: q(t, b))

    def for_each_pair(pr, s):
        def at(pr, a):
            def mean(inner):
                return o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * inner(t))

            near = pr.for_all(o.S, close)
            return (
                pr.chain(abs_(backup(o.q, s, a) - backup(o.u, s, a)))
                .eq(
                    abs_(mean(lambda t: best(o.q)(t) - best(o.u)(t))),
                    reason("the rewards cancel", algebra),
                )
                .eq(
                    o.gamma * abs_(Sum(1, o.states, lambda t: o.P(s, a, t) * (best(o.q)(t) - best(o.u)(t)))),
                    reason("γ is not negative", algebra),
                )
                .le(mean(lambda t: abs_(best(o.q)(t) - best(o.u)(t))), triangle)
                .le(mean(in_state), monotonicity(near, words="maxima are as close as the values"))
                .le(mean(lambda t: q_gap), bounded_by_max)
                .eq(o.gamma * q_gap, reason("the law sums to one", algebra))
                .theorem
            )

        return pr.maximum_at_most(MaxOver(o.A, lambda a: abs_(backup(o.q, s, a) - backup(o.u, s, a))), at)

    return pr.done(pr.maximum_at_most(claim.statement.args[0], for_each_pair), claim.statement)


action_value_contraction = Claim(
    name="action-value-contraction",
    summary="the backup of action values contracts by γ in the maximum norm, for every γ ≥ 0",
    context=backups.context,
    statement=q_contraction,
    proof=prove_action_value_contraction,
)


# ------------------------------------------------------------------------------ the equations of the values, as printed

evaluation_equation_printed = Claim(
    name="evaluation-equation-printed",
    summary="V_π(s) in place of the value of the next state, as printed",
    context=valued.context,
    statement=eq(
        valued.V(valued.s),
        Sum(
            1,
            valued.actions,
            lambda a: valued.pi(valued.s, a) * (valued.r(valued.s, a) + valued.gamma * valued.V(valued.s)),
        ),
    ),
    as_printed=True,
)

optimality_equation_printed = Claim(
    name="optimality-equation-printed",
    summary="V*(s) = max_a (r(s, a) + γ V*(s)), as printed: the value of the next state is meant",
    context=optimal.context,
    statement=eq(
        optimal.V(optimal.s),
        MaxOver(optimal.A, lambda a: optimal.r(optimal.s, a) + optimal.gamma * optimal.V(optimal.s)),
    ),
    as_printed=True,
)

random_start = Givens()
start_law = random_start.distribution("rho", counting(valued.S))


def mean_reward(s):
    """Σ_a π(s, a) r(s, a)."""
    return Sum(1, valued.actions, lambda a: valued.pi(s, a) * valued.r(s, a))


first_reward_printed = Claim(
    name="first-reward-printed",
    summary="the mean reward of a random start, E r₀, in place of the reward in s, as printed",
    context=valued.context.extended(*random_start.context.declarations),
    statement=eq(
        valued.V(valued.s),
        Sum(1, valued.states, lambda u: start_law(u) * mean_reward(u))
        + valued.gamma
        * Sum(
            1,
            valued.actions,
            lambda a: valued.pi(valued.s, a) * Sum(1, valued.states, lambda t: valued.P(valued.s, a, t) * valued.V(t)),
        ),
    ),
    as_printed=True,
)
