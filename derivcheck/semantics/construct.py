"""Values that satisfy their declarations by construction.

One constructor for each kind of declaration.  It looks at the *properties that are declared*, never at what the kind
usually has: drop ``normalised`` and the weights no longer sum to 1, drop ``minimum`` and a size may be 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING

from flint import arb, fmpq

from derivcheck.language.context import Declaration
from derivcheck.language.terms import MEASURE, Term, subterms
from derivcheck.semantics import matrices
from derivcheck.semantics.interpretation import Reject
from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    Number,
    add,
    compare,
    div,
    is_exact,
    mul,
    neg,
    sub,
    total,
)
from derivcheck.semantics.pools import (
    BEYOND,
    INNER,
    INTEGERS,
    RATIONALS,
    SIZES,
    SQUARES,
    WEIGHTS,
    WIDE,
    WIDE_WEIGHTS,
    within,
)
from derivcheck.semantics.real_functions import real_function
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

Pool = tuple[list[Number], int]

#: Properties that bound the entries of an array.
_BOUNDS = frozenset({"above", "at least", "below", "at most", "nonzero"})
#: What arrays and reals look like (see `Plan`); repeated members are drawn more often.
_REAL_PATTERNS = ("any", "any", "any", "any", "any", "coincident")
_VECTOR_PATTERNS = ("any", "any", "any", "any", "any", "zero", "cancelling", "coincident")
_MATRIX_PATTERNS = (*_VECTOR_PATTERNS, "repeated row", "repeated column", "repeated row", "repeated column")


def construct(world: Interpretation, d: Declaration) -> Value:
    """A value for the declared symbol.

    Raises
    ------
    Reject
        If the choices made so far leave none.
    """
    try:
        make = CONSTRUCTORS[d.kind]
    except KeyError:
        raise Reject(f"no construction for a declaration of kind '{d.kind}'") from None
    return make(world, d)


def names(d: Declaration) -> frozenset[str]:
    """The names of the declared properties."""
    return frozenset(p.name for p in d.properties)


def argument(world: Interpretation, d: Declaration, name: str) -> Value:
    """The value of a property's first argument, or None when it is not declared."""
    p = d.property(name)
    return None if p is None else world.evaluator.value(p.args[0])


def domains_of(world: Interpretation, symbol: Term) -> tuple[Domain, ...]:
    """The domains of a function symbol's arguments."""
    return tuple(world.evaluator.domain(a, ()) for a in symbol.args)


# --------------------------------------------------------------------------------------------- integers and reals


def _size(world: Interpretation, d: Declaration) -> int:
    least = argument(world, d, "minimum")
    pool = [2, 1, 3, 0, 4, -1] if least is None else [s + max(least - 1, 0) for s in SIZES]
    if least is not None and least < 1:
        pool = [*range(least, 1), *SIZES]
    return world.choices.choose(d.name, sorted(pool, key=abs) if least is None else pool, "size")


def _index(world: Interpretation, d: Declaration) -> int:
    p = d.property("range")
    if p is None:
        return world.choices.choose(d.name, INTEGERS, "index")
    lo: int = world.evaluator.value(p.args[0])
    if p.args[1].op == "oo":
        return world.choices.choose(d.name, [lo + k for k in (0, 1, 2, 3, 5, 8)], "index")
    hi = world.evaluator.value(p.args[1])
    if hi < lo:
        raise Reject(f"the range {lo}..{hi} of '{d.name}' is empty")
    return world.choices.choose(d.name, range(lo, min(hi, lo + 11) + 1), "index")


def _integer(world: Interpretation, d: Declaration) -> int:
    lo, hi = argument(world, d, "at least"), argument(world, d, "at most")
    lo = lo if lo is not None else argument(world, d, "minimum")
    if lo is not None and hi is not None and hi < lo:
        raise Reject(f"the range {lo}..{hi} of '{d.name}' is empty")
    pool = [k for k in INTEGERS if (lo is None or k >= lo) and (hi is None or k <= hi)]
    if lo is not None:
        near = [lo + k for k in (0, 1, 2, 3, 5) if hi is None or lo + k <= hi]
        pool = near + [k for k in pool if k not in near]
    elif hi is not None:
        near = [hi - k for k in (0, 1, 2, 3, 5)]
        pool = near + [k for k in pool if k not in near]
    return world.choices.choose(d.name, pool, "integer")


def entry_pool(world: Interpretation, d: Declaration) -> Pool:
    """Numbers that satisfy the declared bounds, simplest first, with the count of wide-range ones at the end.

    Raises
    ------
    Reject
        If the bounds leave nothing.
    """
    strict_lo, lo = argument(world, d, "above"), argument(world, d, "at least")
    strict_hi, hi = argument(world, d, "below"), argument(world, d, "at most")
    nonzero = d.property("nonzero") is not None

    def allowed(x: Number) -> bool:
        return (
            (strict_lo is None or compare(x, strict_lo) > 0)
            and (lo is None or compare(x, lo) >= 0)
            and (strict_hi is None or compare(x, strict_hi) < 0)
            and (hi is None or compare(x, hi) <= 0)
            and not (nonzero and compare(x, ZERO) == 0)
        )

    lows = [x for x in (strict_lo, lo) if x is not None]
    highs = [x for x in (strict_hi, hi) if x is not None]
    pool = [x for x in RATIONALS if allowed(x)]
    extra: list[Number] = []
    for a in lows:
        extra += [a] + ([add(a, t) for t in BEYOND] if not highs else [])
    for b in highs:
        extra += [b] + ([sub(b, t) for t in BEYOND] if not lows else [])
    for a, b in product(lows, highs):
        extra += [add(a, mul(sub(b, a), t)) for t in INNER]
    pool += [x for x in extra if allowed(x) and not any(_same(x, y) for y in pool)]
    if not pool:
        raise Reject(f"the bounds of '{d.name}' leave no number")
    wide = [x for x in WIDE if allowed(x)]
    return pool + wide, len(wide)


def _same(x: Number, y: Number) -> bool:
    return is_exact(x) and is_exact(y) and bool(x == y)


def _real(world: Interpretation, d: Declaration) -> Number:
    pool, rare = entry_pool(world, d)
    if d.symbol in world.square_symbols:
        squares = [x for x in SQUARES if any(_same(x, y) for y in pool)] or [
            x for x in SQUARES if _allowed_square(x, world, d)
        ]
        if squares:
            pool, rare = squares, 0
    others = [] if d.symbol in world.square_symbols else _earlier_reals(world, pool)
    if others and world.choices.choose(f"{d.name} pattern", _REAL_PATTERNS, "pattern") == "coincident":
        return world.choices.choose(f"{d.name} coincides", others, "partner")
    return world.choices.choose(d.name, pool, "entry", rare)


def _earlier_reals(world: Interpretation, pool: Sequence[Number]) -> list[Number]:
    """The values of the reals built so far that a pool contains."""
    reals = [v for s, v in world.values.items() if s in world.declared and world.declared[s].kind == "real"]
    return [x for k, x in enumerate(reals) if any(_same(x, y) for y in pool) and x not in reals[:k]]


def _allowed_square(x: Number, world: Interpretation, d: Declaration) -> bool:
    lows = [argument(world, d, p) for p in ("above", "at least")]
    highs = [argument(world, d, p) for p in ("below", "at most")]
    return all(compare(x, a) > 0 for a in lows if a is not None) and all(
        compare(x, b) < 0 for b in highs if b is not None
    )


def _point(world: Interpretation, d: Declaration) -> Outcome:
    assert d.symbol is not None
    space = world.space(d.symbol.sort.name)
    return Outcome(space, {}, lambda coin: world.choices.choose(f"{d.name} at {coin.name}", range(coin.faces), "index"))


# ------------------------------------------------------------------------------------------------- arrays and tables


def key_of(args: Sequence[Value]) -> tuple[int, ...]:
    """What a table knows its arguments by: indices, and the atom of a point."""
    return tuple(a.face(a.space.atom) if isinstance(a, Outcome) else a for a in args)


def table(
    world: Interpretation,
    name: str,
    domains: tuple[Domain, ...],
    pool: Sequence[Value],
    rare: int = 0,
    kind: str = "entry",
) -> Function:
    """A function on ranges and finite spaces with independent entries from a pool, drawn when they are needed."""

    def rule(args: tuple[Value, ...]) -> Value:
        key = key_of(args)
        return world.choices.choose(f"{name}{list(key)}", pool, kind, rare)

    return Function(domains, rule)


def _array(world: Interpretation, d: Declaration) -> Function:
    assert d.symbol is not None
    domains = domains_of(world, d.symbol)
    pool, rare = entry_pool(world, d)
    structure = names(d) & matrices.STRUCTURES
    if not structure:
        if d.symbol in world.square_symbols:
            squares = [x for x in SQUARES if _allowed_square(x, world, d)]
            pool, rare = (squares, 0) if squares else (pool, rare)
        return _patterned(world, d, table(world, d.name, domains, pool, rare), pool)
    r, c = domains
    if not isinstance(r, RangeDomain) or not isinstance(c, RangeDomain):
        raise Reject(f"'{d.name}' has a structure but is not a matrix")
    n, m = len(r.members()), len(c.members())

    def draw(label: str, choices: Sequence[Number]) -> Number:
        return world.choices.choose(f"{d.name} {label}", choices, "entry")

    rows = matrices.structured(structure, n, m, draw, pool[: len(pool) - rare])
    if rows is None:
        raise Reject(f"no {n}×{m} matrix is {', '.join(sorted(structure))}")
    return matrices.as_function(rows, (r, c))


def _patterned(world: Interpretation, d: Declaration, entries: Function, pool: Sequence[Number]) -> Function:
    """Some arrays are zero, have rows that sum to 0, repeat one entry, or (matrices) a whole row or column.

    Where entries are independent, what goes wrong only there is never seen.
    """
    domains = entries.domains
    finite = all(isinstance(r, RangeDomain) and r.hi is not None and r.hi >= r.lo for r in domains)
    if not finite or not domains:
        return entries
    patterns = _MATRIX_PATTERNS if len(domains) == 2 else _VECTOR_PATTERNS
    match world.choices.choose(f"{d.name} pattern", patterns, "pattern"):
        case "zero" if any(_same(x, ZERO) for x in pool):
            return Function(domains, lambda args: ZERO)
        case "cancelling" if names(d).isdisjoint(_BOUNDS):
            return _cancelling(entries)
        case "coincident":
            first = tuple(r.lo for r in domains if isinstance(r, RangeDomain))
            return Function(domains, lambda args: entries.at(first))
        case "repeated row":
            return _repeated(entries, 0)
        case "repeated column":
            return _repeated(entries, 1)
    return entries


def _cancelling(entries: Function) -> Function:
    """The array whose last entry (the last of each row) is minus the sum of the others."""
    last = entries.domains[-1]
    assert isinstance(last, RangeDomain)

    def rule(args: tuple[Value, ...]) -> Value:
        if args[-1] != last.hi:
            return entries.at(args)
        return neg(total([entries.at((*args[:-1], j)) for j in last.members() if j != last.hi]))

    return Function(entries.domains, rule)


def _repeated(entries: Function, axis: int) -> Function:
    """The matrix whose last row (column) is its first: it is singular although nothing says so."""
    last = entries.domains[axis]
    assert isinstance(last, RangeDomain)

    def rule(args: tuple[Value, ...]) -> Value:
        moved = list(args)
        if moved[axis] == last.hi:
            moved[axis] = last.lo
        return entries.at(tuple(moved))

    return Function(entries.domains, rule)


def _choice(world: Interpretation, d: Declaration) -> Function:
    assert d.symbol is not None
    domains = domains_of(world, d.symbol)
    p = d.property("range")
    if p is None:
        return table(world, d.name, domains, INTEGERS, kind="choice")
    among = world.evaluator.domain(p.args[0], ())
    if not isinstance(among, RangeDomain) or not among.members():
        raise Reject(f"'{d.name}' has nothing to choose among")
    return table(world, d.name, domains, among.members(), kind="choice")


def _function(world: Interpretation, d: Declaration) -> Function:
    assert d.symbol is not None
    domains = domains_of(world, d.symbol)
    if not any(isinstance(x, IntervalDomain) for x in domains):
        pool, rare = entry_pool(world, d)
        return table(world, d.name, domains, pool, rare)
    bounds = {p: argument(world, d, p) for p in ("above", "at least", "below", "at most")}
    return real_function(world.choices, d.name, domains, names(d), bounds)


# ------------------------------------------------------------------------------------------- measures and densities


def random_weights(world: Interpretation, label: str, faces: int, normalised: bool) -> list[Number]:
    """Skewed positive weights (moderate ones: densities against them go to extremes)."""
    raw = [world.choices.choose(f"{label} weight {k}", WEIGHTS, "mass") for k in range(faces)]
    mass = total(raw)
    return [div(w, mass) for w in raw] if normalised else raw


def _measure(world: Interpretation, d: Declaration) -> Measure | AtomicMeasure:
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


def _density(world: Interpretation, d: Declaration) -> Function:
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
    from derivcheck.semantics import numbers as nm

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


def _random(world: Interpretation, d: Declaration) -> Function:
    from derivcheck.semantics.random_families import random_family

    return random_family(world, d)


CONSTRUCTORS: dict[str, Callable[[Interpretation, Declaration], Value]] = {
    "size": _size,
    "index": _index,
    "integer": _integer,
    "real": _real,
    "point": _point,
    "array": _array,
    "choice": _choice,
    "function": _function,
    "measure": _measure,
    "density": _density,
    "random": _random,
}
