"""One run: what is cached is taken, the rest is scheduled, and results come back in the textbook's order."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derivcheck.diagnostics import Diagnostic, DiagnosticError
from derivcheck.engine import fingerprint as fp
from derivcheck.engine.cache import Cache
from derivcheck.engine.catalogue import Entry, select
from derivcheck.engine.results import (
    ClaimResult,
    Outcome,
    ProblemResult,
    Report,
    Verdict,
    WitnessResult,
    unpack,
)

if TYPE_CHECKING:
    from pebble import ProcessPool

    from derivcheck.engine.worker import Task

#: The kinds of witness in the order of a report; `derivcheck.problem.WITNESSES` without importing the language.
ALL_WITNESSES = ("proof", "instances", "experiment", "network")

#: Seconds that one claim may take: several times what the slowest needs, near misses included, on a quiet machine.
DEADLINE = 120.0


@dataclass(frozen=True, slots=True)
class Options:
    """How to verify.

    Attributes
    ----------
    witnesses : tuple of str
        Those to run; leaving some out can only lower a verdict.
    mutants, certificate : bool
        Whether to make near misses, and certificates.
    seed : int
        Every random number of the run follows from it.
    jobs : int or None
        Processes at once; None for all cores.
    deadline : float
        Seconds that one claim may take.
    cache : bool
        Whether to take and keep finished work.
    """

    witnesses: tuple[str, ...] = ALL_WITNESSES
    mutants: bool = False
    certificate: bool = False
    seed: int = 0
    jobs: int | None = None
    deadline: float = DEADLINE
    cache: bool = True

    def __post_init__(self) -> None:
        unknown = [w for w in self.witnesses if w not in ALL_WITNESSES]
        if unknown:
            raise ValueError(f"no witness is called {', '.join(unknown)}; there are {', '.join(ALL_WITNESSES)}")
        if self.seed < 0:
            raise ValueError(f"a seed is not negative, got {self.seed}")
        if not self.deadline > 0:
            raise ValueError(f"a deadline is positive, got {self.deadline}")
        if self.jobs is not None and self.jobs < 1:
            raise ValueError(f"at least one job is needed, got {self.jobs}")

    def of_key(self) -> dict[str, Any]:
        """The options that a result depends on."""
        return {
            "witnesses": sorted(self.witnesses),
            "mutants": self.mutants,
            "certificate": self.certificate,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress display is told: a claim (or, with an empty name, a whole problem that failed) is finished."""

    problem: str
    claim: str
    verdict: Verdict
    seconds: float
    cached: bool
    done: int
    total: int


Listener = Callable[[Progress], None]


class Interrupted(Exception):
    """The run was interrupted from the keyboard; finished work is in the cache."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"interrupted after {done} of {total} claims; what is finished is kept")
        self.done = done
        self.total = total


def verify(
    *names: str,
    topic: str | None = None,
    witnesses: Iterable[str] = ALL_WITNESSES,
    mutants: bool = False,
    seed: int = 0,
    jobs: int | None = None,
    deadline: float = DEADLINE,
    cache: bool = True,
) -> Report:
    """Verify results by id (or problem files by path); without any name or topic, all of them.

    Parameters
    ----------
    *names : str
        Ids as ``derivcheck list`` shows them, or paths of problem files or folders.
    topic : str, optional
        All results of a topic.
    witnesses : iterable of str
        Which of ``proof``, ``instances``, ``experiment``, ``network`` to run.
    mutants : bool
        Whether to make near misses of each claim and see what becomes of them.
    seed : int
        The same seed gives the same numbers.
    jobs : int, optional
        Processes at once; all cores by default.
    deadline : float
        Seconds that one claim may take; beyond them it is undecided.
    cache : bool
        Whether results of earlier runs may be taken.

    Returns
    -------
    Report
        Frozen; it renders in a notebook, and ``report["softmax-jacobian"].claim("...")`` finds a claim.

    Raises
    ------
    DiagnosticError
        For an unknown id or topic, or a file that holds no problem.
    """
    options = Options(tuple(witnesses), mutants, False, seed, jobs, deadline, cache)
    return verify_entries(select(names, topic=topic, everything=not (names or topic)), options)


@dataclass
class _Work:
    """One problem on its way: the claims known so far and the results that are in."""

    entry: Entry
    fingerprint: str
    names: list[str] | None = None
    results: dict[str, ClaimResult] = field(default_factory=dict)
    failure: Diagnostic | None = None

    def finished(self) -> ProblemResult:
        e = self.entry
        return ProblemResult(
            id=e.id,
            title=e.title,
            topic=e.topic,
            summary=e.summary,
            sources=e.sources,
            file=str(e.path),
            claims=tuple(self.results[n] for n in self.names or ()),
            failure=str(self.failure.message) if self.failure else "",
            failure_code=self.failure.code if self.failure else "",
            failure_file=self.failure.file if self.failure else "",
            failure_line=self.failure.line if self.failure else 0,
        )


def verify_entries(entries: Sequence[Entry], options: Options, listener: Listener | None = None) -> Report:
    """Verify the given problems; `listener` is told of each claim as it is finished.

    Raises
    ------
    Interrupted
        On an interrupt from the keyboard.
    """
    from derivcheck import __version__

    started = time.perf_counter()
    run = _Run(options, listener)
    run.go(entries)
    return Report(
        version=__version__,
        seed=options.seed,
        results=tuple(w.finished() for w in run.work),
        seconds=time.perf_counter() - started,
        from_cache=run.from_cache,
    )


class _Run:
    """The state of one run."""

    def __init__(self, options: Options, listener: Listener | None) -> None:
        self.options = options
        self.listener = listener
        self.cache = Cache() if options.cache else None
        self.work: list[_Work] = []
        self.from_cache = 0
        self.done = 0

    # ------------------------------------------------------------------------------------------------ the main line

    def go(self, entries: Sequence[Entry]) -> None:
        engine = fp.engine_digest()
        self.work = [_Work(e, fp.fingerprint(e.path, engine)) for e in entries]
        for w in self.work:
            kept = self._kept(w, "", {"outline": True})
            w.names = kept["claims"] if kept else None
            if w.names is not None:
                self._take_cached(w)
        if any(self._missing(w) or w.names is None for w in self.work):
            self._compute()
            if self.cache is not None:
                self.cache.prune()
        self._remember()

    def _compute(self) -> None:
        from derivcheck.engine.processes import default_jobs, pool

        jobs = self.options.jobs or default_jobs()
        with tempfile.TemporaryDirectory(prefix="derivcheck-") as spool:
            try:
                with pool(jobs, self.options.deadline) as processes:
                    self._schedule(processes, Path(spool))
            except KeyboardInterrupt:
                raise Interrupted(self.done, self._total()) from None

    def _schedule(self, processes: ProcessPool, spool: Path) -> None:
        from derivcheck.engine import worker

        asked: dict[Future[Any], _Work] = {
            processes.schedule(worker.outline, args=(str(w.entry.path),), timeout=self.options.deadline): w
            for w in self.work
            if w.names is None
        }
        for ask, w in asked.items():
            self._outlined(w, ask)
        pending: dict[Future[Any], tuple[_Work, Task]] = {}
        for w, name in self._slowest_first():
            task = worker.Task(
                str(w.entry.path),
                w.entry.id,
                name,
                str(w.entry.place(name).file),
                w.entry.place(name).line,
                self.options.seed,
                self.options.witnesses,
                self.options.mutants,
                self.options.certificate,
                str(spool / f"{len(pending)}-{w.entry.id}-{name}.json".replace("/", "_")),
            )
            pending[processes.schedule(worker.run, args=(task,), timeout=self.options.deadline)] = (w, task)
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                self._claimed(*pending.pop(future), future)

    def _slowest_first(self) -> list[tuple[_Work, str]]:
        """The claims to compute, by what they took last time: no core waits at the end for a long one begun last.

        Claims that never ran come first, in the textbook's order.
        """
        missing = [(w, name) for w in self.work for name in self._missing(w)]
        return sorted(missing, key=lambda claim: -self._last_seconds(*claim))

    def _last_seconds(self, w: _Work, claim: str) -> float:
        kept = self.cache.get(self._seconds_key(w, claim)) if self.cache else None
        return float(kept["seconds"]) if kept else math.inf

    def _seconds_key(self, w: _Work, claim: str) -> str:
        """Where the time of a claim is kept: whatever it said then, and whatever the engine was."""
        return fp.key("", w.entry.id, claim, {"seconds": True, **self.options.of_key(), "seed": 0})

    # --------------------------------------------------------------------------------------------- what comes back

    def _outlined(self, w: _Work, future: Future[Any]) -> None:
        """The names of a problem's claims are known, or the file failed."""
        try:
            w.names = list(future.result())
        except BaseException as error:
            w.failure = _diagnosed(error, w.entry, self.options.deadline)
            w.names = []
            self.done += 1
            self._tell(w, "", Verdict.UNDECIDED, 0.0, False)
            return
        self._keep(w, "", {"outline": True}, {"claims": w.names})
        self._take_cached(w)

    def _claimed(self, w: _Work, task: Task, future: Future[Any]) -> None:
        """A claim's process has ended, one way or another."""
        try:
            packed = future.result()
        except BaseException as error:
            why = _diagnosed(error, w.entry, self.options.deadline)
            result = self._cut_off(task, why, self.options.deadline if why.code == "DC301" else 0.0)
        else:
            result = unpack(packed)
            self._keep(w, task.claim, self.options.of_key(), packed)
            if self.cache:
                self.cache.put(self._seconds_key(w, task.claim), {"seconds": result.seconds})
        w.results[task.claim] = result
        self.done += 1
        self._tell(w, task.claim, result.verdict, result.seconds, False)

    @staticmethod
    def _cut_off(task: Task, why: Diagnostic, seconds: float) -> ClaimResult:
        """The result of a claim whose process did not end by itself: what it left, and undecided."""
        from derivcheck.engine.worker import conclude

        try:
            so_far = unpack(json.loads(Path(task.spool).read_bytes()))
        except OSError:
            nothing = (task.claim, "", "", "", "", (), False, Verdict.UNDECIDED, "", "", (), (), ())
            so_far = ClaimResult(*nothing, file=task.file, line=task.line)
        there = {x.kind: x for x in so_far.witnesses}
        cut = False
        witnesses = []
        for kind in ALL_WITNESSES:
            if kind in there:
                witnesses.append(there[kind])
            elif kind not in task.witnesses:
                witnesses.append(WitnessResult(kind, Outcome.NOT_RUN, "not selected"))
            elif not cut:
                cut = True
                witnesses.append(WitnessResult(kind, Outcome.ABSTAINS, why.message, why.code))
            else:
                witnesses.append(WitnessResult(kind, Outcome.NOT_RUN, "the claim was cut off before", why.code))
        result = conclude(replace(so_far, witnesses=tuple(witnesses), seconds=seconds))
        if result.verdict is not Verdict.REFUTED and result.code != why.code:
            reason = f"near misses: {why.message}"
            result = replace(result, verdict=Verdict.UNDECIDED, reason=reason, code=why.code)
        if task.mutants and result.near_misses is None:
            result = replace(result, near_misses=())
        return result

    # ---------------------------------------------------------------------------------------------------- the cache

    def _kept(self, w: _Work, claim: str, options: dict[str, Any]) -> dict[str, Any] | None:
        return self.cache.get(fp.key(w.fingerprint, w.entry.id, claim, options)) if self.cache else None

    def _keep(self, w: _Work, claim: str, options: dict[str, Any], value: dict[str, Any]) -> None:
        # What was edited while it ran must not be kept under the key of what it was before.
        if self.cache and self._unchanged(w):
            self.cache.put(fp.key(w.fingerprint, w.entry.id, claim, options), value)

    @staticmethod
    def _unchanged(w: _Work) -> bool:
        try:
            return fp.fingerprint(w.entry.path, fp.engine_digest()) == w.fingerprint
        except OSError:
            return False

    def _take_cached(self, w: _Work) -> None:
        for name in w.names or ():
            kept = self._kept(w, name, self.options.of_key())
            if kept is not None and name not in w.results:
                place = w.entry.place(name)
                result = replace(unpack(kept), file=str(place.file), line=place.line, seconds=0.0)
                w.results[name] = result
                self.from_cache += 1
                self.done += 1
                self._tell(w, name, result.verdict, 0.0, True)

    def _missing(self, w: _Work) -> list[str]:
        return [n for n in w.names or () if n not in w.results]

    def _remember(self) -> None:
        """Leave the verdicts of full runs for ``derivcheck list``."""
        if self.cache is None or set(self.options.witnesses) != set(ALL_WITNESSES):
            return
        for w in self.work:
            verdict = w.finished().verdict
            if not w.failure:
                self._keep(w, "", {"last verdict": True}, {"verdict": str(verdict)})

    # ------------------------------------------------------------------------------------------------ the listener

    def _total(self) -> int:
        return sum(len(w.names) if w.names else 1 for w in self.work)

    def _tell(self, w: _Work, claim: str, verdict: Verdict, seconds: float, cached: bool) -> None:
        if self.listener is not None:
            self.listener(Progress(w.entry.id, claim, verdict, seconds, cached, self.done, self._total()))


def _diagnosed(error: BaseException, entry: Entry, deadline: float) -> Diagnostic:
    """Why a process did not deliver."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    if isinstance(error, DiagnosticError):
        return error.diagnostic
    if isinstance(error, TimeoutError):
        return Diagnostic("DC301", f"not finished within {deadline:g} s", str(entry.path))
    if isinstance(error, MemoryError):
        return Diagnostic("DC303", "the memory allowed to a claim ran out", str(entry.path))
    if type(error).__name__ == "ProcessExpired":
        status = getattr(error, "exitcode", None)
        return Diagnostic("DC302", f"its process ended with status {status}", str(entry.path))
    return Diagnostic("DC304", f"{type(error).__name__}: {error}", str(entry.path))


def last_verdicts(entries: Iterable[Entry]) -> dict[str, Verdict]:
    """The verdicts of the last full runs that are still valid: nothing they depend on has changed since."""
    cache = Cache()
    engine = fp.engine_digest()
    out: dict[str, Verdict] = {}
    for e in entries:
        kept = cache.get(fp.key(fp.fingerprint(e.path, engine), e.id, "", {"last verdict": True}))
        if kept is not None:
            out[e.id] = Verdict(kept["verdict"])
    return out
