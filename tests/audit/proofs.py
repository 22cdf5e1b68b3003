"""Proofs whose certificates the tests audit and tamper with: among them every rule of the kernel."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from derivcheck.language import (
    REAL,
    ArgMax,
    D,
    E,
    ForAll,
    Givens,
    Integral,
    Lim,
    MaxOver,
    Sum,
    Term,
    Var,
    abs_,
    counting,
    delta,
    eq,
    exp,
    identity,
    integer,
    interval,
    inverse,
    lam,
    le,
    log,
    lt,
    ne,
    num,
    oo_int,
    predicate,
    range_,
    real,
    reals,
    softmax,
    sqrt,
    sup_norm,
    symbol,
)
from derivcheck.proof import Proof, Prover, Theorem, algebra, bounded_by_max, kernel, reason, triangle, using


def proof_of(prover: Prover, theorem: Theorem) -> Proof:
    return prover.done(theorem, theorem.statement)


def softmax_jacobian() -> Proof:
    g = Givens()
    n = g.size("n")
    z = g.vector("z", n)
    i, k = g.index("i", n), g.index("k", n)
    p = softmax(z)
    pr = Prover(g.context)
    chain = (
        pr.chain(D(p(i), z(k)))
        .eq((delta(i, k) * exp(z(i)) * Sum(1, n, lambda j: exp(z(j))) - exp(z(i)) * exp(z(k)))
            / Sum(1, n, lambda j: exp(z(j))) ** 2, reason("quotient rule", algebra))
        .eq(p(i) * (delta(i, k) - p(k)), algebra)
    )  # fmt: skip
    return proof_of(pr, chain.theorem)


def softmax_semidefinite() -> Proof:
    g = Givens()
    n = g.size("n")
    z, v = g.vector("z", n), g.vector("v", n)
    p = softmax(z)
    pr = Prover(g.context)
    form = Sum(1, n, lambda i: Sum(1, n, lambda k: v(i) * D(p(i), z(k)) * v(k)))
    mean = Sum(1, n, lambda j: p(j) * v(j))
    square = Sum(1, n, lambda i: p(i) * (v(i) - mean) ** 2)
    same = pr.prove(eq(form, square), algebra)
    sign = pr.prove(le(0, square), algebra)
    return proof_of(pr, pr.prove(le(0, form), using(same, sign)))


def bellman_contraction() -> Proof:
    g = Givens()
    n, m = g.size("S"), g.size("A")
    states, actions = range_(1, n), range_(1, m)
    gamma = g.real("gamma", at_least=0, below=1)
    p = g.distribution("P", counting(states), given=(states, actions))
    policy = g.distribution("pi", counting(actions), given=(states,))
    r = g.array("r", states, actions)
    u, v = g.array("U", states), g.array("V", states)

    def t(f: Term) -> Term:
        return lam(
            states,
            lambda s: Sum(1, m, lambda a: policy(s, a) * (r(s, a) + gamma * Sum(1, n, lambda q: p(s, a, q) * f(q)))),
        )

    norm = sup_norm(lam(states, lambda s: u(s) - v(s)))

    def next_value(s: Term, a: Term, f: Callable[[Term], Term]) -> Term:
        return Sum(1, n, lambda q: p(s, a, q) * f(q))

    def average(s: Term, f: Callable[[Term], Term]) -> Term:
        return Sum(1, m, lambda a: policy(s, a) * f(a))

    def at(pr: Prover, s: Term) -> Theorem:
        inner = lambda a: gamma * next_value(s, a, lambda q: u(q) - v(q))  # noqa: E731
        return (
            pr.chain(abs_(t(u)(s) - t(v)(s)))
            .eq(abs_(average(s, inner)), algebra)
            .le(average(s, lambda a: abs_(inner(a))), triangle)
            .le(average(s, lambda a: gamma * abs_(next_value(s, a, lambda q: u(q) - v(q)))), algebra)
            .le(average(s, lambda a: gamma * next_value(s, a, lambda q: abs_(u(q) - v(q)))), triangle)
            .le(average(s, lambda a: gamma * next_value(s, a, lambda q: norm)), bounded_by_max)
            .eq(gamma * norm, algebra)
            .theorem
        )

    pr = Prover(g.context)
    return proof_of(pr, pr.maximum_at_most(sup_norm(lam(states, lambda s: t(u)(s) - t(v)(s))), at))


def unrolled(start: Term, y: Callable[[Term], Term], a: Term, t: Term) -> Term:
    return (1 - a) ** real(t) * start + a * Sum(0, t - 1, lambda i: (1 - a) ** real(i) * y(t - i))


def moving_average() -> Proof:
    """The closed form of f_{s+1} = f_s + α (y_{s+1} − f_s), by induction."""
    g = Givens()
    t = g.integer("t", at_least=0)
    a = g.real("alpha", above=0, below=1)
    start = g.real("f_0")
    naturals, positive = range_(0, oo_int), range_(1, oo_int)
    y, f = g.function("y", positive), g.function("f", naturals)
    first = eq(f(0), start)
    rule = ForAll(naturals, lambda s: eq(f(s + 1), f(s) + a * (y(s + 1) - f(s))))
    g.assume("recursion", first, rule, model={f: lam(naturals, lambda s: unrolled(start, y, a, s))})

    def base(pr: Prover) -> Theorem:
        return pr.prove(eq(f(0), unrolled(start, y, a, integer(0))), using(pr.fact(first)))

    def step(pr: Prover, s: Term, hypothesis: Theorem) -> Theorem:
        return (
            pr.chain(f(s + 1))
            .eq(f(s) + a * (y(s + 1) - f(s)), using(kernel.specialise(pr.fact(rule), s)))
            .eq((1 - a) * unrolled(start, y, a, s) + a * y(s + 1), using(hypothesis))
            .eq(unrolled(start, y, a, s + 1), algebra)
            .theorem
        )

    pr = Prover(g.context)
    th = pr.induction(lambda s: eq(f(s), unrolled(start, y, a, s)), base, step)
    return proof_of(pr, kernel.specialise(th, t))


def variance_of_a_mean() -> Proof:
    g = Givens()
    n = g.size("n")
    mu, v = g.real("mu"), g.real("v", at_least=0)
    measure = g.probability()
    y = g.random("y", range_(1, n), measure=measure, mean=mu, variance=v, uncorrelated=True)
    pr = Prover(g.context)

    def mean(w: Term) -> Term:
        return Sum(1, n, lambda j: y(j, w)) / real(n)

    unbiased = pr.prove(eq(E(measure, mean), mu), algebra)
    spread = (
        pr.chain(Var(measure, mean)).eq(E(measure, lambda w: mean(w) ** 2) - mu**2, algebra).eq(v / real(n), algebra)
    )
    return proof_of(pr, kernel.conjunction(unbiased, spread.theorem))


def gibbs() -> Proof:
    """Σ p log(q/p) <= 0, by log y <= y − 1."""
    g = Givens()
    n = g.size("n")
    q = g.distribution("q", counting(range_(1, n)), positive=True)
    p = g.distribution("p", counting(range_(1, n)), positive=True)
    pr = Prover(g.context)
    total = Sum(1, n, lambda i: p(i) * log(q(i) / p(i)))

    def below(pr: Prover, i: Term) -> Theorem:
        bound = kernel.log_bound(pr.context, q(i) / p(i))
        return pr.linear(le(p(i) * log(q(i) / p(i)), p(i) * (q(i) / p(i) - 1)), (bound, p(i)))

    summed = kernel.monotone(pr.for_all(range_(1, n), below), total)
    return proof_of(pr, pr.chain(total).le(summed.statement.args[1], summed).eq(0, algebra).theorem)


def limits() -> Proof:
    g = Givens()
    n = g.size("n")
    a = g.real("a", above=0, below=1)
    c = g.real("c")
    pr = Prover(g.context)

    def ratio(x: Term) -> Term:
        return (1 - (1 - x) ** 2) / x

    def near_zero(pr: Prover, x: Term) -> Theorem:
        positive = pr.assume(lt(0, x))
        return kernel.discharge(pr.prove(eq(ratio(x), 2 - x), using(positive)), lt(0, x))

    same = kernel.limit_congruence(
        pr.for_all(interval(0, Fraction(1, 2)), near_zero),
        eq(Lim(0, ratio, "+"), Lim(0, lambda x: 2 - x, "+")),
    )
    value = kernel.limit_by_continuity(pr.context, eq(Lim(0, lambda x: 2 - x, "+"), num(2)))
    geometric = kernel.limit(pr.context, eq(Lim(oo_int, lambda t: c + a ** real(t)), c))
    summed = kernel.limit_by_continuity(
        pr.context,
        eq(Lim(0, lambda x: log(1 + Sum(1, n, lambda j: exp(x * real(j)) / (2 + x) ** 2))), log(1 + real(n) / 4)),
    )
    return proof_of(pr, kernel.conjunction(kernel.transitivity(same, value), geometric, summed))


def words() -> Proof:
    """An equation of matrices with two inverses."""
    g = Givens()
    rows, columns = g.size("n"), g.size("d")
    X = g.matrix("X", rows, columns)
    penalty = g.real("lam", above=0)
    small, large = X.T @ X + penalty * identity(columns), X @ X.T + penalty * identity(rows)
    g.assume("invertible", predicate("invertible", small), predicate("invertible", large))
    pr = Prover(g.context)
    return proof_of(pr, kernel.matrix_words(g.context, eq(inverse(small) @ X.T, X.T @ inverse(large))))


def calculus() -> Proof:
    """An integral by a primitive, domination, and equal functions under a derivative."""
    g = Givens()
    b = g.real("b", above=0)
    x = g.real("x")
    measure = g.probability()
    y = g.random("Y", measure=measure, mean=0, variance=1)
    pr = Prover(g.context)
    integral = Integral(0, b, lambda t: t**2 + exp(t) / b + 1 / (1 + t))
    by_parts = kernel.antiderivative(
        g.context, integral, lam(interval(0, b), lambda t: t**3 / 3 + exp(t) / b + log(1 + t))
    )

    def below(pr: Prover, w: Term) -> Theorem:
        return kernel.normal_form(pr.context, le(abs_(y(w) ** 2), y(w) ** 2 + 1))

    tame = kernel.dominated(pr.for_all(measure.args[0], below), measure)
    squares = pr.for_all(reals, lambda pr, t: kernel.normal_form(pr.context, eq((t + 1) ** 2, t**2 + 2 * t + 1)))
    slopes = kernel.derivative_congruence(squares, D((x + 1) ** 2, x))
    return proof_of(pr, kernel.conjunction(by_parts, tame, slopes))


def logic() -> Proof:
    """The rules that no calculation needs, one after the other."""
    g = Givens()
    n = g.size("n")
    x, c = g.real("x"), g.real("c", above=0)
    f = g.vector("f", n)
    i = g.index("i", n)
    pr = Prover(g.context)
    ctx = g.context
    out: list[Theorem] = []

    def at_least_zero(side: Theorem) -> Theorem:
        return kernel.normal_form(ctx, le(0, abs_(x) * c), [side])

    out.append(pr.cases(le(0, x), at_least_zero, at_least_zero))
    positive = kernel.fact(ctx, lt(0, c))
    implication = kernel.discharge(kernel.normal_form(ctx, lt(0, 2 * c), [kernel.assume(ctx, lt(0, c))]), lt(0, c))
    out.append(kernel.modus_ponens(implication, positive))
    out.append(kernel.cut(kernel.normal_form(ctx, lt(0, 3 * c), [kernel.assume(ctx, lt(0, c))]), positive))
    out.append(kernel.conjunct(kernel.conjunction(positive, implication), 0))
    conditional = kernel.normal_form(ctx, eq(x / x, 1))
    implied = kernel.discharge(kernel.meet_condition(conditional, kernel.assume(ctx, ne(x, 0))), ne(x, 0))
    out.append(implied)
    # orders and squares
    zero_square = kernel.assume(ctx, le(x**2, 0))
    out.append(kernel.discharge(kernel.square_zero(zero_square), le(x**2, 0)))
    product = kernel.assume(ctx, eq(c * x, 0))
    not_zero = kernel.normal_form(ctx, ne(c, 0))
    vanishing = kernel.zero_product(product, not_zero)
    out.append(kernel.discharge(vanishing, eq(c * x, 0)))
    out.append(kernel.discharge(kernel.normal_form(ctx, eq(x + c, c), [vanishing]), eq(c * x, 0)))
    below, above = kernel.assume(ctx, le(x, c)), kernel.assume(ctx, le(c, x))
    out.append(kernel.discharge(kernel.discharge(kernel.antisymmetry(below, above), le(x, c)), le(c, x)))
    out.append(kernel.increasing(kernel.normal_form(ctx, lt(x, x + c)), "exp"))
    out.append(kernel.absolute_value(ctx, x))
    small = kernel.normal_form(ctx, le(c, 2 * c)), kernel.normal_form(ctx, le(-c, 2 * c))
    out.append(kernel.absolute_bound(*small))
    out.append(kernel.log_bound_strict(ctx, 2 + c))
    # finite sets
    out.append(kernel.maximiser(ctx, ArgMax(range_(1, n), lambda j: f(j))))
    out.append(kernel.at_most_maximum(ctx, MaxOver(range_(1, n), lambda j: f(j)), i))
    square = pr.for_all(range_(1, n), lambda pr, j: kernel.normal_form(pr.context, le(0, f(j) ** 2)))
    out.append(kernel.term_at_most_sum(square, Sum(1, n, lambda j: f(j) ** 2), i))
    # equations in terms, of functions, and elsewhere
    doubled = kernel.normal_form(ctx, eq(2 * x, x + x))
    hole = symbol("hole", REAL)
    out.append(kernel.congruence(doubled, exp(hole) + Sum(1, n, lambda j: hole * f(j)), hole))
    out.append(
        kernel.normal_form(ctx, eq(lam(range_(1, n), lambda j: 2 * f(j)), lam(range_(1, n), lambda j: f(j) + f(j))))
    )
    twice = pr.for_all(range_(1, n), lambda pr, j: kernel.normal_form(pr.context, eq(2 * f(j), f(j) + f(j))))
    out.append(kernel.binder_congruence(twice, Sum(1, n, lambda j: 2 * f(j))))
    other = Givens()
    m = other.size("m")
    w = other.vector("w", m)
    b = other.real("b", at_least=0)
    result = kernel.normal_form(other.context, le(0, b * Sum(1, m, lambda j: w(j) ** 2)))
    mapping = {m: n, w: lam(range_(1, n), lambda j: f(j) - x), b: c**2}
    out.append(kernel.instance(result, mapping, ctx))
    return proof_of(pr, kernel.conjunction(*out))


def conditions() -> Proof:
    """Identities that hold under recorded conditions, inherited, met and generalised."""
    g = Givens()
    n = g.size("n")
    x, y = g.real("x"), g.real("y")
    f = g.vector("f", n)
    ctx, pr = g.context, Prover(g.context)
    out = [
        kernel.normal_form(ctx, eq(x / x, 1)),
        kernel.normal_form(ctx, eq(exp(log(x)), x)),
        kernel.normal_form(ctx, eq((x**2 - y**2) / (x - y), x + y)),
        kernel.normal_form(ctx, eq(log(exp(x) / y) + log(y), x)),
        kernel.normal_form(ctx, eq(sqrt(x) ** 2, x)),
        kernel.normal_form(ctx, eq(D(log(x), x), 1 / x)),
        kernel.normal_form(ctx, eq(Sum(1, n, lambda j: f(j) / (x - y)), Sum(1, n, lambda j: f(j)) / (x - y))),
        kernel.log_bound(ctx, x - y),
        kernel.increasing(kernel.normal_form(ctx, le(x, x + y**2)), "log"),
        pr.for_all(range_(1, n), lambda pr, j: kernel.normal_form(pr.context, eq(f(j) ** 2 / f(j), f(j)))),
        kernel.at_most_maximum(ctx, MaxOver(range_(1, n), lambda j: f(j)), integer(2)),
    ]
    chain = kernel.transitivity(
        kernel.normal_form(ctx, eq(x * y, x * y**2 / y)), kernel.normal_form(ctx, eq(x * y**2 / y, y * x))
    )
    summed = kernel.binder_congruence(out[9], Sum(1, n, lambda j: f(j) ** 2 / f(j)))
    doubled = kernel.normal_form(ctx, eq(2 * x / y, x / y + x / y))
    both = kernel.cases(doubled, doubled, le(0, y))
    return proof_of(pr, kernel.conjunction(*out, chain, summed, both))


def laws_and_matrices() -> Proof:
    g = Givens()
    n = g.size("n")
    measure = g.probability()
    g.random("X", measure=measure, symmetric=True)
    t = g.real("t", above=0)
    pr = Prover(g.context)
    (symmetric,) = pr.given("X symmetric law")
    law = kernel.same_law(symmetric, lam(interval(*_reals()), lambda v: v**2 + v**3))
    matrix = lam(range_(1, n), lambda i: lam(range_(1, n), lambda j: t * delta(i, j)))

    def injective(pr: Prover, v: Term) -> Theorem:
        zero = ForAll(range_(1, n), lambda i: eq(Sum(1, n, lambda j: matrix(i, j) * v(j)), 0))
        assumed = pr.assume(zero)

        def entry(pr: Prover, j: Term) -> Theorem:
            row = kernel.specialise(pr.bring(assumed), j)
            scaled = kernel.normal_form(pr.context, eq(t * v(j), row.statement.args[0]))
            product = kernel.transitivity(scaled, row)
            return kernel.zero_product(product, kernel.normal_form(pr.context, ne(t, 0)))

        return kernel.discharge(pr.for_all(range_(1, n), entry), zero)

    from derivcheck.language import functions

    inverse = kernel.invertible_if_injective(pr.for_all(functions((range_(1, n),)), injective), matrix)
    return proof_of(pr, kernel.conjunction(law, inverse))


def _reals() -> tuple[Term, Term]:
    from derivcheck.language import reals

    return reals.args[0], reals.args[1]


#: Name -> how its proof is made.
PROOFS: dict[str, Callable[[], Proof]] = {
    f.__name__: f
    for f in (
        softmax_jacobian,
        softmax_semidefinite,
        bellman_contraction,
        moving_average,
        variance_of_a_mean,
        gibbs,
        limits,
        calculus,
        words,
        logic,
        conditions,
        laws_and_matrices,
    )
}
