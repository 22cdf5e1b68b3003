"""Is each symbol sampled as generally as its facts allow?

Instances are built from the *names* of properties; theorems rest on their *facts*.  A forged certificate could keep
``symmetric`` as a name and drop the fact, and every sampled matrix would be symmetric.  So each declaration is written
again by `Givens`, from the names and arguments of its properties, and must come out with the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derivcheck.audit.rules import opens
from derivcheck.language import (
    Context,
    Declaration,
    Givens,
    Term,
    counting,
    interval,
    lebesgue,
    range_,
    unfold,
)

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


def irregular(context: Context) -> Iterator[str]:
    """What is wrong with the declarations of a context."""
    for d in context.declarations:
        if d.symbol is None:
            if d.model and not any(p.facts for p in d.properties):
                yield f"the assumption '{d.name}' states nothing, and defines how symbols are sampled"
            continue
        if d.model or d.auxiliary:
            yield f"'{d.name}' is a symbol, and carries a model of other symbols"
        try:
            regular = any(_agrees(d, other) for other in _written_again(d, d.symbol, context))
        except (TypeError, LookupError, AttributeError, ValueError):
            regular = False
        if d.property("variance") is None and not all(p.facts for p in d.properties):
            regular = False  # a name without facts of its own speaks of second moments, which must stand beside it
        if not regular:
            yield f"'{d.name}' ({d.kind}) does not have the facts that the names of its properties promise"


def _agrees(d: Declaration, other: Declaration) -> bool:
    """Are the properties of `d` among those of `other`, fact by fact?"""
    if d.kind != other.kind or d.symbol != other.symbol:
        return False
    for p in d.properties:
        q = other.property(p.name)
        if q is None or list(map(unfold, q.facts)) != list(map(unfold, p.facts)):
            return False
        if list(map(unfold, q.args)) != list(map(unfold, p.args)):
            return False
    return True


def _written_again(d: Declaration, symbol: Term, context: Context) -> Iterator[Declaration]:
    names = {p.name for p in d.properties}
    args = {p.name: p.args for p in d.properties}
    options: dict[str, Any] = {_BOUNDS[n]: args[n][0] for n in names if n in _BOUNDS}
    options |= {n.replace(" ", "_"): True for n in names if n in _FLAGS}
    name, over = str(symbol.data), symbol.args
    g = Givens()
    match d.kind:
        case "size" | "index" | "real" if "range" in names:
            domain = (range_ if d.kind != "real" else interval)(*args["range"])
            if opens(d, symbol, domain):
                yield d
            return
        case "size":
            g.size(name, args["minimum"][0].data[0] if "minimum" in names else 0)
        case "index" | "integer":
            # An opened integer and an index without bounds promise nothing.
            if not names:
                yield d
            g.integer(name, **options)
        case "real":
            g.real(name, **options)
        case "array":
            g.array(name, *over, **options)
        case "choice":
            g.choice(name, *over, *args["range"])
        case "function":
            g.function(name, *over, **options)
        case "measure" if names:
            g.probability(name, *over)
        case "density":
            for measure in args.get("normalised") or _measures(context, over[-1]):
                g = Givens()
                g.distribution(name, measure, given=over[:-1], positive="positive" in names)
                yield from g.context.declarations
            return
        case "random":
            yield from _random(symbol, names, args, context)
        case _:
            if not names:
                yield d
    yield from g.context.declarations


def _random(
    symbol: Term, names: set[str], args: dict[str, tuple[Term, ...]], context: Context
) -> Iterator[Declaration]:
    *over, on = symbol.args

    def value(name: str) -> Any:
        if name not in names:
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
            uncorrelated="uncorrelated" in names,
            iid="iid" in names,
            symmetric="symmetric law" in names,
            normal="normal" in names,
            square_integrable="square integrable" in names,
            independent_of=tuple(args[n][0] for n in sorted(names) if n.startswith("independent of ")),
        )
        yield from g.context.declarations


def _measures(context: Context, on: Term) -> list[Term]:
    """The measures on a domain that a declaration may mean."""
    named = [s for s in context.symbols() if s.sort.kind == "measure" and s.args == (on,)]
    return named + ([counting(on)] if on.op == "range" else [lebesgue(on)] if on.op == "interval" else [])
