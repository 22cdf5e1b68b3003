"""SymPy at the edge: scalar terms as SymPy expressions, SymPy expressions as terms, and SymPy's own opinion.

SymPy never judges.  Authors may write scalars with it (`from_sympy`), its printers and algorithms can be given our
scalars (`to_sympy`), and it is asked what it thinks of a scalar step (`sympy_opinion`); what it answers is shown, and
checked before anything rests on it.  Only this module imports SymPy, and nothing imports this module at start-up.

Where the two languages differ:

- A SymPy symbol without assumptions is complex; here it is **read as real**, and the notes say so.
- SymPy's sum over a range of negative length is minus a sum (Karr's convention, ``Sum(1, (i, 1, -1)).doit()`` is -1);
  here an empty range gives 0 and an empty product 1.  The notes say where the bounds leave this open.
- SymPy's bound variables are names that ``subs`` captures.  `to_sympy` writes them as dummies that equal no symbol, the
  same one for the same depth, so that two conversions of one term are equal.
- Floats are the exact binary fractions that they are.
- A power of a base that is not positive needs an integer exponent here; SymPy takes the complex principal value.

>>> import sympy
>>> from derivcheck.language import *
>>> x = sympy.Symbol("x", positive=True); n = sympy.Symbol("n", integer=True, positive=True); i = sympy.Symbol("i")
>>> read = from_sympy(sympy.Sum(sympy.sqrt(x) * i, (i, 1, n - 1)) / sympy.cosh(x))
>>> read.term
sum(i*sqrt(x) for i in 1..n-1)/((exp(x) + exp(-x))/2)
>>> [f"{name}: {fact}" for name, fact in read.context.facts()]
['n at least: 1 <= n', 'x above: 0 < x']
>>> to_sympy(Sum(1, 3, lambda j: Real("x") ** j)).doit()
x**3 + x**2 + x
>>> sympy_opinion((Real("x") + 1) ** 2, Real("x") ** 2 + 2 * Real("x") + 1)
'agrees'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

import sympy
from sympy.core.function import AppliedUndef

from derivcheck.language import build as b
from derivcheck.language.context import Context, Givens
from derivcheck.language.definitions import unfold
from derivcheck.language.printing import differentiates_a_symbol, free_names
from derivcheck.language.terms import (
    INT,
    PROP,
    REAL,
    LanguageError,
    Term,
    abstract,
    domain_of_measure,
    make,
    substitute,
    subterms,
    symbol,
)

#: Larger expressions are not converted: nothing of this size stands in a derivation.
LARGEST = 4000

#: Larger statements are not put to SymPy, whose simplifier has no other bound inside one process.
LARGEST_OPINION = 200

#: Longer numbers are not converted, in bits.
LONGEST_NUMBER = 20_000

#: Longer sums over numbers, and larger factorials, are not put to SymPy, which would write them out.
LONGEST_RANGE = 1000

#: Higher powers of sums are not put to SymPy's simplifier, which would multiply them out.
HIGHEST_POWER = 24

#: The highest derivative that is written out.
HIGHEST_DERIVATIVE = 12


class NotScalar(LanguageError):
    """A term that SymPy's scalars cannot say."""


class Unsupported(LanguageError):
    """A SymPy expression that the language cannot say; the message names its head."""


# ------------------------------------------------------------------------------------------------- terms to SymPy


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


class _ToSymPy:
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
    converter = _ToSymPy(context, term)
    try:
        return converter.condition(term) if term.sort == PROP else converter.say(term)
    except LanguageError:
        raise
    except Exception as complaint:  # SymPy's constructors raise whatever they please
        raise NotScalar(f"SymPy refuses it: {complaint}") from None


# ------------------------------------------------------------------------------------------------- SymPy to terms


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


#: Assumptions of SymPy that a Context of reals or integers states, or that follow from them.
# fmt: off
_UNDERSTOOD = frozenset({
    "algebraic", "commutative", "complex", "finite", "hermitian", "integer", "negative", "nonnegative", "nonpositive",
    "nonzero", "positive", "rational", "real", "zero", "extended_negative", "extended_nonnegative",
    "extended_nonpositive", "extended_nonzero", "extended_positive", "extended_real",
})
# fmt: on


def _known_of(s: Any) -> dict[str, bool | None]:
    """What SymPy knows of a symbol."""
    if type(s) in (sympy.Symbol, sympy.Dummy):
        return dict(s.assumptions0)
    return {fact: getattr(s, f"is_{fact}") for fact in _UNDERSTOOD}


class _FromSymPy:
    def __init__(self) -> None:
        self.givens = Givens()
        self.symbols: dict[Any, Term] = {}
        self.functions: dict[tuple[str, int], Term] = {}
        self.kinds: dict[str, object] = {}
        self.scope: list[tuple[Any, Term]] = []
        self.notes: dict[str, None] = {}
        self.conditions: dict[str, None] = {}
        self.left = LARGEST
        #: What was read in the present scope, by identity, with its size: SymPy shares the parts of its expressions.
        #: The expression is kept beside it, so that no other one takes its identity.
        self.done: dict[int, tuple[Any, Term, int]] = {}
        self.outside: list[dict[int, tuple[Any, Term, int]]] = []

    def note(self, words: str) -> None:
        self.notes[words] = None

    # Symbols ----------------------------------------------------------------------------------------------------

    def symbol(self, s: Any) -> Term:
        term: Term
        for var, term in reversed(self.scope):
            if var == s:
                return term
        if s not in self.symbols:
            self.symbols[s] = self.declared(s)
        return self.symbols[s]

    def claim_name(self, name: str, thing: object) -> None:
        if self.kinds.setdefault(name, thing) != thing:
            raise Unsupported(f"two different things are called '{name}' (symbols with different assumptions?)")

    def declared(self, s: Any) -> Term:
        self.claim_name(s.name, s)
        # What an author wrote, not what SymPy derived from it.
        written: dict[str, bool] = {k: v for k, v in s._assumptions_orig.items() if v is not None}
        strange = [k for k, v in written.items() if k not in _UNDERSTOOD or (v is False and k != "zero")]
        if strange or s.is_commutative is False:
            raise Unsupported(f"Symbol '{s}' with the assumption {', '.join(sorted(strange)) or 'commutative=False'}")
        known = _known_of(s)
        if known.get("real") is None and known.get("extended_real") is None:
            self.note(f"'{s}' has no assumptions in SymPy (it is complex there); it is read as real")
            self.conditions[f"{s} is real"] = None
        positive, negative, nonzero = (bool(known.get(fact)) for fact in ("positive", "negative", "nonzero"))
        if known.get("zero"):
            return b.integer(0) if known.get("integer") else b.num(0)
        if known.get("integer"):
            least = 1 if positive else 0 if known.get("nonnegative") else None
            most = -1 if negative else 0 if known.get("nonpositive") else None
            out = self.givens.integer(s.name, at_least=least, at_most=most)
            if nonzero and least != 1 and most != -1:
                self.givens.assume(f"{s.name} nonzero", b.ne(out, 0))
            return out
        if known.get("rational"):
            self.note(f"'{s}' is rational in SymPy; it is read as real")
        return self.givens.real(
            s.name,
            above=0 if positive else None,
            at_least=0 if known.get("nonnegative") and not positive else None,
            below=0 if negative else None,
            at_most=0 if known.get("nonpositive") and not negative else None,
            nonzero=nonzero and not positive and not negative,
        )

    def array(self, base: Any, rank: int) -> Term:
        key = (str(base.label), rank)
        if key not in self.functions:
            self.claim_name(key[0], (sympy.Indexed, base))
            if base.is_positive is None and base.is_real is None:
                self.note(f"the entries of '{base}' have no assumptions in SymPy; they are read as real")
                self.conditions[f"the entries of {base} are real"] = None
            self.note(f"'{base}' is an array over all integers: SymPy says nothing of where its indices begin")
            bounds: dict[str, Any] = {"above": 0} if base.is_positive else {}
            if base.is_nonnegative and not base.is_positive:
                bounds = {"at_least": 0}
            self.functions[key] = self.givens.function(key[0], *(b.integers,) * rank, **bounds)
        return self.functions[key]

    def function(self, e: Any) -> Term:
        name, rank = e.func.__name__, len(e.args)
        if (name, rank) not in self.functions:
            self.claim_name(name, e.func)
            if e.is_real is None:
                self.note(f"the function '{name}' has no assumptions in SymPy; its values are read as real")
                self.conditions[f"the values of {name} are real"] = None
            bounds: dict[str, Any] = {"above": 0} if e.is_positive else {}
            if e.is_nonnegative and not e.is_positive:
                bounds = {"at_least": 0}
            self.functions[name, rank] = self.givens.function(name, *(b.reals,) * rank, **bounds)
        return self.functions[name, rank]

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
        head = _head(e.__class__)
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
        joined = _CONNECTIVES.get(type(e))
        if joined is not None:
            return joined(*map(self.condition, e.args))
        relation = _RELATIONS.get(type(e))
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


_CONNECTIVES: dict[Any, Callable[..., Term]] = {
    sympy.And: b.and_,
    sympy.Or: b.or_,
    sympy.Not: b.not_,
    sympy.Implies: b.implies,
    sympy.ITE: lambda when, then, otherwise: b.or_(b.and_(when, then), b.and_(b.not_(when), otherwise)),
}
_RELATIONS: dict[Any, Callable[[Term, Term], Term]] = {
    sympy.Eq: b.eq,
    sympy.Ne: b.ne,
    sympy.Le: b.le,
    sympy.Lt: b.lt,
    sympy.Ge: lambda x, y: b.le(y, x),
    sympy.Gt: lambda x, y: b.lt(y, x),
}


def _asin(x: Term) -> Term:
    # On the whole of [-1, 1], ends included: the denominator is at least 1.
    return 2 * b.scalar("atan", x / (1 + b.sqrt(1 - x**2)))


def _of_real(build: Callable[[Term], Term]) -> Callable[[_FromSymPy, Any], Term]:
    return lambda reader, e: build(reader.real(e.args[0]))


def _kronecker(reader: _FromSymPy, e: Any) -> Term:
    left, right = reader.integer_or_none(e.args[0]), reader.integer_or_none(e.args[1])
    if left is not None and right is not None:
        return b.delta(left, right)
    return b.ind(b.eq(reader.real(e.args[0]), reader.real(e.args[1])))


def _factorial(reader: _FromSymPy, e: Any) -> Term:
    argument = reader.affine(e.args[0])
    return b.factorial(argument) if argument is not None else b.scalar("gamma", reader.real(e.args[0]) + 1)


def _beta(reader: _FromSymPy, e: Any) -> Term:
    x, y = reader.reals(e.args[:2])
    return b.scalar("gamma", x) * b.scalar("gamma", y) / b.scalar("gamma", x + y)


def _step(reader: _FromSymPy, e: Any) -> Term:
    x, at_zero = reader.reals(e.args)
    return b.ite(b.lt(x, 0), 0, b.ite(b.lt(0, x), 1, at_zero))


#: How each head is read: name of SymPy's class -> reader.
_HEADS: dict[str, Callable[[_FromSymPy, Any], Term]] = {
    "Pi": lambda reader, e: b.pi,
    "Exp1": lambda reader, e: b.exp(1),
    "GoldenRatio": lambda reader, e: (1 + b.sqrt(5)) / 2,
    "Add": _FromSymPy.add,
    "Mul": _FromSymPy.mul,
    "Pow": lambda reader, e: reader.power(e.base, e.exp),
    "exp": _of_real(b.exp),
    "log": _of_real(b.log),
    "sin": _of_real(lambda x: b.scalar("sin", x)),
    "cos": _of_real(lambda x: b.scalar("cos", x)),
    "tan": _of_real(lambda x: b.scalar("sin", x) / b.scalar("cos", x)),
    "cot": _of_real(lambda x: b.scalar("cos", x) / b.scalar("sin", x)),
    "sec": _of_real(lambda x: 1 / b.scalar("cos", x)),
    "csc": _of_real(lambda x: 1 / b.scalar("sin", x)),
    "asin": _of_real(_asin),
    "acos": _of_real(lambda x: b.pi / 2 - _asin(x)),
    "atan": _of_real(lambda x: b.scalar("atan", x)),
    "sinh": _of_real(lambda x: (b.exp(x) - b.exp(-x)) / 2),
    "cosh": _of_real(lambda x: (b.exp(x) + b.exp(-x)) / 2),
    "tanh": _of_real(b.tanh),
    "coth": _of_real(lambda x: 1 / b.tanh(x)),
    "asinh": _of_real(lambda x: b.log(x + b.sqrt(x**2 + 1))),
    "acosh": _of_real(lambda x: b.log(x + b.sqrt(x - 1) * b.sqrt(x + 1))),
    "atanh": _of_real(lambda x: (b.log(1 + x) - b.log(1 - x)) / 2),
    "Abs": _of_real(b.abs_),
    "sign": _of_real(lambda x: b.scalar("sign", x)),
    "erf": _of_real(lambda x: b.scalar("erf", x)),
    "erfc": _of_real(lambda x: 1 - b.scalar("erf", x)),
    "gamma": _of_real(lambda x: b.scalar("gamma", x)),
    "loggamma": _of_real(lambda x: b.scalar("loggamma", x)),
    "beta": _beta,
    "factorial": _factorial,
    "binomial": lambda reader, e: b.binomial(
        reader.integer(e.args[0], "an argument of binomial"), reader.integer(e.args[1], "an argument of binomial")
    ),
    "Max": lambda reader, e: b.max_(*reader.reals(e.args)),
    "Min": lambda reader, e: b.min_(*reader.reals(e.args)),
    "Heaviside": _step,
    "Piecewise": _FromSymPy.piecewise,
    "KroneckerDelta": _kronecker,
    "Sum": lambda reader, e: reader.ranged(e, e.function, e.limits),
    "Product": lambda reader, e: reader.ranged(e, e.function, e.limits),
    "Integral": lambda reader, e: reader.ranged(e, e.function, e.limits),
    "Derivative": _FromSymPy.derivative,
    "Subs": _FromSymPy.evaluated_at,
    "Limit": _FromSymPy.limit,
    "Indexed": lambda reader, e: b.apply(
        reader.array(e.base, len(e.indices)), *(reader.integer(i, "an index") for i in e.indices)
    ),
}


@lru_cache(maxsize=512)
def _head(kind: type) -> Callable[[_FromSymPy, Any], Term] | None:
    """How expressions of a class are read; a class of the same name that somebody else wrote is another function."""
    if issubclass(kind, AppliedUndef) or not (kind.__module__ or "").startswith("sympy."):
        return None
    return _HEADS.get(kind.__name__)


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
    reader = _FromSymPy()
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


# ------------------------------------------------------------------------------------------------ SymPy's opinion


Opinion = Literal["agrees", "silent", "contradicts"]


def sympy_opinion(
    lhs: Term, rhs: Term, context: Context | None = None, relation: Literal["eq", "le", "lt"] = "eq"
) -> Opinion:
    """What SymPy itself says of ``lhs = rhs`` (or ``<=``, ``<``) between scalars.

    It is shown beside our verdict and never replaces it; SymPy 1.14's answers may even depend on ``PYTHONHASHSEED``.
    Work is bounded by the size of the terms only, so call it in a process that can be killed.

    Returns
    -------
    {'agrees', 'silent', 'contradicts'}
        *contradicts* only if SymPy reduces the difference to a number that it knows to break the relation;
        *silent* for everything else: what SymPy cannot say, too large, undecided, an exception.
    """
    try:
        if sum(1 for t in (lhs, rhs) for _ in subterms(t)) > LARGEST_OPINION:
            return "silent"
        left, right = unfold(lhs), unfold(rhs)
        converter = _ToSymPy(context, left, right)
        said = _said(converter.say(right) - converter.say(left), relation)
        # Karr's convention is another statement: no contradiction of ours.
        return "silent" if said == "contradicts" and converter.may_follow_karr else said
    except Exception:  # whatever SymPy or the conversion raises, it has no opinion
        return "silent"


def _said(difference: Any, relation: str) -> Opinion:
    """The relation between 0 and a difference, tried in order of cost."""
    for rewrite in (lambda e: e, lambda e: sympy.expand(e.doit()), sympy.simplify):
        if any(p.exp.is_Integer and abs(p.exp) > HIGHEST_POWER for p in difference.atoms(sympy.Pow)):
            return "silent"
        difference = rewrite(difference)
        if difference.has(sympy.nan, sympy.zoo, sympy.oo):
            return "silent"
        if relation == "eq":
            holds = difference.is_zero
        else:
            holds = difference.is_nonnegative if relation == "le" else difference.is_positive
        if holds:
            return "agrees"
        if holds is False and difference.is_number and not difference.free_symbols:
            return "contradicts"
    return "silent"
