"""The benchmark's identities are decided, and its table needs no peer; nothing is timed here."""

from __future__ import annotations

import pytest

from benchmarks.decide import Identity, Row, failures, identities, table
from derivcheck.decision import decide

QUESTIONS = list(identities())


def test_there_are_as_many_as_promised() -> None:
    assert len(QUESTIONS) == 40
    assert len({q.name for q in QUESTIONS}) == 40


@pytest.mark.parametrize("identity", QUESTIONS, ids=lambda q: q.name)
def test_decided(identity: Identity) -> None:
    assert decide(identity.left, identity.right).verdict == "equal"
    assert decide(identity.left, identity.wrong).verdict == "different"


def test_a_row_without_a_peer_has_no_ratio() -> None:
    alone = Row("a question", True, 0.5, "equal", "normal form", None, "")
    assert "simplify/decide" not in table([alone])
    asked = Row("a question", True, 0.5, "undecided", "", 5.0, "stopped")
    assert "median of simplify/decide: 10 " in table([asked, Row("another", False, 0.5, "different", "", 5.0, "zero")])
    assert failures([alone, asked]) == ["a question: undecided"]
