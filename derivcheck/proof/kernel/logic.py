"""Propositions: hypotheses, premises, conditions, cases, definitions."""

from __future__ import annotations

from derivcheck.language import PROP, Context, Term, implies, make, not_, unfold
from derivcheck.proof.kernel.theorem import Theorem, conclude, failure, need_closed, same_context, vanishing


def assume(context: Context, p: Term) -> Theorem:
    """``Γ; p ⊢ p``."""
    need_closed("assume", context, p)
    return conclude("assume", context, p, hypotheses=[p])


def fact(context: Context, p: Term) -> Theorem:
    """``Γ ⊢ p`` where ``p`` is one of the facts of ``Γ``."""
    wanted = unfold(p)
    if not any(unfold(q) == wanted for q in context.propositions()):
        raise failure("fact", f"'{p}' is not a fact of the context")
    return conclude("fact", context, p)


def weaken(th: Theorem, context: Context) -> Theorem:
    """``Γ; H ⊢ p`` gives ``Γ'; H ⊢ p`` where every symbol and fact of ``Γ`` is in ``Γ'``."""
    facts = {unfold(q) for q in context.propositions()}
    for q in th.context.propositions():
        if unfold(q) not in facts:
            raise failure("weaken", f"the fact '{q}' is not in the larger context")
    symbols = {s.data: s for s in context.symbols()}
    for s in th.context.symbols():
        if symbols.get(s.data) != s:
            raise failure("weaken", f"the symbol '{s}' is not declared alike in the larger context")
    return conclude("weaken", context, th.statement, [th])


def discharge(th: Theorem, p: Term) -> Theorem:
    """``Γ; H, p ⊢ q`` gives ``Γ; H ⊢ p ⟹ q``."""
    need_closed("discharge", th.context, p)
    conditions = [implies(p, c) for c in th.conditions]
    return conclude(
        "discharge",
        th.context,
        implies(p, th.statement),
        [th],
        hypotheses=th.hypotheses - {p},
        conditions=conditions,
    )


def modus_ponens(th: Theorem, premise: Theorem) -> Theorem:
    """``⊢ p ⟹ q`` and ``⊢ p`` give ``⊢ q``."""
    same_context("modus_ponens", th.context, [premise])
    if th.statement.op != "implies" or unfold(th.statement.args[0]) != unfold(premise.statement):
        raise failure("modus_ponens", f"'{th.statement}' does not have the premise '{premise.statement}'")
    more = vanishing("modus_ponens", th.context, premise.statement, shown=th.statement.args[1])
    return conclude("modus_ponens", th.context, th.statement.args[1], [th, premise], more_conditions=more)


def cut(th: Theorem, lemma: Theorem) -> Theorem:
    """``H, p ⊢ q`` and ``G ⊢ p`` give ``H, G ⊢ q``."""
    same_context("cut", th.context, [lemma])
    return conclude(
        "cut",
        th.context,
        th.statement,
        [th, lemma],
        hypotheses=(th.hypotheses - {lemma.statement}) | lemma.hypotheses,
        more_conditions=vanishing("cut", th.context, lemma.statement, shown=th.statement),
    )


def meet_condition(th: Theorem, lemma: Theorem) -> Theorem:
    """``⊢ q [C, p]`` and ``⊢ p`` give ``⊢ q [C]``."""
    same_context("meet_condition", th.context, [lemma])
    rest = {c for c in th.conditions if unfold(c) != unfold(lemma.statement)}
    rest |= set(vanishing("meet_condition", th.context, lemma.statement, shown=th.statement))
    return conclude("meet_condition", th.context, th.statement, [th, lemma], conditions=rest | lemma.conditions)


def conjunction(*ths: Theorem) -> Theorem:
    """``⊢ p`` and ``⊢ q`` give ``⊢ p ∧ q``."""
    same_context("conjunction", ths[0].context, ths)
    return conclude("conjunction", ths[0].context, make("and", [t.statement for t in ths], None, PROP), ths)


def conjunct(th: Theorem, k: int) -> Theorem:
    """``⊢ p₀ ∧ … ∧ pₙ`` gives ``⊢ p_k``."""
    if th.statement.op != "and":
        raise failure("conjunct", f"'{th.statement}' is not a conjunction")
    more = vanishing("conjunct", th.context, *th.statement.args, shown=th.statement.args[k])
    return conclude("conjunct", th.context, th.statement.args[k], [th], more_conditions=more, k=k)


def cases(positive: Theorem, negative: Theorem, p: Term) -> Theorem:
    """``H, p ⊢ q`` and ``G, ¬p ⊢ q`` give ``H, G ⊢ q``."""
    same_context("cases", positive.context, [negative])
    if positive.statement != negative.statement:
        raise failure("cases", f"'{positive.statement}' and '{negative.statement}' differ")
    hypotheses = (positive.hypotheses - {p}) | (negative.hypotheses - {not_(p)})
    conditions = [implies(p, c) for c in positive.conditions] + [implies(not_(p), c) for c in negative.conditions]
    return conclude("cases", positive.context, positive.statement, [positive, negative],
        hypotheses=hypotheses, conditions=conditions,
        more_conditions=vanishing("cases", positive.context, p, shown=positive.statement), on=p,
    )  # fmt: skip


def definition(th: Theorem, statement: Term) -> Theorem:
    """``⊢ p`` gives ``⊢ p'`` where both unfold to one proposition."""
    if unfold(th.statement) != unfold(statement):
        raise failure("definition", f"'{th.statement}' does not unfold to the same as '{statement}'")
    return conclude("definition", th.context, statement, [th])
