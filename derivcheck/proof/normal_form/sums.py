"""Finite sums, integrals and expectations in the normal form.

A sum is brought to prefix sums ``Σ_{1}^{h}``, so that shifts, splits, telescoping and induction steps fall out.  The
indices of nested sums form one group; indices leave the group one at a time (a delta, a closed form, a cited equation,
a denominator that is the same sum), and what remains splits into connected contractions with canonical names.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from math import comb
from types import TracebackType
from typing import TYPE_CHECKING

from derivcheck.language import (
    INT,
    MEASURE,
    PROP,
    REAL,
    Term,
    abstract,
    instantiate,
    integer,
    integers,
    le,
    make,
    ne,
    num,
    range_,
    reals,
)
from derivcheck.language.build import affine, affine_parts, int_add
from derivcheck.language.terms import domain_of_measure, variable_sort
from derivcheck.proof.normal_form.calculus import generalised
from derivcheck.proof.normal_form.inverses import contracted
from derivcheck.proof.normal_form.labelling import (
    canonical,
    contraction,
    is_contraction,
    open_contraction,
    outermost_first,
    resort,
)
from derivcheck.proof.normal_form.names import is_opened, mentioned, put_indices
from derivcheck.proof.normal_form.poly import (
    ONE,
    UNIT,
    Lin,
    Mono,
    Poly,
    Unknown,
    constant,
    from_integer,
    mono_of,
    mono_term,
    mono_times,
    plus,
    to_integer,
    to_term,
)

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser

#: A sum over at most this many explicit indices is written out.
MAX_TERMS = 64
#: The largest distance of a bound from a prefix sum's base that is peeled off term by term.
MAX_PEEL = 16

Group = list[tuple[Term, Term]]  # (index symbol, its range)


class Under:
    """The scope of an opened variable: its range is known inside; conditions leave it discharged or generalised.

    Inside, the range is known *not to be empty*.  So only the body of a sum may be worked out in the scope of its index;
    what replaces the whole sum (a closed form, the summand at a delta) is worked out outside.
    """

    def __init__(self, n: Normaliser, v: Term, domain: Term | None) -> None:
        self.n = n
        self.v = v
        self.domain = domain

    def __enter__(self) -> Under:
        n = self.n
        self.outer = n.conditions
        n.conditions = []
        n._memo = ChainMap({}, *getattr(n._memo, "maps", [n._memo]))  # type: ignore[assignment]
        n.facts.push(self.v, self.domain)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        n = self.n
        inner = n.conditions
        if kind is None:
            inner = [c for c in inner if not n.facts.holds(c)]
        n.facts.pop()
        n._memo = n._memo.parents  # type: ignore[attr-defined]
        n.conditions = self.outer
        domain = self.domain if self.domain is not None else (integers if self.v.sort == INT else reals)
        for c in inner:
            n.need(generalised(c, self.v, domain))


@contextmanager
def scoped(n: Normaliser, variables: Group) -> Iterator[None]:
    """The scope of a whole group; an index comes after those that its range mentions."""
    ranges = dict(variables)
    with ExitStack() as stack:
        for v in outermost_first(list(ranges), ranges):
            stack.enter_context(Under(n, v, ranges[v]))
        yield


def as_integer(p: Poly) -> Term:
    """A polynomial that is affine over integers, as an integer term."""
    t = to_integer(p)
    if t is None:
        raise Unknown("an integer comparison that is not affine")
    return t


def solve_for_symbol(equation: Term) -> tuple[Term, Term] | None:
    """Solve an integer equation for the symbol of largest key that has coefficient ±1: (symbol, value)."""
    diff = int_add(*equation.args, -1)
    const, coefficients = affine_parts(diff)
    for s in sorted(
        (a for a, c in coefficients.items() if a.op == "sym" and abs(c) == 1), key=_preference, reverse=True
    ):
        return s, _solved(const, coefficients, s)
    return None


def _preference(s: Term) -> tuple[int, bytes]:
    """Opened variables are solved for first; among equals, the larger key."""
    return (1 if is_opened(s) else 0, s.key)


def _solved(const: int, coefficients: dict[Term, int], s: Term) -> Term:
    c = coefficients[s]
    rest = {a: k for a, k in coefficients.items() if a != s}
    value = affine(const, rest)
    return int_add(integer(0), value, -c)  # c = ±1: s = -value/c = -c·value


def depends(mono_factor: tuple[Term, Lin], v: Term) -> bool:
    a, e = mono_factor
    return v in mentioned(a) or any(v in mentioned(x) for x, _ in e.terms)


# ------------------------------------------------------------------------------------------------------------ entrance


def integral(n: Normaliser, t: Term) -> Poly:
    """The normal form of an ``int`` term: a sum over a range, or an integral against a measure."""
    measure = t.args[0]
    sort, doms = variable_sort(t)
    v = n.fresh.symbol(t.hint, sort, doms)
    domain = domain_of_measure(measure)
    body = instantiate(t.body, v)
    with Under(n, v, domain):
        p = n.nf(body)
    if measure.op == "counting" and domain.args[1].op != "oo":
        lo, hi = n.integer(domain.args[0]), n.integer(domain.args[1])
        out: Poly = {}
        for m, c in p.items():
            out = plus(out, _sum_monomial(n, v, lo, hi, m), c)
        return out
    return _integrate(n, n_measure(n, measure), v, p, t.hint)


def n_measure(n: Normaliser, measure: Term) -> Term:
    """A measure with canonical bounds."""
    if measure.op == "lebesgue":
        (d,) = measure.args
        ends = tuple(a if a.op in ("oo", "neg") else to_term(n.nf(a)) for a in d.args)
        return make("lebesgue", (make("interval", ends, None, d.sort),), None, MEASURE)
    return measure


# --------------------------------------------------------------------------------------------------- ranges to prefixes


def _sum_monomial(n: Normaliser, v: Term, lo: Term, hi: Term, m: Mono) -> Poly:
    n.spend()
    first, last = affine_parts(lo), affine_parts(hi)
    if not first[1] and not last[1]:
        if last[0] - first[0] + 1 > MAX_TERMS:
            raise Unknown("a sum over many explicit indices")
        out: Poly = {}
        for k in range(first[0], last[0] + 1):
            out = plus(out, n.rename(m, {v: integer(k)}))
        return out
    p: Poly = {m: Fraction(1)}
    aligned = _alignment(m, v, lo, hi)
    if aligned is not None:
        replacement, lo, hi = aligned
        with Under(n, v, range_(lo, hi)):
            p = n.rename(m, {v: replacement})
        out = {}
        for mono, c in p.items():
            out = plus(out, _prefixes(n, v, lo, hi, mono), c)
        return out
    if lo != integer(1) and _has_closed_form(m, v):
        # Shifted to start at 1, a geometric sum needs no condition but that it is not of negative length.
        length = int_add(int_add(hi, lo, -1), integer(1))
        with Under(n, v, range_(1, length)):
            p = n.rename(m, {v: int_add(int_add(v, lo), integer(1), -1)})
        out = {}
        for mono, c in p.items():
            out = plus(out, _prefix(n, v, length, mono), c)
        return out
    return _prefixes(n, v, lo, hi, m)


def _has_closed_form(m: Mono, v: Term) -> bool:
    """Does the index occur only as a power of itself and in exponents?"""
    return all(
        not depends((a, e), v) or (a.op == "real" and not e.terms) or v not in mentioned(a) for a, e in m
    )


def _alignment(m: Mono, v: Term, lo: Term, hi: Term) -> tuple[Term, Term, Term] | None:
    """Reflect or shift the index so that arrays are entered at ``v`` itself; ``None`` where they are already."""
    offsets: set[Term] = set()
    signs: set[int] = set()
    for a, _ in m:
        for arg in _entry_arguments(a, v):
            const, coefficients = affine_parts(arg)
            c = coefficients.pop(v, 0)
            if c not in (1, -1):
                return None
            signs.add(c)
            offsets.add(affine(const, coefficients))
    if len(signs) != 1 or not offsets:
        return None
    zero = integer(0)
    if signs == {-1}:
        # offset - v: put v := offset' - v, so that the entry is at v
        offset = min(offsets, key=_simplicity)
        replacement = int_add(offset, v, -1)
        return replacement, int_add(offset, hi, -1), int_add(offset, lo, -1)
    if zero in offsets:
        return None
    offset = min(offsets, key=_simplicity)
    return int_add(v, offset, -1), int_add(lo, offset), int_add(hi, offset)


def _simplicity(offset: Term) -> tuple[int, int, bytes]:
    const, coefficients = affine_parts(offset)
    return len(coefficients), abs(const), offset.key


def _entry_arguments(a: Term, v: Term) -> list[Term]:
    """The index arguments that mention `v` in applications of function symbols within `a`."""
    out = []
    stack = [a]
    while stack:
        t = stack.pop()
        if v not in mentioned(t):
            continue
        if t.op == "app" and t.args[0].op == "sym":
            out.extend(x for x in t.args[1:] if x.sort == INT and not x.loose and v in mentioned(x))
        stack.extend(t.args)
    return out


def _prefixes(n: Normaliser, v: Term, lo: Term, hi: Term, m: Mono) -> Poly:
    """``Σ_{lo}^{hi}`` as a difference of sums from 1."""
    c, rest = affine_parts(lo)
    out: Poly = {}
    if rest:
        before = int_add(lo, integer(1), -1)
        n.need(le(before, hi))
        n.need(le(integer(0), before))
        return plus(_prefix(n, v, hi, m), _prefix(n, v, before, m), Fraction(-1))
    if abs(c - 1) > MAX_PEEL:
        raise Unknown("a sum that starts far from 1")
    out = _prefix(n, v, hi, m)
    if c < 1:
        n.need(le(integer(0), hi))
        for k in range(c, 1):
            out = plus(out, n.rename(m, {v: integer(k)}))
    elif c > 1:
        n.need(le(integer(c - 1), hi))
        for k in range(1, c):
            out = plus(out, n.rename(m, {v: integer(k)}), Fraction(-1))
    return out


def _prefix(n: Normaliser, v: Term, h: Term, m: Mono) -> Poly:
    """``Σ_{1}^{h}``, with the constant part of ``h`` peeled off."""
    c, coefficients = affine_parts(h)
    if abs(c) > MAX_PEEL:
        raise Unknown("a sum that ends far from its base")
    if not coefficients:
        out: Poly = {}
        for k in range(1, c + 1):
            out = plus(out, n.rename(m, {v: integer(k)}))
        return out
    base = affine(0, coefficients)
    out = group(n, [(v, range_(1, base))], {m: Fraction(1)})
    if c > 0:
        n.need(le(integer(0), base))
        for k in range(1, c + 1):
            out = plus(out, n.rename(m, {v: int_add(base, integer(k))}))
    elif c < 0:
        n.need(le(integer(0), h))
        for k in range(c + 1, 1):
            out = plus(out, n.rename(m, {v: int_add(base, integer(k))}), Fraction(-1))
    return out


# -------------------------------------------------------------------------------------------------------------- groups


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


def _boxed(variables: Group, v: Term) -> tuple[Group, list[Term]]:
    """The group with no range that mentions `v`: such a range is widened, and a comparison says what is meant."""
    (top,) = (d.args[1] for u, d in variables if u == v)
    out: Group = []
    inside: list[Term] = []
    for u, d in variables:
        const, coefficients = affine_parts(d.args[1])
        c = coefficients.pop(v, 0)
        if u != v and c:
            # 1 <= v <= top, so that the range ends at its largest for one of the two
            inside.append(le(u, d.args[1]))
            d = range_(1, int_add(affine(const, coefficients), top if c > 0 else integer(1), c))
        out.append((u, d))
    return out, inside


def _without(variables: Group, v: Term) -> Group:
    return [(u, d) for u, d in variables if u != v]


def _sum_group(n: Normaliser, variables: Group, mono: Mono) -> Poly:
    """The sum of one monomial over a group of indices."""
    n.spend()
    if not variables:
        return n.settle(mono)
    with scoped(n, variables):
        settled = n.settle(mono)
    if settled != {mono: Fraction(1)} or any(not any(depends(f, v) for v, _ in variables) for f in mono):
        return group(n, variables, settled)
    # 1. a delta fixes an index
    for factor in mono:
        a, _ = factor
        if a.op == "ind" and a.args[0].op == "eq" and a.args[0].args[0].sort == INT:
            diff = int_add(*a.args[0].args, -1)
            const, coefficients = affine_parts(diff)
            for v, d in variables:
                if abs(coefficients.get(v, 0)) == 1 and not any(v in mentioned(x) for x in coefficients if x != v):
                    value = _solved(const, coefficients, v)
                    rest = tuple(f for f in mono if f != factor)
                    boxed, inside = _boxed(variables, v)
                    others = _without(boxed, v)
                    inside += [le(d.args[0], value), le(value, d.args[1])]
                    with scoped(n, others):
                        p = n.rename(rest, {v: value})
                        for c in inside:
                            p = n.times(p, n.indicator(put_indices(c, {v: value})))
                    return group(n, others, p)
    found = contracted(n, variables, mono)
    if found is not None:
        return group(n, *found)
    # 2. exponents that split: a^{t - v} = a^t a^{-v}
    for k, (a, e) in enumerate(mono):
        if e.terms and not any(v in mentioned(a) for v, _ in variables):
            own = tuple((x, c) for x, c in e.terms if any(v in mentioned(x) for v, _ in variables))
            if own and (len(own) != len(e.terms) or e.const):
                rest = Lin(e.const, tuple(t for t in e.terms if t not in own))
                inner = Lin(Fraction(0), own)
                with scoped(n, variables):
                    whole = all(n.facts.holds(le(num(0), x.term())) for x in (rest, inner))
                if not whole:
                    n.need(ne(a, 0))
                mono = mono_times(mono[:k] + mono[k + 1 :], ((a, inner),))
                outside = n.settle(((a, rest),))
                return n.times(outside, _sum_group(n, variables, mono))
    for v, d in variables:
        if any(v in mentioned(x) for u, x in variables if u != v):
            continue  # another index's range mentions it: that one goes first
        mine, rest = _split(n, variables, mono, v)
        others = _without(variables, v)
        h = d.args[1]
        # 3. nothing depends on the index
        p: Poly | None
        with scoped(n, others):
            if not mine:
                n.need(le(integer(0), h))
                p = from_integer(h)
            else:
                # 4. a closed form
                p = _closed_form(n, v, h, mine)
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
        out = n.times(out, n.rewrite(contraction(part_variables, part, n.symmetric)))
    return out


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
                whole = all(n.facts.holds(le(num(0), x.term())) for x in (inner, outer))
            if not whole:
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


# -------------------------------------------------------------------------------------------------------- closed forms


def _closed_form(n: Normaliser, v: Term, h: Term, factors: Mono) -> Poly | None:
    """``Σ_{v=1}^{h}`` of a power of `v` times a geometric factor, for ``h >= 0``."""
    power = 0
    ratio: list[tuple[Term, Fraction]] = []
    for a, e in factors:
        if a.op == "real" and a.args[0] == v:
            k = e.integer
            if k is None or k < 0:
                return None
            power = k
        elif v not in mentioned(a) and not e.const and len(e.terms) == 1 and e.terms[0][0] == v:
            ratio.append((a, e.terms[0][1]))
        else:
            return None
    if not ratio:
        n.need(le(integer(0), h))
        return _faulhaber(n, power, from_integer(h))
    if power > 1:
        return None
    r = constant(1)
    for a, c in ratio:
        r = n.times(r, n.settle(((a, Lin(c)),)))
    minus_one = plus(r, constant(1), Fraction(-1))
    if not minus_one:
        return _faulhaber(n, power, from_integer(h))
    r_term = to_term(r)
    n.need(le(integer(0), h))
    # For a positive base, b^c = 1 only at b = 1: that is the condition an author would write.
    single = len(ratio) == 1 and n.facts.sign(ratio[0][0]) == 1
    n.need(ne(ratio[0][0] if single else r_term, 1))
    coefficients = affine_parts(h)

    def r_to(extra: int) -> Poly:
        out = constant(1)
        for a, c in ratio:
            exponent = Lin(
                c * (coefficients[0] + extra),
                tuple(sorted(((x, c * k) for x, k in coefficients[1].items()), key=lambda xc: xc[0].key)),
            )
            out = n.times(out, n.settle(((a, exponent),)))
        return out

    inverse = n.raised(minus_one, Lin(Fraction(-1)), num(1))  # not zero: the ratio is not 1
    if power == 0:
        return n.times(plus(r_to(1), r, Fraction(-1)), inverse)
    # Σ v r^v = (h r^{h+2} - (h+1) r^{h+1} + r) / (r-1)²
    hp = from_integer(h)
    top = plus(n.times(hp, r_to(2)), n.times(plus(hp, constant(1)), r_to(1)), Fraction(-1))
    return n.times(n.times(plus(top, r), inverse), inverse)


def _faulhaber(n: Normaliser, k: int, h: Poly) -> Poly:
    """``Σ_{v=1}^{h} v^k`` for ``h >= 0``."""
    if k > 30:
        raise Unknown("a large power in a sum")
    out: Poly = {}
    for j in range(k + 1):
        coefficient = Fraction(comb(k + 1, j)) * _bernoulli(j) / (k + 1)
        if coefficient:
            out = plus(out, n.power_of_sum(h, k + 1 - j), coefficient)
    return out


def _bernoulli(j: int) -> Fraction:
    """Bernoulli numbers with B₁ = +1/2."""
    b = [Fraction(0)] * (j + 1)
    for m in range(j + 1):
        b[m] = Fraction(1, m + 1)
        for k in range(m, 0, -1):
            b[k - 1] = k * (b[k - 1] - b[k])
    return b[0]


# ----------------------------------------------------------------------------------------------------------- integrals


def _integrate(n: Normaliser, measure: Term, v: Term, p: Poly, hint: str) -> Poly:
    """The integral of a polynomial against a measure, monomial by monomial.

    Splitting a sum and moving a factor out need each part integrable; that is recorded as a condition.
    """
    if not p:
        return {}
    out: Poly = {}
    for m, c in p.items():
        inside = tuple(f for f in m if depends(f, v))
        outside = tuple(f for f in m if f not in inside)
        opened, mono, k = join(n, inside)
        mine = tuple(f for f in mono if depends(f, v))
        constant_in_v = tuple(f for f in mono if f not in mine)
        with scoped(n, opened):
            if len(p) > 1 or outside or constant_in_v or opened:
                n.need(_integrable(measure, v, mine, hint))
            value = _integral_of(n, measure, v, mine, hint)
        value = n.times(value, {constant_in_v: Fraction(1)})
        if opened:
            value = group(n, opened, value)
        out = plus(out, n.times({outside: Fraction(1)}, value), c * k)
    return out


def _integrable(measure: Term, v: Term, m: Mono, hint: str) -> Term:
    body = abstract(mono_term(m), v)
    return make("integrable", (measure, body), None, PROP, hint)


def _integral_of(n: Normaliser, measure: Term, v: Term, m: Mono, hint: str) -> Poly:
    for left, right in n.facts.independent_split(measure, v, m):
        n.need(_integrable(measure, v, left, hint))
        n.need(_integrable(measure, v, right, hint))
        return n.times(_integral_of(n, measure, v, left, hint), _integral_of(n, measure, v, right, hint))
    body = resort(abstract(mono_term(m), v), n.symmetric)
    return n.rewrite(canonical(make("int", (measure, body), None, REAL, hint), n.symmetric))
