"""Reading terms: a table of nodes, each checked when it is read."""

from __future__ import annotations

from collections.abc import Sequence

from derivcheck.language import constructors as b
from derivcheck.language.serial.operators import CHECKS, read_data
from derivcheck.language.serial.strict import DEPTH, SerialError, is_int, short_text
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
)

_SIMPLE = {str(s): s for s in (REAL, INT, PROP, DOMAIN, MEASURE)}


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
            raise SerialError("'nodes' is not a list")
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
                raise SerialError(f"node {index}{name}: {complaint}") from None

    def __len__(self) -> int:
        return len(self._terms)

    def term(self, index: object, sort: Sort | None = None) -> Term:
        """The closed term at an index, of the given sort if one is asked for."""
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(self._terms):
            raise SerialError(f"{index!r} is not the index of a node")
        out = self._terms[index]
        if out.loose:
            raise SerialError(f"node {index} is not closed: it mentions a variable that nothing binds")
        if sort is not None and out.sort != sort:
            raise SerialError(f"node {index} is a {out.sort}; a {sort} is needed")
        return out

    def _read(self, index: int, node: object) -> None:
        if not isinstance(node, dict) or not set(node) <= {"op", "sort", "data", "args", "hint"}:
            raise SerialError("a node is an object with op, sort, data, args and hint")
        op, hint, places = node.get("op"), node.get("hint", ""), node.get("args", [])
        if not isinstance(op, str) or op not in CHECKS:
            unfolded = ": definitions are unfolded in a certificate" if op == "defn" else ""
            raise SerialError(f"{op!r:.40} is not an operator{unfolded}")
        short_text(hint, "hint")
        if hint and op not in BINDERS:
            raise SerialError("only a binder has a hint")
        if not isinstance(places, list):
            raise SerialError("'args' is not a list")
        for place in places:
            if not is_int(place) or not 0 <= place < index:
                raise SerialError(f"argument {place!r:.20} does not stand before it")
        args = [self._terms[place] for place in places]
        data = read_data(op, node.get("data"))
        sort = read_sort(node.get("sort"))
        expected = CHECKS[op](args, data, sort)
        if sort != expected:
            raise SerialError(f"it is a {expected}, not a {sort}")
        if op in ("matmul", "inverse"):
            self._check_sizes(op, [self._domains[place] for place in places])
        needs = self._variables(op, args, places)
        if op == "bound":
            needs = {data: sort}
        term = make(op, args, data, sort, hint)
        if op == "aff" and term != b.affine(data[0], dict(zip(args, data[1:], strict=True))):
            raise SerialError("an integer expression is not in its canonical form")
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
                        raise SerialError(f"its variable is a {bound}, and its body takes it for a {sort}")
                    continue
                outer = k - 1 if inside else k
                if needs.setdefault(outer, sort) != sort:
                    raise SerialError(f"one bound variable is taken for a {sort} and for a {needs[outer]}")
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
            raise SerialError(f"its inner sizes '{first}' and '{second}' differ")


def read_sort(written: object, depth: int = 0) -> Sort:
    """The sort that `Table` wrote."""
    if isinstance(written, str) and written in _SIMPLE:
        return _SIMPLE[written]
    match written:
        case ["point", str(name)]:
            return point_sort(short_text(name, "the name of a space"))
        case ["fun", [_, *_] as over, into] if depth < DEPTH:
            codomain = read_sort(into, depth + 1)
            if codomain.kind == "fun":
                raise SerialError("the values of a function are not functions: its arguments are listed together")
            return function_sort([read_sort(s, depth + 1) for s in over], codomain)
    raise SerialError(f"{written!r:.60} is not a sort")


def _variable_sort(op: str, first: Term) -> Sort:
    if op == "lim":
        return first.sort
    return sort_of_domain(first if first.sort == DOMAIN else domain_of_measure(first))
