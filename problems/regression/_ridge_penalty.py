"""Ridge regression: for λ > 0 it has one solution whatever X is, and it is input noise with Σ = (λ/n)·I."""

from _ridge_networks import gradient_descent_with_weight_decay

from derivcheck.language import (
    ForAll,
    Givens,
    Sum,
    define,
    eq,
    functions,
    identity,
    inverse,
    le,
    num,
    predicate,
    range_,
    squared_norm,
)
from derivcheck.problem import Claim, Measurement
from derivcheck.proof import Prover, algebra, kernel, monotonicity, reason, using

ridge = Givens()
n, d = ridge.size("n"), ridge.size("m")
X, y, a = ridge.matrix("X", n, d), ridge.vector("y", n), ridge.vector("a", d)
k = ridge.index("k", d)
penalty = ridge.real("lambda", above=0)
regularised = X.T @ X + penalty * identity(d)


# --------------------------------------------------------------------------------------------------- the inverse exists


def prove_ridge_invertible(claim):
    """``(XᵀX + λI) v = 0`` gives ``‖Xv‖² + λ‖v‖² = 0``, hence ``v = 0``."""
    pr = Prover(claim.context)
    size = range_(1, d)

    def injective(pr, v):
        nothing = ForAll(size, lambda i: eq(Sum(1, d, lambda j: regularised(i, j) * v(j)), 0))
        given = pr.assume(nothing)
        form = Sum(1, d, lambda i: v(i) * Sum(1, d, lambda j: regularised(i, j) * v(j)))
        zero = (
            pr.chain(form)
            .eq(Sum(1, d, lambda i: v(i) * num(0)), monotonicity(given, words="vᵀ times the product, which is zero"))
            .eq(0, algebra)
            .theorem
        )
        split = pr.prove(
            eq(form, squared_norm(X @ v) + penalty * Sum(1, d, lambda j: v(j) ** 2)), reason("multiply out", algebra)
        )
        square = pr.prove(le(0, squared_norm(X @ v)), reason("a sum of squares", algebra))
        total = Sum(1, d, lambda j: v(j) ** 2)
        small = pr.linear(le(total, 0), (zero, 1 / penalty), (split, -1 / penalty), (square, 1 / penalty))
        pr.note(small.statement, "both terms are not negative, and λ > 0")
        squares = pr.for_all(size, lambda pr, j: pr.prove(le(0, v(j) ** 2), algebra, quiet=True))

        def entry(pr, j):
            one = kernel.term_at_most_sum(pr.bring(squares), total, j)
            return kernel.square_zero(kernel.transitivity(one, pr.bring(small)))

        entries = pr.for_all(size, entry)
        pr.note(entries.statement, "a sum of squares that is zero has only zeros")
        return kernel.discharge(entries, nothing)

    th = pr.for_all(functions((size,)), injective, "v")
    invertible = kernel.invertible_if_injective(th, regularised)
    pr.note(claim.statement, "a square matrix that sends only 0 to 0 is invertible")
    return pr.done(invertible, claim.statement)


ridge_invertible = Claim(
    name="ridge-invertible",
    summary="XᵀX + λI is invertible for λ > 0, whatever X is",
    context=ridge.context,
    statement=predicate("invertible", regularised),
    proof=prove_ridge_invertible,
)


def invertible_theorem(context):
    return prove_ridge_invertible(Claim("invertible", "", context, predicate("invertible", regularised))).theorem


# -------------------------------------------------------------------------------------------------------- the minimiser

best = inverse(regularised) @ (X.T @ y)


ridge_loss = define(
    "ridge_loss",
    lambda X, y, penalty, a: squared_norm(X @ a - y) + penalty * squared_norm(a),
    scope="ridge-from-noise",
)


def ridge_objective(a):
    """‖Xa − y‖² + λ‖a‖²."""
    return ridge_loss(X, y, penalty, a)


def prove_ridge_minimiser(claim):
    pr = Prover(claim.context)
    invertible = invertible_theorem(claim.context)
    v = a - best
    gap = squared_norm(X @ v) + penalty * squared_norm(v)
    difference = pr.prove(
        eq(ridge_objective(a) - ridge_objective(best), gap),
        using(invertible, words="complete the square at a*; XᵀX + λI is invertible"),
    )
    positive = pr.prove(le(0, gap), reason("sums of squares, and λ > 0", algebra))
    th = pr.linear(claim.statement, (difference, 1), (positive, 1))
    return pr.done(kernel.meet_condition(th, invertible), claim.statement)


ridge_minimiser = Claim(
    name="ridge-minimiser",
    summary="(XᵀX + λI)⁻¹Xᵀy minimises ‖Xa − y‖² + λ‖a‖²",
    context=ridge.context,
    statement=le(ridge_objective(best), ridge_objective(a)),
    proof=prove_ridge_minimiser,
    networks=(
        Measurement("weight decay", "a linear layer trained with weight decay", gradient_descent_with_weight_decay),
    ),
)


def prove_ridge_is_input_noise(claim):
    pr = Prover(claim.context)
    th = pr.prove(claim.statement, reason("n · (λ/n) = λ, entry by entry", algebra))
    return pr.done(th, claim.statement)


ridge_is_input_noise = Claim(
    name="ridge-is-input-noise",
    summary="with Σ = (λ/n)·I, XᵀX + nΣ = XᵀX + λI",
    context=ridge.context,
    statement=eq(X.T @ X + n * ((penalty / n) * identity(d)), regularised),
    proof=prove_ridge_is_input_noise,
)
