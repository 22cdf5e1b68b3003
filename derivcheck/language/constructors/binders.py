"""Everything that binds a variable, built from a Python function of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derivcheck.language.constructors.arrays import as_argument, domains
from derivcheck.language.constructors.numbers import as_real, need
from derivcheck.language.constructors.spaces import counting, functions, interval, lebesgue, range_, reals
from derivcheck.language.terms import (
    INT,
    MEASURE,
    PROP,
    REAL,
    LanguageError,
    Sort,
    Term,
    Termlike,
    abstract,
    domain_of_measure,
    function_sort,
    make,
    sort_of_domain,
    symbol,
)

__all__ = [
    "ArgMax",
    "ArgMin",
    "Body",
    "D",
    "Exists",
    "ForAll",
    "Int",
    "Integral",
    "Lim",
    "MaxOver",
    "MinOver",
    "Prod",
    "Sum",
    "close",
    "derivative_at",
    "gradient",
    "integrable",
    "lam",
    "matrix",
    "vector",
]

#: The body of a binder: a Python function of the variable, or a term that is abstracted already.
Body = Callable[[Term], Termlike] | Term


def _hint(body: Body, default: str) -> str:
    code = getattr(body, "__code__", None)
    if code is not None and code.co_argcount == 1 and not code.co_varnames[0].startswith("_"):
        return str(code.co_varnames[0])
    return default


_open_depth = 0


def close(
    op: str,
    head: tuple[Term, ...],
    body: Body,
    sort: Sort | None,
    variable: Sort,
    data: Any = None,
    domains: tuple[Term, ...] = (),
    default: str = "v",
    want: Sort | None = REAL,
) -> Term:
    """Build a binder from a Python function of its variable (or from a term already abstracted)."""
    global _open_depth
    if isinstance(body, Term):
        inner, hint = body, default
    else:
        hint = _hint(body, default)
        _open_depth += 1
        try:
            # '@' cannot be written by an author, and the depth keeps nested variables apart.
            var = symbol(f"{hint}@{_open_depth}", variable, domains)
            value = body(var)
            term = value if isinstance(value, Term) and want is None else (as_real(value) if want == REAL else value)
            if not isinstance(term, Term):
                term = as_real(term)
            inner = abstract(term, var)
        finally:
            _open_depth -= 1
    if want is not None and inner.sort != want:
        raise LanguageError(f"the body of '{op}' is a {inner.sort}; a {want} is needed")
    return make(op, (*head, inner), data, sort if sort is not None else inner.sort, hint)


# ----------------------------------------------------------------------------------------- sums, products and integrals


def Int(measure: Term, body: Body) -> Term:
    """The integral of `body` against `measure`."""
    return close("int", (need(measure, MEASURE),), body, REAL, sort_of_domain(domain_of_measure(measure)), default="z")


def Sum(lo: Termlike, hi: Termlike, body: Body) -> Term:
    """The finite sum over integers from `lo` to `hi`; 0 when empty."""
    return close("int", (counting(range_(lo, hi)),), body, REAL, INT, default="j")


def Prod(lo: Termlike, hi: Termlike, body: Body) -> Term:
    """The finite product; 1 when empty."""
    return close("prod", (range_(lo, hi),), body, REAL, INT, default="j")


def Integral(lo: Termlike, hi: Termlike, body: Body) -> Term:
    """The integral over a real interval."""
    return close("int", (lebesgue(interval(lo, hi)),), body, REAL, REAL, default="x")


def integrable(measure: Term, body: Body) -> Term:
    """The integral of ``|body|`` against `measure` is finite."""
    return close("integrable", (need(measure, MEASURE),), body, PROP, sort_of_domain(domain_of_measure(measure)))


# --------------------------------------------------------------------------------- functions and arrays by their values


def lam(domain: Term, body: Body) -> Term:
    """The function on `domain` with the given values; a vector or a matrix when the domain is a range."""
    sort = sort_of_domain(domain)
    doms = domain.args[:-1] if domain.op == "functions" else ()
    out = close("lam", (domain,), body, None, sort, domains=doms, default="i", want=None)
    return make("lam", out.args, None, function_sort((sort,), out.body.sort), out.hint)


def vector(size: Termlike, body: Body) -> Term:
    """The vector of the given size with the given entries, from 1."""
    return lam(range_(1, size), body)


def matrix(rows: Termlike, columns: Termlike, entry: Callable[[Term, Term], Termlike]) -> Term:
    """The matrix with the given entries, from 1."""
    names = entry.__code__.co_varnames[:2]

    def row(i: Term) -> Term:
        inner = lam(range_(1, columns), lambda j: entry(i, j))
        return make("lam", inner.args, None, inner.sort, names[1])

    out = lam(range_(1, rows), row)
    return make("lam", out.args, None, out.sort, names[0])


# ------------------------------------------------------------------------------------- derivatives, limits and extremes


def D(body: Termlike, at: Term) -> Term:
    """The partial derivative of `body` by a real symbol, or by one entry of a function symbol.

    ``D(p, x)`` differentiates by the scalar `x`; ``D(p, z(k))`` differentiates by the `k`-th entry of `z`, with the
    other entries held fixed.
    """
    f = as_real(body)
    if at.op == "sym" and at.sort == REAL:
        return make("deriv", (reals, at, abstract(f, at)), None, REAL, at.data)
    if at.op == "app" and at.args[0].op == "sym":
        var = at.args[0]
        domain = functions(domains(var))
        return make("deriv", (domain, var, *at.args[1:], abstract(f, var)), None, REAL, var.data)
    raise LanguageError(f"cannot differentiate by '{at}': give a real symbol or an entry of a vector or matrix")


def derivative_at(body: Body, point: Termlike) -> Term:
    """The derivative of a function of one real variable at a point."""
    return close("deriv", (reals, as_real(point)), body, REAL, REAL, default="x")


def gradient(body: Body, at: Term, *index: Termlike) -> Term:
    """The partial derivative, by the entry `index`, of a scalar function of an array, at the array `at`."""
    doms = domains(at)
    head = (functions(doms), at, *(as_argument(a) for a in index))
    return close("deriv", head, body, REAL, at.sort, domains=doms, default="x")


def Lim(at: Termlike, body: Body, side: str = "") -> Term:
    """The limit of `body` at a point: a real, ``oo`` or (over integers) ``oo_int``; `side` is ``'+'`` or ``'-'``."""
    point = at if isinstance(at, Term) else as_real(at)
    return close("lim", (point,), body, REAL, point.sort, side, default="t")


def MaxOver(domain: Term, body: Body) -> Term:
    """The largest value over a domain (a finite, non-empty range; over other domains, the supremum)."""
    return close("max_over", (domain,), body, REAL, sort_of_domain(domain), default="s")


def MinOver(domain: Term, body: Body) -> Term:
    """The smallest value over a domain."""
    return close("min_over", (domain,), body, REAL, sort_of_domain(domain), default="s")


def ArgMax(domain: Term, body: Body) -> Term:
    """The first index of a range at which the value is largest."""
    return close("argmax", (domain,), body, INT, INT, default="a")


def ArgMin(domain: Term, body: Body) -> Term:
    """The first index of a range at which the value is smallest."""
    return close("argmin", (domain,), body, INT, INT, default="a")


# ---------------------------------------------------------------------------------------------------------- quantifiers


def ForAll(domain: Term, body: Callable[[Term], Term] | Term) -> Term:
    """The proposition holds for every member of the domain."""
    doms = domain.args[:-1] if domain.op == "functions" else ()
    return close("forall", (domain,), body, PROP, sort_of_domain(domain), domains=doms, default="i", want=PROP)


def Exists(domain: Term, body: Callable[[Term], Term] | Term) -> Term:
    """The proposition holds for some member of the domain."""
    doms = domain.args[:-1] if domain.op == "functions" else ()
    return close("exists", (domain,), body, PROP, sort_of_domain(domain), domains=doms, default="i", want=PROP)
