"""Declarations: the only place where assumptions live.

A `Context` is a tuple of `Declaration`s; a declaration names a symbol (or only states an assumption) and lists its
`Property`s.  Every property stands for *facts*, closed propositions: the proof side uses the facts and never the
property's name; the semantic side uses the property's name to build a value that satisfies the facts, and then checks
the facts on it.  Dropping one property is dropping one hypothesis.

`Givens` is the builder that a problem file uses.

>>> from derivcheck.language import *
>>> g = Givens()
>>> n = g.size("n"); p = g.distribution("p", counting(range_(1, n)))
>>> [f"{name}: {fact}" for name, fact in g.context.facts()]
['n minimum: 1 <= n', 'p nonnegative: forall i in 1..n. 0 <= p[i]', 'p normalised: sum(p[i] for i in 1..n) = 1']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from derivcheck.language import build as b
from derivcheck.language.terms import (
    INT,
    LanguageError,
    Term,
    Termlike,
    domain_of_measure,
    free_symbols,
    sort_of_domain,
    substitute,
)


@dataclass(frozen=True, slots=True)
class Property:
    """One thing that is known of a symbol.

    Attributes
    ----------
    name : str
        What a reader calls it: ``lower bound``, ``normalised``, ``positive definite``, ``mean``, ...
    facts : tuple of Term
        The closed propositions that it stands for.
    args : tuple of Term
        What the semantic side needs to build a value with it (a bound, a mean, the other family, ...).
    """

    name: str
    facts: tuple[Term, ...]
    args: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Declaration:
    """A symbol with what is known of it, or (``symbol is None``) a bare assumption.

    ``kind`` is one of ``size``, ``index``, ``integer``, ``real``, ``array``, ``function``, ``measure``, ``density``,
    ``random`` and ``assumption``.  ``model`` tells the semantic side how to build symbols so that an assumption holds:
    pairs (symbol, term that defines it from the other symbols, ``auxiliary`` ones included).
    """

    symbol: Term | None
    kind: str
    properties: tuple[Property, ...] = ()
    note: str = ""
    model: tuple[tuple[Term, Term], ...] = ()
    auxiliary: tuple[Declaration, ...] = ()

    @property
    def name(self) -> str:
        """The symbol's name, or the assumption's."""
        return str(self.symbol.data) if self.symbol is not None else self.note

    def property(self, name: str) -> Property | None:
        """The property called `name`, if it is declared."""
        return next((p for p in self.properties if p.name == name), None)


@dataclass(frozen=True, slots=True)
class Context:
    """Declared symbols and what is known of them, in order."""

    declarations: tuple[Declaration, ...] = ()

    def facts(self) -> Iterator[tuple[str, Term]]:
        """Every fact with a name that a report can show."""
        for d in self.declarations:
            for p in d.properties:
                for fact in p.facts:
                    yield (f"{d.name} {p.name}" if d.symbol is not None else p.name), fact

    def propositions(self) -> tuple[Term, ...]:
        """The facts alone."""
        return tuple(fact for _, fact in self.facts())

    def find(self, symbol: Term) -> Declaration | None:
        """The declaration of `symbol`."""
        return next((d for d in self.declarations if d.symbol == symbol), None)

    def symbols(self) -> tuple[Term, ...]:
        """The declared symbols, in order."""
        return tuple(d.symbol for d in self.declarations if d.symbol is not None)

    def extended(self, *declarations: Declaration) -> Context:
        """This context with more declarations."""
        return Context(self.declarations + declarations)

    def assuming(self, name: str, *facts: Term) -> Context:
        """This context with one more assumption."""
        return self.extended(Declaration(None, "assumption", (Property(name, facts),), name))

    def without(self, declaration: str, prop: str) -> Context:
        """This context with one property dropped.

        Raises
        ------
        LanguageError
            If there is no such property.
        """
        out: list[Declaration] = []
        found = False
        for d in self.declarations:
            if d.name == declaration and d.property(prop) is not None:
                found = True
                kept = tuple(p for p in d.properties if p.name != prop)
                if d.symbol is None and not kept:
                    continue
                out.append(replace(d, properties=kept))
            else:
                out.append(d)
        if not found:
            raise LanguageError(f"'{declaration}' has no property '{prop}'")
        return Context(tuple(out))

    def undeclared(self, *terms: Term) -> frozenset[Term]:
        """The symbols of `terms` that are not declared."""
        known = set(self.symbols())
        return frozenset(s for t in terms for s in free_symbols(t) if s not in known)


def _bounds(
    wrap: Callable[[Callable[[Term], Term]], Term],
    *,
    above: Termlike | None = None,
    at_least: Termlike | None = None,
    below: Termlike | None = None,
    at_most: Termlike | None = None,
    nonzero: bool = False,
    cast: Callable[[Termlike], Term] = b.as_real,
) -> list[Property]:
    """Comparison properties of a symbol (or, through `wrap`, of each entry of an array)."""
    out = []
    if above is not None:
        lo = cast(above)
        out.append(Property("above", (wrap(lambda x: b.lt(lo, x)),), (lo,)))
    if at_least is not None:
        lo = cast(at_least)
        out.append(Property("at least", (wrap(lambda x: b.le(lo, x)),), (lo,)))
    if below is not None:
        hi = cast(below)
        out.append(Property("below", (wrap(lambda x: b.lt(x, hi)),), (hi,)))
    if at_most is not None:
        hi = cast(at_most)
        out.append(Property("at most", (wrap(lambda x: b.le(x, hi)),), (hi,)))
    if nonzero:
        out.append(Property("nonzero", (wrap(lambda x: b.ne(x, 0)),)))
    return out


def for_all_arguments(f: Term, body: Callable[..., Term], doms: tuple[Term, ...] | None = None) -> Term:
    """``∀ i ∈ D₁, j ∈ D₂, … body(i, j, …)`` over the domains of `f` (or over `doms`)."""
    doms = b.domains(f) if doms is None else doms

    def go(k: int, args: tuple[Term, ...]) -> Term:
        if k == len(doms):
            return body(*args)
        return b.ForAll(doms[k], lambda i: go(k + 1, (*args, i)))

    return go(0, ())


def injective(a: Term) -> Term:
    """Only zero is mapped to zero by the matrix `a`: ``∀ v. (∀ i. Σ_j a_ij v_j = 0) ⟹ ∀ j. v_j = 0``."""
    rows, columns = b.domains(a)

    def zero(over: Term, entry: Callable[[Term], Term]) -> Term:
        return b.ForAll(over, lambda i: b.eq(entry(i), 0))

    def image(v: Term) -> Callable[[Term], Term]:
        return lambda i: b.Int(b.counting(columns), lambda j: a(i, j) * v(j))

    return b.ForAll(b.functions((columns,)), lambda v: b.implies(zero(rows, image(v)), zero(columns, v)))


def substitution(mapping: Mapping[Term, Term]) -> Callable[[Term], Term]:
    """Terms put for declared symbols, as a function from terms to terms.

    A size may stand in the domains of other symbols: those symbols change with it.

    Raises
    ------
    LanguageError
        If a term has another sort or another shape than the symbol that it stands for.
    """
    first = {old: new for old, new in mapping.items() if old.sort.kind != "fun"}
    second = {substitute(old, first): new for old, new in mapping.items() if old.sort.kind == "fun"}
    for old, new in mapping.items():
        if old.op != "sym" or old.sort != new.sort:
            raise LanguageError(f"'{new}' cannot stand for '{old}'")
        kind = old.sort.kind
        shape = b.domains(new) if kind == "fun" else (domain_of_measure(new),) if kind == "measure" else ()
        if tuple(substitute(d, first) for d in old.args) != shape:
            what = "is a measure elsewhere" if kind == "measure" else "has another shape"
            raise LanguageError(f"'{new}' {what} than '{old}'")
    return lambda p: substitute(substitute(p, first), second)


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

    def _declare(self, symbol: Term, kind: str, properties: Iterable[Property]) -> Term:
        if any(d.symbol is not None and d.symbol.data == symbol.data for d in self._declarations):
            raise LanguageError(f"'{symbol.data}' is declared twice")
        self._declarations.append(Declaration(symbol, kind, tuple(properties)))
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
        return self._declare(s, "integer", _bounds(lambda c: c(s), at_least=at_least, at_most=at_most, cast=b.as_int))

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
            _bounds(lambda c: c(s), above=above, at_least=at_least, below=below, at_most=at_most, nonzero=nonzero),
        )

    def point(self, name: str, domain: Term) -> Term:
        """A point of an abstract space."""
        from derivcheck.language.terms import symbol

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
        ps = _bounds(
            lambda c: for_all_arguments(a, lambda *ix: c(a(*ix))),
            above=above,
            at_least=at_least,
            below=below,
            at_most=at_most,
            nonzero=nonzero,
        )

        def form(v: Term) -> Term:
            n = b.domains(a)[0].args[1]
            return b.Sum(1, n, lambda i: b.Sum(1, n, lambda j: v(i) * a(i, j) * v(j)))

        def definite(strict: bool) -> Term:
            n = b.domains(a)[0].args[1]
            space = b.functions((b.range_(1, n),))
            if not strict:
                return b.ForAll(space, lambda v: b.le(0, form(v)))
            return b.ForAll(
                space, lambda v: b.implies(b.Exists(b.range_(1, n), lambda i: b.ne(v(i), 0)), b.lt(0, form(v)))
            )

        if symmetric or positive_definite or positive_semidefinite:
            ps.append(Property("symmetric", (for_all_arguments(a, lambda i, j: b.eq(a(i, j), a(j, i))),)))
        if positive_definite:
            ps.append(Property("positive definite", (definite(True), b.predicate("invertible", a))))
        if positive_semidefinite:
            ps.append(Property("positive semidefinite", (definite(False),)))
        if invertible:
            ps.append(Property("invertible", (b.predicate("invertible", a),)))
        if full_column_rank:
            ps.append(Property("full column rank", (injective(a), b.predicate("invertible", b.matmul(a.T, a)))))
        if orthogonal:
            n = b.domains(a)[0].args[1]
            ps.append(
                Property(
                    "orthogonal",
                    (
                        for_all_arguments(
                            a, lambda i, j: b.eq(b.Sum(1, n, lambda k: a(k, i) * a(k, j)), b.delta(i, j))
                        ),
                        for_all_arguments(
                            a, lambda i, j: b.eq(b.Sum(1, n, lambda k: a(i, k) * a(j, k)), b.delta(i, j))
                        ),
                    ),
                )
            )
        if diagonal:
            ps.append(
                Property(
                    "diagonal",
                    (for_all_arguments(a, lambda i, j: b.implies(b.ne(i, j), b.eq(a(i, j), 0))),),
                )
            )
        return self._declare(a, "array", ps)

    def vector(self, name: str, size: Termlike, **properties: object) -> Term:
        """A vector with entries from 1."""
        return self.array(name, b.range_(1, size), **properties)  # type: ignore[arg-type]

    def matrix(self, name: str, rows: Termlike, columns: Termlike, **properties: object) -> Term:
        """A matrix with entries from 1."""
        return self.array(name, b.range_(1, rows), b.range_(1, columns), **properties)  # type: ignore[arg-type]

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
        ps = _bounds(
            lambda c: for_all_arguments(f, lambda *x: c(f(*x))),
            above=above,
            at_least=at_least,
            below=below,
            at_most=at_most,
        )
        if differentiable:
            ps.append(Property("differentiable", (b.predicate("differentiable", f),)))
        if convex:
            fact = b.ForAll(
                b.reals,
                lambda x: b.ForAll(
                    b.reals,
                    lambda y: b.ForAll(
                        b.interval(0, 1),
                        lambda t: b.le(f(t * x + (1 - t) * y), t * f(x) + (1 - t) * f(y)),
                    ),
                ),
            )
            ps.append(Property("convex", (fact,)))
        if increasing:
            ps.append(
                Property(
                    "increasing",
                    (
                        b.ForAll(
                            b.reals, lambda x: b.ForAll(b.reals, lambda y: b.implies(b.le(x, y), b.le(f(x), f(y))))
                        ),
                    ),
                )
            )
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
        mean: Termlike | Callable[..., Term] | None = None,
        variance: Termlike | Callable[..., Term] | None = None,
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
        on = domain_of_measure(measure)
        x = b.function(name, *over, on)

        def at(value: Termlike | Callable[..., Term], ix: tuple[Term, ...]) -> Term:
            return value(*ix) if callable(value) and not isinstance(value, Term) else b.as_real(value)

        def table(value: Termlike | Callable[..., Term]) -> Term:
            def go(k: int, ix: tuple[Term, ...]) -> Term:
                return at(value, ix) if k == len(over) else b.lam(over[k], lambda i: go(k + 1, (*ix, i)))

            return go(0, ())

        ps: list[Property] = []
        if mean is not None:
            ps.append(
                Property(
                    "mean",
                    (
                        for_all_arguments(x, lambda *ix: b.integrable(measure, lambda w: x(*ix, w)), over),
                        for_all_arguments(x, lambda *ix: b.eq(b.Int(measure, lambda w: x(*ix, w)), at(mean, ix)), over),
                    ),
                    (table(mean),),
                )
            )
        double = (*over, *over)
        r = len(over)
        if variance is not None or square_integrable:
            facts = [
                for_all_arguments(x, lambda *ix: b.integrable(measure, lambda w: x(*ix[:r], w) * x(*ix[r:], w)), double)
            ]
            args: tuple[Term, ...] = ()
            if variance is not None:
                if mean is None:
                    raise LanguageError("a variance is declared together with a mean")
                spread = variance

                def own(*ix: Term) -> Term:
                    return b.eq(
                        b.Int(measure, lambda w: x(*ix, w) ** 2), _plus(at(mean, ix), at(mean, ix), at(spread, ix))
                    )

                facts.append(for_all_arguments(x, own, over))
                args = (table(variance),)
            ps.append(Property("variance" if variance is not None else "square integrable", tuple(facts), args))
        if uncorrelated and not over:
            raise LanguageError("uncorrelated is declared for a family")
        moments: tuple[Term, ...] = ()
        if uncorrelated or (iid and (variance is not None or square_integrable)):

            def pair(*ix: Term) -> Term:
                i, k = ix[:r], ix[r:]
                equal = b.and_(*(b.eq(p, q) for p, q in zip(i, k, strict=True)))
                mean_of_one = b.Int(measure, lambda w: x(*i, w))
                own = b.Int(measure, lambda w: x(*i, w) ** 2) - mean_of_one * mean_of_one
                apart = mean_of_one * b.Int(measure, lambda w: x(*k, w))
                return b.eq(b.Int(measure, lambda w: x(*i, w) * x(*k, w)), apart + own * b.ind(equal))

            moments = (for_all_arguments(x, pair, double),)
        if uncorrelated:
            ps.append(Property("uncorrelated", moments))
        if iid:
            if len(over) != 1:
                raise LanguageError("iid is declared for a family with one index; use uncorrelated for arrays")

            def entry(i: Term) -> Term:
                return b.lam(on, lambda w: x(i, w))

            def apart(i: Term, k: Term) -> Term:
                return b.implies(b.ne(i, k), b.predicate("independent", measure, entry(i), entry(k)))

            def alike(i: Term, k: Term) -> Term:
                return b.predicate("same_law", measure, entry(i), entry(k))

            facts = [for_all_arguments(x, apart, double), for_all_arguments(x, alike, double)]
            # Independence gives the second moments of pairs: dropping "iid" drops them too.
            ps.append(Property("iid", (*facts, *moments)))
        if normal:
            if mean is None or variance is None:
                raise LanguageError("a normal law is declared with its mean and variance")

            def central(power: int, value: Callable[[Term], Termlike]) -> Callable[..., Term]:
                return lambda *ix: b.eq(
                    b.Int(measure, lambda w: (x(*ix, w) - at(mean, ix)) ** power), value(at(variance, ix))
                )

            ps.append(
                Property(
                    "normal",
                    (
                        for_all_arguments(x, central(3, lambda v: 0), over),
                        for_all_arguments(x, central(4, lambda v: 3 * v**2), over),
                    ),
                )
            )
        family = _family(x, over, on)
        if symmetric:
            minus = _family(x, over, on, negated=True)
            ps.append(Property("symmetric law", (b.predicate("same_law", measure, family, minus),)))
        for other in independent_of:
            od = b.domains(other)
            ps.append(
                Property(
                    f"independent of {other.data}",
                    (b.predicate("independent", measure, family, _family(other, od[:-1], on)),),
                    (other,),
                )
            )
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


def _plus(first: Term, second: Term, rest: Term) -> Term:
    """``first·second + rest``, written without a product of zeros."""
    zero = b.num(0)
    return rest if zero in (first, second) else b.add(b.mul(first, second), rest)


def _family(x: Term, over: tuple[Term, ...], on: Term, negated: bool = False) -> Term:
    """The whole family ``ω ↦ (i, j, … ↦ X(i, j, …, ω))`` as one function of the outcome."""

    def go(k: int, ix: tuple[Term, ...], w: Term) -> Term:
        if k == len(over):
            return b.neg(x(*ix, w)) if negated else x(*ix, w)
        return b.lam(over[k], lambda i: go(k + 1, (*ix, i), w))

    return b.lam(on, lambda w: go(0, (), w))
