"""Certificates: a proof written out, so that a checker that shares nothing with the kernel can re-check it.

A certificate is self-contained JSON: definitions are unfolded, terms stand once in a shared table, and every theorem of
the proof stands once, after its premises.  `derivcheck.audit` reads it.

One theorem is ``{"rule", "premises", "context", "hypotheses", "statement", "conditions", "parameters"}``: premises are
numbers of earlier theorems, ``context`` a number of the list ``"contexts"`` (each a list of numbers of declarations),
everything else numbers of nodes.  The last theorem is the conclusion.  What stands under ``"claim"`` and as ``"text"``
is for a reader's eye and is not checked.

>>> from derivcheck.language import *
>>> from derivcheck.proof import Prover, algebra
>>> g = Givens(); n = g.size("n"); z = g.vector("z", n)
>>> pr = Prover(g.context)
>>> goal = eq(Sum(1, n, lambda i: softmax(z)(i)), 1)
>>> written = certificate(pr.done(pr.prove(goal, algebra), goal), "softmax.sums-to-one")
>>> [theorem["rule"] for theorem in written["theorems"]], written["claim"]["text"]
(['normal_form'], 'sum(softmax(z)[i] for i in 1..n) = 1')
"""

from __future__ import annotations

import json
from typing import Any

from derivcheck.language import Context, Term
from derivcheck.language.serial import Table
from derivcheck.proof.kernel import Theorem
from derivcheck.proof.prover import Proof

#: Written at the head of a certificate; another number is another form.
FORMAT = "derivcheck-certificate-1"


def certificate(proof: Proof, name: str = "") -> dict[str, Any]:
    """The proof as a JSON-able object.

    Parameters
    ----------
    proof : Proof
        A finished proof.
    name : str
        What the claim is called, for a reader: ``problem.claim``.
    """
    writer = _Writer()
    writer.theorem(proof.theorem)
    statement = proof.theorem.statement
    return {
        "format": FORMAT,
        "claim": {"name": name, "text": str(statement)},
        "nodes": writer.table.nodes,
        "declarations": writer.declarations,
        "contexts": writer.contexts,
        "theorems": writer.theorems,
        "steps": [
            {"statement": writer.table.add(s.statement), "text": str(s.statement), "reason": s.reason}
            for s in proof.steps
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

    def theorem(self, conclusion: Theorem) -> int:
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
