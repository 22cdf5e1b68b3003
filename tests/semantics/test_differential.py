"""The evaluator against plain fractions, on random terms with nested bounds, empty ranges, ties and undefined parts.

Each strategy yields a term and what it means in Python: a function of the bound integers that returns a fraction or
raises `ZeroDivisionError` or `ValueError` where there is no value.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, prod

from hypothesis import given, settings
from hypothesis import strategies as st

from derivcheck.language import (
    ArgMax,
    Givens,
    MaxOver,
    MinOver,
    Prod,
    Sum,
    abs_,
    binomial,
    ind,
    integer,
    ite,
    le,
    lt,
    max_,
    num,
    range_,
    real,
)
from derivcheck.semantics import Evaluator
from derivcheck.semantics.choices import ReplayedChoices
from derivcheck.semantics.interpretation import Interpretation
from derivcheck.semantics.numbers import Undefined

KINDS = ("add", "mul", "div", "pow", "ind", "ite", "sum", "prod", "max", "min", "argmax", "abs", "binomial")
NO_VALUE = (ZeroDivisionError, ValueError)


def _power(x, k):
    return Fraction(1) if k == 0 else x**k


@st.composite
def terms(draw, depth, bound):
    """``(build, mean)``: both take the list of bound integers in scope, as terms and as Python's."""
    if depth == 0:
        if bound and draw(st.booleans()):
            i = draw(st.integers(0, bound - 1))
            return (lambda v: real(v[i])), (lambda v: Fraction(v[i]))
        q = draw(st.sampled_from([Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(-1, 2), Fraction(3)]))
        return (lambda v: num(q)), (lambda v: q)
    kind = draw(st.sampled_from(KINDS))
    sub = lambda more=0: draw(terms(depth - 1, bound + more))  # noqa: E731
    if kind in ("sum", "prod", "max", "min", "argmax"):
        lo, span = draw(st.integers(-1, 2)), draw(st.integers(-2, 2))
        inner = draw(st.integers(0, bound - 1)) if bound and draw(st.booleans()) else None

        def ends(v):
            return (v[inner] if inner is not None else lo), lo + span

        build, mean = sub(1)
        make = {"sum": Sum, "prod": Prod, "max": MaxOver, "min": MinOver, "argmax": ArgMax}[kind]

        def built(v):
            a, b = ends(v)
            where = (a, b) if kind in ("sum", "prod") else (range_(a, b),)
            out = make(*where, lambda j: build([*v, j]))
            return real(out) if kind == "argmax" else out

        def meant(v):
            a, b = ends(v)
            values = [mean([*v, j]) for j in range(int(a), int(b) + 1)]
            match kind:
                case "sum":
                    return sum(values, Fraction(0))
                case "prod":
                    return prod(values, start=Fraction(1))
                case "max":
                    return max(values)
                case "min":
                    return min(values)
            return Fraction(int(a) + values.index(max(values)))

        return built, meant
    if kind == "binomial":
        n, k = draw(st.integers(-1, 5)), draw(st.integers(-2, 6))

        def whole(v):
            if n < 0:
                raise ValueError
            return Fraction(comb(n, k) if k >= 0 else 0)

        return (lambda v: binomial(integer(n), integer(k))), whole
    (f, x), (g, y) = sub(), sub()
    k = draw(st.integers(-2, 3))
    match kind:
        case "add":
            return (lambda v: f(v) - g(v)), (lambda v: x(v) - y(v))
        case "mul":
            return (lambda v: f(v) * g(v)), (lambda v: x(v) * y(v))
        case "div":
            return (lambda v: f(v) / g(v)), (lambda v: x(v) / y(v))
        case "pow":
            return (lambda v: f(v) ** k), (lambda v: _power(x(v), k))
        case "abs":
            return (lambda v: abs_(max_(f(v), g(v)))), (lambda v: abs(max(x(v), y(v))))
        case "ind":
            return (lambda v: ind(lt(f(v), g(v)))), (lambda v: Fraction(x(v) < y(v)))
    h, z = sub()
    return (lambda v: ite(le(f(v), g(v)), h(v), f(v))), (lambda v: z(v) if x(v) <= y(v) else x(v))


@settings(max_examples=150, deadline=None)
@given(terms(3, 0))
def test_the_evaluator_agrees_with_fractions(case):
    build, mean = case
    try:
        term = build([])
    except NO_VALUE:
        return  # the language itself refuses to write it
    world = Interpretation(Givens().context, ReplayedChoices({}))
    try:
        found = Evaluator(world).value(term)
        value = Fraction(int(found.p), int(found.q))
    except Undefined:
        value = None
    try:
        expected = mean([])
    except NO_VALUE:
        expected = None
    assert value == expected, str(term)
