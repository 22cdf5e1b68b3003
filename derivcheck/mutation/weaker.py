"""Is one statement at a glance a consequence of another?  By monotonicity, where the two differ in one place.

Everything here is a tactic for the kernel: what it cannot see is not a consequence, and what it sees is a theorem.
"""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.language import (
    BINDERS,
    REAL,
    Context,
    LanguageError,
    MaxOver,
    Term,
    abstract,
    add,
    domain_of_measure,
    eq,
    free_symbols,
    instantiate,
    le,
    make,
    mul,
    num,
    sort_of_domain,
    unfold,
)
from derivcheck.language.terms import open_binder, rebuild
from derivcheck.mutation.opening import opened
from derivcheck.proof import ProofError, Prover, Reason, Theorem, algebra, bounded_by_max, inside, kernel
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
        if all(map(_is_integral, goal.args)):
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


def _is_integral(t: Term) -> bool:
    head = unfold(t) if t.op == "defn" else t
    return head.op == "int" and head.args[0].op != "counting"


def below(context: Context, p: Term, known: Tactic | None = None) -> Theorem:
    """``⊢ a <= b`` where `b` is seen to be larger: a bound at every place where the two differ.

    `known` is asked for a bound where algebra sees none.
    """
    return _below(context, p, (*_AT_A_GLANCE, algebra.tactic, *([] if known is None else [known])))


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
    return given == p or (given.op in ("le", "lt") and _by_parts(context, given, p, _AT_A_GLANCE))


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
            or _by_parts(context, given, p, (*_AT_A_GLANCE, algebra.tactic))
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


# ---------------------------------------------------------------------------------------- what one sees at a glance


def _absolute_value(prover: Prover, goal: Term) -> Theorem:
    """``⊢ a <= |a|``."""
    a, b = goal.args
    if b.op != "fn" or b.data != "abs" or b.args[0] != a:
        raise ProofError(f"'{goal}' does not bound a number by its absolute value")
    return kernel.absolute_value(prover.context, a)


def _opposite(prover: Prover, goal: Term) -> Theorem:
    """``⊢ −a <= a`` from ``0 <= a``, and ``⊢ a <= −a`` from ``a <= 0``."""
    a, b = goal.args
    if a == -b:
        sign = le(0, b)
    elif b == -a:
        sign = le(a, 0)
    else:
        raise ProofError(f"'{goal}' does not compare a number with its negative")
    return prover.linear(goal, (kernel.normal_form(prover.context, sign), 2))


def _square_of_a_mean(prover: Prover, goal: Term) -> Theorem:
    """``⊢ f(E x) <= E f(x)`` where f is a sum of squares of what is linear in x: the difference is a variance."""
    a, b = (unfold(side) if side.op == "defn" else side for side in goal.args)
    if not _is_integral(b) or _is_integral(a):
        raise ProofError(f"'{goal}' does not bound a mean from below")
    measure, fresh = b.args[0], prover.fresh
    w = fresh.symbol(b.hint, sort_of_domain(domain_of_measure(measure)))

    def centred(t: Term) -> Term:
        if w not in free_symbols(t):
            return t
        if t.op == "pow" and t.args[1] == num(2):
            mean = make("int", (measure, abstract(t.args[0], w)), None, REAL, b.hint)
            return (t.args[0] - mean) ** 2
        if t.op in BINDERS:
            v, body = open_binder(t, fresh)
            return rebuild(t, (*t.args[:-1], abstract(centred(body), v)))
        return rebuild(t, tuple(map(centred, t.args)))

    variance = make("int", (measure, abstract(centred(unfold(instantiate(b.body, w))), w)), None, REAL, b.hint)
    return prover.linear(goal, (kernel.normal_form(prover.context, le(0, variance)), 1))


def _smallest(prover: Prover, goal: Term) -> Theorem:
    """``⊢ min f <= max f`` and ``⊢ min f <= f(t)``: there is a value between the smallest and the largest."""
    least, b = goal.args
    least = unfold(least) if least.op == "defn" else least
    if least.op != "min_over" or least.args[0].op != "range":
        raise ProofError(f"'{goal.args[0]}' is not a minimum over a range")
    opposite = MaxOver(least.args[0], lambda v: -instantiate(least.body, v))
    some = least.args[0].args[0]
    smallest = kernel.at_most_maximum(prover.context, opposite, some)
    value = prover.prove(le(instantiate(least.body, some), b), bounded_by_max, quiet=True)
    return prover.linear(goal, (smallest, 1), (value, 1))


def _logarithm(prover: Prover, goal: Term) -> Theorem:
    """``⊢ log y <= b`` from ``log y <= y − 1``."""
    a, _ = goal.args
    if a.op != "fn" or a.data != "log":
        raise ProofError(f"'{a}' is not a logarithm")
    return prover.linear(goal, (kernel.log_bound(prover.context, a.args[0]), 1))


def _dropped(goal: Term, op: str, join: Callable[..., Term]) -> tuple[Term, bool]:
    """The part that one side of `goal` has beyond the other, and whether the side that has it is the right one.

    Raises
    ------
    ProofError
        If neither side is the other joined with one more part.
    """
    for k, whole in enumerate(goal.args):
        for j, part in enumerate(whole.args if whole.op == op else ()):
            rest = (*whole.args[:j], *whole.args[j + 1 :])
            if goal.args[1 - k] == (rest[0] if len(rest) == 1 else join(*rest)):
                return part, k == 1
    raise ProofError(f"'{goal}' does not drop a part of a side")


def _summand_dropped(prover: Prover, goal: Term) -> Theorem:
    """``⊢ a + b <= a`` from ``b <= 0``, and ``⊢ a <= a + b`` from ``0 <= b``."""
    b, larger = _dropped(goal, "add", add)
    sign = kernel.normal_form(prover.context, le(0, b) if larger else le(b, 0))
    return prover.linear(goal, (sign, 1))


def _factor_dropped(prover: Prover, goal: Term) -> Theorem:
    """``⊢ a <= c·a`` from ``1 <= c``, and ``⊢ c·a <= a`` from ``c <= 1``, for ``a >= 0``."""
    c, larger = _dropped(goal, "mul", mul)
    bound = kernel.normal_form(prover.context, le(1, c) if larger else le(c, 1))
    return prover.linear(goal, (bound, goal.args[0 if larger else 1]))


def _denominators(prover: Prover, goal: Term) -> Theorem:
    """``⊢ c/u <= c/v`` from ``v <= u``, for positive ``u``, ``v`` and ``c >= 0``."""
    a, b = goal.args
    if a.op != "div" or b.op != "div" or a.args[0] != b.args[0]:
        raise ProofError(f"'{goal}' does not compare two denominators")
    (c, u), (_, v) = a.args, b.args
    return prover.linear(goal, (kernel.normal_form(prover.context, le(v, u)), c / (u * v)))


_AT_A_GLANCE: tuple[Tactic, ...] = (
    _absolute_value,
    bounded_by_max.tactic,
    _opposite,
    _smallest,
    _logarithm,
    _summand_dropped,
    _factor_dropped,
    _denominators,
    _square_of_a_mean,
)
