"""Behind a ReLU half of the second moment of a symmetric pre-activation is left, which is why He takes 2/D."""

from fractions import Fraction

from _xavier_networks import relu_depth_sweep

from derivcheck.language import E, Givens, Int, Var, abs_, eq, lam, le, neg, reals, relu, space
from derivcheck.problem import Claim, Measurement, Misconception
from derivcheck.proof import Prover, algebra, kernel, reason, using

outcomes = space("Omega")


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


# ------------------------------------------------------------------------------------------------------ a symmetric law

half = Givens()
P_h = half.probability()
sigma2 = half.real("sigma2", at_least=0)
u = half.random("z", measure=P_h, mean=0, variance=sigma2, symmetric=True)


def prove_relu_second_moment(claim):
    pr = Prover(claim.context)
    return pr.done(half_behind_the_relu(pr, P_h, u, sigma2), claim.statement)


relu_second_moment = Claim(
    name="relu-second-moment",
    summary="E relu(z)² = σ²/2 for a law that is symmetric about 0 with variance σ²",
    context=half.context,
    statement=eq(E(P_h, lambda w: relu(u(w)) ** 2), sigma2 / 2),
    proof=prove_relu_second_moment,
    misconceptions=(Misconception("half the variance", eq(Var(P_h, lambda w: relu(u(w))), sigma2 / 2)),),
)


# -------------------------------------------------------------------------------------------------------- He's variance

behind_a_layer = Givens()
D_he = behind_a_layer.size("D")
P_he = behind_a_layer.probability()
q_he = behind_a_layer.real("q", at_least=0)
z_he = behind_a_layer.random("z", measure=P_he, mean=0, variance=D_he * (2 / D_he) * q_he, symmetric=True)


def prove_he(claim):
    pr = Prover(claim.context)
    half_left = half_behind_the_relu(pr, P_he, z_he, D_he * (2 / D_he) * q_he)
    th = pr.prove(claim.statement, using(half_left, words="Var z = D · (2/D) · E a², and half of it is left"))
    return pr.done(th, claim.statement)


he = Claim(
    name="he",
    summary="with Var W = 2/D, a symmetric pre-activation leaves E relu(z)² = E a²",
    context=behind_a_layer.context,
    statement=eq(E(P_he, lambda w: relu(z_he(w)) ** 2), q_he),
    proof=prove_he,
    networks=(
        Measurement(
            "ReLU depth sweep",
            "second moments through four ReLU layers over 2,000 initialisations",
            relu_depth_sweep,
        ),
    ),
)
