"""What a declaration asks of a random family: its moments, its law, which entries are independent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flint import fmpq

from derivcheck.language.context import Declaration
from derivcheck.language.definitions import unfold
from derivcheck.language.terms import MEASURE
from derivcheck.semantics.declared import domains_of, names
from derivcheck.semantics.densities import measure_terms
from derivcheck.semantics.interpretation import Reject
from derivcheck.semantics.numbers import (
    ONE,
    Number,
    add,
    compare,
    div,
    integer_power,
    mul,
    power,
    sub,
)
from derivcheck.semantics.values import (
    Domain,
    Function,
    Measure,
    RangeDomain,
    Space,
    SpaceDomain,
)

if TYPE_CHECKING:
    from derivcheck.semantics.interpretation import Interpretation

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a declaration asks of a family."""

    name: str
    space: Space
    measure: Measure | None
    over: tuple[Domain, ...]
    mean: Callable[[Index], Number] | None
    variance: Callable[[Index], Number] | None
    iid: bool
    uncorrelated: bool
    symmetric: bool
    normal: bool


def constraint_rank(d: Declaration) -> int:
    """Build order: all else first, then families from the most constrained to the freest (they may use the others)."""
    if d.kind != "random":
        return 0
    known = names(d)
    if known & {"iid", "normal"}:
        return 1
    return 2 if "variance" in known else 3 if "mean" in known else 4


def _measure_of(world: Interpretation, d: Declaration) -> Measure | None:
    """The measure of a random variable: in its facts, or the only one declared on its space."""
    assert d.symbol is not None
    on = d.symbol.args[-1]
    found = measure_terms(d) or [s for s in world.declared if s.sort == MEASURE and s.args[0] == on]
    for term in found:
        value = world.evaluator.measure(term, ())
        if isinstance(value, Measure):
            return value
    return None


def _entrywise(world: Interpretation, d: Declaration, name: str) -> Callable[[Index], Number] | None:
    p = d.property(name)
    if p is None:
        return None
    value = world.evaluator.value(p.args[0])
    return (lambda ix: value.at(ix)) if isinstance(value, Function) else (lambda ix: value)


def requirements(world: Interpretation, d: Declaration) -> Requirements:
    """What the declaration of a random variable or family asks for, its moments as functions of the indices."""
    assert d.symbol is not None
    *over, on = domains_of(world, d.symbol)
    if not isinstance(on, SpaceDomain) or not all(isinstance(x, RangeDomain) for x in over):
        raise Reject(f"'{d.name}' is not a family over ranges on an abstract space")
    known = names(d)
    paired = "uncorrelated" in known
    measure = _measure_of(world, d)
    mean, spread = _entrywise(world, d, "mean"), _entrywise(world, d, "variance")
    if spread is not None and mean is None:
        mean, spread = _undeclared_mean(world, d, spread, "normal" not in known)
    if measure is not None and mean is not None and compare(measure.mass(), ONE) != 0:
        mean, spread = _for_mass(measure.mass(), mean, spread)
    return Requirements(
        name=d.name,
        space=on.space,
        measure=measure,
        over=tuple(over),
        mean=mean,
        variance=spread,
        iid="iid" in known,
        uncorrelated=paired,
        symmetric="symmetric law" in known,
        normal="normal" in known,
    )


def _undeclared_mean(
    world: Interpretation,
    d: Declaration,
    variance: Callable[[Index], Number],
    free: bool,
) -> tuple[Callable[[Index], Number], Callable[[Index], Number]]:
    """Mean and variance of a family of which only second moments are declared.

    The facts still say ``E X_i² = m_i² + v_i``.  That leaves the sign of the mean open, and where m is 0 an entry may
    (`free`) have a mean of its own at the cost of its variance.
    """
    p = d.property("variance")
    assert p is not None
    fact = unfold(p.facts[-1])
    while fact.op == "forall":
        fact = fact.args[-1]
    flip = world.choices.choose(f"{d.name} mean sign", [fmpq(-1), ONE], "sign")

    def own_mean(ix: Index) -> Number:
        return div(variance(ix), add(ONE, variance(ix)))  # its square is less than the variance

    def square(ix: Index) -> Number:
        environment = tuple(reversed(ix))
        return sub(world.evaluator.eval(fact.args[1], environment), variance(ix))

    def mean(ix: Index) -> Number:
        known = square(ix)
        return mul(flip, own_mean(ix) if free and known == 0 else power(known, fmpq(1, 2)))

    def remaining(ix: Index) -> Number:
        if free and square(ix) == 0:
            return sub(variance(ix), integer_power(own_mean(ix), 2))
        return variance(ix)

    return mean, remaining


def _for_mass(
    mass: Number, mean: Callable[[Index], Number], variance: Callable[[Index], Number] | None
) -> tuple[Callable[[Index], Number], Callable[[Index], Number] | None]:
    """Moments of the normalised measure such that the integrals against the measure itself are as declared."""

    def scaled_mean(ix: Index) -> Number:
        return div(mean(ix), mass)

    if variance is None:
        return scaled_mean, None
    given = variance

    def scaled_variance(ix: Index) -> Number:
        second = div(add(integer_power(mean(ix), 2), given(ix)), mass)
        return sub(second, integer_power(scaled_mean(ix), 2))

    return scaled_mean, scaled_variance
