"""The derivative table: from a term and a variable to the term of its derivative.

Mechanism and table are apart: `SCALAR_RULES` is the back page of a calculus book, one line a function, and
a `Differentiator` walks a term.  A rule that holds only at some points says so through `need`, which records it.
Derivatives of integrals are *not* moved under the integral here: that is an analytic fact, which a proof must cite.
"""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.language import (
    INT,
    MEASURE,
    REAL,
    Fresh,
    Sum,
    Term,
    abstract,
    delta,
    derivative_at,
    det,
    domains,
    exp,
    free_symbols,
    inverse,
    ite,
    lam,
    lt,
    make,
    ne,
    num,
    pi,
    predicate,
    reals,
    scalar,
    sqrt,
    substitute,
    tanh,
)
from derivcheck.language import instantiate as inst
from derivcheck.language.terms import open_binder, rebuild, variable_sort
from derivcheck.proof.normal_form.arrays import entry
from derivcheck.proof.normal_form.names import plain
from derivcheck.proof.normal_form.poly import Unknown

Need = Callable[[Term], None]

#: function -> (derivative at x, condition at x or None)
SCALAR_RULES: dict[str, tuple[Callable[[Term], Term], Callable[[Term], Term] | None]] = {
    "exp": (lambda x: exp(x), None),
    "log": (lambda x: 1 / x, lambda x: lt(0, x)),
    "abs": (lambda x: scalar("sign", x), lambda x: ne(x, 0)),
    "sign": (lambda x: num(0), lambda x: ne(x, 0)),
    "sin": (lambda x: scalar("cos", x), None),
    "cos": (lambda x: -scalar("sin", x), None),
    "tanh": (lambda x: 1 - tanh(x) ** 2, None),
    "atan": (lambda x: 1 / (1 + x**2), None),
    "erf": (lambda x: 2 / sqrt(pi) * exp(-(x**2)), None),
}

ZERO = num(0)


def _plus(terms: list[Term]) -> Term:
    kept = [t for t in terms if t != ZERO]
    if not kept:
        return ZERO
    return kept[0] if len(kept) == 1 else make("add", kept, None, kept[0].sort)


def _times(*factors: Term) -> Term:
    if ZERO in factors:
        return ZERO
    kept = [f for f in factors if f != num(1)]
    if not kept:
        return num(1)
    return kept[0] if len(kept) == 1 else make("mul", kept, None, kept[0].sort)


class Differentiator:
    """Derivatives by one opened variable.

    Parameters
    ----------
    variable : Term
        A free real symbol, or a free function symbol.
    index : tuple of Term
        For a function symbol, which entry varies; empty for a real symbol.
    need : callable
        Receives each condition under which a used rule holds.
    """

    def __init__(self, variable: Term, index: tuple[Term, ...], fresh: Fresh, need: Need) -> None:
        self.variable = variable
        self.index = index
        self.fresh = fresh
        self.need = need

    def depends(self, t: Term) -> bool:
        return self.variable in free_symbols(t)

    def __call__(self, t: Term) -> Term:
        """The derivative of the unfolded closed real term `t`.

        Raises
        ------
        Unknown
            If the term depends on the variable in a way that no rule covers.
        """
        if not self.depends(t):
            return ZERO
        if t == self.variable:
            return num(1)
        match t.op:
            case "add":
                return _plus([self(a) for a in t.args])
            case "neg":
                return -self(t.args[0])
            case "mul":
                return _plus(
                    [_times(self(a), *(b for k, b in enumerate(t.args) if k != j)) for j, a in enumerate(t.args)]
                )
            case "div":
                a, b = t.args
                db = self(b)
                return _plus([_over(self(a), b), _times(num(-1), _over(_times(a, db), b**2)) if db != ZERO else ZERO])
            case "pow":
                return self._power(*t.args)
            case "fn":
                (x,) = t.args
                rule = SCALAR_RULES.get(t.data)
                if rule is None:
                    raise Unknown(f"no derivative rule for '{t.data}'")
                derivative, condition = rule
                if condition is not None:
                    self.need(condition(x))
                return _times(derivative(x), self(x))
            case "max" | "min":
                return self._extreme(t)
            case "ite":
                p, a, b = t.args
                if self.depends(p):
                    self._away_from_the_edge(p)
                return ite(p, self(a), self(b))
            case "ind":
                self._away_from_the_edge(t.args[0])
                return ZERO
            case "int" if t.args[0].op == "counting" and t.args[0].args[0].args[1].op != "oo":
                if self.depends(t.args[0]):
                    raise Unknown("a range that depends on the variable")
                v, body = open_binder(t, self.fresh)
                d = self._under(v, t.args[0].args[0])(body)
                return ZERO if d == ZERO else rebuild(t, (t.args[0], abstract(d, v)))
            case "int" if not self.index and t.args[0].op != "counting":
                # Not moved under the integral: it stays a derivative, and an equation that is cited may rewrite it.
                self.need(differentiable(t, self.variable))
                return make("deriv", (reals, self.variable, abstract(t, self.variable)), None, REAL, "x")
            case "prod":
                return self._product(t)
            case "deriv":
                inner = self.inner(t)
                if inner == t:
                    raise Unknown("the derivative of a derivative that stays as it is")
                return self(inner)
            case "app":
                return self._application(t)
            case "det":
                a = t.args[0]
                n = domains(a)[0].args[1]
                self.need(predicate("invertible", a))
                return _times(det(a), Sum(1, n, lambda i: Sum(1, n, lambda j: _times(inverse(a)(j, i), self(a(i, j))))))
            case "trace":
                a = t.args[0]
                return self(Sum(1, domains(a)[0].args[1], lambda i: a(i, i)))
            case "matmul":
                a, b = t.args
                return self(Sum(1, domains(a)[-1].args[1], lambda i: _times(a(i), b(i))))
        raise Unknown(f"no derivative rule for '{t.op}'")

    def _under(self, v: Term, domain: Term) -> Differentiator:
        """The same derivative below a binder: a condition on the opened variable is asked of its whole domain."""
        return Differentiator(self.variable, self.index, self.fresh, lambda p: self.need(generalised(p, v, domain)))

    def _power(self, base: Term, exponent: Term) -> Term:
        db, de = self(base), self(exponent)
        out = []
        if db != ZERO:
            if exponent.op == "num" and exponent.data.denominator == 1 and exponent.data >= 1:
                lower = base ** (exponent.data - 1) if exponent.data != 1 else num(1)
            else:
                # x**t at x = 0 has no derivative unless t >= 1 is known; away from 0 the rule holds for integer t.
                integral = exponent.op == "real" or (exponent.op == "num" and exponent.data.denominator == 1)
                self.need(ne(base, 0) if integral else lt(0, base))
                lower = base ** (exponent - 1)
            out.append(_times(exponent, lower, db))
        if de != ZERO:
            self.need(lt(0, base))
            out.append(_times(base**exponent, scalar("log", base), de))
        return _plus(out)

    def _extreme(self, t: Term) -> Term:
        """Where one argument is strictly the largest, the derivative is that argument's."""
        args = list(t.args)
        out = self(args[-1])
        rest = args[-1]
        for a in reversed(args[:-1]):
            self.need(ne(a, rest))
            first = lt(rest, a) if t.op == "max" else lt(a, rest)
            out = ite(first, self(a), out)
            rest = make(t.op, (a, rest), None, t.sort)
        return out

    def _away_from_the_edge(self, p: Term) -> None:
        """A comparison keeps its truth near a point where the two sides differ."""
        if p.op in ("and", "or", "not"):
            for q in p.args:
                self._away_from_the_edge(q)
        elif p.op in ("lt", "le", "eq") and p.args[0].sort.kind == "real":
            if self.depends(p):
                for side in p.args:
                    self(side)  # its conditions: where a side has a derivative, it is continuous
                self.need(ne(*p.args))
        elif self.depends(p):
            raise Unknown("a condition that depends on the variable")

    def _product(self, t: Term) -> Term:
        """``∏' = ∏ · Σ f'/f``, where no factor is zero."""
        domain = t.args[0]
        if self.depends(domain):
            raise Unknown("a range that depends on the variable")
        v, body = open_binder(t, self.fresh)
        d = self._under(v, domain)(body)
        if d == ZERO:
            return ZERO
        ratio = make("int", (make("counting", (domain,), None, MEASURE), abstract(d / body, v)), None, t.sort, t.hint)
        return _times(t, ratio)

    def inner(self, t: Term) -> Term:
        """The derivative term `t` carried out (its own variable is another one)."""
        sort, doms = variable_sort(t)
        v = self.fresh.symbol(t.hint, sort, doms)
        at, index = t.args[1], t.args[2:-1]
        body = inst(t.body, v)
        d = Differentiator(v, index, self.fresh, lambda p: self.need(substitute(p, {v: at})))(body)
        return substitute(d, {v: at})

    def _application(self, t: Term) -> Term:
        f, *args = t.args
        if f == self.variable:
            if any(self.depends(a) for a in args):
                raise Unknown("an entry whose index depends on the array")
            if not self.index:
                raise Unknown("the derivative of a function by a function")
            hits = [delta(a, i) if a.sort == INT else None for a, i in zip(args, self.index, strict=True)]
            if None in hits:
                raise Unknown("the derivative by a value of a function on the reals")
            return _times(*[h for h in hits if h is not None])
        if f.op == "inverse":
            (a,) = f.args
            i, j = args
            n = domains(a)[0].args[1]
            return Sum(1, n, lambda k: Sum(1, n, lambda m: -f(i, k) * self(a(k, m)) * f(m, j)))
        if f.op in ("lam", "add", "neg", "scale", "matmul", "transpose", "identity", "diag", "hadamard"):
            return self(entry(f, tuple(args)))
        if f.op == "sym":
            moving = [k for k, a in enumerate(args) if self.depends(a)]
            if len(moving) != 1:
                raise Unknown("a function of which several arguments depend on the variable")
            (k,) = moving
            if args[k].sort.kind != "real":
                raise Unknown("an index that depends on the variable")
            self.need(predicate("differentiable", f))
            return _times(derivative_at(lambda x: f(*args[:k], x, *args[k + 1 :]), args[k]), self(args[k]))
        raise Unknown(f"no derivative rule for an application of '{f.op}'")


def generalised(p: Term, v: Term, domain: Term) -> Term:
    """The proposition `p` for every `v` in the domain, where it mentions `v`."""
    return make("forall", (domain, abstract(p, v)), None, p.sort, plain(v)) if v in free_symbols(p) else p


def differentiable(t: Term, v: Term) -> Term:
    """The proposition that `t` has a derivative at every value of the real symbol `v`."""
    return predicate("differentiable", lam(reals, lambda x: substitute(t, {v: x})))


def _over(a: Term, b: Term) -> Term:
    return a if a == ZERO else a / b
