"""Inverse matrices in index form: ``Σ_k (G⁻¹)_{ik} G_{kj} = δ_{ij}``, and the same from the other side.

Entries of `G` are a polynomial, so the equation is used for its leading monomial, wherever that stands in a contraction
with an entry of the inverse: with ``G = XᵀX + λI``, ``Σ_{k,l} (G⁻¹)_{ik} X_{lk} X_{lj} = δ_{ij} − λ (G⁻¹)_{ij}``.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from derivcheck.language import INT, Term, domains, eq, ind, le, num, symbol
from derivcheck.language.constructors import apply
from derivcheck.proof.normal_form.labelling import canonical, is_contraction, open_contraction
from derivcheck.proof.normal_form.matching import match
from derivcheck.proof.normal_form.names import label, mentioned, put_indices
from derivcheck.proof.normal_form.poly import ONE, UNIT, Lin, Mono, Poly, Unknown, mono_term, mono_times, plus

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser

Group = list[tuple[Term, Term]]

#: The row and the column of the general entry of a matrix.
_ROW, _COLUMN = symbol(label("row", 0), INT), symbol(label("column", 0), INT)


def contracted(n: Normaliser, variables: Group, mono: Mono) -> tuple[Group, Poly] | None:
    """Use the defining equation of an inverse once: the indices that are left, and what is left to sum."""
    for a, e in mono:
        if a.op != "app" or a.args[0].op != "inverse" or e.integer is None or e.integer < 1:
            continue
        for side in (0, 1):
            k, other = a.args[1 + side], a.args[2 - side]
            if any(k == v for v, _ in variables) and k not in mentioned(other):
                rest = mono_times(mono, ((a, Lin(Fraction(-1))),))
                found = _used(n, variables, a, k, other, side, rest)
                if found is not None:
                    return found
    return None


def _used(
    n: Normaliser, variables: Group, inverse: Term, k: Term, other: Term, side: int, rest: Mono
) -> tuple[Group, Poly] | None:
    g = inverse.args[0].args[0]
    size = domains(g)[0]
    ranges = dict(variables)
    if ranges[k] != size or any(k in mentioned(d) for d in ranges.values()):
        return None
    parts = _leading_part(n, g)
    if parts is None:
        return None
    coefficient, core, remainder = parts
    # G_{kj} for (G⁻¹)_{ik}, else G_{jk} for (G⁻¹)_{ki}
    wanted = symbol(label("wanted", 0), INT)
    names = {_ROW: k, _COLUMN: wanted} if side == 1 else {_ROW: wanted, _COLUMN: k}
    # The sums inside the core are opened: their indices are to be matched with indices of the group.
    inner, pattern = open_contraction(canonical(put_indices(mono_term(core), names), n.symmetric), n.fresh)
    pattern = canonical(pattern, n.symmetric)
    unknowns = frozenset((wanted, *(v for v, _ in inner)))
    candidates = [v for v, d in variables if v != k and not any(v in mentioned(x) for x in ranges.values())]
    for chosen in combinations(candidates, len(inner)):
        own = tuple(f for f in rest if any(_mentions(f, v) for v in (k, *chosen)))
        for binding in match(pattern, mono_term(own), unknowns, n.symmetric):
            value = binding[wanted]
            if {binding[v]: d for v, d in inner} != {v: ranges[v] for v in chosen}:
                continue
            left = [(v, d) for v, d in variables if v != k and v not in chosen]
            if mentioned(value) & {k, *chosen}:
                continue
            with n.scoped(left):
                ends = [p for x in (other, value) for p in (le(size.args[0], x), le(x, size.args[1]))]
                if not all(map(n.facts.holds, ends)):
                    continue  # outside its range the inverse has no entries
                back = {_ROW: k, _COLUMN: value} if side == 1 else {_ROW: value, _COLUMN: k}
                p = n.nf(ind(eq(other, value)))
                for m, c in remainder.items():
                    with n.under(k, size):
                        q = n.times(n.rename(m, back), {((inverse, UNIT),): Fraction(1)})
                    p = plus(p, n.summed([(k, size)], q), -c)
                p = n.times(p, n.raised(coefficient, Lin(Fraction(-1)), _author(coefficient)))
                outside = mono_times(rest, tuple((a, e.scaled(Fraction(-1))) for a, e in own))
                return left, n.times(p, {outside: Fraction(1)})
    return None


def _leading_part(n: Normaliser, g: Term) -> tuple[Poly, Mono, Poly] | None:
    """The entry ``g[row, column]`` as ``coefficient·core + remainder``, the core naming both indices."""
    if g not in n.leading_parts:
        n.leading_parts[g] = None
        rows, columns = domains(g)
        try:
            with n.scoped([(_ROW, rows), (_COLUMN, columns)]):
                p = n.nf(apply(g, _ROW, _COLUMN))
        except Unknown:
            return None
        both = [m for m in p if {_ROW, _COLUMN} <= mentioned(mono_term(m)) and not _has_delta(m)]
        if both:
            lead = max(both, key=lambda m: (_nesting(mono_term(m)), mono_term(m).key))
            core = tuple(f for f in lead if _mentions(f, _ROW) or _mentions(f, _COLUMN))
            outer = tuple(f for f in lead if f not in core)
            n.leading_parts[g] = ({outer: p[lead]}, core, {m: c for m, c in p.items() if m != lead})
    return n.leading_parts[g]


def _author(coefficient: Poly) -> Term:
    ((m, c),) = coefficient.items()
    return mono_term(m, c) if m != ONE else num(c)


def _nesting(t: Term) -> int:
    """How many sums stand at the top of a term."""
    k = 0
    while is_contraction(t):
        k, t = k + 1, t.args[-1]
    return k


def _mentions(f: tuple[Term, Lin], v: Term) -> bool:
    a, e = f
    return v in mentioned(a) or any(v in mentioned(x) for x, _ in e.terms)


def _has_delta(m: Mono) -> bool:
    return any(a.op == "ind" for a, _ in m)
