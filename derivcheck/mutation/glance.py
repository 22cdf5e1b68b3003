"""Bounds that one sees at a glance: tactics for the kernel, each for one shape of ``a <= b``."""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.language import (
    BINDERS,
    REAL,
    MaxOver,
    Term,
    abstract,
    add,
    domain_of_measure,
    free_symbols,
    instantiate,
    integer,
    le,
    make,
    mul,
    num,
    sort_of_domain,
    unfold,
)
from derivcheck.language.constructors import int_add
from derivcheck.language.terms import open_binder, rebuild
from derivcheck.proof import ProofError, Prover, Theorem, bounded_by_max, kernel
from derivcheck.proof.prover import Tactic


def is_integral(t: Term) -> bool:
    """Is it an integral that is not a finite sum or a series?"""
    head = unfold(t) if t.op == "defn" else t
    return head.op == "int" and head.args[0].op != "counting"


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
    if not is_integral(b) or is_integral(a):
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


def _term_dropped(prover: Prover, goal: Term) -> Theorem:
    """``⊢ Σ_{i=a+1}^b f(i) <= Σ_{i=a}^b f(i)`` from ``0 <= f(a)``, likewise at the upper end, and with ``f <= 0``."""
    a, b = (unfold(side) if side.op == "defn" else side for side in goal.args)
    if not all(t.op == "int" and t.args[0].op == "counting" for t in (a, b)) or a.body != b.body:
        raise ProofError(f"'{goal}' does not compare two sums of the same terms")
    few, many = a.args[0].args[0], b.args[0].args[0]
    more, less = _one_more(few, many), _one_more(many, few)
    if more is not None:
        sign = le(0, instantiate(b.body, more))
    elif less is not None:
        sign = le(instantiate(a.body, less), 0)
    else:
        raise ProofError(f"'{goal}' does not drop one term of a sum")
    return prover.linear(goal, (kernel.normal_form(prover.context, sign), 1))


def _one_more(few: Term, many: Term) -> Term | None:
    """The index at an end of the range `many` that `few` lacks, if it lacks no other."""
    (lo, hi), (low, high) = few.args, many.args
    if hi == high and lo == int_add(low, integer(1)):
        return low
    if lo == low and high == int_add(hi, integer(1)):
        return high
    return None


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


#: In the order in which they are tried; none computes much.
AT_A_GLANCE: tuple[Tactic, ...] = (
    _absolute_value,
    bounded_by_max.tactic,
    _opposite,
    _smallest,
    _logarithm,
    _summand_dropped,
    _term_dropped,
    _factor_dropped,
    _denominators,
    _square_of_a_mean,
)
