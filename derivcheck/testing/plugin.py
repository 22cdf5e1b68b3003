"""The pytest plugin: problem files are collected, and every claim is a test.

A claim passes when it is as its author says: proved or supported, or, recorded as printed, refuted.  The seed and the
witnesses are pytest's options ``--derivcheck-seed`` and ``--derivcheck-witness``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from derivcheck.engine import ClaimResult, Options, ProblemResult
    from derivcheck.engine.catalogue import Place

INI = "derivcheck_problems"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and the setting."""
    group = parser.getgroup("derivcheck", "derivations as tests")
    group.addoption(
        "--derivcheck", action="append", default=[], metavar="PATH", help="a problem file or a folder of them"
    )
    group.addoption("--derivcheck-seed", type=int, default=0, metavar="N", help="the seed of the derivations' checks")
    group.addoption("--derivcheck-witness", action="append", default=[], metavar="W", help="ask only this witness")
    group.addoption("--derivcheck-deadline", type=float, default=120.0, metavar="S", help="seconds a claim may take")
    parser.addini(INI, "globs of problem files, relative to the root folder", type="linelist", default=[])


def _is_problem(config: pytest.Config, path: Path) -> bool:
    if path.suffix != ".py" or path.name.startswith("_"):
        return False
    for given in config.getoption("--derivcheck"):
        named = (config.invocation_params.dir / given).resolve()
        if path == named or named in path.parents:
            return True
    return any(path in config.rootpath.glob(pattern) for pattern in config.getini(INI))


def pytest_configure(config: pytest.Config) -> None:
    """Folders named by ``--derivcheck`` are collected too; a witness that does not exist is a usage error."""
    witnesses = config.getoption("--derivcheck-witness")
    if witnesses:
        from derivcheck.problem import WITNESSES

        unknown = ", ".join(w for w in witnesses if w not in WITNESSES)
        if unknown:
            raise pytest.UsageError(f"--derivcheck-witness: no witness is called {unknown}; ask {', '.join(WITNESSES)}")
    named = [str(config.invocation_params.dir / given) for given in config.getoption("--derivcheck")]
    if named:
        config.args[:] = list(dict.fromkeys([*_asked(config), *named]))


def _asked(config: pytest.Config) -> list[str]:
    """What was asked for by name; without any, ``--derivcheck`` alone says what to collect."""
    explicit = config.args_source is pytest.Config.ArgsSource.ARGS
    return list(config.args) if explicit else []


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ProblemFile | None:
    """Collect a problem file."""
    if _is_problem(parent.config, file_path):
        return ProblemFile.from_parent(parent, path=file_path)
    return None


class ProblemFile(pytest.File):
    """A problem file; its claims are verified together, when the first of them is asked for."""

    _result: ProblemResult | None = None

    def collect(self) -> Iterator[ClaimItem]:
        """One test a claim."""
        from derivcheck.diagnostics import DiagnosticError
        from derivcheck.engine.catalogue import read
        from derivcheck.engine.loading import load

        try:
            entry = read(self.path)
            names = [c.name for c in load(self.path).claims]
        except DiagnosticError as error:
            raise self.CollectError(str(error)) from error
        for name in names:
            yield ClaimItem.from_parent(self, name=name, place=entry.place(name))

    def options(self) -> Options:
        """The run's options, from pytest's."""
        from derivcheck.engine import Options

        config = self.config
        chosen = tuple(config.getoption("--derivcheck-witness"))
        kinds: dict[str, Any] = {"witnesses": chosen} if chosen else {}
        return Options(
            seed=config.getoption("--derivcheck-seed"), deadline=config.getoption("--derivcheck-deadline"), **kinds
        )

    def result(self) -> ProblemResult:
        """The result of the whole file."""
        if self._result is None:
            from derivcheck.engine import verify_entries
            from derivcheck.engine.catalogue import read

            self._result = verify_entries([read(self.path)], self.options()).results[0]
        return self._result


class ClaimFailed(Exception):
    """A claim is not what its author says it is."""


class ClaimItem(pytest.Item):
    """One claim."""

    parent: ProblemFile

    def __init__(self, *, place: Place, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.place = place

    def runtest(self) -> None:
        """Verify the claim.

        Raises
        ------
        ClaimFailed
            With the statement, the evidence and the diagnostics.
        """
        result = self.parent.result()
        if result.failure:
            raise ClaimFailed(f"{result.failure_code} {result.failure}")
        claim = result.claim(self.name)
        if not claim.as_expected:
            raise ClaimFailed(_account(result, claim))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A failure of the claim as its account alone; anything else as pytest shows it."""
        if isinstance(excinfo.value, ClaimFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the claim stands."""
        return self.place.file, max(self.place.line - 1, 0), self.name


def _account(result: ProblemResult, claim: ClaimResult) -> str:
    from derivcheck.report.findings import claim_errors
    from derivcheck.report.text import witness_line

    errors = list(claim_errors(result, claim))
    # First what pytest's summary has room for.
    lines = [f"{claim.verdict} ({', '.join(dict.fromkeys(d.code for d in errors))})", claim.statement]
    lines += [witness_line(w).plain for w in claim.witnesses]
    lines += [str(d) for d in errors]
    return "\n".join(lines)
