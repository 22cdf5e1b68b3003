"""Is one statement a consequence of another?  By algebra, or by monotonicity where the two differ.

Everything here is a tactic for the kernel: what it cannot see is not a consequence, and what it sees is a theorem.
"""

from __future__ import annotations

from derivcheck.language import (
    REAL,
    Context,
    LanguageError,
    Term,
    eq,
    instantiate,
    le,
    num,
)
from derivcheck.mutation.glance import AT_A_GLANCE, is_integral
from derivcheck.mutation.opening import opened
from derivcheck.proof import ProofError, Prover, Reason, Theorem, algebra, inside, kernel
from derivcheck.proof.normal_form import Normaliser
from derivcheck.proof.prover import Tactic


def conditions_hold(th: Theorem, allowed: frozenset[Term] = frozenset()) -> bool:
    """Does a theorem rest on nothing but its context and the `allowed` hypotheses?"""
    if not th.hypotheses <= allowed:
        return False
    facts = Normaliser(th.context).facts if th.conditions else None
    return facts is None or all(facts.holds(c) for c in th.conditions)


def equal_inside(context: Context, p: Term) -> Theorem:
    """``⊢ a = b`` by algebra at the places where the two sides differ.

    Raises
    ------
    ProofError
        If they differ in more than what algebra sees.
    """
    if p.op != "eq":
        raise ProofError(f"'{p}' is not an equation")
    a, b = p.args
    if a == b and a.sort == REAL:
        hole = Prover(context).fresh.symbol("hole", REAL)
        return kernel.congruence(kernel.normal_form(context, eq(num(0), num(0))), a, hole)
    return equal_somewhere(Prover(context), p)


def equal_somewhere(prover: Prover, goal: Term) -> Theorem:
    """``⊢ a = b`` by algebra at the places where the two sides differ, below sums, integrals and derivatives."""
    return inside(_below_integrals(Reason("algebra", _equal)))(prover, goal)


def _below_integrals(base: Reason) -> Reason:
    """The same reason, but for integrals as a whole: algebra would split them, and the parts need not exist."""

    def tactic(prover: Prover, goal: Term) -> Theorem:
        if all(map(is_integral, goal.args)):
            raise ProofError(f"'{goal}' is compared under the integral")
        return base(prover, goal)

    return Reason(base.words, tactic)


def _same_derivative(prover: Prover, goal: Term) -> Theorem:
    """``⊢ ∂f/∂x = ∂g/∂x`` from ``f = g`` everywhere, by algebra."""
    a, b = goal.args
    if goal.op != "eq" or a.op != "deriv" or b.op != "deriv" or a.args[:-1] != b.args[:-1]:
        raise ProofError(f"'{goal}' does not compare two derivatives")

    def at(pr: Prover, v: Term) -> Theorem:
        equation = eq(instantiate(a.body, v), instantiate(b.body, v))
        try:
            whole = algebra(pr, equation)
        except ProofError:
            return equal_somewhere(pr, equation)
        return whole if conditions_hold(whole) else equal_somewhere(pr, equation)

    return kernel.derivative_congruence(prover.for_all(a.args[0], at, a.hint), a)


def _equal(prover: Prover, goal: Term) -> Theorem:
    try:
        return _same_derivative(prover, goal)
    except ProofError:
        return algebra(prover, goal)


def below(context: Context, p: Term, known: Tactic | None = None) -> Theorem:
    """``⊢ a <= b`` where `b` is seen to be larger: a bound at every place where the two differ.

    `known` is asked for a bound where algebra sees none.
    """
    return _below(context, p, (*BY_ALGEBRA, *([] if known is None else [known])))


def _around_zero(prover: Prover, goal: Term) -> Theorem:
    """``⊢ a <= b`` from ``a <= 0`` and ``0 <= b``: each side by itself keeps the squares that a difference loses."""
    a, b = goal.args
    below_zero, above = (kernel.normal_form(prover.context, p) for p in (le(a, 0), le(0, b)))
    return prover.linear(goal, (below_zero, 1), (above, 1))


#: Bounds that take more than a glance, after those that do not.
BY_ALGEBRA: tuple[Tactic, ...] = (*AT_A_GLANCE, algebra.tactic, _around_zero)


def _below(context: Context, p: Term, tactics: tuple[Tactic, ...]) -> Theorem:
    if p.op != "le":
        raise ProofError(f"'{p}' is not a bound")

    def bound(prover: Prover, goal: Term) -> Theorem:
        if goal.op != "le":
            raise ProofError(f"'{goal}' is not a bound")
        for tactic in tactics:
            try:
                return tactic(prover, goal)
            except ProofError:
                continue
        raise ProofError(f"'{goal}' is not seen")

    return inside(_below_integrals(Reason("at a glance", bound)))(Prover(context), p)


def same(context: Context, given: Term, p: Term) -> bool:
    """Do two comparisons of numbers compare the same, by algebra on either side?"""
    if given == p:
        return True
    if given.op != p.op or p.op not in ("le", "lt", "eq") or p.args[0].sort != REAL:
        return False
    try:
        return all(
            a == b or conditions_hold(kernel.normal_form(context, eq(a, b)))
            for a, b in zip(given.args, p.args, strict=True)
        )
    except (ProofError, LanguageError):
        return False


def follows_at_a_glance(context: Context, given: Term, p: Term) -> bool:
    """Does the inequality `p` follow from `given` without algebra, which is slow where sides are large?"""
    return given == p or (given.op in ("le", "lt") and _by_parts(context, given, p, AT_A_GLANCE))


def follows(context: Context, given: Term, p: Term) -> bool:
    """Does `p` follow from the statement `given` of the same form, changed where something holds (not in premises)?"""
    if given == p:
        return True
    if given.op == p.op == "forall" and given.args[0] == p.args[0]:
        inner = opened(context, p)
        if inner is None:
            return False
        v = inner[0].declarations[-1].symbol
        assert v is not None
        return follows(inner[0], instantiate(given.body, v), inner[1])
    if given.op == p.op == "implies" and given.args[0] == p.args[0]:
        return follows(context.assuming("premise", p.args[0]), given.args[1], p.args[1])
    if given.op == p.op == "and" and len(given.args) == len(p.args):
        return all(follows(context, a, b) for a, b in zip(given.args, p.args, strict=True))
    if p.op in ("le", "lt", "eq") and given.op in ("le", "lt", "eq") and p.args[0].sort == REAL:
        return (
            _by_addition(context, given, p)
            or _by_parts(context, given, p, BY_ALGEBRA)
            or _by_an_equal_side(context, given, p)
        )
    return _by_rewriting(context, given, p)


def _by_addition(context: Context, given: Term, p: Term) -> bool:
    """Is `p` the given comparison and something that is not negative, or an equation that rewrites it?"""
    if given.args[0].sort != REAL:
        return _by_rewriting(context, given, p)
    try:
        claim = kernel.assume(context, given)
        if conditions_hold(kernel.linear(context, p, [(claim, num(1))]), frozenset({given})):
            return True
    except (ProofError, LanguageError):
        pass
    return _by_rewriting(context, given, p)


def _by_rewriting(context: Context, given: Term, p: Term) -> bool:
    try:
        claim = kernel.assume(context, given)
        return conditions_hold(kernel.normal_form(context, p, [claim]), frozenset({given}))
    except (ProofError, LanguageError):
        return False


def _by_parts(context: Context, given: Term, p: Term, tactics: tuple[Tactic, ...]) -> bool:
    """Is an inequality weaker because its lower side became smaller or its upper side larger, by monotonicity?"""
    if p.op not in ("le", "lt") or given.op not in ("le", "lt") or (p.op == "lt" and given.op == "le"):
        return False
    for smaller, larger in ((p.args[0], given.args[0]), (given.args[1], p.args[1])):
        if smaller == larger:
            continue
        try:
            if not conditions_hold(_below(context, le(smaller, larger), tactics)):
                return False
        except (ProofError, LanguageError):
            return False
    return True


def _by_an_equal_side(context: Context, given: Term, p: Term) -> bool:
    """Is only one side of an equation another, and equal to what stood there?"""
    changed = [k for k in (0, 1) if given.args[k] != p.args[k]]
    if given.op != "eq" or p.op != "eq" or len(changed) != 1:
        return False
    (k,) = changed
    try:
        return conditions_hold(equal_inside(context, eq(given.args[k], p.args[k])))
    except (ProofError, LanguageError):
        return False
