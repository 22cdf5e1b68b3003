"""Symbols, and what may be put for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from derivcheck.language.constructors.arrays import domains
from derivcheck.language.constructors.spaces import range_
from derivcheck.language.terms import (
    INT,
    REAL,
    LanguageError,
    Sort,
    Term,
    Termlike,
    domain_of_measure,
    function_sort,
    sort_of_domain,
    substitute,
    symbol,
)

__all__ = [
    "Index",
    "Matrix",
    "Real",
    "Size",
    "Vector",
    "function",
    "substitution",
]


def Size(name: str) -> Term:
    """An integer symbol meant as a size."""
    return symbol(name, INT)


def Index(name: str) -> Term:
    """An integer symbol meant as an index."""
    return symbol(name, INT)


def Real(name: str) -> Term:
    """A real symbol."""
    return symbol(name, REAL)


def function(name: str, *over: Term, codomain: Sort = REAL) -> Term:
    """A function symbol on a product of domains."""
    return symbol(name, function_sort(map(sort_of_domain, over), codomain), over)


def Vector(name: str, size: Termlike) -> Term:
    """A vector symbol, with entries from 1."""
    return function(name, range_(1, size))


def Matrix(name: str, rows: Termlike, columns: Termlike) -> Term:
    """A matrix symbol, with entries from 1."""
    return function(name, range_(1, rows), range_(1, columns))


def substitution(mapping: Mapping[Term, Term]) -> Callable[[Term], Term]:
    """Terms put for symbols, as a function from terms to terms.

    A size may stand in the domains of other symbols: those symbols change with it.

    Raises
    ------
    LanguageError
        If a term has another sort or another shape than the symbol that it stands for.
    """
    first = {old: new for old, new in mapping.items() if old.sort.kind != "fun"}
    second = {substitute(old, first): new for old, new in mapping.items() if old.sort.kind == "fun"}
    for old, new in mapping.items():
        if old.op != "sym" or old.sort != new.sort:
            raise LanguageError(f"'{new}' cannot stand for '{old}'")
        kind = old.sort.kind
        shape = domains(new) if kind == "fun" else (domain_of_measure(new),) if kind == "measure" else ()
        if tuple(substitute(d, first) for d in old.args) != shape:
            what = "is a measure elsewhere" if kind == "measure" else "has another shape"
            raise LanguageError(f"'{new}' {what} than '{old}'")
    return lambda p: substitute(substitute(p, first), second)
