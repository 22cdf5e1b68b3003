"""Polynomials in the coins of a finite space: expectations without enumeration.

An expectation of a polynomial body is a sum of products of one-coin expectations, because the measure is a product.
The body is evaluated once on a `SymbolicOutcome`; whatever is not a polynomial (a comparison, a logarithm, a
denominator, a table indexed by a coin) raises `NotPolynomial`, and the coins are tossed one by one instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    Dual,
    EvaluationError,
    Number,
    add,
    div,
    is_exact,
    mul,
    rational,
    sub,
    total,
)
from derivcheck.semantics.values import Coin, Measure, Outcome, Space

#: More monomials than this are not worth their products.
MOST_MONOMIALS = 4_000


class Column:
    """The values of a function of one coin, by face; equal when exact and equal, else only to itself."""

    __slots__ = ("_hash", "exact", "values")

    def __init__(self, values: Sequence[Number]) -> None:
        self.values = tuple(values)
        self.exact = all(map(is_exact, self.values))
        # A hash of numerators and denominators takes a tenth of the time that one of rationals does.
        self._hash = hash(tuple([(int(x.p), int(x.q)) for x in self.values])) if self.exact else id(self)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Column) and self.exact and other.exact and self.values == other.values

    def __hash__(self) -> int:
        return self._hash

    def __mul__(self, other: Column) -> Column:
        return Column([a * b for a, b in zip(self.values, other.values, strict=True)])


#: A product of one function per coin of an outcome.
Monomial = frozenset[tuple[Outcome, Coin, Column]]


class NotPolynomial(EvaluationError):
    """The integrand is not a polynomial in coins."""


class Polynomial:
    """A sum of coefficients times monomials in coins; a number as far as the evaluator is concerned."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[Monomial, Number]) -> None:
        if len(terms) > MOST_MONOMIALS:
            raise NotPolynomial("too many monomials")
        self.terms = terms

    def __add__(self, other: Number) -> Polynomial:
        out = dict(self.terms)
        for m, c in _terms(other).items():
            out[m] = add(out[m], c) if m in out else c
        return Polynomial(out)

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Number) -> Polynomial:
        return self.__add__(-other)

    def __rsub__(self, other: Number) -> Polynomial:
        return self.__neg__().__add__(other)

    def __mul__(self, other: Number) -> Polynomial:
        right = _terms(other)
        if len(self.terms) * len(right) > 8 * MOST_MONOMIALS:
            raise NotPolynomial("too many monomials")
        out: dict[Monomial, Number] = {}
        for m, c in self.terms.items():
            for n, d in right.items():
                product = _product(m, n)
                value = mul(c, d)
                out[product] = add(out[product], value) if product in out else value
        return Polynomial(out)

    __rmul__ = __mul__

    def __truediv__(self, other: Number) -> Polynomial:
        if isinstance(other, Polynomial):
            raise NotPolynomial("a denominator that is random")
        return Polynomial({m: c / other for m, c in self.terms.items()})

    def __pow__(self, exponent: int) -> Polynomial:
        out = Polynomial({frozenset(): ONE})
        for _ in range(exponent):
            out = out * self
        return out

    def __rtruediv__(self, other: Number) -> NoReturn:
        raise NotPolynomial("a denominator that is random")

    def __lt__(self, other: object) -> NoReturn:
        raise NotPolynomial("a comparison of random numbers")

    __gt__ = __le__ = __ge__ = __lt__

    def __abs__(self) -> NoReturn:
        raise NotPolynomial("the absolute value of a random number")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotPolynomial(f"'{name}' of a random number")


def _terms(x: Number) -> dict[Monomial, Number]:
    return x.terms if isinstance(x, Polynomial) else {frozenset(): x}


def _product(m: Monomial, n: Monomial) -> Monomial:
    if not m or not n:
        return m or n
    out = {(w, coin): values for w, coin, values in m}
    for w, coin, values in n:
        known = out.get((w, coin))
        out[w, coin] = values if known is None else known * values
    return frozenset((w, coin, values) for (w, coin), values in out.items())


class SymbolicOutcome(Outcome):
    """An outcome of which no coin is ever tossed: what depends on a coin is a `Polynomial`."""

    def __init__(self, space: Space) -> None:
        super().__init__(space, {})

    def face(self, coin: Coin) -> int:
        """A face cannot be known here."""
        raise NotPolynomial("a value that depends on a coin's face other than by a table")

    def pick(self, coin: Coin, values: Sequence[Number]) -> Number:
        """The polynomial that is `values` on the faces of `coin`."""
        if any(isinstance(x, Dual) for x in values):
            raise NotPolynomial("a law that is being differentiated")
        return Polynomial({frozenset({(self, coin, Column(values))}): ONE})


def expectation(measure: Measure, body: Callable[[Outcome], Number]) -> Number:
    """The integral of a polynomial body.

    Raises
    ------
    NotPolynomial
        If it is not one.
    """
    outcome = SymbolicOutcome(measure.space)
    return _integrated(measure, outcome, body(outcome))


def identical(space: Space, sides: Callable[[Outcome], tuple[Number, Number]]) -> bool:
    """Whether two polynomials in coins agree at every point: the mean square of their difference is 0.

    Raises
    ------
    NotPolynomial
        If a side is not a polynomial with exact coefficients.
    """
    uniform = Measure(space, lambda coin: [div(ONE, rational(coin.faces))] * coin.faces)
    outcome = SymbolicOutcome(space)
    left, right = sides(outcome)
    if not isinstance(left, Polynomial) and not isinstance(right, Polynomial):
        raise NotPolynomial("a condition that does not depend on coins by tables")
    difference = {m: c for m, c in sub(left, right).terms.items() if not (is_exact(c) and c == 0)}
    if not difference:
        return True
    error = Polynomial(difference)
    square = _integrated(uniform, outcome, error * error)
    if not is_exact(square):
        raise NotPolynomial("inexact coefficients")
    return bool(square == 0)


def _integrated(measure: Measure, outcome: Outcome, value: Number) -> Number:
    if isinstance(value, Dual):
        return Dual(
            value.tag,
            _integrated(measure, outcome, value.primal),
            _integrated(measure, outcome, value.tangent),
        )
    out: dict[Monomial, Number] = {}
    atom = measure.space.atom
    for monomial, c in _terms(value).items():
        rest = []
        mass = True
        for factor in monomial:
            w, coin, values = factor
            if w is not outcome:
                rest.append(factor)
                continue
            mass = mass and coin is not atom
            c = mul(c, total([mul(x, y) for x, y in zip(values.values, measure.weights(coin), strict=True)]))
        if mass:
            c = mul(c, measure.mass())
        key = frozenset(rest)
        out[key] = add(out[key], c) if key in out else c
    if not out:
        return ZERO
    return out[frozenset()] if set(out) == {frozenset()} else Polynomial(out)
