"""Bellman operators of a finite Markov decision process.

Source: discussion 9 (Bellman equations); Prince, Understanding Deep Learning, problems 19.2 and 19.5; the course's
summary sheet, classical reinforcement learning.

For rewards r(s, a), transition laws P(s, a, ·), a policy π(s, ·) and a discount γ,

    (T_π V)(s) = Σ_a π(s, a) (r(s, a) + γ Σ_t P(s, a, t) V(t)),    (T V)(s) = max_a (r(s, a) + γ Σ_t P(s, a, t) V(t)).

Both are γ-contractions of the maximum norm on every finite process.  The inequality itself, and with it the bound
‖V_k − V*‖ ≤ γ^k ‖V_0 − V*‖, need γ ≥ 0 alone; that there is one fixed point, and the error bounds with 1 − γ in the
denominator, need γ < 1: at γ = 1 a constant can be added to every fixed point.  A policy that is greedy for the value
of another is at least as good, in every state.
"""

from functools import cache
from types import SimpleNamespace

from _bellman_action_values import (
    action_value,
    action_values,
    backup_contracts,
    backups,
    each,
    expected_maximum,
    expected_mean,
    first,
    largest,
    largest_gap,
    maxima_are_close,
    maximum_of_the_expectation,
    numbers_of_actions,
    optimal,
    q_contraction,
    second,
    valued,
)
from _bellman_networks import fitted_q_iteration, value_iteration_factors
from _bellman_operators import (
    OPERATORS,
    declare_second,
    difference,
    distance,
    evaluation_of,
    look_ahead,
    naturals,
    optimality,
    optimality_of,
    process,
    process_with_policy,
    rewards_with_fixed_point,
    second_fixed_point,
    turned_round,
)
from _bellman_policies import (
    best_policy,
    chain_reward,
    chain_value,
    dominated,
    greedy,
    greedy_for_the_optimum_is_optimal,
    greedy_improves,
    greedy_improves_strictly,
    greedy_is_no_loss,
    greedy_keeps_its_look_ahead,
    improved,
    improvement_theorem,
    invertible_below_one,
    markov,
    no_improvement_is_optimal,
    no_policy_is_better,
    system,
    unimprovable,
    value_by_the_inverse,
)

from derivcheck.language import (
    ArgMax,
    D,
    ForAll,
    Givens,
    Index,
    MaxOver,
    Sum,
    abs_,
    counting,
    eq,
    function,
    implies,
    integer,
    ite,
    lam,
    le,
    lt,
    num,
    predicate,
    range_,
    real,
    sup_norm,
    unfold,
)
from derivcheck.problem import Claim, Measurement, Misconception, Problem
from derivcheck.proof import (
    Prover,
    algebra,
    bounded_by_max,
    inside,
    kernel,
    monotonicity,
    reason,
    tactic,
    triangle,
    using,
)

# ---------------------------------------------------------------------------------------------------- contraction


at_most_absolute_value = tactic(
    "a number is at most its absolute value", lambda pr, goal: kernel.absolute_value(pr.context, goal.args[0])
)


def mean_at_most_norm(pr, o, U, V, s, a):
    """Σ_t P(s, a, t) |U(t) − V(t)| ≤ ‖U − V‖: a mean is at most the maximum."""
    norm = sup_norm(difference(U, V))
    return (
        pr.chain(Sum(1, o.states, lambda t: o.P(s, a, t) * abs_(U(t) - V(t))))
        .le(Sum(1, o.states, lambda t: o.P(s, a, t) * norm), bounded_by_max)
        .eq(norm, reason("the probabilities sum to one", algebra))
        .theorem
    )


def evaluation_contraction(pr, o, U, V):
    """‖T_π U − T_π V‖ ≤ γ ‖U − V‖ for the process `o`."""

    def at(pr, s):
        def averaged(inner):
            return Sum(1, o.actions, lambda a: o.pi(s, a) * inner(a))

        def change(t):
            return U(t) - V(t)

        return (
            pr.chain(abs_(evaluation_of(o, U)(s) - evaluation_of(o, V)(s)))
            .eq(
                abs_(averaged(lambda a: o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * change(t)))),
                reason("the rewards cancel", algebra),
            )
            .le(averaged(lambda a: abs_(o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * change(t)))), triangle)
            .eq(
                averaged(lambda a: o.gamma * abs_(Sum(1, o.states, lambda t: o.P(s, a, t) * change(t)))),
                reason("γ is not negative", algebra),
            )
            .le(averaged(lambda a: o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * abs_(change(t)))), triangle)
            .le(
                averaged(lambda a: o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * distance(U, V))),
                bounded_by_max,
            )
            .eq(o.gamma * distance(U, V), reason("both laws sum to one", algebra))
            .theorem
        )

    return pr.maximum_at_most(distance(evaluation_of(o, U), evaluation_of(o, V)), at)


def maxima_differ_by_at_most(pr, o, U, V, s):
    """(TU)(s) − (TV)(s) ≤ γ ‖U − V‖, from U ≤ V + |U − V| inside the maximum."""
    norm = sup_norm(difference(U, V))
    maximum = MaxOver(o.A, lambda a: look_ahead(U, o.P, o.r, o.gamma, s, a))
    other = MaxOver(o.A, lambda a: look_ahead(V, o.P, o.r, o.gamma, s, a))

    def at(pr, a):
        mean = mean_at_most_norm(pr, o, U, V, s, a)
        return (
            pr.chain(look_ahead(U, o.P, o.r, o.gamma, s, a))
            .eq(
                look_ahead(V, o.P, o.r, o.gamma, s, a)
                + o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * (U(t) - V(t))),
                algebra,
            )
            .le(
                look_ahead(V, o.P, o.r, o.gamma, s, a)
                + o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * abs_(U(t) - V(t))),
                inside(at_most_absolute_value),
            )
            .le(look_ahead(V, o.P, o.r, o.gamma, s, a) + o.gamma * norm, inside(using(mean)))
            .le(
                other + o.gamma * norm,
                using(kernel.at_most_maximum(pr.context, other, a), words="a value is at most the maximum"),
            )
            .theorem
        )

    th = pr.maximum_at_most(maximum, at)
    return pr.linear(
        le(optimality(U, o.P, o.r, o.gamma)(s) - optimality(V, o.P, o.r, o.gamma)(s), o.gamma * norm), (th, 1)
    )


def optimality_contraction(pr, o, U, V):
    """‖TU − TV‖ ≤ γ ‖U − V‖ for the process `o`."""
    norm = sup_norm(difference(U, V))

    def at(pr, s):
        image_U, image_V = optimality(U, o.P, o.r, o.gamma)(s), optimality(V, o.P, o.r, o.gamma)(s)
        above = maxima_differ_by_at_most(pr, o, U, V, s)
        swapped = maxima_differ_by_at_most(pr, o, V, U, s)
        same = pr.prove(eq(sup_norm(difference(V, U)), norm), reason("|x| = |−x|", algebra))
        below = pr.linear(le(-(image_U - image_V), o.gamma * norm), (swapped, 1), (same, o.gamma))
        th = kernel.absolute_bound(above, below)
        pr.note(th.statement, "both differences are at most that")
        return th

    return pr.maximum_at_most(
        sup_norm(difference(optimality(U, o.P, o.r, o.gamma), optimality(V, o.P, o.r, o.gamma))), at
    )


CONTRACTS = {"evaluation": evaluation_contraction, "optimality": optimality_contraction}


def pair(name):
    """Two functions U and V on the states of any process with γ ≥ 0, and the claim that the operator contracts."""
    givens = Givens()
    o = process_with_policy(name, givens, at_least=0)
    o.U, o.V = givens.array("U", o.S), givens.array("V", o.S)
    o.context = givens.context
    o.s, o.c = givens.index("s", o.states), givens.real("c")
    o.with_constant = givens.context
    operator = OPERATORS[name]
    o.statement = le(distance(operator(o, o.U), operator(o, o.V)), o.gamma * distance(o.U, o.V))

    def proof(claim):
        pr = Prover(claim.context)
        return pr.done(CONTRACTS[name](pr, o, o.U, o.V), claim.statement)

    o.proof = proof
    return o


PAIRS = {name: pair(name) for name in OPERATORS}
two, best = PAIRS["evaluation"], PAIRS["optimality"]


@cache
def contraction(name):
    """The theorem that the operator contracts, for the claims that rest on it."""
    o = PAIRS[name]
    return CONTRACTS[name](Prover(o.context), o, o.U, o.V)


def contracts(pr, name, U, V):
    """‖TU − TV‖ ≤ γ ‖U − V‖ for two functions of the context at hand."""
    return kernel.instance(contraction(name), {PAIRS[name].U: U, PAIRS[name].V: V}, pr.context)


def shifted(o):
    """V + c."""
    return lam(o.S, lambda s: o.V(s) + o.c)


def shift(name):
    """T(V + c) = TV + γc: what the discount does to a constant."""
    o, operator = PAIRS[name], OPERATORS[name]
    return eq(operator(o, shifted(o))(o.s), operator(o, o.V)(o.s) + o.gamma * o.c)


def shift_of_evaluation(pr):
    return pr.prove(shift("evaluation"), reason("linear in V, and both laws sum to one", algebra))


def shift_of_optimality(pr):
    o = best
    moved, still = optimality_of(o, shifted(o))(o.s), optimality_of(o, o.V)(o.s)

    def maximum(V):
        return MaxOver(o.A, lambda a: look_ahead(V, o.P, o.r, o.gamma, o.s, a))

    def at_most(V, sign, target):
        def at(pr, a):
            other = o.V if V is not o.V else shifted(o)
            value = look_ahead(V, o.P, o.r, o.gamma, o.s, a)
            return (
                pr.chain(value)
                .eq(
                    look_ahead(other, o.P, o.r, o.gamma, o.s, a) + sign * o.gamma * o.c,
                    reason("linear in V, and the law sums to one", algebra),
                )
                .le(
                    maximum(other) + sign * o.gamma * o.c,
                    using(
                        kernel.at_most_maximum(pr.context, maximum(other), a), words="a value is at most the maximum"
                    ),
                )
                .theorem
            )

        return pr.linear(target, (pr.maximum_at_most(maximum(V), at), 1))

    below = at_most(shifted(o), 1, le(moved, still + o.gamma * o.c))
    above = at_most(o.V, -1, le(still + o.gamma * o.c, moved))
    pr.note(shift("optimality"), "each is at most the other")
    return kernel.antisymmetry(below, above)


SHIFTS = {"evaluation": shift_of_evaluation, "optimality": shift_of_optimality}


@cache
def shift_theorem(name):
    """A constant comes out of the operator, times γ, for the claims that rest on it; the laws may be negative."""
    context = PAIRS[name].with_constant.without("P", "nonnegative")
    return SHIFTS[name](Prover(context.without("pi", "nonnegative") if name == "evaluation" else context))


def constant_comes_out(name):
    """The proof that T(V + c) = TV + γc."""

    def proof(claim):
        pr = Prover(claim.context)
        return pr.done(SHIFTS[name](pr), claim.statement)

    return proof


# ------------------------------------------------------------------------------------------------ unique fixed point


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


# ------------------------------------------------------------------------------------------------------------- sweeps


def start_near(o):
    """How instances get the V that sweeps start from: V* and an error, or a multiple of V* that cancels wrongly."""
    error, start = function("error", o.S), Index("start")
    return lambda s: ite(eq(start, 2), -o.fixed(s), ite(eq(start, 3), o.fixed(s) / 2, o.fixed(s) + error(s)))


def declare_start(o, others=lambda g: None):
    """What `start_near` draws, beside `others`."""

    def auxiliary(g):
        others(g)
        g.array("error", o.S)
        g.integer("start", at_least=0, at_most=3)

    return auxiliary


def sweeps(name, **discount):
    """A process whose operator has the fixed point V* and is applied again and again from V_0."""
    operator = OPERATORS[name]
    givens = Givens()
    o = process_with_policy(name, givens, at_least=0, **discount)
    o.name, o.operator = name, operator
    o.k = givens.integer("k", at_least=0)
    o.fixed = givens.array("V_star", o.S)
    o.V = givens.function("V", naturals, o.S)
    givens.assume(
        "fixed point",
        ForAll(o.S, lambda s: eq(operator(o, o.fixed)(s), o.fixed(s))),
        model={o.r: rewards_with_fixed_point(name, o, o.fixed)},
        auxiliary=lambda g: g.array("w", o.S, o.A),
    )
    start = start_near(o)
    givens.assume(
        "sweeps",
        ForAll(naturals, lambda k: ForAll(o.S, lambda s: eq(o.V(k + 1, s), operator(o, o.V(k))(s)))),
        # Where the error of V_0 is the same in all states, every sweep multiplies it by γ: the bounds are attained.
        model={o.V: lam(naturals, lambda k: lam(o.S, lambda s: ite(eq(k, 0), start(s), operator(o, o.V(k - 1))(s))))},
        auxiliary=declare_start(o),
    )
    o.context = givens.context
    return o


def one_sweep(pr, o, k):
    """‖V_{k+1} − V*‖ ≤ γ ‖V_k − V*‖."""
    (fixed,) = pr.given("fixed point")
    (sweep,) = pr.given("sweeps")
    before = distance(o.V(k), o.fixed)
    th = contracts(pr, o.name, o.V(k), o.fixed)

    def at(pr, s):
        images = difference(o.operator(o, o.V(k)), o.operator(o, o.fixed))
        return (
            pr.chain(abs_(o.V(k + 1, s) - o.fixed(s)))
            .eq(
                abs_(o.operator(o, o.V(k))(s) - o.operator(o, o.fixed)(s)),
                monotonicity(sweep, fixed, words="a sweep; V* is a fixed point"),
            )
            .le(sup_norm(images), bounded_by_max)
            .le(o.gamma * before, using(th, words="the operator contracts"))
            .theorem
        )

    return pr.maximum_at_most(distance(o.V(k + 1), o.fixed), at)


def approach(**discount):
    """A sequence that every step brings nearer to V* by the factor γ: all that the error bounds rest on."""
    givens = Givens()
    states = givens.size("S")
    S = range_(1, states)
    gamma = givens.real("gamma", at_least=0, **discount)
    k = givens.integer("k", at_least=0)
    fixed, V = givens.array("V_star", S), givens.function("V", naturals, S)
    givens.assume(
        "every sweep comes nearer",
        ForAll(naturals, lambda k: le(distance(V(k + 1), fixed), gamma * distance(V(k), fixed))),
    )
    return SimpleNamespace(gamma=gamma, S=S, k=k, fixed=fixed, V=V, context=givens.context)


def geometric(pr, o):
    """‖V_k − V*‖ ≤ γ^k ‖V_0 − V*‖."""
    start = distance(o.V(integer(0)), o.fixed)
    (nearer,) = pr.given("every sweep comes nearer")

    def bound(k):
        return le(distance(o.V(k), o.fixed), o.gamma ** real(k) * start)

    def step(pr, k, hypothesis):
        once = kernel.specialise(pr.bring(nearer), k)
        return (
            pr.chain(distance(o.V(k + 1), o.fixed))
            .le(o.gamma * distance(o.V(k), o.fixed), using(once, words="one sweep"))
            .le(o.gamma * (o.gamma ** real(k) * start), inside(using(hypothesis, words="induction hypothesis")))
            .eq(o.gamma ** real(k + 1) * start, algebra)
            .theorem
        )

    th = pr.induction(bound, lambda pr: pr.prove(bound(integer(0)), reason("γ⁰ = 1", algebra)), step, hint="k")
    return kernel.specialise(th, o.k)


def distance_from_one_step(pr, o, before, after, nearer):
    """‖V − V*‖ ≤ ‖W − V‖/(1 − γ) for what comes `before` and `after` a step, from ‖W − V*‖ ≤ γ ‖V − V*‖."""
    left, step, right = distance(before, o.fixed), distance(after, before), distance(after, o.fixed)

    def at(pr, s):
        return (
            pr.chain(abs_(before(s) - o.fixed(s)))
            .eq(abs_(-(after(s) - before(s)) + (after(s) - o.fixed(s))), algebra)
            .le(abs_(-(after(s) - before(s))) + abs_(after(s) - o.fixed(s)), triangle)
            .eq(abs_(after(s) - before(s)) + abs_(after(s) - o.fixed(s)), reason("|−x| = |x|", algebra))
            .le(step + right, bounded_by_max)
            .le(step + o.gamma * left, using(pr.bring(nearer), words="one step"))
            .theorem
        )

    th = pr.maximum_at_most(left, at)
    out = pr.linear(le(left, step / (1 - o.gamma)), (th, 1 / (1 - o.gamma)))
    pr.note(out.statement, "subtract γ ‖V − V*‖ and divide by 1 − γ > 0")
    return out


def from_the_first_step(pr, o):
    """‖V_k − V*‖ ≤ γ^k/(1 − γ) ‖V_1 − V_0‖."""
    zero = integer(0)
    first, power = distance(o.V(zero + 1), o.V(zero)), o.gamma ** real(o.k)
    (nearer,) = pr.given("every sweep comes nearer")
    start = distance_from_one_step(pr, o, o.V(zero), o.V(zero + 1), kernel.specialise(nearer, zero))
    return (
        pr.chain(distance(o.V(o.k), o.fixed))
        .le(power * distance(o.V(zero), o.fixed), using(geometric(pr, o), words="geometric convergence"))
        .le(power * (first / (1 - o.gamma)), inside(using(start, words="distance from the first step")))
        .eq(power / (1 - o.gamma) * first, algebra)
        .theorem
    )


def bound(name, argument, **discount):
    """An error bound for the sweeps of an operator: context, statement and proof."""
    o, bare = sweeps(name, **discount), approach(**discount)

    def proof(claim):
        pr = Prover(claim.context)
        nearer = pr.for_all(naturals, lambda pr, k: one_sweep(pr, o, k))
        from_there = argument(Prover(bare.context, steps=pr.steps, fresh=pr.fresh), bare)
        return pr.done(kernel.instance(from_there, {}, pr.context, [nearer]), claim.statement)

    return dict(context=o.context, statement=bounds(o)[argument], proof=proof)


def bounds(o):
    """What the two arguments show, as statements."""
    power = o.gamma ** real(o.k)
    zero = integer(0)
    return {
        geometric: le(distance(o.V(o.k), o.fixed), power * distance(o.V(zero), o.fixed)),
        from_the_first_step: le(
            distance(o.V(o.k), o.fixed), power / (1 - o.gamma) * distance(o.V(zero + 1), o.V(zero))
        ),
    }


def one_step():
    """Any V beside the fixed point V* of the optimality operator."""
    givens = Givens()
    o = process(givens, at_least=0, below=1)
    o.fixed, o.V = givens.array("V_star", o.S), givens.array("V", o.S)
    start = start_near(o)
    givens.assume(
        "fixed point",
        ForAll(o.S, lambda s: eq(optimality_of(o, o.fixed)(s), o.fixed(s))),
        model={o.r: rewards_with_fixed_point("optimality", o, o.fixed), o.V: lam(o.S, start)},
        auxiliary=declare_start(o, lambda g: g.array("w", o.S, o.A)),
    )
    o.image = optimality_of(o, o.V)
    o.context = givens.context
    return o


stopping = one_step()
when_to_stop = le(
    distance(stopping.image, stopping.fixed),
    stopping.gamma / (1 - stopping.gamma) * distance(stopping.image, stopping.V),
)


def from_the_last_step(claim):
    pr = Prover(claim.context)
    o = stopping
    (fixed,) = pr.given("fixed point")
    before = distance(o.V, o.fixed)
    contracted = contracts(pr, "optimality", o.V, o.fixed)

    def at(pr, s):
        images = difference(o.image, optimality_of(o, o.fixed))
        return (
            pr.chain(abs_(o.image(s) - o.fixed(s)))
            .eq(abs_(o.image(s) - optimality_of(o, o.fixed)(s)), monotonicity(fixed, words="V* is a fixed point"))
            .le(sup_norm(images), bounded_by_max)
            .le(o.gamma * before, using(contracted, words="the operator contracts"))
            .theorem
        )

    nearer = pr.maximum_at_most(distance(o.image, o.fixed), at)
    step = distance_from_one_step(pr, o, o.V, o.image, nearer)
    chain = (
        pr.chain(distance(o.image, o.fixed))
        .le(o.gamma * before, using(nearer, words="one step"))
        .le(o.gamma * (distance(o.image, o.V) / (1 - o.gamma)), inside(using(step, words="distance from one step")))
        .eq(claim.statement.args[1], algebra)
    )
    return pr.done(chain.theorem, claim.statement)


# --------------------------------------------------------------------------------------------------- the derivative


@cache
def with_derivative():
    """A function V whose image under T_π is differentiated."""
    givens = Givens()
    o = process_with_policy("evaluation", givens, at_least=0)
    o.V = givens.array("V", o.S)
    o.s, o.t = givens.index("s", o.states), givens.index("t", o.states)
    o.context = givens.context
    return o


def slope(t):
    """∂(T_π V)(s)/∂V(t)."""
    o = with_derivative()
    return D(evaluation_of(o, o.V)(o.s), o.V(t))


def transition(t):
    """γ Σ_a π(s, a) P(s, a, t)."""
    o = with_derivative()
    return o.gamma * Sum(1, o.actions, lambda a: o.pi(o.s, a) * o.P(o.s, a, t))


def slope_is_the_transition(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("linear in V", algebra)), claim.statement)


def slopes_sum_to_the_discount(claim):
    pr = Prover(claim.context)
    o = with_derivative()
    chain = (
        pr.chain(Sum(1, o.states, slope))
        .eq(Sum(1, o.states, transition), reason("each slope is a discounted probability", algebra))
        .eq(o.gamma, reason("both laws sum to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


# ------------------------------------------------------------------------------------------------- without a discount


def undiscounted(name):
    """At γ = 1 a constant can be added to every fixed point: context, statement and proof."""
    operator = OPERATORS[name]
    givens = Givens()
    o = process_with_policy(name, givens)
    V, c, s = givens.array("V", o.S), givens.real("c"), givens.index("s", o.states)
    givens.assume(
        "fixed point",
        ForAll(o.S, lambda s: eq(operator(o, V)(s), V(s))),
        model={o.r: rewards_with_fixed_point(name, o, V)},
        auxiliary=lambda g: g.array("w", o.S, o.A),
    )

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


# ------------------------------------------------------------------------------------------- as printed in the sources

any_values = Givens()
chosen = process(any_values, at_least=0, below=1)
chosen.V, chosen.s = any_values.array("V", chosen.S), any_values.index("s", chosen.states)
chosen.context = any_values.context

strictly = Givens()
w_d = process(strictly, at_least=0, below=1)
w_U, w_V = strictly.array("U", w_d.S), strictly.array("V", w_d.S)
strict_contraction = lt(distance(optimality_of(w_d, w_U), optimality_of(w_d, w_V)), w_d.gamma * distance(w_U, w_V))

random_start = Givens()
start_law = random_start.distribution("rho", counting(valued.S))


def mean_reward(s):
    """Σ_a π(s, a) r(s, a)."""
    return Sum(1, valued.actions, lambda a: valued.pi(s, a) * valued.r(s, a))


running = sweeps("optimality")
first_sweep = integer(0)


def change(k):
    """‖V_{k+1} − V_k‖: what a sweep changes."""
    return distance(running.V(k + 1), running.V(k))


largest_change = MaxOver(range_(0, running.k), change)


def never_below_the_first_change(claim):
    pr = Prover(claim.context)
    th = kernel.at_most_maximum(pr.context, largest_change, first_sweep)
    pr.note(claim.statement, "a value is at most the maximum")
    return pr.done(th, claim.statement)


problem = Problem(
    id="bellman-contraction",
    title="Bellman operators contract",
    topic="reinforcement_learning",
    summary="Bellman operators of a finite process: contraction, fixed points, error bounds, greedy improvement.",
    sources=(
        "bellman-equation-v",
        "bellman-equation-q",
        "bellman-optimality-equation",
        "cs-bellman-expectation",
        "cs-bellman-optimality",
        "cs-greedy-policy",
        "cs-greedy-improvement",
        "cs-value-iteration-algorithm",
        "cs-value-iteration-convergence",
        "udl-policy-improvement-theorem",
        "udl-q-learning-contraction",
    ),
    claims=(
        Claim(
            name="evaluation-contraction",
            summary="‖T_π U − T_π V‖ ≤ γ ‖U − V‖ for every γ ≥ 0",
            context=two.context,
            statement=two.statement,
            proof=two.proof,
        ),
        Claim(
            name="optimality-contraction",
            summary="‖T U − T V‖ ≤ γ ‖U − V‖ for every γ ≥ 0",
            context=best.context,
            statement=best.statement,
            proof=best.proof,
        ),
        Claim(
            name="evaluation-shift",
            summary="T_π(V + c) = T_π V + γc: the bound is attained, and at γ = 1 no fixed point is alone",
            context=two.with_constant,
            statement=shift("evaluation"),
            proof=constant_comes_out("evaluation"),
        ),
        Claim(
            name="optimality-shift",
            summary="T(V + c) = TV + γc: the bound is attained, and at γ = 1 no fixed point is alone",
            context=best.with_constant,
            statement=shift("optimality"),
            proof=constant_comes_out("optimality"),
        ),
        Claim(
            name="evaluation-derivative",
            summary="∂(T_π V)(s)/∂V(t) is γ times the probability of going from s to t",
            context=with_derivative().context,
            statement=eq(slope(with_derivative().t), transition(with_derivative().t)),
            proof=slope_is_the_transition,
            misconceptions=(
                Misconception(
                    "the discount forgotten",
                    eq(with_derivative().gamma * slope(with_derivative().t), transition(with_derivative().t)),
                ),
            ),
        ),
        Claim(
            name="evaluation-derivative-row",
            summary="a row of the derivative sums to γ: the operator's norm",
            context=with_derivative().context,
            statement=eq(Sum(1, with_derivative().states, slope), with_derivative().gamma),
            proof=slopes_sum_to_the_discount,
        ),
        Claim(
            name="maxima-are-close",
            summary="|max u − max v| ≤ max |u − v|",
            context=numbers_of_actions.context,
            statement=le(abs_(largest(first) - largest(second)), largest_gap),
            proof=maxima_are_close,
        ),
        Claim(
            name="evaluation-unique",
            summary="for 0 ≤ γ < 1 two fixed points of T_π are equal",
            **uniqueness("evaluation"),
        ),
        Claim(
            name="optimality-unique",
            summary="for 0 ≤ γ < 1 two fixed points of T are equal",
            **uniqueness("optimality"),
        ),
        Claim(
            name="evaluation-undiscounted",
            summary="at γ = 1, V + c is a fixed point of T_π for every fixed point V and every c",
            **undiscounted("evaluation"),
        ),
        Claim(
            name="optimality-undiscounted",
            summary="at γ = 1, V + c is a fixed point of T for every fixed point V and every c",
            **undiscounted("optimality"),
        ),
        Claim(
            name="evaluation-sweeps",
            summary="‖V_k − V_π‖ ≤ γ^k ‖V_0 − V_π‖",
            **bound("evaluation", geometric),
        ),
        Claim(
            name="optimality-sweeps",
            summary="‖V_k − V*‖ ≤ γ^k ‖V_0 − V*‖",
            **bound("optimality", geometric),
            networks=(
                Measurement(
                    "value iteration",
                    "the factor of every sweep, on random processes and a grid",
                    value_iteration_factors,
                ),
            ),
        ),
        Claim(
            name="evaluation-first-step",
            summary="‖V_k − V_π‖ ≤ γ^k/(1−γ) ‖V_1 − V_0‖",
            **bound("evaluation", from_the_first_step, below=1),
        ),
        Claim(
            name="optimality-first-step",
            summary="‖V_k − V*‖ ≤ γ^k/(1−γ) ‖V_1 − V_0‖",
            **bound("optimality", from_the_first_step, below=1),
        ),
        Claim(
            name="optimality-last-step",
            summary="‖TV − V*‖ ≤ γ/(1−γ) ‖TV − V‖ for every V: when to stop",
            context=stopping.context,
            statement=when_to_stop,
            proof=from_the_last_step,
        ),
        Claim(
            name="improvement",
            summary="V ≤ T_π V implies V ≤ V_π",
            context=improved.context,
            statement=le(improved.V(improved.s), improved.W(improved.s)),
            proof=improvement_theorem,
        ),
        Claim(
            name="greedy-step",
            summary="V_π(s) is at most the look-ahead of the action that is greedy for V_π",
            context=greedy.before,
            statement=le(
                greedy.V(greedy.s),
                look_ahead(greedy.V, greedy.P, greedy.r, greedy.gamma, greedy.s, greedy.greedy(greedy.s)),
            ),
            proof=greedy_is_no_loss,
        ),
        Claim(
            name="greedy-improvement",
            summary="the greedy policy for V_π is at least as good as π, in every state",
            context=greedy.context,
            statement=le(greedy.V(greedy.s), greedy.W(greedy.s)),
            proof=greedy_improves,
        ),
        Claim(
            name="greedy-look-ahead",
            summary="its value is at least its own look-ahead by V_π",
            context=greedy.context,
            statement=le(
                look_ahead(greedy.V, greedy.P, greedy.r, greedy.gamma, greedy.s, greedy.greedy(greedy.s)),
                greedy.W(greedy.s),
            ),
            proof=greedy_keeps_its_look_ahead,
        ),
        Claim(
            name="greedy-strict-improvement",
            summary="and strictly above V_π wherever an action's look-ahead is",
            context=greedy.context,
            statement=implies(
                lt(greedy.V(greedy.s), optimality_of(greedy, greedy.V)(greedy.s)),
                lt(greedy.V(greedy.s), greedy.W(greedy.s)),
            ),
            proof=greedy_improves_strictly,
        ),
        Claim(
            name="no-improvement",
            summary="the value of a policy that no action improves is a fixed point of T",
            context=unimprovable.context,
            statement=eq(optimality_of(unimprovable, unimprovable.V)(unimprovable.s), unimprovable.V(unimprovable.s)),
            proof=no_improvement_is_optimal,
        ),
        Claim(
            name="optimal-value",
            summary="no policy has a value above the fixed point V* of T, in any state",
            context=dominated.context,
            statement=le(dominated.V(dominated.s), dominated.fixed(dominated.s)),
            proof=no_policy_is_better,
        ),
        Claim(
            name="optimal-policy",
            summary="the policy that is greedy for V* has the value V*",
            context=best_policy.context,
            statement=eq(best_policy.W(best_policy.s), best_policy.V(best_policy.s)),
            proof=greedy_for_the_optimum_is_optimal,
        ),
        Claim(
            name="value-invertible",
            summary="I − γP is invertible for a stochastic matrix P and 0 ≤ γ < 1",
            context=markov.context,
            statement=predicate("invertible", system),
            proof=invertible_below_one,
        ),
        Claim(
            name="value-in-closed-form",
            summary="V = (I − γP)⁻¹ r solves the evaluation equation (I − γP) V = r",
            context=markov.context,
            statement=eq(system @ chain_value, chain_reward),
            proof=value_by_the_inverse,
        ),
        Claim(
            name="action-values",
            summary="Q*(s, a) = r(s, a) + γ Σ_t P(s, a, t) max_b Q*(t, b)",
            context=optimal.context,
            statement=eq(action_value(optimal, optimal.s, optimal.a), expected_maximum(optimal.s, optimal.a)),
            proof=action_values("V is a fixed point: V(t) is the largest action value in t"),
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
        ),
        Claim(
            name="policy-action-values",
            summary="Q_π(s, a) = r(s, a) + γ Σ_t P(s, a, t) Σ_b π(t, b) Q_π(t, b)",
            context=valued.context,
            statement=eq(action_value(valued, valued.s, valued.a), expected_mean(valued.s, valued.a)),
            proof=action_values("V is a fixed point: V(t) is the mean action value in t"),
        ),
        Claim(
            name="action-value-contraction",
            summary="the backup of action values contracts by γ in the maximum norm, for every γ ≥ 0",
            context=backups.context,
            statement=q_contraction,
            proof=backup_contracts,
        ),
        Claim(
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
                    lambda a: (
                        valued.pi(valued.s, a) * Sum(1, valued.states, lambda t: valued.P(valued.s, a, t) * valued.V(t))
                    ),
                ),
            ),
            as_printed=True,
        ),
        Claim(
            name="largest-change",
            summary="the largest change of all sweeps so far is at least that of the first: it has to be reset",
            context=running.context,
            statement=le(change(first_sweep), largest_change),
            proof=never_below_the_first_change,
        ),
        Claim(
            name="largest-change-printed",
            summary="without a reset, as printed, it would have to be the change of the last sweep",
            context=running.context,
            statement=eq(largest_change, change(running.k)),
            as_printed=True,
        ),
        Claim(
            name="strict-contraction-printed",
            summary="‖TU − TV‖ < γ ‖U − V‖ for all U and V, as printed: U = V gives 0 < 0",
            context=strictly.context,
            statement=strict_contraction,
            as_printed=True,
        ),
        Claim(
            name="maxima-printed",
            summary="|max u − max v| ≤ |max (u − v)|, as printed: the absolute value belongs inside",
            context=numbers_of_actions.context,
            statement=le(abs_(largest(first) - largest(second)), abs_(MaxOver(each, lambda a: first(a) - second(a)))),
            as_printed=True,
        ),
        Claim(
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
        ),
        Claim(
            name="optimality-equation-printed",
            summary="V*(s) = max_a (r(s, a) + γ V*(s)), as printed: the value of the next state is meant",
            context=optimal.context,
            statement=eq(
                optimal.V(optimal.s),
                MaxOver(optimal.A, lambda a: optimal.r(optimal.s, a) + optimal.gamma * optimal.V(optimal.s)),
            ),
            as_printed=True,
        ),
        Claim(
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
        ),
        Claim(
            name="improvement-printed",
            summary="the greedy policy's value equals its look-ahead by V_π, as printed: it is at least that",
            context=greedy.context,
            statement=eq(
                greedy.W(greedy.s),
                look_ahead(greedy.V, greedy.P, greedy.r, greedy.gamma, greedy.s, greedy.greedy(greedy.s)),
            ),
            as_printed=True,
        ),
    ),
)
