"""Terms and Contexts as JSON: one table of shared nodes, strictly checked when it is read.

A certificate leaves the program that wrote it, so it is self-contained (definitions are unfolded before writing) and
nothing in it is believed: every node's operator, arguments, data and sort are checked against the language, references
point backwards only, a bound variable has the sort of its binder's domain, and what is used as a term is closed.
Nothing is evaluated, and nothing recurses over the table.

>>> from derivcheck.language import *
>>> n = Size("n"); x = Vector("x", n)
>>> term = Sum(1, n, lambda j: x(j) ** 2)
>>> loads(dumps(term)) == term
True
>>> loads('{"format": "derivcheck-terms-1", "nodes": [{"op": "neg", "sort": "real", "args": [0]}], "term": 0}')
Traceback (most recent call last):
    ...
derivcheck.language.serial.SerialError: node 0 (neg): argument 0 does not stand before it

One node is ``{"op", "sort"}`` and, where there are any, ``"data"``, ``"args"`` (indices of earlier nodes) and
``"hint"`` (the name that the author gave to a bound variable).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from derivcheck.language import build as b
from derivcheck.language.context import Context, Declaration, Property
from derivcheck.language.definitions import unfold
from derivcheck.language.promises import unpromised
from derivcheck.language.terms import (
    BINDERS,
    DOMAIN,
    INT,
    MEASURE,
    PROP,
    REAL,
    LanguageError,
    Sort,
    Term,
    domain_of_measure,
    function_sort,
    make,
    point_sort,
    sort_of_domain,
    subterms,
)

#: Written at the head of a document; another number is another form.
FORMAT = "derivcheck-terms-1"

#: The longest number, name or hint, in characters, that is read.
LONGEST_TEXT = 4000

#: How deep the sort of a function or the auxiliary declarations of an assumption may nest.
DEPTH = 8

_SIDES = frozenset({"", "+", "-"})
_SIMPLE = {str(s): s for s in (REAL, INT, PROP, DOMAIN, MEASURE)}
_RANK = {rank: function_sort((INT,) * rank, REAL) for rank in (1, 2)}

#: The kinds of declaration that a Context knows.
KINDS = frozenset(
    {"size", "index", "integer", "real", "point", "array", "choice", "function", "measure", "density", "random"}
) | {"assumption"}


class SerialError(LanguageError):
    """A document that does not say a well-formed term or Context."""


def _fail(message: str) -> SerialError:
    return SerialError(message)


# ----------------------------------------------------------------------------------------------------- writing


class Table:
    """The nodes of several terms, shared; what a certificate holds under ``"nodes"``.

    Attributes
    ----------
    nodes : list of dict
        One JSON object a node, arguments before the nodes that use them.
    """

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self._index: dict[tuple[object, ...], int] = {}

    def add(self, term: Term) -> int:
        """The index of the node of `term`, its definitions unfolded.

        Raises
        ------
        SerialError
            If the term is not closed.
        """
        if term.loose:
            raise _fail("only closed terms are written")
        if any(node.op == "defn" for node in subterms(term)):
            term = unfold(term)
        # The same node may carry different hints below it, so that objects are looked up, not equal terms.
        done: dict[int, int] = {}
        stack = [term]
        while stack:
            node = stack[-1]
            if id(node) in done:
                stack.pop()
                continue
            waiting = [a for a in node.args if id(a) not in done]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            done[id(node)] = self._put(node, tuple(done[id(a)] for a in node.args))
        return done[id(term)]

    def _put(self, node: Term, args: tuple[int, ...]) -> int:
        # The digest fixes operator, data and sort; the arguments' places fix the hints below.
        key = (node.key, node.hint, args)
        if key not in self._index:
            self._index[key] = len(self.nodes)
            written: dict[str, Any] = {"op": node.op, "sort": _write_sort(node.sort)}
            if node.data is not None:
                written["data"] = _write_data(node.data)
            if args:
                written["args"] = list(args)
            if node.hint:
                written["hint"] = node.hint
            self.nodes.append(written)
        return self._index[key]

    def add_context(self, context: Context) -> list[dict[str, Any]]:
        """A Context whose terms are nodes of this table."""
        return [self._declaration(d) for d in context.declarations]

    def _declaration(self, d: Declaration) -> dict[str, Any]:
        return {
            "symbol": None if d.symbol is None else self.add(d.symbol),
            "kind": d.kind,
            "note": d.note,
            "properties": [
                {"name": p.name, "facts": [self.add(f) for f in p.facts], "args": [self.add(a) for a in p.args]}
                for p in d.properties
            ],
            "model": [[self.add(left), self.add(right)] for left, right in d.model],
            "auxiliary": [self._declaration(inner) for inner in d.auxiliary],
        }


def _write_sort(sort: Sort) -> Any:
    if sort.kind == "point":
        return ["point", sort.name]
    if sort.kind == "fun":
        assert sort.codomain is not None
        return ["fun", [_write_sort(s) for s in sort.domain_sorts], _write_sort(sort.codomain)]
    return sort.kind


def _write_data(data: Any) -> Any:
    return str(data) if isinstance(data, Fraction) else list(data) if isinstance(data, tuple) else data


def document(value: Term | Context) -> dict[str, Any]:
    """A term or a Context as a JSON-able object."""
    table = Table()
    if isinstance(value, Context):
        context = table.add_context(value)
        return {"format": FORMAT, "nodes": table.nodes, "context": context}
    term = table.add(value)
    return {"format": FORMAT, "nodes": table.nodes, "term": term}


def dumps(value: Term | Context) -> str:
    """A term or a Context as JSON."""
    return json.dumps(document(value), ensure_ascii=False, separators=(",", ":"))


# ----------------------------------------------------------------------------------------------------- reading


class Nodes:
    """A table that has been read and checked.

    Parameters
    ----------
    nodes : list
        What `Table.nodes` wrote, after JSON.

    Raises
    ------
    SerialError
        If any node is not a node of the language; the message names it.
    """

    def __init__(self, nodes: object) -> None:
        if not isinstance(nodes, list):
            raise _fail("'nodes' is not a list")
        self._terms: list[Term] = []
        #: For each node, the sort that it expects of each variable that is bound outside of it.
        self._needs: list[dict[int, Sort]] = []
        #: For each node that is an array or a function, its domains where they are known.
        self._domains: list[tuple[Term, ...] | None] = []
        for index, node in enumerate(nodes):
            try:
                self._read(index, node)
            except LanguageError as complaint:
                op = node.get("op") if isinstance(node, dict) else None
                name = f" ({op[:40]})" if isinstance(op, str) else ""
                raise _fail(f"node {index}{name}: {complaint}") from None

    def __len__(self) -> int:
        return len(self._terms)

    def term(self, index: object, sort: Sort | None = None) -> Term:
        """The closed term at an index, of the given sort if one is asked for."""
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(self._terms):
            raise _fail(f"{index!r} is not the index of a node")
        out = self._terms[index]
        if out.loose:
            raise _fail(f"node {index} is not closed: it mentions a variable that nothing binds")
        if sort is not None and out.sort != sort:
            raise _fail(f"node {index} is a {out.sort}; a {sort} is needed")
        return out

    def _read(self, index: int, node: object) -> None:
        if not isinstance(node, dict) or not set(node) <= {"op", "sort", "data", "args", "hint"}:
            raise _fail("a node is an object with op, sort, data, args and hint")
        op, hint, places = node.get("op"), node.get("hint", ""), node.get("args", [])
        if not isinstance(op, str) or op not in _CHECKS:
            unfolded = ": definitions are unfolded in a certificate" if op == "defn" else ""
            raise _fail(f"{op!r:.40} is not an operator{unfolded}")
        _text(hint, "hint")
        if hint and op not in BINDERS:
            raise _fail("only a binder has a hint")
        if not isinstance(places, list):
            raise _fail("'args' is not a list")
        for place in places:
            if not _is_int(place) or not 0 <= place < index:
                raise _fail(f"argument {place!r:.20} does not stand before it")
        args = [self._terms[place] for place in places]
        data = _read_data(op, node.get("data"))
        sort = _read_sort(node.get("sort"))
        expected = _CHECKS[op](args, data, sort)
        if sort != expected:
            raise _fail(f"it is a {expected}, not a {sort}")
        if op in ("matmul", "inverse"):
            self._check_sizes(op, [self._domains[place] for place in places])
        needs = self._variables(op, args, places)
        if op == "bound":
            needs = {data: sort}
        term = make(op, args, data, sort, hint)
        if op == "aff" and term != b.affine(data[0], dict(zip(args, data[1:], strict=True))):
            raise _fail("an integer expression is not in its canonical form")
        self._terms.append(term)
        self._needs.append(needs)
        self._domains.append(self._shape(term, places))

    def _variables(self, op: str, args: Sequence[Term], places: Sequence[int]) -> dict[int, Sort]:
        """The sorts expected of the variables bound outside of a node; the binder's own is checked."""
        needs: dict[int, Sort] = {}
        for position, place in enumerate(places):
            inside = op in BINDERS and position == len(places) - 1
            for k, sort in self._needs[place].items():
                if inside and k == 0:
                    bound = _variable_sort(op, args[0])
                    if sort != bound:
                        raise _fail(f"its variable is a {bound}, and its body takes it for a {sort}")
                    continue
                outer = k - 1 if inside else k
                if needs.setdefault(outer, sort) != sort:
                    raise _fail(f"one bound variable is taken for a {sort} and for a {needs[outer]}")
        return needs

    def _shape(self, term: Term, places: Sequence[int]) -> tuple[Term, ...] | None:
        """The domains of an array or a function, where they are known."""
        if term.sort.kind != "fun":
            return ()
        below = [self._domains[place] for place in places]
        match term.op:
            case "sym":
                return term.args
            case "add" | "neg" | "inverse" | "hadamard" | "transpose" | "diag":
                first = below[0]
                if first is None:
                    return None
                return first[::-1] if term.op == "transpose" else first * 2 if term.op == "diag" else first
            case "scale":
                return below[1]
            case "identity":
                return (b.range_(1, term.args[0]),) * 2
            case "matmul":
                left, right = below
                return None if left is None or right is None else left[:-1] + right[1:]
            case "app":
                return None if below[0] is None else below[0][len(term.args) - 1 :]
            case "lam":
                rest = below[1]
                if rest is None or any(d.loose for d in rest):
                    return None
                return (term.args[0], *rest)
        return None

    @staticmethod
    def _check_sizes(op: str, shapes: Sequence[tuple[Term, ...] | None]) -> None:
        known = [shape for shape in shapes if shape is not None]
        if len(known) < len(shapes):
            return
        first, second = (known[0][-1], known[1][0]) if op == "matmul" else known[0]
        if first != second:
            raise _fail(f"its inner sizes '{first}' and '{second}' differ")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise _fail(f"{what} is not a (reasonably short) text")
    return value


def _read_sort(written: object, depth: int = 0) -> Sort:
    if isinstance(written, str) and written in _SIMPLE:
        return _SIMPLE[written]
    match written:
        case ["point", str(name)]:
            return point_sort(_text(name, "the name of a space"))
        case ["fun", [_, *_] as over, into] if depth < DEPTH:
            codomain = _read_sort(into, depth + 1)
            if codomain.kind == "fun":
                raise _fail("the values of a function are not functions: its arguments are listed together")
            return function_sort([_read_sort(s, depth + 1) for s in over], codomain)
    raise _fail(f"{written!r:.60} is not a sort")


def _read_data(op: str, written: object) -> Any:
    match op:
        case "num":
            # Only what Fraction itself writes is read: one number, one text.
            text = _text(written, "a number")
            digits = text.removeprefix("-").replace("/", "", 1)
            if not (digits.isascii() and digits.isdigit()) or text.startswith(("/", "-/")) or text.endswith("/"):
                raise _fail(f"{text[:40]!r} is not a rational number")
            above, _, below = text.partition("/")
            if below and int(below) == 0:
                raise _fail("a denominator is zero")
            value = Fraction(int(above), int(below or 1))
            if str(value) != text:
                raise _fail(f"{text[:40]!r} is not in lowest terms")
            return value
        case "aff":
            if not isinstance(written, list) or not written or not all(map(_is_int, written)):
                raise _fail("the data of an integer expression is a list of integers")
            return tuple(written)
        case "bound":
            if not _is_int(written) or written < 0:  # type: ignore[operator]
                raise _fail("a bound variable is a number of binders")
            return written
        case "sym" | "space":
            if not _text(written, "a name"):
                raise _fail("a name is empty")
            # Variables that are opened for a moment have an '@' (`build.close`, `unfold`): none may be captured.
            if "@" in str(written):
                raise _fail(f"'@' is reserved, in {written!r:.40}")
            return written
        case "fn" | "pred" | "lim":
            known = {"fn": frozenset(b.SCALAR_FUNCTIONS), "pred": frozenset(b.PREDICATES), "lim": _SIDES}[op]
            if not isinstance(written, str) or written not in known:
                raise _fail(f"{written!r:.40} is not known")
            return written
    if written is not None:
        raise _fail("this operator holds no data")
    return None


def _variable_sort(op: str, first: Term) -> Sort:
    if op == "lim":
        return first.sort
    return sort_of_domain(first if first.sort == DOMAIN else domain_of_measure(first))


_Check = Callable[[Sequence[Term], Any, Sort], Sort]


def _sorts(args: Sequence[Term], *wanted: Sort) -> None:
    if len(args) != len(wanted):
        raise _fail(f"it takes {len(wanted)} arguments, {len(args)} given")
    for position, (a, sort) in enumerate(zip(args, wanted, strict=True)):
        if a.sort != sort:
            raise _fail(f"argument {position} is a {a.sort}; a {sort} is needed")


def _count(args: Sequence[Term], least: int) -> None:
    if len(args) < least:
        raise _fail(f"it takes at least {least} arguments, {len(args)} given")


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
            raise _fail(f"it is not a {sort}")
        return sort

    return check


def _bound(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args)
    if sort.kind not in ("real", "int", "point", "fun"):
        raise _fail(f"a variable is not a {sort}")
    return sort


def _symbol(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args, *(DOMAIN,) * len(args))
    if sort == MEASURE:
        _sorts(args, DOMAIN)
        return MEASURE
    if sort == DOMAIN:
        raise _fail("a domain is not a symbol")
    values = sort if sort.codomain is None else sort.codomain
    return function_sort(map(sort_of_domain, args), values)


def _affine(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args, *(INT,) * (len(data) - 1))
    return INT


def _cast(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args, INT)
    if b.real(args[0]).op != "real":
        raise _fail("a number is written as a number")
    return REAL


def _alike(least: int, most: int | None, kinds: tuple[str, ...], out: Sort | None) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _count(args, least)
        if most is not None and len(args) > most:
            raise _fail(f"it takes at most {most} arguments")
        if args[0].sort.kind not in kinds:
            raise _fail(f"it does not apply to a {args[0].sort}")
        _sorts(args, *(args[0].sort,) * len(args))
        return args[0].sort if out is None else out

    return check


def _scaled(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    _sorts(args, REAL, args[1].sort)
    if args[1].sort.kind != "fun":
        raise _fail("only an array or a function is scaled")
    return args[1].sort


def _applied(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    f = args[0].sort
    if f.codomain is None:
        raise _fail(f"a {f} cannot be applied")
    given = len(args) - 1
    _sorts(args, f, *f.domain_sorts[:given])
    return function_sort(f.domain_sorts[given:], f.codomain)


def _product(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    ranks = [len(a.sort.domain_sorts) for a in args]
    if not all(rank in _RANK for rank in ranks):
        raise _fail("a product is of vectors and matrices")
    _sorts(args, *(_RANK[rank] for rank in ranks))
    return function_sort((INT,) * (sum(ranks) - 2), REAL)


def _set_of(op: str) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _sorts(args, DOMAIN)
        if args[0].op != op:
            raise _fail(f"the measure lives on a {op}")
        return MEASURE

    return check


def _function_space(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    _sorts(args, *(DOMAIN,) * len(args))
    return DOMAIN


def _range(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _sorts(args, INT, INT)
    if args[0].op == "oo":
        raise _fail("a range does not begin at infinity")
    return DOMAIN


def _over(head: Sort, body: Sort, out: Sort, integers: bool = False) -> _Check:
    def check(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
        _sorts(args, head, body)
        if integers and sort_of_domain(args[0]) != INT:
            raise _fail("it runs over integers")
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
        raise _fail("a derivative is by real numbers")
    _sorts(args, DOMAIN, point, *map(sort_of_domain, index), REAL)
    return REAL


def _function(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    _count(args, 2)
    _sorts(args, DOMAIN, args[1].sort)
    if args[1].sort in (PROP, DOMAIN, MEASURE):
        raise _fail(f"the values of a function are not of sort {args[1].sort}")
    return function_sort((sort_of_domain(args[0]),), args[1].sort)


def _predicate(args: Sequence[Term], data: Any, sort: Sort) -> Sort:
    if data in ("independent", "same_law"):
        _count(args, 3)
        _sorts(args, MEASURE, args[1].sort, args[2].sort)
        outcome = sort_of_domain(domain_of_measure(args[0]))
        if any(f.sort.domain_sorts[:1] != (outcome,) for f in args[1:]):
            raise _fail("its arguments are not functions on the measure's space")
    elif data == "invertible":
        _sorts(args, _RANK[2])
    else:
        _count(args, 1)
        _sorts(args, args[0].sort)
        if args[0].sort.kind != "fun":
            raise _fail("its argument is not a function")
    return PROP


#: What each operator takes and gives.
_CHECKS: dict[str, _Check] = {
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


def read_context(nodes: Nodes, written: object) -> Context:
    """The Context that `Table.add_context` wrote.

    Raises
    ------
    SerialError
        If it is not well-formed, or a property has not the facts that its name promises.
    """
    context = Context(_declarations(nodes, written, 0))
    for complaint in unpromised(context):
        raise _fail(complaint)
    return context


def _declarations(nodes: Nodes, written: object, depth: int) -> tuple[Declaration, ...]:
    if depth > DEPTH:
        raise _fail("auxiliary declarations nest too deep")
    out: list[Declaration] = []
    names: set[object] = set()
    for d in listed(written, "a list of declarations"):
        out.append(_declaration(nodes, d, depth))
        symbol = out[-1].symbol
        if symbol is not None:
            if symbol.data in names:
                raise _fail(f"'{symbol.data}' is declared twice")
            names.add(symbol.data)
    return tuple(out)


def _declaration(nodes: Nodes, written: object, depth: int) -> Declaration:
    d = fields(written, "symbol", "kind", "note", "properties", "model", "auxiliary")
    symbol = None if d["symbol"] is None else nodes.term(d["symbol"])
    if symbol is not None and symbol.op != "sym":
        raise _fail(f"'{symbol}' is declared, and is not a symbol")
    if d["kind"] not in KINDS or (symbol is None) != (d["kind"] == "assumption"):
        raise _fail(f"{d['kind']!r:.40} is not the kind of this declaration")
    model: list[tuple[Term, Term]] = []
    for pair in listed(d["model"], "a model"):
        left, right = (nodes.term(k) for k in listed(pair, "a pair", 2))
        if left.op != "sym" or left.sort != right.sort:
            raise _fail(f"'{left}' cannot be modelled by '{right}'")
        model.append((left, right))
    return Declaration(
        symbol,
        d["kind"],
        tuple(_property(nodes, p) for p in listed(d["properties"], "a list of properties")),
        _text(d["note"], "a note"),
        tuple(model),
        _declarations(nodes, d["auxiliary"], depth + 1),
    )


def _property(nodes: Nodes, written: object) -> Property:
    p = fields(written, "name", "facts", "args")
    return Property(
        _text(p["name"], "a property's name"),
        tuple(nodes.term(k, PROP) for k in listed(p["facts"], "a list of facts")),
        tuple(nodes.term(k) for k in listed(p["args"], "a list of arguments")),
    )


def listed(written: object, what: str, length: int | None = None) -> list[Any]:
    """What was read, if it is a list (of the given length)."""
    if not isinstance(written, list) or (length is not None and len(written) != length):
        raise _fail(f"{what} is needed, not {written!r:.40}")
    return written


def fields(written: object, *names: str) -> dict[str, Any]:
    """What was read, if it is an object with exactly these fields."""
    if not isinstance(written, dict) or set(written) != set(names):
        raise _fail(f"an object with the fields {', '.join(names)} is needed")
    return written


def read_document(written: object) -> Term | Context:
    """The term or the Context of a document as `document` makes it."""
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        raise _fail(f"not a document of the form '{FORMAT}'")
    kind = "context" if "context" in written else "term"
    d = fields(written, "format", "nodes", kind)
    nodes = Nodes(d["nodes"])
    return read_context(nodes, d["context"]) if kind == "context" else nodes.term(d["term"])


def _no_constant(name: str) -> Any:
    raise _fail(f"{name} is not a number of the language")


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise _fail(f"the field {key!r:.40} stands twice in one object")
        out[key] = value
    return out


def read_json(text: str) -> Any:
    """Strict JSON: no NaN, no infinity, no field twice.

    Raises
    ------
    SerialError
        If `text` is anything else, or nests too deep.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise _fail("not JSON: it nests too deep") from None
    except ValueError as complaint:
        raise complaint if isinstance(complaint, SerialError) else _fail(f"not JSON: {complaint}") from None


def loads(text: str) -> Term | Context:
    """What `dumps` wrote.

    Raises
    ------
    SerialError
        If `text` is not JSON, or not a well-formed term or Context.
    """
    return read_document(read_json(text))
