"""Indicators, cases, and the largest or smallest of finitely many numbers."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

from derivcheck.language import (
    INT,
    REAL,
    Term,
    false,
    le,
    make,
    not_,
    num,
    real,
    true,
)
from derivcheck.proof.normal_form.arithmetic import common_factor
from derivcheck.proof.normal_form.integers import as_integer
from derivcheck.proof.normal_form.poly import (
    ONE,
    ZERO,
    Poly,
    constant,
    leading,
    mono_power,
    mono_times,
    plus,
    scaled,
    sorted_node,
    to_integer,
    to_term,
    whole,
)
from derivcheck.proof.normal_form.transcendental import Transcendental


class Indicators(Transcendental):
    """What depends on whether a proposition holds."""

    def indicator(self, p: Term) -> Poly:
        """``[p]`` as 0, 1, or a polynomial in canonical indicators."""
        if p.op == "true" or self.facts.holds(p):
            return constant(1)
        if p.op == "false" or self.facts.refuted(p):
            return {}
        match p.op:
            case "and":
                out = constant(1)
                for q in p.args:
                    out = self.times(out, self.indicator(q))
                return out
            case "or":
                out = constant(1)
                for q in p.args:
                    out = self.times(out, plus(constant(1), self.indicator(q), Fraction(-1)))
                return plus(constant(1), out, Fraction(-1))
            case "not":
                return plus(constant(1), self.indicator(p.args[0]), Fraction(-1))
            case "implies":
                return self.indicator(make("or", (not_(p.args[0]), p.args[1]), None, p.sort))
            case "lt":
                # a < b is not (b <= a): one kind of comparison is enough.
                a, b = p.args
                return plus(constant(1), self.indicator(le(b, a)), Fraction(-1))
        p = self.comparison(p)
        if p in (true, false):
            return constant(1 if p == true else 0)
        return self.rewrite(make("ind", (p,), None, REAL))

    def comparison(self, p: Term) -> Term:
        """A canonical atomic proposition."""
        if p.op in ("eq", "le") and p.args[0].sort in (INT, REAL):
            a, b = (real(x) if x.sort == INT else x for x in p.args)
            diff = plus(self.nf(b), self.nf(a), Fraction(-1))
            if not diff:
                return true
            g = Fraction(gcd(*(c.numerator for c in diff.values())), lcm(*(c.denominator for c in diff.values())))
            diff = {m: c / g for m, c in diff.items()}
            # reals that are whole numbers are compared as such: 1/2 <= n is 1 <= n
            integral = p.args[0].sort == INT or to_integer(diff) is not None
            if integral:
                # 2m = 1 has no solution in integers, and 0 <= 2m + 1 is 0 <= m
                step = gcd(*(c.numerator for m, c in diff.items() if m != ONE))
                if step > 1 and p.op == "eq":
                    return false
                if step > 1:
                    low = whole(diff.get(ONE, ZERO).numerator // step)
                    diff = {m: c / step for m, c in diff.items() if m != ONE} | ({ONE: low} if low else {})
            if p.op == "eq":
                first = leading(diff)
                if diff[first] < 0:
                    diff = scaled(diff, Fraction(-1))
                if integral:
                    positive = {m: c for m, c in diff.items() if c > 0}
                    negative = {m: -c for m, c in diff.items() if c < 0}
                    return sorted_node("eq", (as_integer(positive), as_integer(negative)), p)
                return make("eq", (num(0), to_term(diff)), None, p.sort)
            if integral:
                return make("le", (make("aff", (), (0,), INT), as_integer(diff)), None, p.sort)
            return make("le", (num(0), to_term(diff)), None, p.sort)
        return p

    def cases(self, t: Term) -> Poly:
        """``if p then a else b`` as ``[p]·a + (1 − [p])·b``; a branch's conditions are asked only where it is taken."""
        p, a, b = t.args
        chosen = self.indicator(p)
        if chosen == constant(1):
            return self.nf(a)
        if not chosen:
            return self.nf(b)
        out: Poly = {}
        for weight, branch, where in (
            (chosen, a, p),
            (plus(constant(1), chosen, Fraction(-1)), b, not_(p)),
        ):
            outer, self.conditions = self.conditions, []
            try:
                value = self.nf(branch)
            finally:
                inner, self.conditions = self.conditions, outer
                for c in inner:
                    self.need(make("implies", (where, c), None, c.sort))
            out = plus(out, self.times(weight, value))
        return out

    def extreme(self, t: Term) -> Poly:
        """``max`` and ``min`` as an atom over distinct canonical arguments, dominated ones removed."""
        ps: list[Poly] = []
        for a in t.args:
            p = self.nf(a)
            if p not in ps:
                ps.append(p)
        kept = list(ps)
        for p in ps:
            for q in kept:
                if p is q or p not in kept:
                    continue
                s = self.facts.poly_sign(plus(q, p, Fraction(-1)))
                if s is not None and (s >= 0 if t.op == "max" else s <= 0):
                    kept.remove(p)
                    break
        if len(kept) == 1:
            return kept[0]
        if len(kept) == 2 and not plus(kept[0], kept[1]):
            # max(a, -a) = |a|
            value = self.absolute(kept[0], to_term(kept[0]))
            return value if t.op == "max" else scaled(value, Fraction(-1))
        # max(a + c, b + c) = max(a, b) + c, and a factor that is not negative leaves
        common = {m: c for m, c in kept[0].items() if all(q.get(m) == c for q in kept[1:])}
        kept = [plus(q, common, Fraction(-1)) for q in kept]
        terms = [mc for q in kept for mc in q.items()]
        g = Fraction(gcd(*(c.numerator for _, c in terms)), lcm(*(c.denominator for _, c in terms)))
        shared = common_factor({m: Fraction(1) for m, _ in terms})
        factor = tuple((a, e) for a, e in shared if (self.facts.sign(a) or -1) > 0)
        inverse = mono_power(factor, Fraction(-1))
        kept = [self.reduce({mono_times(m, inverse): c / g for m, c in q.items()}) for q in kept]
        if t.op == "min":
            # min(a, b) = -max(-a, -b): one kind of extreme is enough
            kept, g = [scaled(q, Fraction(-1)) for q in kept], -g
        value = self.rewrite(sorted_node("max", map(to_term, kept)))
        return plus(common, self.times({factor: g}, value))
