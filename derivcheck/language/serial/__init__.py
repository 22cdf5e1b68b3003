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
derivcheck.language.serial.strict.SerialError: node 0 (neg): argument 0 does not stand before it

One node is ``{"op", "sort"}`` and, where there are any, ``"data"``, ``"args"`` (indices of earlier nodes) and
``"hint"`` (the name that the author gave to a bound variable).
"""

from derivcheck.language.serial.contexts import read_context
from derivcheck.language.serial.documents import FORMAT, document, dumps, loads, read_document
from derivcheck.language.serial.nodes import Nodes
from derivcheck.language.serial.strict import SerialError, fields, listed, read_json
from derivcheck.language.serial.table import Table

__all__ = [
    "FORMAT",
    "Nodes",
    "SerialError",
    "Table",
    "document",
    "dumps",
    "fields",
    "listed",
    "loads",
    "read_context",
    "read_document",
    "read_json",
]
