"""Comparisons, connectives and the primitive predicates."""

from __future__ import annotations

from derivcheck.language.constructors.numbers import as_int, as_real, is_int, need
from derivcheck.language.terms import PROP, LanguageError, Term, Termlike, make

__all__ = [
    "PREDICATES",
    "and_",
    "eq",
    "false",
    "iff",
    "implies",
    "le",
    "lt",
    "ne",
    "not_",
    "or_",
    "predicate",
    "true",
]

true = make("true", (), None, PROP)
false = make("false", (), None, PROP)


# ---------------------------------------------------------------------------------------------------------- comparisons


def _comparable(op: str, x: Termlike, y: Termlike) -> tuple[Term, Term]:
    if is_int(x, y):
        return as_int(x), as_int(y)
    a, b = as_real(x), as_real(y)
    if a.sort != b.sort:
        raise LanguageError(f"'{op}' between a {a.sort} and a {b.sort}")
    return a, b


def eq(x: Termlike, y: Termlike) -> Term:
    """Equality of two numbers, integers, points or functions."""
    if isinstance(x, Term) and x.sort.kind == "point":
        return make("eq", (x, need(y if isinstance(y, Term) else as_real(y), x.sort)), None, PROP)
    return make("eq", _comparable("=", x, y), None, PROP)


def le(x: Termlike, y: Termlike) -> Term:
    """``x <= y``."""
    return make("le", _comparable("≤", x, y), None, PROP)


def lt(x: Termlike, y: Termlike) -> Term:
    """``x < y``."""
    return make("lt", _comparable("<", x, y), None, PROP)


def ne(x: Termlike, y: Termlike) -> Term:
    """``x != y``."""
    return not_(eq(x, y))


# ---------------------------------------------------------------------------------------------------------- connectives


def and_(*ps: Term) -> Term:
    """All of the propositions."""
    flat = [q for p in ps for q in (p.args if p.op == "and" else (need(p, PROP),))]
    return flat[0] if len(flat) == 1 else make("and", flat, None, PROP) if flat else true


def or_(*ps: Term) -> Term:
    """At least one of the propositions."""
    return ps[0] if len(ps) == 1 else make("or", [need(p, PROP) for p in ps], None, PROP)


def not_(p: Term) -> Term:
    """The negation."""
    return p.args[0] if p.op == "not" else make("not", (need(p, PROP),), None, PROP)


def implies(p: Term, q: Term) -> Term:
    """`p` implies `q`."""
    return make("implies", (need(p, PROP), need(q, PROP)), None, PROP)


def iff(p: Term, q: Term) -> Term:
    """`p` if and only if `q`."""
    return and_(implies(p, q), implies(q, p))


# ----------------------------------------------------------------------------------------------------------- predicates

#: Predicates that are not defined by other terms: name -> number of arguments.
PREDICATES = {
    "independent": 3,  # (measure, X, Y): functions on the measure's space, perhaps vector-valued
    "same_law": 3,  # (measure, X, Y)
    "differentiable": 1,  # a function of one real variable, everywhere
    "invertible": 1,  # a square matrix
}


def predicate(name: str, *args: Term) -> Term:
    """One of the primitive predicates `PREDICATES`."""
    if PREDICATES.get(name) != len(args):
        raise LanguageError(f"'{name}' is not a predicate of {len(args)} arguments")
    return make("pred", args, name, PROP)
