"""A limit in a statement, followed numerically on a geometric grid: at best supported."""

from __future__ import annotations

import math

import numpy as np

from derivcheck.experiment.claims.comparisons import Comparison
from derivcheck.experiment.claims.numeric import Numeric, Rows, Unmeasured, Unsupported
from derivcheck.experiment.claims.world import SampledWorld
from derivcheck.experiment.limits import check_limit
from derivcheck.experiment.result import ExperimentResult
from derivcheck.language import INT, REAL, Term, instantiate, integer, symbol

#: The grid of a sequence: powers of two up to this one.
LEVELS = 40


def compare(comparison: Comparison, world: SampledWorld) -> ExperimentResult | None:
    """Follow the side that is a limit towards the other; None if neither side is one.

    Raises
    ------
    Unsupported
        If the body cannot be evaluated along the way.
    """
    sides = (comparison.left, comparison.right)
    limit = next((s for s in sides if s.op == "lim"), None)
    if limit is None or comparison.relation != "==":
        return None
    other = sides[1] if limit is sides[0] else sides[0]
    try:
        claimed = Numeric(world).single(other)
        return _follow(limit, claimed, world)
    except Unmeasured as inner:
        raise Unsupported(f"a limit of the measured '{inner.term}'") from None


def _follow(limit: Term, claimed: float, world: SampledWorld) -> ExperimentResult:
    point = limit.args[0]
    if point.sort == INT:

        def sequence(t: Rows) -> Rows:
            return np.array([Numeric(world).single(instantiate(limit.body, integer(int(k)))) for k in t])

        function, start, toward, ratio = sequence, 1.0, math.inf, 2.0
    else:
        moved = symbol("moved#", REAL)

        def along(t: Rows) -> Rows:
            world.temporary[moved] = t
            return np.broadcast_to(Numeric(world).real(instantiate(limit.body, moved)), t.shape)

        toward = _point(point, world)
        side = -1.0 if limit.data == "-" or toward == -math.inf else 1.0
        start = side if math.isinf(toward) else toward + 0.5 * side * (abs(toward) or 1.0)
        function, ratio = along, 1.9
    return check_limit(
        function,
        claimed,
        start=start,
        toward=toward,
        scale=abs(claimed) or 1.0,
        scale_name="the claimed limit" if claimed else "1",
        ratio=ratio,
        levels=LEVELS,
    )


def _point(point: Term, world: SampledWorld) -> float:
    if point.op == "oo":
        return math.inf
    if point.op == "neg" and point.args[0].op == "oo":
        return -math.inf
    return Numeric(world).single(point)
