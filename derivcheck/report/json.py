"""The JSON report, a contract: ``docs/schema/report.json`` is its schema."""

from __future__ import annotations

import json

from derivcheck.engine.results import Report


def render(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(report.to_json(), ensure_ascii=False, indent=2, allow_nan=False)
