"""What each operator of the language takes, holds and gives: what a node is checked against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from derivcheck.language import constructors as b
from derivcheck.language.serial.strict import SerialError, is_int, short_text
from derivcheck.language.terms import (
    DOMAIN,
    INT,
    MEASURE,
    PROP,
    REAL,
    Sort,
    Term,
    domain_of_measure,
    function_sort,
    sort_of_domain,
)

_SIDES = frozenset({"", "+", "-"})
_RANK = {rank: function_sort((INT,) * rank, REAL) for rank in (1, 2)}


def read_data(op: str, written: object) -> Any:
    """The data of an operator, as the language has it."""
    match op:
        case "num":
            # Only what Fraction itself writes is read: one number, one text.
            text = short_text(written, "a number")
            digits = text.removeprefix("-").replace("/", "", 1)
            if not (digits.isascii() and digits.isdigit()) or text.startswith(("/", "-/")) or text.endswith("/"):
                raise SerialError(f"{text[:40]!r} is not a rational number")
            above, _, below = text.partition("/")
            if below and int(below) == 0:
                raise SerialError("a denominator is zero")
            value = Fraction(int(above), int(below or 1))
            if str(value) != text:
                raise SerialError(f"{text[:40]!r} is not in lowest terms")
            return value
        case "aff":
            if not isinstance(written, list) or not written or not all(map(is_int, written)):
                raise SerialError("the data of an integer expression is a list of integers")
            return tuple(written)
        case "bound":
            if not is_int(written) or written < 0:  # type: ignore[operator]
                raise SerialError("a bound variable is a number of binders")
            return written
        case "sym" | "space":
            if not short_text(written, "a name"):
                raise SerialError("a name is empty")
            # Variables that are opened for a moment have an '@' (`constructors.close`, `unfold`): none may be captured.
            if "@" in str(written):
                raise SerialError(f"'@' is reserved, in {written!r:.40}")
            return written
        case "fn" | "pred" | "lim":
            known = {"fn": frozenset(b.SCALAR_FUNCTIONS), "pred": frozenset(b.PREDICATES), "lim": _SIDES}[op]
            if not isinstance(written, str) or written not in known:
                raise SerialError(f"{written!r:.40} is not known")
            return written
    if written is not None:
        raise SerialError("this operator holds no data")
    return None


# ---------------------------------------------------------------------------------------------- arguments and sorts

#: From the arguments, the data and the stated sort to the sort that it has.
_Check = Callable[[Sequence[Term], Any, Sort], Sort]


def _sorts(args: Sequence[Term], *wanted: Sort) -> None:
    if len(args) != len(wanted):
        raise SerialError(f"it takes {len(wanted)} arguments, {len(args)} given")
    for position, (a, sort) in enumerate(zip(args, wanted, strict=True)):
        if a.sort != sort:
            raise SerialError(f"argument {position} is a {a.sort}; a {sort} is needed")


def _count(args: Sequence[Term], least: int) -> None:
    if len(args) < least:
        raise SerialError(f"it takes at least {least} arguments, {len(args)} given")


def _fixed(out: Sort, *wanted: Sort) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _sorts(args, *wanted)
        return out

    return check


def _many(out: Sort, of: Sort, least: int = 0) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _count(args, least)
        _sorts(args, *(of,) * len(args))
        return out

    return check


def _one_of(*options: Sort) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _sorts(args)
        if sort not in options:
            raise SerialError(f"it is not a {sort}")
        return sort

    return check


def _bound(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args)
    if sort.kind not in ("real", "int", "point", "fun"):
        raise SerialError(f"a variable is not a {sort}")
    return sort


def _symbol(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args, *(DOMAIN,) * len(args))
    if sort == MEASURE:
        _sorts(args, DOMAIN)
        return MEASURE
    if sort == DOMAIN:
        raise SerialError("a domain is not a symbol")
    values = sort if sort.codomain is None else sort.codomain
    return function_sort(map(sort_of_domain, args), values)


def _affine(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args, *(INT,) * (len(data) - 1))
    return INT


def _cast(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args, INT)
    if b.real(args[0]).op != "real":
        raise SerialError("a number is written as a number")
    return REAL


def _alike(least: int, most: int | None, kinds: tuple[str, ...], out: Sort | None) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _count(args, least)
        if most is not None and len(args) > most:
            raise SerialError(f"it takes at most {most} arguments")
        if args[0].sort.kind not in kinds:
            raise SerialError(f"it does not apply to a {args[0].sort}")
        _sorts(args, *(args[0].sort,) * len(args))
        return args[0].sort if out is None else out

    return check


def _scaled(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    _sorts(args, REAL, args[1].sort)
    if args[1].sort.kind != "fun":
        raise SerialError("only an array or a function is scaled")
    return args[1].sort


def _applied(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    f = args[0].sort
    if f.codomain is None:
        raise SerialError(f"a {f} cannot be applied")
    given = len(args) - 1
    _sorts(args, f, *f.domain_sorts[:given])
    return function_sort(f.domain_sorts[given:], f.codomain)


def _product(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    ranks = [len(a.sort.domain_sorts) for a in args]
    if not all(rank in _RANK for rank in ranks):
        raise SerialError("a product is of vectors and matrices")
    _sorts(args, *(_RANK[rank] for rank in ranks))
    return function_sort((INT,) * (sum(ranks) - 2), REAL)


def _set_of(op: str) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _sorts(args, DOMAIN)
        if args[0].op != op:
            raise SerialError(f"the measure lives on a {op}")
        return MEASURE

    return check


def _function_space(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    _sorts(args, *(DOMAIN,) * len(args))
    return DOMAIN


def _range(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args, INT, INT)
    if args[0].op == "oo":
        raise SerialError("a range does not begin at infinity")
    return DOMAIN


def _over(head: Sort, body: Sort, out: Sort, integers: bool = False) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _sorts(args, head, body)
        if integers and sort_of_domain(args[0]) != INT:
            raise SerialError("it runs over integers")
        return out

    return check


def _limit(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    _sorts(args, INT if args[0].sort == INT else REAL, REAL)
    return REAL


def _derivative(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 3)
    domain = args[0]
    _sorts(args[:1], DOMAIN)
    index = domain.args[:-1] if domain.op == "functions" else ()
    point = sort_of_domain(domain)
    if (point if point.codomain is None else point.codomain) != REAL:
        raise SerialError("a derivative is by real numbers")
    _sorts(args, DOMAIN, point, *map(sort_of_domain, index), REAL)
    return REAL


def _function(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    _sorts(args, DOMAIN, args[1].sort)
    if args[1].sort in (PROP, DOMAIN, MEASURE):
        raise SerialError(f"the values of a function are not of sort {args[1].sort}")
    return function_sort((sort_of_domain(args[0]),), args[1].sort)


def _predicate(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    if data in ("independent", "same_law"):
        _count(args, 3)
        _sorts(args, MEASURE, args[1].sort, args[2].sort)
        outcome = sort_of_domain(domain_of_measure(args[0]))
        if any(f.sort.domain_sorts[:1] != (outcome,) for f in args[1:]):
            raise SerialError("its arguments are not functions on the measure's space")
    elif data == "invertible":
        _sorts(args, _RANK[2])
    else:
        _count(args, 1)
        _sorts(args, args[0].sort)
        if args[0].sort.kind != "fun":
            raise SerialError("its argument is not a function")
    return PROP


#: What each operator takes and gives.
CHECKS: dict[str, _Check] = {
    # numbers and variables
    "num": _fixed(REAL),
    "pi": _fixed(REAL),
    "oo": _one_of(REAL, INT),
    "aff": _affine,
    "real": _cast,
    "sym": _symbol,
    "bound": _bound,
    # arithmetic
    "add": _alike(1, None, ("real", "fun"), None),
    "neg": _alike(1, 1, ("real", "fun"), None),
    "mul": _many(REAL, REAL, 1),
    "scale": _scaled,
    "div": _fixed(REAL, REAL, REAL),
    "pow": _fixed(REAL, REAL, REAL),
    "fn": _fixed(REAL, REAL),
    "max": _many(REAL, REAL),
    "min": _many(REAL, REAL),
    "ind": _fixed(REAL, PROP),
    "ite": _fixed(REAL, PROP, REAL, REAL),
    "factorial": _fixed(REAL, INT),
    "binomial": _fixed(REAL, INT, INT),
    # functions and matrices
    "app": _applied,
    "lam": _function,
    "matmul": _product,
    "transpose": _fixed(_RANK[2], _RANK[2]),
    "inverse": _fixed(_RANK[2], _RANK[2]),
    "identity": _fixed(_RANK[2], INT),
    "diag": _fixed(_RANK[2], _RANK[1]),
    "hadamard": _alike(2, 2, ("fun",), None),
    "trace": _fixed(REAL, _RANK[2]),
    "det": _fixed(REAL, _RANK[2]),
    # domains and measures
    "range": _range,
    "interval": _fixed(DOMAIN, REAL, REAL),
    "integers": _fixed(DOMAIN),
    "space": _fixed(DOMAIN),
    "functions": _function_space,
    "counting": _set_of("range"),
    "lebesgue": _set_of("interval"),
    # binders
    "int": _over(MEASURE, REAL, REAL),
    "integrable": _over(MEASURE, REAL, PROP),
    "prod": _over(DOMAIN, REAL, REAL, integers=True),
    "max_over": _over(DOMAIN, REAL, REAL),
    "min_over": _over(DOMAIN, REAL, REAL),
    "argmax": _over(DOMAIN, REAL, INT, integers=True),
    "argmin": _over(DOMAIN, REAL, INT, integers=True),
    "forall": _over(DOMAIN, PROP, PROP),
    "exists": _over(DOMAIN, PROP, PROP),
    "lim": _limit,
    "deriv": _derivative,
    # propositions
    "true": _fixed(PROP),
    "false": _fixed(PROP),
    "eq": _alike(2, 2, ("real", "int", "point", "fun"), PROP),
    "le": _alike(2, 2, ("real", "int"), PROP),
    "lt": _alike(2, 2, ("real", "int"), PROP),
    "not": _fixed(PROP, PROP),
    "and": _many(PROP, PROP),
    "or": _many(PROP, PROP),
    "implies": _fixed(PROP, PROP, PROP),
    "pred": _predicate,
}
