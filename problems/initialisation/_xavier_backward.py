"""Backwards, and the compromise: a cotangent is pulled back with variance D_z · Var W · Var c.

What keeps variances forwards, 1/D_a, and backwards, 1/D_z, meets in 2/(D_a + D_z); a uniform law that has this variance
ends at b = √(3 Var W).
"""

from _xavier_forward import prove_with_common_moments
from _xavier_networks import saturation_explodes_the_gradient

from derivcheck.language import Givens, Integral, Sum, Var, eq, interval, lam, le, range_
from derivcheck.problem import Claim, Measurement
from derivcheck.proof import Prover, algebra, kernel, reason, using

back = Givens()
n_out, n_in = back.size("D_z"), back.size("D_a")
P_b = back.probability()
v_b = back.real("v", at_least=0)
j_b = back.index("j", n_in)
q_b = back.real("q", at_least=0)
cotangent = back.random("c", range_(1, n_out), measure=P_b, mean=0, variance=q_b)
W_b = back.random(
    "W",
    range_(1, n_out),
    range_(1, n_in),
    measure=P_b,
    mean=0,
    variance=v_b,
    uncorrelated=True,
    independent_of=(cotangent,),
)


def pulled_back(w):
    """The cotangent of the input: (Wᵀ c)_j."""
    return Sum(1, n_out, lambda k: W_b(k, j_b, w) * cotangent(k, w))


backward = Claim(
    name="backward",
    summary="a cotangent independent of W is pulled back with variance D_z · Var W · Var c",
    context=back.context,
    statement=eq(Var(P_b, pulled_back), n_out * v_b * q_b),
    proof=prove_with_common_moments,
    networks=(
        Measurement(
            "saturated tanh",
            "at a large scale activations saturate and the gradient still grows with depth",
            saturation_explodes_the_gradient,
        ),
    ),
)


# ------------------------------------------------------------------------------------------------------- the compromise

sizes = Givens()
size_in, size_out = sizes.size("D_a"), sizes.size("D_z")
compromise_variance = 2 / (size_in + size_out)


def prove_compromise(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, algebra), claim.statement)


compromise = Claim(
    name="compromise",
    summary="with Var W = 2/(D_a + D_z), the forward and the backward factor have mean one",
    context=sizes.context,
    statement=eq((size_in * compromise_variance + size_out * compromise_variance) / 2, 1),
    proof=prove_compromise,
    not_applicable={"experiment": "an identity between two sizes"},
)


def prove_compromise_product(claim):
    pr = Prover(claim.context)
    product = claim.statement.args[0]
    square = pr.prove(
        eq(1 - product, (size_in - size_out) ** 2 / (size_in + size_out) ** 2), reason("one fraction", algebra)
    )
    positive = pr.prove(
        le(0, (size_in - size_out) ** 2 / (size_in + size_out) ** 2), reason("a square is not negative", algebra)
    )
    return pr.done(pr.linear(claim.statement, (positive, 1), (square, -1)), claim.statement)


compromise_product = Claim(
    name="compromise-product",
    summary="and their product is at most one",
    context=sizes.context,
    statement=le((size_in * compromise_variance) * (size_out * compromise_variance), 1),
    proof=prove_compromise_product,
)


# -------------------------------------------------------------------------------------------------------- a uniform law

bound = Givens()
b = bound.real("b", above=0)


def prove_uniform_law(claim):
    pr = Prover(claim.context)
    integral = claim.statement.args[0]
    cubic = lam(interval(-b, b), lambda x: x**3 / (6 * b))
    between_the_ends = kernel.antiderivative(pr.context, integral, cubic)
    chain = (
        pr.chain(integral)
        .eq(cubic(b) - cubic(-b), using(between_the_ends, words="x³/(6b) is an antiderivative of x²/(2b)"))
        .eq(b**2 / 3, algebra)
    )
    return pr.done(chain.theorem, claim.statement)


uniform_law = Claim(
    name="uniform-law",
    summary="the uniform law on [−b, b] has variance b²/3",
    context=bound.context,
    statement=eq(Integral(-b, b, lambda x: x**2 * (1 / (2 * b))), b**2 / 3),
    proof=prove_uniform_law,
)
