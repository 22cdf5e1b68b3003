"""The problem file on the evidence lower bound: what must fail, fails.

That every claim is proved is what verifying the problem shows; here each kind of witness meets something wrong, beside
what `test_every_problem` asks of all files.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from derivcheck.engine.results import Outcome
from derivcheck.engine.witnesses import compare
from derivcheck.language import eq, le, log, num
from derivcheck.models import MissingDataError
from derivcheck.problem import NotRun, Reading
from derivcheck.proof import ProofError

elbo: Any = importlib.import_module("elbo")
models: Any = importlib.import_module("_elbo_model")
identity: Any = importlib.import_module("_elbo_identity")
bound: Any = importlib.import_module("_elbo_bound")
networks: Any = importlib.import_module("_elbo_networks")
CLAIMS = {c.name: c for c in elbo.problem.claims}
MEASUREMENTS = {m.name: m for c in elbo.problem.claims for m in c.networks}


@pytest.mark.parametrize("model", ["general", "finite"])
def test_one_proof_serves_sums_and_integrals_and_neither_with_a_wrong_factor(model: str) -> None:
    o = getattr(models, model)
    claim = CLAIMS["identity" if model == "general" else "identity-finite"]
    assert not identity.prove_identity(o)(claim).theorem.conditions
    with pytest.raises(ProofError):
        identity.prove_identity(o)(replace(claim, statement=eq(log(o.evidence), o.elbo + 2 * o.gap)))
    with pytest.raises(ProofError):
        bound.prove_bound(o)(replace(claim, statement=le(o.elbo + num(1), log(o.evidence))))


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("pathwise-mean", "exchange of ∂/∂μ and E"),
        ("score-function", "exchange of ∂/∂θ and ∫ q f"),
        ("decoder-gradient", "exchange of ∂/∂θ and E_q"),
    ],
)
def test_a_gradient_is_not_proved_without_its_exchange(name: str, condition: str) -> None:
    claim = CLAIMS[name]
    assert condition in claim.assumptions
    with pytest.raises(ProofError):
        claim.proof(replace(claim, context=claim.context.without(condition, condition)))


def read(name: str, number: int) -> Reading:
    """A reading of the measurement called `name`."""
    try:
        reading: Reading = MEASUREMENTS[name].run(np.random.SeedSequence(number))
    except NotRun as missing:
        pytest.skip(str(missing))
    return reading


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("name", list(MEASUREMENTS))
def test_networks_are_told_from_their_near_misses(name: str, number: int) -> None:
    assert compare(read(name, number)).outcome is Outcome.CONFIRMS


@pytest.mark.parametrize("wrong", ["half", "twice"])
@pytest.mark.parametrize("name", ["linear-Gaussian autoencoder", "autoencoder of digits"])
def test_a_wrong_factor_on_the_kl_breaks_both_networks(name: str, wrong: str) -> None:
    reading = read(name, 0)
    broken = replace(
        reading,
        predicted=reading.near_misses[f"{wrong} the KL"],
        near_misses={"something far away": reading.predicted + 1e3},
    )
    assert compare(broken).outcome is Outcome.REFUTES


def test_without_the_digits_the_measurement_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingDataError("install the extra")

    monkeypatch.setattr(networks.m, "digits", missing)
    with pytest.raises(NotRun, match="install"):
        networks.digits_bound(np.random.SeedSequence(0))
