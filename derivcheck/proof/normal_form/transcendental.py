"""Exponentials, logarithms, absolute values and the other scalar functions."""

from __future__ import annotations

from fractions import Fraction

from derivcheck.language import (
    REAL,
    Term,
    counting,
    lt,
    make,
    num,
)
from derivcheck.proof.normal_form.arithmetic import common_factor, prime_factors
from derivcheck.proof.normal_form.poly import (
    UNIT,
    Lin,
    Poly,
    atom,
    constant,
    mono_power,
    mono_times,
    plus,
    poly_of,
    scaled,
    to_exponent,
    to_term,
)
from derivcheck.proof.normal_form.powers import Powers


class Transcendental(Powers):
    """Scalar functions of polynomials."""

    def exponential(self, p: Poly) -> Poly:
        """``exp`` of a sum is a product of powers; the logarithms in it cancel."""
        p = self.proper(p)
        out = constant(1)
        for m, c in p.items():
            logs = [k for k, (a, e) in enumerate(m) if a.op == "fn" and a.data == "log" and e == UNIT]
            if len(logs) == 1:
                (a, _), rest = m[logs[0]], m[: logs[0]] + m[logs[0] + 1 :]
                exponent = to_exponent({rest: c})
                if exponent is not None:
                    inner = a.args[0]
                    out = self.times(out, self.raised(poly_of(inner), exponent, inner))
                    continue
            # Integer factors become the exponent, the rest is the atom's argument.
            ints = [k for k, (a, e) in enumerate(m) if a.op == "real" and e == UNIT]
            if ints:
                (a, _), rest = m[ints[0]], m[: ints[0]] + m[ints[0] + 1 :]
                exponent = Lin(Fraction(0), ((a.args[0], c),))
                out = self.times(out, atom(make("fn", (to_term({rest: Fraction(1)}),), "exp", REAL), exponent))
            else:
                out = self.times(out, atom(make("fn", (to_term({m: Fraction(1)}),), "exp", REAL), Lin(c)))
        return out

    def logarithm(self, p: Poly, author: Term) -> Poly:
        """``log`` of a product of positive factors is a sum."""
        self.need(lt(0, author))
        if not p:
            return self._undefined("the logarithm of zero")
        if len(p) > 1:
            content, q = self.primitive(p)
            common = tuple((a, e) for a, e in common_factor(q) if self.facts.sign(a) == 1)
            if content > 0:
                # Reduced, so that over the common denominator 1 − a/(a + b) becomes b/(a + b).
                rest = self.reduce({mono_times(m, mono_power(common, Fraction(-1))): c for m, c in q.items()})
                head = self.log_number(content)
                for a, e in common:
                    head = plus(head, self.times(e.poly(), self.log_atom(a)))
                if len(rest) > 1:
                    return plus(head, self.log_atom(to_term(rest)))
                return plus(head, self.logarithm(rest, author))
            return self.log_atom(to_term(p))
        ((m, c),) = p.items()
        positive = [(a, e) for a, e in m if self.facts.sign(a) == 1]
        others = tuple((a, e) for a, e in m if (a, e) not in positive)
        out: Poly = {}
        for a, e in positive:
            out = plus(out, self.times(e.poly(), self.log_atom(a)))
        if not others:
            if c < 0:
                return self._undefined("the logarithm of a negative number")
            return plus(out, self.log_number(c))
        if all(not e.terms and e.const.denominator == 1 and e.const % 2 == 0 for _, e in others) and c > 0:
            # log x² = 2 log |x|
            for a, e in others:
                out = plus(out, self.log_atom(to_term(self.absolute(atom(a), a))), e.const)
            return plus(out, self.log_number(c))
        if len(others) == 1 and c > 0:
            # The whole is positive and everything else in it is: so is this power, and an odd power's base with it.
            (a, e) = others[0]
            if not e.terms and (e.const.denominator > 1 or e.const % 2):
                return plus(plus(out, self.log_number(c)), self.log_atom(a), e.const)
        sign = 1 if c > 0 else -1
        out = plus(out, self.log_number(abs(c)))
        return plus(out, self.log_atom(to_term({others: Fraction(sign)})))

    def log_number(self, c: Fraction) -> Poly:
        out: Poly = {}
        for prime, k in prime_factors(c):
            out = plus(out, atom(make("fn", (num(prime),), "log", REAL)), Fraction(k))
        return out

    def log_atom(self, a: Term) -> Poly:
        if a.op == "fn" and a.data == "exp":
            return poly_of(a.args[0])
        if a.op == "num":
            return self.log_number(a.data)
        if a.op == "prod" and self.facts.sign(a) == 1 and self.facts.every_factor_positive(a):
            return self.nf(make("int", (counting(a.args[0]), make("fn", (a.body,), "log", REAL)), None, REAL, "j"))
        return atom(make("fn", (a,), "log", REAL))

    def absolute(self, p: Poly, author: Term) -> Poly:
        """``|·|`` of a product is a product; a known sign removes it."""
        if not p:
            return {}
        if len(p) > 1:
            s = self.facts.poly_sign(p)
            if s is not None and s >= 0:
                return p
            if s is not None:
                return scaled(p, Fraction(-1))
            content, q = self.primitive(p)
            common = common_factor(q)
            if common:
                rest = self.reduce({mono_times(m, mono_power(common, Fraction(-1))): c for m, c in q.items()})
                return scaled(
                    self.times(self.absolute({common: Fraction(1)}, author), self.absolute(rest, author)),
                    abs(content),
                )
            return scaled(atom(make("fn", (to_term(q),), "abs", REAL)), abs(content))
        ((m, c),) = p.items()
        out = constant(abs(c))
        for a, e in m:
            s = self.facts.sign(a)
            if s is not None and s >= 0:
                out = self.times(out, {((a, e),): Fraction(1)})
            elif s is not None and e.integral:
                out = self.times(out, self.raised(scaled(atom(a), Fraction(-1)), e, a))
            elif not e.terms and e.const.denominator == 1 and e.const % 2 == 0:
                out = self.times(out, {((a, e),): Fraction(1)})
            elif e.integral:
                out = self.times(out, {((make("fn", (a,), "abs", REAL), e),): Fraction(1)})
            else:
                out = self.times(out, {((a, e),): Fraction(1)})  # a fractional power is not negative
        return out

    def scalar(self, name: str, x: Term) -> Poly:
        """A scalar function of an author's term."""
        p = self.nf(x)
        match name:
            case "exp":
                return self.exponential(p)
            case "log":
                return self.logarithm(p, x)
            case "abs":
                return self.absolute(p, x)
            case "tanh":
                # 1 - 2/(1 + e^{2x}): rational in exponentials, so that identities between them are found.
                e2 = self.exponential(scaled(p, Fraction(2)))
                denominator = plus(constant(1), e2)
                inner = (
                    self._sum_power(denominator, Lin(Fraction(-1)))
                    if len(denominator) > 1
                    else self.raised(denominator, Lin(Fraction(-1)), num(1))
                )
                return plus(constant(1), inner, Fraction(-2))
            case "sign":
                s = self.facts.poly_sign(p) if p else 0
                if not p:
                    return {}
                if s in (1, -1):
                    return constant(int(s))
                content, q = self.primitive(p)
                return scaled(atom(make("fn", (to_term(q),), "sign", REAL)), Fraction(1 if content > 0 else -1))
            case "sin" | "cos" | "erf" | "atan":
                if not p:
                    return constant(1) if name == "cos" else {}
                content, q = self.primitive(p)
                argument = to_term(scaled(q, abs(content)))
                value = atom(make("fn", (argument,), name, REAL))
                return value if content > 0 or name == "cos" else scaled(value, Fraction(-1))
        if name in ("gamma", "loggamma"):
            self.need(lt(0, x))
        return atom(make("fn", (to_term(p),), name, REAL))
