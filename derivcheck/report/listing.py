"""The list of results, and one result with its steps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.text import Text

from derivcheck import __version__
from derivcheck.engine.catalogue import Entry
from derivcheck.engine.results import Outcome, ProblemResult, Verdict
from derivcheck.report.findings import failure
from derivcheck.report.text import console, put, put_error, word


def listing_json(entries: Sequence[Entry], verdicts: Mapping[str, Verdict]) -> str:
    """The list as JSON (schema: ``docs/schema/list.json``)."""
    rows = [
        {
            "id": e.id,
            "title": e.title,
            "topic": e.topic,
            "sources": list(e.sources),
            "verdict": _verdict(e, verdicts),
        }
        for e in entries
    ]
    return json.dumps({"version": __version__, "results": rows}, ensure_ascii=False, indent=2)


def _verdict(entry: Entry, verdicts: Mapping[str, Verdict]) -> str:
    return str(verdicts[entry.id]) if entry.id in verdicts else "not run"


def print_listing(entries: Sequence[Entry], verdicts: Mapping[str, Verdict]) -> None:
    """Print the list, a topic at a time."""
    out = console()
    widths = [
        max((len(x) for x in column), default=0) for column in ([e.id for e in entries], [e.title for e in entries])
    ]
    topic = None
    for e in entries:
        if e.topic != topic:
            topic = e.topic
            put(out, Text(topic, style="bold"))
        line = Text.assemble(
            e.id.ljust(widths[0]), "  ", word(_verdict(e, verdicts), 9), "  ", e.title.ljust(widths[1])
        )
        line.append("  " + ", ".join(e.sources), style="dim")
        put(out, line, 2)
    if not entries:
        put(out, "no results")


def print_problem(result: ProblemResult, *, latex: bool) -> None:
    """Print a result: what is given, what is claimed, the steps, the sources."""
    out = console()
    put(out, Text.assemble((result.title, "bold"), f"  ({result.id})"))
    put(out, result.summary)
    put(out, f"sources: {', '.join(result.sources)}")
    for d in failure(result):
        put_error(out, d)
    for claim in result.claims:
        put(out, "")
        head = Text(claim.name, style="bold")
        if claim.as_printed:
            head.append("  (as printed; it is wrong)", style="red")
        put(out, head)
        put(out, claim.summary, 2)
        put(out, claim.latex if latex else claim.statement, 4)
        if claim.given and not latex:
            put(out, "given", 2)
            for fact in claim.given:
                put(out, fact, 4)
        proof = claim.witness("proof")
        steps = proof.detail.get("steps", [])
        if steps:
            put(out, "steps", 2)
            for number, step in enumerate(steps, 1):
                statement = step.get("latex") if latex else None
                put(out, f"{number}. {statement or step['statement']}", 4)
                opinion = f"   (SymPy: {step['sympy']})" if "sympy" in step else ""
                put(out, Text(f"by {step['reason']}{opinion}", style="dim"), 7)
        if proof.outcome is not Outcome.CONFIRMS:
            put(out, Text.assemble("proof: ", word(str(proof.outcome)), f"  {proof.reason}"), 2)
