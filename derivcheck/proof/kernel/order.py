"""Inequalities: chains, increasing functions, absolute values, the logarithm."""

from __future__ import annotations

from derivcheck.language import PROP, REAL, Context, Term, abs_, eq, le, log, lt, make, ne, unfold
from derivcheck.proof.kernel.theorem import (
    Theorem,
    conclude,
    failure,
    need_closed,
    same_context,
    undischarged,
    vanishing,
)

#: The relation that two relations in a row give.
_COMPOSED = {("eq", "eq"): "eq", ("eq", "le"): "le", ("le", "eq"): "le", ("le", "le"): "le"}


def transitivity(first: Theorem, second: Theorem) -> Theorem:
    """``⊢ a R b`` and ``⊢ b S c`` give ``⊢ a T c``, where the ``b`` that disappears is defined.

    ``T`` is ``<`` if one relation is strict, else ``<=`` if one is, else ``=``.  That a limit in the middle exists is
    known if one of the premises evaluates it.
    """
    same_context("transitivity", first.context, [second])
    p, q = first.statement, second.statement
    if p.op not in ("eq", "le", "lt") or q.op not in ("eq", "le", "lt"):
        raise failure("transitivity", f"'{p}' and '{q}' are not comparisons")
    if unfold(p.args[1]) != unfold(q.args[0]):
        raise failure("transitivity", f"'{p.args[1]}' is not '{q.args[0]}'")
    middle = p.args[1]
    evaluated = middle.op == "lim" and second.rule in ("limit", "limit_by_continuity")
    op = _COMPOSED.get((p.op, q.op), "lt")
    statement = make(op, (p.args[0], q.args[1]), None, PROP)
    more = [] if evaluated else vanishing("transitivity", first.context, middle, shown=statement)
    return conclude("transitivity", first.context, statement, [first, second], more_conditions=more)


def antisymmetry(below: Theorem, above: Theorem) -> Theorem:
    """``⊢ a <= b`` and ``⊢ b <= a`` give ``⊢ a = b``."""
    same_context("antisymmetry", below.context, [above])
    p, q = below.statement, above.statement
    if p.op != "le" or q.op != "le" or p.args != q.args[::-1]:
        raise failure("antisymmetry", f"'{p}' and '{q}'")
    return conclude("antisymmetry", below.context, eq(*p.args), [below, above])


#: Increasing scalar functions, with where they are defined as a condition on an argument.
INCREASING = {
    "exp": None,
    "tanh": None,
    "atan": None,
    "erf": None,
    "log": lambda x: lt(0, x),
}


def increasing(th: Theorem, name: str) -> Theorem:
    """``⊢ a <= b`` gives ``⊢ f(a) <= f(b)`` for an increasing scalar function (strict for strict)."""
    if name not in INCREASING or th.statement.op not in ("le", "lt") or th.statement.args[0].sort != REAL:
        raise failure("increasing", f"'{name}' of '{th.statement}'")
    condition = INCREASING[name]
    a, b = th.statement.args
    more = [condition(a)] if condition is not None else []
    statement = make(th.statement.op, (make("fn", (a,), name, REAL), make("fn", (b,), name, REAL)), None, PROP)
    return conclude(
        "increasing", th.context, statement, [th], more_conditions=undischarged(th.context, more), function=name
    )


def absolute_bound(upper: Theorem, lower: Theorem) -> Theorem:
    """``⊢ a <= c`` and ``⊢ −a <= c`` give ``⊢ |a| <= c``."""
    same_context("absolute_bound", upper.context, [lower])
    p, q = upper.statement, lower.statement
    if p.op != "le" or q.op != "le" or q.args[0] != -p.args[0] or p.args[1] != q.args[1]:
        raise failure("absolute_bound", f"'{p}' and '{q}'")
    return conclude("absolute_bound", upper.context, le(abs_(p.args[0]), p.args[1]), [upper, lower])


def absolute_value(context: Context, a: Term) -> Theorem:
    """``⊢ a <= |a|``."""
    need_closed("absolute_value", context, a)
    return conclude("absolute_value", context, le(a, abs_(a)), term=a)


def log_bound(context: Context, y: Term) -> Theorem:
    """``⊢ log y <= y − 1`` for ``y > 0``."""
    need_closed("log_bound", context, y)
    more = undischarged(context, [lt(0, y)])
    return conclude("log_bound", context, le(log(y), y - 1), more_conditions=more, term=y)


def log_bound_strict(context: Context, y: Term) -> Theorem:
    """``⊢ log y < y − 1`` for ``y > 0`` and ``y ≠ 1``."""
    need_closed("log_bound_strict", context, y)
    more = undischarged(context, [lt(0, y), ne(y, 1)])
    return conclude("log_bound_strict", context, lt(log(y), y - 1), more_conditions=more, term=y)
