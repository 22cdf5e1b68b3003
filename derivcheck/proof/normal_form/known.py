"""What is known in a Context and in the scopes that are open; equations as rewriting rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    INT,
    REAL,
    LanguageError,
    Term,
    domains,
    free_symbols,
    le,
    real,
    unfold,
)
from derivcheck.language.constructors import int_add
from derivcheck.proof.normal_form.matching import Binding, match
from derivcheck.proof.normal_form.poly import (
    UNIT,
    Mono,
    Poly,
    Unknown,
    constant,
    from_integer,
    plus,
    scaled,
    to_term,
)
from derivcheck.proof.normal_form.schemas import Rule, Schema, infinite, plain_integer, put, schemas_of
from derivcheck.proof.normal_form.scopes import Under

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser


class Known(ABC):
    """The facts and scopes of one normaliser, and what its parts need of one another."""

    def __init__(self, n: Normaliser, propositions: Iterable[Term]) -> None:
        self.n = n
        self.schemas: list[Schema] = []
        self.rules: list[Rule] = []
        self.scopes: list[tuple[Term, Term | None]] = []
        self._linear: list[list[tuple[Poly, bool]] | None] = [[]]
        self._signs: list[dict[tuple[Term, bool], int | float | None]] = [{}]
        self._by_form = False
        self._answers: list[dict[Term, bool]] = [{}]
        self._asking: set[tuple[str, Term]] = set()
        #: Counts questions that came back to themselves; what was found meanwhile is not remembered.
        self.circles = 0
        self._busy: set[Term] = set()
        self._integrands: dict[Schema, Term | None] = {}
        self._ready = False
        #: Per scope: the comparisons that universal facts give about an atom.
        self._instantiated: list[dict[Term, list[tuple[Poly, bool]]]] = [{}]
        self._budget: list[int] | None = None
        #: Attempts spent on linear combinations that were not found.
        self._lost = 0
        self.propositions = frozenset(propositions := tuple(propositions))
        self._literal = frozenset(map(unfold, propositions))
        counter = 0
        for p in propositions:
            for schema in schemas_of(unfold(p), counter):
                counter += 1
                self.schemas.append(schema)

    # ----------------------------------------------------------------------------------------------------- scopes

    def push(self, v: Term, domain: Term | None) -> None:
        """Enter the scope of an opened variable."""
        self._prepare()
        self.scopes.append((v, domain))
        self._signs.append({})
        self._answers.append({})
        self._linear.append(None)
        self._instantiated.append({})
        if domain is not None and not all(map(plain_integer, domain.args)):
            # Worked out now: further in, more is known than holds here.
            self._scope_facts(len(self.scopes))

    def pop(self) -> None:
        """Leave the innermost scope."""
        self.scopes.pop()
        self._signs.pop()
        self._answers.pop()
        self._linear.pop()
        self._instantiated.pop()

    def _scope_facts(self, level: int) -> list[tuple[Poly, bool]]:
        """The linear facts of the context (level 0) or of a scope: its variable is in its domain."""
        known = self._linear[level]
        if known is None:
            # Set first: the bounds of a range must not be asked for while they are worked out.
            known = self._linear[level] = []
            v, domain = self.scopes[level - 1]
            if domain is not None and domain.op in ("range", "interval"):
                for a, b in ((domain.args[0], v), (v, domain.args[1])):
                    if not infinite(a) and not infinite(b):
                        try:
                            known.append(self._difference(a, b))
                        except Unknown:
                            continue
        return known

    def _difference(self, a: Term, b: Term) -> tuple[Poly, bool]:
        """The linear fact ``a <= b``."""
        if plain_integer(a) and plain_integer(b):
            return from_integer(int_add(b, a, -1)), False
        return plus(self._nf(b), self._nf(a), Fraction(-1)), False

    def _nf(self, t: Term) -> Poly:
        """A normal form that stands for the term without further conditions.

        Raises
        ------
        Unknown
            If a condition of the normal form does not follow from what is known: then the polynomial may differ from
            the term (``Σ_{i=1}^n 1`` is `n` only for ``n >= 0``), in a fact as well as in a question.
        """
        outer, self.n.conditions = self.n.conditions, []
        try:
            p = self.n.nf(real(t) if t.sort == INT else t)
            open_conditions = self.n.conditions
        finally:
            self.n.conditions = outer
        if not all(self.holds(c) for c in open_conditions):
            raise Unknown("a condition that does not follow")
        return p

    def _prepare(self) -> None:
        """Turn the ground comparisons into linear facts and the equations into rules; once."""
        if self._ready:
            return
        self._ready = True
        for s in self.schemas:
            if s.variables or s.premises:
                continue
            self._scope_facts(0).extend(self._as_linear(s.conclusion))
        for s in self.schemas:
            rule = self._as_rule(s)
            if rule is not None:
                self.rules.append(rule)
        self.n._memo.clear()
        self._signs[0].clear()
        self._answers[0].clear()
        self._instantiated[0].clear()

    def _as_linear(self, p: Term) -> list[tuple[Poly, bool]]:
        """A comparison (or an equation) as facts ``poly >= 0`` or ``poly > 0``."""
        if p.op not in ("le", "lt", "eq") or p.args[0].sort not in (INT, REAL):
            return []
        a, b = p.args
        try:
            d, _ = self._difference(a, b)
        except Unknown:
            return []
        if p.op == "lt":
            if a.sort == INT:
                return [(plus(d, constant(1), Fraction(-1)), False)]
            return [(d, True)]
        return [(d, False)] + ([(scaled(d, Fraction(-1)), False)] if p.op == "eq" else [])

    def _as_rule(self, s: Schema) -> Rule | None:
        p = s.conclusion
        if p.op != "eq" or p.args[0].sort != REAL:
            return None
        with ExitStack() as scope:
            for v, domain in s.variables:
                scope.enter_context(Under(self.n, v, domain))
            return self._oriented(s)

    def _oriented(self, s: Schema) -> Rule | None:
        p, names = s.conclusion, s.names
        try:
            left = self._nf(p.args[0])
        except Unknown:
            return None
        if len(left) != 1:
            return None
        ((m, c),) = left.items()
        if len(m) != 1 or m[0][1] != UNIT or m[0][0].op not in ("app", "int", "sym", "max_over", "deriv", "lim", "det"):
            return None
        atom = m[0][0]
        if not names <= free_symbols(atom):
            return None
        right = p.args[1]
        permutes = False
        try:
            r = self._nf(right)
        except Unknown:
            return None
        if len(r) == 1:
            ((m2, c2),) = r.items()
            if len(m2) == 1 and m2[0][1] == UNIT and m2[0][0].op == atom.op and c2 == c:
                permutes = any(True for _ in match(atom, m2[0][0], names)) and atom.op == "app"
        if atom.op == "app" and not permutes and atom.args[0] in free_symbols(right):
            return None  # it would rewrite for ever (V = T V): such an equation is cited, not run
        if permutes:
            return None  # symmetric arrays are kept in order by the normaliser itself
        return Rule(s, atom, c, to_term(r), permutes)

    # -------------------------------------------------------------------------------------------------- rewriting

    def rewrite(self, t: Term) -> Poly | None:
        """What a known equation makes of the atom `t`, if one applies."""
        self._prepare()
        for rule in self.rules:
            if rule.left.op != t.op:
                continue
            for binding in match(rule.left, t, rule.schema.names, self.n.symmetric):
                if self._admissible(rule.schema, binding):
                    if t in self._busy:
                        return None
                    self._busy.add(t)
                    try:
                        value = self.n.nf(put(rule.right, binding))
                    finally:
                        self._busy.discard(t)
                    return scaled(value, 1 / rule.scale)
        return None

    def _admissible(self, s: Schema, binding: Binding) -> bool:
        """Are the bound values in their domains, and do the premises hold?"""
        if set(binding) != s.names:
            return False
        for v, domain in s.variables:
            d = put(domain, binding)
            value = binding[v]
            if d.op == "range":
                if not self.holds(le(d.args[0], value)):
                    return False
                if d.args[1].op != "oo" and not self.holds(le(value, d.args[1])):
                    return False
            elif d.op == "interval":
                lo, hi = d.args
                if not (infinite(lo) or self.holds(le(lo, value))) or not (infinite(hi) or self.holds(le(value, hi))):
                    return False
            elif d.op == "functions":
                try:
                    if domains(value) != d.args[:-1]:
                        return False
                except LanguageError:
                    return False
        return all(self.holds(put(p, binding)) for p in s.premises)

    @abstractmethod
    def holds(self, p: Term) -> bool:
        """Does the proposition follow from what is known here?  False means *not known*."""

    @abstractmethod
    def nonzero(self, t: Term) -> bool:
        """Is the term known not to be zero?"""

    @abstractmethod
    def linear(self, goal: Poly, *, strict: bool) -> bool:
        """Is ``goal >= 0`` (``> 0``) a non-negative combination of facts and of monomials of known sign?"""

    @abstractmethod
    def mentioned(self, p: Poly) -> bool:
        """Is there a fact that a linear combination which gives the sign of `p` could begin with?"""

    @abstractmethod
    def known(self, p: Term) -> bool:
        """Is `p` an instance of a fact?"""

    @abstractmethod
    def independent_split(self, measure: Term, v: Term, m: Mono) -> Iterator[tuple[Mono, Mono]]:
        """Splits of a monomial in the outcome `v` into factors of two families known to be independent."""
