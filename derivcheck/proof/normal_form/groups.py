"""Sums over groups of indices.

The indices of nested sums form one group; indices leave the group one at a time (a delta, a closed form, a cited
equation, a denominator that is the same sum), and what remains splits into connected contractions with canonical names.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    INT,
    Term,
    integer,
    le,
    ne,
    num,
)
from derivcheck.language.constructors import affine, affine_parts, int_add
from derivcheck.proof.normal_form.closed_forms import closed_form, shifted_geometric_sum
from derivcheck.proof.normal_form.integers import solved
from derivcheck.proof.normal_form.inverses import contracted
from derivcheck.proof.normal_form.labelling import (
    canonical,
    contraction,
    is_contraction,
    open_contraction,
)
from derivcheck.proof.normal_form.names import mentioned, put_indices
from derivcheck.proof.normal_form.poly import (
    ONE,
    UNIT,
    Lin,
    Mono,
    Poly,
    constant,
    from_integer,
    mono_of,
    mono_times,
    plus,
)
from derivcheck.proof.normal_form.scopes import Group, depends, scoped
from derivcheck.proof.normal_form.triangles import boxed, canonical_contraction

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser


def group(n: Normaliser, variables: Group, p: Poly) -> Poly:
    """``Σ_{variables} p``: each monomial, with the sums inside it joined to the group."""
    out: Poly = {}
    for m, c in p.items():
        inside = tuple(f for f in m if any(depends(f, v) for v, _ in variables))
        outside = tuple(f for f in m if f not in inside)
        opened, mono, k = join(n, inside)
        value = _sum_group(n, variables + opened, mono)
        out = plus(out, n.times({outside: Fraction(1)}, value), c * k)
    return out


def join(n: Normaliser, inside: Mono) -> tuple[Group, Mono, Fraction]:
    """Open the contractions among the factors that stand to a positive whole power."""
    opened: Group = []
    mono: Mono = ONE
    c = Fraction(1)
    for a, e in inside:
        k = e.integer
        if is_contraction(a) and a.args[0].args[0].args[1].op != "oo" and k is not None and 0 < k <= 6:
            for _ in range(k):
                variables, body = open_contraction(a, n.fresh)
                m, d = mono_of(canonical(body, n.symmetric))
                opened += variables
                mono = mono_times(mono, m)
                c *= d
        else:
            mono = mono_times(mono, ((a, e),))
    return opened, mono, c


def _without(variables: Group, v: Term) -> Group:
    return [(u, d) for u, d in variables if u != v]


def _sum_group(n: Normaliser, variables: Group, mono: Mono) -> Poly:
    """The sum of one monomial over a group of indices."""
    n.spend()
    if not variables:
        return n.settle(mono)
    with scoped(n, variables):
        mono = tuple(f for f in mono if not (f[0].op == "ind" and n.facts.holds(f[0].args[0])))
        settled = n.settle(mono)
    if settled != {mono: Fraction(1)} or any(not any(depends(f, v) for v, _ in variables) for f in mono):
        return group(n, variables, settled)
    # 1. a delta fixes an index
    for factor in mono:
        a, _ = factor
        if a.op == "ind" and a.args[0].op == "eq" and a.args[0].args[0].sort == INT:
            left, right = a.args[0].args
            diff = int_add(left, right, -1)
            const, coefficients = affine_parts(diff)
            for v, d in variables:
                if abs(coefficients.get(v, 0)) == 1 and not any(v in mentioned(x) for x in coefficients if x != v):
                    value = solved(const, coefficients, v)
                    rest = tuple(f for f in mono if f != factor)
                    wide, inside = boxed(variables, v)
                    others = _without(wide, v)
                    inside += [le(d.args[0], value), le(value, d.args[1])]
                    with scoped(n, others):
                        picked = n.rename(rest, {v: value})
                        for c in inside:
                            picked = n.times(picked, n.indicator(put_indices(c, {v: value})))
                    return group(n, others, picked)
    found = contracted(n, variables, mono)
    if found is not None:
        return group(n, *found)
    # 2. exponents that split: a^{t - v} = a^t a^{-v}
    for k, (a, e) in enumerate(mono):
        if e.terms and not any(v in mentioned(a) for v, _ in variables):
            own = tuple((x, c) for x, c in e.terms if any(v in mentioned(x) for v, _ in variables))
            if own and (len(own) != len(e.terms) or e.const):
                p = shifted_geometric_sum(n, variables, mono[:k] + mono[k + 1 :], a, e)
                if p is not None:
                    return p
                outer = Lin(e.const, tuple(t for t in e.terms if t not in own))
                inner = Lin(Fraction(0), own)
                with scoped(n, variables):
                    whole = all(n.facts.holds(le(num(0), x.term())) for x in (outer, inner))
                if not whole:
                    n.need(ne(a, 0))
                mono = mono_times(mono[:k] + mono[k + 1 :], ((a, inner),))
                outside = n.settle(((a, outer),))
                return n.times(outside, _sum_group(n, variables, mono))
    for v, d in variables:
        if any(v in mentioned(x) for u, x in variables if u != v):
            continue  # another index's range mentions it: that one goes first
        mine, rest = _split(n, variables, mono, v)
        others = _without(variables, v)
        h = d.args[1]
        # 3. nothing depends on the index
        p = None
        with scoped(n, others):
            if not mine:
                n.need(le(integer(0), h))
                p = from_integer(h)
            else:
                # 4. a closed form
                p = counted(n, v, h, mine)
                if p is None:
                    p = closed_form(n, v, h, mine)
            if p is None:
                # 5. a cited equation for this sum alone, or a denominator that is this sum
                mine_connected = contraction([(v, d)], mine, n.symmetric)
                p = n.facts.rewrite(mine_connected)
            if p is not None:
                p = n.times(p, {rest: Fraction(1)})
        if p is not None:
            return group(n, others, p)
        if any(a == mine_connected for a, _ in rest):
            return group(n, others, n.settle(mono_times(rest, ((mine_connected, UNIT),))))
    # 6. connected parts, each with canonical names
    out = constant(1)
    for part_variables, part in _components(variables, mono):
        out = n.times(out, canonical_contraction(n, part_variables, part))
    return out


def counted(n: Normaliser, v: Term, h: Term, mine: Mono) -> Poly | None:
    """``Σ_{v=1}^{h} [v <= b] = b`` where ``0 <= b <= h`` is known, and ``Σ_{v=1}^{h} [b < v] = h − b``."""
    if len(mine) != 1 or mine[0][0].op != "ind" or mine[0][1] != UNIT:
        return None
    p = mine[0][0].args[0]
    if p.op != "le" or p.args[0].sort != INT:
        return None
    const, coefficients = affine_parts(int_add(p.args[1], p.args[0], -1))
    c = coefficients.pop(v, 0)
    if abs(c) != 1 or any(v in mentioned(x) for x in coefficients):
        return None
    # 0 <= b - v, or 0 <= v - b - 1
    b = affine(const, coefficients) if c < 0 else int_add(integer(-1), affine(const, coefficients), -1)
    if not (n.facts.holds(le(integer(0), b)) and n.facts.holds(le(b, h))):
        return None
    return from_integer(b if c < 0 else int_add(h, b, -1))


def _split(n: Normaliser, variables: Group, mono: Mono, v: Term) -> tuple[Mono, Mono]:
    """The factors that depend on `v`, and the others; ``a^{u+v}`` gives ``a^v`` to the one and ``a^u`` to the other."""
    mine: Mono = ONE
    rest: Mono = ONE
    for a, e in mono:
        own = tuple((x, c) for x, c in e.terms if v in mentioned(x))
        if v in mentioned(a) or not own:
            if depends((a, e), v):
                mine = mono_times(mine, ((a, e),))
            else:
                rest = mono_times(rest, ((a, e),))
            continue
        inner = Lin(Fraction(0), own)
        outer = Lin(e.const, tuple(t for t in e.terms if t not in own))
        if not outer.is_zero:
            with scoped(n, variables):
                if not all(n.facts.holds(le(num(0), x.term())) for x in (inner, outer)):
                    n.need(ne(a, 0))
            rest = mono_times(rest, ((a, outer),))
        mine = mono_times(mine, ((a, inner),))
    return mine, rest


def _components(variables: Group, mono: Mono) -> list[tuple[Group, Mono]]:
    parent = {v: v for v, _ in variables}

    def find(v: Term) -> Term:
        while parent[v] != v:
            v = parent[v]
        return v

    touching: list[list[Term]] = []
    for f in mono:
        vs = [v for v, _ in variables if depends(f, v)]
        touching.append(vs)
        for u in vs[1:]:
            parent[find(u)] = find(vs[0])
    for v, d in variables:
        for u, _ in variables:
            if u != v and u in mentioned(d):
                parent[find(u)] = find(v)
    roots = []
    for v, _ in variables:
        if find(v) not in roots:
            roots.append(find(v))
    return [
        (
            [(v, d) for v, d in variables if find(v) == r],
            tuple(f for f, vs in zip(mono, touching, strict=True) if find(vs[0]) == r),
        )
        for r in roots
    ]
