"""SymPy's own opinion of the scalar steps of a proof: shown beside the verdict, never part of it.

SymPy may take for ever over a step, so it is asked in a child of the claim's process that is killed and replaced when a
step takes too long; such a step counts as one on which it is silent.  Time is the child's own processor time, so that
an opinion does not depend on what else the machine is doing.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Sequence

from derivcheck.language import REAL, Context, Term

#: Seconds of processor time for one step, and for all steps of a proof.
PER_STEP = 0.5
IN_ALL = 3.0
#: Seconds to wait for an answer, should a child neither work nor end.
PATIENCE = 60.0

#: What a child writes, one byte a step.
_LETTERS = {"agrees": b"a", "silent": b"s", "contradicts": b"c"}
_WORDS = {letter: word for word, letter in _LETTERS.items()}


def opinions(statements: Sequence[Term], context: Context) -> list[str | None]:
    """SymPy's opinion of each statement: ``agrees``, ``silent`` or ``contradicts``; None where it is not scalar."""
    asked = [k for k, s in enumerate(statements) if s.op in ("eq", "le", "lt") and s.args[0].sort == REAL]
    out: list[str | None] = [None] * len(statements)
    left = IN_ALL if sys.platform != "win32" else 0.0
    while asked:
        answers, spent = _ask([statements[k] for k in asked], context, left) if left > 0 else ([], 0.0)
        left -= spent
        for k, answer in zip(asked, [*answers, "silent"], strict=False):
            out[k] = answer
        asked = asked[len(answers) + 1 :]
    return out


def _ask(statements: Sequence[Term], context: Context, left: float) -> tuple[list[str], float]:
    """The opinions of a child on the first statements, up to one on which it takes too long; and the time it took."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(statements, context, writing, left)
    os.close(writing)
    answers: list[str] = []
    try:
        while len(answers) < len(statements):
            ready = select.select([reading], [], [], PATIENCE)[0]
            letter = os.read(reading, 1) if ready else b""
            if not letter:
                break
            answers.append(_WORDS[letter])
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, _, used = os.wait4(child, 0)
        os.close(reading)
    return answers, used.ru_utime + used.ru_stime


def _answer(statements: Sequence[Term], context: Context, writing: int, left: float) -> None:
    """What the child does; it never returns, and does not outlive a step that takes too long."""
    try:
        from derivcheck.language.sympy_edge import sympy_opinion

        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        for s in statements:
            # The signal ends the process; no time at all would disarm the timer.
            signal.setitimer(signal.ITIMER_PROF, max(1e-6, min(PER_STEP, left - time.process_time())))
            os.write(writing, _LETTERS[sympy_opinion(s.args[0], s.args[1], context, s.op)])  # type: ignore[arg-type]
    finally:
        os._exit(0)
