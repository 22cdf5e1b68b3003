"""What becomes of a near miss."""

from __future__ import annotations

from derivcheck.language import Context, LanguageError
from derivcheck.mutation import singular, tightness
from derivcheck.mutation.derive import NONE, proof_does_without, still_true
from derivcheck.mutation.kinds import say
from derivcheck.mutation.lemmas import Lemmas
from derivcheck.mutation.records import Fate, Judged, NearMiss
from derivcheck.mutation.shapes import require_shapes
from derivcheck.mutation.ties import ties
from derivcheck.mutation.variants import dropped_facts, otherwise, without_analytic
from derivcheck.proof.definedness import NotKnown, definedness
from derivcheck.proof.normal_form import Normaliser
from derivcheck.semantics import Counterexample, InstancesResult, instances
from derivcheck.semantics.cases import drawn
from derivcheck.semantics.choices import PLANS
from derivcheck.semantics.counterexamples import described
from derivcheck.semantics.judgement import Truth
from derivcheck.semantics.pools import digest

#: Interpretations tried at first; next, where the first were exact; and once more before a near miss has survived.
FIRST = 16
MORE = 48
THEN = 128
#: Interpretations at which a dropped condition just fails.
EDGE = 4
#: Evaluations in search of a place where an inequality is tight, if it is its slack that was changed; a quarter else.
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
    try:
        require_shapes(near_miss.statement)
    except LanguageError as error:
        return Judged(near_miss, Fate.ILL_FORMED, str(error), 0)
    trial = _Trial(near_miss, digest(seed, "near miss"), budget, lemmas)
    # What is stronger by its slack is nearly always false, what is changed elsewhere may well be true.
    slack = (trial.where_it_is_tight, trial.still_true)
    for attempt in (
        trial.on_the_first_instances,
        trial.where_the_condition_fails,
        trial.at_the_edge_of_the_condition,
        trial.where_a_side_ceases_to_exist,
        trial.where_the_proof_does_without,
        trial.on_more_instances,
        trial.where_something_vanishes,
        trial.where_sides_tie,
        *(slack if near_miss.kind == "slack" else slack[::-1]),
        trial.on_the_last_instances,
    ):
        judged = attempt()
        if judged is not None:
            return judged
    return trial.judged(Fate.SURVIVED, trial.reason)


class _Trial:
    """A near miss while it is judged; each attempt gives its fate, or None and leaves it to the next."""

    def __init__(self, m: NearMiss, salt: int, budget: int, lemmas: Lemmas) -> None:
        self.m, self.salt, self.budget, self.lemmas = m, salt, budget, lemmas
        #: Interpretations it has been tried on.
        self.tried = 0
        #: The context to try it in: where a condition was dropped, one in which that fails.
        self.where = m.context
        #: The next interpretation there.
        self.next = 0
        #: Whether the first instances were judged in rationals: more of them then take less time than a proof.
        self.exact = False
        #: What the last instances say of a survivor.
        self.reason = ""

    def judged(self, fate: Fate, evidence: str) -> Judged:
        """The outcome of the trial."""
        return Judged(self.m, fate, evidence, self.tried)

    def on_the_first_instances(self) -> Judged | None:
        """Most near misses fall here, or turn out to speak of nothing."""
        m = self.m
        first = self._instances(FIRST)
        self.exact = first.exact == first.tried
        if first.tried == 0 and not instances.models_exist(m.context, self.salt, budget=self.budget).found:
            return self.judged(Fate.VACUOUS, first.reason)
        nowhere = never_defined(m, self.salt, self.budget) if first.tried == 0 else ""
        return self._told(first) or (self.judged(Fate.UNDEFINED, nowhere) if nowhere else None)

    def where_the_condition_fails(self) -> Judged | None:
        """Elsewhere a near miss with a dropped condition is the claim itself."""
        if self.m.kind != "condition":
            return None
        where = otherwise(self.m)
        if isinstance(drawn(where, digest(self.salt, "instance", 0), PLANS[0], self.budget), str):
            return None  # what was dropped holds all the same
        self.where, self.next = where, 0
        return self._told(self._instances(FIRST))

    def at_the_edge_of_the_condition(self) -> Judged | None:
        """Where a dropped ``0 < y`` just fails, at ``y = 0``, is where a side may cease to exist."""
        edges = (edge for f in dropped_facts(self.m) for edge in ties(self.m.context, f))
        for number, edge in enumerate(edges):
            found = self._checked(edge, digest(self.salt, "edge", number), EDGE)
            told = self._told(found)
            if told is not None:
                return told
        return None

    def where_a_side_ceases_to_exist(self) -> Judged | None:
        """A dropped condition may be what a side needs to have a value."""
        if self.m.statement != self.m.claim.statement:
            return None
        nowhere = without_a_value(self.m, self.salt, self.budget)
        return self.judged(Fate.UNDEFINED, nowhere) if nowhere else None

    def where_the_proof_does_without(self) -> Judged | None:
        """Most conditions that can be dropped are those that the claim's proof does not use."""
        why = proof_does_without(self.m) if self.m.kind == "condition" else ""
        return self.judged(Fate.STILL_TRUE, why) if why else None

    def on_more_instances(self) -> Judged | None:
        """More of the same, where they cost little: in rationals."""
        return self._told(self._instances(MORE)) if self.exact else None

    def where_something_vanishes(self) -> Judged | None:
        """A matrix that is singular, or a denominator that is zero, in places that no draw meets."""
        safe = self.m.claim.statement if self.where == self.m.claim.context else None
        case = singular.search(self.where, self.m.statement, self.salt, safe=safe, budget=self.budget)
        if case is None:
            return None
        fate = Fate.KILLED if case.judgement.truth is Truth.FALSE else Fate.UNDEFINED
        return self.judged(fate, str(described(case)))

    def where_sides_tie(self) -> Judged | None:
        """An inequality that is too strong fails where it should be an equation."""
        m = self.m
        return self._killed(
            tightness.at_a_tie(self.where, m.statement, m.claim.statement, self.salt, budget=self.budget)
        )

    def where_it_is_tight(self) -> Judged | None:
        """The same, near such a place."""
        evaluations = TIGHTENING if self.m.kind == "slack" else TIGHTENING // 4
        return self._killed(
            tightness.search(self.where, self.m.statement, self.salt, budget=self.budget, evaluations=evaluations)
        )

    def still_true(self) -> Judged | None:
        """It may be true although it was changed; then there is a proof."""
        why = still_true(self.m, self.lemmas)
        return self.judged(Fate.STILL_TRUE, why) if why else None

    def on_the_last_instances(self) -> Judged | None:
        """Once more, before it has survived."""
        last = self._instances(THEN)
        self.reason = last.reason
        return self._told(last)

    def _instances(self, count: int) -> InstancesResult:
        """The statement on the next so many interpretations."""
        start = self.next
        self.next += count
        return self._checked(self.where, self.salt, count, start)

    def _checked(self, where: Context, seed: int, count: int, start: int = 0) -> InstancesResult:
        found = instances.check(
            where,
            self.m.statement,
            seed,
            budget=self.budget,
            instances=count,
            start=start,
            shrink=SHRINKS,
            thorough=False,
        )
        self.tried += found.tried
        return found

    def _told(self, found: InstancesResult) -> Judged | None:
        """What instances say: a counterexample, or one without a value."""
        if found.counterexample is not None:
            return self.judged(Fate.KILLED, str(found.counterexample))
        if found.undefined_example is not None:
            return self.judged(Fate.UNDEFINED, str(found.undefined_example))
        return None

    def _killed(self, found: tuple[Counterexample | None, int]) -> Judged | None:
        counterexample, tried = found
        self.tried += tried
        return self.judged(Fate.KILLED, str(counterexample)) if counterexample is not None else None


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
