"""The four witnesses of a claim, one function each.

Each takes a claim and the seed of its own random stream and returns a `WitnessResult`; none knows what another found.
`witness` runs one of them so that an exception becomes an abstention, never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derivcheck.engine.opinions import opinions
from derivcheck.engine.places import place_of
from derivcheck.engine.results import Outcome, WitnessResult
from derivcheck.experiment.seeds import seed_sequence
from derivcheck.language import Context, Term, printing
from derivcheck.problem import Claim, Measurement, NotRun, Reading


@dataclass(frozen=True, slots=True)
class Stream:
    """Where a witness draws its randomness from: found by name, so that the same command draws the same numbers."""

    root_seed: int
    problem: str
    claim: str

    def sequence(self, *names: str) -> np.random.SeedSequence:
        """The seed sequence of the stream called `names`."""
        return seed_sequence(self.root_seed, self.problem, self.claim, *names)

    def integer(self, *names: str) -> int:
        """A seed for what draws its randomness from one integer."""
        return int(self.sequence(*names).generate_state(1)[0])


def witness(
    kind: str, claim: Claim, stream: Stream, *, certificate: bool = False, problem_file: Path | None = None
) -> WitnessResult:
    """Run one witness of a claim; what the code in `problem_file` and beside it raises is placed there."""
    if kind in claim.not_applicable:
        return WitnessResult(kind, Outcome.NOT_APPLICABLE, claim.not_applicable[kind])
    try:
        match kind:
            case "proof":
                return proof(claim, stream, certificate=certificate, problem_file=problem_file)
            case "instances":
                return instances(claim, stream)
            case "experiment":
                return experiment(claim, stream)
            case "network":
                return network(claim, stream)
    except MemoryError:
        return WitnessResult(kind, Outcome.ABSTAINS, "the memory allowed to a claim ran out", "DC303")
    except Exception as error:  # a defect of a witness is an abstention with its reason, never a pass
        return _raised(kind, error, f"{type(error).__name__}: {error}", "DC304", problem_file)
    raise ValueError(f"no witness is called '{kind}'")


def _raised(kind: str, error: Exception, reason: str, code: str, problem_file: Path | None) -> WitnessResult:
    """An abstention, placed where the author's code raised `error`."""
    found = WitnessResult(kind, Outcome.ABSTAINS, reason, code)
    if problem_file is None:
        return found
    place = place_of(error, problem_file)
    return replace(found, file=place.file.name, line=place.line)


# ----------------------------------------------------------------------------------------------------------- proof


def proof(
    claim: Claim, stream: Stream, *, certificate: bool = False, problem_file: Path | None = None
) -> WitnessResult:
    """Whether the claim's proof ends in the claim's statement, from the claim's hypotheses alone.

    A theorem whose hypotheses have no constructed model may be vacuous, so one is asked for here, whichever witnesses
    were selected.
    """
    if claim.proof is None:
        return WitnessResult("proof", Outcome.NOT_APPLICABLE, "no proof is given")
    from derivcheck.language import unfold
    from derivcheck.proof import Proof, ProofError, Theorem
    from derivcheck.semantics import models_exist

    try:
        found = claim.proof(claim)
    except ProofError as error:
        return _raised("proof", error, str(error), "DC202", problem_file)
    if not (isinstance(found, Proof) and isinstance(found.theorem, Theorem)):
        returned = f"the proof returns a {type(found).__name__}; end it with 'return prover.done(theorem, statement)'"
        return WitnessResult("proof", Outcome.ABSTAINS, returned, "DC203")
    theorem = found.theorem
    detail: dict[str, Any] = {"steps": [_step(s.statement, s.reason, claim.context) for s in found.steps]}

    def abstain(reason: str, code: str) -> WitnessResult:
        return WitnessResult("proof", Outcome.ABSTAINS, reason, code, detail)

    if unfold(theorem.statement) != unfold(claim.statement):
        return abstain(f"the proof ends in '{theorem.statement}', which is not the claim", "DC203")
    given = {unfold(fact) for fact in claim.context.propositions()}
    for fact in (*theorem.context.propositions(), *_ordered(theorem.hypotheses)):
        if unfold(fact) not in given:
            return abstain(f"the proof uses '{fact}', which the claim does not state", "DC204")
    for condition in _ordered(theorem.conditions):
        if unfold(condition) not in given:
            return abstain(f"the condition '{condition}' is not discharged and not stated by the claim", "DC205")
    models = models_exist(claim.context, stream.integer("model"))
    if not models.found:
        return abstain(f"no case that satisfies the hypotheses was constructed: {models.reason}", "DC206")
    detail["model"] = dict(models.example)
    for step, opinion in zip(detail["steps"], opinions([s.statement for s in found.steps], claim.context), strict=True):
        if opinion is not None:
            step["sympy"] = opinion
    detail["conditions"] = [str(c) for c in _ordered(theorem.conditions)]
    detail["assumed"] = [str(h) for h in _ordered(theorem.hypotheses)]
    if certificate:
        detail["certificate"] = found.certificate(f"{stream.problem}.{stream.claim}")
    count = len(found.steps)
    return WitnessResult("proof", Outcome.CONFIRMS, f"{count} step{'s' * (count != 1)} accepted", "", detail)


def _step(statement: Term, reason: str, context: Context) -> dict[str, str]:
    """A displayed step, printed three ways."""
    return {
        "statement": printing.text(statement, context),
        "reason": reason,
        "latex": printing.latex(statement, context),
        "mathml": printing.mathml(statement, context, display=True),
    }


def _ordered(propositions: Iterable[Term]) -> list[Term]:
    """A set of propositions in an order that does not depend on hashes."""
    return sorted(propositions, key=lambda p: p.key)


# ------------------------------------------------------------------------------------------------------- instances


def instances(claim: Claim, stream: Stream) -> WitnessResult:
    """Whether the statement holds, exactly or within rigorous balls, on concrete cases of the context."""
    from derivcheck.semantics import check

    found = check(claim.context, claim.statement, stream.integer("instances"))
    detail: dict[str, Any] = {
        "tried": found.tried,
        "exact": found.exact,
        "supported": found.supported,
        "undefined": found.undefined,
        "unknown": found.unknown,
        "coverage": plain(found.coverage),
        "unverified": list(found.unverified),
    }
    match found.outcome:
        case "refutes":
            detail["counterexample"] = str(found.counterexample)
            rigorous = found.counterexample is None or found.counterexample.evidence != "numeric"
            words = str(found.counterexample) if rigorous else f"{found.reason}: {found.counterexample}"
            return WitnessResult("instances", Outcome.REFUTES, words, "DC201", detail)
        case "undefined":
            where = f"no value although the hypotheses hold: {found.undefined_example}"
            return WitnessResult("instances", Outcome.REFUTES, where, "DC209", detail)
        case "confirms":
            return WitnessResult("instances", Outcome.CONFIRMS, found.reason, "", detail)
    return WitnessResult("instances", Outcome.ABSTAINS, found.reason, "", detail)


# ------------------------------------------------------------------------------------------------------- experiment


def experiment(claim: Claim, stream: Stream) -> WitnessResult:
    """Whether finite differences, Monte Carlo or a numeric limit agree with the statement."""
    from derivcheck.experiment.claims import Nothing
    from derivcheck.experiment.claims import experiment as measure_claim

    found = measure_claim(claim.context, claim.statement, stream.root_seed, f"{stream.problem}/{stream.claim}")
    if isinstance(found, Nothing):
        outcome = Outcome.ABSTAINS if found.applicable else Outcome.NOT_APPLICABLE
        return WitnessResult("experiment", outcome, found.reason)
    detail = found.to_json()
    outcome = Outcome.CONFIRMS if detail.pop("outcome") == "supports" else Outcome(found.outcome.value)
    return WitnessResult("experiment", outcome, detail.pop("reason"), "", detail)


# --------------------------------------------------------------------------------------------------------- network


def network(claim: Claim, stream: Stream) -> WitnessResult:
    """Whether real networks do what the claim predicts, within tolerances stated beforehand.

    The weakest measurement decides: one that refutes, else one that abstains, else one that could not run.
    """
    if not claim.networks:
        return WitnessResult("network", Outcome.NOT_APPLICABLE, "no network measurement is given")
    found = [measure(m, stream.sequence("network", m.name)) for m in claim.networks]
    order = (Outcome.REFUTES, Outcome.ABSTAINS, Outcome.NOT_RUN, Outcome.CONFIRMS)
    worst = min(found, key=lambda w: order.index(w.outcome))
    reason = "; ".join(f"{m.name}: {w.reason}" for m, w in zip(claim.networks, found, strict=True))
    if worst.outcome is not Outcome.CONFIRMS:
        reason = f"{claim.networks[found.index(worst)].name}: {worst.reason}"
    detail = dict(worst.detail)
    detail["measurements"] = [
        {"name": m.name, "summary": m.summary, "outcome": str(w.outcome), "reason": w.reason, **w.detail}
        for m, w in zip(claim.networks, found, strict=True)
    ]
    return WitnessResult("network", worst.outcome, reason, worst.code, detail)


def measure(measurement: Measurement, seed: np.random.SeedSequence) -> WitnessResult:
    """Run one measurement and compare; near misses of the prediction must fail the same comparison."""
    try:
        reading = measurement.run(seed)
    except NotRun as error:
        return WitnessResult("network", Outcome.NOT_RUN, str(error), "DC503")
    return compare(reading)


def compare(reading: Reading) -> WitnessResult:
    """Judge a reading: within tolerance, and no near miss within it."""
    predicted = np.asarray(reading.predicted, dtype=np.float64)
    measured = np.asarray(reading.measured, dtype=np.float64)
    detail: dict[str, Any] = {
        "predicted": plain(predicted),
        "measured": plain(measured),
        "tolerance": plain(np.asarray(reading.tolerance, dtype=np.float64)),
        "false_alarm": plain(reading.false_alarm),
        "detail": plain(dict(reading.detail)),
    }

    def result(outcome: Outcome, reason: str, code: str = "") -> WitnessResult:
        return WitnessResult("network", outcome, reason, code, detail)

    if measured.shape != predicted.shape or measured.size == 0:
        return result(Outcome.ABSTAINS, f"measured shape {measured.shape}, predicted shape {predicted.shape}", "DC502")
    try:
        tolerance = np.broadcast_to(np.asarray(reading.tolerance, dtype=np.float64), predicted.shape)
    except ValueError:
        return result(Outcome.ABSTAINS, "the tolerance's shape does not fit the prediction's", "DC502")
    if not (np.isfinite(predicted).all() and np.isfinite(tolerance).all() and (tolerance >= 0).all()):
        return result(Outcome.ABSTAINS, "prediction or tolerance is not a finite number", "DC502")
    if not reading.near_misses:
        return result(
            Outcome.ABSTAINS, "no near miss of the prediction is given, so the measurement shows nothing", "DC502"
        )
    ratios: dict[str, float | None] = {}
    for name, wrong in reading.near_misses.items():
        near = np.asarray(wrong, dtype=np.float64)
        if near.shape != predicted.shape or not np.isfinite(near).all():
            return result(
                Outcome.ABSTAINS, f"the near miss '{name}' is not a finite array of the prediction's shape", "DC502"
            )
        ratios[name] = plain(_worst(near, measured, tolerance))
    detail["near_misses"] = ratios
    if not np.isfinite(measured).all():
        where = int(np.flatnonzero(~np.isfinite(measured))[0])
        return result(
            Outcome.REFUTES, f"the network yields {measured.flat[where]} where {predicted.flat[where]:.6g} is predicted"
        )
    off = _worst(predicted, measured, tolerance)
    at = int(np.argmax(_ratio(predicted, measured, tolerance)))
    numbers = (
        f"measured {measured.flat[at]:.6g}, predicted {predicted.flat[at]:.6g}, tolerance {tolerance.flat[at]:.2g}"
    )
    if off > 1:
        return result(Outcome.REFUTES, numbers + (f" (the worst of {measured.size})" if measured.size > 1 else ""))
    for name, wrong in reading.near_misses.items():
        if _worst(np.asarray(wrong, dtype=np.float64), measured, tolerance) <= 1:
            return result(
                Outcome.ABSTAINS, f"the measurement cannot tell the near miss '{name}' from the claim", "DC501"
            )
    missed = f"{len(ratios)} near miss{'es' * (len(ratios) != 1)} fail{'s' * (len(ratios) == 1)}"
    return result(Outcome.CONFIRMS, f"{numbers}; {missed} the same measurement")


def _ratio(
    predicted: NDArray[np.float64], measured: NDArray[np.float64], tolerance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Entrywise |measured − predicted| / tolerance; 0/0 is 0, and a NaN counts as infinitely far off."""
    difference = np.abs(measured - predicted)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(difference == 0, 0.0, difference / tolerance)
    return np.where(np.isnan(ratio), np.inf, ratio)


def _worst(predicted: NDArray[np.float64], measured: NDArray[np.float64], tolerance: NDArray[np.float64]) -> float:
    return float(_ratio(predicted, measured, tolerance).max())


# ----------------------------------------------------------------------------------------------------- plain values


def plain(value: Any) -> Any:
    """`value` as plain JSON: arrays become lists, terms and fractions text, numbers that JSON cannot hold None."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
