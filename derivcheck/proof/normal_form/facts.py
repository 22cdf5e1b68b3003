"""What is known in a Context, and what follows from it without search: signs, comparisons, rewriting equations.

`Facts.holds` is the prover that discharges conditions.  It is sound and incomplete: it answers True only where the
proposition follows from the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    BINDERS,
    INT,
    PROP,
    REAL,
    Int,
    LanguageError,
    Term,
    abstract,
    domains,
    free_symbols,
    instantiate,
    le,
    lt,
    make,
    ne,
    num,
    open_binder,
    real,
    substitute,
    symbol,
    unfold,
)
from derivcheck.language.build import affine_parts, int_add
from derivcheck.language.terms import domain_of_measure, variable_sort
from derivcheck.proof.normal_form.matching import Binding, match
from derivcheck.proof.normal_form.names import MARK
from derivcheck.proof.normal_form.poly import (
    ONE,
    UNIT,
    Lin,
    Mono,
    Poly,
    Unknown,
    constant,
    from_integer,
    mono_term,
    plus,
    scaled,
    to_term,
)
from derivcheck.proof.normal_form.sums import Under, depends, join, scoped

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser

#: Facts combined to prove one linear inequality.
MAX_DEPTH = 6
#: Attempts to prove one linear inequality.
MAX_TRIES = 600
#: Questions about signs inside questions about signs; a recursion ``f(t+1) = g(f(t))`` could ask of every ``t``.
MAX_NESTING = 8


@dataclass(frozen=True, slots=True)
class Schema:
    """A fact ``∀ variables ∈ domains. premises ⟹ conclusion``."""

    variables: tuple[tuple[Term, Term], ...]
    premises: tuple[Term, ...]
    conclusion: Term
    triggers: tuple[Term, ...] = ()

    @property
    def names(self) -> frozenset[Term]:
        return frozenset(v for v, _ in self.variables)


@dataclass(frozen=True, slots=True)
class Rule:
    """A fact used as a rewriting rule: the atom `left` becomes ``right/scale``."""

    schema: Schema
    left: Term
    scale: Fraction
    right: Term
    permutes: bool


class Facts:
    """The facts of one normaliser."""

    def __init__(self, n: Normaliser, propositions: Iterable[Term]) -> None:
        self.n = n
        self.schemas: list[Schema] = []
        self.rules: list[Rule] = []
        self.scopes: list[tuple[Term, Term | None]] = []
        self._linear: list[list[tuple[Poly, bool]] | None] = [[]]
        self._signs: list[dict[Term, int | float | None]] = [{}]
        self._answers: list[dict[Term, bool]] = [{}]
        self._asking: set[tuple[str, Term]] = set()
        #: Counts questions that came back to themselves; what was found meanwhile is not remembered.
        self.circles = 0
        self._busy: set[Term] = set()
        self._integrands: dict[Schema, Term | None] = {}
        self._ready = False
        self._budget: list[int] | None = None
        counter = 0
        for p in propositions:
            for schema in _schemas(unfold(p), counter):
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
        if domain is not None and not all(map(_plain_integer, domain.args)):
            # Worked out now: further in, more is known than holds here.
            self._scope_facts(len(self.scopes))

    def pop(self) -> None:
        """Leave the innermost scope."""
        self.scopes.pop()
        self._signs.pop()
        self._answers.pop()
        self._linear.pop()

    def _scope_facts(self, level: int) -> list[tuple[Poly, bool]]:
        """The linear facts of the context (level 0) or of a scope: its variable is in its domain."""
        known = self._linear[level]
        if known is None:
            # Set first: the bounds of a range must not be asked for while they are worked out.
            known = self._linear[level] = []
            v, domain = self.scopes[level - 1]
            if domain is not None and domain.op in ("range", "interval"):
                for a, b in ((domain.args[0], v), (v, domain.args[1])):
                    if not _infinite(a) and not _infinite(b):
                        try:
                            known.append(self._difference(a, b))
                        except Unknown:
                            continue
        return known

    def _difference(self, a: Term, b: Term) -> tuple[Poly, bool]:
        """The linear fact ``a <= b``."""
        if _plain_integer(a) and _plain_integer(b):
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
                        value = self.n.nf(_put(rule.right, binding))
                    finally:
                        self._busy.discard(t)
                    return scaled(value, 1 / rule.scale)
        return None

    def _admissible(self, s: Schema, binding: Binding) -> bool:
        """Are the bound values in their domains, and do the premises hold?"""
        if set(binding) != s.names:
            return False
        for v, domain in s.variables:
            d = _put(domain, binding)
            value = binding[v]
            if d.op == "range":
                if not self.holds(le(d.args[0], value)):
                    return False
                if d.args[1].op != "oo" and not self.holds(le(value, d.args[1])):
                    return False
            elif d.op == "interval":
                lo, hi = d.args
                if not (_infinite(lo) or self.holds(le(lo, value))) or not (_infinite(hi) or self.holds(le(value, hi))):
                    return False
            elif d.op == "functions":
                try:
                    if domains(value) != d.args[:-1]:
                        return False
                except LanguageError:
                    return False
        return all(self.holds(_put(p, binding)) for p in s.premises)

    def independent_split(self, measure: Term, v: Term, m: Mono) -> Iterator[tuple[Mono, Mono]]:
        """Splits of a monomial in the outcome `v` into factors of two families known to be independent."""
        self._prepare()
        if not self._probability(measure):
            return
        for s in self.schemas:
            p = s.conclusion
            if p.op != "pred" or p.data != "independent" or s.variables or s.premises or p.args[0] != measure:
                continue
            left, right = (_generators(x, v) for x in p.args[1:])
            if left is None or right is None:
                continue
            one = tuple(f for f in m if _function_of(f, v, left))
            two = tuple(f for f in m if f not in one and _function_of(f, v, right))
            if one and two and len(one) + len(two) == len(m):
                yield one, two
                return

    def _probability(self, measure: Term) -> bool:
        total = Int(measure, lambda w: 1)
        return any(
            s.conclusion.op == "eq" and s.conclusion.args == (total, num(1)) and not s.variables and not s.premises
            for s in self.schemas
        )

    # ------------------------------------------------------------------------------------------------------ signs

    def sign(self, t: Term) -> int | float | None:
        """1 (positive), 0.5 (not negative), 0 (zero), -0.5 (not positive), -1 (negative) or None (not known)."""
        self._prepare()
        for cache in reversed(self._signs):
            if t in cache and cache[t] is not None:
                return cache[t]
        here = self._signs[-1]
        if t in here:
            return here[t]
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
            here[t] = s
        return s

    def final(self, before: int) -> bool:
        """May a negative answer be remembered?  Not if it was cut short inside another question."""
        return self.circles == before or not (self._asking or self._busy)

    def _sign(self, t: Term) -> int | float | None:
        s = self._structural_sign(t)
        if s is not None and abs(s) != 0.5:
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
                return (t.data > 0) - (t.data < 0)
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
                return _product([self.sign(a) for a in t.args])
            case "div":
                b = self.sign(t.args[1])
                if b is None or b == 0 or (abs(b) != 1 and not self.nonzero(t.args[1])):
                    return None
                return _product([self.sign(t.args[0]), 1 if b > 0 else -1])
            case "add":
                return _sum([self.sign(a) for a in t.args])
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
                return _join(a, b)
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
            for strict, s in ((True, 1), (False, 0.5)):
                if self.holds(lt(num(1), x) if strict else le(num(1), x)):
                    return s
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
            if domain.op == "range" and occupied and domain.args[1].op != "oo":
                return s
            return 0.5 if s > 0 else (-0.5 if s < 0 else 0)
        return s if occupied else None

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
        if t.op == "pow" and _is_integer(t.args[1]) and self.nonzero(t.args[0]):
            return True
        if self._known(ne(t, num(0))) or self._known(ne(num(0), t)):
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
        return a != whole and (self._known(ne(a, num(0))) or (a.op in ("app", "sym") and self._ne_fact(a)))

    def _ne_fact(self, a: Term) -> bool:
        return self._known(ne(a, num(0)))

    def poly_sign(self, p: Poly, structural: bool = True) -> int | float | None:
        """The sign of a polynomial: by its monomials, else by a linear combination of facts."""
        if not p:
            return 0
        if ONE in p and len(p) == 1:
            return 1 if p[ONE] > 0 else -1
        s = (
            _sum([_product([(c > 0) - (c < 0), self._mono_sign(m)]) for m, c in p.items()])
            if structural or len(p) > 1
            else None
        )
        if s is not None and abs(s) == 1:
            return s
        for direction in (1, -1):
            q = p if direction == 1 else scaled(p, Fraction(-1))
            if self.linear(q, strict=True):
                return direction
        if s is not None:
            return s
        for direction in (1, -1):
            q = p if direction == 1 else scaled(p, Fraction(-1))
            if self.linear(q, strict=False):
                return direction / 2
        return None

    def _mono_sign(self, m: Mono) -> int | float | None:
        return _product([self._factor_sign(a, e) for a, e in m])

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

    # ------------------------------------------------------------------------------------- linear combinations of facts

    def linear(self, goal: Poly, *, strict: bool) -> bool:
        """Is ``goal >= 0`` (``> 0``) a non-negative combination of facts and of monomials of known sign?"""
        self._prepare()
        # Questions inside this one share its budget: the whole search stays bounded.
        outermost = self._budget is None
        if self._budget is None:
            self._budget = [MAX_TRIES]
        try:
            return self._linear_search(goal, strict, 0, self._budget, frozenset())
        finally:
            if outermost:
                self._budget = None

    def _linear_search(
        self,
        r: Poly,
        strict: bool,
        depth: int,
        budget: list[int],
        seen: frozenset[tuple[tuple[Mono, Fraction], ...]],
    ) -> bool:
        budget[0] -= 1
        if budget[0] < 0:
            self.circles += 1  # cut short: not an answer to remember
            return False
        bad = None
        positive = False
        for m, c in sorted(r.items(), key=lambda mc: tuple((a.key, e.const) for a, e in mc[0])):
            s = 1 if m == ONE else self._cached_mono_sign(m)
            s = _product([(c > 0) - (c < 0), s])
            if s is None or s < 0:
                if bad is None or m != ONE:
                    bad = m if bad is None or bad == ONE else bad
            elif s == 1:
                positive = True
        if bad is None and (positive or not strict):
            return True
        if depth >= MAX_DEPTH:
            return False
        key = tuple(sorted(r.items(), key=lambda mc: tuple((a.key, e.const) for a, e in mc[0])))
        if key in seen:
            return False
        seen = seen | {key}
        if bad is None:
            # all signs are right but none is strict: a strict fact may still be inside
            for f, f_strict in self._facts_about(r):
                if f_strict and all(m in r and r[m] / c > 0 for m, c in f.items() if m != ONE):
                    k = min((r[m] / c for m, c in f.items() if m != ONE and m in r), default=None)
                    if k is not None and self._linear_search(plus(r, f, -k), False, depth + 1, budget, seen):
                        return True
            return False
        for f, f_strict in self._facts_about({bad: Fraction(1)}):
            if bad in f and f[bad] * r[bad] > 0:
                k = r[bad] / f[bad]
                if self._linear_search(plus(r, f, -k), strict and not f_strict, depth + 1, budget, seen):
                    return True
        return False

    def _cached_mono_sign(self, m: Mono) -> int | float | None:
        return self._mono_sign(m)

    def _facts_about(self, p: Poly) -> list[tuple[Poly, bool]]:
        """The linear facts that mention a monomial of `p`: ground ones, scopes', and instances for its atoms."""
        levels = reversed(range(len(self._linear)))
        out = [f for level in levels for f in self._scope_facts(level) if any(m in f[0] for m in p)]
        for m in p:
            for a, e in m:
                out.extend(f for f in self._instances(a) if any(x in f[0] for x in p))
                out.extend(f for f in self._power_bounds(a, e) if any(x in f[0] for x in p))
        return out

    def _power_bounds(self, a: Term, e: Lin) -> list[tuple[Poly, bool]]:
        """``0 <= b <= 1`` and ``e >= 1`` give ``b^e <= b``; ``0 <= b <= 1`` and ``e >= 0`` give ``b^e <= 1``."""
        if not e.terms or a.op == "num":
            return []
        try:
            base = self._nf(a)
        except Unknown:
            return []
        if not (self.linear(base, strict=False) or (self.sign(a) or -1) >= 0):
            return []
        if not self.linear(plus(constant(1), base, Fraction(-1)), strict=False):
            return []
        power: Poly = {((a, e),): Fraction(1)}
        out: list[tuple[Poly, bool]] = []
        if self.linear(plus(e.poly(), constant(1), Fraction(-1)), strict=False):
            out.append((plus(base, power, Fraction(-1)), False))
        elif self.linear(e.poly(), strict=False):
            out.append((plus(constant(1), power, Fraction(-1)), False))
        return out

    def _instances(self, a: Term) -> list[tuple[Poly, bool]]:
        """Schematic comparisons instantiated so that they mention the atom `a`."""
        out: list[tuple[Poly, bool]] = []
        if a in self._busy:
            return out
        for s in self.schemas:
            if not s.variables or s.conclusion.op not in ("le", "lt", "eq"):
                continue
            for trigger in s.triggers:
                if trigger.op != a.op and not (trigger.op == "app" and a.op == "real"):
                    continue
                target = a.args[0] if a.op == "real" else a
                if trigger.op == "app" and (target.op != "app" or target.args[0] != trigger.args[0]):
                    continue
                for binding in match(trigger, target, s.names, self.n.symmetric):
                    self._busy.add(a)
                    try:
                        if self._admissible(s, binding):
                            out.extend(self._as_linear(_put(s.conclusion, binding)))
                    finally:
                        self._busy.discard(a)
        return out

    # ------------------------------------------------------------------------------------------------ propositions

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
                return self.refuted(p.args[0]) or self.holds(p.args[1]) or self._known(p)
            case "forall":
                return self._holds_for_all(p) or self._known(p)
            case "le" | "lt" if p.args[0].sort in (INT, REAL):
                return self._compares(p) or self._known(p)
            case "eq" if p.args[0].sort in (INT, REAL):
                a, b = p.args
                return not plus(self._nf(a), self._nf(b), Fraction(-1))
            case "eq":
                return p.args[0] == p.args[1]
            case "not":
                q = p.args[0]
                if q.op == "eq" and q.args[0].sort in (INT, REAL):
                    return self._differs(*q.args) or self._known(p)
                if q.op == "le":
                    return self.holds(lt(q.args[1], q.args[0]))
                if q.op == "lt":
                    return self.holds(le(q.args[1], q.args[0]))
            case "integrable":
                return self._integrable(p)
        return self._known(p)

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
            s = self.sign(b)
            if s is not None and (s > 0 if p.op == "le" else s == 1):
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

    def _known(self, p: Term) -> bool:
        """Is `p` an instance of a fact, as it stands or after normalising both?"""
        p = unfold(p)
        for s in self.schemas:
            q = s.conclusion
            if q.op != p.op or q.data != p.data:
                continue
            for binding in match(q, p, s.names, self.n.symmetric):
                if self._admissible(s, binding):
                    return True
        return False

    def _integrable(self, p: Term) -> bool:
        """Integrability: finite sums and multiples of integrable functions, constants under a finite measure."""
        measure = p.args[0]
        if measure.op == "counting" and measure.args[0].args[1].op != "oo":
            return True
        sort, doms = variable_sort(p)
        v = self.n.fresh.symbol(p.hint, sort, doms)
        with Under(self.n, v, domain_of_measure(measure)):
            value = self._nf(instantiate(p.body, v))
        return all(self._integrable_mono(measure, v, m) for m in value)

    def _integrable_mono(self, measure: Term, v: Term, m: Mono) -> bool:
        opened, mono, _ = join(self.n, m)
        with scoped(self.n, opened):
            mine = tuple(f for f in mono if depends(f, v))
            if not mine:
                return self._finite(measure)
            wanted = make("integrable", (measure, abstract(mono_term(mine), v)), None, PROP)
            for s in self.schemas:
                if s.conclusion.op != "integrable" or s.conclusion.args[0] != measure:
                    continue
                for binding in self._same_integrand(s, wanted):
                    if self._admissible(s, binding):
                        return True
            for left, right in self.independent_split(measure, v, mine):
                return self._integrable_mono(measure, v, left) and self._integrable_mono(measure, v, right)
            return self._integrable_by_squares(measure, v, mine)

    def _integrable_by_squares(self, measure: Term, v: Term, m: Mono) -> bool:
        """``f²`` integrable gives ``f`` (finite measure); ``f²`` and ``g²`` integrable give ``fg``."""
        factors = [(a, UNIT) for a, e in m for _ in range(e.integer or 0)]
        if len(factors) != sum((e.integer or 99) for _, e in m) or len(factors) > 2:
            return False
        if len(factors) == 1 and not self._finite(measure):
            return False
        return all(self._square_integrable(measure, v, a) for a, _ in factors)

    def _square_integrable(self, measure: Term, v: Term, a: Term) -> bool:
        square = make("integrable", (measure, abstract(mono_term(((a, Lin(Fraction(2))),)), v)), None, PROP)
        return any(
            self._admissible(s, binding)
            for s in self.schemas
            if s.conclusion.op == "integrable" and s.conclusion.args[0] == measure
            for binding in self._same_integrand(s, square)
        )

    def _same_integrand(self, s: Schema, wanted: Term) -> Iterator[Binding]:
        """The bindings under which the known integrability is the wanted one, integrands in normal form."""
        if s not in self._integrands:
            p = s.conclusion
            v = symbol(f"integrand{MARK}", *variable_sort(p))
            try:
                body = to_term(self._nf(instantiate(p.body, v)))
                self._integrands[s] = make("integrable", (p.args[0], abstract(body, v)), None, p.sort)
            except Unknown:
                self._integrands[s] = None
        pattern = self._integrands[s]
        if pattern is not None:
            yield from match(pattern, wanted, s.names, self.n.symmetric)

    def _finite(self, measure: Term) -> bool:
        """Is the total mass of the measure known to be a number?"""
        if measure.op == "counting":
            return measure.args[0].args[1].op != "oo"
        if measure.op == "lebesgue":
            return not any(_infinite(a) for a in measure.args[0].args)
        total = Int(measure, lambda w: 1)
        return any(
            s.conclusion.op == "eq" and s.conclusion.args[0] == total and not s.variables and not s.premises
            for s in self.schemas
        )


# ------------------------------------------------------------------------------------------------------------- helpers


def _schemas(p: Term, counter: int) -> Iterator[Schema]:
    """The conjuncts of a closed proposition, quantifiers opened and premises collected."""

    def go(q: Term, variables: tuple[tuple[Term, Term], ...], premises: tuple[Term, ...]) -> Iterator[Schema]:
        if q.op == "and":
            for part in q.args:
                yield from go(part, variables, premises)
        elif q.op == "forall":
            sort, doms = variable_sort(q)
            v = symbol(f"{q.hint}?{counter}.{len(variables)}", sort, doms)
            yield from go(instantiate(q.body, v), (*variables, (v, q.args[0])), premises)
        elif q.op == "implies":
            yield from go(q.args[1], variables, (*premises, q.args[0]))
        elif q.op == "not" and q.args[0].op in ("le", "lt"):
            # the order is total: not (a <= b) is b < a
            a, b = q.args[0].args
            yield from go(lt(b, a) if q.args[0].op == "le" else le(b, a), variables, premises)
        else:
            names = frozenset(v for v, _ in variables)
            triggers = tuple(
                sorted(
                    {t for t in _applications(q) if names <= free_symbols(t)},
                    key=lambda t: t.key,
                )
            )
            yield Schema(variables, premises, q, triggers)

    yield from go(p, (), ())


def _applications(p: Term) -> Iterator[Term]:
    stack = [p]
    while stack:
        t = stack.pop()
        if t.op == "app" and not t.loose:
            yield t
        if t.op not in BINDERS:
            stack.extend(t.args)


def _put(t: Term, binding: Binding) -> Term:
    return substitute(t, binding)


def _plain_integer(t: Term) -> bool:
    """Is `t` affine in integer symbols?"""
    return t.sort == INT and all(a.op == "sym" for a in affine_parts(t)[1])


def _is_integer(t: Term) -> bool:
    """Is the real term plainly an integer?"""
    return t.op == "real" or (t.op == "num" and t.data.denominator == 1)


def _infinite(t: Term) -> bool:
    return t.op == "oo" or (t.op == "neg" and t.args[0].op == "oo")


def _generators(x: Term, v: Term) -> tuple[Term, ...] | None:
    """What the random object `x` (a function of the outcome) gives at the outcome `v`, if plainly said.

    A whole family ``ω ↦ (i ↦ X(i, ω))`` gives the symbol `X`, a single variable ``ω ↦ X(c, ω)`` that one value.
    """
    if x.op != "lam":
        return None
    body, indices = instantiate(x.body, v), []
    while body.op == "lam":
        i = symbol(f"family {len(indices)}{MARK}", *variable_sort(body))
        indices.append((i, body.args[0]))
        body = instantiate(body.body, i)
    if body.op == "neg":
        body = body.args[0]
    if body.op != "app" or body.args[0].op != "sym" or body.args[-1] != v:
        return None
    f, given = body.args[0], body.args[1:-1]
    if any(v in free_symbols(a) for a in given):
        return None
    if not indices:
        return (body,)
    whole = given == tuple(i for i, _ in indices) and domains(f)[:-1] == tuple(d for _, d in indices)
    return (f,) if whole else None


def _function_of(factor: tuple[Term, Lin], v: Term, generators: tuple[Term, ...]) -> bool:
    """Does the factor depend on `v` through the generators only (and not in its exponent)?"""

    def seen(t: Term) -> bool:
        if v not in free_symbols(t):
            return False
        if t in generators:
            return False
        if t.op == "app" and t.args[0] in generators and t.args[-1] == v:
            return any(seen(a) for a in t.args[1:-1])
        return t == v or any(seen(a) for a in t.args)

    a, e = factor
    return not seen(a) and not any(v in free_symbols(x) for x, _ in e.terms)


def _product(signs: list[int | float | None]) -> int | float | None:
    out: int | float = 1
    for s in signs:
        if s == 0:
            return 0
        if s is None:
            return None
        out = (1 if out * s > 0 else -1) * min(abs(out), abs(s))
    return out


def _sum(signs: list[int | float | None]) -> int | float | None:
    if any(s is None for s in signs):
        return None
    known = [s for s in signs if s]
    if not known:
        return 0
    if all(s > 0 for s in known):  # type: ignore[operator]
        return max(known)  # type: ignore[type-var]
    if all(s < 0 for s in known):  # type: ignore[operator]
        return min(known)  # type: ignore[type-var]
    return None


def _join(a: int | float | None, b: int | float | None) -> int | float | None:
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
