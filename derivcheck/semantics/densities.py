"""Measures with finitely many atoms, and densities against them, against a counting measure or against length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flint import arb, fmpq

from derivcheck.language.context import Declaration
from derivcheck.language.terms import MEASURE, Term, subterms
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.declared import domains_of, key_of, names, table
from derivcheck.semantics.interpretation import Reject
from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    Number,
    add,
    compare,
    div,
    mul,
    neg,
    sub,
    total,
)
from derivcheck.semantics.pools import (
    RATIONALS,
    WEIGHTS,
    WIDE,
    WIDE_WEIGHTS,
    within,
)
from derivcheck.semantics.values import (
    AtomicMeasure,
    Coin,
    CountingMeasure,
    Domain,
    Function,
    IntervalDomain,
    LebesgueMeasure,
    Measure,
    Outcome,
    RangeDomain,
    SpaceDomain,
    Value,
)

if TYPE_CHECKING:
    from derivcheck.semantics.interpretation import Interpretation


def random_weights(world: Interpretation, label: str, faces: int, normalised: bool) -> list[Number]:
    """Skewed positive weights (moderate ones: densities against them go to extremes)."""
    raw = [world.choices.choose(f"{label} weight {k}", WEIGHTS, "mass") for k in range(faces)]
    mass = total(raw)
    return [div(w, mass) for w in raw] if normalised else raw


def finite_measure(world: Interpretation, d: Declaration) -> Measure | AtomicMeasure:
    """A measure on a finite space, or on a few points of a range or an interval."""
    assert d.symbol is not None
    (domain,) = domains_of(world, d.symbol)
    probability = d.property("probability") is not None
    if isinstance(domain, SpaceDomain):
        space = domain.space

        def weigh(coin: Coin) -> list[Number]:
            # Only the first coin may carry a mass other than 1.
            return random_weights(world, f"{d.name} {coin.name}", coin.faces, probability or coin is not space.atom)

        return Measure(space, weigh)
    if isinstance(domain, RangeDomain):
        points: list[Value] = list(domain.members()) if domain.hi is not None else [domain.lo + k for k in (0, 1, 2, 5)]
    elif isinstance(domain, IntervalDomain):
        points = within(domain)[:5]
    else:
        raise Reject(f"no measure is built on the domain of '{d.name}'")
    if not points and probability:
        raise Reject("a probability on an empty set")
    return AtomicMeasure(domain, points, random_weights(world, d.name, len(points), probability))


def measure_terms(d: Declaration) -> list[Term]:
    """The measures that a declaration's facts mention."""
    return sorted(
        {t for p in d.properties for f in (*p.facts, *p.args) for t in subterms(f) if t.sort == MEASURE},
        key=lambda t: t.key,
    )


def density(world: Interpretation, d: Declaration) -> Function:
    """A mass function or a density with the declared signs, normalised where that is declared."""
    assert d.symbol is not None
    domains = domains_of(world, d.symbol)
    given, on = domains[:-1], domains[-1]
    normalised = d.property("normalised")
    mentioned = [t for t in measure_terms(d) if t.args[0] == d.symbol.args[-1]]
    measure = (
        world.evaluator.measure(normalised.args[0] if normalised is not None else mentioned[0], ())
        if (normalised is not None or mentioned)
        else None
    )
    signs = names(d)
    if isinstance(measure, LebesgueMeasure) or isinstance(on, IntervalDomain):
        if isinstance(measure, LebesgueMeasure):
            return _continuous_density(world, d, domains, measure.domain)
        raise Reject(f"no density is built for '{d.name}'")
    if "positive" in signs:
        pool, rare = WEIGHTS + WIDE_WEIGHTS, len(WIDE_WEIGHTS)
    elif "nonnegative" in signs:
        pool, rare = [WEIGHTS[0], ZERO, *WEIGHTS[1:], *WIDE_WEIGHTS], len(WIDE_WEIGHTS)
    elif world.choices.choose(f"{d.name} signs", ("some zero", "negative too"), "signs") == "some zero":
        # Some instances stay probabilities: what fails for a signed density alone says nothing of those.
        signs |= {"nonnegative"}
        pool, rare = [ZERO, *WEIGHTS, *WIDE_WEIGHTS], len(WIDE_WEIGHTS)
    else:
        pool, rare = [*RATIONALS[1:], ZERO, *WIDE], len(WIDE)
    raw = table(world, d.name, domains, pool, rare, "weight")
    if normalised is None:
        return raw
    points: list[tuple[Value, Number]]
    if isinstance(measure, CountingMeasure):
        points = [(j, ONE) for j in measure.domain.members()]
    elif isinstance(measure, Measure):
        space = measure.space
        points = [(Outcome(space, {space.atom: k}), w) for k, w in enumerate(measure.weights(space.atom))]
    elif isinstance(measure, AtomicMeasure):
        points = list(zip(measure.points, measure.weights, strict=True))
    else:
        raise Reject(f"no density is built for '{d.name}'")
    if not points:
        raise Reject(f"'{d.name}' is to be normalised on an empty set")
    masses: dict[tuple[int, ...], Number] = {}

    def rule(args: tuple[Value, ...]) -> Number:
        key = key_of(args[: len(given)])
        if key not in masses:
            masses[key] = total([mul(raw.at((*args[:-1], x)), w) for x, w in points])
        if compare(masses[key], ZERO) == 0:
            if "nonnegative" in signs:  # every weight happened to be 0: put all mass on the first point
                return div(ONE, points[0][1]) if key_of((args[-1],)) == key_of((points[0][0],)) else ZERO
            raise Reject(f"the weights of '{d.name}' sum to 0")
        return div(raw.at(args), masses[key])

    return Function(domains, rule)


#: How much a continuous density may lean, or bend: at 1 it touches zero, beyond it is negative somewhere.
_POSITIVE_TILTS: list[Number] = [ZERO, fmpq(1, 2), fmpq(-1, 2), fmpq(3, 4), fmpq(-9, 10)]
_NONNEGATIVE_TILTS: list[Number] = [*_POSITIVE_TILTS, ONE, fmpq(-1)]
_TILTS: list[Number] = [*_NONNEGATIVE_TILTS, fmpq(2), fmpq(-3)]
_NONNEGATIVE_BENDS: list[Number] = [ZERO, ONE, fmpq(1, 2)]
_BENDS: list[Number] = [*_NONNEGATIVE_BENDS, fmpq(2), fmpq(-1)]


def _continuous_density(
    world: Interpretation, d: Declaration, domains: tuple[Domain, ...], on: IntervalDomain
) -> Function:
    """A linear function on a bounded interval, an exponential on a half line, a Gaussian on the line.

    Where the density need not be positive, the latter two are multiplied by ``1 + c(u - 1)`` for a u >= 0 of mean 1:
    the rescaled distance from the end, or the square of the standardised variable.
    """
    lo, hi = on.lo, on.hi
    known = names(d)
    factor = ONE if "normalised" in known else fmpq(3, 2)
    tilts = _POSITIVE_TILTS if "positive" in known else _NONNEGATIVE_TILTS if "nonnegative" in known else _TILTS
    bends = [] if "positive" in known else _NONNEGATIVE_BENDS if "nonnegative" in known else _BENDS

    def choose(what: str, key: tuple[int, ...], pool: Sequence[Number]) -> Number:
        return world.choices.choose(f"{d.name}{list(key)} {what}", pool, "weight")

    def bent(key: tuple[int, ...], u: Number) -> Number:
        return add(ONE, mul(choose("bend", key, bends), sub(u, ONE))) if bends else ONE

    def rule(args: tuple[Value, ...]) -> Number:
        key, x = key_of(args[:-1]), args[-1]
        if lo is not None and hi is not None:
            width = sub(hi, lo)
            s = div(sub(x, lo), width)
            shape = add(ONE, mul(choose("tilt", key, tilts), sub(mul(fmpq(2), s), ONE)))
            return mul(factor, div(shape, width))
        if lo is not None or hi is not None:
            rate = choose("rate", key, [ONE, fmpq(2), fmpq(1, 2), fmpq(3)])
            u = mul(rate, sub(x, lo) if lo is not None else sub(hi, x))
            return mul(mul(factor, bent(key, u)), mul(rate, nm.exp(neg(u))))
        mean = choose("mean", key, RATIONALS[:7])
        spread = choose("spread", key, [ONE, fmpq(2), fmpq(1, 2), fmpq(3, 2)])
        z = div(sub(x, mean), spread)
        height = div(factor, mul(spread, (2 * arb.pi()).sqrt()))
        return mul(mul(height, bent(key, mul(z, z))), nm.exp(neg(div(mul(z, z), fmpq(2)))))

    return Function(domains, rule, smooth=True)
