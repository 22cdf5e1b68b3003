"""Conventions of writing that the text form and the notation share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derivcheck.language.constructors import functions, reals
from derivcheck.language.names import Scope
from derivcheck.language.terms import BINDERS, REAL, Term, free_symbols

if TYPE_CHECKING:
    from derivcheck.language.context import Context

# How tightly a form binds; a form is bracketed where a tighter one is needed.
LOOSE, IMPLIES, OR, AND, NOT, COMPARE, SUM, SIGNED, BIG, PRODUCT, POWER, ATOM = range(12)

#: A term is a graph; written out as a tree it can be exponentially long.  From here on an ellipsis is
#: printed, which does not read back.
LONGEST = 200_000


def differentiates_a_symbol(term: Term) -> bool:
    """Whether ``deriv`` can be written ``D(f, x)``.

    The point must be a variable in scope that `f` does not mention otherwise.
    """
    domain, point = term.args[:2]
    body = term.body
    if point.op == "sym" and not point.loose:
        if point in free_symbols(body):
            return False
        expected = reals if point.sort == REAL else functions(point.args) if point.sort.kind == "fun" else None
        return domain == expected
    # A bound variable of an array sort has its domains at its binder, so that only a number is written this
    # way.
    return point.op == "bound" and point.sort == REAL and domain == reals and not mentions(body, point.data + 1)


def mentions(term: Term, index: int) -> bool:
    """Whether `term` mentions the variable of the `index`-th enclosing binder."""
    stack, seen = [(term, index)], set()
    while stack:
        node, k = stack.pop()
        if node.loose <= k or (node, k) in seen:
            continue
        seen.add((node, k))
        if node.op == "bound":
            if node.data == k:
                return True
            continue
        for position, a in enumerate(node.args):
            stack.append((a, k + 1 if node.op in BINDERS and position == len(node.args) - 1 else k))
    return False


def is_outcome_measure(measure: Term, context: Context | None = None) -> bool:
    """Whether an integral against `measure` is shown as an expectation.

    The Context says which measures are probabilities; without one, a measure on the space of outcomes is
    shown so.
    """
    if measure.op != "sym":
        return False
    if context is not None:
        declared = context.find(measure)
        if declared is not None:
            return declared.property("probability") is not None
    domain = measure.args[0]
    return domain.op == "space" and domain.data == "Omega"


def affine_order(scope: Scope, term: Term) -> list[tuple[Term | None, int]]:
    """The summands of an affine integer as they are written: positive ones by name, negative ones, the
    constant.

    The constant (its atom is None) comes first where it alone is positive: ``1 - n``.
    """

    def rank(item: tuple[Term, int]) -> tuple[bool, str, bytes]:
        return item[1] < 0, scope.name_of(item[0]) if not item[0].args else "~", item[0].key

    atoms: list[tuple[Term, int]] = sorted(zip(term.args, term.data[1:], strict=True), key=rank)
    out: list[tuple[Term | None, int]] = [*atoms]
    const = int(term.data[0])
    if const or not out:
        first = bool(out) and const > 0 and out[0][1] < 0
        out.insert(0 if first else len(out), (None, const))
    return out
