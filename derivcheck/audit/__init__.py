"""The second opinion: re-checks a certificate without the code that made it.

The rules are inference figures (`rules`); algebra and side conditions are judged on fresh interpretations
(`instances`), which know meanings and no algebra.  What that guarantees, and what it cannot see: ``docs/audit.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from derivcheck.audit.instances import Instances, Unchecked
from derivcheck.audit.rules import JUDGED, Rejected, derive
from derivcheck.language import LanguageError
from derivcheck.language.certificates import Inference, read
from derivcheck.semantics import models_exist

__all__ = ["AuditReport", "Finding", "audit", "audit_file", "check_inference"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one theorem.

    ``outcome`` is ``structure`` (its rule's figure gives it), ``instances`` (it held on instances), ``as stated`` (it
    could not be checked) or ``rejected``; of the last two, ``reason`` says why.
    """

    step: Inference
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the audit of one certificate found: of each theorem, the claim last, and as a whole.

    `derivcheck.report.audit` writes it out, with what a reader should compare with what was meant.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    complaints: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """All was checked, and nothing was found wrong."""
        return not self.complaints and all(f.outcome in ("structure", "instances") for f in self.findings)


def audit_file(path: Path | str, seed: int | None = None) -> AuditReport:
    """Re-check the certificate in a file; a file that is none is rejected with the reason."""
    try:
        return audit(Path(path).read_text(encoding="utf-8"), seed, name=str(path))
    except (OSError, UnicodeDecodeError) as error:
        return AuditReport(str(path), complaints=(f"cannot be read: {error}",))


def audit(text: str, seed: int | None = None, *, name: str = "certificate") -> AuditReport:
    """Re-check a certificate, given as JSON; `name` is what to call it if it cannot be read.

    Instances start at `seed`; by default the content decides, so that equal files give equal reports.
    """
    if seed is None:
        seed = int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")
    try:
        certificate = read(text)
        instances, steps = Instances(seed), certificate.inferences
        findings = tuple(check_inference(step, instances) for step in steps)
        unshown = set(certificate.displayed) - {step.statement for step in steps}
        complaints = [f"the displayed step '{statement}' is no theorem of the proof" for statement in unshown]
        models = models_exist(steps[-1].context, seed)
        if not models.found:
            complaints.append(f"nothing satisfies what is given, so that it would show anything: {models.reason}")
        return AuditReport(certificate.name, findings, tuple(complaints))
    except Exception as error:  # whatever a forged file may hold, it gets a report
        why = "malformed" if isinstance(error, LanguageError) else f"cannot be audited: {type(error).__name__}"
        return AuditReport(name, complaints=(f"{why}: {error}",))


def check_inference(step: Inference, instances: Instances) -> Finding:
    """Re-check one theorem, its premises taken for granted."""
    try:
        for p in derive(step):
            instances.ask(step, p)
        return Finding(step, "instances" if step.rule in JUDGED else "structure")
    except Rejected as error:
        return Finding(step, "rejected", str(error))
    except Unchecked as error:
        return Finding(step, "as stated", str(error))
    except Exception as error:  # a forged term may break an evaluator: that is no reason to stop, nor to accept
        return Finding(step, "rejected", f"it cannot be judged: {type(error).__name__}: {error}")
