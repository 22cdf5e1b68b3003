"""Exponentials whose exponents are equal although their normal forms differ.

The normal form does not put fractions inside an exponent over one denominator, so ``exp(1/(1+x) − 1/(1−x))`` and
``exp(−2x/(1−x²))`` are different atoms to it.  Here the exponents of a sum's monomials are compared with each other as
equations of their own, and equal ones are written alike.
"""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.language import Term, exp, mul, num
from derivcheck.proof.normal_form import Poly, to_term
from derivcheck.proof.normal_form.poly import ONE, Mono

#: The most different exponents that are compared pair by pair.
MAX_CLASSES = 10

Prove = Callable[[Term, Term], tuple[Term, ...] | None]


def merged(p: Poly, prove: Prove) -> tuple[Term, tuple[Term, ...]] | None:
    """The polynomial with equal exponents written alike, and the conditions for that; None where none are equal.

    `prove` gives the conditions under which two terms are equal, or None.
    """
    classes: list[tuple[Term, list[Term]]] = []
    conditions: dict[Term, None] = {}
    found = False
    for m, c in sorted(p.items(), key=lambda mc: tuple((a.key, e.const) for a, e in mc[0])):
        exponent, rest = _parted(m)
        summand = to_term({rest: c})
        for other, summands in classes:
            needs = () if other == exponent else prove(other, exponent)
            if needs is not None:
                found = found or other != exponent
                conditions.update(dict.fromkeys(needs))
                summands.append(summand)
                break
        else:
            classes.append((exponent, [summand]))
        if len(classes) > MAX_CLASSES:
            return None
    if not found:
        return None
    parts = [exp(e) * sum(rest[1:], rest[0]) for e, rest in classes]
    return sum(parts[1:], parts[0]), tuple(conditions)


def _parted(m: Mono) -> tuple[Term, Mono]:
    """The sum of the exponents of a monomial's exponentials, and its other factors."""
    exponents = [mul(e.term(), a.args[0]) for a, e in m if a.op == "fn" and a.data == "exp"]
    rest = tuple((a, e) for a, e in m if not (a.op == "fn" and a.data == "exp"))
    return (sum(exponents[1:], exponents[0]) if exponents else num(0)), rest if rest else ONE
