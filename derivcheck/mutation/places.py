"""Every place of a statement where something may be changed, and how to put something else there.

Binders are opened on the way down, so that a place is a closed term over the declared symbols and the variables bound
around it.  Definitions stay folded: a near miss is a wrong statement as an author would write it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from derivcheck.language import (
    BINDERS,
    DOMAIN,
    INT,
    MEASURE,
    Fresh,
    Term,
    abstract,
    domain_of_measure,
    instantiate,
)
from derivcheck.language.terms import rebuild, variable_sort

Put = Callable[[Term], Term]


@dataclass(frozen=True, slots=True)
class Place:
    """A subterm of a statement.

    Attributes
    ----------
    term : Term
        What stands there.
    put : callable
        From another term to the whole statement with that term there.
    scope : tuple of (Term, Term or None)
        The variables bound around it with their domains (None for the variable of a limit), outermost first.
    parent : str
        The operator of the node directly above; empty for the statement itself.
    """

    term: Term
    put: Put
    scope: tuple[tuple[Term, Term | None], ...] = ()
    parent: str = ""


def places(statement: Term) -> Iterator[Place]:
    """The places of `statement`, outermost first; sizes, domains, measures and premises are not entered."""
    yield from _below(Place(statement, lambda t: t), Fresh())


def _below(place: Place, fresh: Fresh) -> Iterator[Place]:
    yield place
    term = place.term
    if term.op in BINDERS:
        if term.op in ("exists", "integrable"):
            return
        yield from _below(_body(place, fresh), fresh)
        return
    for k, a in enumerate(term.args):
        if not _left_alone(term, k, a):
            yield from _below(_argument(place, k), fresh)


def _left_alone(term: Term, k: int, a: Term) -> bool:
    """Arguments that are not entered: a changed premise or case is another statement, not a wrong one."""
    match term.op:
        case "app":
            return a.sort == INT or (k == 0 and a.op == "sym")
        case "implies" | "ite":
            return k == 0
        case "not" | "ind" | "pred":
            return True
    return a.sort in (INT, DOMAIN, MEASURE)


def _argument(place: Place, k: int) -> Place:
    term = place.term

    def put(new: Term) -> Term:
        return place.put(rebuild(term, (*term.args[:k], new, *term.args[k + 1 :])))

    return Place(term.args[k], put, place.scope, term.op)


def _body(place: Place, fresh: Fresh) -> Place:
    term = place.term
    sort, domains = variable_sort(term)
    v = fresh.symbol(term.hint, sort, domains)
    domain = None
    if term.op != "lim":
        first = term.args[0]
        domain = first if first.sort == DOMAIN else domain_of_measure(first)

    def put(new: Term) -> Term:
        return place.put(rebuild(term, (*term.args[:-1], abstract(new, v))))

    return Place(instantiate(term.body, v), put, (*place.scope, (v, domain)), term.op)
