"""SymPy expressions as terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from derivcheck.language import constructors as b
from derivcheck.language.context import Context
from derivcheck.language.sympy_edge.heads import CONNECTIVES, RELATIONS, head_of
from derivcheck.language.sympy_edge.limits import HIGHEST_DERIVATIVE, LARGEST, LONGEST_NUMBER, Unsupported
from derivcheck.language.sympy_edge.symbols import Symbols
from derivcheck.language.terms import INT, REAL, LanguageError, Term, abstract, make, substitute, symbol


@dataclass(frozen=True, slots=True)
class FromSymPy:
    """What SymPy expressions say.

    Attributes
    ----------
    terms : tuple of Term
        One for each expression; a relation becomes a proposition.
    context : Context
        Their symbols, with their assumptions as facts.
    notes : tuple of str
        Readings that an author should know of, each once.
    conditions : tuple of str
        Restrictions that these readings make, each once: what is complex in SymPy is real here.
    """

    terms: tuple[Term, ...]
    context: Context
    notes: tuple[str, ...]
    conditions: tuple[str, ...] = ()

    @property
    def term(self) -> Term:
        """The term of a single expression."""
        (only,) = self.terms
        return only


class Reader(Symbols):
    """One conversion; both sides of a question share one, so that equal names become equal."""

    def __init__(self) -> None:
        super().__init__()
        self.left = LARGEST
        #: What was read in the present scope, by identity, with its size: SymPy shares the parts of its expressions.
        #: The expression is kept beside it, so that no other one takes its identity.
        self.done: dict[int, tuple[Any, Term, int]] = {}
        self.outside: list[dict[int, tuple[Any, Term, int]]] = []

    # Integers ---------------------------------------------------------------------------------------------------

    def integer_or_none(self, e: Any) -> Term | None:
        """`e` as an affine integer, where it is one."""
        if isinstance(e, sympy.Integer):
            return b.integer(self.whole(e))
        if isinstance(e, sympy.Symbol):
            term = self.symbol(e)
            return term if term.sort == INT else None
        if isinstance(e, sympy.Add):
            total = b.integer(0)
            for a in e.args:
                part = self.integer_or_none(a)
                if part is None:
                    return None
                total = b.int_add(total, part)
            return total
        if isinstance(e, sympy.Mul) and len(e.args) == 2 and isinstance(e.args[0], sympy.Integer):
            factor = self.integer_or_none(e.args[1])
            return None if factor is None else b.int_add(b.integer(0), factor, self.whole(e.args[0]))
        return None

    def affine(self, e: Any) -> Term | None:
        """`e` as an affine integer, its brackets multiplied out where that is cheap."""
        whole = self.integer_or_none(e)
        return whole if whole is not None or e.has(sympy.Pow) else self.integer_or_none(sympy.expand(e))

    def integer(self, e: Any, what: str) -> Term:
        term = self.affine(e)
        if term is None:
            raise Unsupported(f"{what} is '{e}'; only integer symbols, their sums and multiples can stand there")
        return term

    @staticmethod
    def whole(e: Any) -> int:
        value = int(e)
        if value.bit_length() > LONGEST_NUMBER:
            raise Unsupported("a number is too long")
        return value

    # Expressions ------------------------------------------------------------------------------------------------

    def real(self, e: Any) -> Term:
        return b.as_real(self.read(e))

    def reals(self, args: Sequence[Any]) -> list[Term]:
        return [self.real(a) for a in args]

    def read(self, e: Any) -> Term:
        if not getattr(e, "args", ()):
            self.spend(1)
            return self.read_new(e)
        known = self.done.get(id(e))
        if known is not None:
            _, term, size = known
            self.spend(size)
            return term
        before = self.left
        self.spend(1)
        term = self.read_new(e)
        self.done[id(e)] = e, term, before - self.left
        return term

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Unsupported("the expression is too large")

    def read_new(self, e: Any) -> Term:
        head = head_of(e.__class__)
        if head is not None:
            whole = self.integer_or_none(e) if isinstance(e, (sympy.Add, sympy.Mul)) else None
            return whole if whole is not None else head(self, e)
        if isinstance(e, sympy.Rational):
            return b.num(Fraction(self.whole(e.p), self.whole(e.q)))
        if isinstance(e, sympy.Float):
            if e.is_finite and abs(e._mpf_[2]) > LONGEST_NUMBER:
                raise Unsupported("a number is too long")
            exact = sympy.Rational(e)
            self.note(f"the float {e} is read as the binary fraction {exact} that it is")
            return b.num(Fraction(self.whole(exact.p), self.whole(exact.q)))
        if isinstance(e, sympy.Symbol):
            return self.symbol(e)
        if isinstance(e, AppliedUndef):
            return b.apply(self.function(e), *self.reals(e.args))
        raise Unsupported(f"'{type(e).__name__}' is not understood")

    def add(self, e: Any) -> Term:
        return make("add", self.reals(e.args), None, REAL)

    def mul(self, e: Any) -> Term:
        above: list[Term] = []
        below: list[Term] = []
        sign = False
        for a in e.args:
            if isinstance(a, sympy.Rational):
                # -3/2*x is -(3*x/2)
                sign ^= a.p < 0
                numerator, denominator = abs(self.whole(a.p)), self.whole(a.q)
                if numerator != 1:
                    above.append(b.num(numerator))
                if denominator != 1:
                    below.append(b.num(denominator))
            elif isinstance(a, sympy.Pow) and a.exp.is_Rational and a.exp.is_negative:
                below.append(self.power(a.base, -a.exp))
            else:
                above.append(self.real(a))
        out = _product(above)
        if below:
            out = b.div(out, _product(below))
        return make("neg", (out,), None, REAL) if sign else out

    def power(self, base: Any, exponent: Any) -> Term:
        if exponent is sympy.S.One:
            return self.real(base)
        if base is sympy.E:
            return b.exp(self.real(exponent))
        if exponent.is_Rational and exponent.is_negative:
            return b.div(1, self.power(base, -exponent))
        return b.pow_(self.real(base), self.real(exponent))

    def condition(self, e: Any) -> Term:
        if e in (True, sympy.true):
            return b.true
        if e in (False, sympy.false):
            return b.false
        joined = CONNECTIVES.get(type(e))
        if joined is not None:
            return joined(*map(self.condition, e.args))
        relation = RELATIONS.get(type(e))
        if relation is not None:
            left, right = self.integer_or_none(e.lhs), self.integer_or_none(e.rhs)
            if left is None or right is None:
                left, right = self.real(e.lhs), self.real(e.rhs)
            return relation(left, right)
        raise Unsupported(f"'{type(e).__name__}' is not understood as a condition")

    def piecewise(self, e: Any) -> Term:
        if e.args[-1].cond != sympy.true:
            raise Unsupported("Piecewise without a last case that always holds")
        out = self.real(e.args[-1].expr)
        for value, when in reversed(e.args[:-1]):
            out = b.ite(self.condition(when), self.real(value), out)
        return out

    # Binders ----------------------------------------------------------------------------------------------------

    def opened(self, var: Any, sort: Any) -> Term:
        # No SymPy name can end like this by an author's hand, and depth keeps nested variables apart.
        term = symbol(f"{var.name}@sympy{len(self.scope)}", sort)
        self.scope.append((var, term))
        self.outside.append(self.done)
        self.done = {}
        return term

    def close(self) -> None:
        self.scope.pop()
        self.done = self.outside.pop()

    def ranged(self, e: Any, body: Any, limits: Sequence[Any]) -> Term:
        """Sums, products and integrals; the last limit is the outermost."""
        if not limits:
            return self.real(body)
        *inner, limit = limits
        if len(limit) != 3:
            raise Unsupported(f"{type(e).__name__} without bounds")
        var, lo, hi = limit
        finite = not isinstance(e, sympy.Integral)
        if finite:
            first = self.integer(lo, "the lower bound")
            last = b.oo_int if hi is sympy.oo else self.integer(hi, "the upper bound")
            known = hi is sympy.oo or (hi - lo + 1).is_nonnegative
            if not known:
                self.note(f"where {hi} < {lo}, this reading of {type(e).__name__} is empty (SymPy follows Karr there)")
            domain = b.range_(first, last)
        else:
            domain = b.interval(self.bound(lo), self.bound(hi))
        term = self.opened(var, INT if finite else REAL)
        try:
            inside = abstract(self.ranged(e, body, inner), term)
        finally:
            self.close()
        if isinstance(e, sympy.Product):
            return make("prod", (domain, inside), None, REAL, var.name)
        measure = b.counting(domain) if finite else b.lebesgue(domain)
        return make("int", (measure, inside), None, REAL, var.name)

    def bound(self, e: Any) -> Term:
        if e in (sympy.oo, -sympy.oo):
            return b.oo if e is sympy.oo else b.neg(b.oo)
        return self.real(e)

    def derivative(self, e: Any) -> Term:
        out = self.real(e.expr)
        for var, count in e.variable_count:
            if not isinstance(count, sympy.Integer) or count > HIGHEST_DERIVATIVE:
                raise Unsupported(f"Derivative of order {count}")
            at = self.read(var)
            if at.sort != REAL:
                raise Unsupported(f"Derivative by the integer '{var}'")
            for _ in range(int(count)):
                out = b.D(out, at)
        for node in e.expr.atoms(AppliedUndef) if self.functions else ():
            self.note(f"the function '{node.func.__name__}' is differentiated: that it can be is not declared")
        return out

    def evaluated_at(self, e: Any) -> Term:
        # Subs(f, x, p) is f at x = p with x bound: no outer x is meant.
        opened = [self.opened(var, INT if var.is_integer else REAL) for var in e.variables]
        try:
            inside = self.real(e.expr)
        finally:
            for _ in opened:
                self.close()
        points = [self.read(p) for p in e.point]
        values = [b.as_real(p) if v.sort == REAL else p for v, p in zip(opened, points, strict=True)]
        if any(v.sort != p.sort for v, p in zip(opened, values, strict=True)):
            raise Unsupported("Subs of a real for an integer")
        # Terms substitute without capture.
        return substitute(inside, dict(zip(opened, values, strict=True)))

    def limit(self, e: Any) -> Term:
        body, var, point, side = e.args
        at = self.bound(point)
        if isinstance(at, Term) and at.sort != REAL:
            raise Unsupported("Limit at an integer")
        term = self.opened(var, REAL)
        try:
            inside = abstract(self.real(body), term)
        finally:
            self.close()
        infinite = at.op in ("oo", "neg") and point.is_infinite
        return make("lim", (at, inside), "" if infinite or str(side) == "+-" else str(side), REAL, var.name)


def _product(factors: list[Term]) -> Term:
    if not factors:
        return b.num(1)
    return factors[0] if len(factors) == 1 else make("mul", factors, None, REAL)


def _plain(e: Any) -> Any:
    """Python's own numbers as SymPy's; text is not read."""
    if isinstance(e, bool):
        return sympy.true if e else sympy.false
    if isinstance(e, int):
        return sympy.Integer(e)
    if isinstance(e, float):
        return sympy.Float(e)
    return sympy.Rational(e.numerator, e.denominator) if isinstance(e, Fraction) else e


def from_sympy(*expressions: Any) -> FromSymPy:
    """SymPy expressions (or relations) as terms of one Context.

    Parameters
    ----------
    expressions : sympy.Basic, int, float or Fraction
        All of them over the same symbols: both sides of an identity go in together.

    Raises
    ------
    Unsupported
        If the language cannot say one of them; the message names the head.
    """
    reader = Reader()
    # By name, so that declarations do not depend on the order in which SymPy stores arguments.
    read = [_plain(e) for e in expressions]
    terms: list[Term] = []
    try:
        free = {s for e in read if isinstance(e, sympy.Basic) for s in e.free_symbols if isinstance(s, sympy.Symbol)}
        labels = {i.base.label for e in read if isinstance(e, sympy.Basic) for i in e.atoms(sympy.Indexed)}
        for s in sorted(free - labels, key=lambda s: str(s.name)):  # two of one name are refused
            reader.symbol(s)
        for e in read:
            if isinstance(e, sympy.logic.boolalg.Boolean) and not isinstance(e, sympy.Symbol):
                terms.append(reader.condition(e))
            else:
                terms.append(reader.read(e))
    except RecursionError:
        raise Unsupported("the expression is nested too deep") from None
    except Unsupported:
        raise
    except LanguageError as complaint:
        raise Unsupported(str(complaint)) from None
    if len({t.sort for t in terms}) > 1 and all(t.sort in (REAL, INT) for t in terms):
        terms = [b.as_real(t) for t in terms]
    return FromSymPy(tuple(terms), reader.givens.context, tuple(reader.notes), tuple(reader.conditions))
