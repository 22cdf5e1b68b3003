"""Problems are found and read without being run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import synthetic

from derivcheck.diagnostics import Diagnostic, DiagnosticError
from derivcheck.engine import catalogue
from derivcheck.engine.catalogue import Place, problem_files, read, read_all, select


@contextmanager
def refusal(code: str) -> Iterator[pytest.ExceptionInfo[DiagnosticError]]:
    """The body must be refused with this code."""
    with pytest.raises(DiagnosticError) as caught:
        yield caught
    assert caught.value.diagnostic.code == code


def test_an_entry_is_read_from_constants(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("first")', 'claim("second")')
    entry = read(path)
    assert (entry.id, entry.topic, entry.sources) == ("synthetic", "tests", ("S1", "S2"))
    place = entry.place("second")
    assert place.file == path
    assert 'claim("second")' in path.read_text().splitlines()[place.line - 1]
    assert entry.place("not there") == Place(path, 0)


def test_a_claim_in_a_module_beside_the_file_is_found_there(tmp_path: Path) -> None:
    inner = tmp_path / "_inner.py"
    inner.write_text('from _outer import claim\n\nlemma = claim("lemma")\nsecond = claim("second")\n')
    (tmp_path / "_outer.py").write_text('import _inner\n\ncorollary = claim("corollary")\n')
    (tmp_path / "_broken.py").write_text("def f(:\n")
    (tmp_path / "_not_imported.py").write_text('claim("hidden")\n')
    head = "import _broken, _outer\n"
    path = synthetic.write(tmp_path, "_inner.lemma", '_outer.corollary, claim("second")', head=head)
    entry = read(path)
    assert entry.place("lemma") == Place(inner, 3)
    assert entry.place("corollary") == Place(tmp_path / "_outer.py", 3)
    assert entry.place("second").file == path, "the problem file comes first"
    assert entry.place("hidden") == Place(path, 0)


def test_names_that_the_file_assigns_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "p.py"
    path.write_text(
        'SOURCES = ("A1", "A2")\nTITLE: str = "a " "title"\n'
        'problem = Problem("an-id", TITLE, topic="t", summary="s", sources=SOURCES, claims=make())\n'
    )
    entry = read(path)
    assert (entry.id, entry.title, entry.sources) == ("an-id", "a title", ("A1", "A2"))


def test_reading_does_not_run(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path, 'claim("first")', head="raise SystemExit('run')\n")
    assert read(path).id == "synthetic"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DC101", "problem = Problem("),
        ("DC101", "\0"),
        ("DC102", "x = 1"),
        ("DC102", "problem = something_else(id='a')"),
        ("DC103", "problem = Problem(id=make(), title='t', topic='t', summary='s', sources=())"),
        ("DC103", "problem = Problem(title='t', topic='t', summary='s', sources=())"),
        ("DC103", "problem = Problem(id='a', title=1, topic='t', summary='s', sources=())"),
        ("DC103", "problem = Problem(id='a', title='t', topic='t', summary='s', sources=(1, 2))"),
        ("DC103", "problem = Problem(id='a', title='t', topic='t', summary='s', sources='A1')"),
        ("DC103", "problem = Problem(id=unknown, title='t', topic='t', summary='s', sources=())"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, code: str, text: str) -> None:
    path = tmp_path / "p.py"
    path.write_text(text)
    with refusal(code) as caught:
        read(path)
    assert caught.value.diagnostic.file == str(path)


def test_two_problems_with_one_id(tmp_path: Path) -> None:
    paths = [synthetic.write(tmp_path, 'claim("c")', name=name) for name in ("a.py", "b.py")]
    with refusal("DC104"):
        read_all(paths)


def test_helpers_are_no_problems(tmp_path: Path) -> None:
    synthetic.write(tmp_path / "topic", 'claim("c")', id="one")
    (tmp_path / "topic" / "_common.py").write_text("")
    (tmp_path / "_private").mkdir()
    (tmp_path / "_private" / "x.py").write_text("")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.py").write_text("")
    assert [f.name for f in problem_files([tmp_path])] == ["one.py"]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "problems"
    synthetic.write(folder / "linear", 'claim("c")', id="ridge-from-noise", topic="linear")
    synthetic.write(folder / "deep", 'claim("c")', id="softmax-jacobian", topic="deep")
    synthetic.write(folder / "deep", 'claim("c")', id="xavier-initialisation", topic="deep")
    monkeypatch.setattr(catalogue, "problems_folder", lambda: folder)
    return folder


def test_selection(own: Path) -> None:
    assert [e.id for e in select(["softmax-jacobian"])] == ["softmax-jacobian"]
    assert [e.id for e in select(topic="deep")] == ["softmax-jacobian", "xavier-initialisation"]
    assert [e.id for e in select(everything=True)] == ["softmax-jacobian", "xavier-initialisation", "ridge-from-noise"]
    assert [e.id for e in select([str(own / "linear")])] == ["ridge-from-noise"]
    twice = select(["softmax-jacobian", "softmax-jacobian"], topic="deep")
    assert [e.id for e in twice] == ["softmax-jacobian", "xavier-initialisation"]


def test_an_id_comes_before_a_folder_of_that_name(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "softmax-jacobian").mkdir()
    synthetic.write(tmp_path / "derivations", 'claim("c")', id="mine")
    assert [e.id for e in select(["softmax-jacobian", "derivations"])] == ["softmax-jacobian", "mine"]


def test_an_unknown_id_suggests_the_nearest(own: Path) -> None:
    with refusal("DC001") as caught:
        select(["softmax-jacobean"])
    assert "did you mean 'softmax-jacobian'?" in str(caught.value)
    with refusal("DC001") as caught:
        select(["qqqqqq"])
    assert "did you mean" not in str(caught.value)
    with refusal("DC004") as caught:
        select(topic="deeep")
    assert "did you mean 'deep'?" in str(caught.value)


def test_nothing_selected_and_no_such_file(own: Path) -> None:
    with refusal("DC002"):
        select()
    with refusal("DC101"):
        select(["no/such/file.py"])


def test_a_file_of_ones_own_may_not_take_a_known_id(own: Path, tmp_path: Path) -> None:
    mine = synthetic.write(tmp_path / "mine", 'claim("c")', id="softmax-jacobian")
    with refusal("DC104"):
        select([str(mine)], everything=True)


def test_listing_imports_no_mathematics(tmp_path: Path) -> None:
    synthetic.write(tmp_path, 'claim("c")')
    code = (
        "import sys; from pathlib import Path; from derivcheck.engine.catalogue import problem_files, read_all;"
        f"assert read_all(problem_files([Path({str(tmp_path)!r})]));"
        "print([m for m in ('numpy', 'sympy', 'derivcheck.language', 'derivcheck.problem') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_broken_file_leaves_the_others_usable(own: Path) -> None:
    (own / "deep" / "broken.py").write_text("problem = Problem(")
    assert [e.id for e in select(["softmax-jacobian"])] == ["softmax-jacobian"]
    complaints: list[Diagnostic] = []
    assert len(catalogue.own_problems(complaints)) == 3
    assert [c.code for c in complaints] == ["DC101"]
    with refusal("DC101"):
        select(everything=True)
    with refusal("DC001") as caught:
        select(["broken-one"])
    assert "broken.py" in str(caught.value)
