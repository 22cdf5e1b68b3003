"""The command line as a user meets it, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import synthetic

import derivcheck
from derivcheck.diagnostics import CODES

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMAS = ROOT / "docs" / "schema"


def run(*args: str | Path, status: int = 0, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command; its exit status must be `status`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "derivcheck", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        encoding="utf-8",
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


HEAVY = ("numpy", "sympy", "scipy", "flint", "derivcheck.language", "derivcheck.engine")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["verify", "--help"], ["--version"], ["--explain", "DC201"], []], ids=" ".join
)
def test_help_imports_neither_numpy_nor_sympy(arguments: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules]))\n"
        f"sys.argv = ['derivcheck', *{arguments!r}]\n"
        "from derivcheck.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.rstrip().endswith("HEAVY []"), done.stdout + done.stderr


def test_help_names_every_command() -> None:
    out = run("--help").stdout
    for command in ("list", "show", "verify", "audit", "--version", "--install-completion"):
        assert command in out
    verify = run("verify", "--help").stdout
    for option in ("--topic", "--all", "--witness", "--mutants", "--seed", "--jobs", "--certificate", "--format"):
        assert option in verify
    assert "--explain" in verify


def test_the_defaults_are_the_same_everywhere() -> None:
    import inspect

    from derivcheck.cli import app
    from derivcheck.engine import Options
    from derivcheck.testing import plugin

    assert inspect.signature(app.verify).parameters["deadline"].default == Options().deadline
    assert f"default={Options().deadline}" in inspect.getsource(plugin)


def test_version() -> None:
    assert run("--version").stdout.strip() == f"derivcheck {derivcheck.__version__}"


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained(code: str) -> None:
    from derivcheck.diagnostics import explain

    assert explain(code.lower()).startswith(f"{code}: ")


def test_explain() -> None:
    assert run("verify", "--explain", "dc401").stdout.startswith("DC401: INTERNAL INCONSISTENCY")
    assert "DC999" in run("verify", "--explain", "DC999", status=2).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify"],
        ["verify", "--all", "--witness", "oracle"],
        ["verify", "--all", "--seed", "-1"],
        ["verify", "--all", "--jobs", "0"],
        ["verify", "--all", "--format", "pdf"],
        ["verify", "no/such/file.py"],
        ["verify", "--topic", "no-such-topic"],
        ["no-such-command"],
        ["show"],
        ["audit", "no-such-file.json"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2_without_a_traceback(arguments: list[str]) -> None:
    done = run(*arguments, status=2)
    assert "Traceback" not in done.stderr and done.stderr.strip()


def test_an_unknown_id_suggests_the_nearest() -> None:
    for command in ("verify", "show"):
        error = run(command, "softmax-jacobean", status=2).stderr
        assert "DC001" in error and "did you mean 'softmax-jacobian'?" in error


def test_list_is_valid_json_with_every_problem() -> None:
    listing = json.loads(run("list", "--format", "json").stdout)
    jsonschema.validate(listing, json.loads((SCHEMAS / "list.json").read_text()))
    files = [f for f in (ROOT / "problems").rglob("*.py") if not f.name.startswith("_")]
    assert len(listing["results"]) == len(files)


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    return synthetic.write(
        tmp_path / "mine", 'claim("holds", run=good)', 'claim("printed", false_statement, as_printed=True)'
    )


@pytest.fixture
def refuted(tmp_path: Path) -> Path:
    return synthetic.write(tmp_path / "wrong", 'claim("fails", run=bad)', id="wrong")


def test_the_json_report_keeps_its_contract(problem: Path, refuted: Path) -> None:
    schema = json.loads((SCHEMAS / "report.json").read_text())
    report = json.loads(run("verify", problem, refuted, "--format", "json", "--seed", "3", status=1).stdout)
    jsonschema.validate(report, schema)
    assert report["version"] == derivcheck.__version__ and report["seed"] == 3
    claim = report["results"][1]["claims"][0]
    assert claim["verdict"] == "refuted"
    network = claim["witnesses"]["network"]
    assert (network["outcome"], network["predicted"], network["measured"]) == ("refutes", [1.0], [2.0])
    for spoilt in (
        {**report, "extra": 1},
        {**report, "results": [{"id": "x"}]},
        {**report, "seed": "3"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(spoilt, schema)


def test_exit_statuses_and_the_text_report(problem: Path, refuted: Path) -> None:
    good = run("verify", problem)
    assert "holds" in good.stdout and "all as expected" in good.stdout
    assert "[1/2]" in good.stderr, "plain lines in a pipe"
    assert "\x1b" not in good.stdout + good.stderr
    bad = run("verify", refuted, status=1)
    assert "NOT as expected" in bad.stdout and "DC201" in bad.stdout


def test_a_second_run_is_taken_from_the_cache_and_says_the_same(problem: Path) -> None:
    first = run("verify", problem, "--format", "json")
    second = run("verify", problem, "--format", "json")
    assert first.stdout == second.stdout
    assert "holds" in first.stderr and "holds" not in second.stderr


def test_verdicts_depend_on_neither_hash_seed_nor_jobs(problem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = set()
    for hash_seed, jobs in (("0", 1), ("1", 2), ("12345", 2)):
        monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
        outputs.add(run("verify", problem, "--no-cache", "--jobs", str(jobs), "--format", "json").stdout)
    assert len(outputs) == 1


def test_show_prints_statement_sources_and_latex(problem: Path) -> None:
    shown = run("show", problem).stdout
    assert "sources: S1, S2" in shown and "(x + 1)^2" in shown and "as printed" in shown
    assert "^{2}" in run("show", problem, "--latex").stdout


def test_from_any_folder(problem: Path, tmp_path: Path) -> None:
    run("verify", problem, cwd=tmp_path)
    direct = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "list"], capture_output=True, text=True, cwd=tmp_path
    )
    assert direct.returncode == 0


def _listening() -> None:
    """Undo what a shell or nohup may have told the test run: to ignore these signals."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_keeps_what_is_finished(tmp_path: Path, asking: signal.Signals) -> None:
    path = synthetic.write(tmp_path / "slow", 'claim("quick", run=good)', 'claim("endless", run=hang)', id="slow")
    process = subprocess.Popen(
        [sys.executable, "-m", "derivcheck", "verify", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=_listening,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "slow/quick" in line, line
    if asking == signal.SIGINT:
        os.killpg(process.pid, asking)  # as a terminal does
    else:
        process.send_signal(asking)
    rest = process.stderr.read()  # ends when nobody holds the pipe any more: no process is left behind
    assert process.wait() == 128 + asking
    assert "interrupted after 1 of 2" in rest and "Traceback" not in rest
    again = run("verify", path, "--deadline", "1", status=1)
    assert "slow/quick" not in again.stderr and "slow/endless" in again.stderr


def test_a_folder_without_problems_and_one_that_cannot_be_written(problem: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "DC005" in run("verify", tmp_path / "empty", status=2).stderr
    (tmp_path / "file").touch()
    refused = run("verify", problem, "--certificate", tmp_path / "file", status=2).stderr
    assert "DC006" in refused and "Traceback" not in refused and "holds" not in refused


def test_a_killed_run_leaves_no_torn_entry_and_two_at_once_agree(tmp_path: Path) -> None:
    claims = [f'claim("c{i}", run=good)' for i in range(6)]
    path = synthetic.write(tmp_path / "many", *claims, id="many")
    command = [sys.executable, "-m", "derivcheck", "verify", str(path), "--format", "json"]
    for wait in (0.6, 1.1):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as killed:
            time.sleep(wait)
            killed.kill()
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) for _ in range(2)]
    outputs = {p.communicate()[0] for p in both}
    assert [p.returncode for p in both] == [0, 0]
    clean = run("verify", path, "--no-cache", "--format", "json").stdout.encode()
    assert outputs == {clean}
