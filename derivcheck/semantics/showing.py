"""Values as a reader sees them.

A random variable is shown by its law, each value with its probability: ``[2: 1/6; -1: 1/3; 0: 1/2]``.  Of a family
whose members are independent, every member is; of one whose members depend on each other, the law of all together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice, product
from math import prod

from derivcheck.semantics import numbers as nm
from derivcheck.semantics.numbers import Number, Undefined, Unknown, add
from derivcheck.semantics.values import (
    AtomicMeasure,
    Coin,
    Function,
    IntervalDomain,
    Measure,
    Outcome,
    RangeDomain,
    Space,
    SpaceDomain,
    Value,
    branches,
    weight,
)

#: Most values of a random variable, and most members of a family, that are written out.
MOST_VALUES, MOST_MEMBERS = 27, 12

#: More branches than that are not followed to find the law of a random variable.
MOST_BRANCHES = 256


def show(value: Value, measures: Mapping[Space, Measure] | None = None) -> str:
    """A value for a reader; `measures` are those against which random variables are drawn."""
    match value:
        case int():
            return str(value)
        case Outcome():
            return (
                "{" + ", ".join(f"{c.name}={f}" for c, f in sorted(value.faces.items(), key=lambda x: x[0].name)) + "}"
            )
        case Measure():
            return "weights " + ", ".join(nm.shown(w) for w in value.weights(value.space.atom))
        case AtomicMeasure():
            atoms = zip(value.points, value.weights, strict=True)
            return "weights " + ", ".join(f"{nm.shown(w)} at {show(x)}" for x, w in atoms)
        case Function():
            return _show_function(value, measures or {})
    return nm.shown(value)


def _show_function(f: Function, measures: Mapping[Space, Measure]) -> str:
    d = f.domains[0]
    with suppress(Unknown, Undefined):
        law = _law(f, measures)
        if law:
            return law
    try:
        if isinstance(d, RangeDomain):
            if d.hi is not None and d.hi - d.lo < MOST_MEMBERS:
                return "(" + ", ".join(show(f.at((j,))) for j in d.members()) + ")"
            # Only what has been looked at: showing must not draw further entries.
            known = sorted(f.known().items())
            return "(" + ", ".join(f"{', '.join(map(str, k))} ↦ {show(v)}" for k, v in known[:12]) + ")"
        if isinstance(d, SpaceDomain):
            found = [v for _, v in branches(d.space, lambda w: show(f.at((w,))))]
            return _values(found)
        if isinstance(d, IntervalDomain) and len(f.domains) == 1:
            inside = [x for x in map(nm.rational, (0, 1, -1, 2)) if _inside(d, x)]
            return ", ".join(f"{nm.shown(x)} ↦ {show(f.at((x,)))}" for x in inside)
    except (Unknown, Undefined):
        return "a function without a value somewhere"
    return "a function"


def _law(f: Function, measures: Mapping[Space, Measure]) -> str:
    """The law of a random variable or of a small family; empty for what else `f` may be.

    What looks at the first coin of its space is a table over the points of that coin, as densities are, and no law.
    """
    *over, last = f.domains
    if not (isinstance(last, SpaceDomain) and last.space in measures):
        return ""
    ranges = [
        d.members() for d in over if isinstance(d, RangeDomain) and d.hi is not None and d.hi - d.lo < MOST_MEMBERS
    ]
    if len(ranges) < len(over) or prod(map(len, ranges)) > MOST_MEMBERS:
        return ""
    members = list(product(*ranges))
    space, measure = last.space, measures[last.space]

    def followed(visit: Callable[[Outcome], Value]) -> list[tuple[dict[Coin, int], Value]]:
        out = list(islice(branches(space, visit), MOST_BRANCHES + 1))
        if len(out) > MOST_BRANCHES:
            raise Unknown("a law with too many branches to write out")
        return out

    found = [followed(partial(_member, f, ix)) for ix in members]
    coins: list[set[Coin]] = [{coin for faces, _ in each for coin in faces} for each in found]
    looked_at = set().union(*coins)
    # Showing must not draw the weights of a coin that nobody asked for.
    if not looked_at or space.atom in looked_at or not all(map(measure.weighed, (space.atom, *looked_at))):
        return ""
    if sum(map(len, coins)) == len(looked_at):
        laws = [_distribution(((faces, show(x)) for faces, x in each), measure) for each in found]
        return _nested(ranges, laws) + (" independent" if len(members) > 1 else "")
    together = followed(lambda w: [_member(f, ix, w) for ix in members])
    return _distribution(((faces, _nested(ranges, list(map(show, xs)))) for faces, xs in together), measure)


def _member(f: Function, index: tuple[int, ...], outcome: Outcome) -> Value:
    """The value of a member of a family."""
    return f.at((*index, outcome))


def _distribution(branch: Iterable[tuple[Mapping[Coin, int], str]], measure: Measure) -> str:
    """Each value with its probability."""
    law: dict[str, Number] = {}
    for faces, value in branch:
        law[value] = add(law[value], weight(measure, faces)) if value in law else weight(measure, faces)
    return _values([f"{value}: {nm.shown(w)}" for value, w in law.items()])


def _values(found: Sequence[str]) -> str:
    return "[" + "; ".join(found[:MOST_VALUES]) + (" ..." if len(found) > MOST_VALUES else "") + "]"


def _nested(ranges: Sequence[Sequence[int]], entries: Sequence[str]) -> str:
    """The entries of an array, the last index fastest, with a bracket for every index."""
    if not ranges:
        return entries[0]
    rest = len(entries) // len(ranges[0])
    rows = [entries[k * rest : (k + 1) * rest] for k in range(len(ranges[0]))]
    return "(" + ", ".join(_nested(ranges[1:], row) for row in rows) + ")"


def _inside(d: IntervalDomain, x: Number) -> bool:
    try:
        d.check(x)
    except Undefined:
        return False
    return True
