"""Which matrices are positive definite, hence invertible: read off their form, from what is known of their parts.

``λI + XᵀX`` is positive definite for ``λ > 0``; so is ``XᵀPX + R`` for positive (semi)definite `P` and positive
definite `R`, and the inverse of a positive definite matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derivcheck.language import Givens, Term, predicate, transpose

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.facts import Facts


def invertible(facts: Facts, a: Term) -> bool:
    """Is the square matrix known to have an inverse?"""
    match a.op:
        case "identity":
            return True
        case "sym":
            return _declared(facts, a, "positive definite") or facts.known(predicate("invertible", a))
        case "transpose" | "inverse" | "neg":
            return invertible(facts, a.args[0])
        case "scale":
            return facts.nonzero(a.args[0]) and invertible(facts, a.args[1])
        case "matmul" if len(a.args[0].sort.domain_sorts) == len(a.args[1].sort.domain_sorts) == 2:
            b, c = a.args
            if facts.known(predicate("invertible", a)):
                return True
            return (invertible(facts, b) and invertible(facts, c)) or definiteness(facts, a) == 1
    return definiteness(facts, a) == 1


def definiteness(facts: Facts, a: Term) -> float | None:
    """1 if ``xᵀAx > 0`` for every ``x ≠ 0``, 0.5 if ``xᵀAx >= 0``, None if neither is known."""
    match a.op:
        case "identity":
            return 1
        case "sym":
            if _declared(facts, a, "positive definite"):
                return 1
            return 0.5 if _declared(facts, a, "positive semidefinite") else None
        case "transpose":
            return definiteness(facts, a.args[0])
        case "inverse":
            return 1 if definiteness(facts, a.args[0]) == 1 else None
        case "scale":
            s, d = facts.sign(a.args[0]), definiteness(facts, a.args[1])
            return None if s is None or d is None or s < 0 else min(s, d)
        case "add":
            parts = [definiteness(facts, b) for b in a.args]
            known = [d for d in parts if d is not None]
            return max(known) if len(known) == len(parts) else None
        case "matmul":
            factors = _factors(a)
            half = len(factors) // 2
            if factors != [_turned(facts, f) for f in reversed(factors)]:
                return None
            # MᵀPM, or MᵀM
            return 0.5 if len(factors) % 2 == 0 or definiteness(facts, factors[half]) is not None else None
    return None


def _factors(a: Term) -> list[Term]:
    return [f for b in a.args for f in _factors(b)] if a.op == "matmul" else [a]


def _turned(facts: Facts, a: Term) -> Term:
    """The transpose of a factor, as it would be written."""
    if a.op == "transpose":
        return a.args[0]
    if a.op == "identity" or a in facts.n.symmetric:
        return a
    if a.op == "inverse" and _turned(facts, a.args[0]) == a.args[0]:
        return a
    return transpose(a)


def _declared(facts: Facts, a: Term, name: str) -> bool:
    """Is it a fact that the symbol is definite?  The proposition itself is looked for, not the property's name."""
    if len(a.args) != 2 or a.args[0] != a.args[1]:
        return False
    g = Givens()
    g.array(str(a.data), *a.args, **{name.replace(" ", "_"): True})
    (declaration,) = g.context.declarations
    found = declaration.property(name)
    return found is not None and found.facts[0] in facts.propositions
