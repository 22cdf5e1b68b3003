"""Interpretations at which the premises of a statement hold.

Drawn values rarely satisfy ``f0 = mu``, so that ``f0 = mu ==> …`` would be true for want of a case.  `opened` declares
the variables of the leading quantifiers and adds the premises to the Context: an equation that can be solved for a
symbol *defines* it, a bound on a real number is declared, and any other premise is an assumption that draws must
satisfy.  What is then judged is the
statement's body itself, so that a failure there is a failure of the statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from derivcheck.language import (
    INT,
    REAL,
    Context,
    Declaration,
    Givens,
    Property,
    Term,
    abstract,
    add,
    and_,
    free_symbols,
    implies,
    instantiate,
    lam,
    neg,
    symbol,
    unfold,
)
from derivcheck.language.terms import variable_sort
from derivcheck.semantics.interpretation import all_declarations

#: Kinds of declarations whose symbols an equation may define; the others carry a structure.
DEFINABLE = frozenset({"real", "integer", "index", "size", "array", "choice"})


@dataclass(frozen=True, slots=True)
class Opened:
    """A context in which premises hold, and what remains to be judged there."""

    context: Context
    statement: Term


def opened(context: Context, statement: Term) -> Opened | None:
    """The statement below its leading quantifiers, in a context in which its premises hold.

    None if it has no premise, or a quantifier that cannot be opened (over functions of functions).
    """
    premises: list[Term] = []
    inner = context
    while _has_premise(statement):
        if statement.op == "forall":
            found = _declared(inner, statement)
            if found is None:
                return None
            inner, statement = found
        else:
            premises += _conjuncts(statement.args[0])
            statement = statement.args[1]
    if not premises:
        return None
    definitions = _definitions(inner, premises)
    rest = [p for p in premises if p not in definitions]
    inner, bounds = _bounded(inner, rest, {s for s, _ in definitions.values()})
    drawn = tuple(p for p in rest if p not in bounds)
    assumed = (Property("premise", drawn),) if drawn else ()
    model = tuple(definitions.values())
    inner = inner.extended(Declaration(None, "assumption", assumed, "premise", model))
    return Opened(inner, implies(and_(*rest), statement) if rest else statement)


def _has_premise(p: Term) -> bool:
    while p.op == "forall":
        p = p.args[1]
    return p.op == "implies"


def _conjuncts(p: Term) -> Iterator[Term]:
    if p.op == "and":
        for q in p.args:
            yield from _conjuncts(q)
    else:
        yield p


def _declared(context: Context, p: Term) -> tuple[Context, Term] | None:
    """The variable of a universal quantifier as a declared symbol, and the body with it put in."""
    domain = p.args[0]
    taken = {str(s.data) for s in (*context.symbols(), *free_symbols(p))}
    name = p.hint.split("@")[0] or "v"
    while name in taken:
        name += "'"
    g = Givens(list(context.declarations))
    variable: Term | None = None
    match domain.op:
        case "range" if domain.args[1].op == "oo":
            variable = g.integer(name, at_least=domain.args[0])
        case "range":
            variable = g.index(name, *domain.args)
        case "integers":
            variable = g.integer(name)
        case "interval":
            variable = g.real(name, **_ends(domain))
        case "space":
            variable = g.point(name, domain)
        case "functions" if domain.args[-1].op == "interval":
            ranges = all(d.op in ("range", "space") for d in domain.args[:-1])
            variable = (g.array if ranges else g.function)(name, *domain.args[:-1], **_ends(domain.args[-1]))
    if variable is None or variable.sort != variable_sort(p)[0]:
        return None
    return g.context, instantiate(p.args[1], variable)


def _ends(interval: Term) -> dict[str, Any]:
    """The finite ends of an interval, as keywords of a declaration."""
    lo, hi = interval.args
    infinite = [x.op == "oo" or (x.op == "neg" and x.args[0].op == "oo") for x in (lo, hi)]
    return {key: x for key, x, no in zip(("at_least", "at_most"), (lo, hi), infinite, strict=True) if not no}


# ------------------------------------------------------------------------------------------- equations as definitions


def _definitions(context: Context, premises: Sequence[Term]) -> dict[Term, tuple[Term, Term]]:
    """Premise -> (symbol, term): the equations that define a symbol each, without a circle."""
    depends = dependences(context)
    fixed = {s for d in context.declarations for s, _ in d.model}
    out: dict[Term, tuple[Term, Term]] = {}
    for p in premises:
        for s, t in sorted(_solutions(p), key=lambda solution: _rank(context, solution[0])):
            d = context.find(s)
            if d is None or d.kind not in DEFINABLE or s in fixed or reaches(t, s, depends):
                continue
            out[p] = (s, t)
            fixed.add(s)
            depends[s] = free_symbols(unfold(t))
            break
    return out


def _bounded(context: Context, premises: Sequence[Term], fixed: set[Term]) -> tuple[Context, set[Term]]:
    """The context with those premises declared that bound a real number, and which ones these are."""
    out: set[Term] = set()
    for p in premises:
        if p.op not in ("lt", "le"):
            continue
        below = "below" if p.op == "lt" else "at most"
        above = "above" if p.op == "lt" else "at least"
        for (s, t), name in ((p.args, below), (p.args[::-1], above)):
            d = context.find(s)
            if d is None or d.kind != "real" or s in fixed or _bounds_already(d, name):
                continue
            if reaches(t, s, dependences(context)):
                continue
            declared = replace(d, properties=(*d.properties, Property(name, (p,), (t,))))
            context = Context(tuple(declared if e is d else e for e in context.declarations))
            out.add(p)
            break
    return context, out


def _bounds_already(d: Declaration, name: str) -> bool:
    """Whether a bound from the same side is declared."""
    side = ("above", "at least") if name in ("above", "at least") else ("below", "at most")
    return any(d.property(other) is not None for other in side)


def dependences(context: Context) -> dict[Term, frozenset[Term]]:
    """Symbol -> the symbols that its value is made from."""
    everything = list(all_declarations(context.declarations))
    out = {d.symbol: _mentioned(d) for d in everything if d.symbol is not None}
    out.update((s, free_symbols(unfold(t))) for d in everything for s, t in d.model)
    return out


def _rank(context: Context, s: Term) -> tuple[int, int]:
    """Symbols of which least is known first, and the latest of those."""
    known = context.symbols()
    d = context.find(s)
    return (len(d.properties), -known.index(s)) if d is not None else (0, 0)


def _mentioned(d: Declaration) -> frozenset[Term]:
    """The symbols that the construction of a declared one looks at."""
    terms = [a for p in d.properties for a in p.args]
    assert d.symbol is not None
    return frozenset(s for t in (*terms, *d.symbol.args) for s in free_symbols(unfold(t))) - {d.symbol}


def reaches(t: Term, target: Term, depends: dict[Term, frozenset[Term]]) -> bool:
    """Is the value of `target` needed for that of `t`?"""
    seen: set[Term] = set()
    todo = list(free_symbols(unfold(t)))
    while todo:
        s = todo.pop()
        if s == target:
            return True
        if s not in seen:
            seen.add(s)
            todo += depends.get(s, frozenset())
    return False


def _solutions(p: Term) -> Iterator[tuple[Term, Term]]:
    """Pairs (symbol, term) such that the proposition says that they are equal."""
    variables: list[tuple[Term, Term]] = []
    while p.op == "forall" and p.args[0].op == "range":
        index = symbol(f"{p.hint}#{len(variables)}", INT)
        variables.append((index, p.args[0]))
        p = instantiate(p.args[1], index)
    if p.op != "eq":
        return
    for side, other in (p.args, p.args[::-1]):
        for k, x in enumerate(_addends(side)):
            rest = [*_addends(other), *(neg(y) for j, y in enumerate(_addends(side)) if j != k)]
            if x.op == "neg":
                x, rest = x.args[0], [neg(y) for y in rest]
            value = rest[0] if len(rest) == 1 else add(*rest)
            if not variables and x.op == "sym":
                yield x, value
            elif variables and x.op == "app" and x.args[0].op == "sym":
                yield from _as_array(x, value, variables)
    found = _unified(*p.args)
    if found is not None and len(found) == 1 and not variables:
        yield from found


def _unified(x: Term, y: Term) -> frozenset[tuple[Term, Term]] | None:
    """What to put for which symbol to make two terms the same: ``f(a) = f(t)`` holds where ``a = t``."""
    if x == y:
        return frozenset()
    for s, t in ((x, y), (y, x)):
        if s.op == "sym" and not t.loose and s.sort == t.sort:
            return frozenset({(s, t)})
    if (x.op, x.data, x.sort, len(x.args)) != (y.op, y.data, y.sort, len(y.args)):
        return None
    out: frozenset[tuple[Term, Term]] = frozenset()
    for a, b in zip(x.args, y.args, strict=True):
        found = _unified(a, b)
        if found is None:
            return None
        out |= found
    return out


def _addends(t: Term) -> tuple[Term, ...]:
    return t.args if t.op == "add" and t.sort == REAL else (t,)


def _as_array(x: Term, value: Term, variables: list[tuple[Term, Term]]) -> Iterator[tuple[Term, Term]]:
    """``f(i, j) = t(i, j)`` for all i and j defines f, if they run through the whole of its domain."""
    f, *indices = x.args
    domains = f.args
    if indices == [i for i, _ in variables] and domains == tuple(d for _, d in variables):
        for index, domain in reversed(variables):
            value = lam(domain, abstract(value, index))
        yield f, value
