"""From evidence to a verdict.

The deciders stand in a fixed order, each with what it is able to do.  They are never OR-ed: a refutation stands
whatever else confirms, a proof that is not accepted is not outvoted by instances, and a contradiction is reported.

=============  =====================  ===========================================================
decider        able to                because
=============  =====================  ===========================================================
proof          prove                  every step is accepted by the kernel
instances      refute, support        an exact counterexample satisfies the hypotheses
experiment     refute, support        with a stated false-alarm rate and detection limit
network        refute, support        with a tolerance stated beforehand that near misses fail
=============  =====================  ===========================================================
"""

from __future__ import annotations

from collections.abc import Sequence

from derivcheck.engine.results import Outcome, Verdict, WitnessResult

#: Codes of a witness whose work was cut off: what they stand beside is undecided, however far the others got.
CUT_OFF = frozenset({"DC301", "DC302", "DC303"})

#: decider -> what its confirmation amounts to; each of them but the proof refutes too.
SOUNDNESS = {
    "proof": Verdict.PROVED,
    "instances": Verdict.SUPPORTED,
    "experiment": Verdict.SUPPORTED,
    "network": Verdict.SUPPORTED,
}


def judge(witnesses: Sequence[WitnessResult]) -> tuple[Verdict, str, str]:
    """The verdict, its reason in one sentence, and a diagnostic's code (empty where all is well)."""
    found = {w.kind: w for w in witnesses}
    ordered = [found[kind] for kind in SOUNDNESS if kind in found]
    proof = found.get("proof")
    refuting = [w for w in ordered if w.outcome is Outcome.REFUTES and w.kind != "proof"]
    confirming = [w for w in ordered if w.outcome is Outcome.CONFIRMS]
    if refuting:
        first = refuting[0]
        # A theorem speaks of the cases in which its terms have values, so a case in which they have none (DC209) is a
        # defect of the claim and no contradiction.
        if proof is not None and proof.outcome is Outcome.CONFIRMS and first.code != "DC209":
            return (
                Verdict.REFUTED,
                f"INTERNAL INCONSISTENCY: the kernel accepted a proof, but the {first.kind} refutes: {first.reason}",
                "DC401",
            )
        return Verdict.REFUTED, f"{first.kind}: {first.reason}", first.code or "DC201"
    cut = next((w for w in ordered if w.code in CUT_OFF), None)
    if cut is not None:
        return Verdict.UNDECIDED, f"{cut.kind}: {cut.reason}", cut.code
    vacuous = next((w for w in ordered if w.code == "DC206"), None)
    if vacuous is not None:
        return Verdict.UNDECIDED, f"{vacuous.kind}: {vacuous.reason}", "DC206"
    if proof is not None and proof.outcome is Outcome.ABSTAINS:
        return Verdict.UNDECIDED, f"proof: {proof.reason}", proof.code or "DC202"
    if confirming:
        best = confirming[0]
        return SOUNDNESS[best.kind], f"{best.kind}: {best.reason}", ""
    tried = [w for w in ordered if w.outcome is Outcome.ABSTAINS] or [
        w for w in ordered if w.outcome is Outcome.NOT_RUN
    ]
    because = "; ".join(f"{w.kind}: {w.reason}" for w in tried) or "no witness applies"
    return Verdict.UNDECIDED, because, "DC207"
