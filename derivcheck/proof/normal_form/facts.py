"""What is known in a Context, and what follows from it without search: signs, comparisons, rewriting equations.

`Facts.holds` is the prover that discharges conditions.  It is sound and incomplete: it answers True only where the
proposition follows from the facts.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    INT,
    REAL,
    Term,
    le,
    lt,
    num,
    open_binder,
    unfold,
)
from derivcheck.proof.normal_form.definite import invertible
from derivcheck.proof.normal_form.linear import Linear
from derivcheck.proof.normal_form.matching import match
from derivcheck.proof.normal_form.poly import (
    Poly,
    Unknown,
    constant,
    plus,
    scaled,
    to_term,
)
from derivcheck.proof.normal_form.scopes import Under

if TYPE_CHECKING:
    pass


class Facts(Linear):
    """The facts of one normaliser: which propositions follow from them."""

    def holds(self, p: Term) -> bool:
        """Does the proposition follow from what is known here?  False means *not known*."""
        self._prepare()
        for answers in reversed(self._answers):
            if answers.get(p):
                return True
        here = self._answers[-1]
        if p in here:
            return here[p]
        if ("holds", p) in self._asking:
            self.circles += 1
            return False
        before = self.circles
        self._asking.add(("holds", p))
        try:
            found = self._holds(p)
        except Unknown:
            found = False
        finally:
            self._asking.discard(("holds", p))
        if found or self.final(before):
            here[p] = found
        return found

    def _holds(self, p: Term) -> bool:
        match p.op:
            case "true":
                return True
            case "false":
                return False
            case "and":
                return all(self.holds(q) for q in p.args)
            case "or":
                return any(self.holds(q) for q in p.args)
            case "implies":
                return self.refuted(p.args[0]) or self.holds(p.args[1]) or self.known(p)
            case "forall":
                return self.known(p) or self._holds_for_all(p)
            case "le" | "lt" if p.args[0].sort in (INT, REAL):
                return self._compares(p) or self.known(p)
            case "eq" if p.args[0].sort in (INT, REAL):
                a, b = p.args
                return self._vanishes(plus(self._nf(a), self._nf(b), Fraction(-1)))
            case "eq":
                return p.args[0] == p.args[1]
            case "not":
                q = p.args[0]
                if q.op == "eq" and q.args[0].sort in (INT, REAL):
                    return self._differs(*q.args) or self.known(p)
                if q.op == "le":
                    return self.holds(lt(q.args[1], q.args[0]))
                if q.op == "lt":
                    return self.holds(le(q.args[1], q.args[0]))
            case "integrable":
                return self.known(p) or self._integrable(p)
            case "pred" if p.data == "invertible":
                return self.known(p) or invertible(self, p.args[0])
        return self.known(p)

    def _vanishes(self, d: Poly) -> bool:
        """Is the polynomial zero, under conditions that follow?"""
        outer, self.n.conditions = self.n.conditions, []
        try:
            return self.n.is_zero(d) and all(self.holds(c) for c in self.n.conditions)
        finally:
            self.n.conditions = outer

    def refuted(self, p: Term) -> bool:
        """Does the negation follow?"""
        match p.op:
            case "false":
                return True
            case "and":
                return any(self.refuted(q) for q in p.args)
            case "or":
                return all(self.refuted(q) for q in p.args)
            case "not":
                return self.holds(p.args[0])
            case "le":
                return self.holds(lt(p.args[1], p.args[0]))
            case "lt":
                return self.holds(le(p.args[1], p.args[0]))
            case "eq" if p.args[0].sort in (INT, REAL):
                try:
                    return self._differs(*p.args)
                except Unknown:
                    return False
        return False

    def _compares(self, p: Term) -> bool:
        a, b = p.args
        if p.args[0].sort == INT:
            d, _ = self._difference(a, b)
            if p.op == "lt":
                d = plus(d, constant(1), Fraction(-1))
            return not d or self.linear(d, strict=False)
        if a == num(0):
            for sign in (self.sign_by_form, self.sign):
                s = sign(b)
                if s is not None and (s >= 0 if p.op == "le" else s == 1):
                    return True
        if b == num(0):
            s = self.sign_by_form(a)
            if s is not None and (s <= 0 if p.op == "le" else s == -1):
                return True
        d, _ = self._difference(a, b)
        s = self.poly_sign(d)
        return s is not None and (s >= 0 if p.op == "le" else s == 1)

    def _differs(self, a: Term, b: Term) -> bool:
        if a.sort == INT:
            d, _ = self._difference(a, b)
            one = constant(1)
            return self.linear(plus(d, one, Fraction(-1)), strict=False) or self.linear(
                plus(scaled(d, Fraction(-1)), one, Fraction(-1)), strict=False
            )
        if b == num(0):
            return self.nonzero(a)
        if a == num(0):
            return self.nonzero(b)
        d, _ = self._difference(a, b)
        s = self.poly_sign(d)
        return (s is not None and abs(s) == 1) or self.nonzero(to_term(d))

    def _holds_for_all(self, p: Term) -> bool:
        v, body = open_binder(p, self.n.fresh)
        with Under(self.n, v, p.args[0]):
            return self.holds(body)

    def known(self, p: Term) -> bool:
        """Is `p` a fact, or an instance of one, as it stands or after normalising both?"""
        p = unfold(p)
        if p in self._literal:
            return True
        for s in self.schemas:
            q = s.conclusion
            if q.op != p.op or q.data != p.data:
                continue
            for binding in match(q, p, s.names, self.n.symmetric):
                if self._admissible(s, binding):
                    return True
        return False
