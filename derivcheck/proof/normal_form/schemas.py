"""Facts as schemas: quantifiers opened, premises collected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import (
    BINDERS,
    INT,
    Term,
    free_symbols,
    instantiate,
    le,
    lt,
    substitute,
    symbol,
)
from derivcheck.language.constructors import affine_parts
from derivcheck.language.terms import variable_sort
from derivcheck.proof.normal_form.matching import Binding

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Schema:
    """A fact ``∀ variables ∈ domains. premises ⟹ conclusion``."""

    variables: tuple[tuple[Term, Term], ...]
    premises: tuple[Term, ...]
    conclusion: Term
    triggers: tuple[Term, ...] = ()

    @property
    def names(self) -> frozenset[Term]:
        return frozenset(v for v, _ in self.variables)


@dataclass(frozen=True, slots=True)
class Rule:
    """A fact used as a rewriting rule: the atom `left` becomes ``right/scale``."""

    schema: Schema
    left: Term
    scale: Fraction
    right: Term
    permutes: bool


def schemas_of(p: Term, counter: int) -> Iterator[Schema]:
    """The conjuncts of a closed proposition, quantifiers opened and premises collected."""

    def go(q: Term, variables: tuple[tuple[Term, Term], ...], premises: tuple[Term, ...]) -> Iterator[Schema]:
        if q.op == "and":
            for part in q.args:
                yield from go(part, variables, premises)
        elif q.op == "forall":
            sort, doms = variable_sort(q)
            v = symbol(f"{q.hint}?{counter}.{len(variables)}", sort, doms)
            yield from go(instantiate(q.body, v), (*variables, (v, q.args[0])), premises)
        elif q.op == "implies":
            yield from go(q.args[1], variables, (*premises, q.args[0]))
        elif q.op == "not" and q.args[0].op in ("le", "lt"):
            # the order is total: not (a <= b) is b < a
            a, b = q.args[0].args
            yield from go(lt(b, a) if q.args[0].op == "le" else le(b, a), variables, premises)
        else:
            names = frozenset(v for v, _ in variables)
            triggers = tuple(
                sorted(
                    {t for t in _applications(q) if names <= free_symbols(t)},
                    key=lambda t: t.key,
                )
            )
            yield Schema(variables, premises, q, triggers)

    yield from go(p, (), ())


def _applications(p: Term) -> Iterator[Term]:
    stack = [p]
    while stack:
        t = stack.pop()
        if t.op == "app" and not t.loose:
            yield t
        if t.op not in BINDERS:
            stack.extend(t.args)


def put(t: Term, binding: Binding) -> Term:
    return substitute(t, binding)


def plain_integer(t: Term) -> bool:
    """Is `t` affine in integer symbols?"""
    return t.sort == INT and all(a.op == "sym" for a in affine_parts(t)[1])


def is_integer(t: Term) -> bool:
    """Is the real term plainly an integer?"""
    return t.op == "real" or (t.op == "num" and t.data.denominator == 1)


def infinite(t: Term) -> bool:
    return t.op == "oo" or (t.op == "neg" and t.args[0].op == "oo")
