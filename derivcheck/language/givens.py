"""What a problem gives: the builder of a `Context` that problem files use.

>>> from derivcheck.language import *
>>> g = Givens()
>>> n = g.size("n"); S = g.matrix("S", n, n, positive_definite=True)
>>> [p.name for p in g.context.find(S).properties]
['symmetric', 'positive definite']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from derivcheck.language import constructors as b
from derivcheck.language import properties
from derivcheck.language.context import Context, Declaration, Property
from derivcheck.language.properties import bounds, for_all_arguments
from derivcheck.language.random_properties import Family, Moment
from derivcheck.language.terms import INT, LanguageError, Term, Termlike, domain_of_measure, sort_of_domain, symbol


@dataclass
class Givens:
    """What a problem gives: a builder of a `Context`.

    Each method declares one symbol and returns it.  Keyword bounds are ``above``, ``at_least``, ``below``,
    ``at_most`` and ``nonzero``; on arrays they hold for every entry.
    """

    _declarations: list[Declaration] = field(default_factory=list)

    @property
    def context(self) -> Context:
        """What has been declared so far."""
        return Context(tuple(self._declarations))

    def _declare(self, symbol: Term, kind: str, known: Iterable[Property]) -> Term:
        if any(d.symbol is not None and d.symbol.data == symbol.data for d in self._declarations):
            raise LanguageError(f"'{symbol.data}' is declared twice")
        self._declarations.append(Declaration(symbol, kind, tuple(known)))
        return symbol

    # ------------------------------------------------------------------------------------------ integers and reals

    def size(self, name: str, minimum: int = 1) -> Term:
        """A size: an integer of at least `minimum`."""
        s = b.Size(name)
        return self._declare(s, "size", [Property("minimum", (b.le(minimum, s),), (b.integer(minimum),))])

    def index(self, name: str, lo: Termlike, hi: Termlike | None = None) -> Term:
        """An index from 1 to `lo`, or from `lo` to `hi`."""
        first, last = (b.integer(1), b.as_int(lo)) if hi is None else (b.as_int(lo), b.as_int(hi))
        i = b.Index(name)
        facts = (b.le(first, i), b.le(i, last))
        return self._declare(i, "index", [Property("range", facts, (first, last))])

    def integer(self, name: str, *, at_least: Termlike | None = None, at_most: Termlike | None = None) -> Term:
        """An integer."""
        s = b.Index(name)
        return self._declare(s, "integer", bounds(lambda c: c(s), at_least=at_least, at_most=at_most, cast=b.as_int))

    def real(
        self,
        name: str,
        *,
        above: Termlike | None = None,
        at_least: Termlike | None = None,
        below: Termlike | None = None,
        at_most: Termlike | None = None,
        nonzero: bool = False,
    ) -> Term:
        """A real number."""
        s = b.Real(name)
        return self._declare(
            s,
            "real",
            bounds(lambda c: c(s), above=above, at_least=at_least, below=below, at_most=at_most, nonzero=nonzero),
        )

    def point(self, name: str, domain: Term) -> Term:
        """A point of an abstract space."""
        return self._declare(symbol(name, sort_of_domain(domain)), "point", [])

    # ------------------------------------------------------------------------------------------ arrays and functions

    def array(
        self,
        name: str,
        *over: Term,
        symmetric: bool = False,
        positive_definite: bool = False,
        positive_semidefinite: bool = False,
        invertible: bool = False,
        full_column_rank: bool = False,
        orthogonal: bool = False,
        diagonal: bool = False,
        above: Termlike | None = None,
        at_least: Termlike | None = None,
        below: Termlike | None = None,
        at_most: Termlike | None = None,
        nonzero: bool = False,
    ) -> Term:
        """An array over integer ranges, with its structure and bounds on its entries."""
        a = b.function(name, *over)
        ps = bounds(
            lambda c: for_all_arguments(a, lambda *ix: c(a(*ix))),
            above=above,
            at_least=at_least,
            below=below,
            at_most=at_most,
            nonzero=nonzero,
        )
        said = (
            (symmetric or positive_definite or positive_semidefinite, properties.symmetric),
            (positive_definite, properties.positive_definite),
            (positive_semidefinite, properties.positive_semidefinite),
            (invertible, properties.invertible),
            (full_column_rank, properties.full_column_rank),
            (orthogonal, properties.orthogonal),
            (diagonal, properties.diagonal),
        )
        ps.extend(make(a) for holds, make in said if holds)
        return self._declare(a, "array", ps)

    def vector(self, name: str, size: Termlike, **known: object) -> Term:
        """A vector with entries from 1."""
        return self.array(name, b.range_(1, size), **known)  # type: ignore[arg-type]

    def matrix(self, name: str, rows: Termlike, columns: Termlike, **known: object) -> Term:
        """A matrix with entries from 1."""
        return self.array(name, b.range_(1, rows), b.range_(1, columns), **known)  # type: ignore[arg-type]

    def choice(self, name: str, over: Term, among: Term) -> Term:
        """A function from a range into a range: a deterministic policy, a label, a permutation's candidate."""
        f = b.function(name, over, codomain=INT)
        fact = b.ForAll(over, lambda i: b.and_(b.le(among.args[0], f(i)), b.le(f(i), among.args[1])))
        return self._declare(f, "choice", [Property("range", (fact,), (among,))])

    def function(
        self,
        name: str,
        *over: Term,
        differentiable: bool = False,
        convex: bool = False,
        increasing: bool = False,
        above: Termlike | None = None,
        at_least: Termlike | None = None,
        below: Termlike | None = None,
        at_most: Termlike | None = None,
    ) -> Term:
        """A function with real values on a product of domains (one real line unless said otherwise)."""
        over = over or (b.reals,)
        f = b.function(name, *over)
        ps = bounds(
            lambda c: for_all_arguments(f, lambda *x: c(f(*x))),
            above=above,
            at_least=at_least,
            below=below,
            at_most=at_most,
        )
        said = (
            (differentiable, properties.differentiable),
            (convex, properties.convex),
            (increasing, properties.increasing),
        )
        ps.extend(make(f) for holds, make in said if holds)
        return self._declare(f, "function", ps)

    # -------------------------------------------------------------------------------------------- measures and laws

    def measure(self, name: str, on: Term) -> Term:
        """A measure on a space; nothing is known of its mass."""
        return self._declare(b.measure_symbol(name, on), "measure", [])

    def probability(self, name: str = "P", on: Term | None = None) -> Term:
        """A probability measure, by default on a space of outcomes."""
        m = b.measure_symbol(name, on if on is not None else b.space("Omega"))
        return self._declare(m, "measure", [Property("probability", (b.eq(b.Int(m, lambda w: 1), 1),))])

    def distribution(self, name: str, measure: Term, *, given: tuple[Term, ...] = (), positive: bool = False) -> Term:
        """A mass function or density against `measure`, for each value of the conditions `given`.

        Its arguments are the conditions first, then the outcome: ``p(s, a)`` for ``given=(S,)``.
        """
        on = domain_of_measure(measure)
        p = b.function(name, *given, on)
        sign = (lambda *x: b.lt(0, p(*x))) if positive else (lambda *x: b.le(0, p(*x)))
        total = for_all_arguments(p, lambda *s: b.eq(b.Int(measure, lambda i: p(*s, i)), 1), given)
        ps = [Property("positive" if positive else "nonnegative", (for_all_arguments(p, sign),))]
        ps.append(Property("normalised", (total,), (measure,)))
        if measure.op != "counting":
            ps.append(
                Property(
                    "integrable",
                    (for_all_arguments(p, lambda *s: b.integrable(measure, lambda i: p(*s, i)), given),),
                )
            )
        return self._declare(p, "density", ps)

    def random(
        self,
        name: str,
        *over: Term,
        measure: Term,
        mean: Moment | None = None,
        variance: Moment | None = None,
        uncorrelated: bool = False,
        iid: bool = False,
        symmetric: bool = False,
        normal: bool = False,
        square_integrable: bool = False,
        independent_of: tuple[Term, ...] = (),
    ) -> Term:
        """A random variable (or a family over ranges): a function of its indices and, last, of the outcome.

        With `mean` and `variance` and (for a family) `uncorrelated` or `iid`, the second moments
        ``E X_i X_k = μ_i μ_k + v_i δ_ik`` are facts, together with the integrability of the products.
        """
        x = b.function(name, *over, domain_of_measure(measure))
        family = Family(x, over, measure, mean, variance)
        with_squares = variance is not None or square_integrable
        ps: list[Property] = []
        if mean is not None:
            ps.append(family.first_moment())
        if with_squares:
            ps.append(family.second_moments())
        if uncorrelated:
            ps.append(family.uncorrelated())
        if iid:
            ps.append(family.iid(with_products=uncorrelated or with_squares))
        if normal:
            ps.append(family.normal_law())
        if symmetric:
            ps.append(family.symmetric_law())
        ps.extend(map(family.independent_of, independent_of))
        return self._declare(x, "random", ps)

    # --------------------------------------------------------------------------------------------------- assumptions

    def assume(
        self,
        name: str,
        *facts: Term,
        model: Mapping[Term, Term] | None = None,
        auxiliary: Callable[[Givens], None] | None = None,
    ) -> None:
        """An assumption that is not a property of one symbol.

        `model` says how instances are built so that it holds: each symbol of the mapping is *defined* by its term, over
        the other declared symbols and the `auxiliary` ones (declared by calling the function on a `Givens`).
        """
        extra = Givens()
        if auxiliary is not None:
            auxiliary(extra)
        self._declarations.append(
            Declaration(
                None,
                "assumption",
                (Property(name, facts),),
                name,
                tuple((model or {}).items()),
                tuple(extra._declarations),
            )
        )
