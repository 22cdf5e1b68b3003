"""Checked constructors: everything that can be said.

They build *unevaluated* terms; only the affine arithmetic of sizes and indices, and the application of a lambda,
are carried out.  Python numbers are taken as exact rationals (a float must be an integer or a dyadic the author
wrote on purpose; ``Fraction`` is the safe way to write ``1/3``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from derivcheck.language.terms import (
    DOMAIN,
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
    instantiate,
    make,
    sort_of_domain,
    substitute,
    symbol,
)

# --------------------------------------------------------------------------------------------------------- numbers


def num(value: int | Fraction | float) -> Term:
    """An exact rational number."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise LanguageError("NaN and infinities are not numbers of the language")
        value = Fraction(value)
    return _whole(value) if type(value) is int else make("num", (), Fraction(value), REAL)


@lru_cache(maxsize=1024)
def _whole(value: int) -> Term:
    return make("num", (), Fraction(value), REAL)


def integer(value: int) -> Term:
    """An integer, as a size or an index."""
    return make("aff", (), (int(value),), INT)


#: The circle constant.
pi = make("pi", (), None, REAL)
#: Positive infinity, as a bound of an interval or the point of a limit.
oo = make("oo", (), None, REAL)
#: Infinity as the bound of an integer range or the point of a limit over integers.
oo_int = make("oo", (), None, INT)
true = make("true", (), None, PROP)
false = make("false", (), None, PROP)


def as_real(x: Termlike) -> Term:
    """`x` as a real-valued (or function-valued) term; integers of the language are embedded."""
    if isinstance(x, Term):
        return real(x) if x.sort == INT else x
    if isinstance(x, bool) or not isinstance(x, int | Fraction | float):
        raise LanguageError(f"{x!r} is not a number or a term")
    return num(x)


def as_int(x: Termlike) -> Term:
    """`x` as an integer term."""
    if isinstance(x, Term):
        if x.sort != INT:
            raise LanguageError(f"'{x}' is a {x.sort}; an integer is needed here")
        return x
    if isinstance(x, bool) or not isinstance(x, int):
        raise LanguageError(f"{x!r} is not an integer")
    return integer(x)


def real(x: Term) -> Term:
    """The integer term `x` seen as a real number."""
    if x.sort != INT:
        raise LanguageError(f"'{x}' is not an integer")
    if x.op == "oo":
        return oo
    if x.op == "aff" and not x.args:
        return num(x.data[0])
    return make("real", (x,), None, REAL)


# ----------------------------------------------------------------------------------------------- affine arithmetic


def affine_parts(x: Term) -> tuple[int, dict[Term, int]]:
    """Constant and coefficients of an integer term; anything not affine is an atom of its own."""
    if x.op == "aff":
        return x.data[0], dict(zip(x.args, x.data[1:], strict=True))
    return 0, {x: 1}


def affine(const: int, coefficients: dict[Term, int]) -> Term:
    """The integer ``const + Σ c·atom`` in its one canonical form."""
    items = sorted(((a, c) for a, c in coefficients.items() if c), key=lambda ac: ac[0].key)
    if len(items) == 1 and const == 0 and items[0][1] == 1:
        return items[0][0]
    return make("aff", (a for a, _ in items), (const, *(c for _, c in items)), INT)


def int_add(x: Term, y: Term, factor: int = 1) -> Term:
    """``x + factor*y`` for integer terms."""
    if "oo" in (x.op, y.op):
        if x.op == "oo" and y.op != "oo":
            return x
        raise LanguageError("infinity is a bound or a limit point, not a summand")
    c, coefficients = affine_parts(x)
    d, more = affine_parts(y)
    for atom, k in more.items():
        coefficients[atom] = coefficients.get(atom, 0) + factor * k
    return affine(c + factor * d, coefficients)


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


# ------------------------------------------------------------------------------------------------------ arithmetic


def _same_sort(op: str, terms: list[Term]) -> Sort:
    sorts = {t.sort for t in terms}
    if len(sorts) != 1:
        raise LanguageError(f"'{op}' of different kinds: " + ", ".join(f"{t} is {t.sort}" for t in terms))
    sort = sorts.pop()
    if sort.kind not in ("real", "fun"):
        raise LanguageError(f"'{op}' does not apply to a {sort}")
    return sort


def _is_int(*xs: Termlike) -> bool:
    return all((isinstance(x, Term) and x.sort == INT) or (isinstance(x, int) and not isinstance(x, bool)) for x in xs)


def add(*xs: Termlike) -> Term:
    """The sum of numbers, of integers (affine), or of functions of one shape (entrywise)."""
    if _is_int(*xs) and any(isinstance(x, Term) for x in xs):
        out = as_int(xs[0])
        for x in xs[1:]:
            out = int_add(out, as_int(x))
        return out
    terms = [as_real(x) for x in xs]
    sort = _same_sort("+", terms)
    flat: list[Term] = []
    for position, t in enumerate(terms):
        # a + b + c is one sum of three; brackets to the right stay as the author wrote them
        flat.extend(t.args if t.op == "add" and position == 0 else (t,))
    return make("add", flat, None, sort)


def neg(x: Termlike) -> Term:
    """The negative."""
    if _is_int(x):
        return int_add(integer(0), as_int(x), -1)
    t = as_real(x)
    if t.op == "num":
        return num(-t.data)
    return make("neg", (t,), None, _same_sort("-", [t]))


def sub(x: Termlike, y: Termlike) -> Term:
    """The difference."""
    if _is_int(x, y) and (isinstance(x, Term) or isinstance(y, Term)):
        return int_add(as_int(x), as_int(y), -1)
    return add(x, neg(as_real(y)))


def mul(*xs: Termlike) -> Term:
    """The product of numbers, or of numbers and one function (a scalar multiple)."""
    if len(xs) == 2 and _is_int(*xs):
        for k, x in (xs, xs[::-1]):
            if isinstance(k, int) and isinstance(x, Term):
                return int_add(integer(0), x, k)
            if isinstance(k, Term) and k.op == "aff" and not k.args and isinstance(x, Term):
                return int_add(integer(0), x, k.data[0])
    terms = [as_real(x) for x in xs]
    shaped = [t for t in terms if t.sort.kind == "fun"]
    if len(shaped) > 1:
        raise LanguageError("a product of two vectors or matrices is written @ (or hadamard)")
    flat: list[Term] = []
    for position, t in enumerate(terms):
        flat.extend(t.args if t.op == "mul" and position == 0 else (t,))
    if shaped:
        scalars = [t for t in terms if t.sort.kind != "fun"]
        for t in scalars:
            _need(t, REAL)
        scalar = scalars[0] if len(scalars) == 1 else mul(*scalars)
        return make("scale", (scalar, shaped[0]), None, shaped[0].sort)
    _same_sort("·", terms)
    return make("mul", flat, None, REAL)


def div(x: Termlike, y: Termlike) -> Term:
    """The quotient; that the denominator is not zero becomes a condition."""
    a, b = as_real(x), as_real(y)
    _need(b, REAL)
    if a.sort.kind == "fun":
        return make("scale", (div(1, b), a), None, a.sort)
    _need(a, REAL)
    if a.op == "num" and b.op == "num" and b.data != 0:
        return num(a.data / b.data)
    return make("div", (a, b), None, REAL)


def pow_(x: Termlike, y: Termlike) -> Term:
    """The power; ``0**0`` is 1, and a base that is not positive needs an integer exponent."""
    a, b = as_real(x), as_real(y)
    _need(a, REAL)
    _need(b, REAL)
    return make("pow", (a, b), None, REAL)


def _need(t: Term, sort: Sort) -> Term:
    if t.sort != sort:
        raise LanguageError(f"'{t}' is a {t.sort}; a {sort} is needed here")
    return t


#: Scalar functions of one real argument: name -> where they are defined, in words.
SCALAR_FUNCTIONS = {
    "exp": "everywhere",
    "log": "argument > 0",
    "abs": "everywhere",
    "sin": "everywhere",
    "cos": "everywhere",
    "tanh": "everywhere",
    "atan": "everywhere",
    "erf": "everywhere",
    "sign": "everywhere",
    "gamma": "argument not 0, -1, -2, ...",
    "loggamma": "argument > 0",
}


def scalar(name: str, x: Termlike) -> Term:
    """The scalar function `name` of a real argument."""
    if name not in SCALAR_FUNCTIONS:
        raise LanguageError(f"'{name}' is not a scalar function of the language")
    return make("fn", (_need(as_real(x), REAL),), name, REAL)


def exp(x: Termlike) -> Term:
    """The exponential."""
    return scalar("exp", x)


def log(x: Termlike) -> Term:
    """The natural logarithm."""
    return scalar("log", x)


def abs_(x: Termlike) -> Term:
    """The absolute value."""
    return scalar("abs", x)


def tanh(x: Termlike) -> Term:
    """The hyperbolic tangent."""
    return scalar("tanh", x)


def sqrt(x: Termlike) -> Term:
    """The non-negative square root."""
    return pow_(x, Fraction(1, 2))


def max_(*xs: Termlike) -> Term:
    """The largest of finitely many numbers."""
    return make("max", [_need(as_real(x), REAL) for x in xs], None, REAL)


def min_(*xs: Termlike) -> Term:
    """The smallest of finitely many numbers."""
    return make("min", [_need(as_real(x), REAL) for x in xs], None, REAL)


def ind(condition: Term) -> Term:
    """Iverson's bracket: 1 where the proposition holds, else 0."""
    return make("ind", (_need(condition, PROP),), None, REAL)


def delta(i: Termlike, k: Termlike) -> Term:
    """Kronecker's delta of two indices."""
    return ind(eq(as_int(i), as_int(k)))


def ite(condition: Term, then: Termlike, otherwise: Termlike) -> Term:
    """`then` where the condition holds, else `otherwise`; the other branch need not be defined."""
    return make(
        "ite", (_need(condition, PROP), _need(as_real(then), REAL), _need(as_real(otherwise), REAL)), None, REAL
    )


def factorial(k: Termlike) -> Term:
    """``k!`` of a non-negative integer."""
    return make("factorial", (as_int(k),), None, REAL)


def binomial(n: Termlike, k: Termlike) -> Term:
    """The binomial coefficient of integers ``n >= 0``; 0 for ``k`` outside ``0..n``."""
    return make("binomial", (as_int(n), as_int(k)), None, REAL)


# --------------------------------------------------------------------------------------------- domains and measures


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


# --------------------------------------------------------------------------------------------------------- binders

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


def Int(measure: Term, body: Body) -> Term:
    """The integral of `body` against `measure`."""
    return close("int", (_need(measure, MEASURE),), body, REAL, sort_of_domain(domain_of_measure(measure)), default="z")


def Sum(lo: Termlike, hi: Termlike, body: Body) -> Term:
    """The finite sum over integers from `lo` to `hi`; 0 when empty."""
    return close("int", (counting(range_(lo, hi)),), body, REAL, INT, default="j")


def Prod(lo: Termlike, hi: Termlike, body: Body) -> Term:
    """The finite product; 1 when empty."""
    return close("prod", (range_(lo, hi),), body, REAL, INT, default="j")


def Integral(lo: Termlike, hi: Termlike, body: Body) -> Term:
    """The integral over a real interval."""
    return close("int", (lebesgue(interval(lo, hi)),), body, REAL, REAL, default="x")


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
    head = (functions(doms), at, *(_as_argument(a) for a in index))
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


# ---------------------------------------------------------------------------------------------------- propositions


def _comparable(op: str, x: Termlike, y: Termlike) -> tuple[Term, Term]:
    if _is_int(x, y):
        return as_int(x), as_int(y)
    a, b = as_real(x), as_real(y)
    if a.sort != b.sort:
        raise LanguageError(f"'{op}' between a {a.sort} and a {b.sort}")
    return a, b


def eq(x: Termlike, y: Termlike) -> Term:
    """Equality of two numbers, integers, points or functions."""
    if isinstance(x, Term) and x.sort.kind == "point":
        return make("eq", (x, _need(y if isinstance(y, Term) else as_real(y), x.sort)), None, PROP)
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


def and_(*ps: Term) -> Term:
    """All of the propositions."""
    flat = [q for p in ps for q in (p.args if p.op == "and" else (_need(p, PROP),))]
    return flat[0] if len(flat) == 1 else make("and", flat, None, PROP) if flat else true


def or_(*ps: Term) -> Term:
    """At least one of the propositions."""
    return ps[0] if len(ps) == 1 else make("or", [_need(p, PROP) for p in ps], None, PROP)


def not_(p: Term) -> Term:
    """The negation."""
    return p.args[0] if p.op == "not" else make("not", (_need(p, PROP),), None, PROP)


def implies(p: Term, q: Term) -> Term:
    """`p` implies `q`."""
    return make("implies", (_need(p, PROP), _need(q, PROP)), None, PROP)


def iff(p: Term, q: Term) -> Term:
    """`p` if and only if `q`."""
    return and_(implies(p, q), implies(q, p))


def ForAll(domain: Term, body: Callable[[Term], Term] | Term) -> Term:
    """The proposition holds for every member of the domain."""
    doms = domain.args[:-1] if domain.op == "functions" else ()
    return close("forall", (domain,), body, PROP, sort_of_domain(domain), domains=doms, default="i", want=PROP)


def Exists(domain: Term, body: Callable[[Term], Term] | Term) -> Term:
    """The proposition holds for some member of the domain."""
    doms = domain.args[:-1] if domain.op == "functions" else ()
    return close("exists", (domain,), body, PROP, sort_of_domain(domain), domains=doms, default="i", want=PROP)


def integrable(measure: Term, body: Body) -> Term:
    """The integral of ``|body|`` against `measure` is finite."""
    return close("integrable", (_need(measure, MEASURE),), body, PROP, sort_of_domain(domain_of_measure(measure)))


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


# ------------------------------------------------------------------------------------------- functions and matrices


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


def _as_argument(x: Termlike) -> Term:
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
    given = [_as_argument(a) for a in args]
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


# --------------------------------------------------------------------------------------------------------- symbols


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
