"""Is a near miss still true?  Then it follows from the claim, or by algebra, or by the claim's own proof.

Nothing here is a verdict on the claim itself: the claim is taken as given, and every leaf is a theorem of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from derivcheck.language import (
    REAL,
    Context,
    Fresh,
    LanguageError,
    Term,
    eq,
    free_symbols,
    instantiate,
    le,
    lt,
    mul,
    num,
    substitute,
    unfold,
)
from derivcheck.language.terms import variable_sort
from derivcheck.mutation.records import Change, NearMiss
from derivcheck.proof import ProofError, Prover, Reason, Theorem, algebra, bounded_by_max, inside, kernel
from derivcheck.proof.normal_form import Normaliser, Unknown
from derivcheck.proof.normal_form.poly import Lin


def still_true(m: NearMiss) -> str:
    """How a near miss is seen to be true although it was changed; empty if it is not."""
    if m.statement == m.claim.statement:
        return _proved_without(m)
    if m.change is not None and _same_value(m.context, m.change):
        return "equal by algebra to what it replaces"
    if _holds(m.context, m.statement):
        return "proved by algebra"
    if m.change is not None and follows(m.context, m.claim.statement, m.statement):
        return "follows from the claim"
    return ""


def _proved_without(m: NearMiss) -> str:
    """The claim's own proof where the condition is not given, or where its opposite is."""
    if _proved_in(m, m.context):
        return "the claim's proof does not use it"
    given = set(m.context.propositions())
    dropped = [f for f in m.claim.context.propositions() if f not in given]
    if len(dropped) != 1 or dropped[0].op not in ("le", "lt") or m.claim.proof is None:
        return ""
    a, b = dropped[0].args
    opposite = [lt(b, a)] if dropped[0].op == "le" else [lt(b, a), eq(a, b)]
    # Where the condition holds, the claim does.
    if all(_proved_in(m, m.context.assuming("otherwise", case)) for case in opposite):
        return "proved where it fails as well: " + ", ".join(map(str, opposite))
    return ""


def _proved_in(m: NearMiss, context: Context) -> bool:
    """Is the statement proved in `context`, by algebra or by the steps of the claim's proof?"""
    if _holds(context, m.statement):
        return True
    for f in context.propositions():
        solved = _solved(f) if f not in m.context.propositions() else None
        if solved is not None and _holds(context, substitute(m.statement, solved)):
            return True
    if m.claim.proof is None:
        return False
    try:
        theorem = m.claim.proof(replace(m.claim, context=context, misconceptions=())).theorem
    except (ProofError, LanguageError):
        return False
    given = {unfold(p) for p in context.propositions()}
    used = (*theorem.context.propositions(), *theorem.hypotheses, *theorem.conditions)
    return theorem.statement == m.statement and all(unfold(p) in given for p in used)


def _solved(p: Term) -> dict[Term, Term] | None:
    """What an equation says of a symbol, to be put for it."""
    if p.op == "eq":
        for symbol, value in (p.args, p.args[::-1]):
            if symbol.op == "sym" and symbol not in free_symbols(value):
                return {symbol: value}
    return None


def _unconditional(th: Theorem, allowed: Theorem | None = None) -> bool:
    return not th.conditions and th.hypotheses <= (allowed.hypotheses if allowed is not None else frozenset())


def _same_value(context: Context, change: Change) -> bool:
    """Is what was put in equal to what was there, for all values of the variables bound around it?"""
    if change.old.sort != REAL and change.old.sort.kind != "fun":
        return False
    for v, domain in change.scope:
        if domain is None:
            return False
        try:
            context = context.extended(kernel.opened(v, domain))
        except ProofError:
            return False
    return _holds(context, eq(change.old, change.new))


def _holds(context: Context, p: Term) -> bool:
    """Does the normal form prove `p`, with every condition discharged?"""
    if p.op == "forall":
        opened = _opened(context, p)
        return opened is not None and _holds(*opened)
    if p.op == "implies":
        premise, conclusion = p.args
        if _holds(context.assuming("premise", premise), conclusion):
            return True
        solved = _solved(premise)
        return solved is not None and _holds(context, substitute(conclusion, solved))
    if p.op == "and":
        return all(_holds(context, q) for q in p.args)
    if p.op == "eq" and p.args[0].op == "lim" and _by(kernel.limit, context, p):
        return True
    return _by(kernel.normal_form, context, p) or _by(_completed_square, context, p)


def _completed_square(context: Context, p: Term) -> Theorem:
    """``⊢ a <= b`` where ``b − a`` is a square, times a positive number, plus a number that is not negative."""
    if p.op not in ("le", "lt") or p.args[0].sort != REAL:
        raise ProofError(f"'{p}' is not an inequality of numbers")
    try:
        difference = Normaliser(context).nf(unfold(p.args[1]) - unfold(p.args[0]))
    except Unknown as unknown:
        raise ProofError(str(unknown)) from None
    for m, c in difference.items():
        if c > 0 and len(m) == 1 and m[0][1] == Lin(Fraction(2)):
            x = m[0][0]
            half = difference.get(((x, Lin(Fraction(1))),), Fraction(0)) / (2 * c)
            square = kernel.normal_form(context, le(0, (x + num(half)) ** 2))
            return kernel.linear(context, p, [(square, num(c))])
    raise ProofError(f"'{p}' has no square to complete")


def _by(rule: Callable[[Context, Term], Theorem], context: Context, p: Term) -> bool:
    """Does a rule of the kernel prove `p`, with every condition discharged?"""
    try:
        return _unconditional(rule(context, p))
    except (ProofError, LanguageError):
        return False


def _opened(context: Context, p: Term, name: Term | None = None) -> tuple[Context, Term] | None:
    """The body of a universal statement with its variable declared."""
    v = name
    if v is None:
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


def follows(context: Context, given: Term, p: Term) -> bool:
    """Does `p` follow from the statement `given` of the same form, changed where something holds (not in premises)?"""
    if given == p:
        return True
    if given.op == p.op == "forall" and given.args[0] == p.args[0]:
        opened = _opened(context, p)
        if opened is None:
            return False
        inner, body = opened
        v = inner.declarations[-1].symbol
        assert v is not None
        return follows(inner, instantiate(given.body, v), body)
    if given.op == p.op == "implies" and given.args[0] == p.args[0]:
        return follows(context.assuming("premise", p.args[0]), given.args[1], p.args[1])
    if given.op == p.op == "and" and len(given.args) == len(p.args):
        return all(follows(context, a, b) for a, b in zip(given.args, p.args, strict=True))
    try:
        claim = kernel.assume(context, given)
        if given.op in ("eq", "le", "lt") and given.args[0].sort == REAL:
            try:
                return _unconditional(kernel.linear(context, p, [(claim, num(1))]), claim)
            except ProofError:
                pass
        if _by_parts(context, given, p):
            return True
        return _unconditional(kernel.normal_form(context, p, [claim]), claim)
    except (ProofError, LanguageError):
        return False


def _bound(prover: Prover, goal: Term) -> Theorem:
    """What one sees at a glance: algebra, ``a <= |a|``, a value is at most the maximum, a factor or denominator."""
    a, b = goal.args
    if goal.op == "le" and b.op == "fn" and b.data == "abs" and b.args[0] == a:
        return kernel.absolute_value(prover.context, a)
    for tactic in (algebra.tactic, bounded_by_max.tactic, _factor_dropped):
        try:
            return tactic(prover, goal)
        except ProofError:
            continue
    return _denominators(prover, goal)


def _factor_dropped(prover: Prover, goal: Term) -> Theorem:
    """``⊢ a <= c·a`` from ``1 <= c``, and ``⊢ c·a <= a`` from ``c <= 1``, for ``a >= 0``."""
    for k, whole in enumerate(goal.args):
        if whole.op != "mul":
            continue
        for j, c in enumerate(whole.args):
            rest = (*whole.args[:j], *whole.args[j + 1 :])
            if goal.args[1 - k] == (rest[0] if len(rest) == 1 else mul(*rest)):
                bound = kernel.normal_form(prover.context, le(1, c) if k else le(c, 1))
                return prover.linear(goal, (bound, goal.args[1 - k]))
    raise ProofError(f"'{goal}' does not drop a factor")


def _denominators(prover: Prover, goal: Term) -> Theorem:
    """``⊢ c/u <= c/v`` from ``v <= u``, for positive ``u``, ``v`` and ``c >= 0``."""
    a, b = goal.args
    if a.op != "div" or b.op != "div" or a.args[0] != b.args[0]:
        raise ProofError(f"'{goal}' does not compare two denominators")
    (c, u), (_, v) = a.args, b.args
    return prover.linear(goal, (kernel.normal_form(prover.context, le(v, u)), c / (u * v)))


_BOUND = Reason("algebra", _bound)


def _by_parts(context: Context, given: Term, p: Term) -> bool:
    """Is an inequality weaker because its lower side became smaller or its upper side larger, by monotonicity?"""
    if p.op not in ("le", "lt") or given.op not in ("le", "lt") or (p.op == "lt" and given.op == "le"):
        return False
    for smaller, larger in ((p.args[0], given.args[0]), (given.args[1], p.args[1])):
        if smaller == larger:
            continue
        try:
            th = inside(_BOUND)(Prover(context), le(smaller, larger))
        except (ProofError, LanguageError):
            return False
        if not _unconditional(th):
            return False
    return True
