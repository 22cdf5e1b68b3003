"""What the engine asks of `derivcheck.mutation`."""

from __future__ import annotations

import pytest

from derivcheck.engine.near_misses import sensitivity
from derivcheck.engine.results import Outcome, WitnessResult
from derivcheck.engine.witnesses import Stream
from derivcheck.language import D, Givens, eq
from derivcheck.problem import Claim


@pytest.mark.parametrize("experiment", [Outcome.CONFIRMS, Outcome.ABSTAINS, Outcome.REFUTES])
def test_the_witnesses_that_confirm_a_claim_are_asked_what_they_catch(experiment: Outcome) -> None:
    g = Givens()
    x = g.real("x")
    claim = Claim("cube", "", g.context, eq(D(x**3, x), 3 * x**2))
    witnesses = (WitnessResult("instances", Outcome.CONFIRMS, ""), WitnessResult("experiment", experiment, ""))
    caught = {s.witness: s.caught for s in sensitivity(claim, Stream(0, "powers", "cube"), witnesses)}
    asked = {Outcome.CONFIRMS: {"instances", "experiment"}, Outcome.ABSTAINS: {"instances"}, Outcome.REFUTES: set()}
    assert set(caught) == asked[experiment]
    assert all(smallest == 1e-6 for smallest in caught.values())
