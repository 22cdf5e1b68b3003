"""Reading a certificate: JSON in, inferences out; nothing that it says is believed.

The form is described in `derivcheck.proof.certificate`, which this package does not import.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from derivcheck.language import PROP, Context, LanguageError, Term, unfold
from derivcheck.language.serial import Nodes, read_context

FORMAT = "derivcheck-certificate-1"

#: The first character of the variables that the audit opens; a certificate may not use it.
MARK = "\ue001"


class Malformed(ValueError):
    """A file that is not a certificate."""


@dataclass(frozen=True, slots=True)
class Inference:
    """One theorem of a certificate: ``context; hypotheses ⊢ statement [conditions]``, by a rule from its premises."""

    number: int
    rule: str
    premises: tuple[Inference, ...]
    context: Context
    hypotheses: frozenset[Term]
    statement: Term
    conditions: frozenset[Term]
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that has the right form; whether it is right is for the rules to say."""

    name: str
    inferences: tuple[Inference, ...]
    displayed: tuple[Term, ...]

    @property
    def conclusion(self) -> Inference:
        """What it claims to show."""
        return self.inferences[-1]


def read(text: str) -> Certificate:
    """The certificate in a JSON text.

    Raises
    ------
    Malformed
        If it is not JSON or has not the form of a certificate; the message says where.
    """
    try:
        written = json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
    except RecursionError:
        raise Malformed("JSON that nests too deep") from None
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None
    try:
        return _certificate(written)
    except (LanguageError, RecursionError) as error:
        raise Malformed(str(error) or "terms that nest too deep") from None


def _certificate(written: Any) -> Certificate:
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        raise Malformed(f"not a certificate of the form '{FORMAT}'")
    fields = ("format", "claim", "nodes", "declarations", "contexts", "theorems", "steps")
    document = _fields("the certificate", written, fields)
    nodes = Nodes(document["nodes"])
    for k, node in enumerate(document["nodes"]):
        if node["op"] == "sym" and MARK in node["data"]:
            raise Malformed(f"node {k}: a name with a reserved character")
    declared = _list("declarations", document["declarations"])
    contexts = [
        read_context(nodes, [_at(declared, k, "declaration") for k in _list("a context", numbers)])
        for numbers in _list("contexts", document["contexts"])
    ]
    inferences: list[Inference] = []
    for number, item in enumerate(_list("theorems", document["theorems"])):
        try:
            inferences.append(_inference(number, item, nodes, contexts, inferences))
        except (Malformed, LanguageError) as error:
            raise Malformed(f"theorem {number}: {error}") from None
    if not inferences:
        raise Malformed("a certificate without theorems")
    claim = _fields("the claim", document["claim"], ("name", "text"))
    displayed = [_fields("a step", step, ("statement", "text", "reason")) for step in _list("steps", document["steps"])]
    return Certificate(
        str(claim["name"]), tuple(inferences), tuple(unfold(nodes.term(s["statement"], PROP)) for s in displayed)
    )


def _inference(number: int, written: Any, nodes: Nodes, contexts: list[Context], before: list[Inference]) -> Inference:
    names = ("rule", "premises", "context", "hypotheses", "statement", "conditions", "parameters")
    d = _fields("a theorem", written, names)

    def terms(name: str) -> Iterable[Term]:
        return (unfold(nodes.term(k, PROP)) for k in _list(name, d[name]))

    def parameter(value: Any) -> Any:
        if isinstance(value, dict):
            return unfold(nodes.term(_fields("a parameter", value, ("term",))["term"]))
        if isinstance(value, list):
            return tuple(parameter(v) for v in value)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise Malformed(f"the parameter {value!r:.40} is neither a term, a number nor a text")
        return value

    if not isinstance(d["rule"], str) or not isinstance(d["parameters"], dict):
        raise Malformed("a rule is a text and its parameters an object")
    return Inference(
        number,
        d["rule"],
        # Premises stand before what they prove: no theorem can rest on itself.
        tuple(_at(before, k, "earlier theorem") for k in _list("premises", d["premises"])),
        _at(contexts, d["context"], "context"),
        frozenset(terms("hypotheses")),
        unfold(nodes.term(d["statement"], PROP)),
        frozenset(terms("conditions")),
        {name: parameter(value) for name, value in d["parameters"].items()},
    )


def _fields(what: str, written: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(written, dict) or set(written) != set(names):
        raise Malformed(f"{what} is an object with the fields {', '.join(names)}")
    return written


def _list(what: str, written: Any) -> list[Any]:
    if not isinstance(written, list):
        raise Malformed(f"{what}: a list is needed")
    return written


def _at(among: list[Any], k: Any, what: str) -> Any:
    if not isinstance(k, int) or isinstance(k, bool) or not 0 <= k < len(among):
        raise Malformed(f"there is no {what} {k!r:.20}")
    return among[k]


def _refuse(name: str) -> Any:
    raise Malformed(f"{name} is not a number of the language")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise Malformed("a field stands twice in one object")
    return dict(pairs)
