"""Problem files made for tests: each shows one path through the engine."""

from __future__ import annotations

from pathlib import Path

HEAD = """
import numpy as np
from derivcheck.language import Givens, eq, exp
from derivcheck.problem import Claim, Measurement, NotRun, Problem, Reading

given = Givens()
x = given.real("x")
true_statement = eq((x + 1) ** 2, x**2 + 2 * x + 1)
false_statement = eq((x + 1) ** 2, x**2 + 1)


def good(seed):
    a = np.random.default_rng(seed).normal(size=4)
    return Reading(a + 1, a + 1 + 1e-9, 1e-6, {"sign": a - 1}, 0.0, {"curve": [1.0, 2.0, 4.0]})


def bad(seed):
    return Reading(np.array([1.0]), np.array([2.0]), 0.1, {"sign": np.array([-1.0])}, 0.0)


def hang(seed):
    while True:
        pass


def crash(seed):
    import os, signal
    os.kill(os.getpid(), signal.SIGSEGV)


def needs_something(seed):
    raise NotRun("install something: pip install something")


def claim(name, statement=true_statement, run=None, **more):
    networks = (Measurement(name, "a synthetic measurement", run),) if run else ()
    return Claim(name, "a synthetic claim", given.context, statement, networks=networks, **more)
"""

PROBLEM = """
problem = Problem(
    id="{id}",
    title="A synthetic result",
    topic="{topic}",
    summary="It shows a path through the engine.",
    sources=("S1", "S2"),
    claims=({claims},),
)
"""


def write(
    folder: Path, *claims: str, id: str = "synthetic", topic: str = "tests", head: str = "", name: str = ""
) -> Path:
    """A problem file in `folder` whose claims are the given Python expressions."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"{id.replace('-', '_')}.py")
    path.write_text(HEAD + head + PROBLEM.format(id=id, topic=topic, claims=", ".join(claims)), encoding="utf-8")
    return path
