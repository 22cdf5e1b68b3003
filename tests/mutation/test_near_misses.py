"""Near misses: every kind is made where it applies, and every fate is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from derivcheck.language import (
    JSD,
    KL,
    D,
    E,
    Exists,
    ForAll,
    Givens,
    Int,
    MaxOver,
    Sum,
    Term,
    Var,
    abs_,
    counting,
    delta,
    eq,
    exp,
    implies,
    integrable,
    le,
    log,
    lt,
    ne,
    num,
    range_,
    real,
    reals,
    softmax,
    space,
    squared_norm,
)
from derivcheck.mutation import KINDS, Change, Fate, Lemmas, NearMiss, judge, near_misses, sensitivity
from derivcheck.mutation.derive import still_true
from derivcheck.mutation.judge import _Trial as Trial
from derivcheck.mutation.sensitivity import PLANTED, plant
from derivcheck.mutation.variants import otherwise
from derivcheck.problem import Claim, Misconception
from derivcheck.proof import Proof, ProofError, Prover, kernel
from derivcheck.semantics.cases import Drawn, drawn
from derivcheck.semantics.choices import Plan


def claim(g: Givens, statement: Term, **more: object) -> Claim:
    return Claim("claim", "", g.context, statement, **more)  # type: ignore[arg-type]


def triangular() -> Claim:
    g = Givens()
    n = g.size("n")
    return claim(g, eq(Sum(1, n, lambda j: real(j)), real(n) * (n + 1) / 2))


def jacobian() -> Claim:
    g = Givens()
    n = g.size("n")
    z = g.vector("z", n)
    i, k = g.index("i", n), g.index("k", n)
    p = softmax(z)
    return claim(g, eq(D(p(i), z(k)), p(i) * (delta(i, k) - p(k))))


def variance_of_a_mean() -> Claim:
    g = Givens()
    n = g.size("n")
    measure = g.probability("P")
    mu, v = g.real("mu"), g.real("v", at_least=0)
    x = g.random("X", range_(1, n), measure=measure, mean=mu, variance=v, uncorrelated=True)
    mean = lambda w: Sum(1, n, lambda j: x(j, w)) / n  # noqa: E731
    return claim(g, eq(Var(measure, mean), v / n))


def gibbs() -> Claim:
    g = Givens()
    n = g.size("n")
    mu = counting(range_(1, n))
    p, q = g.distribution("p", mu, positive=True), g.distribution("q", mu, positive=True)
    return claim(g, le(0, KL(mu, q, p)))


def parabola() -> Claim:
    g = Givens()
    x = g.real("x")
    return claim(g, le(x * (1 - x), Fraction(1, 4)))


def gram() -> Claim:
    g = Givens()
    n, m = g.size("n"), g.size("m")
    x = g.matrix("X", n, m)
    w = g.vector("w", m)
    return claim(g, eq(squared_norm(x @ w), w @ (x.T @ (x @ w))))


def conditional() -> Claim:
    g = Givens()
    n = g.size("n")
    p = g.distribution("p", counting(range_(1, n)), given=(range_(1, n),))
    s, t = g.index("s", n), g.index("t", n)
    return claim(g, implies(eq(s, t), eq(p(s, t) * 2, p(t, t) + p(s, s))))


def bounded_by_the_largest() -> Claim:
    g = Givens()
    n = g.size("n")
    v = g.vector("v", n)
    return claim(g, le(abs_(v(1)), MaxOver(range_(1, n), lambda j: abs_(v(j)))))


def squares() -> Claim:
    g = Givens()
    measure = g.probability("P")
    x = g.random("X", measure=measure, mean=0, variance=1)
    return claim(g, eq(E(measure, lambda w: x(w) ** 2), 1))


def logarithm_of_a_sum() -> Claim:
    g = Givens()
    x, y = g.real("x", above=0), g.real("y", above=0)
    return claim(g, eq(log(x + y) - log(x), log(1 + y / x)))


#: Kind -> a claim to which it applies.
EXAMPLES: dict[str, Callable[[], Claim]] = {
    "sign": jacobian,
    "factor": triangular,
    "missing": squares,
    "exponent": squares,
    "index": jacobian,
    "dropped": triangular,
    "swapped": gram,
    "transposed": gram,
    "bound": triangular,
    "slack": parabola,
    "extremum": bounded_by_the_largest,
    "jensen": squares,
    "variance": variance_of_a_mean,
    "count": variance_of_a_mean,
    "misconception": logarithm_of_a_sum,
    "condition": conditional,
}


def test_every_kind_has_an_example() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_kind_is_made_and_can_be_killed(kind: str) -> None:
    found = [m for m in near_misses(EXAMPLES[kind]()) if m.kind == kind]
    assert found
    fates = {judge(m, seed=1).fate for m in found}
    assert Fate.SURVIVED not in fates
    if kind not in ("swapped", "transposed"):
        assert Fate.KILLED in fates


@pytest.mark.parametrize("example", dict.fromkeys(EXAMPLES.values()))
def test_none_survives(example: Callable[[], Claim]) -> None:
    for m in near_misses(example()):
        judged = judge(m, seed=2)
        assert judged.fate is not Fate.SURVIVED, (m.note, judged.evidence)
        assert judged.evidence


def test_at_most_so_many_of_a_kind_and_all_differ() -> None:
    found = near_misses(jacobian(), per_kind=2)
    for kind in KINDS:
        assert sum(m.kind == kind for m in found) <= 2
    assert len({m.statement for m in found}) == len(found)
    assert all(m.statement != jacobian().statement for m in found)


def test_definitions_stay_folded() -> None:
    assert all("softmax" in str(m.statement) for m in near_misses(jacobian()))


def test_a_claim_as_printed_has_none() -> None:
    assert near_misses(replace(triangular(), as_printed=True)) == ()


def test_deterministic() -> None:
    first, second = near_misses(jacobian()), near_misses(jacobian())
    assert [m.note for m in first] == [m.note for m in second]
    assert [judge(m, 5).evidence for m in first] == [judge(m, 5).evidence for m in second]


# --------------------------------------------------------------------------------------------------------------- fates


def the(c: Claim, words: str) -> NearMiss:
    return next(m for m in near_misses(c, per_kind=99) if words in m.note)


def test_killed_by_a_counterexample_that_is_shown() -> None:
    judged = judge(the(triangular(), "upper bound one smaller"), seed=1)
    assert judged.fate is Fate.KILLED
    assert judged.evidence == "n = 1: 0 against 1"


def test_ill_formed() -> None:
    judged = judge(the(gram(), "'X' transposed"), seed=1)
    assert judged.fate is Fate.ILL_FORMED
    assert "sizes" in judged.evidence


def test_undefined_is_no_kill() -> None:
    g = Givens()
    n = g.size("n")
    x = g.vector("x", n)
    c = claim(g, eq(Sum(1, n, lambda j: x(j)) - Sum(1, n, lambda j: x(j)), 0))
    judged = judge(the(c, "upper bound one larger"), seed=1)
    assert judged.fate is Fate.UNDEFINED
    assert "outside" in judged.evidence


def test_vacuous_is_no_kill() -> None:
    g = Givens()
    x = g.real("x")
    impossible = Givens()
    impossible.real("x", above=1, below=0)
    c = claim(g, eq(x + x, 2 * x), misconceptions=(Misconception("of nothing", eq(x, x + 1), impossible.context),))
    assert judge(near_misses(c)[-1], seed=1).fate is Fate.VACUOUS


def test_still_true_by_algebra() -> None:
    g = Givens()
    n = g.size("n")
    mu = counting(range_(1, n))
    p, q = g.distribution("p", mu, positive=True), g.distribution("q", mu, positive=True)
    judged = judge(the(claim(g, le(0, JSD(mu, p, q))), "arguments exchanged"), seed=1)
    assert (judged.fate, judged.evidence) == (Fate.STILL_TRUE, "equal by algebra to what it replaces")


def test_still_true_because_the_claim_implies_it() -> None:
    g = Givens()
    x, y = g.real("x"), g.real("y", at_least=0)
    judged = judge(the(claim(g, le(x, exp(x) - 1 + y)), "2 times the summand 'y'"), seed=1)
    assert (judged.fate, judged.evidence) == (Fate.STILL_TRUE, "follows from the claim")


def test_what_cannot_be_judged_survives() -> None:
    judged = judge(the(triangular(), "sign of the right side"), seed=1, budget=1)
    assert judged.fate is Fate.SURVIVED


def test_a_misconception_is_judged_in_its_own_context() -> None:
    g = Givens()
    x = g.real("x", at_least=0)
    wider = Givens()
    wider.real("x")
    wrong = Misconception("for every x", eq(abs_(x), x), wider.context)
    found = near_misses(claim(g, eq(abs_(x), x), misconceptions=(wrong,)))[-1]
    assert judge(found, seed=1).evidence == "x = -1: 1 against -1"


def test_a_misconception_in_a_wider_context_does_not_follow_from_the_claim() -> None:
    g = Givens()
    x = g.real("x", at_least=0)
    wider = Givens()
    wider.real("x")
    weaker = le(abs_(x), x + 1)
    c = claim(g, le(abs_(x), x), misconceptions=(Misconception("for every x", weaker, wider.context),))
    m = near_misses(c)[-1]
    assert still_true(m) == ""
    assert still_true(replace(m, context=g.context)) == "follows from the claim"


# ---------------------------------------------------------------------------------------------------------- conditions


def test_a_condition_that_is_needed() -> None:
    g = Givens()
    x = g.real("x", at_least=0)
    found = [m for m in near_misses(claim(g, eq(abs_(x), x))) if m.kind == "condition"]
    assert [judge(m, seed=1).fate for m in found] == [Fate.KILLED]


def test_a_dropped_condition_is_tried_where_it_fails() -> None:
    """Elsewhere the near miss is the claim; a law that is merely not said to be positive is mostly positive."""
    g = Givens()
    n = g.size("n")
    p = g.distribution("p", counting(range_(1, n)), positive=True)
    c = claim(g, le(Sum(1, n, lambda i: p(i) ** 2), 1))
    m = the(c, "without 'positive' of p")
    for seed in range(8):
        found = drawn(otherwise(m), seed, Plan())
        assert isinstance(found, Drawn)
        assert "-" in dict(found.world.description())["p"] or "0" in dict(found.world.description())["p"]
    assert otherwise(the(c, "strict")) == c.context
    assert judge(m, seed=1).fate is Fate.KILLED


def test_a_condition_that_the_proof_does_not_use() -> None:
    g = Givens()
    x = g.real("x", at_least=0)
    statement = eq((x + 1) ** 2, x**2 + 2 * x + 1)

    def proof(c: Claim) -> object:
        pr = Prover(c.context)
        return pr.done(pr.prove(statement), c.statement)

    found = [m for m in near_misses(claim(g, statement, proof=proof)) if m.kind == "condition"]
    assert [judge(m, seed=1).fate for m in found] == [Fate.STILL_TRUE]


def test_a_proof_that_keeps_the_dropped_condition_does_not_count() -> None:
    g = Givens()
    x = g.real("x", above=0)
    statement = lt(0, exp(log(exp(x))))
    whole = g.context

    def stubborn(c: Claim) -> object:
        pr = Prover(whole)
        return pr.done(pr.prove(statement), statement)

    from derivcheck.mutation.derive import _proved_in

    m = NearMiss(
        "condition", "", claim(g, lt(x - 1, x * 3), proof=stubborn), lt(x - 1, x * 3), whole.without("x", "above")
    )
    assert not _proved_in(m, m.context)


def test_without_the_mean_and_without_independence() -> None:
    found = [m for m in near_misses(variance_of_a_mean()) if m.kind == "condition"]
    fates = {m.note.split(" (")[0]: judge(m, seed=3).fate for m in found}
    assert fates["without 'variance' of X"] is Fate.KILLED


# -------------------------------------------------------------------------------------------------------- inequalities


def test_slack_is_found_by_searching_where_the_inequality_is_tight() -> None:
    for m in near_misses(parabola()):
        if m.kind == "slack":
            assert judge(m, seed=1).fate is Fate.KILLED, m.note


def test_the_direction_of_a_bound_with_a_negative_side() -> None:
    g = Givens()
    x = g.real("x")
    c = claim(g, le(-(x**2) - 1, -1))
    stronger = the(c, "a thousandth smaller")
    assert stronger.statement == le(-(x**2) - 1, num(-1) - Fraction(1, 1000) * num(1))
    assert judge(stronger, seed=1).fate is Fate.KILLED


# --------------------------------------------------------------------------------------------------------- sensitivity


def test_exact_instances_catch_the_smallest_planted_error() -> None:
    (caught,) = sensitivity(triangular(), seed=1)
    assert (caught.witness, caught.smallest) == ("instances", float(PLANTED[-1]))


def test_a_tight_inequality_is_sensitive() -> None:
    (caught,) = sensitivity(parabola(), seed=1)
    assert caught.smallest == float(PLANTED[-1])


@pytest.mark.parametrize("expected", [0.0, 1e-5, 1e-2, 0.3])
def test_a_blind_and_a_coarse_witness_are_seen_through(expected: float) -> None:
    """Whatever they are expected to catch."""
    original = triangular()
    wrong = {plant(original.statement, e): e for e in PLANTED}
    catches = {
        "blind": lambda c: False,
        "coarse": lambda c: c.statement in wrong and wrong[c.statement] >= Fraction(1, 100),
    }
    found = {c.witness: c for c in sensitivity(original, 1, catches, dict.fromkeys(catches, expected))}
    assert found["blind"].smallest is None
    assert found["coarse"].smallest == 0.01


def test_nothing_is_planted_where_nothing_is_compared() -> None:
    g = Givens()
    n = g.size("n")
    assert sensitivity(claim(g, Exists(range_(1, n), lambda j: ne(real(j), 0))), 1) == ()
    assert sensitivity(gibbs(), 1) == ()


def test_a_weaker_bound_is_derived_by_its_factor_and_its_denominator() -> None:
    g = Givens()
    n, m = g.size("n"), g.size("m")
    c = claim(g, le(4 * (n * real(m)) / (real(n) + m) ** 2, 1))
    for words in ("without the factor 'n'", "'n + m + 1' for 'n + m'", "without the factor 'm'"):
        for miss in near_misses(c, per_kind=99):
            if words in miss.note:
                assert judge(miss, seed=1).fate is Fate.STILL_TRUE, miss.note


def test_a_claim_of_order_that_is_only_weakened_does_not_survive_unseen() -> None:
    g = Givens()
    x, y = g.real("x", above=0), g.real("y", above=0)
    stronger = the(claim(g, le(x / (x + y), 1)), "upside down")
    assert judge(stronger, seed=1).fate is Fate.KILLED


def test_a_zero_is_planted_in_relative_to_its_summands() -> None:
    g = Givens()
    n = g.size("n")
    z = g.vector("z", n)
    i = g.index("i", n)
    rows = claim(g, eq(Sum(1, n, lambda k: D(softmax(z)(i), z(k))), 0))
    (caught,) = sensitivity(rows, seed=1)
    assert caught.smallest == float(PLANTED[-1])


def payoff() -> tuple[Givens, Term, Term, Term]:
    g = Givens()
    a, b, y = g.real("a", above=0), g.real("b", above=0), g.real("y", above=0, below=1)
    return g, a, b, y


def test_bounds_of_logarithms_are_seen() -> None:
    g, a, b, y = payoff()
    stands = le(a * log(y) + b * log(1 - y), a * log(a / (a + b)) + b * log(1 - a / (a + b)))
    given = claim(g, stands)
    weaker = [
        le(2 * (a * log(y)) + b * log(1 - y), stands.args[1]),
        le(stands.args[0], a * log(2 * (a / (a + b))) + b * log(1 - a / (a + b))),
        le(stands.args[0], a * (a / (a + b)) + b * log(1 - a / (a + b))),
        le(stands.args[0], a * log((a + b) / a) + b * log(1 - a / (a + b))),
    ]
    for statement in weaker:
        change = Change(stands, statement)
        assert judge(NearMiss("factor", "", given, statement, given.context, change), seed=1).fate is Fate.STILL_TRUE
    stronger = le(stands.args[0], a * log(a / (2 * a + b)) + b * log(1 - a / (a + b)))
    assert judge(NearMiss("factor", "", given, stronger, given.context), seed=1).fate is Fate.KILLED


def test_a_near_miss_follows_from_another_claim_if_that_is_proved() -> None:
    g, a, b, y = payoff()
    entropy = le(y - 1, y * log(y))

    def from_the_tangent(c: Claim) -> Proof:
        pr = Prover(c.context)
        return pr.done(pr.linear(c.statement, (kernel.log_bound(c.context, 1 / y), y)), c.statement)

    share = b / (a + b)
    lemma = Claim("entropy", "", g.context, entropy, from_the_tangent)
    miss = NearMiss("factor", "", claim(g, le(log(share), 0)), le(share - 1, share * log(share)), g.context)
    assert judge(miss, seed=1).fate is Fate.SURVIVED
    found = judge(miss, seed=1, lemmas=Lemmas([lemma]))
    assert (found.fate, found.evidence) == (Fate.STILL_TRUE, "follows from the claim 'entropy'")
    unproved = replace(lemma, proof=lambda c: Prover(c.context).done(kernel.assume(c.context, entropy), entropy))
    assert judge(miss, seed=1, lemmas=Lemmas([unproved])).fate is Fate.SURVIVED


def test_a_claim_without_a_proof_that_succeeds_is_no_lemma() -> None:
    g = Givens()
    x = g.real("x")
    wrong = Claim("wrong", "", g.context, le(x**4, x**2))

    def refused(c: Claim) -> Proof:
        raise ProofError("not proved")

    assert not Lemmas([replace(wrong, proof=refused)]).proved(replace(wrong, proof=refused))
    assert Lemmas([wrong]).claims == ()
    assert Lemmas([replace(wrong, proof=refused, as_printed=True)]).claims == ()


def test_multiples_of_a_free_symbol() -> None:
    g = Givens()
    n = g.size("n")
    a, y = g.vector("a", n), g.vector("y", n)
    given = claim(g, le(0, squared_norm(a - y) + y @ y))
    for miss in near_misses(given):
        if miss.kind == "sign" and "'a'" in miss.note:
            assert judge(miss, seed=1).fate is Fate.STILL_TRUE


def test_a_condition_without_which_a_side_ceases_to_exist() -> None:
    g = Givens()
    points = space("X")
    mu = g.measure("mu", points)
    p = g.function("p", points, above=0)
    g.assume("finite", integrable(mu, lambda x: p(x) * log(p(x))))
    entropy = Int(mu, lambda x: p(x) * log(p(x)))
    (miss,) = [m for m in near_misses(claim(g, eq(2 * entropy, entropy + entropy))) if m.kind == "condition"]
    found = judge(miss, seed=1)
    assert found.fate is Fate.UNDEFINED
    assert "logarithm" in found.evidence


def test_what_a_claim_lists_as_assumed_is_not_dropped() -> None:
    g = Givens()
    x = g.real("x")
    g.assume("small", le(x, 1))
    given = claim(g, le(x, 2))
    assert [m.kind for m in near_misses(given)].count("condition") == 1
    assert "condition" not in {m.kind for m in near_misses(replace(given, assumptions=("small",)))}


def test_a_normal_law_is_dropped_with_its_mean() -> None:
    g = Givens()
    measure = g.probability("P")
    x = g.random("X", measure=measure, mean=0, variance=1, normal=True)
    given = claim(g, eq(E(measure, lambda w: x(w) ** 2), 1))
    for miss in near_misses(given):
        if "'mean'" in miss.note or "'variance'" in miss.note:
            d = miss.context.find(x)
            assert d is not None and d.property("normal") is None
            assert judge(miss, seed=1).fate is not Fate.VACUOUS


def test_a_claim_follows_where_its_facts_are_given_even_if_algebra_does_not_know_them() -> None:
    """``∂/∂θ ∫ q = ∫ ∂q/∂θ`` is given, and algebra, which knows that ``∫ q = 1``, loses sight of its left side."""
    g = Givens()
    z = space("Z")
    mu = g.measure("mu", z)
    theta = g.real("theta")
    q = g.function("q", reals, z, above=0, differentiable=True)
    g.assume("normalised", ForAll(reals, lambda t: eq(Int(mu, lambda x: q(t, x)), 1)))
    g.assume(
        "exchange",
        eq(D(Int(mu, lambda x: q(theta, x)), theta), Int(mu, lambda x: D(q(theta, x), theta))),
        integrable(mu, lambda x: D(q(theta, x), theta)),
    )
    score = lambda c: Int(mu, lambda x: q(theta, x) * D(log(c * q(theta, x)), theta))  # noqa: E731
    c = claim(g, eq(score(1), 0))
    m = NearMiss("factor", "", c, eq(score(2), 0), g.context, None)
    assert still_true(m) == "follows from the claim"
    assert still_true(replace(m, statement=eq(score(1) + 1, 0))) == ""


@pytest.mark.parametrize(
    ("statement", "fate"),
    [
        (lambda y: lt(0, y * y), Fate.KILLED),  # fails at 0 and nowhere else
        (lambda y: le(D(1 / y, y), 1), Fate.UNDEFINED),  # has no value at 0, and no denominator outside the derivative
        (lambda y: le(0, y * y), None),
    ],
)
def test_a_dropped_condition_is_tried_where_it_just_fails(statement: Callable[[Term], Term], fate: Fate | None) -> None:
    g = Givens()
    y = g.real("y", above=0)
    (m,) = [m for m in near_misses(claim(g, statement(y))) if m.kind == "condition"]
    found = Trial(m, 0, 200_000, Lemmas()).at_the_edge_of_the_condition()
    assert (found and found.fate) == fate
    assert found is None or "y = 0" in found.evidence
