"""Values for experiments: what is not random from an interpretation, random families from laws with the given moments.

The instances enumerate small discrete laws exactly; here the draws come from other laws (skewed, uniform, normal,
three points), scaled to the declared means and variances.  Families that are not declared independent of each other
share a part of their randomness, and entries that are not declared uncorrelated or iid are correlated: what a claim
does not state, it does not get.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from derivcheck.experiment.claims.numeric import Numeric, Rows, Unsupported, pick_entry
from derivcheck.language import INT, Context, Declaration, Term, apply, free_symbols, integer, symbol
from derivcheck.semantics.interpretation import Interpretation
from derivcheck.semantics.numbers import EvaluationError, midpoint

#: A law with mean 0 and variance 1: from a generator and a number of draws.
Law = Callable[[np.random.Generator, int], Rows]


def _skewed(rng: np.random.Generator, n: int) -> Rows:
    return (rng.standard_gamma(4.0, n) - 4.0) / 2.0


def _three_points(rng: np.random.Generator, n: int) -> Rows:
    values = np.array([-1.0, 0.5, 3.0])
    weights = np.array([0.5, 0.4, 0.1])
    mean = float(values @ weights)
    spread = math.sqrt(float(values**2 @ weights) - mean**2)
    return (rng.choice(values, n, p=weights) - mean) / spread


def _uniform(rng: np.random.Generator, n: int) -> Rows:
    return rng.uniform(-math.sqrt(3.0), math.sqrt(3.0), n)


def _normal(rng: np.random.Generator, n: int) -> Rows:
    return rng.standard_normal(n)


#: The laws of successive tests; symmetric ones hide what skewed ones show, so a skewed one comes first.
LAWS: dict[str, Law] = {"skewed": _skewed, "uniform": _uniform, "three points": _three_points, "normal": _normal}
SYMMETRIC = ("uniform", "normal")

#: Share of the variance that dependent variables have in common.
COMMON = 0.5


class SampledWorld:
    """The values of all symbols; `draw` sets the number of rows and their randomness.

    Parameters
    ----------
    context : Context
        What is declared.
    interpretation : Interpretation
        The values of what is not random.
    law : str
        A key of `LAWS`, for families that are not declared normal (and, if they are declared symmetric, that are not).
    """

    def __init__(self, context: Context, interpretation: Interpretation, law: str) -> None:
        self.interpretation = interpretation
        self.law = law
        self.temporary: dict[Term, Rows] = {}
        self.chosen: dict[Term, Rows] = {}
        self.declared = {d.symbol: d for d in _flat(context.declarations) if d.symbol is not None}
        self.definitions = {s: t for d in _flat(context.declarations) for s, t in d.model}
        self.random = {s: d for s, d in self.declared.items() if d.kind == "random" and s not in self.definitions}
        self._rng: np.random.Generator | None = None
        self._rows = 1
        self._drawn: dict[Any, Rows] = {}
        for d in _flat(context.declarations):
            if (
                d.symbol is None
                and not d.model
                and any(free_symbols(f) & set(self.random) for p in d.properties for f in p.facts)
            ):
                raise Unsupported(f"random variables that satisfy '{d.name}'")

    def draw(self, rng: np.random.Generator, rows: int) -> None:
        """New randomness for everything random."""
        self._rng, self._rows, self._drawn = rng, rows, {}

    # --------------------------------------------------------------------------------------- what evaluation asks

    def integer(self, symbol: Term) -> int:
        """See `World`."""
        return int(self._value(symbol))

    def real(self, symbol: Term) -> Rows:
        """See `World`."""
        if symbol in self.temporary:
            return self.temporary[symbol]
        if symbol in self.chosen:
            return self.chosen[symbol]
        return np.array([_float(self._value(symbol))])

    def at(self, symbol: Term, args: tuple[Any, ...]) -> Rows:
        """See `World`."""
        if symbol in self.temporary:
            entries = self.temporary[symbol]
            where = tuple(i - 1 for i in args)
            if any(not 0 <= i < n for i, n in zip(where, entries.shape[1:], strict=True)):
                raise Unsupported(f"an index outside '{symbol}'")
            return pick_entry(entries, where)
        if symbol in self.random:
            return self._draw_of(symbol, args[:-1])
        if any(a is None for a in args) or (self.chosen and symbol in self.definitions):
            return self._defined(symbol, args)
        if not all(isinstance(a, int) for a in args):
            raise Unsupported(f"'{symbol}' at a real argument")
        try:
            return np.array([_float(self._value(symbol).at(args))])
        except EvaluationError as error:
            raise Unsupported(f"'{symbol}': {error}") from error

    def make_equal(self, premise: Term) -> bool:
        """See `World`: a real symbol of which nothing is known takes the value of the other side."""
        if premise.op != "eq":
            return False
        for free, other in (premise.args, premise.args[::-1]):
            declaration = self.declared.get(free)
            if declaration is not None and declaration.kind == "real" and not declaration.properties:
                self.chosen[free] = Numeric(self).real(other)
                return True
        return False

    def _value(self, symbol: Term) -> Any:
        try:
            return self.interpretation.symbol(symbol)
        except EvaluationError as error:
            raise Unsupported(f"'{symbol}': {error}") from error

    def _defined(self, function: Term, args: tuple[Any, ...]) -> Rows:
        if function not in self.definitions:
            raise Unsupported(f"'{function}' at an outcome")
        terms = []
        for a, sort in zip(args, function.sort.domain_sorts, strict=True):
            if sort == INT:
                terms.append(integer(a))
            elif a is None:
                terms.append(symbol("outcome#", sort))
            else:
                raise Unsupported(f"'{function}' at a real argument")
        return Numeric(self).real(apply(self.definitions[function], *terms))

    # ------------------------------------------------------------------------------------------- random variables

    def _draw_of(self, family: Term, index: tuple[int, ...]) -> Rows:
        if self._rng is None:
            raise Unsupported(f"'{family}' outside an expectation")
        known = self._drawn.get((family, index))
        if known is None:
            declaration = self.random[family]
            mean, variance = (self._moment(declaration, name, index, default) for name, default in _MOMENTS)
            if not variance >= 0.0:
                raise Unsupported(f"the variance of '{family}' is {variance}")
            known = self._drawn[family, index] = mean + math.sqrt(variance) * self._standard(declaration, index)
        return known

    def _moment(self, declaration: Declaration, name: str, index: tuple[int, ...], default: float) -> float:
        declared = declaration.property(name)
        if declared is None or not declared.args:
            return default
        table = declared.args[0]
        return Numeric(self).single(apply(table, *map(integer, index)) if table.sort.kind == "fun" else table)

    def _standard(self, declaration: Declaration, index: tuple[int, ...]) -> Rows:
        """A variable with mean 0 and variance 1, sharing with others what is not declared to be independent."""
        own = self._source(declaration, ("own", declaration.name, index))
        shared: list[tuple[Any, ...]] = []
        if index and declaration.property("uncorrelated") is None and declaration.property("iid") is None:
            shared.append(("family", declaration.name))
        group = self._dependent_group(declaration)
        if group:
            shared.append(("group", group, index))
        out = math.sqrt(1.0 - COMMON * bool(shared)) * own
        for key in shared:
            out = out + math.sqrt(COMMON / len(shared)) * self._source(declaration, key)
        return out

    def _dependent_group(self, declaration: Declaration) -> tuple[str, ...]:
        """The families that this one may depend on, itself included; empty if there is no other."""
        others = [d for d in self.random.values() if d is not declaration and not _independent(d, declaration)]
        return tuple(sorted([declaration.name, *(d.name for d in others)])) if others else ()

    def _source(self, declaration: Declaration, key: tuple[Any, ...]) -> Rows:
        law = self.law
        if declaration.property("normal") is not None:
            law = "normal"
        elif declaration.property("symmetric law") is not None and law not in SYMMETRIC:
            law = "uniform"
        assert self._rng is not None
        known = self._drawn.get((key, law))
        if known is None:
            known = self._drawn[key, law] = LAWS[law](self._rng, self._rows)
        return known


#: Declared moment -> what stands for it where nothing is declared.
_MOMENTS = (("mean", 0.7), ("variance", 1.3))


def _independent(one: Declaration, other: Declaration) -> bool:
    return one.property(f"independent of {other.name}") is not None or (
        other.property(f"independent of {one.name}") is not None
    )


def _flat(declarations: Iterable[Declaration]) -> list[Declaration]:
    return [e for d in declarations for e in (*_flat(d.auxiliary), d)]


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int) else midpoint(value)
