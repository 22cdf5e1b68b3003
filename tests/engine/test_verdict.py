"""From evidence to a verdict: every combination keeps its place in the order."""

from __future__ import annotations

from itertools import product

import pytest

from derivcheck.diagnostics import CODES
from derivcheck.engine.results import Outcome, Verdict, WitnessResult
from derivcheck.engine.verdict import judge

KINDS = ("proof", "instances", "experiment", "network")
#: The kernel accepts or abstains; it refutes nothing.
PROOF = [o for o in Outcome if o is not Outcome.REFUTES]


def evidence(*outcomes: Outcome, codes: tuple[str, ...] = ("", "", "", "")) -> list[WitnessResult]:
    return [WitnessResult(k, o, f"because of {k}", c) for k, o, c in zip(KINDS, outcomes, codes, strict=True)]


ALL = [evidence(p, *rest) for p in PROOF for rest in product(Outcome, repeat=3)]


def test_every_combination() -> None:
    for found in ALL:
        check(found)


def check(found: list[WitnessResult]) -> None:
    verdict, reason, code = judge(found)
    outcomes = {w.kind: w.outcome for w in found}
    if Outcome.REFUTES in outcomes.values():
        assert verdict is Verdict.REFUTED
        assert (code == "DC401") == (outcomes["proof"] is Outcome.CONFIRMS)
    elif outcomes["proof"] is Outcome.CONFIRMS:
        assert verdict is Verdict.PROVED
    elif outcomes["proof"] is Outcome.ABSTAINS:
        assert verdict is Verdict.UNDECIDED
    elif Outcome.CONFIRMS in outcomes.values():
        assert verdict is Verdict.SUPPORTED
    else:
        assert verdict is Verdict.UNDECIDED
    assert reason
    assert code in CODES or verdict in (Verdict.PROVED, Verdict.SUPPORTED)


def test_leaving_out_a_witness_that_confirms_never_raises_the_verdict() -> None:
    for found, left_out in product(ALL, KINDS):
        gone = next(w.outcome for w in found if w.kind == left_out)
        if gone in (Outcome.CONFIRMS, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN):
            fewer = [WitnessResult(w.kind, Outcome.NOT_RUN, "not selected") if w.kind == left_out else w for w in found]
            assert judge(fewer)[0].strength <= judge(found)[0].strength


def test_a_contradiction_is_loud() -> None:
    found = evidence(Outcome.CONFIRMS, Outcome.REFUTES, Outcome.CONFIRMS, Outcome.CONFIRMS)
    verdict, reason, code = judge(found)
    assert verdict is Verdict.REFUTED and code == "DC401" and "INTERNAL INCONSISTENCY" in reason


@pytest.mark.parametrize("code", ["DC301", "DC302", "DC303"])
def test_what_was_cut_off_is_undecided_even_after_a_proof(code: str) -> None:
    found = evidence(Outcome.CONFIRMS, Outcome.CONFIRMS, Outcome.CONFIRMS, Outcome.ABSTAINS, codes=("", "", "", code))
    assert judge(found)[0] is Verdict.UNDECIDED


def test_a_vacuous_theorem_is_not_proved() -> None:
    found = evidence(Outcome.CONFIRMS, Outcome.ABSTAINS, Outcome.NOT_RUN, Outcome.NOT_RUN, codes=("", "DC206", "", ""))
    assert judge(found) == (Verdict.UNDECIDED, "instances: because of instances", "DC206")


def test_no_evidence_decides_nothing() -> None:
    assert judge([])[0] is Verdict.UNDECIDED
