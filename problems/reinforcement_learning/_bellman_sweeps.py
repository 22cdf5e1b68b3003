"""Sweeps V_{k+1} = T V_k: how far they still are from the fixed point, by the first step and by the last.

Every sweep comes nearer to V* by the factor γ; the error bounds rest on that alone.
"""

from types import SimpleNamespace

from _bellman_contraction import contracts
from _bellman_networks import value_iteration_factors
from _bellman_operators import (
    OPERATORS,
    declare_fixed_point,
    difference,
    distance,
    naturals,
    optimality_of,
    process,
    process_with_policy,
    rewards_with_fixed_point,
)

from derivcheck.language import (
    ForAll,
    Givens,
    Index,
    MaxOver,
    abs_,
    eq,
    function,
    integer,
    ite,
    lam,
    le,
    range_,
    real,
    sup_norm,
)
from derivcheck.problem import Claim, Measurement
from derivcheck.proof import Prover, algebra, bounded_by_max, inside, kernel, monotonicity, reason, triangle, using

# ---------------------------------------------------------------------------------------------- a process that is swept


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
    declare_fixed_point(name, givens, o, o.fixed)
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


# -------------------------------------------------------------------------------------- what follows from coming nearer


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


evaluation_sweeps = Claim(
    name="evaluation-sweeps",
    summary="‖V_k − V_π‖ ≤ γ^k ‖V_0 − V_π‖",
    **bound("evaluation", geometric),
)

optimality_sweeps = Claim(
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
)

evaluation_first_step = Claim(
    name="evaluation-first-step",
    summary="‖V_k − V_π‖ ≤ γ^k/(1−γ) ‖V_1 − V_0‖",
    **bound("evaluation", from_the_first_step, below=1),
)

optimality_first_step = Claim(
    name="optimality-first-step",
    summary="‖V_k − V*‖ ≤ γ^k/(1−γ) ‖V_1 − V_0‖",
    **bound("optimality", from_the_first_step, below=1),
)


# --------------------------------------------------------------------------------------------------------- when to stop


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


def prove_optimality_last_step(claim):
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


optimality_last_step = Claim(
    name="optimality-last-step",
    summary="‖TV − V*‖ ≤ γ/(1−γ) ‖TV − V‖ for every V: when to stop",
    context=stopping.context,
    statement=when_to_stop,
    proof=prove_optimality_last_step,
)


# -------------------------------------------------------------------------------------------- the largest change so far

running = sweeps("optimality")
first_sweep = integer(0)


def change(k):
    """‖V_{k+1} − V_k‖: what a sweep changes."""
    return distance(running.V(k + 1), running.V(k))


largest_change = MaxOver(range_(0, running.k), change)


def prove_largest_change(claim):
    pr = Prover(claim.context)
    th = kernel.at_most_maximum(pr.context, largest_change, first_sweep)
    pr.note(claim.statement, "a value is at most the maximum")
    return pr.done(th, claim.statement)


largest_change_of_all_sweeps = Claim(
    name="largest-change",
    summary="the largest change of all sweeps so far is at least that of the first: it has to be reset",
    context=running.context,
    statement=le(change(first_sweep), largest_change),
    proof=prove_largest_change,
)

largest_change_printed = Claim(
    name="largest-change-printed",
    summary="without a reset, as printed, it would have to be the change of the last sweep",
    context=running.context,
    statement=eq(largest_change, change(running.k)),
    as_printed=True,
)
