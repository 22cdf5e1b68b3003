"""Least squares, label noise, input noise and ridge regression.

Source: assignment A1.3 (a)–(d) and bonus.

(a) The normal equations and their unique minimiser.  (b) Noise on the labels adds its variance to the expected loss and
moves no minimiser.  (c) The variance of a prediction that label noise causes.  (d) Noise on the inputs adds aᵀΣa to the
expected loss and moves the minimiser to (XᵀX + nΣ)⁻¹Xᵀy; with Σ = (λ/n)·I that is ridge regression, and for λ > 0 the
inverse exists whatever X is.  Shown for symbolic n and m, on exact instances, by simulation, and by linear layers that
are trained with stochastic gradients on freshly noised inputs and with weight decay.
"""

import numpy as np

import derivcheck.models as m
from derivcheck.language import (
    D,
    E,
    ForAll,
    Givens,
    Sum,
    Var,
    define,
    eq,
    functions,
    identity,
    implies,
    integer,
    integrable,
    inverse,
    lam,
    le,
    matrix,
    num,
    predicate,
    range_,
    space,
    squared_norm,
    vector,
)
from derivcheck.problem import Claim, Measurement, Misconception, Problem, Reading
from derivcheck.proof import Prover, algebra, kernel, monotonicity, reason, using

F = m.functional
outcomes = space("Omega")


def mean_squared_error(X, a, y, n):
    """(1/n) ‖Xa − y‖²."""
    return squared_norm(X @ a - y) / n


# -------------------------------------------------------------------------------------------------- (a) least squares

plain = Givens()
n = plain.size("n")
d = plain.size("m")
X = plain.matrix("X", n, d, full_column_rank=True)
y = plain.vector("y", n)
a = plain.vector("a", d)
k, l = plain.index("k", d), plain.index("l", d)
loss = mean_squared_error(X, a, y, n)
gram = X.T @ X
least_squares = inverse(gram) @ (X.T @ y)


def gradient_of_the_loss(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(D(loss, a(k)))
        .eq(Sum(1, n, lambda i: 2 * (X @ a - y)(i) * X(i, k)) / n, reason("chain rule, one summand at a time", algebra))
        .eq(claim.statement.args[1], reason("the sum is an entry of Xᵀ(Xa − y)", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


second_derivative = D(D(loss, a(k)), a(l))


def hessian_of_the_loss(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("differentiate twice, term by term", algebra)), claim.statement)


def stationary(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain((X.T @ (X @ least_squares - y))(k))
        .eq((gram @ (inverse(gram) @ (X.T @ y)))(k) - (X.T @ y)(k), reason("multiply out", algebra))
        .eq(0, reason("a matrix times its inverse is the identity", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def excess(pr, here, best, of_loss):
    """``loss(a) − loss(a*) = ‖X(a − a*)‖²/n`` and that it is not negative."""
    gap = squared_norm(X @ (a - best)) / n
    return (
        pr.prove(
            eq(of_loss(a) - of_loss(best), gap), reason("complete the square; the residual is orthogonal", algebra)
        ),
        pr.prove(le(0, gap), reason("a sum of squares", algebra)),
    )


def minimiser(claim):
    pr = Prover(claim.context)
    identity_, positive = excess(pr, a, least_squares, lambda v: mean_squared_error(X, v, y, n))
    return pr.done(pr.linear(claim.statement, (identity_, 1), (positive, 1)), claim.statement)


def unique_minimiser(claim):
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


# ---------------------------------------------------------------------------------------------- (b), (c) noisy labels

labels = Givens()
n_l = labels.size("n")
d_l = labels.size("m")
X_l = labels.matrix("X", n_l, d_l, full_column_rank=True)
y_l = labels.vector("y", n_l)
a_l = labels.vector("a", d_l)
x_l = labels.vector("x", d_l)
P = labels.probability()
sigma2 = labels.real("sigma2", at_least=0)
epsilon = labels.random("epsilon", range_(1, n_l), measure=P, mean=0, variance=sigma2, uncorrelated=True)
best_l = inverse(X_l.T @ X_l) @ (X_l.T @ y_l)


def noisy_labels(w):
    """The labels with their noise, for one outcome."""
    return vector(n_l, lambda i: y_l(i) + epsilon(i, w))


def expected_loss_labels(a):
    return E(P, lambda w: mean_squared_error(X_l, a, noisy_labels(w), n_l))


def prediction(w):
    """The prediction at x of the least-squares fit to the noisy labels."""
    return x_l @ (inverse(X_l.T @ X_l) @ (X_l.T @ noisy_labels(w)))


def label_noise_adds_a_constant(claim):
    pr = Prover(claim.context)
    residual = X_l @ a_l - y_l
    chain = (
        pr.chain(expected_loss_labels(a_l))
        .eq(
            Sum(
                1,
                n_l,
                lambda i: (
                    residual(i) ** 2
                    - 2 * residual(i) * E(P, lambda w: epsilon(i, w))
                    + E(P, lambda w: epsilon(i, w) ** 2)
                ),
            )
            / n_l,
            reason("expand the square; the expectation is linear", algebra),
        )
        .eq(mean_squared_error(X_l, a_l, y_l, n_l) + sigma2, reason("the noise has mean 0 and variance σ²", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def label_noise_moves_no_minimiser(claim):
    pr = Prover(claim.context)
    gap = squared_norm(X_l @ (a_l - best_l)) / n_l
    difference = pr.prove(
        eq(expected_loss_labels(a_l) - expected_loss_labels(best_l), gap),
        reason("the constant σ² cancels; complete the square", algebra),
    )
    positive = pr.prove(le(0, gap), reason("a sum of squares", algebra))
    return pr.done(pr.linear(claim.statement, (difference, 1), (positive, 1)), claim.statement)


def prediction_is_unbiased(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("linear in the noise, which has mean 0", algebra)), claim.statement)


def prediction_variance(claim):
    pr = Prover(claim.context)
    weights = lambda i: (X_l @ (inverse(X_l.T @ X_l) @ x_l))(i)  # noqa: E731
    chain = (
        pr.chain(claim.statement.args[0])
        .eq(
            Var(P, lambda w: Sum(1, n_l, lambda i: weights(i) * epsilon(i, w))),
            reason("the prediction is a constant plus a weighted sum of the noise", algebra),
        )
        .eq(sigma2 * Sum(1, n_l, lambda i: weights(i) ** 2), reason("uncorrelated noise: variances add", algebra))
        .eq(claim.statement.args[1], reason("one inverse cancels XᵀX", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


# --------------------------------------------------------------------------------------------------- (d) noisy inputs


def input_noise(*, invertible):
    """Inputs X + N with rows of mean zero and covariance Σ, independent or not from row to row."""
    g = Givens()
    n, d = g.size("n"), g.size("m")
    X, y, a = g.matrix("X", n, d), g.vector("y", n), g.vector("a", d)
    k = g.index("k", d)
    P = g.probability()
    rows, columns = range_(1, n), range_(1, d)
    # As covariances Σ is symmetric anyway; said here, it is there for steps that speak of no noise.
    Sigma = g.matrix("Sigma", d, d, symmetric=True)
    N = g.function("N", rows, columns, outcomes)
    entry = lambda i, j: lambda w: N(i, j, w)  # noqa: E731
    both = lambda i, j, l: lambda w: N(i, j, w) * N(i, l, w)  # noqa: E731

    def everywhere(fact):
        return ForAll(rows, lambda i: ForAll(columns, lambda j: fact(i, j)))

    def pairs(fact):
        return everywhere(lambda i, j: ForAll(columns, lambda l: fact(i, j, l)))

    L, e = None, None

    def ingredients(extra):
        nonlocal L, e
        L = extra.matrix("L", d, d)
        e = extra.random("e", rows, columns, measure=P, mean=0, variance=1, uncorrelated=True)

    probe = Givens()
    ingredients(probe)
    g.assume(
        "input noise of mean 0 and covariance Σ",
        everywhere(lambda i, j: integrable(P, entry(i, j))),
        everywhere(lambda i, j: eq(E(P, entry(i, j)), 0)),
        pairs(lambda i, j, l: integrable(P, both(i, j, l))),
        pairs(lambda i, j, l: eq(E(P, both(i, j, l)), Sigma(j, l))),
        # For instances: Σ = L Lᵀ and N = e Lᵀ with uncorrelated e of variance one.
        model={
            Sigma: matrix(d, d, lambda j, l: Sum(1, d, lambda r: L(j, r) * L(l, r))),
            N: lam(
                rows,
                lambda i: lam(columns, lambda j: lam(outcomes, lambda w: Sum(1, d, lambda r: L(j, r) * e(i, r, w)))),
            ),
        },
        auxiliary=ingredients,
    )
    if invertible:
        g.assume("XᵀX + nΣ is invertible", predicate("invertible", X.T @ X + n * Sigma))
    return g.context, n, d, X, y, a, k, P, Sigma, N


inputs, n_i, d_i, X_i, y_i, a_i, k_i, P_i, Sigma, N_i = input_noise(invertible=False)
inputs_solved, n_j, d_j, X_j, y_j, a_j, k_j, P_j, Sigma_j, N_j = input_noise(invertible=True)


def expected_loss_inputs(P, X, N, y, n, d):
    """The expected loss over noisy inputs, as a function of the weights."""

    def at(a):
        return E(P, lambda w: mean_squared_error(X + matrix(n, d, lambda i, j: N(i, j, w)), a, y, n))

    return at


over_inputs = expected_loss_inputs(P_i, X_i, N_i, y_i, n_i, d_i)
over_inputs_solved = expected_loss_inputs(P_j, X_j, N_j, y_j, n_j, d_j)
penalised = mean_squared_error(X_i, a_i, y_i, n_i) + a_i @ (Sigma @ a_i)
best_j = inverse(X_j.T @ X_j + n_j * Sigma_j) @ (X_j.T @ y_j)


def covariance_is_symmetric(pr, P, N, Sigma, columns):
    """``∀ j, l. Σ_jl = Σ_lj``, because the covariance of two entries does not depend on their order."""

    (*_, covariance) = pr.given("input noise of mean 0 and covariance Σ")

    def entry(pr, j, l):
        def as_expectation(r, s):
            th = pr.bring(covariance)
            for value in (integer(1), r, s):
                th = kernel.specialise(th, value)
            expectation = E(P, lambda w: N(1, r, w) * N(1, s, w))
            return expectation, pr.linear(eq(Sigma(r, s), expectation), (th, -1))

        one, first = as_expectation(j, l)
        two, second = as_expectation(l, j)
        exchanged = pr.prove(eq(one, two), reason("factors exchange", algebra), quiet=True)
        return pr.linear(eq(Sigma(j, l), Sigma(l, j)), (first, 1), (exchanged, 1), (second, -1))

    return pr.for_all(columns, lambda pr, j: pr.for_all(columns, lambda pr, l: entry(pr, j, l)))


def input_noise_is_a_penalty(claim):
    pr = Prover(claim.context)
    residual = X_i @ a_i - y_i
    chain = (
        pr.chain(over_inputs(a_i))
        .eq(
            Sum(
                1,
                n_i,
                lambda i: (
                    residual(i) ** 2
                    + Sum(
                        1,
                        d_i,
                        lambda j: Sum(
                            1, d_i, lambda r: a_i(j) * a_i(r) * E(P_i, lambda w: N_i(i, j, w) * N_i(i, r, w))
                        ),
                    )
                ),
            )
            / n_i,
            reason("expand the square; the cross term has mean 0", algebra),
        )
        .eq(penalised, reason("every row has covariance Σ", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def expected_gradient(factor):
    """``factor``·((1/n)XᵀX + Σ)a − (``factor``/n)Xᵀy, entry k; the right factor is 2."""
    return factor * (((X_i.T @ X_i) @ a_i)(k_i) / n_i + (Sigma @ a_i)(k_i) - (X_i.T @ y_i)(k_i) / n_i)


def gradient_of_the_expected_loss(claim):
    pr = Prover(claim.context)
    weights = functions((range_(1, d_i),))

    symmetric = covariance_is_symmetric(pr, P_i, N_i, Sigma, range_(1, d_i))

    def closed(a):
        return mean_squared_error(X_i, a, y_i, n_i) + a @ (Sigma @ a)

    everywhere = pr.for_all(
        weights,
        lambda pr, v: pr.prove(eq(over_inputs(v), closed(v)), reason("for any weights", algebra), quiet=True),
        "a",
    )
    pr.note(everywhere.statement, "the expected loss is the penalised loss, whatever the weights are")
    left = claim.statement.args[0]
    chain = (
        pr.chain(left)
        .eq(
            D(closed(a_i), a_i(k_i)),
            using(kernel.derivative_congruence(everywhere, left), words="equal functions have equal derivatives"),
        )
        .eq(claim.statement.args[1], using(symmetric, words="differentiate a quadratic; Σ is symmetric"))
    )
    return pr.done(chain.theorem, claim.statement)


def stationary_under_input_noise(claim):
    pr = Prover(claim.context)
    return pr.done(
        pr.prove(claim.statement, reason("a matrix times its inverse is the identity", algebra)), claim.statement
    )


def minimiser_under_input_noise(claim):
    pr = Prover(claim.context)
    v = a_j - best_j
    gap = squared_norm(X_j @ v) / n_j + v @ (Sigma_j @ v)
    symmetric = covariance_is_symmetric(pr, P_j, N_j, Sigma_j, range_(1, d_j))
    difference = pr.prove(
        eq(over_inputs_solved(a_j) - over_inputs_solved(best_j), gap),
        using(symmetric, words="complete the square at a*; Σ is symmetric"),
    )
    noise_square = E(P_j, lambda w: Sum(1, n_j, lambda i: Sum(1, d_j, lambda j: N_j(i, j, w) * v(j)) ** 2) / n_j)
    as_noise = pr.prove(
        eq(v @ (Sigma_j @ v), noise_square), using(symmetric, words="vᵀΣv is the mean square of the noise along v")
    )
    positive = pr.prove(le(0, noise_square), reason("the expectation of a square", algebra))
    squares = pr.prove(le(0, squared_norm(X_j @ v) / n_j), reason("a sum of squares", algebra))
    not_negative = pr.linear(le(0, gap), (as_noise, -1), (positive, 1), (squares, 1))
    return pr.done(pr.linear(claim.statement, (difference, -1), (not_negative, 1)), claim.statement)


# -------------------------------------------------------------------------------- a line: the intercept has no noise

line = Givens()
n_1 = line.size("n")
x_1, y_1 = line.vector("x", n_1), line.vector("y", n_1)
intercept, slope = line.real("phi_0"), line.real("phi_1")
P_1 = line.probability()
sigma2_x = line.real("sigma2", at_least=0)
e_1 = line.random("epsilon", range_(1, n_1), measure=P_1, mean=0, variance=sigma2_x)


def squares(move):
    """Σ_i (φ₀ + φ₁ (x_i + move_i) − y_i)²."""
    return Sum(1, n_1, lambda i: (intercept + slope * (x_1(i) + move(i)) - y_1(i)) ** 2)


noisy_line = E(P_1, lambda w: squares(lambda i: e_1(i, w)))
quiet_line = squares(lambda i: num(0))


def noise_on_a_line(claim):
    pr = Prover(claim.context)
    residual = lambda i: intercept + slope * x_1(i) - y_1(i)  # noqa: E731
    chain = (
        pr.chain(noisy_line)
        .eq(
            Sum(
                1,
                n_1,
                lambda i: (
                    residual(i) ** 2
                    + 2 * residual(i) * slope * E(P_1, lambda w: e_1(i, w))
                    + slope**2 * E(P_1, lambda w: e_1(i, w) ** 2)
                ),
            ),
            reason("expand the square; the expectation is linear", algebra),
        )
        .eq(claim.statement.args[1], reason("the noise has mean 0 and variance σ²", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


# ------------------------------------------------------------------------------------------------------------- ridge

ridge = Givens()
n_r, d_r = ridge.size("n"), ridge.size("m")
X_r, y_r, a_r = ridge.matrix("X", n_r, d_r), ridge.vector("y", n_r), ridge.vector("a", d_r)
k_r = ridge.index("k", d_r)
lam_r = ridge.real("lambda", above=0)
regularised = X_r.T @ X_r + lam_r * identity(d_r)


def always_invertible(claim):
    """``(XᵀX + λI) v = 0`` gives ``‖Xv‖² + λ‖v‖² = 0``, hence ``v = 0``."""
    pr = Prover(claim.context)
    size = range_(1, d_r)

    def injective(pr, v):
        nothing = ForAll(size, lambda i: eq(Sum(1, d_r, lambda j: regularised(i, j) * v(j)), 0))
        given = pr.assume(nothing)
        form = Sum(1, d_r, lambda i: v(i) * Sum(1, d_r, lambda j: regularised(i, j) * v(j)))
        zero = (
            pr.chain(form)
            .eq(Sum(1, d_r, lambda i: v(i) * num(0)), monotonicity(given, words="vᵀ times the product, which is zero"))
            .eq(0, algebra)
            .theorem
        )
        split = pr.prove(
            eq(form, squared_norm(X_r @ v) + lam_r * Sum(1, d_r, lambda j: v(j) ** 2)), reason("multiply out", algebra)
        )
        square = pr.prove(le(0, squared_norm(X_r @ v)), reason("a sum of squares", algebra))
        total = Sum(1, d_r, lambda j: v(j) ** 2)
        small = pr.linear(le(total, 0), (zero, 1 / lam_r), (split, -1 / lam_r), (square, 1 / lam_r))
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


def invertible_theorem(context):
    return always_invertible(Claim("invertible", "", context, predicate("invertible", regularised))).theorem


best_r = inverse(regularised) @ (X_r.T @ y_r)


ridge_loss = define(
    "ridge_loss",
    lambda X, y, penalty, a: squared_norm(X @ a - y) + penalty * squared_norm(a),
    scope="ridge-from-noise",
)


def ridge_objective(a):
    """‖Xa − y‖² + λ‖a‖²."""
    return ridge_loss(X_r, y_r, lam_r, a)


def ridge_minimiser(claim):
    pr = Prover(claim.context)
    invertible = invertible_theorem(claim.context)
    v = a_r - best_r
    gap = squared_norm(X_r @ v) + lam_r * squared_norm(v)
    difference = pr.prove(
        eq(ridge_objective(a_r) - ridge_objective(best_r), gap),
        using(invertible, words="complete the square at a*; XᵀX + λI is invertible"),
    )
    positive = pr.prove(le(0, gap), reason("sums of squares, and λ > 0", algebra))
    th = pr.linear(claim.statement, (difference, 1), (positive, 1))
    return pr.done(kernel.meet_condition(th, invertible), claim.statement)


def ridge_is_input_noise(claim):
    pr = Prover(claim.context)
    th = pr.prove(claim.statement, reason("n · (λ/n) = λ, entry by entry", algebra))
    return pr.done(th, claim.statement)


# ------------------------------------------------------------------------------------------------------------ networks


def regression_data(rng, examples, features):
    """Correlated inputs and labels that no linear model fits."""
    inputs = rng.normal(size=(examples, features)) @ (np.eye(features) + 0.5 * rng.normal(size=(features, features)))
    labels = inputs @ rng.normal(size=features) + rng.normal(size=examples)
    return inputs, labels


def sgd_on_noised_inputs(seed):
    """A linear layer trained on freshly noised inputs, iterates averaged, against (XᵀX + nΣ)⁻¹Xᵀy."""
    data_seed, noise_seed, train_seed = seed.spawn(3)
    rng = np.random.default_rng(data_seed)
    examples, features, steps, burn_in, rate = 40, 3, 12_000, 500, 0.02
    inputs, labels = regression_data(rng, examples, features)
    deviations = np.array([0.4, 0.8, 1.2])
    Sigma = np.diag(deviations**2)
    second = inputs.T @ inputs

    def solution(covariance):
        return np.linalg.solve(second + covariance, inputs.T @ labels)

    predicted = solution(examples * Sigma)
    network = m.Linear(features, 1, bias=False)

    def loss(p, batch, run):
        x, y = batch
        noised = x + F.normal(run.generator, x.shape) * deviations
        return F.mean(F.square(network(p, noised, run)[:, 0] - y))

    trained = m.train(
        loss,
        network.init(np.random.default_rng(train_seed)),
        lambda step: (inputs, labels),
        optimiser=m.Averaged(m.SGD(rate), start_step=burn_in),
        steps=steps,
        dtype=np.float64,
        seed=int(train_seed.generate_state(1)[0]),
    )
    measured = np.asarray(trained.slots["average"]["weight"]).reshape(features)
    # Averaged stochastic gradients on a quadratic: covariance H⁻¹ S H⁻¹ / T, S the covariance of the gradient at the
    # solution (here from draws of its own), H the Hessian; a fifth more for the finite step size.
    draw = np.random.default_rng(noise_seed)
    noised = inputs + draw.normal(size=(20_000, examples, features)) * deviations
    residual = noised @ predicted - labels
    gradients = 2 / examples * np.einsum("rij,ri->rj", noised, residual)
    hessian = 2 * (second / examples + Sigma)
    inverse_hessian = np.linalg.inv(hessian)
    covariance = inverse_hessian @ np.cov(gradients.T) @ inverse_hessian / (steps - burn_in)
    return Reading(
        predicted=predicted,
        measured=measured,
        tolerance=1.2 * 7 * np.sqrt(np.diag(covariance)),
        near_misses={
            "the noise forgotten": solution(0 * Sigma),
            "Σ for nΣ": solution(Sigma),
            "2nΣ for nΣ": solution(2 * examples * Sigma),
            "the deviations for the variances": solution(examples * np.diag(deviations)),
        },
        # Three comparisons at 7 standard errors: 8e-12 for a normal law; the central limit theorem is not certified.
        false_alarm=1e-11,
        detail={"examples": examples, "steps": steps, "rate": rate},
    )


def gradient_descent_with_weight_decay(seed):
    """A linear layer trained with weight decay against ridge regression."""
    rng = np.random.default_rng(seed)
    examples, features, penalty = 30, 4, 3.0
    inputs, labels = regression_data(rng, examples, features)
    second = inputs.T @ inputs
    rate = 0.5 / np.linalg.eigvalsh(second)[-1]
    network = m.Linear(features, 1, bias=False)
    trained = m.train(
        lambda p, batch, run: F.sum(F.square(network(p, batch[0], run)[:, 0] - batch[1])),
        network.init(rng),
        lambda step: (inputs, labels),
        # The penalty λ‖a‖² has the gradient 2λa.
        optimiser=m.SGD(rate, weight_decay=2 * penalty),
        steps=4_000,
        dtype=np.float64,
        seed=0,
    )

    def solution(strength):
        return np.linalg.solve(second + strength * np.eye(features), inputs.T @ labels)

    return Reading(
        predicted=solution(penalty),
        measured=np.asarray(trained.parameters["weight"]).reshape(features),
        # Every step contracts by at most 1 − rate·2·(smallest eigenvalue + λ): after 4,000 steps far below this.
        tolerance=1e-9,
        near_misses={
            "no decay": solution(0.0),
            "λ/2 for λ": solution(penalty / 2),
            "nλ for λ": solution(examples * penalty),
            "one part in a million": solution(penalty * (1 + 1e-6)),
        },
        false_alarm=0.0,
        detail={"examples": examples, "penalty": penalty, "steps": 4_000},
    )


problem = Problem(
    id="ridge-from-noise",
    title="Ridge regression from noise",
    topic="regression",
    summary="Least squares, and what noise on the labels and on the inputs does to loss, minimiser and predictions.",
    sources=(
        "least-squares-normal-equations",
        "label-noise-expected-loss",
        "label-noise-prediction-variance",
        "input-noise-ridge",
        "ridge-equals-input-noise",
        "udl-input-noise-is-ridge",
    ),
    claims=(
        Claim(
            name="gradient",
            summary="∇_a (1/n)‖Xa − y‖² = (2/n) Xᵀ(Xa − y)",
            context=plain.context,
            statement=eq(D(loss, a(k)), (2 / n) * (X.T @ (X @ a - y))(k)),
            proof=gradient_of_the_loss,
            misconceptions=(
                Misconception("without the factor 2", eq(D(loss, a(k)), (1 / n) * (X.T @ (X @ a - y))(k))),
                Misconception("the residual's sign", eq(D(loss, a(k)), (2 / n) * (X.T @ (y - X @ a))(k))),
            ),
        ),
        Claim(
            name="hessian",
            summary="the Hessian is (2/n) XᵀX, whatever a is",
            context=plain.context,
            statement=eq(second_derivative, (2 / n) * gram(k, l)),
            proof=hessian_of_the_loss,
            misconceptions=(Misconception("without the factor 2", eq(second_derivative, (1 / n) * gram(k, l))),),
        ),
        Claim(
            name="normal-equations",
            summary="the gradient vanishes at a* = (XᵀX)⁻¹Xᵀy",
            context=plain.context,
            statement=eq((X.T @ (X @ least_squares - y))(k), 0),
            proof=stationary,
        ),
        Claim(
            name="least-squares-minimiser",
            summary="a* minimises the loss",
            context=plain.context,
            statement=le(mean_squared_error(X, least_squares, y, n), loss),
            proof=minimiser,
        ),
        Claim(
            name="least-squares-unique",
            summary="and it is the only minimiser",
            context=plain.context,
            statement=implies(eq(loss, mean_squared_error(X, least_squares, y, n)), eq(a(k), least_squares(k))),
            proof=unique_minimiser,
        ),
        Claim(
            name="label-noise-loss",
            summary="label noise adds σ² to the expected loss",
            context=labels.context,
            statement=eq(expected_loss_labels(a_l), mean_squared_error(X_l, a_l, y_l, n_l) + sigma2),
            proof=label_noise_adds_a_constant,
            misconceptions=(
                Misconception(
                    "nσ² for σ²",
                    eq(expected_loss_labels(a_l), mean_squared_error(X_l, a_l, y_l, n_l) + n_l * sigma2),
                ),
            ),
        ),
        Claim(
            name="label-noise-minimiser",
            summary="and leaves the minimiser where it was",
            context=labels.context,
            statement=le(expected_loss_labels(best_l), expected_loss_labels(a_l)),
            proof=label_noise_moves_no_minimiser,
        ),
        Claim(
            name="prediction-mean",
            summary="the prediction is unbiased",
            context=labels.context,
            statement=eq(E(P, prediction), x_l @ best_l),
            proof=prediction_is_unbiased,
        ),
        Claim(
            name="prediction-variance",
            summary="Var f̃(x) = σ² xᵀ(XᵀX)⁻¹x",
            context=labels.context,
            statement=eq(Var(P, prediction), sigma2 * (x_l @ (inverse(X_l.T @ X_l) @ x_l))),
            proof=prediction_variance,
            misconceptions=(
                Misconception("the inverse forgotten", eq(Var(P, prediction), sigma2 * (x_l @ ((X_l.T @ X_l) @ x_l)))),
            ),
        ),
        Claim(
            name="input-noise-loss",
            summary="input noise adds aᵀΣa to the expected loss",
            context=inputs,
            statement=eq(over_inputs(a_i), penalised),
            proof=input_noise_is_a_penalty,
        ),
        Claim(
            name="input-noise-gradient",
            summary="∇_a E loss = 2((1/n)XᵀX + Σ)a − (2/n)Xᵀy",
            context=inputs,
            statement=eq(D(over_inputs(a_i), a_i(k_i)), expected_gradient(2)),
            proof=gradient_of_the_expected_loss,
        ),
        Claim(
            name="input-noise-gradient-printed",
            summary="the same without the factor 2, as printed",
            context=inputs,
            statement=eq(D(over_inputs(a_i), a_i(k_i)), expected_gradient(1)),
            as_printed=True,
        ),
        Claim(
            name="input-noise-normal-equations",
            summary="(XᵀX + nΣ) a* = Xᵀy for a* = (XᵀX + nΣ)⁻¹Xᵀy",
            context=inputs_solved,
            statement=eq(((X_j.T @ X_j + n_j * Sigma_j) @ best_j)(k_j), (X_j.T @ y_j)(k_j)),
            proof=stationary_under_input_noise,
        ),
        Claim(
            name="input-noise-minimiser",
            summary="a* = (XᵀX + nΣ)⁻¹Xᵀy minimises the expected loss",
            context=inputs_solved,
            statement=le(over_inputs_solved(best_j), over_inputs_solved(a_j)),
            proof=minimiser_under_input_noise,
            networks=(
                Measurement(
                    "noised inputs", "a linear layer trained by SGD on freshly noised inputs", sgd_on_noised_inputs
                ),
            ),
        ),
        Claim(
            name="input-noise-line",
            summary="for a line, noise on x adds nσ²φ₁² to the expected sum of squares: the intercept is not penalised",
            context=line.context,
            statement=eq(noisy_line, quiet_line + n_1 * sigma2_x * slope**2),
            proof=noise_on_a_line,
            misconceptions=(
                Misconception(
                    "the intercept penalised too",
                    eq(noisy_line, quiet_line + n_1 * sigma2_x * (slope**2 + intercept**2)),
                ),
            ),
        ),
        Claim(
            name="ridge-invertible",
            summary="XᵀX + λI is invertible for λ > 0, whatever X is",
            context=ridge.context,
            statement=predicate("invertible", regularised),
            proof=always_invertible,
        ),
        Claim(
            name="ridge-minimiser",
            summary="(XᵀX + λI)⁻¹Xᵀy minimises ‖Xa − y‖² + λ‖a‖²",
            context=ridge.context,
            statement=le(ridge_objective(best_r), ridge_objective(a_r)),
            proof=ridge_minimiser,
            networks=(
                Measurement(
                    "weight decay", "a linear layer trained with weight decay", gradient_descent_with_weight_decay
                ),
            ),
        ),
        Claim(
            name="ridge-is-input-noise",
            summary="with Σ = (λ/n)·I, XᵀX + nΣ = XᵀX + λI",
            context=ridge.context,
            statement=eq(X_r.T @ X_r + n_r * ((lam_r / n_r) * identity(d_r)), regularised),
            proof=ridge_is_input_noise,
        ),
    ),
)
