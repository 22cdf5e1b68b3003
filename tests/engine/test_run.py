"""A run, from problem files to a report: every way in which a claim can end is seen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
import synthetic

import derivcheck
from derivcheck.diagnostics import DiagnosticError
from derivcheck.engine import Options, Outcome, Report, Verdict, fingerprint, run
from derivcheck.engine.cache import Cache
from derivcheck.engine.catalogue import read
from derivcheck.engine.run import Progress, verify_entries
from derivcheck.report.findings import errors

ROOT = Path(__file__).resolve().parent.parent.parent


def verify(path: Path, **options: object) -> Report:
    return derivcheck.verify(str(path), **options)  # type: ignore[arg-type]


def test_a_claim_that_its_network_shows_is_supported(tmp_path: Path) -> None:
    report = verify(synthetic.write(tmp_path, 'claim("c", run=good)'), witnesses=["network"])
    claim = report["synthetic"].claim("c")
    assert claim.verdict is Verdict.SUPPORTED and claim.as_expected
    assert claim.witness("network").detail["measurements"][0]["name"] == "c"
    assert claim.witness("proof").outcome is Outcome.NOT_RUN
    assert "<h2>" in report._repr_html_()


def test_a_network_that_disagrees_refutes(tmp_path: Path) -> None:
    report = verify(synthetic.write(tmp_path, 'claim("c", run=bad)'), witnesses=["network"])
    assert report.verdict is Verdict.REFUTED and not report.as_expected


def test_a_claim_that_hangs_is_undecided_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("hangs", run=hang)', 'claim("good", run=good)')
    report = verify(path, witnesses=["network"], deadline=1.0)
    hangs = report["synthetic"].claim("hangs")
    assert (hangs.verdict, hangs.code) == (Verdict.UNDECIDED, "DC301")
    assert hangs.statement, "what was known before the deadline is kept"
    assert report["synthetic"].claim("good").verdict is Verdict.SUPPORTED


def test_a_deadline_keeps_what_earlier_witnesses_found_but_decides_nothing(tmp_path: Path) -> None:
    report = verify(synthetic.write(tmp_path, 'claim("hangs", run=hang)'), deadline=8.0)
    hangs = report["synthetic"].claim("hangs")
    assert hangs.witness("proof").outcome is Outcome.NOT_APPLICABLE
    assert hangs.witness("network").code == "DC301"
    assert hangs.verdict is Verdict.UNDECIDED


def test_a_time_out_is_not_cached(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    head = f"""
def sometimes(seed):
    import os
    while not os.path.exists({str(flag)!r}):
        pass
    return good(seed)
"""
    path = synthetic.write(tmp_path, 'claim("c", run=sometimes)', head=head)
    assert verify(path, witnesses=["network"], deadline=1.0).verdict is Verdict.UNDECIDED
    flag.touch()
    assert verify(path, witnesses=["network"], deadline=30.0).verdict is Verdict.SUPPORTED


def test_a_claim_that_crashes_is_undecided(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("crashes", run=crash)', 'claim("good", run=good)')
    report = verify(path, witnesses=["network"])
    crashes = report["synthetic"].claim("crashes")
    assert (crashes.verdict, crashes.code) == (Verdict.UNDECIDED, "DC302")
    assert report["synthetic"].claim("good").verdict is Verdict.SUPPORTED


def test_a_claim_that_eats_memory_is_undecided(tmp_path: Path) -> None:
    head = """
def eat(seed):
    kept = []
    while True:
        kept.append(np.empty(2**27))
"""
    report = verify(synthetic.write(tmp_path, 'claim("eats", run=eat)', head=head), witnesses=["network"])
    assert report.verdict is Verdict.UNDECIDED
    assert report.claims[0].code in ("DC303", "DC302")


def test_an_exception_is_an_abstention_with_its_message(tmp_path: Path) -> None:
    head = "\ndef raises(seed):\n    raise ZeroDivisionError('by zero')\n"
    report = verify(synthetic.write(tmp_path, 'claim("c", run=raises)', head=head), witnesses=["network"])
    network = report.claims[0].witness("network")
    assert (network.outcome, network.code) == (Outcome.ABSTAINS, "DC304")
    assert network.reason == "ZeroDivisionError: by zero"
    assert report.verdict is Verdict.UNDECIDED


def test_not_run_is_no_pass(tmp_path: Path) -> None:
    report = verify(synthetic.write(tmp_path, 'claim("c", run=needs_something)'), witnesses=["network"])
    assert report.claims[0].witness("network").outcome is Outcome.NOT_RUN
    assert report.verdict is Verdict.UNDECIDED and not report.as_expected


def test_not_applicable_says_why(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("c", run=good, not_applicable={"experiment": "nothing is estimated"})')
    experiment = verify(path, witnesses=["network"]).claims[0].witness("experiment")
    assert (experiment.outcome, experiment.reason) == (Outcome.NOT_APPLICABLE, "nothing is estimated")


def test_a_file_that_fails_or_hangs_does_not_stop_the_others(tmp_path: Path) -> None:
    synthetic.write(tmp_path, 'claim("c", run=good)', id="good")
    synthetic.write(tmp_path, 'claim("c")', id="raises", head="\nraise ValueError('wrong')\n")
    synthetic.write(tmp_path, 'claim("c")', id="leaves", head="\nraise SystemExit(3)\n")
    synthetic.write(tmp_path, 'claim("c")', id="hangs", head="\nwhile True:\n    pass\n")
    synthetic.write(tmp_path, 'claim("c", x + 1)', id="no-proposition")
    report = derivcheck.verify(str(tmp_path), witnesses=["network"], deadline=2.0)
    assert report["good"].verdict is Verdict.SUPPORTED
    assert report["raises"].failure_code == "DC105" and "ValueError: wrong" in report["raises"].failure
    assert report["leaves"].failure_code == "DC105" and "SystemExit: 3" in report["leaves"].failure
    line = report["raises"].failure_line
    assert (tmp_path / "raises.py").read_text().splitlines()[line - 1] == "raise ValueError('wrong')"
    assert report["hangs"].failure_code == "DC301"
    assert "not a proposition" in report["no-proposition"].failure
    assert report.verdict is Verdict.UNDECIDED and not report.as_expected


def test_what_is_wrong_in_a_module_beside_the_file_is_placed_there(tmp_path: Path) -> None:
    syntax, raises, lemma = (tmp_path / name for name in ("_syntax.py", "_raises.py", "_lemma.py"))
    syntax.write_text("x = 1\ndef f(:\n")
    raises.write_text("def f():\n    raise ValueError('wrong')\n")
    lemma.write_text(
        "from derivcheck.language import Givens, eq\n"
        "from derivcheck.problem import Claim\n"
        "given = Givens()\n"
        "x = given.real('x')\n"
        "false = Claim('false', 'a lemma', given.context, eq(x, x + 1))\n"
    )
    synthetic.write(tmp_path, 'claim("c")', id="syntax", head="import _syntax\n")
    synthetic.write(tmp_path, 'claim("c")', id="raises", head="import _raises\n_raises.f()\n")
    synthetic.write(tmp_path, "false", id="lemma", head="from _lemma import false\n")
    report = derivcheck.verify(str(tmp_path), witnesses=["instances"])
    found = {name: [(d.code, d.file, d.line) for d in errors(report[name])] for name in ("syntax", "raises", "lemma")}
    assert found == {
        "syntax": [("DC105", str(syntax), 2)],
        "raises": [("DC105", str(raises), 2)],
        "lemma": [("DC201", str(lemma), 5)],
    }
    again = derivcheck.verify(str(tmp_path / "lemma.py"), witnesses=["instances"])
    assert again.from_cache == 1 and (again.claims[0].file, again.claims[0].line) == (str(lemma), 5)


def test_a_step_that_is_not_accepted_and_an_error_in_a_proof_are_placed_at_their_lines(tmp_path: Path) -> None:
    steps = tmp_path / "_steps.py"
    steps.write_text(
        "from derivcheck.proof import Prover, algebra\n"
        "def wrong_step(claim):\n"
        "    pr = Prover(claim.context)\n"
        "    left, right = claim.statement.args\n"
        "    chain = (\n"
        "        pr.chain(left)\n"
        "        .eq(right, algebra)\n"
        "        .eq(2 * right, algebra)\n"
        "    )\n"
        "    return pr.done(chain.theorem, claim.statement)\n"
        "def raises(claim):\n"
        "    return no_such_name\n"
        "def network(seed):\n"
        "    return 1 / 0\n"
    )
    claims = ('claim("step", proof=wrong_step)', 'claim("name", proof=raises)', 'claim("network", run=network)')
    path = synthetic.write(tmp_path, *claims, head="from _steps import network, raises, wrong_step\n")
    result = verify(path, witnesses=["proof", "network"])["synthetic"]
    found = {d.message.split()[0]: (d.code, d.file, d.line) for d in errors(result)}
    assert found == {
        "synthetic/step": ("DC202", str(steps), 8),
        "synthetic/name": ("DC304", str(steps), 12),
        "synthetic/network": ("DC207", str(steps), 14),
    }
    again = verify(path, witnesses=["proof", "network"])["synthetic"]
    assert {d.message.split()[0]: (d.code, d.file, d.line) for d in errors(again)} == found, "also from the cache"


def test_what_a_problem_prints_stays_out_of_the_report(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("c", run=good)', head="\nprint('chatter')\n")
    done = subprocess.run(
        [sys.executable, "-m", "derivcheck", "verify", str(path), "--format", "json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert "chatter" not in done.stdout and "chatter" in done.stderr


# ------------------------------------------------------------------------------------------------------------ cache


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine counts as unchanged while these tests run, even if someone edits it meanwhile."""
    monkeypatch.setattr("derivcheck.engine.fingerprint.engine_digest", lambda: "engine")


def computed(path: Path, **options: object) -> list[str]:
    """The claims that a run computed rather than took from the cache."""
    seen: list[Progress] = []
    verify_entries([read(path)], Options(**options), seen.append)  # type: ignore[arg-type]
    return [p.claim for p in seen if not p.cached]


@pytest.mark.usefixtures("steady")
def test_editing_the_file_or_a_module_it_imports_computes_again(tmp_path: Path) -> None:
    (tmp_path / "_beside.py").write_text("shift = 1.0\n")
    head = """
from _beside import shift


def shifted(seed):
    return Reading(np.array([1.0]), np.array([shift]), 0.1, {"sign": np.array([-1.0])}, 0.0)
"""
    path = synthetic.write(tmp_path, 'claim("c", run=shifted)', head=head)
    only = ("network",)
    assert computed(path, witnesses=only) == ["c"]
    assert computed(path, witnesses=only) == []
    assert verify(path, witnesses=only).verdict is Verdict.SUPPORTED
    before = (tmp_path / "_beside.py").stat()
    (tmp_path / "_beside.py").write_text("shift = 2.0\n")
    # As if edited within the resolution of the file's time: stale byte code must not be read.
    os.utime(tmp_path / "_beside.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert verify(path, witnesses=only).verdict is Verdict.REFUTED
    (tmp_path / "_beside.py").write_text("shift = 1.0\n")
    assert computed(path, witnesses=only) == [], "the content counts, not the time"
    path.write_text(path.read_text() + "# edited\n")
    assert computed(path, witnesses=only) == ["c"]


@pytest.mark.usefixtures("steady")
def test_seed_and_options_are_part_of_the_key(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("c", run=good)')
    assert computed(path, witnesses=("network",)) == ["c"]
    assert computed(path, witnesses=("network",), seed=1) == ["c"]
    assert computed(path, witnesses=("proof", "network")) == ["c"]
    assert computed(path, witnesses=("network",), jobs=1, deadline=60.0) == []
    assert computed(path, witnesses=("network",), cache=False) == ["c"]


@pytest.mark.usefixtures("steady")
def test_a_changed_engine_computes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = synthetic.write(tmp_path, 'claim("c", run=good)')
    assert computed(path, witnesses=("network",)) == ["c"]
    monkeypatch.setattr("derivcheck.engine.fingerprint.engine_digest", lambda: "a rule was edited")
    assert computed(path, witnesses=("network",)) == ["c"]


@pytest.mark.usefixtures("steady")
def test_corrupt_entries_are_computed_again(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("c", run=bad)')
    assert verify(path, witnesses=["network"]).verdict is Verdict.REFUTED
    spoilt = 0
    for entry in Cache().folder.glob("??/*.json"):
        data = entry.read_bytes()
        if b'"verdict": "refuted"' in data:
            entry.write_bytes(data.replace(b'"verdict": "refuted"', b'"verdict": "proved"'))
            spoilt += 1
    assert spoilt
    assert verify(path, witnesses=["network"]).verdict is Verdict.REFUTED


@pytest.mark.usefixtures("steady")
def test_what_is_edited_while_it_runs_is_not_kept(tmp_path: Path) -> None:
    options = Options(witnesses=("network",))
    started = tmp_path / "started"
    head = f"""
def slow(seed):
    import pathlib
    pathlib.Path({str(started)!r}).touch()
    while "# edited" not in pathlib.Path(__file__).read_text():
        pass
    return good(seed)
"""
    path = synthetic.write(tmp_path, 'claim("c", run=slow)', head=head.replace('"# edited"', '"# edi" "ted"'))
    text = path.read_text()
    entry = read(path)

    def edit() -> None:
        while not started.exists():
            time.sleep(0.01)
        path.write_text(text + "# edited\n")

    editor = Thread(target=edit)
    editor.start()
    assert verify_entries([entry], options).verdict is Verdict.SUPPORTED
    editor.join()
    path.write_text(text)
    assert (
        Cache().get(fingerprint.key(fingerprint.fingerprint(path, "engine"), "synthetic", "c", options.of_key()))
        is None
    )


@pytest.mark.usefixtures("steady")
def test_the_last_verdict_is_that_of_a_full_run_of_the_same_content(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("c", run=bad)')
    verify(path, witnesses=["network"])
    assert run.last_verdicts([read(path)]) == {}, "not a full run"
    verify(path)
    assert run.last_verdicts([read(path)]) == {"synthetic": Verdict.REFUTED}
    path.write_text(path.read_text() + "# edited\n")
    assert run.last_verdicts([read(path)]) == {}


# --------------------------------------------------------------------------------------------------- Python's callers


def test_options_are_checked() -> None:
    for wrong in ({"witnesses": ("oracle",)}, {"seed": -1}, {"deadline": 0.0}, {"jobs": 0}):
        with pytest.raises(ValueError):
            Options(**wrong)  # type: ignore[arg-type]
    with pytest.raises(DiagnosticError):
        derivcheck.verify("no-such-result")


def test_a_script_without_a_guard_can_call_verify(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "p", 'claim("c", run=good)')
    code = f"import derivcheck\nprint('once')\nprint(derivcheck.verify({str(path)!r}, witnesses=['network']).verdict)\n"
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for command, given in (([str(script)], None), (["-c", code], None), (["-"], code)):
        done = subprocess.run(
            [sys.executable, *command], input=given, capture_output=True, text=True, env=environment, cwd=tmp_path
        )
        assert done.stdout.split() == ["once", "supported"], done.stderr


def test_the_callers_environment_is_left_alone(tmp_path: Path) -> None:
    before = dict(os.environ), sys.modules["__main__"], list(sys.path)
    verify(synthetic.write(tmp_path, 'claim("c", run=good)'), witnesses=["network"])
    assert (dict(os.environ), sys.modules["__main__"], list(sys.path)) == before


def test_no_process_outlives_a_killed_run(tmp_path: Path) -> None:
    head = f"""
def tell_and_hang(seed):
    import os, pathlib
    pathlib.Path({str(tmp_path)!r}, "pid").write_text(str(os.getpid()))
    while True:
        pass
"""
    path = synthetic.write(tmp_path, 'claim("c", run=tell_and_hang)', head=head)
    process = subprocess.Popen(
        [sys.executable, "-m", "derivcheck", "verify", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    pid_file = tmp_path / "pid"
    while not (pid_file.exists() and pid_file.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    child = int(pid_file.read_text())
    process.kill()
    process.wait()
    for _ in range(200):
        if not _alive(child):
            return
        time.sleep(0.05)
    raise AssertionError("the claim's process is still there ten seconds after its run was killed")


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_what_took_longest_last_time_is_begun_first(tmp_path: Path) -> None:
    def order(path: Path) -> list[str]:
        seen: list[Progress] = []
        options = Options(("network",), jobs=1)
        verify_entries([read(path)], options, seen.append)
        return [p.claim for p in seen]

    head = """
def slow(seed):
    import time
    time.sleep(1.5)
    return good(seed)
"""
    claims = ('claim("quick", run=good)', 'claim("slow", run=slow)')
    path = synthetic.write(tmp_path, *claims, head=head)
    assert order(path) == ["quick", "slow"], "nothing is known of them yet"
    path = synthetic.write(tmp_path, *claims, 'claim("new", run=good)', head=head)
    assert order(path) == ["new", "slow", "quick"]
