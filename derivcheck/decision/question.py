"""From what a caller writes to a question in the language: two terms and a Context in which all is declared."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any

from derivcheck.language import (
    INT,
    MEASURE,
    PROP,
    REAL,
    Context,
    Declaration,
    LanguageError,
    Property,
    Term,
    domains,
    free_symbols,
    integer,
    le,
    num,
    range_,
    real,
    substitute,
    subterms,
)
from derivcheck.language.membership import opened


class NotCovered(Exception):
    """A well-formed question that the language cannot say; the text names what."""


@dataclass(frozen=True, slots=True)
class Question:
    """Two terms of one sort, what is given of their symbols, and what was taken for granted to write it so.

    ``conditions`` are the restrictions that the reading makes: an answer "equal" holds under them.
    """

    left: Term
    right: Term
    context: Context
    notes: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


def question(lhs: Any, rhs: Any, context: Context | None) -> Question:
    """The question whether `lhs` and `rhs` are equal.

    Raises
    ------
    LanguageError, TypeError
        If a side is not an expression, or the sides are different kinds of thing.
    NotCovered
        If a SymPy expression contains what the language cannot say.
    """
    declared = context if context is not None else Context()
    notes: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    sympy_sides = [s for s in (lhs, rhs) if _is_sympy(s)]
    read: list[Term] = []
    if sympy_sides:
        from derivcheck.language.sympy_edge import Unsupported, from_sympy

        try:
            said = from_sympy(*sympy_sides)
        except Unsupported as error:
            raise NotCovered(str(error)) from error
        declared, names = _joined(declared, said.context)
        read = [substitute(t, names) for t in said.terms]
        notes = said.notes
        known = {f"{s.data} is real" for s in (context or Context()).symbols()}
        conditions = tuple(c for c in said.conditions if c not in known)
    sides = [read.pop(0) if _is_sympy(s) else _term(s) for s in (lhs, rhs)]
    left, right = sides
    if left.sort != right.sort and {left.sort, right.sort} == {INT, REAL}:
        left, right = (real(t) if t.sort == INT else t for t in (left, right))
    if left.sort != right.sort:
        raise LanguageError(f"'{left}' is a {left.sort}, '{right}' a {right.sort}")
    if left.sort == PROP or left.loose or right.loose:
        raise LanguageError("two expressions are compared, not two propositions")
    missing = sorted(declared.undeclared(left, right), key=lambda s: (str(s.data), s.key))
    for d in _inferred(missing, (left, right)):
        declared = declared.extended(d)
        if d.properties:
            facts = "; ".join(str(f) for p in d.properties for f in p.facts)
            notes += (f"{d.name} is taken to be {'a size' if d.kind == 'size' else 'an index'}: {facts}",)
    return Question(left, right, declared, notes, conditions)


def _term(side: Any) -> Term:
    if isinstance(side, Term):
        return side
    if isinstance(side, int | float | Fraction) and not isinstance(side, bool):
        return num(side)
    if isinstance(side, Rational) and not isinstance(side, bool):  # another library's whole number
        return num(Fraction(int(side.numerator), int(side.denominator)))
    raise TypeError(f"{side!r} is not a term, a number or a SymPy expression")


def _joined(given: Context, said: Context) -> tuple[Context, dict[Term, Term]]:
    """What is given, and what SymPy's symbols say of themselves; a name that is declared twice is one symbol."""
    declared = {str(s.data): s for s in given.symbols()}
    names: dict[Term, Term] = {}
    out = given
    for d in said.declarations:
        known = declared.get(d.name) if d.symbol is not None else None
        if d.symbol is None or known is None:
            out = out.extended(d)
        elif known.sort == INT and d.symbol.sort == REAL:
            names[d.symbol] = real(known)
        elif known != d.symbol:
            raise LanguageError(f"'{d.name}' is declared as a {known.sort} and used as a {d.symbol.sort}")
        for p in d.properties if known is not None else ():
            out = out.assuming(f"{d.name} {p.name}", *(substitute(f, names) for f in p.facts))
    return out, names


def _is_sympy(x: object) -> bool:
    """Whether `x` is a SymPy object, without importing SymPy for those who do not use it."""
    basic = getattr(sys.modules.get("sympy"), "Basic", None)
    return basic is not None and isinstance(x, basic)


def _used_as_index(side: Term) -> Iterator[tuple[Term, Term]]:
    """Every argument with the domain in which it has to be."""
    for t in subterms(side):
        if t.op == "app" and not t.args[0].loose:
            yield from zip(domains(t.args[0]), t.args[1:], strict=False)
        elif t.op == "deriv" and t.args[0].op == "functions":
            yield from zip(t.args[0].args[:-1], t.args[2:-1], strict=True)


def _inferred(symbols: list[Term], sides: tuple[Term, Term]) -> Iterator[Declaration]:
    """Declarations for symbols of which nothing is said: sizes and indices by how they are used."""
    lengths = {s for f in symbols for a in f.args for s in free_symbols(a) if s.sort == INT}
    ranges: dict[Term, tuple[Term, Term]] = {}
    for side in sides:
        for domain, a in _used_as_index(side):
            if a.op == "sym" and a.sort == INT and domain.op == "range" and a not in lengths:
                ranges.setdefault(a, (domain.args[0], domain.args[1]))
    late: list[Declaration] = []
    for s in symbols:
        if s in lengths:
            yield Declaration(s, "size", (Property("minimum", (le(1, s),), (integer(1),)),))
        elif s in ranges:
            late.append(opened(s, range_(*ranges[s])))
        elif s.sort in (INT, REAL, MEASURE):
            yield Declaration(s, {INT: "integer", REAL: "real", MEASURE: "measure"}[s.sort])
        elif s.sort.kind == "point":
            late.append(Declaration(s, "point"))
        else:
            arrays = all(a.op == "range" and a.args[1].op != "oo" for a in s.args)
            late.append(Declaration(s, "array" if arrays else "function"))
    yield from late
