"""The normal form: from a term to a Laurent polynomial over canonical atoms.

A `Normaliser` works in a Context (plus equations that a step cites).  It records every condition under which what it
did is right; `conditions` are propositions of the author's own terms, and `Facts.holds` discharges them where it can.
Two terms with one normal form are equal wherever both are defined and the conditions hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from fractions import Fraction

from derivcheck.language import (
    BINDERS,
    INT,
    REAL,
    Context,
    Sum,
    Term,
    abstract,
    bound,
    domains,
    free_symbols,
    instantiate,
    le,
    make,
    ne,
    num,
    predicate,
    reals,
    substitute,
    subterms,
    unfold,
)
from derivcheck.language.terms import Sort, function_sort, rebuild, sort_of_domain, variable_sort
from derivcheck.proof.normal_form.arrays import entry
from derivcheck.proof.normal_form.calculus import Differentiator, differentiable
from derivcheck.proof.normal_form.combining import combined
from derivcheck.proof.normal_form.facts import Facts
from derivcheck.proof.normal_form.groups import group
from derivcheck.proof.normal_form.indicators import Indicators
from derivcheck.proof.normal_form.integers import solve_for_symbol
from derivcheck.proof.normal_form.integrals import integral
from derivcheck.proof.normal_form.labelling import canonical
from derivcheck.proof.normal_form.names import Supply
from derivcheck.proof.normal_form.piecewise import lowered
from derivcheck.proof.normal_form.poly import (
    Lin,
    Mono,
    Poly,
    Unknown,
    accumulate,
    atom,
    canonical_order,
    constant,
    from_integer,
    mono_times,
    scaled,
    to_term,
)
from derivcheck.proof.normal_form.products import factorials, product, unified
from derivcheck.proof.normal_form.scopes import Group, Under, scoped

#: Conditions on which the zero test distinguishes cases, one within the other.
MAX_SPLITS = 3

#: Nested calls before it gives up, well within the interpreter's stack.
MAX_DEPTH = 60


def symmetric_array(p: Term) -> Term | None:
    """The array of which the proposition says ``∀ i, j. A_ij = A_ji``, if that is what it says."""
    if p.op != "forall" or p.body.op != "forall" or p.args[0] != p.body.args[0]:
        return None
    q = p.body.body
    if q.op != "eq" or any(t.op != "app" or len(t.args) != 3 for t in q.args):
        return None
    (a, i, j), (b, *exchanged) = (t.args for t in q.args)
    if a != b or a.op != "sym" or {i, j} != {bound(0, INT), bound(1, INT)} or exchanged != [j, i]:
        return None
    return a if a.args == (p.args[0],) * 2 else None


class Normaliser(Indicators):
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
        self._splits = 0
        self.conditions: list[Term] = []
        known = (*context.propositions(), *extra)
        self.symmetric: frozenset[Term] = frozenset(a for p in known if (a := symmetric_array(p)) is not None)
        #: Per inverted matrix: how its entries split (see `inverses`).
        self.leading_parts: dict[Term, tuple[Poly, Mono, Poly] | None] = {}
        self._written: dict[Term, Term] = {}
        self._memo: dict[Term, tuple[Poly, tuple[Term, ...]]] = {}
        self.facts = Facts(self, known)

    # ------------------------------------------------------------------------------------------------ bookkeeping

    def under(self, v: Term, domain: Term) -> Under:
        """A scope in which the opened variable `v` ranges over `domain`; conditions leave it generalised."""
        return Under(self, v, domain)

    def scoped(self, variables: Group) -> AbstractContextManager[None]:
        """The scope of a group of indices."""
        return scoped(self, variables)

    def summed(self, variables: Group, p: Poly) -> Poly:
        """The sum of a polynomial over a group of indices."""
        return group(self, variables, p)

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
                    accumulate(out, self.nf(a))
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
            case "min_over":
                # The smallest is minus the largest of the negatives: one kind of extreme is enough.
                opposite = rebuild(t, (*t.args[:-1], -t.body))
                return scaled(self.nf(make("max_over", opposite.args, None, t.sort, t.hint)), Fraction(-1))
            case "int":
                return integral(self, t)
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
                return factorials(self, t)
            case "prod":
                return product(self, t)
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
        with scoped(self, names):
            t = to_term(self.nf(opened(*(v for v, _ in names))))
        if t.op == "app" and t.args[0] in free_symbols(a):
            given = [v for v, _ in names]
            if t.args[0] in self.symmetric:
                given.sort(key=lambda v: v.key)
            if list(t.args[1:]) == given:
                return t.args[0]
        for v, d in reversed(names):
            body = canonical_order(abstract(t, v), self.symmetric)
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
        if t.op in ("max_over", "min_over", "argmax", "argmin") and domain is not None and domain.op == "range":
            lo, hi = domain.args
            if hi.op != "oo":
                self.need(le(lo, hi))
        with Under(self, v, domain):
            inner = to_term(self.nf(body)) if body.sort == REAL else body
        return canonical(rebuild(t, (*head, canonical_order(abstract(inner, v), self.symmetric))), self.symmetric)

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
                inner = canonical_order(abstract(body, v), self.symmetric)
                return self.rewrite(make("deriv", (t.args[0], to_term(self.nf(at)), inner), None, REAL, "x"))
        if not index and sort == REAL and body.op == "int" and body.args[0].op != "counting":
            with Under(self, v, reals):
                value = to_term(self.nf(body))
            if value.op == "int":
                # Nothing is moved under the integral: this derivative is an atom, which a cited exchange may rewrite.
                self.need(differentiable(body, v))
                held = canonical_order(abstract(value, v), self.symmetric)
                return self.rewrite(
                    canonical(make("deriv", (reals, to_term(self.nf(at)), held), None, REAL, "x"), self.symmetric)
                )
            body = value  # the same function of v on the whole line
        for k, d in zip(index, doms, strict=True):
            if d.op == "range":
                # there is such an entry
                self.need(le(d.args[0], k))
                self.need(le(k, d.args[1]))
        d = Differentiator(v, index, self.fresh, lambda p: self.need(substitute(p, {v: at})))(body)
        return self.nf(substitute(d, {v: at}))

    # ------------------------------------------------------------------------------------------------ is it zero?

    def is_zero(self, p: Poly) -> bool:
        """Is the polynomial zero, denominators cleared where they have several terms?"""
        p = given = self.reduce(p)
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
                other = unified(self, lowered(self, p))
                if other == p:
                    together = combined(self, p)
                    if together is None:
                        return self._zero_in_both_cases(given)
                    other = together
                p = self.reduce(other)
                continue
            a, low = pick
            if any(k[0] == a and k[1] for k in lows):
                self.need(ne(a, 0))  # P^{t-1} may be there without P != 0
            lift = Lin(Fraction(-low))
            out: Poly = {}
            for m, c in p.items():
                accumulate(out, self.settle(mono_times(m, ((a, lift),))), c)
            p = self.reduce(out)
        return not p

    def _zero_in_both_cases(self, p: Poly) -> bool:
        """Is the polynomial zero whether or not a condition holds that is hidden in one of its atoms?"""
        if self._splits >= MAX_SPLITS:
            return False
        t = to_term(p)
        hidden = {s for m in p for a, _ in m if a.op != "ind" for s in subterms(a) if s.op == "ind" and not s.loose}
        if not hidden:
            return False
        self._splits += 1
        try:
            pick = min(hidden, key=lambda s: s.key)
            solved = solve_for_symbol(pick.args[0]) if _is_integer_equation(pick.args[0]) else None
            holds = substitute(t, {pick: num(1)})
            cases = (
                holds if solved is None else substitute(holds, {solved[0]: solved[1]}),
                substitute(t, {pick: num(0)}),
            )
            return all(self.is_zero(self.nf(case)) for case in cases)
        finally:
            self._splits -= 1


def _is_integer_equation(p: Term) -> bool:
    return p.op == "eq" and p.args[0].sort == INT


def _fun_sort(domain: Term, body: Term) -> Sort:
    return function_sort((sort_of_domain(domain),), body.sort)
