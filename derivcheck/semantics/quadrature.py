"""Integrals over real intervals, in balls.

Arb encloses the integral of a piecewise analytic function over a finite interval rigorously.  An infinite interval,
or an end at which the integrand is singular, is approached by a sequence of finite ones: that is extrapolation, and
the evaluator is told so (``numeric``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flint import acb, arb, fmpq

from derivcheck.semantics.limits import extrapolate
from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    Dual,
    EvaluationError,
    Imprecise,
    NotAnalytic,
    Number,
    Undefined,
    Unknown,
    add,
    compare,
    mul,
    parts,
    sub,
)
from derivcheck.semantics.values import IntervalDomain, NeedsCoin

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Evaluator

Integrand = Callable[[Number], Number]

RELATIVE_TOLERANCE = 2.0**-60
EVALUATIONS = 6_000
#: Cut-offs 2^k (or distances 2^-4k from a singular end) of improper integrals.
CUTS = range(1, 9)


def integrate_interval(ev: Evaluator, f: Integrand, domain: IntervalDomain) -> Number:
    """The integral of `f` over an interval; 0 when the interval is empty.

    Raises
    ------
    Unknown
        If Arb does not converge.
    """
    lo, hi = domain.lo, domain.hi
    if lo is not None and hi is not None:
        if compare(lo, hi) >= 0:
            return ZERO
        if isinstance(lo, Dual) or isinstance(hi, Dual):
            width = sub(hi, lo)  # bounds that move: z = lo + s·width with fixed bounds for s
            return _integrate(ev, lambda s: mul(f(add(lo, mul(s, width))), width), ZERO, ONE)
        return _integrate(ev, f, lo, hi)
    if isinstance(lo, Dual) or isinstance(hi, Dual):
        end = lo if lo is not None else hi
        shift = IntervalDomain(None if lo is None else ZERO, None if hi is None else ZERO)
        return integrate_interval(ev, lambda s: f(add(end, s)), shift)
    return _improper(ev, f, lo, hi)


def _integrate(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number:
    """Split a dual-valued integrand into its parts, then integrate each."""
    probe = _probe(ev, f, lo, hi)
    if isinstance(probe, Dual):
        tag = probe.tag
        value = _integrate(ev, lambda x: parts(f(x), tag)[0], lo, hi)
        return Dual(tag, value, _integrate(ev, lambda x: parts(f(x), tag)[1], lo, hi))
    result = _arb(ev, f, lo, hi)
    if result is not None:
        return result
    return _towards_ends(ev, f, lo, hi)


def _probe(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number:
    """The integrand at some inner point where it exists, to see its structure."""
    for s in (fmpq(9, 16), fmpq(5, 16), fmpq(13, 17)):
        before = ev.state.analytic, ev.state.lebesgue_depth
        ev.state.lebesgue_depth += 1
        try:
            return f(add(lo, mul(s, sub(hi, lo))))
        except (Undefined, Imprecise):
            continue
        finally:
            ev.state.analytic, ev.state.lebesgue_depth = before
    raise Unknown("an integrand that does not exist at inner points")


def _arb(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number | None:
    """Arb's rigorous integral, or None when it does not converge."""
    stopped: list[BaseException] = []
    nan = acb(arb.nan())

    def integrand(z: Number, analytic: bool) -> Number:
        if stopped:
            return nan
        before = ev.state.analytic, ev.state.lebesgue_depth
        ev.state.analytic, ev.state.lebesgue_depth = bool(analytic), ev.state.lebesgue_depth + 1
        try:
            return acb(f(z))
        except (NotAnalytic, Undefined, Imprecise):
            return nan
        except (EvaluationError, NeedsCoin) as error:
            stopped.append(error)  # an exception must not cross Arb's C code
            return nan
        finally:
            ev.state.analytic, ev.state.lebesgue_depth = before

    result = acb.integral(integrand, acb(lo), acb(hi), rel_tol=RELATIVE_TOLERANCE, eval_limit=EVALUATIONS)
    if stopped:
        raise stopped[0]
    return result.real if result.is_finite() else None


def _towards_ends(ev: Evaluator, f: Integrand, lo: Number, hi: Number) -> Number:
    """An integral whose integrand is singular at an end: leave out less and less of both ends."""
    width = sub(hi, lo)

    def inner(k: int) -> Number:
        gap = mul(width, fmpq(1, 2 ** (4 * k)))
        value = _arb(ev, f, add(lo, gap), sub(hi, gap))
        if value is None:
            raise Unknown("an integral that Arb cannot enclose")
        return value

    ev.extrapolated()
    return extrapolate(list(CUTS), inner)


def _improper(ev: Evaluator, f: Integrand, lo: Number | None, hi: Number | None) -> Number:
    """An integral over an infinite interval: cut it at 2, 4, 8, …"""
    ev.extrapolated()
    start: Number = lo if lo is not None else hi if hi is not None else ZERO
    pieces: dict[int, Number] = {0: ZERO}
    probe = _probe(ev, f, sub(start, ONE) if lo is None else start, add(start, ONE) if hi is None else start)
    if isinstance(probe, Dual):
        tag = probe.tag
        value = _improper(ev, lambda x: parts(f(x), tag)[0], lo, hi)
        return Dual(tag, value, _improper(ev, lambda x: parts(f(x), tag)[1], lo, hi))
    reach: Number = ZERO
    for k in CUTS:
        further = fmpq(2**k)
        out = pieces[k - 1]
        if hi is None:
            out = add(out, _integrate(ev, f, add(start, reach), add(start, further)))
        if lo is None:
            out = add(out, _integrate(ev, f, sub(start, further), sub(start, reach)))
        pieces[k], reach = out, further
    return extrapolate(list(CUTS), lambda k: pieces[k])
