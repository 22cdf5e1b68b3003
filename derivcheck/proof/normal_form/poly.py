"""Laurent polynomials over atoms, with exponents that are affine in integer terms.

The value of a scalar term is ``{monomial: coefficient}``, a monomial being a sorted tuple of (atom, exponent) and an
atom a closed term that the normal form does not take apart.  Nothing here knows what an atom means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from derivcheck.language import INT, REAL, Term, free_symbols, make, num, real, substitute, symbol
from derivcheck.language.constructors import affine, affine_parts
from derivcheck.language.terms import rebuild
from derivcheck.proof.normal_form.names import MARK, is_opened, number


class Unknown(Exception):
    """The normal form gives up (an effort cap, a construct it does not cover); the answer is *unknown*."""


@dataclass(frozen=True, slots=True, eq=False)
class Lin:
    """An exponent: ``const + Σ c·atom`` with rational coefficients over integer atoms."""

    const: Fraction
    terms: tuple[tuple[Term, Fraction], ...] = ()
    #: Monomials are looked up all the time, and to hash a fraction is a modular inversion: it is done once.
    _hash: int = field(init=False, repr=False)
    #: The exponent as a plain integer, if it is one.
    integer: int | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        whole = self.const.numerator if not self.terms and self.const.denominator == 1 else None
        object.__setattr__(self, "integer", whole)
        object.__setattr__(self, "_hash", hash((self.const, self.terms)) if whole is None else hash(whole))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Lin) or self._hash != other._hash:
            return False
        return self.const == other.const and self.terms == other.terms

    def __add__(self, other: Lin) -> Lin:
        if self.integer is not None and other.integer is not None:
            return whole_exponent(self.integer + other.integer)
        if not self.terms and not other.terms:
            return Lin(self.const + other.const)
        out = dict(self.terms)
        for atom, c in other.terms:
            out[atom] = out.get(atom, Fraction(0)) + c
        return Lin(self.const + other.const, _sorted_terms(out))

    def scaled(self, k: Fraction) -> Lin:
        """The exponent times a rational."""
        if k == 0:
            return ZERO_EXP
        if self.integer is not None and k.denominator == 1:
            return whole_exponent(self.integer * k.numerator)
        return Lin(self.const * k, tuple((a, c * k) for a, c in self.terms))

    @property
    def is_zero(self) -> bool:
        return self.integer == 0

    @property
    def integral(self) -> bool:
        """Does it take integer values only?"""
        return self.const.denominator == 1 and all(c.denominator == 1 for _, c in self.terms)

    @property
    def even(self) -> bool:
        """Does it take even integer values only?"""
        return all(c.denominator == 1 and c.numerator % 2 == 0 for c in (self.const, *(c for _, c in self.terms)))

    def term(self) -> Term:
        """The exponent as a real term."""
        return to_term(self.poly())

    def poly(self) -> Poly:
        """The exponent as a polynomial."""
        out: Poly = {ONE: self.const} if self.const else {}
        for atom, c in self.terms:
            out[((real(atom), UNIT),)] = c
        return out


def _sorted_terms(d: dict[Term, Fraction]) -> tuple[tuple[Term, Fraction], ...]:
    return tuple(sorted(((a, c) for a, c in d.items() if c), key=lambda ac: ac[0].key))


@lru_cache(maxsize=1024)
def whole_exponent(k: int) -> Lin:
    """A whole number as an exponent."""
    return Lin(Fraction(k))


Mono = tuple[tuple[Term, Lin], ...]
Poly = dict[Mono, Fraction]

ZERO_EXP = whole_exponent(0)
UNIT = whole_exponent(1)
ONE: Mono = ()


@lru_cache(maxsize=4096)
def whole(k: int) -> Fraction:
    """A whole number as a coefficient; small ones are shared."""
    return Fraction(k)


#: The coefficient of most monomials, and that of those which are not there.
SINGLE, ZERO = whole(1), whole(0)


def product(c: Fraction, d: Fraction) -> Fraction:
    """``c*d``; most coefficients are whole, and a product of fractions is slow."""
    if c is SINGLE:
        return d
    if d is SINGLE:
        return c
    return whole(c.numerator * d.numerator) if c.denominator == 1 == d.denominator else c * d


def total(c: Fraction, d: Fraction) -> Fraction:
    """``c+d``."""
    return whole(c.numerator + d.numerator) if c.denominator == 1 == d.denominator else c + d


def constant(c: int | Fraction) -> Poly:
    """The constant polynomial."""
    return {ONE: whole(c) if isinstance(c, int) else c} if c else {}


def atom(t: Term, exponent: Lin = UNIT) -> Poly:
    """One atom to a power."""
    return {((t, exponent),): SINGLE} if not exponent.is_zero else constant(1)


def plus(p: Poly, q: Poly, factor: Fraction = SINGLE) -> Poly:
    """``p + factor*q``."""
    out = dict(p)
    accumulate(out, q, factor)
    return out


def accumulate(p: Poly, q: Poly, factor: Fraction = SINGLE) -> None:
    """Add ``factor*q`` to `p` in place, which the caller has made and nobody else holds."""
    for m, c in q.items():
        s = product(factor, c)
        old = p.get(m)
        if old is not None:
            s = total(s, old)
        if s:
            p[m] = s
        elif old is not None:
            del p[m]


def scaled(p: Poly, k: Fraction) -> Poly:
    """``k*p``."""
    return {m: product(c, k) for m, c in p.items()} if k else {}


def mono_times(m: Mono, n: Mono) -> Mono:
    """The product of two monomials: exponents of equal atoms add."""
    if not m:
        return n
    if not n:
        return m
    # Both are sorted by their atoms' keys: they are merged.
    out: list[tuple[Term, Lin]] = []
    i = j = 0
    while i < len(m) and j < len(n):
        (a, e), (b, f) = m[i], n[j]
        if a is b or a.key == b.key:
            s = e + f
            if not s.is_zero:
                out.append((a, s))
            i, j = i + 1, j + 1
        elif a.key < b.key:
            out.append(m[i])
            i += 1
        else:
            out.append(n[j])
            j += 1
    return (*out, *m[i:], *n[j:])


def mono_power(m: Mono, k: Fraction) -> Mono:
    """Every exponent times `k`."""
    return tuple((a, e.scaled(k)) for a, e in m) if k else ONE


def from_integer(t: Term) -> Poly:
    """An integer term as a polynomial over the casts of its atoms."""
    const, coefficients = affine_parts(t)
    out = constant(const)
    for a, c in coefficients.items():
        out = plus(out, atom(real(a)), Fraction(c))
    return out


def to_integer(p: Poly) -> Term | None:
    """The inverse of `from_integer`, where `p` is affine with integer coefficients over integer atoms."""
    const, out = 0, {}
    for m, c in p.items():
        if c.denominator != 1:
            return None
        if m == ONE:
            const = int(c)
        elif len(m) == 1 and m[0][1] == UNIT and m[0][0].op == "real":
            out[m[0][0].args[0]] = int(c)
        else:
            return None
    return affine(const, out)


def to_exponent(p: Poly) -> Lin | None:
    """`p` as an exponent, where it is affine over integer atoms."""
    const, out = Fraction(0), {}
    for m, c in p.items():
        if m == ONE:
            const = c
        elif len(m) == 1 and m[0][1] == UNIT and m[0][0].op == "real":
            out[m[0][0].args[0]] = c
        else:
            return None
    return Lin(const, _sorted_terms(out))


# ----------------------------------------------------------------------------------------------- canonical terms

#: Operators whose arguments a canonical term keeps in order of their keys.
COMMUTATIVE = frozenset({"add", "mul", "max", "min", "and", "or", "eq"})


def sorted_node(op: str, args: Iterable[Term], like: Term | None = None) -> Term:
    """A commutative node with its arguments in canonical order."""
    args = sorted(args, key=lambda a: a.key)
    return make(op, args, like.data if like is not None else None, like.sort if like is not None else REAL)


def factor_term(a: Term, e: Lin) -> Term:
    """One factor as a term."""
    return a if e == UNIT else make("pow", (a, e.term()), None, REAL)


def mono_term(m: Mono, c: Fraction = Fraction(1)) -> Term:
    """A monomial as a canonical term."""
    factors = [factor_term(a, e) for a, e in m]
    if c != 1 or not factors:
        factors.append(num(c))
    return factors[0] if len(factors) == 1 else sorted_node("mul", factors)


def to_term(p: Poly) -> Term:
    """A polynomial as a canonical term; equal polynomials give equal terms."""
    if not p:
        return num(0)
    summands = [mono_term(m, c) for m, c in p.items()]
    return summands[0] if len(summands) == 1 else sorted_node("add", summands)


@lru_cache(maxsize=100_000)
def mono_of(t: Term) -> tuple[Mono, Fraction]:
    """The inverse of `mono_term`, for terms that it made."""
    factors = t.args if t.op == "mul" else (t,)
    out, c = ONE, Fraction(1)
    for f in factors:
        if f.op == "num":
            c *= f.data
        elif f.op == "pow" and (e := exponent_of(f.args[1])) is not None:
            out = mono_times(out, ((f.args[0], e),))
        else:
            out = mono_times(out, ((f, UNIT),))
    return out, c


def exponent_of(t: Term) -> Lin | None:
    """Read back an exponent written by `Lin.term`."""
    const = Fraction(0)
    out: dict[Term, Fraction] = {}
    for s in t.args if t.op == "add" else (t,):
        c = Fraction(1)
        rest = []
        for f in s.args if s.op == "mul" else (s,):
            if f.op == "num":
                c *= f.data
            else:
                rest.append(f)
        if not rest:
            const += c
        elif len(rest) == 1 and rest[0].op == "real" and rest[0].args[0].sort == INT:
            offset, coefficients = affine_parts(rest[0].args[0])
            const += c * offset
            for a, k in coefficients.items():
                out[a] = out.get(a, Fraction(0)) + c * k
        else:
            return None
    return Lin(const, _sorted_terms(out))


def leading(p: Poly) -> Mono:
    """The monomial that fixes a sign: the first in an order that does not see the names of opened variables.

    Where two monomials differ in those names only, the one opened first decides.
    """

    def order(m: Mono) -> tuple[bytes, list[int], bytes]:
        t = mono_term(m)
        opened = [s for s in free_symbols(t) if is_opened(s)]
        blind = canonical_order(substitute(t, {s: symbol(MARK, s.sort, s.args) for s in opened}))
        return blind.key, sorted(number(s) for s in opened), t.key

    return min(p, key=order)


@lru_cache(maxsize=200_000)
def canonical_order(t: Term, symmetric: frozenset[Term] = frozenset()) -> Term:
    """Sort commutative arguments, and the two indices of `symmetric` matrices, bottom up, without opening binders."""
    if not t.args or t.op == "sym":
        return t
    args = tuple(canonical_order(a, symmetric) for a in t.args)
    if t.op == "app" and len(args) == 3 and args[0] in symmetric:
        return rebuild(t, (args[0], *sorted(args[1:], key=lambda a: a.key)))
    return sorted_node(t.op, args, t) if t.op in COMMUTATIVE else rebuild(t, args)


def poly_of(t: Term) -> Poly:
    """The inverse of `to_term`, for terms that it made."""
    out: Poly = {}
    for s in t.args if t.op == "add" else (t,):
        m, c = mono_of(s)
        out = plus(out, {m: c} if c else {})
    return out
