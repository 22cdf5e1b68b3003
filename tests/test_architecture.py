"""Who may know whom: the arrows between the parts, read from the sources with `ast`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "derivcheck"

#: Part -> the parts that it may import.  What is missing on the right is forbidden.
ARROWS: dict[str, set[str]] = {
    "language": set(),
    "diagnostics": set(),
    "proof": {"language"},
    "semantics": {"language"},
    "experiment": {"language", "semantics"},
    "audit": {"language", "semantics"},
    "models": {"language"},
    "problem": {"language"},
    "mutation": {"language", "semantics", "problem", "proof"},  # a near miss that is still true is proved
    "decision": {"language", "proof", "semantics", "experiment"},
    "engine": {
        "language",
        "proof",
        "semantics",
        "experiment",
        "models",
        "problem",
        "mutation",
        "diagnostics",
    },
    "report": {"language", "engine", "audit", "diagnostics"},
    "testing": {"language", "semantics", "problem", "engine", "report", "diagnostics"},
    "cli": {"engine", "report", "audit", "diagnostics", "decision"},
}

#: The one arrow that points up: results render themselves in a notebook, and load the renderer when they do.
UPWARD = {("engine/results.py", "report")}

#: Libraries that one part alone may use, or that a part may not use.
FORBIDDEN_LIBRARIES = {
    "cli": {"numpy", "sympy", "scipy", "flint"},
    "report": {"numpy", "sympy", "scipy", "flint"},
    "diagnostics": {"numpy", "sympy", "scipy", "flint", "rich", "typer"},
    "proof": {"scipy", "torch", "jax"},
    "models": {"torch", "jax"},
}


def imports(source: str) -> Iterator[str]:
    """Every module that a source names in an import, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module
            if node.module == "derivcheck":
                yield from (f"derivcheck.{alias.name}" for alias in node.names if alias.name != "__version__")


def violations(part: str, place: str, source: str) -> list[str]:
    """The imports of one file that its part may not make."""
    out = []
    for module in imports(source):
        top, _, rest = module.partition(".")
        if top == "derivcheck" and rest:
            other = rest.partition(".")[0]
            if other != part and other not in ARROWS[part] and (place, other) not in UPWARD:
                out.append(f"{place} imports {module}")
        elif top in FORBIDDEN_LIBRARIES.get(part, ()) or top in ("problems", "tests", "benchmarks", "cli"):
            out.append(f"{place} imports {module}")
    return out


def files() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        inner = path.relative_to(PACKAGE).parts
        part = inner[0].removesuffix(".py")
        if part not in ("__init__", "__main__", "_problems"):
            yield part, path


def test_every_part_is_known() -> None:
    assert {part for part, _ in files()} <= set(ARROWS)


@pytest.mark.parametrize(("part", "path"), [pytest.param(p, f, id=str(f.relative_to(PACKAGE))) for p, f in files()])
def test_arrows(part: str, path: Path) -> None:
    assert not violations(part, path.relative_to(PACKAGE).as_posix(), path.read_text())


def test_only_the_rules_of_the_kernel_make_theorems() -> None:
    makers = [file for _, file in files() if "conclude" in _names(file.read_text())]
    assert makers
    assert {file.parent.relative_to(PACKAGE).as_posix() for file in makers} == {"proof/kernel"}
    assert "conclude" in _names("from derivcheck.proof.kernel import theorem\ntheorem.conclude('assume')")


def _names(source: str) -> set[str]:
    """Every name and attribute that a source imports or uses from a module called ``theorem``."""
    out: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("theorem"):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "theorem":
            out.add(node.attr)
    return out


def test_the_arrows_have_no_cycle() -> None:
    done: set[str] = set()
    while len(done) < len(ARROWS):
        ready = {p for p, needs in ARROWS.items() if p not in done and needs <= done}
        assert ready, f"a cycle among {set(ARROWS) - done}"
        done |= ready


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("proof", "from derivcheck.semantics import instances"),
        ("semantics", "def f():\n    import derivcheck.proof"),
        ("audit", "from derivcheck import proof"),
        ("language", "import derivcheck.problem"),
        ("engine", "from derivcheck.report import text"),
        ("cli", "import numpy as np"),
    ],
)
def test_a_forbidden_import_is_seen(part: str, source: str) -> None:
    assert violations(part, "somewhere.py", source)


#: SymPy's calls that a problem file may not make, and what evaluates text.
BANNED = {"diff", "doit", "subs", "integrate", "simplify", "sympify", "parse_expr", "eval", "exec"}


def banned_calls(source: str) -> list[tuple[str, int]]:
    """The banned functions and methods that a source calls, with their lines."""
    out = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            method = isinstance(node.func, ast.Attribute)
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in BANNED and not (method and name in ("eval", "exec")):  # the built-ins, not methods
                out.append((name, node.lineno))
    return out


def problem_sources() -> list[Path]:
    return sorted((ROOT / "problems").rglob("*.py"))


def test_problems_import_derivcheck_only_and_call_nothing_banned() -> None:
    allowed = {"derivcheck", "numpy", "sympy"} | sys.stdlib_module_names
    for path in problem_sources():
        source = path.read_text()
        assert not banned_calls(source), path
        tops = {module.partition(".")[0] for module in imports(source)}
        beside = {f.stem for f in path.parent.glob("_*.py")}
        assert tops <= allowed | beside, path


def test_a_banned_call_is_seen() -> None:
    assert banned_calls("import sympy\nsympy.sin(x).diff(x)") == [("diff", 2)]
    assert banned_calls("eval('1')") == [("eval", 1)]


def test_nothing_evaluates_text() -> None:
    for part, path in files():
        if part == "models":
            continue  # its compiler runs the NumPy source that it emitted itself
        called = {name for name, _ in banned_calls(path.read_text())}
        assert not called & {"eval", "exec", "sympify", "parse_expr"}, path


def test_problem_folders_are_no_packages() -> None:
    assert not list((ROOT / "problems").rglob("__init__.py"))
