"""Where a term is defined, as conditions on its parts.

A theorem speaks of the points at which its terms are defined.  A rule that makes a term disappear (transitivity, a cut,
a cited equation) must therefore record what makes that term defined: chaining "equal where both are defined" would
otherwise prove ``1 = 0/0 = 2``.
"""

from __future__ import annotations

from collections.abc import Iterator

from derivcheck.language import (
    BINDERS,
    INT,
    PROP,
    Fresh,
    Term,
    domain_of_measure,
    implies,
    le,
    lt,
    make,
    ne,
    not_,
    or_,
    predicate,
    unfold,
)
from derivcheck.language.terms import open_binder
from derivcheck.proof.normal_form import Normaliser, Unknown
from derivcheck.proof.normal_form.calculus import generalised


class NotKnown(Exception):
    """A term whose definedness cannot be put into conditions (a limit, a derivative without a rule)."""


def definedness(t: Term, normaliser: Normaliser) -> list[Term]:
    """The conditions under which the closed term (or proposition) `t` is defined.

    Raises
    ------
    NotKnown
        If that cannot be said: for a limit, or for a derivative that no rule covers.
    """
    out: list[Term] = []
    for c in _conditions(unfold(t), normaliser, normaliser.fresh):
        if c not in out:
            out.append(c)
    return out


def _conditions(t: Term, n: Normaliser, fresh: Fresh) -> Iterator[Term]:
    if not t.args or t.op == "sym":
        return
    match t.op:
        case "deriv":
            outer, n.conditions = n.conditions, []
            try:
                n.nf(t)
                yield from n.conditions
            except Unknown as unknown:
                raise NotKnown(f"'{t}': {unknown}") from None
            finally:
                n.conditions = outer
            return
        case "lim":
            raise NotKnown(f"'{t}' may not exist")
        case "ite":
            p, a, b = t.args
            yield from _conditions(p, n, fresh)
            for c in _conditions(a, n, fresh):
                yield implies(p, c)
            for c in _conditions(b, n, fresh):
                yield implies(not_(p), c)
            return
        case "implies":
            p, q = t.args
            yield from _conditions(p, n, fresh)
            for c in _conditions(q, n, fresh):
                yield implies(p, c)
            return
    if t.op in BINDERS:
        for a in t.args[:-1]:
            yield from _conditions(a, n, fresh)
        domain = t.args[0] if t.op not in ("int", "integrable") else domain_of_measure(t.args[0])
        v, body = open_binder(t, fresh)
        for c in _conditions(body, n, fresh):
            yield generalised(c, v, domain)
        if t.op in ("max_over", "min_over", "argmax", "argmin") and domain.op == "range":
            yield le(*domain.args)
        if t.op == "int" and not (t.args[0].op == "counting" and domain.args[1].op != "oo"):
            yield make("integrable", (t.args[0], t.body), None, PROP, t.hint)
        return
    for a in t.args:
        yield from _conditions(a, n, fresh)
    match t.op:
        case "div":
            yield ne(t.args[1], 0)
        case "pow":
            yield from _power(*t.args)
        case "fn" if t.data in ("log", "loggamma", "gamma"):
            yield lt(0, t.args[0])
        case "inverse":
            yield predicate("invertible", t.args[0])
        case "factorial" | "binomial":
            yield le(0, t.args[0])


def _power(base: Term, e: Term) -> Iterator[Term]:
    if e.op == "num" and e.data.denominator == 1:
        if e.data < 0:
            yield ne(base, 0)
    elif e.op == "num":
        yield le(0, base) if e.data > 0 else lt(0, base)
    elif _whole(e):
        yield or_(le(0, e), ne(base, 0))
    else:
        yield lt(0, base)


def _whole(e: Term) -> bool:
    """Is the exponent an integer by its form?"""
    if e.op == "real":
        return e.args[0].sort == INT
    if e.op == "num":
        return bool(e.data.denominator == 1)
    return e.op in ("add", "mul", "neg") and all(_whole(a) for a in e.args)
