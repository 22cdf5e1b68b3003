"""Real certificates are accepted, step by step; what is none is refused with its reason."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from proofs import PROOFS
from tampering import RULES

import derivcheck.audit
from derivcheck.audit import AuditReport, Finding, audit, audit_file
from derivcheck.language import ForAll, Givens, Sum, Term, abs_, eq, integer, le, lt, num, oo_int, range_, real
from derivcheck.proof import Prover, Theorem, algebra, kernel
from derivcheck.proof.certificate import certificate
from derivcheck.report.audit import text as shown


def of(report: AuditReport, outcome: str) -> list[Finding]:
    return [f for f in report.findings if f.outcome == outcome]


@cache
def written(name: str) -> str:
    return json.dumps(certificate(PROOFS[name](), name))


@pytest.mark.parametrize("name", PROOFS)
def test_a_real_certificate_is_accepted(name: str) -> None:
    report = audit(written(name))
    assert report.accepted, shown(report)
    assert not of(report, "as stated"), shown(report)
    assert report.name == name
    assert len(report.findings) == len(json.loads(written(name))["theorems"])


def test_every_rule_of_the_kernel_is_met_and_accepted() -> None:
    """A rule that the kernel gains is a rule that the audit must learn: here a proof needs it, and is accepted."""
    used = {theorem["rule"] for name in PROOFS for theorem in json.loads(written(name))["theorems"]}
    assert used == set(RULES)


def test_the_audit_is_half_a_thousand_lines_at_most() -> None:
    folder = Path(derivcheck.audit.__file__).parent
    assert sum(len(p.read_text(encoding="utf-8").splitlines()) for p in folder.glob("*.py")) <= 500


def test_equal_files_give_equal_reports() -> None:
    assert shown(audit(written("gibbs"))) == shown(audit(written("gibbs")))
    assert audit(written("gibbs"), seed=7).accepted


def test_the_report_says_what_was_shown(tmp_path: Path) -> None:
    file = tmp_path / "average.json"
    file.write_text(written("moving_average"), encoding="utf-8")
    report = audit_file(file)
    text = shown(report)
    assert text.startswith("accepted: moving_average")
    assert "shows: f[t] = (1 - alpha)^t*f_0" in text
    assert "modelled: f := " in text
    assert "given: alpha above: 0 < alpha" in text


def test_what_the_conclusion_rests_on_is_shown() -> None:
    g = Givens()
    x, y = g.real("x"), g.real("y")
    pr = Prover(g.context)
    th = kernel.normal_form(g.context, eq(x / y, 1), [pr.assume(eq(x, y))])
    report = audit(json.dumps(certificate(pr.done(th, th.statement))))
    assert report.accepted
    assert "under: x = y" in shown(report)
    assert "if: y != 0" in shown(report)


def test_the_audit_never_loads_the_prover(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(written("bellman_contraction"), encoding="utf-8")
    code = (
        "import sys; from derivcheck.audit import audit_file; r = audit_file(sys.argv[1]); assert r.accepted, r;"
        "assert not [m for m in sys.modules if m.startswith('derivcheck.proof')]"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# --------------------------------------------------------------------------------------------------- no certificate


def changed(change: Any) -> str:
    document = json.loads(written("gibbs"))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1, 2]", "not a certificate"),
        ('{"format": "derivcheck-certificate-1"}', "the fields"),
        ('{"format": "derivcheck-certificate-0"}', "not a certificate"),
        ('{"format": NaN}', "not a number"),
        ('{"format": 1, "format": 1}', "twice"),
        ("[" * 100_000, "too deep"),
        (changed(lambda d: d["theorems"].clear()), "without theorems"),
        (changed(lambda d: d["theorems"][0].pop("rule")), "theorem 0"),
        (changed(lambda d: d["theorems"][2]["premises"].append(2)), "no earlier theorem 2"),
        (changed(lambda d: d["theorems"][2]["premises"].append(-1)), "no earlier theorem -1"),
        (changed(lambda d: d["theorems"][2].update(context=99)), "no context 99"),
        (changed(lambda d: d["theorems"][2].update(statement=10**6)), "not the index of a node"),
        (changed(lambda d: d["theorems"][2].update(statement=0)), "theorem 2"),
        (changed(lambda d: d["theorems"][2]["parameters"].update(x=1.5)), "neither a term"),
        (changed(lambda d: d["theorems"][2].update(rule=["fact"])), "a rule is a text"),
        (changed(lambda d: d["nodes"][3].update(op="eval")), "not an operator"),
        (changed(lambda d: d["contexts"][0].append(10**6)), "no declaration"),
        (changed(lambda d: d["nodes"].append({"op": "sym", "sort": "real", "data": "i@1"})), "reserved"),
    ],
)
def test_what_is_no_certificate_is_refused(text: str, why: str) -> None:
    report = audit(text)
    assert not report.accepted
    assert why in shown(report), shown(report)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in shown(audit_file(tmp_path / "none.json"))
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in shown(audit_file(binary))


def test_a_claim_about_nothing_is_refused() -> None:
    """From contradictory facts everything follows; the audit asks for something that satisfies them."""
    g = Givens()
    x = g.real("x", above=1, below=0)
    pr = Prover(g.context)
    th = pr.prove(eq(x, x + 1 - 1), algebra)
    report = audit(json.dumps(certificate(pr.done(th, th.statement))))
    assert not report.accepted
    assert "nothing satisfies what is given" in shown(report)


def test_a_step_whose_premise_sampling_cannot_meet_says_so() -> None:
    """Zeros meet Σ f = 0, r = s² + 1 is its own model, chance meets Σ f² + r² = 1, nothing Σ f² + r² = 355/113."""
    g = Givens()
    n = g.size("n")
    f = g.vector("f", n)
    r, s = g.real("r"), g.real("s")
    squares = Sum(1, n, lambda j: f(j) ** 2)
    round_number = num(Fraction(355, 113))
    questions = [
        (eq(Sum(1, n, lambda j: f(j)), 0), eq(2 * Sum(1, n, lambda j: f(j)), 0), "instances"),
        (eq(r, s**2 + 1), lt(0, r), "instances"),
        (eq(squares + r**2, 1), le(squares + squares, 2), "instances"),
        (eq(squares + r**2, round_number), le(squares + squares, 2 * round_number), "as stated"),
    ]
    for premise, goal, outcome in questions:
        pr = Prover(g.context)
        th = kernel.normal_form(g.context, goal, [pr.assume(premise)])
        report = audit(json.dumps(certificate(pr.done(th, th.statement))))
        assert report.findings[-1].outcome == outcome, shown(report)
        assert report.accepted == (outcome == "instances")
    assert shown(report).startswith("UNDECIDED")
    assert "too few are left" in shown(report)


def test_an_assumption_without_a_model_need_not_be_met() -> None:
    """Nobody samples V with ‖V(k+1)‖ <= γ‖V(k)‖; the steps of an induction on it are judged without it."""
    g = Givens()
    gamma = g.real("gamma", at_least=0, below=1)
    k = g.integer("k", at_least=0)
    v = g.function("v", range_(0, oo_int))
    sweep = ForAll(range_(0, oo_int), lambda t: le(abs_(v(t + 1)), gamma * abs_(v(t))))
    contracting = Prover(g.context.assuming("contracting", sweep))
    rule = contracting.fact(sweep)

    def step(pr: Prover, t: Term, hypothesis: Theorem) -> Theorem:
        once = kernel.specialise(pr.bring(rule), t)
        more = pr.linear(le(gamma * abs_(v(t)), gamma * (gamma ** real(t) * abs_(v(0)))), (hypothesis, gamma))
        same = kernel.normal_form(
            pr.context, eq(gamma * (gamma ** real(t) * abs_(v(0))), gamma ** real(t + 1) * abs_(v(0)))
        )
        return kernel.transitivity(kernel.transitivity(once, more), same)

    def base(pr: Prover) -> Theorem:
        return kernel.normal_form(pr.context, le(abs_(v(0)), gamma ** real(integer(0)) * abs_(v(0))))

    th = contracting.induction(lambda t: le(abs_(v(t)), gamma ** real(t) * abs_(v(0))), base, step)
    inner = kernel.discharge(kernel.specialise(th, k), sweep)
    report = audit(json.dumps(certificate(contracting.done(inner, inner.statement))))
    assert not of(report, "rejected"), shown(report)
    assert not of(report, "as stated"), shown(report)


def test_every_model_is_shown_also_of_inner_contexts() -> None:
    """A model narrows the instances of its context: a reader must see it wherever it stands."""
    g = Givens()
    x = g.real("x")
    wide = Prover(g.context)
    g.assume("nothing much", le(0, x**2), model={x: num(1)})
    narrow = Prover(g.context)
    th = kernel.instance(narrow.prove(le(0, x**2), algebra), {}, wide.context)
    report = audit(json.dumps(certificate(wide.done(th, th.statement))))
    assert "modelled: x := 1" in shown(report)


def test_a_model_without_a_fact_is_refused() -> None:
    g = Givens()
    x = g.real("x")
    g.assume("nothing", model={x: num(1)})
    pr = Prover(g.context)
    th = pr.prove(le(0, x**2), algebra)
    assert "states nothing" in shown(audit(json.dumps(certificate(pr.done(th, th.statement)))))


def test_an_evaluator_that_breaks_is_no_reason_to_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, p: object) -> None:
        raise ZeroDivisionError("inside an evaluator")

    monkeypatch.setattr("derivcheck.audit.instances.World.judge", broken)
    report = audit(written("gibbs"))
    assert not report.accepted
    assert "it cannot be judged: ZeroDivisionError" in shown(report)
