"""Powers with whole, fractional and symbolic exponents, with the conditions under which they split."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from derivcheck.language import (
    REAL,
    Term,
    eq,
    integer,
    le,
    lt,
    make,
    ne,
)
from derivcheck.proof.normal_form.arithmetic import Arithmetic, common_factor, floor
from derivcheck.proof.normal_form.integers import as_integer
from derivcheck.proof.normal_form.poly import (
    ONE,
    UNIT,
    Lin,
    Mono,
    Poly,
    Unknown,
    atom,
    constant,
    mono_power,
    mono_times,
    plus,
    scaled,
    to_exponent,
    to_term,
)


class Powers(Arithmetic):
    """Powers of polynomials."""

    def power(self, base: Poly, exponent: Poly, author_base: Term) -> Poly:
        """``base**exponent``; `author_base` is the base as it was written, for conditions."""
        e = to_exponent(exponent)
        if e is None:
            # x**y with a real exponent is exp(y log x), for a positive base.
            self.need(lt(0, author_base))
            return self.exponential(self.times(exponent, self.logarithm(base, author_base)))
        return self.raised(base, e, author_base)

    def raised(self, base: Poly, e: Lin, author_base: Term) -> Poly:
        """``base**e`` for an affine exponent."""
        if e.is_zero:
            return constant(1)
        if e == UNIT:
            return base
        k = e.integer
        if not base:
            if k is not None and k > 0:
                return {}
            if e.terms and self.facts.holds(lt(0, e.term())):
                return {}
            if e.terms and e.integral:
                whole = as_integer(e.poly())
                if self.facts.holds(le(integer(1), whole)):
                    return {}
                if self.facts.holds(le(integer(0), whole)):
                    return self.indicator(eq(integer(0), whole))  # 0**0 is one
            self.need(lt(0, e.term()))
            return {}
        if k is not None and k > 0:
            if len(base) == 1:
                ((m, c),) = base.items()
                return self.times(self.number_power(c, e), self.settle(mono_power(m, Fraction(k))))
            return self.power_of_sum(base, k)
        if k is None or k < 0:
            if k is not None:
                self.need(ne(author_base, 0))
            elif not e.integral:
                if e.const > 0 and not e.terms:
                    self.need(le(0, author_base))
                else:
                    self.need(lt(0, author_base))
            elif not self.facts.holds(le(0, e.term())):
                self.need(ne(author_base, 0))
        if len(base) == 1:
            ((m, c),) = base.items()
            return self._mono_power(m, c, e)
        return self._sum_power(base, e)

    def _mono_power(self, m: Mono, c: Fraction, e: Lin) -> Poly:
        if e.integral:
            out = self.number_power(c, e)
            for a, k in m:
                if not k.terms:
                    out = self.times(out, self.settle(((a, e.scaled(k.const)),)))
                elif not e.terms:
                    out = self.times(out, self.settle(((a, k.scaled(e.const)),)))
                else:
                    raise Unknown("a product of two symbolic exponents")
            return out
        # A fractional power: factors known to be non-negative leave; even powers leave as absolute values.
        out = constant(1)
        kept: Mono = ONE
        sign = 1 if c > 0 else -1
        for a, k in m:
            if e.terms and k.terms:
                raise Unknown("a product of two symbolic exponents")
            whole = e.scaled(k.const) if not k.terms else k.scaled(e.const)
            s = self.facts.sign(a)
            if s is not None and s >= 0:
                out = self.times(out, self.settle(((a, whole),)))
            elif k.even:
                out = self.times(out, self.raised(self.absolute(atom(a), a), whole, make("fn", (a,), "abs", REAL)))
            elif s is not None and s < 0 and k.integer is not None and k.integer % 2:
                sign = -sign
                negative = to_term({((a, UNIT),): Fraction(-1)})
                out = self.times(out, self.settle(((negative, whole),)))
            else:
                kept = mono_times(kept, ((a, k),))
        if kept == ONE:
            if sign < 0:
                return self._undefined("a fractional power of a negative number")
            return self.times(out, self.number_power(abs(c), e))
        if len(kept) == 1 and sign > 0 and kept[0][1] == UNIT:
            return self.times(self.times(out, self.number_power(abs(c), e)), {((kept[0][0], e),): Fraction(1)})
        inner = to_term({kept: Fraction(sign)})
        return self.times(self.times(out, self.number_power(abs(c), e)), {((inner, e),): Fraction(1)})

    def _sum_power(self, base: Poly, e: Lin) -> Poly:
        """A power of a sum: a canonical multiple of it becomes an atom."""
        content, primitive = self.primitive(base)
        if not e.integral and content > 0 and (root := square_root(primitive)) is not None:
            # (q²)^e = |q|^{2e}
            size = self.absolute(root, to_term(root))
            return self.times(self.number_power(content, e), self.raised(size, e.scaled(Fraction(2)), to_term(size)))
        common = self._extractable(common_factor(primitive), e)
        if common:
            rest = {mono_times(m, mono_power(common, Fraction(-1))): c for m, c in primitive.items()}
            head = self._mono_power(common, Fraction(1), e)
            rest = self.reduce(rest)
            tail = self._sum_power(rest, e) if len(rest) > 1 else self._mono_power(*next(iter(rest.items())), e)
            return self.times(self.times(self.number_power(content, e), head), tail)
        if len(primitive) == 1:
            ((m, c),) = primitive.items()
            return self._mono_power(m, c * content, e)
        if content < 0 and not e.integral:
            content, primitive = -content, scaled(primitive, Fraction(-1))
        whole = floor(e.const) if (e.terms or e.const >= 1) else 0
        inner = to_term(primitive)
        if whole >= 1:
            left = Lin(e.const - whole, e.terms)
            out = self.power_of_sum(primitive, whole)
            out = self.times(out, {((inner, left),): Fraction(1)} if not left.is_zero else constant(1))
        else:
            out = {((inner, e),): Fraction(1)}
        return self.times(self.number_power(content, e), out)

    def _extractable(self, common: Mono, e: Lin) -> Mono:
        """The part of a common factor that may leave a power: of a fractional one, what is not negative."""
        if e.integral:
            return common
        out: Mono = ONE
        for a, k in common:
            s = self.facts.sign(a)
            if s is not None and s >= 0:
                out = mono_times(out, ((a, k),))
            elif not k.terms and k.const.denominator == 1 and abs(k.const) >= 2:
                out = mono_times(out, ((a, Lin(2 * Fraction(int(k.const / 2)))),))
        return out


def square_root(p: Poly) -> Poly | None:
    """A polynomial whose square is `p`, found from the leading monomials down; None if there is none."""

    def order(m: Mono) -> tuple[Fraction, list[tuple[bytes, Fraction]]]:
        return sum((e.const for _, e in m), Fraction(0)), [(a.key, e.const) for a, e in reversed(m)]

    if any(e.integer is None for m in p for _, e in m):
        return None
    lead = max(p, key=order)
    c = p[lead]
    top, bottom = isqrt(abs(c.numerator)), isqrt(c.denominator)
    if Fraction(top, bottom) ** 2 != c or any(e.const % 2 for _, e in lead):
        return None
    first = mono_power(lead, Fraction(1, 2))
    root: Poly = {first: Fraction(top, bottom)}
    rest = plus(p, {lead: c}, Fraction(-1))
    while rest:
        if len(root) > len(p):
            return None
        m = max(rest, key=order)
        step = mono_times(m, mono_power(first, Fraction(-1)))
        d = rest[m] / (2 * root[first])
        if step in root:
            return None
        # (root + s)² = root² + 2·root·s + s²
        for r, x in root.items():
            rest = plus(rest, {mono_times(r, step): Fraction(1)}, -2 * x * d)
        rest = plus(rest, {mono_times(step, step): Fraction(1)}, -d * d)
        root[step] = d
    return root
