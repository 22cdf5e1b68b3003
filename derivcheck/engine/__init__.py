"""The engine: from problem files to a report.

Problems are found without running them (`catalogue`); each claim runs in a process of its own (`processes`, `worker`),
where its witnesses are asked (`witnesses`) and a verdict is computed from what they found (`verdict`); finished work is
kept by content (`fingerprint`, `cache`).

>>> from derivcheck.engine import verify
>>> verify("softmax-jacobian").verdict  # doctest: +SKIP
<Verdict.PROVED: 'proved'>
"""

from __future__ import annotations

from derivcheck.engine.results import ClaimResult, Outcome, ProblemResult, Report, Verdict, WitnessResult
from derivcheck.engine.run import Interrupted, Options, last_verdicts, verify, verify_entries

__all__ = [
    "ClaimResult",
    "Interrupted",
    "Options",
    "Outcome",
    "ProblemResult",
    "Report",
    "Verdict",
    "WitnessResult",
    "last_verdicts",
    "verify",
    "verify_entries",
]
