"""What a declaration says, evaluated: its properties, its domains, the numbers that its bounds allow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from derivcheck.language.context import Declaration
from derivcheck.language.terms import Term
from derivcheck.semantics.interpretation import Reject
from derivcheck.semantics.numbers import (
    ZERO,
    Number,
    add,
    compare,
    is_exact,
    mul,
    sub,
)
from derivcheck.semantics.pools import (
    BEYOND,
    INNER,
    RATIONALS,
    WIDE,
)
from derivcheck.semantics.values import (
    Domain,
    Function,
    Outcome,
    Value,
)

if TYPE_CHECKING:
    from derivcheck.semantics.interpretation import Interpretation

Pool = tuple[list[Number], int]


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
    pool += [x for x in extra if allowed(x) and not any(same(x, y) for y in pool)]
    if not pool:
        raise Reject(f"the bounds of '{d.name}' leave no number")
    wide = [x for x in WIDE if allowed(x)]
    return pool + wide, len(wide)


def same(x: Number, y: Number) -> bool:
    """Whether two numbers are one rational."""
    return is_exact(x) and is_exact(y) and bool(x == y)


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
