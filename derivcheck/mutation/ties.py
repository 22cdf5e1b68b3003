"""Contexts in which the sides of an inequality are made equal: there a stronger one fails, and rarely elsewhere.

Random instances almost never lie where an inequality is an equation: at ``D = p/(p + q)``, at the minimiser, at
``p = q``.  What makes two sides the same term is read off them, as in a unification; that two symbols of one kind have
one value is tried as well.  A tie *defines* symbols, so that every hypothesis about them is judged on each instance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, islice

from derivcheck.language import (
    BINDERS,
    REAL,
    Context,
    Declaration,
    Fresh,
    Term,
    abstract,
    free_symbols,
    instantiate,
    lam,
    unfold,
)
from derivcheck.language.terms import subterms, variable_sort
from derivcheck.semantics.premises import dependences, reaches

#: Kinds of declarations whose symbols may be defined by a tie; the others carry a structure that draws must have.
FREE = frozenset({"real", "array", "function", "density"})
#: The most ties of one kind in a statement: of its sides, and of two symbols.
MOST = 3
#: The most pairs of parts that are compared.
MOST_PAIRS = 200
#: How far beside a tie.
NEAR = Fraction(1, 256)

Solution = dict[Term, Term]


def ties(context: Context, statement: Term) -> Iterator[Context]:
    """`context` with definitions under which parts of the two sides of `statement` coincide, the whole sides first.

    Nothing where `statement` is no inequality between numbers, perhaps below quantifiers and premises.
    """
    fresh = Fresh()
    while statement.op in ("forall", "implies"):
        statement = _opened(statement, fresh)[0] if statement.op == "forall" else statement.args[1]
    if statement.op not in ("le", "lt") or statement.args[0].sort != REAL:
        return
    for solution in (*_between(context, *map(unfold, statement.args)), *_pairs(context, statement)):
        known = all(free_symbols(t) <= set(context.symbols()) for t in solution.values())
        if known and not _circular(context, solution):
            yield context.extended(Declaration(None, "assumption", (), "tie", tuple(solution.items())))


def beside(tied: Context) -> Iterator[Context]:
    """The context of a tie with its number moved a little, for a statement that excludes the tie itself."""
    *declarations, tie = tied.declarations
    if all(t.sort == REAL for _, t in tie.model):
        moved = tuple((s, t + NEAR) for s, t in tie.model)
        yield Context((*declarations, replace(tie, note="beside a tie", model=moved)))


def _between(context: Context, a: Term, b: Term) -> Iterator[Solution]:
    """What makes one side the other, or a part of one side the other."""
    unknown = _unknown(context)
    parts = [(a, b), *((x, b) for x in subterms(a)), *((a, y) for y in subterms(b))]
    seen: list[Solution] = []
    for x, y in parts[:MOST_PAIRS]:
        if not (x.loose or y.loose) and x.sort == y.sort:
            found = _Unifier(unknown).solve(x, y)
            if found and found not in seen:
                seen.append(found)
                yield found
        if len(seen) == MOST:
            return


def _pairs(context: Context, statement: Term) -> Iterator[Solution]:
    """One value for two symbols of one kind."""
    unknown, mentioned = _unknown(context), free_symbols(unfold(statement))
    present = [s for s in context.symbols() if s in unknown and s in mentioned]
    alike = (
        {t: s}
        for s, t in combinations(present, 2)
        if (d := context.find(s)) and (e := context.find(t)) and (d.kind, s.sort, s.args) == (e.kind, t.sort, t.args)
    )
    yield from islice(alike, MOST)


def _circular(context: Context, solution: Solution) -> bool:
    """Does a symbol that the tie defines need its own value, perhaps through models of others?"""
    needs = {**dependences(context), **{s: free_symbols(unfold(t)) for s, t in solution.items()}}
    return any(reaches(t, s, needs) for s, t in solution.items())


def _unknown(context: Context) -> frozenset[Term]:
    """The symbols that a tie may define."""
    fixed = {s for d in context.declarations for s, _ in d.model}
    free = (d.symbol for d in context.declarations if d.kind in FREE and d.symbol is not None)
    return frozenset(s for s in free if s not in fixed)


def _opened(binder: Term, fresh: Fresh) -> tuple[Term, Term]:
    """The body of a binder with a new symbol for its variable, and that symbol."""
    sort, domains = variable_sort(binder)
    v = fresh.symbol(binder.hint, sort, domains)
    return instantiate(binder.body, v), v


class _Unifier:
    """What to put for symbols to make two terms the same.

    Parameters
    ----------
    unknown : frozenset of Term
        The symbols for which something may be put.
    """

    def __init__(self, unknown: frozenset[Term]) -> None:
        self.unknown = unknown
        self.fresh = Fresh()
        #: The variables of the binders that were entered.
        self.bound: frozenset[Term] = frozenset()
        self.found: Solution = {}

    def solve(self, x: Term, y: Term) -> Solution | None:
        """A solution, or None where the terms differ in more than a symbol can make up for."""
        return self.found if self._unify(x, y) else None

    def _unify(self, x: Term, y: Term) -> bool:
        if x == y:
            return True
        for s, t in ((x, y), (y, x)):
            value = self._as_value(s, t)
            if value is not None:
                symbol = s if s.op == "sym" else s.args[0]
                return self.found.setdefault(symbol, value) == value
        if (x.op, x.data, x.sort, len(x.args)) != (y.op, y.data, y.sort, len(y.args)) or x.op == "sym":
            return False
        if x.op not in BINDERS:
            return all(map(self._unify, x.args, y.args))
        if variable_sort(x) != variable_sort(y) or not all(map(self._unify, x.args[:-1], y.args[:-1])):
            return False
        one, v = _opened(x, self.fresh)
        other = instantiate(y.body, v)
        self.bound |= {v}
        return self._unify(one, other)

    def _as_value(self, s: Term, t: Term) -> Term | None:
        """What the symbol in ``s`` is if ``s = t``: the symbol itself, or a function of the variables bound around."""
        f, variables = (s.args[0], s.args[1:]) if s.op == "app" else (s, ())
        inside = free_symbols(t)
        if f not in self.unknown or f in inside or s.sort != t.sort or inside & (self.bound - set(variables)):
            return None
        if len(set(variables)) < len(variables) or not all(v in self.bound for v in variables):
            return None
        if variables and len(variables) != len(f.args):
            return None
        if t.op == "app" and t.args[1:] == variables and t.args[0].sort == f.sort:
            return None if free_symbols(t.args[0]) & self.bound else t.args[0]
        for v, domain in zip(reversed(variables), reversed(f.args[: len(variables)]), strict=True):
            t = lam(domain, abstract(t, v))
        return t
