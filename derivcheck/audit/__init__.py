"""The second opinion: re-checks a certificate without the code that made it.

Structural rules are derived again (`rules`); identities and inequalities of the normal form are judged on fresh
interpretations (`instances`), which know meanings and no algebra.  What that guarantees, and what it cannot see, stands
in ``docs/audit.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from derivcheck.audit.declarations import irregular
from derivcheck.audit.instances import Instances, Refuted, Unchecked
from derivcheck.audit.reading import Certificate, Inference, Malformed, read
from derivcheck.audit.rules import Refused, structure
from derivcheck.semantics import models_exist

__all__ = ["AuditReport", "Finding", "audit", "audit_file", "check_inference"]

#: Rules whose work is algebra or analysis: their statements are judged on instances.
JUDGED = ("normal_form", "matrix_words", "linear", "limit")
#: What may become of a step.
OUTCOMES = ("structure", "instances", "as stated", "rejected")


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one theorem of a certificate.

    ``outcome`` is ``structure`` (derived again), ``instances`` (held on fresh instances), ``as stated`` (could not be
    checked; the reason says why) or ``rejected`` (the reason says why).
    """

    number: int
    rule: str
    statement: str
    outcome: str
    reason: str = ""

    def __str__(self) -> str:
        return f"theorem {self.number} ({self.rule}): {self.outcome}: {self.statement}: {self.reason}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the audit of one certificate found.

    Attributes
    ----------
    name : str
        What the certificate calls its claim.
    given, conclusion : tuple of str, str
        What is given, and what is claimed to follow, printed from the terms that were checked.
    hypotheses, conditions : tuple of str
        What the conclusion still rests on.
    modelled : tuple of str
        Symbols whose instances the certificate itself defines, in any of its contexts: it is for a reader to see that
        these definitions are as general as the facts that they stand for.
    findings : tuple of Finding
        One a theorem.
    complaints : tuple of str
        What is wrong with the certificate as a whole.
    """

    name: str
    given: tuple[str, ...] = ()
    conclusion: str = ""
    hypotheses: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    modelled: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    complaints: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Nothing was rejected."""
        return not self.complaints and not self.of("rejected")

    @property
    def exit_status(self) -> int:
        """0 if it is accepted, else 1."""
        return 0 if self.accepted else 1

    def of(self, outcome: str) -> tuple[Finding, ...]:
        """The findings with one outcome."""
        return tuple(f for f in self.findings if f.outcome == outcome)

    def __str__(self) -> str:
        counts = Counter(f.outcome for f in self.findings)
        stated = f", {counts['as stated']} theorems taken as stated" if counts["as stated"] else ""
        lines = [f"{'accepted' + stated if self.accepted else 'REJECTED'}: {self.name}"]
        lines += [f"  {complaint}" for complaint in self.complaints]
        if self.findings:
            lines.append("  " + ", ".join(f"{counts[o]} {o}" for o in OUTCOMES) + f", of {len(self.findings)} theorems")
            lines.append(f"  shows: {self.conclusion}")
        shown = {"given": self.given, "under": self.hypotheses, "if": self.conditions, "modelled": self.modelled}
        lines += [f"  {title}: {item}" for title, items in shown.items() for item in items]
        lines += [f"  {f}" for f in self.of("rejected")]
        reasons: dict[str, list[str]] = {}
        for f in self.of("as stated"):
            reasons.setdefault(f.reason, []).append(f"{f.number} ({f.rule})")
        lines += [f"  as stated: {', '.join(numbers)}: {reason}" for reason, numbers in reasons.items()]
        return "\n".join(lines)


def audit_file(path: Path | str, seed: int | None = None) -> AuditReport:
    """Re-check the certificate in a file; a file that is none is rejected with the reason."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return AuditReport(str(path), complaints=(f"cannot be read: {error}",))
    return audit(text, seed, name=str(path))


def audit(text: str, seed: int | None = None, *, name: str = "certificate") -> AuditReport:
    """Re-check a certificate.

    Parameters
    ----------
    text : str
        The certificate as JSON.
    seed : int, optional
        Where the instances start; by default the content decides, so that equal files give equal reports.
    name : str
        What to call it if it cannot be read.
    """
    try:
        certificate = read(text)
    except Malformed as error:
        return AuditReport(name, complaints=(f"malformed: {error}",))
    if seed is None:
        seed = int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")
    try:
        return _report(certificate, seed)
    except Exception as error:  # whatever a forged file may hold, it gets a report
        return AuditReport(certificate.name, complaints=(f"cannot be audited: {type(error).__name__}: {error}",))


def _report(certificate: Certificate, seed: int) -> AuditReport:
    instances = Instances(seed)
    conclusion = certificate.conclusion
    contexts = dict.fromkeys(step.context for step in certificate.inferences)
    models = (f"{s} := {t}" for context in contexts for d in context.declarations for s, t in d.model)
    return AuditReport(
        certificate.name,
        tuple(f"{label}: {fact}" for label, fact in conclusion.context.facts()),
        str(conclusion.statement),
        tuple(sorted(map(str, conclusion.hypotheses))),
        tuple(sorted(map(str, conclusion.conditions))),
        tuple(dict.fromkeys(models)),
        tuple(check_inference(step, instances) for step in certificate.inferences),
        tuple(_complaints(certificate, seed)),
    )


def check_inference(step: Inference, instances: Instances) -> Finding:
    """Re-check one theorem, its premises taken for granted."""
    outcome, reason = "instances" if step.rule in JUDGED else "structure", ""
    try:
        derived = structure(step)
        for t in derived.defined:
            instances.defined(step, t)
        for p in derived.known:
            instances.known(step, p)
        if step.rule in JUDGED:
            instances.step(step)
    except (Refused, Refuted) as error:
        outcome, reason = "rejected", str(error)
    except Unchecked as error:
        outcome, reason = "as stated", str(error)
    except Exception as error:  # a forged term may break an evaluator: that is no reason to stop, nor to accept
        outcome, reason = "rejected", f"it cannot be judged: {type(error).__name__}: {error}"
    return Finding(step.number, step.rule, str(step.statement), outcome, reason)


def _complaints(certificate: Certificate, seed: int) -> Iterator[str]:
    """What is wrong with the certificate as a whole."""
    contexts = dict.fromkeys(step.context for step in certificate.inferences)
    yield from dict.fromkeys(complaint for context in contexts for complaint in irregular(context))
    models = models_exist(certificate.conclusion.context, seed)
    if not models.found:
        yield f"nothing satisfies what is given, so that it would show anything: {models.reason}"
    shown = {step.statement for step in certificate.inferences}
    for statement in certificate.displayed:
        if statement not in shown:
            yield f"the displayed step '{statement}' is no theorem of the proof"
