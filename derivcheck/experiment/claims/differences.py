"""Derivatives in a statement, measured by finite differences with an error budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from derivcheck.experiment.claims.comparisons import Comparison, measured_terms
from derivcheck.experiment.claims.numeric import Numeric, Rows, Unsupported, pick_entry
from derivcheck.experiment.claims.world import SampledWorld
from derivcheck.experiment.differences import check_gradient
from derivcheck.experiment.entries import Status
from derivcheck.experiment.second_differences import check_hessian
from derivcheck.language import REAL, Term, instantiate, symbol

#: Rounding of the sides themselves, relative to their largest part.
ROUNDING = 1e-12


class Kinked(Exception):
    """The point is no good for finite differences: a kink, an undefined value, or no clear result."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One comparison at one point: ``left − right`` against what the errors allow."""

    difference: float
    budget: float
    scale: float
    evaluations: int

    @property
    def ratio(self) -> float:
        """The difference in units of its budget."""
        return abs(self.difference) / self.budget


def along(term: Term, world: SampledWorld) -> tuple[float, Callable[[Rows], Numeric], Term, float]:
    """How to evaluate the body of a derivative along its direction.

    Returns
    -------
    point : float
        The coordinate at which the derivative is taken.
    at : callable
        From coordinates, shape (rows,), to an evaluator in which the variable has them.
    body : Term
        What to evaluate with it.
    scale : float
        The natural size of the coordinate.
    """
    domain, where, *index, _ = term.args
    numeric = Numeric(world)
    if domain.op == "interval":
        variable = symbol("moved#", REAL)
        point = numeric.single(where)

        def scalar(x: Rows) -> Numeric:
            world.temporary[variable] = x
            return Numeric(world)

        return point, scalar, instantiate(term.body, variable), abs(point) or 1.0
    entries = numeric.array(where)
    if entries.shape[0] != 1:
        raise Unsupported("a derivative at a random point")
    array_variable = symbol("moved#", where.sort, domain.args[:-1])
    place = tuple(numeric.integer(i) - 1 for i in index)

    def entry(x: Rows) -> Numeric:
        moved = np.repeat(entries, len(x), axis=0)
        pick_entry(moved, place)[:] = x
        world.temporary[array_variable] = moved
        return Numeric(world)

    scale = float(np.abs(entries).max()) or 1.0
    return float(entries[(0, *place)]), entry, instantiate(term.body, array_variable), scale


def measured_derivative(term: Term, world: SampledWorld) -> tuple[float, float, int]:
    """A derivative with its error budget and the number of evaluations.

    Raises
    ------
    Kinked
        If finite differences do not settle it.
    """
    if _is_second(term):
        return _second_derivative(term, world)
    point, at, body, scale = along(term, world)
    rows = 0

    def function(x: Rows) -> Rows:
        nonlocal rows
        rows += len(x)
        return np.broadcast_to(at(x[:, 0]).real(body), (len(x),))

    check = check_gradient(function, np.array([point]), np.zeros(1), scale=np.array([scale]))
    status = int(check.status[0, 0, 0])
    if status not in (Status.AGREES, Status.REFUTED):
        raise Kinked(check.result.reason)
    return float(check.derivative[0, 0, 0]), float(check.budget[0, 0, 0]), rows


def _is_second(term: Term) -> bool:
    """Whether `term` is ∂/∂x of ∂f/∂y at the same place, so that f itself can be measured."""
    inner = term.body
    if inner.op != "deriv":
        return False
    variable = symbol("moved#", term.args[1].sort, term.args[0].args[:-1] if term.args[0].op == "functions" else ())
    return bool(instantiate(inner, variable).args[1] == variable)


def _second_derivative(term: Term, world: SampledWorld) -> tuple[float, float, int]:
    """A second derivative by one or two coordinates, from second differences of what is differentiated twice."""
    domain, where, *outer, _ = term.args
    numeric = Numeric(world)
    scalar = domain.op == "interval"
    variable = symbol("moved#", where.sort, () if scalar else domain.args[:-1])
    inner = instantiate(term.body, variable)
    body = instantiate(inner.body, variable)
    places = [tuple(numeric.integer(i) - 1 for i in index) for index in (outer, inner.args[2:-1])]
    distinct = list(dict.fromkeys(places))
    base = numeric.real(where) if scalar else numeric.array(where)
    if base.shape[0] != 1:
        raise Unsupported("a derivative at a random point")
    rows = 0

    def function(x: Rows) -> Rows:
        nonlocal rows
        rows += len(x)
        moved = np.repeat(base, len(x), axis=0)
        for k, place in enumerate(distinct):
            pick_entry(moved, place)[:] = x[:, k]
        world.temporary[variable] = moved
        return np.broadcast_to(Numeric(world).real(body), (len(x),))

    point = np.array([base[(0, *place)] for place in distinct])
    size = np.full(len(distinct), float(np.abs(base).max()) or 1.0)
    check = check_hessian(function, point, np.zeros((len(distinct), len(distinct))), scale=size)
    at = (0, 0, *(distinct.index(place) for place in places))
    if int(check.status[at]) not in (Status.AGREES, Status.REFUTED):
        raise Kinked(check.result.reason)
    return float(check.hessian[at]), float(check.budget[at]), rows


def compare(comparison: Comparison, world: SampledWorld) -> Difference | None:
    """Measure the derivatives in a comparison and compare; None if there are none in it.

    Raises
    ------
    Kinked, Unsupported
        If it cannot be measured here.
    """
    nodes = measured_terms(Numeric(world), comparison.left, comparison.right)
    if not nodes:
        return None
    found = {node: measured_derivative(node, world) for node in nodes}
    values = {node: np.array([value]) for node, (value, _, _) in found.items()}

    def sides(changed: dict[Term, Rows]) -> tuple[float, float]:
        numeric = Numeric(world, {**values, **changed})
        return numeric.single(comparison.left), numeric.single(comparison.right)

    left, right = sides({})
    parts = [abs(left), abs(right)]
    budget = 0.0
    for node, (value, error, _) in found.items():
        without = sides({node: np.array([0.0])})
        parts.append(abs((left - right) - (without[0] - without[1])))
        moved = [sides({node: np.array([value + s * error])}) for s in (-1.0, 1.0)]
        budget += max(abs((m[0] - m[1]) - (left - right)) for m in moved)
    scale = max(parts)
    if not (np.isfinite([left, right, budget]).all() and scale > 0):
        raise Kinked("no finite value")
    return Difference(left - right, budget + ROUNDING * scale, scale, sum(rows for _, _, rows in found.values()))
