"""What the parts of a normaliser share: its state, the conditions, and the methods that call one another."""

from __future__ import annotations

from abc import ABC, abstractmethod

from derivcheck.language import (
    Context,
    Term,
    false,
    true,
)
from derivcheck.proof.normal_form import allowance
from derivcheck.proof.normal_form.facts import Facts
from derivcheck.proof.normal_form.names import Supply
from derivcheck.proof.normal_form.poly import (
    Lin,
    Mono,
    Poly,
    Unknown,
)

#: Monomial products before the normal form gives up; a deterministic bound on work.
MAX_EFFORT = 400_000


class Base(ABC):
    """The state of a normaliser, and what its parts need of one another."""

    context: Context
    fresh: Supply
    facts: Facts
    effort: int
    conditions: list[Term]
    symmetric: frozenset[Term]

    def spend(self, amount: int = 1) -> None:
        self.effort += amount
        if self.effort > MAX_EFFORT:
            raise Unknown("the normal form grew too large")
        allowance.spend(amount)

    def need(self, condition: Term) -> None:
        """Record a condition, unless it is one already or plainly true."""
        if condition != true and condition not in self.conditions:
            self.conditions.append(condition)

    def _undefined(self, what: str) -> Poly:
        self.need(false)
        raise Unknown(what)

    @abstractmethod
    def nf(self, t: Term) -> Poly:
        """The normal form of a closed real term."""

    @abstractmethod
    def rewrite(self, t: Term) -> Poly:
        """An atom, or what a cited equation makes of it."""

    @abstractmethod
    def indicator(self, p: Term) -> Poly:
        """``[p]`` as 0, 1, or a polynomial in canonical indicators."""

    @abstractmethod
    def settle(self, m: Mono) -> Poly:
        """A monomial whose exponents may have left their normal range."""

    @abstractmethod
    def power(self, base: Poly, exponent: Poly, author_base: Term) -> Poly:
        """``base**exponent``."""

    @abstractmethod
    def raised(self, base: Poly, e: Lin, author_base: Term) -> Poly:
        """``base**e`` for an affine exponent."""

    @abstractmethod
    def absolute(self, p: Poly, author: Term) -> Poly:
        """The absolute value."""

    @abstractmethod
    def exponential(self, p: Poly) -> Poly:
        """The exponential."""

    @abstractmethod
    def logarithm(self, p: Poly, author: Term) -> Poly:
        """The logarithm, for a positive argument."""
