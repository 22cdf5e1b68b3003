"""Near misses of a claim: made and judged by `derivcheck.mutation`, recorded for the report.

Leaving them out of an ordinary run saves most of its time; ``--mutants`` asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derivcheck.engine.results import Fate, NearMiss, Outcome, Sensitivity, WitnessResult
from derivcheck.engine.witnesses import Stream, witness
from derivcheck.problem import Claim


def judged(claim: Claim, stream: Stream, claims: Iterable[Claim] = ()) -> Iterator[NearMiss]:
    """Each near miss of the claim with its fate, one after another; it may follow from others of the `claims`."""
    from derivcheck.language import printing
    from derivcheck.mutation import Lemmas, judge, near_misses

    lemmas, seed = Lemmas(claims), stream.integer("near misses")
    for miss in near_misses(claim):
        found = judge(miss, seed, lemmas=lemmas)
        statement = printing.text(miss.statement, miss.context)
        shown = f"{statement}  ({miss.note})" if miss.note else statement
        yield NearMiss(miss.kind, shown, Fate(str(found.fate)), found.evidence)


def sensitivity(claim: Claim, stream: Stream, witnesses: Iterable[WitnessResult]) -> tuple[Sensitivity, ...]:
    """The smallest planted relative error that the instances and the experiment catch; `witnesses` are the claim's own.

    Nothing if the claim itself is refuted.
    """
    from derivcheck import mutation

    own = {w.kind: w for w in witnesses}
    if any(w.outcome is Outcome.REFUTES for w in own.values()):
        return ()

    def experiment_refutes(wrong: Claim) -> bool:
        return witness("experiment", wrong, stream).outcome is Outcome.REFUTES

    confirms = "experiment" in own and own["experiment"].outcome is Outcome.CONFIRMS
    catches = {"experiment": experiment_refutes} if confirms else {}
    promised = {kind: w.detail.get("detectable") or 0.0 for kind, w in own.items()}
    caught = mutation.sensitivity(claim, stream.integer("planted errors"), catches, promised)
    return tuple(Sensitivity(c.witness, c.smallest, c.note) for c in caught)
