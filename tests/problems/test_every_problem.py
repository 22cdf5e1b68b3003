"""Every problem file: what is printed wrong and what is misunderstood is refuted, and no proof ends in it."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from derivcheck.problem import Claim, Misconception
from derivcheck.proof import ProofError
from derivcheck.semantics import check

SEED = 3
FILES = sorted((Path(__file__).parents[2] / "problems").rglob("[!_]*.py"))
CLAIMS: dict[str, Claim] = {
    f"{problem.id}/{claim.name}": claim
    for problem in (importlib.import_module(file.stem).problem for file in FILES)
    for claim in problem.claims
}
MISCONCEPTIONS = [
    pytest.param(claim, wrong, id=f"{name}: {wrong.name}")
    for name, claim in CLAIMS.items()
    for wrong in claim.misconceptions
]


@pytest.mark.parametrize("claim", [pytest.param(c, id=name) for name, c in CLAIMS.items() if c.as_printed])
def test_what_is_printed_wrong_is_refuted(claim: Claim) -> None:
    assert check(claim.context, claim.statement, SEED).outcome == "refutes"


@pytest.mark.parametrize(("claim", "wrong"), MISCONCEPTIONS)
def test_misconceptions_are_refuted(claim: Claim, wrong: Misconception) -> None:
    assert check(wrong.context or claim.context, wrong.statement, SEED).outcome == "refutes"


@pytest.mark.parametrize(("claim", "wrong"), MISCONCEPTIONS)
def test_the_proof_does_not_prove_a_misconception(claim: Claim, wrong: Misconception) -> None:
    assert claim.proof is not None
    with pytest.raises(ProofError):
        claim.proof(replace(claim, statement=wrong.statement, context=wrong.context or claim.context))
