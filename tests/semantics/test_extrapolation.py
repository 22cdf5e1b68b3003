"""Limits of sequences: those that diverge have no value, and slow ones are not taken for divergent."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derivcheck.language import Givens, Integral, Lim, eq, exp, log, num, oo, oo_int, real, sqrt
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


@pytest.mark.parametrize(
    "without_value",
    [
        Lim(num(0), lambda x: 1 / x, "+"),
        Lim(oo, lambda x: x**2),
        Lim(oo, lambda x: x / (1 - num(1) ** 2)),
        Integral(0, 1, lambda x: 1 / x**2),
        Integral(1, oo, lambda x: x),
    ],
    ids=str,
)
def test_what_grows_or_is_nowhere_defined_has_no_value(without_value):
    judged = judge_record(Givens().context, eq(without_value, 1), {}).judgement
    assert judged.truth is Truth.UNDEFINED, judged


@pytest.mark.parametrize(
    ("slow", "value"),
    [
        (Integral(0, 1, lambda x: 1 / sqrt(x)), num(2)),
        (Integral(1, oo, lambda x: 1 / x**2), num(1)),
        (Lim(oo, lambda x: x**2 * exp(-x)), num(0)),
        (Lim(num(0), lambda x: log(1 + x) / x, "+"), num(1)),
    ],
    ids=str,
)
def test_an_improper_value_that_exists_is_not_called_divergent(slow, value):
    judged = judge_record(Givens().context, eq(slow, value), {}).judgement
    assert judged.truth is Truth.SUPPORTED, judged


def test_slow_divergence_is_left_open():
    for slow in (Lim(oo, log), Integral(1, oo, lambda x: 1 / x)):
        assert judge_record(Givens().context, eq(slow, 1), {}).judgement.truth is Truth.UNKNOWN
