"""The cache never answers with something torn, edited, misplaced or stale."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from derivcheck.engine import fingerprint as fp
from derivcheck.engine.cache import Cache, default_folder, write_atomically

KEY = hashlib.sha256(b"a key").hexdigest()
OTHER = hashlib.sha256(b"another").hexdigest()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "store")


def test_what_was_put_is_found(cache: Cache) -> None:
    assert cache.get(KEY) is None
    cache.put(KEY, {"verdict": "proved", "text": "σ² ≤ 1"})
    assert cache.get(KEY) == {"verdict": "proved", "text": "σ² ≤ 1"}
    assert cache.get(OTHER) is None


def test_an_edited_entry_is_none(cache: Cache) -> None:
    cache.put(KEY, {"verdict": "refuted"})
    file = cache.path(KEY)
    file.write_bytes(file.read_bytes().replace(b"refuted", b"proved "))
    assert cache.get(KEY) is None


def test_every_torn_entry_is_none(cache: Cache) -> None:
    cache.put(KEY, {"verdict": "refuted"})
    whole = cache.path(KEY).read_bytes()
    for length in range(len(whole)):
        cache.path(KEY).write_bytes(whole[:length])
        assert cache.get(KEY) is None
    cache.path(KEY).write_bytes(whole + b" ")
    assert cache.get(KEY) is None


def test_an_entry_under_another_name_is_none(cache: Cache) -> None:
    cache.put(KEY, {"verdict": "proved"})
    cache.path(OTHER).parent.mkdir(parents=True, exist_ok=True)
    os.replace(cache.path(KEY), cache.path(OTHER))
    assert cache.get(OTHER) is None


def test_a_crash_while_writing_leaves_the_old_entry(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put(KEY, {"verdict": "supported"})

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(RuntimeError):
        write_atomically(cache.path(KEY), b"half")
    monkeypatch.undo()
    assert cache.get(KEY) == {"verdict": "supported"}
    assert [f.name for f in cache.path(KEY).parent.iterdir()] == [cache.path(KEY).name], "nothing is left behind"


WRITER = """
import sys
from pathlib import Path
from derivcheck.engine.cache import Cache
cache = Cache(Path(sys.argv[1]))
print("ready", flush=True)
n = 0
while True:
    n += 1
    cache.put(sys.argv[2], {"n": n, "filling": "x" * 200_000, "again": n})
"""


def test_a_writer_killed_at_any_moment_leaves_nothing_torn(cache: Cache) -> None:
    for attempt in range(4):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(cache.folder), KEY], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.02 + 0.013 * attempt)
            writer.kill()
        value = cache.get(KEY)
        assert value is not None and value["n"] == value["again"]


def test_two_writers_and_a_reader_agree(cache: Cache) -> None:
    command = [sys.executable, "-c", WRITER, str(cache.folder), KEY]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as one,
        subprocess.Popen(command, stdout=subprocess.PIPE) as two,
    ):
        for writer in (one, two):
            assert writer.stdout is not None
            writer.stdout.readline()
        while cache.get(KEY) is None:
            time.sleep(0.001)
        for _ in range(300):
            value = cache.get(KEY)
            assert value is not None and value["n"] == value["again"]
        one.kill()
        two.kill()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    cache = Cache(blocked / "below")
    cache.put(KEY, {"verdict": "proved"})
    assert cache.get(KEY) is None
    cache.prune()


def test_pruning_keeps_the_newest(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derivcheck.engine.cache.CAPACITY", 2)
    keys = [hashlib.sha256(bytes([i])).hexdigest() for i in range(4)]
    for age, key in enumerate(keys):
        cache.put(key, {"n": age})
        os.utime(cache.path(key), (1000 + age, 1000 + age))
    cache.prune()
    assert [cache.get(k) is not None for k in keys] == [False, False, True, True]


def test_the_folder_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DERIVCHECK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert default_folder() == tmp_path / "derivcheck"
    monkeypatch.setenv("DERIVCHECK_CACHE", str(tmp_path / "own"))
    assert default_folder() == tmp_path / "own"


# ------------------------------------------------------------------------------------------------------------- keys


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "lemmas").mkdir(parents=True)
    (folder / "problem.py").write_text("import helper\ndef f():\n    from lemmas import first\n")
    (folder / "helper.py").write_text("import deeper, math, numpy\n")
    (folder / "deeper.py").write_text("X = 1\n")
    (folder / "lemmas" / "__init__.py").write_text("from . import other\n")
    (folder / "lemmas" / "first.py").write_text("Y = 1\n")
    (folder / "lemmas" / "other.py").write_text("Z = 1\n")
    (folder / "unrelated.py").write_text("W = 1\n")
    return folder


@pytest.mark.parametrize(
    "edited", ["problem.py", "helper.py", "deeper.py", "lemmas/__init__.py", "lemmas/first.py", "lemmas/other.py"]
)
def test_editing_anything_imported_changes_the_key(project: Path, edited: str) -> None:
    before = fp.fingerprint(project / "problem.py", "engine")
    with (project / edited).open("a") as file:
        file.write("# edited\n")
    assert fp.fingerprint(project / "problem.py", "engine") != before


def test_editing_something_else_does_not(project: Path) -> None:
    before = fp.fingerprint(project / "problem.py", "engine")
    (project / "unrelated.py").write_text("W = 2\n")
    assert fp.fingerprint(project / "problem.py", "engine") == before
    assert fp.fingerprint(project / "problem.py", "another engine") != before


def test_an_import_cycle_ends(project: Path) -> None:
    (project / "deeper.py").write_text("import helper\n")
    fp.fingerprint(project / "problem.py", "engine")


def test_a_rule_a_table_and_a_version_change_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "derivcheck"
    for name in ("engine/fingerprint.py", "proof/rules.py", "proof/table.json", "report/text.py", "cli/app.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("1")
    monkeypatch.setattr(fp, "__file__", str(package / "engine" / "fingerprint.py"))
    seen = {fp.engine_digest()}
    for name in ("proof/rules.py", "proof/table.json", "engine/fingerprint.py"):
        (package / name).write_text("2")
        assert fp.engine_digest() not in seen
        seen.add(fp.engine_digest())
    for name in ("report/text.py", "cli/app.py"):
        (package / name).write_text("2")
        assert fp.engine_digest() in seen, "what is shown does not change a verdict"
    monkeypatch.setattr(fp, "_version", lambda name: "another" if name == "sympy" else "same")
    assert fp.engine_digest() not in seen


def test_the_key_depends_on_claim_seed_and_options() -> None:
    options = {"seed": 0, "witnesses": ["proof"], "mutants": False}
    keys = {
        fp.key("f", "p", "c", options),
        fp.key("f", "p", "d", options),
        fp.key("f", "q", "c", options),
        fp.key("g", "p", "c", options),
        fp.key("f", "p", "c", {**options, "seed": 1}),
        fp.key("f", "p", "c", {**options, "witnesses": ["network"]}),
        fp.key("f", "p", "c", {**options, "mutants": True}),
    }
    assert len(keys) == 7
    assert fp.key("f", "p", "c", dict(reversed(options.items()))) in keys


def test_the_key_is_computed_without_importing_what_it_covers(project: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from derivcheck.engine import fingerprint as fp;"
        f"fp.fingerprint(Path({str(project / 'problem.py')!r}), fp.engine_digest());"
        "print([m for m in ('numpy', 'sympy', 'scipy', 'flint', 'helper', 'derivcheck.language') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []
