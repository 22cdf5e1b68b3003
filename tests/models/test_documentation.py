"""The page about the model layer prints what it says it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def outputs() -> list[tuple[str, str]]:
    """What each block of the page prints, and what the page says it prints."""
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, object] = {}
    found = []
    for code, said in blocks:
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            exec(compile(code, str(PAGE), "exec"), names)
        found.append((stream.getvalue(), said))
    return found


def test_every_block_prints_what_stands_below_it() -> None:
    found = outputs()
    assert len(found) == PAGE.read_text().count("```python")
    for printed, said in found:
        assert [line.rstrip() for line in printed.splitlines()] == [line.rstrip() for line in said.splitlines()]
