"""Where variables run: domains, and the measures on them."""

from __future__ import annotations

from collections.abc import Iterable

from derivcheck.language.constructors.arithmetic import neg
from derivcheck.language.constructors.numbers import as_int, as_real, oo, oo_int
from derivcheck.language.terms import DOMAIN, MEASURE, LanguageError, Term, Termlike, make

__all__ = [
    "counting",
    "functions",
    "integers",
    "interval",
    "lebesgue",
    "measure_symbol",
    "range_",
    "reals",
    "space",
]


def range_(lo: Termlike, hi: Termlike) -> Term:
    """The integers from `lo` to `hi`, both included; empty when ``hi < lo``."""
    upper = oo_int if isinstance(hi, Term) and hi.op == "oo" else as_int(hi)
    return make("range", (as_int(lo), upper), None, DOMAIN)


def interval(lo: Termlike, hi: Termlike) -> Term:
    """The real interval from `lo` to `hi`; ``-oo`` and ``oo`` are allowed."""
    return make("interval", (as_real(lo), as_real(hi)), None, DOMAIN)


integers = make("integers", (), None, DOMAIN)
reals = interval(neg(oo), oo)


def space(name: str) -> Term:
    """An abstract measurable space."""
    return make("space", (), name, DOMAIN)


def functions(domains: Iterable[Term], codomain: Term = reals) -> Term:
    """The functions from a product of domains to a domain."""
    return make("functions", (*domains, codomain), None, DOMAIN)


def counting(domain: Term) -> Term:
    """The counting measure on an integer range: integrals are sums."""
    if domain.op != "range":
        raise LanguageError("the counting measure lives on an integer range")
    return make("counting", (domain,), None, MEASURE)


def lebesgue(domain: Term = reals) -> Term:
    """Lebesgue measure on an interval."""
    if domain.op != "interval":
        raise LanguageError("Lebesgue measure lives on an interval")
    return make("lebesgue", (domain,), None, MEASURE)


def measure_symbol(name: str, on: Term) -> Term:
    """A measure known by name on a domain; a Context may say that its total mass is one."""
    return make("sym", (on,), name, MEASURE)
