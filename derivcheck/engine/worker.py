"""What runs inside the process of one claim: load the problem, ask the witnesses, judge.

The process is forked from a server that has imported the libraries once, is limited in memory, and can be killed at any
moment: after each witness it leaves what it has in a file, so that a deadline does not lose it.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from derivcheck.engine.cache import write_atomically
from derivcheck.engine.loading import load
from derivcheck.engine.near_misses import judged, sensitivity
from derivcheck.engine.results import ClaimResult, Outcome, Verdict, WitnessResult, pack
from derivcheck.engine.verdict import judge
from derivcheck.engine.witnesses import Stream, witness
from derivcheck.language import printing
from derivcheck.problem import WITNESSES, Claim

#: Address space of a claim's process, in bytes: far above what any check needs, well below a machine's memory.
MEMORY = 8 * 2**30


@dataclass(frozen=True, slots=True)
class Task:
    """One claim to verify.

    Attributes
    ----------
    path, problem, claim
        The problem file, the problem's id and the claim's name.
    file, line
        Where the claim is written.
    seed : int
        The seed of the whole run.
    witnesses : tuple of str
        Those to run; the others are reported as not run.
    mutants, certificate : bool
        Whether near misses and the certificate are wanted.
    spool : str
        The file in which the process leaves what it has so far.
    """

    path: str
    problem: str
    claim: str
    file: str
    line: int
    seed: int
    witnesses: tuple[str, ...]
    mutants: bool
    certificate: bool
    spool: str


def prepare(deadline: float) -> None:
    """Set up a claim's process: bounded memory and time, no interrupts, no output among the report's.

    The parent enforces the deadline.  Should the parent be killed, the process ends with it, or at the latest when it
    has used several deadlines of processor time.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)
    sys.setrecursionlimit(20_000)
    if sys.platform != "win32":
        import resource

        seconds = int(4 * deadline) + 60
        for limit, value in (
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(limit, (value, value))
    run = multiprocessing.parent_process()
    if run is not None:
        threading.Thread(target=_end_with, args=(run.sentinel,), daemon=True).start()


def _end_with(run: int) -> None:
    """End this process once the run that asked for it is gone (its sentinel becomes ready)."""
    multiprocessing.connection.wait([run])
    os._exit(1)


def outline(path: str) -> list[str]:
    """The names of the claims of the problem at `path`, in order."""
    return [c.name for c in load(Path(path)).claims]


def run(task: Task) -> dict[str, Any]:
    """Verify one claim; the packed `ClaimResult`."""
    started = time.perf_counter()
    problem = load(Path(task.path))
    claim = problem.claim(task.claim)
    stream = Stream(task.seed, task.problem, task.claim)
    result = blank(claim, task)
    found: list[WitnessResult] = []
    for kind in WITNESSES:
        _leave(task, replace(result, witnesses=tuple(found)))
        if kind in task.witnesses:
            found.append(witness(kind, claim, stream, certificate=task.certificate, problem_file=Path(task.path)))
        else:
            found.append(left_out(kind, claim))
    result = conclude(replace(result, witnesses=tuple(found)))
    if task.mutants:
        result = replace(result, near_misses=())
        _leave(task, result)
        for miss in judged(claim, stream, problem.claims):
            result = replace(result, near_misses=(*(result.near_misses or ()), miss))
            _leave(task, result)
        if not claim.as_printed:
            result = replace(result, sensitivity=sensitivity(claim, stream, result.witnesses))
    return pack(replace(result, seconds=time.perf_counter() - started))


def left_out(kind: str, claim: Claim) -> WitnessResult:
    """What stands for a witness that was not selected."""
    if kind in claim.not_applicable:
        return WitnessResult(kind, Outcome.NOT_APPLICABLE, claim.not_applicable[kind])
    return WitnessResult(kind, Outcome.NOT_RUN, "not selected")


def blank(claim: Claim, task: Task) -> ClaimResult:
    """A claim's result before any witness was asked."""
    return ClaimResult(
        name=claim.name,
        summary=claim.summary,
        statement=printing.text(claim.statement, claim.context),
        latex=printing.latex(claim.statement, claim.context),
        mathml=printing.mathml(claim.statement, claim.context, display=True),
        given=tuple(f"{name}: {printing.text(fact, claim.context)}" for name, fact in claim.context.facts()),
        as_printed=claim.as_printed,
        verdict=Verdict.UNDECIDED,
        reason="",
        code="",
        conditions=(),
        assumed=(),
        witnesses=(),
        file=task.file,
        line=task.line,
    )


def conclude(result: ClaimResult) -> ClaimResult:
    """Judge the witnesses of `result`, and lift what the proof rests on into the claim."""
    verdict, reason, code = judge(result.witnesses)
    lifted: dict[str, tuple[str, ...]] = {"conditions": (), "assumed": ()}
    certificate = result.certificate
    witnesses = []
    for w in result.witnesses:
        detail = dict(w.detail)
        if w.kind == "proof":
            lifted = {name: tuple(detail.pop(name, ())) for name in lifted}
            certificate = detail.pop("certificate", certificate)
        witnesses.append(replace(w, detail=detail))
    return replace(
        result,
        verdict=verdict,
        reason=reason,
        code=code,
        witnesses=tuple(witnesses),
        certificate=certificate,
        conditions=lifted["conditions"] or result.conditions,
        assumed=lifted["assumed"] or result.assumed,
    )


def _leave(task: Task, so_far: ClaimResult) -> None:
    write_atomically(Path(task.spool), json.dumps(pack(so_far), ensure_ascii=False).encode())
