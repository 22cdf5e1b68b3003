"""Terms as SymPy expressions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from derivcheck.language.context import Context
from derivcheck.language.conventions import differentiates_a_symbol
from derivcheck.language.definitions import unfold
from derivcheck.language.names import free_names
from derivcheck.language.sympy_edge.limits import LARGEST, LONGEST_NUMBER, LONGEST_RANGE, NotScalar
from derivcheck.language.terms import INT, PROP, REAL, LanguageError, Term, domain_of_measure, make

_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "abs": sympy.Abs,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tanh": sympy.tanh,
    "atan": sympy.atan,
    "erf": sympy.erf,
    "sign": sympy.sign,
    "gamma": sympy.gamma,
    "loggamma": sympy.loggamma,
}


def _constant(t: Term) -> Fraction | None:
    """The value of a number, as integer or as real."""
    if t.op == "num":
        return Fraction(t.data)
    return Fraction(t.data[0]) if t.op == "aff" and not t.args else None


def _assumptions(sym: Term, context: Context | None) -> dict[str, bool]:
    """What SymPy can be told of a symbol, or of every entry of an array."""
    values = sym.sort if sym.sort.codomain is None else sym.sort.codomain
    out = {"integer": True} if values == INT else {"real": True}
    declared = context.find(sym) if context is not None else None
    if declared is None:
        return out
    for p in declared.properties:
        bound = _constant(p.args[0]) if p.args else None
        match p.name:
            case "above" if bound is not None and bound >= 0:
                out["positive"] = True
            case "at least" | "minimum" | "range" if bound is not None and bound > 0:
                out["positive"] = True
            case "at least" | "minimum" | "range" if bound == 0:
                out["nonnegative"] = True
            case "below" if bound is not None and bound <= 0:
                out["negative"] = True
            case "at most" if bound is not None and bound < 0:
                out["negative"] = True
            case "at most" if bound == 0:
                out["nonpositive"] = True
            case "positive":
                out["positive"] = True
            case "nonnegative":
                out["nonnegative"] = True
            case "nonzero":
                out["nonzero"] = True
    return out


class Writer:
    """One conversion; both sides of a statement share one, so that equal things become equal."""

    def __init__(self, context: Context | None, *terms: Term) -> None:
        self.context = context
        # One name space for all the terms: different symbols of one name stay different.
        self.names = {s: name for name, s in free_names(make("all", terms, None, PROP)).items()}
        self.scope: list[Any] = []
        self.left = LARGEST
        #: Whether some range may be shorter than empty, where SymPy follows Karr.
        self.may_follow_karr = False

    def symbol(self, t: Term) -> Any:
        return sympy.Symbol(self.names[t], **_assumptions(t, self.context))

    def opened(self, t: Term, **assumptions: bool) -> Any:
        # A dummy with a fixed index equals no symbol and no other depth's dummy.
        self.scope.append(sympy.Dummy(t.hint or "v", dummy_index=len(self.scope) + 1, **assumptions))
        return self.scope[-1]

    def say(self, t: Term) -> Any:
        self.left -= 1
        if self.left < 0:
            raise NotScalar("the term is too large for SymPy")
        args = t.args
        match t.op:
            case "num":
                return sympy.Rational(t.data.numerator, t.data.denominator)
            case "pi":
                return sympy.pi
            case "oo":
                return sympy.oo
            case "aff":
                return sympy.Add(
                    *(sympy.Integer(c) * self.say(a) for a, c in zip(args, t.data[1:], strict=True)), t.data[0]
                )
            case "real":
                return self.say(args[0])
            case "sym" if t.sort in (REAL, INT):
                return self.symbol(t)
            case "bound":
                return self.scope[-1 - t.data]
            case "add" if t.sort == REAL:
                return sympy.Add(*map(self.say, args))
            case "neg" if t.sort == REAL:
                return -self.say(args[0])
            case "mul":
                return sympy.Mul(*map(self.say, args))
            case "div":
                return self.say(args[0]) / self.say(args[1])
            case "pow":
                return self.power(self.say(args[0]), self.say(args[1]))
            case "fn":
                return _FUNCTIONS[t.data](self.small(self.say(args[0])) if t.data == "gamma" else self.say(args[0]))
            case "max" | "min" if args:
                return (sympy.Max if t.op == "max" else sympy.Min)(*map(self.say, args))
            case "ind":
                return self.indicator(args[0])
            case "ite":
                return sympy.Piecewise((self.say(args[1]), self.condition(args[0])), (self.say(args[2]), True))
            case "factorial":
                return sympy.factorial(self.small(self.say(args[0])))
            case "binomial":
                return sympy.binomial(self.small(self.say(args[0])), self.say(args[1]))
            case "app":
                return self.applied(t)
            case "int" | "prod":
                return self.ranged(t)
            case "deriv":
                return self.derivative(t)
            case "lim":
                point = self.say(args[0])
                var = self.opened(t, **({"integer": True} if args[0].sort == INT else {"real": True}))
                try:
                    body = self.say(t.body)
                finally:
                    self.scope.pop()
                return sympy.Limit(body, var, point, t.data or ("-" if point is sympy.oo else "+-"))
        raise NotScalar(f"SymPy's scalars have no '{t.op}' (in '{t}')" if not t.loose else f"no '{t.op}' in SymPy")

    @staticmethod
    def power(base: Any, exponent: Any) -> Any:
        """A power; SymPy works numbers out at once, however long they become."""
        if base.is_Rational and exponent.is_Rational:
            size = max(abs(base.p), base.q).bit_length()
            if base not in (0, 1, -1) and abs(exponent) * size > LONGEST_NUMBER:
                raise NotScalar("a power of numbers is too long for SymPy")
        return sympy.Pow(base, exponent)

    @staticmethod
    def small(argument: Any) -> Any:
        """The argument of a factorial; SymPy works numbers out at once."""
        if argument.is_Rational and abs(argument) > LONGEST_RANGE:
            raise NotScalar("a factorial is too long for SymPy")
        return argument

    def condition(self, p: Term) -> Any:
        match p.op:
            case "true" | "false":
                return sympy.true if p.op == "true" else sympy.false
            case "eq" | "le" | "lt" if p.args[0].sort in (REAL, INT):
                relate = {"eq": sympy.Eq, "le": sympy.Le, "lt": sympy.Lt}[p.op]
                return relate(*map(self.say, p.args))
            case "and" | "or" | "not" | "implies":
                join = {"and": sympy.And, "or": sympy.Or, "not": sympy.Not, "implies": sympy.Implies}[p.op]
                return join(*map(self.condition, p.args))
        raise NotScalar(f"SymPy's conditions have no '{p.op}'")

    def indicator(self, p: Term) -> Any:
        if p.op == "eq" and p.args[0].sort == INT:
            return sympy.KroneckerDelta(*map(self.say, p.args))
        return sympy.Piecewise((1, self.condition(p)), (0, True))

    def applied(self, t: Term) -> Any:
        f, *args = t.args
        if f.op == "bound" and self.scope[-1 - f.data] is not None:
            head = self.scope[-1 - f.data]
        elif f.op == "sym" and not f.loose:
            head = self.function(f)
        else:
            raise NotScalar("SymPy's scalars apply symbols only")
        if t.sort not in (REAL, INT):
            raise NotScalar("SymPy's scalars have no partly applied function")
        given = [self.say(a) for a in args]
        return head[tuple(given)] if isinstance(head, sympy.IndexedBase) else head(*given)

    def function(self, f: Term) -> Any:
        if all(s == INT for s in f.sort.domain_sorts):
            return sympy.IndexedBase(self.names[f], **_assumptions(f, self.context))
        return sympy.Function(self.names[f], **_assumptions(f, self.context))

    def ranged(self, t: Term) -> Any:
        over = t.args[0]
        domain = over if over.op == "range" else domain_of_measure(over)
        if over.op not in ("range", "counting", "lebesgue"):
            raise NotScalar(f"SymPy has no measure like that of '{t.op}'")
        lo, hi = (self.say(a) for a in domain.args)
        if domain.op == "range":
            length = hi - lo + 1
            if length.is_Integer and length <= 0:
                return sympy.Integer(0 if t.op == "int" else 1)
            if length.is_Integer and length > LONGEST_RANGE:
                raise NotScalar(f"SymPy would write out {length} terms")
            self.may_follow_karr |= not length.is_nonnegative
        var = self.opened(t, **({"integer": True} if domain.op == "range" else {"real": True}))
        try:
            body = self.say(t.body)
        finally:
            self.scope.pop()
        kind = sympy.Product if t.op == "prod" else sympy.Sum if domain.op == "range" else sympy.Integral
        return kind(body, (var, lo, hi))

    def derivative(self, t: Term) -> Any:
        domain, point, *index = t.args[:-1]
        if domain.op == "functions":
            # By an entry of an array: SymPy can say it at the array itself only.
            if not differentiates_a_symbol(t):
                raise NotScalar("SymPy has no derivative by an entry at another array")
            head = self.function(point)
            given = tuple(self.say(a) for a in index)
            self.scope.append(head)
            try:
                body = self.say(t.body)
            finally:
                self.scope.pop()
            return sympy.Derivative(body, head[given] if isinstance(head, sympy.IndexedBase) else head(*given))
        at = self.say(point)
        if differentiates_a_symbol(t) and isinstance(at, sympy.Symbol):
            self.scope.append(at)
            try:
                return sympy.Derivative(self.say(t.body), at)
            finally:
                self.scope.pop()
        var = self.opened(t, real=True)
        try:
            body = self.say(t.body)
        finally:
            self.scope.pop()
        return sympy.Subs(sympy.Derivative(body, var), var, at)


def to_sympy(term: Term, context: Context | None = None) -> Any:
    """A scalar term (or a condition on scalars) as a SymPy expression.

    Parameters
    ----------
    term : Term
        Real, integer or a proposition about such; definitions are unfolded.
    context : Context, optional
        What is known of the symbols; SymPy can be told signs only.

    Returns
    -------
    sympy.Basic
        Sums, products, integrals, derivatives and limits are unevaluated.  Arrays are ``IndexedBase``.

    Raises
    ------
    NotScalar
        If SymPy's scalars cannot say it: arrays as wholes, expectations, maxima over a range, quantifiers.
    """
    term = unfold(term)
    converter = Writer(context, term)
    try:
        return converter.condition(term) if term.sort == PROP else converter.say(term)
    except LanguageError:
        raise
    except Exception as complaint:  # SymPy's constructors raise whatever they please
        raise NotScalar(f"SymPy refuses it: {complaint}") from None
