"""What becomes of a near miss."""

from __future__ import annotations

from derivcheck.language import LanguageError
from derivcheck.mutation import singular, tightness
from derivcheck.mutation.derive import NONE, still_true
from derivcheck.mutation.kinds import say
from derivcheck.mutation.lemmas import Lemmas
from derivcheck.mutation.records import Fate, Judged, NearMiss
from derivcheck.mutation.shapes import require_shapes
from derivcheck.mutation.variants import otherwise, without_analytic
from derivcheck.proof.definedness import NotKnown, definedness
from derivcheck.proof.normal_form import Normaliser
from derivcheck.semantics import instances
from derivcheck.semantics.cases import drawn
from derivcheck.semantics.choices import PLANS
from derivcheck.semantics.counterexamples import described
from derivcheck.semantics.judgement import Truth
from derivcheck.semantics.pools import digest

#: Interpretations tried at first, and once more before a near miss has survived: most that are killed fall early.
FIRST = 16
THEN = 128
#: And before anything else is tried, where the first were exact.
MORE = 48
#: Evaluations in search of a place where an inequality that was made stronger is tight.
TIGHTENING = 960
#: How many simpler counterexamples are tried: a reader wants a small one, not the smallest.
SHRINKS = 20


def judge(near_miss: NearMiss, seed: int, budget: int = 200_000, lemmas: Lemmas = NONE) -> Judged:
    """Say what becomes of a near miss.

    A counterexample kills it, and nothing else does: a shape that does not fit, a value that does not exist, hypotheses
    without a model are named as what they are, and what cannot be killed must be seen to be true.

    Parameters
    ----------
    seed : int
        Equal seeds give equal fates; near misses with one seed and one context are tried on the same interpretations.
    budget : int
        Nodes that one judgement of one instance may evaluate.
    lemmas : Lemmas
        Other claims from which it may follow.
    """
    m = near_miss
    try:
        require_shapes(m.statement)
    except LanguageError as error:
        return Judged(m, Fate.ILL_FORMED, str(error), 0)
    salt = digest(seed, "near miss")
    first = instances.check(m.context, m.statement, salt, budget=budget, instances=FIRST, shrink=SHRINKS)
    tried = first.tried
    if first.counterexample is not None:
        return Judged(m, Fate.KILLED, str(first.counterexample), tried)
    if tried == 0 and not instances.models_exist(m.context, salt, budget=budget).found:
        return Judged(m, Fate.VACUOUS, first.reason, 0)
    if first.undefined_example is not None:
        return Judged(m, Fate.UNDEFINED, str(first.undefined_example), tried)
    if tried == 0:
        undefined = never_defined(m, salt, budget)
        if undefined:
            return Judged(m, Fate.UNDEFINED, undefined, 0)
    where = otherwise(m) if m.kind == "condition" else m.context
    if isinstance(drawn(where, digest(salt, "instance", 0), PLANS[0], budget), str):
        where = m.context  # what was dropped holds all the same
    if where != m.context:
        there = instances.check(where, m.statement, salt, budget=budget, instances=FIRST, shrink=SHRINKS)
        tried += there.tried
        if there.counterexample is not None:
            return Judged(m, Fate.KILLED, str(there.counterexample), tried)
        if there.undefined_example is not None:
            return Judged(m, Fate.UNDEFINED, str(there.undefined_example), tried)
    if m.change is None and m.statement == m.claim.statement:
        nowhere = without_a_value(m, salt, budget)
        if nowhere:
            return Judged(m, Fate.UNDEFINED, nowhere, tried)
    if first.exact == first.tried:  # in rationals: much faster than to look for a proof
        more_of_them = instances.check(
            where, m.statement, salt, budget=budget, instances=MORE, start=FIRST, shrink=SHRINKS
        )
        tried += more_of_them.tried
        if more_of_them.counterexample is not None:
            return Judged(m, Fate.KILLED, str(more_of_them.counterexample), tried)
    safe = m.claim.statement if where == m.claim.context else None
    vanishing = singular.search(where, m.statement, salt, safe=safe, budget=budget)
    if vanishing is not None:
        fate = Fate.KILLED if vanishing.judgement.truth is Truth.FALSE else Fate.UNDEFINED
        return Judged(m, fate, str(described(vanishing)), tried)
    found, more = tightness.at_a_tie(where, m.statement, m.claim.statement, salt, budget=budget)
    tried += more
    if found is not None:
        return Judged(m, Fate.KILLED, str(found), tried)
    evaluations = TIGHTENING if m.kind == "slack" else TIGHTENING // 4
    # What is stronger by its slack is nearly always false, what is changed elsewhere may well be true.
    for step in ("tight", "true") if m.kind == "slack" else ("true", "tight"):
        if step == "true":
            why = still_true(m, lemmas)
            if why:
                return Judged(m, Fate.STILL_TRUE, why, tried)
        else:
            found, more = tightness.search(where, m.statement, salt, budget=budget, evaluations=evaluations)
            tried += more
            if found is not None:
                return Judged(m, Fate.KILLED, str(found), tried)
    second = instances.check(
        where, m.statement, salt, budget=budget, instances=THEN, start=FIRST + MORE, shrink=SHRINKS
    )
    tried += second.tried
    if second.counterexample is not None:
        return Judged(m, Fate.KILLED, str(second.counterexample), tried)
    if second.undefined_example is not None:
        return Judged(m, Fate.UNDEFINED, str(second.undefined_example), tried)
    return Judged(m, Fate.SURVIVED, second.reason, tried)


def never_defined(m: NearMiss, salt: int, budget: int) -> str:
    """Where what makes a statement defined fails, for one that cannot itself be evaluated."""
    try:
        needed = definedness(m.statement, Normaliser(m.context))
    except NotKnown:
        return ""
    for p in needed:
        if p.op != "forall" or p.body.op != "integrable":
            found = instances.check(m.context, p, salt, budget=budget, instances=FIRST, shrink=SHRINKS).counterexample
            if found is not None:
                return f"{found}, where {say(p)} is needed"
    return ""


def without_a_value(m: NearMiss, salt: int, budget: int) -> str:
    """Where a side ceases to exist once a condition is dropped, if only what is said of integrals excludes the place.

    ``∫ p log p`` exists, says a hypothesis; it says so only of a `p` whose logarithm exists, and thereby keeps every
    instance away from where the dropped ``0 < p`` fails.
    """
    bare = without_analytic(m.context)
    if bare == m.context:
        return ""
    found = instances.check(bare, m.statement, salt, budget=budget, instances=FIRST, shrink=False).undefined_example
    if found is None:
        return ""
    given = without_analytic(m.claim.context)
    before = instances.check(given, m.statement, salt, budget=budget, instances=FIRST, shrink=False)
    return str(found) if before.undefined_example is None else ""
