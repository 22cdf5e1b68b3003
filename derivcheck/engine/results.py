"""What verification yields: frozen records, from one witness up to the report of a run.

They hold text and plain numbers only (no terms, no arrays), so that they travel between processes, into the cache and
into every report unchanged.

>>> w = WitnessResult("proof", Outcome.CONFIRMS, "3 steps accepted")
>>> WitnessResult.from_json("proof", w.to_json()) == w
True
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What one witness says of a claim."""

    CONFIRMS = "confirms"
    REFUTES = "refutes"
    ABSTAINS = "abstains"
    NOT_APPLICABLE = "not-applicable"
    NOT_RUN = "not-run"


class Verdict(StrEnum):
    """What the evidence amounts to."""

    PROVED = "proved"
    SUPPORTED = "supported"
    UNDECIDED = "undecided"
    REFUTED = "refuted"

    @property
    def strength(self) -> int:
        """3 for proved down to 0 for refuted."""
        return ("refuted", "undecided", "supported", "proved").index(self.value)


class Fate(StrEnum):
    """What became of a near miss; only the first is a success of the checks, and the last is a defect."""

    KILLED = "killed"
    STILL_TRUE = "still-true"
    ILL_FORMED = "ill-formed"
    UNDEFINED = "undefined"
    VACUOUS = "vacuous"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class WitnessResult:
    """What one witness found.

    Attributes
    ----------
    kind : str
        ``proof``, ``instances``, ``experiment`` or ``network``.
    outcome, reason
        The answer, and one sentence a reader can act on.
    code : str
        A code of `derivcheck.diagnostics`, or empty.
    detail : mapping
        What this kind of witness adds to the JSON report (steps, sample sizes, measured numbers, ...): plain JSON
        values.
    file, line : str, int
        Where in the author's code it was raised: the name of the problem file or of a module beside it; line 0 where
        there is no such place.
    """

    kind: str
    outcome: Outcome
    reason: str
    code: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    line: int = 0

    def to_json(self) -> dict[str, Any]:
        """The JSON report's form."""
        out: dict[str, Any] = {"outcome": str(self.outcome), "reason": self.reason}
        if self.code:
            out["code"] = self.code
        return out | dict(self.detail)

    @classmethod
    def from_json(cls, kind: str, data: Mapping[str, Any]) -> WitnessResult:
        """Read back what `to_json` wrote."""
        rest = {k: v for k, v in data.items() if k not in ("outcome", "reason", "code")}
        return cls(kind, Outcome(data["outcome"]), data["reason"], data.get("code", ""), rest)


def _plain_steps(w: WitnessResult) -> dict[str, Any]:
    """The steps of a proof without their LaTeX and MathML."""
    if "steps" not in w.detail:
        return {}
    return {"steps": [{k: s[k] for k in ("statement", "reason", "sympy") if k in s} for s in w.detail["steps"]]}


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One wrong variant of a claim and what became of it.

    ``kind`` is the kind of change (sign, factor, exponent, ...), ``evidence`` the counterexample, the proof, or what
    makes no sense.
    """

    kind: str
    statement: str
    fate: Fate
    evidence: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The smallest planted relative error that each witness of a claim caught (None: none of those planted)."""

    witness: str
    caught: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim with its evidence and the verdict computed from it.

    ``statement``, ``latex`` and ``mathml`` are the statement printed three ways.  ``conditions`` are the definedness
    conditions the proof needed beyond what it discharged, ``assumed`` the analytic facts it rests on.  ``file`` and
    ``line`` say where it is written: in the problem's file, or in a module beside it.
    """

    name: str
    summary: str
    statement: str
    latex: str
    mathml: str
    given: tuple[str, ...]
    as_printed: bool
    verdict: Verdict
    reason: str
    code: str
    conditions: tuple[str, ...]
    assumed: tuple[str, ...]
    witnesses: tuple[WitnessResult, ...]
    near_misses: tuple[NearMiss, ...] | None = None
    sensitivity: tuple[Sensitivity, ...] = ()
    certificate: Mapping[str, Any] | None = None
    seconds: float = 0.0
    file: str = ""
    line: int = 0

    def witness(self, kind: str) -> WitnessResult:
        """The witness of one kind."""
        return next(w for w in self.witnesses if w.kind == kind)

    @property
    def surviving(self) -> tuple[NearMiss, ...]:
        """Near misses that nothing killed although they are not known to be true."""
        return tuple(m for m in self.near_misses or () if m.fate is Fate.SURVIVED)

    @property
    def as_expected(self) -> bool:
        """Whether this is what the author of the claim says it is, with no near miss surviving.

        A claim as printed is to be refuted; where its refuting witnesses were left out by ``--witness`` it is
        undecided, and nothing is expected of it.
        """
        if self.as_printed:
            left_out = any(w.outcome is Outcome.NOT_RUN and w.code == "" for w in self.witnesses)
            return self.verdict is Verdict.REFUTED or (self.verdict is Verdict.UNDECIDED and left_out)
        return self.verdict.strength >= Verdict.SUPPORTED.strength and not self.surviving

    def mutant_counts(self) -> dict[str, int]:
        """How many near misses met which fate; a vacuous one (its hypotheses have no model) counts as undefined."""
        fates = [m.fate for m in self.near_misses or ()]
        return {
            "killed": fates.count(Fate.KILLED),
            "still_true": fates.count(Fate.STILL_TRUE),
            "ill_formed": fates.count(Fate.ILL_FORMED),
            "undefined": fates.count(Fate.UNDEFINED) + fates.count(Fate.VACUOUS),
            "survived": fates.count(Fate.SURVIVED),
        }

    def to_json(self) -> dict[str, Any]:
        """The JSON report's form."""
        out: dict[str, Any] = {
            "name": self.name,
            "statement": self.statement,
            "as_printed": self.as_printed,
            "verdict": str(self.verdict),
            "conditions": list(self.conditions),
            "assumed": list(self.assumed),
            "witnesses": {w.kind: w.to_json() | _plain_steps(w) for w in self.witnesses},
        }
        if self.near_misses is not None:
            out["mutants"] = self.mutant_counts()
        return out


@dataclass(frozen=True, slots=True)
class ProblemResult:
    """A textbook result with the results of its claims; its verdict is the weakest of theirs."""

    id: str
    title: str
    topic: str
    summary: str
    sources: tuple[str, ...]
    file: str
    claims: tuple[ClaimResult, ...]
    failure: str = ""
    failure_code: str = ""
    failure_file: str = ""
    failure_line: int = 0

    @property
    def verdict(self) -> Verdict:
        """The weakest of the claims' verdicts, claims as printed aside."""
        if self.failure:
            return Verdict.UNDECIDED
        own = [c.verdict for c in self.claims if not c.as_printed] or [Verdict.UNDECIDED]
        return min(own, key=lambda v: v.strength)

    @property
    def as_expected(self) -> bool:
        """Whether every claim is what its author says it is."""
        return not self.failure and all(c.as_expected for c in self.claims)

    @property
    def seconds(self) -> float:
        """Processor-independent sum of the claims' wall times (0 for what came from the cache)."""
        return sum(c.seconds for c in self.claims)

    def claim(self, name: str) -> ClaimResult:
        """The claim called `name`."""
        return next(c for c in self.claims if c.name == name)

    def to_json(self) -> dict[str, Any]:
        """The JSON report's form."""
        return {
            "id": self.id,
            "title": self.title,
            "verdict": str(self.verdict),
            "claims": [c.to_json() for c in self.claims],
        }

    def _repr_html_(self) -> str:
        from derivcheck.report.html import fragment

        return fragment(self)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run found."""

    version: str
    seed: int
    results: tuple[ProblemResult, ...]
    seconds: float = 0.0
    from_cache: int = 0

    @property
    def verdict(self) -> Verdict:
        """The weakest verdict of the results."""
        return min((r.verdict for r in self.results), key=lambda v: v.strength, default=Verdict.UNDECIDED)

    @property
    def false_alarm(self) -> float:
        """An upper bound on the probability that any of the run's statistical checks refutes a true claim."""
        rates = [w.detail.get("false_alarm") for c in self.claims for w in c.witnesses if w.kind == "experiment"]
        rates += [
            m.get("false_alarm") for c in self.claims for m in c.witness("network").detail.get("measurements", ())
        ]
        return float(sum(r for r in rates if r is not None))

    @property
    def as_expected(self) -> bool:
        """Whether nothing is refuted or undecided that should not be."""
        return all(r.as_expected for r in self.results)

    @property
    def claims(self) -> tuple[ClaimResult, ...]:
        """All claims of all results."""
        return tuple(c for r in self.results for c in r.claims)

    def __iter__(self) -> Iterator[ProblemResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, problem_id: str) -> ProblemResult:
        for r in self.results:
            if r.id == problem_id:
                return r
        raise KeyError(problem_id)

    def to_json(self) -> dict[str, Any]:
        """The JSON report (schema: ``docs/schema/report.json``)."""
        return {"version": self.version, "seed": self.seed, "results": [r.to_json() for r in self.results]}

    def _repr_html_(self) -> str:
        return "".join(r._repr_html_() for r in self.results)


def pack(result: ClaimResult) -> dict[str, Any]:
    """A claim's result as plain JSON, for the cache and for the way between processes."""
    return asdict(result)


def unpack(data: Mapping[str, Any]) -> ClaimResult:
    """Read back what `pack` wrote."""
    misses = data["near_misses"]
    return ClaimResult(
        **{
            **data,
            "given": tuple(data["given"]),
            "verdict": Verdict(data["verdict"]),
            "conditions": tuple(data["conditions"]),
            "assumed": tuple(data["assumed"]),
            "witnesses": tuple(WitnessResult(**{**w, "outcome": Outcome(w["outcome"])}) for w in data["witnesses"]),
            "near_misses": None
            if misses is None
            else tuple(NearMiss(**{**m, "fate": Fate(m["fate"])}) for m in misses),
            "sensitivity": tuple(Sensitivity(**s) for s in data["sensitivity"]),
        }
    )
