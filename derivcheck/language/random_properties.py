"""What the properties of random variables stand for: moments, laws and independence, as facts about integrals.

>>> from derivcheck.language import *
>>> P = measure_symbol("P", space("Omega")); x = function("X", space("Omega"))
>>> Family(x, (), P, mean=3).first_moment().facts
(integrable(X[w] for w ~ P), E(X[w] for w ~ P) = 3)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from derivcheck.language import constructors as b
from derivcheck.language.context import Property
from derivcheck.language.properties import for_all_arguments
from derivcheck.language.terms import LanguageError, Term, Termlike, domain_of_measure

#: A mean or a variance: one for the whole family, or a function of the indices.
Moment = Termlike | Callable[..., Term]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of random variables ``x(i, j, …, ω)``, its indices in the ranges `over` and ω under `measure`.

    Each method makes one property.

    Raises
    ------
    LanguageError
        From a method that needs a mean, a variance or an index that is not there.
    """

    x: Term
    over: tuple[Term, ...]
    measure: Term
    mean: Moment | None = None
    variance: Moment | None = None

    # ----------------------------------------------------------------------------------------------------- moments

    def first_moment(self) -> Property:
        """``E X_i = μ_i``, and it exists."""
        x, measure, mean = self.x, self.measure, self._given(self.mean, "a mean is not given")
        exists = for_all_arguments(x, lambda *ix: b.integrable(measure, lambda w: x(*ix, w)), self.over)
        value = for_all_arguments(x, lambda *ix: b.eq(self._mean_of(ix), _at(mean, ix)), self.over)
        return Property("mean", (exists, value), (self._table(mean),))

    def second_moments(self) -> Property:
        """The products ``X_i X_k`` are integrable; with a variance, ``E X_i² = μ_i² + v_i``."""
        x, measure, r = self.x, self.measure, len(self.over)
        exist = self._for_all_pairs(lambda *ix: b.integrable(measure, lambda w: x(*ix[:r], w) * x(*ix[r:], w)))
        if self.variance is None:
            return Property("square integrable", (exist,))
        variance = self.variance
        mean = self._given(self.mean, "a variance is declared together with a mean")

        def own(*ix: Term) -> Term:
            return b.eq(self._square_of(ix), _plus(_at(mean, ix), _at(mean, ix), _at(variance, ix)))

        return Property("variance", (exist, for_all_arguments(x, own, self.over)), (self._table(variance),))

    def uncorrelated(self) -> Property:
        """``E X_i X_k = μ_i μ_k + v_i δ_ik``."""
        if not self.over:
            raise LanguageError("uncorrelated is declared for a family")
        return Property("uncorrelated", (self._products(),))

    def _products(self) -> Term:
        x, measure, r = self.x, self.measure, len(self.over)

        def pair(*ix: Term) -> Term:
            i, k = ix[:r], ix[r:]
            equal = b.and_(*(b.eq(p, q) for p, q in zip(i, k, strict=True)))
            mean = self._mean_of(i)
            own = self._square_of(i) - mean * mean
            return b.eq(b.Int(measure, lambda w: x(*i, w) * x(*k, w)), mean * self._mean_of(k) + own * b.ind(equal))

        return self._for_all_pairs(pair)

    def _mean_of(self, ix: tuple[Term, ...]) -> Term:
        return b.Int(self.measure, lambda w: self.x(*ix, w))

    def _square_of(self, ix: tuple[Term, ...]) -> Term:
        return b.Int(self.measure, lambda w: self.x(*ix, w) ** 2)

    def _for_all_pairs(self, body: Callable[..., Term]) -> Term:
        return for_all_arguments(self.x, body, (*self.over, *self.over))

    # -------------------------------------------------------------------------------------- laws and independence

    def iid(self, *, with_products: bool) -> Property:
        """One law for all, and any two independent; perhaps with the moments of the products."""
        if len(self.over) != 1:
            raise LanguageError("iid is declared for a family with one index; use uncorrelated for arrays")
        x, measure, on = self.x, self.measure, domain_of_measure(self.measure)

        def entry(i: Term) -> Term:
            return b.lam(on, lambda w: x(i, w))

        def apart(i: Term, k: Term) -> Term:
            return b.implies(b.ne(i, k), b.predicate("independent", measure, entry(i), entry(k)))

        def alike(i: Term, k: Term) -> Term:
            return b.predicate("same_law", measure, entry(i), entry(k))

        # Independence gives the second moments of pairs: dropping "iid" drops them too.
        moments = (self._products(),) if with_products else ()
        return Property("iid", (self._for_all_pairs(apart), self._for_all_pairs(alike), *moments))

    def normal_law(self) -> Property:
        """The third and fourth central moments of a normal law, ``0`` and ``3 v²``."""
        x, measure = self.x, self.measure
        alone = "a normal law is declared with its mean and variance"
        mean, variance = self._given(self.mean, alone), self._given(self.variance, alone)

        def central(power: int, value: Callable[[Term], Termlike]) -> Term:
            def moment(*ix: Term) -> Term:
                about_the_mean = b.Int(measure, lambda w: (x(*ix, w) - _at(mean, ix)) ** power)
                return b.eq(about_the_mean, value(_at(variance, ix)))

            return for_all_arguments(x, moment, self.over)

        return Property("normal", (central(3, lambda v: 0), central(4, lambda v: 3 * v**2)))

    def symmetric_law(self) -> Property:
        """The family and its negative have one law."""
        fact = b.predicate("same_law", self.measure, self._whole(), self._whole(negated=True))
        return Property("symmetric law", (fact,))

    def independent_of(self, other: Term) -> Property:
        """This family and the family `other`, each as a whole, are independent."""
        whole = Family(other, b.domains(other)[:-1], self.measure)._whole()
        fact = b.predicate("independent", self.measure, self._whole(), whole)
        return Property(f"independent of {other.data}", (fact,), (other,))

    def _whole(self, *, negated: bool = False) -> Term:
        """The whole family ``ω ↦ (i, j, … ↦ X(i, j, …, ω))`` as one function of the outcome."""

        def entry(ix: tuple[Term, ...], w: Term) -> Term:
            return b.neg(self.x(*ix, w)) if negated else self.x(*ix, w)

        return b.lam(domain_of_measure(self.measure), lambda w: self._tabulated(lambda ix: entry(ix, w)))

    # ------------------------------------------------------------------------------------------------------ values

    def _table(self, moment: Moment) -> Term:
        return self._tabulated(lambda ix: _at(moment, ix))

    def _tabulated(self, entry: Callable[[tuple[Term, ...]], Term]) -> Term:
        """``i, j, … ↦ entry((i, j, …))`` over the ranges of the family."""

        def go(ix: tuple[Term, ...]) -> Term:
            return entry(ix) if len(ix) == len(self.over) else b.lam(self.over[len(ix)], lambda i: go((*ix, i)))

        return go(())

    @staticmethod
    def _given(moment: Moment | None, otherwise: str) -> Moment:
        if moment is None:
            raise LanguageError(otherwise)
        return moment


def _at(moment: Moment, ix: tuple[Term, ...]) -> Term:
    return moment(*ix) if callable(moment) and not isinstance(moment, Term) else b.as_real(moment)


def _plus(first: Term, second: Term, rest: Term) -> Term:
    """``first·second + rest``, written without a product of zeros."""
    zero = b.num(0)
    return rest if zero in (first, second) else b.add(b.mul(first, second), rest)
