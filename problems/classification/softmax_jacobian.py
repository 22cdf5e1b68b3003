"""Jacobian of the softmax.

Source: discussion worksheet 1, problem 4 (definition and Jacobian); worksheet 3 (cross-entropy gradients).

For p = softmax(z) with n entries, ∂p_i/∂z_k = p_i (δ_ik − p_k), that is J = diag(p) − p pᵀ: symmetric, positive
semidefinite, with rows that sum to zero.  Shown by the quotient rule for symbolic n, by exact derivatives and rigorous
balls on concrete z, by finite differences, and by back-propagation through the last layer of a classifier.
"""

import numpy as np

import derivcheck.models as m
from derivcheck.language import (
    D,
    Givens,
    Sum,
    Vector,
    cross_entropy,
    delta,
    diag,
    eq,
    exp,
    le,
    log,
    lt,
    matrix,
    sigmoid,
    softmax,
    vector,
)
from derivcheck.problem import Claim, Measurement, Misconception, Problem, Reading
from derivcheck.proof import Prover, algebra, reason

F = m.functional

given = Givens()
n = given.size("n")
z = given.vector("z", n)
i = given.index("i", n)
k = given.index("k", n)
p = softmax(z)
jacobian_entry = D(p(i), z(k))


def jacobian_by_the_quotient_rule(claim):
    pr = Prover(claim.context)
    total = Sum(1, n, lambda j: exp(z(j)))
    chain = (
        pr.chain(jacobian_entry)
        .eq(D(exp(z(i)) / total, z(k)), reason("definition of the softmax", algebra))
        .eq((delta(i, k) * exp(z(i)) * total - exp(z(i)) * exp(z(k))) / total**2, reason("quotient rule", algebra))
        .eq(exp(z(i)) / total * (delta(i, k) - exp(z(k)) / total), reason("split the fraction", algebra))
        .eq(p(i) * (delta(i, k) - p(k)), reason("definition of the softmax", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def positive_by_the_exponential(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, reason("a quotient of exponentials", algebra)), claim.statement)


def probabilities_sum_to_one(claim):
    pr = Prover(claim.context)
    total = Sum(1, n, lambda j: exp(z(j)))
    chain = (
        pr.chain(Sum(1, n, lambda j: p(j)))
        .eq(total / total, reason("one common denominator", algebra))
        .eq(1, reason("a sum of exponentials is not zero", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def derivative_of_the_logarithm(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(D(log(p(i)), z(k)))
        .eq(jacobian_entry / p(i), reason("chain rule", algebra))
        .eq(delta(i, k) - p(k), reason("entries of the Jacobian", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def matrix_form(claim):
    pr = Prover(claim.context)
    th = pr.prove(claim.statement, reason("entry by entry, from the Jacobian's entries", algebra))
    return pr.done(th, claim.statement)


def rows_sum_to_zero(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(Sum(1, n, lambda j: D(p(i), z(j))))
        .eq(Sum(1, n, lambda j: p(i) * (delta(i, j) - p(j))), reason("entries of the Jacobian", algebra))
        .eq(p(i) * (1 - Sum(1, n, lambda j: p(j))), reason("the delta picks j = i", algebra))
        .eq(0, reason("the probabilities sum to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def symmetric(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(jacobian_entry)
        .eq(p(i) * (delta(i, k) - p(k)), reason("entries of the Jacobian", algebra))
        .eq(p(k) * (delta(k, i) - p(i)), reason("exchange i and k", algebra))
        .eq(D(p(k), z(i)), reason("entries of the Jacobian", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


with_direction = Givens()
n_v = with_direction.size("n")
z_v = with_direction.vector("z", n_v)
v = with_direction.vector("v", n_v)
p_v = softmax(z_v)
quadratic_form = Sum(1, n_v, lambda i: Sum(1, n_v, lambda k: v(i) * D(p_v(i), z_v(k)) * v(k)))


def positive_semidefinite(claim):
    pr = Prover(claim.context)
    mean = Sum(1, n_v, lambda j: p_v(j) * v(j))
    square = Sum(1, n_v, lambda i: p_v(i) * (v(i) - mean) ** 2)
    variance = pr.prove(eq(quadratic_form, square), reason("the form is the variance of v under p", algebra))
    positive = pr.prove(le(0, square), reason("a sum of squares with positive weights", algebra))
    return pr.done(pr.linear(claim.statement, (variance, -1), (positive, 1)), claim.statement)


with_shift = Givens()
n_c = with_shift.size("n")
z_c = with_shift.vector("z", n_c)
i_c = with_shift.index("i", n_c)
c = with_shift.real("c")


def shift_invariance(claim):
    pr = Prover(claim.context)
    shifted = softmax(vector(n_c, lambda j: z_c(j) + c))(i_c)
    chain = (
        pr.chain(shifted)
        .eq(
            exp(c) * exp(z_c(i_c)) / (exp(c) * Sum(1, n_c, lambda j: exp(z_c(j)))), reason("e^(z+c) = e^c e^z", algebra)
        )
        .eq(softmax(z_c)(i_c), reason("the factor e^c cancels", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


two = Givens()
z_2 = two.vector("z", 2)


def sigmoid_is_the_case_of_two(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(softmax(z_2)(1))
        .eq(exp(z_2(1)) / (exp(z_2(1)) + exp(z_2(2))), reason("definition of the softmax", algebra))
        .eq(1 / (1 + exp(-(z_2(1) - z_2(2)))), reason("divide by e^(z_1)", algebra))
        .eq(sigmoid(z_2(1) - z_2(2)), reason("definition of the sigmoid", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def assume_sums_to_one(givens, y, n):
    """Assume that the target y sums to one."""
    w = Vector("w", n)
    givens.assume(
        "the target sums to one",
        eq(Sum(1, n, lambda j: y(j)), 1),
        # For instances: any numbers w, shifted so that they sum to one.
        model={y: vector(n, lambda j: w(j) + (1 - Sum(1, n, lambda r: w(r))) / n)},
        auxiliary=lambda g: g.vector("w", n),
    )


with_target = Givens()
n_y = with_target.size("n")
z_y = with_target.vector("z", n_y)
y = with_target.vector("y", n_y)
k_y = with_target.index("k", n_y)
assume_sums_to_one(with_target, y, n_y)
loss = cross_entropy(y, softmax(z_y))


def cross_entropy_gradient(claim):
    pr = Prover(claim.context)
    q = softmax(z_y)
    chain = (
        pr.chain(D(loss, z_y(k_y)))
        .eq(-Sum(1, n_y, lambda j: y(j) * (delta(j, k_y) - q(k_y))), reason("∂ log p_j/∂z_k = δ_jk − p_k", algebra))
        .eq(q(k_y) * Sum(1, n_y, lambda j: y(j)) - y(k_y), reason("collect the sums", algebra))
        .eq(q(k_y) - y(k_y), reason("the target sums to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


# A last layer: logits z = W x, and a target that sums to one.
last_layer = Givens()
n_x, d_x = last_layer.size("n"), last_layer.size("d")
W, x = last_layer.matrix("W", n_x, d_x), last_layer.vector("x", d_x)
y_x = last_layer.vector("y", n_x)
j_x = last_layer.index("j", d_x)
assume_sums_to_one(last_layer, y_x, n_x)
logits = W @ x


def input_gradient(claim):
    pr = Prover(claim.context)
    q = softmax(logits)
    chain = (
        pr.chain(D(cross_entropy(y_x, q), x(j_x)))
        .eq(
            -Sum(1, n_x, lambda i: y_x(i) * (W(i, j_x) - Sum(1, n_x, lambda k: q(k) * W(k, j_x)))),
            reason("chain rule: ∂ log p_i/∂x_j = W_ij − Σ_k p_k W_kj", algebra),
        )
        .eq(claim.statement.args[1], reason("the target sums to one", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


def backpropagated_logits(seed):
    """The gradient that reaches the logits of a classifier's last layer, against softmax − target."""
    rng = np.random.default_rng(seed)
    batch, inputs, classes = 16, 5, 7
    net = m.Sequential(m.Linear(inputs, 12), m.Tanh(), m.Linear(12, classes))
    parameters = net.init(rng)
    x = rng.normal(size=(batch, inputs))
    labels = rng.integers(0, classes, batch)
    target = np.eye(classes)[labels]
    at_logits = m.compile(
        m.grad(lambda shift, p, x, y: m.cross_entropy(net(p, x) + shift, y, "sum"))
    )  # the derivative by a zero added to the logits is the derivative by the logits
    measured = at_logits(np.zeros((batch, classes)), parameters, x, labels)
    logits = m.compile(lambda p, x: net(p, x))(parameters, x)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    predicted = e / e.sum(axis=1, keepdims=True) - target
    return Reading(
        predicted=predicted,
        measured=np.asarray(measured),
        # Sixteen roundings of numbers below one.
        tolerance=1e-12,
        near_misses={
            "the sign turned": -predicted,
            "the target forgotten": predicted + target,
            "the sigmoid's p(1 − p) in place of the Jacobian": predicted * (1 - (predicted + target)),
            "one part in a million too large": predicted * (1 + 1e-6),
        },
        false_alarm=0.0,
        detail={"batch": batch, "classes": classes},
    )


def vector_jacobian_products(seed):
    """Back-propagation through a softmax layer: vᵀJ against (diag(p) − ppᵀ) v."""
    rng = np.random.default_rng(seed)
    size, directions = 9, 12
    logits = rng.normal(scale=2.0, size=size)
    v = rng.normal(size=(directions, size))
    pull = m.compile(m.grad(lambda z, v: F.sum(F.softmax(z) * v)))
    measured = np.stack([np.asarray(pull(logits, row)) for row in v])
    q = np.exp(logits - logits.max())
    q /= q.sum()
    jacobian = np.diag(q) - np.outer(q, q)
    return Reading(
        predicted=v @ jacobian,
        measured=measured,
        tolerance=1e-12,
        near_misses={
            "plus p pᵀ": v @ (np.diag(q) + np.outer(q, q)),
            "the diagonal alone": v @ np.diag(q * (1 - q)),
            "one part in a million too large": v @ jacobian * (1 + 1e-6),
        },
        false_alarm=0.0,
        detail={"classes": size, "directions": directions},
    )


problem = Problem(
    id="softmax-jacobian",
    title="Jacobian of the softmax",
    topic="classification",
    summary="Derivatives of the softmax by its inputs, its structure, and the gradient of the cross-entropy.",
    sources=("softmax-jacobian", "softmax-row-gradient", "softmax-cross-entropy-input-gradient", "cs-softmax"),
    claims=(
        Claim(
            name="positive",
            summary="every probability is positive",
            context=given.context,
            statement=lt(0, p(i)),
            proof=positive_by_the_exponential,
        ),
        Claim(
            name="sum-to-one",
            summary="the probabilities sum to one",
            context=given.context,
            statement=eq(Sum(1, n, lambda j: p(j)), 1),
            proof=probabilities_sum_to_one,
        ),
        Claim(
            name="entries",
            summary="∂p_i/∂z_k = p_i (δ_ik − p_k)",
            context=given.context,
            statement=eq(jacobian_entry, p(i) * (delta(i, k) - p(k))),
            proof=jacobian_by_the_quotient_rule,
            networks=(
                Measurement("softmax layer", "vector-Jacobian products of a softmax layer", vector_jacobian_products),
            ),
            misconceptions=(
                Misconception(
                    "the off-diagonal entries forgotten", eq(jacobian_entry, delta(i, k) * p(i) * (1 - p(i)))
                ),
                Misconception("like the sigmoid", eq(jacobian_entry, p(i) * (1 - p(k)))),
            ),
        ),
        Claim(
            name="log-probability",
            summary="∂ log p_i/∂z_k = δ_ik − p_k",
            context=given.context,
            statement=eq(D(log(p(i)), z(k)), delta(i, k) - p(k)),
            proof=derivative_of_the_logarithm,
        ),
        Claim(
            name="matrix-form",
            summary="J = diag(p) − p pᵀ",
            context=given.context,
            statement=eq(matrix(n, n, lambda i, k: D(p(i), z(k))), diag(p) - matrix(n, n, lambda i, k: p(i) * p(k))),
            proof=matrix_form,
        ),
        Claim(
            name="rows-sum-to-zero",
            summary="Σ_k ∂p_i/∂z_k = 0",
            context=given.context,
            statement=eq(Sum(1, n, lambda j: D(p(i), z(j))), 0),
            proof=rows_sum_to_zero,
        ),
        Claim(
            name="symmetric",
            summary="∂p_i/∂z_k = ∂p_k/∂z_i",
            context=given.context,
            statement=eq(jacobian_entry, D(p(k), z(i))),
            proof=symmetric,
        ),
        Claim(
            name="positive-semidefinite",
            summary="vᵀ J v ≥ 0 for every v",
            context=with_direction.context,
            statement=le(0, quadratic_form),
            proof=positive_semidefinite,
        ),
        Claim(
            name="shift-invariance",
            summary="softmax(z + c·1) = softmax(z)",
            context=with_shift.context,
            statement=eq(softmax(vector(n_c, lambda j: z_c(j) + c))(i_c), softmax(z_c)(i_c)),
            proof=shift_invariance,
            misconceptions=(
                Misconception(
                    "scaling leaves it alone too",
                    eq(softmax(vector(n_c, lambda j: c * z_c(j)))(i_c), softmax(z_c)(i_c)),
                ),
            ),
        ),
        Claim(
            name="sigmoid",
            summary="for two classes, softmax(z)_1 = σ(z_1 − z_2)",
            context=two.context,
            statement=eq(softmax(z_2)(1), sigmoid(z_2(1) - z_2(2))),
            proof=sigmoid_is_the_case_of_two,
        ),
        Claim(
            name="cross-entropy-gradient",
            summary="∂H(y, p)/∂z_k = p_k − y_k where the target sums to one",
            context=with_target.context,
            statement=eq(D(loss, z_y(k_y)), softmax(z_y)(k_y) - y(k_y)),
            proof=cross_entropy_gradient,
            networks=(Measurement("classifier", "back-propagation to a classifier's logits", backpropagated_logits),),
            misconceptions=(
                Misconception("target minus prediction", eq(D(loss, z_y(k_y)), y(k_y) - softmax(z_y)(k_y))),
            ),
        ),
        Claim(
            name="input-gradient",
            summary="with logits W x, ∂H(y, p)/∂x = Wᵀ(p − y) where the target sums to one",
            context=last_layer.context,
            statement=eq(D(cross_entropy(y_x, softmax(logits)), x(j_x)), (W.T @ (softmax(logits) - y_x))(j_x)),
            proof=input_gradient,
            misconceptions=(
                Misconception(
                    "the target forgotten",
                    eq(D(cross_entropy(y_x, softmax(logits)), x(j_x)), (W.T @ softmax(logits))(j_x)),
                ),
            ),
        ),
    ),
)
