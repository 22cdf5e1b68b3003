"""Bellman operators of a finite Markov decision process.

Source: discussion 9 (Bellman equations); Prince, Understanding Deep Learning, problems 19.2 and 19.5; the course's
summary sheet, classical reinforcement learning.

For rewards r(s, a), transition laws P(s, a, ·), a policy π(s, ·) and a discount γ,

    (T_π V)(s) = Σ_a π(s, a) (r(s, a) + γ Σ_t P(s, a, t) V(t)),    (T V)(s) = max_a (r(s, a) + γ Σ_t P(s, a, t) V(t)).

Both are γ-contractions of the maximum norm on every finite process.  The inequality itself needs γ ≥ 0 alone; that there
is one fixed point, and the error bounds with 1 − γ in the denominator, need γ < 1, and at γ = 1 a constant can be added
to every fixed point.  A policy that is greedy for the value of another is at least as good, in every state.
"""

from types import SimpleNamespace

import numpy as np

import derivcheck.models as m
from derivcheck.language import (
    ArgMax,
    ForAll,
    Givens,
    MaxOver,
    MinOver,
    Sum,
    Vector,
    abs_,
    counting,
    define,
    domains,
    eq,
    function,
    implies,
    ind,
    integer,
    inverse,
    lam,
    le,
    lt,
    matrix,
    oo_int,
    range_,
    real,
    size_of,
    sup_norm,
    vector,
)
from derivcheck.problem import Claim, Measurement, Misconception, Problem, Reading
from derivcheck.proof import Prover, algebra, bounded_by_max, inside, kernel, reason, tactic, triangle, using

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
    """A finite process with states 1..S and actions 1..A, declared in `givens`."""
    states, actions = givens.size("S"), givens.size("A")
    S, A = range_(1, states), range_(1, actions)
    gamma = givens.real("gamma", **discount)
    P = givens.distribution("P", counting(S), given=(S, A))
    r = givens.array("r", S, A)
    return SimpleNamespace(states=states, actions=actions, S=S, A=A, gamma=gamma, P=P, r=r)


# ---------------------------------------------------------------------------------------------------- contraction

two_functions = Givens()
d = process(two_functions, at_least=0)
pi = two_functions.distribution("pi", counting(d.A), given=(d.S,))
U = two_functions.array("U", d.S)
V = two_functions.array("V", d.S)
distance = sup_norm(difference(U, V))


def T_pi(V):
    """The evaluation operator of this process and policy."""
    return evaluation(V, pi, d.P, d.r, d.gamma)


def T(V):
    """The optimality operator of this process."""
    return optimality(V, d.P, d.r, d.gamma)


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


def evaluation_contracts(claim):
    pr = Prover(claim.context)

    def at(pr, s):
        return (
            pr.chain(abs_(T_pi(U)(s) - T_pi(V)(s)))
            .eq(
                abs_(
                    Sum(
                        1,
                        d.actions,
                        lambda a: pi(s, a) * (d.gamma * Sum(1, d.states, lambda t: d.P(s, a, t) * (U(t) - V(t)))),
                    )
                ),
                reason("the rewards cancel", algebra),
            )
            .le(
                Sum(
                    1,
                    d.actions,
                    lambda a: pi(s, a) * abs_(d.gamma * Sum(1, d.states, lambda t: d.P(s, a, t) * (U(t) - V(t)))),
                ),
                triangle,
            )
            .eq(
                Sum(
                    1,
                    d.actions,
                    lambda a: pi(s, a) * (d.gamma * abs_(Sum(1, d.states, lambda t: d.P(s, a, t) * (U(t) - V(t))))),
                ),
                reason("γ is not negative", algebra),
            )
            .le(
                Sum(
                    1,
                    d.actions,
                    lambda a: pi(s, a) * (d.gamma * Sum(1, d.states, lambda t: d.P(s, a, t) * abs_(U(t) - V(t)))),
                ),
                triangle,
            )
            .le(
                Sum(
                    1,
                    d.actions,
                    lambda a: pi(s, a) * (d.gamma * Sum(1, d.states, lambda t: d.P(s, a, t) * distance)),
                ),
                bounded_by_max,
            )
            .eq(d.gamma * distance, reason("both laws sum to one", algebra))
            .theorem
        )

    th = pr.maximum_at_most(sup_norm(difference(T_pi(U), T_pi(V))), at)
    return pr.done(th, claim.statement)


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


def optimality_contracts(claim):
    pr = Prover(claim.context)
    return pr.done(optimality_contraction(pr, d, U, V), claim.statement)


problem = Problem(
    id=ID,
    title="Bellman operators contract",
    topic="reinforcement_learning",
    summary="Bellman operators of a finite process: contraction, unique fixed points, error bounds, greedy improvement.",
    sources=(
        "bellman-equation-v",
        "bellman-optimality-equation",
        "cs-bellman-expectation",
        "cs-bellman-optimality",
    ),
    claims=(
        Claim(
            name="evaluation-contraction",
            summary="‖T_π U − T_π V‖ ≤ γ ‖U − V‖ for every γ ≥ 0",
            context=two_functions.context,
            statement=le(sup_norm(difference(T_pi(U), T_pi(V))), d.gamma * distance),
            proof=evaluation_contracts,
        ),
        Claim(
            name="optimality-contraction",
            summary="‖T U − T V‖ ≤ γ ‖U − V‖ for every γ ≥ 0",
            context=two_functions.context,
            statement=le(sup_norm(difference(T(U), T(V))), d.gamma * distance),
            proof=optimality_contracts,
        ),
    ),
)
