"""Real certificates are accepted, step by step; what is none is refused with its reason."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from proofs import PROOFS

from derivcheck.audit import audit, audit_file
from derivcheck.audit.rules import RULES
from derivcheck.language import ForAll, Givens, Sum, Term, abs_, eq, integer, le, num, oo_int, range_, real
from derivcheck.proof import Prover, Theorem, algebra, kernel
from derivcheck.proof.certificate import certificate


@cache
def written(name: str) -> str:
    return json.dumps(certificate(PROOFS[name](), name))


@pytest.mark.parametrize("name", PROOFS)
def test_a_real_certificate_is_accepted(name: str) -> None:
    report = audit(written(name))
    assert report.accepted, str(report)
    assert not report.of("as stated"), str(report)
    assert report.exit_status == 0
    assert report.name == name
    assert len(report.findings) == len(json.loads(written(name))["theorems"])


def test_every_rule_is_met() -> None:
    used = {theorem["rule"] for name in PROOFS for theorem in json.loads(written(name))["theorems"]}
    assert used == set(RULES)


def test_every_rule_of_the_kernel_is_written_a_second_time() -> None:
    """A rule that the kernel gains is a rule that the audit must learn."""
    sources = [file.read_text(encoding="utf-8") for file in Path(kernel.__file__).parent.glob("*.py")]
    functions = [f for source in sources for f in ast.parse(source).body if isinstance(f, ast.FunctionDef)]
    rules = {f.name for f in functions if "-> Theorem" in _head(f) and not f.name.startswith("_")}
    assert rules - {"conclude"} == set(RULES)


def _head(function: ast.FunctionDef) -> str:
    return ast.unparse(function).split(":\n")[0]


def test_equal_files_give_equal_reports() -> None:
    assert audit(written("gibbs")) == audit(written("gibbs"))
    assert audit(written("gibbs"), seed=7).accepted


def test_the_report_says_what_was_shown(tmp_path: Path) -> None:
    file = tmp_path / "average.json"
    file.write_text(written("moving_average"), encoding="utf-8")
    report = audit_file(file)
    text = str(report)
    assert text.startswith("accepted: moving_average")
    assert "shows: f[t] = (1 - alpha)^t*f_0" in text
    assert "modelled: f := " in text
    assert any(line.startswith("alpha above: 0 < alpha") for line in report.given)


def test_what_the_conclusion_rests_on_is_shown() -> None:
    g = Givens()
    x, y = g.real("x"), g.real("y")
    pr = Prover(g.context)
    th = kernel.normal_form(g.context, eq(x / y, 1), [pr.assume(eq(x, y))])
    report = audit(json.dumps(certificate(pr.done(th, th.statement))))
    assert report.accepted
    assert report.hypotheses == ("x = y",)
    assert report.conditions == ("y != 0",)


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
        (changed(lambda d: d["nodes"].append({"op": "sym", "sort": "real", "data": "\ue0010"})), "reserved"),
    ],
)
def test_what_is_no_certificate_is_refused(text: str, why: str) -> None:
    report = audit(text)
    assert not report.accepted
    assert report.exit_status == 1
    assert why in str(report), str(report)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in str(audit_file(tmp_path / "none.json"))
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in str(audit_file(binary))


def test_a_claim_about_nothing_is_refused() -> None:
    """From contradictory facts everything follows; the audit asks for something that satisfies them."""
    g = Givens()
    x = g.real("x", above=1, below=0)
    pr = Prover(g.context)
    th = pr.prove(eq(x, x + 1 - 1), algebra)
    report = audit(json.dumps(certificate(pr.done(th, th.statement))))
    assert not report.accepted
    assert "nothing satisfies what is given" in str(report)


def test_a_step_whose_premise_sampling_cannot_meet_says_so() -> None:
    """Σ f = 0 ⊢ 2 Σ f = 0: the equation is put in; Σ f² + r² = 47 ⊢ 2 Σ f² <= 94 cannot be sampled."""
    g = Givens()
    n = g.size("n")
    f = g.vector("f", n)
    total = Sum(1, n, lambda j: f(j))
    pr = Prover(g.context)
    easy = kernel.normal_form(g.context, eq(2 * total, 0), [pr.assume(eq(total, 0))])
    assert audit(json.dumps(certificate(pr.done(easy, easy.statement)))).accepted
    squares = Sum(1, n, lambda j: f(j) ** 2)
    rest = g.real("r")
    pr = Prover(g.context)
    hard = kernel.normal_form(g.context, le(squares + squares, 94), [pr.assume(eq(squares + rest**2, 47))])
    report = audit(json.dumps(certificate(pr.done(hard, hard.statement))))
    assert report.accepted
    (finding,) = report.of("as stated")
    assert "too few are left" in finding.reason


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
    assert not report.of("rejected"), str(report)
    assert not report.of("as stated"), str(report)


def test_every_model_is_shown_also_of_inner_contexts() -> None:
    """A model narrows the instances of its context: a reader must see it wherever it stands."""
    g = Givens()
    x = g.real("x")
    wide = Prover(g.context)
    g.assume("nothing much", le(0, x**2), model={x: num(1)})
    narrow = Prover(g.context)
    th = kernel.instance(narrow.prove(le(0, x**2), algebra), {}, wide.context)
    report = audit(json.dumps(certificate(wide.done(th, th.statement))))
    assert report.modelled == ("x := 1",)


def test_a_model_without_a_fact_is_refused() -> None:
    g = Givens()
    x = g.real("x")
    g.assume("nothing", model={x: num(1)})
    pr = Prover(g.context)
    th = pr.prove(le(0, x**2), algebra)
    assert "states nothing" in str(audit(json.dumps(certificate(pr.done(th, th.statement)))))


def test_an_evaluator_that_breaks_is_no_reason_to_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, p: object) -> None:
        raise ZeroDivisionError("inside an evaluator")

    monkeypatch.setattr("derivcheck.audit.instances.World.judge", broken)
    report = audit(written("gibbs"))
    assert not report.accepted
    assert "it cannot be judged: ZeroDivisionError" in str(report)
