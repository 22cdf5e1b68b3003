"""The report as workflow commands of GitHub Actions: annotations at the lines of the claims."""

from __future__ import annotations

from pathlib import Path

from derivcheck.diagnostics import CODES, Diagnostic
from derivcheck.engine.results import Report
from derivcheck.report.findings import errors, warnings
from derivcheck.report.text import summary


def render(report: Report) -> str:
    """One line an annotation; problems that are as expected yield none."""
    lines = []
    for result in report.results:
        lines += [_command("error", d) for d in errors(result)]
        lines += [_command("warning", d) for d in warnings(result)]
    lines.append(f"::notice title=derivcheck::{_data(summary(report).plain)}")
    return "\n".join(lines)


def _command(level: str, d: Diagnostic) -> str:
    fields = [f"file={_property(_relative(d.file))}"] if d.file else []
    fields += [f"line={d.line}"] if d.line else []
    fields.append(f"title={_property(f'{d.code} {CODES[d.code][0]}')}")
    return f"::{level} {','.join(fields)}::{_data(d.message)}"


def _relative(file: str) -> str:
    """Annotations are found by paths from the checkout's root, where the command runs."""
    try:
        return Path(file).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
