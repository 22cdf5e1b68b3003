"""Textbook identities that the normal form does not know, as rewritings to a common basis.

======================  ==========================================================================================
sin, cos of sums        addition theorems, down to one common measure of each angle; multiples of π/6 and π/4
gamma, factorial        shifted to the smallest argument among those that differ by whole numbers
binomial(n, k)          whole k: a polynomial; else factorials where 0 <= k <= n is known, else Pascal's rule
sums of a known length  written out
sums                    over what ranges with ends alike have in common, the other summands taken out
sums of binomials       Pascal's rule and a shift of the index, under the sum
products                over one common range, the other factors taken out
loggamma                log of gamma
======================  ==========================================================================================

`expanded` rewrites several terms together and says under which conditions.  An equation between the results, under the
conditions, is an equation between the terms wherever those are defined.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from math import comb, gcd, lcm

from derivcheck.language import (
    BINDERS,
    INT,
    REAL,
    Context,
    Fresh,
    Term,
    abstract,
    counting,
    factorial,
    free_symbols,
    instantiate,
    integer,
    le,
    log,
    lt,
    make,
    ne,
    num,
    open_binder,
    pi,
    range_,
    real,
    sqrt,
    substitute,
    subterms,
    unfold,
)
from derivcheck.language.constructors import affine, affine_parts, binomial, int_add, mul
from derivcheck.language.terms import rebuild
from derivcheck.proof.kernel import opened
from derivcheck.proof.normal_form import Normaliser, Poly, Unknown, to_term
from derivcheck.proof.normal_form.facts import Facts
from derivcheck.proof.normal_form.poly import ONE, UNIT, Mono

#: The largest whole multiple of an angle and the largest shift that are written out.
MAX_SHIFT = 12

Rewriting = tuple[dict[Term, Term], list[Term]]


def expanded(context: Context, terms: tuple[Term, ...]) -> tuple[tuple[Term, ...], list[Term]]:
    """The `terms` rewritten, and the conditions for that; the terms themselves where nothing applies."""
    current = tuple(unfold(t) for t in terms)
    conditions: list[Term] = []
    for rewrite in REWRITINGS:
        mapping, needs = rewrite(context, current)
        if mapping:
            current = tuple(_replaced(t, mapping) for t in current)
            conditions += [c for c in needs if c not in conditions]
    return current, conditions


def _replaced(t: Term, mapping: dict[Term, Term]) -> Term:
    """Replace closed subterms, inner ones first."""
    if t.op not in BINDERS and t.args and not t.loose:
        t = rebuild(t, tuple(_replaced(a, mapping) for a in t.args))
    return substitute(t, mapping)


def _closed(terms: tuple[Term, ...], wanted: Callable[[Term], bool]) -> list[Term]:
    """The closed subterms that are wanted, inner ones last, in an order that depends on structure alone."""
    found = {s for t in terms for s in subterms(t) if not s.loose and wanted(s)}
    return sorted(found, key=lambda s: s.key)


def _poly(context: Context, t: Term) -> Poly | None:
    try:
        return Normaliser(context).nf(real(t) if t.sort == INT else t)
    except Unknown:
        return None


# -------------------------------------------------------------------------------------------------------------- angles


def _angles(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    found = _closed(terms, lambda s: s.op == "fn" and s.data in ("sin", "cos"))
    polys = {s: p for s in found if (p := _poly(context, s.args[0])) is not None}
    units: dict[Mono, Fraction] = {}
    for p in polys.values():
        for m, c in p.items():
            units[m] = _common(units[m], abs(c)) if m in units else abs(c)
    mapping: dict[Term, Term] = {}
    for s, p in polys.items():
        if len(p) == 1 and units[next(iter(p))] == abs(next(iter(p.values()))) and not _is_pi(next(iter(p))):
            continue
        pair = _rotation(p, units)
        if pair is not None:
            mapping[s] = pair[0] if s.data == "cos" else pair[1]
    return mapping, []


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The largest rational of which both are whole multiples."""
    d = lcm(a.denominator, b.denominator)
    return Fraction(gcd(int(a * d), int(b * d)), d)


def _is_pi(m: Mono) -> bool:
    return len(m) >= 1 and any(a == pi and e == UNIT for a, e in m)


def _rotation(p: Poly, units: dict[Mono, Fraction]) -> tuple[Term, Term] | None:
    """Cosine and sine of a sum of angles, in those of the units; None where that grows too large."""
    out: tuple[Term, Term] = (num(1), num(0))
    for m, c in sorted(p.items(), key=lambda mc: tuple((a.key, e.const) for a, e in mc[0])):
        if m == ((pi, UNIT),):
            one: tuple[Term, Term] | None = _of_pi(c)
        elif (
            _is_pi(m) and c.denominator == 1 and len(m) == 2 and all(e == UNIT and a.op in ("real", "pi") for a, e in m)
        ):
            n = next(a for a, _ in m if a.op == "real")
            one = (num(-1) ** mul(num(c), n), num(0))
        else:
            k = c / units[m]
            if abs(k) > MAX_SHIFT:
                return None
            angle = to_term({m: units[m]}) if m != ONE else num(units[m])
            step = (make("fn", (angle,), "cos", REAL), make("fn", (angle,), "sin", REAL))
            one = (num(1), num(0))
            for _ in range(abs(int(k))):
                one = _turned(one, step)
            if k < 0:
                one = (one[0], -one[1])
        if one is None:
            return None
        out = _turned(out, one)
    return out


def _turned(a: tuple[Term, Term], b: tuple[Term, Term]) -> tuple[Term, Term]:
    if a == (num(1), num(0)):
        return b
    return a[0] * b[0] - a[1] * b[1], a[1] * b[0] + a[0] * b[1]


def _of_pi(c: Fraction) -> tuple[Term, Term] | None:
    """Cosine and sine of ``cπ``; None unless ``c`` is a multiple of 1/6 or 1/4."""
    half, zero, one = num(Fraction(1, 2)), num(0), num(1)
    table = {
        Fraction(0): (one, zero),
        Fraction(1, 6): (sqrt(3) / 2, half),
        Fraction(1, 4): (sqrt(2) / 2, sqrt(2) / 2),
        Fraction(1, 3): (half, sqrt(3) / 2),
    }
    quarter = Fraction(1, 2)
    turns, rest = divmod(c, quarter)
    if rest not in table:
        return None
    cos, sin = table[rest]
    for _ in range(int(turns) % 4):
        cos, sin = -sin, cos
    return cos, sin


# ------------------------------------------------------------------------------------------- gamma, factorial, binomial


def _loggamma(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    found = _closed(terms, lambda s: s.op == "fn" and s.data == "loggamma")
    return {s: log(make("fn", s.args, "gamma", REAL)) for s in found}, [lt(0, s.args[0]) for s in found]


def _integer_of(p: Poly) -> Term | None:
    """A polynomial that is an affine integer, as one."""
    const, coefficients = 0, {}
    for m, c in p.items():
        if c.denominator != 1:
            return None
        if m == ONE:
            const = int(c)
        elif len(m) == 1 and m[0][0].op == "real" and m[0][1] == UNIT:
            coefficients[m[0][0].args[0]] = int(c)
        else:
            return None
    return affine(const, coefficients)


def _shifts(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    """Gammas and factorials whose arguments differ by whole numbers, in terms of the one with the smallest argument."""
    mapping: dict[Term, Term] = {}
    needs: list[Term] = []
    families: dict[object, list[tuple[Fraction, Term, Poly]]] = {}
    for s in _closed(terms, lambda s: s.op == "factorial" or (s.op == "fn" and s.data == "gamma")):
        p = _poly(context, s.args[0])
        if p is None:
            continue
        whole = _integer_of(p)
        if s.op == "fn" and whole is None:
            rational = p.get(ONE, Fraction(0))
            if len(p) == 1 and ONE in p and rational.denominator == 2:
                mapping[s] = _half_integer(rational)
                continue
            rest = tuple(sorted((tuple((a.key, e.const) for a, e in m), k) for m, k in p.items() if m != ONE))
            families.setdefault(("gamma", rest, rational % 1), []).append((rational, s, p))
        else:
            # gamma(n) is (n − 1)!: one family of integers
            assert whole is not None
            whole = int_add(whole, integer(1), -1) if s.op == "fn" else whole
            c, atoms = affine_parts(whole)
            if not atoms:
                if 0 <= c <= MAX_SHIFT:
                    mapping[s] = num(math.factorial(c))
                continue
            families.setdefault(("factorial", _top(whole)[0]), []).append((Fraction(c), s, p))
    for members in families.values():
        low = min(at for at, _, _ in members)
        for at, s, p in members:
            shift = int(at - low)
            if shift > MAX_SHIFT:
                continue
            base: Term
            if s.op == "fn" and _integer_of(p) is None:
                rest_of = {m: k for m, k in p.items() if m != ONE}
                start = to_term({**rest_of, ONE: low} if low else rest_of)
                base = make("fn", (start,), "gamma", REAL)
                factors = [start + k if k else start for k in range(shift)]
                needs += [ne(f, 0) for f in factors]
            else:
                argument = _integer_of(p)
                assert argument is not None
                if s.op == "fn":
                    argument = int_add(argument, integer(1), -1)
                start_int = int_add(argument, integer(-shift))
                base = factorial(start_int)
                factors = [real(int_add(start_int, integer(k))) for k in range(1, shift + 1)]
                if shift:
                    needs.append(le(0, start_int))
            new = base if not factors else mul(*factors, base)
            if new != s:
                mapping[s] = new
    return mapping, needs


def _half_integer(c: Fraction) -> Term:
    """Gamma at half of an odd number."""
    value = Fraction(1)
    at = Fraction(1, 2)
    while at < c:
        value, at = value * at, at + 1
    while at > c:
        at -= 1
        value /= at
    return mul(num(value), sqrt(pi))


def _top(n: Term) -> tuple[object, int]:
    """The symbolic part of an integer, as a key, and its constant."""
    c, atoms = affine_parts(n)
    return tuple(sorted((a.key, k) for a, k in atoms.items())), c


def _tops(terms: tuple[Term, ...]) -> dict[object, int]:
    """The smallest constant of each symbolic upper index."""
    out: dict[object, int] = {}
    for t in terms:
        for s in subterms(t):
            if s.op == "binomial" and not s.args[0].loose:
                key, c = _top(s.args[0])
                out[key] = min(out.get(key, c), c)
    return out


def _is_proper(facts: Facts, s: Term) -> bool:
    """Is the lower index of the binomial known to lie between 0 and the upper one?"""
    n, k = s.args
    return facts.holds(le(0, k)) and facts.holds(le(k, n))


def _binomial_families(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    """Binomials whose arguments differ by whole numbers, as multiples of one, where no factor of these divides by zero.

    ``C(n, k+1) = C(n, k)·(n − k)/(k + 1)`` for ``k + 1 ≠ 0``, and ``C(n, k) = C(n + 1, k)·(n + 1 − k)/(n + 1)`` for
    ``n >= 0``: both hold outside of ``0 <= k <= n`` too, so that nothing need be known of that.
    """
    facts = Normaliser(context).facts
    families: dict[object, list[tuple[int, int, Term]]] = {}
    for s in _closed(terms, lambda s: s.op == "binomial"):
        (upper, n), (lower, k) = _top(s.args[0]), _top(s.args[1])
        if lower and lower != upper:
            families.setdefault((upper, lower), []).append((n, k, s))
    mapping: dict[Term, Term] = {}
    for members in families.values():
        top, low = max(n for n, _, _ in members), min(k for _, k, _ in members)
        if not 0 < max(top - n + k - low for n, k, _ in members) <= MAX_SHIFT:
            continue
        if all(_is_proper(facts, s) for _, _, s in members):
            continue  # factorials say more
        made: dict[Term, Term] = {}
        conditions: list[Term] = []
        for n, k, s in members:
            upper_term = int_add(s.args[0], integer(top - n))
            lower_term = int_add(s.args[1], integer(low - k))
            new = binomial(upper_term, lower_term)
            for step in range(k - low):
                below = int_add(lower_term, integer(step + 1))
                new = new * (real(upper_term) - real(lower_term) - step) / real(below)
                conditions.append(ne(real(below), 0))
            for step in range(top - n):
                at = int_add(upper_term, integer(-step))
                new = new * (real(at) - real(s.args[1])) / real(at)
                conditions.append(le(integer(1), at))
            made[s] = new
        if all(facts.holds(c) for c in conditions):
            mapping |= {s: new for s, new in made.items() if s != new}
    return mapping, []


def _binomials(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    facts = Normaliser(context).facts
    mapping: dict[Term, Term] = {}
    needs: list[Term] = []
    tops = _tops(terms)
    for s in _closed(terms, lambda s: s.op == "binomial"):
        n, k = s.args
        low, atoms = affine_parts(k)
        left_over, rest = affine_parts(int_add(n, k, -1))
        if not rest and left_over <= MAX_SHIFT:
            mapping[s] = _falling(real(n), left_over)  # C(n, k) = C(n, n − k), which is 0 for n < k
            needs.append(le(0, n))
            if left_over > 0:
                needs.append(le(0, k))
        elif not atoms and low <= MAX_SHIFT:
            mapping[s] = _falling(real(n), low)
            needs.append(le(0, n))
        elif _is_proper(facts, s):
            mapping[s] = factorial(n) / (factorial(k) * factorial(int_add(n, k, -1)))
        else:
            key, c = _top(n)
            if 0 < c - tops[key] <= MAX_SHIFT:
                base = int_add(n, integer(tops[key] - c))
                mapping[s] = _pascal(base, k, c - tops[key])
                needs.append(le(0, base))
    return mapping, needs


def _binomial_sums(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    """Sums over the lower index: Pascal's rule inside, then each summand shifted so that the index stands alone."""
    tops = _tops(terms)
    mapping: dict[Term, Term] = {}
    needs: list[Term] = []
    for s in _closed(terms, _sums_binomials):
        domain = s.args[0].args[0]
        v, body = open_binder(s, Fresh())
        for t in {t for t in subterms(body) if t.op == "binomial" and not t.args[0].loose}:
            key, c = _top(t.args[0])
            if 0 < c - tops.get(key, c) <= MAX_SHIFT:  # an upper index with the sum's own variable is no candidate
                base = int_add(t.args[0], integer(tops[key] - c))
                body = substitute(body, {t: _pascal(base, t.args[1], c - tops[key])})
                needs.append(le(0, base))
        inside = _poly(context.extended(opened(v, domain)), body)
        if inside is None:
            continue
        parts: list[Term] = []
        for m, factor in sorted(inside.items(), key=lambda mc: tuple((a.key, e.const) for a, e in mc[0])):
            shift = _lower_offset(m, v)
            lo, hi = (int_add(x, integer(shift)) for x in domain.args)
            moved = substitute(to_term({m: factor}), {v: int_add(v, integer(-shift))})
            parts.append(make("int", (counting(range_(lo, hi)), abstract(moved, v)), None, REAL, s.hint))
        new = sum(parts[1:], parts[0]) if parts else num(0)
        if new != s:
            mapping[s] = new
    return mapping, needs


def is_finite_sum(t: Term) -> bool:
    """Is it a closed sum over a range with an end?"""
    if t.loose or t.op != "int" or t.args[0].op != "counting":
        return False
    domain = t.args[0].args[0]
    return domain.op == "range" and domain.args[1].op != "oo"


def _sums_binomials(s: Term) -> bool:
    return is_finite_sum(s) and any(t.op == "binomial" for t in subterms(s.body))


def _lower_offset(m: Mono, v: Term) -> int:
    """The constant ``c`` of a factor ``binomial(n, v + c)``; 0 where there is none."""
    for a, _ in m:
        if a.op == "binomial" and v not in free_symbols(a.args[0]):
            c, atoms = affine_parts(a.args[1])
            if atoms == {v: 1}:
                return c
    return 0


def _explicit_sums(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    mapping: dict[Term, Term] = {}
    for s in _closed(terms, is_finite_sum):
        lo, hi = s.args[0].args[0].args
        length, atoms = affine_parts(int_add(int_add(hi, lo, -1), integer(1)))
        if not atoms and length <= MAX_SHIFT:
            summands = [instantiate(s.body, int_add(lo, integer(k))) for k in range(length)]
            mapping[s] = sum(summands[1:], summands[0]) if summands else num(0)
    return mapping, []


def _aligned_sums(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    """Sums whose ends differ by constants, over one range: inside it they are worked out alike."""
    facts = Normaliser(context).facts
    families: dict[object, list[Term]] = {}
    for s in _closed(terms, is_finite_sum):
        lo, hi = s.args[0].args[0].args
        families.setdefault((_top(lo)[0], _top(hi)[0]), []).append(s)
    mapping: dict[Term, Term] = {}
    for family in families.values():
        ranges = [s.args[0].args[0].args for s in family]
        lo = max((r[0] for r in ranges), key=lambda t: affine_parts(t)[0])
        hi = min((r[1] for r in ranges), key=lambda t: affine_parts(t)[0])
        if not facts.holds(le(int_add(lo, integer(1), -1), hi)):
            continue
        for s, (first, last) in zip(family, ranges, strict=True):
            before, after = affine_parts(int_add(lo, first, -1))[0], affine_parts(int_add(last, hi, -1))[0]
            if 0 < before + after <= MAX_SHIFT:
                places = [int_add(first, integer(k)) for k in range(before)]
                places += [int_add(hi, integer(k)) for k in range(1, after + 1)]
                ends = [instantiate(s.body, place) for place in places]
                mapping[s] = sum(ends, rebuild(s, (counting(range_(lo, hi)), s.body)))
    return mapping, []


def _products(context: Context, terms: tuple[Term, ...]) -> Rewriting:
    """Products that differ in a constant of the upper bound, in terms of the shortest; explicit ones written out."""
    families: dict[object, list[tuple[int, Term]]] = {}
    mapping: dict[Term, Term] = {}
    needs: list[Term] = []
    for s in _closed(terms, lambda s: s.op == "prod" and s.args[0].op == "range" and s.args[0].args[1].op != "oo"):
        lo, hi = s.args[0].args
        length, atoms = affine_parts(int_add(int_add(hi, lo, -1), integer(1)))
        if not atoms and length <= MAX_SHIFT:
            factors = [instantiate(s.body, int_add(lo, integer(k))) for k in range(length)]
            mapping[s] = num(1) if not factors else factors[0] if len(factors) == 1 else mul(*factors)
        elif atoms:
            key, c = _top(hi)
            families.setdefault((lo.key, s.body.key, key), []).append((c, s))
    for family in families.values():
        low = min(c for c, _ in family)
        for c, s in family:
            lo, hi = s.args[0].args
            if 0 < c - low <= MAX_SHIFT:
                start = int_add(hi, integer(low - c))
                shorter = make("prod", (range_(lo, start), s.body), None, REAL, s.hint)
                factors = [instantiate(s.body, int_add(start, integer(k))) for k in range(1, c - low + 1)]
                mapping[s] = mul(shorter, *factors)
                needs.append(le(int_add(lo, integer(1), -1), start))
    return mapping, needs


def _falling(n: Term, k: int) -> Term:
    """``n(n−1)…(n−k+1)/k!``; 0 for a negative ``k``."""
    out: Term = num(1) if k >= 0 else num(0)
    for j in range(k):
        out = out * (n - j) / (j + 1) if j else n
    return out


def _pascal(n: Term, k: Term, shift: int) -> Term:
    """``binomial(n + shift, k)`` by Pascal's rule, for ``n >= 0`` and every integer ``k``."""
    parts = [mul(num(comb(shift, j)), binomial(n, int_add(k, integer(-j)))) for j in range(shift + 1)]
    return sum(parts[1:], parts[0])


#: In this order: what one writes the next ones read.
REWRITINGS = (
    _loggamma,
    _explicit_sums,
    _aligned_sums,
    _products,
    _binomial_sums,
    _binomial_families,
    _binomials,
    _shifts,
    _angles,
)
