"""Reports are made from records alone: the same evidence in every form, whatever text it holds."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from rich.console import Console

from derivcheck.engine.results import (
    ClaimResult,
    Fate,
    NearMiss,
    Outcome,
    ProblemResult,
    Report,
    Sensitivity,
    Verdict,
    WitnessResult,
    pack,
    unpack,
)
from derivcheck.report import github, html, junit, svg
from derivcheck.report import json as json_report
from derivcheck.report.text import print_report

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "schema" / "report.json").read_text())
NASTY = '<script>alert("1")</script> & ]]> % : , \x07 \n σ² ≤ "½"'
FILE = "/somewhere/a, file: 1.py"

STEPS = [{"statement": "a = b", "reason": "algebra", "sympy": "agrees"}, {"statement": NASTY, "reason": NASTY}]
EXPERIMENT = {
    "n": 1000,
    "statistic": 1.5,
    "critical": 6.03,
    "justification": "CLT, not certified",
    "false_alarm": 1e-9,
    "detectable": None,
    "scale": 1.0,
}
READING = {
    "false_alarm": 2e-9,
    "predicted": [1.0, 2.0, 3.0],
    "measured": [1.1, 2.0, None],
    "tolerance": 0.2,
    "near_misses": {NASTY: None, "sign": 12.5},
    "detail": {"replicas": 100, "loss": [3.0, 0.1, 0.001, None], "empty": [], "nested": [[1, 2]]},
}
NETWORK = {
    **READING,
    "measurements": [{"name": NASTY, "summary": NASTY, "outcome": "confirms", "reason": NASTY, **READING}],
}


def claim(name: str, verdict: Verdict, **more: object) -> ClaimResult:
    refuted = verdict is Verdict.REFUTED
    base = ClaimResult(
        name=name,
        summary=NASTY,
        statement=f"a <= b {NASTY}",
        latex=r"a \leq b",
        mathml="<math><mi>a</mi><mo>&#8804;</mo><mi>b</mi></math>",
        given=("n minimum: 1 <= n",),
        as_printed=False,
        verdict=verdict,
        reason=NASTY if refuted else "because",
        code="DC201" if refuted else "",
        conditions=("b != 0",),
        assumed=("integrable",),
        witnesses=(
            WitnessResult("proof", Outcome.CONFIRMS, "2 steps accepted", "", {"steps": STEPS}),
            WitnessResult("instances", Outcome.REFUTES if refuted else Outcome.CONFIRMS, NASTY),
            WitnessResult("experiment", Outcome.CONFIRMS, "agrees", "", EXPERIMENT),
            WitnessResult("network", Outcome.CONFIRMS, "agrees", "", NETWORK),
        ),
        near_misses=(
            NearMiss("sign", "a <= -b", Fate.KILLED, "a = 1, b = 1"),
            NearMiss("factor", NASTY, Fate.STILL_TRUE, NASTY),
            NearMiss("condition", "without b > 0", Fate.VACUOUS, "no model"),
        ),
        sensitivity=(Sensitivity("instances", 1e-6), Sensitivity("experiment", None, "no number to spoil")),
        file=FILE,
        line=7,
    )
    return replace(base, **more)  # type: ignore[arg-type]


SURVIVOR = NearMiss("exponent", "a^2 <= b", Fate.SURVIVED, "")
CLAIMS = (
    claim("proved", Verdict.PROVED),
    claim("supported", Verdict.SUPPORTED, near_misses=(SURVIVOR,)),
    claim("undecided", Verdict.UNDECIDED, code="DC301"),
    claim("refuted", Verdict.REFUTED),
    claim("printed", Verdict.REFUTED, as_printed=True),
    claim("printed-but-true", Verdict.PROVED, as_printed=True),
    claim("no-near-misses", Verdict.PROVED, near_misses=None),
)
RESULT = ProblemResult("an-id", NASTY, "topic", NASTY, ("A1", NASTY), FILE, CLAIMS)
BROKEN = ProblemResult("broken", "t", "topic", "s", (), "/x.py", (), "ValueError: <no>", "DC105", "/_y.py", 3)
REPORT = Report("0.1.0", 7, (RESULT, BROKEN), 1.25, 2)


def test_what_is_packed_is_unpacked() -> None:
    for c in CLAIMS:
        assert unpack(json.loads(json.dumps(pack(c)))) == c


def test_the_verdict_is_the_weakest_and_as_printed_stands_aside() -> None:
    assert RESULT.verdict is Verdict.REFUTED
    assert replace(RESULT, claims=CLAIMS[:3]).verdict is Verdict.UNDECIDED
    assert replace(RESULT, claims=CLAIMS[:2]).verdict is Verdict.SUPPORTED
    assert replace(RESULT, claims=(CLAIMS[0], CLAIMS[4])).verdict is Verdict.PROVED
    assert BROKEN.verdict is Verdict.UNDECIDED and not BROKEN.as_expected
    assert Report("0", 0, ()).verdict is Verdict.UNDECIDED


def test_what_is_expected() -> None:
    expected = {c.name: c.as_expected for c in CLAIMS}
    assert expected == {
        "proved": True,
        "supported": False,  # a near miss survived
        "undecided": False,
        "refuted": False,
        "printed": True,
        "printed-but-true": False,
        "no-near-misses": True,
    }


def test_the_false_alarm_rate_of_a_run_is_the_sum_of_all() -> None:
    assert REPORT.false_alarm == pytest.approx(len(CLAIMS) * (1e-9 + 2e-9))
    assert "at most 2e-08" in printed(REPORT)


def test_json_keeps_its_contract() -> None:
    data = json.loads(json_report.render(REPORT))
    jsonschema.validate(data, SCHEMA)
    first = data["results"][0]["claims"][0]
    assert first["mutants"] == {"killed": 1, "still_true": 1, "ill_formed": 0, "undefined": 1, "survived": 0}
    assert "mutants" not in data["results"][0]["claims"][-1]


def test_junit_is_xml_with_a_failure_for_each_unexpected_claim() -> None:
    root = ET.fromstring(junit.render(REPORT).encode())
    cases = {c.get("name"): c for c in root.iter("testcase")}
    failing = {name for name, c in cases.items() if c.find("failure") is not None}
    assert failing == {c.name for c in CLAIMS if not c.as_expected}
    assert cases["problem file"].find("error") is not None
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "4", "1")


def test_github_annotations_are_single_escaped_lines() -> None:
    lines = github.render(REPORT).splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == 5
    assert all("file=/somewhere/a%2C file%3A 1.py,line=7," in line for line in errors[:4])
    assert all(line.startswith("::") for line in lines)
    assert "%0A" in "".join(errors)


class Checker(HTMLParser):
    """Counts tags, sees that they nest, and that nothing is loaded from elsewhere."""

    VOID = frozenset({"meta", "br", "hr"})
    LOADING = frozenset({"script", "link", "img", "iframe", "object", "embed", "audio", "video", "base"})

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in self.LOADING, f"<{tag}> loads something"
        for name, value in attrs:
            assert name != "src" and not name.startswith("on")
            if name == "href":
                assert value is not None and value.startswith("#")
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack and self.stack.pop() == tag, f"</{tag}> closes nothing"


@pytest.mark.parametrize("page", [html.render(REPORT), RESULT._repr_html_(), REPORT._repr_html_()])
def test_the_page_is_whole_and_self_contained(page: str) -> None:
    checker = Checker()
    checker.feed(page)
    assert not checker.stack
    assert "url(" not in page and "@import" not in page and "<script" not in page
    assert checker.seen["math"] == len(CLAIMS) and checker.seen["svg"] == 2 * len(CLAIMS)
    for expected in ("12.5 × the tolerance", "CLT, not certified", "SymPy: agrees", "a &lt;= -b", "survived"):
        assert expected in page


def test_the_page_check_sees_a_tag_left_open() -> None:
    checker = Checker()
    with pytest.raises(AssertionError):
        checker.feed("<p><b>bold</p>")


def printed(report: Report, **options: object) -> str:
    out = StringIO()
    print_report(report, Console(file=out, highlight=False, markup=False, **options))  # type: ignore[arg-type]
    return out.getvalue()


def test_text_in_a_pipe_has_no_colours_and_whole_lines() -> None:
    text = printed(REPORT)
    assert "\x1b" not in text
    for expected in (
        "DC601",
        "DC208",
        "DC201",
        "DC105",
        "at /_y.py:3",
        "conditions: b != 0",
        "assumed: integrable",
        "NOT as expected",
    ):
        assert expected in text
    assert "instances catches a planted relative error of 1e-06" in text
    assert "experiment catches none of the planted errors" in text


def test_text_on_a_terminal_is_coloured_and_fits() -> None:
    text = printed(REPORT, force_terminal=True, width=60, color_system="standard")
    assert "\x1b[" in text


def test_plots() -> None:
    curve = svg.curves({"loss": [1000.0, 1.0, 0.01, None]})
    assert "1e" in curve and "polyline" in curve, "three decades make a logarithmic axis"
    for flat in ([1.0, 1.0], [0.0, 0.0], [-1e300, 1e300], [1e-300, 1e300]):
        ET.fromstring(svg.curves({"flat": flat}))
    assert svg.curves({"nothing": [None, None]}) == ""
    ET.fromstring(svg.against([1.0, 2.0], [1.0, None], [0.1, 0.1]))
    assert svg.against([None], [1.0], [0.1]) == ""
