"""Ties between irrational numbers: two balls that overlap may be equal, and then ``<`` is false.

A term is written as a rational combination of logarithms of primes, exponentials of rationals, square roots of
square-free integers, other functions of a rational, and 1.  Equal combinations are equal numbers; from different ones
nothing is concluded (more digits tell them apart).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flint import fmpq, fmpz

from derivcheck.language.terms import Term
from derivcheck.semantics.numbers import ONE, Number
from derivcheck.semantics.values import AtomicMeasure, CountingMeasure, Measure, branches, weight

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Environment, Evaluator

#: Generator -> rational coefficient, none of them zero.
Combination = dict[tuple[str, Number], Number]

UNIT = ("", ONE)
#: Integers longer than this many bits are not factored.
MOST_BITS = 160


def closed_form(ev: Evaluator, t: Term, env: Environment) -> Combination | None:
    """The combination that a term with real values denotes, or None where no such structure is recognised."""
    ev.charge()
    match t.op:
        case "add":
            return _sum([closed_form(ev, a, env) for a in t.args])
        case "neg":
            return _scaled(closed_form(ev, t.args[0], env), -ONE)
        case "mul":
            return _product([closed_form(ev, a, env) for a in t.args])
        case "div":
            below = _rational(closed_form(ev, t.args[1], env))
            return None if below is None or below == 0 else _scaled(closed_form(ev, t.args[0], env), ONE / below)
        case "fn":
            return _function(t.data, _rational(closed_form(ev, t.args[0], env)))
        case "pow" if t.args[1].op == "num" and t.args[1].data.denominator == 2 and t.args[1].data.numerator == 1:
            x = _rational(closed_form(ev, t.args[0], env))
            return None if x is None else _square_root(x)
        case "int":
            return _integral(ev, t, env)
    value = ev.eval(t, env)
    return _constant(value) if isinstance(value, fmpq) else None


def _integral(ev: Evaluator, t: Term, env: Environment) -> Combination | None:
    """A finite sum, or an integral against finitely many weighted points."""
    measure = ev.measure(t.args[0], env)
    match measure:
        case CountingMeasure(domain) if domain.hi is not None:
            return _sum([closed_form(ev, t.body, (j, *env)) for j in domain.members()])
        case AtomicMeasure():
            parts = [
                (w, closed_form(ev, t.body, (x, *env))) for x, w in zip(measure.points, measure.weights, strict=True)
            ]
        case Measure():
            found = branches(measure.space, lambda w: closed_form(ev, t.body, (w, *env)))
            parts = [(weight(measure, faces), part) for faces, part in found]
        case _:
            return None
    return _sum([_scaled(part, w) if isinstance(w, fmpq) else None for w, part in parts])


def _constant(x: Number) -> Combination:
    return {UNIT: x} if x != 0 else {}


def _rational(c: Combination | None) -> Number | None:
    """The rational that a combination is, if it has no other generator."""
    if c is None or c.keys() - {UNIT}:
        return None
    return c.get(UNIT, fmpq(0))


def _sum(parts: list[Combination | None]) -> Combination | None:
    out: Combination = {}
    for part in parts:
        if part is None:
            return None
        for generator, c in part.items():
            out[generator] = out.get(generator, fmpq(0)) + c
    return {generator: c for generator, c in out.items() if c != 0}


def _scaled(part: Combination | None, factor: Number) -> Combination | None:
    if part is None or factor == 0:
        return None if part is None else {}
    return {generator: factor * c for generator, c in part.items()}


def _product(parts: list[Combination | None]) -> Combination | None:
    """A product of combinations of which at most one is irrational."""
    out: Combination | None = _constant(ONE)
    for part in parts:
        factor, so_far = _rational(part), _rational(out)
        if factor is not None:
            out = _scaled(out, factor)
        elif so_far is not None:
            out = _scaled(part, so_far)
        else:
            return None
    return out


def _function(name: str, x: Number | None) -> Combination | None:
    if x is None or name in ("abs", "sign"):
        return None
    if name == "log":
        return _logarithm(x)
    if x == 0:
        return _constant(ONE) if name == "exp" else None
    return {(name, x): ONE}


def _factors(n: fmpz) -> list[tuple[int, int]] | None:
    return [(int(p), int(k)) for p, k in n.factor()] if n.bit_length() <= MOST_BITS else None


def _logarithm(x: Number) -> Combination | None:
    if x <= 0:
        return None
    top, bottom = _factors(x.p), _factors(x.q)
    if top is None or bottom is None:
        return None
    # Numerator and denominator have no prime in common.
    powers = [*top, *((p, -k) for p, k in bottom)]
    return {("log", fmpq(p)): fmpq(k) for p, k in powers}


def _square_root(x: Number) -> Combination | None:
    """``√(a/b) = √(ab)/b``, with the square part of ab in front."""
    if x <= 0:
        return {} if x == 0 else None
    factors = _factors(x.p * x.q)
    if factors is None:
        return None
    outside, inside = 1, 1
    for p, k in factors:
        outside *= p ** (k // 2)
        inside *= p ** (k % 2)
    c = fmpq(outside) / fmpq(x.q)
    return _constant(c) if inside == 1 else {("sqrt", fmpq(inside)): c}
