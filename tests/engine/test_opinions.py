"""SymPy is asked in a child that can be killed, and silence is all that a slow or crashing answer amounts to."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from derivcheck.engine import opinions
from derivcheck.language import Givens, Term, eq, le, lt, ne, sympy_edge

g = Givens()
x = g.real("x")
TRUE = eq((x + 1) ** 2, x**2 + 2 * x + 1)
WRONG = eq((x + 1) ** 2, (x + 1) ** 2 + 1)


def test_agreement_contradiction_and_what_is_not_scalar() -> None:
    asked = [TRUE, WRONG, ne(x, 1), le(0, x**2), lt(x**2 + 1, x**2)]
    assert opinions.opinions(asked, g.context) == ["agrees", "contradicts", None, "agrees", "contradicts"]
    assert opinions.opinions([], g.context) == []


@pytest.mark.parametrize("how", ["works", "hangs", "crashes", "raises"])
def test_one_bad_step_is_silent_and_the_others_are_asked(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sympy_edge.sympy_opinion

    def sometimes(left: Term, right: Term, *rest: Any) -> str:
        if eq(left, right) != WRONG:
            return real(left, right, *rest)
        if how == "crashes":
            os._exit(3)
        if how == "raises":
            raise MemoryError
        while True:
            time.sleep(0.01 if how == "hangs" else 0)

    monkeypatch.setattr(sympy_edge, "sympy_opinion", sometimes)
    monkeypatch.setattr(opinions, "PER_STEP", 5.0 if how != "works" else 1.0)
    monkeypatch.setattr(opinions, "IN_ALL", 30.0)
    monkeypatch.setattr(opinions, "PATIENCE", 4.0 if how == "hangs" else 60.0)
    assert opinions.opinions([TRUE, WRONG, TRUE], g.context) == ["agrees", "silent", "agrees"]


def test_when_the_time_is_used_up_the_rest_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opinions, "IN_ALL", 0.0)
    assert opinions.opinions([TRUE, TRUE], g.context) == ["silent", "silent"]


def test_all_steps_of_a_proof_share_an_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any) -> str:
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass
        return "agrees"

    monkeypatch.setattr(sympy_edge, "sympy_opinion", slow)
    monkeypatch.setattr(opinions, "IN_ALL", 0.9)
    found = opinions.opinions([TRUE] * 8, g.context)
    assert found[:2] == ["agrees"] * 2 and found[5:] == ["silent"] * 3
