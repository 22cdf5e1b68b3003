"""The conditions of an answer: what defines the sides implies, and what the others say already.

>>> from derivcheck.language import Givens, ne
>>> given = Givens(); x = given.real("x")
>>> [str(c) for c in fewest(given.context, (ne((1 - x) ** 2, 0), ne(x, 1), ne(2 * x, 2)))]
['x != 1']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from derivcheck.language import BINDERS, REAL, Context, Term, free_symbols, le, lt, ne, substitute, unfold
from derivcheck.language.constructors import affine_parts, int_add, integer
from derivcheck.proof.normal_form import Normaliser, Unknown, to_term
from derivcheck.proof.normal_form.poly import ONE, UNIT, plus, scaled

Conditions = tuple[Term, ...]


def definedness(t: Term) -> Iterator[Term]:
    """What holds wherever the term `t` has a value; nothing is asked of branches and of what stands below a binder."""
    if t.op == "ite" or t.op in BINDERS or t.sort != REAL:
        return
    if t.op == "defn":
        yield from definedness(unfold(t))
        return
    if t.op == "div":
        yield ne(t.args[1], 0)
    elif t.op == "fn" and t.data in ("log", "loggamma"):
        yield lt(0, t.args[0])
    elif t.op == "pow" and t.args[1].op == "num" and t.args[1].data.denominator > 1:
        yield le(0, t.args[0]) if t.args[1].data > 0 else lt(0, t.args[0])
    elif t.op == "pow" and t.args[1].op == "num" and t.args[1].data < 0:
        yield ne(t.args[0], 0)
    elif t.op in ("binomial", "factorial"):
        yield le(0, t.args[0])
    for a in t.args:
        yield from definedness(a)


def undischarged(context: Context, conditions: Iterable[Term]) -> Conditions:
    """The conditions that are not known to follow from the context, each once."""
    facts = Normaliser(context).facts
    return tuple(c for c in dict.fromkeys(conditions) if not facts.holds(c))


def implied(context: Context, known: Iterable[Term], conditions: Iterable[Term]) -> bool:
    """Do the `conditions` follow from what is `known`, in the context?"""
    known = tuple(dict.fromkeys(known))
    facts = Normaliser(context.assuming("known", *known) if known else context).facts
    return all(c in known or facts.holds(c) or _contradicted(context, known, c) for c in conditions)


def _contradicted(context: Context, known: Conditions, c: Term) -> bool:
    """Would something `known` be false if the condition ``x != value`` were?"""
    facts = Normaliser(context).facts
    return any(
        facts.refuted(substitute(p, {x: value}))
        for x, value in exceptions(context, c)
        for p in known
        if x in free_symbols(p)
    )


def exceptions(context: Context, c: Term) -> Iterator[tuple[Term, Term]]:
    """The condition ``a != b`` as ``x != value``, for each real symbol in which it is linear."""
    if c.op != "not" or c.args[0].op != "eq" or c.args[0].args[0].sort != REAL:
        return
    normaliser = Normaliser(context)
    try:
        difference = plus(normaliser.nf(c.args[0].args[0]), normaliser.nf(c.args[0].args[1]), Fraction(-1))
    except Unknown:
        return
    for m, k in sorted(difference.items(), key=lambda mk: [a.key for a, _ in mk[0]]):
        if m == ONE or m[0][0].op != "sym" or m != ((m[0][0], UNIT),):
            continue
        x = m[0][0]
        rest = {n: v for n, v in difference.items() if n != m}
        if not any(x in free_symbols(a) or (e.integer or -1) < 0 for n in rest for a, e in n):
            yield x, to_term(scaled(rest, -1 / k))


def fewest(context: Context, conditions: Iterable[Term]) -> Conditions:
    """The conditions without those that follow from the others, the longest dropped first."""
    left = [c for c in dict.fromkeys(conditions) if not is_vacuous(c)]
    if len(left) > 1:
        for c in sorted(left, key=lambda c: (-len(str(c)), c.key)):
            others = tuple(d for d in left if d != c)
            if implied(context, others, (c,)):
                left.remove(c)
    return tuple(left)


def is_vacuous(p: Term) -> bool:
    """Does it speak of every member of a range that has none?"""
    if p.op != "forall" or p.args[0].op != "range" or p.args[0].args[1].op == "oo":
        return False
    lo, hi = p.args[0].args
    length, atoms = affine_parts(int_add(int_add(hi, lo, -1), integer(1)))
    return not atoms and length <= 0
