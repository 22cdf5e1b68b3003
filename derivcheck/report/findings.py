"""What in a report needs attention, as diagnostics with a place: shared by the text, JUnit and GitHub reports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from derivcheck.diagnostics import CODES, Diagnostic
from derivcheck.engine.results import ClaimResult, Outcome, ProblemResult, Verdict, WitnessResult


def errors(result: ProblemResult) -> Iterator[Diagnostic]:
    """What makes the run fail."""
    yield from failure(result)
    for claim in result.claims:
        yield from claim_errors(result, claim)


def failure(result: ProblemResult) -> Iterator[Diagnostic]:
    """Why the problem file could not be used, if it could not."""
    if result.failure:
        yield Diagnostic(result.failure_code, result.failure, result.failure_file, result.failure_line)


def place(d: Diagnostic) -> str:
    """Where to look, from the current folder if the file is below it."""
    file = Path(d.file)
    with contextlib.suppress(ValueError, OSError):
        file = file.relative_to(Path.cwd())
    return f"{file}:{d.line}" if d.line else str(file)


def claim_errors(result: ProblemResult, claim: ClaimResult) -> Iterator[Diagnostic]:
    """What makes the run fail at one claim."""
    where = f"{result.id}/{claim.name}"

    def at(code: str, message: str) -> Diagnostic:
        # What left a claim undecided stands at the step that was refused, or at the line that raised.
        culprits = [w for w in claim.witnesses if w.line and claim.verdict is Verdict.UNDECIDED]
        file, line = _raised_at(result, culprits[0]) if culprits else (claim.file, claim.line)
        return Diagnostic(code, f"{where} {message}", file, line, f"derivcheck verify --explain {code}")

    if claim.as_printed:
        if not claim.as_expected:
            yield at("DC208", f"is recorded as printed wrongly, yet it is {claim.verdict}: {claim.reason}")
        return
    if claim.verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        code = claim.code if claim.code in CODES else "DC207"
        yield at(code, f"is {claim.verdict}: {claim.reason}")
    for miss in claim.surviving:
        yield at("DC601", f"has a near miss that survived ({miss.kind}): {miss.statement}")


def warnings(result: ProblemResult) -> Iterator[Diagnostic]:
    """Witnesses that did not do their work although the claim's verdict stands."""
    for claim in result.claims:
        if not claim.as_expected:
            continue
        for w in claim.witnesses:
            if w.code and w.outcome in (Outcome.ABSTAINS, Outcome.NOT_RUN):
                file, line = _raised_at(result, w) if w.line else (claim.file, claim.line)
                yield Diagnostic(w.code, f"{result.id}/{claim.name} {w.kind}: {w.reason}", file, line)


def _raised_at(result: ProblemResult, w: WitnessResult) -> tuple[str, int]:
    """Where a witness was raised from: a line of the problem file, or of a module beside it."""
    return str(Path(result.file).with_name(w.file)), w.line
