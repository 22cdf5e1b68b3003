"""SymPy's own opinion of a scalar step."""

from __future__ import annotations

from typing import Any, Literal

import sympy

from derivcheck.language.context import Context
from derivcheck.language.definitions import unfold
from derivcheck.language.sympy_edge.limits import HIGHEST_POWER, LARGEST_OPINION
from derivcheck.language.sympy_edge.writing import Writer
from derivcheck.language.terms import Term, subterms

Opinion = Literal["agrees", "silent", "contradicts"]


def sympy_opinion(
    lhs: Term, rhs: Term, context: Context | None = None, relation: Literal["eq", "le", "lt"] = "eq"
) -> Opinion:
    """What SymPy itself says of ``lhs = rhs`` (or ``<=``, ``<``) between scalars.

    It is shown beside our verdict and never replaces it; SymPy 1.14's answers may even depend on ``PYTHONHASHSEED``.
    Work is bounded by the size of the terms only, so call it in a process that can be killed.

    Returns
    -------
    {'agrees', 'silent', 'contradicts'}
        *contradicts* only if SymPy reduces the difference to a number that it knows to break the relation;
        *silent* for everything else: what SymPy cannot say, too large, undecided, an exception.
    """
    try:
        if sum(1 for t in (lhs, rhs) for _ in subterms(t)) > LARGEST_OPINION:
            return "silent"
        left, right = unfold(lhs), unfold(rhs)
        converter = Writer(context, left, right)
        said = _said(converter.say(right) - converter.say(left), relation)
        # Karr's convention is another statement: no contradiction of ours.
        return "silent" if said == "contradicts" and converter.may_follow_karr else said
    except Exception:  # whatever SymPy or the conversion raises, it has no opinion
        return "silent"


def _said(difference: Any, relation: str) -> Opinion:
    """The relation between 0 and a difference, tried in order of cost."""
    for rewrite in (lambda e: e, lambda e: sympy.expand(e.doit()), sympy.simplify):
        if any(p.exp.is_Integer and abs(p.exp) > HIGHEST_POWER for p in difference.atoms(sympy.Pow)):
            return "silent"
        difference = rewrite(difference)
        if difference.has(sympy.nan, sympy.zoo, sympy.oo):
            return "silent"
        if relation == "eq":
            holds = difference.is_zero
        else:
            holds = difference.is_nonnegative if relation == "le" else difference.is_positive
        if holds:
            return "agrees"
        if holds is False and difference.is_number and not difference.free_symbols:
            return "contradicts"
    return "silent"
