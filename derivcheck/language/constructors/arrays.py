"""Functions and their values; vectors and matrices."""

from __future__ import annotations

from derivcheck.language.constructors.numbers import as_int, as_real, int_add, integer, real
from derivcheck.language.constructors.spaces import range_
from derivcheck.language.terms import (
    INT,
    REAL,
    LanguageError,
    Sort,
    Term,
    Termlike,
    function_sort,
    instantiate,
    make,
    sort_of_domain,
    symbol,
)

__all__ = [
    "apply",
    "as_argument",
    "det",
    "diag",
    "domains",
    "hadamard",
    "identity",
    "inverse",
    "matmul",
    "reconstruct",
    "trace",
    "transpose",
]


def domains(f: Term) -> tuple[Term, ...]:
    """The domains of the arguments of a function-valued term (the shape of an array).

    Raises
    ------
    LanguageError
        If `f` is not function-valued or mentions an outer bound variable's own domain.
    """
    if f.sort.kind != "fun":
        raise LanguageError(f"'{f}' is not a function")
    match f.op:
        case "sym":
            return f.args
        case "lam":
            rest = f.body
            if rest.sort.kind != "fun":
                return (f.args[0],)
            probe = instantiate(rest, symbol("_", sort_of_domain(f.args[0])))
            return (f.args[0], *domains(probe))
        case "add" | "neg" | "inverse" | "hadamard":
            return domains(f.args[0])
        case "scale":
            return domains(f.args[1])
        case "transpose":
            return domains(f.args[0])[::-1]
        case "identity":
            return (range_(1, f.args[0]),) * 2
        case "diag":
            return domains(f.args[0]) * 2
        case "matmul":
            a, b = (domains(x) for x in f.args)
            return a[:-1] + b[1:]
        case "app":
            return domains(f.args[0])[len(f.args) - 1 :]
        case "defn":
            return domains(f.data.body(*f.args))  # its shape alone: the arguments need not be closed
    raise LanguageError(f"the domains of '{f.op}' are not known")


def as_argument(x: Termlike) -> Term:
    """`x` as an argument of a function: an integer of Python is an index."""
    if isinstance(x, Term):
        return x
    return as_int(x) if isinstance(x, int) and not isinstance(x, bool) else as_real(x)


def apply(f: Term, *args: Termlike) -> Term:
    """The value of a function (the entry of an array) at its arguments; fewer arguments give a function of the rest."""
    if f.sort.kind != "fun":
        raise LanguageError(f"'{f}' is a {f.sort}, not a function: it cannot be applied")
    wanted = f.sort.domain_sorts
    if not args or len(args) > len(wanted):
        raise LanguageError(f"'{f}' takes {len(wanted)} arguments, {len(args)} given")
    given = [as_argument(a) for a in args]
    given = [as_real(a) if w == REAL and a.sort == INT else a for a, w in zip(given, wanted, strict=False)]
    for a, w in zip(given, wanted, strict=False):
        if a.sort != w:
            raise LanguageError(f"argument '{a}' of '{f}' is a {a.sort}; a {w} is needed")
    if f.op == "app":
        return apply(f.args[0], *f.args[1:], *given)
    if f.op == "lam" and not f.loose and not given[0].loose:
        value = instantiate(f.body, given[0])
        return apply(value, *given[1:]) if len(given) > 1 else value
    assert f.sort.codomain is not None
    return make("app", (f, *given), None, function_sort(wanted[len(given) :], f.sort.codomain))


def reconstruct(term: Term, args: tuple[Term, ...]) -> Term:
    """Rebuild a node whose constructor normalises (affine integers, applications, casts, definitions)."""
    if term.op == "aff":
        out = integer(term.data[0])
        for atom, c in zip(args, term.data[1:], strict=True):
            out = int_add(out, atom, c)
        return out
    if term.op == "real":
        return real(args[0])
    if term.op == "defn":
        return make("defn", args, term.data, term.sort)
    return apply(args[0], *args[1:])


# ------------------------------------------------------------------------------------------------- vectors and matrices


def _rank(a: Term) -> int:
    return len(a.sort.domain_sorts) if a.sort.kind == "fun" else 0


def _array(a: Term, *ranks: int) -> Term:
    if _rank(a) not in ranks or any(s != INT for s in a.sort.domain_sorts):
        raise LanguageError(
            f"'{a}' is a {a.sort}; a {' or '.join('vector' if r == 1 else 'matrix' for r in ranks)} is needed"
        )
    return a


def _array_sort(rank: int) -> Sort:
    return function_sort((INT,) * rank, REAL)


def matmul(a: Term, b: Term) -> Term:
    """The matrix product; of two vectors, the inner product.

    Raises
    ------
    LanguageError
        If the inner sizes differ.
    """
    _array(a, 1, 2)
    _array(b, 1, 2)
    if not (a.loose or b.loose):
        inner, outer = domains(a)[-1], domains(b)[0]
        if inner != outer:
            raise LanguageError(f"product of '{a}' and '{b}': inner sizes {inner.args[1]} and {outer.args[1]} differ")
    return make("matmul", (a, b), None, _array_sort(_rank(a) + _rank(b) - 2))


def transpose(a: Term) -> Term:
    """The transpose of a matrix."""
    return make("transpose", (_array(a, 2),), None, _array_sort(2))


def inverse(a: Term) -> Term:
    """The inverse of a square matrix; that it exists becomes a condition."""
    _array(a, 2)
    if not a.loose and domains(a)[0] != domains(a)[1]:
        raise LanguageError(f"'{a}' is not square")
    return make("inverse", (a,), None, _array_sort(2))


def identity(size: Termlike) -> Term:
    """The identity matrix."""
    return make("identity", (as_int(size),), None, _array_sort(2))


def diag(v: Term) -> Term:
    """The diagonal matrix with the given diagonal."""
    return make("diag", (_array(v, 1),), None, _array_sort(2))


def hadamard(a: Term, b: Term) -> Term:
    """The entrywise product of two arrays of one shape."""
    if a.sort != b.sort:
        raise LanguageError("the entrywise product needs arrays of one shape")
    return make("hadamard", (a, b), None, a.sort)


def trace(a: Term) -> Term:
    """The trace of a square matrix."""
    return make("trace", (_array(a, 2),), None, REAL)


def det(a: Term) -> Term:
    """The determinant of a square matrix."""
    return make("det", (_array(a, 2),), None, REAL)
