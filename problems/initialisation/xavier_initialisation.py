"""Variance-preserving initialisation (Xavier/Glorot and He).

Source: discussion worksheet 4 (deriving Xavier initialisation); UDL answer booklet, chapter 7 (half the second moment
behind a ReLU).

For z = W a with zero-mean, uncorrelated weights of variance v and W independent of the vector a, Var z_i = v Σ_j E
a_j²: nothing is asked of the a_j among themselves, and it is the second moment of a, not its variance, that counts.
The same holds backwards for a cotangent that is independent of W. The two requests 1/D_a and 1/D_z meet in 2/(D_a +
D_z). Behind a ReLU half of the second moment of a symmetric pre-activation is left, which is why He takes 2/D.
Shown by exact enumeration, and by depth sweeps over thousands of freshly initialised networks.
"""

from fractions import Fraction

import numpy as np

import derivcheck.models as m
from derivcheck.language import (
    E,
    Givens,
    Int,
    Integral,
    Sum,
    Var,
    abs_,
    eq,
    interval,
    lam,
    le,
    neg,
    range_,
    reals,
    relu,
    space,
)
from derivcheck.problem import Claim, Measurement, Misconception, Problem, Reading
from derivcheck.proof import Prover, algebra, kernel, reason, using

F = m.functional
outcomes = space("Omega")


def layer(*, common_moments, centred=False, xavier=False):
    """A linear layer with random weights, independent of a random input."""
    g = Givens()
    rows, columns = g.size("D_z"), g.size("D_a")
    P = g.probability()
    v = 1 / columns if xavier else g.real("v", at_least=0)
    i = g.index("i", rows)
    if common_moments:
        mean = 0 if centred else g.real("m")
        spread = g.real("s", at_least=0)
        a = g.random("a", range_(1, columns), measure=P, mean=mean, variance=spread)
        second = spread + mean**2 if not centred else spread
    else:
        a = g.random("a", range_(1, columns), measure=P, square_integrable=True)
        spread = second = None
    W = g.random(
        "W", range_(1, rows), range_(1, columns), measure=P, mean=0, variance=v, uncorrelated=True, independent_of=(a,)
    )
    return g.context, rows, columns, P, v, i, a, W, spread, second


def unit(W, a, i, columns):
    """The pre-activation z_i(ω) = Σ_j W_ij(ω) a_j(ω)."""
    return lambda w: Sum(1, columns, lambda j: W(i, j, w) * a(j, w))


general, _, D_a, P, v, i, a, W, _, _ = layer(common_moments=False)
z = unit(W, a, i, D_a)


def variance_of_a_unit(claim):
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


same, _, D_s, P_s, v_s, i_s, a_s, W_s, spread_s, second_s = layer(common_moments=True)
centred, _, D_0, P_0, v_0, i_0, a_0, W_0, spread_0, _ = layer(common_moments=True, centred=True)


forward_xavier, _, D_f, P_f, _, i_f, a_f, W_f, spread_f, _ = layer(common_moments=True, centred=True, xavier=True)


def with_common_moments(claim):
    pr = Prover(claim.context)
    variance, closed = claim.statement.args
    chain = pr.chain(variance).eq(
        closed, reason("the general formula, with the same second moment for every input", algebra)
    )
    return pr.done(chain.theorem, claim.statement)


def unit_is_centred(claim):
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


# ------------------------------------------------------------------------------------------------------ the way back

back = Givens()
n_out, n_in = back.size("D_z"), back.size("D_a")
P_b = back.probability()
v_b = back.real("v", at_least=0)
j_b = back.index("j", n_in)
q_b = back.real("q", at_least=0)
cotangent = back.random("c", range_(1, n_out), measure=P_b, mean=0, variance=q_b)
W_b = back.random(
    "W", range_(1, n_out), range_(1, n_in), measure=P_b, mean=0, variance=v_b, uncorrelated=True,
    independent_of=(cotangent,),
)  # fmt: skip


def pulled_back(w):
    """The cotangent of the input: (Wᵀ c)_j."""
    return Sum(1, n_out, lambda k: W_b(k, j_b, w) * cotangent(k, w))


# ----------------------------------------------------------------------------------------------------- the compromise

sizes = Givens()
size_in, size_out = sizes.size("D_a"), sizes.size("D_z")
compromise = 2 / (size_in + size_out)


def scalar_identity(claim):
    pr = Prover(claim.context)
    return pr.done(pr.prove(claim.statement, algebra), claim.statement)


def forward_times_backward(claim):
    pr = Prover(claim.context)
    product = claim.statement.args[0]
    square = pr.prove(
        eq(1 - product, (size_in - size_out) ** 2 / (size_in + size_out) ** 2), reason("one fraction", algebra)
    )
    positive = pr.prove(
        le(0, (size_in - size_out) ** 2 / (size_in + size_out) ** 2), reason("a square is not negative", algebra)
    )
    return pr.done(pr.linear(claim.statement, (positive, 1), (square, -1)), claim.statement)


# ---------------------------------------------------------------------------------------------------------------- ReLU

half = Givens()
P_h = half.probability()
sigma2 = half.real("sigma2", at_least=0)
u = half.random("z", measure=P_h, mean=0, variance=sigma2, symmetric=True)


half_statement = eq(E(P_h, lambda w: relu(u(w)) ** 2), sigma2 / 2)


def half_behind_the_relu(pr, P, z, second_moment):
    """``E relu(z)² = σ²/2`` for a z of symmetric law with E z² = σ²."""
    (symmetry,) = pr.given("z symmetric law")
    mirrored = kernel.same_law(symmetry, lam(reals, lambda x: relu(x) ** 2))
    pr.note(mirrored.statement, "z and −z have one law")

    def by_sign(goal):
        """A statement about z(ω) for every ω, by cases on the sign of z(ω)."""

        def at(pr, w):
            return pr.cases(
                le(0, z(w)),
                lambda positive: pr.prove(goal(w), using(positive, words="where z ≥ 0"), quiet=True),
                lambda negative: pr.prove(goal(w), using(negative, words="where z < 0"), quiet=True),
            )

        return at

    def plus(w):
        return relu(z(w)) ** 2

    def minus(w):
        return relu(neg(z(w))) ** 2

    def total(w):
        return plus(w) + minus(w)

    *bounded, total_bounded = (
        kernel.dominated(pr.for_all(outcomes, by_sign(lambda w, part=part: le(abs_(part(w)), z(w) ** 2))), P)
        for part in (plus, minus, total)
    )
    pr.note(bounded[0].statement, "relu(z)² ≤ z², which is integrable")
    pointwise = pr.for_all(outcomes, by_sign(lambda w: eq(total(w), z(w) ** 2)))
    pr.note(pointwise.statement, "one of the two vanishes, the other is z²")
    together = Int(P, total)
    chain = (
        pr.chain(E(P, plus) + E(P, minus))
        .eq(together, using(*bounded, words="linearity of the expectation"))
        .eq(E(P, lambda w: z(w) ** 2), using(kernel.binder_congruence(pointwise, together), words="the identity"))
        .eq(second_moment, reason("the second moment of z", algebra))
    )
    sum_of_both = kernel.meet_condition(chain.theorem, total_bounded)
    return pr.linear(eq(E(P, plus), second_moment / 2), (sum_of_both, Fraction(1, 2)), (mirrored, Fraction(1, 2)))


def half_of_the_second_moment(claim):
    pr = Prover(claim.context)
    return pr.done(half_behind_the_relu(pr, P_h, u, sigma2), claim.statement)


he = Givens()
D_he = he.size("D")
P_he = he.probability()
q_he = he.real("q", at_least=0)
z_he = he.random("z", measure=P_he, mean=0, variance=D_he * (2 / D_he) * q_he, symmetric=True)


def he_keeps_the_second_moment(claim):
    pr = Prover(claim.context)
    half_left = half_behind_the_relu(pr, P_he, z_he, D_he * (2 / D_he) * q_he)
    th = pr.prove(claim.statement, using(half_left, words="Var z = D · (2/D) · E a², and half of it is left"))
    return pr.done(th, claim.statement)


bound = Givens()
b = bound.real("b", above=0)


def variance_of_the_uniform_law(claim):
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


# ------------------------------------------------------------------------------------------------------------ networks


def relu_depth_sweep(seed):
    """The second moment behind each ReLU layer, over many initialisations, against (D·v/2)^depth."""
    width, depth, runs, gain = 256, 4, 2_000, 1.5  # D·v = 3: every layer multiplies E a² by 3/2
    rng = np.random.default_rng(seed)
    blocks = [
        layer
        for _ in range(depth)
        for layer in (
            m.Linear(width, width, bias=False, weight_initialiser=m.Variance("normal", 2 * gain / width)),
            m.ReLU(),
        )
    ]
    network = m.Sequential(*blocks)

    def one(generator, x):
        run = m.Run()
        network(network.init(generator), x, run)
        return F.stack([F.mean(F.square(run.outputs[str(2 * k + 1)])) for k in range(depth)])

    sweep = m.compile(one, replicas=(True, False), count=runs, dtype=np.float32)
    moments = np.asarray(sweep(rng, np.ones((1, width), dtype=np.float32)), dtype=np.float64)
    layers = np.arange(1, depth + 1)
    # Given a layer's input, the squares behind the ReLU are independent with relative variance 5 (E relu⁴ = 3σ⁴/2
    # against (σ²/2)²): the product over layers has relative variance (1 + 5/width)^layer − 1 in one run.
    error = np.sqrt(((1 + 5 / width) ** layers - 1) / runs)
    predicted = gain**layers
    return Reading(
        predicted=predicted,
        measured=moments.mean(axis=0),
        tolerance=6.5 * error * predicted,
        near_misses={
            "without the half": (2 * gain) ** layers,
            "the variance of relu(z) in place of its second moment": (gain * (1 - 1 / np.pi)) ** layers,
            "one layer fewer": gain ** (layers - 1),
            "one part in fifty per layer": (1.02 * gain) ** layers,
        },
        # Four comparisons at 6.5 standard errors: 3.2e-10 for a normal law; the central limit theorem is not certified.
        false_alarm=4e-10,
        detail={"width": width, "depth": depth, "runs": runs, "D·v": 2 * gain},
    )


def one_layer_both_ways(seed):
    """Var z of a rectangular layer and the second moment of the pulled-back cotangent, over many initialisations."""
    n_in_layer, n_out_layer, runs = 48, 80, 20_000
    rng_input, rng_runs = (np.random.default_rng(s) for s in seed.spawn(2))
    v_layer = 2 / (n_in_layer + n_out_layer)
    layer_ = m.Linear(n_in_layer, n_out_layer, bias=False, weight_initialiser=m.Variance("normal", v_layer))
    x = rng_input.uniform(0.5, 2.0, (1, n_in_layer))  # far from mean zero: Var a is not E a²
    cot = rng_input.normal(size=(1, n_out_layer))

    def one(generator, x, c):
        p = layer_.init(generator)
        value, pull = m.value_and_grad(lambda x: F.sum(layer_(p, x) * c))(x)
        return F.stack([F.mean(F.square(layer_(p, x))), F.mean(F.square(pull)), 0 * value])

    sweep = m.compile(one, replicas=(True, False, False), count=runs)
    seen = np.asarray(sweep(rng_runs, x, cot))[:, :2]
    predicted = v_layer * np.array([np.sum(x**2), np.sum(cot**2)])
    # Sums of n independent squares of normal variables: relative variance 2/n in one run.
    error = predicted * np.sqrt(np.array([2 / n_out_layer, 2 / n_in_layer]) / runs)
    return Reading(
        predicted=predicted,
        measured=seen.mean(axis=0),
        tolerance=6.5 * error,
        near_misses={
            "Var a for E a²": predicted * np.array([x.var() / np.mean(x**2), 1]),
            "sizes exchanged": predicted * np.array([n_out_layer / n_in_layer, n_in_layer / n_out_layer]),
            "one part in fifty": predicted * 1.02,
        },
        false_alarm=2e-10,
        detail={"D_a": n_in_layer, "D_z": n_out_layer, "runs": runs},
    )


def tanh_mean_field(seed):
    """Second moments along a deep tanh network against the mean-field recursion q' = v D E tanh²(√q u)."""
    width, depth, runs, start = 200, 6, 1_000, 1.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()

    def recursion(scale, squash=lambda t: t):
        q, out = scale * start, []
        for _ in range(depth):
            after = float((weights * np.tanh(np.sqrt(q) * nodes) ** 2).sum())
            out.append(squash(after))
            q = scale * after
        return np.array(out)

    rng = np.random.default_rng(seed)
    scale = 1.5
    network = m.Sequential(
        *[
            layer
            for _ in range(depth)
            for layer in (
                m.Linear(width, width, bias=False, weight_initialiser=m.Variance("normal", scale / width)),
                m.Tanh(),
            )
        ]
    )

    def one(generator, x):
        run = m.Run()
        network(network.init(generator), x, run)
        return F.stack([F.mean(F.square(run.outputs[str(2 * k + 1)])) for k in range(depth)])

    sweep = m.compile(one, replicas=(True, False), count=runs, dtype=np.float32)
    seen = np.asarray(sweep(rng, np.ones((1, width), dtype=np.float32)), dtype=np.float64).mean(axis=0)
    predicted = recursion(scale)
    return Reading(
        predicted=predicted,
        measured=seen,
        # The mean-field recursion is exact as the width grows; at finite width its bias is of order 1/width per layer.
        # Allowed: 3/width per layer, and 6.5 standard errors of a mean of squares that are at most one.
        tolerance=3 / width * np.arange(1, depth + 1) * predicted + 6.5 * np.sqrt(predicted / (width * runs)),
        near_misses={
            "a linear network": start * scale ** np.arange(1, depth + 1),
            "the variance of one layer for all": np.full(depth, predicted[0]),
            "scale one in place of 1.5": recursion(1.0),
        },
        false_alarm=6e-10,
        detail={"width": width, "depth": depth, "runs": runs, "D·v": scale, "finite-width allowance": 3 / width},
    )


def saturation_explodes_the_gradient(seed):
    """At a large scale tanh units saturate and yet the gradient grows from layer to layer, at rate χ = v D E tanh′²."""
    width, depth, runs, scale = 200, 8, 400, 16.0
    rng = np.random.default_rng(seed)
    network = m.Sequential(
        *[
            layer
            for _ in range(depth)
            for layer in (
                m.Linear(width, width, bias=False, weight_initialiser=m.Variance("normal", scale / width)),
                m.Tanh(),
            )
        ]
    )

    def one(generator, x, c):
        p = network.init(generator)

        def f(shifts):
            h = x
            for k in range(depth):
                h = m.tanh(h @ p[str(2 * k)]["weight"].T + shifts[k])
            return F.sum(h * c)

        pulled = m.grad(f)([F.zeros((1, width)) for _ in range(depth)])
        return F.stack([F.mean(F.square(g)) for g in pulled])

    sweep = m.compile(one, replicas=(True, False, False), count=runs)
    squares = np.asarray(sweep(rng, np.ones((1, width)), rng.normal(size=(1, width)))).mean(axis=0)
    growth = np.log(squares[1] / squares[depth - 2]) / (depth - 3)
    # A fine grid: where the units saturate, tanh′ is a narrow peak that Gauss-Hermite nodes would miss.
    nodes = np.linspace(-10, 10, 20_001)
    weights = np.exp(-(nodes**2) / 2)
    weights = weights / weights.sum()
    q = scale
    for _ in range(60):
        q = scale * float((weights * np.tanh(np.sqrt(q) * nodes) ** 2).sum())
    chi = scale * float((weights * (1 - np.tanh(np.sqrt(q) * nodes) ** 2) ** 2).sum())
    return Reading(
        predicted=np.array([np.log(chi)]),
        measured=np.array([growth]),
        # The rate per layer holds as the width grows; allowed: 15 % of it, for finite width and the ends of the stack.
        tolerance=0.15 * abs(np.log(chi)),
        near_misses={
            "saturation kills the gradient": np.array([-np.log(chi)]),
            "the gradient keeps its size": np.array([0.0]),
            "the linear rate v D": np.array([np.log(scale)]),
        },
        false_alarm=1e-9,
        detail={"width": width, "depth": depth, "runs": runs, "D·v": scale, "rate per layer": chi},
    )


problem = Problem(
    id="xavier-initialisation",
    title="Variance-preserving initialisation",
    topic="initialisation",
    summary="How a random linear layer carries second moments forwards and backwards; Xavier's and He's variances.",
    sources=("xavier-initialization", "udl-relu-second-moment-half"),
    claims=(
        Claim(
            name="mean",
            summary="E z_i = 0",
            context=general,
            statement=eq(E(P, z), 0),
            proof=unit_is_centred,
        ),
        Claim(
            name="variance",
            summary="Var z_i = Var W · Σ_j E a_j², whatever the a_j are among themselves",
            context=general,
            statement=eq(Var(P, z), v * Sum(1, D_a, lambda j: E(P, lambda w: a(j, w) ** 2))),
            proof=variance_of_a_unit,
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
        ),
        Claim(
            name="variance-common-inputs",
            summary="Var z = D_a · Var W · (Var a + (E a)²) for inputs with a common mean and variance",
            context=same,
            statement=eq(Var(P_s, unit(W_s, a_s, i_s, D_s)), D_s * v_s * second_s),
            proof=with_common_moments,
            misconceptions=(
                Misconception("Var a for E a²", eq(Var(P_s, unit(W_s, a_s, i_s, D_s)), D_s * v_s * spread_s)),
            ),
        ),
        Claim(
            name="variance-centred-inputs",
            summary="Var z = D_a · Var W · Var a for inputs of mean zero",
            context=centred,
            statement=eq(Var(P_0, unit(W_0, a_0, i_0, D_0)), D_0 * v_0 * spread_0),
            proof=with_common_moments,
        ),
        Claim(
            name="xavier-forward",
            summary="with Var W = 1/D_a, Var z = Var a",
            context=forward_xavier,
            statement=eq(Var(P_f, unit(W_f, a_f, i_f, D_f)), spread_f),
            proof=with_common_moments,
        ),
        Claim(
            name="backward",
            summary="a cotangent independent of W is pulled back with variance D_z · Var W · Var c",
            context=back.context,
            statement=eq(Var(P_b, pulled_back), n_out * v_b * q_b),
            proof=with_common_moments,
            networks=(
                Measurement(
                    "saturated tanh",
                    "at a large scale activations saturate and the gradient still grows with depth",
                    saturation_explodes_the_gradient,
                ),
            ),
        ),
        Claim(
            name="compromise",
            summary="with Var W = 2/(D_a + D_z), the forward and the backward factor have mean one",
            context=sizes.context,
            statement=eq((size_in * compromise + size_out * compromise) / 2, 1),
            proof=scalar_identity,
            not_applicable={"experiment": "an identity between two sizes"},
        ),
        Claim(
            name="compromise-product",
            summary="and their product is at most one",
            context=sizes.context,
            statement=le((size_in * compromise) * (size_out * compromise), 1),
            proof=forward_times_backward,
        ),
        Claim(
            name="uniform-law",
            summary="the uniform law on [−b, b] has variance b²/3",
            context=bound.context,
            statement=eq(Integral(-b, b, lambda x: x**2 * (1 / (2 * b))), b**2 / 3),
            proof=variance_of_the_uniform_law,
        ),
        Claim(
            name="relu-second-moment",
            summary="E relu(z)² = σ²/2 for a law that is symmetric about 0 with variance σ²",
            context=half.context,
            statement=half_statement,
            proof=half_of_the_second_moment,
            misconceptions=(Misconception("half the variance", eq(Var(P_h, lambda w: relu(u(w))), sigma2 / 2)),),
        ),
        Claim(
            name="he",
            summary="with Var W = 2/D, a symmetric pre-activation leaves E relu(z)² = E a²",
            context=he.context,
            statement=eq(E(P_he, lambda w: relu(z_he(w)) ** 2), q_he),
            proof=he_keeps_the_second_moment,
            networks=(
                Measurement(
                    "ReLU depth sweep",
                    "second moments through four ReLU layers over 2,000 initialisations",
                    relu_depth_sweep,
                ),
            ),
        ),
    ),
)
