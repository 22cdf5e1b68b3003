"""Does each declaration have the facts that the names of its properties promise?

Theorems rest on *facts*; instances are built from the *names* of properties.  A Context that comes from outside could
keep ``symmetric`` as a name and drop its fact, and every sampled matrix would be symmetric.  So each declaration is
written again by `Givens`, from the names and arguments of its properties, and must come out with the same facts.  To
drop a property as a whole is fine: then nothing is promised.

>>> from derivcheck.language import *
>>> from derivcheck.language.context import Declaration, Property
>>> x = Real("x")
>>> list(unpromised(Context((Declaration(x, "real", (Property("above", (lt(0, x),), (num(0),)),)),))))
[]
>>> list(unpromised(Context((Declaration(x, "real", (Property("above", (), (num(0),)),)),))))
["'x' (real) does not have the facts that the names of its properties promise"]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derivcheck.language import constructors as b
from derivcheck.language.context import Context, Declaration, Property
from derivcheck.language.definitions import unfold
from derivcheck.language.givens import Givens
from derivcheck.language.membership import opened
from derivcheck.language.terms import Term

_BOUNDS = {"above": "above", "at least": "at_least", "below": "below", "at most": "at_most"}
_FLAGS = {
    "nonzero",
    "symmetric",
    "positive definite",
    "positive semidefinite",
    "invertible",
    "full column rank",
    "orthogonal",
    "diagonal",
    "differentiable",
    "convex",
    "increasing",
}


def unpromised(context: Context) -> Iterator[str]:
    """What is wrong with the declarations of a context, one sentence each."""
    for d in context.declarations:
        if d.symbol is None:
            if d.model and not any(p.facts for p in d.properties):
                yield f"the assumption '{d.name}' states nothing, and defines how symbols are sampled"
            continue
        if d.model or d.auxiliary:
            yield f"'{d.name}' is a symbol, and carries a model of other symbols"
        try:
            kept = any(_agrees(d, other) for other in _written_again(d, d.symbol, context))
        except (TypeError, LookupError, AttributeError, ValueError):
            kept = False
        if d.property("variance") is None and not all(p.facts for p in d.properties):
            kept = False  # a name without facts of its own speaks of second moments, which must stand beside it
        if not kept:
            yield f"'{d.name}' ({d.kind}) does not have the facts that the names of its properties promise"


def _agrees(d: Declaration, other: Declaration) -> bool:
    """Are the properties of `d` among those of `other`, fact by fact?"""
    if d.kind != other.kind or d.symbol != other.symbol:
        return False
    return all((q := other.property(p.name)) is not None and _meaning(p) == _meaning(q) for p in d.properties)


def _meaning(p: Property) -> tuple[list[Term], list[Term]]:
    return list(map(unfold, p.facts)), list(map(unfold, p.args))


def _written_again(d: Declaration, symbol: Term, context: Context) -> Iterator[Declaration]:
    args = {p.name: p.args for p in d.properties}
    options: dict[str, Any] = {_BOUNDS[n]: args[n][0] for n in args if n in _BOUNDS}
    options |= {n.replace(" ", "_"): True for n in args if n in _FLAGS}
    name, over = str(symbol.data), symbol.args
    g = Givens()
    match d.kind:
        case "index" | "real" if "range" in args:
            yield opened(symbol, (b.interval if d.kind == "real" else b.range_)(*args["range"]))
        case "size":
            g.size(name, args["minimum"][0].data[0] if "minimum" in args else 0)
        case "index" | "point" if not args:
            yield d
        case "integer":
            g.integer(name, **options)
        case "real":
            g.real(name, **options)
        case "array":
            # An open variable that ranges over arrays with other values than reals promises nothing.
            if not args:
                yield d
            else:
                g.array(name, *over, **options)
        case "choice":
            g.choice(name, *over, *args["range"])
        case "function":
            g.function(name, *over, **options)
        case "measure" if args:
            g.probability(name, *over)
        case "measure":
            g.measure(name, *over)
        case "density":
            for measure in args.get("normalised") or _measures(context, over[-1]):
                inner = Givens()
                inner.distribution(name, measure, given=over[:-1], positive="positive" in args)
                yield from inner.context.declarations
        case "random":
            yield from _random(symbol, args, context)
    yield from g.context.declarations


def _random(symbol: Term, args: dict[str, tuple[Term, ...]], context: Context) -> Iterator[Declaration]:
    *over, on = symbol.args

    def value(name: str) -> Any:
        if name not in args:
            return None
        (table,) = args[name]
        return (lambda *index: table(*index)) if over else table

    for measure in _measures(context, on):
        g = Givens()
        g.random(
            str(symbol.data),
            *over,
            measure=measure,
            mean=value("mean"),
            variance=value("variance"),
            uncorrelated="uncorrelated" in args,
            iid="iid" in args,
            symmetric="symmetric law" in args,
            normal="normal" in args,
            square_integrable="square integrable" in args,
            independent_of=tuple(args[n][0] for n in sorted(args) if n.startswith("independent of ")),
        )
        yield from g.context.declarations


def _measures(context: Context, on: Term) -> list[Term]:
    """The measures on a domain that a declaration may mean."""
    named = [s for s in context.symbols() if s.sort.kind == "measure" and s.args == (on,)]
    return named + ([b.counting(on)] if on.op == "range" else [b.lebesgue(on)] if on.op == "interval" else [])
