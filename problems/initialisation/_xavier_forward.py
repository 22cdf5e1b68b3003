"""Forwards: Var z_i = v Σ_j E a_j² for z = W a, whatever the a_j are among themselves.

The weights have mean zero and variance v, are uncorrelated, and independent of the vector a.  It is the second moment
of a, not its variance, that counts; with a common one, Var W = 1/D_a keeps the variance.
"""

from types import SimpleNamespace

from _xavier_networks import one_layer_both_ways, tanh_mean_field

from derivcheck.language import E, Givens, Sum, Var, eq, range_
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, reason


def layer(*, common_moments, centred=False, xavier=False):
    """A linear layer with random weights, independent of a random input, and its pre-activation z_i."""
    g = Givens()
    o = SimpleNamespace()
    rows, o.columns = g.size("D_z"), g.size("D_a")
    o.P = g.probability()
    o.v = 1 / o.columns if xavier else g.real("v", at_least=0)
    o.i = g.index("i", rows)
    if common_moments:
        mean = 0 if centred else g.real("m")
        o.spread = g.real("s", at_least=0)
        o.second_moment = o.spread + mean**2
        moments = dict(mean=mean, variance=o.spread)
    else:
        moments = dict(square_integrable=True)
    o.a = g.random("a", range_(1, o.columns), measure=o.P, **moments)
    o.W = g.random(
        "W",
        range_(1, rows),
        range_(1, o.columns),
        measure=o.P,
        mean=0,
        variance=o.v,
        uncorrelated=True,
        independent_of=(o.a,),
    )
    # z_i(ω) = Σ_j W_ij(ω) a_j(ω)
    o.z = lambda w: Sum(1, o.columns, lambda j: o.W(o.i, j, w) * o.a(j, w))
    o.context = g.context
    return o


# ------------------------------------------------------------------------------------------------------------ any input

general = layer(common_moments=False)
D_a, P, v, i, a, W, z = general.columns, general.P, general.v, general.i, general.a, general.W, general.z


def prove_mean(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(E(P, z))
        .eq(
            Sum(1, D_a, lambda j: E(P, lambda w: W(i, j, w)) * E(P, lambda w: a(j, w))),
            reason("linearity; W and a are independent", algebra),
        )
        .eq(0, reason("the weights have mean zero", algebra))
    )
    return pr.done(chain.theorem, claim.statement)


mean = Claim(
    name="mean",
    summary="E z_i = 0",
    context=general.context,
    statement=eq(E(P, z), 0),
    proof=prove_mean,
)


def prove_variance(claim):
    pr = Prover(claim.context)
    chain = (
        pr.chain(Var(P, z))
        .eq(E(P, lambda w: z(w) ** 2), reason("E z = 0: W has mean zero and is independent of a", algebra))
        .eq(
            Sum(
                1,
                D_a,
                lambda j: Sum(
                    1, D_a, lambda k: E(P, lambda w: W(i, j, w) * W(i, k, w)) * E(P, lambda w: a(j, w) * a(k, w))
                ),
            ),
            reason("expand the square; W and a are independent as vectors", algebra),
        )
        .eq(
            v * Sum(1, D_a, lambda j: E(P, lambda w: a(j, w) ** 2)), reason("uncorrelated weights: only j = k", algebra)
        )
    )
    return pr.done(chain.theorem, claim.statement)


variance = Claim(
    name="variance",
    summary="Var z_i = Var W · Σ_j E a_j², whatever the a_j are among themselves",
    context=general.context,
    statement=eq(Var(P, z), v * Sum(1, D_a, lambda j: E(P, lambda w: a(j, w) ** 2))),
    proof=prove_variance,
    networks=(
        Measurement(
            "one layer, both ways",
            "20,000 initialisations of a rectangular layer: outputs, and cotangents pulled back",
            one_layer_both_ways,
        ),
        Measurement("tanh depth sweep", "1,000 deep tanh networks against mean-field theory", tanh_mean_field),
    ),
    misconceptions=(
        Misconception(
            "the variance of the inputs for their second moment",
            eq(Var(P, z), v * Sum(1, D_a, lambda j: Var(P, lambda w: a(j, w)))),
        ),
    ),
)


# ------------------------------------------------------------------------------- inputs with a common mean and variance

same = layer(common_moments=True)
centred = layer(common_moments=True, centred=True)
xavier = layer(common_moments=True, centred=True, xavier=True)


def prove_with_common_moments(claim):
    pr = Prover(claim.context)
    variance, closed = claim.statement.args
    chain = pr.chain(variance).eq(
        closed, reason("the general formula, with the same second moment for every input", algebra)
    )
    return pr.done(chain.theorem, claim.statement)


variance_common_inputs = Claim(
    name="variance-common-inputs",
    summary="Var z = D_a · Var W · (Var a + (E a)²) for inputs with a common mean and variance",
    context=same.context,
    statement=eq(Var(same.P, same.z), same.columns * same.v * same.second_moment),
    proof=prove_with_common_moments,
    misconceptions=(Misconception("Var a for E a²", eq(Var(same.P, same.z), same.columns * same.v * same.spread)),),
)

variance_centred_inputs = Claim(
    name="variance-centred-inputs",
    summary="Var z = D_a · Var W · Var a for inputs of mean zero",
    context=centred.context,
    statement=eq(Var(centred.P, centred.z), centred.columns * centred.v * centred.spread),
    proof=prove_with_common_moments,
)

xavier_forward = Claim(
    name="xavier-forward",
    summary="with Var W = 1/D_a, Var z = Var a",
    context=xavier.context,
    statement=eq(Var(xavier.P, xavier.z), xavier.spread),
    proof=prove_with_common_moments,
)
