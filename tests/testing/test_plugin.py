"""The pytest plugin, run in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import synthetic

ROOT = Path(__file__).resolve().parent.parent.parent


def run_pytest(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "derivcheck.testing.plugin", "-v", *args],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    synthetic.write(folder / "derivations", 'claim("holds", run=good)', 'claim("fails", run=bad)')
    (folder / "derivations" / "_helper.py").write_text("raise SystemExit\n")
    (folder / "pytest.ini").write_text("[pytest]\nderivcheck_problems = derivations/**/*.py\n")
    return folder


def test_every_claim_is_a_test_and_a_refuted_one_fails(suite: Path) -> None:
    done = run_pytest(suite)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "synthetic.py::holds PASSED" in done.stdout
    assert "synthetic.py::fails FAILED" in done.stdout
    assert "DC201" in done.stdout and "predicted 1" in done.stdout
    assert "FAILED derivations/synthetic.py::fails - refuted (DC201)" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_command_line_names_files(suite: Path) -> None:
    (suite / "pytest.ini").write_text("[pytest]\n")
    assert run_pytest(suite).returncode == 5, "nothing is collected that was not named"
    done = run_pytest(suite, "--derivcheck", "derivations")
    assert "1 failed, 1 passed" in done.stdout
    good = run_pytest(suite, "--derivcheck", "derivations", "-k", "holds")
    assert good.returncode == 0, good.stdout


def test_a_file_that_fails_is_an_error_of_collection(suite: Path) -> None:
    synthetic.write(suite / "derivations", 'claim("c")', id="broken", head="raise ValueError('no')\n")
    done = run_pytest(suite)
    assert done.returncode == 2 and "DC105" in done.stdout and "ValueError: no" in done.stdout


def test_a_witness_that_does_not_exist_is_an_error_of_usage(suite: Path) -> None:
    done = run_pytest(suite, "--derivcheck-witness", "instance")
    assert done.returncode == 4
    assert "no witness is called instance; ask proof, instances" in done.stderr
