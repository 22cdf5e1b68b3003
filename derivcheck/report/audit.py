"""What an audit found, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from derivcheck.audit import AuditReport
from derivcheck.language.certificates import Inference


def text(report: AuditReport) -> str:
    """The report for a terminal: the verdict, what was checked how, what is claimed, and what is wrong or open.

    What it ``shows``, what is ``given``, ``under`` which hypotheses and ``if`` which conditions is printed from the
    terms that were checked, for a reader to compare with what was meant; so are the models (`_claim`), for a reader to
    see that they are as general as the facts that they stand for.
    """
    return "\n  ".join(_lines(report))


def _lines(report: AuditReport) -> Iterator[str]:
    counts = Counter(f.outcome for f in report.findings)
    wrong = report.complaints or counts["rejected"]
    yield f"{'accepted' if report.accepted else 'REJECTED' if wrong else 'UNDECIDED'}: {report.name}"
    yield from report.complaints
    if report.findings:
        outcomes = ("structure", "instances", "as stated", "rejected")
        yield ", ".join(f"{counts[o]} {o}" for o in outcomes) + f", of {len(report.findings)} theorems"
        yield from _claim(tuple(f.step for f in report.findings))
    for outcome in ("rejected", "as stated"):
        for f in report.findings:
            if f.outcome == outcome:
                yield f"theorem {f.step.number} ({f.step.rule}) {outcome}: {f.step.statement}: {f.reason}"


def _claim(steps: tuple[Inference, ...]) -> Iterator[str]:
    """What is claimed, and what is ``modelled``: symbols whose instances the certificate itself defines."""
    conclusion = steps[-1]
    yield f"shows: {conclusion.statement}"
    yield from (f"given: {label}: {fact}" for label, fact in conclusion.context.facts())
    yield from sorted(f"under: {h}" for h in conclusion.hypotheses)
    yield from sorted(f"if: {c}" for c in conclusion.conditions)
    models = dict.fromkeys(pair for step in steps for d in step.context.declarations for pair in d.model)
    yield from (f"modelled: {symbol} := {term}" for symbol, term in models)
