"""Limits of sequences: those that diverge have no value, and slow ones are not taken for divergent."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derivcheck.language import Givens, Lim, eq, log, num, oo_int, real
from derivcheck.semantics import Truth
from derivcheck.semantics.cases import judge_record


def truth(sequence, claimed):
    return judge_record(Givens().context, eq(Lim(oo_int, sequence), claimed), {}).judgement.truth


@pytest.mark.parametrize(
    "sequence",
    [
        lambda t: num(-1) ** real(t),
        lambda t: num(Fraction(-3, 2)) ** real(t),
        lambda t: num(2) ** real(t),
        lambda t: real(t) ** 2,
        lambda t: real(t) / 1000,
        lambda t: num(-1) ** real(t) * (1 + 1 / real(t)),
    ],
)
def test_a_sequence_that_diverges_has_no_value(sequence):
    assert truth(sequence, num(1)) is Truth.UNDEFINED


@pytest.mark.parametrize(
    "sequence",
    [
        lambda t: real(t) * num(Fraction(999, 1000)) ** real(t),
        lambda t: real(t) * num(Fraction(999_999, 1_000_000)) ** real(t),
        lambda t: 1 / log(real(t) + 1),
        lambda t: num(Fraction(-1, 2)) ** real(t),
        lambda t: num(-1) ** real(t) / real(t),
    ],
)
def test_what_converges_is_never_called_divergent(sequence):
    assert truth(sequence, num(0)) in (Truth.SUPPORTED, Truth.UNKNOWN)
