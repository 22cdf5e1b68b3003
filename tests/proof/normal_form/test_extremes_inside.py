"""Maxima and absolute values inside other functions, powers and sums; each with a near miss."""

from __future__ import annotations

import pytest

from derivcheck.language import (
    Givens,
    MaxOver,
    MinOver,
    Sum,
    Term,
    abs_,
    eq,
    exp,
    le,
    log,
    lt,
    max_,
    min_,
    range_,
    sqrt,
)
from derivcheck.proof.normal_form import Normaliser
from derivcheck.proof.normal_form.poly import plus
from derivcheck.semantics import check

given = Givens()
x, y = given.real("x"), given.real("y")
p = given.real("p", above=0)
n = given.size("n")
a, b = given.vector("a", n), given.vector("b", n)

larger = (x + y + abs_(x - y)) / 2
PAIRS: dict[str, tuple[Term, Term]] = {
    "in an exponential": (exp(max_(x, y)), exp(y + max_(x - y, 0))),
    "in a logarithm": (log(1 + exp(larger)), log(1 + exp(max_(x, y)))),
    "in a square root": (sqrt(1 + max_(x, y) ** 2), sqrt(1 + larger**2)),
    "in a denominator": (1 / (1 + abs_(x) + max_(x, y)), 1 / (1 + max_(x, -x) + larger)),
    "in a maximum": (max_(abs_(x), y), max_(max_(x, -x), y)),
    "in an absolute value": (abs_(1 + min_(x, y)), abs_(1 + x + y - max_(x, y))),
    "in a sum": (Sum(1, n, lambda i: max_(a(i), b(i))), Sum(1, n, lambda i: a(i) + b(i) - min_(a(i), b(i)))),
    "in a logarithm in a sum": (
        Sum(1, n, lambda i: log(p + abs_(a(i)))),
        Sum(1, n, lambda i: log(p + max_(a(i), -a(i)))),
    ),
}


def proved(left: Term, right: Term) -> bool:
    normaliser = Normaliser(given.context)
    return normaliser.is_zero(plus(normaliser.nf(left), normaliser.nf(right), -1))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PAIRS)
def test_recognised(name: str) -> None:
    left, right = PAIRS[name]
    assert proved(left, right)
    assert check(given.context, eq(left, right), 3, instances=16).outcome == "confirms"


@pytest.mark.parametrize("name", PAIRS)
def test_a_near_miss_is_not(name: str) -> None:
    left, right = PAIRS[name]
    for other in (min_, lambda u, v: max_(u, v) + max_(u - 7, 0)):
        wrong = _with(right, other)
        if wrong != right:
            assert not proved(left, wrong)


def _with(t: Term, other: object) -> Term:
    """Every maximum of two, absolute value or minimum replaced."""
    from derivcheck.language.terms import rebuild

    if not t.args:
        return t
    args = tuple(_with(s, other) for s in t.args)
    if t.op in ("max", "min") and len(args) == 2:
        return other(*args) if t.op == "max" else max_(*args)  # type: ignore[operator,no-any-return]
    if t.op == "fn" and t.data == "abs":
        return other(args[0], -args[0])  # type: ignore[operator,no-any-return]
    return rebuild(t, args)


def test_the_smallest_of_a_range_is_minus_the_largest_of_the_negatives() -> None:
    each = range_(1, n)
    assert proved(MinOver(each, lambda i: a(i) - b(i)), -MaxOver(each, lambda i: b(i) - a(i)))
    assert not proved(MinOver(each, lambda i: a(i) - b(i)), -MaxOver(each, lambda i: a(i) - b(i)))
    assert not proved(MinOver(each, lambda i: a(i)), MaxOver(each, lambda i: a(i)))
    # What is known of signs is known as before.
    assert Normaliser(given.context).facts.holds(lt(0, MinOver(each, lambda i: p + a(i) ** 2)))
    assert not Normaliser(given.context).facts.holds(le(0, MinOver(each, lambda i: a(i))))
