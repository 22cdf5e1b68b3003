"""Comparisons: exact where both sides are rational or one closed form, by balls that do not meet, else open.

Balls that overlap support an equation and never prove it; extrapolated values never prove anything.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from flint import arb, fmpq

from derivcheck.language.terms import REAL, Term, subterms
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.closed_forms import closed_form
from derivcheck.semantics.judgement import FALSE, TRUE, Judgement, Truth, conjunction, guarded, unknown
from derivcheck.semantics.numbers import Imprecise, Number
from derivcheck.semantics.pools import sample
from derivcheck.semantics.quantifiers import sample_size
from derivcheck.semantics.values import Function, Outcome, RangeDomain, SpaceDomain, Value, branches

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Environment, Evaluator

#: Two balls that overlap count as agreement only if they are this small (in themselves, if both contain zero).
RELATIVE_WIDTH = arb(2) ** -40
ABSOLUTE_WIDTH = arb(2) ** -60
#: The same for extrapolated values, whose radii are estimates.
EXTRAPOLATED_WIDTH = arb(2) ** -30


def comparison(ev: Evaluator, p: Term, env: Environment) -> Judgement:
    """The judgement of ``a = b``, ``a <= b`` or ``a < b``."""
    j = _compared(ev, p.op, ev.eval(p.args[0], env), ev.eval(p.args[1], env))
    tie = j.truth is Truth.SUPPORTED and j.evidence == "balls" and p.args[0].sort == REAL
    return _tie(ev, p, env, j) if tie else j


def _tie(ev: Evaluator, p: Term, env: Environment, j: Judgement) -> Judgement:
    """The exact judgement of a comparison whose balls overlap, where both sides are the same closed form.

    What holds anyway is not worth the many outcomes of an expectation.
    """
    if p.op != "lt" and _has_expectation(p):
        return j
    left = closed_form(ev, p.args[0], env)
    if left is None or left != closed_form(ev, p.args[1], env):
        return j
    return Judgement(Truth.FALSE if p.op == "lt" else Truth.TRUE, "exact", sides=j.sides)


@lru_cache(maxsize=4096)
def _has_expectation(p: Term) -> bool:
    """Is there an integral over something else than a range of integers?"""
    return any(t.op == "int" and t.args[0].op != "counting" for t in subterms(p))


def _compared(ev: Evaluator, op: str, x: Value, y: Value) -> Judgement:
    """The judgement of ``x op y`` for two values; functions are compared at every argument."""
    if isinstance(x, int) and isinstance(y, int):
        ok = x == y if op == "eq" else x <= y if op == "le" else x < y
        return Judgement(Truth.TRUE if ok else Truth.FALSE, sides=(str(x), str(y)))
    if isinstance(x, Outcome):
        same = all(x.face(c) == y.face(c) for c in x.space.coins)
        return TRUE if same else FALSE
    if isinstance(x, Function):
        return _functions_equal(ev, op, x, y)
    return _numbers_compared(ev, op, x, y)


def _functions_equal(ev: Evaluator, op: str, f: Function, g: Function) -> Judgement:
    d = f.domains[0]
    infinite = not isinstance(d, SpaceDomain) and not (isinstance(d, RangeDomain) and d.hi is not None)
    if isinstance(d, SpaceDomain):
        found = (j for _, j in branches(d.space, lambda w: _compared(ev, op, f.at((w,)), g.at((w,)))))
        return conjunction(found)
    members = sample(d, sample_size(ev, 1), ev.world.salt) if infinite else d.members()  # type: ignore[union-attr]
    j = conjunction(guarded(lambda v=v: _compared(ev, op, f.at((v,)), g.at((v,)))) for v in members)  # type: ignore[misc]
    return Judgement(Truth.SUPPORTED, "sampled") if infinite and j.truth is Truth.TRUE else j


def _numbers_compared(ev: Evaluator, op: str, x: Number, y: Number) -> Judgement:
    x, y = nm.primal(x), nm.primal(y)
    numeric = ev.state.numeric or ev.world.numeric
    sides = (nm.shown(x), nm.shown(y))
    if isinstance(x, fmpq) and isinstance(y, fmpq) and not numeric:
        ok = x == y if op == "eq" else x <= y if op == "le" else x < y
        return Judgement(Truth.TRUE if ok else Truth.FALSE, "exact", sides=sides)
    a, b = nm.as_ball(x), nm.as_ball(y)
    if not (a.is_finite() and b.is_finite()):
        return unknown("a value could not be enclosed")
    evidence = "numeric" if numeric else "balls"
    if a.overlaps(b):
        radius = a.rad() + b.rad()
        # Against the side that is certainly not zero, if there is one: agreement must not depend on the scale.
        scale = a.abs_lower().max(b.abs_lower())
        if scale > 0:
            allowed = scale / 1000 if numeric else RELATIVE_WIDTH * scale
        else:
            allowed = EXTRAPOLATED_WIDTH if numeric else ABSOLUTE_WIDTH
        if radius > allowed:
            raise Imprecise("two numbers cannot be told apart at this precision")
        if op == "lt" and a.is_exact() and b.is_exact() and evidence == "balls":
            return Judgement(Truth.FALSE, "exact", sides=sides)
        return Judgement(Truth.SUPPORTED, evidence, sides=sides)
    if numeric and not ((a - b).abs_lower() > 100 * (a.rad() + b.rad()) and _settled(a) and _settled(b)):
        return unknown("two extrapolated numbers are too uncertain to tell apart")
    ok = op != "eq" and bool(a < b)
    if ev.state.guessed and not ok:
        return unknown("two sides differ by an integral estimated from points only")
    if numeric and ok:
        return Judgement(Truth.SUPPORTED, evidence, sides=sides)
    # An order between balls that do not meet is certain.
    return Judgement(Truth.TRUE if ok else Truth.FALSE, evidence, sides=sides)


def _settled(x: Number) -> bool:
    """Whether an extrapolated number is known to a few digits."""
    return bool(x.rad() < EXTRAPOLATED_WIDTH or x.rad() < abs(x.mid()) / 10_000)
