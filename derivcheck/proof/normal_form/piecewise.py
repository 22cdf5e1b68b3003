"""Absolute values, extremes and comparisons of reals in one language, for the zero test.

With ``s = sign(q)``: ``|q| = q·s``, ``max(a, b) = b + (a − b)·[0 <= a − b]``, ``[q = 0] = 1 − s²`` and
``[0 <= q] = 1 + (s − s²)/2``; then ``s³ = s`` and ``q·s² = q``.  So ``relu(x) − relu(−x) = x`` and
``x·[x > 0] = relu(x)`` become identities of polynomials, also inside scalar functions, powers and sums.  The normal
form itself keeps the extremes, whose signs are easier to see.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from derivcheck.language import INT, REAL, Term, domain_of_measure, eq, instantiate, integer, le, make, subterms
from derivcheck.language.constructors import affine, affine_parts, int_add
from derivcheck.language.terms import variable_sort
from derivcheck.proof.normal_form.integrals import integrate
from derivcheck.proof.normal_form.labelling import is_contraction, open_contraction
from derivcheck.proof.normal_form.poly import (
    ONE,
    UNIT,
    Lin,
    Mono,
    Poly,
    atom,
    constant,
    mono_power,
    mono_times,
    plus,
    poly_of,
    scaled,
    to_term,
)
from derivcheck.proof.normal_form.scopes import Under

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser

#: Uses of ``q·s² = q`` before the rest is left as it is.
MAX_ELIMINATIONS = 200

#: The largest constant in an integer comparison that is written as deltas.
MAX_SHIFT = 8

#: The internal name of the sign function; it obeys no rule but those of this file.
_SIGN = "sgn"


def lowered(n: Normaliser, p: Poly) -> Poly:
    """`p` with extremes, absolute values and real comparisons written through signs; `p` itself if it has none."""
    out: Poly = {}
    changed = False
    for m, c in p.items():
        value = constant(1)
        for a, e in m:
            factor = _lowered_atom(n, a, e)
            if factor is None and _hides_an_extreme(a):
                factor = _lowered_within(n, a, e)
            changed = changed or factor is not None
            value = n.times(value, {((a, e),): Fraction(1)} if factor is None else factor)
        out = plus(out, value, c)
    return _reduced(n, out) if changed else p


def _lowered_atom(n: Normaliser, a: Term, e: Lin) -> Poly | None:
    if a.op in ("max", "min"):
        return n.raised(_reduced(n, _lowered_extreme(n, a)), e, a)
    k = e.integer
    if k is None:
        return None
    if a.op == "fn" and a.data == "abs":
        q = _inner(n, a.args[0])
        return n.times(n.raised(q, e, a.args[0]), _power(n, sign(n, q), abs(k)))
    if k < 1:
        return None
    value: Poly
    if a.op == "fn" and a.data == "sign":
        value = sign(n, _inner(n, a.args[0]))
    elif a.op == "ind" and a.args[0].op in ("le", "eq") and a.args[0].args[1].sort == REAL:
        low, high = (_inner(n, x) for x in a.args[0].args)
        d = plus(high, low, Fraction(-1))
        s = sign(n, d)
        value = _at_least_zero(n, d) if a.args[0].op == "le" else plus(constant(1), n.times(s, s), Fraction(-1))
        k = 1
    elif a.op == "ind" and a.args[0].op == "le" and a.args[0].args[1].sort == INT:
        return _integer_order(n, a.args[0])
    else:
        return None
    return _power(n, value, k)


def _lowered_extreme(n: Normaliser, a: Term) -> Poly:
    """``max(a, b) = b + (a − b)·[0 <= a − b]``, and the same with ``b − a`` for the minimum."""
    value, *rest = (_inner(n, x) for x in a.args)
    for q in rest:
        d = plus(value, q, Fraction(-1))
        value = plus(q, n.times(d, _at_least_zero(n, d if a.op == "max" else scaled(d, Fraction(-1)))))
    return value


def _inner(n: Normaliser, x: Term) -> Poly:
    """The argument of an atom, lowered."""
    return lowered(n, poly_of(x))


def _is_extreme(t: Term) -> bool:
    if t.op in ("max", "min"):
        return True
    if t.op == "fn":
        return t.data in ("abs", "sign")
    return t.op == "ind" and t.args[0].op in ("le", "eq") and t.args[0].args[1].sort == REAL


@lru_cache(maxsize=50_000)
def _hides_an_extreme(a: Term) -> bool:
    """Does something below the head of the atom stand to be lowered?"""
    return any(_is_extreme(s) for s in subterms(a))


def _lowered_within(n: Normaliser, a: Term, e: Lin) -> Poly | None:
    """A scalar function, a power of a sum, a finite sum or an integral, with what is inside lowered; else None."""
    if a.op == "fn" and a.data != _SIGN:
        q = _inner(n, a.args[0])
        value = (
            n.exponential(q)
            if a.data == "exp"
            else n.logarithm(q, a.args[0])
            if a.data == "log"
            else atom(make("fn", (to_term(q),), a.data, REAL))
        )
    elif a.op == "add":
        value = _inner(n, a)
    elif is_contraction(a) and a.args[0].args[0].args[1].op != "oo":
        variables, body = open_contraction(a, n.fresh)
        with n.scoped(variables):
            q = lowered(n, n.nf(body))
        value = n.summed(variables, q)
    elif a.op == "int" and a.args[0].op != "counting":
        v = n.fresh.symbol(a.hint, *variable_sort(a))
        with Under(n, v, domain_of_measure(a.args[0])):
            q = lowered(n, n.nf(instantiate(a.body, v)))
        value = integrate(n, a.args[0], v, q, a.hint)
    else:
        return None
    return value if e == UNIT else n.raised(value, e, a)


def _integer_order(n: Normaliser, p: Term) -> Poly | None:
    """``[0 <= d + c]`` through ``[0 <= d]`` and deltas, with one sign of `d`; None where it is so already."""
    low, high = p.args
    c, coefficients = affine_parts(int_add(high, low, -1))
    if not coefficients or abs(c) > MAX_SHIFT:
        return None
    flip = coefficients[min(coefficients, key=lambda x: x.key)] < 0
    if not flip and not c:
        return None
    if flip:
        # [0 <= d] = 1 - [0 <= -d - 1]
        c, coefficients = -c - 1, {x: -k for x, k in coefficients.items()}
    d = affine(0, coefficients)
    value = n.indicator(le(integer(0), d))
    for k in range(1, c + 1) if c > 0 else range(c + 1, 1):
        value = plus(value, n.indicator(eq(d, integer(-k))), Fraction(1 if c > 0 else -1))
    return plus(constant(1), value, Fraction(-1)) if flip else value


def _power(n: Normaliser, p: Poly, k: int) -> Poly:
    return n.power_of_sum(p, k) if k != 1 else p


def _at_least_zero(n: Normaliser, q: Poly) -> Poly:
    s = sign(n, q)
    return plus(plus(constant(1), s, Fraction(1, 2)), n.times(s, s), Fraction(-1, 2))


def sign(n: Normaliser, q: Poly) -> Poly:
    """The sign of a polynomial: of its factors where it is a product, else one atom for `q` and its multiples."""
    if not q:
        return {}
    known = n.facts.poly_sign(q)
    if known in (1, 0, -1):
        return constant(int(known))
    content, primitive = n.primitive(q)
    out = constant(1 if content > 0 else -1)
    common = dict(next(iter(primitive)))
    for m in primitive:
        exponents = dict(m)
        common = {
            a: min(e, exponents[a], key=lambda x: x.const)
            for a, e in common.items()
            if a in exponents and not e.terms and not exponents[a].terms and e.integer is not None
        }
    mono = tuple(sorted(common.items(), key=lambda ae: ae[0].key))
    for a, e in mono:
        k = abs(e.integer or 0)
        if n.facts.sign(a) != 1 and k:
            out = n.times(out, atom(_sign_atom(a), Lin(Fraction(2 if k % 2 == 0 else 1))))
    rest = {mono_times(m, mono_power(mono, Fraction(-1))): c for m, c in primitive.items()}
    if rest.keys() != {ONE}:
        out = n.times(out, atom(_sign_atom(to_term(rest))))
    return out


def _sign_atom(q: Term) -> Term:
    return make("fn", (q,), _SIGN, REAL)


def _reduced(n: Normaliser, p: Poly) -> Poly:
    """``s³ = s`` and ``q·s² = q`` as long as they apply."""
    out: Poly = {}
    todo = list(p.items())
    steps = 0
    while todo:
        m, c = todo.pop()
        low = tuple((a, _low(e)) if a.op == "fn" and a.data == _SIGN else (a, e) for a, e in m)
        replaced = _absorbed(n, low) if steps < MAX_ELIMINATIONS else None
        if replaced is None:
            out = plus(out, {low: c})
        else:
            steps += 1
            todo.extend(scaled(replaced, c).items())
    return out


def _low(e: Lin) -> Lin:
    k = e.integer
    return e if k is None or k <= 2 else Lin(Fraction(2 - k % 2))


def _divides(y: Lin, e: Lin) -> bool:
    """Is ``b^y`` plainly a factor of ``b^e``?"""
    return y == e or (y.terms == e.terms and 0 < y.const <= e.const)


def _absorbed(n: Normaliser, m: Mono) -> Poly | None:
    """``s²`` of a factor that is there goes; of a sum, the sum's leading monomial is written through the rest."""
    for k, (a, e) in enumerate(m):
        if not (a.op == "fn" and a.data == _SIGN and e == Lin(Fraction(2))):
            continue
        without = m[:k] + m[k + 1 :]
        q = poly_of(a.args[0])
        if not q:
            return {}  # the sign of zero
        lead = max(q, key=lambda x: (sum(y.const for _, y in x), [(b.key, y.const) for b, y in reversed(x)]))
        if lead == ONE:
            continue
        exponents = dict(without)
        if not all(b in exponents and _divides(y, exponents[b]) for b, y in lead):
            continue
        cofactor = mono_times(without, mono_power(lead, Fraction(-1)))
        # lead·s² = (q − (q − lead)·s²)/c, with c the coefficient of the leading monomial
        rest = {x: d for x, d in q.items() if x != lead}
        value = plus(q, n.times(rest, {((a, e),): Fraction(1)}), Fraction(-1))
        return scaled(n.times({cofactor: Fraction(1)}, value), 1 / q[lead])
    return None
