"""A proof as a certificate, which `derivcheck.audit` re-checks; the form is `derivcheck.language.certificates`.

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

from typing import Any

from derivcheck.language.certificates import write
from derivcheck.proof.prover import Proof


def certificate(proof: Proof, name: str = "") -> dict[str, Any]:
    """The proof as a JSON-able object.

    Parameters
    ----------
    proof : Proof
        A finished proof.
    name : str
        What the claim is called, for a reader: ``problem.claim``.
    """
    return write(proof.theorem, ((step.statement, step.reason) for step in proof.steps), name)
