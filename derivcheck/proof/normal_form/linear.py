"""Linear combinations of facts: a small search for multipliers."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import Term, le
from derivcheck.proof.normal_form.matching import match
from derivcheck.proof.normal_form.poly import (
    ONE,
    UNIT,
    Lin,
    Mono,
    Poly,
    Unknown,
    constant,
    mono_times,
    plus,
)
from derivcheck.proof.normal_form.schemas import put
from derivcheck.proof.normal_form.signs import Signs, product_sign

if TYPE_CHECKING:
    pass

#: Facts combined to prove one linear inequality.
MAX_DEPTH = 6
#: Attempts to prove one linear inequality: several times what the deepest search that finds anything takes.
MAX_TRIES = 250
#: Attempts that one normaliser may lose in searches that find nothing; from then on a search must find it soon.
MAX_LOST = 1000
#: What "soon" is: nearly every search that finds a combination has found it by then.
SOON = 40


class Linear(Signs):
    """Is an inequality a non-negative combination of known ones?"""

    def linear(self, goal: Poly, *, strict: bool) -> bool:
        """Is ``goal >= 0`` (``> 0``) a non-negative combination of facts and of monomials of known sign?"""
        self._prepare()
        # Questions inside this one share its budget: the whole search stays bounded.
        if self._budget is not None:
            return self._linear_search(goal, strict, 0, self._budget, frozenset())
        tries = MAX_TRIES if self._lost < MAX_LOST else SOON
        self._budget = budget = [tries]
        try:
            found = self._linear_search(goal, strict, 0, budget, frozenset())
        finally:
            self._budget = None
        if not found:
            self._lost += tries - budget[0]
        return found

    def mentioned(self, p: Poly) -> bool:
        """Is there a fact that a linear combination which gives the sign of `p` could begin with?"""
        self._prepare()
        return any(a.op == "fn" and a.data == "log" for m in p for a, _ in m) or bool(self._facts_about(p))

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
        ordered = sorted(r.items(), key=lambda mc: tuple((a.key, e.const) for a, e in mc[0]))
        for m, c in ordered:
            s = 1 if m == ONE else self._cached_mono_sign(m)
            s = product_sign([(c > 0) - (c < 0), s])
            if s is None or s < 0:
                if bad is None or m != ONE:
                    bad = m if bad is None or bad == ONE else bad
            elif s == 1:
                positive = True
        if bad is None and (positive or not strict):
            return True
        if depth >= MAX_DEPTH:
            return False
        key = tuple(ordered)
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
        for f, f_strict in (*self._facts_about({bad: Fraction(1)}), *self._logarithms(bad, r)):
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

    def _last_factor(self, p: Poly, a: Term) -> tuple[Poly, bool] | None:
        """``a > 0`` from ``c·a^e·rest > 0`` for an odd `e` and a `rest` of known sign."""
        if len(p) != 1:
            return None
        ((m, c),) = p.items()
        e = dict(m).get(a)
        k = e.integer if e is not None else None
        if k is None or k % 2 == 0 or m == ((a, UNIT),):
            return None
        rest = self._mono_sign(tuple(f for f in m if f[0] != a))
        if rest is None or abs(rest) != 1:
            return None
        return {((a, UNIT),): Fraction(1 if c * rest > 0 else -1)}, True

    def _logarithms(self, m: Mono, r: Poly) -> list[tuple[Poly, bool]]:
        """``c·(log v − log u) >= 0`` for ``u <= v`` and ``c >= 0``, where `m` is one side and `r` has the other."""
        out: list[tuple[Poly, bool]] = []
        for k, (a, e) in enumerate(m):
            if a.op != "fn" or a.data != "log" or e != UNIT:
                continue
            rest = m[:k] + m[k + 1 :]
            factor = self._mono_sign(rest)
            if factor is None or factor < 0:
                continue
            for b in self._other_logarithms(rest, a, r):
                other = mono_times(rest, ((b, UNIT),))
                for low, high, small, large in ((a, b, m, other), (b, a, other, m)):
                    if self.holds(le(low.args[0], high.args[0])):
                        out.append(({large: Fraction(1), small: Fraction(-1)}, False))
        return out

    def _other_logarithms(self, rest: Mono, a: Term, r: Poly) -> list[Term]:
        """The logarithms by which `rest` is multiplied in `r`, but for `a`."""
        out = []
        for m in r:
            for k, (b, e) in enumerate(m):
                if b.op == "fn" and b.data == "log" and e == UNIT and b != a and m[:k] + m[k + 1 :] == rest:
                    out.append(b)
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
        found = self._instantiated[-1].get(a)
        if found is not None:
            return found
        if a in self._busy:
            return []
        before = self.circles
        found = self._new_instances(a)
        if self.final(before):
            self._instantiated[-1][a] = found
        return found

    def _new_instances(self, a: Term) -> list[tuple[Poly, bool]]:
        out: list[tuple[Poly, bool]] = []
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
                            found = self._as_linear(put(s.conclusion, binding))
                            out.extend(found)
                            out.extend(f for p, strict in found if strict and (f := self._last_factor(p, a)))
                    finally:
                        self._busy.discard(a)
        return out
