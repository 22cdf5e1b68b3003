"""Random variables and families on finite spaces, with the declared moments, laws and independences exactly.

Every family is made of coins.  An entry with its own coin is independent of all others; dependence that the Context
leaves open is really used:

* ``own``: each entry has its own skewed three-point coin (``μ + a``, ``μ - c``, ``μ``);
* ``signs``: entries ``μ + R_i ξ`` share the magnitude ξ and have random signs: uncorrelated, not independent;
* ``common``: all entries are functions of one coin;
* ``shared``: entries are functions of an earlier family that they are not declared independent of.

A normal law is replaced by the five-point law with its moments up to degree 5 (0, ±1, ±2 with 1/2, 1/6, 1/12).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flint import fmpq

from derivcheck.language.context import Declaration
from derivcheck.language.terms import Term
from derivcheck.semantics.densities import random_weights
from derivcheck.semantics.interpretation import Reject
from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    Number,
    add,
    compare,
    div,
    integer_power,
    mul,
    power,
    sub,
    total,
)
from derivcheck.semantics.pools import RATIONALS
from derivcheck.semantics.random_requirements import Index, Requirements, requirements
from derivcheck.semantics.values import (
    Coin,
    Domain,
    Function,
    Outcome,
    RangeDomain,
    SpaceDomain,
    Value,
    integrate_atoms,
)

if TYPE_CHECKING:
    from derivcheck.semantics.interpretation import Interpretation


#: Distances of the outer atoms from the mean; unequal ones make a law skewed.
_DISTANCES: list[tuple[Number, Number]] = [
    (fmpq(2), fmpq(1)),
    (fmpq(1), fmpq(1)),
    (fmpq(1), fmpq(3)),
    (fmpq(3), fmpq(2)),
    (fmpq(5), fmpq(1)),
    (fmpq(1, 2), fmpq(4)),
]
_NORMAL_VALUES: list[Number] = [ZERO, ONE, fmpq(-1), fmpq(2), fmpq(-2)]
_NORMAL_WEIGHTS: list[Number] = [fmpq(1, 2), fmpq(1, 6), fmpq(1, 6), fmpq(1, 12), fmpq(1, 12)]
_VALUES: list[Number] = [*RATIONALS[1:12], ZERO]


@dataclass(frozen=True, slots=True)
class Law:
    """Finitely many values with weights that sum to 1."""

    values: list[Number]
    weights: list[Number]


def _partners(world: Interpretation, d: Declaration) -> list[Term]:
    """Earlier families on the same space from which independence is not declared, in either direction."""
    assert d.symbol is not None
    out = []
    for other, value in world.values.items():
        od = world.declared.get(other)
        if od is None or od.kind != "random" or other.args[-1] != d.symbol.args[-1] or not isinstance(value, Function):
            continue
        if d.property(f"independent of {od.name}") is None and od.property(f"independent of {d.name}") is None:
            out.append(other)
    return out


def random_family(world: Interpretation, d: Declaration) -> Function:
    """The declared random variable or family, a function of its indices and of the outcome.

    Raises
    ------
    Reject
        If the requirements contradict each other (a negative variance, ...).
    """
    need = requirements(world, d)
    styles = ["own"]
    if need.over and not need.iid and not need.normal:
        styles += ["signs"] if need.variance is not None and not _vary(need) else []
        styles += ["common"] if not need.uncorrelated else []
    partners = [] if need.symmetric or need.measure is None else _partners(world, d)
    if partners:
        styles += ["shared", "shared"]
    style = world.choices.choose(f"{d.name} style", styles, "style")
    if style == "shared":
        partner = world.choices.choose(f"{d.name} shares", partners, "partner")
        rule = _shared(world, need, partner) or _own(world, need)
    else:
        rule = {"own": _own, "signs": _signs, "common": _common}[style](world, need)
    arity = len(need.over)
    return Function(
        (*need.over, SpaceDomain(need.space)),
        lambda args: rule(args[:arity], args[arity]),
        smooth=None,
    )


Rule = Callable[[Index, Value], Number]


def _vary(need: Requirements) -> bool:
    """Whether the variances of the entries differ (checked on the first few)."""
    assert need.variance is not None
    first: Number | None = None
    for ix in _some_indices(need.over):
        v = need.variance(ix)
        if first is None:
            first = v
        elif not bool(v == first):
            return True
    return False


def _some_indices(over: tuple[Domain, ...]) -> list[Index]:
    out: list[Index] = [()]
    for d in over:
        assert isinstance(d, RangeDomain)
        last = d.lo + 7 if d.hi is None else d.hi
        out = [(*ix, j) for ix in out for j in range(d.lo, last + 1)]
    return out


def _coin(world: Interpretation, need: Requirements, name: str, weights: list[Number]) -> Coin:
    coin = need.space.coin(name, len(weights))
    if need.measure is not None:
        need.measure.set_weights(coin, weights)
    return coin


def _centred_law(world: Interpretation, need: Requirements, label: str, variance: Number) -> Law:
    """A law with mean 0 and the given variance; skewed unless it must be symmetric."""
    c = compare(variance, ZERO)
    if c < 0:
        raise Reject(f"a negative variance for '{need.name}'")
    if c == 0:
        return Law([ZERO], [ONE])
    if need.normal:
        scale = power(variance, fmpq(1, 2))
        return Law([mul(scale, x) for x in _NORMAL_VALUES], _NORMAL_WEIGHTS)
    a, b = world.choices.choose(f"{label} atoms", _DISTANCES, "law")
    if need.symmetric:
        b = a
    while compare(mul(a, b), variance) <= 0:  # the middle atom needs a weight of its own
        a, b = 2 * a, 2 * b
    while compare(mul(a, b), mul(fmpq(64), variance)) > 0:
        a, b = a / 2, b / 2
    reach = a + b
    outer = div(variance, a * reach), div(variance, b * reach)
    return Law([a, -b, ZERO], [*outer, sub(ONE, add(*outer))])


def _free_law(world: Interpretation, need: Requirements, label: str) -> Law:
    """Any three-point law."""
    if need.symmetric:
        a = world.choices.choose(f"{label} value", [x for x in _VALUES if x > 0], "entry")
        p = world.choices.choose(f"{label} weight", [fmpq(1, 4), fmpq(1, 3), fmpq(1, 10), fmpq(1, 2)], "weight")
        return Law([a, -a, ZERO], [p, p, 1 - 2 * p])
    values = [world.choices.choose(f"{label} value {k}", _VALUES, "entry") for k in range(3)]
    return Law(values, random_weights(world, label, 3, True))


def _law(world: Interpretation, need: Requirements, label: str, ix: Index) -> Law:
    """The law of one entry."""
    if need.variance is not None:
        law = _centred_law(world, need, label, need.variance(ix))
        return Law([add(_mean_at(need, ix), x) for x in law.values], law.weights)
    law = _free_law(world, need, label)
    return _with_mean(law, need.mean(ix)) if need.mean is not None else law


def _with_mean(law: Law, mean: Number) -> Law:
    shift = sub(mean, total([mul(x, w) for x, w in zip(law.values, law.weights, strict=True)]))
    return Law([add(x, shift) for x in law.values], law.weights)


def _own(world: Interpretation, need: Requirements) -> Rule:
    """Each entry has its own coin; one law for all when the family is iid."""
    coins: dict[Index, tuple[Coin, Law]] = {}

    def rule(ix: Index, w: Outcome) -> Number:
        if ix not in coins:
            label = need.name if need.iid else f"{need.name}{list(ix)}"
            law = _law(world, need, label, ix)
            coins[ix] = (_coin(world, need, f"{need.name}{list(ix)}", law.weights), law)
        coin, law = coins[ix]
        return w.pick(coin, law.values)

    for ix in _some_indices(need.over):  # so that families built later can share these coins
        rule(ix, Outcome(need.space, {}, lambda coin: 0))
    return rule


def _mean_at(need: Requirements, ix: Index) -> Number:
    return need.mean(ix) if need.mean is not None else ZERO


def _signs(world: Interpretation, need: Requirements, magnitude: Callable[[Outcome], Number] | None = None) -> Rule:
    """``μ_i + R_i ξ`` with independent fair signs R_i and one ξ with ``E ξ² = v``."""
    if magnitude is None:
        assert need.variance is not None
        indices = _some_indices(need.over)
        v = need.variance(indices[0]) if indices else ONE
        law = _centred_law(world, need, need.name, v)
        coin = _coin(world, need, f"{need.name} magnitude", law.weights)

        def magnitude(w: Outcome) -> Number:
            return w.pick(coin, law.values)

    fair = [fmpq(1, 2), fmpq(1, 2)]
    signs: dict[Index, Coin] = {}
    size = magnitude

    def rule(ix: Index, w: Outcome) -> Number:
        if ix not in signs:
            signs[ix] = _coin(world, need, f"{need.name}{list(ix)} sign", fair)
        return add(_mean_at(need, ix), mul(w.pick(signs[ix], [ONE, fmpq(-1)]), size(w)))

    return rule


def _common(world: Interpretation, need: Requirements) -> Rule:
    """All entries are functions of one coin."""
    if need.variance is None and not need.symmetric:
        weights = random_weights(world, need.name, 3, True)
        coin = _coin(world, need, f"{need.name} common", weights)
        laws: dict[Index, Law] = {}

        def rule(ix: Index, w: Outcome) -> Number:
            if ix not in laws:
                label = f"{need.name}{list(ix)}"
                values = [world.choices.choose(f"{label} value {k}", _VALUES, "entry") for k in range(3)]
                law = Law(values, weights)
                laws[ix] = law if need.mean is None else _with_mean(law, need.mean(ix))
            return w.pick(coin, laws[ix].values)

        return rule
    law = _centred_law(world, need, need.name, ONE)
    coin = _coin(world, need, f"{need.name} common", law.weights)

    def scaled(ix: Index, w: Outcome) -> Number:
        label = f"{need.name}{list(ix)}"
        if need.variance is not None:
            factor = power(need.variance(ix), fmpq(1, 2))
        else:
            factor = world.choices.choose(f"{label} factor", _VALUES, "entry")
        mean = need.mean(ix) if need.mean is not None else ZERO
        return add(mean, mul(factor, w.pick(coin, law.values)))

    return scaled


def _shared(world: Interpretation, need: Requirements, partner: Term) -> Rule | None:
    """Entries that depend on another family's; None where the requirements rule that out."""
    measure = need.measure
    assert measure is not None
    other = world.values[partner]
    ranges = other.domains[:-1]
    if any(isinstance(r, RangeDomain) and r.hi is not None and r.hi < r.lo for r in ranges):
        return None

    def source(ix: Index) -> Index:
        """The partner's entry that entry `ix` looks at: the trailing indices, kept inside its ranges."""
        padded = (*([1] * len(ranges)), *ix)[-len(ranges) :] if ranges else ()
        return tuple(min(max(j, r.lo), r.hi if r.hi is not None else j) for j, r in zip(padded, ranges, strict=True))

    def moment(at: Index, f: Callable[[Number], Number]) -> Number:
        return integrate_atoms(measure, lambda w: f(other.at((*at, w))))

    if need.variance is None and not need.iid:
        return _polynomial_of(world, need, other, source, moment)
    if need.normal or need.variance is None:
        return None
    if not need.over:
        at = source(())
        mean = moment(at, lambda x: x)
        spread = moment(at, lambda x: mul(sub(x, mean), sub(x, mean)))
        if compare(spread, ZERO) == 0:
            return None
        factor = power(div(need.variance(()), spread), fmpq(1, 2))
        return lambda ix, w: add(_mean_at(need, ix), mul(factor, sub(other.at((*at, w)), mean)))
    if need.iid:
        return _same_coins(world, need, other, partner, moment)
    if _vary(need):
        return None
    # Uncorrelated entries (or merely of given variance): random signs times a function of the partner.
    at = source(_some_indices(need.over)[0]) if _some_indices(need.over) else ()
    square = moment(at, lambda x: mul(x, x))
    if compare(square, ZERO) == 0:
        return None
    scale = power(div(need.variance(_some_indices(need.over)[0]), square), fmpq(1, 2))
    return _signs(world, need, lambda w: mul(scale, other.at((*at, w))))


def _polynomial_of(
    world: Interpretation,
    need: Requirements,
    other: Function,
    source: Callable[[Index], Index],
    moment: Callable[[Index, Callable[[Number], Number]], Number],
) -> Rule:
    """A quadratic function of the partner's entry, shifted to the required mean."""
    known: dict[Index, tuple[Number, Number, Number]] = {}

    def rule(ix: Index, w: Outcome) -> Number:
        if ix not in known:
            label = f"{need.name}{list(ix)}"
            slope = world.choices.choose(f"{label} slope", [ONE, fmpq(-1), fmpq(2), fmpq(1, 2), fmpq(-3)], "entry")
            bend = world.choices.choose(f"{label} bend", [ZERO, ONE, fmpq(-1, 2)], "entry")
            shift = world.choices.choose(f"{label} shift", [ZERO, ONE, fmpq(-2)], "entry")
            if need.mean is not None:
                inside = moment(source(ix), lambda x: add(mul(slope, x), mul(bend, integer_power(x, 2))))
                shift = sub(need.mean(ix), inside)
            known[ix] = (slope, bend, shift)
        slope, bend, shift = known[ix]
        x = other.at((*source(ix), w))
        return add(shift, add(mul(slope, x), mul(bend, integer_power(x, 2))))

    return rule


def _same_coins(
    world: Interpretation,
    need: Requirements,
    other: Function,
    partner: Term,
    moment: Callable[[Index, Callable[[Number], Number]], Number],
) -> Rule | None:
    """Entry j is an affine function of the partner's entry j: iid when the partner is, and never independent of it."""
    declared = world.declared[partner]
    ranges = other.domains[:-1]
    if declared.property("iid") is None or len(ranges) != 1 or ranges != need.over or need.variance is None:
        return None
    indices = _some_indices(need.over)
    if not indices:
        return None
    mean = moment(indices[0], lambda x: x)
    spread = moment(indices[0], lambda x: mul(sub(x, mean), sub(x, mean)))
    if compare(spread, ZERO) == 0:
        return None
    factor = power(div(need.variance(indices[0]), spread), fmpq(1, 2))
    own_mean = need.mean if need.mean is not None else (lambda ix: ZERO)
    return lambda ix, w: add(own_mean(ix), mul(factor, sub(other.at((*ix, w)), mean)))
