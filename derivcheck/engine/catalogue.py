"""Which problems there are, read from their files without running them.

``id``, ``title``, ``topic``, ``summary`` and ``sources`` stand in the file as constants of the call
``problem = Problem(...)``; `ast` reads them, so that listing imports neither NumPy nor SymPy nor the problems.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from derivcheck.diagnostics import Diagnostic, DiagnosticError
from derivcheck.engine.fingerprint import imports
from derivcheck.engine.places import Place

FIELDS = ("id", "title", "topic", "summary", "sources")


@dataclass(frozen=True)
class Entry:
    """A problem file and what it says of itself."""

    id: str
    title: str
    topic: str
    summary: str
    sources: tuple[str, ...]
    path: Path

    def place(self, claim: str) -> Place:
        """Where `claim` is written, as far as it can be read: in the file or in a module beside it."""
        return self._places.get(claim, Place(self.path, 0))

    @cached_property
    def _places(self) -> dict[str, Place]:
        # Read when first asked for: a list of problems has no use for it.
        return _claim_places(self.path)


def problems_folder() -> Path:
    """The problems that come with derivcheck: inside an installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_problems"
    return installed if installed.is_dir() else package.parent / "problems"


def own_problems(complaints: list[Diagnostic] | None = None) -> list[Entry]:
    """Every problem that comes with derivcheck, ordered by topic and id.

    Parameters
    ----------
    complaints : list, optional
        Where to put what is wrong with a file, so that the others can still be used.

    Raises
    ------
    DiagnosticError
        Without `complaints`, if a file cannot be read or two problems have one id.
    """
    return read_all(problem_files([problems_folder()]), complaints)


def problem_files(paths: Iterable[Path]) -> list[Path]:
    """The Python files at or below `paths`; names that start with an underscore or a dot are helpers."""
    out: dict[Path, None] = {}
    for path in paths:
        found = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in found:
            inner = file.relative_to(path).parts if path.is_dir() else ()
            if not any(part.startswith(("_", ".")) for part in inner):
                out[file.resolve()] = None
    return list(out)


def read_all(files: Iterable[Path], complaints: list[Diagnostic] | None = None) -> list[Entry]:
    """The entries of `files`, ordered by topic and id; `complaints` as for `own_problems`.

    Raises
    ------
    DiagnosticError
        DC104 if two problems have one id; what `read` raises.
    """
    entries: dict[str, Entry] = {}
    for file in files:
        try:
            entry = read(file)
            other = entries.get(entry.id)
            if other is not None:
                raise DiagnosticError(Diagnostic("DC104", f"'{entry.id}' is also the id of {other.path}", str(file)))
        except DiagnosticError as error:
            if complaints is None:
                raise
            complaints.append(error.diagnostic)
        else:
            entries[entry.id] = entry
    return sorted(entries.values(), key=lambda e: (e.topic, e.id))


def read(path: Path) -> Entry:
    """What the problem file at `path` says of itself.

    Raises
    ------
    DiagnosticError
        DC101 if it cannot be parsed, DC102 if it holds no problem, DC103 if a field is not a constant.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise DiagnosticError(Diagnostic("DC101", error.msg, str(path), error.lineno or 0)) from error
    except (OSError, ValueError) as error:
        raise DiagnosticError(Diagnostic("DC101", str(error), str(path))) from error
    constants: dict[str, ast.expr] = {}
    call: ast.Call | None = None
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            name, value = node.target.id, node.value
        else:
            continue
        constants[name] = value
        if name == "problem" and isinstance(value, ast.Call) and _called(value) == "Problem":
            call = value
    if call is None:
        raise DiagnosticError(
            Diagnostic(
                "DC102", "no 'problem = Problem(...)' at the top level", str(path), help="see docs/adding-a-problem.md"
            )
        )
    given = dict(zip(FIELDS, call.args, strict=False)) | {k.arg: k.value for k in call.keywords if k.arg}
    fields: dict[str, str | tuple[str, ...]] = {}
    for name in FIELDS:
        node_of = given.get(name)
        fields[name] = _constant(name, node_of, constants, path, call.lineno)
    sources = fields["sources"]
    return Entry(
        id=str(fields["id"]),
        title=str(fields["title"]),
        topic=str(fields["topic"]),
        summary=str(fields["summary"]),
        sources=sources if isinstance(sources, tuple) else (sources,),
        path=path,
    )


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _constant(
    name: str, node: ast.expr | None, constants: dict[str, ast.expr], path: Path, line: int
) -> str | tuple[str, ...]:
    if isinstance(node, ast.Name):
        node = constants.get(node.id)
    if node is None:
        raise DiagnosticError(Diagnostic("DC103", f"'{name}' is missing or cannot be found", str(path), line))
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if name == "sources" and isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if name != "sources" and isinstance(value, str):
        return value
    wanted = "a tuple of strings" if name == "sources" else "a string"
    raise DiagnosticError(Diagnostic("DC103", f"'{name}' must be {wanted} written out", str(path), node.lineno))


def _claim_places(path: Path) -> dict[str, Place]:
    """Where the claims of the problem file at `path` are written: there, else in a module beside it that it imports."""
    out: dict[str, Place] = {}
    todo = [path]
    for file in todo:
        # What cannot be parsed is a complaint of those who run the file.
        with contextlib.suppress(SyntaxError, OSError, ValueError):
            source = file.read_bytes()
            for name, line in _claim_lines(ast.parse(source)):
                out.setdefault(name, Place(file, line))
            beside = (path.with_name(f"{module}.py") for module in imports(source)[0])
            todo += (module for module in beside if module not in todo and module.is_file())
    return out


def _claim_lines(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Calls with a constant ``name=`` (or first argument) that name a claim."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node).lower().endswith("claim"):
            named = next((k.value for k in node.keywords if k.arg == "name"), node.args[0] if node.args else None)
            if isinstance(named, ast.Constant) and isinstance(named.value, str):
                yield named.value, node.lineno


def select(names: Sequence[str] = (), *, topic: str | None = None, everything: bool = False) -> list[Entry]:
    """The problems that a command line names: ids, files, folders, a topic, or all.

    Raises
    ------
    DiagnosticError
        DC001 for an unknown id (with the nearest one), DC002 if nothing is named, DC004 for an unknown topic, DC005 for
        a folder without problem files, and whatever reading the files raises.
    """
    if not (names or topic or everything):
        raise DiagnosticError(
            Diagnostic("DC002", "say which results: ids, files, --topic T or --all", help="derivcheck list shows them")
        )
    complaints: list[Diagnostic] = []
    known: list[Entry] = []
    if topic is not None or any(not _is_path(name) for name in names):
        known = own_problems(complaints)
    chosen: dict[Path, Entry] = {}
    for name in names:
        found = [] if _is_path(name) else [e for e in known if e.id == name]
        if not found:
            path = Path(name)
            if path.is_dir() or (_is_path(name) and path.exists()):
                found = read_all(problem_files([path]))
                if not found:
                    raise DiagnosticError(
                        Diagnostic("DC005", "no problem file in this folder", name, help="see docs/adding-a-problem.md")
                    )
            elif _is_path(name):
                raise DiagnosticError(Diagnostic("DC101", "there is no such file", name))
            else:
                raise DiagnosticError(_unknown("DC001", "problem", name, [e.id for e in known], complaints))
        chosen |= {e.path: e for e in found}
    if topic is not None:
        found = [e for e in known if e.topic == topic]
        if not found:
            raise DiagnosticError(_unknown("DC004", "topic", topic, sorted({e.topic for e in known}), complaints))
        chosen |= {e.path: e for e in found}
    if everything:
        chosen |= {e.path: e for e in own_problems()}
    ids: dict[str, Entry] = {}
    for entry in chosen.values():
        if entry.id in ids:
            raise DiagnosticError(
                Diagnostic("DC104", f"'{entry.id}' is also the id of {ids[entry.id].path}", str(entry.path))
            )
        ids[entry.id] = entry
    return list(ids.values())


def _is_path(name: str) -> bool:
    """Whether a name can only be a path; any other name is an id first, and then perhaps a folder."""
    return name.endswith(".py") or "/" in name or "\\" in name


def _unknown(code: str, what: str, name: str, known: list[str], complaints: list[Diagnostic]) -> Diagnostic:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"derivcheck list shows every {what}"
    if complaints:
        hint += f"; or it is in a file that cannot be used: {complaints[0].file} ({complaints[0].message})"
    return Diagnostic(code, f"no {what} is called '{name}'", help=hint)
