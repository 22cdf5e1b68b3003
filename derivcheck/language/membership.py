"""What it means to lie in a domain: as propositions about a term, and as the declaration of a variable.

>>> from derivcheck.language import *
>>> n = Size("n"); i = Index("i")
>>> members(i, range_(1, n))
[1 <= i, i <= n]
>>> members(Vector("v", n), functions((range_(1, n),), interval(0, oo)))
[forall i in 1..n. 0 <= v[i]]
>>> opened(i, range_(1, oo_int)).properties
(Property(name='range', facts=(1 <= i,), args=(1, oo)),)
"""

from __future__ import annotations

from derivcheck.language import constructors as b
from derivcheck.language.context import Declaration, Property
from derivcheck.language.terms import LanguageError, Term, abstract, sort_of_domain, symbol

#: What stands for no bound at the end of a range or an interval.
INFINITE = frozenset({b.oo, -b.oo, b.oo_int})

#: How a variable that ranges over a domain is declared.
_KINDS = {"range": "index", "interval": "real", "space": "point", "integers": "integer", "functions": "array"}


def members(value: Term, domain: Term) -> list[Term]:
    """The propositions that say that `value` lies in `domain`, beyond its sort and shape.

    Raises
    ------
    LanguageError
        If it cannot lie there: it has another sort, or is a function on other domains.
    """
    if value.sort != sort_of_domain(domain):
        raise LanguageError(f"'{value}' is a {value.sort}, and no member of '{domain}'")
    if domain.op in ("range", "interval"):
        lo, hi = domain.args
        return [b.le(x, y) for x, y in ((lo, value), (value, hi)) if not {x, y} & INFINITE]
    if domain.op != "functions":
        return []
    over, codomain = domain.args[:-1], domain.args[-1]
    while codomain.op == "functions":
        over, codomain = over + codomain.args[:-1], codomain.args[-1]
    if b.domains(value) != over:
        raise LanguageError(f"'{value}' is a function on other domains than '{domain}'")
    # '@' cannot be written by an author.
    at = [symbol(f"i@{k}", sort_of_domain(d), d.args[:-1] if d.op == "functions" else ()) for k, d in enumerate(over)]
    everywhere = members(value(*at), codomain)
    for v, d in zip(reversed(at), reversed(over), strict=True):
        everywhere = [b.ForAll(d, abstract(p, v)) for p in everywhere]
    return everywhere


def opened(v: Term, domain: Term) -> Declaration:
    """How the symbol `v` is declared while it stands for any member of `domain`.

    Of the values of a function nothing is said.

    Raises
    ------
    LanguageError
        If no such symbol ranges over the domain.
    """
    facts = tuple(members(v, domain))
    if domain.op in ("range", "interval") and facts:
        return Declaration(v, _KINDS[domain.op], (Property("range", facts, domain.args),))
    return Declaration(v, _KINDS[domain.op])
