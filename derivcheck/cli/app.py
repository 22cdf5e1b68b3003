"""The commands.  Everything but Typer is imported inside them, so that ``--help`` and completion start at once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from derivcheck.diagnostics import Diagnostic
    from derivcheck.engine import Options, Report
    from derivcheck.engine.catalogue import Entry

app = typer.Typer(
    name="derivcheck",
    help="Checks derivations of machine-learning mathematics by proof, exact instances, experiments and real networks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class WitnessName(StrEnum):
    """A kind of witness."""

    proof = "proof"
    instances = "instances"
    experiment = "experiment"
    network = "network"


class ListFormat(StrEnum):
    """How to print a list."""

    text = "text"
    json = "json"


class ReportFormat(StrEnum):
    """How to print a report."""

    text = "text"
    json = "json"
    junit = "junit"
    github = "github"
    html = "html"


def _complete_id(incomplete: str) -> list[str]:
    from derivcheck.engine.catalogue import own_problems

    return [e.id for e in own_problems([]) if e.id.startswith(incomplete)]


def _complete_topic(incomplete: str) -> list[str]:
    from derivcheck.engine.catalogue import own_problems

    return sorted({e.topic for e in own_problems([]) if e.topic.startswith(incomplete)})


def _version(wanted: bool) -> None:
    if wanted:
        from derivcheck import __version__

        typer.echo(f"derivcheck {__version__}")
        raise typer.Exit


def _explain(code: str | None) -> None:
    if code is not None:
        from derivcheck.diagnostics import CODES, Diagnostic, DiagnosticError, explain

        if code.upper() not in CODES:
            _stop(
                DiagnosticError(Diagnostic("DC003", f"there is no code '{code}'", help=f"there are {', '.join(CODES)}"))
            )
        typer.echo(explain(code))
        raise typer.Exit


ExplainOption = Annotated[
    str | None,
    typer.Option(
        "--explain", metavar="CODE", callback=_explain, is_eager=True, help="Say what a code means, and exit."
    ),
]


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and exit.")
    ] = False,
    explain: ExplainOption = None,
) -> None:
    pass


# -------------------------------------------------------------------------------------------------------------- list


@app.command("list")
def list_(
    topic: Annotated[str | None, typer.Option(help="Only this topic.", autocompletion=_complete_topic)] = None,
    source: Annotated[str | None, typer.Option(help="Only results of sources that start so.")] = None,
    format: Annotated[ListFormat, typer.Option("--format", help="How to print.")] = ListFormat.text,
) -> None:
    """List the results: id, title, topic, sources, and the last verdict."""
    from derivcheck.engine import last_verdicts
    from derivcheck.engine.catalogue import own_problems, select
    from derivcheck.report.listing import listing_json, print_listing

    complaints: list[Diagnostic] = []
    with _diagnosed():
        entries = own_problems(complaints) if topic is None else select(topic=topic)
        entries = [e for e in entries if source is None or any(s.startswith(source) for s in e.sources)]
        verdicts = last_verdicts(entries)
    if format is ListFormat.json:
        typer.echo(listing_json(entries, verdicts))
    else:
        print_listing(entries, verdicts)
    for complaint in complaints:
        typer.echo(str(complaint), err=True)
    raise typer.Exit(1 if complaints else 0)


# -------------------------------------------------------------------------------------------------------------- show


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="An id, or the path of a problem file.", autocompletion=_complete_id)],
    latex: Annotated[bool, typer.Option("--latex", help="Print the statements as LaTeX.")] = False,
) -> None:
    """Show a result: its statements, the steps of its proofs, its sources."""
    from derivcheck.engine import Options
    from derivcheck.report.listing import print_problem

    with _diagnosed():
        report = _run(_selected([id], None, False), Options(witnesses=("proof",)), quiet=True)
    print_problem(report.results[0], latex=latex)
    raise typer.Exit(1 if report.results[0].failure else 0)


# ------------------------------------------------------------------------------------------------------------ verify


@app.command()
def verify(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID...]", help="Ids, or paths of problem files.", autocompletion=_complete_id),
    ] = None,
    topic: Annotated[str | None, typer.Option(help="All results of a topic.", autocompletion=_complete_topic)] = None,
    all_: Annotated[bool, typer.Option("--all", help="All results.")] = False,
    witness: Annotated[
        list[WitnessName] | None, typer.Option("--witness", help="Ask only this witness (may be repeated).")
    ] = None,
    mutants: Annotated[bool, typer.Option("--mutants", help="Make near misses and show what became of them.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes at once.  [default: all cores]")] = None,
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds that one claim may take.")] = 120.0,
    certificate: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the certificates of the proofs there.")
    ] = None,
    format: Annotated[ReportFormat, typer.Option("--format", help="How to print the report.")] = ReportFormat.text,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Take nothing from earlier runs.")] = False,
    explain: ExplainOption = None,
) -> None:
    """Verify results by all witnesses, and report."""
    from derivcheck.engine import Options

    with _diagnosed():
        entries = _selected(ids or [], topic, all_)
        if certificate is not None:
            _writable(certificate)
        options = Options(
            witnesses=tuple(w.value for w in WitnessName if not witness or w in witness),
            mutants=mutants,
            certificate=certificate is not None,
            seed=seed,
            jobs=jobs,
            deadline=deadline,
            cache=not no_cache,
        )
        report = _run(entries, options)
    if certificate is not None:
        _write_certificates(report, certificate)
    _print(report, format)
    raise typer.Exit(0 if report.as_expected else 1)


def _selected(ids: list[str], topic: str | None, everything: bool) -> list[Entry]:
    from derivcheck.engine.catalogue import select

    return select(ids, topic=topic, everything=everything)


def _run(entries: list[Entry], options: Options, quiet: bool = False) -> Report:
    from derivcheck.cli.signals import Ending
    from derivcheck.engine import Interrupted, verify_entries
    from derivcheck.report.progress import progress

    with Ending() as ending:
        try:
            with progress(quiet) as listener:
                return verify_entries(entries, options, listener)
        except (Interrupted, KeyboardInterrupt) as error:
            typer.echo(str(error) or "interrupted", err=True)
            raise typer.Exit(ending.status) from None


def _print(report: Report, format: ReportFormat) -> None:
    from importlib import import_module

    if format is ReportFormat.text:
        from derivcheck.report.text import print_report

        print_report(report)
    else:
        typer.echo(import_module(f"derivcheck.report.{format.value}").render(report))


def _writable(folder: Path) -> None:
    """Make the folder of the certificates, so that a name that will not do is refused before the work, not after."""
    import os

    from derivcheck.diagnostics import Diagnostic, DiagnosticError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiagnosticError(Diagnostic("DC006", error.strerror or str(error), str(folder))) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DiagnosticError(Diagnostic("DC006", "the folder may not be written to", str(folder)))


def _write_certificates(report: Report, folder: Path) -> None:
    import json
    import re

    for result in report.results:
        for claim in result.claims:
            if claim.certificate is not None:
                # A claim may be called anything; its file may not.
                name = re.sub(r"[^\w.-]+", "-", f"{result.id}.{claim.name}")
                file = folder / f"{name}.json"
                file.write_text(json.dumps(claim.certificate, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
                typer.echo(f"wrote {file}", err=True)


# ------------------------------------------------------------------------------------------------------------- audit


@app.command()
def audit(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Certificates.", exists=True, dir_okay=False)],
) -> None:
    """Re-check certificates without the prover: a second, small implementation of the rules.

    The exit status is 0 if all are accepted, 1 if something is wrong or could not be checked.
    """
    from derivcheck.audit import audit_file
    from derivcheck.report.audit import text

    good = True
    for file in files:
        found = audit_file(file)
        good = good and found.accepted
        typer.echo(text(found))
    raise typer.Exit(0 if good else 1)


# ----------------------------------------------------------------------------------------------------------- errors


def _stop(error: Exception) -> None:
    typer.echo(f"derivcheck: {error}", err=True)
    raise typer.Exit(2)


class _diagnosed:
    """Turn what cannot be done into a message and exit status 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        from derivcheck.diagnostics import DiagnosticError

        if isinstance(error, DiagnosticError):
            _stop(error)
