"""Part (a), least squares: the normal equations and their one solution."""

from derivcheck.language import D, Givens, Sum, eq, implies, inverse, le, range_, squared_norm
from derivcheck.problem import Claim, Misconception
from derivcheck.proof import Prover, algebra, kernel, reason, using


def mean_squared_error(X, a, y, n):
    """(1/n) ‖Xa − y‖²."""
    return squared_norm(X @ a - y) / n


# ----------------------------------------------------------------------------------------- the loss and its derivatives

plain = Givens()
n = plain.size("n")
d = plain.size("m")
X = plain.matrix("X", n, d, full_column_rank=True)
y = plain.vector("y", n)
a = plain.vector("a", d)
k, l = plain.index("k", d), plain.index("l", d)

gram = X.T @ X

loss = mean_squared_error(X, a, y, n)


def prove_gradient(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(D(loss, a(k)))
        .eq(Sum(1, n, lambda i: 2 * (X @ a - y)(i) * X(i, k)) / n, reason("chain rule, one summand at a time", algebra))
        .eq(claim.statement.args[1], reason("the sum is an entry of Xᵀ(Xa − y)", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


gradient = Claim(
    name="gradient",
    summary="∇_a (1/n)‖Xa − y‖² = (2/n) Xᵀ(Xa − y)",
    context=plain.context,
    statement=eq(D(loss, a(k)), (2 / n) * (X.T @ (X @ a - y))(k)),
    proof=prove_gradient,
    misconceptions=(
        Misconception("without the factor 2", eq(D(loss, a(k)), (1 / n) * (X.T @ (X @ a - y))(k))),
        Misconception("the residual's sign", eq(D(loss, a(k)), (2 / n) * (X.T @ (y - X @ a))(k))),
    ),
)

second_derivative = D(D(loss, a(k)), a(l))


def prove_hessian(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("differentiate twice, term by term", algebra)), claim.statement)


hessian = Claim(
    name="hessian",
    summary="the Hessian is (2/n) XᵀX, whatever a is",
    context=plain.context,
    statement=eq(second_derivative, (2 / n) * gram(k, l)),
    proof=prove_hessian,
    misconceptions=(Misconception("without the factor 2", eq(second_derivative, (1 / n) * gram(k, l))),),
)


# -------------------------------------------------------------------------------------------------------- its minimiser

least_squares = inverse(gram) @ (X.T @ y)


def prove_normal_equations(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain((X.T @ (X @ least_squares - y))(k))
        .eq((gram @ (inverse(gram) @ (X.T @ y)))(k) - (X.T @ y)(k), reason("multiply out", algebra))
        .eq(0, reason("a matrix times its inverse is the identity", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


normal_equations = Claim(
    name="normal-equations",
    summary="the gradient vanishes at a* = (XᵀX)⁻¹Xᵀy",
    context=plain.context,
    statement=eq((X.T @ (X @ least_squares - y))(k), 0),
    proof=prove_normal_equations,
)


def excess(pr, here, best, of_loss):
    """``loss(a) − loss(a*) = ‖X(a − a*)‖²/n`` and that it is not negative."""
    gap = squared_norm(X @ (a - best)) / n
    return (
        pr.prove(
            eq(of_loss(a) - of_loss(best), gap), reason("complete the square; the residual is orthogonal", algebra)
        ),
        pr.prove(le(0, gap), reason("a sum of squares", algebra)),
    )


def prove_least_squares_minimiser(claim):
    pr = Prover(claim.context)
    identity_, positive = excess(pr, a, least_squares, lambda v: mean_squared_error(X, v, y, n))
    return pr.done(pr.linear(claim.statement, (identity_, 1), (positive, 1)), claim.statement)


least_squares_minimiser = Claim(
    name="least-squares-minimiser",
    summary="a* minimises the loss",
    context=plain.context,
    statement=le(mean_squared_error(X, least_squares, y, n), loss),
    proof=prove_least_squares_minimiser,
)


def prove_least_squares_unique(claim):
    pr = Prover(claim.context)
    premise = claim.statement.args[0]
    equal = pr.assume(premise)
    gap = a - least_squares
    total = Sum(1, n, lambda i: (X @ gap)(i) ** 2)
    square = pr.prove(
        eq(loss - mean_squared_error(X, least_squares, y, n), squared_norm(X @ gap) / n),
        reason("complete the square; the residual is orthogonal", algebra),
    )
    zero = pr.linear(le(total, 0), (square, -n), (equal, n))
    pr.note(le(total, 0), "the losses are equal, so ‖X(a − a*)‖² = 0")
    squares = pr.for_all(range_(1, n), lambda pr, i: pr.prove(le(0, (X @ gap)(i) ** 2), algebra, quiet=True))

    def row(pr, i):
        one = kernel.term_at_most_sum(pr.bring(squares), total, i)
        none = kernel.square_zero(kernel.transitivity(one, pr.bring(zero)))
        return pr.prove(
            eq(Sum(1, d, lambda j: X(i, j) * gap(j)), 0), using(none, words="each summand vanishes"), quiet=True
        )

    rows = pr.for_all(range_(1, n), row)
    pr.note(rows.statement, "a sum of squares that is zero has only zeros")
    rank = kernel.specialise(pr.given("X full column rank")[0], gap)
    nothing = kernel.specialise(kernel.modus_ponens(rank, rows), k)
    th = pr.prove(claim.statement.args[1], using(nothing, words="X has full column rank"))
    return pr.done(kernel.discharge(th, premise), claim.statement)


least_squares_unique = Claim(
    name="least-squares-unique",
    summary="and it is the only minimiser",
    context=plain.context,
    statement=implies(eq(loss, mean_squared_error(X, least_squares, y, n)), eq(a(k), least_squares(k))),
    proof=prove_least_squares_unique,
)
