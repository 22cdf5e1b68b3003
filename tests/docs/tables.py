"""Tables in ``docs/`` that are taken from the code.

``python tests/docs/tables.py`` writes them anew; a test compares.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

from derivcheck.diagnostics import CODES
from derivcheck.proof import kernel

DOCS = Path(__file__).resolve().parents[2] / "docs"

#: The kernel's modules in the order in which a reader should meet them.
MODULES = ("logic", "quantifiers", "equality", "algebra", "matrices", "order", "ranges", "binders", "analysis")


def rules() -> dict[str, str]:
    """Every function of the kernel that returns a theorem, with the first paragraph of its docstring."""
    found = [
        f
        for name in kernel.__all__
        if inspect.isfunction(f := getattr(kernel, name)) and f.__annotations__.get("return") == "Theorem"
    ]
    found.sort(key=lambda f: (MODULES.index(f.__module__.rpartition(".")[2]), f.__code__.co_firstlineno))
    return {f.__name__: " ".join((inspect.getdoc(f) or "").split("\n\n")[0].split()) for f in found}


def kernel_rules() -> str:
    """The kernel's rules, in its order."""
    lines = ["| rule | what it allows |", "|---|---|"]
    for name, text in rules().items():
        plain = text.replace("``", "`").replace("|", r"\|")
        lines.append(f"| `{name}` | {plain} |")
    return "\n".join(lines) + "\n"


def diagnostic_codes() -> str:
    """The codes of messages."""
    lines = ["| code | what happened |", "|---|---|"]
    lines += [f"| `{code}` | {title} |" for code, (title, _) in CODES.items()]
    return "\n".join(lines) + "\n"


#: Page -> (the name between its markers, the table).
TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "trusted-base.md": ("kernel rules", kernel_rules),
    "reading-a-report.md": ("codes", diagnostic_codes),
}


def parts(page: str, name: str) -> tuple[str, str, str]:
    """What stands before, between and after the markers called `name`.

    Raises
    ------
    ValueError
        If the page has no such markers.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    start, stop = page.index(begin) + len(begin), page.index(end)
    return page[:start], page[start:stop], page[stop:]


if __name__ == "__main__":
    for file, (name, table) in TABLES.items():
        before, _, after = parts((DOCS / file).read_text(encoding="utf-8"), name)
        (DOCS / file).write_text(before + table() + after, encoding="utf-8")
