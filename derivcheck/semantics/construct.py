"""Values that satisfy their declarations by construction.

One constructor for each kind of declaration.  It looks at the *properties that are declared*, never at what the kind
usually has: drop ``normalised`` and the weights no longer sum to 1, drop ``minimum`` and a size may be 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from derivcheck.language.context import Declaration
from derivcheck.semantics import matrices
from derivcheck.semantics.declared import argument, domains_of, entry_pool, names, same, table
from derivcheck.semantics.densities import density, finite_measure
from derivcheck.semantics.interpretation import Reject
from derivcheck.semantics.numbers import (
    ZERO,
    Number,
    compare,
    neg,
    total,
)
from derivcheck.semantics.pools import (
    INTEGERS,
    SIZES,
    SQUARES,
)
from derivcheck.semantics.real_functions import real_function
from derivcheck.semantics.values import (
    Function,
    IntervalDomain,
    Outcome,
    RangeDomain,
    Value,
)

if TYPE_CHECKING:
    from derivcheck.semantics.interpretation import Interpretation

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


def _real(world: Interpretation, d: Declaration) -> Number:
    pool, rare = entry_pool(world, d)
    if d.symbol in world.square_symbols:
        squares = [x for x in SQUARES if any(same(x, y) for y in pool)] or [
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
    return [x for k, x in enumerate(reals) if any(same(x, y) for y in pool) and x not in reals[:k]]


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
        case "zero" if any(same(x, ZERO) for x in pool):
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
    "measure": finite_measure,
    "density": density,
    "random": _random,
}
