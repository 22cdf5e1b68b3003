"""Limits and infinite series, by extrapolation on a geometric grid.

The result is a ball whose radius is an *estimate* of the error, not a bound: whoever uses it says ``numeric``.  A
sequence that does not settle gives a wide ball, which decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from flint import arb, ctx, fmpq

from derivcheck.semantics.numbers import (
    BudgetExceeded,
    Dual,
    Number,
    Undefined,
    Unknown,
    add,
    compare,
    working_precision,
)

#: Digits kept while extrapolating: differences of near-equal numbers lose half of them.
PRECISION = 320
#: Grid of a limit over the reals, over the integers, and of the partial sums of a series.
REAL_STEPS = range(2, 34)
INTEGER_STEPS = range(2, 10)
SERIES_STEPS = range(2, 10)
#: Where growth is confirmed: 2^44 steps, so that factors as near to 1 as 1 - 1e-6 have long decided.
FAR_STEPS = range(38, 45)
#: Values that grow at least so much whenever the integer doubles have no limit.
GROWTH = arb(1.25)
#: Limits of two subsequences differ if their distance is this multiple of their radii.
APART = 1000
#: Fewer values than this say nothing.
FEWEST = 6
#: The radius is this multiple of the last change of the extrapolated value.
SAFETY = 8
#: Successive steps on the grid must shrink by this factor.
SHRINKING = arb(0.95)


class Unsettled(Unknown):
    """Values whose steps do not shrink."""


def limit(
    f: Callable[[Number], Number],
    point: Number | None,
    side: str,
    infinite: int,
    over_integers: bool,
    tiring: Callable[[], bool],
) -> Number:
    """The limit of `f` at `point` (``None``: at ``infinite·∞``), from `side` or from both.

    Raises
    ------
    Undefined
        If the values near the point grow, do not exist, or (over integers) settle apart along even and odd members.
    Unknown
        If too few values exist near the point, or the two sides differ.
    """
    if isinstance(point, Dual):
        raise Unknown("a derivative by the point of a limit")
    if point is None:
        if over_integers:
            return _over_integers(f, infinite, tiring)
        return _over_reals(f, lambda k: fmpq(infinite * 2**k), tiring)
    sides = [s for s in (1, -1) if side in ("", "+" if s > 0 else "-")]
    found = [_over_reals(f, _approaching(point, s), tiring) for s in sides]
    if len(found) == 2 and not found[0].overlaps(found[1]):
        raise Unknown("the two one-sided limits seem to differ")
    return found[0] if len(found) == 1 or found[0].rad() < found[1].rad() else found[1]


def _approaching(point: Number, side: int) -> Callable[[int], Number]:
    return lambda k: point + side * fmpq(1, 2**k)


def _over_reals(f: Callable[[Number], Number], at: Callable[[int], Number], tiring: Callable[[], bool]) -> Number:
    """The limit along ``at(k)`` for growing ``k``.

    Raises
    ------
    Undefined
        If the values keep growing.
    """
    try:
        return extrapolate([at(k) for k in REAL_STEPS], f, tiring)
    except Unsettled:
        if _grows(f, at):
            raise Undefined("a limit that does not exist: the values grow as far as was looked") from None
        raise


def _over_integers(f: Callable[[Number], Number], infinite: int, tiring: Callable[[], bool]) -> Number:
    """The limit over integers, from even and from odd ones: (-1)^t has a limit along each.

    Raises
    ------
    Undefined
        If both settle and clearly apart, or the values keep growing.
    """
    try:
        even = extrapolate([infinite * 2**k for k in INTEGER_STEPS], f, tiring)
        odd = extrapolate([infinite * (2**k + 1) for k in INTEGER_STEPS], f, tiring)
    except Unsettled:
        if _grows(f, lambda k: infinite * 2**k):
            raise Undefined("a sequence that diverges, as far as 2^44 steps tell") from None
        raise
    gap = even - odd
    if gap.contains(0):
        return even if even.rad() < odd.rad() else odd
    if gap.abs_lower() > APART * (even.rad() + odd.rad()) and gap.abs_lower() > arb(2) ** -20:
        raise Undefined("a sequence that diverges: its even and odd members settle apart, as far as was looked")
    raise Unknown("a limit's values do not settle")


def _grows(f: Callable[[Number], Number], at: Callable[[int], Number]) -> bool:
    """Whether the values grow geometrically along ``at(k)``, far beyond any slow decay that was drawn."""
    sizes: list[Number] = []
    for k in FAR_STEPS:
        try:
            v = f(at(k))
        except BudgetExceeded:
            raise
        except (Undefined, Unknown):
            return False
        if isinstance(v, Dual):
            return False
        sizes.append(abs(arb(v)))
    return growing(sizes)


def growing(sizes: Sequence[Number]) -> bool:
    """Whether sizes grow from each to the next by a factor, at least, that no convergent values keep up."""
    return all(bool(a > 1) and bool(b > a * GROWTH) for a, b in pairwise(sizes))


def series(term: Callable[[int], Number], start: int, tiring: Callable[[], bool]) -> Number:
    """The sum of ``term(start) + term(start + 1) + …``."""
    partial: dict[int, Number] = {}
    out: Number = fmpq(0)
    with working_precision(max(PRECISION, ctx.prec)):
        for j in range(2 ** SERIES_STEPS[-1]):
            out = add(out, term(start + j))
            partial[j + 1] = out
            if tiring():
                break
    return extrapolate([2**k for k in SERIES_STEPS if 2**k in partial], lambda n: partial[n])


def extrapolate(
    grid: Sequence[Number], f: Callable[[Number], Number], tiring: Callable[[], bool] = lambda: False
) -> Number:
    """The limit of ``f`` along `grid`, as a ball with an estimated radius; stops early when `tiring`.

    Raises
    ------
    Undefined
        If ``f`` has a value nowhere on the grid.
    Unknown
        If it has too few values there, or they do not settle.
    """
    values: list[Number] = []
    nowhere: Undefined | None = None
    with working_precision(max(PRECISION, ctx.prec)):
        for looked, t in enumerate(grid):
            if tiring() and len(values) >= FEWEST:
                break
            try:
                v = f(t)
            except BudgetExceeded:
                raise
            except Undefined as undefined:
                values.clear()  # only an unbroken tail counts
                nowhere = undefined if nowhere is not None or looked == 0 else None
                continue
            except Unknown:
                values.clear()
                nowhere = None
                continue
            nowhere = None
            if isinstance(v, Dual):
                raise Unknown("a derivative of a limit")
            v = arb(v)
            if not v.is_finite() or v.rad() > arb(2) ** -30 * (1 + abs(v.mid())):
                continue
            values.append(v)
        if nowhere is not None:
            raise Undefined(f"a limit where there are no values near the point: {nowhere}")
        if len(values) < FEWEST:
            raise Unknown("too few values near the point of a limit")
        return _settled(values)


def _settled(values: list[Number]) -> Number:
    """The best of the plain, Aitken and Richardson sequences, judged by how much each still changes.

    Raises
    ------
    Unknown
        If the steps do not shrink: acceleration then invents limits (Aitken's of 2, 4, 8, … is 0).
    """
    step, before = abs(values[-1] - values[-2]), abs(values[-2] - values[-3])
    noise = arb(2) ** -60 * values[-1].abs_upper() + values[-1].rad() + values[-2].rad()
    if not (step < before * SHRINKING or step.abs_upper() <= noise):
        raise Unsettled("a limit's values do not settle")
    candidates = [values, _aitken(values), _richardson(values)]
    best: Number | None = None
    for sequence in candidates:
        if len(sequence) < 3:
            continue
        last, before, earlier = sequence[-1], sequence[-2], sequence[-3]
        error = SAFETY * max((last - before).abs_upper(), (before - earlier).abs_upper() / 16)
        ball = arb(last.mid(), error + last.rad() + values[-1].rad())
        if best is None or compare(ball.rad(), best.rad()) < 0:
            best = ball
    assert best is not None
    # An extrapolation that leaves the neighbourhood of the values themselves is not believed.
    spread = (values[-1] - values[-2]).abs_upper() * 64 + arb(2) ** -60
    if (best - values[-1]).abs_lower() > spread:
        raise Unknown("a limit's values do not settle")
    return best


def _aitken(values: list[Number]) -> list[Number]:
    out = []
    for a, b, c in zip(values, values[1:], values[2:], strict=False):
        bend = c - 2 * b + a
        if bend.contains(0):
            out.append(c)
        else:
            out.append(arb((c - (c - b) * (c - b) / bend).mid()))
    return out


def _richardson(values: list[Number]) -> list[Number]:
    """Eliminate errors of order h, h², h³ on a grid whose step halves."""
    for order in (1, 2, 3):
        factor = 2**order
        values = [arb(((factor * b - a) / (factor - 1)).mid()) for a, b in pairwise(values)]
    return values
