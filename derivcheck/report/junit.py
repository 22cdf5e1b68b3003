"""The report as JUnit XML: a test suite a result, a test case a claim."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from derivcheck.engine.results import ClaimResult, ProblemResult, Report
from derivcheck.report.findings import claim_errors

#: What XML 1.0 cannot hold.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """The report as XML text."""
    failed = sum(not c.as_expected for c in report.claims)
    broken = sum(bool(r.failure) for r in report.results)
    root = ET.Element(
        "testsuites",
        name="derivcheck",
        tests=str(len(report.claims) + broken),
        failures=str(failed),
        errors=str(broken),
        time=f"{report.seconds:.3f}",
    )
    for result in report.results:
        root.append(_suite(result))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _suite(result: ProblemResult) -> ET.Element:
    suite = ET.Element(
        "testsuite",
        name=result.id,
        tests=str(len(result.claims) + bool(result.failure)),
        failures=str(sum(not c.as_expected for c in result.claims)),
        errors=str(int(bool(result.failure))),
        time=f"{result.seconds:.3f}",
    )
    if result.failure:
        case = ET.SubElement(suite, "testcase", name="problem file", classname=result.id, file=result.file)
        ET.SubElement(case, "error", type=result.failure_code, message=_xml(result.failure))
    for claim in result.claims:
        suite.append(_case(result, claim))
    return suite


def _case(result: ProblemResult, claim: ClaimResult) -> ET.Element:
    case = ET.Element(
        "testcase",
        name=claim.name,
        classname=f"{result.topic}.{result.id}",
        file=claim.file,
        line=str(claim.line),
        time=f"{claim.seconds:.3f}",
    )
    for d in claim_errors(result, claim):
        ET.SubElement(case, "failure", type=d.code, message=_xml(d.message)).text = _xml(claim.statement)
    lines = [claim.statement, f"verdict: {claim.verdict}"]
    lines += [f"{w.kind}: {w.outcome}: {w.reason}" for w in claim.witnesses]
    ET.SubElement(case, "system-out").text = _xml("\n".join(lines))
    return case


def _xml(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
