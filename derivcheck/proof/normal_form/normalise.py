"""The normal form: from a term to a Laurent polynomial over canonical atoms.

A `Normaliser` works in a Context (plus equations that a step cites).  It records every condition under which what it did
is right; `conditions` are propositions of the author's own terms, and `Facts.holds` discharges them where it can.
Two terms with one normal form are equal wherever both are defined and the conditions hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from derivcheck.language import (
    BINDERS,
    INT,
    REAL,
    Context,
    Sum,
    Term,
    abstract,
    domains,
    false,
    free_symbols,
    instantiate,
    le,
    lt,
    make,
    ne,
    not_,
    num,
    predicate,
    real,
    substitute,
    true,
    unfold,
)
from derivcheck.language.terms import rebuild, variable_sort
from derivcheck.proof.normal_form import sums
from derivcheck.proof.normal_form.arrays import entry
from derivcheck.proof.normal_form.calculus import Differentiator
from derivcheck.proof.normal_form.facts import Facts
from derivcheck.proof.normal_form.labelling import canonical, resort
from derivcheck.proof.normal_form.names import Supply, put_indices
from derivcheck.proof.normal_form.piecewise import lowered
from derivcheck.proof.normal_form.poly import (
    ONE,
    UNIT,
    ZERO_EXP,
    Lin,
    Mono,
    Poly,
    Unknown,
    atom,
    constant,
    exponent_of,
    from_integer,
    leading,
    mono_power,
    mono_times,
    plus,
    poly_of,
    scaled,
    sorted_node,
    to_exponent,
    to_term,
)

#: Monomial products before the normal form gives up; a deterministic bound on work.
MAX_EFFORT = 400_000
#: Nested calls before it gives up, well within the interpreter's stack.
MAX_DEPTH = 60
#: The largest whole power of a sum that is written out.
MAX_EXPANSION = 12


@dataclass(frozen=True, slots=True)
class Equation:
    """A cited equation: rewrites its left side to its right side."""

    statement: Term


class Normaliser:
    """Computes normal forms in a Context.

    Parameters
    ----------
    context : Context
        Its facts may be used: equations whose left side is an atom rewrite it, comparisons discharge conditions.
    extra : iterable of Term
        Further propositions known here (the cited equations of a step).
    """

    def __init__(self, context: Context, extra: Iterable[Term] = ()) -> None:
        self.context = context
        self.fresh = Supply()
        self.effort = 0
        self._depth = 0
        self.conditions: list[Term] = []
        self.symmetric: frozenset[Term] = frozenset(
            d.symbol for d in context.declarations if d.symbol is not None and d.property("symmetric") is not None
        )
        #: Per inverted matrix: how its entries split (see `inverses`).
        self.leading_parts: dict[Term, tuple[Poly, Mono, Poly] | None] = {}
        self._written: dict[Term, Term] = {}
        self._memo: dict[Term, tuple[Poly, tuple[Term, ...]]] = {}
        self.facts = Facts(self, (*context.propositions(), *extra))

    # ------------------------------------------------------------------------------------------------ bookkeeping

    def spend(self, amount: int = 1) -> None:
        self.effort += amount
        if self.effort > MAX_EFFORT:
            raise Unknown("the normal form grew too large")

    def need(self, condition: Term) -> None:
        """Record a condition, unless it is one already or plainly true."""
        if condition != true and condition not in self.conditions:
            self.conditions.append(condition)

    def under(self, v: Term, domain: Term) -> sums.Under:
        """A scope in which the opened variable `v` ranges over `domain`; conditions leave it generalised."""
        return sums.Under(self, v, domain)

    def scoped(self, variables: sums.Group) -> AbstractContextManager[None]:
        """The scope of a group of indices."""
        return sums.scoped(self, variables)

    def summed(self, variables: sums.Group, p: Poly) -> Poly:
        """The sum of a polynomial over a group of indices."""
        return sums.group(self, variables, p)

    # ------------------------------------------------------------------------------------------------- arithmetic

    def times(self, p: Poly, q: Poly) -> Poly:
        """The product; whole powers of sums are written out, indicators are idempotent."""
        if not p or not q:
            return {}
        self.spend(len(p) * len(q))
        out: Poly = {}
        for m, c in p.items():
            for n, d in q.items():
                product = mono_times(m, n)
                settled = self.settle(product) if m and n else {product: Fraction(1)}
                out = plus(out, settled, c * d)
        return out

    def settle(self, m: Mono) -> Poly:
        """A monomial whose exponents may have left their normal range."""
        for k, (a, e) in enumerate(m):
            rest = m[:k] + m[k + 1 :]
            if a.op == "ind":
                if e != UNIT:
                    if e.terms or e.const < 0:
                        self.need(a.args[0])
                        return self.settle(rest)
                    return self.settle(mono_times(rest, ((a, UNIT),)))
            elif a.op == "mul" and e.const >= 1 and not e.terms:
                # the whole part of a root of a product, as in sqrt(xy)² = xy
                whole = _floor(e.const)
                q = self.settle(mono_times(rest, ((a, Lin(e.const - whole)),) if e.const != whole else ONE))
                return self.times(self.power_of_sum(poly_of(a), whole), q)
            elif a.op == "num":
                p = self.number_power(a.data, e)
                if p != {m[k : k + 1]: Fraction(1)}:
                    return self.times(p, self.settle(rest))
            elif a.op == "add":
                whole = _floor(e.const)
                if whole >= 1 and (e.terms or e.const >= 1):
                    left = Lin(e.const - whole, e.terms)
                    p = self.power_of_sum(poly_of(a), whole)
                    q = self.settle(mono_times(rest, ((a, left),) if not left.is_zero else ONE))
                    return self.times(p, q)
            elif a.op == "fn" and a.data in ("abs", "sign") and not e.terms and e.const.denominator == 1:
                low = int(e.const) % 2 if a.data == "abs" else int(e.const) % 2
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
                solved = sums.solve_for_symbol(a.args[0])
                if solved is None:
                    continue
                sym, value = solved
                rest = m[:k] + m[k + 1 :]
                if not any(sums.depends(f, sym) for f in rest):
                    continue
                replaced = self.rename(rest, {sym: value})
                return self.times({(m[k],): Fraction(1)}, replaced)
        return {m: Fraction(1)}

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
            if abs(e.const) > 10_000:
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
        for prime, k in _prime_factors(base):
            exponent = e.scaled(Fraction(k))
            whole = _floor(exponent.const)
            left = Lin(exponent.const - whole, exponent.terms)
            mono: Mono = ((num(prime), left),) if not left.is_zero else ONE
            factor: Poly = {mono: Fraction(prime) ** whole}
            merged: Poly = {}
            for m, c in out.items():
                for n, d in factor.items():
                    merged = plus(merged, {mono_times(m, n): c * d})
            out = merged
        return out

    def _undefined(self, what: str) -> Poly:
        self.need(false)
        raise Unknown(what)

    # ----------------------------------------------------------------------------------------------------- powers

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
            self.need(lt(0, e.term()))
            return {}
        if k is not None and k > 0:
            if len(base) == 1:
                ((m, c),) = base.items()
                return scaled(self.settle(mono_power(m, Fraction(k))), c**k)
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
            elif not k.terms and k.const.denominator == 1 and k.const % 2 == 0:
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
        common = self._extractable(_common_factor(primitive), e)
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
        whole = _floor(e.const) if (e.terms or e.const >= 1) else 0
        inner = to_term(primitive)
        if whole >= 1:
            left = Lin(e.const - whole, e.terms)
            out = self.power_of_sum(primitive, whole)
            out = self.times(out, {((inner, left),): Fraction(1)} if not left.is_zero else constant(1))
        else:
            out = {((inner, e),): Fraction(1)}
        return self.times(self.number_power(content, e), out)

    def _extractable(self, common: Mono, e: Lin) -> Mono:
        """The part of a common factor that may leave a power: for a fractional one, what is known not to be negative."""
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

    # --------------------------------------------------------------------------------------- transcendental scalars

    def exponential(self, p: Poly) -> Poly:
        """``exp`` of a sum is a product of powers; the logarithms in it cancel."""
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
            common = _common_factor(q)
            if content > 0 and self._all_positive(common):
                rest = {mono_times(m, mono_power(common, Fraction(-1))): c for m, c in q.items()}
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

    def _all_positive(self, m: Mono) -> bool:
        return all(self.facts.sign(a) == 1 for a, _ in m)

    def log_number(self, c: Fraction) -> Poly:
        out: Poly = {}
        for prime, k in _prime_factors(c):
            out = plus(out, atom(make("fn", (num(prime),), "log", REAL)), Fraction(k))
        return out

    def log_atom(self, a: Term) -> Poly:
        if a.op == "fn" and a.data == "exp":
            return poly_of(a.args[0])
        if a.op == "num":
            return self.log_number(a.data)
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
            common = _common_factor(q)
            if common:
                rest = {mono_times(m, mono_power(common, Fraction(-1))): c for m, c in q.items()}
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
                inner = to_term(scaled(q, abs(content)))
                out = atom(make("fn", (inner,), name, REAL))
                return out if content > 0 or name == "cos" else scaled(out, Fraction(-1))
        if name in ("gamma", "loggamma"):
            self.need(lt(0, x))
        return atom(make("fn", (to_term(p),), name, REAL))

    # ------------------------------------------------------------------------------------------------ the main walk

    def nf(self, t: Term) -> Poly:
        """The normal form of a closed real term.

        Raises
        ------
        Unknown
            If a cap is reached or a construct is not covered.
        """
        done = self._memo.get(t)
        if done is not None:
            for c in done[1]:
                self.need(c)
            return done[0]
        outer, self.conditions = self.conditions, []
        circles = self.facts.circles
        if self._depth > MAX_DEPTH:
            raise Unknown("terms nested too deeply")
        if not self._depth:
            self.effort = 0
        self._depth += 1
        try:
            self.spend()
            p = self._nf(t)
            if self.facts.final(circles):
                self._memo[t] = (p, tuple(self.conditions))
        finally:
            self._depth -= 1
            inner, self.conditions = self.conditions, outer
            for c in inner:
                self.need(c)
        return p

    def _nf(self, t: Term) -> Poly:
        if t.sort != REAL:
            raise Unknown(f"'{t.op}' is not a real number")
        match t.op:
            case "num":
                return constant(t.data)
            case "real":
                return from_integer(self.integer(t.args[0]))
            case "add":
                out: Poly = {}
                for a in t.args:
                    out = plus(out, self.nf(a))
                return out
            case "neg":
                return scaled(self.nf(t.args[0]), Fraction(-1))
            case "mul":
                out = constant(1)
                for a in t.args:
                    out = self.times(out, self.nf(a))
                return out
            case "div":
                a, b = t.args
                return self.times(self.nf(a), self.power(self.nf(b), constant(-1), b))
            case "pow":
                a, b = t.args
                return self.power(self.nf(a), self.nf(b), a)
            case "fn":
                return self.scalar(t.data, t.args[0])
            case "defn":
                return self.nf(unfold(t))
            case "app":
                return self.application(t)
            case "ind":
                return self.indicator(t.args[0])
            case "ite":
                return self.cases(t)
            case "max" | "min":
                return self.extreme(t)
            case "int":
                return sums.integral(self, t)
            case "deriv":
                return self.derivative(t)
            case "trace":
                (a,) = t.args
                n = domains(a)[0].args[1]
                return self.nf(Sum(1, n, lambda i: a(i, i)))
            case "matmul":
                a, b = t.args
                return self.nf(Sum(1, domains(a)[0].args[1], lambda i: a(i) * b(i)))
            case "det":
                return atom(make("det", (self.array(t.args[0]),), None, REAL))
            case "factorial" | "binomial":
                self.need(le(0, t.args[0]))
                return self.rewrite(make(t.op, tuple(self.integer(a) for a in t.args), None, REAL))
            case "pi" | "sym" | "oo":
                return self.rewrite(t)
        if t.op in BINDERS:
            return self.rewrite(self.binder(t))
        raise Unknown(f"'{t.op}' is not covered by the normal form")

    def rewrite(self, t: Term) -> Poly:
        """An atom, or what a cited equation makes of it."""
        found = self.facts.rewrite(t)
        return atom(t) if found is None else found

    def integer(self, t: Term) -> Term:
        """An integer term with canonical atoms."""
        if t.op == "aff":
            return rebuild(t, tuple(self.integer(a) for a in t.args))
        if t.op == "app":
            return rebuild(t, (t.args[0], *(self.argument(a) for a in t.args[1:])))
        if t.op in BINDERS:
            return self.binder(t)
        return t

    def argument(self, t: Term) -> Term:
        """An argument of an application, canonical."""
        if t.sort == REAL:
            return to_term(self.nf(t))
        return self.integer(t) if t.sort == INT else t

    def array(self, a: Term) -> Term:
        """An array-valued term as the canonical lambda of its entries."""
        if a.op == "sym":
            return a
        names: list[tuple[Term, Term]] = []
        opened = a
        for d in domains(a):
            v = self.fresh.symbol("i", INT)
            names.append((v, d))
        with sums.scoped(self, names):
            t = to_term(self.nf(opened(*(v for v, _ in names))))
        if t.op == "app" and t.args[0] in free_symbols(a):
            given = [v for v, _ in names]
            if t.args[0] in self.symmetric:
                given.sort(key=lambda v: v.key)
            if list(t.args[1:]) == given:
                return t.args[0]
        for v, d in reversed(names):
            body = resort(abstract(t, v), self.symmetric)
            t = make("lam", (d, body), None, _fun_sort(d, body), "i")
        return canonical(t, self.symmetric)

    def application(self, t: Term) -> Poly:
        f, *args = t.args
        if f.op == "inverse":
            inner = self.array(f.args[0])
            # The condition in the words of whoever wrote it first; the canonical matrix is the same one.
            self.need(predicate("invertible", self._written.setdefault(inner, f.args[0])))
            g = make("inverse", (inner,), None, f.sort)
            given = [self.argument(a) for a in args]
            if g not in self.symmetric and self.is_symmetric(inner):
                self.symmetric |= {g}
            if g in self.symmetric:
                given.sort(key=lambda a: a.key)
            return self.rewrite(make("app", (g, *given), None, REAL))
        if f.op == "defn":
            return self.nf(unfold(f)(*args))
        if f.op not in ("sym", "bound"):
            return self.nf(entry(f, tuple(args)))
        given = [self.argument(a) for a in args]
        if f in self.symmetric and len(given) == 2:
            given.sort(key=lambda a: a.key)
            return self.rewrite(make("app", (f, *given), None, t.sort))
        return self.rewrite(make("app", (f, *given), None, t.sort))

    def is_symmetric(self, a: Term) -> bool:
        """Is the canonical matrix `a` its own transpose?"""
        if a in self.symmetric:
            return True
        if a.op != "lam" or a.body.op != "lam":
            return False
        i, j = (self.fresh.symbol(h, INT) for h in "ij")
        rows, columns = domains(a)
        with self.scoped([(i, rows), (j, columns)]):
            return rows == columns and self.nf(a(i, j)) == self.nf(a(j, i))

    def binder(self, t: Term) -> Term:
        """A binder that the normal form does not take apart, with a canonical body."""
        sort, doms = variable_sort(t)
        v = self.fresh.symbol(t.hint, sort, doms)
        head = tuple(self._head(a) for a in t.args[:-1])
        body = instantiate(t.body, v)
        domain = None
        if t.op in ("max_over", "min_over", "argmax", "argmin", "prod", "lam"):
            domain = t.args[0]
        if t.op == "deriv":
            raise Unknown("a derivative that is not covered")
        if t.op in ("max_over", "min_over", "argmax", "argmin") and t.args[0].op == "range" and t.args[0].args[1].op != "oo":
            self.need(le(*t.args[0].args))
        with sums.Under(self, v, domain):
            inner = to_term(self.nf(body)) if body.sort == REAL else body
        return canonical(rebuild(t, (*head, resort(abstract(inner, v), self.symmetric))), self.symmetric)

    def _head(self, a: Term) -> Term:
        if a.sort == REAL:
            return to_term(self.nf(a))
        if a.sort == INT:
            return self.integer(a)
        return a

    def derivative(self, t: Term) -> Poly:
        sort, doms = variable_sort(t)
        v = self.fresh.symbol(t.hint, sort, doms)
        at, index = t.args[1], t.args[2:-1]
        body = unfold(instantiate(t.body, v))
        if not index and body.op == "app" and body.args[0].op == "sym" and sort == REAL and v in body.args[1:]:
            # f'(x) of a function symbol is an atom.
            others = [a for a in body.args[1:] if a != v]
            if not any(v in free_symbols(a) for a in others):
                self.need(predicate("differentiable", body.args[0]))
                shape = make("deriv", (t.args[0], to_term(self.nf(at)), resort(abstract(body, v), self.symmetric)), None, REAL, "x")
                return self.rewrite(shape)
        d = Differentiator(v, index, self.fresh, lambda p: self.need(substitute(p, {v: at})))(body)
        return self.nf(substitute(d, {v: at}))

    # ---------------------------------------------------------------------------------------- indicators and cases

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
        return constant(1) if p == true else self.rewrite(make("ind", (p,), None, REAL))

    def comparison(self, p: Term) -> Term:
        """A canonical atomic proposition."""
        if p.op in ("eq", "le") and p.args[0].sort in (INT, REAL):
            a, b = p.args
            integral = a.sort == INT
            diff = self.nf(real(b) if integral else b)
            diff = plus(diff, self.nf(real(a) if integral else a), Fraction(-1))
            if not diff:
                return true
            g = Fraction(gcd(*(c.numerator for c in diff.values())), lcm(*(c.denominator for c in diff.values())))
            diff = {m: c / g for m, c in diff.items()}
            if p.op == "eq":
                first = leading(diff)
                if diff[first] < 0:
                    diff = scaled(diff, Fraction(-1))
                if integral:
                    positive = {m: c for m, c in diff.items() if c > 0}
                    negative = {m: -c for m, c in diff.items() if c < 0}
                    return sorted_node("eq", (sums.as_integer(positive), sums.as_integer(negative)), p)
                return make("eq", (num(0), to_term(diff)), None, p.sort)
            if integral:
                return make("le", (make("aff", (), (0,), INT), sums.as_integer(diff)), None, p.sort)
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
        # max(a + c, b + c) = max(a, b) + c, and a factor that is not negative leaves
        common = {m: c for m, c in kept[0].items() if all(q.get(m) == c for q in kept[1:])}
        kept = [plus(q, common, Fraction(-1)) for q in kept]
        terms = [mc for q in kept for mc in q.items()]
        g = Fraction(gcd(*(c.numerator for _, c in terms)), lcm(*(c.denominator for _, c in terms)))
        shared = _common_factor({m: Fraction(1) for m, _ in terms})
        factor = tuple((a, e) for a, e in shared if (self.facts.sign(a) or -1) > 0)
        inverse = mono_power(factor, Fraction(-1))
        kept = [{mono_times(m, inverse): c / g for m, c in q.items()} for q in kept]
        value = self.rewrite(sorted_node(t.op, map(to_term, kept), t))
        return plus(common, self.times({factor: g}, value))

    # ------------------------------------------------------------------------------------------------ is it zero?

    def is_zero(self, p: Poly) -> bool:
        """Is the polynomial zero, denominators cleared where they have several terms?"""
        p = self.reduce(p)
        for _ in range(12):
            if not p:
                return True
            lows: dict[tuple[Term, tuple[tuple[Term, Fraction], ...]], Fraction] = {}
            for m in p:
                for a, e in m:
                    if a.op == "add":
                        k = (a, e.terms)
                        lows[k] = min(lows.get(k, Fraction(0)), e.const)
            pick = next(((a, low) for (a, _), low in sorted(lows.items(), key=lambda x: x[0][0].key) if low < 0), None)
            if pick is None:
                low = lowered(self, p)
                if low == p:
                    return False
                p = self.reduce(low)
                continue
            a, low = pick
            if any(k[0] == a and k[1] for k in lows):
                self.need(ne(a, 0))  # P^{t-1} may be there without P != 0
            lift = Lin(Fraction(-low))
            out: Poly = {}
            for m, c in p.items():
                out = plus(out, self.settle(mono_times(m, ((a, lift),))), c)
            p = self.reduce(out)
        return not p

    def reduce(self, p: Poly) -> Poly:
        """Settle every monomial once more."""
        out: Poly = {}
        for m, c in p.items():
            out = plus(out, self.settle(m), c)
        return out


def _fun_sort(domain: Term, body: Term):  # type: ignore[no-untyped-def]
    from derivcheck.language.terms import function_sort, sort_of_domain

    return function_sort((sort_of_domain(domain),), body.sort)


def _floor(x: Fraction) -> int:
    return x.numerator // x.denominator


def _common_factor(p: Poly) -> Mono:
    """The monomial to pull out of a sum: what stands in every monomial, and every negative power in any."""
    every = [dict(m) for m in p]
    common: dict[Term, Lin] = {}
    for a in {a for exponents in every for a in exponents}:
        powers = [exponents.get(a, ZERO_EXP) for exponents in every]
        if len({e.terms for e in powers}) == 1:
            lowest = min(powers, key=lambda e: e.const)
            if not lowest.is_zero:
                if lowest.const >= 0 or lowest.terms or any(e.const < 0 for e in powers):
                    common[a] = lowest
    return tuple(sorted(common.items(), key=lambda ae: ae[0].key))


def _prime_factors(c: Fraction) -> list[tuple[int, int]]:
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
