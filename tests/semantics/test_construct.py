"""Interpretations satisfy what is declared, and break what is not declared any more."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest

from derivcheck.language import (
    ForAll,
    Givens,
    Int,
    Sum,
    counting,
    eq,
    function,
    integers,
    interval,
    ite,
    lam,
    le,
    lebesgue,
    lt,
    ne,
    not_,
    num,
    oo,
    oo_int,
    range_,
    space,
)
from derivcheck.semantics import check, models_exist
from derivcheck.semantics.cases import draw, interpret, positions
from derivcheck.semantics.choices import PLANS, Plan, ReplayedChoices, SeededChoices
from derivcheck.semantics.interpretation import Interpretation, Reject
from derivcheck.semantics.judgement import Truth

MATRIX_PROPERTIES = {
    "symmetric": {"symmetric": True},
    "positive definite": {"positive_definite": True},
    "positive semidefinite": {"positive_semidefinite": True},
    "invertible": {"invertible": True},
    "orthogonal": {"orthogonal": True},
    "diagonal": {"diagonal": True},
    "full column rank": {"full_column_rank": True},
}


def matrix_context(name, least=1):
    g = Givens()
    n, m = g.size("n", minimum=least), g.size("m", minimum=least)
    g.matrix("A", n, m if name == "full column rank" else n, **MATRIX_PROPERTIES[name])
    return g.context


def judgements(context, seeds=range(12)):
    for seed in seeds:
        drawn = draw(context, seed, PLANS[seed % len(PLANS)])
        yield drawn, list(drawn.world.check())


@pytest.mark.parametrize("name", MATRIX_PROPERTIES)
@pytest.mark.parametrize("least", [0, 1])
def test_structured_matrices_have_their_structure_at_every_size(name, least):
    for drawn, facts in judgements(matrix_context(name, least)):
        assert all(f.judgement.truth in (Truth.TRUE, Truth.SUPPORTED) for f in facts), (
            drawn.world.description(),
            facts,
        )


@pytest.mark.parametrize("name", MATRIX_PROPERTIES)
def test_a_dropped_structure_is_really_gone(name):
    context = matrix_context(name)
    facts = context.find(next(s for s in context.symbols() if s.data == "A")).property(name).facts
    result = check(context.without("A", name), facts[0], 3, instances=32)
    assert result.outcome == "refutes", result


def test_positive_definite_without_symmetric_is_not_symmetric():
    context = matrix_context("positive definite").without("A", "symmetric")
    symmetric = matrix_context("symmetric").propositions()[-1]
    assert check(context, symmetric, 0).outcome == "refutes"
    assert models_exist(context).found


def test_orthogonal_matrices_have_either_determinant():
    from derivcheck.language import det

    context = matrix_context("orthogonal")
    a = next(s for s in context.symbols() if s.data == "A")
    assert check(context, eq(det(a), 1), 0).outcome == "refutes"
    assert check(context, eq(det(a), -1), 0).outcome == "refutes"
    assert check(context, eq(det(a) ** 2, 1), 0).outcome == "confirms"


def test_bounds_may_mention_other_symbols():
    g = Givens()
    lo = g.real("lo")
    hi = g.real("hi", above=lo)
    t = g.real("t", above=lo, at_most=hi, nonzero=True)
    n = g.size("n")
    v = g.vector("v", n, at_least=t, below=2 + t)
    j = g.index("j", 2, n + 1)
    assert check(g.context, lt(lo, t), 0).outcome == "confirms"
    assert check(g.context, le(t, v(j - 1)), 0).outcome == "confirms"
    assert check(g.context, eq(t, hi), 0).outcome == "refutes"
    assert check(g.context, lt(t, hi), 0, instances=64).outcome == "refutes"  # the end that is allowed is drawn
    assert check(g.context.without("t", "nonzero"), ne(t, 0), 0, instances=64).outcome == "refutes"


def test_a_size_without_a_minimum_may_be_zero_or_negative():
    g = Givens()
    n = g.size("n")
    seen = {d.world.values[n] for d, _ in judgements(g.context.without("n", "minimum"), range(40))}
    assert {0, -1} <= seen and max(seen) >= 3
    assert min(d.world.values[n] for d, _ in judgements(g.context, range(40))) == 1


def test_sizes_and_indices_cover_what_hides_errors():
    g = Givens()
    n, m = g.size("n"), g.size("m")
    i, k = g.index("i", n), g.index("k", n)
    coverage = check(g.context, eq(i + k + m, k + i + m), 0).coverage
    for feature in ("some size 1", "all sizes at least 2", "equal sizes", "different sizes"):
        assert coverage[feature] >= 1
    assert coverage["equal indices"] >= 2 and coverage["distinct indices"] >= 2


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("where", ["range", "space", "line", "half line", "bounded"])
def test_densities(positive, where):
    g = Givens()
    n = g.size("n")
    measures = {
        "range": lambda: counting(range_(1, n)),
        "space": lambda: g.measure("mu", space("Z")),
        "line": lebesgue,
        "half line": lambda: lebesgue(interval(2, oo)),
        "bounded": lambda: lebesgue(interval(-1, 3)),
    }
    measure = measures[where]()
    p = g.distribution("p", measure, given=(range_(1, n),), positive=positive)
    context = g.context
    for drawn, facts in judgements(context, range(3)):
        assert all(f.judgement.truth in (Truth.TRUE, Truth.SUPPORTED) for f in facts), (
            drawn.world.description(),
            facts,
        )
    total = ForAll(range_(1, n), lambda s: eq(Int(measure, lambda x: p(s, x)), 1))
    assert check(context, total, 0, instances=4).outcome == "confirms"
    assert check(context.without("p", "normalised"), total, 0, instances=8).outcome == "refutes"


def test_weights_that_are_only_nonnegative_may_vanish_and_signs_may_be_dropped():
    g = Givens()
    n = g.size("n")
    p = g.distribution("p", counting(range_(1, n)))
    j = g.index("j", n)
    assert check(g.context, lt(0, p(j)), 0, instances=64).outcome == "refutes"
    assert check(g.context, le(0, p(j)), 0, instances=64).outcome == "confirms"
    dropped = g.context.without("p", "nonnegative")
    assert check(dropped, le(0, p(j)), 0, instances=64).outcome == "refutes"
    assert check(dropped, eq(Sum(1, n, lambda k: p(k)), 1), 0).outcome == "confirms"


def test_a_kernel_without_outcomes_is_rejected_and_other_sizes_are_found():
    g = Givens()
    n = g.size("n", minimum=0)
    g.distribution("p", counting(range_(1, n)))
    found = models_exist(g.context)
    assert found.found and dict(found.example)["n"] != "0"


def test_functions_have_their_properties_and_lose_them():
    g = Givens()
    f = g.function("f", differentiable=True, convex=True)
    h = g.function("h", increasing=True, at_least=0, at_most=1)
    x = g.real("x")
    y = g.real("y", at_least=x)
    middle = le(2 * f((x + y) / 2), f(x) + f(y))
    assert check(g.context, middle, 0, instances=32).outcome == "confirms"
    assert check(g.context.without("f", "convex"), middle, 0, instances=32).outcome == "refutes"
    assert check(g.context, le(h(x), h(y)), 0, instances=32).outcome == "confirms"
    assert check(g.context.without("h", "increasing"), le(h(x), h(y)), 0, instances=64).outcome == "refutes"
    smooth = g.context.propositions()[0]
    assert check(g.context.without("f", "differentiable"), smooth, 0, instances=32).outcome == "refutes"


def test_functions_of_mixed_arguments_and_choices():
    g = Givens()
    n = g.size("n")
    f = g.function("f", range_(1, n), interval(0, 1), at_least=0)
    c = g.choice("c", range_(1, n), range_(1, n))
    s = g.index("s", n)
    t = g.real("t", at_least=0, at_most=1)
    assert check(g.context, le(0, f(c(s), t)), 0).outcome == "confirms"
    assert check(g.context, eq(f(c(s), t), f(s, t)), 0, instances=64).outcome == "refutes"


def test_sequences_over_infinite_ranges_are_drawn_as_they_are_used():
    g = Givens()
    v = g.array("v", range_(0, oo_int))
    w = g.array("w", integers)
    t = g.integer("t", at_least=0)
    telescope = eq(Sum(0, t, lambda k: v(k + 1) - v(k)), v(t + 1) - v(0))
    assert check(g.context, telescope, 0).outcome == "confirms"
    assert check(g.context, eq(v(t), v(t + 1)), 0).outcome == "refutes"
    assert check(g.context, eq(w(t - 1000), 0), 0).outcome == "refutes"


def test_measures_on_ranges_and_intervals_are_atomic():
    g = Givens()
    mu = g.measure("mu", interval(0, 1))
    assert check(g.context, le(Int(mu, lambda x: x**2), Int(mu, lambda x: x)), 0).outcome == "confirms"
    assert check(g.context, eq(Int(mu, lambda x: x**2), Int(mu, lambda x: x)), 0).outcome == "refutes"


# --------------------------------------------------------------------------------------------------- assumptions


def bellman():
    g = Givens()
    n = g.size("n")
    states = range_(1, n)
    gamma = g.real("gamma", at_least=0, below=1)
    kernel = g.distribution("P", counting(states), given=(states,))
    reward, value = g.vector("r", n), g.vector("V", n)
    fixed = ForAll(states, lambda s: eq(value(s), reward(s) + gamma * Sum(1, n, lambda t: kernel(s, t) * value(t))))
    model = {reward: lam(states, lambda s: value(s) - gamma * Sum(1, n, lambda t: kernel(s, t) * value(t)))}
    return g, fixed, model


def test_a_model_makes_an_assumption_hold():
    g, fixed, model = bellman()
    g.assume("fixed point", fixed, model=model)
    assert check(g.context, fixed, 0).outcome == "confirms"
    assert models_exist(g.context).found
    # Without the assumption, and its model, the equation is false.
    assert check(g.context.without("fixed point", "fixed point"), fixed, 0).outcome == "refutes"


def test_an_assumption_without_a_model_is_found_by_trying_or_named():
    g = Givens()
    x, y = g.real("x"), g.real("y")
    g.assume("order", lt(x, y))
    assert check(g.context, lt(2 * x, 2 * y), 0).outcome == "confirms"
    g.assume("contradiction", lt(y, x))
    found = models_exist(g.context)
    assert (not found.found and "contradiction" in found.reason) or "order" in found.reason
    result = check(g.context, eq(x, x), 0)
    assert result.outcome == "abstains" and "no interpretation" in result.reason


def test_a_model_that_does_not_satisfy_its_assumption_is_caught():
    g = Givens()
    x, y = g.real("x"), g.real("y")
    g.assume("double", eq(y, 2 * x), model={y: 2 * x + 1})
    assert not models_exist(g.context).found
    assert "double" in models_exist(g.context).reason


def test_auxiliary_symbols_of_a_model():
    g = Givens()
    x = g.real("x")
    root = []
    g.assume("a square", le(0, x), model={x: _square(root)}, auxiliary=lambda e: root.append(e.real("root")))
    assert check(g.context, le(0, x), 0).outcome == "confirms"
    assert check(g.context, eq(x, 0), 0).outcome == "refutes"


def _square(_root):
    from derivcheck.language import Real

    return Real("root") ** 2


def test_definitions_that_depend_on_each_other_are_no_model():
    g = Givens()
    x, y = g.real("x"), g.real("y")
    g.assume("circle", eq(x, y), model={x: y + 0, y: x + 0})
    assert not models_exist(g.context).found


def test_a_circle_of_entries_is_no_model():
    """Each array is built at once and its entries when they are looked at: the circle is met entry by entry."""
    g = Givens()
    members = range_(1, g.size("n"))
    x, y = g.array("x", members), g.array("y", members)
    g.assume(
        "circle",
        ForAll(members, lambda i: eq(x(i), y(i))),
        model={x: lam(members, lambda i: y(i) + 0), y: lam(members, lambda i: x(i) + 0)},
    )
    assert not models_exist(g.context).found


def recursive(step):
    """V_0 arbitrary and V_{k+1} = γ V_k: the fact, and a model by recursion with the given step."""
    g = Givens()
    naturals, members = range_(0, oo_int), range_(1, g.size("n"))
    gamma = g.real("gamma")
    V = g.function("V", naturals, members)
    start = function("start", members)
    g.assume(
        "recursion",
        ForAll(naturals, lambda k: ForAll(members, lambda s: eq(V(k + 1, s), gamma * V(k, s)))),
        model={V: lam(naturals, lambda k: lam(members, lambda s: ite(eq(k, 0), start(s), step(V, gamma, k, s))))},
        auxiliary=lambda e: e.array("start", members),
    )
    return g, gamma, V, members


def test_a_sequence_is_defined_by_its_start_and_its_step():
    g, gamma, V, members = recursive(lambda V, gamma, k, s: gamma * V(k - 1, s))
    assert models_exist(g.context).found
    third = ForAll(members, lambda s: eq(V(3, s), gamma**3 * V(0, s)))
    assert check(g.context, third, 0).outcome == "confirms"
    assert check(g.context, ForAll(members, lambda s: eq(V(3, s), gamma**2 * V(0, s))), 0).outcome == "refutes"
    wrong, *_ = recursive(lambda V, gamma, k, s: gamma * V(k - 1, s) + 1)
    assert "recursion" in models_exist(wrong.context).reason


def test_a_distant_member_of_a_sequence_needs_no_deep_calls():
    g, gamma, V, _ = recursive(lambda V, gamma, k, s: gamma * V(k - 1, s))
    g.assume("simple", eq(gamma, -1), model={gamma: num(-1)})
    assert check(g.context, eq(V(2000, 1), V(0, 1)), 0, instances=4, budget=2_000_000).outcome == "confirms"


def test_a_sequence_that_needs_its_next_member_is_no_model():
    g, *_ = recursive(lambda V, gamma, k, s: V(k + 1, s) / gamma)
    assert not models_exist(g.context).found


def test_a_model_may_replace_the_value_that_is_drawn():
    g = Givens()
    x, y = g.real("x", at_least=0), g.real("y")
    g.assume("order", le(y, x), model={x: ite(lt(x, y), y, x)})
    assert check(g.context, le(y, x), 0).outcome == "confirms"
    assert check(g.context, eq(y, x), 0).outcome == "refutes"
    # What the model puts in is judged by the declared bounds, like any assumption.
    g = Givens()
    x = g.real("x", at_least=0)
    g.assume("nothing", eq(x, x), model={x: -1 - x})
    assert not models_exist(g.context).found


# ------------------------------------------------------------------------------------------------------- choices


def test_replaying_a_record_gives_the_same_interpretation():
    g = Givens()
    n = g.size("n")
    g.matrix("A", n, n, positive_definite=True)
    g.distribution("p", counting(range_(1, n)))
    first = draw(g.context, 5, Plan("large"))
    again, _ = interpret(g.context, ReplayedChoices(positions(first.choices)))
    assert again.description() == first.world.description()


def test_every_simplification_of_a_record_still_satisfies_the_facts():
    context = matrix_context("positive definite")
    record = positions(draw(context, 7, Plan("large")).choices)
    for label in record:
        interpret(context, ReplayedChoices({**record, label: 0}))  # raises Reject if a fact fails


def test_an_empty_range_is_rejected_with_its_reason():
    g = Givens()
    n = g.size("n")
    g.index("i", 2, n)
    with pytest.raises(Reject, match=r"range 2\.\.1 of 'i' is empty"):
        Interpretation(g.context, ReplayedChoices({"n": 0})).build()
    assert check(g.context, le(2, n), 0).outcome == "confirms"


def test_choices_do_not_depend_on_the_order_in_which_they_are_made():
    pool = [Fraction(k) for k in range(10)]
    a, b = SeededChoices(3), SeededChoices(3)
    labels = [f"x[{k}]" for k in range(20)]
    first = {label: a.choose(label, pool, "entry") for label in labels}
    second = {label: b.choose(label, pool, "entry") for label in reversed(labels)}
    assert first == second


def test_facts_that_fail_are_named():
    g = Givens()
    x = g.real("x")
    g.assume("impossible", not_(eq(x, x)))
    assert "impossible" in models_exist(g.context).reason


def test_an_interpretation_shows_its_values():
    g = Givens()
    n = g.size("n")
    g.vector("v", n)
    world = Interpretation(g.context, ReplayedChoices({}))
    world.build()
    assert repr(world) == "Interpretation(n = 1, v = (0))"


def _worlds(context, count=32):
    return [draw(context, t, PLANS[t % len(PLANS)]).world for t in range(count)]


def test_zeros_ties_and_cancelling_entries_are_drawn_again_and_again():
    g = Givens()
    n = g.size("n")
    v = g.vector("v", n)
    g.matrix("M", n, n)
    x, y = g.real("x"), g.real("y")
    seen = Counter()
    for world in _worlds(g.context, 64):
        entries, m = world.symbol(v).entries(), world.symbol(g.context.symbols()[2]).rows()
        seen["zero vector"] += all(e == 0 for e in entries)
        seen["n = 1 and zero"] += entries == [0]
        seen["entries sum to 0"] += len(entries) > 1 and sum(entries) == 0 and any(entries)
        seen["rows sum to 0"] += len(m) > 1 and all(sum(row) == 0 for row in m) and any(map(any, m))
        seen["signs and zeros"] += len(entries) > 1 and {abs(e) for e in entries} <= {0, 1}
        seen["equal entries"] += len(entries) > 1 and len(set(entries)) == 1
        seen["equal reals"] += world.symbol(x) == world.symbol(y)
        seen["zero and one"] += sorted((world.symbol(x), world.symbol(y))) == [0, 1]
    assert all(seen[what] >= 1 for what in seen), seen
    assert all(seen[what] >= 4 for what in ("zero vector", "entries sum to 0", "signs and zeros", "equal reals")), seen


def test_a_condition_that_matters_only_where_entries_cancel_is_missed_no_more():
    g = Givens()
    n = g.size("n")
    w = g.vector("w", n)
    total = Sum(1, n, lambda i: w(i))
    assert check(g.context, eq(total / total, 1), 0).outcome == "undefined"
    a, b = g.real("a"), g.real("b")
    assert check(g.context, ne(a, b), 0).outcome == "refutes"


def test_coincident_values_satisfy_their_own_bounds():
    g = Givens()
    g.real("a")
    b = g.real("b", above=0)
    c = g.real("c", above=b, at_most=9)
    for world in _worlds(g.context):
        assert 0 < world.symbol(b) < world.symbol(c) <= 9
