"""Certificates: a proof as JSON, written by a kernel and read by a checker that shares nothing with it.

A certificate is self-contained: definitions are unfolded, terms stand once in a shared table (`serial`), and every
theorem of the proof stands once, after its premises.  Reading believes nothing; what is no certificate is refused with
the place.

One theorem is ``{"rule", "premises", "context", "hypotheses", "statement", "conditions", "parameters"}``: premises are
numbers of earlier theorems, ``context`` a number of the list ``"contexts"`` (each a list of numbers of declarations),
everything else numbers of nodes.  The last theorem is the conclusion.  What stands under ``"claim"`` and as ``"text"``
is for a reader's eye and is not checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from derivcheck.language.context import Context
from derivcheck.language.definitions import unfold
from derivcheck.language.serial import Nodes, Table, fields, listed, read_context, read_json
from derivcheck.language.terms import PROP, LanguageError, Term

#: Written at the head of a certificate; another number is another form.
FORMAT = "derivcheck-certificate-1"

#: How many nodes a term may have when its shared parts are written out: what is larger could not even be printed.
LARGEST = 200_000

# ----------------------------------------------------------------------------------------------------- writing


class Sequent(Protocol):
    """A theorem as a kernel has it: what it says, and how it was shown."""

    @property
    def rule(self) -> str: ...
    @property
    def premises(self) -> Sequence[Sequent]: ...
    @property
    def context(self) -> Context: ...
    @property
    def hypotheses(self) -> frozenset[Term]: ...
    @property
    def statement(self) -> Term: ...
    @property
    def conditions(self) -> frozenset[Term]: ...
    @property
    def parameters(self) -> Iterable[tuple[str, Any]]: ...


def write(conclusion: Sequent, displayed: Iterable[tuple[Term, str]] = (), name: str = "") -> dict[str, Any]:
    """A theorem with all that it rests on, as a JSON-able object.

    Parameters
    ----------
    conclusion : Sequent
        A kernel's theorem.
    displayed : iterable of (Term, str)
        The steps that a reader is shown, with their reasons.
    name : str
        What the claim is called, for a reader.
    """
    writer = _Writer()
    writer.theorem(conclusion)
    return {
        "format": FORMAT,
        "claim": {"name": name, "text": str(conclusion.statement)},
        "nodes": writer.table.nodes,
        "declarations": writer.declarations,
        "contexts": writer.contexts,
        "theorems": writer.theorems,
        "steps": [
            {"statement": writer.table.add(statement), "text": str(statement), "reason": reason}
            for statement, reason in displayed
        ],
    }


class _Writer:
    """Numbers terms, declarations, contexts and theorems as they are met."""

    def __init__(self) -> None:
        self.table = Table()
        self.declarations: list[dict[str, Any]] = []
        self.contexts: list[list[int]] = []
        self.theorems: list[dict[str, Any]] = []
        self._seen: dict[str, int] = {}
        self._contexts: dict[Context, int] = {}

    def theorem(self, conclusion: Sequent) -> int:
        """The number of a theorem; its premises are written before it (a proof may be deeper than Python's stack)."""
        done: dict[int, int] = {}
        stack = [conclusion]
        while stack:
            th = stack[-1]
            waiting = [p for p in th.premises if id(p) not in done]
            if id(th) in done or waiting:
                stack = stack[:-1] if id(th) in done else stack + waiting[::-1]
                continue
            done[id(th)] = self._numbered(
                "theorem",
                {
                    "rule": th.rule,
                    "premises": [done[id(p)] for p in th.premises],
                    "context": self._context(th.context),
                    "hypotheses": sorted({self.table.add(h) for h in th.hypotheses}),
                    "statement": self.table.add(th.statement),
                    "conditions": sorted({self.table.add(c) for c in th.conditions}),
                    "parameters": {name: self._parameter(value) for name, value in th.parameters},
                },
                self.theorems,
            )
        return done[id(conclusion)]

    def _context(self, context: Context) -> int:
        if context not in self._contexts:
            numbers = [self._numbered("declaration", d, self.declarations) for d in self.table.add_context(context)]
            self._contexts[context] = self._numbered("context", numbers, self.contexts)
        return self._contexts[context]

    def _numbered(self, kind: str, written: Any, among: list[Any]) -> int:
        """The place of an object in a list in which it stands once."""
        key = f"{kind} {json.dumps(written, sort_keys=True)}"
        if key not in self._seen:
            self._seen[key] = len(among)
            among.append(written)
        return self._seen[key]

    def _parameter(self, value: Any) -> Any:
        if isinstance(value, Term):
            return {"term": self.table.add(value)}
        if isinstance(value, tuple):
            return [self._parameter(v) for v in value]
        assert isinstance(value, int | str), f"a rule's parameter {value!r} cannot be written"
        return value


# ----------------------------------------------------------------------------------------------------- reading


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
    """A certificate that has the right form; the last inference is what it claims to show."""

    name: str
    inferences: tuple[Inference, ...]
    displayed: tuple[Term, ...]


def read(text: str) -> Certificate:
    """The certificate in a JSON text.

    Raises
    ------
    LanguageError
        If it is not JSON or has not the form of a certificate; the message says where.
    """
    written = read_json(text)
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        raise LanguageError(f"not a certificate of the form '{FORMAT}'")
    document = fields(written, "format", "claim", "nodes", "declarations", "contexts", "theorems", "steps")
    try:
        return _certificate(document)
    except RecursionError:
        raise LanguageError("terms that nest too deep") from None


def _certificate(document: dict[str, Any]) -> Certificate:
    nodes, sizes = Nodes(document["nodes"]), list[int]()
    for number, node in enumerate(document["nodes"]):
        sizes.append(1 + sum(sizes[place] for place in node.get("args", ())))
        if sizes[-1] > LARGEST:
            raise LanguageError(f"node {number}: a term of more than {LARGEST:,} nodes")
    declared = listed(document["declarations"], "a list of declarations")
    contexts = [
        read_context(nodes, [_at(declared, k, "declaration") for k in listed(numbers, "a context")])
        for numbers in listed(document["contexts"], "a list of contexts")
    ]
    inferences: list[Inference] = []
    for number, item in enumerate(listed(document["theorems"], "a list of theorems")):
        try:
            inferences.append(_inference(number, item, nodes, contexts, inferences))
        except LanguageError as error:
            raise LanguageError(f"theorem {number}: {error}") from None
    if not inferences:
        raise LanguageError("a certificate without theorems")
    claim = fields(document["claim"], "name", "text")
    steps = [fields(step, "statement", "text", "reason") for step in listed(document["steps"], "a list of steps")]
    displayed = tuple(unfold(nodes.term(step["statement"], PROP)) for step in steps)
    return Certificate(str(claim["name"])[:200], tuple(inferences), displayed)


def _inference(
    number: int, written: Any, nodes: Nodes, contexts: Sequence[Context], before: Sequence[Inference]
) -> Inference:
    d = fields(written, "rule", "premises", "context", "hypotheses", "statement", "conditions", "parameters")

    def parameter(value: Any) -> Any:
        if isinstance(value, dict):
            return unfold(nodes.term(fields(value, "term")["term"]))
        if isinstance(value, list):
            return tuple(map(parameter, value))
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise LanguageError(f"the parameter {value!r:.40} is neither a term, a number nor a text")
        return value

    if not isinstance(d["rule"], str) or not isinstance(d["parameters"], dict):
        raise LanguageError("a rule is a text and its parameters an object")
    return Inference(
        number,
        d["rule"],
        # Premises stand before what they prove: no theorem can rest on itself.
        tuple(_at(before, k, "earlier theorem") for k in listed(d["premises"], "a list of premises")),
        _at(contexts, d["context"], "context"),
        frozenset(unfold(nodes.term(k, PROP)) for k in listed(d["hypotheses"], "a list of hypotheses")),
        unfold(nodes.term(d["statement"], PROP)),
        frozenset(unfold(nodes.term(k, PROP)) for k in listed(d["conditions"], "a list of conditions")),
        {name: parameter(value) for name, value in d["parameters"].items()},
    )


def _at(among: Sequence[Any], k: object, what: str) -> Any:
    if not isinstance(k, int) or isinstance(k, bool) or not 0 <= k < len(among):
        raise LanguageError(f"there is no {what} {k!r:.20}")
    return among[k]
