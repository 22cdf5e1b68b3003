"""Integrals of random variables: who is independent of whom, and what is integrable."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    PROP,
    Int,
    Term,
    abstract,
    domains,
    free_symbols,
    instantiate,
    make,
    num,
    symbol,
)
from derivcheck.language.terms import domain_of_measure, variable_sort
from derivcheck.proof.normal_form.groups import join
from derivcheck.proof.normal_form.known import Known
from derivcheck.proof.normal_form.matching import Binding, match
from derivcheck.proof.normal_form.names import MARK
from derivcheck.proof.normal_form.poly import (
    UNIT,
    Lin,
    Mono,
    Poly,
    Unknown,
    mono_term,
    plus,
    to_term,
)
from derivcheck.proof.normal_form.schemas import Schema, infinite
from derivcheck.proof.normal_form.scopes import Under, depends, scoped

if TYPE_CHECKING:
    pass


class Integrability(Known):
    """Independence and integrability."""

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

    def _integrable(self, p: Term) -> bool:
        """Integrability: finite sums and multiples of integrable functions, constants under a finite measure."""
        measure = p.args[0]
        if measure.op == "counting" and measure.args[0].args[1].op != "oo":
            return True
        sort, doms = variable_sort(p)
        v = self.n.fresh.symbol(p.hint, sort, doms)
        with Under(self.n, v, domain_of_measure(measure)):
            value = self._nf(instantiate(p.body, v))
        rest: Poly = {m: c for m, c in value.items() if not self._integrable_mono(measure, v, m)}
        return not rest or self._integrable_combination(measure, v, rest)

    def _known_integrands(self, measure: Term, v: Term) -> list[Poly]:
        """What is said to be integrable, at `v`, where it is a sum: its summands need not be."""
        out: list[Poly] = []
        for s in self.schemas:
            q = s.conclusion
            if q.op == "integrable" and q.args[0] == measure and not (s.variables or s.premises):
                try:
                    value = self._nf(instantiate(q.body, v))
                except Unknown:
                    continue
                if len(value) > 1:
                    out.append(value)
        return out

    def _integrable_combination(self, measure: Term, v: Term, rest: Poly) -> bool:
        """Is `rest` a combination of known integrands, but for integrable monomials?"""
        with Under(self.n, v, domain_of_measure(measure)):
            known = self._known_integrands(measure, v)
        pivots: list[tuple[Mono, Poly]] = []
        for q in known:
            left = _eliminated({m: c for m, c in q.items() if not self._integrable_mono(measure, v, m)}, pivots)
            if left:
                pivots.append((next(iter(left)), left))
        return not _eliminated(rest, pivots)

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
            v = symbol(f"integrand{MARK}0", *variable_sort(p))
            try:
                body = to_term(_without_divisors(self._nf(instantiate(p.body, v)), v, s.names))
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
            return not any(infinite(a) for a in measure.args[0].args)
        total = Int(measure, lambda w: 1)
        return any(
            s.conclusion.op == "eq" and s.conclusion.args[0] == total and not s.variables and not s.premises
            for s in self.schemas
        )


def _without_divisors(p: Poly, v: Term, names: frozenset[Term]) -> Poly:
    """A multiple of one monomial without what it is divided by, where that is the same at every `v`: 1/c is not 0."""
    if len(p) != 1:
        return p
    ((m, _),) = p.items()
    divisors = [
        (a, e)
        for a, e in m
        if e.integer is not None and e.integer < 0 and not depends((a, e), v) and names.isdisjoint(free_symbols(a))
    ]
    return {tuple(f for f in m if f not in divisors): Fraction(1)} if divisors else p


def _generators(x: Term, v: Term) -> tuple[Term, ...] | None:
    """What the random object `x` (a function of the outcome) gives at the outcome `v`, if plainly said.

    A whole family ``ω ↦ (i ↦ X(i, ω))`` gives the symbol `X`, a single variable ``ω ↦ X(c, ω)`` that one value.
    """
    if x.op != "lam":
        return None
    body = instantiate(x.body, v)
    indices: list[tuple[Term, Term]] = []
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


def _eliminated(q: Poly, pivots: list[tuple[Mono, Poly]]) -> Poly:
    """`q` less multiples of the pivots, each of which is free of the first monomials of those before it."""
    for m, r in pivots:
        if m in q:
            q = plus(q, r, -q[m] / r[m])
    return q
