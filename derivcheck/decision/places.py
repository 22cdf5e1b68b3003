"""Places that a question itself distinguishes: where its comparisons change, and half-way between two such places.

A random instance seldom meets ``n = 4``, or a number between 1 and 4/3; an error may be seen nowhere else.

>>> from derivcheck.language import Givens, ite, lt, num
>>> given = Givens(); x = given.real("x")
>>> [str(value) for _, value in places((ite(lt(x, 2), 1, 0), ite(lt(x, 3), num(1), num(0))))]
['2', '3', '5/2']
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from derivcheck.language import INT, Context, Declaration, Term, eq, free_symbols, integer, num, substitute, subterms
from derivcheck.language.constructors import int_add
from derivcheck.proof.normal_form.integers import solve_for_symbol

#: The most places that are looked at.
MAX_PLACES = 24


def places(sides: tuple[Term, Term]) -> Iterator[tuple[Term, Term]]:
    """Symbols and values for them, each pair once."""
    found: dict[Term, list[Term]] = {}
    for a, b in _compared(sides):
        if a.sort == INT:
            known = solve_for_symbol(eq(a, b))
            if known is not None:
                x, value = known
                found.setdefault(x, []).extend(int_add(value, integer(k)) for k in (0, 1, -1))
        else:
            for x, value in ((a, b), (b, a)):
                if x.op == "sym" and value.op == "num":
                    found.setdefault(x, []).append(value)
    seen: dict[tuple[Term, Term], None] = {}
    for x in sorted(found, key=lambda x: x.key):
        values = list(dict.fromkeys(found[x]))
        if x.sort != INT:
            values += [num((v.data + w.data) / 2) for v, w in combinations(values, 2)]
        seen.update(dict.fromkeys((x, value) for value in values))
    yield from list(seen)[:MAX_PLACES]


def _compared(sides: tuple[Term, Term]) -> Iterator[tuple[Term, Term]]:
    for s in (s for t in sides for s in subterms(t)):
        if s.op in ("le", "lt", "eq") and not s.loose and s.args[0].sort in (INT, s.args[1].sort):
            yield s.args[0], s.args[1]


def at(context: Context, x: Term, value: Term) -> Context | None:
    """What is given where the symbol `x` has the value, which does not mention it; None where arrays depend on it."""
    if any(x in free_symbols(t) for s in context.symbols() for t in s.args) or any(
        d.model for d in context.declarations
    ):
        return None
    others: list[Declaration] = []
    facts: list[Term] = []
    for d in context.declarations:
        mine = [f for p in d.properties for f in p.facts]
        if d.symbol == x or any(x in free_symbols(f) for f in mine):
            facts += (substitute(f, {x: value}) for f in mine)
            if d.symbol is not None and d.symbol != x:
                others.append(Declaration(d.symbol, d.kind))
        else:
            others.append(d)
    there = Context(tuple(others))
    return there.assuming("what is given there", *facts) if facts else there
