"""Values as a reader sees them."""

from __future__ import annotations

from derivcheck.semantics import numbers as nm
from derivcheck.semantics.numbers import Number, Undefined, Unknown
from derivcheck.semantics.values import (
    AtomicMeasure,
    Function,
    IntervalDomain,
    Measure,
    Outcome,
    RangeDomain,
    SpaceDomain,
    Value,
    branches,
)


def show(value: Value) -> str:
    """A value for a reader."""
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
            return _show_function(value)
    return nm.shown(value)


def _show_function(f: Function) -> str:
    d = f.domains[0]
    try:
        if isinstance(d, RangeDomain):
            if d.hi is not None and d.hi - d.lo < 12:
                return "(" + ", ".join(show(f.at((j,))) for j in d.members()) + ")"
            # Only what has been looked at: showing must not draw further entries.
            known = sorted(f.known().items())
            return "(" + ", ".join(f"{', '.join(map(str, k))} ↦ {show(v)}" for k, v in known[:12]) + ")"
        if isinstance(d, SpaceDomain):
            found = [v for _, v in branches(d.space, lambda w: show(f.at((w,))))]
            return "[" + "; ".join(found[:27]) + (" ..." if len(found) > 27 else "") + "]"
        if isinstance(d, IntervalDomain) and len(f.domains) == 1:
            inside = [x for x in map(nm.rational, (0, 1, -1, 2)) if _inside(d, x)]
            return ", ".join(f"{nm.shown(x)} ↦ {show(f.at((x,)))}" for x in inside)
    except (Unknown, Undefined):
        return "a function without a value somewhere"
    return "a function"


def _inside(d: IntervalDomain, x: Number) -> bool:
    try:
        d.check(x)
    except Undefined:
        return False
    return True
