"""The key under which a result is cached: everything that could change it, read without importing it.

It covers the problem file, every module of the author's own that it imports (followed through `ast`), all sources of
derivcheck that a verdict can depend on, the versions of the libraries, Python and the machine's kind.  The seed and the
options of a run are added per claim by `key`.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

#: Raised when the meaning of a cached entry changes.
FORMAT = 1

#: Parts of the package that no verdict depends on.
_SHOWING_ONLY = frozenset({"cli", "report", "testing", "_problems", "__pycache__"})

#: Distributions whose version can change a number or whether a measurement runs.
_LIBRARIES = ("sympy", "mpmath", "numpy", "scipy", "python-flint", "numba", "mlxtend", "torch", "jax")


def fingerprint(problem_file: Path, engine: str) -> str:
    """A digest of everything but seed and options that a result of `problem_file` depends on.

    Parameters
    ----------
    problem_file : Path
        A problem file.
    engine : str
        The `engine_digest` of the run.
    """
    files, foreign = _walk(problem_file.resolve())
    digest = hashlib.sha256(engine.encode())
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + _content(file))
    for name in sorted(foreign):
        digest.update(f"{name}={_version(name)};".encode())
    return digest.hexdigest()


def key(problem_fingerprint: str, problem: str, claim: str, options: Mapping[str, Any]) -> str:
    """The cache key of one claim under the given options."""
    text = json.dumps([FORMAT, problem_fingerprint, problem, claim, dict(options)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def engine_digest() -> str:
    """A digest of derivcheck's own sources, the libraries' versions, Python and the machine's kind."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parent.parent
    for file in sorted(_sources(package)):
        digest.update(str(file.relative_to(package)).encode() + b"\0" + _content(file))
    for name in _LIBRARIES:
        digest.update(f"{name}={_version(name)};".encode())
    digest.update(f"{sys.version}|{platform.machine()}|{sys.platform}".encode())
    return digest.hexdigest()


def _sources(package: Path) -> Iterable[Path]:
    for child in package.iterdir():
        if child.name in _SHOWING_ONLY:
            continue
        if child.is_file():
            yield child
        else:
            yield from (f for f in child.rglob("*") if f.is_file() and "__pycache__" not in f.parts)


def _content(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


@lru_cache(maxsize=256)
def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"


def _walk(start: Path) -> tuple[set[Path], set[str]]:
    """The author's own files that running `start` can import, and the installed top-level modules."""
    folder = start.parent
    files: set[Path] = set()
    foreign: set[str] = set()
    todo = [start]
    while todo:
        file = todo.pop()
        if file in files:
            continue
        files.add(file)
        modules, relative = imports(file.read_bytes())
        if relative:
            todo.extend(_package(file))
        for module in modules:
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top == "derivcheck":
                continue
            own = _own_files(module, folder)
            if own:
                todo.extend(own)
            else:
                foreign.add(top)
    return files, foreign


@lru_cache(maxsize=1024)
def imports(source: bytes) -> tuple[tuple[str, ...], bool]:
    """Every module that a source names in an import, and whether it imports neighbours relatively.

    Imports inside functions count; ``from a import b`` names a and a.b.  What cannot be parsed imports nothing, and
    running it will say why.  Remembered, since a run asks after every claim whether anything was edited.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return (), False
    modules: list[str] = []
    relative = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            relative = True
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules += (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    return tuple(dict.fromkeys(modules)), relative


def _package(file: Path) -> list[Path]:
    """Where a module of a package imports its neighbours relatively, the whole package counts."""
    root = file.parent
    while (root.parent / "__init__.py").is_file():
        root = root.parent
    return [f.resolve() for f in root.rglob("*.py")]


def _own_files(module: str, folder: Path) -> list[Path]:
    """The files that importing `module` runs, if it is the author's own: beside the problem or on a plain path."""
    parts = module.split(".")
    plain = [Path(p or ".") for p in sys.path if "site-packages" not in p and "lib/python" not in p.replace("\\", "/")]
    for root in (folder, *plain):
        out: list[Path] = []
        here = root
        for part in parts:
            here = here / part
            if here.with_suffix(".py").is_file():
                out.append(here.with_suffix(".py").resolve())
                break
            if (here / "__init__.py").is_file():
                out.append((here / "__init__.py").resolve())
        if out:
            return out
    return []
