"""The pages of ``docs/`` and the README do what they say."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
import tables

from derivcheck.engine import ProblemResult, verify
from derivcheck.engine.results import Fate

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PROBLEM = re.compile(r"<!-- file: (\S+); expect: ([^>]*) -->\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SCRIPT = re.compile(r"<!-- run -->\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SESSION = re.compile(r"```pycon\n(.*?)^```", re.DOTALL | re.MULTILINE)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", read(page))):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(there), f"{page.name}: {target}"


def test_the_readme_leads_to_every_page() -> None:
    linked = set(LINK.findall(read(ROOT / "README.md")))
    assert {f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")} <= linked


@pytest.mark.parametrize("file", tables.TABLES)
def test_tables_are_those_of_the_code(file: str) -> None:
    name, table = tables.TABLES[file]
    assert tables.parts(read(tables.DOCS / file), name)[1] == table()


def test_every_rule_says_what_it_allows() -> None:
    assert {"assume", "normal_form", "linear", "induction"} <= set(tables.rules())
    assert all(text for text in tables.rules().values())


PROBLEMS = {m[1]: (m[2], m[3]) for p in PAGES for m in PROBLEM.finditer(read(p))}


def verified(text: str, file: Path) -> ProblemResult:
    file.write_text(text, encoding="utf-8")
    return verify(str(file), jobs=1, cache=False).results[0]


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_of_the_pages_have_the_verdicts_named_there(name: str, tmp_path: Path) -> None:
    expected, text = PROBLEMS[name]
    wanted = dict(pair.split("=") for pair in expected.split(", "))
    result = verified(text, tmp_path / name)
    assert not result.failure
    assert [c.name for c in result.claims] == list(wanted)
    for claim in result.claims:
        assert claim.verdict in wanted[claim.name].split("|"), (claim.name, claim.reason)


def test_no_near_miss_of_the_page_survives_and_the_misconception_falls(tmp_path: Path) -> None:
    file = tmp_path / "weighted_mean.py"
    file.write_text(PROBLEMS["weighted_mean.py"][1], encoding="utf-8")
    (result,) = verify(str(file), jobs=1, cache=False, mutants=True).results
    found = [m for c in result.claims for m in c.near_misses or ()]
    assert [m.statement for m in found if m.fate is Fate.SURVIVED] == []
    (plain_mean,) = (m for m in found if "(the plain mean)" in m.statement)
    assert plain_mean.fate is Fate.KILLED


def test_a_missing_condition_is_reported_as_the_page_says(tmp_path: Path) -> None:
    text = PROBLEMS["weighted_mean.py"][1].replace('given.vector("w", n, above=0)', 'given.vector("w", n)')
    residuals = verified(text, tmp_path / "arbitrary_weights.py").claim("residuals")
    assert residuals.code in ("DC205", "DC209")  # DC209: an instance met weights that cancel
    assert "the condition 'sum(w[j] for j in 1..n) != 0' is not discharged" in residuals.witness("proof").reason


def test_a_wrong_step_is_reported_as_the_page_says(tmp_path: Path) -> None:
    right = "-2 * Sum(1, n, lambda j: w(j) * (x(j) - theta))"
    text = PROBLEMS["weighted_mean.py"][1]
    assert right in text
    slope = verified(text.replace(right, right[1:]), tmp_path / "wrong_sign.py").claim("slope")
    assert (slope.code, slope.verdict) == ("DC202", "undecided")
    assert "the sides differ by" in slope.reason


def test_independence_that_is_forgotten_is_reported_as_the_page_says(tmp_path: Path) -> None:
    text = PROBLEMS["sample_mean.py"][1]
    assert ", uncorrelated=True" in text
    variance = verified(text.replace(", uncorrelated=True", ""), tmp_path / "dependent.py").claim("variance")
    assert (variance.code, variance.verdict) == ("DC201", "refuted")
    assert variance.reason.endswith("1 against 1/2")


SCRIPTS = [(p.name, m[1]) for p in PAGES for m in SCRIPT.finditer(read(p))]


@pytest.mark.parametrize(("page", "code"), SCRIPTS, ids=[f"{page}-{k}" for k, (page, _) in enumerate(SCRIPTS)])
def test_scripts_of_the_pages_run(page: str, code: str) -> None:
    exec(compile(code, page, "exec"), {"__name__": page})


SESSIONS = [p for p in PAGES if SESSION.search(read(p))]


@pytest.mark.parametrize("page", SESSIONS, ids=lambda p: p.name)
def test_sessions_of_the_pages_print_what_stands_there(page: Path) -> None:
    text = "\n".join(SESSION.findall(read(page)))
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    said: list[str] = []
    assert not doctest.DocTestRunner(verbose=False).run(test, out=said.append).failed, "".join(said)


def test_the_transcript_of_the_readme_is_what_comes_out() -> None:
    """Statements, verdicts and outcomes; measured numbers differ in their last digits between machines."""
    transcript = read(ROOT / "README.md").split("$ derivcheck verify softmax-jacobian\n")[1].split("```")[0]
    result = verify("softmax-jacobian").results[0]
    blocks = re.findall(r"^  (\S+)  (\w+)\n      (.+)\n((?:      .+\n)+)", transcript, re.MULTILINE)
    assert len(blocks) >= 3
    for name, verdict, statement, witnesses in blocks:
        claim = result.claim(name)
        assert (str(claim.verdict), claim.statement) == (verdict, statement)
        assert [tuple(line.split()[:2]) for line in witnesses.splitlines()] == [
            (w.kind, str(w.outcome)) for w in claim.witnesses
        ]
