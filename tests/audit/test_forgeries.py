"""Forged certificates: what was changed is found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proofs import PROOFS
from tampering import KINDS, Forger, verdict
from test_audit import of, written

from derivcheck.audit import audit, check_inference
from derivcheck.audit.instances import Instances
from derivcheck.audit.rules import JUDGED, Rejected, derive
from derivcheck.language import (
    INT,
    REAL,
    Context,
    ForAll,
    Givens,
    Int,
    Lim,
    MaxOver,
    Sum,
    Term,
    eq,
    exp,
    functions,
    implies,
    integer,
    interval,
    lam,
    le,
    lebesgue,
    log,
    lt,
    make,
    measure_symbol,
    ne,
    num,
    oo_int,
    range_,
    real,
    reals,
    sqrt,
    symbol,
    unfold,
)
from derivcheck.language.certificates import Inference, read
from derivcheck.language.context import Declaration, Property
from derivcheck.proof import Prover, algebra, kernel
from derivcheck.proof.certificate import certificate
from derivcheck.report.audit import text as shown

# ----------------------------------------------------------------------------------------------- random forgeries


def test_the_share_of_forgeries_that_is_rejected() -> None:
    """One forgery of each kind at each theorem of four proofs; what is left is still true (see docs/audit.md)."""
    made: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for name in ("softmax_jacobian", "bellman_contraction", "moving_average", "conditions"):
        document = json.loads(written(name))
        forger, instances = Forger(document, seed=5), Instances(seed=5)
        for number in range(len(document["theorems"])):
            for forgery in forger.forge(number, per_kind=1):
                made[forgery.kind] += 1
                rejected[forgery.kind] += verdict(forgery, instances) == "rejected"
    assert set(made) == set(KINDS)
    for kind in ("cycle", "hypothesis", "parameter"):
        assert rejected[kind] == made[kind]
    assert rejected.total() >= 0.97 * made.total(), (rejected, made)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(PROOFS)), st.integers(0, 10**6))
def test_no_other_rule_name_and_no_dropped_hypothesis_passes(name: str, seed: int) -> None:
    """A structural rule gives one conclusion: under another structural rule's name it is refused."""
    document = json.loads(written(name))
    number = seed % len(document["theorems"])
    for forgery in Forger(document, seed).forge(number, per_kind=2):
        judged = forgery.kind == "rule" and forgery.what.removeprefix("by ") in JUDGED
        if forgery.kind in ("hypothesis", "cycle", "rule") and not judged:
            assert verdict(forgery, Instances(seed=1)) == "rejected", forgery.what


# --------------------------------------------------------------------------- forgeries of a certificate as a whole


def everywhere(name: str, change: Callable[[dict[str, Any]], None]) -> str:
    document = json.loads(written(name))
    change(document)
    return json.dumps(document)


def declared(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Every declaration of the symbol called `name`."""
    nodes = document["nodes"]
    return [d for d in document["declarations"] if d["symbol"] is not None and nodes[d["symbol"]]["data"] == name]


def without(name: str, prop: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for d in declared(document, name):
            d["properties"] = [p for p in d["properties"] if p["name"] != prop]

    return change


def in_name_only(name: str, prop: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for d in declared(document, name):
            for p in d["properties"]:
                if p["name"] == prop:
                    p["facts"] = []

    return change


@pytest.mark.parametrize(
    ("name", "symbol_name", "prop"),
    [
        ("bellman_contraction", "P", "normalised"),
        ("bellman_contraction", "pi", "normalised"),
        ("bellman_contraction", "P", "nonnegative"),
        ("gibbs", "q", "normalised"),
        ("gibbs", "p", "positive"),
        ("variance_of_a_mean", "y", "mean"),
        ("variance_of_a_mean", "y", "variance"),
        ("limits", "a", "below"),
        ("limits", "a", "above"),
        ("logic", "c", "above"),
    ],
)
@pytest.mark.parametrize("how", [without, in_name_only])
def test_a_fact_that_is_needed_cannot_be_dropped(
    name: str, symbol_name: str, prop: str, how: Callable[[str, str], Callable[[dict[str, Any]], None]]
) -> None:
    """Neither with its name (the instances no longer satisfy it), nor leaving the name (no fact stands behind it)."""
    assert not audit(everywhere(name, how(symbol_name, prop))).accepted


def test_a_symbol_cannot_be_sampled_more_narrowly_than_its_facts() -> None:
    """A symmetric matrix that is symmetric in its instances only."""
    g = Givens()
    n = g.size("n")
    a = g.matrix("A", n, n, symmetric=True)
    i, j = g.index("i", n), g.index("j", n)
    pr = Prover(g.context)
    th = pr.prove(eq(a(i, j), a(j, i)), algebra)
    text = json.dumps(certificate(pr.done(th, th.statement)))
    assert audit(text).accepted
    document = json.loads(text)
    in_name_only("A", "symmetric")(document)
    report = audit(json.dumps(document))
    assert not of(report, "rejected")  # every instance satisfies it: only the declaration gives it away
    assert not report.accepted
    assert "promise" in shown(report)


def test_another_claim_is_not_shown() -> None:
    """The last theorem's statement is the claim; nothing else in the file can say so."""

    def other(document: dict[str, Any]) -> None:
        document["claim"]["text"] = "1 = 2"
        document["theorems"][-1]["statement"] = document["theorems"][0]["statement"]

    assert not audit(everywhere("bellman_contraction", other)).accepted


def test_a_displayed_step_must_be_a_theorem() -> None:
    def other(document: dict[str, Any]) -> None:
        document["nodes"].append({"op": "false", "sort": "prop"})
        document["steps"][0]["statement"] = len(document["nodes"]) - 1

    report = audit(everywhere("gibbs", other))
    assert not report.accepted
    assert "displayed step" in shown(report)


# ------------------------------------------------------------------ what careful hands got wrong in a kernel once


def step(
    rule: str,
    statement: Term,
    *premises: Inference,
    context: Context | None = None,
    hypotheses: tuple[Term, ...] = (),
    conditions: tuple[Term, ...] = (),
    **parameters: Any,
) -> Inference:
    if context is None:
        context = premises[0].context
    return Inference(
        9, rule, premises, context, frozenset(map(unfold, hypotheses)), unfold(statement),
        frozenset(map(unfold, conditions)), parameters,
    )  # fmt: skip


def given_as(statement: Term, context: Context, *hypotheses: Term) -> Inference:
    return step("normal_form", statement, context=context, hypotheses=hypotheses)


def opened(v: Term, lo: int, hi: Term) -> Declaration:
    facts = [le(lo, v)] + ([le(v, hi)] if hi.op != "oo" else [])
    return Declaration(v, "index", (Property("range", tuple(facts), (integer(lo), hi)),))


def arrays() -> tuple[Context, Term, Term, Term]:
    """A context with n, a matrix ``a`` over 1..n, and an index u."""
    g = Givens()
    n = g.size("n")
    a, u = g.matrix("a", n, n), g.index("u", n)
    return g.context, n, a, u


def unsound() -> dict[str, Inference]:
    """Inferences that must not pass."""
    out: dict[str, Inference] = {}
    g = Givens()
    x, y = g.real("x"), g.real("y")
    i = g.integer("i", at_least=10)
    plain = g.context
    context, n, a, u = arrays()
    rows = range_(1, n)
    # capture and scope
    known = plain.extended(opened(i, 1, integer(20)))
    out["generalise a known variable"] = step(
        "generalise", ForAll(range_(1, 20), lambda k: le(10, k)), given_as(le(10, i), known), context=plain,
        variable=i, domain=range_(1, 20),
    )  # fmt: skip
    k = symbol("k", INT)
    inner = context.extended(opened(k, 1, n))
    out["generalise a variable of a hypothesis"] = step(
        "generalise", ForAll(rows, lambda v: eq(a(v, v), 0)), given_as(eq(a(k, k), 0), inner, eq(a(k, k), 0)),
        context=context, hypotheses=(eq(a(k, k), 0),), variable=k, domain=rows,
    )  # fmt: skip
    entries = given_as(ForAll(rows, lambda v: eq(a(v, u), 0)), context)
    out["another body under a sum"] = step(
        "binder_congruence", eq(Sum(1, n, lambda v: a(v, v)), Sum(1, n, lambda v: 0)), entries
    )
    bound = given_as(ForAll(rows, lambda v: le(a(v, u), a(v, v))), context)
    out["a bound that depends on the index"] = step(
        "maximum_at_most", le(MaxOver(rows, lambda v: a(v, u)), a(u, u)), bound
    )
    t = symbol("t", INT)
    naturals = context.extended(opened(t, 0, oo_int))
    base = given_as(le(0, real(integer(0))), context)
    out["induction with the variable in a hypothesis"] = step(
        "induction", ForAll(range_(0, oo_int), lambda s: le(real(s), 0)), given_as(le(real(integer(0)), 0), context),
        given_as(le(real(t + 1), 0), naturals, le(real(t), 0), lt(real(t), 0)),
        hypotheses=(lt(real(t), 0),), variable=t,
    )  # fmt: skip
    out["induction without the next case"] = step(
        "induction", ForAll(range_(0, oo_int), lambda s: le(0, real(s))), base, given_as(le(0, real(t)), naturals),
        variable=t,
    )  # fmt: skip
    # shapes, sorts and domains
    one, two = (lam(range_(1, size), lambda v: num(1)) for size in (1, 2))
    out["functions on different domains"] = step(
        "extensionality", make("eq", (one, two), None, le(1, 2).sort),
        given_as(ForAll(range_(1, 1), lambda v: eq(one(v), two(v))), Context()),
    )  # fmt: skip
    maximum = MaxOver(range_(1, 2), lambda v: -((real(2 * v) - 3) ** 2))
    out["a fraction as an index"] = step(
        "at_most_maximum", le(0, maximum), context=Context(), maximum=maximum, value=num(Fraction(3, 2))
    )
    small = functions((range_(1, 2),), interval(0, 1))
    out["a function with other values"] = step(
        "specialise",
        le(num(2), 1),
        given_as(ForAll(small, lambda f: le(f(1), 1)), Context()),
        value=lam(range_(1, 2), lambda v: num(2)),
    )
    mu = measure_symbol("mu", interval(0, 1))
    on_unit = Context((Declaration(mu, "measure"),))
    below = given_as(le(Int(mu, lambda v: v), Int(mu, lambda v: 1)), on_unit)
    away = lebesgue(interval(2, 3))
    out["a measure that lives elsewhere"] = step(
        "instance", le(Int(away, lambda v: v), Int(away, lambda v: 1)), below, context=Context(), mapping=((mu, away),)
    )
    negative = Context((Declaration(x, "real", (Property("at most", (le(x, 0),), (num(0),)),)),))
    out["an instance without its facts"] = step(
        "instance", le(num(2), 0), given_as(le(x, 0), negative), context=Context(), mapping=((x, num(2)),)
    )
    # what disappears must be defined
    out["one equals 0/0 equals two"] = step(
        "transitivity", eq(num(1), 2), given_as(eq(1, num(0) / x / (num(0) / x)), plain),
        given_as(eq(num(0) / x / (num(0) / x), 2), plain),
    )  # fmt: skip
    out["a product with a factor without a value"] = step(
        "linear", eq(x, y), given_as(eq(x / (x - x), y / (x - x)), plain), factors=(x - x,)
    )
    out["exp log"] = step("normal_form", eq(exp(log(x)), x), context=plain)
    out["a root of a square"] = step("normal_form", eq(sqrt(x**2), x), context=plain)
    out["a dropped denominator"] = step("normal_form", eq(x / x, 1), context=plain)
    out["a strict inequality with equality"] = step("normal_form", lt(exp(x + y), exp(x) * exp(y)), context=plain)
    # order and analysis
    out["a negative factor"] = step("linear", le(-x, -y), given_as(le(x, y), plain), factors=(num(-1),))
    out["an equation from an inequality"] = step("linear", eq(x, y), given_as(le(x, y), plain), factors=(num(1),))
    out["the sine increases"] = step(
        "increasing", le(make("fn", (x,), "sin", REAL), make("fn", (y,), "sin", REAL)), given_as(le(x, y), plain),
        function="sin",
    )  # fmt: skip
    hole = symbol("hole", REAL)

    def slope(factor: Term) -> Term:
        return make("deriv", (reals, x, make("mul", (factor, make("bound", (), 0, REAL)), None, REAL)), None, REAL)

    out["rewriting in a derivative"] = step(
        "congruence", eq(slope(x), slope(y)), given_as(eq(x, y), plain), pattern=slope(hole), hole=hole
    )
    out["a limit through a pole"] = step("limit_by_continuity", eq(Lim(0, lambda v: v / v, "+"), 0), context=plain)
    out["the logarithm of a negative number"] = step("log_bound", le(log(x), x - 1), context=plain, term=x)
    growing = num(Fraction(3, 2))
    out["a limit that is none"] = step("limit", eq(Lim(oo_int, lambda s: growing ** real(s)), 0), context=plain)
    out["a limit that is another"] = step(
        "limit", eq(Lim(oo_int, lambda s: num(Fraction(1, 2)) ** real(s)), num(Fraction(1, 10))), context=Context()
    )
    # logic
    out["a hypothesis discharged from what is not there"] = step(
        "discharge", implies(le(x, 0), le(y, 0)), given_as(le(y, 0), plain, lt(x, 0))
    )
    out["one case only"] = step(
        "cases", le(y, 0), given_as(le(y, 0), plain, le(x, 0)), given_as(le(y, 0), plain, ne(x, 0)), on=le(x, 0)
    )
    out["a fact that is none"] = step("fact", le(x, 0), context=plain)
    out["an undeclared symbol"] = step("assume", le(a(1, 1), 0), context=plain, hypotheses=(le(a(1, 1), 0),))
    out["a rule that is none"] = step("trust me", eq(num(0), 1), context=plain)
    return out


UNSOUND = unsound()

#: What the audit says of each.
WHY = {
    "generalise a known variable": "free in what is assumed",
    "generalise a variable of a hypothesis": "free in what is assumed",
    "another body under a sum": "the rule needs 'forall v in 1..n. a[v,v] = 0'",
    "a bound that depends on the index": "the rule needs 'forall v in 1..n. a[v,u] <= a[u,u]'",
    "induction with the variable in a hypothesis": "free in what is assumed",
    "induction without the next case": "the rule needs 'real(0) <= 0'",
    "functions on different domains": "no rule 'extensionality'",
    "a fraction as an index": "no member of",
    "a function with other values": "2 against 1",
    "a measure that lives elsewhere": "a measure elsewhere",
    "an instance without its facts": "2 against 0",
    "one equals 0/0 equals two": "division by zero",
    "a product with a factor without a value": "division by zero",
    "exp log": "logarithm of a number that is not positive",
    "a root of a square": "against",
    "a dropped denominator": "division by zero",
    "a strict inequality with equality": "against",
    "a negative factor": "0 against -1",
    "an equation from an inequality": "an equation needs equations",
    "the sine increases": "not known to increase",
    "rewriting in a derivative": "rewrites a derivative",
    "a limit through a pole": "division by zero",
    "the logarithm of a negative number": "'0 < x' fails",
    "a limit that is none": "fails at",
    "a limit that is another": "fails at",
    "a hypothesis discharged from what is not there": "is dropped",
    "one case only": "is dropped",
    "a fact that is none": "no rule 'fact'",
    "an undeclared symbol": "not declared",
    "a rule that is none": "no rule",
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_inference_is_rejected(name: str) -> None:
    finding = check_inference(UNSOUND[name], Instances(seed=3))
    assert finding.outcome == "rejected"
    assert WHY[name] in finding.reason


def test_sound_inferences_of_the_same_form_pass() -> None:
    """The refusals above are not refusals of everything."""
    g = Givens()
    x, y = g.real("x"), g.real("y")
    below = given_as(le(x, y), g.context)
    derive(step("linear", le(2 * x, 2 * y), below, factors=(num(2),)))
    for good in (
        step("normal_form", eq(exp(log(x)), x), context=g.context, conditions=(lt(0, x),)),
        step("linear", le(2 * x, 2 * y), below, factors=(num(2),)),
        step("increasing", le(exp(x), exp(y)), below, function="exp"),
        step("log_bound", le(log(x), x - 1), context=g.context, term=x, conditions=(lt(0, x),)),
    ):
        finding = check_inference(good, Instances(seed=3))
        assert finding.outcome in ("structure", "instances"), finding
    p = lt(x, 0)
    assumed = step("assume", p, context=g.context, hypotheses=(p,), conditions=(ne(y, 0),))
    derive(step("discharge", implies(p, p), assumed, conditions=(implies(p, ne(y, 0)),)))
    with pytest.raises(Rejected, match="dropped"):
        derive(step("discharge", implies(p, p), assumed))


# ----------------------------------------------------------------------------------------------------- blind spots


def test_a_dropped_integrability_is_not_seen() -> None:
    """Every instance of a probability space is finite, and there everything is integrable: stated in docs/audit.md."""
    g = Givens()
    measure = g.probability()
    x = g.random("X", measure=measure)
    pr = Prover(g.context)
    below = pr.for_all(measure.args[0], lambda pr, w: kernel.absolute_value(pr.context, x(w)))
    th = kernel.monotone(below, Int(measure, lambda w: x(w)))
    document = json.loads(json.dumps(certificate(pr.done(th, th.statement))))
    assert audit(json.dumps(document)).accepted
    assert document["theorems"][-1]["conditions"]
    document["theorems"][-1]["conditions"] = []
    assert audit(json.dumps(document)).accepted


def test_the_certificate_is_read_as_it_was_written() -> None:
    inferences = read(written("logic")).inferences
    assert [i.rule for i in inferences] == [t["rule"] for t in json.loads(written("logic"))["theorems"]]
