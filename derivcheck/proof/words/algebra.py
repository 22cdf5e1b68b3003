"""Sums of words: non-commutative polynomials with commutative coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from derivcheck.language import Term
from derivcheck.proof.normal_form.poly import Poly, constant, plus

if TYPE_CHECKING:
    from derivcheck.proof.normal_form import Normaliser


@dataclass(frozen=True, slots=True)
class Letter:
    """A matrix that is not taken apart, or its transpose; an inverse carries the matrix that it inverts."""

    matrix: Term
    transposed: bool = False

    @property
    def is_inverse(self) -> bool:
        return self.matrix.op == "inverse"

    @property
    def order(self) -> tuple[bool, bytes, bool]:
        """Inverses come last, so that what holds of plain matrices rewrites them, not the reverse."""
        return self.is_inverse, self.matrix.key, self.transposed


Word = tuple[Letter, ...]
Sum = dict[Word, Poly]

#: The empty word: the identity of the size that its place asks for.
EMPTY: Word = ()


def added(p: Sum, q: Sum, factor: Poly, n: Normaliser) -> Sum:
    """``p + factor·q``."""
    out = dict(p)
    for w, c in q.items():
        s = plus(out.get(w, {}), n.times(factor, c))
        if s:
            out[w] = s
        else:
            out.pop(w, None)
    return out


def product(p: Sum, q: Sum, n: Normaliser) -> Sum:
    """The product, factors in order."""
    out: Sum = {}
    for w, c in p.items():
        out = added(out, {w + v: d for v, d in q.items()}, c, n)
    return out


def one() -> Sum:
    """The identity."""
    return {EMPTY: constant(1)}


def weight(w: Word) -> tuple[int, list[tuple[bool, bytes, bool]]]:
    """Words are ordered by length, then by letters: an order that products keep."""
    return len(w), [x.order for x in w]


def leading(p: Sum) -> Word:
    """The largest word."""
    return max(p, key=weight)
