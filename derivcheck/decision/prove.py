"""Ways to prove an equation: the normal form alone, after expansion, with a sum turned round, by cases, by induction.

Every way ends in theorems of the kernel; what is added to them is written here: the identities of `expand`, the
exhaustive splits of `_split`, and induction over a declared integer, with the recurrences of sums that `telescoping`
proves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from derivcheck.decision.conditions import Conditions, definedness, exceptions, fewest, undischarged
from derivcheck.decision.expand import expanded, is_finite_sum
from derivcheck.decision.exponents import merged
from derivcheck.decision.telescoping import Recurrence, ratio, recurrence
from derivcheck.language import (
    INT,
    REAL,
    Context,
    Declaration,
    Fresh,
    LanguageError,
    Property,
    Term,
    abstract,
    eq,
    free_symbols,
    implies,
    instantiate,
    integer,
    le,
    lt,
    not_,
    num,
    real,
    substitute,
    subterms,
    symbol,
    unfold,
)
from derivcheck.language.constructors import affine_parts, int_add
from derivcheck.language.terms import rebuild
from derivcheck.proof import ProofError, kernel
from derivcheck.proof.kernel.algebra import Different
from derivcheck.proof.normal_form import Normaliser, to_term
from derivcheck.proof.normal_form.integers import solved

#: How often expansion and normal form alternate: a sum taken apart may leave terms to expand.
ROUNDS = 3
#: Inductions inside the step of an induction.
NESTED = 2
#: The most sums that are turned round.
MAX_REVERSALS = 4
#: The most cases that a distinction may have.
MAX_CASES = 40

#: What a way is called, and how it is gone.
Way = tuple[str, Callable[[Context, Term, Term], Conditions | None]]


@dataclass(frozen=True, slots=True)
class Proved:
    """An equation holds under `conditions`; `decider` says how that was seen."""

    decider: str
    conditions: Conditions


def prove(context: Context, left: Term, right: Term, ways: tuple[Way, ...] | None = None) -> Proved | None:
    """A proof of ``left = right`` wherever both are defined, simplest way first; None if no way succeeds."""
    needed = undischarged(context, tuple(dict.fromkeys((*definedness(left), *definedness(right)))))
    inside = context.assuming("both sides are defined", *needed) if needed else context
    for decider, way in SHORT + LONG if ways is None else ways:
        conditions = way(inside, left, right)
        if conditions is not None:
            rest = fewest(context, (*needed, *conditions))
            return Proved(decider, tuple(c for c in rest if c in needed or not is_needless(inside, left, right, c)))
    return None


def is_needless(context: Context, left: Term, right: Term, c: Term) -> bool:
    """Is the equation proved where the condition fails, too?"""
    otherwise = lt(c.args[1], c.args[0]) if c.op == "le" else not_(c)
    inner = context.assuming("otherwise", otherwise)
    at = [_pinned(inner, c, otherwise)] if c.op == "le" else [{x: value} for x, value in exceptions(context, c)]
    sides = unfold(left), unfold(right)
    return any(by_normal_form(inner, *(substitute(t, place) for t in sides)) == () for place in at if place)


def by_normal_form(context: Context, left: Term, right: Term) -> Conditions | None:
    """The conditions under which the normal form proves the equation."""
    try:
        return _equal_forms(context, left, right)
    except (ProofError, LanguageError):
        return None


def _equal_forms(context: Context, left: Term, right: Term) -> Conditions | None:
    """The conditions under which the normal form proves the equation; None if one of them is never true.

    Raises
    ------
    Different
        If the normal forms differ; it says by what.
    ProofError, LanguageError
        If there are no normal forms to compare.
    """
    found = kernel.normal_form(context, eq(left, right)).conditions
    return None if any(c.op == "false" for c in found) else tuple(sorted(found, key=lambda c: c.key))


def by_expansion(context: Context, left: Term, right: Term) -> Conditions | None:
    """The conditions under which the normal form proves the equation between the expanded sides."""
    if left.sort != REAL:
        return None
    rest, conditions = _left_over(context, left, right)
    return conditions if rest == num(0) else None


def _left_over(context: Context, left: Term, right: Term) -> tuple[Term | None, Conditions]:
    """What the difference of the sides comes to after expansion, and under which conditions; None if not known."""
    conditions: dict[Term, None] = {}
    difference = unfold(left) - unfold(right)
    for _ in range(ROUNDS):
        (difference,), needs = expanded(context, (difference,))
        conditions.update(dict.fromkeys(needs))
        try:
            found = _equal_forms(context, difference, num(0))
        except Different as rest:
            conditions.update(dict.fromkeys(rest.conditions))
            before, difference = difference, to_term(rest.difference)
            alike = merged(rest.difference, partial(by_normal_form, context))
        except (ProofError, LanguageError):
            return None, ()
        else:
            return (num(0), undischarged(context, (*conditions, *found))) if found is not None else (None, ())
        if alike is not None:
            difference, more = alike
            conditions.update(dict.fromkeys(more))
        if difference == before:
            break
    return difference, undischarged(context, tuple(conditions))


def _algebra(context: Context, left: Term, right: Term) -> Conditions | None:
    found = by_normal_form(context, left, right)
    return found if found is not None else by_expansion(context, left, right)


def _by_reversal(context: Context, left: Term, right: Term) -> Conditions | None:
    """With one sum of the equation in the other order of its index."""
    if left.sort != REAL:
        return None
    left, right = unfold(left), unfold(right)
    sums = sorted({s for t in (left, right) for s in subterms(t) if is_finite_sum(s)}, key=lambda s: s.key)
    for s in sums[:MAX_REVERSALS]:
        lo, hi = s.args[0].args[0].args
        v = Fresh().symbol(s.hint or "j", INT)
        body = abstract(instantiate(s.body, int_add(int_add(lo, hi), v, -1)), v)
        turned = {s: rebuild(s, (s.args[0], body))}
        conditions = _algebra(context, substitute(left, turned), substitute(right, turned))
        if conditions is not None:
            return conditions
    return None


# ------------------------------------------------------------------------------------------------------------ by cases


def _by_cases(context: Context, left: Term, right: Term) -> Conditions | None:
    """Split on signs and orders until the normal form proves every case."""
    if left.sort != REAL:
        return None
    left, right = unfold(left), unfold(right)
    if next(_splits((left, right)), None) is None:
        return None
    return _cases(context, left, right, [MAX_CASES], frozenset())


def _cases(context: Context, left: Term, right: Term, budget: list[int], asked: frozenset[Term]) -> Conditions | None:
    budget[0] -= 1
    if budget[0] < 0:
        return None
    found = by_normal_form(context, left, right)
    if found is not None:
        return found
    facts = Normaliser(context).facts
    for split in _splits((left, right)):
        if split in asked or facts.holds(split) or facts.refuted(split):
            continue
        out: list[Term] = []
        for case in (split, not_(split)):
            if case.op == "not" and split.op == "le":
                case = lt(split.args[1], split.args[0])
            inner = context.assuming("case", case)
            pinned = _pinned(inner, split, case)
            here, there = (substitute(_taken(t, split, case), pinned) for t in (left, right))
            conditions = _cases(inner, here, there, budget, asked | {split})
            if conditions is None:
                return None
            out += [q for c in conditions if (q := implies(case, c)) not in out]
        return tuple(out)
    # Nothing is left to split.
    return by_expansion(context, left, right)


def _pinned(context: Context, split: Term, case: Term) -> dict[Term, Term]:
    """The value of an integer symbol that the case leaves no choice: ``0 <= k`` and ``k < 1``."""
    if split.op != "le" or split.args[0].sort != INT:
        return {}
    low, high = split.args
    # high - low is at least 0, or at most -1
    slack = int_add(high, low, -1) if case == split else int_add(int_add(low, high, -1), integer(-1))
    if not Normaliser(context).facts.holds(le(slack, integer(0))):
        return {}
    const, coefficients = affine_parts(slack)
    for x in sorted(coefficients, key=lambda x: x.key):
        if x.op == "sym" and abs(coefficients[x]) == 1:
            return {x: solved(const, coefficients, x)}
    return {}


def _taken(t: Term, split: Term, case: Term) -> Term:
    """A choice on the proposition `split`, carried out."""
    chosen = case == split
    mapping: dict[Term, Term] = {}
    for s in subterms(t):
        if s.op == "ite" and s.args[0] == split and not s.loose:
            mapping[s] = s.args[1] if chosen else s.args[2]
        elif s.op == "ind" and s.args[0] == split:
            mapping[s] = num(1 if chosen else 0)
    while mapping:
        new = substitute(t, mapping)
        if new == t:
            break
        t = new
    return t


def _splits(terms: tuple[Term, ...]) -> Iterator[Term]:
    """Propositions on whose truth something in the terms depends, each as ``a <= b`` or as the author wrote it."""
    seen: set[Term] = set()
    # Sums are the business of induction; a case for each of their ends only costs time.
    summed = any(s.op == "int" for t in terms for s in subterms(t))
    for t in terms:
        for s in subterms(t):
            if s.loose or s in seen:
                continue
            seen.add(s)
            if s.op == "fn" and s.data == "abs":
                yield le(0, s.args[0])
            elif s.op == "fn" and s.data == "sign":
                yield le(0, s.args[0])
                yield le(s.args[0], 0)
            elif s.op in ("max", "min"):
                for j in range(1, len(s.args)):
                    for i in range(j):
                        yield le(s.args[i], s.args[j])
            elif s.op == "ite" or s.op == "ind":
                yield from _atoms(s.args[0])
                yield s.args[0]
            elif s.op == "binomial" and not summed:
                yield le(0, s.args[1])
                yield le(s.args[1], s.args[0])


def _atoms(p: Term) -> Iterator[Term]:
    """The comparisons in a proposition."""
    if p.op in ("and", "or", "not", "implies"):
        for q in p.args:
            yield from _atoms(q)
    elif p.op in ("le", "lt", "eq") and p.args[0].sort in (INT, REAL):
        yield p if p.op != "lt" else le(p.args[1], p.args[0])


# -------------------------------------------------------------------------------------------------------- by induction


def _by_induction(context: Context, left: Term, right: Term, depth: int = NESTED) -> Conditions | None:
    """Induction over a declared integer with a lower bound."""
    if left.sort != REAL:
        return None
    left, right = unfold(left), unfold(right)
    used = free_symbols(left) | free_symbols(right)
    for d in context.declarations:
        n = d.symbol
        if n is None or n.sort != INT or n not in used:
            continue
        start = _start(d)
        if start is None or any(n in free_symbols(a) for s in used for a in s.args):
            continue
        for later in (0, 1):
            # A sum that is empty at the start has its recurrence from there on.
            first = int_add(start, integer(later))
            about = _about(context, d, first)
            conditions = _by_recurrence(context, about, left, right, n, (start, first))
            if conditions is not None:
                return conditions
        conditions = _induct(_about(context, d, start), left, right, n, start, depth)
        if conditions is not None:
            return conditions
    return None


def _by_recurrence(
    context: Context, about: Context, left: Term, right: Term, n: Term, starts: tuple[Term, ...]
) -> Conditions | None:
    """Induction with the recurrences of the sums in the equation: ``S(n+1) = c·S(n) + r(n)`` with one ``c`` for all."""
    difference = left - right
    sums = {s for s in subterms(difference) if is_finite_sum(s) and n in free_symbols(s)}
    known: dict[Term, Recurrence] = {}
    for s in sorted(sums, key=lambda s: s.key):
        if any(s in subterms(t) for t in known):
            continue
        found = recurrence(about, s, n, _algebra)
        if found is not None:
            known[s] = found
    factors = list(dict.fromkeys(r.factor for r in known.values()))
    if not factors:
        return None
    # Within the step a sum is a number of which nothing is known.
    values = {s: symbol(f"S#{k}", REAL) for k, s in enumerate(known)}
    for value in values.values():
        about = about.extended(Declaration(value, "real"))
    after = substitute(difference, {n: n + 1})
    grown = {substitute(s, {n: n + 1}): r.factor * values[s] + r.rest for s, r in known.items()}
    rest, step = _left_over(about, substitute(after, grown), factors[0] * substitute(difference, values))
    needs = (*step, *(c for r in known.values() for c in r.conditions))
    if rest != num(0) or any(n in free_symbols(c) for c in needs):
        return None
    bases: list[Term] = []
    for start in dict.fromkeys(starts):
        base = _algebra(_without(context, n), substitute(left, {n: start}), substitute(right, {n: start}))
        if base is None:
            return None
        bases += base
    return tuple(dict.fromkeys((*bases, *needs)))


def _start(d: Declaration) -> Term | None:
    """The smallest value of a declared integer, where it is declared as a number."""
    for name in ("minimum", "at least"):
        p = d.property(name)
        if p is not None and p.args[0].op == "aff" and not p.args[0].args:
            return p.args[0]
    return None


def _about(context: Context, d: Declaration, start: Term) -> Context:
    """The context in which the step is made: of the symbol that `d` declares, only that it is at least `start`."""
    n = d.symbol
    assert n is not None
    out: list[Declaration] = []
    for other in context.declarations:
        if other == d:
            bound = Property("at least", (le(start, n),), (start,))
            out.append(Declaration(n, "integer", (bound,)))
        elif not _mentions(other, n):
            out.append(other)
    return Context(tuple(out))


def _without(context: Context, n: Term) -> Context:
    """The context without what mentions `n`."""
    return Context(tuple(d for d in context.declarations if not _mentions(d, n)))


def _mentions(d: Declaration, n: Term) -> bool:
    facts = [f for p in d.properties for f in p.facts]
    return any(n in free_symbols(t) for t in (*facts, *((d.symbol,) if d.symbol is not None else ())))


def _induct(context: Context, left: Term, right: Term, n: Term, start: Term, depth: int) -> Conditions | None:
    """``d(start) = 0`` and ``d(n + 1) = c·d(n)`` for some ``c`` give ``d(n) = 0``, where ``d = left − right``."""
    base = _algebra(context, substitute(left, {n: start}), substitute(right, {n: start}))
    if base is None:
        return None
    difference = left - right
    after = substitute(difference, {n: n + 1})
    open_steps: list[tuple[Term, Conditions]] = []
    for c in _factors(context, (left, right), n):
        rest, step = _left_over(context, after, c * difference)
        # A condition on n itself would have to hold at every step, and is not carried along.
        if rest is None or any(n in free_symbols(p) for p in step):
            continue
        if rest == num(0):
            return tuple(dict.fromkeys((*base, *step)))
        open_steps.append((rest, step))
    for rest, step in open_steps if depth else ():
        inner = _by_induction(context, rest, num(0), depth - 1)
        if inner is not None and not any(n in free_symbols(p) for p in inner):
            return tuple(dict.fromkeys((*base, *step, *inner)))
    return None


def _factors(context: Context, terms: tuple[Term, ...], n: Term) -> list[Term]:
    """What a closed form may be multiplied by when `n` grows by one."""
    out = [num(1)]
    for t in terms:
        whole = ratio(context, t, n)
        if whole is not None:
            out.append(whole)
        for s in subterms(t):
            if s.loose:
                continue
            if s.op == "pow" and n in free_symbols(s.args[1]) and n not in free_symbols(s.args[0]):
                out.append(s.args[0])
            elif s.op == "factorial" and s.args[0] == n:
                out.append(real(n + 1))
            elif s.op == "prod" and s.args[0].op == "range" and s.args[0].args[1] == n:
                out.append(instantiate(s.body, n + 1))
    return list(dict.fromkeys(out))


#: The longer ways to a proof, in the order in which they are tried: those whose work is counted, and the others.
SHORT: tuple[Way, ...] = (("expansion", by_expansion), ("cases", _by_cases))
LONG: tuple[Way, ...] = (("induction", _by_induction), ("reversal", _by_reversal))
