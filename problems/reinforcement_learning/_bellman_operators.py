"""Bellman operators of a finite process as terms, what their fixed points are, and how instances get one."""

from types import SimpleNamespace

from derivcheck.language import (
    ArgMax,
    ForAll,
    Index,
    MaxOver,
    Real,
    Sum,
    and_,
    counting,
    define,
    domains,
    eq,
    function,
    ind,
    inverse,
    ite,
    lam,
    le,
    lt,
    matrix,
    num,
    oo_int,
    or_,
    range_,
    size_of,
    sup_norm,
    vector,
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


def evaluation_of(o, V):
    """T_π V in the process `o`."""
    return evaluation(V, o.pi, o.P, o.r, o.gamma)


def optimality_of(o, V):
    """T V in the process `o`."""
    return optimality(V, o.P, o.r, o.gamma)


def distance(U, V):
    """‖U − V‖."""
    return sup_norm(difference(U, V))


OPERATORS = {"evaluation": evaluation_of, "optimality": optimality_of}


def process_with_policy(name, givens, **discount):
    """A process, and a policy where the operator has one."""
    o = process(givens, **discount)
    if name == "evaluation":
        o.pi = givens.distribution("pi", counting(o.A), given=(o.S,))
    return o


def rewards_with_look_ahead(o, V, look):
    """Rewards for which the look-ahead by V is look(s, a)."""
    return lam(
        o.S,
        lambda s: lam(o.A, lambda a: look(s, a) - o.gamma * Sum(1, o.states, lambda t: o.P(s, a, t) * V(t))),
    )


def rewards_with_fixed_point(name, o, V):
    """Rewards for which V is a fixed point, any w deciding how good the actions are: how instances are built."""
    w = function("w", o.S, o.A)

    def level(s):
        """What is added to every action of a state; a policy's probabilities sum to one unless that is dropped."""
        if name == "evaluation":
            mass = Sum(1, o.actions, lambda b: o.pi(s, b))
            return (V(s) - Sum(1, o.actions, lambda b: o.pi(s, b) * w(s, b))) / mass
        return V(s) - MaxOver(o.A, lambda b: w(s, b))

    return rewards_with_look_ahead(o, V, lambda s, a: level(s) + w(s, a))


def declare_fixed_point(name, givens, o, V, called="fixed point"):
    """That V is a fixed point of the operator: the rewards are made for it."""
    operator = OPERATORS[name]
    givens.assume(
        called,
        ForAll(o.S, lambda s: eq(operator(o, V)(s), V(s))),
        model={o.r: rewards_with_fixed_point(name, o, V)},
        auxiliary=lambda g: g.array("w", o.S, o.A),
    )


def value_of(o, law, reward):
    """(I − γ P)⁻¹ r for the chain of a policy, as a term: how instances get the value of a policy."""
    system = matrix(o.states, o.states, lambda s, t: ind(eq(s, t)) - o.gamma * law(s, t))
    return inverse(system) @ vector(o.states, reward)


def declare_value_of_the_policy(givens, o, V):
    """That V is the value of the policy π: it is computed from any rewards."""
    givens.assume(
        "value of the policy",
        ForAll(o.S, lambda s: eq(evaluation_of(o, V)(s), V(s))),
        model={
            V: value_of(
                o,
                lambda s, t: Sum(1, o.actions, lambda a: o.pi(s, a) * o.P(s, a, t)),
                lambda s: Sum(1, o.actions, lambda a: o.pi(s, a) * o.r(s, a)),
            )
        },
    )


def second_fixed_point(name, o, U, V, elsewhere=None):
    """How instances get another fixed point U where a hypothesis is dropped: U, and γ itself in some of them.

    U − V is a constant where γ = 1.  Elsewhere it is an eigenvector of the chain of the policy (of the best actions)
    for an eigenvalue 1/γ: with γ in [0, 1) that needs laws that are negative somewhere or do not sum to one.

    Without such a vector, U is what is said `elsewhere`, or V.
    """
    c, special = Real("c"), Index("special")
    w = function("w", o.S, o.A)

    def chain(s, t):
        if name == "evaluation":
            return Sum(1, o.actions, lambda a: o.pi(s, a) * o.P(s, a, t))
        return o.P(s, ArgMax(o.A, lambda a: w(s, a)), t)

    # Of a chain with two states and rows of equal sum; of one with a single state, the sum itself.
    eigenvalue = ite(eq(o.states, 1), chain(1, 1), chain(1, 1) - chain(o.states, 1))
    two_states = lambda s: ite(eq(s, 1), chain(1, o.states), -chain(o.states, 1))  # noqa: E731
    chosen = and_(le(1, special), le(o.states, 2), or_(lt(eigenvalue, 0), lt(1, eigenvalue)))
    # Small, so that the best actions stay the best.
    vector = lambda s: ite(eq(o.states, 1), 1, two_states(s)) / 1000  # noqa: E731
    return {
        o.gamma: ite(chosen, 1 / eigenvalue, o.gamma),
        U: lam(
            o.S,
            lambda s: ite(or_(chosen, eq(o.gamma, 1)), V(s) + c * ite(chosen, vector(s), 1), (elsewhere or V)(s)),
        ),
    }


def declare_second(g):
    """What `second_fixed_point` draws, beside w."""
    g.real("c")
    g.integer("special", at_least=0, at_most=3)


def turned_round(pr, th):
    """b = a from a = b."""
    a, b = th.statement.args
    return pr.linear(eq(b, a), (th, -1))
