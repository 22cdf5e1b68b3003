"""SymPy's own opinion of the scalar steps of a proof: shown beside the verdict, never part of it.

SymPy may take for ever over a step, so it is asked in a child of the claim's process that is killed and replaced when a
step takes too long; such a step counts as one on which it is silent.
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

#: Seconds for one step and for all steps of a proof.
PER_STEP = 1.0
IN_ALL = 4.0

#: What a child writes, one byte a step.
_LETTERS = {"agrees": b"a", "silent": b"s", "contradicts": b"c"}
_WORDS = {letter: word for word, letter in _LETTERS.items()}


def opinions(statements: Sequence[Term], context: Context) -> list[str | None]:
    """SymPy's opinion of each statement: ``agrees``, ``silent`` or ``contradicts``; None where it is not scalar."""
    asked = [k for k, s in enumerate(statements) if s.op in ("eq", "le", "lt") and s.args[0].sort == REAL]
    out: list[str | None] = [None] * len(statements)
    until = time.monotonic() + IN_ALL
    while asked:
        answers = _ask([statements[k] for k in asked], context, until) if sys.platform != "win32" else []
        for k, answer in zip(asked, [*answers, "silent"], strict=False):
            out[k] = answer
        asked = asked[len(answers) + 1 :]
    return out


def _ask(statements: Sequence[Term], context: Context, until: float) -> list[str]:
    """The opinions of a child on the first statements, up to one on which it takes too long."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(statements, context, writing)
    os.close(writing)
    answers: list[str] = []
    try:
        while len(answers) < len(statements):
            patience = min(PER_STEP, until - time.monotonic())
            ready = patience > 0 and select.select([reading], [], [], patience)[0]
            letter = os.read(reading, 1) if ready else b""
            if not letter:
                break
            answers.append(_WORDS[letter])
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
    return answers


def _answer(statements: Sequence[Term], context: Context, writing: int) -> None:
    """What the child does; it never returns."""
    try:
        import resource

        from derivcheck.language.sympy_edge import sympy_opinion

        # Should the claim's process be killed meanwhile, nobody is left to kill this one.
        resource.setrlimit(resource.RLIMIT_CPU, (int(2 * IN_ALL), int(2 * IN_ALL)))
        for s in statements:
            os.write(writing, _LETTERS[sympy_opinion(s.args[0], s.args[1], context, s.op)])  # type: ignore[arg-type]
    finally:
        os._exit(0)
