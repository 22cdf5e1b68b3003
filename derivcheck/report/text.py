"""The report for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from derivcheck.diagnostics import Diagnostic
from derivcheck.engine.results import ClaimResult, Outcome, ProblemResult, Report, Verdict, WitnessResult
from derivcheck.report.findings import claim_errors, failure, place, warnings

#: How a verdict, an outcome or a fate looks; the word itself always stands there too.
STYLES = {
    "proved": "bold green",
    "supported": "green",
    "undecided": "bold yellow",
    "refuted": "bold red",
    "not run": "dim",
    "confirms": "green",
    "refutes": "bold red",
    "abstains": "yellow",
    "not-applicable": "dim",
    "not-run": "dim",
    "killed": "green",
    "still-true": "cyan",
    "ill-formed": "dim",
    "undefined": "dim",
    "vacuous": "dim",
    "survived": "bold red",
}

#: Where the reason of a witness begins.
WITNESS_COLUMN = 26


def console() -> Console:
    """A console on standard output: coloured and wrapped on a terminal, one line a line in a pipe."""
    return Console(highlight=False, markup=False, emoji=False)


def put(out: Console, line: Text | str, indent: int = 0, hang: int = 0) -> None:
    """Print a line, wrapped under its indentation on a terminal and never wrapped in a pipe.

    The first `hang` characters are a column of their own: what is wrapped stands beside it.
    """
    text = Text(line) if isinstance(line, str) else line
    if out.is_terminal:
        columns = Table.grid()
        columns.add_column(width=hang, no_wrap=True)
        columns.add_row(text[:hang], text[hang:])
        out.print(Padding(columns if hang else text, (0, 0, 0, indent)))
    else:
        out.print(Text(" " * indent) + text, soft_wrap=True)


def word(value: str, width: int = 0) -> Text:
    """A verdict, outcome or fate in its style."""
    return Text(value.ljust(width), style=STYLES.get(value, ""))


def print_report(report: Report, out: Console | None = None) -> None:
    """Print the whole report."""
    out = out or console()
    for result in report.results:
        _print_result(out, result)
    put(out, summary(report))


def _print_result(out: Console, result: ProblemResult) -> None:
    put(out, Text.assemble((result.id, "bold"), "  ", result.title, "  ", word(str(result.verdict))))
    for d in failure(result):
        put_error(out, d, 4)
    for claim in result.claims:
        _print_claim(out, result, claim)
    for w in warnings(result):
        put(out, Text.assemble(("note: ", "yellow"), f"{w.code} {w.message}"), 2)
    put(out, "")


def _print_claim(out: Console, result: ProblemResult, claim: ClaimResult) -> None:
    expected = "as printed, expected to be refuted" if claim.as_printed else ""
    head = Text.assemble((claim.name, "bold"), "  ", word(str(claim.verdict)))
    if expected:
        head.append(f"  ({expected})", style="dim")
    put(out, head, 2)
    put(out, claim.statement, 6)
    for w in claim.witnesses:
        put(out, witness_line(w), 6, WITNESS_COLUMN)
    for label, items in (("conditions", claim.conditions), ("assumed", claim.assumed)):
        for item in items:
            put(out, Text.assemble((f"{label}: ", "dim"), item), 6)
    if claim.near_misses is not None:
        for line in near_miss_lines(claim):
            put(out, line, 6)
    for d in claim_errors(result, claim):
        put_error(out, d, 6)


def put_error(out: Console, d: Diagnostic, indent: int = 0) -> None:
    """Print what is wrong, where, and what to do about it."""
    put(out, Text.assemble((d.code, "bold red"), f" {d.message}"), indent)
    if d.file:
        put(out, Text(f"at {place(d)}", style="dim"), indent)
    if d.help:
        put(out, Text(f"help: {d.help}", style="dim"), indent)


def witness_line(w: WitnessResult) -> Text:
    """One witness on one line."""
    return Text.assemble(f"{w.kind:<11}", word(str(w.outcome), WITNESS_COLUMN - 11), w.reason)


def near_miss_lines(claim: ClaimResult) -> Iterator[Text]:
    """The table of near misses of a claim, and the smallest planted error each witness caught."""
    misses = claim.near_misses or ()
    counts = claim.mutant_counts()
    yield Text(f"near misses: {len(misses)}, " + ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in counts.items()))
    width = max((len(m.kind) for m in misses), default=0)
    for m in misses:
        yield Text.assemble("  ", word(str(m.fate), 11), f"{m.kind:<{width}}  ", m.statement)
        if m.evidence:
            yield Text(f"  {'':<11}{'':<{width}}  {m.evidence}", style="dim")
    for s in claim.sensitivity:
        caught = "none of the planted errors" if s.caught is None else f"a planted relative error of {s.caught:.0e}"
        yield Text(f"{s.witness} catches {caught}" + (f" ({s.note})" if s.note else ""))


def summary(report: Report) -> Text:
    """The last line: how many of what."""
    verdicts = [r.verdict for r in report.results]
    parts = Text(f"{_count(len(verdicts), 'result')}: ")
    for i, v in enumerate(v for v in Verdict if v in verdicts):
        parts.append(", " if i else "")
        parts.append(f"{verdicts.count(v)} ")
        parts.append(word(str(v)))
    claims = report.claims
    printed = [c for c in claims if c.as_printed]
    parts.append(f"; {_count(len(claims), 'claim')}")
    if printed:
        refuted = sum(c.verdict is Verdict.REFUTED for c in printed)
        parts.append(f", {refuted} of {len(printed)} as-printed refuted as expected")
    unheard = sum(w.outcome is Outcome.NOT_RUN for c in claims for w in c.witnesses)
    if unheard:
        parts.append(f"; {_count(unheard, 'witness', 'witnesses')} not run")
    if report.false_alarm:
        parts.append(f"; false alarms of all statistical checks together: at most {report.false_alarm:.1g}")
    parts.append(f"; {report.seconds:.1f} s")
    if report.from_cache:
        parts.append(f", {report.from_cache} from the cache")
    parts.append("; all as expected" if report.as_expected else "; NOT as expected")
    return parts


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n} {one}" if n == 1 else f"{n} {many or one + 's'}"
