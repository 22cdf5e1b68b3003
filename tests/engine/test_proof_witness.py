"""What a proof must end in, and rest on: each way to cheat is refused under a code of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from derivcheck.engine.results import Outcome
from derivcheck.engine.witnesses import Stream, proof
from derivcheck.language import Context, Givens, Term, eq, ne
from derivcheck.problem import Claim
from derivcheck.proof import Proof, Prover, algebra

givens = Givens()
x, y = givens.real("x"), givens.real("y")
CONTEXT = givens.context
ONE = eq(x / x, 1)


def outcome(context: Context, statement: Term, prove: Callable[[Claim], Any]) -> tuple[Outcome, str, str]:
    """Outcome, code and reason of the proof of a claim."""
    found = proof(Claim("c", "", context, statement, proof=prove), Stream(0, "p", "c"))
    return found.outcome, found.code, found.reason


def test_a_proof_of_the_claim_confirms() -> None:
    assert outcome(CONTEXT, eq(x + y, y + x), _by_algebra)[0] is Outcome.CONFIRMS


def _by_algebra(claim: Claim) -> Proof:
    prover = Prover(claim.context)
    return prover.done(prover.prove(claim.statement, algebra), claim.statement)


@pytest.mark.parametrize(
    "returned",
    [
        lambda claim: Prover(claim.context).chain(x + y).eq(y + x, algebra),
        lambda claim: Prover(claim.context).prove(claim.statement, algebra),
        lambda claim: None,
    ],
    ids=["chain", "theorem", "nothing"],
)
def test_what_is_no_finished_proof_says_how_to_finish_it(returned: Callable[[Claim], Any]) -> None:
    kind, code, reason = outcome(CONTEXT, eq(x + y, y + x), returned)
    assert (kind, code) == (Outcome.ABSTAINS, "DC203")
    assert "prover.done" in reason


def test_another_statement_is_not_the_claim() -> None:
    def other(claim: Claim) -> Proof:
        prover = Prover(claim.context)
        return prover.done(prover.prove(eq(x, x), algebra), eq(x, x))

    kind, code, reason = outcome(CONTEXT, eq(x, y), other)
    assert (kind, code) == (Outcome.ABSTAINS, "DC203")
    assert "x = x" in reason


def test_a_hypothesis_that_the_claim_does_not_state_is_refused() -> None:
    def assuming(claim: Claim) -> Proof:
        prover = Prover(claim.context)
        return prover.done(prover.assume(claim.statement), claim.statement)

    def elsewhere(claim: Claim) -> Proof:
        prover = Prover(claim.context.assuming("convenient", claim.statement))
        return prover.done(prover.fact(claim.statement), claim.statement)

    for cheat in (assuming, elsewhere):
        kind, code, reason = outcome(CONTEXT, eq(x, y), cheat)
        assert (kind, code) == (Outcome.ABSTAINS, "DC204")
        assert "x = y" in reason


def test_a_condition_must_be_stated() -> None:
    def through(claim: Claim) -> Proof:
        chain = Prover(claim.context).chain(x).eq(x * y / y, algebra).eq(x, algebra)
        return chain.prover.done(chain.theorem, eq(x, x))

    kind, code, reason = outcome(CONTEXT, eq(x, x), through)
    assert (kind, code) == (Outcome.ABSTAINS, "DC205")
    assert "y != 0" in reason
    assert outcome(CONTEXT.assuming("nonzero", ne(y, 0)), eq(x, x), through)[0] is Outcome.CONFIRMS


def test_hypotheses_without_a_model_prove_nothing() -> None:
    impossible = CONTEXT.assuming("impossible", eq(x, x + 1))

    def from_it(claim: Claim) -> Proof:
        prover = Prover(claim.context)
        return prover.done(prover.fact(eq(x, x + 1)), claim.statement)

    kind, code, reason = outcome(impossible, eq(x, x + 1), from_it)
    assert (kind, code) == (Outcome.ABSTAINS, "DC206")
    assert "impossible" in reason
