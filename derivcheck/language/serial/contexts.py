"""Reading Contexts: declarations over a table of nodes, which must have the facts that their properties promise."""

from __future__ import annotations

from derivcheck.language.context import Context, Declaration, Property
from derivcheck.language.promises import unpromised
from derivcheck.language.serial.nodes import Nodes
from derivcheck.language.serial.strict import DEPTH, SerialError, fields, listed, short_text
from derivcheck.language.terms import PROP, Term

#: The kinds of declaration that a Context knows.
KINDS = frozenset(
    {"size", "index", "integer", "real", "point", "array", "choice", "function", "measure", "density", "random"}
) | {"assumption"}


def read_context(nodes: Nodes, written: object) -> Context:
    """The Context that `Table.add_context` wrote.

    Raises
    ------
    SerialError
        If it is not well-formed, or a property has not the facts that its name promises.
    """
    context = Context(_declarations(nodes, written, 0))
    for complaint in unpromised(context):
        raise SerialError(complaint)
    return context


def _declarations(nodes: Nodes, written: object, depth: int) -> tuple[Declaration, ...]:
    if depth > DEPTH:
        raise SerialError("auxiliary declarations nest too deep")
    out: list[Declaration] = []
    names: set[object] = set()
    for d in listed(written, "a list of declarations"):
        out.append(_declaration(nodes, d, depth))
        symbol = out[-1].symbol
        if symbol is not None:
            if symbol.data in names:
                raise SerialError(f"'{symbol.data}' is declared twice")
            names.add(symbol.data)
    return tuple(out)


def _declaration(nodes: Nodes, written: object, depth: int) -> Declaration:
    d = fields(written, "symbol", "kind", "note", "properties", "model", "auxiliary")
    symbol = None if d["symbol"] is None else nodes.term(d["symbol"])
    if symbol is not None and symbol.op != "sym":
        raise SerialError(f"'{symbol}' is declared, and is not a symbol")
    if d["kind"] not in KINDS or (symbol is None) != (d["kind"] == "assumption"):
        raise SerialError(f"{d['kind']!r:.40} is not the kind of this declaration")
    model: list[tuple[Term, Term]] = []
    for pair in listed(d["model"], "a model"):
        left, right = (nodes.term(k) for k in listed(pair, "a pair", 2))
        if left.op != "sym" or left.sort != right.sort:
            raise SerialError(f"'{left}' cannot be modelled by '{right}'")
        model.append((left, right))
    return Declaration(
        symbol,
        d["kind"],
        tuple(_property(nodes, p) for p in listed(d["properties"], "a list of properties")),
        short_text(d["note"], "a note"),
        tuple(model),
        _declarations(nodes, d["auxiliary"], depth + 1),
    )


def _property(nodes: Nodes, written: object) -> Property:
    p = fields(written, "name", "facts", "args")
    return Property(
        short_text(p["name"], "a property's name"),
        tuple(nodes.term(k, PROP) for k in listed(p["facts"], "a list of facts")),
        tuple(nodes.term(k) for k in listed(p["args"], "a list of arguments")),
    )
