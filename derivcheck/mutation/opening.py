"""Universal statements with their variable declared, so that what is inside can be proved."""

from __future__ import annotations

from derivcheck.language import Context, Fresh, Term, instantiate
from derivcheck.language.terms import variable_sort
from derivcheck.proof import ProofError, kernel


def opened(context: Context, p: Term) -> tuple[Context, Term] | None:
    """The context with the variable of the universal statement `p` declared last, and its body; None if impossible."""
    sort, domains = variable_sort(p)
    taken = {s.data for s in context.symbols()}
    fresh = Fresh()
    v = fresh.symbol(p.hint, sort, domains)
    while v.data in taken:
        v = fresh.symbol(p.hint, sort, domains)
    try:
        return context.extended(kernel.opened(v, p.args[0])), instantiate(p.body, v)
    except ProofError:
        return None
