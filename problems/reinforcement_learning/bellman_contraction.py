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

import numpy as np

import derivcheck.models as m
from derivcheck.language import (
    ArgMax,
    D,
    ForAll,
    Givens,
    MaxOver,
    Real,
    Sum,
    abs_,
    counting,
    define,
    domains,
    eq,
    function,
    functions,
    identity,
    implies,
    ind,
    integer,
    inverse,
    lam,
    le,
    lt,
    matrix,
    num,
    oo_int,
    predicate,
    range_,
    real,
    size_of,
    sup_norm,
    unfold,
    vector,
)
from derivcheck.problem import Claim, Measurement, Misconception, Problem, Reading
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

ID = "bellman-contraction"
naturals = range_(0, oo_int)


def look_ahead(V, P, r, gamma, s, a):
    """r(s, a) + γ Σ_t P(s, a, t) V(t)."""
    return r(s, a) + gamma * Sum(1, size_of(V), lambda t: P(s, a, t) * V(t))


evaluation = define(
    "T_pi",
    lambda V, pi, P, r, gamma: lam(
        domains(V)[0], lambda s: Sum(1, size_of(r, 1), lambda a: pi(s, a) * look_ahead(V, P, r, gamma, s, a))
    ),
    r"T_{{{1}}}{0}",
    scope=ID,
)
optimality = define(
    "T",
    lambda V, P, r, gamma: lam(
        domains(V)[0], lambda s: MaxOver(domains(r)[1], lambda a: look_ahead(V, P, r, gamma, s, a))
    ),
    r"T{0}",
    scope=ID,
)


def difference(U, V):
    """U − V, state by state."""
    return lam(domains(U)[0], lambda s: U(s) - V(s))


def process(givens, **discount):
    """A finite process with states 1..S and actions 1..A, declared in `givens`; without a discount, γ is 1."""
    states, actions = givens.size("S"), givens.size("A")
    S, A = range_(1, states), range_(1, actions)
    gamma = givens.real("gamma", **discount) if discount else num(1)
    P = givens.distribution("P", counting(S), given=(S, A))
    r = givens.array("r", S, A)
    return SimpleNamespace(states=states, actions=actions, S=S, A=A, gamma=gamma, P=P, r=r)


# ---------------------------------------------------------------------------------------------------- contraction


def evaluation_of(o, V):
    """T_π V in the process `o`."""
    return evaluation(V, o.pi, o.P, o.r, o.gamma)


def optimality_of(o, V):
    """T V in the process `o`."""
    return optimality(V, o.P, o.r, o.gamma)


def distance(U, V):
    """‖U − V‖."""
    return sup_norm(difference(U, V))


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


OPERATORS = {"evaluation": evaluation_of, "optimality": optimality_of}
CONTRACTS = {"evaluation": evaluation_contraction, "optimality": optimality_contraction}


def process_with_policy(name, givens, **discount):
    """A process, and a policy where the operator has one."""
    o = process(givens, **discount)
    if name == "evaluation":
        o.pi = givens.distribution("pi", counting(o.A), given=(o.S,))
    return o


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
    """A constant comes out of the operator, times γ, for the claims that rest on it."""
    return SHIFTS[name](Prover(PAIRS[name].with_constant))


def constant_comes_out(name):
    """The proof that T(V + c) = TV + γc."""

    def proof(claim):
        pr = Prover(claim.context)
        return pr.done(SHIFTS[name](pr), claim.statement)

    return proof


# ------------------------------------------------------------------------------------------------ unique fixed point


def rewards_with_fixed_point(name, o, V):
    """Rewards for which V is a fixed point, any w deciding how good the actions are: how instances are built."""
    w = function("w", o.S, o.A)

    def reward(s, a):
        level = (
            Sum(1, o.actions, lambda b: o.pi(s, b) * w(s, b))
            if name == "evaluation"
            else MaxOver(o.A, lambda b: w(s, b))
        )
        return V(s) - o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * V(t)) + w(s, a) - level

    return lam(o.S, lambda s: lam(o.A, lambda a: reward(s, a)))


def turned_round(pr, th):
    """b = a from a = b."""
    a, b = th.statement.args
    return pr.linear(eq(b, a), (th, -1))


def uniqueness(name):
    """Two fixed points are equal: context, statement and proof."""
    operator = OPERATORS[name]
    givens = Givens()
    o = process_with_policy(name, givens, at_least=0, below=1)
    U, V = givens.array("U", o.S), givens.array("V", o.S)
    c = Real("c")

    def auxiliary(g):
        g.array("w", o.S, o.A)
        g.real("c")

    givens.assume(
        "fixed points",
        ForAll(o.S, lambda s: eq(operator(o, U)(s), U(s))),
        ForAll(o.S, lambda s: eq(operator(o, V)(s), V(s))),
        # Where the condition γ < 1 is dropped, γ = 1 has a second fixed point: the first one and a constant.
        model={o.r: rewards_with_fixed_point(name, o, V), U: lam(o.S, lambda s: V(s) + c * ind(eq(o.gamma, 1)))},
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
    c = Real("c")
    givens.assume(
        "sweeps",
        ForAll(naturals, lambda k: ForAll(o.S, lambda s: eq(o.V(k + 1, s), operator(o, o.V(k))(s)))),
        # From V* + c, every sweep multiplies the constant by γ: the bounds are attained.
        model={o.V: lam(naturals, lambda k: lam(o.S, lambda s: o.fixed(s) + o.gamma ** real(k) * c))},
        auxiliary=lambda g: g.real("c"),
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


def distance_from_one_step(pr, o, k):
    """‖V_k − V*‖ ≤ ‖V_{k+1} − V_k‖/(1 − γ)."""
    left, step, after = distance(o.V(k), o.fixed), distance(o.V(k + 1), o.V(k)), distance(o.V(k + 1), o.fixed)
    (nearer,) = pr.given("every sweep comes nearer")

    def at(pr, s):
        once = kernel.specialise(pr.bring(nearer), k)
        return (
            pr.chain(abs_(o.V(k, s) - o.fixed(s)))
            .eq(abs_(-(o.V(k + 1, s) - o.V(k, s)) + (o.V(k + 1, s) - o.fixed(s))), algebra)
            .le(abs_(-(o.V(k + 1, s) - o.V(k, s))) + abs_(o.V(k + 1, s) - o.fixed(s)), triangle)
            .eq(abs_(o.V(k + 1, s) - o.V(k, s)) + abs_(o.V(k + 1, s) - o.fixed(s)), reason("|−x| = |x|", algebra))
            .le(step + after, bounded_by_max)
            .le(step + o.gamma * left, using(once, words="one sweep"))
            .theorem
        )

    th = pr.maximum_at_most(left, at)
    out = pr.linear(le(left, step / (1 - o.gamma)), (th, 1 / (1 - o.gamma)))
    pr.note(out.statement, "subtract γ ‖V_k − V*‖ and divide by 1 − γ > 0")
    return out


def from_the_first_step(pr, o):
    """‖V_k − V*‖ ≤ γ^k/(1 − γ) ‖V_1 − V_0‖."""
    zero = integer(0)
    first, power = distance(o.V(zero + 1), o.V(zero)), o.gamma ** real(o.k)
    start = distance_from_one_step(pr, o, zero)
    return (
        pr.chain(distance(o.V(o.k), o.fixed))
        .le(power * distance(o.V(zero), o.fixed), using(geometric(pr, o), words="geometric convergence"))
        .le(power * (first / (1 - o.gamma)), inside(using(start, words="distance from the first step")))
        .eq(power / (1 - o.gamma) * first, algebra)
        .theorem
    )


def from_the_last_step(pr, o):
    """‖V_{k+1} − V*‖ ≤ γ/(1 − γ) ‖V_{k+1} − V_k‖: when to stop."""
    (nearer,) = pr.given("every sweep comes nearer")
    step = distance(o.V(o.k + 1), o.V(o.k))
    start = distance_from_one_step(pr, o, o.k)
    return (
        pr.chain(distance(o.V(o.k + 1), o.fixed))
        .le(o.gamma * distance(o.V(o.k), o.fixed), using(kernel.specialise(nearer, o.k), words="one sweep"))
        .le(o.gamma * (step / (1 - o.gamma)), inside(using(start, words="distance from one step")))
        .eq(o.gamma / (1 - o.gamma) * step, algebra)
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
    """What the three arguments show, as statements."""
    power = o.gamma ** real(o.k)
    zero = integer(0)
    return {
        geometric: le(distance(o.V(o.k), o.fixed), power * distance(o.V(zero), o.fixed)),
        from_the_first_step: le(
            distance(o.V(o.k), o.fixed), power / (1 - o.gamma) * distance(o.V(zero + 1), o.V(zero))
        ),
        from_the_last_step: le(
            distance(o.V(o.k + 1), o.fixed), o.gamma / (1 - o.gamma) * distance(o.V(o.k + 1), o.V(o.k))
        ),
    }


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


def declare_greedy(givens, o):
    """An action σ(s) that attains (T V)(s) in every state, and the value W of that policy."""
    o.greedy = givens.choice("sigma", o.S, o.A)
    givens.assume(
        "greedy",
        ForAll(o.S, lambda s: eq(look_ahead(o.V, o.P, o.r, o.gamma, s, o.greedy(s)), optimality_of(o, o.V)(s))),
        model={o.greedy: lam(o.S, lambda s: ArgMax(o.A, lambda a: look_ahead(o.V, o.P, o.r, o.gamma, s, a)))},
    )
    o.before = givens.context
    givens.assume(
        "value of the greedy policy",
        ForAll(o.S, lambda s: eq(look_ahead(o.W, o.P, o.r, o.gamma, s, o.greedy(s)), o.W(s))),
        model={o.W: value_of(o, lambda s, t: o.P(s, o.greedy(s), t), lambda s: o.r(s, o.greedy(s)))},
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
    givens.assume(
        "value of the policy, which no action improves",
        ForAll(o.S, lambda s: eq(evaluation_of(o, o.V)(s), o.V(s))),
        ForAll(o.S, lambda s: ForAll(o.A, lambda a: le(look_ahead(o.V, o.P, o.r, o.gamma, s, a), o.V(s)))),
        # For instances: an action that the policy never takes may be worse.
        model={
            o.r: lam(
                o.S,
                lambda s: lam(
                    o.A,
                    lambda a: (
                        o.V(s)
                        - o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * o.V(t))
                        - ind(eq(o.pi(s, a), 0)) * loss(s, a)
                    ),
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
    declare_greedy(givens, o)
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


# ------------------------------------------------------------------------------------------------------ action values


def fixed_point_setting(name):
    """A fixed point V of an operator with 0 ≤ γ < 1, a state and an action."""
    operator = OPERATORS[name]
    givens = Givens()
    o = process_with_policy(name, givens, at_least=0, below=1)
    o.V = givens.array("V", o.S)
    o.s, o.a = givens.index("s", o.states), givens.index("a", o.actions)
    givens.assume(
        "fixed point",
        ForAll(o.S, lambda s: eq(operator(o, o.V)(s), o.V(s))),
        model={o.r: rewards_with_fixed_point(name, o, o.V)},
        auxiliary=lambda g: g.array("w", o.S, o.A),
    )
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


def action_values(words):
    """The equation of the action values, from the fixed point's."""

    def proof(claim):
        pr = Prover(claim.context)
        (fixed,) = pr.given("fixed point")
        turned = pr.for_all(optimal.S, lambda pr, t: turned_round(pr, kernel.specialise(pr.bring(fixed), t)))
        return pr.done(pr.prove(claim.statement, monotonicity(turned, words=words)), claim.statement)

    return proof


# ------------------------------------------------------------------------------------- the backup of action values

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


def backup_contracts(claim):
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


# ------------------------------------------------------------------------------------------- as printed in the sources

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


def maxima_are_close(claim):
    pr = Prover(claim.context)
    return pr.done(close_maxima(pr), claim.statement)


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


running = sweeps("optimality", below=1)
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


# ------------------------------------------------------------------------------------------------------------ networks


def bounded_by(value, bound):
    """What an upper bound predicts of a value: the value itself where the bound allows it, else the bound."""
    return np.minimum(value, bound)


def value_iteration_factors(seed):
    """The factor of every sweep of value iteration: attained from V* + c, and at most γ from anywhere else."""
    rng = np.random.default_rng(seed)
    discount, sweeps_taken = 0.9, 12
    attained, anywhere = [], []
    processes = [m.random_mdp(states=6, actions=3, discount=discount, seed=rng) for _ in range(6)]
    processes.append(m.gridworld(4, 4, goal=(3, 3), discount=discount, slip=0.1))
    for decisions in processes:
        best = decisions.optimal()
        above = decisions.value_iteration(sweeps_taken, start=best + 4.0)
        random = decisions.value_iteration(sweeps_taken, start=best + rng.normal(scale=4.0, size=best.shape))
        for run, factors in ((above, attained), (random, anywhere)):
            error = np.abs(run.history - best).max(axis=1)
            factors.append(error[1:] / error[:-1])
    attained, anywhere = np.array(attained), np.array(anywhere)

    def predicted(bound):
        return np.concatenate([bounded_by(attained, bound), bounded_by(anywhere, bound)])

    return Reading(
        predicted=np.concatenate([np.full_like(attained, discount), bounded_by(anywhere, discount)]),
        measured=np.concatenate([attained, anywhere]),
        tolerance=1e-9,  # roundings of values near 10, against errors that stay above 1e-3
        near_misses={
            "γ² for γ": predicted(discount**2),
            "0.9 γ for γ": predicted(0.9 * discount),
            "γ less one part in a million": predicted(discount * (1 - 1e-6)),
            "attained everywhere": np.full((2 * len(processes), sweeps_taken), discount),
        },
        false_alarm=0.0,
        detail={"processes": len(processes), "sweeps": sweeps_taken, "discount": discount},
    )


def expectation_of_the_maximum(decisions, q):
    """r + γ Σ_t P max_b Q(t, b)."""
    return decisions.action_optimality(q)


def maximum_outside(decisions, q):
    """r + γ max_b Σ_t P Q(t, b): wrong, the action would be chosen before the next state is seen."""
    return decisions.reward + decisions.discount * (decisions.transition @ q).max(axis=-1)


def fixed_point(decisions, backup):
    """Where an operator on action values that contracts by the discount ends, up to rounding."""
    q = np.zeros_like(decisions.reward)
    for _ in range(int(np.log(1e-16) / np.log(decisions.discount)) + 10):
        q = backup(decisions, q)
    return q


def fitted_q_iteration(seed, backup=expectation_of_the_maximum):
    """A network fitted to backed-up values, again and again: ‖Q_{k+1} − Q*‖ ≤ γ ‖Q_k − Q*‖ + ε_k at every sweep."""
    rng = np.random.default_rng(seed)
    states, actions, discount, sweeps_taken, steps = 5, 3, 0.7, 14, 250
    decisions = m.random_mdp(states, actions, discount, seed=rng, concentration=0.5)
    exact, wrong = fixed_point(decisions, expectation_of_the_maximum), fixed_point(decisions, maximum_outside)
    network = m.Sequential(m.Linear(states, 24), m.Tanh(), m.Linear(24, actions))
    one_hot = np.eye(states)
    values = m.compile(lambda t, x: network(t, x))

    def fit(parameters, target):
        trained = m.train(
            lambda t, batch, run: m.squared_error(network(t, batch[0], run), batch[1]),
            parameters,
            lambda step: (one_hot, target),
            optimiser=m.Adam(m.cosine(0.03, steps)),
            steps=steps,
        )
        return trained.parameters, np.asarray(values(trained.parameters, one_hot))

    # Starting above Q* by a constant, the first sweeps shrink the error by nearly γ and no more.
    parameters, q = fit(network.init(rng), exact + 6.0)
    before, after, fits = [], [], []
    for _ in range(sweeps_taken):
        target = backup(decisions, q)
        parameters, following = fit(parameters, target)
        before.append(q)
        after.append(following)
        fits.append(np.abs(following - target).max())
        q = following
    before, after, fits = np.array(before), np.array(after), np.array(fits)

    def ball(centre, factor):
        """The values, brought as near to the centre as the inequality demands."""
        radius = factor * np.abs(before - centre).max(axis=(1, 2)) + fits
        return np.clip(after, centre - radius[:, None, None], centre + radius[:, None, None])

    return Reading(
        predicted=ball(exact, discount),
        measured=after,
        tolerance=1e-9,  # roundings of values near ten
        near_misses={
            "γ² for γ": ball(exact, discount**2),
            "0.8 γ for γ": ball(exact, 0.8 * discount),
            "the maximum outside the expectation": ball(wrong, discount),
        },
        false_alarm=0.0,
        detail={
            "states": states,
            "actions": actions,
            "fit errors": fits.tolist(),
            "distances to Q*": np.abs(after - exact).max(axis=(1, 2)).tolist(),
        },
    )


problem = Problem(
    id=ID,
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
            summary="‖V_{k+1} − V*‖ ≤ γ/(1−γ) ‖V_{k+1} − V_k‖: when to stop",
            **bound("optimality", from_the_last_step, below=1),
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
