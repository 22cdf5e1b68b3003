"""Declarations: the only place where assumptions live.

A `Context` is a tuple of `Declaration`s; a declaration names a symbol (or only states an assumption) and lists its
`Property`s.  Every property stands for *facts*, closed propositions: the proof side uses the facts and never the
property's name; the semantic side uses the property's name to build a value that satisfies the facts, and then checks
the facts on it.  Dropping one property is dropping one hypothesis.

`givens` is the builder that a problem file uses; `properties` and `random_properties` say what each property stands
for.

>>> from derivcheck.language import *
>>> g = Givens()
>>> n = g.size("n"); p = g.distribution("p", counting(range_(1, n)))
>>> [f"{name}: {fact}" for name, fact in g.context.facts()]
['n minimum: 1 <= n', 'p nonnegative: forall i in 1..n. 0 <= p[i]', 'p normalised: sum(p[i] for i in 1..n) = 1']
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from derivcheck.language.terms import LanguageError, Term, free_symbols


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
