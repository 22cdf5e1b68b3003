"""Writing: the terms of a document as one table of shared nodes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derivcheck.language.context import Context, Declaration
from derivcheck.language.definitions import unfold
from derivcheck.language.serial.strict import SerialError
from derivcheck.language.terms import Sort, Term, subterms


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
            raise SerialError("only closed terms are written")
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
