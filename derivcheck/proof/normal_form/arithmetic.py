"""Products of polynomials, and what keeps a monomial in its normal range: whole powers, indicators, deltas."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

from derivcheck.language import (
    INT,
    REAL,
    Term,
    make,
    ne,
    num,
)
from derivcheck.proof.normal_form.base import Base
from derivcheck.proof.normal_form.integers import solve_for_symbol
from derivcheck.proof.normal_form.names import put_indices
from derivcheck.proof.normal_form.poly import (
    ONE,
    SINGLE,
    UNIT,
    ZERO_EXP,
    Lin,
    Mono,
    Poly,
    Unknown,
    accumulate,
    atom,
    constant,
    exponent_of,
    leading,
    mono_power,
    mono_times,
    plus,
    poly_of,
    product,
    scaled,
)
from derivcheck.proof.normal_form.scopes import depends

#: The largest number, in bits, that a power of a number may become.
MAX_BITS = 200_000
#: The largest whole power of a sum that is written out.
MAX_EXPANSION = 12
#: Steps of a division of polynomials before the rest is left as it is.
MAX_DIVISIONS = 40


#: The heads of atoms whose powers may be something else.
UNSETTLED = frozenset({"ind", "mul", "num", "add", "fn"})


class Arithmetic(Base):
    """Sums, products and whole powers."""

    def times(self, p: Poly, q: Poly) -> Poly:
        """The product; whole powers of sums are written out, indicators are idempotent."""
        if not p or not q:
            return {}
        self.spend(len(p) * len(q))
        out: Poly = {}
        for m, c in p.items():
            for n, d in q.items():
                mono = mono_times(m, n)
                accumulate(out, self.settle(mono) if m and n else {mono: SINGLE}, product(c, d))
        return out

    def settle(self, m: Mono) -> Poly:
        """A monomial whose exponents may have left their normal range."""
        for k, (a, e) in enumerate(m):
            if a.op not in UNSETTLED:
                continue
            rest = m[:k] + m[k + 1 :]
            if a.op == "ind":
                if e != UNIT:
                    if e.terms or e.const < 0:
                        self.need(a.args[0])
                        return self.settle(rest)
                    return self.settle(mono_times(rest, ((a, UNIT),)))
            elif a.op == "mul" and e.const >= 1 and not e.terms:
                # the whole part of a root of a product, as in sqrt(xy)² = xy
                whole = floor(e.const)
                q = self.settle(mono_times(rest, ((a, Lin(e.const - whole)),) if e.const != whole else ONE))
                return self.times(self.power_of_sum(poly_of(a), whole), q)
            elif a.op == "num":
                p = self.number_power(a.data, e)
                if p != {m[k : k + 1]: Fraction(1)}:
                    return self.times(p, self.settle(rest))
            elif a.op == "add":
                whole = floor(e.const)
                if whole >= 1 and (e.terms or e.const >= 1):
                    left = Lin(e.const - whole, e.terms)
                    p = self.power_of_sum(poly_of(a), whole)
                    q = self.settle(mono_times(rest, ((a, left),) if not left.is_zero else ONE))
                    return self.times(p, q)
            elif a.op == "fn" and a.data in ("abs", "sign") and not e.terms and e.const.denominator == 1:
                low = int(e.const) % 2
                even = e.const - low
                if even:
                    inner = self.nf(a.args[0])
                    if a.data == "sign":
                        self.need(ne(a.args[0], 0))
                        q = constant(1)
                    else:
                        q = self.power(inner, constant(even), a.args[0])
                    return self.times(q, self.settle(mono_times(rest, ((a, UNIT),) if low else ONE)))
            elif a.op == "fn" and a.data == "sin" and not e.terms and e.const.denominator == 1 and e.const >= 2:
                cos = make("fn", a.args, "cos", REAL)
                p = plus(constant(1), atom(cos, Lin(Fraction(2))), Fraction(-1))
                left = Lin(e.const - 2)
                return self.times(p, self.settle(mono_times(rest, ((a, left),) if not left.is_zero else ONE)))
        return self.deltas(m)

    def deltas(self, m: Mono) -> Poly:
        """Use ``[i = k]`` to write the rest of the monomial with one of the two indices."""
        for k, (a, _) in enumerate(m):
            if a.op == "ind" and a.args[0].op == "eq" and a.args[0].args[0].sort == INT:
                solved = solve_for_symbol(a.args[0])
                if solved is None:
                    continue
                sym, value = solved
                rest = m[:k] + m[k + 1 :]
                if not any(depends(f, sym) for f in rest):
                    continue
                replaced = self.rename(rest, {sym: value})
                return self.times({(m[k],): Fraction(1)}, replaced)
        return {m: SINGLE}

    def rename(self, m: Mono, names: dict[Term, Term]) -> Poly:
        """The normal form of a monomial after a substitution of integer symbols."""
        out = constant(1)
        for a, e in m:
            exponent = e
            if e.terms:
                exponent = exponent_of(put_indices(e.term(), names)) or self._bad_exponent()
            renamed = put_indices(a, names)
            out = self.times(out, self.raised(self.nf(renamed), exponent, renamed))
        return out

    def _bad_exponent(self) -> Lin:
        raise Unknown("an exponent that is not affine")

    def power_of_sum(self, p: Poly, k: int) -> Poly:
        if k > MAX_EXPANSION and len(p) > 1:
            raise Unknown(f"the power {k} of a sum")
        out = constant(1)
        for _ in range(k):
            out = self.times(out, p)
        return out

    def number_power(self, base: Fraction, e: Lin) -> Poly:
        """``base**e`` for a rational base: whole powers are carried out, primes carry the rest."""
        if base == 0:
            if not e.terms:
                return constant(0) if e.const > 0 else self._undefined("a power of zero")
            raise Unknown("a power of zero with a symbolic exponent")
        if not e.terms and e.const.denominator == 1:
            digits = max(abs(base.numerator), base.denominator).bit_length()
            if abs(e.const) * digits > MAX_BITS:
                raise Unknown("an enormous power")
            return constant(base ** int(e.const))
        if base < 0:
            if not e.integral:
                return self._undefined("a fractional power of a negative number")
            parity = Lin(Fraction(int(e.const) % 2), tuple((a, c) for a, c in e.terms if int(c) % 2))
            parity = Lin(parity.const, tuple((a, Fraction(1)) for a, _ in parity.terms))
            sign = constant(-1 if parity.const else 1)
            if parity.terms:
                sign = scaled(atom(num(-1), Lin(Fraction(0), parity.terms)), sign[ONE])
            return self.times(sign, self.number_power(-base, e)) if base != -1 else sign
        if base == 1:
            return constant(1)
        out: Poly = constant(1)
        for prime, k in prime_factors(base):
            exponent = e.scaled(Fraction(k))
            whole = floor(exponent.const)
            left = Lin(exponent.const - whole, exponent.terms)
            mono: Mono = ((num(prime), left),) if not left.is_zero else ONE
            factor: Poly = {mono: Fraction(prime) ** whole}
            merged: Poly = {}
            for m, c in out.items():
                for n, d in factor.items():
                    accumulate(merged, {mono_times(m, n): c * d})
            out = merged
        return out

    def proper(self, p: Poly) -> Poly:
        """Fractions with smaller numerators: ``x/(1+x)`` as ``1 − 1/(1+x)``, as far as `MAX_DIVISIONS` steps go."""
        for _ in range(MAX_DIVISIONS):
            found = next(((m, *d) for m in p if (d := _division(m)) is not None), None)
            if found is None:
                break
            m, lead, quotient, divisor = found
            # lead/Q = (1 − rest/Q)/c with Q = c·lead + rest
            rest = {x: d for x, d in divisor.items() if x != lead}
            without = dict(p)
            c = without.pop(m) / divisor[lead]
            outer = mono_times(m, mono_power(lead, Fraction(-1)))
            p = plus(without, self.settle(mono_times(outer, ((quotient, UNIT),))), c)
            p = plus(p, self.times({outer: SINGLE}, rest), -c)
        return p

    def reduce(self, p: Poly) -> Poly:
        """Settle every monomial once more."""
        out: Poly = {}
        for m, c in p.items():
            accumulate(out, self.settle(m), c)
        return out

    def primitive(self, p: Poly) -> tuple[Fraction, Poly]:
        """``(content, q)`` with ``p = content·q``: `q` has coprime whole coefficients and a canonical sign.

        The sign is the one that makes `q` positive where that is known, else that of the first monomial.
        """
        g = Fraction(gcd(*(c.numerator for c in p.values())), lcm(*(c.denominator for c in p.values())))
        q = {m: c / g for m, c in p.items()}
        sign = self.facts.poly_sign(q)
        if sign is None or sign == 0:
            first = leading(q)
            flip = q[first] < 0
        else:
            flip = sign < 0
        return (-g, scaled(q, Fraction(-1))) if flip else (g, q)


def _division(m: Mono) -> tuple[Mono, Term, Poly] | None:
    """A sum ``Q`` below in the monomial whose leading monomial stands above: that, ``Q`` as an atom and as a sum."""
    exponents = dict(m)
    for a, e in m:
        if a.op != "add" or (e.integer or 0) >= 0:
            continue
        divisor = poly_of(a)
        if any((k.integer or -1) < 0 for x in divisor for _, k in x):
            continue
        lead = max(divisor, key=lambda x: (sum(k.const for _, k in x), [(b.key, k.const) for b, k in reversed(x)]))
        if lead != ONE and all(b in exponents and (exponents[b].integer or 0) >= k.const for b, k in lead):
            return lead, a, divisor
    return None


def floor(x: Fraction) -> int:
    return x.numerator // x.denominator


def common_factor(p: Poly) -> Mono:
    """The monomial to pull out of a sum: what stands in every monomial, and every negative power in any."""
    every = [dict(m) for m in p]
    common: dict[Term, Lin] = {}
    for a in {a for exponents in every for a in exponents}:
        powers = [exponents.get(a, ZERO_EXP) for exponents in every]
        if len({e.terms for e in powers}) == 1:
            lowest = min(powers, key=lambda e: e.const)
            shared = lowest.const >= 0 or lowest.terms or any(e.const < 0 for e in powers)
            if shared and not lowest.is_zero:
                common[a] = lowest
    return tuple(sorted(common.items(), key=lambda ae: ae[0].key))


def prime_factors(c: Fraction) -> list[tuple[int, int]]:
    """The prime factors of a positive rational with their exponents; large cofactors stay whole."""
    out: dict[int, int] = {}
    for n, s in ((c.numerator, 1), (c.denominator, -1)):
        d = 2
        while d * d <= n and d < 1000:
            while n % d == 0:
                out[d] = out.get(d, 0) + s
                n //= d
            d += 1
        if n > 1:
            out[n] = out.get(n, 0) + s
    return [(p, k) for p, k in sorted(out.items()) if k]
