"""Expectations, variances and covariances in a statement, estimated by Monte Carlo.

The two sides are one smooth function of the means of some columns; its error follows from the influence of each draw
(`derivcheck.experiment.functionals`).  The derivative of an expectation is estimated by a five-point difference with
the same draws at every point, which is a function of means like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from derivcheck.experiment.claims.comparisons import Comparison, measured_terms
from derivcheck.experiment.claims.differences import along
from derivcheck.experiment.claims.numeric import Numeric, Rows, Unmeasured, Unsupported
from derivcheck.experiment.claims.world import SampledWorld
from derivcheck.experiment.functionals import smooth
from derivcheck.experiment.montecarlo import Relation, mean_test
from derivcheck.experiment.result import ExperimentResult
from derivcheck.experiment.seeds import rng
from derivcheck.language import Term, apply, domain_of_measure, instantiate, sort_of_domain, symbol

#: Sensitivity that is asked for, and draws that may be spent on it: about a second for a few columns.
DETECTABLE = 0.03
MAX_DRAWS = 1 << 19
SCOUTS = 2048

#: Standard errors of the scouting draws below which a side counts as 0.
NOISE = 6.0

#: Step of the five-point difference, relative to the coordinate's size: its truncation error, of order h⁴, stays below
#: what Monte Carlo can see.
STEP = 1e-2
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))

#: From an evaluator of one batch of draws to a column.
Column = Callable[[], Rows]


@dataclass(frozen=True, slots=True)
class Estimand:
    """A measured term as a function of the means of its columns; `columns` are centred near their means."""

    columns: tuple[Column, ...]
    value: Callable[[Rows], float]


def estimand(term: Term, world: SampledWorld) -> Estimand:
    """How to estimate a measured term.

    Raises
    ------
    Unsupported
        For an expectation inside an expectation and the like.
    """
    if term.op == "deriv":
        return _derivative(term, world)
    if term.op == "defn":
        measure, *functions = term.args
        outcome = _outcome(measure)
        bodies = [apply(f, outcome) for f in functions]
        if term.data.name != "Expect":
            return _second_moment(bodies[0], bodies[-1], world)
        body = bodies[0]
    else:
        body = instantiate(term.body, _outcome(term.args[0]))
    return Estimand((_column(body, world),), lambda m: float(m[0]))


def _outcome(measure: Term) -> Term:
    return symbol("outcome#", sort_of_domain(domain_of_measure(measure)))


def _column(body: Term, world: SampledWorld) -> Column:
    def column() -> Rows:
        try:
            return Numeric(world).real(body)
        except Unmeasured as inner:
            raise Unsupported(f"an expectation of the expectation '{inner.term}'") from None

    return column


def _second_moment(left: Term, right: Term, world: SampledWorld) -> Estimand:
    """The covariance of two bodies, from means near 0: the centres come from the first batch, which only scouts."""
    x, y = _column(left, world), _column(right, world)
    centres: list[float] = []

    def centred() -> tuple[Rows, Rows]:
        a, b = x(), y()
        if not centres:
            centres.extend((float(a.mean()), float(b.mean())))
        return a - centres[0], b - centres[1]

    return Estimand(
        (lambda: centred()[0], lambda: centred()[1], lambda: np.multiply(*centred())),
        lambda m: float(m[2] - m[0] * m[1]),
    )


def _derivative(term: Term, world: SampledWorld) -> Estimand:
    point, at, body, scale = along(term, world)
    step = STEP * scale
    columns: list[Column] = []
    parts: list[tuple[float, Sequence[tuple[Term, slice, Estimand]], float]] = []
    for offset, weight in STENCIL:
        x = np.array([point + offset * step])
        inner = [(node, estimand(node, _Moved(world, at, x))) for node in measured_terms(at(x), body)]  # type: ignore[arg-type]
        placed = []
        for node, e in inner:
            placed.append((node, slice(len(columns), len(columns) + len(e.columns)), e))
            columns.extend(e.columns)
        parts.append((float(x[0]), placed, weight))
    if not columns:
        raise Unsupported("a derivative of something that is not random beside an expectation")

    def value(means: Rows) -> float:
        total = 0.0
        for x0, placed, weight in parts:
            numeric = at(np.array([x0]))
            numeric.measured.update({node: np.array([e.value(means[s])]) for node, s, e in placed})
            total += weight * numeric.single(body)
        return total / step

    return Estimand(tuple(columns), value)


class _Moved:
    """A world in which the variable of a derivative is put at a coordinate before each evaluation."""

    def __init__(self, world: SampledWorld, at: Callable[[Rows], Numeric], x: Rows) -> None:
        self._world, self._at, self._x = world, at, x

    def integer(self, symbol: Term) -> int:
        return self._world.integer(symbol)

    def real(self, symbol: Term) -> Rows:
        self._at(self._x)
        return self._world.real(symbol)

    def at(self, symbol: Term, args: tuple[object, ...]) -> Rows:
        self._at(self._x)
        return self._world.at(symbol, args)

    def make_equal(self, premise: Term) -> bool:
        return False


def test_comparison(
    comparison: Comparison, world: SampledWorld, seed: int, names: tuple[str | int, ...], alpha: float
) -> ExperimentResult | None:
    """Estimate both sides of a comparison from draws of a world and compare; None if nothing in it is random.

    Parameters
    ----------
    seed, names
        The streams of the draws.
    alpha : float
        The false-alarm rate of this test.
    """
    nodes = measured_terms(Numeric(world), comparison.left, comparison.right)
    if not nodes:
        return None
    estimands = [estimand(node, world) for node in nodes]
    columns = [c for e in estimands for c in e.columns]

    def sample(generator: np.random.Generator, n: int) -> Rows:
        world.draw(generator, n)
        return np.stack([np.broadcast_to(c(), (n,)) for c in columns], axis=1)

    def sides(means: Rows) -> tuple[float, float]:
        measured: dict[Term, Rows] = {}
        start = 0
        for node, e in zip(nodes, estimands, strict=True):
            measured[node] = np.array([e.value(means[start : start + len(e.columns)])])
            start += len(e.columns)
        numeric = Numeric(world, measured)
        return numeric.single(comparison.left), numeric.single(comparison.right)

    def difference(means: Rows) -> Rows:
        left, right = sides(means)
        return np.array([left - right])

    scouted = sample(rng(seed, *names, "scout"), SCOUTS)
    spread = scouted.std(axis=0)

    def gradient(means: Rows) -> Rows:
        out = np.zeros((1, len(means)))
        for k, s in enumerate(spread):
            h = 1e-4 * (s or max(1.0, abs(means[k])))
            moved = np.repeat(means[None], 2, axis=0)
            moved[0, k] -= h
            moved[1, k] += h
            out[0, k] = (difference(moved[1])[0] - difference(moved[0])[0]) / (2 * h)
        return out

    means = scouted.mean(axis=0)
    left, right = sides(means)
    influence = float(np.abs(gradient(means) * spread).sum())
    # A side that cannot be told from 0 is no measure of what matters; the spread of the draws is.
    larger = max(abs(left), abs(right))
    seen = larger > NOISE * influence / np.sqrt(SCOUTS)
    scale = larger if seen else influence
    if not np.isfinite(scale) or scale == 0.0:
        raise Unsupported("no finite value" if scale else "nothing varies")
    relation: Relation = "==" if comparison.relation == "==" else "<="
    return mean_test(
        sample,
        np.zeros(1),
        pilot_rng=rng(seed, *names, "pilot"),
        rng=rng(seed, *names, "main"),
        scale=np.array([scale]),
        scale_name="the larger side" if seen else "the spread of the draws",
        alpha=alpha,
        detectable=DETECTABLE,
        max_draws=MAX_DRAWS,
        function=smooth(difference, gradient, "left side - right side"),
        relation=relation,
    )
