"""Integrals over real intervals, in balls.

Arb encloses the integral of a piecewise analytic function over a finite interval rigorously.  An infinite interval,
or an end at which the integrand is singular, is approached by a sequence of finite ones: that is extrapolation, and
the evaluator is told so (``numeric``).  Pieces of an infinite interval that Arb does not enclose are estimated by a
Gauss rule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from flint import acb, arb, ctx, fmpq

from derivcheck.semantics.limits import FEWEST, Unsettled, extrapolate, growing
from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    Dual,
    EvaluationError,
    Imprecise,
    Integration,
    Kink,
    NotAnalytic,
    Number,
    Undefined,
    Unknown,
    add,
    as_ball,
    compare,
    mul,
    parts,
    perturbs,
    sub,
    total,
    union,
)
from derivcheck.semantics.values import IntervalDomain, NeedsCoin

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Evaluator

Integrand = Callable[[Number], Number]

RELATIVE_TOLERANCE = 2.0**-60
ABSOLUTE_TOLERANCE = 2.0**-80
EVALUATIONS = 4_000
#: The same for one of the many shells of an infinite interval.
SHELL_EVALUATIONS = 1_500
#: Distances 2^-4k from a singular end, and cut-offs 2^k of an infinite interval.
ENDS = range(1, 9)
CUTS = range(1, 41)
#: Points of the Gauss rule for pieces that Arb does not enclose, and what counts as nothing on all of them.
GAUSS_POINTS = 20
NOTHING = arb(2) ** -100
#: An enclosure wider than this (and than 2^-40 of its value) counts as none.
WIDEST = arb(2) ** -60


def integrate_interval(ev: Evaluator, f: Integrand, domain: IntervalDomain) -> Number:
    """The integral of `f` over an interval; 0 when the interval is empty.

    Raises
    ------
    Undefined
        If the parts of an improper integral grow without end, as far as was looked.
    Unknown
        If Arb does not converge.
    """
    lo, hi = domain.lo, domain.hi
    if lo is not None and hi is not None:
        return ev.enclosure(
            lambda: _bounded(ev, f, lo, hi) if _in_order(lo, hi) else ZERO,
            lambda: union(ZERO, _moving(ev, f, lo, hi)),  # a box of bounds that straddles the empty interval
        )
    if isinstance(lo, Dual) or isinstance(hi, Dual):
        end = lo if lo is not None else hi
        shift = IntervalDomain(None if lo is None else ZERO, None if hi is None else ZERO)
        return integrate_interval(ev, lambda s: f(add(end, s)), shift)
    return _improper(ev, f, lo, hi)


def _in_order(lo: Number, hi: Number) -> bool:
    """Whether the interval has a length; where it is just about to have one, a derivative meets a corner."""
    sign = compare(lo, hi)
    if sign == 0 and perturbs(sub(lo, hi)):
        raise Kink("a bound passes the other at the point of differentiation")
    return sign < 0


def _bounded(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number:
    if any(isinstance(x, Dual | acb) for x in (lo, hi)):
        return _moving(ev, f, lo, hi)
    return _integrate(ev, f, lo, hi)


def _moving(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number:
    """An integral with bounds that are dual or complex: z = lo + s·width with fixed bounds for s."""
    width = sub(hi, lo)
    return _integrate(ev, lambda s: mul(f(add(lo, mul(s, width))), width), ZERO, ONE)


class _DualIntegrand(Exception):
    """The integrand turned out to carry the derivative `tag`."""

    def __init__(self, tag: int) -> None:
        self.tag = tag


def _by_parts(integrate: Callable[[Integrand], Number], f: Integrand) -> Number:
    """The integral of `f`; of a dual-valued integrand, part by part.

    That differentiates under the integral sign.  Kinks that move are harmless to it; jumps that move are refused where
    the integrand is evaluated.
    """
    try:
        return integrate(f)
    except _DualIntegrand as found:
        tag = found.tag
    value = _by_parts(integrate, lambda x: parts(f(x), tag)[0])
    return Dual(tag, value, _by_parts(integrate, lambda x: parts(f(x), tag)[1]))


def _integrate(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number:
    def whole(g: Integrand) -> Number:
        result = _arb(ev, g, lo, hi)
        return result if result is not None else _towards_ends(ev, g, lo, hi)

    return _by_parts(whole, f)


def _arb(ev: Evaluator, f: Integrand, lo: Number, hi: Number, evaluations: int = EVALUATIONS) -> Number | None:
    """Arb's rigorous integral, or None when it does not converge."""
    stopped: list[BaseException] = []
    nan = acb(arb.nan())

    def integrand(z: Number, analytic: bool) -> Number:
        if stopped:
            return nan
        before = ev.state.analytic
        ev.state.analytic = bool(analytic)
        try:
            with Integration():
                y = f(z)
            if isinstance(y, Dual):
                raise _DualIntegrand(y.tag)
            return acb(y)
        except (NotAnalytic, Undefined, Imprecise):
            return nan
        except (EvaluationError, NeedsCoin, _DualIntegrand) as error:
            stopped.append(error)  # an exception must not cross Arb's C code
            return nan
        finally:
            ev.state.analytic = before

    result = acb.integral(
        integrand, acb(lo), acb(hi), rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE, eval_limit=evaluations
    )
    if stopped:
        raise stopped[0]
    if ev.state.analytic is not None:
        # Inside another integrand: a parameter is a complex box, and the value is one, as wide as it must be.
        if not result.is_finite():
            raise NotAnalytic
        return result
    value = result.real
    if not result.is_finite() or value.rad() > WIDEST.max(arb(2) ** -40 * abs(value.mid())):
        return None
    return value


def _towards_ends(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number:
    """An integral whose integrand is singular at an end: leave out less and less of both ends."""
    if ev.state.analytic is not None:
        raise NotAnalytic
    width = sub(hi, lo)

    def inner(k: int) -> Number:
        gap = mul(width, fmpq(1, 2 ** (4 * k)))
        value = _arb(ev, f, add(lo, gap), sub(hi, gap))
        if value is None:
            raise Unknown("an integral that Arb cannot enclose")
        return value

    ev.extrapolated()
    return _convergent(list(ENDS), inner)


def _convergent(steps: list[int], value: Callable[[int], Number]) -> Number:
    """The limit of an integral over growing parts of its domain.

    Raises
    ------
    Undefined
        If it still grows over the last of them.
    """
    try:
        return extrapolate(steps, value)
    except Unsettled:
        if growing([abs(as_ball(value(k))) for k in steps[-FEWEST:]]):
            raise Undefined("an integral that diverges, as far as was looked") from None
        raise


def _improper(ev: Evaluator, f: Integrand, lo: Number | None, hi: Number | None) -> Number:
    """An integral over an infinite interval: cut it at 2, 4, 8, …"""
    if ev.state.analytic is not None:
        raise NotAnalytic  # no enclosure for complex parameters; the outer integral may manage with real ones
    ev.extrapolated()
    start: Number = lo if lo is not None else hi if hi is not None else ZERO
    return _by_parts(lambda g: _shells(ev, g, start, lo is None, hi is None), f)


def _shells(ev: Evaluator, f: Integrand, start: Number, downwards: bool, upwards: bool) -> Number:
    pieces: dict[int, Number] = {0: ZERO}
    reach: Number = ZERO
    rigorous = {1: True, -1: True}
    for k in CUTS:
        further = fmpq(2**k)
        value = pieces[k - 1]
        for side in (1, -1):
            if not (upwards if side > 0 else downwards):
                continue
            ends = sorted((side * reach, side * further))
            a, b = (add(start, x) for x in ends)
            piece = _arb(ev, f, a, b, SHELL_EVALUATIONS) if rigorous[side] else None
            if piece is None:
                rigorous[side] = False
                ev.guess()
                try:
                    piece = _gauss(ev, f, a, b)
                except Imprecise:  # beyond the reach of the precision in force (a quotient of two vanishing densities)
                    return extrapolate([j for j in pieces if j], lambda j: pieces[j])
            value = add(value, piece)
        pieces[k], reach = value, further
    return _convergent(list(CUTS), lambda k: pieces[k])


@lru_cache(maxsize=8)
def _gauss_rule(bits: int) -> tuple[tuple[Number, Number], ...]:
    """Nodes and weights of Gauss and Legendre on [-1, 1], at the precision in force (its bits are the key)."""
    return tuple(arb.legendre_p_root(GAUSS_POINTS, k, weight=True) for k in range(GAUSS_POINTS))


def _gauss(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number:
    """An estimate of an integral from values at points: a ball whose radius is the change under refinement."""
    rule = _gauss_rule(ctx.prec)

    def panel(a: Number, b: Number) -> tuple[Number, Number]:
        half, middle = (b - a) / 2, (a + b) / 2
        value, largest = arb(0), arb(0)
        for node, w in rule:
            with Integration():
                y = f(middle + half * node)
            if isinstance(y, Dual):
                raise _DualIntegrand(y.tag)
            y = as_ball(y)
            value, largest = value + w * y, largest.max(abs(y).upper())
        return value * half, largest

    a, b = as_ball(lo), as_ball(hi)
    _, largest = panel(a, b)
    if largest < NOTHING:
        return arb(0, NOTHING)
    estimates = []
    for count in (4, 8):
        points = [a + (b - a) * j / count for j in range(count + 1)]
        estimates.append(total([panel(p, q)[0] for p, q in pairwise(points)]))
    coarse, fine = estimates
    return arb(fine.mid(), abs(fine - coarse).upper() + fine.rad())
