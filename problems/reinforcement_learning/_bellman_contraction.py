"""Both Bellman operators are γ-contractions of the maximum norm, and a constant comes out of them, times γ.

For T_π two means are taken, over actions and over the next state, and none is above the norm.  For T the maxima are
compared: U ≤ V + |U − V| inside the maximum, and the same with U and V exchanged.
"""

from functools import cache

from _bellman_operators import (
    OPERATORS,
    difference,
    distance,
    evaluation_of,
    look_ahead,
    optimality,
    optimality_of,
    process,
    process_with_policy,
)

from derivcheck.language import D, Givens, MaxOver, Sum, abs_, eq, lam, le, lt, sup_norm
from derivcheck.problem import Claim, Misconception
from derivcheck.proof import Prover, algebra, bounded_by_max, inside, kernel, reason, tactic, triangle, using

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


def contraction_of_evaluation(pr, o, U, V):
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


def contraction_of_optimality(pr, o, U, V):
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


CONTRACTS = {"evaluation": contraction_of_evaluation, "optimality": contraction_of_optimality}


# ---------------------------------------------------------------------------------------------------- any two functions


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


evaluation_contraction = Claim(
    name="evaluation-contraction",
    summary="‖T_π U − T_π V‖ ≤ γ ‖U − V‖ for every γ ≥ 0",
    context=two.context,
    statement=two.statement,
    proof=two.proof,
)

optimality_contraction = Claim(
    name="optimality-contraction",
    summary="‖T U − T V‖ ≤ γ ‖U − V‖ for every γ ≥ 0",
    context=best.context,
    statement=best.statement,
    proof=best.proof,
)

strictly = Givens()
w_d = process(strictly, at_least=0, below=1)
w_U, w_V = strictly.array("U", w_d.S), strictly.array("V", w_d.S)
strict_contraction = lt(distance(optimality_of(w_d, w_U), optimality_of(w_d, w_V)), w_d.gamma * distance(w_U, w_V))

strict_contraction_printed = Claim(
    name="strict-contraction-printed",
    summary="‖TU − TV‖ < γ ‖U − V‖ for all U and V, as printed: U = V gives 0 < 0",
    context=strictly.context,
    statement=strict_contraction,
    as_printed=True,
)


# ------------------------------------------------------------------------------------------------- a constant comes out


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


def prove_shift(name):
    """The proof that T(V + c) = TV + γc."""

    def proof(claim):
        pr = Prover(claim.context)
        return pr.done(SHIFTS[name](pr), claim.statement)

    return proof


evaluation_shift = Claim(
    name="evaluation-shift",
    summary="T_π(V + c) = T_π V + γc: the bound is attained, and at γ = 1 no fixed point is alone",
    context=two.with_constant,
    statement=shift("evaluation"),
    proof=prove_shift("evaluation"),
)

optimality_shift = Claim(
    name="optimality-shift",
    summary="T(V + c) = TV + γc: the bound is attained, and at γ = 1 no fixed point is alone",
    context=best.with_constant,
    statement=shift("optimality"),
    proof=prove_shift("optimality"),
)


# -------------------------------------------------------------------------------- the derivative of the linear operator


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


def prove_evaluation_derivative(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("linear in V", algebra)), claim.statement)


evaluation_derivative = Claim(
    name="evaluation-derivative",
    summary="∂(T_π V)(s)/∂V(t) is γ times the probability of going from s to t",
    context=with_derivative().context,
    statement=eq(slope(with_derivative().t), transition(with_derivative().t)),
    proof=prove_evaluation_derivative,
    misconceptions=(
        Misconception(
            "the discount forgotten",
            eq(with_derivative().gamma * slope(with_derivative().t), transition(with_derivative().t)),
        ),
    ),
)


def prove_evaluation_derivative_row(claim):
    pr = Prover(claim.context)
    o = with_derivative()
    chain = (
        pr.chain(Sum(1, o.states, slope))
        .eq(Sum(1, o.states, transition), reason("each slope is a discounted probability", algebra))
        .eq(o.gamma, reason("both laws sum to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


evaluation_derivative_row = Claim(
    name="evaluation-derivative-row",
    summary="a row of the derivative sums to γ: the operator's norm",
    context=with_derivative().context,
    statement=eq(Sum(1, with_derivative().states, slope), with_derivative().gamma),
    proof=prove_evaluation_derivative_row,
)
