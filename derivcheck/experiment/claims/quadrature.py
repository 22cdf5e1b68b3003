"""Integrals in a statement, over abstract spaces: evaluated for smooth densities on an interval.

Instances add up over finite sets.  Here the same statement meets the continuous case: every space is the interval
[0, 1] with Lebesgue measure, every density and function on it a random smooth one, a random variable a smooth function
of the outcome with the declared mean and variance.  Integrals are Gauss-Legendre sums; two rules tell the error.
Derivatives are finite differences, by a parameter or at every node.

>>> from derivcheck.language import Givens, Int, eq, integrable, space
>>> g = Givens(); X = space("X"); mu = g.measure("mu", X)
>>> p = g.distribution("p", mu, positive=True); f = g.function("f", X)
>>> statement = eq(Int(mu, lambda x: p(x) * (f(x) + 1)), 1 + Int(mu, lambda x: p(x) * f(x)))
>>> abs(next(smooth_cases(g.context, statement, seed=1, name="example"))[1].ratio) < 1
True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derivcheck.experiment.claims.comparisons import Comparison, comparisons, measured_terms
from derivcheck.experiment.claims.differences import ROUNDING, Difference, Kinked
from derivcheck.experiment.claims.numeric import Numeric, Rows, Unsupported
from derivcheck.experiment.differences import check_jacobian
from derivcheck.experiment.entries import Status
from derivcheck.experiment.seeds import seed_sequence
from derivcheck.language import (
    INT,
    REAL,
    Context,
    Declaration,
    Term,
    apply,
    domain_of_measure,
    free_symbols,
    instantiate,
    integer,
    sort_of_domain,
    symbol,
)
from derivcheck.semantics.cases import drawn
from derivcheck.semantics.choices import PLANS
from derivcheck.semantics.interpretation import Interpretation
from derivcheck.semantics.numbers import EvaluationError, midpoint

#: Cases that are evaluated, and comparisons of one case.
CASES = 4
MOST = 16

#: Nodes of the rule, and of the coarser one that tells its error (an order of magnitude is granted).
NODES, COARSER = 64, 48
GRANTED = 10.0

#: The point of a space that an integral runs over.
NODE = "node#"

#: What is known of a declaration that smooth values respect.
RESPECTED: Mapping[str, frozenset[str]] = {
    "density": frozenset({"positive", "nonnegative", "normalised", "integrable"}),
    "function": frozenset({"above", "at least", "below", "at most", "differentiable"}),
    "random": frozenset({"mean", "variance", "square integrable"}),
    "measure": frozenset({"probability"}),
}


def smooth_cases(context: Context, statement: Term, seed: int, name: str) -> Iterator[tuple[Comparison, Difference]]:
    """Compare both sides of a statement in random smooth cases, one after another.

    Raises
    ------
    Unsupported
        If no case could be evaluated; with the first reason.
    """
    compared = False
    reasons: list[str] = []
    for number in range(CASES):
        stream = seed_sequence(seed, name, "smooth", number)
        given = drawn(context, int(stream.generate_state(1)[0]), PLANS[number % len(PLANS)])
        if isinstance(given, str):
            reasons.append(given)
            continue
        try:
            coarse, fine = (SmoothWorld(context, given.world, stream, nodes) for nodes in (COARSER, NODES))
            for fact in fine.to_be_checked:
                if not all(_holds(c, _compare(c, coarse, fine)) for c in comparisons(fact, Smooth(fine))):
                    raise Unsupported(f"smooth functions that satisfy '{fact}'")
            for c in list(comparisons(statement, Smooth(fine)))[:MOST]:
                difference = _compare(c, coarse, fine)
                compared = True
                yield c, difference
        except (Unsupported, Kinked, EvaluationError) as error:
            reasons.append(str(error))
    if not compared:
        raise Unsupported(reasons[0] if reasons else "nothing is compared")


class Smooth(Numeric):
    """Numeric evaluation in which integrals over spaces are sums over nodes; a row is a node."""

    world: SmoothWorld

    def _real(self, term: Term) -> Rows:
        if term not in self.measured and term.op == "defn" and term.data.name in ("Expect", "Var", "Cov"):
            return self.real(term.data.unfold(*term.args))
        return super()._real(term)

    def _integral(self, term: Term) -> Rows:
        measure = term.args[0]
        if measure.op != "sym" or domain_of_measure(measure).op != "space":
            return super()._integral(term)
        node = symbol(NODE, sort_of_domain(domain_of_measure(measure)))
        if any(s.data == NODE for s in free_symbols(term)):
            raise Unsupported("an integral that depends on the point of another one")
        values = np.broadcast_to(self.real(instantiate(term.body, node)), self.world.nodes.shape)
        self.world.largest = max(self.world.largest, float(self.world.weights @ np.abs(values)))
        return np.array([float(self.world.weights @ values)])


class SmoothWorld:
    """The values of all symbols: what lives on a space is a smooth function on [0, 1], seen at the nodes.

    Parameters
    ----------
    context, interpretation
        What is declared, and the values of sizes, numbers and arrays.
    stream : SeedSequence
        Where the smooth functions come from; a function is found by its name, so that two rules see the same one.
    nodes : int
        The number of nodes.
    """

    def __init__(
        self, context: Context, interpretation: Interpretation, stream: np.random.SeedSequence, nodes: int
    ) -> None:
        self.interpretation = interpretation
        self.entropy = stream.generate_state(4)
        x, w = np.polynomial.legendre.leggauss(nodes)
        self.nodes: Rows = (x + 1.0) / 2.0
        self.weights: Rows = w / 2.0
        self.temporary: dict[Term, Rows] = {}
        self.largest = 0.0
        everything = [*context.declarations, *(e for d in context.declarations for e in d.auxiliary)]
        self.declared = {d.symbol: d for d in everything if d.symbol is not None}
        self.definitions = {s: t for d in everything for s, t in d.model}
        self.to_be_checked = [
            fact
            for d in context.declarations
            if d.symbol is None and not d.model
            for p in d.properties
            for fact in p.facts
            if fact.op != "integrable" and not _differentiable(fact)  # smooth functions on [0, 1] are both
        ]
        if sum(d.kind == "random" for d in everything) > 1:
            raise Unsupported("several random variables of one smooth outcome")

    # ------------------------------------------------------------------------------------------- what evaluation asks

    def integer(self, symbol: Term) -> int:
        """See `World`."""
        return int(self.interpretation.symbol(symbol))

    def real(self, symbol: Term) -> Rows:
        """See `World`."""
        known = self.temporary.get(symbol)
        return known if known is not None else np.array([_float(self.interpretation.symbol(symbol))])

    def make_equal(self, premise: Term) -> bool:
        """See `World`: nothing is made equal here."""
        return False

    def at(self, function: Term, args: tuple[Any, ...]) -> Rows:
        """See `World`."""
        if function in self.temporary:
            return self.temporary[function][(slice(None), *(i - 1 for i in args))]
        if function in self.definitions:
            return Smooth(self).real(apply(self.definitions[function], *self._terms(function, args)))
        declaration = self.declared.get(function)
        if declaration is None:
            raise Unsupported(f"'{function}'")
        if all(isinstance(a, int) for a in args):
            return np.array([_float(self.interpretation.symbol(function).at(args))])
        unknown = {p.name for p in declaration.properties} - RESPECTED.get(declaration.kind, frozenset())
        if len(args) != 1 or unknown:
            raise Unsupported(f"a smooth '{function}'" + f" ({', '.join(sorted(unknown))})" * bool(unknown))
        x = self.nodes if args[0] is None else args[0]
        raw = self._raw(declaration.name)
        if declaration.kind == "density":
            return np.asarray(np.exp(raw(x)) / (self.weights @ np.exp(raw(self.nodes))))
        if declaration.kind == "random":
            return self._random(declaration, raw)
        return self._bounded(declaration, raw(x))

    def _terms(self, function: Term, args: tuple[Any, ...]) -> list[Term]:
        """Arguments as terms again, to put them into a definition."""
        out = []
        for k, (a, sort) in enumerate(zip(args, function.sort.domain_sorts, strict=True)):
            if sort == INT:
                out.append(integer(a))
            elif a is None:
                out.append(symbol(NODE, sort))
            else:
                variable = symbol(f"argument#{function.data}#{k}", REAL)
                self.temporary[variable] = a
                out.append(variable)
        return out

    # ------------------------------------------------------------------------------------------------ smooth functions

    def _raw(self, name: str) -> Callable[[Rows], Rows]:
        """A random sum of three cosines."""
        rng = np.random.default_rng([*self.entropy, *name.encode()])
        sizes, phases = rng.normal(scale=0.6, size=3), rng.uniform(0, 2 * math.pi, 3)
        return lambda x: sum(
            (s * np.cos(math.pi * k * x + f) for k, (s, f) in enumerate(zip(sizes, phases, strict=True), 1)),
            np.zeros_like(x),
        )

    def _bounded(self, declaration: Declaration, raw: Rows) -> Rows:
        low = self._bound(declaration, "above", "at least")
        high = self._bound(declaration, "below", "at most")
        if low is None and high is None:
            return raw
        if low is None or high is None:
            size = np.exp(raw)
            return low + size if low is not None else np.asarray(high - size)
        return low + (high - low) / (1.0 + np.exp(-raw))

    def _bound(self, declaration: Declaration, *names: str) -> float | None:
        found = [p.args[0] for n in names if (p := declaration.property(n)) is not None and p.args]
        return Smooth(self).single(found[0]) if found else None

    def _random(self, declaration: Declaration, raw: Callable[[Rows], Rows]) -> Rows:
        values = raw(self.nodes)
        centred = values - self.weights @ values
        standard = centred / math.sqrt(float(self.weights @ centred**2))
        mean, variance = (
            Smooth(self).single(p.args[0]) if (p := declaration.property(n)) is not None and p.args else default
            for n, default in (("mean", 0.7), ("variance", 1.3))
        )
        return mean + math.sqrt(variance) * standard


def _differentiable(fact: Term) -> bool:
    return fact.op == "pred" and fact.data == "differentiable"


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int) else midpoint(value)


# ----------------------------------------------------------------------------------------------------------- comparing


def _compare(c: Comparison, coarse: SmoothWorld, fine: SmoothWorld) -> Difference:
    """Both sides by the finer rule; the coarser one tells the error."""
    one, two = _sides(c, coarse), _sides(c, fine)
    budget = two.budget + GRANTED * abs(two.difference - one.difference) + ROUNDING * two.scale
    if not (np.isfinite([two.difference, budget]).all() and two.scale > 0):
        raise Kinked("no finite value")
    return Difference(two.difference, budget, two.scale, one.evaluations + two.evaluations)


def _holds(c: Comparison, found: Difference) -> bool:
    return found.ratio <= 1.0 or (c.relation != "==" and found.difference < 0)


def _sides(c: Comparison, world: SmoothWorld) -> Difference:
    world.largest = 0.0
    nodes = measured_terms(Smooth(world), c.left, c.right)
    found = {node: _derivative(node, world) for node in nodes}
    values = {node: value for node, (value, _, _) in found.items()}

    def difference(changed: dict[Term, Rows]) -> tuple[float, float]:
        numeric = Smooth(world, {**values, **changed})
        return numeric.single(c.left), numeric.single(c.right)

    left, right = difference({})
    budget = 0.0
    for node, (value, error, _) in found.items():
        # The errors of the nodes' derivatives add up at worst.
        for k in range(len(value)):
            moved = value.copy()
            moved[k] += error[k]
            at = difference({node: moved})
            budget += abs((at[0] - at[1]) - (left - right))
    scale = max(abs(left), abs(right), world.largest)
    evaluations = sum(n for _, _, n in found.values()) + len(world.nodes)
    return Difference(left - right, budget, scale, evaluations)


def _derivative(term: Term, world: SmoothWorld) -> tuple[Rows, Rows, int]:
    """A derivative by a real variable with its error budget: one value, or one for every node."""
    domain, where, *_ = term.args
    if domain.op != "interval":
        raise Unsupported("a derivative by an array, of a smooth function")
    variable = symbol("moved#", REAL)
    body = instantiate(term.body, variable)
    points = Smooth(world).real(where)
    calls = 0

    def once(x: Rows) -> Rows:
        world.temporary[variable] = x
        return Smooth(world).real(body)

    def function(x: NDArray[np.float64]) -> NDArray[np.float64]:
        nonlocal calls
        calls += len(x)
        if len(points) > 1:
            return np.broadcast_to(once(x[:, 0]), (len(x),))
        return np.stack([np.broadcast_to(once(row), (outputs,)) for row in x])

    outputs = 1 if len(points) > 1 else len(once(points))
    if len(points) > 1 and any(s.data == NODE for s in free_symbols(body)):
        raise Unsupported("a derivative that moves with the point of an integral")
    check = check_jacobian(
        function, points[:, None], np.zeros((len(points), outputs, 1)), scale=np.array([max(1.0, abs(points).max())])
    )
    if not np.isin(check.status, (Status.AGREES, Status.REFUTED)).all():
        raise Kinked(check.result.reason)
    return check.derivative.reshape(-1), check.budget.reshape(-1), calls
