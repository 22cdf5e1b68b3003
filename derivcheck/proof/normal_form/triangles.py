"""Sums over part of a box: one canonical form for ``Σ_i Σ_{j<=i}`` and ``Σ_j Σ_{i>=j}``.

A range that ends at another index is widened to a box, with the comparison as a factor.  Of the two orders of a pair of
indices one is kept, by ``[u <= v] + [v <= u] = 1 + [u = v]``: the one whose contraction has the smaller key.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import INT, Term, delta, integer, le, range_
from derivcheck.language.constructors import affine, affine_parts, int_add
from derivcheck.proof.normal_form.labelling import contraction
from derivcheck.proof.normal_form.names import mentioned
from derivcheck.proof.normal_form.poly import Mono, Poly, Unknown, plus, scaled
from derivcheck.proof.normal_form.scopes import Group, scoped

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser

#: The largest constant in ``[u <= v + c]`` that is written as deltas.
MAX_SHIFT = 4


def boxed(variables: Group, v: Term) -> tuple[Group, list[Term]]:
    """The group with no range that mentions `v`: such a range is widened, and a comparison says what is meant."""
    (top,) = (d.args[1] for u, d in variables if u == v)
    out: Group = []
    inside: list[Term] = []
    for u, d in variables:
        const, coefficients = affine_parts(d.args[1])
        c = coefficients.pop(v, 0)
        if u != v and c:
            # 0 < v <= top, so that the range ends within what it is for one of the two; 0 keeps n - v and v alike
            inside.append(le(u, d.args[1]))
            d = range_(1, int_add(affine(const, coefficients), top if c > 0 else integer(0), c))
        out.append((u, d))
    return out, inside


def canonical_contraction(n: Normaliser, variables: Group, mono: Mono) -> Poly:
    """A connected contraction that no index leaves, in the one form of its domain."""
    wide, inside = variables, []
    for v, _ in variables:
        wide, more = boxed(wide, v)
        inside += more
    if inside and not any(v in mentioned(d) for v, _ in wide for _, d in wide):
        with scoped(n, wide):
            p: Poly = {mono: Fraction(1)}
            for c in inside:
                p = n.times(p, n.indicator(c))
        return n.summed(wide, p)
    plain = contraction(variables, mono, n.symmetric)
    found = [x for k in range(len(mono)) if (x := _order(variables, mono, k)) is not None]
    if len(found) != 1:
        return n.rewrite(plain)
    ((k, u, v, shift),) = found
    conditions = list(n.conditions)
    try:
        value = _one_order(n, variables, mono[:k] + mono[k + 1 :], u, v, shift, plain)
    except Unknown:
        # the summand has no value on the diagonal, say: then the sum stays as it is
        n.conditions = conditions
        value = None
    return n.rewrite(plain) if value is None else value


def _order(variables: Group, mono: Mono, k: int) -> tuple[int, Term, Term, int] | None:
    """The `k`-th factor as ``[u <= v + shift]`` between two indices of one range."""
    (a, _), ranges = mono[k], dict(variables)
    if a.op != "ind" or a.args[0].op != "le" or a.args[0].args[0].sort != INT:
        return None
    low, high = a.args[0].args
    shift, coefficients = affine_parts(int_add(high, low, -1))
    if sorted(coefficients.values()) != [-1, 1] or not all(x in ranges for x in coefficients):
        return None
    u, v = sorted(coefficients, key=lambda x: coefficients[x])
    return (k, u, v, shift) if ranges[u] == ranges[v] and abs(shift) <= MAX_SHIFT else None


def _one_order(n: Normaliser, variables: Group, rest: Mono, u: Term, v: Term, shift: int, plain: Term) -> Poly | None:
    """The sum of ``rest·[u <= v + shift]``; None if it is canonical as it stands."""
    body: Poly = {rest: Fraction(1)}

    def summed(p: Term | Poly) -> Poly:
        with scoped(n, variables):
            factor = n.nf(p) if isinstance(p, Term) else p
            q = n.times(body, factor)
        return n.summed(variables, q)

    if shift:
        # [u <= v + 2] = [u <= v] + [u = v + 1] + [u = v + 2]
        with scoped(n, variables):
            factor = n.indicator(le(u, v))
            for k in range(1, shift + 1) if shift > 0 else range(shift + 1, 1):
                factor = plus(factor, n.nf(delta(u, int_add(v, integer(k)))), Fraction(1 if shift > 0 else -1))
        return summed(factor)
    with scoped(n, variables):
        turned = n.times(body, n.indicator(le(v, u)))
    if len(turned) != 1:
        return None
    ((m, c),) = turned.items()
    other = contraction(variables, m, n.symmetric)
    if c != 1 or plain.key < other.key:
        return None
    box = plus(n.summed(variables, body), summed(delta(u, v)))
    if plain == other:
        return scaled(box, Fraction(1, 2))
    return plus(box, n.rewrite(other), Fraction(-1))
