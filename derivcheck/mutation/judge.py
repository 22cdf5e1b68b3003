"""What becomes of a near miss."""

from __future__ import annotations

from derivcheck.language import LanguageError
from derivcheck.mutation import tightness
from derivcheck.mutation.derive import still_true
from derivcheck.mutation.records import Fate, Judged, NearMiss
from derivcheck.mutation.shapes import require_shapes
from derivcheck.semantics import instances
from derivcheck.semantics.pools import digest

#: Interpretations tried at first, and in all before a near miss has survived.
FIRST = 16
THEN = 32
#: How many simpler counterexamples are tried: a reader wants a small one, not the smallest.
SHRINKS = 20


def judge(near_miss: NearMiss, seed: int, budget: int = 200_000) -> Judged:
    """Say what becomes of a near miss.

    A counterexample kills it, and nothing else does: a shape that does not fit, a value that does not exist, hypotheses
    without a model are named as what they are, and what cannot be killed must be seen to be true.

    Parameters
    ----------
    seed : int
        Equal seeds give equal fates.
    budget : int
        Nodes that one judgement of one instance may evaluate.
    """
    m = near_miss
    try:
        require_shapes(m.statement)
    except LanguageError as error:
        return Judged(m, Fate.ILL_FORMED, str(error), 0)
    salt = digest(seed, "near miss", m.kind, m.statement.key.hex(), m.note)
    first = instances.check(m.context, m.statement, salt, budget=budget, instances=FIRST, shrink=SHRINKS)
    tried = first.tried
    if first.counterexample is not None:
        return Judged(m, Fate.KILLED, str(first.counterexample), tried)
    if tried == 0 and not instances.models_exist(m.context, salt, budget=budget).found:
        return Judged(m, Fate.VACUOUS, first.reason, 0)
    if first.undefined_example is not None:
        return Judged(m, Fate.UNDEFINED, str(first.undefined_example), tried)
    why = still_true(m)
    if why:
        return Judged(m, Fate.STILL_TRUE, why, tried)
    found, more = tightness.search(m.context, m.statement, salt, budget=budget)
    tried += more
    if found is not None:
        return Judged(m, Fate.KILLED, str(found), tried)
    second = instances.check(m.context, m.statement, digest(salt, 2), budget=budget, instances=THEN, shrink=SHRINKS)
    tried += second.tried
    if second.counterexample is not None:
        return Judged(m, Fate.KILLED, str(second.counterexample), tried)
    if second.undefined_example is not None:
        return Judged(m, Fate.UNDEFINED, str(second.undefined_example), tried)
    return Judged(m, Fate.SURVIVED, second.reason, tried)
