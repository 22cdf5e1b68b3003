"""The sign of a term: from its shape, from facts, from linear combinations of facts."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    REAL,
    Term,
    instantiate,
    le,
    lt,
    ne,
    num,
    unfold,
)
from derivcheck.language.terms import domain_of_measure, variable_sort
from derivcheck.proof.normal_form.integrability import Integrability
from derivcheck.proof.normal_form.poly import (
    ONE,
    UNIT,
    Lin,
    Mono,
    Poly,
    Unknown,
    mono_times,
    plus,
    scaled,
)
from derivcheck.proof.normal_form.schemas import is_integer
from derivcheck.proof.normal_form.scopes import Under

if TYPE_CHECKING:
    pass

#: Questions about signs inside questions about signs; a recursion ``f(t+1) = g(f(t))`` could ask of every ``t``.
MAX_NESTING = 8


class Signs(Integrability):
    """Signs of terms and polynomials."""

    def sign(self, t: Term) -> int | float | None:
        """1 (positive), 0.5 (not negative), 0 (zero), -0.5 (not positive), -1 (negative) or None (not known)."""
        self._prepare()
        key = (t, self._by_form)
        for cache in reversed(self._signs):
            if key in cache and cache[key] is not None:
                return cache[key]
        here = self._signs[-1]
        if key in here:
            return here[key]
        if ("sign", t) in self._asking or len(self._asking) > MAX_NESTING:
            self.circles += 1
            return None  # a question that comes back to itself, or for ever to new ones, is not an answer
        before = self.circles
        self._asking.add(("sign", t))
        try:
            s = self._sign(t)
        finally:
            self._asking.discard(("sign", t))
        if s is not None or self.final(before):
            here[key] = s
        return s

    def sign_by_form(self, t: Term) -> int | float | None:
        """The sign as the term is written (a sum of squares, a product of known signs); quick, and never sharpened."""
        outer, self._by_form = self._by_form, True
        try:
            return self.sign(t)
        finally:
            self._by_form = outer

    def final(self, before: int) -> bool:
        """May a negative answer be remembered?  Not if it was cut short inside another question."""
        return self.circles == before or not (self._asking or self._busy)

    def _sign(self, t: Term) -> int | float | None:
        s = self._structural_sign(t)
        if s is not None and abs(s) != 0.5:
            return s
        if self._by_form and t.op not in ("sym", "app", "real"):
            return s
        if t.op in (
            "sym",
            "app",
            "real",
            "add",
            "int",
            "max_over",
            "pow",
            "mul",
            "neg",
            "det",
            "deriv",
            "min_over",
        ):
            try:
                linear = self.poly_sign(self._nf(t), structural=False)
            except Unknown:
                linear = None
            if linear is not None and (s is None or abs(linear) > abs(s)):
                return linear
        return s

    def _structural_sign(self, t: Term) -> int | float | None:
        match t.op:
            case "num":
                return int(t.data > 0) - int(t.data < 0)
            case "pi" | "factorial":
                return 1
            case "binomial" | "ind":
                return 0.5
            case "neg":
                s = self.sign(t.args[0])
                return None if s is None else -s
            case "fn":
                return self._function_sign(t)
            case "mul":
                return product_sign(self.sign(a) for a in t.args)
            case "div":
                b = self.sign(t.args[1])
                if b is None or b == 0 or (abs(b) != 1 and not self.nonzero(t.args[1])):
                    return None
                return product_sign([self.sign(t.args[0]), 1 if b > 0 else -1])
            case "add":
                return sum_sign(self.sign(a) for a in t.args)
            case "pow":
                return self._power_sign(*t.args)
            case "max":
                signs = [self.sign(a) for a in t.args]
                known = [s for s in signs if s is not None]
                if known and max(known) > 0:
                    return max(known)
                return max(known) if len(known) == len(signs) else (0.5 if 0 in known else None)
            case "min":
                signs = [self.sign(a) for a in t.args]
                known = [s for s in signs if s is not None]
                if known and min(known) < 0:
                    return min(known)
                return min(known) if len(known) == len(signs) else (-0.5 if 0 in known else None)
            case "ite":
                a, b = self.sign(t.args[1]), self.sign(t.args[2])
                return join_sign(a, b)
            case "defn":
                return self.sign(unfold(t))
            case "int" | "prod" | "max_over" | "min_over":
                return self._binder_sign(t)
        return None

    def _function_sign(self, t: Term) -> int | float | None:
        name, x = t.data, t.args[0]
        if name in ("exp", "gamma") and (name == "exp" or self.sign(x) == 1):
            return 1
        if name == "abs":
            return 1 if self.nonzero(x) else 0.5
        if name in ("tanh", "atan", "erf", "sign"):
            return self.sign(x)
        if name == "log":
            return self._logarithm_sign(x)
        return None

    def _logarithm_sign(self, x: Term) -> int | float | None:
        one = num(1)
        if self.holds(le(one, x)):
            return 1 if self.holds(lt(one, x)) else (0 if self.holds(le(x, one)) else 0.5)
        if self.holds(lt(num(0), x)) and self.holds(le(x, one)):
            return -1 if self.holds(lt(x, one)) else -0.5
        return None

    def _power_sign(self, a: Term, e: Term) -> int | float | None:
        if e.op == "num" and e.data == 0:
            return 1
        s = self.sign(a)
        if s == 1:
            return 1
        nonzero = (s is not None and abs(s) == 1) or self.nonzero(a)
        if not nonzero and not self.holds(le(num(0), e)):
            return None  # 0 to a negative power has no sign
        if e.op == "num" and e.data.denominator == 1:
            if e.data % 2 == 0:
                return 1 if nonzero else 0.5
            return s if s is None or not nonzero else (1 if s > 0 else -1)
        return 0.5 if s is not None and s >= 0 else None

    def _binder_sign(self, t: Term) -> int | float | None:
        sort, doms = variable_sort(t)
        v = self.n.fresh.symbol(t.hint, sort, doms)
        domain = domain_of_measure(t.args[0]) if t.op == "int" else t.args[0]
        with Under(self.n, v, domain):
            s = self.sign(instantiate(t.body, v))
        if s is None:
            return None
        if t.op == "prod":
            return s if s > 0 else None
        occupied = domain.op == "range" and (domain.args[1].op == "oo" or self.holds(le(*domain.args)))
        if t.op == "int":
            finite = domain.op == "range" and domain.args[1].op != "oo"
            if (finite and occupied) or (abs(s) == 1 and self._not_null(t.args[0])):
                return s
            return 0.5 if s > 0 else (-0.5 if s < 0 else 0)
        return s if occupied else None

    def _not_null(self, measure: Term) -> bool:
        """Is the measure known not to vanish, because an integral against it is known not to?"""
        return any(
            s.conclusion.op == "eq"
            and s.conclusion.args[0].op == "int"
            and s.conclusion.args[0].args[0] == measure
            and s.conclusion.args[1].op == "num"
            and s.conclusion.args[1].data != 0
            and not (s.variables or s.premises)
            for s in self.schemas
        )

    def every_factor_positive(self, t: Term) -> bool:
        """Is each factor of a product known to be positive?"""
        v = self.n.fresh.symbol(t.hint, *variable_sort(t))
        with Under(self.n, v, t.args[0]):
            return self.sign(instantiate(t.body, v)) == 1

    def nonzero(self, t: Term) -> bool:
        """Is the term known not to be zero?"""
        s = self.sign(t)
        if s is not None and abs(s) == 1:
            return True
        if t.op in ("mul",) and all(self.nonzero(a) for a in t.args):
            return True
        if t.op == "div" and self.nonzero(t.args[0]) and self.nonzero(t.args[1]):
            return True
        if t.op == "neg" and self.nonzero(t.args[0]):
            return True
        if t.op == "pow" and is_integer(t.args[1]) and self.nonzero(t.args[0]):
            return True
        if self.known(ne(t, num(0))) or self.known(ne(num(0), t)):
            return True
        try:
            p = self._nf(t)
        except Unknown:
            return False
        if len(p) == 1:
            ((m, _),) = p.items()
            return all(self._atom_nonzero(a, t) for a, _ in m)
        for schema in self.schemas:
            if schema.variables or schema.premises or schema.conclusion.op != "not":
                continue
            q = schema.conclusion.args[0]
            if q.op == "eq" and q.args[0].sort == REAL:
                try:
                    d = plus(self._nf(q.args[0]), self._nf(q.args[1]), Fraction(-1))
                except Unknown:
                    continue
                if d and _proportional(d, p):
                    return True
        return False

    def _atom_nonzero(self, a: Term, whole: Term) -> bool:
        s = self.sign(a)
        if s is not None and abs(s) == 1:
            return True
        return a != whole and (self.known(ne(a, num(0))) or (a.op in ("app", "sym") and self._ne_fact(a)))

    def _ne_fact(self, a: Term) -> bool:
        return self.known(ne(a, num(0)))

    def poly_sign(self, p: Poly, structural: bool = True) -> int | float | None:
        """The sign of a polynomial: by its monomials, else by a linear combination of facts."""
        if not p:
            return 0
        if ONE in p and len(p) == 1:
            return 1 if p[ONE] > 0 else -1
        s = (
            sum_sign(product_sign(((c > 0) - (c < 0), self._mono_sign(m))) for m, c in p.items())
            if structural or len(p) > 1
            else None
        )
        if s is not None and abs(s) == 1:
            return s
        alone = not structural and len(p) == 1
        directions = (1, -1) if alone or self.mentioned(p) else ()
        for direction in directions:
            q = p if direction == 1 else scaled(p, Fraction(-1))
            if self.linear(q, strict=True):
                return direction
        if s is not None:
            return s
        for direction in directions:
            q = p if direction == 1 else scaled(p, Fraction(-1))
            if self.linear(q, strict=False):
                return direction / 2
        cleared = self._without_denominators(p)
        return self.poly_sign(cleared) if cleared is not None else self._square_sign(p)

    def _square_sign(self, p: Poly) -> int | float | None:
        """The sign of ``c (x + h)² + r`` for ``c > 0``, from those of `r` and of ``x + h``."""
        for m, c in p.items():
            if c <= 0 or len(m) != 1 or m[0][1] != Lin(Fraction(2)):
                continue
            x = m[0][0]
            h: Poly = {}
            for n, d in p.items():
                if n != m and (x, UNIT) in n:
                    h = plus(h, {tuple(f for f in n if f != (x, UNIT)): d / (2 * c)})
            if not h or any(x == a for n in h for a, _ in n):
                continue
            base = plus(h, {((x, UNIT),): Fraction(1)})
            rest = self.poly_sign(plus(p, self.n.times(base, base), -c))
            if rest is not None and rest >= 0:
                off = 1 if rest == 1 else self.poly_sign(base)
                return 1 if off is not None and abs(off) == 1 else 0.5
        return None

    def _without_denominators(self, p: Poly) -> Poly | None:
        """`p` times the sums in its denominators that are known to be positive: a polynomial of the same sign."""
        powers: dict[Term, Fraction] = {}
        for m in p:
            for a, e in m:
                if a.op == "add" and not e.terms and e.const <= -1:
                    powers[a] = min(powers.get(a, e.const), e.const)
        if not powers or any(k.denominator != 1 or self.sign(a) != 1 for a, k in powers.items()):
            return None
        factor = tuple(sorted(((a, Lin(-k)) for a, k in powers.items()), key=lambda ae: ae[0].key))
        outer, self.n.conditions = self.n.conditions, []
        try:
            # Reduced below an exponent of 1 first: a whole power of a sum is written out by `settle`.
            out = self.n.reduce({mono_times(m, factor): c for m, c in p.items()})
            return out if out and all(self.holds(c) for c in self.n.conditions) else None
        finally:
            self.n.conditions = outer

    def _mono_sign(self, m: Mono) -> int | float | None:
        return product_sign(self._factor_sign(a, e) for a, e in m)

    def _factor_sign(self, a: Term, e: Lin) -> int | float | None:
        s = self.sign(a)
        if s == 1:
            return 1
        k = e.integer
        if k is not None and k % 2 == 0:
            return 1 if s is not None and abs(s) == 1 else 0.5
        if k is not None:
            return s
        return 0.5 if s is not None and s >= 0 else None


def product_sign(signs: Iterable[int | float | None]) -> int | float | None:
    """The sign of a product; factors after one of unknown sign are not asked for."""
    out: int | float = 1
    for s in signs:
        if s == 0:
            return 0
        if s is None:
            return None
        out = (1 if out * s > 0 else -1) * min(abs(out), abs(s))
    return out


def sum_sign(signs: Iterable[int | float | None]) -> int | float | None:
    """The sign of a sum; summands after one of unknown sign, or after two that pull apart, are not asked for."""
    low: int | float = 0
    high: int | float = 0
    for s in signs:
        if s is None:
            return None
        low, high = min(low, s), max(high, s)
        if low < 0 < high:
            return None
    return high if low == 0 else low


def join_sign(a: int | float | None, b: int | float | None) -> int | float | None:
    if a is None or b is None:
        return None
    if a == b:
        return a
    if a >= 0 and b >= 0:
        return 0.5
    if a <= 0 and b <= 0:
        return -0.5
    return None


def _proportional(p: Poly, q: Poly) -> bool:
    if p.keys() != q.keys():
        return False
    ratios = {p[m] / q[m] for m in p}
    return len(ratios) == 1
