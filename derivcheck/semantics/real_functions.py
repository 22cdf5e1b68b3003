"""Functions of real arguments with declared properties: a table of shapes, and how bounds are put on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flint import fmpq

from derivcheck.semantics.choices import Choices
from derivcheck.semantics.interpretation import Reject
from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    Number,
    absolute,
    add,
    compare,
    compare_locally,
    div,
    exp,
    integer_power,
    maximum,
    mul,
    neg,
    sub,
    tanh,
)
from derivcheck.semantics.values import Domain, Function, IntervalDomain, Outcome, Value


@dataclass(frozen=True, slots=True)
class Shape:
    """A function of one real variable with what is known of it."""

    name: str
    rule: Callable[[Number], Number]
    differentiable: bool = True
    convex: bool = False
    increasing: bool = False
    nonnegative: bool = False


def _step(x: Number) -> Number:
    return ONE if compare_locally(x, ZERO) > 0 else ZERO


#: Simplest first; linear, kinked, quadratic, cubic, quartic, exponential, bounded and discontinuous ones.
SHAPES: tuple[Shape, ...] = (
    Shape("0", lambda x: ZERO, True, True, True, True),
    Shape("x", lambda x: x, True, True, True),
    Shape("x²", lambda x: mul(x, x), True, True, False, True),
    Shape("|x|", absolute, False, True, False, True),
    Shape("-2x+1", lambda x: sub(ONE, mul(fmpq(2), x)), True, True),
    Shape("max(x-1, 0)", lambda x: maximum([sub(x, ONE), ZERO]), False, True, True, True),
    Shape("x³", lambda x: integer_power(x, 3), True, False, True),
    Shape("x²+3x", lambda x: add(mul(x, x), mul(fmpq(3), x)), True, True),
    Shape("-x²", lambda x: neg(mul(x, x))),
    Shape("x⁴", lambda x: integer_power(x, 4), True, True, False, True),
    Shape("exp x", exp, True, True, True, True),
    Shape("1/(1+x²)", lambda x: div(ONE, add(ONE, mul(x, x))), True, False, False, True),
    Shape("tanh x", tanh, True, False, True),
    Shape("x+|x|/2", lambda x: add(x, div(absolute(x), fmpq(2))), False, True, True),
    Shape("[x > 0]", _step, False, False, True, True),
    Shape("-|x-1|", lambda x: neg(absolute(sub(x, ONE))), False),
)


def _bounded(shape: Shape, bounds: Mapping[str, Number | None], increasing: bool) -> Callable[[Number], Number]:
    lows = [b for b in (bounds["above"], bounds["at least"]) if b is not None]
    highs = [b for b in (bounds["below"], bounds["at most"]) if b is not None]
    g = shape.rule
    if lows and highs:
        lo, hi = maximum(lows), maximum(highs, -1)
        if compare(lo, hi) >= 0:
            raise Reject("contradictory bounds on a function")
        width = sub(hi, lo)
        if shape.name == "0":
            return lambda x: add(lo, div(width, fmpq(2)))
        if increasing:
            return lambda x: add(lo, mul(width, div(add(ONE, tanh(x)), fmpq(2))))
        return lambda x: add(lo, div(width, add(fmpq(2), mul(g(x), g(x)))))
    if lows:
        lo, gap = maximum(lows), ONE if bounds["above"] is not None else ZERO
        return lambda x: add(add(lo, gap), g(x))
    if highs:
        hi, gap = maximum(highs, -1), ONE if bounds["below"] is not None else ZERO
        return lambda x: sub(sub(hi, gap), g(x))
    return g


def real_function(
    choices: Choices,
    name: str,
    domains: tuple[Domain, ...],
    properties: frozenset[str],
    bounds: Mapping[str, Number | None],
) -> Function:
    """A function with the declared properties; of several real arguments, a sum with a product term.

    For each value of its discrete arguments it is another function.

    Raises
    ------
    Reject
        If no shape in the table has the properties.
    """
    lows = any(bounds[k] is not None for k in ("above", "at least"))
    highs = any(bounds[k] is not None for k in ("below", "at most"))
    convex, increasing = "convex" in properties, "increasing" in properties
    shapes = [
        s
        for s in SHAPES
        if (s.differentiable or "differentiable" not in properties)
        and (s.convex or not convex)
        and (s.increasing or not increasing)
    ]
    if lows != highs:
        shapes = [s for s in shapes if s.nonnegative]
    if highs and (convex or (increasing and not lows)):
        shapes = [s for s in shapes if s.name == "0"]
    if not shapes:
        raise Reject(f"no function in the table has the properties of '{name}'")
    reals = [k for k, d in enumerate(domains) if isinstance(d, IntervalDomain)]

    def part(key: tuple[int, ...]) -> list[Callable[[Number], Number]]:
        chosen = []
        for k in reals:
            shape = choices.choose(f"{name}{list(key)} shape {k}", shapes, "shape")
            chosen.append(_bounded(shape, bounds, increasing) if len(reals) == 1 else shape.rule)
        return chosen

    parts: dict[tuple[int, ...], list[Callable[[Number], Number]]] = {}

    def rule(args: tuple[Value, ...]) -> Number:
        key = tuple(a.face(a.space.atom) if isinstance(a, Outcome) else a for k, a in enumerate(args) if k not in reals)
        if key not in parts:
            parts[key] = part(key)
        xs = [args[k] for k in reals]
        out = parts[key][0](xs[0])
        for f, x in zip(parts[key][1:], xs[1:], strict=True):
            out = add(out, f(x))
        if len(xs) > 1 and not convex and not increasing:
            cross = choices.choose(f"{name}{list(key)} cross", [ZERO, ONE, fmpq(-1), fmpq(2)], "entry")
            product = ONE
            for x in xs:
                product = mul(product, x)
            out = add(out, mul(cross, product))
        if len(xs) > 1 and (lows or highs):
            return _bounded(Shape("", lambda y: y), bounds, False)(mul(out, out) if lows != highs else out)
        return out

    smooth = "differentiable" in properties
    return Function(domains, rule, smooth=True if smooth else None)
