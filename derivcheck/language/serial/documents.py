"""Whole documents: one term or one Context."""

from __future__ import annotations

import json
from typing import Any

from derivcheck.language.context import Context
from derivcheck.language.serial.contexts import read_context
from derivcheck.language.serial.nodes import Nodes
from derivcheck.language.serial.strict import SerialError, fields, read_json
from derivcheck.language.serial.table import Table
from derivcheck.language.terms import Term

#: Written at the head of a document; another number is another form.
FORMAT = "derivcheck-terms-1"


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


def read_document(written: object) -> Term | Context:
    """The term or the Context of a document as `document` makes it."""
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        raise SerialError(f"not a document of the form '{FORMAT}'")
    kind = "context" if "context" in written else "term"
    d = fields(written, "format", "nodes", kind)
    nodes = Nodes(d["nodes"])
    return read_context(nodes, d["context"]) if kind == "context" else nodes.term(d["term"])


def loads(text: str) -> Term | Context:
    """What `dumps` wrote.

    Raises
    ------
    SerialError
        If `text` is not JSON, or not a well-formed term or Context.
    """
    return read_document(read_json(text))
