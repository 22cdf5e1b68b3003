"""Deciding an equation as the kernel does."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from derivcheck.language import Context, Term
from derivcheck.language.constructors import as_real
from derivcheck.language.terms import Termlike
from derivcheck.proof.normal_form import Normaliser
from derivcheck.proof.normal_form.poly import plus


def decide(context: Context, a: Termlike, b: Termlike, extra: Iterable[Term] = ()) -> tuple[bool, list[str]]:
    """Is the difference zero, and under which conditions that the context does not give?"""
    n = Normaliser(context, extra)
    found = n.is_zero(plus(n.nf(as_real(a)), n.nf(as_real(b)), Fraction(-1)))
    return found, [str(c) for c in n.conditions if not n.facts.holds(c)]


def equal(context: Context, a: Termlike, b: Termlike, extra: Iterable[Term] = ()) -> bool:
    """Equal without further conditions."""
    return decide(context, a, b, extra) == (True, [])
